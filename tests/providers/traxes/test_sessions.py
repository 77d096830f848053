"""Charges: seldom asked for, more often while charging and just after."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.energy_connect.core.errors import CredentialsRejected
from custom_components.energy_connect.core.vocabulary import Flag, Moment, Quantity as Q
from simulator import faults
from tests.hand_clock import START

from .conftest import CHARGES, Portal, number
from .payloads import load

HOUR = 3600


async def test_the_newest_charges_of_cars_and_charge_points(portal: Portal) -> None:
    account = portal.open()
    poll = await account.poll()
    assert portal.asked(CHARGES) == []  # the first poll is for values
    assert poll.again == timedelta(seconds=30)
    poll = await portal.later(account, 30)
    assert len(portal.asked(CHARGES)) == len(portal.asked()) == 4
    newest = portal.sim.house.cars[0].sessions(START - timedelta(days=7), START)[-1]
    for place in ("car-0", "wallbox-0"):
        device = poll.snapshot.devices[portal.id(place)]
        reading = device.numbers[Q.SESSION_ENERGY, None]
        assert (reading.value, reading.at, reading.since) == (
            newest.energy,
            newest.end,
            newest.start,
        )
        assert device.numbers[Q.LAST_SESSION_ENERGY, None].value == newest.energy
        assert device.moments[Moment.SESSION_START] == newest.start
        assert device.moments[Moment.LAST_SESSION_START] == newest.start
        assert device.moments[Moment.LAST_SESSION_END] == newest.end
    assert (Q.SESSION_ENERGY, None) not in poll.snapshot.devices[portal.id("meter")].numbers


async def test_idle_cars_are_asked_every_six_hours(portal: Portal) -> None:
    account = portal.open()
    await account.poll()
    asked = 0
    for _ in range(1, 73):
        portal.clock.advance(300)  # the cars' time stands still
        portal.sim.journal.clear()
        await account.poll()
        asked += len(portal.asked(CHARGES))
    assert asked == 4
    portal.clock.advance(300)
    await account.poll()
    assert len(portal.asked(CHARGES)) == 4


async def test_a_charging_car_is_asked_every_half_hour_and_a_running_charge_has_no_end(
    portal: Portal,
) -> None:
    session = portal.sim.house.cars[1].sessions(START, START + timedelta(days=1))[0]
    assert session.end - session.start > timedelta(hours=2)
    portal.advance((session.start - START).total_seconds() + 600)
    account = portal.open()
    await account.poll()
    poll = await portal.later(account, 30)
    car = poll.snapshot.devices[portal.id("car-1")]
    assert car.flags[Flag.CHARGING] is True
    running = car.numbers[Q.SESSION_ENERGY, None]
    assert (running.at, running.since) == (None, session.start)
    assert car.moments[Moment.SESSION_START] == session.start
    assert (car.moments[Moment.LAST_SESSION_END] or START) < session.start
    path = f"/connect/v1/entities/{portal.id('car-1')}/charge-sessions"
    asked = 0
    for _ in range(12):
        poll = await portal.later(account, 300)
        asked += len(portal.asked(path))
    assert asked == 2
    later = poll.snapshot.devices[portal.id("car-1")]
    assert (number(later, Q.SESSION_ENERGY) or 0) > (running.value or 0)


async def test_just_after_charging_the_finished_charge_is_read(portal: Portal) -> None:
    session = portal.sim.house.cars[1].sessions(START, START + timedelta(days=1))[0]
    portal.advance((session.end - START).total_seconds() - 600)
    account = portal.open()
    await account.poll()
    await portal.later(account, 30)
    path = f"/connect/v1/entities/{portal.id('car-1')}/charge-sessions"
    asked = []
    for minutes in range(5, 181, 5):
        poll = await portal.later(account, 300)
        if portal.asked(path):
            asked.append(minutes)
    device = poll.snapshot.devices[portal.id("car-1")]
    assert number(device, Q.LAST_SESSION_ENERGY) == session.energy
    assert device.moments[Moment.LAST_SESSION_END] == session.end
    # Twice in the hour after, once more when it counts as idle again, then not for long.
    assert len(asked) == 3


async def test_rare_charges_are_looked_for_further_back(portal: Portal) -> None:
    portal.fault(faults.Shape(payload={"data": []}), CHARGES, times=4)
    account = portal.open()
    await account.poll()
    poll = await portal.later(account, 30)
    starts = sorted(request.values("start")[0] for request in portal.asked(CHARGES))
    assert starts == ["2026-01-02T12:00:30Z"] * 4 + ["2026-02-24T12:00:30Z"] * 4
    assert (Q.SESSION_ENERGY, None) in poll.snapshot.devices[portal.id("car-0")].numbers


async def test_no_charge_at_all(portal: Portal) -> None:
    portal.fault(faults.Status(status=204), CHARGES)
    account = portal.open()
    await account.poll()
    device = (await portal.later(account, 30)).snapshot.devices[portal.id("car-0")]
    assert (Q.SESSION_ENERGY, None) not in device.numbers
    assert Moment.SESSION_START not in device.moments


async def test_rows_in_any_order_and_broken_rows(portal: Portal) -> None:
    portal.fault(faults.Shape(payload=load("sessions")), CHARGES)
    account = portal.open()
    await account.poll()
    device = (await portal.later(account, 30)).snapshot.devices[portal.id("car-0")]
    assert number(device, Q.SESSION_ENERGY) == 1.75
    assert number(device, Q.LAST_SESSION_ENERGY) == 9.2
    assert device.moments[Moment.LAST_SESSION_END] == datetime(2026, 3, 3, 23, 45, tzinfo=UTC)
    assert account.diagnostics()["malformed"]["charge_sessions"] == 2 * 4


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_refused_charges_are_asked_for_seldom_and_fail_nothing(
    portal: Portal, status: int
) -> None:
    refusal = faults.Shape(payload={"code": "no"}, status=status)
    fault = portal.fault(refusal, CHARGES)
    account = portal.open()
    await account.poll()
    poll = await portal.later(account, 30)
    assert number(poll.snapshot.devices[portal.id("car-0")], Q.STATE_OF_CHARGE) is not None
    assert account.diagnostics()["charge_sessions_refused"] == 4
    for _ in range(71):
        portal.advance(300)
        portal.sim.journal.clear()
        await account.poll()
        assert portal.asked(CHARGES) == []
    portal.sim.faults.remove(fault)
    poll = await portal.later(account, 600)
    assert (Q.SESSION_ENERGY, None) in poll.snapshot.devices[portal.id("car-0")].numbers
    assert account.diagnostics()["charge_sessions_refused"] == 0


async def test_failing_charges_fail_nothing_else(portal: Portal) -> None:
    portal.fault(faults.Status(status=503), CHARGES)
    portal.fault(faults.Html(), CHARGES, times=1)
    account = portal.open()
    await account.poll()
    poll = await portal.later(account, 30)
    assert number(poll.snapshot.devices[portal.id("car-0")], Q.STATE_OF_CHARGE) is not None
    assert account.diagnostics()["charge_session_failures"] == 4
    assert account.diagnostics()["charge_sessions_refused"] == 0


async def test_an_answer_that_is_html_is_a_failure_no_refusal(portal: Portal) -> None:
    portal.fault(faults.Html(), CHARGES)
    account = portal.open()
    await account.poll()
    await portal.later(account, 30)
    assert account.diagnostics()["charge_session_failures"] == 4
    assert account.diagnostics()["charge_sessions_refused"] == 0


async def test_a_token_refused_here_is_refused(portal: Portal) -> None:
    portal.fault(faults.Shape(payload={}, status=401), CHARGES)
    account = portal.open()
    await account.poll()
    with pytest.raises(CredentialsRejected):
        await portal.later(account, 30)


async def test_charges_of_a_device_that_is_gone_are_forgotten(portal: Portal) -> None:
    account = portal.open()
    await account.poll()
    await portal.later(account, 30)
    portal.knobs.hidden = frozenset({portal.id("car-0")})
    poll = await portal.later(account, 6 * HOUR)
    assert portal.id("car-0") not in poll.snapshot.devices
    portal.knobs.hidden = frozenset()
    portal.fault(faults.Status(status=503), CHARGES)
    poll = await portal.later(account, 6 * HOUR)
    assert (Q.SESSION_ENERGY, None) not in poll.snapshot.devices[portal.id("car-0")].numbers
