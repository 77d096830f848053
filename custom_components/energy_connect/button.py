"""Buttons: what a device can be told to do once."""

from typing import override

from homeassistant.components.button import ButtonEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control import ControlEntity, actions_of
from .coordinator import EnergyConfigEntry, EnergyCoordinator
from .core.controls import Press
from .core.model import Device
from .core.vocabulary import Action
from .entity import EnergyEntity, add_entities

PARALLEL_UPDATES = 0  # the account serialises its commands per device


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons of all devices."""
    await add_entities(entry, async_add_entities, actions_of(Press), _make)


def _make(coordinator: EnergyCoordinator, device: Device, action: Action) -> EnergyEntity:
    return ControlButton(coordinator, device, action, Press)


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
