"""Events: what happened to a vehicle or charger, and what became of commands."""

from collections.abc import Iterable
from typing import Final, override

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import EnergyConfigEntry, EnergyCoordinator
from .core.changes import Happening, Known, possible, told, watch
from .core.commands import Order
from .core.model import Device
from .core.vocabulary import Moment
from .entity import EnergyEntity, add_entities

PARALLEL_UPDATES = 0

_KEY: Final = "activity"


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add an event entity for every device to which something can happen."""
    await add_entities(entry, async_add_entities, _keys, _make)


def _keys(device: Device) -> Iterable[str]:
    return (_KEY,) if possible(device) else ()


def _make(coordinator: EnergyCoordinator, device: Device, key: str) -> EnergyEntity:
    return ActivityEvent(coordinator, device, key)


class ActivityEvent(EnergyEntity, EventEntity):
    """Tells what happens, one event after the other."""

    _attr_translation_key = _KEY

    def __init__(self, coordinator: EnergyCoordinator, device: Device, key: str) -> None:
        """Know nothing yet."""
        super().__init__(coordinator, device, key)
        self._known: Known | None = None
        self._happened: list[Happening] = []

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the device and to its commands."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.listen_to_orders(self._order_is_over))

    @override
    def _glance(self, device: Device) -> object:
        ended = device.moments.get(Moment.LAST_SESSION_END, Moment.LAST_SESSION_END)
        return device.flags, ended, device.controls.keys()

    @override
    def _take(self, device: Device) -> object:
        events = possible(device)
        self._attr_event_types = [event.value for event in events]
        self._known, happened = watch(self._known, device)
        self._happened += [item for item in happened if item.event in events]
        return events

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Look at the device, and tell what happened to it."""
        super()._handle_coordinator_update()
        happened, self._happened = self._happened, []
        for happening in happened:
            self._happen(happening)

    @callback
    def _order_is_over(self, order: Order) -> None:
        if order.command.device_id != self._device_id or (happening := told(order)) is None:
            return
        if happening.event in self._attr_event_types:
            self._happen(happening)

    @callback
    def _happen(self, happening: Happening) -> None:
        self._trigger_event(happening.event, dict(happening.figures))
        self.async_write_ha_state()
