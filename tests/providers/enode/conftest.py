"""A simulated Enode, and the surroundings of an account that asks it."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, override
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from custom_components.energy_connect.core.account import Context
from custom_components.energy_connect.providers.enode.account import EnodeAccount
from simulator import Simulator
from simulator.cars import ChargeSession
from simulator.clock import Clock
from simulator.enode import PRODUCTION, EnodeServer
from simulator.faults import Action, Fault
from tests.hand_clock import START, HandClock

HOUSE_ZONE = ZoneInfo("Europe/Lisbon")


class HouseClock(HandClock):
    """A clock that the simulator's follows, also while somebody waits."""

    def __init__(self, sim: Simulator) -> None:
        super().__init__()
        self._sim = sim

    @override
    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self._sim.clock.advance(seconds)


class Home:
    """A client of Enode in a house whose clocks move together."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session
        self.clock = HouseClock(sim)

    @property
    def server(self) -> EnodeServer:
        return self.sim.enode

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def context(
        self,
        of: str = PRODUCTION,
        language: str = "en",
        *,
        options: Mapping[str, Any] | None = None,
        **entered: Any,
    ) -> Context:
        """Return what a person would enter for the client `of` an environment."""
        client = self.server.tokens.clients[of]
        data = {
            "environment": of,
            "client_id": client.client_id,
            "client_secret": client.secret,
            **entered,
        }
        return Context(
            session=self.session,
            clock=self.clock,
            zone=HOUSE_ZONE,
            data=data,
            options=options or {},
            language=language,
        )

    def until(self, at: datetime) -> None:
        """Let time pass until then."""
        self.advance((at - self.clock.now()).total_seconds())

    def session_of(self, number: int = 0) -> ChargeSession:
        """Return the next charge of a car."""
        now = self.clock.now()
        return self.sim.house.car_park.car(number).sessions(now, now + timedelta(days=3))[0]

    def plug_in(self, number: int = 0) -> None:
        """Let it be the evening: the car is there, has room, and charges in an hour."""
        self.until(self.session_of(number).start - timedelta(hours=1))

    def account(self, **entered: Any) -> EnodeAccount:
        return EnodeAccount(self.context(**entered))

    def fail(self, action: Action, path: str, **where: Any) -> Fault:
        """Let requests of a path go wrong, by default for ever; `*` is any environment."""
        return self.sim.faults.add(action, provider="enode", path=f"/*/{path}", **where)

    def asked(self) -> list[str]:
        """Return what was asked since the last call, without the environment."""
        requests = self.sim.journal.requests(provider="enode")
        self.sim.journal.clear()
        return [request.path.split("/", 2)[2] for request in requests]


@pytest.fixture
async def home(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Home]:
    async with (
        Simulator(clock=Clock(START, frozen=True)) as sim,
        aiohttp.ClientSession() as session,
    ):
        for name, url in sim.enode.environment().items():
            monkeypatch.setenv(name, url)
        yield Home(sim, session)
        assert not sim.failures
