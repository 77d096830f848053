"""Vehicles on the map, where the owner granted their position."""

from collections.abc import Iterable
from typing import Final, override

from homeassistant.components.device_tracker import TrackerEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import EnergyConfigEntry, EnergyCoordinator
from .core.model import Device
from .entity import EnergyEntity, add_entities

PARALLEL_UPDATES = 0

_POSITION: Final = "position"


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the trackers of all devices whose position is granted."""
    await add_entities(entry, async_add_entities, _keys, _make)


def _keys(device: Device) -> Iterable[str]:
    return (_POSITION,) if device.tracked else ()


def _make(coordinator: EnergyCoordinator, device: Device, key: str) -> EnergyEntity:
    return PositionTracker(coordinator, device, key)


class PositionTracker(EnergyEntity, TrackerEntity):
    """Where a device is; the zone follows from the coordinates."""

    _attr_translation_key = _POSITION

    @override
    def _glance(self, device: Device) -> object:
        return device.position

    @override
    def _take(self, device: Device) -> object:
        position = device.position
        self._attr_latitude = position.latitude if position else None
        self._attr_longitude = position.longitude if position else None
        return position
