"""The simulated Enectiva, and the surroundings of an account that asks it."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from custom_components.energy_connect.core.account import Context
from custom_components.energy_connect.core.model import Device, Poll
from custom_components.energy_connect.core.vocabulary import Kind
from custom_components.energy_connect.providers.enectiva.account import EnectivaAccount
from simulator import Simulator
from simulator.clock import Clock
from simulator.enectiva import CUSTOMER_UUID, EnectivaKnobs
from simulator.faults import Action, Fault
from simulator.journal import Request
from tests.hand_clock import START, HandClock


class Office:
    """The customer's side: an account on a clock that moves with that of the API."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session
        self.clock = HandClock()

    @property
    def knobs(self) -> EnectivaKnobs:
        return self.sim.enectiva.knobs

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.sim.clock.advance(seconds)

    def context(self, options: Mapping[str, Any] | None = None, **entered: Any) -> Context:
        data = {
            "customer_uuid": CUSTOMER_UUID,
            "login_token": self.sim.enectiva.tokens.demo.text,
            **entered,
        }
        return Context(
            session=self.session,
            clock=self.clock,
            zone=ZoneInfo("Europe/London"),
            data=data,
            options=options or {},
        )

    def open(self, **options: Any) -> EnectivaAccount:
        return EnectivaAccount(self.context(options))

    def grant(self, *scopes: str) -> None:
        self.sim.enectiva.tokens.demo.scopes = frozenset(scopes)

    def fault(self, action: Action, path: str = "*", **rest: Any) -> Fault:
        return self.sim.faults.add(action, provider="enectiva", path=path, **rest)

    def asked(self, path: str = "*") -> list[Request]:
        return self.sim.journal.requests(provider="enectiva", path=path)

    def forget(self) -> None:
        self.sim.journal.clear()

    async def later(self, account: EnectivaAccount, seconds: float) -> Poll:
        """Let time pass, then poll with an empty journal."""
        self.advance(seconds)
        self.forget()
        return await account.poll()


OF_OPTIONS = frozenset({Kind.DATA_SERIES})
"""Listed by the options, whenever a list was read."""


def device(poll: Poll, device_id: str) -> Device:
    """Return one device of a poll."""
    return poll.snapshot.devices[device_id]


@pytest.fixture
async def office(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    async with (
        Simulator(clock=Clock(START, frozen=True)) as sim,
        aiohttp.ClientSession() as session,
    ):
        monkeypatch.setenv("ENERGY_CONNECT_ENECTIVA_API_URL", sim.enectiva.url)
        yield Office(sim, session)
        assert not sim.failures
