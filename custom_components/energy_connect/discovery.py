"""Announced devices: which are known already, and which could be set up."""

from typing import Any

from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo

from .const import CONF_PROVIDER, DOMAIN
from .core.account import LocalDevice, Provider
from .core.discovery import Announcement, Sighting
from .providers import PROVIDERS


def announced_by(info: DhcpServiceInfo) -> Announcement:
    """Return what the network said, in our terms."""
    return Announcement(host=info.ip, name=info.hostname, mac=dr.format_mac(info.macaddress))


def known_entry(
    hass: HomeAssistant, announced: Announcement
) -> tuple[ConfigEntry[Any], LocalDevice] | None:
    """Return the entry of an announced device, if it was set up, and how its provider knows it."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        if entry.source == SOURCE_IGNORE:
            continue
        provider = PROVIDERS.get(entry.data[CONF_PROVIDER])
        local = None if provider is None else provider.local
        if local is not None and (
            local.is_at(entry.data, announced) or _has_address(hass, entry, announced.mac)
        ):
            return entry, local
    return None


def recognise(announced: Announcement) -> tuple[Provider, Sighting] | None:
    """Return whose device it is, and what is known of it; None if nobody knows it."""
    for provider in PROVIDERS.values():
        if provider.local is not None and (found := provider.local.recognise(announced)):
            return provider, found
    return None


def _has_address(hass: HomeAssistant, entry: ConfigEntry[Any], mac: str) -> bool:
    """Tell whether a registered device of the entry has a network address."""
    connection = (dr.CONNECTION_NETWORK_MAC, mac)
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return any(connection in device.connections for device in devices)
