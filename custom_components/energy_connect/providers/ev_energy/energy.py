"""Reads home energy: most accounts have none of it, and then it costs four requests in six hours."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from ...core.account import Context
from ...core.model import Device, NumberKey, Reading
from ...core.payload import Json
from ...core.vocabulary import Kind
from .access import Access
from .agenda import RARELY, SELDOM, Feature
from .home import (
    HomeSystem,
    LivePower,
    parse_batteries,
    parse_inverters,
    parse_live_power,
    parse_meters,
    parse_systems,
    parse_today,
    site,
    today_window,
    zone_of,
)
from .parse import Parsed


class ListReader(Protocol):
    """Reads a list of the account whole."""

    async def __call__[T](
        self, path: str, parse: Callable[[Json], Parsed[T]], kind: Kind
    ) -> list[T]:
        """Return the good rows.

        Raises:
            ApiError: the list could not be read.

        """


class HomeEnergy:
    """The home energy systems of an account, with batteries, inverters and meters."""

    def __init__(self, access: Access, context: Context, read_list: ListReader) -> None:
        """Know nothing yet."""
        self._access = access
        self._clock = context.clock
        self._zone = context.zone
        self._read_list = read_list
        self._systems: dict[str, HomeSystem] = {}
        self._live: dict[str, LivePower] = {}
        self._today: dict[str, Mapping[NumberKey, Reading]] = {}
        self._appliances: dict[Kind, dict[str, Device]] = {}
        self._sites: dict[str, tuple[tuple[object, ...], Device]] = {}

    @property
    def present(self) -> bool:
        """Whether the account has any home energy."""
        return bool(self._systems) or any(self._appliances.values())

    def features(self) -> list[Feature]:
        """Return what can be read."""
        return [
            self._systems_feature(),
            self._flow_feature("live_power", self._read_live, self._live, every=0.0),
            self._flow_feature("energy_today", self._read_today, self._today, every=SELDOM),
            self._appliance_feature(
                "batteries", "home_battery:read", "home_batteries", parse_batteries, Kind.BATTERY
            ),
            self._appliance_feature(
                "inverters", "inverter:read", "inverters", parse_inverters, Kind.INVERTER
            ),
            self._appliance_feature(
                "boundary_meters",
                "boundary_meter:read",
                "boundary_meters",
                parse_meters,
                Kind.METER,
            ),
        ]

    def counts(self) -> Mapping[str, int]:
        """Return how many there are of each."""
        return {
            "systems": len(self._systems),
            **{kind.value: len(found) for kind, found in self._appliances.items()},
        }

    def devices(self) -> list[Device]:
        """Return all devices, the systems first, since the others belong to them."""
        found = [self._site(system) for system in self._systems.values()]
        for appliances in self._appliances.values():
            found += appliances.values()
        return found

    def _site(self, system: HomeSystem) -> Device:
        parts = (system, self._live.get(system.id), self._today.get(system.id))
        before = self._sites.get(system.id)
        if before is not None and before[0] == parts:
            return before[1]
        device = site(system, self._live.get(system.id), self._today.get(system.id))
        self._sites[system.id] = (parts, device)
        return device

    def _systems_feature(self) -> Feature:
        async def read() -> None:
            found = await self._read_list("hem_systems", parse_systems, Kind.SITE)
            self._systems = {system.id: system for system in found}
            feature.done(self._clock.monotonic())

        def forget() -> None:
            self._systems = {}

        feature = Feature(
            name="systems", scope="home_energy:read", read=read, forget=forget, every=RARELY
        )
        return feature

    def _flow_feature[T](
        self,
        name: str,
        read_one: Callable[[HomeSystem], Awaitable[T]],
        into: dict[str, T],
        *,
        every: float,
    ) -> Feature:
        """Return the reading of one flow of each system; there is no list of it."""

        async def read() -> None:
            for system in self._systems.values():
                into[system.id] = await read_one(system)
            feature.done(self._clock.monotonic())

        feature = Feature(
            name=name,
            scope="home_energy:read",
            read=read,
            forget=into.clear,
            every=every,
            extra=True,
            after=True,
        )
        return feature

    async def _read_live(self, system: HomeSystem) -> LivePower:
        return parse_live_power(
            (await self._access.get("hem_systems", system.id, "live_power")).json()
        )

    async def _read_today(self, system: HomeSystem) -> Mapping[NumberKey, Reading]:
        zone = await asyncio.to_thread(zone_of, system, self._zone)
        start, end = today_window(self._clock.now(), zone)
        params = [
            ("start", start.isoformat()),
            ("end", end.isoformat()),
            ("resolution", "P1D"),
        ]
        response = await self._access.get("hem_systems", system.id, "energy_stats", params=params)
        return parse_today(response.json())

    def _appliance_feature(
        self,
        name: str,
        scope: str,
        path: str,
        parse: Callable[[Json], Parsed[Device]],
        kind: Kind,
    ) -> Feature:
        async def read() -> None:
            found = await self._read_list(path, parse, kind)
            self._appliances[kind] = {device.id: device for device in found}
            # Who has none is not asked with every poll.
            feature.extra = bool(found)
            feature.done(self._clock.monotonic(), every=0.0 if found else RARELY)

        def forget() -> None:
            self._appliances.pop(kind, None)
            feature.extra = False

        feature = Feature(name=name, scope=scope, read=read, forget=forget)
        return feature
