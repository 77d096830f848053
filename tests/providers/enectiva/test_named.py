"""Virtual meters and data series that a person named, and what is chosen or left out."""

from datetime import UTC, datetime
from typing import Any

import pytest

from custom_components.energy_connect.core.errors import Unavailable
from custom_components.energy_connect.core.model import AdviceKind, Poll, Reading
from custom_components.energy_connect.core.options import Fault, Problem
from custom_components.energy_connect.core.vocabulary import Kind, Moment, Quantity
from custom_components.energy_connect.providers.enectiva import PROVIDER
from custom_components.energy_connect.providers.enectiva.account import EnectivaAccount
from simulator.faults import Shape, Status

from .conftest import Office, device

HALF_HOUR = 1800
HALF_A_DAY = 43_200
MARCH = datetime(2026, 2, 28, 23, tzinfo=UTC)
"""When March began in Prague, where the buildings are."""


def open_with(
    office: Office, virtual: list[str] | None = None, series: list[str] | None = None
) -> EnectivaAccount:
    return office.open(virtual_meters=virtual or [], data_series=series or [])


async def settled(office: Office, account: EnectivaAccount) -> Poll:
    """Poll until everything was read once."""
    poll = await account.poll()
    for _ in range(3):
        office.advance(31)
        poll = await account.poll()
    return poll


async def test_a_virtual_meter_is_a_device_with_its_months(office: Office) -> None:
    poll = await settled(office, open_with(office, ["5001"]))

    shown = device(poll, "virtual_5001")
    assert (shown.kind, shown.name, shown.parent) == (Kind.METER, "Virtual meter 5001", None)
    assert set(shown.numbers) == {
        (Quantity.AMOUNT_MONTH, None),
        (Quantity.AMOUNT_LAST_MONTH, None),
    }
    # Nobody says what the formula adds up, so nobody says in which unit.
    month = shown.numbers[Quantity.AMOUNT_MONTH, None]
    assert month.value is not None
    assert (month.unit, month.since) == (None, MARCH)
    (request,) = office.asked("/virtual_meters/*")
    assert request.query == (), "how these could be filtered is not known"


async def test_a_virtual_meter_whose_energy_is_told_has_its_quantities(office: Office) -> None:
    rows = [
        {
            "type": "virtual_meter_deltas",
            "id": "1",
            "attributes": {"time": "2026-03-01T00:00:00", "value": 7.5, "energy": "electricity"},
        }
    ]
    office.fault(Shape(payload={"data": rows}), "/virtual_meters/*")

    poll = await settled(office, open_with(office, ["5001"]))

    assert device(poll, "virtual_5001").numbers == {
        (Quantity.ELECTRICITY_MONTH, None): Reading(7.5, since=MARCH),
        (Quantity.ELECTRICITY_LAST_MONTH, None): Reading(None),
    }


async def test_the_unit_of_an_unknown_energy_is_that_of_its_row(office: Office) -> None:
    rows = [
        {
            "id": "1",
            "attributes": {"time": "2026-02-01T00:00:00", "value": -3, "unit": "MWh"},
        }
    ]
    office.fault(Shape(payload={"data": rows}), "/virtual_meters/*")

    poll = await settled(office, open_with(office, ["5001"]))

    assert device(poll, "virtual_5001").numbers == {
        (Quantity.AMOUNT_MONTH, None): Reading(None, since=MARCH),
        (Quantity.AMOUNT_LAST_MONTH, None): Reading(-3, unit="MWh"),
    }


async def test_without_months_there_is_a_device_without_numbers(office: Office) -> None:
    office.fault(Shape(payload={"data": []}), "/virtual_meters/*")

    poll = await settled(office, open_with(office, ["5001"]))

    assert device(poll, "virtual_5001").numbers == {}


