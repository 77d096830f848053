"""The simulated Enode remembers what happened in the house, and is asked as strictly as documented."""

import datetime as dt
from typing import Any

import pytest

from simulator.enode.assets import SITE, ZONE, asset_id
from simulator.enode.knobs import NEIGHBOUR, OWNER
from simulator.house import Flow

from .test_enode import Client, enode

__all__ = ["enode"]

CHARGING = f"/users/{OWNER}/statistics/charging"
SESSIONS = f"{CHARGING}/sessions"
CAR = asset_id("vehicle 0")
PUMP = asset_id("Hall heat pump")
INVERTER = f"/inverters/{asset_id('inverter')}/statistics"
HOME = f"/hem-systems/{SITE}/statistics"
# The clock stands at 2026-06-20 11:07:30 UTC.
JUNE = {"startDate": "2026-06-01T00:00:00.000Z", "endDate": "2026-06-15T00:00:00.000Z"}


async def good(enode: Client, path: str, **query: str) -> Any:
    status, body = await enode.get(path, **query)
    assert status == 200, body
    return body


async def refused(enode: Client, path: str, **query: str) -> int:
    status, body = await enode.get(path, **query)
    assert status >= 400
    assert body["type"].startswith("https://developers.enode.com/api/problems/")
    return status


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def local_day(text: str) -> str:
    return at(text).astimezone(ZONE).date().isoformat()


# Charging


@pytest.mark.parametrize("resolution", ["QUARTER_HOUR", "HALF_HOUR", "HOUR", "DAY", None])
async def test_charging_adds_up_to_the_house(enode: Client, resolution: str | None) -> None:
    wanted = {} if resolution is None else {"resolution": resolution}

    rows = await good(enode, CHARGING, type="vehicle", id=CAR, **JUNE, **wanted)

    house = enode.sim.house
    truth = house.energy(Flow.WALLBOX_1, at(JUNE["endDate"])) - house.energy(
        Flow.WALLBOX_1, at(JUNE["startDate"])
    )
    ends = [row for row in rows if at(row["date"]) < at(JUNE["endDate"])]
    assert sum(row["kwhSum"] for row in ends) == pytest.approx(truth, abs=1e-4)
    assert all(row["kwhSum"] > 0 for row in rows)
    row = rows[0]
    assert row["costSum"] == pytest.approx(row["kwhSum"] * row["price"]["mean"])
    assert row.keys() == {
        "date",
        "kw",
        "kwhSum",
        "price",
        "nonSmartPrice",
        "costSum",
        "estimatedSavings",
    }


async def test_hours_without_charging_may_have_rows(enode: Client) -> None:
    enode.sim.enode.knobs.empty_hours = True

    rows = await good(enode, CHARGING, type="vehicle", id=CAR, resolution="HOUR", **JUNE)

    assert len(rows) == 14 * 24 + 1
    assert {row["kwhSum"] for row in rows} > {0}


async def test_all_devices_of_a_kind_are_added_up_without_an_id(enode: Client) -> None:
    query = {**JUNE, "type": "charger", "resolution": "DAY"}
    boxes = [asset_id(f"charger {number}") for number in (0, 1)]

    both = await good(enode, CHARGING, **query)

    each = [await good(enode, CHARGING, id=box, **query) for box in boxes]
    assert sum(row["kwhSum"] for row in both) == pytest.approx(
        sum(row["kwhSum"] for rows in each for row in rows), abs=1e-4
    )


async def test_sessions_are_those_of_the_car(enode: Client) -> None:
    rows = await good(enode, SESSIONS, type="vehicle", id=CAR, **JUNE)

    sessions = enode.sim.house.car_park.car(0).sessions(at(JUNE["startDate"]), at(JUNE["endDate"]))
    assert [(at(row["from"]), at(row["to"]), row["kwhSum"]) for row in rows] == [
        (one.start, one.end, pytest.approx(one.energy)) for one in sessions
    ]
    assert {row["id"] for row in rows} == {CAR}


async def test_session_shows_a_quarter_of_an_hour_after_its_end(enode: Client) -> None:
    clock = enode.sim.clock
    (session, *_) = enode.sim.house.car_park.car(0).sessions(
        clock.now(), clock.now() + dt.timedelta(days=5)
    )
    clock.set(session.end + dt.timedelta(minutes=14))
    await enode.sign_in()
    query = {"type": "vehicle", "id": CAR, "startDate": session.start.isoformat()}
    assert await good(enode, SESSIONS, **query) == []

    clock.advance(60)

    assert len(await good(enode, SESSIONS, **query)) == 1


