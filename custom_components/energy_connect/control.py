"""The base of entities that tell a device something."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Final, override

from homeassistant.const import EntityCategory
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import EnergyConfigEntry, EnergyCoordinator
from .core.commands import Command, State
from .core.controls import Control, Value
from .core.model import Device
from .core.vocabulary import Action
from .entity import EnergyEntity, add_entities
from .exceptions import command_failed

PATIENCE: Final = 5.0
"""Seconds that a call waits for the outcome of a command; after that, events tell it."""

_CATEGORIES: Final = {
    Action.SMART_CHARGING: EntityCategory.CONFIG,
    Action.READY_BY: EntityCategory.CONFIG,
    Action.MINIMUM_CHARGE: EntityCategory.CONFIG,
    Action.REFRESH: EntityCategory.DIAGNOSTIC,
}


class ControlEntity[C: Control](EnergyEntity):
    """One control of one device: shows what is wanted while a command runs, else what was read."""

    def __init__(
        self, coordinator: EnergyCoordinator, device: Device, action: Action, kind: type[C]
    ) -> None:
        """Attach to the device; `kind` is the control's class."""
        super().__init__(coordinator, device, action.value)
        self._action = action
        self._kind = kind
        self._attr_translation_key = action.value
        self._attr_entity_category = _CATEGORIES.get(action)
        self._attr_entity_registry_enabled_default = action not in device.detail_controls

    @override
    def _glance(self, device: Device) -> object:
        return self.coordinator.shown(device, self._action)

    @override
    def _take(self, device: Device) -> object:
        control = self.coordinator.shown(device, self._action)
        return self._show(control) if isinstance(control, self._kind) else self._forget()

    @abstractmethod
    def _show(self, control: C) -> object:
        """Set the entity's attributes from the control, and return all of what is shown."""

    @abstractmethod
    def _forget(self) -> object:
        """Show an unknown value: the device does not offer the control now."""

    async def _tell(self, value: Value = None) -> None:
        """Tell the device, and wait a little for the outcome.

        Raises:
            ServiceValidationError: it can't be told this, or not now.
            HomeAssistantError: it failed.

        """
        command = Command(self._device_id, self._action, value)
        outcome = await self.coordinator.perform(command, PATIENCE)
        # A command that a newer one replaced has not failed for whoever gave both.
        if outcome.state in {State.FAILED, State.CANCELLED, State.UNKNOWN} and not outcome.replaced:
            raise command_failed(
                outcome, self.coordinator.device_name(self._device_id), self.coordinator.name
            )


async def add_controls[C: Control](
    entry: EnergyConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    kind: type[C],
    entity: Callable[[EnergyCoordinator, Device, Action, type[C]], ControlEntity[C]],
) -> None:
    """Add an entity for every control of that kind, now and whenever one appears."""

    def actions(device: Device) -> Iterable[Action]:
        return (action for action, control in device.controls.items() if isinstance(control, kind))

    def make(coordinator: EnergyCoordinator, device: Device, action: Action) -> EnergyEntity:
        return entity(coordinator, device, action, kind)

    await add_entities(entry, async_add_entities, actions, make)
