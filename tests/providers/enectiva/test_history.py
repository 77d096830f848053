"""What an Enectiva account tells of the past: readings, and months where there are none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from custom_components.energy_connect.core.budget import Priority
from custom_components.energy_connect.core.errors import Reason, UnexpectedResponse
from custom_components.energy_connect.core.history import Form, Source
from custom_components.energy_connect.core.vocabulary import Quantity
from custom_components.energy_connect.providers.enectiva.account import EnectivaAccount
from simulator.faults import Rewrite, Shape
from tests.hand_clock import START

from .conftest import Office

DAY = timedelta(days=1)
BACKFILL = Priority.BACKFILL


async def opened(office: Office, **options: Any) -> EnectivaAccount:
    account = office.open(**options)
    await account.poll()
    return account


def source(account: EnectivaAccount, key: str) -> Source:
    return {one.key: one for one in account.history_sources()}[key]


async def test_a_meter_with_readings_tells_its_counter(office: Office) -> None:
    account = await opened(office)
    main = source(account, "meter_1204_readings")
    (series,) = main.series

    harvest = await account.read_history(main, START - 2 * DAY, START - DAY, BACKFILL)

    readings = list(harvest.batches[series.key].readings)
    assert (series.form, series.quantity) == (Form.COUNTER, Quantity.ENERGY_CONSUMPTION)
    assert len(readings) == 97  # a quarter hour apart, both ends included
    assert [one.value for one in readings] == sorted(one.value for one in readings)


async def test_a_long_window_is_read_page_by_page(office: Office) -> None:
    account = await opened(office)
    main = source(account, "meter_1204_readings")
    whole = await account.read_history(main, START - 31 * DAY, START, BACKFILL)
    office.forget()

    again = await account.read_history(main, START - 31 * DAY, START, BACKFILL)

    assert len(office.asked("/meters/1204/readings")) > 2
    assert again == whole


async def test_a_window_that_never_ends_is_not_taken_for_whole(office: Office) -> None:
    account = await opened(office)
    main = source(account, "meter_1204_readings")
    turn = 0

    def always_full(_: object) -> object:
        nonlocal turn
        turn += 1
        begin = START - 31 * DAY + timedelta(seconds=1000 * turn)
        times = [(begin + timedelta(seconds=number)).isoformat() for number in range(1000)]
        return {"data": [{"attributes": {"time": at, "state": 1.0}} for at in times]}

    office.fault(Rewrite(bend=always_full), "/meters/1204/readings")

    with pytest.raises(UnexpectedResponse) as caught:
        await account.read_history(main, START - 31 * DAY, START, BACKFILL)

    assert caught.value.reason is Reason.TOO_LARGE


async def test_heat_without_a_unit_has_no_past_until_the_unit_is_known(office: Office) -> None:
    unknown = {one.key for one in (await opened(office)).history_sources()}
    known = {one.key for one in (await opened(office, heat_unit="gj")).history_sources()}

    assert known - unknown == {"meter_1209_readings"}


async def test_a_meter_without_readings_tells_its_months(office: Office) -> None:
    account = await opened(office)
    profile = source(account, "meter_1303_months")
    (series,) = profile.series
    begin = datetime(2025, 10, 15, tzinfo=UTC)

    harvest = await account.read_history(profile, begin, START, BACKFILL)

    intervals = list(harvest.batches[series.key].intervals)
    assert series.form is Form.INTERVALS
    assert intervals[0].start.astimezone(UTC) < begin < intervals[0].end
    assert all(one.end - one.start >= 27 * DAY for one in intervals)
    assert all(one.amount > 0 for one in intervals)
    # The running month reaches to the last reading only.
    assert intervals[-1].end <= START - 2 * DAY
    assert all(ends.end == begins.start for ends, begins in pairwise(intervals))


async def test_months_in_another_unit_are_left_out(office: Office) -> None:
    account = await opened(office)
    profile = source(account, "meter_1303_months")
    row = {"time": "2026-01-01T00:00:00", "value": 5.0, "unit": "kvarh"}
    office.fault(Shape(payload={"data": [{"attributes": row}]}), "/meters/1303/deltas")

    harvest = await account.read_history(profile, START - 100 * DAY, START, BACKFILL)

    (batch,) = harvest.batches.values()
    assert list(batch.intervals) == []


async def test_a_meter_that_is_gone_has_no_past(office: Office) -> None:
    account = await opened(office)
    gone = replace(source(account, "meter_1204_readings"), key="meter_9_readings")

    with pytest.raises(UnexpectedResponse) as caught:
        await account.read_history(gone, START - DAY, START, BACKFILL)

    assert caught.value.reason is Reason.NOT_FOUND


async def test_a_meter_of_no_known_energy_has_no_past(office: Office) -> None:
    nameless = {"attributes": {"energy": None, "code": None, "unit": None, "name": "Thing"}}
    row = {"id": "1204", "type": "meters", **nameless}
    office.fault(Shape(payload={"data": [row]}), "/meters")

    assert (await opened(office)).history_sources() == []


async def test_a_data_series_tells_its_points(office: Office) -> None:
    account = await opened(office, data_series=["7001", "7003"])
    outside = source(account, "series_7001_points")
    (series,) = outside.series

    harvest = await account.read_history(outside, START - 31 * DAY, START, BACKFILL)

    assert (series.form, series.unit) == (Form.MEASURED, "°C")
    assert series.key == "series_7001_value"
    real = {one.id: one for one in office.sim.enectiva.portfolio.series}["7001"]
    readings = list(harvest.batches[series.key].readings)
    assert len(readings) == 31 * 96 - 3  # the newest hour is not validated yet
    assert all(one.value == real.value(office.sim.house, one.at) for one in readings)
    assert harvest.dropped == 0


async def test_a_data_series_without_a_unit_has_no_past(office: Office) -> None:
    account = await opened(office, data_series=["7001", "7003"])

    sources = {one.key for one in account.history_sources()}

    assert "series_7003_points" not in sources
    assert account.diagnostics()["data_series_without_unit"] == 1


async def test_points_in_another_unit_are_left_out_and_counted(office: Office) -> None:
    account = await opened(office, data_series=["7001"])
    outside = source(account, "series_7001_points")
    rows = [
        {"time": "2026-01-01T00:00:00Z", "value": 5.0, "unit": "°C"},
        {"time": "2026-01-01T00:15:00Z", "value": 41.0, "unit": "°F"},
        {"time": "2026-01-01T00:30:00Z", "value": 5.0},
        {"time": "soon", "value": 5.0, "unit": "°C"},
    ]
    payload = {"data": [{"attributes": row} for row in rows]}
    office.fault(Shape(payload=payload), "/data_series/7001/data_points")
    begin = datetime(2026, 1, 1, tzinfo=UTC)

    harvest = await account.read_history(outside, begin, begin + DAY, BACKFILL)

    (batch,) = harvest.batches.values()
    assert [one.value for one in batch.readings] == [5.0]
    assert harvest.dropped == 3


async def test_a_data_series_that_was_taken_out_of_the_options_is_not_read(
    office: Office,
) -> None:
    account = await opened(office, data_series=["7001"])
    outside = source(account, "series_7001_points")

    other = await opened(office)

    with pytest.raises(UnexpectedResponse):
        await other.read_history(outside, START - DAY, START, BACKFILL)


async def test_data_series_that_are_not_permitted_have_no_past(office: Office) -> None:
    account = await opened(office, data_series=["7001"])
    office.grant("entities", "meters", "readings")
    await office.later(account, 1900)

    assert "series_7001_points" not in {one.key for one in account.history_sources()}
