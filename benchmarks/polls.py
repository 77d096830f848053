"""What a poll costs, beside the least that it could cost."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import json
import os
import signal
from statistics import median
import sys
from typing import Any, Final, override

import aiohttp
from homeassistant.components.sensor import DATA_COMPONENT, SensorEntity
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, HomeAssistant, callback
import orjson

from benchmarks.house import Entry, calm, core, entry_of, settled
from benchmarks.measure import holds, resident, span, tell, tidy

SIZES: Final = (10, 100, 1000, 5000)


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
    """The least that a sensor can be."""

    _attr_should_poll = False

    def __init__(self, number: int) -> None:
        """Begin with a value."""
        self.entity_id = f"sensor.minimal_{number}"
        self._attr_native_value = number

    @callback
    def step(self) -> None:
        """Write another value."""
        self._attr_native_value = int(self._attr_native_value or 0) + 1  # type: ignore[arg-type]
        self.async_write_ha_state()


@dataclass(slots=True)
class Costs:
    """Of one case: seconds of each repetition."""

    ours: list[float] = field(default_factory=list[float])
    fetched: list[float] = field(default_factory=list[float])
    written: list[float] = field(default_factory=list[float])
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

    async def prepare(self) -> None:
        """Find out what is asked and written, and make the sensors of the floor."""
        await self.source.order()
        await self.poll()
        self.asked = await self.source.order()
        for case in CASES:
            self.costs[case.name].writes = await self.count_writes(case)
        most = max(costs.writes for costs in self.costs.values())
        self._minimal = [Minimal(number) for number in range(most)]
        await self.hass.data[DATA_COMPONENT].async_add_entities(self._minimal)
        await settled(self.hass)
        calm()

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
            costs.fetched.append(fetched.cpu)
            costs.ours.append(ours.cpu)
            costs.written.append(written.cpu)


async def measure_size(hass: HomeAssistant, source: Fleet, count: int, repeats: int) -> Rig:
    """Measure the polls of an account of so many vehicles."""
    await source.order(vehicles=count)
    entry = entry_of(
        "enode",
        {"environment": "production", "client_id": f"invented-{count}", "client_secret": "invented"},
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
    tell(f"set-up, {count} devices: longest hold", hold.longest * 1000, "ms", by=hold.by)
    tell(f"memory, {count} devices", (resident() - before) * 1024 / count, "kB a device")
    rig = Rig(hass, source, entry)
    await rig.prepare()
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
            ms=round(ours * 1000, 2),
            fetch_ms=round(fetched * 1000, 2),
            write_ms=round(median(costs.written) * 1000, 2),
            writes=costs.writes,
            us_a_device=round(ours * 1e6 / count, 1),
        )
    last = rig.costs["all changed"]
    tell(
        f"poll, {count} devices, all changed, with writes",
        median(last.ours) / (median(last.fetched) + median(last.written)),
        "x fetch, parse and minimal writes",
        1.3,
    )


async def measure_hold(rig: Rig, count: int) -> None:
    """Measure the longest hold while a tenth of the vehicles has new values."""
    longest = []
    by = ""
    for _ in range(5):
        await rig.source.order(values=0.1, times="all")
        with holds() as hold:
            await rig.poll()
        longest.append(hold.longest)
        by = hold.by
    tell(f"longest hold, {count} devices, 10 % changed", max(longest) * 1000, "ms", 50, by=by)


async def run(args: argparse.Namespace) -> None:
    """Measure everything in one run."""
    for count in args.sizes:
        async with core() as hass, fleet() as source:
            rig = await measure_size(hass, source, count, args.repeats)
            await measure_hold(rig, count)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="scripts/bench polls", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--repeats", type=int, default=15)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
