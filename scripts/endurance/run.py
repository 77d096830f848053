"""The days: what happens when, and what has to hold after each."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
import json
import logging
import operator
import os
from pathlib import Path
from random import Random
import time
from typing import Any, Final
import weakref

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from simulator import Simulator

from . import census, truth
from .accounts import Person
from .clock import START, Clock
from .guests import Guests, guests
from .house import House
from .loop import DrivenLoop
from .trouble import PROVIDERS, Trouble

_HOUR: Final = 3600.0
_QUIET_BEFORE: Final = 3
"""Hours at the beginning of the first day in which nothing is troubled."""
_QUIET_FROM: Final = 19
"""The hour of each day from which nothing is troubled, so that the count after it compares."""
_SAMPLES: Final = 12
_BETWEEN_SAMPLES: Final = 7.0
_GROWTH: Final = 0.02
_LEAVE: Final = 4
_GONE: Final = 10
_BACK: Final = 13
_DAILY: Final = ("enode", "traxes", "ev_energy")
"""Whose devices leave and come back every day."""
_AWAY: Final = range(2, 5)
"""The days at whose end Enectiva lacks some."""
_RESTART: Final = 15
_REFUSED: Final = 7
_REFUSAL: Final = "ERROR Authentication failed while fetching Traxes data"


@dataclass(slots=True)
class Day:
    """What is told of a day."""

    day: int
    requests: int = 0
    renewals: int = 0
    checked: int = 0
    behind: dict[str, float] = field(default_factory=dict[str, float])
    sign_ins: int = 0
    restarts: int = 0
    wrong: list[str] = field(default_factory=list[str])


class Soak:
    """One run."""

    def __init__(
        self, clock: Clock, loop: DrivenLoop, folder: Path, days: int, devices: int, seed: int
    ) -> None:
        """Prepare; nothing runs yet."""
        self.clock, self.loop = clock, loop
        self.days, self.devices = days, devices
        self.dice = Random(seed)  # noqa: S311 - trouble, not secrets
        self.simulator = Simulator(seed=seed)
        self.house = House(folder, loop)
        self.person = Person(self.house, self.simulator)
        self.trouble = Trouble(self.simulator, self.house, self.person, self.dice)
        self.log = census.Log()
        self.today = Day(1)
        self.failed: list[str] = []
        self._entities: dict[str, str] = {}
        self._first: dict[str, Counter[str]] = {}
        self._memory: float | None = None
        self._houses: weakref.WeakSet[HomeAssistant] = weakref.WeakSet()
        self._guests: dict[str, Guests] = {}
        self._began = time.perf_counter()
        self._refusal_expected = False
        self._came_later: set[str] = set()

    async def run(self) -> None:
        """Live through all days."""
        logging.getLogger().addHandler(self.log)
        async with self.simulator:
            os.environ.update(self.simulator.environment())
            self._populate()
            await self._start()
            for provider in PROVIDERS:
                # A task of its own, with a context that ends with it.
                await asyncio.create_task(self.person.set_up(provider))
            for day in range(1, self.days + 1):
                self.today = Day(day)
                await self._day(day)
            await self.trouble.stop()
            await self.house.stop()
        self._fail(f"the simulator failed: {one!r}" for one in self.simulator.failures)

    def _populate(self) -> None:
        sim, count = self.simulator, self.devices
        sim.enectiva.knobs.generated_meters = count
        sim.enode.knobs.vehicles = count
        sim.traxes.knobs.cars = count
        sim.ev_energy.knobs.vehicles = count - count // 2
        sim.ev_energy.knobs.chargers = count // 2
        # A pair rotates every hour, instead of twice a day.
        sim.ev_energy.knobs.token_lifetime = _HOUR
        self._guests = guests(sim)
        self.loop.driver.on_the_wire = self.house.waits_for_answers

    async def _start(self) -> None:
        self._houses.add(await self.house.start())

    def _fail(self, wrong: Any) -> None:
        for one in wrong:
            self.today.wrong.append(one)
            self.failed.append(f"day {self.today.day}: {one}")

    # A day

    async def _day(self, day: int) -> None:
        midnight = (day - 1) * 24 * _HOUR
        if day > 1:
            self.trouble.late_and_wrong(self.simulator.clock.now())
        for hour in range(24):
            if hour == _QUIET_BEFORE and day == 1:
                await self._count_first()
            if _QUIET_FROM > hour >= (_QUIET_BEFORE if day == 1 else 0):
                self.trouble.hour()
            await self._events(day, hour)
            ends = midnight + (hour + 1) * _HOUR
            await asyncio.sleep(max(0.0, ends - self.clock.elapsed))
            self._hour_is_over(day, hour)
        await self._day_is_over(day)

    async def _events(self, day: int, hour: int) -> None:
        if hour == _LEAVE:
            for provider in _DAILY:
                self._guests[provider].leave()
        if hour == _GONE:
            self._check_gone(*_DAILY)
            for provider in _DAILY:
                self._guests[provider].come_back()
        if hour == _BACK:
            self._check_back(*_DAILY)
        # Its lists are read twice a day, and three without a meter are needed.
        if hour == 0 and day == 2 and self.days >= 5:
            self._guests["enectiva"].leave()
        if hour == _GONE and day == 4 and self.days >= 5:
            self._check_gone("enectiva")
            self._guests["enectiva"].come_back()
        if hour == _GONE and day == 5:
            self._check_back("enectiva")
        if hour == _RESTART and (day % 2 == 0 or self.days == 1):
            await self._restart()
        if hour == _REFUSED and day == 3:
            await self._refuse()

    def _check_gone(self, *providers: str) -> None:
        entries = self.person.entries()
        for provider in providers:
            here = self._guests[provider].registered(self.house.hass, entries[provider])
            if here:
                self._fail([f"{provider}: {len(here)} devices that left are still there"])

    def _check_back(self, *providers: str) -> None:
        entries = self.person.entries()
        for provider in providers:
            group = self._guests[provider]
            missing = group.ids - group.registered(self.house.hass, entries[provider])
            if missing:
                self._fail([f"{provider}: {len(missing)} devices did not come back"])

    async def _restart(self) -> None:
        """Stop in the midst of it all, and start again a minute and a half later."""
        for provider in PROVIDERS:
            self.trouble.trouble(provider, 600)
        self._fail(f"lives on after the end: {one}" for one in await self.house.stop())
        await asyncio.sleep(90)
        await self._start()
        self.today.restarts += 1

    async def _refuse(self) -> None:
        """Let Traxes refuse the credentials; the person is asked, and enters better ones."""
        knobs, traxes = self.simulator.traxes.knobs, self.simulator.traxes
        self.trouble.trouble("traxes", 2 * _HOUR)
        self._refusal_expected = True
        knobs.client_secret = "traxes-another-secret"
        traxes.revoke_tokens()
        await asyncio.sleep(0.7 * _HOUR)
        asked = self.person.sign_ins()
        if len(asked) != 1:
            self._fail([f"{len(asked)} requests to sign in after one refusal"])
        refusals = [line for line in self.log.unexpected if _REFUSAL in line]
        if [self.log.unexpected.pop(line) for line in refusals] != [1]:
            self._fail([f"{len(refusals)} lines in the log of one refusal"])
        for flow in asked:
            await asyncio.create_task(self.person.sign_in_again(flow, "traxes"))
            self.today.sign_ins += 1
        self._refusal_expected = False

    # What has to hold

    def _hour_is_over(self, day: int, hour: int) -> None:
        today, journal = self.today, self.simulator.journal
        requests = journal.requests()
        today.requests += len(requests)
        today.renewals += sum(one.method == "POST" and "token" in one.path for one in requests)
        # It would be the largest thing in this process before long.
        journal.clear()
        if self.person.sign_ins() and not self._refusal_expected:
            self._fail([f"{hour}:00 asked for a sign-in: {self.person.sign_ins()}"])
        if day == 1 and hour < 1:
            return
        for provider, entry in self.person.entries().items():
            if not self.trouble.calm(provider):
                continue
            if provider in _DAILY and _LEAVE <= hour < _BACK:
                continue
            if entry.state is not ConfigEntryState.LOADED:
                self._fail([f"{hour}:59 {provider} is {entry.state}: {entry.reason}"])
                continue
            away = self._away(provider, day, hour)
            seen = truth.look(self.house.hass, self.simulator, provider, entry, away)
            today.checked += seen.checked
            today.behind[provider] = max(today.behind.get(provider, 0.0), round(seen.behind))
            if seen.wrong:
                self._fail([f"{hour}:59 {len(seen.wrong)} wrong of {provider}: {seen.wrong[:3]}"])

    def _away(self, provider: str, day: int, hour: int) -> frozenset[str]:
        """Return Enectiva's meters that may be on their way: its lists are read twice a day."""
        travels = provider == "enectiva" and self.days >= 5
        if travels and (2, 0) <= (day, hour) < (5, _GONE):
            return self._guests[provider].ids
        return frozenset()

    async def _counts(
        self, merge: Callable[[list[Counter[str]]], Counter[str]]
    ) -> dict[str, Counter[str]]:
        """Count several times: polls come and go meanwhile, what leaks stays."""
        samples = []
        for _ in range(_SAMPLES):
            samples.append(
                {
                    "listeners": census.listeners(self.house.hass, self.person.entries()),
                    "tasks": census.tasks(),
                    "timers": census.timers(self.loop),
                }
            )
            await asyncio.sleep(_BETWEEN_SAMPLES)
        return {what: merge([one[what] for one in samples]) for what in samples[0]}

    async def _count_first(self) -> None:
        self._first = await self._counts(_most)
        self._entities = self._registry()

    def _registry(self) -> dict[str, str]:
        """Return the entity ids of all entities of the accounts by what makes them unique."""
        registry = er.async_get(self.house.hass)
        return {
            f"{item.domain} {item.unique_id}": item.entity_id
            for entry in self.person.entries().values()
            for item in er.async_entries_for_config_entry(registry, entry.entry_id)
        }

    async def _day_is_over(self, day: int) -> None:
        hass = self.house.hass
        self._check_entities()
        counts = await self._counts(_least)
        for what, found in counts.items():
            more = found - self._first[what] - self._listen_since(what)
            if more:
                self._fail([f"more {what} than at the beginning: {dict(more)}"])
        entries = self.person.entries()
        compared, wrong = await truth.statistics(
            hass, self.simulator, entries["enectiva"], START, troubled=day > 1
        )
        if wrong:
            self._fail([f"{len(wrong)} of {compared} hours: {wrong[:3]}"])
        if self.trouble.wrong:
            self._fail(self.trouble.wrong)
            self.trouble.wrong.clear()
        if self.log.unexpected:
            self._fail(f"log: {count} x {line}" for line, count in self.log.unexpected.items())
        rss, sqlite, blocks = census.memory()
        if len(self._houses) > 1:
            self._fail([f"{len(self._houses) - 1} stopped Home Assistants are still held"])
        # Its cache of pages grows with the database up to a limit that the recorder sets.
        held = rss - sqlite
        growth = None if self._memory is None else held / self._memory - 1
        if self._memory is None:
            self._memory = held
        elif growth is not None and growth > _GROWTH:
            self._fail([f"{growth:.1%} more memory than after the first day"])
        self._tell((rss, sqlite, blocks), growth, compared, counts)
        self.log.unexpected.clear()

    def _check_entities(self) -> None:
        now = self._registry()
        lost = self._entities.keys() - now.keys()
        renamed = {key for key, name in self._entities.items() if now.get(key, name) != name}
        if self.today.day in _AWAY and self.days >= 5:
            guests = self._guests["enectiva"]
            lost = {one for one in lost if not any(each in one for each in guests.ids)}
            # Gone at the provider, and not yet missing in three of its lists.
            away = guests.ids | guests.hosts
            now = {key: one for key, one in now.items() if not any(each in key for each in away)}
        if lost:
            self._fail([f"{len(lost)} entities lost: {sorted(lost)[:3]}"])
        if renamed:
            self._fail([f"{len(renamed)} entities have another id: {sorted(renamed)[:3]}"])
        new = now.keys() - self._entities.keys()
        self._came_later = {one for one in new if self._of_a_first_session(one)}
        new -= self._came_later
        if new:
            self._fail([f"{len(new)} entities more: {sorted(new)[:3]}"])
        states = self.house.hass.states
        unavailable = [
            name
            for name in now.values()
            if (state := states.get(name)) is not None and state.state == STATE_UNAVAILABLE
        ]
        if unavailable:
            self._fail([f"{len(unavailable)} unavailable: {unavailable[:3]}"])

    def _of_a_first_session(self, entity: str) -> bool:
        """Tell whether an entity is about the sessions of a charger that had none before.

        A charger offers them from the first session that names it.
        """
        charger, found, _ = entity.partition("_last_session_")
        if not found:
            charger, found, _ = entity.partition("_session_")
        known = any(one.startswith(f"{charger}_") and "session" in one for one in self._entities)
        return bool(found) and "_evse" in charger and not known

    def _listen_since(self, what: str) -> Counter[str]:
        """Return the listeners of entities that came later for a good reason."""
        registry = er.async_get(self.house.hass)
        here = self._registry()
        ids = [here[one] for one in self._came_later if what == "listeners"]
        enabled = [one for one in map(registry.async_get, ids) if one and not one.disabled]
        return Counter({"ev_energy coordinator": len(enabled)})

    def _tell(
        self,
        memory: tuple[float, float, int],
        growth: float | None,
        compared: int,
        counts: dict[str, Counter[str]],
    ) -> None:
        today = self.today
        rss, sqlite, blocks = memory
        line = {
            "day": today.day,
            "until": dt_util.utcnow().isoformat(timespec="seconds"),
            "devices": self.devices * (len(PROVIDERS) - 1) + 1,
            "entities": len(self._registry()),
            "requests": today.requests,
            "renewals": today.renewals,
            "faults": self.trouble.counted.total(),
            "commands": dict(self.trouble.commands),
            "restarts": today.restarts,
            "sign_ins": today.sign_ins,
            "states_checked": today.checked,
            "behind_s": today.behind,
            "hours_compared": compared,
            "tasks": counts["tasks"].total(),
            "listeners": counts["listeners"].total(),
            "timers": counts["timers"].total(),
            "houses": len(self._houses),
            "rss_mib": round(rss, 1),
            "sqlite_mib": round(sqlite, 1),
            "growth": None if growth is None else round(growth, 4),
            "blocks": blocks,
            "log_expected": self.log.expected.total(),
            "jumps": self.loop.driver.jumps,
            "real_s": round(time.perf_counter() - self._began, 1),
            "cpu_s": round(time.process_time(), 1),
            "ok": not today.wrong,
        }
        print(json.dumps(line), flush=True)
        for one in today.wrong:
            print(f"soak: day {today.day}: {one}", flush=True)


def _most(counts: list[Counter[str]]) -> Counter[str]:
    return reduce(operator.or_, counts)


def _least(counts: list[Counter[str]]) -> Counter[str]:
    return reduce(operator.and_, counts)


def run(clock: Clock, folder: Path, days: int, devices: int, seed: int) -> int:
    """Run; return the exit code."""
    # Nothing is printed but what this run has to say.
    logging.getLogger().setLevel(logging.WARNING)
    loop = DrivenLoop(clock)
    asyncio.set_event_loop(loop)
    soak = Soak(clock, loop, folder, days, devices, seed)
    try:
        loop.run_until_complete(soak.run())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    if soak.failed:
        print(f"soak: {len(soak.failed)} checks failed in {days} days")
        return 1
    print(f"soak: {days} days ok")
    return 0
