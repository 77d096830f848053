"""What each provider costs in one of its intervals, beside the least that it could cost.

The account is polled as often as it wants to be until each device had its turn: Enectiva and Traxes
are asked device by device, in small shares. Everything is on a clock that is driven; the provider's
stands still while nothing is to change there.
"""

import argparse
import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from statistics import median
from typing import Any, Final

import aiohttp
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, HomeAssistant, callback
import orjson

from benchmarks.house import Entry, calm, core, entry_of, settled
from benchmarks.measure import holds, span, tell, tidy
from benchmarks.simulated import Simulated, simulated
from custom_components.energy_connect import context
from custom_components.energy_connect.core.clock import Clock
from custom_components.energy_connect.core.model import Device
from custom_components.energy_connect.core.vocabulary import Kind
from custom_components.energy_connect.providers import PROVIDERS

HOLD: Final = 20.0
"""The longest that a poll should hold the event loop, in ms."""

STATES: Final = ("nothing changed", "all measured anew")
"""What became of the provider since it was read: its clock stood still, or moved on."""

type Devices = Mapping[str, Device]


def _count(devices: Devices, kind: Kind) -> int:
    return sum(device.kind is kind for device in devices.values())


def _least_enectiva(devices: Devices) -> int:
    # Readings are listed by meter alone, and the last token, of 300 s, has ended (vendor).
    return _count(devices, Kind.METER) + 1


def _least_traxes(devices: Devices) -> int:
    # The newest reading is had by entity alone: no list carries one (vendor).
    return len(devices)


def _least_ev_energy(devices: Devices) -> int:
    # Lists with the newest log expanded, 100 rows a page (vendor); of sessions the newest page.
    lists = (Kind.VEHICLE, Kind.CHARGER)
    return 1 + sum(max(1, ceil(_count(devices, kind) / 100)) for kind in lists)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An account of many devices; `knobs` makes it of a number, `least` is by what it has.

    `later` are the seconds after which the simulator has measured everything anew.
    """

    key: str
    later: float
    sizes: Sequence[int]
    knobs: Callable[[int], Mapping[str, Any]]
    least: Callable[[Devices], int]


SUBJECTS: Final = (
    Subject(
        key="enectiva",
        later=900.0,
        sizes=(10, 100, 1000),
        knobs=lambda count: {"generated_meters": count},
        least=_least_enectiva,
    ),
    Subject(
        key="traxes",
        later=900.0,
        sizes=(10, 100, 1000),
        knobs=lambda count: {"cars": count},
        least=_least_traxes,
    ),
    Subject(
        key="ev_energy",
        later=300.0,
        sizes=(10, 100, 1000),
        # The limit of 1,000 requests an hour stands still with the clock.
        knobs=lambda count: {
            "vehicles": count,
            "chargers": count,
            "home": False,
            "charging_sessions_days": 60,
            "rate_limit": 1_000_000,
        },
        least=_least_ev_energy,
    ),
    # All that it measures comes in one answer (vendor).
    Subject(key="kostal", later=10.0, sizes=(1,), knobs=lambda _: {}, least=len),
)


class Time:
    """The account's clocks. The monotonic one alone moves while nothing happens at the provider."""

    def __init__(self, now: datetime) -> None:
        """Begin with the provider's time."""
        self._now = now.astimezone(UTC)
        self._passed = 0.0

    def clock(self) -> Clock:
        """Return them as an account takes them."""
        return Clock(now=lambda: self._now, monotonic=lambda: self._passed, sleep=asyncio.sleep)

    @property
    def passed(self) -> float:
        """Seconds since the beginning."""
        return self._passed

    def wait(self, seconds: float) -> None:
        """Let the account believe that so much has passed."""
        self._passed += seconds

    def follow(self, seconds: float) -> None:
        """Go with the provider's clock."""
        self._now += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it left."""

    method: str
    url: Any
    rest: Mapping[str, Any]


@contextmanager
def sending() -> Iterator[list[Sent]]:
    """Keep what is sent."""
    sent: list[Sent] = []
    # Home Assistant makes the session by itself: it can't be given a tracer.
    session_class: Any = aiohttp.ClientSession
    true = session_class._request  # noqa: SLF001 - see above

    async def request(session: Any, method: str, url: Any, **rest: Any) -> Any:
        sent.append(Sent(method, url, rest))
        return await true(session, method, url, **rest)

    session_class._request = request  # noqa: SLF001 - see above
    try:
        yield sent
    finally:
        session_class._request = true  # noqa: SLF001 - see above


@dataclass(slots=True)
class Costs:
    """Of one state: CPU seconds, requests and polls of each round."""

    ours: list[float] = field(default_factory=list[float])
    fetched: list[float] = field(default_factory=list[float])
    requests: list[int] = field(default_factory=list[int])
    polls: list[int] = field(default_factory=list[int])
    writes: int = 0
    hold: float = 0.0


class Rig:
    """An account in a house, and its floor."""

    def __init__(
        self, hass: HomeAssistant, providers: Simulated, subject: Subject, entry: Entry, time: Time
    ) -> None:
        """Take what is set up."""
        self.entry = entry
        self._hass = hass
        self._providers = providers
        self._time = time
        interval = PROVIDERS[subject.key].interval
        assert interval is not None
        self._interval = interval.default
        self._later = subject.later
        self._session = aiohttp.ClientSession()

    async def close(self) -> None:
        """Let go of the floor's connection."""
        await self._session.close()

    async def round(self) -> int:
        """Poll whenever the account wants to be for one interval; return how often that was."""
        ends = self._time.passed + self._interval
        polls = 0
        while self._time.passed < ends:
            assert self.entry.runtime_data.update_interval is not None
            self._time.wait(self.entry.runtime_data.update_interval.total_seconds())
            await self.entry.runtime_data.async_refresh()
            await settled(self._hass)
            assert self.entry.runtime_data.last_error is None
            polls += 1
        return polls

    async def change(self, state: str) -> None:
        """Let the provider's time stand still or pass."""
        if state == STATES[1]:
            await self._providers.advance(self._later)
            self._time.follow(self._later)

    async def fetch(self, sent: Sequence[Sent]) -> None:
        """Send the same, the plainest way."""
        for one in sent:
            async with self._session.request(one.method, one.url, **one.rest) as answer:
                orjson.loads(await answer.read())

    async def repeat(self, state: str, costs: Costs) -> None:
        """Measure a round, its floor beside it."""
        await self.change(state)
        with tidy():
            with sending() as sent, span() as ours:
                polls = await self.round()
            with span() as fetched:
                await self.fetch(sent)
        costs.ours.append(ours.cpu)
        costs.fetched.append(fetched.cpu)
        costs.requests.append(len(sent))
        costs.polls.append(polls)

    async def watch(self, state: str, costs: Costs) -> None:
        """Find out what a round writes, and how long it holds the loop: both take time themselves."""

        @callback
        def count(_: Event[Any]) -> None:
            costs.writes += 1

        await self.change(state)
        remove = self._hass.bus.async_listen(EVENT_STATE_CHANGED, count)
        with tidy(), holds() as hold:
            await self.round()
        remove()
        costs.hold = hold.longest


