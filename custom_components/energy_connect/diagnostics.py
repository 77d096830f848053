"""What helps to find a fault, and is safe to post: no secret, id, serial, name or place."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from .const import CONF_PROVIDER
from .coordinator import EnergyConfigEntry
from .core.model import Device
from .core.options import POLL_INTERVAL
from .entity import key_name
from .providers import PROVIDERS


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: EnergyConfigEntry
) -> dict[str, Any]:
    """Return the account's state; of what was entered only what is known to be harmless."""
    provider = PROVIDERS[entry.data[CONF_PROVIDER]]
    harmless = {field.key for field in (*provider.fields, *provider.options) if field.shown}
    harmless.add(POLL_INTERVAL)
    known = {
        "provider": provider.key,
        "state": entry.state.value,
        "entered": {key: entry.data[key] for key in entry.data if key in harmless},
        "options": {key: entry.options[key] for key in entry.options if key in harmless},
    }
    # An account that can't be opened is the one whose diagnostics are asked for.
    if entry.state is not ConfigEntryState.LOADED:
        return known
    coordinator = entry.runtime_data
    error = coordinator.last_error
    return known | {
        "poll": {
            "success": coordinator.last_update_success,
            "interval": str(coordinator.update_interval),
            "devices_left_out": len(coordinator.hidden),
            "last_error": str(error) if error else None,
        },
        "account": dict(coordinator.account.diagnostics()),
        "history": None if coordinator.history is None else coordinator.history.diagnostics(),
        "advice": [item.kind for item in coordinator.data.advice],
        "devices": [_device(device) for device in coordinator.data.devices.values()],
    }


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
        "detail": sorted(key_name(key) for key in device.detail),
    }
