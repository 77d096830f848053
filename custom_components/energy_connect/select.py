"""Selects: words of which a device can be told one."""

from typing import override

from homeassistant.components.select import SelectEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control import ControlEntity, add_controls
from .coordinator import EnergyConfigEntry
from .core.controls import Options

PARALLEL_UPDATES = 0  # the account serialises its commands per device


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the selects of all devices."""
    await add_controls(entry, async_add_entities, Options, ControlSelect)


class ControlSelect(ControlEntity[Options], SelectEntity):
    """One of several words."""

    @override
    def _show(self, control: Options) -> object:
        self._words = {option.value: option for option in control.options}
        self._attr_options = list(self._words)
        # A value that can be read but not chosen would be no legal state.
        value = control.value if control.value in control.options else None
        self._attr_current_option = value.value if value is not None else None
        return value, control.options

    @override
    def _forget(self) -> object:
        self._attr_current_option = None
        return None

    @override
    async def async_select_option(self, option: str) -> None:
        """Choose one; Home Assistant has checked that it is one of them."""
        await self._tell(self._words[option])
