"""The simulated Traxes, and an application's account that reads it."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC
from typing import Any

import aiohttp
import pytest

from custom_components.energy_connect.core.account import Context
from custom_components.energy_connect.core.model import Device, Poll
from custom_components.energy_connect.core.vocabulary import Part, Quantity
from custom_components.energy_connect.providers.traxes.account import TraxesAccount
from simulator import Simulator
from simulator.clock import Clock
from simulator.faults import Action, Fault
from simulator.journal import Request
from simulator.traxes import TraxesKnobs
from tests.hand_clock import START, HandClock

LISTED = "/connect/v1/entities"
ONBOARDED = "/connect/v1/onboarding/entities"
LAST = "/connect/v1/entities/*/readings/last"
CHARGES = "/connect/v1/entities/*/charge-sessions"
PERMISSIONS = "/connect/v1/entities/*/permissions"
COMMANDS = "/connect/v1/entities/*/commands"
READINGS = "/connect/v1/entities/*/readings"
TOKEN = "*/access_token"


class Portal:
    """The application's side: an account on a clock that moves with that of the API."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session
        self.clock = HandClock()

    @property
    def knobs(self) -> TraxesKnobs:
        return self.sim.traxes.knobs

    def id(self, place: str) -> str:
        return self.sim.traxes.fleet.id(place)

    def context(self, options: Mapping[str, Any] | None = None, **entered: str) -> Context:
        return Context(
            session=self.session,
            clock=self.clock,
            zone=UTC,
            data={**self.sim.traxes.credentials(), **entered},
            options=options or {},
        )

    def open(self, **options: Any) -> TraxesAccount:
        return TraxesAccount(self.context(options))

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.sim.clock.advance(seconds)

    async def later(self, account: TraxesAccount, seconds: float) -> Poll:
        """Let time pass, then poll with an empty journal."""
        self.advance(seconds)
        self.sim.journal.clear()
        return await account.poll()

    def fault(self, action: Action, path: str = "*", **rest: Any) -> Fault:
        return self.sim.faults.add(action, provider="traxes", path=path, **rest)

    def asked(self, path: str = "*") -> list[Request]:
        return self.sim.journal.requests(provider="traxes", path=path)


def number(device: Device, quantity: Quantity, part: Part | None = None) -> float | None:
    """Return the value of one reading."""
    return device.numbers[quantity, part].value


@pytest.fixture
async def portal(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Portal]:
    async with (
        Simulator(clock=Clock(START, frozen=True)) as sim,
        aiohttp.ClientSession() as session,
    ):
        for name, url in sim.traxes.environment().items():
            monkeypatch.setenv(name, url)
        yield Portal(sim, session)
        assert not sim.failures
