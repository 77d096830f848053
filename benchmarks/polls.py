"""What a poll costs, beside the least that it could cost."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import json
import os
import signal
from statistics import median
import sys
from typing import Any, Final, cast

import aiohttp
from homeassistant.components.sensor import DATA_COMPONENT, SensorEntity
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.entity_platform import async_get_platforms
import orjson

from benchmarks.house import Entry, calm, core, entry_of, settled
from benchmarks.measure import holds, resident, span, tell, tidy
from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.sensor import NumberSensor

SIZES: Final = (10, 100, 1000, 5000)
LINEAR_FROM: Final = 100
"""Below, what a poll costs at all is most of it."""


@dataclass(frozen=True, slots=True)
class Case:
    """What changes between two polls; see `Fleet.change`."""

    name: str
    values: float
    times: str


CASES: Final = (
    Case("same bytes", 0, "none"),
    Case("one timestamp a page", 0, "page"),
    Case("1 % changed", 0.01, "page"),
    Case("all timestamps", 0, "all"),
    Case("all changed", 1, "all"),
)


PROMISED: Final = 1000
"""The number of devices for which there are figures to reach."""

REACH: Final = {"same bytes": 0.8, "one timestamp a page": 1.8}
"""The most that a case may cost, in fetching and parsing the same."""


class Fleet:
    """The process with the vehicles."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        """Take its address."""
        self.url = url
        self._session = session

    async def order(self, **order: Any) -> list[str]:
        """Tell it something; return what was asked since it was told the last time."""
        async with self._session.post(f"{self.url}/control", json=order) as answer:
            asked: list[str] = (await answer.json())["asked"]
        return asked

    async def fetch(self, paths: Sequence[str]) -> None:
        """Ask for the same as the integration did, the plainest way."""
        for path in paths:
            async with self._session.get(
                f"{self.url}{path}", headers={"Authorization": "Bearer invented"}
            ) as answer:
                orjson.loads(await answer.read())


@asynccontextmanager
async def fleet() -> AsyncIterator[Fleet]:
    """Start it, and lead the integration to it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.fleet", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        url = json.loads(await process.stdout.readline())["url"]
        os.environ["ENERGY_CONNECT_ENODE_API_URL"] = url
        os.environ["ENERGY_CONNECT_ENODE_AUTH_URL"] = url
        async with aiohttp.ClientSession() as session:
            yield Fleet(url, session)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


class Minimal(SensorEntity):
    """The least that a sensor can be: neither registered nor on a device, without unit or class."""

    _attr_should_poll = False

    def __init__(self, number: int) -> None:
        """Begin with a value."""
        self.entity_id = f"sensor.minimal_{number}"
        self._number = number
        self._attr_native_value = number

    @callback
    def step(self) -> None:
        """Write another value."""
        self._number += 1
        self._attr_native_value = self._number
        self.async_write_ha_state()


@dataclass(slots=True)
class Costs:
    """Of one case: seconds of each repetition."""

    ours: list[float] = field(default_factory=list[float])
    fetched: list[float] = field(default_factory=list[float])
    written: list[float] = field(default_factory=list[float])
    ordinary: list[float] = field(default_factory=list[float])
    writes: int = 0


