"""Enectiva's lists: what is in them, filters, pages, shapes."""

import datetime as dt
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from yarl import URL

from simulator import Simulator
from simulator.enectiva import Identification, Links
from simulator.enectiva.portfolio import INSTALLED, months
from simulator.house import Flow
from tests.simulator.enectiva_client import Client

READINGS = "/meters/1204/readings"
AFTER = "readings.time>=2026-06-20T09:00:00Z"


@pytest.fixture
async def client(sim: Simulator, session: aiohttp.ClientSession) -> Client:
    """A client that is signed in; tokens outlive the test's moves of the clock."""
    sim.enectiva.knobs.token_lifetime = 1e9
    signed_in = Client(sim, session)
    await signed_in.sign_in()
    return signed_in


async def test_entities_are_a_tree(client: Client) -> None:
    data = (await client.document("/entities"))["data"]
    parents = {
        one["id"]: one.get("relationships", {}).get("parent", {}).get("data") for one in data
    }
    assert parents == {
        "80": None,
        "88": {"type": "entities", "id": "80"},
        "89": {"type": "entities", "id": "80"},
    }
    one = (await client.document("/entities/88"))["data"]
    assert one == data[1]
    assert one["attributes"]["kind"] == "building"
    assert await client.status("/entities/1") == 404


async def test_meters_are_of_every_kind(client: Client) -> None:
    data = (await client.document("/meters"))["data"]
    meters = {one["id"]: one["attributes"] for one in data}
    assert {one["energy"] for one in meters.values()} == {
        "electricity", "gas", "water", "heat", "cold",
    }  # fmt: skip
    codes = {one["energy"]: one["code"].split("-")[4] for one in meters.values()}
    assert codes == {
        "electricity": "EL", "gas": "GA", "water": "WA", "heat": "HE", "cold": "CO",
    }  # fmt: skip
    assert "unit" not in meters["1209"]  # heat: nobody says GJ
    assert meters["1204"]["unit"] == "kWh"
    assert meters["1206"]["production"] is True
    assert meters["1303"]["measurement_type"] == "profiles"
    owner = next(one for one in data if one["id"] == "1301")["relationships"]["entity"]
    assert owner == {"data": {"type": "entities", "id": "89"}}
    assert (await client.document("/meters/1204"))["data"]["attributes"] == meters["1204"]
    assert await client.status("/meters/1") == 404


async def test_deactivated_meters_are_listed_on_demand(client: Client, sim: Simulator) -> None:
    async def ids(value: str | None) -> set[str]:
        query = [] if value is None else [("include_deactivated", value)]
        return {one["id"] for one in (await client.document("/meters", query))["data"]}

    assert "1304" not in await ids(None)
    assert await ids("false") == await ids(None)
    assert await ids("true") - await ids(None) == {"1304"}
    last = (await client.rows("/meters/1304/readings", "readings.time>=2025-03-31T21:00:00Z"))[-1]
    assert last["time"] == "2025-03-31T22:00:00Z"
    sim.clock.set(dt.datetime(2025, 3, 1, tzinfo=dt.UTC))
    assert "1304" in await ids(None)


async def test_readings_come_late_and_count_the_house(client: Client, sim: Simulator) -> None:
    rows = await client.rows(READINGS, AFTER)
    times = [row["time"] for row in rows]
    # It is 11:07:30, and what is younger than an hour is not validated.
    assert times[0] == "2026-06-20T09:00:00Z"
    assert times[-1] == "2026-06-20T10:00:00Z"
    assert len(times) == 5
    for row in rows:
        at = dt.datetime.fromisoformat(row["time"])
        assert row["state"] == pytest.approx(8 * sim.house.energy(Flow.CONSUMPTION, at), abs=1e-3)
    sim.clock.advance(15 * 60)
    assert len(await client.rows(READINGS, AFTER)) == 6
    sim.enectiva.knobs.delay = 0.0
    assert len(await client.rows(READINGS, AFTER)) == 10


async def test_units_are_true_whether_told_or_not(client: Client, sim: Simulator) -> None:
    sim.enectiva.knobs.delay = 0.0
    sim.clock.set(dt.datetime(2026, 6, 20, 12, tzinfo=dt.UTC))
    kwh = sim.house.energy(Flow.HEAT, sim.clock.now()) * 8
    (row,) = await client.rows("/meters/1209/readings", "readings.time>=2026-06-20T12:00:00Z")
    assert row["state"] == pytest.approx(kwh * 0.0036, rel=1e-6)


async def test_oldest_first_and_at_most_a_thousand(client: Client) -> None:
    rows = await client.rows(READINGS)
    assert len(rows) == 1000
    assert rows[0]["time"] == "2023-01-01T00:00:00Z"
    assert all(one["time"] < two["time"] for one, two in pairwise(rows))
    assert all(one["state"] <= two["state"] for one, two in pairwise(rows))