@pytest.mark.parametrize(("series", "unit"), [("7001", "°C"), ("7002", "ppm"), ("7003", None)])
async def test_a_data_series_shows_its_newest_point(
    office: Office, series: str, unit: str | None
) -> None:
    poll = await settled(office, open_with(office, series=[series]))

    shown = device(poll, f"series_{series}")
    assert (shown.kind, shown.name) == (Kind.DATA_SERIES, f"Data series {series}")
    (reading,) = shown.numbers.values()
    (one,) = [each for each in office.sim.enectiva.portfolio.series if each.id == series]
    assert reading.at == datetime(2026, 3, 3, 11, tzinfo=UTC), "they are an hour late"
    assert reading.value == one.value(office.sim.house, reading.at)
    assert reading.unit == unit
    assert shown.moments[Moment.LAST_MEASURED] == reading.at


async def test_a_series_is_asked_for_with_the_meters_from_its_last_point_on(
    office: Office,
) -> None:
    account = open_with(office, series=["7001"])
    await settled(office, account)
    assert len(office.asked("/data_series/*")) == 1

    poll = await office.later(account, HALF_HOUR)

    (request,) = office.asked("/data_series/*")
    assert request.query == (("filter[]", "data_series.time>=2026-03-03T11:00:00Z"),)
    newest = device(poll, "series_7001").numbers[Quantity.VALUE, None].at
    assert newest == datetime(2026, 3, 3, 11, 30, tzinfo=UTC)


async def test_a_series_without_points_is_looked_for_far_back_once(office: Office) -> None:
    fault = office.fault(Shape(payload={"data": []}), "/data_series/*")
    account = open_with(office, series=["7001"])

    poll = await settled(office, account)
    assert device(poll, "series_7001").numbers == {}
    assert len(office.asked("/data_series/*")) == 3

    await office.later(account, HALF_HOUR)
    assert len(office.asked("/data_series/*")) == 1

    office.sim.faults.remove(fault)
    poll = await office.later(account, HALF_HOUR)
    assert device(poll, "series_7001").numbers[Quantity.VALUE, None].value is not None


async def test_one_unknown_id_disturbs_no_other(office: Office) -> None:
    account = open_with(office, ["5001", "9999"], ["7001", "9998"])

    poll = await settled(office, account)

    assert device(poll, "virtual_9999").numbers == {}
    assert device(poll, "series_9998").numbers == {}
    assert device(poll, "virtual_5001").numbers
    assert device(poll, "series_7001").numbers
    assert account.diagnostics()["refused_features"] == {}


async def test_a_scope_that_is_missing_for_what_was_named_is_told(office: Office) -> None:
    office.grant("meters", "entities", "readings", "meter_deltas", "entity_deltas")

    poll = await settled(office, open_with(office, ["5001"], ["7001"]))

    told = {
        one.subject for one in poll.snapshot.advice if one.kind is AdviceKind.PERMISSION_MISSING
    }
    assert told == {"virtual_meter_deltas", "data_points"}
    assert len(office.asked("/virtual_meters/*")) == 1


async def test_nobody_is_asked_for_what_was_not_named(office: Office) -> None:
    await settled(office, office.open())

    assert office.asked("/virtual_meters/*") == office.asked("/data_series/*") == []


async def test_a_series_that_is_no_longer_named_can_go(office: Office) -> None:
    poll = await office.open().poll()

    assert Kind.DATA_SERIES in poll.listed
    assert "series_7001" not in poll.snapshot.devices


async def test_readings_are_asked_for_as_often_as_was_chosen(office: Office) -> None:
    usual, often = office.open(), office.open(poll_interval=900)
    counts: list[int] = []
    for account in (usual, often):
        await settled(office, account)
        office.forget()
        for _ in range(4):
            office.advance(900)
            await account.poll()
        counts.append(len(office.asked("/meters/1204/readings")))

    assert counts == [2, 4]


async def test_a_day_between_readings(office: Office) -> None:
    account = office.open(poll_interval=86_400)
    await settled(office, account)

    await office.later(account, HALF_A_DAY)
    assert office.asked("/meters/1204/*") == []
    poll = await office.later(account, HALF_A_DAY)
    assert office.asked("/meters/1204/readings")
    assert poll.again.total_seconds() <= 86_400


