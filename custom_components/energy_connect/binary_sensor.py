"""Binary sensors: one description per flag of the vocabulary."""

from collections.abc import Iterable
from typing import Final, override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import EnergyConfigEntry, EnergyCoordinator
from .core.model import Device
from .core.vocabulary import Flag
from .entity import EnergyEntity, add_entities

PARALLEL_UPDATES = 0

_CLASSES: Final = {
    Flag.PLUGGED_IN: BinarySensorDeviceClass.PLUG,
    Flag.CHARGING: BinarySensorDeviceClass.BATTERY_CHARGING,
    Flag.PRODUCING: BinarySensorDeviceClass.RUNNING,
    Flag.ACTIVE: BinarySensorDeviceClass.RUNNING,
    Flag.ONLINE: BinarySensorDeviceClass.CONNECTIVITY,
    Flag.FAULT: BinarySensorDeviceClass.PROBLEM,
    Flag.OWNER_ACTION_NEEDED: BinarySensorDeviceClass.PROBLEM,
    Flag.LOGIN_BROKEN: BinarySensorDeviceClass.PROBLEM,
    Flag.DATA_LATE: BinarySensorDeviceClass.PROBLEM,
}
_ABOUT_THE_DEVICE: Final = frozenset(
    {
        Flag.ONLINE,
        Flag.FAULT,
        Flag.OWNER_ACTION_NEEDED,
        Flag.LOGIN_BROKEN,
        Flag.DATA_LATE,
    }
)
FLAGS: Final = {
    flag: BinarySensorEntityDescription(
        key=flag,
        translation_key=flag,
        device_class=_CLASSES.get(flag),
        entity_category=EntityCategory.DIAGNOSTIC if flag in _ABOUT_THE_DEVICE else None,
    )
    for flag in Flag
}


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the binary sensors of all devices."""
    await add_entities(entry, async_add_entities, _keys, _make)


def _keys(device: Device) -> Iterable[Flag]:
    return device.flags


def _make(coordinator: EnergyCoordinator, device: Device, key: Flag) -> EnergyEntity:
    return FlagSensor(coordinator, device, key)


class FlagSensor(EnergyEntity, BinarySensorEntity):
    """A yes or no."""

    def __init__(self, coordinator: EnergyCoordinator, device: Device, key: Flag) -> None:
        """Describe the flag."""
        super().__init__(coordinator, device, key.value)
        self.entity_description = FLAGS[key]
        self._key = key
        self._attr_entity_registry_enabled_default = key not in device.detail

    @override
    def _glance(self, device: Device) -> object:
        return device.flags.get(self._key)

    @override
    def _take(self, device: Device) -> object:
        self._attr_is_on = value = device.flags.get(self._key)
        return value

    @override
    def _speaks_of_the_device(self) -> bool:
        return self._key in _ABOUT_THE_DEVICE