async def test_profile_meters_have_no_readings_but_deltas(client: Client) -> None:
    assert await client.rows("/meters/1303/readings") == []
    assert await client.rows("/meters/1303/deltas")


@pytest.mark.parametrize(
    ("filters", "first", "last"),
    [
        (["readings.time>2026-06-20T09:00:00Z"], "09:15", "10:00"),
        (["readings.time>=2026-06-20T09:00:00Z"], "09:00", "10:00"),
        (["readings.time>=2026-06-20T09:00:01Z"], "09:15", "10:00"),
        (["readings.time>2026-06-20T09:00:01.5Z"], "09:15", "10:00"),
        (["readings.time>=2026-06-20T09:00:00Z", "readings.time<2026-06-20T09:30:00Z"], "09:00", "09:15"),
        (["readings.time<2026-06-20T09:30:01Z", "readings.time>2026-06-20T09:00:00Z"], "09:15", "09:30"),
    ],
)  # fmt: skip
async def test_filters_by_time(client: Client, filters: list[str], first: str, last: str) -> None:
    rows = await client.rows(READINGS, *filters)
    assert (rows[0]["time"][11:16], rows[-1]["time"][11:16]) == (first, last)


async def test_a_filter_may_leave_nothing(client: Client) -> None:
    assert await client.rows(READINGS, "readings.time>2026-06-20T10:00:00Z") == []
    assert await client.rows(READINGS, "readings.time<2020-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (READINGS, [("filter[]", "readings.time<=2026-06-20T09:00:00Z")]),
        (READINGS, [("filter[]", "readings.time=2026-06-20T09:00:00Z")]),
        (READINGS, [("filter[]", "readings.time>2026-06-20T09:00:00")]),
        (READINGS, [("filter[]", "readings.time>2026-06-20T09:00:00+00:00")]),
        (READINGS, [("filter[]", "readings.time>2026-06-99T09:00:00Z")]),
        (READINGS, [("filter[]", "readings.state>5")]),
        (READINGS, [("filter[]", "time>2026-06-20T09:00:00Z")]),
        (READINGS, [("filter[time]", "2026-06-20T09:00:00Z")]),
        (READINGS, [("page", "0")]),
        (READINGS, [("page", "x")]),
        (READINGS, [("page", "-1")]),
        (READINGS, [("limit", "0")]),
        (READINGS, [("sort", "state")]),
        (READINGS, [("colour", "red")]),
        (READINGS, [("include_deactivated", "true")]),
        ("/meters", [("include_deactivated", "1")]),
        ("/meters", [("filter[]", AFTER)]),
        ("/meters", [("sort", "time")]),
        ("/meters/1204/deltas", [("filter[]", "meter_deltas.time>=2026-01-01T00:00:00Z")]),
        ("/meters/1204/deltas", [("filter[]", "entity_deltas.time>=2026-01-01T00:00:00")]),
        ("/meters/1204/deltas", [("page", "1")]),
        ("/entities/88/deltas", [("filter[]", "meter_deltas.time>=2026-01-01T00:00:00")]),
        ("/virtual_meters/5001/deltas", [("filter[]", "virtual_meter_deltas.time>2026-01-01T00:00:00")]),
        ("/data_series/7001/data_points", [("filter[]", "data_points.time>2026-06-20T09:00:00Z")]),
    ],
)  # fmt: skip
async def test_refuses_what_it_does_not_know(
    client: Client, path: str, query: list[tuple[str, str]]
) -> None:
    assert await client.status(path, query) == 400


async def collect(client: Client, path: str) -> tuple[list[str], int]:
    """Follow the links; return all ids and how many pages there were."""
    ids: list[str] = []
    pages, following = 0, path
    while following:
        document = await client.document(following)
        ids += [one["id"] for one in document["data"]]
        pages += 1
        link: Any = document["links"]["next"]
        following = link["href"] if isinstance(link, dict) else link
        if following and following.startswith("http"):
            assert following.startswith(client.sim.enectiva.url)
            following = str(URL(following).relative())
    return ids, pages


@pytest.mark.parametrize("links", [Links.RELATIVE, Links.ABSOLUTE, Links.OBJECT])
@pytest.mark.parametrize("first", [0, 1])
async def test_pages_follow_each_other(
    client: Client, sim: Simulator, links: Links, first: int
) -> None:
    sim.enectiva.knobs.page_size = 3
    sim.enectiva.knobs.links = links
    sim.enectiva.knobs.first_page = first
    ids, pages = await collect(client, "/meters?include_deactivated=true")
    assert (len(ids), len(set(ids)), pages) == (11, 11, 4)