async def identified(hass: HomeAssistant, providers: Simulated, key: str) -> Entry:
    """Return an entry as the wizard would make it."""
    provider = PROVIDERS[key]
    keys = {one.key for one in provider.fields}
    typed = {name: value for name, value in providers.credentials[key].items() if name in keys}
    identity = (await provider.identify(context.build_context(hass, typed)))[0]
    return entry_of(key, identity.data, f"{key}_{identity.account_id}")


async def measure(
    hass: HomeAssistant, providers: Simulated, subject: Subject, size: int, repeats: int
) -> None:
    """Measure an account of so many devices."""
    provider = PROVIDERS[subject.key]
    what = f"{provider.name}, {size} devices"
    time = Time(await providers.hold())
    vars(context)["system_clock"] = time.clock
    await providers.turn(subject.key, **subject.knobs(size))
    entry = await identified(hass, providers, subject.key)
    calm()
    with holds() as hold, span() as taken:
        await hass.config_entries.async_add(entry)
        await settled(hass)
    tell(f"{what}: set-up", taken.cpu, "s CPU")
    tell(f"{what}: set-up, longest hold", hold.longest * 1000, "ms")
    rig = Rig(hass, providers, subject, entry, time)
    with holds() as hold, span() as taken:
        await rig.round()
    # Enectiva and Traxes are read in it for the first time, most of them.
    tell(f"{what}: first interval", taken.cpu, "s CPU")
    tell(f"{what}: first interval, longest hold", hold.longest * 1000, "ms")
    # What is asked for seldom brings entities for some time.
    states = 0
    while states < (states := len(hass.states.async_all())):
        await rig.round()
    # The floor's connection is opened.
    for state in STATES:
        await rig.repeat(state, Costs())
    calm()
    costs = {state: Costs() for state in STATES}
    for state in STATES:
        await rig.watch(state, costs[state])
    for _ in range(repeats):
        for state in STATES:
            await rig.repeat(state, costs[state])
    least = subject.least(entry.runtime_data.everything)
    for state in STATES:
        report(provider.name, size, state, costs[state], least)
    await rig.close()


def report(provider: str, size: int, state: str, costs: Costs, least: int) -> None:
    """Tell the medians of one state."""
    ours, fetched = median(costs.ours), median(costs.fetched)
    polls = median(costs.polls)
    tell(
        f"{provider}, {size} devices, {state}",
        ours / fetched,
        "x fetch and parse",
        provider=provider,
        devices=size,
        state=state,
        polls=polls,
        ms=round(ours * 1000, 2),
        fetch_ms=round(fetched * 1000, 2),
        us_a_device=round((ours - fetched) * 1e6 / size, 1),
        requests=median(costs.requests),
        least=least,
        writes=costs.writes,
    )
    what = f"{provider}, {size} devices, {state}: longest hold"
    tell(what, costs.hold * 1000, "ms", HOLD)


async def run(subjects: Sequence[Subject], sizes: Sequence[int], repeats: int) -> None:
    """Measure all in one run, each account in a house of its own."""
    for subject in subjects:
        for size in subject.sizes:
            if not sizes or size in sizes or len(subject.sizes) == 1:
                async with simulated() as providers, core() as hass:
                    await measure(hass, providers, subject, size, repeats)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments and run."""
    known = [subject.key for subject in SUBJECTS]
    parser = argparse.ArgumentParser(prog="scripts/bench providers", description=__doc__)
    parser.add_argument("--providers", nargs="+", choices=known, default=known)
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of devices")
    parser.add_argument("--repeats", type=int, help="how often each state is measured")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, rougher figures")
    args = parser.parse_args(arguments)
    subjects = [subject for subject in SUBJECTS if subject.key in args.providers]
    sizes = args.sizes or ((10, 100) if args.quick else ())
    asyncio.run(run(subjects, sizes, args.repeats or (2 if args.quick else 3)))


if __name__ == "__main__":
    main()
