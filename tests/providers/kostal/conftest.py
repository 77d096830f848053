"""A simulated meter, and the surroundings of an account that asks it."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC
from typing import Any

import aiohttp
import pytest

from custom_components.energy_connect.core.account import Context
from custom_components.energy_connect.core.errors import ApiError
from custom_components.energy_connect.core.model import Advice, Device
from custom_components.energy_connect.providers.kostal.account import KostalAccount
from custom_components.energy_connect.providers.kostal.identify import identify
from simulator import Simulator
from simulator.clock import Clock
from simulator.kostal import Access, KostalServer
from tests.hand_clock import START, HandClock

METER = "/api/json/local/values/smart-meter"
FLOW = "/api/json/local/values/kostal-energyflow/sumvalues"
SETTINGS = "/api/device-settings"
USAGE = "/api/device-settings/deviceusage"
EXTRAS = [FLOW, SETTINGS, USAGE]


class House:
    """One meter in a house whose clocks move together."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session
        self.clock = HandClock()

    @property
    def meter(self) -> KostalServer:
        return self.sim.kostal

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.sim.clock.advance(seconds)

    def context(self, **entered: Any) -> Context:
        """Return the surroundings with what a person would enter for the plain http server."""
        data: Mapping[str, Any] = {
            "host": self.meter.origins["http"].host,
            "scheme": "http",
            "endpoint": "local",
            "token": self.meter.demo_token.text,
            **entered,
        }
        return Context(session=self.session, clock=self.clock, zone=UTC, data=data)

    def encrypted(self, **entered: Any) -> Context:
        """Return the same for the https server."""
        return self.context(
            **{"host": self.meter.origins["https"].host, "scheme": "https", **entered}
        )

    async def open(self, context: Context | None = None) -> KostalAccount:
        """Set the meter up and open its account, with an empty journal."""
        (identity,) = await identify(context or self.context())
        self.sim.journal.clear()
        return KostalAccount(self.context(**identity.data))

    def asked(self) -> list[str]:
        """Return the paths of all requests so far, and forget them."""
        paths = [request.path for request in self.sim.journal.requests(provider="kostal")]
        self.sim.journal.clear()
        return paths


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with (
        Simulator(clock=Clock(START, frozen=True)) as sim,
        aiohttp.ClientSession() as session,
    ):
        yield House(sim, session)
        assert not sim.failures


async def polled(account: KostalAccount) -> Device:
    (device,) = (await account.poll()).snapshot.devices.values()
    return device


async def advice(account: KostalAccount) -> tuple[Advice, ...]:
    return (await account.poll()).snapshot.advice


async def failure(account: KostalAccount) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await account.poll()
    return caught.value


def features(account: KostalAccount) -> Mapping[str, str]:
    states: Mapping[str, str] = account.diagnostics()["features"]
    return states


def allow_all(house: House) -> None:
    knobs = house.meter.knobs
    knobs.energy_flow = knobs.device_settings = knobs.device_usage = Access.ON
