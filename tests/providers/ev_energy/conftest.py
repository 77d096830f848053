"""The simulated ev.energy, and the surroundings of an account that asks it."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
import hashlib
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from yarl import URL

from custom_components.energy_connect.core.account import Context, Grant
from custom_components.energy_connect.core.model import Device, Poll
from custom_components.energy_connect.providers.ev_energy.account import EvEnergyAccount
from custom_components.energy_connect.providers.ev_energy.authorization import (
    AUTHORIZE_PATH,
    TOKEN_PATH,
    auth_url,
    new_budget,
    token_endpoint,
)
from simulator import Simulator
from simulator.clock import Clock
from simulator.ev_energy import Application, EvEnergyKnobs
from simulator.faults import Action, Fault
from simulator.journal import Request
from tests.hand_clock import HandClock

EVENING = datetime(2026, 3, 3, 21, 5, tzinfo=UTC)
"""Both cars are plugged in, and charge later."""

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
"""Both cars are away."""

CALLBACK = "http://127.0.0.1:8123/auth/external/callback"
VERIFIER = "v" * 64


class MemoryVault:
    """Keeps what was saved; `before_save` can fail or wait first, as a disk does."""

    def __init__(self, content: Mapping[str, Any] | None = None) -> None:
        self.content = content
        self.saved: list[Mapping[str, Any]] = []
        self.before_save: Callable[[], Awaitable[None]] | None = None
        self.unreadable = False
        self.was_saved = asyncio.Event()

    async def load(self) -> Mapping[str, Any] | None:
        if self.unreadable:
            raise OSError("unreadable")
        return self.content

    async def save(self, content: Mapping[str, Any]) -> None:
        if self.before_save is not None:
            await self.before_save()
        self.content = dict(content)
        self.saved.append(self.content)
        self.was_saved.set()


def challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Driveway:
    """The owner's side: an account on a clock that moves with that of the API."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession, clock: HandClock) -> None:
        self.sim = sim
        self.session = session
        self.clock = clock
        self.vault = MemoryVault()
        self.entered_secret = sim.ev_energy.browser.client_secret

    @property
    def knobs(self) -> EvEnergyKnobs:
        return self.sim.ev_energy.knobs

    @property
    def browser(self) -> Application:
        return self.sim.ev_energy.browser

    @property
    def own(self) -> Application:
        return self.sim.ev_energy.own

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.sim.clock.advance(seconds)

    def context(self, data: Mapping[str, Any], grant: Grant | None = None) -> Context:
        return Context(
            session=self.session,
            clock=self.clock,
            zone=ZoneInfo("Europe/Paris"),
            data=data,
            grant=grant,
        )

    # Signing in, as Home Assistant and a browser do it.

    async def code(self, **changed: str) -> str:
        query = {
            "response_type": "code",
            "client_id": self.browser.client_id,
            "redirect_uri": CALLBACK,
            "state": "opaque state",
            "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
            **changed,
        }
        self.sim.ev_energy.register_redirect(CALLBACK)
        address = auth_url(AUTHORIZE_PATH).with_query(query)
        async with self.session.post(
            address, data={"allow": "yes"}, allow_redirects=False
        ) as answer:
            back = URL(answer.headers["Location"])
        assert str(back).startswith(CALLBACK)
        assert back.query["state"] == "opaque state"
        return back.query["code"]

    async def seed(self, code: str | None = None, **changed: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code or await self.code(),
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            **changed,
        }
        context = self.context({}, self.grant({}))
        endpoint = token_endpoint(context, new_budget(context))
        answer = (await endpoint.post(*TOKEN_PATH, form=form)).json()
        assert isinstance(answer, dict)
        expires = self.clock.now().timestamp() + float(answer["expires_in"])
        return {**answer, "expires_at": expires}

    def grant(self, seed: Mapping[str, Any], vault: MemoryVault | None = None) -> Grant:
        return Grant(
            client_id=self.browser.client_id,
            client_secret=self.entered_secret,
            seed=seed,
            vault=vault or self.vault,
        )

    async def sign_in(self) -> Context:
        return self.context({}, self.grant(await self.seed()))

    async def signed_in(self) -> EvEnergyAccount:
        return EvEnergyAccount(await self.sign_in())

    # The application's own way.

    def entered(self, **changed: Any) -> Context:
        return self.context(
            {"client_id": self.own.client_id, "client_secret": self.own.client_secret, **changed}
        )

    # What went over the line.

    def fault(self, action: Action, path: str = "*", **rest: Any) -> Fault:
        return self.sim.faults.add(action, provider="ev_energy", path=path, **rest)

    def asked(self, path: str = "/v2/*") -> list[Request]:
        return self.sim.journal.requests(provider="ev_energy", path=path)

    def paths(self) -> list[str]:
        return sorted(request.path.removeprefix("/v2/") for request in self.asked())

    def grants(self) -> list[str]:
        return [request.facts.get("grant", "refused") for request in self.asked("/o/token/")]

    def forget(self) -> None:
        self.sim.journal.clear()

    async def later(self, account: EvEnergyAccount, seconds: float = 120) -> Poll:
        """Let time pass, then poll with an empty journal."""
        self.advance(seconds)
        self.forget()
        return await account.poll()


def device(poll: Poll, device_id: str) -> Device:
    """Return one device of a poll."""
    return poll.snapshot.devices[device_id]


@pytest.fixture(autouse=True)
def _sockets(socket_enabled: None) -> None:
    """Let fixtures open sockets too."""


@pytest.fixture
async def driveway(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Driveway]:
    async with (
        Simulator(clock=Clock(EVENING, frozen=True)) as sim,
        aiohttp.ClientSession() as session,
    ):
        for name, value in sim.environment().items():
            monkeypatch.setenv(name, value)
        yield Driveway(sim, session, HandClock(EVENING))
        assert sim.failures == []


@pytest.fixture
def quiet(driveway: Driveway) -> Driveway:
    """A driveway without home energy: a poll of it costs three requests."""
    driveway.knobs.home = False
    return driveway
