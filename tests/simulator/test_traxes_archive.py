"""What the simulated Traxes remembers, and what may befall it."""

import datetime as dt
from typing import Any

import aiohttp
import pytest

from simulator import Simulator
from simulator.clock import Clock
from simulator.enectiva.past import Absent, Past, Swap, Wrong
from simulator.house import Flow
from simulator.traxes import Resolution

from .test_traxes import Client

AT = dt.datetime(2025, 10, 26, 0, 0, tzinfo=dt.UTC)
"""The night in which the clocks went back."""
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
MINUTES = dt.timedelta(minutes=5)


@pytest.fixture
async def app(sim: Simulator, session: aiohttp.ClientSession) -> Client:
    application = Client(sim, session)
    await application.sign_in()
    return application


def span(start: dt.datetime, length: dt.timedelta) -> dict[str, str]:
    return {"start": f"{start:%FT%TZ}", "end": f"{start + length:%FT%TZ}"}


async def rows(app: Client, place: str, what: str = "/readings", **query: Any) -> list[Any]:
    """Return all pages."""
    found: list[Any] = []
    while True:
        status, body = await app.of(place, what, pageSize="100", **query)
        assert status == 200
        found += body["data"]
        token = body["meta"]["continuationToken"]
        if token is None:
            return found
        query["continuationToken"] = token


async def test_a_day_of_any_year(app: Client, sim: Simulator) -> None:
    found = await rows(app, "meter", **span(AT, DAY))
    assert len(found) == 288
    for row in (found[0], found[-1]):
        at = dt.datetime.fromisoformat(row["measured"])
        assert row["data"]["positiveActiveEnergy"]["total"] == pytest.approx(
            sim.house.energy(Flow.GRID_IMPORT, at), abs=0.001
        )
    gas = await rows(app, "gas", **span(AT, HOUR))
    assert [row["data"]["positiveGasVolume"]["unit"] for row in gas] == ["m3"] * 4


async def test_readings_that_come_late_or_never(app: Client, sim: Simulator, clock: Clock) -> None:
    sim.traxes.archive.past = Past(
        absent=(
            Absent(start=AT, end=AT + HOUR, until=clock.now() + HOUR),
            Absent(start=AT + 2 * HOUR, end=AT + 3 * HOUR),
        )
    )
    assert len(await rows(app, "meter", **span(AT, 4 * HOUR))) == 24
    clock.advance(3600)
    await app.sign_in()
    assert len(await rows(app, "meter", **span(AT, 4 * HOUR))) == 36


async def test_readings_twice_and_backwards(app: Client, sim: Simulator) -> None:
    sim.traxes.archive.past = Past(twice=True)
    found = [row["measured"] for row in await rows(app, "battery", **span(AT, HOUR))]
    assert len(found) == 24
    assert found == sorted(found, reverse=True)


async def test_readings_that_are_corrected(app: Client, sim: Simulator, clock: Clock) -> None:
    sim.traxes.archive.past = Past(
        wrong=(Wrong(start=AT, end=AT + MINUTES, until=clock.now() + HOUR, by=5.0),)
    )
    before = await rows(app, "plant", **span(AT, HOUR))
    clock.advance(3600)
    await app.sign_in()
    after = await rows(app, "plant", **span(AT, HOUR))
    totals = [
        [row["data"]["negativeActiveEnergy"]["total"] for row in found] for found in (before, after)
    ]
    assert totals[0][0] - totals[1][0] == pytest.approx(0.005)  # in MWh
    assert totals[0][1:] == totals[1][1:]


async def test_another_meter(app: Client, sim: Simulator) -> None:
    swapped = AT + HOUR
    sim.traxes.archive.past = Past(swaps=(Swap(at=swapped, shows=3.0),))
    metrics = {
        row["measured"]: row["data"] for row in await rows(app, "meter", **span(AT, 2 * HOUR))
    }
    old, new = metrics[f"{swapped - MINUTES:%FT%TZ}"], metrics[f"{swapped:%FT%TZ}"]
    assert old["positiveActiveEnergy"]["total"] > 1000
    assert new["positiveActiveEnergy"] == {"t1": 0, "t2": 0, "total": 3.0, "unit": "kWh"}
    assert new["positiveActiveInstantaneousPower"]["total"] == pytest.approx(
        sim.house.power(Flow.GRID_IMPORT, swapped)
    )
    _, last = await app.of("gas", "/readings/last")
    real = sim.house.energy(Flow.GAS, dt.datetime.fromisoformat(last["measured"]))
    counted = real - sim.house.energy(Flow.GAS, swapped) + 3
    assert last["data"]["positiveGasVolume"]["value"] == pytest.approx(counted, abs=0.003)


async def test_the_longest_span(app: Client, sim: Simulator) -> None:
    sim.traxes.knobs.most_days = 2
    assert (await app.of("meter", "/readings", **span(AT, 2 * DAY)))[0] == 200
    assert (await app.of("meter", "/readings", **span(AT, 3 * DAY)))[0] == 400


async def test_averages_of_hours(app: Client, sim: Simulator) -> None:
    query = {**span(AT, DAY), "resolution": "01:00:00"}
    found = await rows(app, "pump", "/aggregations", **query)
    assert len(found) == 24
    first = found[0]
    assert (first["start"], first["end"]) == (f"{AT:%FT%TZ}", f"{AT + HOUR:%FT%TZ}")
    used = sim.house.energy(Flow.HEAT_PUMP, AT + HOUR) - sim.house.energy(Flow.HEAT_PUMP, AT)
    power = first["data"]["positiveActiveInstantaneousPower"]
    assert power["unit"] == "W"
    assert power["total"] == pytest.approx(used * 1000, abs=1)
    # Of a battery its flags are left out: there is no average of them.
    battery = await rows(app, "battery", "/aggregations", **query)
    assert "isCharging" not in battery[0]["data"]


async def test_hours_without_readings_have_no_average(app: Client, sim: Simulator) -> None:
    sim.traxes.archive.past = Past(absent=(Absent(start=AT, end=AT + HOUR),))
    query = {**span(AT, 2 * HOUR), "resolution": "01:00:00"}
    found = await rows(app, "pump", "/aggregations", **query)
    assert [row["start"] for row in found] == [f"{AT + HOUR:%FT%TZ}"]


async def test_what_has_no_averages(app: Client, sim: Simulator) -> None:
    query = {**span(AT, HOUR), "resolution": "01:00:00"}
    status, body = await app.of("car-0", "/aggregations", **query)
    assert (status, body["errors"][0]["code"]) == (400, "NotSupported")
    assert (await app.of("pump", "/aggregations"))[0] == 400
    assert (await app.of("pump", "/aggregations", **(query | {"resolution": "PT1H"})))[0] == 400
    sim.traxes.knobs.resolution = Resolution.ISO
    assert (await app.of("pump", "/aggregations", **(query | {"resolution": "PT1H"})))[0] == 200
    sim.traxes.knobs.aggregations = False
    assert (await app.of("pump", "/aggregations", **query))[0] == 404


async def test_entities_that_only_tell_their_power(app: Client, sim: Simulator) -> None:
    sim.traxes.archive.without_counters = frozenset({sim.traxes.fleet.id("meter")})
    (row,) = await rows(app, "meter", **span(AT, MINUTES))
    assert "positiveActiveInstantaneousPower" in row["data"]
    assert not [name for name in row["data"] if "ActiveEnergy" in name]