async def test_pages_by_number(client: Client, sim: Simulator) -> None:
    sim.enectiva.knobs.page_size = 4
    sim.enectiva.knobs.links = Links.NONE

    async def page(number: int) -> list[str]:
        document = await client.document("/meters", [("page", str(number))])
        assert "links" not in document
        return [one["id"] for one in document["data"]]

    assert [len(await page(number)) for number in (1, 2, 3, 4)] == [4, 4, 2, 0]
    one_based = await page(1)
    sim.enectiva.knobs.first_page = 0
    assert await page(0) == one_based
    assert await page(1) != one_based


async def test_limit_and_sort_are_optional(client: Client, sim: Simulator) -> None:
    newest = await client.document(READINGS, [("sort", "-time"), ("limit", "2")])
    times = [one["attributes"]["time"] for one in newest["data"]]
    assert times == ["2026-06-20T10:00:00Z", "2026-06-20T09:45:00Z"]
    following = (await client.document(newest["links"]["next"]))["data"]
    assert following[0]["attributes"]["time"] == "2026-06-20T09:30:00Z"
    assert len((await client.document(READINGS, [("limit", "5000")]))["data"]) == 1000
    sim.enectiva.knobs.turn({"limit_parameter": "", "sort_parameter": ""})
    assert await client.status(READINGS, [("limit", "2")]) == 400
    assert await client.status(READINGS, [("sort", "-time")]) == 400
    assert await client.status(READINGS, [("", "2")]) == 400


async def test_deltas_are_months_of_the_entity_s_zone(client: Client, sim: Simulator) -> None:
    rows = await client.rows("/meters/1204/deltas", "meter_deltas.time>=2026-05-01T00:00:00")
    assert [row["time"] for row in rows] == ["2026-05-01T00:00:00", "2026-06-01T00:00:00"]

    def state(at: str) -> float:
        return 8 * sim.house.energy(Flow.CONSUMPTION, dt.datetime.fromisoformat(at))

    # Prague is two hours ahead in summer; the running month ends with the last reading.
    assert rows[0]["value"] == pytest.approx(
        state("2026-05-31T22:00:00Z") - state("2026-04-30T22:00:00Z"), abs=1e-3
    )
    assert rows[1]["value"] == pytest.approx(
        state("2026-06-20T10:00:00Z") - state("2026-05-31T22:00:00Z"), abs=1e-3
    )
    newest_first = await client.document("/meters/1204/deltas", [("sort", "-time")])
    assert newest_first["data"][0]["attributes"] == rows[-1]
    assert newest_first["data"][0]["id"] == "1204-2026-06"
    assert "links" not in newest_first


async def test_deltas_add_up_to_the_readings(client: Client) -> None:
    rows = await client.rows("/meters/1301/deltas")
    assert len(rows) == 42
    first, *_ = await client.rows("/meters/1301/readings")
    last = (await client.rows("/meters/1301/readings", AFTER))[-1]
    assert sum(row["value"] for row in rows) == pytest.approx(
        last["state"] - first["state"], abs=0.1
    )


async def test_a_deactivated_meter_s_deltas_end(client: Client) -> None:
    rows = await client.rows("/meters/1304/deltas", "meter_deltas.time>=2025-01-01T00:00:00")
    assert [row["time"][:7] for row in rows] == ["2025-01", "2025-02", "2025-03"]
    assert all(row["value"] > 0 for row in rows)


async def test_entities_sum_their_main_meters(client: Client) -> None:
    since = "2026-06-01T00:00:00"
    rows = await client.rows("/entities/88/deltas", f"entity_deltas.time>={since}")
    values = {row["energy"]: row["value"] for row in rows}
    assert set(values) == {"electricity", "gas", "water", "heat", "cold"}
    (main,) = await client.rows("/meters/1204/deltas", f"meter_deltas.time>={since}")
    assert values["electricity"] == main["value"]
    (other,) = await client.rows("/meters/1301/deltas", f"meter_deltas.time>={since}")
    whole = await client.rows("/entities/80/deltas", f"entity_deltas.time>={since}")
    assert whole[0]["value"] == pytest.approx(main["value"] + other["value"], abs=0.01)
    document = await client.document("/entities/88/deltas", [("sort", "-time")])
    times = [one["attributes"]["time"] for one in document["data"]]
    assert times == sorted(times, reverse=True)
    assert document["data"][0]["id"].startswith("88-")
    other_building = await client.rows("/entities/89/deltas", f"entity_deltas.time>={since}")
    assert {row["energy"] for row in other_building} == {"electricity", "water"}
    assert await client.status("/entities/1/deltas") == 404


