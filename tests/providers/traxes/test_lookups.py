"""Charges and raw readings of a period."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.energy_connect.core.errors import (
    ApiError,
    NotPermitted,
    Reason,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.records import ChargingSession, RawReading
from custom_components.energy_connect.core.vocabulary import Part, Quantity as Q
from custom_components.energy_connect.providers.traxes.account import TraxesAccount
from custom_components.energy_connect.providers.traxes.lookups import parse_charging_session, period
from simulator import faults
from simulator.house import Flow
from simulator.traxes import Application, Paging
from tests.hand_clock import START

from .conftest import CHARGES, READINGS, Portal
from .payloads import load

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
async def account(portal: Portal) -> TraxesAccount:
    opened = portal.open()
    await opened.poll()
    portal.sim.journal.clear()
    return opened


@pytest.mark.parametrize("place", ["car-0", "wallbox-0"])
async def test_charges(portal: Portal, account: TraxesAccount, place: str) -> None:
    start, end = START - 30 * DAY, START - 2 * DAY
    found = await account.charging_sessions(portal.id(place), start, end)
    expected = [
        one for one in portal.sim.house.cars[0].sessions(start, end) if start <= one.start < end
    ]
    assert [(one.start, one.end, one.energy) for one in found] == [
        (one.start, one.end, pytest.approx(one.energy, abs=0.001)) for one in expected
    ]
    assert len({one.id for one in found}) == len(found)
    assert {one.device_id for one in found} == {portal.id(place)}
    added = found[0].percent_added
    if place == "car-0":
        capacity = portal.sim.house.cars[0].capacity
        assert added == pytest.approx(100 * expected[0].energy / capacity, abs=0.2)
    else:
        assert added is None


async def test_a_running_charge_has_no_end(portal: Portal, account: TraxesAccount) -> None:
    session = portal.sim.house.cars[1].sessions(START, START + DAY)[0]
    portal.advance((session.start - START).total_seconds() + 600)
    (running,) = await account.charging_sessions(
        portal.id("car-1"), session.start - HOUR, session.start + HOUR
    )
    assert (running.start, running.end) == (session.start, None)


async def test_charges_that_are_none_or_of_another_time(
    portal: Portal, account: TraxesAccount
) -> None:
    starts = ["2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z", "2026-03-03T12:00:00Z"]
    rows: list[Any] = [None, *({"id": one, "data": {"start": one}} for one in starts)]
    portal.fault(faults.Shape(payload={"data": rows}), CHARGES)
    found = await account.charging_sessions(portal.id("car-0"), START - DAY, START)
    assert [one.id for one in found] == starts[1:2]


async def test_many_charges_come_in_pages(portal: Portal, account: TraxesAccount) -> None:
    found = await account.charging_sessions(portal.id("car-0"), START - 365 * DAY, START)
    assert len(found) > 200
    assert len(portal.asked(CHARGES)) >= 3
    assert [one.start for one in found] == sorted(one.start for one in found)


async def test_things_that_never_charge_have_no_charges(
    portal: Portal, account: TraxesAccount
) -> None:
    for device_id in (portal.id("meter"), "nobody"):
        assert await account.charging_sessions(device_id, START - DAY, START) == ()
    assert portal.asked() == []


async def test_a_charge_of_a_payload() -> None:
    rows = load("sessions")["data"]
    parsed = [parse_charging_session(row, "car") for row in rows]
    assert parsed[0] == ChargingSession(
        id="s2",
        device_id="car",
        start=datetime(2026, 3, 3, 21, 30, tzinfo=UTC),
        end=datetime(2026, 3, 3, 23, 45, tzinfo=UTC),
        energy=9.2,
    )
    assert [one and one.energy for one in parsed] == [9.2, 1.75, 11.0, None, None]


@pytest.mark.parametrize(
    ("charge", "energy", "added"),
    [
        ({"total": {"total": 3, "unit": "furlong"}}, None, None),
        ({"start": {"value": 40, "unit": "%"}, "end": {"value": 61.5, "unit": "%"}}, None, 21.5),
        ({"start": {"value": 40}, "end": {"value": 61.5}}, None, None),
        ({"start": {"value": 4, "unit": "kWh"}, "end": {"value": 6, "unit": "kWh"}}, None, None),
        ({"start": {"value": None, "unit": "%"}, "end": {"value": 6, "unit": "%"}}, None, None),
        ({"start": {"value": 4, "unit": "%"}, "end": {"unit": "%"}}, None, None),
    ],
)
def test_odd_charges(charge: dict[str, Any], energy: float | None, added: float | None) -> None:
    row = {"data": {"start": "2026-03-03T21:30:00Z", "charge": charge}}
    session = parse_charging_session(row, "car")
    assert session is not None
    assert session.id == "2026-03-03T21:30:00+00:00"
    assert (session.energy, session.percent_added) == (energy, added)


async def test_raw_readings(portal: Portal, account: TraxesAccount) -> None:
    start = datetime(2026, 2, 27, 11, 58, tzinfo=UTC)
    found = await account.readings(portal.id("meter"), start, start + timedelta(minutes=12))
    assert sorted({one.at for one in found}) == [
        datetime(2026, 2, 27, 12, minute, tzinfo=UTC) for minute in (0, 5)
    ]
    at = datetime(2026, 2, 27, 12, 5, tzinfo=UTC)
    total = next(
        one for one in found if (one.at, one.quantity, one.part) == (at, Q.ENERGY_IMPORT, None)
    )
    assert total == RawReading(
        device_id=portal.id("meter"),
        at=at,
        quantity=Q.ENERGY_IMPORT,
        value=pytest.approx(portal.sim.house.energy(Flow.GRID_IMPORT, at), abs=0.001),
        unit="kWh",
    )
    assert {(Q.ENERGY_EXPORT, Part.T1), (Q.VOLTAGE, Part.L2), (Q.POWER_NET, None)} <= {
        (one.quantity, one.part) for one in found
    }
    (request,) = portal.asked(READINGS)
    assert ("start", "2026-02-27T11:58:00Z") in request.query


async def test_raw_readings_of_gas_carry_their_unit(portal: Portal, account: TraxesAccount) -> None:
    patch: dict[str, Any] = {"data": [{"measured": "2026-03-03T11:00:00Z", "data": {}}]}
    patch["data"][0]["data"] = {"positiveGasVolume": {"value": 4.5, "unit": "kWh"}}
    portal.fault(faults.Shape(payload=patch), READINGS)
    (reading,) = await account.readings(portal.id("gas"), START - 2 * HOUR, START)
    assert (reading.quantity, reading.value, reading.unit) == (Q.GAS_CONSUMPTION, 4.5, "kWh")


async def test_many_raw_readings_come_in_windows_and_pages(
    portal: Portal, account: TraxesAccount
) -> None:
    found = await account.readings(portal.id("battery"), START - 10 * DAY, START)
    assert len({one.at for one in found}) == 10 * 288
    starts = {dict(request.query)["start"] for request in portal.asked(READINGS)}
    assert len(starts) == 2
    assert [one.at for one in found] == sorted(one.at for one in found)


async def test_readings_that_can_not_be_used_are_left_out(
    portal: Portal, account: TraxesAccount
) -> None:
    rows = [
        None,
        {"measured": "2026-03-03T11:00:00Z"},
        {"data": {"stateOfCharge": {"value": 4}}},
        {"measured": "2026-01-01T11:00:00Z", "data": {"stateOfCharge": {"value": 4}}},
        {"measured": "2026-03-03T11:30:00Z", "data": {"stateOfCharge": {"value": None}}},
        {"measured": "2026-03-03T11:31:00Z", "data": {"stateOfCharge": {"value": 50}}},
    ]
    portal.fault(faults.Shape(payload={"data": rows}), READINGS)
    found = await account.readings(portal.id("car-0"), START - 2 * HOUR, START)
    assert [(one.at.minute, one.value, one.unit) for one in found] == [(31, 50, "%")]


async def test_nobody_has_no_readings(portal: Portal, account: TraxesAccount) -> None:
    assert await account.readings("nobody", START - DAY, START) == ()
    assert portal.asked() == []


async def test_half_a_list_is_none(portal: Portal, account: TraxesAccount) -> None:
    portal.knobs.paging = Paging.ENDLESS
    with pytest.raises(UnexpectedResponse) as told:
        await account.readings(portal.id("meter"), START - DAY, START)
    assert told.value.reason is Reason.UNEXPECTED_SHAPE
    with pytest.raises(UnexpectedResponse):
        await account.charging_sessions(portal.id("car-0"), START - DAY, START)


async def test_what_is_refused(portal: Portal, account: TraxesAccount) -> None:
    portal.knobs.sessions = False
    with pytest.raises(NotPermitted):
        await account.charging_sessions(portal.id("car-0"), START - DAY, START)
    portal.fault(faults.Status(status=500), READINGS)
    with pytest.raises(ApiError):
        await account.readings(portal.id("meter"), START - DAY, START)
    portal.sim.faults.clear()
    portal.sim.traxes.revoke_tokens()
    portal.knobs.application = Application.OTHER_GRANT
    for asking in (account.charging_sessions, account.readings):
        with pytest.raises(NotPermitted) as told:
            await asking(portal.id("car-0"), START - DAY, START)
        assert told.value.reason is Reason.GRANT_NOT_ALLOWED


def test_a_period_is_never_cut_short() -> None:
    start = datetime(2026, 3, 3, 12, 0, 0, 900_000, tzinfo=UTC)
    assert period(start, start + HOUR) == [
        ("start", "2026-03-03T12:00:00Z"),
        ("end", "2026-03-03T13:00:01Z"),
    ]
    whole = start.replace(microsecond=0)
    assert period(whole, whole + HOUR)[1] == ("end", "2026-03-03T13:00:00Z")
