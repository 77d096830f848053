"""The moments at which to kill."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
import datetime as dt
import random
from typing import Any, Final

import aiohttp

from custom_components.energy_connect.const import DOMAIN
from scripts.demonstration.home_assistant import NotRunning
from simulator.enectiva.past import Past, Wrong

from .lives import House, Lost
from .rotation import PROVIDER, TOKEN_PATH, Before, InFlight, Sent
from .truth import ours

_REACHED_WITHIN: Final = 60.0
_DAY: Final = dt.timedelta(days=1)
# Seconds after a start at which the import of the past begins by itself.
_BACKFILL: Final = 10.0
BY: Final = 0.25
READINGS: Final = ("*/readings", "*/deltas")
MODE: Final = "*/operation-mode"
KILLS_OF: Final = {"start": 2}
"""Where more than one kill comes of what is aimed at."""


class Aims:
    """Brings a house that runs to the edge, and says when it is there."""

    def __init__(self, house: House, chance: random.Random, today: dt.datetime) -> None:
        """Take the house; `today` is the beginning of a day, from which corrections are counted."""
        self._house = house
        self._chance = chance
        self._tasks: set[asyncio.Task[Any]] = set()
        self.windows = [(today - days * _DAY, today - (days - 2) * _DAY) for days in (6, 13, 20)]
        """The stretches that the provider corrects to and fro."""
        self.of: dict[str, Callable[[], Awaitable[None]]] = {
            "rotation, before the answer": lambda: self._rotation(Before(), 0.2),
            "rotation, answer in flight": lambda: self._rotation(InFlight(), 0.2),
            "rotation, answer sent": lambda: self._rotation(Sent(), 0.03),
            "history, correction": self._correction,
            "history, import": self._import,
            "command": self._command,
            "start": self._start,
            "any time": self._any_time,
        }

    def plan(self, kills: int) -> list[str]:
        """Return what to aim at: of ten kills each kind, in an order that nobody chose."""
        kinds = [
            *("rotation, before the answer", "rotation, answer in flight", "rotation, answer sent"),
            *("history, correction", "history, correction", "history, import"),
            *("command", "any time", "start"),
        ]
        planned: list[str] = []
        left = kills
        while left > 0:
            kind = kinds[len(planned) % len(kinds)]
            planned.append(kind)
            left -= KILLS_OF.get(kind, 1)
        self._chance.shuffle(planned)
        return planned

    async def wait(self, most: float) -> None:
        """Let a while pass that nobody knows."""
        await asyncio.sleep(self._chance.uniform(0.0, most))

    async def forget(self) -> None:
        """Let go of the calls that a kill has cut off."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def _call(self, service: str, *, domain: str = DOMAIN, **data: Any) -> None:
        """Call an action, and wait for no answer: there may be none."""

        async def call() -> None:
            with suppress(aiohttp.ClientError, NotRunning, TypeError, OSError, KeyError):
                await self._house.session.command(
                    "call_service",
                    domain=domain,
                    service=service,
                    service_data=data,
                    return_response=service == "import_history",
                )

        self._tasks.add(asyncio.create_task(call()))

    async def _rotation(self, moment: Before, most: float) -> None:
        faults = self._house.simulator.faults
        self._house.simulator.ev_energy.authorization.tokens.expire_access()
        fault = faults.add(moment, provider=PROVIDER, path=TOKEN_PATH, times=1)
        self._call("refresh", config_entry_id=[self._house.entries[PROVIDER]])
        await self._until(moment.reached.is_set, "no token was asked for")
        faults.remove(fault)
        await self.wait(most)

    async def _correction(self) -> None:
        """Let the provider correct two days, and Home Assistant read them anew."""
        server = self._house.simulator.enectiva
        start, end = self._chance.choice(self.windows)
        wrong = {(one.start, one.end): one for one in server.past.wrong}
        if wrong.pop((start, end), None) is None:
            far = end + 9999 * _DAY
            wrong[start, end] = Wrong(start=start, end=end, until=far, by=BY)
        server.past = Past(wrong=tuple(wrong.values()))
        asked = self._asked("enectiva")
        device = self._chance.choice(await meters(self._house))
        self._call("import_history", device_id=device, start=str(start), end=str(end))
        await self._until(lambda: self._asked("enectiva") > asked, "nothing was read anew")
        await self.wait(1.0)

    async def _import(self) -> None:
        """Clear a statistic, as a person may: all of its past is imported anew."""
        known = sorted(one for one in await ours(self._house) if "_meter_" in one)
        if known:
            chosen = self._chance.choice(known)
            await self._house.session.command("recorder/clear_statistics", statistic_ids=[chosen])
        await asyncio.sleep(_BACKFILL)
        await self.wait(4.0)

    async def _command(self) -> None:
        modes = [
            state
            for state in await self._house.session.get("/api/states")
            if state["entity_id"].startswith("select.") and "options" in state["attributes"]
        ]
        mode = modes[0]
        others = [one for one in mode["attributes"]["options"] if one != mode["state"]]
        self._call(
            "select_option",
            domain="select",
            entity_id=mode["entity_id"],
            option=self._chance.choice(others),
        )
        await self._until(self.sent, "the command was not sent")
        await self.wait(3.5)

    async def _start(self) -> None:
        """Be killed, and once more while starting: the caller begins that life."""
        await self.wait(0.5)

    async def _any_time(self) -> None:
        await self.wait(5.0)

    def sent(self) -> bool:
        """Tell whether a command was sent in this life."""
        return self._house.simulator.journal.count(provider="enode", path=MODE) > 0

    def _asked(self, provider: str) -> int:
        journal = self._house.simulator.journal
        return sum(journal.count(provider=provider, path=path) for path in READINGS)

    async def _until(self, reached: Callable[[], bool], otherwise: str) -> None:
        try:
            async with asyncio.timeout(_REACHED_WITHIN):
                while not reached():  # noqa: ASYNC110 - several have nothing to set one
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise Lost(otherwise) from None


async def meters(house: House) -> list[str]:
    """Return the registry ids of Enectiva's meters."""
    entry_id = house.entries["enectiva"]
    devices = await house.session.command("config/device_registry/list")
    return [
        device["id"]
        for device in devices
        if entry_id in device["config_entries"]
        and any(":meter:" in identifier for _, identifier in device["identifiers"])
    ]
