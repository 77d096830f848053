"""What an ev.energy account tells of the past is what flowed into the cars."""

from collections.abc import Mapping
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
from custom_components.energy_connect.core.history import (
    Aspect,
    Batch,
    Harvest,
    HistoryAccount,
    Interval,
    Source,
)
from custom_components.energy_connect.core.series import (
    Amount,
    Certainty,
    Hour,
    hour_of,
    hours_of_intervals,
    hours_within,
    time_of,
)
from custom_components.energy_connect.core.vocabulary import Quantity
from custom_components.energy_connect.providers.ev_energy import PROVIDER
from custom_components.energy_connect.providers.ev_energy.account import EvEnergyAccount
from custom_components.energy_connect.providers.ev_energy.hours import Part, whole_hours
from custom_components.energy_connect.providers.ev_energy.usage import Flow, Usage, parse_usage
from simulator.ev_energy.episodes import identifier
from simulator.faults import Action, Html, Reset, Rewrite, Shape, Status, rate_limited
from simulator.payload import JsonValue

from .conftest import EVENING, Driveway

CAR, SECOND_CAR = identifier("vhcl", 0), identifier("vhcl", 1)
CHARGER = identifier("evse", 0)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
LIST, USAGE = "/v2/charging_sub_sessions", "/v2/charging_sub_sessions/*/energy_usage"
NOW: Final = EVENING.replace(minute=0)
MIDNIGHT: Final = datetime(2026, 3, 3, tzinfo=UTC)


class Past:
    """An account that was polled, and what can be asked of its past."""

    def __init__(self, driveway: Driveway, account: EvEnergyAccount) -> None:
        self.driveway = driveway
        self.account = account

    @property
    def sources(self) -> Mapping[str, Source]:
        return {source.key: source for source in self.account.history_sources()}

    def source(self, device: str = CAR) -> Source:
        return next(one for one in self.sources.values() if one.series[0].device == device)

    async def harvest(
        self,
        device: str = CAR,
        start: datetime = NOW - 7 * DAY,
        end: datetime = NOW,
        priority: Priority = Priority.BACKFILL,
    ) -> Harvest:
        return await self.account.read_history(self.source(device), start, end, priority)

    async def batches(self, *args: Any, **kwargs: Any) -> dict[Aspect | None, Batch]:
        harvest = await self.harvest(*args, **kwargs)
        device = args[0] if args else CAR
        return {one.aspect: harvest.batches[one.key] for one in self.source(device).series}

    async def hours(self, *args: Any, **kwargs: Any) -> dict[Hour, Amount]:
        batch = (await self.batches(*args, **kwargs))[None]
        return hours_of_intervals(batch.intervals)

    async def total(self, *args: Any, **kwargs: Any) -> float:
        return sum(one.amount for one in (await self.hours(*args, **kwargs)).values())

    def truth(self, start: datetime, end: datetime, number: int = 0) -> dict[Hour, float]:
        """The kWh of each hour in which the car charged."""
        found: dict[Hour, float] = {}
        car = self.driveway.sim.house.car_park.car(number)
        for session in car.sessions(start, end):
            for hour in range(hour_of(session.start), hour_of(session.end) + 1):
                first, last = max(session.start, time_of(hour)), min(session.end, time_of(hour + 1))
                if last > first and start <= time_of(hour) < end:
                    found[hour] = found.get(hour, 0) + session.power / 1000 * (
                        (last - first) / HOUR
                    )
        return found

    def last_night(self) -> dict[str, JsonValue]:
        rows = self.driveway.sim.ev_energy.garage.sessions(0)
        return next(
            row for row in rows if str(row["vehicle"]).endswith(CAR) and row["end"] is not None
        )

    async def refusal(self, **kwargs: Any) -> ApiError:
        with pytest.raises(ApiError) as raised:
            await self.harvest(**kwargs)
        return raised.value

    def usages(self) -> int:
        return len(self.driveway.asked(USAGE))


@pytest.fixture
async def past(quiet: Driveway) -> Past:
    account = await quiet.signed_in()
    await account.poll()
    quiet.forget()
    return Past(quiet, account)


def near(amounts: Mapping[Hour, Amount]) -> dict[Hour, float]:
    """Return amounts as they compare with the truth: sessions are in whole Wh."""
    return {hour: pytest.approx(one.amount, abs=0.002) for hour, one in amounts.items()}


