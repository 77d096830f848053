"""The base of all entities, and the one way in which platforms add them."""

from abc import abstractmethod
import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import batched, chain
from typing import Final, override

from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import EnergyConfigEntry, EnergyCoordinator
from .core.model import Device, Key
from .devices import account_id, device_identifier

_NOTHING: Final = object()
"""What is seen of a device that is not there."""

_ADDED: Final = 50
"""Entities added in one go, each of which takes Home Assistant half a millisecond."""


def key_name(key: Key) -> str:
    """Return the key's place in a unique id: `energy_import`, or `energy_import_l1`."""
    if isinstance(key, tuple):
        quantity, part = key
        return f"{quantity}_{part}" if part else quantity.value
    return key.value


class EnergyEntity(CoordinatorEntity[EnergyCoordinator]):
    """Shows one key of one device; writes only when what it shows, or its availability, changed."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: EnergyCoordinator, device: Device, name: str) -> None:
        """Attach to the device; `name` is the key's place in the unique id."""
        super().__init__(coordinator, context=device.id)
        entry = coordinator.config_entry
        self._device_id = device.id
        self._attr_unique_id = f"{account_id(entry)}_{device.id}_{name}"
        self._attr_device_info = DeviceInfo(identifiers={device_identifier(entry, device)})
        self._here = True
        self._was_available = False
        self._glanced: object = _NOTHING
        self._shown: object = _NOTHING

    def prepare(self) -> None:
        """Take the first state, before Home Assistant asks for it."""
        self._look()

    @override
    async def async_added_to_hass(self) -> None:
        """Listen, and look again at what changed since the entity was made."""
        await super().async_added_to_hass()
        self.prepare()

    @property
    @override
    def available(self) -> bool:
        """Whether the account answers and still reports the device."""
        return self.coordinator.last_update_success and self._here

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Look at the device, and write the state if it is another one."""
        if self._look():
            self.async_write_ha_state()

    def _look(self) -> bool:
        """Look at the device; return whether something else is to be shown than before.

        This is what most of a poll's time goes into: it touches no more than it must.
        """
        coordinator = self.coordinator
        device = coordinator.data.devices.get(self._device_id)
        glance: object = _NOTHING
        here = False
        if device is not None:
            glance = self._glance(device)
            here = device.delivering or self._speaks_of_the_device()
        self._here = here
        available = here and coordinator.last_update_success
        changed = available is not self._was_available
        self._was_available = available
        if glance == self._glanced:
            return changed
        self._glanced = glance
        before, self._shown = self._shown, _NOTHING if device is None else self._take(device)
        return changed or self._shown != before

    def _glance(self, device: Device) -> object:
        """Return that part of the device on which alone `_take` depends.

        Most polls change other parts, and to compare this one costs less than to take it.
        """
        return device

    def _speaks_of_the_device(self) -> bool:
        """Whether the value is good even while the device's measurements are dead."""
        return False

    @abstractmethod
    def _take(self, device: Device) -> object:
        """Set the entity's attributes from the device, and return all of what is shown."""


async def add_entities[K](
    entry: EnergyConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    keys: Callable[[Device], Iterable[K]],
    make: Callable[[EnergyCoordinator, Device, K], EnergyEntity],
) -> None:
    """Add an entity for every key of every device, now and whenever one appears.

    `keys` are the keys of a device that the platform shows, `make` makes the entity of one. In
    slices, since adding ten thousand entities at once would hold the event loop for a second.
    """
    coordinator = entry.runtime_data
    known: dict[str, set[K]] = {}

    def new(devices: Iterable[Device]) -> Iterator[EnergyEntity]:
        for device in devices:
            seen = known.setdefault(device.id, set())
            for key in keys(device):
                if key not in seen:
                    seen.add(key)
                    yield make(coordinator, device, key)

    async def add(entities: Iterator[EnergyEntity]) -> None:
        # They are made in slices, too: to make them takes as long as to add them.
        for some in batched(entities, _ADDED):
            for entity in some:
                entity.prepare()
            async_add_entities(some)
            await asyncio.sleep(0)

    @callback
    def devices_changed(devices: Iterable[Device], removed: Iterable[str]) -> None:
        # A removed device may come back; Home Assistant removed its entities with it.
        for device_id in removed:
            known.pop(device_id, None)
        entities = new(devices)
        if (first := next(entities, None)) is not None:
            entry.async_create_task(
                coordinator.hass,
                add(chain((first,), entities)),
                f"{DOMAIN} add entities",
                eager_start=True,
            )

    # Listening first: a device that appears while the others are being added is not lost.
    entry.async_on_unload(coordinator.listen_to_devices(devices_changed))
    await add(new(coordinator.data.devices.values()))
