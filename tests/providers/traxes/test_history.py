"""The past of an account, against what the simulated house really did."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, override

from aiohttp import web
import pytest

from custom_components.energy_connect.core.account import Context
from custom_components.energy_connect.core.budget import Priority
from custom_components.energy_connect.core.errors import (
    ApiError,
    NotPermitted,
    RateLimited,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.history import (
    Batch,
    Form,
    Harvest,
    HistoryAccount,
    Source,
)
from custom_components.energy_connect.core.series import (
    Certainty,
    hours_of_intervals,
    hours_of_readings,
    in_order,
    time_of,
)
from custom_components.energy_connect.core.vocabulary import Part, Quantity as Q
from custom_components.energy_connect.providers.traxes import PROVIDER
from custom_components.energy_connect.providers.traxes.account import TraxesAccount
from simulator import faults
from simulator.enectiva.past import Absent, Past, Swap, Wrong
from simulator.house import Flow
from simulator.traxes import Application, Paging, Resolution
from tests.hand_clock import START

from .conftest import CHARGES, READINGS, Portal

AVERAGES = "/connect/v1/entities/*/aggregations"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
AUTUMN = datetime(2025, 10, 26, tzinfo=UTC)
"""The clocks went back in that night, which is nothing to hours in UTC."""


async def opened(portal: Portal, **options: Any) -> TraxesAccount:
    account = portal.open(**options)
    await account.poll()
    portal.sim.journal.clear()
    return account


def source_of(account: TraxesAccount, portal: Portal, place: str, way: str) -> Source:
    sources = {source.key: source for source in account.history_sources()}
    return sources[f"{portal.id(place)}_{way}"]


async def read(
    account: TraxesAccount,
    source: Source,
    start: datetime,
    end: datetime,
    priority: Priority = Priority.BACKFILL,
) -> Harvest:
    return await account.read_history(source, start, end, priority)


def batch(harvest: Harvest, source: Source, quantity: Q, part: Part | None = None) -> Batch:
    (series,) = [one for one in source.series if (one.quantity, one.part) == (quantity, part)]
    return harvest.batches[series.key]


def counted(found: Batch, start: datetime, end: datetime) -> dict[datetime, float]:
    hours = hours_of_readings(in_order(found.readings))
    return {
        time_of(hour): each.amount
        for hour, each in hours.items()
        if start <= time_of(hour) < end and each.certainty is Certainty.FINAL
    }


def truth(portal: Portal, flow: Flow, start: datetime, end: datetime) -> dict[datetime, float]:
    house = portal.sim.house
    hours = [start + number * HOUR for number in range(int((end - start) / HOUR))]
    return {at: house.energy(flow, at + HOUR) - house.energy(flow, at) for at in hours}


def check(shown: Mapping[datetime, float], real: Mapping[datetime, float]) -> None:
    assert sorted(shown) == sorted(real)
    assert shown == pytest.approx(dict(real), abs=0.0021)  # readings have three decimals


# What is offered


async def test_what_can_be_read(portal: Portal) -> None:
    account = portal.open()
    assert PROVIDER.history
    assert isinstance(account, HistoryAccount)
    assert account.history_sources() == []  # nothing is known of any entity
    await account.poll()
    portal.sim.journal.clear()
    offered = {
        source.key: {(one.quantity, one.part) for one in source.series}
        for source in account.history_sources()
    }
    assert offered == {
        f"{portal.id(place)}_{way}": series
        for place, way, series in (
            (
                "meter",
                "readings",
                {
                    (quantity, part)
                    for quantity in (Q.ENERGY_IMPORT, Q.ENERGY_EXPORT)
                    for part in (None, Part.T1, Part.T2)
                },
            ),
            ("gas", "readings", {(Q.GAS_CONSUMPTION, None)}),
            ("inverter", "readings", {(Q.ENERGY_PRODUCTION, None)}),
            ("plant", "readings", {(Q.ENERGY_PRODUCTION, None)}),
            ("battery", "readings", {(Q.ENERGY_CHARGED, None), (Q.ENERGY_DISCHARGED, None)}),
            ("pump", "readings", {(Q.ENERGY_CONSUMPTION, None)}),
            ("wallbox-0", "readings", {(Q.ENERGY_CHARGED, None)}),
            ("wallbox-1", "readings", {(Q.ENERGY_CHARGED, None)}),
            ("car-0", "charges", {(Q.ENERGY_CHARGED, None)}),
            ("car-1", "charges", {(Q.ENERGY_CHARGED, None)}),
        )
    }
    assert portal.asked() == []
    gas = source_of(account, portal, "gas", "readings").series[0]
    assert (gas.form, gas.unit, gas.measured_in, gas.currency) == (Form.COUNTER, None, "m³", None)
    cars = source_of(account, portal, "car-0", "charges")
    assert cars.sparse
    assert cars.series[0].form is Form.INTERVALS
    assert account.diagnostics()["history"]["sources"] == 10


async def test_entities_that_tell_only_their_power_have_averages(portal: Portal) -> None:
    places = ("meter", "pump", "battery", "wallbox-0", "car-0", "gas")
    portal.sim.traxes.archive.without_counters = frozenset(map(portal.id, places))
    account = await opened(portal)
    ways = {source.key: source for source in account.history_sources()}
    quantities = {
        place: {one.quantity for one in ways[f"{portal.id(place)}_averages"].series}
        for place in ("meter", "pump", "battery")
    }
    assert quantities == {
        "meter": {Q.ENERGY_IMPORT, Q.ENERGY_EXPORT},
        "pump": {Q.ENERGY_CONSUMPTION},
        "battery": {Q.ENERGY_CHARGED, Q.ENERGY_DISCHARGED},
    }
    # A charge point has its charges then, and a gas meter nothing at all.
    assert f"{portal.id('wallbox-0')}_charges" in ways
    assert not [key for key in ways if key.startswith(portal.id("gas"))]


async def test_an_entity_that_is_not_shared_has_no_past(portal: Portal) -> None:
    portal.knobs.not_shared = frozenset({portal.id("meter")})
    portal.knobs.not_ready = frozenset({portal.id("pump")})
    account = await opened(portal)
    keys = " ".join(source.key for source in account.history_sources())
    assert portal.id("meter") not in keys
    assert portal.id("pump") not in keys
    assert portal.id("battery") in keys


@pytest.mark.parametrize(("unit", "offered"), [("kWh", "kWh"), ("furlong", None)])
async def test_gas_in_another_unit(portal: Portal, unit: str, offered: str | None) -> None:
    path = f"/connect/v1/entities/{portal.id('gas')}/readings"
    patch: Any = {"data": {"positiveGasVolume": {"unit": unit}}}
    portal.fault(faults.merge_patch(patch), f"{path}/last")
    account = await opened(portal)
    found = [one for one in account.history_sources() if one.key.startswith(portal.id("gas"))]
    if offered is None:
        assert found == []
        return
    (source,) = found
    assert source.series[0].measured_in == offered
    # What was counted in cubic metres then is nothing that can be added to it.
    harvest = await read(account, source, AUTUMN, AUTUMN + DAY)
    assert batch(harvest, source, Q.GAS_CONSUMPTION).readings == []


# Readings


@pytest.mark.parametrize(
    ("place", "quantity", "flow"),
    [
        ("meter", Q.ENERGY_IMPORT, Flow.GRID_IMPORT),
        ("meter", Q.ENERGY_EXPORT, Flow.GRID_EXPORT),
        ("gas", Q.GAS_CONSUMPTION, Flow.GAS),
        ("plant", Q.ENERGY_PRODUCTION, Flow.PV),
        ("battery", Q.ENERGY_DISCHARGED, Flow.BATTERY_DISCHARGE),
        ("pump", Q.ENERGY_CONSUMPTION, Flow.HEAT_PUMP),
    ],
)
async def test_readings_tell_each_hour(portal: Portal, place: str, quantity: Q, flow: Flow) -> None:
    account = await opened(portal)
    source = source_of(account, portal, place, "readings")
    start, end = AUTUMN, AUTUMN + DAY
    harvest = await read(account, source, start, end + HOUR)
    assert harvest.dropped == 0
    assert set(harvest.batches) == {series.key for series in source.series}
    check(counted(batch(harvest, source, quantity), start, end), truth(portal, flow, start, end))


async def test_the_tariffs_of_a_meter_add_up(portal: Portal) -> None:
    account = await opened(portal)
    source = source_of(account, portal, "meter", "readings")
    harvest = await read(account, source, AUTUMN, AUTUMN + 6 * HOUR)
    total, day, night = (
        [reading.value for reading in batch(harvest, source, Q.ENERGY_IMPORT, part).readings]
        for part in (None, Part.T1, Part.T2)
    )
    assert [one + other for one, other in zip(day, night, strict=True)] == pytest.approx(total)


async def test_a_week_costs_a_request_for_each_hundred_readings(portal: Portal) -> None:
    account = await opened(portal)
    source = source_of(account, portal, "battery", "readings")
    assert source.window == timedelta(days=7)
    harvest = await read(account, source, AUTUMN, AUTUMN + source.window)
    assert len(batch(harvest, source, Q.ENERGY_CHARGED).readings) == 7 * 288
    asked = portal.asked(READINGS)
    assert len(asked) == len(portal.asked()) == 21
    assert dict(asked[0].query)["start"] == "2025-10-26T00:00:00Z"
    assert dict(asked[0].query)["end"] == "2025-11-02T00:00:00Z"


async def test_what_befalls_readings(portal: Portal) -> None:
    """Late ones, a gap, a corrected one, another meter, rows twice and backwards."""
    now = portal.sim.clock.now()
    swap = AUTUMN + 14 * HOUR + HOUR / 2
    portal.sim.traxes.archive.past = Past(
        absent=(
            Absent(start=AUTUMN, end=AUTUMN + 2 * HOUR, until=now + HOUR),
            Absent(start=AUTUMN + 6 * HOUR, end=AUTUMN + 8 * HOUR),
        ),
        wrong=(Wrong(start=AUTUMN + 10 * HOUR, end=AUTUMN + 11 * HOUR, until=now + HOUR, by=0.2),),
        swaps=(Swap(at=swap, shows=2.0),),
        twice=True,
    )
    account = await opened(portal)
    source = source_of(account, portal, "meter", "readings")
    end = AUTUMN + 20 * HOUR
    real = truth(portal, Flow.GRID_IMPORT, AUTUMN, end)

    def hours(harvest: Harvest) -> dict[datetime, float]:
        return counted(batch(harvest, source, Q.ENERGY_IMPORT), AUTUMN, end)

    before = hours(await read(account, source, AUTUMN, end + HOUR))
    assert AUTUMN + HOUR not in before
    portal.advance(3600)
    after = hours(await read(account, source, AUTUMN, end + HOUR))
    assert before[AUTUMN + 4 * HOUR] == after[AUTUMN + 4 * HOUR]
    # A difference over two hours is no estimate yet: it is spread.
    spread = (AUTUMN + 6 * HOUR, AUTUMN + 7 * HOUR)
    assert sum(after[at] for at in spread) == pytest.approx(sum(real[at] for at in spread), abs=0.2)
    apart = {*spread, AUTUMN + 5 * HOUR, AUTUMN + 8 * HOUR, AUTUMN + 14 * HOUR}
    check(
        {at: amount for at, amount in after.items() if at not in apart},
        {at: amount for at, amount in real.items() if at not in apart},
    )


async def test_rows_that_tell_nothing_are_counted_and_cost_nothing_else(portal: Portal) -> None:
    account = await opened(portal)
    source = source_of(account, portal, "gas", "readings")
    good = {"measured": "2025-10-26T01:00:00Z", "data": {"positiveGasVolume": {"value": 5}}}
    rows: list[Any] = [None, {"measured": "x", "data": {}}, good, {"id": "r"}]
    portal.fault(faults.Shape(payload={"data": rows}), READINGS)
    harvest = await read(account, source, AUTUMN, AUTUMN + DAY)
    assert harvest.dropped == 3
    assert [one.value for one in batch(harvest, source, Q.GAS_CONSUMPTION).readings] == [5]
    assert account.diagnostics()["history"]["dropped"] == 3


async def test_time_that_was_before_everything(portal: Portal) -> None:
    account = await opened(portal)
    source = source_of(account, portal, "pump", "readings")
    portal.fault(faults.Shape(payload={"data": []}), READINGS)
    harvest = await read(account, source, AUTUMN - 900 * DAY, AUTUMN - 893 * DAY)
    assert batch(harvest, source, Q.ENERGY_CONSUMPTION).readings == []
    assert len(portal.asked(READINGS)) == 1


async def test_lists_too_long_are_read_in_shorter_pieces_from_then_on(portal: Portal) -> None:
    portal.knobs.page_size = portal.knobs.page_size_most = 25
    account = await opened(portal)
    source = source_of(account, portal, "battery", "readings")
    end = AUTUMN + source.window
    harvest = await read(account, source, AUTUMN, end)
    found = batch(harvest, source, Q.ENERGY_CHARGED).readings
    assert len({one.at for one in found}) == 7 * 288  # pieces share their edges
    assert account.diagnostics()["history"]["shortened"] == 1
    portal.sim.journal.clear()
    await read(account, source, end, end + source.window)
    assert len({dict(one.query)["start"] for one in portal.asked(READINGS)}) == 2


async def test_a_longest_time_that_nobody_documented(portal: Portal) -> None:
    portal.knobs.most_days = 2
    account = await opened(portal)
    source = source_of(account, portal, "gas", "readings")
    harvest = await read(account, source, AUTUMN, AUTUMN + source.window)
    found = batch(harvest, source, Q.GAS_CONSUMPTION).readings
    assert len({one.at for one in found}) == 7 * 96


async def test_a_list_that_never_ends_is_no_past(portal: Portal) -> None:
    account = await opened(portal)
    portal.knobs.paging = Paging.ENDLESS
    source = source_of(account, portal, "meter", "readings")
    with pytest.raises(UnexpectedResponse) as told:
        await read(account, source, AUTUMN, AUTUMN + DAY)
    assert told.value.reason is Reason.TOO_LARGE
    assert len(portal.asked(READINGS)) == 2


async def test_readings_too_many_for_an_hour(portal: Portal) -> None:
    """Nothing that exists measures so often: it must end all the same."""
    account = await opened(portal)
    source = source_of(account, portal, "gas", "readings")

    class Endless(faults.Action):
        number = 0

        @override
        async def answer(self, request: web.Request, proceed: faults.Proceed) -> web.StreamResponse:
            self.number += 1
            meta = {"continuationToken": f"page {self.number}"}
            return web.json_response({"data": [self.number], "meta": meta})

    portal.fault(Endless(), READINGS)
    with pytest.raises(UnexpectedResponse) as told:
        await read(account, source, AUTUMN, AUTUMN + 4 * HOUR)
    assert told.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("status", [400, 404, 405])
async def test_an_entity_without_a_past_is_left_alone(portal: Portal, status: int) -> None:
    account = await opened(portal)
    portal.fault(faults.Shape(payload={"message": "No."}, status=status), READINGS)
    with pytest.raises(NotPermitted) as told:
        await read(account, source_of(account, portal, "gas", "readings"), AUTUMN, AUTUMN + DAY)
    assert (told.value.status, told.value.detail) == (status, "No.")


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (faults.Shape(payload={"code": "Forbidden"}, status=403), NotPermitted),
        (faults.Status(status=500), Unavailable),
        (faults.Status(status=429), RateLimited),
        (faults.Shape(payload={}), UnexpectedResponse),
        (faults.Html(), UnexpectedResponse),
        (faults.Reset(after=0), Unavailable),
    ],
)
async def test_a_provider_in_trouble(
    portal: Portal, action: faults.Action, kind: type[ApiError]
) -> None:
    account = await opened(portal)
    portal.fault(action, READINGS)
    with pytest.raises(kind):
        await read(account, source_of(account, portal, "gas", "readings"), AUTUMN, AUTUMN + DAY)


async def test_a_token_endpoint_in_trouble_is_no_missing_past(portal: Portal) -> None:
    account = await opened(portal)
    portal.sim.traxes.revoke_tokens()
    portal.knobs.application = Application.NO_SCOPE
    with pytest.raises(NotPermitted) as told:
        await read(account, source_of(account, portal, "gas", "readings"), AUTUMN, AUTUMN + DAY)
    assert told.value.reason is Reason.GRANT_NOT_ALLOWED


async def test_a_source_of_an_entity_that_went(portal: Portal) -> None:
    account = await opened(portal)
    source = source_of(account, portal, "gas", "readings")
    portal.knobs.hidden = frozenset({portal.id("gas")})
    await portal.later(account, 6 * 3600)
    assert source.key not in {one.key for one in account.history_sources()}
    with pytest.raises(UnexpectedResponse):
        await read(account, source, AUTUMN, AUTUMN + DAY)


async def test_the_past_leaves_the_provider_alone_after_so_many_requests_an_hour(
    portal: Portal,
) -> None:
    account = await opened(portal)
    source = source_of(account, portal, "battery", "readings")
    portal.fault(faults.Shape(payload={"data": []}), READINGS)
    await read(account, source, AUTUMN - DAY, AUTUMN, Priority.LIVE)
    for _ in range(599):
        await read(account, source, AUTUMN - DAY, AUTUMN)
    with pytest.raises(RateLimited) as told:
        await read(account, source, AUTUMN - DAY, AUTUMN)
    assert told.value.retry_after >= 60
    assert account.diagnostics()["history"]["requests_last_hour"] == 600
    # The newest hours, polls and commands go on.
    await read(account, source, START - DAY, START, Priority.LIVE)
    assert (await account.poll()).snapshot.devices
    portal.advance(3601)
    await read(account, source, AUTUMN - DAY, AUTUMN)


# Charges


async def test_charges_of_a_car_hour_by_hour(portal: Portal) -> None:
    account = await opened(portal)
    source = source_of(account, portal, "car-0", "charges")
    start, end = AUTUMN, AUTUMN + 14 * DAY
    harvest = await read(account, source, start, end)
    found = batch(harvest, source, Q.ENERGY_CHARGED)
    assert found.known_until == end
    hours = hours_of_intervals(found.intervals)
    assert {each.certainty for each in hours.values()} == {Certainty.FINAL}
    car = portal.sim.house.cars[0]
    for number in range(14 * 24):
        at = start + number * HOUR
        shown = {time_of(hour): each.amount for hour, each in hours.items()}.get(at, 0.0)
        assert shown == pytest.approx(
            car.state(at + HOUR).charged - car.state(at).charged, abs=0.01
        )
    (request,) = portal.asked(CHARGES)
    assert dict(request.query)["start"] == "2025-10-24T12:00:00Z"


async def test_a_charge_that_runs_is_not_told_of_before_its_end(portal: Portal) -> None:
    session = portal.sim.house.cars[1].sessions(START, START + DAY)[0]
    portal.advance((session.start - START).total_seconds() + 600)
    account = await opened(portal)
    source = source_of(account, portal, "car-1", "charges")
    start, end = session.start - 5 * DAY, session.start + HOUR
    found = batch(await read(account, source, start, end), source, Q.ENERGY_CHARGED)
    assert found.known_until is not None
    assert found.known_until <= session.start
    assert not [one for one in found.intervals if one.end > session.start]


async def test_a_charge_whose_energy_nobody_knows_is_told_as_such(portal: Portal) -> None:
    account = await opened(portal)
    source = source_of(account, portal, "car-0", "charges")
    rows: list[Any] = [
        {"data": {"start": "2025-10-26T10:20:00Z", "end": "2025-10-26T12:00:00Z"}},
        {"data": {"start": "2025-10-26T20:00:00Z", "end": "2025-10-26T19:00:00Z"}},
    ]
    portal.fault(faults.Shape(payload={"data": rows}), CHARGES)

    harvest = await read(account, source, AUTUMN, AUTUMN + 14 * DAY)

    found = batch(harvest, source, Q.ENERGY_CHARGED)
    began = datetime(2025, 10, 26, 10, 20, tzinfo=UTC)
    assert list(found.unknown) == [(began, began + 100 * HOUR / 60)]
    assert found.intervals == []
    assert harvest.dropped == 2


async def test_charges_that_are_refused(portal: Portal) -> None:
    portal.knobs.sessions = False
    account = await opened(portal)
    with pytest.raises(NotPermitted):
        await read(account, source_of(account, portal, "car-0", "charges"), AUTUMN, AUTUMN + DAY)


# Averages


@pytest.mark.parametrize("resolution", Resolution)
async def test_averages_of_power(portal: Portal, resolution: Resolution) -> None:
    portal.knobs.resolution = resolution
    portal.sim.traxes.archive.without_counters = frozenset({portal.id("meter")})
    account = await opened(portal)
    source = source_of(account, portal, "meter", "averages")
    start, end = AUTUMN, AUTUMN + 7 * DAY
    for _ in range(2):
        portal.sim.journal.clear()
        harvest = await read(account, source, start, end)
    assert [one.status for one in portal.asked(AVERAGES)] == [200, 200]  # the way is known
    for quantity, flow in (
        (Q.ENERGY_IMPORT, Flow.GRID_IMPORT),
        (Q.ENERGY_EXPORT, Flow.GRID_EXPORT),
    ):
        hours = hours_of_intervals(batch(harvest, source, quantity).intervals)
        shown = {time_of(hour): each.amount for hour, each in hours.items()}
        check(shown, truth(portal, flow, start, end))


async def test_averages_that_tell_nothing_are_counted(portal: Portal) -> None:
    portal.sim.traxes.archive.without_counters = frozenset({portal.id("pump")})
    account = await opened(portal)
    source = source_of(account, portal, "pump", "averages")
    metric = {"positiveActiveInstantaneousPower": {"total": 1000, "unit": "W"}}
    given = {"negativeActiveInstantaneousPower": {"total": 1000, "unit": "W"}}
    rows: list[Any] = [
        None,
        {"start": "2025-10-26T01:00:00Z", "data": {**metric, **given}},
        {"start": "2025-10-28T01:00:00Z", "data": metric},  # not asked for
    ]
    portal.fault(faults.Shape(payload={"data": rows}), AVERAGES)
    harvest = await read(account, source, AUTUMN, AUTUMN + DAY)
    assert harvest.dropped == 1
    (interval,) = batch(harvest, source, Q.ENERGY_CONSUMPTION).intervals
    assert (interval.start, interval.amount) == (AUTUMN + HOUR, 1.0)
    # Of an average nobody knows how many readings it was made of.
    assert interval.estimated


@pytest.mark.parametrize("status", [400, 404])
async def test_types_without_averages_are_left_alone(portal: Portal, status: int) -> None:
    portal.sim.traxes.archive.without_counters = frozenset({portal.id("pump")})
    account = await opened(portal)
    source = source_of(account, portal, "pump", "averages")
    portal.fault(faults.Shape(payload={"message": "No."}, status=status), AVERAGES)
    with pytest.raises(NotPermitted) as told:
        await read(account, source, AUTUMN, AUTUMN + DAY)
    assert (told.value.status, told.value.detail) == (status, "No.")


async def test_opening_needs_no_past(portal: Portal) -> None:
    context: Context = portal.context()
    assert isinstance(PROVIDER.open(context), HistoryAccount)
    assert portal.asked() == []