class Rig:
    """An account of so many vehicles in a house, and its floor."""

    def __init__(self, hass: HomeAssistant, source: Fleet, entry: Entry) -> None:
        """Take what is set up."""
        self.hass = hass
        self.source = source
        self.entry = entry
        self.asked: list[str] = []
        self.costs = {case.name: Costs() for case in CASES}
        self._minimal: list[Minimal] = []

    async def poll(self) -> None:
        """Poll once, and wait until everything is told."""
        await self.entry.runtime_data.async_refresh()
        await settled(self.hass)

    async def count_writes(self, case: Case) -> int:
        """Return how many states a poll writes."""
        written = 0

        @callback
        def count(_: Event[Any]) -> None:
            nonlocal written
            written += 1

        await self.change(case)
        remove = self.hass.bus.async_listen(EVENT_STATE_CHANGED, count)
        await self.poll()
        remove()
        return written

    async def change(self, case: Case) -> None:
        """Let the vehicles change."""
        await self.source.order(values=case.values, times=case.times)

    async def prepare(self, count: int, states: int) -> None:
        """Find out what is asked and written, and make the sensors of the floor.

        To make them is the floor of setting up so many devices with so many states.
        """
        await self.source.order()
        await self.poll()
        self.asked = await self.source.order()
        for case in CASES:
            self.costs[case.name].writes = await self.count_writes(case)
        most = max(costs.writes for costs in self.costs.values())
        self._minimal = [Minimal(number) for number in range(most)]
        calm()
        before = resident()
        with span() as taken:
            await self.hass.data[DATA_COMPONENT].async_add_entities(self._minimal)
            await settled(self.hass)
        calm()
        share = states / most
        name = f"{count} devices: as many minimal sensors"
        tell(f"set-up, {name}", taken.cpu * share, "s CPU")
        kilobytes = (resident() - before) * 1024
        tell(f"memory, {name}", kilobytes * share / count, "kB a device")

    def write_numbers(self) -> float:
        """Return the seconds that Home Assistant takes to write a state of one of our sensors.

        A registered one with a device, a unit and a class, which is told nothing but a value.
        """
        platforms = async_get_platforms(self.hass, DOMAIN)
        sensors = [
            entity
            for platform in platforms
            for entity in platform.entities.values()
            if isinstance(entity, NumberSensor) and isinstance(entity.native_value, float)
        ]
        with span() as taken:
            for sensor in sensors:
                sensor._attr_native_value = cast(float, sensor._attr_native_value) + 1  # noqa: SLF001 - as if it had looked
                sensor.async_write_ha_state()
        return taken.cpu / len(sensors)

    async def repeat(self) -> None:
        """Measure each case once, its floor beside it."""
        for case in CASES:
            costs = self.costs[case.name]
            await self.change(case)
            with tidy():
                with span() as fetched:
                    await self.source.fetch(self.asked)
                with span() as ours:
                    await self.poll()
                with span() as written:
                    for entity in self._minimal[: costs.writes]:
                        entity.step()
                costs.ordinary.append(self.write_numbers() * costs.writes)
            costs.fetched.append(fetched.cpu)
            costs.ours.append(ours.cpu)
            costs.written.append(written.cpu)


