"""Devices that leave their account for some hours, and come back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from custom_components.energy_connect.const import DOMAIN
from simulator import Simulator
from simulator.enode.frames import asset_id
from simulator.ev_energy.episodes import identifier

from .accounts import Entry

_FEW: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Guests:
    """Some devices of an account: their ids, and how they leave and come back.

    `hosts` are the buildings that they leave; without a meter of an energy those lack its values.
    """

    provider: str
    ids: frozenset[str]
    hosts: frozenset[str] = frozenset()
    leave: Callable[[], None]
    come_back: Callable[[], None]

    def registered(self, hass: HomeAssistant, entry: Entry) -> set[str]:
        """Return which of them Home Assistant has."""
        prefix = f"{entry.unique_id}:"
        return {
            device_id
            for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
            for domain, text in device.identifiers
            if domain == DOMAIN
            and (device_id := text.removeprefix(prefix).partition(":")[2]) in self.ids
        }


def guests(simulator: Simulator) -> dict[str, Guests]:
    """Return the devices that travel, by provider: the last few of each."""
    enectiva, enode = simulator.enectiva.knobs, simulator.enode.knobs
    traxes, ev_energy = simulator.traxes.knobs, simulator.ev_energy.knobs
    meters, cars, vehicles = enectiva.generated_meters, enode.vehicles, ev_energy.vehicles
    entities = [simulator.traxes.fleet.id(f"car-{one}") for one in _last(traxes.cars)]
    found = (
        Guests(
            provider="enectiva",
            ids=frozenset(f"meter_{20_000 + one}" for one in _last(meters)),
            hosts=frozenset(
                f"entity_{meter.entity}" for meter in simulator.enectiva.portfolio.meters[-_FEW:]
            ),
            leave=lambda: setattr(enectiva, "generated_meters", meters - _FEW),
            come_back=lambda: setattr(enectiva, "generated_meters", meters),
        ),
        Guests(
            provider="enode",
            ids=frozenset(asset_id(f"vehicle {one}") for one in _last(cars)),
            leave=lambda: setattr(enode, "vehicles", cars - _FEW),
            come_back=lambda: setattr(enode, "vehicles", cars),
        ),
        Guests(
            provider="traxes",
            ids=frozenset(entities),
            leave=lambda: setattr(traxes, "hidden", frozenset(entities)),
            come_back=lambda: setattr(traxes, "hidden", frozenset()),
        ),
        Guests(
            provider="ev_energy",
            ids=frozenset(identifier("vhcl", one) for one in _last(vehicles)),
            leave=lambda: setattr(ev_energy, "vehicles", vehicles - _FEW),
            come_back=lambda: setattr(ev_energy, "vehicles", vehicles),
        ),
    )
    return {one.provider: one for one in found}


def _last(count: int) -> range:
    return range(count - _FEW, count)