class TestSources:
    async def test_vehicles_and_chargers(self, past: Past) -> None:
        assert PROVIDER.history
        assert isinstance(past.account, HistoryAccount)
        assert set(past.sources) == {
            f"vehicle_{CAR}",
            f"vehicle_{SECOND_CAR}",
            f"charger_{CHARGER}",
            f"charger_{identifier('evse', 1)}",
        }
        source = past.source()
        assert [(one.quantity, one.aspect, one.currency) for one in source.series] == [
            (Quantity.ENERGY_CHARGED, None, "GBP"),
            (Quantity.ENERGY_CHARGED, Aspect.SOLAR, None),
            (Quantity.ENERGY_CHARGED, Aspect.EMISSIONS, None),
        ]
        assert source.sparse
        assert past.driveway.asked() == []

    async def test_none_before_the_sessions_were_read(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        assert list(account.history_sources()) == []
        fault = quiet.fault(Status(status=500), LIST)
        await account.poll()
        assert list(account.history_sources()) == []
        quiet.sim.faults.remove(fault)
        await quiet.later(account)
        assert account.history_sources()

    async def test_none_without_the_scope(self, quiet: Driveway) -> None:
        quiet.browser.scopes = frozenset({"vehicle:read"})
        account = await quiet.signed_in()
        await account.poll()
        assert list(account.history_sources()) == []

    async def test_without_a_currency_there_is_energy(self, quiet: Driveway) -> None:
        quiet.browser.scopes = frozenset({"vehicle:read", "charging_session:read"})
        quiet.fault(Shape(payload=[]), LIST, times=1)
        account = await quiet.signed_in()
        await account.poll()
        past = Past(quiet, account)
        assert past.source().series[0].currency is None
        assert {one.cost for one in (await past.hours()).values()} == {None}

    async def test_diagnostics(self, past: Past) -> None:
        await past.harvest()
        told = past.account.diagnostics()["history"]
        assert told == {
            "sources": 4,
            "kept_sessions": 5,
            "spread": 0,
            "failing": 0,
            "dropped": 0,
        }


class TestTruth:
    async def test_energy_hour_by_hour(self, past: Past) -> None:
        for number, device in enumerate((CAR, SECOND_CAR)):
            found = await past.hours(device)
            expected = past.truth(NOW - 7 * DAY, NOW, number)
            # The hour that runs is not told of yet.
            assert near(found) == {hour: expected[hour] for hour in found}
            assert set(expected) - set(found) <= {hour_of(NOW)}

    async def test_a_charger_took_what_its_vehicle_got(self, past: Past) -> None:
        assert await past.hours(CHARGER) == await past.hours(CAR)

    @pytest.mark.parametrize("day", ["2024-03-31", "2025-10-26", "2021-12-31"])
    async def test_years_back_and_over_clock_changes(self, past: Past, day: str) -> None:
        noon = datetime.fromisoformat(f"{day}T12:00:00+00:00")
        start, end = noon - 15 * DAY, noon + 15 * DAY
        found = await past.hours(CAR, start, end)
        assert near(found) == past.truth(start, end)
        assert {one.certainty for one in found.values()} == {Certainty.FINAL}

    async def test_any_split_gives_the_same(self, past: Past) -> None:
        start = MIDNIGHT - 14 * DAY
        whole = await past.hours(CAR, start, MIDNIGHT)
        pieces: dict[Hour, Amount] = {}
        for hours in range(0, 14 * 24, 7):
            at = start + hours * HOUR
            pieces |= await past.hours(CAR, at, at + 7 * HOUR)
        assert pieces == whole

    async def test_cost_is_that_of_the_sessions(self, past: Past) -> None:
        found = await past.hours(CAR, MIDNIGHT - DAY, MIDNIGHT + 12 * HOUR)
        costs = [one.cost for one in found.values() if one.cost is not None]
        assert len(costs) == len(found)
        assert sum(costs) == pytest.approx(float(str(past.last_night()["cost"])) / 100)

    async def test_emissions_and_solar(self, past: Past) -> None:
        past.driveway.knobs.solar_share = 0.25
        row = past.last_night()
        batches = await past.batches(CAR, MIDNIGHT - 5 * HOUR, MIDNIGHT + 12 * HOUR)
        solar = hours_of_intervals(batches[Aspect.SOLAR].intervals)
        emitted = hours_of_intervals(batches[Aspect.EMISSIONS].intervals)
        energy = hours_of_intervals(batches[None].intervals)
        assert set(solar) == set(emitted) == set(energy)
        assert sum(one.amount for one in solar.values()) == pytest.approx(1.375)
        assert sum(one.amount for one in emitted.values()) == pytest.approx(row["total_co2_grams"])
        # Only the session as a whole is known.
        assert {one.certainty for one in solar.values()} == {Certainty.ESTIMATED}

    async def test_a_boost_and_the_session_around_it_add_up(self, past: Past) -> None:
        steering = past.driveway.sim.ev_energy.garage.steering
        steering.start_boost(CAR, MIDNIGHT - 4 * HOUR - timedelta(minutes=20))
        steering.end_boost(CAR, MIDNIGHT - 4 * HOUR - timedelta(minutes=5))
        total = await past.total(CAR, MIDNIGHT - 6 * HOUR, MIDNIGHT + 12 * HOUR)
        assert total == pytest.approx(5.5, abs=0.003)
        found = await past.hours(CAR, MIDNIGHT - 6 * HOUR, MIDNIGHT + 12 * HOUR)
        assert len(found) == 2

    async def test_in_pages(self, past: Past) -> None:
        past.driveway.knobs.most_rows = 2
        past.driveway.knobs.repeats = True
        found = await past.hours(CAR, MIDNIGHT - 30 * DAY, MIDNIGHT)
        assert near(found) == past.truth(MIDNIGHT - 30 * DAY, MIDNIGHT)

    async def test_in_the_name_of_an_application(self, quiet: Driveway) -> None:
        account = EvEnergyAccount(quiet.entered(user_id=identifier("user", 0)))
        await account.poll()
        past = Past(quiet, account)
        found = await past.hours(CAR, MIDNIGHT - 7 * DAY, MIDNIGHT)
        assert near(found) == past.truth(MIDNIGHT - 7 * DAY, MIDNIGHT)


class TestKnownUntil:
    async def test_without_an_open_session_an_hour_ago(self, past: Past) -> None:
        past.driveway.advance(15 * 3600)
        batch = (await past.batches(CAR, NOW, NOW + 15 * HOUR))[None]
        assert batch.known_until == past.driveway.clock.now() - HOUR

    async def test_as_far_as_the_open_session_tells(self, past: Past) -> None:
        batches = await past.batches()
        assert {one.known_until for one in batches.values()} == {NOW - HOUR + timedelta(minutes=5)}
        past.driveway.knobs.usage_late = 7200
        batch = (await past.batches())[None]
        assert batch.known_until == NOW - 2 * HOUR

    async def test_what_an_open_session_tells_is_provisional(self, past: Past) -> None:
        past.driveway.advance(3600)
        found = await past.hours(CAR, NOW - HOUR, NOW + HOUR)
        assert {one.certainty for one in found.values()} == {Certainty.PROVISIONAL}
        assert near(found) == past.truth(NOW - HOUR, NOW + HOUR)

    async def test_an_open_session_without_usage(self, past: Past) -> None:
        rows = past.driveway.sim.ev_energy.garage.sessions(0)
        current = next(row for row in rows if row["end"] is None and CAR in str(row["vehicle"]))
        past.driveway.knobs.without_usage = frozenset({str(current["id"])})
        batch = (await past.batches(CAR, NOW - 5 * HOUR, NOW))[None]
        assert batch.known_until == datetime.fromisoformat(str(current["start"]))
        assert batch.intervals == []

    async def test_an_open_session_without_energy_holds_nothing_up(self, past: Past) -> None:
        past.driveway.sim.clock.set(MIDNIGHT + 20 * HOUR)
        past.driveway.clock.advance((MIDNIGHT + 20 * HOUR - EVENING).total_seconds())
        batch = (await past.batches(CAR, MIDNIGHT, MIDNIGHT + 20 * HOUR))[None]
        assert batch.known_until == MIDNIGHT + 19 * HOUR

    async def test_a_session_that_never_ends_holds_little_up(self, past: Past) -> None:
        def endless(payload: Any) -> Any:
            return [
                {
                    "id": "csub-odd",
                    "start": "2026-01-01T00:00:00Z",
                    "end": None,
                    "vehicle": CAR,
                    "energy_delivered_watt_hours": 1000,
                }
            ]

        past.driveway.fault(Rewrite(bend=endless), LIST, times=1)
        past.driveway.fault(Shape(payload=[]), LIST, times=1)
        batch = (await past.batches())[None]
        assert batch.known_until == past.driveway.clock.now() - 36 * HOUR
        assert batch.intervals == []

    async def test_an_older_one_without_an_end_does_not_count(self, past: Past) -> None:
        odd: dict[str, JsonValue] = {
            "id": "csub-odd",
            "start": "2026-03-01T00:00:00Z",
            "vehicle": CAR,
            "energy_delivered_watt_hours": 1000,
        }
        past.driveway.knobs.extra_rows = {"charging_sub_sessions": [odd]}
        batch = (await past.batches())[None]
        assert batch.known_until == NOW - HOUR + timedelta(minutes=5)

    async def test_a_session_that_ends_in_between_is_told_once(self, past: Past) -> None:
        row = past.last_night()
        open_row = {**row, "end": None, "energy_delivered_watt_hours": 5000}
        past.driveway.fault(Shape(payload=[open_row]), LIST, times=1)
        assert await past.total(CAR, MIDNIGHT - 5 * HOUR, MIDNIGHT + 5 * HOUR) == 5.5


class TestRequests:
    async def test_what_is_settled_is_read_once(self, past: Past) -> None:
        await past.harvest(CAR, MIDNIGHT - 7 * DAY, MIDNIGHT)
        first = past.usages()
        assert first > 1
        # The charger's past is made of the same sessions.
        await past.harvest(CHARGER, MIDNIGHT - 7 * DAY, MIDNIGHT)
        await past.harvest(CAR, MIDNIGHT - 7 * DAY, MIDNIGHT)
        assert past.usages() == first

    async def test_a_corrected_session_is_read_again(self, past: Past) -> None:
        window = (CAR, MIDNIGHT - 6 * HOUR, MIDNIGHT + 12 * HOUR)
        assert await past.total(*window) == 5.5
        past.driveway.knobs.recalculated = {str(past.last_night()["id"]): 0.8}
        assert await past.total(*window) == pytest.approx(4.4)
        assert past.usages() == 2

    async def test_sessions_without_energy_are_not_asked_for(self, past: Past) -> None:
        past.driveway.knobs.recalculated = {str(past.last_night()["id"]): 0.0}
        assert await past.hours(CAR, MIDNIGHT - 6 * HOUR, MIDNIGHT + 12 * HOUR) == {}
        assert past.usages() == 0

    async def test_the_oldest_are_forgotten(
        self, past: Past, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("custom_components.energy_connect.providers.ev_energy.history._KEPT", 2)
        await past.harvest(CAR, MIDNIGHT - 7 * DAY, MIDNIGHT)
        assert past.account.diagnostics()["history"]["kept_sessions"] == 2

    async def test_the_past_leaves_room_for_what_is_live(self, past: Past) -> None:
        budget = past.account._access.budget
        while budget.available(Priority.BACKFILL):
            budget.count()
        error = await past.refusal()
        assert isinstance(error, RateLimited)
        assert await past.harvest(priority=Priority.LIVE)

    async def test_goes_on_where_it_was(self, past: Past) -> None:
        budget = past.account._access.budget
        while (budget.available(Priority.BACKFILL) or 0) > 4:
            budget.count()
        assert isinstance(await past.refusal(), RateLimited)
        assert past.usages() == 2
        past.driveway.advance(3600)
        assert await past.harvest()
        asked = [request.path for request in past.driveway.asked(USAGE)]
        assert len(set(asked)) == len(asked) > 3

    async def test_one_request_tells_of_the_window(self, past: Past) -> None:
        await past.harvest(CAR, MIDNIGHT - 7 * DAY, MIDNIGHT)
        running, ended = past.driveway.asked(LIST)
        assert dict(running.query)["is_finished"] == "false"
        assert dict(ended.query) == {
            "vehicle_id": CAR,
            "start__lt": "2026-03-03T00:00:00Z",
            "end__gt": "2026-02-24T00:00:00Z",
            "page_size": "100",
        }


class TestLateAndOdd:
    WINDOW = (CAR, MIDNIGHT - 6 * HOUR, MIDNIGHT + 12 * HOUR)

    async def test_a_late_session_is_found_later(self, past: Past) -> None:
        late = str(past.last_night()["id"])
        past.driveway.knobs.late_sessions = frozenset({late})
        assert await past.hours(*self.WINDOW) == {}
        past.driveway.knobs.late_sessions = frozenset()
        assert await past.total(*self.WINDOW) == 5.5

    async def test_usage_that_is_late_is_provisional(self, past: Past) -> None:
        past.driveway.knobs.usage_late = 86_400
        found = await past.hours(*self.WINDOW)
        assert {one.certainty for one in found.values()} == {Certainty.PROVISIONAL}
        assert sum(one.amount for one in found.values()) == pytest.approx(5.5)
        past.driveway.knobs.usage_late = 0
        found = await past.hours(*self.WINDOW)
        assert near(found) == past.truth(*self.WINDOW[1:])
        assert {one.certainty for one in found.values()} == {Certainty.FINAL}

    async def test_without_usage_all_of_the_session_counts(self, past: Past) -> None:
        row = past.last_night()
        past.driveway.knobs.without_usage = frozenset({str(row["id"])})
        past.driveway.advance(2 * 86_400)
        found = await past.hours(*self.WINDOW)
        start, end = (datetime.fromisoformat(str(row[name])) for name in ("start", "end"))
        assert list(found) == list(range(hour_of(start), hour_of(end) + (end.minute > 0)))
        assert {one.certainty for one in found.values()} <= {
            Certainty.ESTIMATED,
            Certainty.PROVISIONAL,
        }
        assert sum(one.amount for one in found.values()) == pytest.approx(5.5)
        assert sum(one.cost or 0 for one in found.values()) == pytest.approx(0.5)
        assert past.account.diagnostics()["history"]["spread"] == 1

    async def test_energy_that_the_usage_lacks_is_spread(self, past: Past) -> None:
        def half(payload: Any) -> Any:
            for one in payload["intervals"]:
                one["total_energy_delivered_watt_hours"] //= 2
            return payload

        past.driveway.fault(Rewrite(bend=half), USAGE)
        past.driveway.advance(2 * 86_400)
        assert await past.total(*self.WINDOW) == pytest.approx(5.5)

    @pytest.mark.parametrize(
        "fault", [Status(status=500), Status(status=400), Html(), Shape(payload={})]
    )
    async def test_one_bad_session_does_not_hold_up_the_others(
        self, past: Past, fault: Action
    ) -> None:
        bad = str(past.last_night()["id"])
        broken = past.driveway.fault(fault, USAGE.replace("*", bad))
        for _ in range(2):
            assert isinstance(await past.refusal(), Unavailable | UnexpectedResponse)
        found = await past.hours(CAR, MIDNIGHT - 7 * DAY, MIDNIGHT + 12 * HOUR)
        assert sum(one.amount for one in found.values()) == pytest.approx(
            sum(past.truth(MIDNIGHT - 7 * DAY, MIDNIGHT + 12 * HOUR).values()), abs=0.005
        )
        night = {hour: one for hour, one in found.items() if hour >= hour_of(MIDNIGHT - 5 * HOUR)}
        assert {one.certainty for one in night.values()} == {Certainty.PROVISIONAL}
        assert past.account.diagnostics()["history"]["failing"] == 1
        past.driveway.sim.faults.remove(broken)
        found = await past.hours(*self.WINDOW)
        assert {one.certainty for one in found.values()} == {Certainty.FINAL}
        assert past.account.diagnostics()["history"]["failing"] == 0

    async def test_an_outage_is_no_fault_of_a_session(self, past: Past) -> None:
        past.driveway.fault(Reset(after=0), USAGE)
        for _ in range(4):
            assert isinstance(await past.refusal(), Unavailable)

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            (Shape(payload={"detail": "no"}, status=403), NotPermitted),
            (Shape(payload={"detail": "no"}, status=401), CredentialsRejected),
            (rate_limited("31"), RateLimited),
            (Status(status=503), Unavailable),
            (Shape(payload={}), UnexpectedResponse),
        ],
    )
    async def test_lists_that_can_not_be_read(
        self, past: Past, fault: Action, kind: type[ApiError]
    ) -> None:
        past.driveway.fault(fault, LIST)
        assert isinstance(await past.refusal(), kind)

    async def test_usage_that_is_not_permitted(self, past: Past) -> None:
        past.driveway.fault(Shape(payload={"detail": "no"}, status=403), USAGE)
        assert isinstance(await past.refusal(), NotPermitted)

    async def test_half_a_list_is_none(self, past: Past) -> None:
        address = f"{past.driveway.sim.ev_energy.url}{LIST}?page_after=x"
        repeated = Status(
            status=200,
            headers={"Link": f'<{address}>; rel="next"'},
            body='[{"id": "csub1", "start": "2026-03-01T00:00:00Z"}]',
            content_type="application/json",
        )
        past.driveway.fault(repeated, LIST)
        error = await past.refusal()
        assert error.reason is Reason.TOO_LARGE

    async def test_filters_that_are_not_honoured(self, past: Past) -> None:
        rows = past.driveway.sim.ev_energy.garage.sessions(0)
        past.driveway.fault(Shape(payload=[*rows, "bad", {}]), LIST)
        harvest = await past.harvest(CAR, MIDNIGHT - 3 * DAY, MIDNIGHT)
        (energy, *_) = past.source().series
        found = hours_of_intervals(harvest.batches[energy.key].intervals)
        assert near(found) == past.truth(MIDNIGHT - 3 * DAY, MIDNIGHT)
        assert harvest.dropped == 4

    async def test_a_session_without_figures(self, past: Past) -> None:
        def bare(payload: Any) -> Any:
            kept = ("id", "start", "end", "vehicle")
            return [{name: row[name] for name in kept} for row in payload]

        past.driveway.fault(Rewrite(bend=bare), LIST)
        past.driveway.advance(2 * 86_400)
        batches = await past.batches(*self.WINDOW)
        found = hours_of_intervals(batches[None].intervals)
        assert near(found) == past.truth(*self.WINDOW[1:])
        assert {one.cost for one in found.values()} == {None}
        assert batches[Aspect.SOLAR].intervals == batches[Aspect.EMISSIONS].intervals == []
        # What is not told is not nothing.
        assert hours_within(batches[Aspect.SOLAR].unknown) == set(found)
        assert hours_within(batches[Aspect.EMISSIONS].unknown) == set(found)
        assert batches[None].unknown == []

    async def test_a_session_of_which_nobody_tells_the_energy(self, past: Past) -> None:
        def bare(payload: Any) -> Any:
            return [{**row, "energy_delivered_watt_hours": None} for row in payload]

        past.driveway.fault(Rewrite(bend=bare), LIST)
        row = past.last_night()
        past.driveway.knobs.without_usage = frozenset({str(row["id"])})
        past.driveway.advance(2 * 86_400)
        batches = await past.batches(*self.WINDOW)
        start, end = (datetime.fromisoformat(str(row[name])) for name in ("start", "end"))
        for batch in batches.values():
            assert (start, end) in batch.unknown
        assert hours_of_intervals(batches[None].intervals) == {}

    @pytest.mark.parametrize("cost", [None, 50])
    async def test_without_prices(self, past: Past, cost: int | None) -> None:
        def costing(payload: Any) -> Any:
            return [{**row, "cost": cost} for row in payload]

        past.driveway.knobs.unpriced = True
        past.driveway.fault(Rewrite(bend=costing), LIST)
        found = await past.hours(*self.WINDOW)
        costs = [one.cost for one in found.values()]
        if cost is None:
            assert set(costs) == {None}
        else:
            assert sum(one or 0 for one in costs) == pytest.approx(0.5)

    async def test_prices_have_to_do_while_there_is_no_cost(self, past: Past) -> None:
        def free(payload: Any) -> Any:
            return [{**row, "cost": None} for row in payload]

        past.driveway.fault(Rewrite(bend=free), LIST)
        found = await past.hours(*self.WINDOW)
        assert sum(one.cost or 0 for one in found.values()) == pytest.approx(5.5 * 0.09)

    async def test_costs_of_another_currency_are_no_costs(self, past: Past) -> None:
        def abroad(payload: Any) -> Any:
            return [{**row, "currency": "EUR"} for row in payload]

        past.driveway.fault(Rewrite(bend=abroad), LIST)
        assert {one.cost for one in (await past.hours(*self.WINDOW)).values()} == {None}

    async def test_costs_follow_the_prices(self, past: Past) -> None:
        """All of it cheap but the last half hour: the session's cost is spread by that."""

        def dear(payload: Any) -> Any:
            charged = [
                one for one in payload["intervals"] if one["total_energy_delivered_watt_hours"]
            ]
            charged[-1]["electricity_cost_sub_unit"] = "27.0"
            return payload

        past.driveway.fault(Rewrite(bend=dear), USAGE)
        noons = [MIDNIGHT - number * DAY - 12 * HOUR for number in range(1, 7)]
        noon = max(noons, key=lambda noon: len(past.truth(noon, noon + DAY)))
        found = list((await past.hours(CAR, noon, noon + DAY)).values())
        assert len(found) > 1
        first, last = found[0], found[-1]
        assert first.cost is not None
        assert last.cost is not None
        assert last.cost / last.amount > 1.5 * first.cost / first.amount

    async def test_a_price_below_zero_spreads_no_cost(self, past: Past) -> None:
        def plunge(payload: Any) -> Any:
            for one in payload["intervals"]:
                one["electricity_cost_sub_unit"] = "-3"
            return payload

        past.driveway.fault(Rewrite(bend=plunge), USAGE)
        found = await past.hours(*self.WINDOW)
        assert sum(one.cost or 0 for one in found.values()) == pytest.approx(0.5)


