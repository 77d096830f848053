"""Buttons: what a device can be told to do once."""

from typing import override

from homeassistant.components.button import ButtonEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control import ControlEntity, add_controls
from .coordinator import EnergyConfigEntry
from .core.controls import Press

PARALLEL_UPDATES = 0  # the account serialises its commands per device


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons of all devices."""
    await add_controls(entry, async_add_entities, Press, ControlButton)


class ControlButton(ControlEntity[Press], ButtonEntity):
    """Something that is done once."""

    @override
    def _show(self, control: Press) -> object:
        return None

    @override
    def _forget(self) -> object:
        return None

    @override
    async def async_press(self) -> None:
        """Do it."""
        await self._tell()
