"""The token of an opened meter: its end, its refusals, and what ends by itself."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.energy_connect.core.errors import CredentialsRejected, Reason
from custom_components.energy_connect.core.model import AdviceKind, Severity
from custom_components.energy_connect.core.vocabulary import Moment
from simulator import faults
from tests.providers.kostal.conftest import METER, House, advice, failure, polled


async def test_an_expired_token_is_refused_by_the_meter_and_then_asked_for(house: House) -> None:
    account = await house.open()
    await account.poll()
    house.advance(366 * 86400)
    house.asked()
    error = await failure(account)
    assert isinstance(error, CredentialsRejected)
    assert error.reason is Reason.TOKEN_EXPIRED
    assert error.retry_after == 300
    assert house.asked() == [METER, METER]
    assert house.clock.slept == [2.0]


async def test_a_token_beyond_its_end_serves_while_the_meter_takes_it(house: House) -> None:
    account = await house.open()
    house.clock.advance(366 * 86400)  # the meter's own clock stands behind
    device = await polled(account)
    assert device.delivering
    assert [one.kind for one in await advice(account)] == [AdviceKind.TOKEN_EXPIRED]


async def test_a_revoked_token(house: House) -> None:
    account = await house.open()
    await account.poll()
    house.meter.tokens.revoke(house.meter.demo_token.name)
    error = await failure(account)
    assert isinstance(error, CredentialsRejected)
    assert error.reason is Reason.TOKEN_REFUSED
    assert error.retry_after == 300


async def test_a_single_refusal_is_forgiven(house: House) -> None:
    account = await house.open()
    house.sim.faults.add(faults.Status(status=401), path=METER, times=1)
    assert (await polled(account)).delivering
    assert house.clock.slept == [2.0]


async def test_a_meter_that_lost_its_clock_answers_again_by_itself(house: House) -> None:
    account = await house.open()
    await account.poll()
    house.meter.knobs.clock_unset = True
    for _ in range(3):
        error = await failure(account)
        assert isinstance(error, CredentialsRejected)
        assert error.retry_after == 300
        house.advance(300)
    house.meter.knobs.clock_unset = False
    assert (await polled(account)).delivering


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (365, []),
        (20, [(AdviceKind.TOKEN_EXPIRING, Severity.WARNING, {"days": "20"})]),
        (5, [(AdviceKind.TOKEN_EXPIRING, Severity.ERROR, {"days": "5"})]),
    ],
)
async def test_the_end_of_a_token_is_told_in_time(house: House, days: int, told: list[Any]) -> None:
    token = house.meter.tokens.create("mine", lifetime=timedelta(days=days))
    account = await house.open(house.context(token=token.text))
    poll = await account.poll()
    assert [(one.kind, one.severity, one.placeholders) for one in poll.snapshot.advice] == told
    (device,) = poll.snapshot.devices.values()
    assert device.moments[Moment.TOKEN_EXPIRES] == token.expires


@pytest.mark.parametrize("claims", [{}, {"exp": "tomorrow"}, {"exp": True}])
async def test_a_token_that_does_not_say_its_end(house: House, claims: dict[str, Any]) -> None:
    token = house.meter.tokens.create("mine", lifetime=None, claims=claims)
    account = await house.open(house.context(token=token.text))
    poll = await account.poll()
    (device,) = poll.snapshot.devices.values()
    assert Moment.TOKEN_EXPIRES not in device.moments
    assert poll.snapshot.advice == ()
