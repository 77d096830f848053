"""What helps to find a fault, and is safe to post: no secret, id, serial, name or place."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from .const import CONF_PROVIDER
from .coordinator import EnergyConfigEntry, EnergyCoordinator
from .core.budget import Budget
from .core.commands import Ended
from .core.controls import Control
from .core.model import Device
from .core.options import POLL_INTERVAL
from .devices import device_identifier
from .entity import key_name
from .providers import PROVIDERS


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: EnergyConfigEntry
) -> dict[str, Any]:
    """Return the account's state; of what was entered only what is known to be harmless."""
    known = _entered(entry)
    # An account that can't be opened is the one whose diagnostics are asked for.
    if entry.state is not ConfigEntryState.LOADED:
        return known
    coordinator = entry.runtime_data
    devices = coordinator.data.devices
    return known | {
        **_account(coordinator),
        "history": None if coordinator.history is None else coordinator.history.diagnostics(),
        "advice": [item.kind for item in coordinator.data.advice],
        "commands": _commands(coordinator, devices),
        "devices": [_device(device) for device in devices.values()],
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: EnergyConfigEntry, device: dr.DeviceEntry
) -> dict[str, Any]:
    """Return one device's state, and of its account what the device depends on."""
    known = _entered(entry)
    if entry.state is not ConfigEntryState.LOADED:
        return known
    coordinator = entry.runtime_data
    mine = {
        item.id: item
        for item in coordinator.data.devices.values()
        if device_identifier(entry, item) in device.identifiers
    }
    return known | {
        **_account(coordinator),
        "reported": bool(mine),
        "advice": [item.kind for item in coordinator.data.advice if item.subject in mine],
        "commands": _commands(coordinator, mine),
        "device": next(map(_device, mine.values()), None),
    }


def _entered(entry: EnergyConfigEntry) -> dict[str, Any]:
    provider = PROVIDERS[entry.data[CONF_PROVIDER]]
    harmless = {field.key for field in (*provider.fields, *provider.options) if field.shown}
    harmless.add(POLL_INTERVAL)
    return {
        "provider": provider.key,
        "state": entry.state.value,
        "entered": {key: entry.data[key] for key in entry.data if key in harmless},
        "entered_names": sorted(entry.data),
        "options": {key: entry.options[key] for key in entry.options if key in harmless},
        "option_names": sorted(entry.options),
    }


def _account(coordinator: EnergyCoordinator) -> dict[str, Any]:
    error = coordinator.last_error
    return {
        "poll": {
            "success": coordinator.last_update_success,
            "interval": str(coordinator.update_interval),
            "read_at": coordinator.read_at,
            "devices_left_out": len(coordinator.hidden),
            "last_error": str(error) if error else None,
        },
        "requests": _requests(coordinator.account.budget),
        "account": dict(coordinator.account.diagnostics()),
    }


def _requests(budget: Budget) -> dict[str, Any]:
    return {
        "total": budget.total,
        "failed": dict(budget.failed),
        "token_exchanges": budget.exchanges,
        "last_hour": budget.spent,
        "per_hour": budget.per_hour,
        "left": budget.available(),
        "quiet_for": round(budget.quiet_for),
    }


def _commands(coordinator: EnergyCoordinator, devices: Mapping[str, Device]) -> list[Any]:
    """Return the newest commands with their outcomes, without the provider's words."""
    orders: Iterable[Ended] = () if coordinator.orders is None else coordinator.orders.recent
    return [
        {
            "action": order.command.action,
            "kind": devices[order.command.device_id].kind,
            "at": order.at,
            "sent": order.sent,
            "outcome": order.outcome.state,
            "reason": order.outcome.reason,
        }
        for order in orders
        if order.command.device_id in devices
    ]


def _device(device: Device) -> dict[str, Any]:
    """Return what a device offers and how it is; numbers with their age, moments as they are."""
    return {
        "kind": device.kind,
        "manufacturer": device.manufacturer,
        "model": device.model,
        "sw_version": device.sw_version,
        "has_parent": device.parent is not None,
        "delivering": device.delivering,
        "tracked": device.tracked,
        "numbers": {
            key_name(key): {
                "value": reading.value,
                "unit": reading.unit or key[0].unit,
                "at": reading.at,
                "since": reading.since,
            }
            for key, reading in device.numbers.items()
        },
        "flags": dict(device.flags),
        "moments": dict(device.moments),
        "choices": dict(device.choices),
        "controls": {action: _control(control) for action, control in device.controls.items()},
        "detail": sorted(key_name(key) for key in device.detail),
        "detail_controls": sorted(device.detail_controls),
    }


def _control(control: Control) -> dict[str, Any]:
    return {"type": type(control).__name__, **asdict(control)}