async def test_virtual_meters_are_formulas(client: Client) -> None:
    net = await client.rows("/virtual_meters/5001/deltas")
    main = await client.rows("/meters/1204/deltas")
    roof = await client.rows("/meters/1206/deltas")
    for one, plus, minus in zip(net, main, roof, strict=True):
        assert one["value"] == pytest.approx(plus["value"] - minus["value"], abs=0.01)
    assert await client.status("/virtual_meters/1/deltas") == 404


async def test_data_points(client: Client, sim: Simulator) -> None:
    after = "data_series.time>=2026-06-20T09:30:00Z"
    outside = await client.rows("/data_series/7001/data_points", after)
    assert [row["time"][11:16] for row in outside] == ["09:30", "09:45", "10:00"]
    assert outside[0]["unit"] == "°C"
    at = dt.datetime(2026, 6, 20, 9, 30, tzinfo=dt.UTC)
    assert outside[0]["value"] == pytest.approx(sim.house.outdoor_temperature(at), abs=0.05)
    assert all(
        row["value"] >= 400 for row in await client.rows("/data_series/7002/data_points", after)
    )
    binary = await client.rows("/data_series/7003/data_points", after)
    assert {row["value"] for row in binary} <= {0, 1}
    assert "unit" not in binary[0]
    assert await client.status("/data_series/1/data_points") == 404


@pytest.mark.parametrize(
    ("identification", "name"),
    [
        (Identification.ID, "1204"),
        (Identification.CODE, "017-001-0003-00-EL"),
        (Identification.IDENTIFICATION, "SN-559120"),
    ],
)
async def test_meters_are_named_as_told(
    client: Client, sim: Simulator, identification: Identification, name: str
) -> None:
    sim.enectiva.knobs.identify_by = identification
    others = {"1204", "017-001-0003-00-EL", "SN-559120"} - {name}
    for path in ("", "/readings", "/deltas"):
        assert await client.status(f"/meters/{name}{path}") == 200
        assert [await client.status(f"/meters/{other}{path}") for other in others] == [404, 404]


async def test_deltas_of_meters_may_not_exist(client: Client, sim: Simulator) -> None:
    sim.enectiva.knobs.meter_deltas = False
    assert await client.status("/meters/1204/deltas") == 404
    assert await client.status("/entities/88/deltas") == 200


async def test_other_shapes(client: Client, sim: Simulator) -> None:
    one = [("filter[]", "readings.time>=2026-06-20T10:00:00Z")]
    none = [("filter[]", "readings.time>2026-06-20T10:00:00Z")]
    knobs = sim.enectiva.knobs
    (row,) = (await client.document(READINGS, one))["data"]
    knobs.renames = {"state": "value"}
    knobs.dropped = frozenset({"time"})
    (other,) = (await client.document(READINGS, one))["data"]
    assert other["attributes"] == {"value": row["attributes"]["state"]}
    knobs.renames, knobs.dropped = {}, frozenset()
    knobs.numbers_as_strings = knobs.numeric_ids = knobs.flat = True
    (other,) = (await client.document(READINGS, one))["data"]
    assert other == {
        "type": "readings",
        "id": int(row["id"]),
        "time": row["attributes"]["time"],
        "state": str(row["attributes"]["state"]),
    }
    knobs.single_objects = True
    assert (await client.document(READINGS, one))["data"] == other
    assert "data" not in await client.document(READINGS, none)
    assert len((await client.document("/entities"))["data"]) == 3
    knobs.relationships = False
    meter = (await client.document("/meters/1204"))["data"]
    assert (meter["entity_id"], meter["production"]) == (88, False)
    assert "relationships" not in meter


async def test_a_thousand_meters(client: Client, sim: Simulator) -> None:
    sim.enectiva.knobs.generated_meters = 1000
    document = await client.document("/meters")
    meters = document["data"]
    assert (
        len({one["id"] for one in meters})
        == len({one["attributes"]["code"] for one in meters})
        == 1000
    )
    assert document["links"]["next"] is None
    assert len((await client.document("/entities"))["data"]) == 51
    last = meters[-1]["id"]
    assert await client.rows(f"/meters/{last}/readings", AFTER)
    assert await client.rows(f"/meters/{last}/deltas")
    assert sim.credentials()["enectiva"]["virtual_meter_ids"] == []


def test_months_are_whole_but_the_last() -> None:
    until = dt.datetime(2024, 3, 31, 22, 30, tzinfo=dt.UTC)  # 00:30 in April, in summer time
    found = months(until)
    assert found[0].start == INSTALLED
    assert [month.first.month for month in found[-2:]] == [3, 4]
    march, april = found[-2:]
    assert march.start == dt.datetime(2024, 2, 29, 23, tzinfo=dt.UTC)
    assert march.end == april.start == dt.datetime(2024, 3, 31, 22, tzinfo=dt.UTC)
    assert april.end == until
    assert months(INSTALLED - dt.timedelta(hours=1)) == []
