"""What an action is about: devices and accounts, as Home Assistant names them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, device_registry as dr
import voluptuous as vol

from .const import DOMAIN
from .coordinator import EnergyConfigEntry, EnergyCoordinator
from .core.errors import CommandRefused, Refusal
from .core.model import Device
from .devices import device_identifier
from .exceptions import command_refused

ATTR_CONFIG_ENTRY_ID: Final = "config_entry_id"


@dataclass(frozen=True, slots=True)
class Target:
    """A device of an account; `registry_id` is what Home Assistant calls it."""

    coordinator: EnergyCoordinator
    device: Device
    registry_id: str


DEVICES: Final = {
    vol.Required(ATTR_DEVICE_ID): vol.All(cv.ensure_list, [cv.string], vol.Length(min=1))
}
ACCOUNT: Final = {vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string}
DEVICES_OR_ACCOUNTS: Final = {
    vol.Optional(ATTR_DEVICE_ID): vol.All(cv.ensure_list, [cv.string]),
    vol.Optional(ATTR_CONFIG_ENTRY_ID): vol.All(cv.ensure_list, [cv.string]),
}


def invalid(key: str, **placeholders: str) -> ServiceValidationError:
    """Return a wrong use of an action, with the words for it."""
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )


@callback
def accounts(hass: HomeAssistant, call: ServiceCall) -> list[EnergyCoordinator]:
    """Return the accounts that a call names by their entries.

    Raises:
        ServiceValidationError: there is none such, or it is not loaded.

    """
    ids = call.data.get(ATTR_CONFIG_ENTRY_ID, ())
    return [_account(hass, entry_id) for entry_id in ([ids] if isinstance(ids, str) else ids)]


@callback
def devices(hass: HomeAssistant, call: ServiceCall) -> list[Target]:
    """Return the devices that a call names.

    Raises:
        ServiceValidationError: one is unknown, of somebody else, or no longer reported.

    """
    return [_device(hass, registry_id) for registry_id in call.data.get(ATTR_DEVICE_ID, ())]


@callback
def devices_of_all(hass: HomeAssistant, call: ServiceCall) -> list[Target]:
    """Return the devices that a call names, and all of the accounts that it names.

    Raises:
        ServiceValidationError: as `devices` and `accounts`; or it names nothing.

    """
    found = {target.registry_id: target for target in devices(hass, call)}
    for coordinator in accounts(hass, call):
        found |= {target.registry_id: target for target in _all(hass, coordinator)}
    if not (call.data.get(ATTR_DEVICE_ID) or call.data.get(ATTR_CONFIG_ENTRY_ID)):
        raise invalid("no_target")
    return list(found.values())


def _account(hass: HomeAssistant, entry_id: str) -> EnergyCoordinator:
    entry: EnergyConfigEntry | None = hass.config_entries.async_get_entry(entry_id)
    if entry is None or entry.domain != DOMAIN:
        raise invalid("account_not_found")
    if entry.state is not ConfigEntryState.LOADED:
        raise invalid("account_not_loaded", account=entry.title)
    return entry.runtime_data


def _device(hass: HomeAssistant, registry_id: str) -> Target:
    registered = dr.async_get(hass).async_get(registry_id)
    if registered is None or not any(domain == DOMAIN for domain, _ in registered.identifiers):
        raise invalid("device_not_found")
    coordinator = _account(hass, registered.config_entry_id)
    for device in coordinator.data.devices.values():
        if device_identifier(coordinator.config_entry, device) in registered.identifiers:
            return Target(coordinator, device, registry_id)
    name = registered.name_by_user or registered.name or coordinator.name
    raise command_refused(CommandRefused(Refusal.DEVICE_GONE), name)


def _all(hass: HomeAssistant, coordinator: EnergyCoordinator) -> Iterator[Target]:
    registry = dr.async_get(hass)
    entry = coordinator.config_entry
    for device in coordinator.data.devices.values():
        identifier = device_identifier(entry, device)
        registered = registry.async_get_device_by_identifier(identifier, entry.entry_id)
        if registered is not None:
            yield Target(coordinator, device, registered.id)
