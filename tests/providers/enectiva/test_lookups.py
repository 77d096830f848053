"""What can be asked of an Enectiva account on demand, and what it asks of a person."""

from datetime import timedelta

import pytest

from custom_components.energy_connect.core.errors import (
    NotPermitted,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.model import Advice, AdviceKind, AskOptions
from custom_components.energy_connect.core.vocabulary import Quantity
from simulator.enectiva import ALL_SCOPES
from simulator.faults import Status, merge_patch
from tests.hand_clock import START

from .conftest import Office, device

ELECTRICITY = "meter_1204"
DAY = timedelta(days=1)


def advice(*options: str) -> tuple[Advice, ...]:
    if not options:
        return ()
    return (Advice(AdviceKind.UNIT_UNKNOWN, "units", remedy=AskOptions(options)),)


async def test_raw_readings_of_a_period_the_earliest_first(office: Office) -> None:
    account = office.open()
    newest = device(await account.poll(), ELECTRICITY).numbers[Quantity.ENERGY_CONSUMPTION, None]
    assert newest.at is not None

    readings = await account.readings(ELECTRICITY, newest.at - DAY, newest.at)

    times = [reading.at for reading in readings]
    assert times == sorted(set(times))
    assert len(times) > 1
    assert all(newest.at - DAY <= at < newest.at for at in times)
    values = [reading.value for reading in readings]
    assert values == sorted(values)
    assert {(one.device_id, one.quantity, one.unit) for one in readings} == {
        (ELECTRICITY, Quantity.ENERGY_CONSUMPTION, None)
    }
    (last,) = await account.readings(ELECTRICITY, newest.at, newest.at + timedelta(seconds=1))
    assert last.value == newest.value


async def test_a_long_period_is_read_page_by_page(office: Office) -> None:
    account = office.open()
    await account.poll()
    office.forget()

    readings = await account.readings(ELECTRICITY, START - 60 * DAY, START)

    asked = office.asked("/meters/*/readings")
    assert len(asked) > 1
    assert len(readings) > 1000
    assert len({reading.at for reading in readings}) == len(readings)


async def test_what_is_no_meter_has_no_readings(office: Office) -> None:
    account = office.open()
    await account.poll()

    assert await account.readings("entity_88", START - DAY, START) == []
    assert await account.readings("meter_0", START - DAY, START) == []
    assert await account.readings(ELECTRICITY, START + DAY, START + 2 * DAY) == []


async def test_readings_that_are_refused_or_fail_are_an_error(office: Office) -> None:
    account = office.open()
    await account.poll()
    office.fault(Status(status=503), "/meters/*/readings")

    with pytest.raises(Unavailable):
        await account.readings(ELECTRICITY, START - DAY, START)


async def test_a_scope_that_is_missing_is_told_without_asking(office: Office) -> None:
    office.grant(*(scope for scope in ALL_SCOPES if scope != "readings"))
    account = office.open()
    await account.poll()
    office.forget()

    with pytest.raises(NotPermitted):
        await account.readings(ELECTRICITY, START - DAY, START)
    assert office.asked("/meters/*/readings") == []


async def test_a_list_that_never_moves_on_is_no_list(office: Office) -> None:
    account = office.open()
    await account.poll()
    page = [
        {"id": str(number), "attributes": {"time": "2026-03-01T00:00:00Z", "state": 1.0}}
        for number in range(1000)
    ]
    office.fault(merge_patch({"data": page}), "/meters/*/readings")

    with pytest.raises(UnexpectedResponse):
        await account.readings(ELECTRICITY, START - 60 * DAY, START)


async def test_the_unit_of_heat_is_asked_for_until_somebody_says_it(office: Office) -> None:
    poll = await office.open().poll()
    assert poll.snapshot.advice == advice("heat_unit", "cold_unit")

    poll = await office.open(heat_unit="gj", cold_unit="kwh").poll()
    assert poll.snapshot.advice == ()


async def test_a_missing_scope_is_told_until_it_is_granted(office: Office) -> None:
    office.grant(*ALL_SCOPES - {"readings", "entity_deltas"})
    account = office.open(heat_unit="gj", cold_unit="gj")

    missing = (await account.poll()).snapshot.advice
    still = (await office.later(account, 13 * 3600.0)).snapshot.advice
    office.grant(*ALL_SCOPES)
    granted = (await office.later(account, 13 * 3600.0)).snapshot.advice

    told = Advice(AdviceKind.PERMISSION_MISSING, "readings", placeholders={"feature": "readings"})
    assert missing == still == (told,)  # months are an extra
    assert granted == ()
