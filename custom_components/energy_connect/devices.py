"""The account's devices in Home Assistant's registry: parents first, the gone ones removed."""

import asyncio
from collections.abc import Collection, Mapping, Set as AbstractSet
from itertools import batched
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.typing import UNDEFINED, UndefinedType

from .const import DOMAIN
from .core.model import Device, Poll
from .core.roster import Roster
from .core.vocabulary import Kind

_AT_ONCE: Final = 25
"""Devices registered in one go; then the rest of the house has its turn."""

_SERVICES: Final = frozenset({Kind.ACCOUNT, Kind.BUILDING, Kind.DATA_SERIES, Kind.SITE})


def account_id(entry: ConfigEntry[Any]) -> str:
    """Return what every id of the entry begins with."""
    return entry.unique_id or entry.entry_id


def device_identifier(entry: ConfigEntry[Any], device: Device) -> tuple[str, str]:
    """Return a device's identifier; the kind in it tells which list must have named it."""
    return (DOMAIN, f"{account_id(entry)}:{device.kind}:{device.id}")


class DeviceKeeper:
    """Keeps one entry's devices in the registry as the account reports them."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
        """Remember nothing yet."""
        self._hass = hass
        self._entry = entry
        self._roster = Roster()
        self._registered: dict[str, tuple[object, ...]] = {}
        self._kept: Mapping[str, Device] = {}
        self._nobody_missing_of: AbstractSet[str] = frozenset()

    async def keep(self, poll: Poll) -> set[str]:
        """Register new and renamed devices; remove those that are gone, and return their ids.

        In slices, since the registry takes a while for each new one.
        """
        devices = poll.snapshot.devices
        for some in batched(_new_to(self._kept, devices), _AT_ONCE):
            for device in some:
                self._register(device, devices)
            await asyncio.sleep(0)
        self._kept = devices
        # Whoever is registered was reported; so nobody can be missing until somebody else is.
        if not poll.listed or self._nobody_missing_of == devices.keys():
            return set()
        known = self._known()
        self._nobody_missing_of = devices.keys() if known.keys() <= devices.keys() else frozenset()
        kinds = {device_id: kind for device_id, (kind, _) in known.items()}
        gone = self._roster.gone(kinds, devices, poll.listed)
        for device_id in gone:
            dr.async_get(self._hass).async_remove_device(known[device_id][1])
            self._registered.pop(device_id, None)
        return gone

    def drop(self, ids: Collection[str]) -> set[str]:
        """Remove devices that a person left out; return the ids of those that were registered."""
        known = self._known()
        gone = {device_id for device_id in ids if device_id in known}
        for device_id in gone:
            dr.async_get(self._hass).async_remove_device(known[device_id][1])
            self._registered.pop(device_id, None)
        return gone

    def forget(self, device: dr.DeviceEntry, devices: Mapping[str, Device]) -> set[str] | None:
        """Forget a registered device; return its id if it was ours, None if it is reported."""
        current = {device_identifier(self._entry, item) for item in devices.values()}
        if not current.isdisjoint(device.identifiers):
            return None
        gone = {device_id for device_id, (_, key) in self._known().items() if key == device.id}
        for device_id in gone:
            self._registered.pop(device_id, None)
        return gone

    def _known(self) -> dict[str, tuple[Kind, str]]:
        """Return the registry's devices of the entry: id -> (kind, registry id)."""
        known = {}
        prefix = f"{account_id(self._entry)}:"
        registry = dr.async_get(self._hass)
        for entry in dr.async_entries_for_config_entry(registry, self._entry.entry_id):
            for domain, identifier in entry.identifiers:
                kind, _, device_id = identifier.removeprefix(prefix).partition(":")
                if domain == DOMAIN and identifier.startswith(prefix) and kind in Kind:
                    known[device_id] = (Kind(kind), entry.id)
        return known

    def _register(self, device: Device, devices: Mapping[str, Device]) -> None:
        """Register a device after its parent."""
        described = (
            device.kind,
            device.name,
            device.manufacturer,
            device.model,
            device.serial_number,
            device.sw_version,
            device.hw_version,
            device.mac,
            device.url,
            device.parent,
            device.parent in devices,
        )
        if self._registered.get(device.id) == described:
            return
        if (parent := _parent(device, devices)) is not None:
            self._register(parent, devices)
        registry = dr.async_get(self._hass)
        name = own_name(device)
        if not name and device.kind is Kind.ACCOUNT:
            name = self._entry.title
        registry.async_get_or_create(
            config_entry_id=self._entry.entry_id,
            identifiers={device_identifier(self._entry, device)},
            connections={(dr.CONNECTION_NETWORK_MAC, device.mac)} if device.mac else set(),
            entry_type=dr.DeviceEntryType.SERVICE if device.kind in _SERVICES else None,
            manufacturer=device.manufacturer,
            model=device.model,
            serial_number=device.serial_number,
            sw_version=device.sw_version,
            hw_version=device.hw_version,
            configuration_url=device.url,
            via_device_id=self._via(device, devices),
            name=name or UNDEFINED,
            translation_key=None if name else device.kind.value,
        )
        self._registered[device.id] = described

    def _via(self, device: Device, devices: Mapping[str, Device]) -> str | UndefinedType | None:
        """Return the parent's registry id; the old link stays while the parent is missing."""
        if device.parent and device.parent not in devices:
            return UNDEFINED
        if (parent := _parent(device, devices)) is None:
            return None
        entry = dr.async_get(self._hass).async_get_device_by_identifier(
            device_identifier(self._entry, parent), self._entry.entry_id
        )
        return entry.id if entry else None


def _new_to(kept: Mapping[str, Device], devices: Mapping[str, Device]) -> list[Device]:
    """Return devices that are not the same objects as before, or whose parent came or went."""
    if devices is kept:
        return []
    return [
        device
        for device in devices.values()
        # A parent may come later than what belongs to it.
        if kept.get(device.id) is not device
        or (device.parent in devices) is not (device.parent in kept)
    ]


def own_name(device: Device) -> str:
    """Return what a device is called as far as the provider tells; empty if it does not."""
    return device.name or " ".join(filter(None, (device.manufacturer, device.model)))


def _parent(device: Device, devices: Mapping[str, Device]) -> Device | None:
    """Return the device above; None if it is not reported, or if the way up leads in a circle."""
    parent = above = devices.get(device.parent or "")
    seen = {device.id}
    while above is not None:
        if above.id in seen:
            return None
        seen.add(above.id)
        above = devices.get(above.parent or "")
    return parent
