"""A house with one account: Home Assistant's core, the simulator, and a clock that is driven."""

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping
from datetime import timedelta
import socket
import time
from typing import Any, Final, override

from aiohttp.abc import AbstractResolver, ResolveResult
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry, ConfigFlowResult
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.coordinator import EnergyCoordinator
from custom_components.energy_connect.core.account import Provider
from custom_components.energy_connect.providers import PROVIDERS
from simulator import Simulator
from simulator.server import Knobs, ProviderServer
from tests.accounts import begin, credentials

STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    **{key: (key,) for key in PROVIDERS},
    "ev_energy": ("ev_energy", "ev_energy_credentials"),
}
_END_TOKENS: Final = {
    "enectiva": "forget_access_tokens",
    "enode": "forget_tokens",
    "traxes": "revoke_tokens",
    "ev_energy": "end_all_tokens",
}
# After so many turns of the loop in which nothing happened, only time can help.
_IDLE_TURNS: Final = 120
_IDLE_TURN: Final = 0.0003
_STEP: Final = 2.0

type Entry = ConfigEntry[EnergyCoordinator]


class Names(AbstractResolver):
    """Knows `localhost` alone, and that only while it may."""

    def __init__(self) -> None:
        """Know it."""
        self.known = True

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host != "localhost" or not self.known:
            raise OSError(None, "DNS lookup failed")
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    @override
    async def close(self) -> None:
        """Hold nothing open."""

    async def real_close(self) -> None:
        """As Home Assistant wants to call it."""


class Stage:
    """One account of one provider, and all that may happen to it.

    Time stands still until `advance`, or until nothing but time can get things on: then it runs
    in steps of 2 s. Timeouts, pauses and polls are all on that one clock, of the loop too.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        simulator: Simulator,
        freezer: FrozenDateTimeFactory,
        names: Names,
        provider: str,
    ) -> None:
        """Take the surroundings; nothing is set up yet."""
        self.hass = hass
        self.simulator = simulator
        self.names = names
        self.provider = provider
        self.typed = credentials(simulator, provider)
        self._freezer = freezer

    @property
    def server(self) -> ProviderServer[Knobs]:
        """The provider's simulated servers."""
        return self.simulator.servers[self.provider]

    @property
    def elsewhere(self) -> ProviderServer[Knobs]:
        """Another provider's servers, where nothing of this account belongs."""
        other = "enectiva" if self.provider != "enectiva" else "enode"
        return self.simulator.servers[other]

    @property
    def known(self) -> Provider:
        """The provider as the integration knows it."""
        return PROVIDERS[self.provider]

    def end_tokens(self) -> None:
        """End all access tokens at the provider."""
        self.server.work()[_END_TOKENS[self.provider]]({})

    # Time

    async def settle[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Do something and wait for its end; time runs only when nothing else helps."""
        task = asyncio.ensure_future(work)
        idle = 0
        while not task.done():
            began = time.thread_time()
            await asyncio.sleep(0)
            idle = 0 if time.thread_time() - began > _IDLE_TURN else idle + 1
            if idle > _IDLE_TURNS // 4:
                _REAL_SLEEP(_IDLE_TURN)
            if idle > _IDLE_TURNS:
                self._freezer.tick(timedelta(seconds=_STEP))
                idle = 0
        return task.result()

    async def quiet(self) -> None:
        """Wait until all that was begun has ended."""
        for _ in range(3):
            await asyncio.sleep(0)
        await self.settle(self.hass.async_block_till_done(wait_background_tasks=True))

    async def advance(self, seconds: float) -> None:
        """Let time pass, and what is due then happen."""
        self._freezer.tick(timedelta(seconds=seconds))
        await self.quiet()

    def now(self) -> float:
        """Return the driven clock's seconds."""
        return time.monotonic()

    # The account

    async def open_wizard(self) -> ConfigFlowResult:
        """Go to the provider's form."""
        return await self.settle(begin(self.hass, *STEPS[self.provider]))

    async def submit(
        self, flow: ConfigFlowResult, typed: Mapping[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Send the form, and take the first account if there are several."""
        flows = self.hass.config_entries.flow
        answer = dict(self.typed if typed is None else typed)
        result = await self.settle(_one(flows.async_configure(flow["flow_id"], answer)))
        if result.get("step_id") == "account":
            again = flows.async_configure(flow["flow_id"], {"account": "0"})
            result = await self.settle(_one(again))
        await self.quiet()
        return result

    async def set_up(self) -> Entry:
        """Add the account with the wizard, and wait for its values."""
        result = await self.submit(await self.open_wizard())
        entry: Entry = result["result"]
        # What a first poll has no time for comes with the following ones.
        for _ in range(3):
            await self.next_poll(entry)
        return entry

    async def next_poll(self, entry: Entry) -> None:
        """Go to the account's next poll."""
        await self.advance(self.interval(entry) + 1)

    def interval(self, entry: Entry) -> float:
        """Return the seconds until the account's next poll."""
        coordinator = getattr(entry, "runtime_data", None)
        interval = None if coordinator is None else coordinator.update_interval
        return 30.0 if interval is None else interval.total_seconds()

    def values(self, entry: Entry) -> dict[str, str]:
        """Return the states of the account's entities that are known."""
        registry = er.async_get(self.hass)
        found: dict[str, str] = {}
        for item in er.async_entries_for_config_entry(registry, entry.entry_id):
            state = self.hass.states.get(item.entity_id)
            if state is not None and state.state not in {STATE_UNAVAILABLE, STATE_UNKNOWN}:
                found[item.entity_id] = state.state
        return found

    def unavailable(self, entry: Entry) -> set[str]:
        """Return the account's entities that are shown as unavailable."""
        registry = er.async_get(self.hass)
        return {
            item.entity_id
            for item in er.async_entries_for_config_entry(registry, entry.entry_id)
            if (state := self.hass.states.get(item.entity_id)) is not None
            and state.state == STATE_UNAVAILABLE
        }

    def sign_ins(self) -> list[ConfigFlowResult]:
        """Return the requests for a new sign-in."""
        flows = self.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        return [flow for flow in flows if flow["context"]["source"] == SOURCE_REAUTH]


_REAL_SLEEP: Final = time.sleep


async def _one[T](work: Awaitable[T]) -> T:
    return await work
