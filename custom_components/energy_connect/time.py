"""Times of the day that a device can be given."""

from datetime import time
from typing import override

from homeassistant.components.time import TimeEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control import ControlEntity, add_controls
from .coordinator import EnergyConfigEntry
from .core.controls import TimeOfDay

PARALLEL_UPDATES = 0  # the account serialises its commands per device


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the times of all devices."""
    await add_controls(entry, async_add_entities, TimeOfDay, ControlTime)


class ControlTime(ControlEntity[TimeOfDay], TimeEntity):
    """A time of the day."""

    @override
    def _show(self, control: TimeOfDay) -> object:
        self._attr_native_value = control.value
        return control.value

    @override
    def _forget(self) -> object:
        self._attr_native_value = None
        return None

    @override
    async def async_set_value(self, value: time) -> None:
        """Set it."""
        await self._tell(value)