async def measure_size(hass: HomeAssistant, source: Fleet, count: int, repeats: int) -> Rig:
    """Measure the polls of an account of so many vehicles."""
    await source.order(vehicles=count)
    entry = entry_of(
        "enode",
        {
            "environment": "production",
            "client_id": f"invented-{count}",
            "client_secret": "invented",
        },
        f"production_invented-{count}",
    )
    calm()
    before = resident()
    states = len(hass.states.async_all())
    with holds() as hold, span() as taken:
        await hass.config_entries.async_add(entry)
        await settled(hass)
    states = len(hass.states.async_all()) - states
    tell(f"set-up, {count} devices", taken.cpu, "s CPU", wall=round(taken.wall, 2), states=states)
    tell(f"set-up, {count} devices: longest hold", hold.longest * 1000, "ms")
    without = f"set-up, {count} devices: longest hold without the garbage collector"
    tell(without, hold.own * 1000, "ms")
    tell(f"memory, {count} devices", (resident() - before) * 1024 / count, "kB a device")
    rig = Rig(hass, source, entry)
    await rig.prepare(count, states)
    tell(f"requests a poll, {count} vehicles", len(rig.asked), "count", -(-count // 50) + 6)
    for _ in range(repeats):
        await rig.repeat()
    report(count, rig)
    return rig


def report(count: int, rig: Rig) -> None:
    """Tell the medians of an account."""
    for case in CASES:
        costs = rig.costs[case.name]
        ours, fetched = median(costs.ours), median(costs.fetched)
        tell(
            f"poll, {count} devices, {case.name}",
            ours / fetched,
            "x fetch and parse",
            REACH.get(case.name) if count == PROMISED else None,
            devices=count,
            case=case.name,
            ms=round(ours * 1000, 2),
            fetch_ms=round(fetched * 1000, 2),
            write_ms=round(median(costs.written) * 1000, 2),
            writes=costs.writes,
            us_a_device=round(ours * 1e6 / count, 1),
        )
    before, some = rig.costs["one timestamp a page"], rig.costs["1 % changed"]
    tell(
        f"poll, {count} devices, 1 % changed, to one timestamp a page",
        median(some.ours) / median(before.ours),
        "x the case before",
        1.2 if count == PROMISED else None,
    )
    tell(
        f"poll, {count} devices, 1 % changed, to fetch and parse",
        median(some.ours) / median(some.fetched),
        "x fetch and parse",
        1.2 * REACH["one timestamp a page"] if count == PROMISED else None,
    )
    last = rig.costs["all changed"]
    tell(
        f"poll, {count} devices, all changed, with writes",
        median(last.ours) / (median(last.fetched) + median(last.written)),
        "x fetch, parse and minimal writes",
        1.3 if count == PROMISED else None,
    )
    tell(
        f"poll, {count} devices, all changed, with writes of our sensors",
        median(last.ours) / (median(last.fetched) + median(last.ordinary)),
        "x fetch, parse and writes",
    )


async def measure_hold(rig: Rig, count: int, repeats: int) -> None:
    """Measure the longest hold while a tenth of the vehicles has new values."""
    for times, name in (("page", "10 % changed"), ("all", "10 % and all timestamps changed")):
        longest = []
        for _ in range(repeats):
            await rig.source.order(values=0.1, times=times)
            with tidy(), holds() as hold:
                await rig.poll()
            longest.append(hold.longest)
        reach = 50 if times == "page" else None
        tell(f"longest hold, {count} devices, {name}", max(longest) * 1000, "ms", reach)


def tell_growth(costs: Mapping[int, Mapping[str, Costs]]) -> None:
    """Tell how the cost of a device grows with their number."""
    least = min((count for count in costs if count >= LINEAR_FROM), default=0)
    most = max(costs)
    if least in {0, most}:
        return
    for case in CASES:
        small, large = costs[least][case.name], costs[most][case.name]
        tell(
            f"growth, {case.name}, a device of {most} to one of {least}",
            median(large.ours) / most / (median(small.ours) / least),
            "ratio",
            1.1,
        )
    # What Home Assistant's own writes of the same states do with so many in memory.
    name = CASES[-1].name
    small, large = costs[least][name], costs[most][name]
    for what in ("minimal writes", "writes of our sensors"):
        of = "written" if what == "minimal writes" else "ordinary"
        tell(
            f"growth, {name}, {what} alone",
            median(getattr(large, of)) / most / (median(getattr(small, of)) / least),
            "ratio",
        )


async def run(sizes: Sequence[int], repeats: int) -> None:
    """Measure everything in one run."""
    costs = {}
    for count in sizes:
        async with core() as hass, fleet() as source:
            rig = await measure_size(hass, source, count, repeats)
            await measure_hold(rig, count, max(3, repeats // 3))
            costs[count] = rig.costs
    tell_growth(costs)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="scripts/bench polls", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of vehicles")
    parser.add_argument("--repeats", type=int, help="how often each case is measured")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, rougher figures")
    args = parser.parse_args(arguments)
    sizes = args.sizes or (SIZES[:3] if args.quick else SIZES)
    asyncio.run(run(sizes, args.repeats or (3 if args.quick else 15)))


if __name__ == "__main__":
    main()