class TestUsage:
    def test_odd_intervals_beside_good_ones(self) -> None:
        good = {
            "started_at": "2026-03-03T01:00:00Z",
            "interval_seconds": 1800,
            "total_energy_delivered_watt_hours": None,
            "meter_usage_watt_hours": "1500",
            "electricity_cost_sub_unit": "7.25",
        }
        parsed = parse_usage(
            {
                "currency": "GBP",
                "intervals": [
                    {**good, "meter_usage_watt_hours": 1},
                    good,  # the later one counts
                    {**good, "started_at": "2026-03-03T01:30:00Z", "meter_usage_watt_hours": 0},
                    {**good, "started_at": "2026-03-03T00:30:00Z", "meter_usage_watt_hours": -5},
                    {**good, "started_at": None},
                    {**good, "interval_seconds": None},
                    {**good, "interval_seconds": 0},
                    {**good, "meter_usage_watt_hours": None},
                    "row",
                ],
            }
        )
        start = MIDNIGHT + HOUR
        assert parsed == Usage(
            (Flow(start, start + timedelta(minutes=30), 1.5, 0.0725),), start + HOUR, 5
        )

    def test_without_a_currency_a_price_is_none(self) -> None:
        row: JsonValue = {
            "started_at": "2026-03-03T01:00:00Z",
            "interval_seconds": 1800,
            "alt_usage_watt_hours": 100,
            "electricity_cost_sub_unit": "7.25",
        }
        assert parse_usage({"intervals": [row]}).flows[0].price is None

    @pytest.mark.parametrize("body", [None, [], {}, {"intervals": {}}])
    def test_no_list(self, body: Any) -> None:
        with pytest.raises(UnexpectedResponse):
            parse_usage(body)


def test_parts_that_share_an_hour_add_up() -> None:
    half = timedelta(minutes=30)
    start = MIDNIGHT + HOUR
    parts = [
        Part(start=start, end=start + half, amount=1.0, cost=0.1),
        Part(start=start, end=start + half, amount=0.5, cost=0.2, final=False),
        Part(start=start + half, end=start + 3 * half, amount=2.0, estimated=True),
    ]
    assert whole_hours(parts, MIDNIGHT, MIDNIGHT + DAY) == [
        Interval(start, start + HOUR, 2.5, final=False, cost=None, estimated=True),
        Interval(start + HOUR, start + 2 * HOUR, 1.0, final=True, cost=None, estimated=True),
    ]
    assert whole_hours(parts, start + HOUR, MIDNIGHT + DAY)[0].amount == 1.0
