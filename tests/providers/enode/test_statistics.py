"""What Enode's statistics mean: payload -> intervals."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.energy_connect.core.history import Interval
from custom_components.energy_connect.core.payload import Json
from custom_components.energy_connect.core.vocabulary import Quantity
from custom_components.energy_connect.providers.enode.statistics import (
    on_day,
    parse_charging,
    parse_inverter_statistics,
    parse_sessions,
    parse_site_statistics,
    zone_name,
)

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
OSLO = ZoneInfo("Europe/Oslo")
CHARGED = Quantity.ENERGY_CHARGED


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def charging(*rows: Json, costed: bool = True) -> tuple[list[Interval], int]:
    told = parse_charging(list(rows), CHARGED, NOW, costed=costed)
    return told.intervals[CHARGED], told.dropped


def sessions(*rows: Json) -> tuple[list[Interval], int]:
    told = parse_sessions(list(rows), CHARGED, NOW, costed=True)
    return told.intervals[CHARGED], told.dropped


def session(begin: str, end: str, energy: float = 3.0) -> Json:
    return {"from": begin, "to": end, "kwhSum": energy, "costSum": 1.5}


def test_an_hour_of_charging_has_its_energy_and_its_cost() -> None:
    row: Json = {"date": "2026-03-02T18:00:00.000Z", "kwhSum": 7.25, "costSum": 2.175}

    assert charging(row) == ([Interval(at(2, 18), at(2, 19), 7.25, True, 2.175)], 0)
    assert charging(row, costed=False) == ([Interval(at(2, 18), at(2, 19), 7.25)], 0)


def test_a_cost_that_is_not_told_is_not_known() -> None:
    (interval,), _ = charging({"date": "2026-03-02T18:00:00Z", "kwhSum": 7.25, "costSum": None})

    assert interval.cost is None


def test_hours_without_energy_are_left_out() -> None:
    assert charging({"date": "2026-03-02T18:00:00Z", "kwhSum": 0}) == ([], 0)


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        {},
        {"date": "2026-03-02T18:00:00Z"},
        {"date": "2026-03-02T18:00:00Z", "kwhSum": None},
        {"date": "2026-03-02T18:00:00Z", "kwhSum": -1},
        {"date": "2026-03-02T18:00:00Z", "kwhSum": True},
        {"date": "2026-03-02T18:00:00", "kwhSum": 1},
        {"date": "9999-12-31T23:30:00Z", "kwhSum": 1},
        {"date": "0001-01-01T00:00:00Z", "kwhSum": 1},
    ],
)
def test_malformed_hours_are_dropped(row: Json) -> None:
    assert charging(row, {"date": "2026-03-02T18:00:00Z", "kwhSum": 1})[1] == 1


def test_an_hour_whose_energy_is_not_told_is_not_an_empty_one() -> None:
    rows: Json = [
        {"date": "2026-03-02T18:00:00Z", "kwhSum": None},
        {"date": "2026-03-02T19:00:00Z", "kwhSum": 0},
    ]
    assert parse_charging(rows, CHARGED, NOW, costed=True).unknown == [(at(2, 18), at(2, 19))]


def test_a_session_whose_energy_is_not_told_is_not_an_empty_one() -> None:
    rows: Json = [{"from": "2026-03-02T10:20:00Z", "to": "2026-03-02T11:00:00Z", "kwhSum": None}]
    told = parse_sessions(rows, CHARGED, NOW, costed=True)
    assert told.unknown == [(at(2, 10, 20), at(2, 11))]
    assert told.empty


def test_the_rest_of_a_session_s_hours_has_no_energy() -> None:
    told, dropped = sessions(
        session("2026-03-02T20:50:00Z", "2026-03-02T21:40:00Z"),
        session("2026-03-02T18:10:00Z", "2026-03-02T18:20:00Z"),
        session("2026-03-02T18:40:00Z", "2026-03-02T20:30:00Z"),
    )

    assert dropped == 0
    assert [one for one in told if one.amount] == [
        Interval(at(2, 20, 50), at(2, 21, 40), 3.0, True, 1.5),
        Interval(at(2, 18, 10), at(2, 18, 20), 3.0, True, 1.5),
        Interval(at(2, 18, 40), at(2, 20, 30), 3.0, True, 1.5),
    ]
    assert [(one.start, one.end) for one in told if not one.amount] == [
        (at(2, 18, 0), at(2, 18, 10)),
        (at(2, 18, 20), at(2, 18, 40)),
        (at(2, 20, 30), at(2, 20, 50)),
        (at(2, 21, 40), at(2, 22, 0)),
    ]


def test_sessions_that_overlap_or_end_on_the_hour_leave_nothing_between() -> None:
    told, _ = sessions(
        session("2026-03-02T10:00:00Z", "2026-03-02T12:00:00Z"),
        session("2026-03-02T11:00:00Z", "2026-03-02T11:30:00Z"),
        session("2026-03-02T14:30:00Z", "2026-03-02T15:00:00Z"),
    )

    assert [(one.start, one.end) for one in told if not one.amount] == [
        (at(2, 14, 0), at(2, 14, 30))
    ]


@pytest.mark.parametrize(
    "row",
    [
        "session",
        session("2026-03-02T12:00:00Z", "2026-03-02T12:00:00Z"),
        session("2026-03-02T12:00:00Z", "2026-03-02T11:00:00Z"),
        session("2026-03-02T12:00:00Z", "9999-12-31T23:59:59Z"),
        session("soon", "2026-03-02T11:00:00Z"),
        session("2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z", -3.0),
        {"from": "2026-03-02T10:00:00Z", "to": "2026-03-02T11:00:00Z"},
    ],
)
def test_malformed_sessions_are_dropped(row: Json) -> None:
    assert sessions(row) == ([], 1)


def production(resolutions: Json, *, final: bool = True, **more: Json) -> Any:
    answer: Json = {"timezone": "Europe/Oslo", "resolutions": resolutions, **more}
    return parse_inverter_statistics(answer, NOW, OSLO, final=final)


def entry(*pairs: tuple[Json, Json], unit: Json = "kWh") -> Json:
    return {"unit": unit, "data": [{"date": begins, "value": value} for begins, value in pairs]}


def test_quarter_hours_of_an_inverter() -> None:
    told = production(
        {
            "QUARTER_HOUR": entry(
                ("2026-03-02T00:15:00+01:00", 1.1),
                ("2026-03-02T00:30:00+01:00", None),
                ("2026-03-03T12:45:00+01:00", 0.5),
                ("2026-03-03T13:00:00+01:00", 0),
            )
        }
    )

    # What is not known and what is to come are left out; neither is malformed.
    assert told.intervals == {
        Quantity.ENERGY_PRODUCTION: [
            Interval(at(1, 23, 15), at(1, 23, 30), 1.1),
            Interval(at(3, 11, 45), at(3, 12), 0.5),
        ]
    }
    assert (told.dropped, told.retry) == (0, None)


def test_a_provisional_answer_says_when_to_ask_again() -> None:
    data = entry(("2026-03-02T00:15:00+01:00", 1.1))

    told = production({"QUARTER_HOUR": data}, final=False, retryAfter="2026-03-03T13:00:00Z")

    assert told.retry == at(3, 13)
    assert not told.intervals[Quantity.ENERGY_PRODUCTION][0].final


@pytest.mark.parametrize(
    ("begins", "hours"),
    [
        ("2025-03-29T00:00:00+01:00", 24),
        ("2025-03-30T00:00:00+01:00", 23),
        ("2025-10-26T00:00:00+02:00", 25),
    ],
)
def test_a_day_is_as_long_as_it_was(begins: str, hours: int) -> None:
    told = production({"DAY": entry((begins, 20))})

    (interval,) = told.intervals[Quantity.ENERGY_PRODUCTION]
    assert interval.end - interval.start == timedelta(hours=hours)


def test_a_day_that_is_not_over_is_left_out() -> None:
    told = production({"DAY": entry(("2026-03-03T00:00:00+01:00", 4))})

    assert told.empty
    assert told.dropped == 0


@pytest.mark.parametrize(
    "data",
    [
        entry((None, 1.0)),
        entry(("yesterday", 1.0)),
        entry(("0001-01-01T00:00:00+14:00", 1.0)),
        entry(("1969-01-01T00:00:00Z", 1.0)),
        entry(("2026-03-02T00:15:00+01:00", -0.1)),
        entry(("2026-03-02T00:15:00+01:00", "much")),
        entry(("2026-03-02T00:15:00+01:00", 1.0), unit="MJ"),
        entry(("2026-03-02T00:15:00+01:00", 1.0), unit=None),
        {"unit": "kWh", "data": [7]},
    ],
)
def test_malformed_buckets_are_dropped(data: Json) -> None:
    told = production({"QUARTER_HOUR": data, "DAY": None})

    assert told.empty
    assert told.dropped == 1


@pytest.mark.parametrize("resolutions", [{}, {"QUARTER_HOUR": {"unit": "kWh", "data": None}}])
def test_an_inverter_may_have_no_data(resolutions: Json) -> None:
    told = production(resolutions)

    assert told.empty
    assert told.dropped == 0


def series(
    *pairs: tuple[str, Json], unit: Json = "kWh", resolution: Json = "PT1H", **more: Json
) -> Json:
    return {
        "isAvailable": True,
        "unit": unit,
        "unitType": "Energy",
        "sampling": {"mode": "bucketed", "resolution": resolution},
        "timezone": "Europe/Oslo",
        "data": [{"t": begins, "v": value} for begins, value in pairs],
        **more,
    }


def site(**listed: Json) -> Any:
    return parse_site_statistics({"timeseries": listed}, NOW, OSLO)


@pytest.mark.parametrize(
    ("unit", "resolution", "minutes", "energy"),
    [
        ("kW", "PT5M", 5, 0.2),
        ("kW", "PT10M", 10, 0.4),
        ("kW", "PT15M", 15, 0.6),
        ("kW", "PT30M", 30, 1.2),
        ("kWh", "PT1H", 60, 2.4),
        ("kWh", "P1D", 1440, 2.4),
    ],
)
def test_power_becomes_energy(unit: str, resolution: str, minutes: int, energy: float) -> None:
    told = site(
        **{"import": series(("2026-03-02T00:00:00+01:00", 2.4), unit=unit, resolution=resolution)}
    )

    (interval,) = told.intervals[Quantity.ENERGY_IMPORT]
    assert interval.start == at(1, 23)
    assert interval.end - interval.start == timedelta(minutes=minutes)
    assert interval.amount == pytest.approx(energy)


@pytest.mark.parametrize(
    "bad",
    [
        series(("2026-03-02T00:00:00+01:00", 2.4), unit="%"),
        series(("2026-03-02T00:00:00+01:00", 2.4), unit="kW", resolution="P1D"),
        series(("2026-03-02T00:00:00+01:00", 2.4), resolution="P1W"),
        series(("2026-03-02T00:00:00+01:00", 2.4), sampling=None),
    ],
)
def test_unknown_units_and_lengths_are_not_guessed(bad: Json) -> None:
    told = site(**{"import": bad, "export": series(("2026-03-02T00:00:00+01:00", 2.4))})

    assert not told.intervals.get(Quantity.ENERGY_IMPORT)
    assert len(told.intervals[Quantity.ENERGY_EXPORT]) == 1
    assert told.dropped == 1


def test_series_that_are_not_available_are_not_there() -> None:
    told = site(charge={"isAvailable": False, "reason": "No battery"}, discharge=None, generation=3)

    assert told.empty
    assert told.dropped == 0


def test_the_newest_two_hours_of_a_site_may_change() -> None:
    told = site(consumption=series(("2026-03-03T09:00:00Z", 1.0), ("2026-03-03T10:00:00Z", 1.0)))

    finals = [one.final for one in told.intervals[Quantity.ENERGY_CONSUMPTION]]
    assert finals == [True, False]


def test_the_time_zone_is_where_it_is_named() -> None:
    assert zone_name({"timezone": "Europe/Oslo"}) == "Europe/Oslo"
    assert zone_name({"timeseries": {"import": None, "export": series()}}) == "Europe/Oslo"
    assert zone_name({"timezone": 7, "timeseries": []}) is None
    assert zone_name(None) is None


def test_a_local_day_is_cut_out_of_a_month() -> None:
    days = [Interval(at(day, 23), at(day + 1, 23), 1.0) for day in (1, 2)]

    assert on_day(days, date(2026, 3, 2), OSLO) == days[:1]
