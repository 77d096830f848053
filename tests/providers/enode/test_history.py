"""What an account tells of the past is what happened in the house."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from custom_components.energy_connect.core.budget import Priority
from custom_components.energy_connect.core.errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    RateLimited,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.history import Batch, Form, HistoryAccount, Source
from custom_components.energy_connect.core.series import (
    Certainty,
    hour_of,
    hours_of_intervals,
    time_of,
)
from custom_components.energy_connect.core.vocabulary import Quantity
from custom_components.energy_connect.providers.enode import PROVIDER
from custom_components.energy_connect.providers.enode.account import EnodeAccount
from simulator.enode.assets import SITE, asset_id
from simulator.enode.knobs import ALL_SCOPES, EnodeKnobs
from simulator.enode.statistics import price
from simulator.faults import Action, Html, Rewrite, Shape, Status, rate_limited
from simulator.house import Flow
from simulator.payload import JsonValue

from .conftest import Home

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
CAR, BOX, PUMP = asset_id("vehicle 0"), asset_id("charger 1"), asset_id("Hall heat pump")
INVERTER = asset_id("inverter")
FLOWS: Final = {
    Quantity.ENERGY_PRODUCTION: Flow.PV,
    Quantity.ENERGY_CONSUMPTION: Flow.CONSUMPTION,
    Quantity.ENERGY_CHARGED: Flow.BATTERY_CHARGE,
    Quantity.ENERGY_DISCHARGED: Flow.BATTERY_DISCHARGE,
    Quantity.ENERGY_IMPORT: Flow.GRID_IMPORT,
    Quantity.ENERGY_EXPORT: Flow.GRID_EXPORT,
}


def utc(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


@dataclass
class Past:
    """An account that was polled, and what can be asked of its past."""

    home: Home
    account: EnodeAccount
    found: Mapping[str, Source] = field(default_factory=dict[str, Source])

    @property
    def knobs(self) -> EnodeKnobs:
        return self.home.server.knobs

    @property
    def sources(self) -> Mapping[str, Source]:
        return {source.key: source for source in self.account.history_sources()}

    def source(self, device: str) -> Source:
        """Return what was found when the account was opened: the lists grow old without polls."""
        return next(one for one in self.found.values() if one.series[0].device == device)

    async def batches(
        self, device: str, start: datetime, end: datetime, priority: Priority = Priority.BACKFILL
    ) -> dict[Quantity, Batch]:
        source = self.source(device)
        harvest = await self.account.read_history(source, start, end, priority)
        return {series.quantity: harvest.batches[series.key] for series in source.series}

    async def batch(self, device: str, start: datetime, end: datetime) -> Batch:
        (batch,) = (await self.batches(device, start, end)).values()
        return batch

    def truth(self, flow: Flow, start: datetime, end: datetime) -> dict[int, float]:
        house = self.home.sim.house
        return {
            hour: house.energy(flow, time_of(hour + 1)) - house.energy(flow, time_of(hour))
            for hour in range(hour_of(start), hour_of(end))
        }

    def asked(self, name: str = "statistics") -> list[dict[str, str]]:
        """Return the queries of what was asked since the last call, oldest first."""
        requests = self.home.sim.journal.requests(provider="enode")
        self.home.sim.journal.clear()
        return [dict(one.query) for one in requests if name in one.path]

    async def refusal(
        self, device: str, *, start: datetime | None = None, end: datetime | None = None
    ) -> ApiError:
        end = end or self.home.clock.now()
        with pytest.raises(ApiError) as raised:
            await self.batches(device, start or end - DAY, end)
        return raised.value


def amounts(batch: Batch, start: datetime, end: datetime) -> dict[int, float]:
    hours = hours_of_intervals(batch.intervals)
    return {hour: hours[hour].amount for hour in hours if hour_of(start) <= hour < hour_of(end)}


def certainties(batch: Batch) -> set[Certainty]:
    return {each.certainty for each in hours_of_intervals(batch.intervals).values()}


async def open_past(home: Home, at: datetime | None = None, **options: Any) -> Past:
    """Return the past as it is told at a time."""
    if at is not None:
        home.advance((at - home.clock.now()).total_seconds())
    account = EnodeAccount(home.context(options=options))
    await account.poll()
    home.sim.journal.clear()
    return Past(home, account, {source.key: source for source in account.history_sources()})


@pytest.fixture
async def past(home: Home) -> Past:
    return await open_past(home)


async def test_what_there_is(past: Past) -> None:
    assert PROVIDER.history
    assert isinstance(past.account, HistoryAccount)
    told = {
        key: {series.quantity for series in source.series} for key, source in past.sources.items()
    }
    assert told == {
        f"vehicle_{asset_id('vehicle 0')}": {Quantity.ENERGY_CHARGED},
        f"vehicle_{asset_id('vehicle 1')}": {Quantity.ENERGY_CHARGED},
        f"charger_{asset_id('charger 0')}": {Quantity.ENERGY_CHARGED},
        f"charger_{asset_id('charger 1')}": {Quantity.ENERGY_CHARGED},
        # The neighbour's air conditioner does not tell its power.
        f"hvac_{PUMP}": {Quantity.ENERGY_CONSUMPTION},
        f"inverters_{INVERTER}": {Quantity.ENERGY_PRODUCTION},
        f"hem-systems_{SITE}": set(FLOWS),
    }
    assert {one.form for source in past.sources.values() for one in source.series} == {
        Form.INTERVALS
    }
    assert past.asked("") == []
    assert past.account.diagnostics()["history"] == {"sources": 7, "dropped": 0, "by_session": []}


async def test_what_is_not_granted_has_no_past(home: Home) -> None:
    home.server.knobs.scopes = frozenset({"charger:read:data", "vehicle:read:location"})
    home.server.knobs.hem = False

    past = await open_past(home)

    assert {key.partition("_")[0] for key in past.sources} == {"charger"}


async def test_past_of_an_inverter_that_can_not_tell_it_is_not_offered(home: Home) -> None:
    home.server.knobs.interventions = frozenset({"HUAWEI"})

    past = await open_past(home)

    assert f"inverters_{INVERTER}" not in past.sources


async def test_site_that_tells_nothing_of_today_has_no_past(home: Home) -> None:
    home.fail(Rewrite(bend=lambda _: {"data": [{"id": SITE}]}), "hem-systems")

    past = await open_past(home)

    assert f"hem-systems_{SITE}" not in past.sources


async def test_nothing_is_asked_of_the_time_before_the_installation(past: Past) -> None:
    for device in (INVERTER, SITE):
        begins = past.source(device).begins
        assert begins is not None
        assert utc(2023, 5, 29) < begins < utc(2023, 6, 1)


# Inverters and HEM systems


@pytest.mark.parametrize(
    ("start", "days"), [(utc(2026, 3, 26), 23), (utc(2026, 10, 22), 25)], ids=["spring", "autumn"]
)
@pytest.mark.parametrize("repeats", [False, True])
async def test_production_is_what_was_produced(
    home: Home, start: datetime, days: int, repeats: bool
) -> None:
    end = start + 7 * DAY
    home.server.knobs.repeats = repeats
    past = await open_past(home, end + 2 * DAY)

    batch = await past.batch(INVERTER, start, end)

    assert amounts(batch, start, end) == pytest.approx(past.truth(Flow.PV, start, end))
    assert certainties(batch) == {Certainty.FINAL}
    questions = past.asked()
    assert len(questions) == 8
    assert questions[0] == {
        "year": str(start.year),
        "month": str(start.month),
        "day": str(start.day),
    }


@pytest.mark.parametrize("start", [utc(2026, 3, 26), utc(2026, 10, 22)])
async def test_flows_of_a_home_are_what_flowed(home: Home, start: datetime) -> None:
    end = start + 7 * DAY
    past = await open_past(home, end + 2 * DAY)

    batches = await past.batches(SITE, start, end)

    assert batches.keys() == FLOWS.keys()
    for quantity, flow in FLOWS.items():
        told = amounts(batches[quantity], start, end)
        assert told == pytest.approx(past.truth(flow, start, end), abs=2e-6)
        assert certainties(batches[quantity]) == {Certainty.FINAL}
    assert past.asked()[0] == {"interval": start.date().isoformat()}


@pytest.mark.parametrize("device", [INVERTER, SITE])
async def test_device_without_a_time_zone_tells_all_the_same(home: Home, device: str) -> None:
    home.server.knobs.zone_named = False
    past = await open_past(home)
    start, end = utc(2026, 2, 10, 3), utc(2026, 2, 11, 23)

    batches = await past.batches(device, start, end)

    told = amounts(batches[Quantity.ENERGY_PRODUCTION], start, end)
    assert told == pytest.approx(past.truth(Flow.PV, start, end))


async def test_today_of_an_inverter_is_provisional(past: Past) -> None:
    now = past.home.clock.now()
    start = now - DAY

    batch = await past.batch(INVERTER, start, now)

    told = amounts(batch, start, now)
    truth = past.truth(Flow.PV, start, now)
    midnight = hour_of(utc(2026, 3, 2, 23))
    hours = hours_of_intervals(batch.intervals)
    assert {hour: told[hour] for hour in told} == pytest.approx({h: truth[h] for h in told})
    assert {hour for hour in hours if hours[hour].certainty is Certainty.PROVISIONAL} == {
        # Hours without production are not known yet.
        hour
        for hour in range(midnight, hour_of(now))
        if truth[hour]
    }
    assert set(range(hour_of(start), midnight)) <= told.keys()


async def test_provisional_answer_is_not_asked_for_again_too_soon(past: Past) -> None:
    past.home.advance(7 * 60)
    start, end = utc(2026, 3, 3, 6), utc(2026, 3, 3, 13)
    first = await past.batch(INVERTER, start, end)
    assert len(past.asked()) == 1

    past.home.advance(7 * 60)
    assert await past.batch(INVERTER, start, end) == first
    assert past.asked() == []

    past.home.advance(60)
    assert await past.batch(INVERTER, start, end) != first
    assert len(past.asked()) == 1


async def test_wrong_time_to_ask_again_holds_nothing_back_for_long(past: Past) -> None:
    now = past.home.clock.now()

    def far(answer: JsonValue) -> JsonValue:
        assert isinstance(answer, dict)
        return {**answer, "retryAfter": "2099-01-01T00:00:00.000Z"}

    past.home.fail(Rewrite(bend=far), f"inverters/{INVERTER}/statistics")
    await past.batch(INVERTER, now - 6 * HOUR, now)
    past.home.advance(DAY.total_seconds())
    past.asked()

    await past.batch(INVERTER, now - 6 * HOUR, now)

    assert len(past.asked()) == 1


async def test_not_more_answers_are_remembered_than_needed(past: Past) -> None:
    # All days of ten weeks are late, and so provisional.
    begin = utc(2025, 12, 8)
    past.knobs.late = frozenset((begin + n * DAY).date().isoformat() for n in range(-1, 72))
    for week in range(10):
        await past.batch(INVERTER, begin + week * 7 * DAY, begin + (week + 1) * 7 * DAY)
    past.asked()

    await past.batch(INVERTER, begin, begin + DAY)
    assert past.asked()
    await past.batch(INVERTER, begin + 69 * DAY, begin + 70 * DAY)
    assert past.asked() == []


async def test_home_today_is_provisional_for_two_hours(past: Past) -> None:
    now = past.home.clock.now()
    start = now - 8 * HOUR

    batches = await past.batches(SITE, start, now)

    hours = hours_of_intervals(batches[Quantity.ENERGY_CONSUMPTION].intervals)
    open_hours = {hour for hour in hours if hours[hour].certainty is Certainty.PROVISIONAL}
    assert open_hours == set(range(hour_of(now) - 2, hour_of(now)))
    assert max(each.end for each in batches[Quantity.ENERGY_CONSUMPTION].intervals) <= now


@pytest.mark.parametrize("device", [INVERTER, SITE])
async def test_late_day_is_unknown_until_it_comes(past: Past, device: str) -> None:
    start, end = utc(2026, 2, 10, 6), utc(2026, 2, 10, 18)
    past.knobs.late = frozenset({"2026-02-10"})
    batches = await past.batches(device, start, end)
    assert amounts(batches[Quantity.ENERGY_PRODUCTION], start, end) == {}

    past.knobs.late = frozenset()
    past.home.advance(3600)
    batches = await past.batches(device, start, end)

    told = amounts(batches[Quantity.ENERGY_PRODUCTION], start, end)
    assert told == pytest.approx(past.truth(Flow.PV, start, end))


@pytest.mark.parametrize("device", [INVERTER, SITE])
async def test_gap_stays_a_gap(past: Past, device: str) -> None:
    past.knobs.gaps = frozenset({"2026-02-10"})
    start, end = utc(2026, 2, 9, 23), utc(2026, 2, 10, 23)

    batches = await past.batches(device, start, end)

    told = amounts(batches[Quantity.ENERGY_PRODUCTION], start, end)
    assert told.keys() == set(range(hour_of(start) + 6, hour_of(end)))


@pytest.mark.parametrize("device", [INVERTER, SITE])
async def test_correction_is_told(past: Past, device: str) -> None:
    start, end = utc(2026, 2, 10, 6), utc(2026, 2, 10, 18)
    await past.batches(device, start, end)
    past.knobs.corrected = frozenset({"2026-02-10"})

    batches = await past.batches(device, start, end)

    truth = past.truth(Flow.PV, start, end)
    told = amounts(batches[Quantity.ENERGY_PRODUCTION], start, end)
    assert told == pytest.approx({hour: truth[hour] * 1.1 for hour in truth}, abs=1e-5)


async def test_days_stand_in_for_quarter_hours_of_long_ago(past: Past) -> None:
    # Linked on 10 January 2025: quarter hours of 30 days before, days of three months.
    start, end = utc(2024, 10, 28, 23), utc(2024, 11, 3, 23)

    batch = await past.batch(INVERTER, start, end)

    assert certainties(batch) == {Certainty.ESTIMATED}
    told = sum(amounts(batch, start, end).values())
    assert told == pytest.approx(sum(past.truth(Flow.PV, start, end).values()), abs=1e-4)
    questions = past.asked()
    assert [one["month"] for one in questions if "day" not in one] == ["10", "11"]
    assert len(questions) == 6 + 2


async def test_site_that_tells_days_alone_is_read_by_the_month(past: Past) -> None:
    past.knobs.quarter_hours = False
    start, end = utc(2026, 2, 9, 23), utc(2026, 2, 11, 23)

    batches = await past.batches(SITE, start, end)

    for quantity, flow in FLOWS.items():
        told = sum(amounts(batches[quantity], start, end).values())
        assert told == pytest.approx(sum(past.truth(flow, start, end).values()), abs=1e-4)
    assert past.asked() == [
        {"interval": "2026-02-10"},
        {"interval": "2026-02"},
        {"interval": "2026-02-11"},
    ]


async def test_what_today_has_so_far_is_not_spread_over_the_day(past: Past) -> None:
    past.knobs.quarter_hours = False
    now = past.home.clock.now()

    batches = await past.batches(SITE, now - DAY, now)

    assert max(each.end for each in batches[Quantity.ENERGY_IMPORT].intervals) == utc(
        2026, 3, 2, 23
    )


@pytest.mark.parametrize("device", [INVERTER, SITE])
async def test_time_before_the_installation_is_empty(past: Past, device: str) -> None:
    start, end = utc(2023, 5, 10, 22), utc(2023, 5, 12, 22)

    batches = await past.batches(device, start, end)

    assert {len(batch.intervals) for batch in batches.values()} == {0}
    assert len(past.asked()) == 2


async def test_site_without_statistics_is_left_alone(past: Past) -> None:
    past.knobs.statistics = frozenset()

    error = await past.refusal(SITE, start=utc(2026, 2, 10), end=utc(2026, 2, 11))

    assert (type(error), error.status) == (NotPermitted, 422)
    assert error.detail is not None
    assert "not available" in error.detail


async def test_site_that_had_statistics_may_have_none_of_some_day(past: Past) -> None:
    await past.batches(SITE, utc(2026, 2, 10), utc(2026, 2, 11))
    past.knobs.statistics = frozenset()

    batches = await past.batches(SITE, utc(2026, 2, 10), utc(2026, 2, 11))

    assert {len(batch.intervals) for batch in batches.values()} == {0}


# Vehicles, chargers, appliances


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("empty_hours", [False, True])
@pytest.mark.parametrize("statistics", ["hours", "sessions"])
@pytest.mark.parametrize(("device", "flow"), [(CAR, Flow.WALLBOX_1), (BOX, Flow.WALLBOX_2)])
async def test_charging_is_what_was_charged(
    home: Home, device: str, flow: Flow, statistics: str, empty_hours: bool, repeats: bool
) -> None:
    start, end = utc(2026, 3, 10), utc(2026, 4, 10)
    past = await open_past(home, utc(2026, 4, 12))
    past.knobs.statistics = frozenset({statistics})
    past.knobs.empty_hours, past.knobs.repeats = empty_hours, repeats

    batch = await past.batch(device, start, end)

    told = {hour: amount for hour, amount in amounts(batch, start, end).items() if amount}
    truth = past.truth(flow, start, end)
    assert told == pytest.approx({hour: truth[hour] for hour in truth if truth[hour]}, abs=1e-5)
    # Also where a session began in the middle of an hour.
    hours = hours_of_intervals(batch.intervals)
    assert {hours[hour].certainty for hour in told} == {Certainty.FINAL}
    assert batch.known_until == end
    assert past.source(device).sparse


async def test_one_request_reads_a_month_of_hours(past: Past) -> None:
    await past.batch(CAR, utc(2026, 1, 1), utc(2026, 2, 1))

    assert past.asked() == [
        {
            "type": "vehicle",
            "id": CAR,
            "startDate": "2026-01-01T00:00:00.000Z",
            "endDate": "2026-02-01T00:00:00.000Z",
            "resolution": "HOUR",
        }
    ]


async def test_heat_pump_is_told_by_the_hour(past: Past) -> None:
    start, end = utc(2026, 2, 10), utc(2026, 2, 11)

    batch = await past.batch(PUMP, start, end)

    assert amounts(batch, start, end) == pytest.approx(
        past.truth(Flow.HEAT_PUMP, start, end), abs=1e-5
    )


async def test_user_that_was_entered_owns_what_names_no_owner(home: Home) -> None:
    def orphaned(answer: JsonValue) -> JsonValue:
        assert isinstance(answer, dict)
        rows = answer["data"]
        assert isinstance(rows, list)
        return {
            **answer,
            "data": [{**row, "userId": None} for row in rows if isinstance(row, dict)],
        }

    home.fail(Rewrite(bend=orphaned), "*vehicles")
    account = home.account(user_id="villa-14")
    await account.poll()
    assert f"vehicle_{CAR}" in {source.key for source in account.history_sources()}

    account = home.account()
    await account.poll()
    assert f"vehicle_{CAR}" not in {source.key for source in account.history_sources()}


async def test_hours_are_asked_for_again_after_a_while(past: Past) -> None:
    past.knobs.statistics = frozenset({"sessions"})
    start, end = utc(2026, 2, 1), utc(2026, 2, 2)
    await past.batch(CAR, start, end)
    await past.batch(CAR, start, end)
    assert ["resolution" in one for one in past.asked()] == [True, False, False]
    assert past.account.diagnostics()["history"]["by_session"] == ["vehicle"]
    # What is refused for one kind may be there for another.
    await past.batch(BOX, start, end)
    assert ["resolution" in one for one in past.asked()] == [True, False]

    past.knobs.statistics = frozenset({"hours"})
    past.home.advance(6 * 3600)
    await past.batch(CAR, start, end)

    assert ["resolution" in one for one in past.asked()] == [True]


async def test_running_session_is_not_taken_for_no_energy(home: Home) -> None:
    session = next(
        one
        for one in home.sim.house.car_park.car(0).sessions(utc(2026, 3, 10), utc(2026, 3, 20))
        if one.end - one.start > HOUR
    )
    past = await open_past(home, session.end - timedelta(minutes=5))
    now = home.clock.now()
    end = time_of(hour_of(now))

    batch = await past.batch(CAR, end - 4 * DAY, end)

    assert batch.known_until is not None
    assert batch.known_until <= session.start + HOUR
    assert batch.known_until >= now - 36 * HOUR

    home.advance(20 * 60)
    batch = await past.batch(CAR, end - 4 * DAY, time_of(hour_of(home.clock.now())))

    assert batch.known_until is not None
    assert batch.known_until >= time_of(hour_of(session.end - timedelta(seconds=1)))
    assert amounts(batch, session.start, session.end)[hour_of(session.start)] > 0


async def test_newest_hours_of_charging_may_still_grow(home: Home) -> None:
    session = home.sim.house.car_park.car(0).sessions(utc(2026, 3, 10), utc(2026, 3, 20))[0]
    past = await open_past(home, session.end + HOUR)
    end = time_of(hour_of(home.clock.now()) + 1)

    batch = await past.batch(CAR, end - DAY, end)
    assert not max(batch.intervals, key=lambda each: each.end).final

    home.advance(3 * 3600)
    batch = await past.batch(CAR, end - DAY, end)
    assert all(each.final for each in batch.intervals)


async def test_late_charging_and_corrections_are_told(past: Past) -> None:
    start, end = utc(2026, 2, 1), utc(2026, 2, 20)
    before = sum(amounts(await past.batch(CAR, start, end), start, end).values())

    past.knobs.corrected = frozenset({"2026-02-10", "2026-02-11", "2026-02-12"})
    corrected = sum(amounts(await past.batch(CAR, start, end), start, end).values())
    past.knobs.late = past.knobs.corrected
    without = sum(amounts(await past.batch(CAR, start, end), start, end).values())

    assert corrected - before == pytest.approx((before - without) / 10, abs=1e-4)
    assert before > without


@pytest.mark.parametrize("statistics", ["hours", "sessions"])
async def test_costs_come_in_the_currency_that_was_named(home: Home, statistics: str) -> None:
    past = await open_past(home, cost_currency=" eur ")
    past.knobs.statistics = frozenset({statistics})
    start, end = utc(2026, 2, 1), utc(2026, 3, 1)

    batch = await past.batch(CAR, start, end)

    assert {series.currency for series in past.source(CAR).series} == {"EUR"}
    charged = [each for each in batch.intervals if each.amount]
    assert charged
    for each in charged:
        assert each.cost == pytest.approx(each.amount * price(each.start))
    # Inverters and homes have no costs.
    assert {one.currency for one in past.source(SITE).series} == {None}


@pytest.mark.parametrize("named", ["", "euro", "€", None])
async def test_without_a_currency_there_are_no_costs(home: Home, named: str | None) -> None:
    past = await open_past(home, cost_currency=named)

    batch = await past.batch(CAR, utc(2026, 2, 1), utc(2026, 3, 1))

    assert {series.currency for series in past.source(CAR).series} == {None}
    assert {each.cost for each in batch.intervals} == {None}


# Trouble


@pytest.mark.parametrize("device", [CAR, INVERTER, SITE])
@pytest.mark.parametrize(
    ("action", "kind", "reason"),
    [
        (Shape(payload={}, status=403), NotPermitted, Reason.NOT_PERMITTED),
        (Shape(payload={"detail": "Asset not found"}, status=404), NotPermitted, Reason.NOT_FOUND),
        (Status(status=503), Unavailable, Reason.SERVER_ERROR),
        (rate_limited("30"), RateLimited, Reason.RATE_LIMITED),
        (Html(), UnexpectedResponse, Reason.HTML_PAGE),
        (Shape(payload=None), UnexpectedResponse, Reason.UNEXPECTED_SHAPE),
        (Shape(payload="no"), UnexpectedResponse, Reason.UNEXPECTED_SHAPE),
        (Status(status=409), UnexpectedResponse, Reason.REQUEST_REFUSED),
        (Shape(payload={}, status=401), CredentialsRejected, Reason.INVALID_CREDENTIALS),
    ],
)
async def test_trouble_is_told(
    past: Past, device: str, action: Action, kind: type[ApiError], reason: Reason
) -> None:
    past.home.fail(action, "*statistics*")

    error = await past.refusal(device)

    assert (type(error), error.reason) == (kind, reason)


async def test_sessions_that_are_not_found_leave_the_device_alone(past: Past) -> None:
    past.knobs.statistics = frozenset({"sessions"})
    past.home.fail(Shape(payload={}, status=404), "*sessions")

    assert isinstance(await past.refusal(CAR), NotPermitted)


async def test_half_a_week_is_not_returned_as_a_whole_one(past: Past) -> None:
    past.home.fail(Status(status=503), f"inverters/{INVERTER}/statistics", after=3)

    error = await past.refusal(INVERTER, start=utc(2026, 2, 1), end=utc(2026, 2, 8))

    assert isinstance(error, Unavailable)


async def test_device_that_went_has_no_past(past: Past) -> None:
    gone = past.source(CAR)
    past.knobs.scopes = ALL_SCOPES - {"vehicle:read:data"}
    past.home.advance(300)
    await past.account.poll()
    assert gone.key not in past.sources

    with pytest.raises(NotPermitted) as raised:
        await past.account.read_history(gone, utc(2026, 2, 1), utc(2026, 2, 2), Priority.BACKFILL)
    assert raised.value.reason is Reason.NOT_FOUND


async def test_the_past_leaves_requests_to_the_present(past: Past) -> None:
    # Enode documents no limit; with one, the past takes six tenths of it.
    budget = past.account._access.budget
    budget.per_hour = round((budget.spent + 1) / 0.6)
    start, end = utc(2026, 2, 1), utc(2026, 2, 2)
    await past.batches(CAR, start, end)

    with pytest.raises(RateLimited):
        await past.batches(CAR, start, end)
    await past.batches(CAR, start, end, Priority.LIVE)


async def test_malformed_rows_are_counted_beside_good_ones(past: Past) -> None:
    def bent(answer: JsonValue) -> JsonValue:
        assert isinstance(answer, list)
        return [*answer, None, {"date": "soon", "kwhSum": 1}, {"kwhSum": -1, "date": answer[0]}]

    past.home.fail(Rewrite(bend=bent), "*charging")
    source = past.source(CAR)

    harvest = await past.account.read_history(
        source, utc(2026, 2, 1), utc(2026, 2, 20), Priority.BACKFILL
    )

    assert harvest.dropped == 3
    assert harvest.batches[source.series[0].key].intervals
    assert past.account.diagnostics()["history"]["dropped"] == 3
