"""What is looked up on demand at the simulated ev.energy: sessions, plans, status logs, a page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.energy_connect.core.errors import (
    ApiError,
    CommandRefused,
    NotPermitted,
    Reason,
    Refusal,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.model import Advice, AdviceKind, OpenPage, Severity
from custom_components.energy_connect.core.offers import (
    Mending,
    PlanSource,
    ReadingSource,
    SessionSource,
    Visit,
)
from custom_components.energy_connect.core.vocabulary import Quantity, SessionMode
from custom_components.energy_connect.providers.ev_energy.account import EvEnergyAccount
from simulator.ev_energy.episodes import identifier
from simulator.faults import Html, Rewrite, Shape, Status

from .conftest import EVENING, Driveway, device

CAR, SECOND_CAR = identifier("vhcl", 0), identifier("vhcl", 1)
CHARGER, METER = identifier("evse", 0), identifier("boun", 0)
SESSIONS = "/v2/charging_sub_sessions"
WEEK = timedelta(days=7)
VISIT = Visit(return_to="http://127.0.0.1:8123/back?state=x", language="en")


@pytest.fixture
async def account(driveway: Driveway) -> EvEnergyAccount:
    account = await driveway.signed_in()
    await account.poll()
    driveway.forget()
    return account


class TestSessions:
    async def test_of_a_vehicle(self, account: EvEnergyAccount) -> None:
        assert isinstance(account, SessionSource)
        found = await account.charging_sessions(CAR, EVENING - WEEK, EVENING)
        assert len(found) == 5
        assert [one.start for one in found] == sorted(one.start for one in found)
        last, current = found[-2:]
        assert current.end is None
        assert last.end is not None
        assert (last.energy, last.energy_from_solar) == (5.5, 0)
        assert (last.cost, last.currency, last.savings) == (0.5, "GBP", 1.04)
        assert (last.co2, last.percent_added) == (544, 9.5)
        assert last.mode is SessionMode.SMART
        assert {one.device_id for one in found} == {CAR}

    async def test_of_a_charger(self, account: EvEnergyAccount) -> None:
        of_car = await account.charging_sessions(CAR, EVENING - WEEK, EVENING)
        of_charger = await account.charging_sessions(CHARGER, EVENING - WEEK, EVENING)
        assert [one.id for one in of_charger] == [one.id for one in of_car]
        assert {one.device_id for one in of_charger} == {CHARGER}

    async def test_the_start_counts_and_the_end_does_not(self, account: EvEnergyAccount) -> None:
        first, second, *_ = await account.charging_sessions(CAR, EVENING - WEEK, EVENING)
        found = await account.charging_sessions(CAR, first.start, second.start)
        assert [one.id for one in found] == [first.id]

    async def test_in_pages(self, driveway: Driveway, account: EvEnergyAccount) -> None:
        driveway.knobs.most_rows = 2
        found = await account.charging_sessions(CAR, EVENING - WEEK, EVENING)
        assert len(found) == 5
        assert len(driveway.asked(SESSIONS)) == 3

    async def test_what_has_none(self, driveway: Driveway, account: EvEnergyAccount) -> None:
        for other in (METER, "account", "unknown"):
            assert list(await account.charging_sessions(other, EVENING - WEEK, EVENING)) == []
        assert driveway.asked() == []

    async def test_a_filter_that_is_not_honoured(
        self, driveway: Driveway, account: EvEnergyAccount
    ) -> None:
        both = driveway.sim.ev_energy.garage.sessions(0)
        driveway.fault(Shape(payload=[*both, *both, "bad"]), SESSIONS)
        found = await account.charging_sessions(CAR, EVENING - WEEK, EVENING)
        assert len(found) == 5
        assert {one.device_id for one in found} == {CAR}

    async def test_half_a_list_is_none(self, driveway: Driveway, account: EvEnergyAccount) -> None:
        address = f"{driveway.sim.ev_energy.url}{SESSIONS}?page_after=x"
        repeated = Status(
            status=200,
            headers={"Link": f'<{address}>; rel="next"'},
            body='[{"id": "csub1", "start": "2026-03-01T00:00:00Z"}]',
            content_type="application/json",
        )
        driveway.fault(repeated, SESSIONS)
        with pytest.raises(UnexpectedResponse):
            await account.charging_sessions(CAR, EVENING - WEEK, EVENING)

    async def test_without_the_scope(self, driveway: Driveway) -> None:
        driveway.browser.scopes = frozenset({"vehicle:read"})
        account = await driveway.signed_in()
        await account.poll()
        with pytest.raises(NotPermitted):
            await account.charging_sessions(CAR, EVENING - WEEK, EVENING)


class TestPlan:
    async def test_what_is_left_of_it(self, driveway: Driveway, account: EvEnergyAccount) -> None:
        assert isinstance(account, PlanSource)
        driveway.sim.clock.set(datetime(2026, 11, 18, 20, 0, tzinfo=UTC))
        driveway.clock.advance((driveway.sim.clock.now() - driveway.clock.now()).total_seconds())
        plan = await account.charge_plan(CAR)
        assert plan.made_at == datetime(2026, 11, 18, 19, 15, tzinfo=UTC)
        charging = [slot for slot in plan.slots if slot.charging]
        assert plan.slots[0].start == datetime(2026, 11, 18, 20, 0, tzinfo=UTC)
        assert not plan.slots[0].charging
        assert charging[0].start == datetime(2026, 11, 18, 22, 0, tzinfo=UTC)
        assert charging[-1].end == datetime(2026, 11, 19, 1, 30, tzinfo=UTC)
        assert (await account.charge_plan(CHARGER)).slots == plan.slots

    async def test_of_a_boost_is_open(self, driveway: Driveway, account: EvEnergyAccount) -> None:
        driveway.sim.ev_energy.garage.steering.start_boost(CAR, EVENING - timedelta(minutes=1))
        (slot,) = (await account.charge_plan(CAR)).slots
        assert (slot.end, slot.charging) == (None, True)

    async def test_without_one(self, driveway: Driveway, account: EvEnergyAccount) -> None:
        assert (await account.charge_plan("unknown")).slots == ()
        assert driveway.asked() == []
        driveway.fault(Status(status=404), "*/schedules", times=1)
        assert (await account.charge_plan(CAR)).slots == ()
        driveway.advance(15 * 3600)
        plan = await account.charge_plan(CAR)
        assert (plan.slots, plan.made_at) == ((), None)
        driveway.fault(Shape(payload=[]), SESSIONS)
        assert (await account.charge_plan(CAR)).slots == ()

    async def test_that_can_not_be_read(self, driveway: Driveway, account: EvEnergyAccount) -> None:
        driveway.fault(Html(), "*/schedules")
        with pytest.raises(UnexpectedResponse):
            await account.charge_plan(CAR)


class TestReadings:
    async def test_of_a_charger(self, account: EvEnergyAccount) -> None:
        assert isinstance(account, ReadingSource)
        start = EVENING - timedelta(days=1)
        found = await account.readings(CHARGER, start, start + timedelta(hours=2))
        assert {one.quantity for one in found} == {Quantity.ENERGY_CHARGED}
        assert len(found) == 24
        assert found[0].at == start
        assert [one.at for one in found] == sorted(one.at for one in found)
        assert found[0].value < found[-1].value
        assert found[-1].unit is None  # kWh

    async def test_of_a_vehicle(self, account: EvEnergyAccount) -> None:
        found = await account.readings(CAR, EVENING - timedelta(hours=2), EVENING)
        assert {one.quantity for one in found} == {Quantity.STATE_OF_CHARGE, Quantity.ODOMETER}
        assert len(found) == 48

    async def test_in_pages(self, driveway: Driveway, account: EvEnergyAccount) -> None:
        found = await account.readings(CHARGER, EVENING - timedelta(days=1), EVENING)
        assert len(found) == 288
        assert len(driveway.asked("*/status_logs")) == 3

    async def test_too_much_at_once(self, driveway: Driveway, account: EvEnergyAccount) -> None:
        driveway.knobs.most_rows = 1
        with pytest.raises(UnexpectedResponse) as caught:
            await account.readings(CHARGER, EVENING - WEEK, EVENING)
        assert caught.value.reason is Reason.TOO_LARGE
        assert len(driveway.asked("*/status_logs")) == 100

    async def test_what_has_none(self, driveway: Driveway, account: EvEnergyAccount) -> None:
        assert list(await account.readings(METER, EVENING - WEEK, EVENING)) == []
        assert driveway.asked() == []

    async def test_odd_rows(self, driveway: Driveway, account: EvEnergyAccount) -> None:
        rows: list[Any] = [
            {"sampled_at": "2026-03-03T20:00:00Z", "meter_reading_watt_hours": None},
            {"sampled_at": "2026-03-03T20:05:00Z", "meter_reading_watt_hours": "1500"},
            {"meter_reading_watt_hours": 1},
            7,
        ]
        driveway.fault(Shape(payload=rows), "*/status_logs")
        (only,) = await account.readings(CHARGER, EVENING - WEEK, EVENING)
        assert only.value == 1.5


class TestReconnect:
    @pytest.fixture(autouse=True)
    async def disconnected(self, driveway: Driveway, account: EvEnergyAccount) -> None:
        driveway.knobs.disconnected = frozenset({SECOND_CAR})

    async def test_is_advised_and_withdrawn(
        self, driveway: Driveway, account: EvEnergyAccount
    ) -> None:
        assert isinstance(account, Mending)
        poll = await driveway.later(account)
        assert poll.snapshot.advice == (
            Advice(
                AdviceKind.VEHICLE_RECONNECT,
                SECOND_CAR,
                Severity.ERROR,
                {"device": "Sam's estate two"},
                OpenPage(),
            ),
        )
        link = await account.mend(SECOND_CAR, VISIT)
        assert link is not None
        assert link.expires == driveway.clock.now() + timedelta(hours=1)
        assert link.url not in repr(link)
        async with driveway.session.post(link.url) as page:
            assert page.status == 200
        poll = await driveway.later(account)
        assert poll.snapshot.advice == ()
        assert await account.mend(SECOND_CAR, VISIT) is None

    async def test_of_a_vehicle_without_a_name(
        self, driveway: Driveway, account: EvEnergyAccount
    ) -> None:
        rows = [{"id": "vhcl1", "integrated": "INACTIVE"}]
        driveway.fault(Shape(payload=rows), "/v2/vehicles")
        poll = await driveway.later(account)
        (advice,) = poll.snapshot.advice
        assert advice.placeholders == {"device": "ev.energy"}
        assert device(poll, "vhcl1")

    async def test_is_not_given_for_others(
        self, driveway: Driveway, account: EvEnergyAccount
    ) -> None:
        await driveway.later(account)
        driveway.forget()
        assert await account.mend(CAR, VISIT) is None
        assert await account.mend("unknown", VISIT) is None
        assert driveway.asked() == []

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            (403, Refusal.NO_PERMISSION),
            (404, Refusal.DEVICE_GONE),
            (409, Refusal.NOT_POSSIBLE_NOW),
        ],
    )
    async def test_is_refused(
        self, driveway: Driveway, account: EvEnergyAccount, status: int, reason: Refusal
    ) -> None:
        await driveway.later(account)
        driveway.fault(Shape(payload={"detail": "No."}, status=status), "*/reconnect")
        with pytest.raises(CommandRefused) as caught:
            await account.mend(SECOND_CAR, VISIT)
        assert (caught.value.reason, caught.value.detail) == (reason, "No.")

    @pytest.mark.parametrize("fault", [Status(status=500), Status(status=404), Html()])
    async def test_can_not_be_had(
        self, driveway: Driveway, account: EvEnergyAccount, fault: Any
    ) -> None:
        await driveway.later(account)
        driveway.fault(fault, "*/reconnect")
        with pytest.raises(ApiError):
            await account.mend(SECOND_CAR, VISIT)

    @pytest.mark.parametrize(
        "address",
        [
            None,
            7,
            "",
            "http://elsewhere.example/reconnect",
            "javascript:alert(1)",
            "https:///reconnect",
            "https://[",
            "https://auth.example/x) [y](https://elsewhere.example",
        ],
    )
    async def test_only_a_safe_address_is_shown(
        self, driveway: Driveway, account: EvEnergyAccount, address: Any
    ) -> None:
        await driveway.later(account)
        driveway.fault(Rewrite(bend=lambda _: {"url": address}), "*/reconnect")
        with pytest.raises(UnexpectedResponse):
            await account.mend(SECOND_CAR, VISIT)

    async def test_an_address_that_does_not_say_how_long_it_works(
        self, driveway: Driveway, account: EvEnergyAccount
    ) -> None:
        await driveway.later(account)
        driveway.fault(Shape(payload={"url": "https://auth.example/reconnect?a=b"}), "*/reconnect")
        link = await account.mend(SECOND_CAR, VISIT)
        assert link is not None
        assert (link.url, link.expires) == ("https://auth.example/reconnect?a=b", None)
