"""Numbers: limits that a device can be given."""

from typing import Final, override

from homeassistant.components.number import NumberDeviceClass, NumberEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control import ControlEntity, add_controls
from .coordinator import EnergyConfigEntry, EnergyCoordinator
from .core.controls import Range
from .core.model import Device
from .core.vocabulary import Action

PARALLEL_UPDATES = 0  # the account serialises its commands per device

_CLASSES: Final = {
    Action.MAX_CURRENT: NumberDeviceClass.CURRENT,
    Action.LIMIT_FEED_IN: NumberDeviceClass.POWER,
}


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the numbers of all devices."""
    await add_controls(entry, async_add_entities, Range, ControlNumber)


class ControlNumber(ControlEntity[Range], NumberEntity):
    """A number between two others."""

    def __init__(
        self, coordinator: EnergyCoordinator, device: Device, action: Action, kind: type[Range]
    ) -> None:
        """Take the device class of the action."""
        super().__init__(coordinator, device, action, kind)
        self._attr_device_class = _CLASSES.get(action)

    @override
    def _show(self, control: Range) -> object:
        self._attr_native_value = control.value
        self._attr_native_min_value = control.minimum
        self._attr_native_max_value = control.maximum
        self._attr_native_step = control.step
        self._attr_native_unit_of_measurement = control.unit
        return control.value, control.minimum, control.maximum, control.step, control.unit

    @override
    def _forget(self) -> object:
        self._attr_native_value = None
        return None

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Set it."""
        await self._tell(value)
