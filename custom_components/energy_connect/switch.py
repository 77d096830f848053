"""Switches: what a device can be told to do or to leave."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control import ControlEntity, add_controls
from .coordinator import EnergyConfigEntry
from .core.controls import Switch

PARALLEL_UPDATES = 0  # the account serialises its commands per device


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the switches of all devices."""
    await add_controls(entry, async_add_entities, Switch, ControlSwitch)


class ControlSwitch(ControlEntity[Switch], SwitchEntity):
    """Something that is on or off."""

    @override
    def _show(self, control: Switch) -> object:
        self._attr_is_on = control.value
        return control.value

    @override
    def _forget(self) -> object:
        self._attr_is_on = None
        return None

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Switch it on."""
        await self._tell(True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Switch it off."""
        await self._tell(False)