async def test_nothing_is_known_of_before_the_link(enode: Client) -> None:
    query = {"startDate": "2024-12-01T00:00:00Z", "endDate": "2025-01-09T00:00:00Z"}

    assert await good(enode, CHARGING, type="vehicle", **query) == []
    assert await good(enode, SESSIONS, type="hvac", **query) == []


async def test_heat_pump_has_statistics_and_the_neighbour_none(enode: Client) -> None:
    query = {
        "type": "hvac",
        "startDate": "2026-02-10T00:00:00Z",
        "endDate": "2026-02-10T23:59:00Z",
        "resolution": "HOUR",
    }

    rows = await good(enode, CHARGING, id=PUMP, **query)

    assert len(rows) == 24
    assert await good(enode, f"/users/{NEIGHBOUR}/statistics/charging", **query) == []


@pytest.mark.parametrize("path", [CHARGING, SESSIONS])
@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"type": "battery"}, 400),
        ({"type": None}, 400),
        ({"startDate": None}, 400),
        ({"startDate": "2026-06-01"}, 400),
        ({"startDate": "2026-06-01T00:00:00"}, 400),
        ({"startDate": "soon"}, 400),
        ({"endDate": "later"}, 400),
        ({"page": "1"}, 400),
        ({"resolution": "MINUTE"}, 400),
        ({"id": asset_id("charger 0")}, 404),
        ({"id": "nobody"}, 404),
    ],
)
async def test_strange_questions_are_refused(
    enode: Client, path: str, changed: dict[str, str | None], status: int
) -> None:
    query = {"type": "vehicle", "id": CAR, **JUNE, **changed}

    sent = {name: value for name, value in query.items() if value is not None}
    assert await refused(enode, path, **sent) == status


async def test_statistics_of_an_unknown_user_are_not_found(enode: Client) -> None:
    path = "/users/nobody/statistics/charging"

    assert await refused(enode, path, type="vehicle", **JUNE) == 404


async def test_statistics_can_be_forbidden(enode: Client) -> None:
    enode.sim.enode.knobs.statistics = frozenset()

    assert await refused(enode, CHARGING, type="vehicle", **JUNE) == 403
    assert await refused(enode, SESSIONS, type="vehicle", **JUNE) == 403
    assert await refused(enode, INVERTER, year="2026", month="6") == 403
    assert await refused(enode, HOME, interval="2026-06") == 422


# Inverters and HEM systems


async def test_day_of_an_inverter_is_final_when_it_is_over(enode: Client) -> None:
    status, answer = await enode.get(INVERTER, year="2026", month="6", day="19")

    assert status == 200
    assert answer["timezone"] == ZONE.key
    entry = answer["resolutions"]["QUARTER_HOUR"]
    assert entry["unit"] == "kWh"
    assert len(entry["data"]) == 96
    assert entry["data"][0]["date"] == "2026-06-19T00:00:00+02:00"
    house = enode.sim.house
    truth = house.energy(Flow.PV, at("2026-06-20T00:00+02:00")) - house.energy(
        Flow.PV, at("2026-06-19T00:00+02:00")
    )
    assert sum(row["value"] for row in entry["data"]) == pytest.approx(truth)


async def test_running_day_is_provisional(enode: Client) -> None:
    status, answer = await enode.get(INVERTER, year="2026", month="06", day="20")

    assert status == 202
    assert answer["retryAfter"] == "2026-06-20T11:15:00.000Z"
    values = [row["value"] for row in answer["resolutions"]["QUARTER_HOUR"]["data"]]
    assert values.index(None) == 13 * 4 + 1
    status, answer = await enode.get(INVERTER, year="2026", month="6")
    assert status == 202
    assert len(answer["resolutions"]["DAY"]["data"]) == 30