async def test_what_is_left_out_costs_no_requests(office: Office) -> None:
    account = office.open(
        left_out={"entity_88": "A", "meter_1301": "Main", "series_7001": "S"},
        data_series=["7001", "7002"],
    )

    poll = await settled(office, account)

    asked = {one.path for one in office.asked()}
    assert not any(path.startswith(("/meters/12", "/entities/88")) for path in asked)
    assert "/meters/1301/readings" not in asked
    assert "/data_series/7001/data_points" not in asked
    assert {"/meters/1302/readings", "/data_series/7002/data_points"} <= asked
    # Their names are needed, to take them in again.
    assert device(poll, "meter_1204").name == "Main electricity"


async def test_nobody_is_advised_about_what_is_left_out(office: Office) -> None:
    poll = await settled(office, office.open())
    assert {one.kind for one in poll.snapshot.advice} == {AdviceKind.UNIT_UNKNOWN}
    office.forget()

    poll = await settled(office, office.open(left_out={"entity_80": "All of it"}))

    assert poll.snapshot.advice == ()
    assert {one.path for one in office.asked()} == {"/access_tokens", "/meters", "/entities"}


# Trying ids before they are kept.


async def tried(
    office: Office, before: dict[str, Any] | None = None, **options: Any
) -> dict[str, Problem]:
    assert PROVIDER.try_options is not None
    return dict(await PROVIDER.try_options(office.context(options), before or {}))


async def test_ids_of_the_customer_are_good(office: Office) -> None:
    found = await tried(
        office, virtual_meters=["5001"], data_series=["7001", "7002", "7003"], heat_unit="gj"
    )

    assert found == {}
    assert len(office.asked("/virtual_meters/*")) == 1
    assert len(office.asked("/data_series/*")) == 3


async def test_an_id_of_another_customer_is_refused_and_named(office: Office) -> None:
    found = await tried(office, virtual_meters=["5001", "5999"], data_series=["7001", "8", "9"])

    assert found == {
        "virtual_meters": Problem(fault=Fault.ID_UNKNOWN, values=("5999",)),
        "data_series": Problem(fault=Fault.ID_UNKNOWN, values=("8", "9")),
    }


async def test_ids_that_were_kept_before_are_not_tried_again(office: Office) -> None:
    kept = {"virtual_meters": ["5001"], "data_series": ["7001"]}

    assert await tried(office, kept, **kept) == {}
    assert office.asked() == []
    assert await tried(office, kept, virtual_meters=["5001", "x"]) == {
        "virtual_meters": Problem(fault=Fault.ID_UNKNOWN, values=("x",))
    }
    assert len(office.asked("/virtual_meters/*")) == 1


@pytest.mark.parametrize(
    "status",
    [404, 422],
)
async def test_an_unknown_id_may_be_refused_in_two_ways(office: Office, status: int) -> None:
    office.fault(Status(status=status), "/data_series/*")

    found = await tried(office, data_series=["7001"])

    assert found == {"data_series": Problem(fault=Fault.ID_UNKNOWN, values=("7001",))}


async def test_without_the_scope_an_id_is_refused(office: Office) -> None:
    office.grant("meters")

    found = await tried(office, data_series=["7001"])

    assert found == {"data_series": Problem(fault=Fault.ID_REFUSED, values=("7001",))}


async def test_where_filters_are_refused_the_rows_are_asked_for_without(office: Office) -> None:
    office.fault(Status(status=400), "/data_series/*", times=1)

    assert await tried(office, data_series=["7001"]) == {}
    assert [bool(one.query) for one in office.asked("/data_series/*")] == [True, False]


async def test_an_id_that_is_refused_with_and_without_filters_is_none(office: Office) -> None:
    office.fault(Status(status=400), "/data_series/*")

    found = await tried(office, data_series=["seven"])

    assert found == {"data_series": Problem(fault=Fault.ID_UNKNOWN, values=("seven",))}


async def test_what_can_not_be_tried_is_not_judged(office: Office) -> None:
    office.fault(Status(status=500), "/virtual_meters/*")

    with pytest.raises(Unavailable):
        await tried(office, virtual_meters=["5001"])


async def test_an_answer_that_makes_no_sense_is_not_judged(office: Office) -> None:
    office.fault(Status(status=418), "/virtual_meters/*")

    with pytest.raises(Exception, match="418"):
        await tried(office, virtual_meters=["5001"])
