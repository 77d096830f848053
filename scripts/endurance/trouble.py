"""What befalls the accounts: faults, devices that come and go, commands, late and wrong data."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
import datetime as dt
from random import Random
from typing import Any, Final

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er

from simulator import Simulator, faults
from simulator.enectiva.past import Absent, Past, Wrong

from .accounts import Person
from .house import House

PROVIDERS: Final = ("enectiva", "kostal", "enode", "traxes", "ev_energy")

_API: Final = {
    "enectiva": "/[em]*",
    "kostal": "/api/*",
    "enode": "/production/[!o]*",
    "traxes": "/connect/*",
    "ev_energy": "/v2/*",
}
_TOKEN: Final = {
    "enectiva": "/access_tokens",
    "enode": "*/oauth2/token",
    "traxes": "*access_token",
    "ev_energy": "/o/token*",
}
_END_TOKENS: Final = {
    "enectiva": "forget_access_tokens",
    "enode": "forget_tokens",
    "traxes": "revoke_tokens",
    "ev_energy": "expire_access_tokens",
}
_KINDS: Final[dict[str, Callable[[], faults.Action]]] = {
    "500": lambda: faults.Status(status=500),
    "502": lambda: faults.Html(status=502),
    "hang": faults.Hang,
    "429": lambda: faults.rate_limited("90"),
    "429 bare": faults.rate_limited,
    "reset": lambda: faults.Reset(after=0),
    "reset in body": faults.Reset,
    "truncated": faults.Truncated,
    "empty": faults.Empty,
    "html": faults.Html,
}
_SECONDS: Final = (0.0, 0.0, 90.0, 600.0, 2400.0, 7200.0)
"""How long a fault lasts; 0: for the next three requests."""
_RECOVERY: Final = {
    "enectiva": 5400.0, "kostal": 400.0, "enode": 1800.0, "traxes": 5400.0, "ev_energy": 1800.0,
}  # fmt: skip
"""Seconds after a fault in which values may still be older than else: pauses that a 429 asked for,
rests of what was refused, and the queue of what was not asked meanwhile."""


class Trouble:
    """Makes trouble at random, the same for the same seed."""

    def __init__(self, simulator: Simulator, house: House, person: Person, dice: Random) -> None:
        """Leave everything as it is, for now."""
        self._simulator = simulator
        self._house = house
        self._person = person
        self._dice = dice
        self._tasks: set[asyncio.Task[None]] = set()
        self._troubled_until = dict.fromkeys(PROVIDERS, 0.0)
        self.counted: Counter[str] = Counter()
        self.commands: Counter[str] = Counter()
        self.wrong: list[str] = []

    @property
    def under_way(self) -> int:
        """How many faults and commands are under way."""
        return len(self._tasks)

    def calm(self, provider: str) -> bool:
        """Whether nothing has befallen the provider for so long that all is to be as ever."""
        return self._house.loop.time() >= self._troubled_until[provider]

    def hour(self) -> None:
        """Choose what befalls whom within the coming hour."""
        dice = self._dice
        for provider in PROVIDERS:
            if dice.random() < 0.25 and self.calm(provider):
                self._start(self._fault(provider, dice.uniform(0, 3000)))
        for _ in range(2):
            self._start(self._command(dice.uniform(0, 3000)))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.wrong.append(f"the driver failed: {error!r}")

    async def _fault(self, provider: str, after: float) -> None:
        await asyncio.sleep(after)
        dice, given = self._dice, self._simulator.faults
        kinds = [*_KINDS, *(("token down", "tokens ended") if provider in _TOKEN else ())]
        kind, seconds = dice.choice(kinds), dice.choice(_SECONDS)
        self.counted[f"{provider} {kind}"] += 1
        self.trouble(provider, seconds)
        if kind == "tokens ended":
            self._simulator.servers[provider].work()[_END_TOKENS[provider]]({})
            return
        action = faults.Status(status=503) if kind == "token down" else _KINDS[kind]()
        path = (_TOKEN if kind == "token down" else _API)[provider]
        times = None if seconds else 3
        fault = given.add(action, provider=provider, path=path, times=times)
        try:
            await asyncio.sleep(seconds or 3600)
        finally:
            given.remove(fault)

    def trouble(self, provider: str, seconds: float) -> None:
        """Expect nothing of a provider for so long, and until it has recovered."""
        until = self._house.loop.time() + max(seconds, 3600 if not seconds else 0)
        until += _RECOVERY[provider]
        self._troubled_until[provider] = max(self._troubled_until[provider], until)

    async def _command(self, after: float) -> None:
        """Press something, as a person does now and then."""
        await asyncio.sleep(after)
        if not self._house.runs:
            return
        hass = self._house.hass
        found = self._buttons(hass)
        if not found:
            return
        provider, state = self._dice.choice(found)
        calm = self.calm(provider)
        domain, service, data = _pressed(state, self._dice)
        try:
            await hass.services.async_call(
                domain, service, {"entity_id": state.entity_id, **data}, blocking=True
            )
        except HomeAssistantError as error:
            self.commands[type(error).__name__] += 1
            if calm and type(error) is HomeAssistantError:
                self.commands[f"in calm: {state.domain} of {provider}: {error}"] += 1
        else:
            self.commands["done"] += 1

    def _buttons(self, hass: HomeAssistant) -> list[tuple[str, State]]:
        registry = er.async_get(hass)
        found: list[tuple[str, State]] = []
        for provider, entry in self._person.entries().items():
            some = er.async_entries_for_config_entry(registry, entry.entry_id)
            states = [hass.states.get(one.entity_id) for one in some if one.domain in _PRESSED]
            good = [one for one in states if one is not None and one.state != STATE_UNAVAILABLE]
            if good:
                found.append((provider, self._dice.choice(good)))
        return found

    def late_and_wrong(self, now: dt.datetime) -> None:
        """Let Enectiva's coming day lack hours for a while, and show some that are corrected."""
        hour = dt.timedelta(hours=1)
        self._start(self._late())
        known = self._simulator.enectiva.past
        self._simulator.enectiva.past = Past(
            absent=(
                *known.absent,
                Absent(start=now + 3 * hour, end=now + 6 * hour, until=now + 11 * hour),
            ),
            wrong=(
                *known.wrong,
                Wrong(start=now + 8 * hour, end=now + 8.25 * hour, until=now + 12 * hour, by=0.1),
            ),
        )

    async def _late(self) -> None:
        """Expect no newer reading while the hours are missing."""
        await asyncio.sleep(3.9 * 3600)
        self.trouble("enectiva", 4 * 3600)

    async def stop(self) -> None:
        """Make no more trouble."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._simulator.faults.clear()


_PRESSED: Final = frozenset({"switch", "button", "number", "select"})


def _pressed(state: State, dice: Random) -> tuple[str, str, dict[str, object]]:
    match state.domain:
        case "switch":
            return "switch", dice.choice(("turn_on", "turn_off")), {}
        case "number":
            low, high = float(state.attributes["min"]), float(state.attributes["max"])
            step = float(state.attributes["step"])
            value = low + round(dice.random() * (high - low) / step) * step
            return "number", "set_value", {"value": min(value, high)}
        case "select":
            return "select", "select_option", {"option": dice.choice(state.attributes["options"])}
    return "button", "press", {}