@pytest.mark.parametrize(("day", "quarters"), [("2026-03-29", 92), ("2025-10-26", 100)])
async def test_days_of_clock_changes_have_their_own_length(
    enode: Client, day: str, quarters: int
) -> None:
    year, month, number = day.split("-")

    _, answer = await enode.get(INVERTER, year=year, month=month, day=number)
    assert len(answer["resolutions"]["QUARTER_HOUR"]["data"]) == quarters

    site = await good(enode, HOME, interval=day)
    assert len(site["timeseries"]["import"]["data"]) == quarters


async def test_there_are_days_of_before_the_link_but_quarter_hours_of_a_month(
    enode: Client,
) -> None:
    _, day = await enode.get(INVERTER, year="2024", month="11", day="20")
    _, month = await enode.get(INVERTER, year="2024", month="11")

    assert {row["value"] for row in day["resolutions"]["QUARTER_HOUR"]["data"]} == {None}
    assert None not in {row["value"] for row in month["resolutions"]["DAY"]["data"]}


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"year": "2026"},
        {"month": "6"},
        {"year": "2026", "month": "13"},
        {"year": "1900", "month": "1"},
        {"year": "two", "month": "1"},
        {"year": "2026", "month": "2", "day": "30"},
        {"year": "2026", "month": "2", "hour": "3"},
        {"year": "2023", "month": "5"},
    ],
)
async def test_strange_periods_of_an_inverter_are_refused(
    enode: Client, query: dict[str, str]
) -> None:
    assert await refused(enode, INVERTER, **query) == 400


@pytest.mark.parametrize(
    "interval", ["", "2026", "2026-6", "2026-00", "2026-02-30", "2023-05", "2026-06-21", "9999-12"]
)
async def test_strange_intervals_of_a_site_are_refused(enode: Client, interval: str) -> None:
    assert await refused(enode, HOME, interval=interval) == 400


async def test_unknown_devices_have_no_statistics(enode: Client) -> None:
    assert await refused(enode, "/inverters/nobody/statistics", year="2026", month="1") == 404
    assert await refused(enode, "/hem-systems/nobody/statistics", interval="2026-01") == 404
    enode.sim.enode.knobs.hem = False
    assert await refused(enode, HOME, interval="2026-01") == 403


async def test_site_tells_average_power_of_quarters_and_energy_of_days(enode: Client) -> None:
    day = (await good(enode, HOME, interval="2026-06-19"))["timeseries"]
    month = (await good(enode, HOME, interval="2026-06"))["timeseries"]

    assert (day["import"]["unit"], month["import"]["unit"]) == ("kW", "kWh")
    of_month = {row["t"][:10]: row["v"] for row in month["import"]["data"]}
    power = [row["v"] for row in day["import"]["data"]]
    assert sum(power) / 4 == pytest.approx(of_month["2026-06-19"], abs=1e-4)
    assert month["batteryLevel"]["isAvailable"] is False


async def test_late_gaps_corrections_and_repeats(enode: Client) -> None:
    knobs = enode.sim.enode.knobs
    query = {"year": "2026", "month": "6", "day": "10"}

    async def values() -> list[Any]:
        _, answer = await enode.get(INVERTER, **query)
        return [row["value"] for row in answer["resolutions"]["QUARTER_HOUR"]["data"]]

    true = await values()
    knobs.corrected = frozenset({"2026-06-10"})
    assert await values() == pytest.approx([value * 1.1 for value in true], abs=1e-5)
    knobs.corrected, knobs.gaps = frozenset(), knobs.corrected
    assert await values() == [None] * 24 + true[24:]
    knobs.gaps, knobs.late = frozenset(), knobs.gaps
    assert set(await values()) == {None}
    assert (await enode.get(INVERTER, **query))[0] == 202
    heating = await good(enode, SESSIONS, type="hvac", **JUNE)
    assert "2026-06-10" not in {local_day(one["from"]) for one in heating}
    of_car = {"type": "vehicle", "id": CAR, **JUNE}
    sessions = await good(enode, SESSIONS, **of_car)
    assert not [one for one in sessions if local_day(one["from"]) == "2026-06-10"]
    assert [one for one in sessions if local_day(one["from"]) == "2026-06-09"]
    knobs.late, knobs.repeats = frozenset(), True
    assert await values() == [value for value in reversed(true) for _ in range(2)]
    knobs.quarter_hours = False
    assert set(await values()) == {None}
    site = await good(enode, HOME, interval="2026-06-10")
    assert site["timeseries"]["import"]["isAvailable"] is False
