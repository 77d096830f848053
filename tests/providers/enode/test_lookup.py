"""Charging sessions and plans are looked up on demand."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from custom_components.energy_connect.core.commands import Command
from custom_components.energy_connect.core.errors import Reason, UnexpectedResponse
from custom_components.energy_connect.core.offers import PlanSource, SessionSource
from custom_components.energy_connect.core.records import ChargePlan, ChargingSession, PlannedSlot
from custom_components.energy_connect.core.vocabulary import Action
from custom_components.energy_connect.providers.enode.account import EnodeAccount
from custom_components.energy_connect.providers.enode.lookup import parse_plan, parse_session
from simulator.enode.assets import asset_id
from simulator.enode.statistics import price
from simulator.faults import Shape

from .conftest import Home

CAR = asset_id("vehicle 0")
BOX = asset_id("charger 0")
METER = asset_id("meter")
WEEK = timedelta(days=7)


@pytest.fixture
async def account(home: Home) -> EnodeAccount:
    """Return an account that was read, with its cars plugged in."""
    home.plug_in()
    account = home.account()
    account.orders.see((await account.poll()).snapshot.devices)
    home.asked()
    return account


# Sessions


def test_account_offers_them(home: Home) -> None:
    assert isinstance(home.account(), SessionSource)
    assert isinstance(home.account(), PlanSource)


@pytest.mark.parametrize("device", [CAR, BOX])
async def test_sessions_of_a_week(account: EnodeAccount, home: Home, device: str) -> None:
    end = home.clock.now()
    # Within a charge: what began before is not of this period.
    start = home.sim.house.car_park.car(0).sessions(end - WEEK, end)[0].start
    charges = home.sim.house.car_park.car(0).sessions(start + timedelta(seconds=1), end)[1:]

    found = await account.charging_sessions(device, start + timedelta(seconds=1), end)

    assert [(one.start, one.end) for one in found] == [(one.start, one.end) for one in charges]
    assert found[0].energy == pytest.approx(charges[0].energy)
    cost = charges[0].energy * price(charges[0].start)
    assert found[0].cost == pytest.approx(cost, abs=0.01)
    assert (found[0].device_id, found[0].savings, found[0].currency) == (device, None, None)
    assert len({one.id for one in found}) == len(found)
    assert home.asked() == ["users/villa-14/statistics/charging/sessions"]


@pytest.mark.parametrize("device", [METER, "nobody"])
async def test_what_does_not_charge_has_no_sessions(
    account: EnodeAccount, home: Home, device: str
) -> None:
    end = home.clock.now()

    assert await account.charging_sessions(device, end - WEEK, end) == []
    assert home.asked() == []


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (Shape(payload={"data": []}), Reason.UNEXPECTED_SHAPE),
        (Shape(payload={}, status=404), Reason.NOT_FOUND),
    ],
)
async def test_sessions_that_can_not_be_read(
    account: EnodeAccount, home: Home, trouble: Any, reason: Reason
) -> None:
    home.fail(trouble, "users/*/statistics/charging/sessions")

    with pytest.raises(UnexpectedResponse) as raised:
        await account.charging_sessions(CAR, home.clock.now() - WEEK, home.clock.now())

    assert raised.value.reason is reason


async def test_malformed_sessions_are_left_out(account: EnodeAccount, home: Home) -> None:
    end = home.clock.now()
    later, sooner = ((end - timedelta(hours=hours)).isoformat() for hours in (2, 4))
    rows: Any = [{"from": later}, 7, {"from": None}, {"from": sooner, "id": CAR}]
    home.fail(Shape(payload=rows), "users/*/statistics/charging/sessions")

    found = await account.charging_sessions(CAR, end - WEEK, end)

    assert [one.start.isoformat() for one in found] == [sooner, later]


def test_session() -> None:
    row: Any = {
        "id": "car",
        "from": "2025-11-02T20:00:00.000Z",
        "to": "2025-11-02T22:30:00.000Z",
        "kwhSum": 12.5,
        "costSum": 3.1,
        "estimatedSavings": 0.4,
    }

    assert parse_session(row, "car") == ChargingSession(
        id="car_2025-11-02T20:00:00+00:00",
        device_id="car",
        start=datetime(2025, 11, 2, 20, tzinfo=UTC),
        end=datetime(2025, 11, 2, 22, 30, tzinfo=UTC),
        energy=12.5,
        cost=3.1,
        savings=0.4,
    )
    assert parse_session(row, "another car") is None


# Plans


async def plan_smartly(account: EnodeAccount) -> None:
    for action, value in ((Action.READY_BY, time(7)), (Action.SMART_CHARGING, True)):
        await account.orders.perform(Command(CAR, action, value)).settled()


async def test_plan_of_a_car(account: EnodeAccount, home: Home) -> None:
    await plan_smartly(account)

    plan = await account.charge_plan(CAR)

    session = home.session_of()
    pause, charge = plan.slots
    assert (pause.end, pause.charging) == (session.start, False)
    assert charge == PlannedSlot(start=session.start, end=session.end, charging=True)
    assert plan.made_at == home.clock.now()


async def test_override_is_the_plan(account: EnodeAccount, home: Home) -> None:
    await plan_smartly(account)
    began = home.clock.now()
    await account.orders.perform(Command(CAR, Action.CHARGE_NOW)).settled()

    plan = await account.charge_plan(CAR)

    assert plan.slots == (PlannedSlot(start=began, end=None, charging=True),)


async def test_without_smart_charging_there_is_no_plan(account: EnodeAccount) -> None:
    assert (await account.charge_plan(CAR)).slots == ()


@pytest.mark.parametrize("device", [BOX, METER, "nobody"])
async def test_what_enode_plans_nothing_for_is_not_asked(
    account: EnodeAccount, home: Home, device: str
) -> None:
    assert await account.charge_plan(device) == ChargePlan(device_id=device)
    assert home.asked() == []


STOP, START, END = (f"2025-11-02T{hour}:00:00Z" for hour in (18, 22, 23))


@pytest.mark.parametrize(
    ("state", "plan", "slots"),
    [
        ("PLAN:EXECUTING:STOPPED", (STOP, START, END), [(18, 22, False), (22, 23, True)]),
        ("PLAN:EXECUTING:STOPPED:AWAITING_PRICES", (STOP, None, END), [(18, None, False)]),
        ("PLAN:EXECUTING:STARTED", (None, START, None), [(22, None, True)]),
        # It does not have to stop first.
        ("PLAN:EXECUTING:STARTED", (START, STOP, END), [(18, 23, True)]),
        ("PLAN:EXECUTING:STARTED", (None, None, None), []),
        ("PLAN:EXECUTING:OVERRIDDEN", (STOP, START, END), []),
        ("PLAN:ENDED:FINISHED", (STOP, START, END), []),
        ("CONSIDERING", (None, None, None), []),
        (None, (None, None, None), []),
    ],
)
def test_spans_of_a_plan(
    state: str | None,
    plan: tuple[str | None, str | None, str | None],
    slots: list[tuple[int, int | None, bool]],
) -> None:
    stop, start, end = plan
    body: Any = {
        "state": state,
        "plan": {"stopAt": stop, "startAt": start, "estimatedFinishAt": end},
    }

    found = parse_plan(body, "car").slots

    assert [
        (slot.start.hour, slot.end.hour if slot.end else None, slot.charging) for slot in found
    ] == slots


@pytest.mark.parametrize("body", [None, [], "plan", {"plan": None}])
def test_no_plan_is_empty(body: Any) -> None:
    assert parse_plan(body, "car") == ChargePlan(device_id="car")
