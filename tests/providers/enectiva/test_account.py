"""An Enectiva account day by day: tokens, lists, readings, months."""

from datetime import UTC, datetime, timedelta
import itertools
import json
from typing import Any

import pytest

from custom_components.energy_connect.core.errors import (
    CredentialsRejected,
    NotPermitted,
    Reason,
    Unavailable,
)
from custom_components.energy_connect.core.model import Reading
from custom_components.energy_connect.core.vocabulary import Flag, Kind, Moment, Quantity
from custom_components.energy_connect.providers.enectiva import PROVIDER
from simulator.enectiva import ALL_SCOPES, CUSTOMER_UUID, Identification
from simulator.faults import Rewrite, Shape, Status, merge_patch

from .conftest import OF_OPTIONS, Office, device

HOUR = 3600.0
HALF_HOUR = 1800.0
Q = Quantity
MARCH = datetime(2026, 2, 28, 23, tzinfo=UTC)


def shown(poll: Any) -> Any:
    """Return all numbers of a poll by device and quantity."""
    return {
        (key, quantity.value): reading.value
        for key, device in poll.snapshot.devices.items()
        for (quantity, _), reading in device.numbers.items()
    }


# What is shown


async def test_buildings_and_meters_hang_together(office: Office) -> None:
    poll = await office.open().poll()
    assert {key: one.parent for key, one in poll.snapshot.devices.items()} == {
        "entity_80": None,
        "entity_88": "entity_80",
        "entity_89": "entity_80",
        **{f"meter_{number}": "entity_88" for number in range(1204, 1211)},
        **{f"meter_{number}": "entity_89" for number in range(1301, 1304)},
    }
    building = device(poll, "entity_88")
    assert (building.kind, building.name) == (Kind.BUILDING, "Building A")
    assert (building.manufacturer, building.model) == ("Enerfis", "building")
    meter = device(poll, "meter_1204")
    assert (meter.kind, meter.name) == (Kind.METER, "Main electricity")
    assert meter.serial_number == "SN-559120"
    assert poll.listed - OF_OPTIONS == {Kind.METER, Kind.BUILDING}
    assert poll.again == timedelta(seconds=HALF_HOUR)


async def test_each_energy_has_its_quantity_and_unit(office: Office) -> None:
    devices = (await office.open().poll()).snapshot.devices
    counters = {
        key: (quantity, reading.unit)
        for key, one in devices.items()
        for (quantity, _), reading in one.numbers.items()
        if reading.at is not None
    }
    assert counters == {
        "meter_1204": (Q.ENERGY_CONSUMPTION, None),
        "meter_1205": (Q.ENERGY_CONSUMPTION, None),
        "meter_1206": (Q.ENERGY_PRODUCTION, None),
        "meter_1207": (Q.WATER_CONSUMPTION, None),
        "meter_1208": (Q.GAS_CONSUMPTION, None),
        # Not reported, and nobody said: no unit rather than a wrong one.
        "meter_1209": (Q.HEAT_CONSUMPTION, None),
        "meter_1210": (Q.COLD_CONSUMPTION, "GJ"),
        "meter_1301": (Q.ENERGY_CONSUMPTION, None),
        "meter_1302": (Q.WATER_CONSUMPTION, None),
    }


async def test_the_options_say_the_units_that_are_not_reported(office: Office) -> None:
    poll = await office.open(heat_unit="gj", cold_unit="mwh").poll()
    assert device(poll, "meter_1209").numbers[Q.HEAT_CONSUMPTION, None].unit == "GJ"
    assert device(poll, "meter_1209").numbers[Q.HEAT_MONTH, None].unit == "GJ"
    # Reported: the option has no say.
    assert device(poll, "meter_1210").numbers[Q.COLD_CONSUMPTION, None].unit == "GJ"
    assert device(poll, "entity_88").numbers[Q.COLD_MONTH, None].unit == "MWh"
    poll = await office.open(heat_unit="unknown", cold_unit="btu").poll()
    assert device(poll, "meter_1209").numbers[Q.HEAT_CONSUMPTION, None].unit is None
    assert device(poll, "entity_88").numbers[Q.COLD_MONTH, None].unit is None


async def test_values_are_those_of_the_house(office: Office) -> None:
    poll = await office.open().poll()
    house, at = office.sim.house, datetime(2026, 3, 3, 11, tzinfo=UTC)
    (meter,) = (one for one in office.sim.enectiva.portfolio.meters if one.id == "1204")
    main = device(poll, "meter_1204")
    now = round(meter.counter(house, at), 3)
    assert main.numbers[Q.ENERGY_CONSUMPTION, None] == Reading(now, at)
    assert main.moments[Moment.LAST_MEASURED] == at
    begun = round(meter.counter(house, at) - meter.counter(house, MARCH), 3)
    assert main.numbers[Q.ELECTRICITY_MONTH, None] == Reading(begun, since=MARCH)
    february = datetime(2026, 1, 31, 23, tzinfo=UTC)
    ended = round(meter.counter(house, MARCH) - meter.counter(house, february), 3)
    assert main.numbers[Q.ELECTRICITY_LAST_MONTH, None] == Reading(ended)


SHAPES: dict[str, dict[str, Any]] = {
    "flat": {"flat": True},
    "numbers as strings": {"numbers_as_strings": True},
    "numeric ids": {"numeric_ids": True},
    "no relationships": {"relationships": False},
    "single objects": {"single_objects": True},
    "value for state": {"renames": {"state": "value"}},
    "another word for state": {"renames": {"state": "amount", "value": "sum"}},
    "energy type": {"renames": {"energy": "energy_type", "unit": "default_unit"}},
    "opaque tokens": {"opaque_tokens": True},
    "bearer on the exchange": {"bearer_on_exchange": True},
    "short pages": {"page_size": 10},
    "by code": {"identify_by": Identification.CODE},
    "by identification": {"identify_by": Identification.IDENTIFICATION},
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_other_shapes_than_assumed_give_the_same_devices(office: Office, shape: str) -> None:
    usual = (await office.open().poll()).snapshot
    for name, value in SHAPES[shape].items():
        setattr(office.knobs, name, value)
    account = office.open()
    snapshot = (await account.poll()).snapshot
    if snapshot != usual:
        # On a busy machine the first poll may be over before many short pages are read.
        snapshot = (await account.poll()).snapshot
    assert snapshot == usual
    assert account.diagnostics()["dropped_rows"] == {}


async def test_energy_is_taken_from_the_code_where_no_word_tells_it(office: Office) -> None:
    office.knobs.dropped = frozenset({"energy", "unit"})
    poll = await office.open().poll()
    assert Q.WATER_CONSUMPTION in {key for key, _ in device(poll, "meter_1302").numbers}
    # Deltas of entities have no code: which energy they are of can't be told.
    assert device(poll, "entity_88").numbers == {}
    assert device(poll, "meter_1210").numbers[Q.COLD_CONSUMPTION, None].unit is None


async def test_meters_without_any_hint_of_their_energy_show_when_they_were_read(
    office: Office,
) -> None:
    office.knobs.dropped = frozenset({"energy", "code"})
    account = office.open()
    poll = await account.poll()
    assert device(poll, "meter_1204").numbers == {}
    assert Moment.LAST_MEASURED in device(poll, "meter_1204").moments
    assert account.diagnostics()["meters_of_unknown_energy"] == 10
    assert not office.asked("/meters/*/deltas")


# Tokens


async def test_no_exchange_while_a_token_is_good(office: Office) -> None:
    account = office.open()
    await account.poll()
    assert len(office.asked("/access_tokens")) == 1
    assert len({each.token_id for each in office.asked("/meters*")}) == 1
    office.knobs.generated_meters = 60
    office.advance(12 * HOUR)
    polls = [await account.poll()]
    while polls[-1].again < timedelta(seconds=HALF_HOUR / 2):
        polls.append(await office_step(office, account, polls[-1].again))
    assert len(polls) > 2
    exchanges = [each.at for each in office.asked("/access_tokens")]
    apart = [later - earlier for earlier, later in itertools.pairwise(exchanges)]
    # Tokens live for 300 s and are renewed 45 s before their end.
    assert apart
    assert min(apart) >= timedelta(seconds=255)


async def office_step(office: Office, account: Any, again: timedelta) -> Any:
    office.advance(again.total_seconds())
    return await account.poll()


@pytest.mark.parametrize(
    ("opaque", "lifetime", "good", "over"),
    [(False, 300, 254, 256), (True, 300, 194, 196), (False, 7200, 194, 196), (False, -9, 194, 196)],
)
async def test_how_long_a_token_is_used(
    office: Office, opaque: bool, lifetime: float, good: float, over: float
) -> None:
    office.knobs.opaque_tokens = opaque
    account = office.open()
    assert account._connection.token is not None
    office.knobs.token_lifetime = lifetime
    await account._connection.token.get()
    office.advance(good)
    await account._connection.token.get()
    assert len(office.asked("/access_tokens")) == 1
    office.advance(over - good)
    await account._connection.token.get()
    assert len(office.asked("/access_tokens")) == 2


async def test_a_token_that_is_refused_early_is_renewed_once(office: Office) -> None:
    account = office.open()
    before = (await account.poll()).snapshot
    office.sim.enectiva.tokens.forget()
    office.advance(100)
    office.forget()
    account._lists._due = dict.fromkeys(account._lists._due, 0.0)
    poll = await account.poll()
    assert poll.snapshot == before
    assert len(office.asked("/access_tokens")) == 1
    assert sorted(each.status or 0 for each in office.asked("/meters")) == [200, 401]


async def test_whether_the_exchange_wants_a_bearer_is_learnt_once(office: Office) -> None:
    office.knobs.bearer_on_exchange = True
    account = office.open()
    await account.poll()
    assert [each.status for each in office.asked("/access_tokens")] == [401, 201]
    await office.later(account, HALF_HOUR)
    assert [each.status for each in office.asked("/access_tokens")] == [201]


async def test_a_list_that_refuses_the_token_asks_for_a_sign_in(office: Office) -> None:
    office.fault(Status(status=401), "/meters")
    with pytest.raises(CredentialsRejected):
        await office.open().poll()
    assert len(office.asked("/access_tokens")) == 2


async def test_a_revoked_login_token_asks_for_a_sign_in(office: Office) -> None:
    account = office.open()
    await account.poll()
    office.sim.enectiva.tokens.demo.revoked = True
    with pytest.raises(CredentialsRejected) as caught:
        await office.later(account, HALF_HOUR)
    assert caught.value.reason is Reason.LOGIN_TOKEN_REFUSED
    assert [each.path for each in office.asked()] == ["/access_tokens"]


@pytest.mark.parametrize("status", [403, 404, 422])
async def test_an_unclear_refusal_of_an_account_that_worked_ends_no_sign_in(
    office: Office, status: int
) -> None:
    account = office.open()
    await account.poll()
    refusal = office.fault(Shape(payload={"errors": [{}]}, status=status), "/access_tokens")

    with pytest.raises(Unavailable) as caught:
        await office.later(account, HALF_HOUR)

    assert caught.value.reason is Reason.UNCLEAR_REFUSAL
    office.sim.faults.remove(refusal)
    await office.later(account, HALF_HOUR)


async def test_access_tokens_refused_again_and_again_ask_for_a_sign_in(office: Office) -> None:
    account = office.open()
    await account.poll()
    office.fault(Status(status=401), "/meters/*")
    with pytest.raises(CredentialsRejected):
        await office.later(account, HALF_HOUR)
    # Two at once, each once more; the others are not sent.
    assert len(office.asked("/meters/*")) <= 4


# Lists


async def test_lists_are_read_twice_a_day(office: Office) -> None:
    account = office.open()
    await account.poll()
    for _ in range(23):
        poll = await office.later(account, HALF_HOUR)
        assert not office.asked("/meters")
        assert not office.asked("/entities")
        assert not poll.listed
    poll = await office.later(account, HALF_HOUR)
    assert len(office.asked("/meters")) == len(office.asked("/entities")) == 1
    assert poll.listed - OF_OPTIONS == {Kind.METER, Kind.BUILDING}


async def test_a_poll_before_anything_is_due_asks_for_nothing(office: Office) -> None:
    account = office.open()
    before = await account.poll()
    poll = await office.later(account, 600)
    assert not office.asked()
    assert poll.snapshot == before.snapshot
    assert poll.again == timedelta(seconds=1200)


async def test_unchanged_devices_stay_the_same_objects(office: Office) -> None:
    account = office.open()
    before = (await account.poll()).snapshot.devices
    office.sim.enectiva.knobs.delay += HALF_HOUR
    after = (await office.later(account, HALF_HOUR)).snapshot.devices
    assert office.asked("/meters/1204/readings")
    assert all(after[key] is one for key, one in before.items())
    office.advance(12 * HOUR)
    office.knobs.delay += 12 * HOUR
    again = (await account.poll()).snapshot.devices
    assert all(again[key] is one for key, one in before.items())


async def test_a_meter_that_is_gone_is_shown_no_more(office: Office) -> None:
    account = office.open()
    await account.poll()
    office.fault(Rewrite(bend=lambda body: {"data": body["data"][1:]}), "/meters")
    poll = await office.later(account, 12 * HOUR)
    assert "meter_1204" not in poll.snapshot.devices
    assert Kind.METER in poll.listed
    assert not office.asked("/meters/1204/*")


async def test_rows_without_an_id_are_dropped_with_one_warning(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [{"attributes": {"name": "Nameless"}}, 7, None]
    office.fault(Rewrite(bend=lambda body: {"data": [*body["data"], *broken]}), "/meters")
    office.fault(Rewrite(bend=lambda body: {"data": [*body["data"], *broken]}), "/entities")
    account = office.open()
    poll = await account.poll()
    assert len(poll.snapshot.devices) == 13
    # Any of the broken rows may be the one of a known device: nobody is called gone.
    assert not poll.listed
    await office.later(account, 12 * HOUR)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    mine = [each for each in warnings if each.startswith("Dropped")]
    assert sorted(mine) == [
        "Dropped 3 entities that could not be read",
        "Dropped 3 meters that could not be read",
    ]
    assert account.diagnostics()["dropped_rows"] == {"meters": 6, "entities": 6}


async def test_a_list_that_says_nothing_takes_nobody_away(office: Office) -> None:
    account = office.open()
    before = await account.poll()
    office.fault(Shape(payload={"meta": {}}), "/meters", times=1)
    poll = await office.later(account, 12 * HOUR)
    assert poll.snapshot.devices.keys() == before.snapshot.devices.keys()
    assert poll.listed - OF_OPTIONS == {Kind.BUILDING}
    # Not for half a day: half an hour later it is asked for again.
    assert (await office.later(account, HALF_HOUR)).listed - OF_OPTIONS == {Kind.METER}


@pytest.mark.parametrize("status", [403, 404])
async def test_refused_entities_leave_the_meters(office: Office, status: int) -> None:
    if status == 403:
        office.grant(*ALL_SCOPES - {"entities"})
    else:
        office.fault(Shape(payload={}, status=404), "/entities")
    account = office.open()
    poll = await account.poll()
    assert {one.kind for one in poll.snapshot.devices.values()} == {Kind.METER}
    assert device(poll, "meter_1204").parent is None
    assert poll.listed - OF_OPTIONS == {Kind.METER}
    assert "entities" in account.diagnostics()["refused_features"]
    await office.later(account, HALF_HOUR)
    assert not office.asked("/entities*")
    office.grant(*ALL_SCOPES)
    office.sim.faults.clear()
    poll = await office.later(account, 12 * HOUR)
    assert device(poll, "meter_1204").parent == "entity_88"
    assert account.diagnostics()["refused_features"] == {}


async def test_broken_entities_leave_the_meters_and_come_back(office: Office) -> None:
    office.fault(Status(status=500), "/entities", times=2)
    account = office.open()
    poll = await account.poll()
    assert len(poll.snapshot.devices) == 10
    assert poll.again == timedelta(seconds=30)
    poll = await office.later(account, 30)
    # Broken entities alone are no failure.
    assert [each.path for each in office.asked()] == ["/entities"]
    poll = await office.later(account, HALF_HOUR)
    assert len(poll.snapshot.devices) == 13


async def test_entities_without_meters_show_their_months(office: Office) -> None:
    office.grant("entities", "entity_deltas")
    account = office.open()
    poll = await account.poll()
    assert poll.listed - OF_OPTIONS == {Kind.BUILDING}
    assert poll.snapshot.devices.keys() == {"entity_80", "entity_88", "entity_89"}
    assert Q.ELECTRICITY_MONTH in {key for key, _ in device(poll, "entity_80").numbers}


async def test_neither_list_is_granted(office: Office) -> None:
    office.grant("readings")
    account = office.open()
    for _ in range(2):
        with pytest.raises(NotPermitted):
            await account.poll()
    office.grant(*ALL_SCOPES)
    office.sim.enectiva.tokens.forget()
    assert len((await account.poll()).snapshot.devices) == 13


async def test_permission_for_meters_is_taken_away(office: Office) -> None:
    account = office.open()
    before = await account.poll()
    office.grant(*ALL_SCOPES - {"meters"})
    poll = await office.later(account, 12 * HOUR)
    assert poll.snapshot.devices.keys() == before.snapshot.devices.keys()
    assert poll.listed - OF_OPTIONS == {Kind.BUILDING}
    assert account.diagnostics()["refused_features"] == {"meters": "not_permitted"}


async def test_zones_that_nobody_knows_are_those_of_the_house(office: Office) -> None:
    zone = {"data": {"attributes": {"time_zone": "Nowhere/Land"}}}

    def move(body: Any) -> Any:
        for row in body["data"]:
            row["attributes"]["time_zone"] = zone["data"]["attributes"]["time_zone"]
        return body

    office.fault(Rewrite(bend=move), "/entities")
    poll = await office.open().poll()
    # London
    london = datetime(2026, 3, 1, tzinfo=UTC)
    assert device(poll, "entity_88").numbers[Q.ELECTRICITY_MONTH, None].since == london


async def test_a_zone_is_inherited_from_above(office: Office) -> None:
    def strip(body: Any) -> Any:
        for row in body["data"][1:]:
            del row["attributes"]["time_zone"]
        return body

    office.fault(Rewrite(bend=strip), "/entities")
    poll = await office.open().poll()
    assert device(poll, "meter_1301").numbers[Q.ELECTRICITY_MONTH, None].since == MARCH


# Readings


def filters(office: Office, path: str) -> list[str]:
    return [each.values("filter[]")[0] for each in office.asked(path)]


async def test_readings_are_asked_from_the_last_one_on(office: Office) -> None:
    account = office.open()
    await account.poll()
    assert filters(office, "/meters/1204/readings") == ["readings.time>=2026-02-28T12:00:00Z"]
    before = account._readings.latest["1204"]
    poll = await office.later(account, HALF_HOUR)
    assert filters(office, "/meters/1204/readings") == ["readings.time>=2026-03-03T11:00:00Z"]
    assert account._readings.latest["1204"].at - before.at == timedelta(minutes=30)
    measured = device(poll, "meter_1204").moments[Moment.LAST_MEASURED]
    assert measured == account._readings.latest["1204"].at


async def test_the_window_widens_until_there_is_a_reading(office: Office) -> None:
    office.knobs.delay = timedelta(days=20).total_seconds()
    account = office.open()
    await account.poll()
    assert filters(office, "/meters/1204/readings")[:2] == [
        "readings.time>=2026-02-28T12:00:00Z",
        "readings.time>=2026-01-27T12:00:00Z",
    ]
    newest = datetime(2026, 2, 11, 12, tzinfo=UTC)
    # More than a page: the time moves on until the newest one is found.
    assert account._readings.latest["1204"].at == newest
    await office.later(account, HALF_HOUR)
    assert filters(office, "/meters/1204/readings")[0] == "readings.time>=2026-02-11T12:00:00Z"


async def test_a_meter_read_once_a_year(office: Office) -> None:
    office.knobs.delay = timedelta(days=395).total_seconds()
    account = office.open()
    await account.poll()
    assert account._readings.latest["1204"].at == datetime(2025, 2, 1, 12, tzinfo=UTC)


async def test_a_meter_without_readings_is_asked_seldom(office: Office) -> None:
    account = office.open()
    poll = await account.poll()
    assert len(office.asked("/meters/1303/readings")) == 3
    profile = device(poll, "meter_1303")
    assert {key for key, _ in profile.numbers} == {Q.ELECTRICITY_MONTH, Q.ELECTRICITY_LAST_MONTH}
    assert profile.moments == {}
    assert account.diagnostics()["meters_without_readings"] == 1
    for _ in range(23):
        await office.later(account, HALF_HOUR)
        assert not office.asked("/meters/1303/readings")
    # The widest window in one request, and then it rests again.
    await office.later(account, HALF_HOUR)
    assert filters(office, "/meters/1303/readings") == ["readings.time>=2025-01-28T00:00:00Z"]
    await office.later(account, HALF_HOUR)
    assert not office.asked("/meters/1303/readings")
    # One day there is a reading after all.
    late = {"data": {"time": "2026-03-04T10:00:00Z", "state": 7}}
    office.fault(Shape(payload=late), "/meters/1303/readings")
    poll = await office.later(account, 12 * HOUR)
    assert device(poll, "meter_1303").numbers[Q.ENERGY_CONSUMPTION, None].value == 7
    assert account.diagnostics()["meters_without_readings"] == 0


async def test_readings_of_the_future_or_from_before_the_window_are_not_the_newest(
    office: Office,
) -> None:
    odd = {
        "data": [
            {"time": "2020-01-01T00:00:00Z", "state": 1},
            {"time": "2026-03-03T10:00:00Z", "state": 5},
            {"time": "2026-03-03T10:00:00Z", "state": 6},
            {"time": "2099-01-01T00:00:00Z", "state": 9},
        ]
    }
    office.fault(Shape(payload=odd), "/meters/1204/readings")
    poll = await office.open().poll()
    # Of two with the same time the later row is the correction.
    assert device(poll, "meter_1204").numbers[Q.ENERGY_CONSUMPTION, None].value == 6


async def test_endless_pages_of_the_same_readings_end(office: Office) -> None:
    same = {
        "data": [{"time": "2026-03-03T10:00:00Z", "state": 5}],
        "links": {"next": "/meters/1204/readings?page=2"},
    }
    office.fault(Shape(payload=same), "/meters/1204/readings")
    await office.open().poll()
    assert len(office.asked("/meters/1204/readings")) == 2


async def test_endless_pages_of_other_readings_end(office: Office) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)

    def next_minute(_: Any) -> Any:
        at = start + timedelta(minutes=len(office.asked("/meters/1204/readings")))
        return {"data": [{"time": at.isoformat(), "state": 5}], "links": {"next": "/more"}}

    office.fault(Rewrite(bend=next_minute), "/meters/1204/readings")
    await office.open().poll()
    assert len(office.asked("/meters/1204/readings")) == 50


async def test_a_counter_that_falls_is_believed_when_the_fall_is_confirmed(office: Office) -> None:
    account = office.open()
    before = device(await account.poll(), "meter_1204").numbers[Q.ENERGY_CONSUMPTION, None]

    async def reading(at: str) -> float | None:
        office.sim.faults.clear()
        row = {"data": {"time": at, "state": 0.5}}
        office.fault(Shape(payload=row), "/meters/1204/readings")
        poll = await office.later(account, HALF_HOUR)
        return device(poll, "meter_1204").numbers[Q.ENERGY_CONSUMPTION, None].value

    assert await reading("2026-03-03T11:15:00Z") == before.value
    assert await reading("2026-03-03T11:30:00Z") == 0.5


async def test_data_is_late_after_two_days(office: Office) -> None:
    account = office.open()
    poll = await account.poll()
    assert device(poll, "meter_1204").flags[Flag.DATA_LATE] is False
    office.knobs.delay += timedelta(days=3).total_seconds()
    poll = await office.later(account, 46 * HOUR)
    assert device(poll, "meter_1204").flags[Flag.DATA_LATE] is False
    poll = await office.later(account, 1.5 * HOUR)
    assert device(poll, "meter_1204").flags[Flag.DATA_LATE] is True
    assert device(poll, "meter_1204").numbers[Q.ENERGY_CONSUMPTION, None].value


async def test_one_way_to_name_meters_is_found_once(office: Office) -> None:
    office.knobs.identify_by = Identification.IDENTIFICATION
    account = office.open()
    await account.poll()
    assert account.diagnostics()["path_identification"] == "identification"
    refused = [each for each in office.asked("/meters/*") if each.status == 404]
    # Of the two meters asked at once, each tried the id and the code.
    assert len(refused) <= 4
    await office.later(account, HALF_HOUR)
    assert {each.status for each in office.asked("/meters/*")} == {200}
    # Should the names change, all are tried again at the next turn.
    office.knobs.identify_by = Identification.ID
    await office.later(account, HALF_HOUR)
    assert {each.status for each in office.asked("/meters/*")} == {404}
    await office.later(account, HALF_HOUR)
    assert account.diagnostics()["path_identification"] == "id"


async def test_a_meter_that_has_no_path_does_not_disturb_the_others(office: Office) -> None:
    office.fault(Shape(payload={}, status=404), "/meters/1204/*")
    office.fault(Shape(payload={}, status=404), "/meters/017-001-0003-00-EL/*")
    office.fault(Shape(payload={}, status=404), "/meters/SN-559120/*")
    account = office.open()
    poll = await account.poll()
    assert device(poll, "meter_1204").numbers == {}
    assert device(poll, "meter_1205").numbers
    for _ in range(6):
        await office.later(account, 300)
    assert account.diagnostics()["failing"] == {}


async def test_refused_readings_leave_the_months(office: Office) -> None:
    office.grant(*ALL_SCOPES - {"readings"})
    account = office.open()
    poll = await account.poll()
    assert Q.ENERGY_CONSUMPTION not in {key for key, _ in device(poll, "meter_1204").numbers}
    assert Q.ELECTRICITY_MONTH in {key for key, _ in device(poll, "meter_1204").numbers}
    # Two were on their way when the first answer came.
    assert len(office.asked("/meters/*/readings")) <= 2
    assert account.diagnostics()["refused_features"] == {"readings": "not_permitted"}
    await office.later(account, HALF_HOUR)
    assert not office.asked("/meters/*/readings")
    office.grant(*ALL_SCOPES)
    poll = await office.later(account, 12 * HOUR)
    assert Q.ENERGY_CONSUMPTION in {key for key, _ in device(poll, "meter_1204").numbers}


async def test_refused_filters_are_left_out(office: Office) -> None:
    def refuse(path: str) -> None:
        office.fault(Shape(payload={}, status=400), path, times=1)

    row = {"data": [{"time": "2026-03-03T10:00:00Z", "state": 5}]}
    office.fault(Shape(payload={}, status=400), "/meters/1204/readings", times=1)
    office.fault(Shape(payload=row), "/meters/*/readings")
    refuse("/meters/*/deltas")
    refuse("/entities/*/deltas")
    account = office.open()
    poll = await account.poll()
    assert device(poll, "meter_1204").numbers[Q.ENERGY_CONSUMPTION, None].value == 5
    assert device(poll, "entity_88").numbers[Q.ELECTRICITY_MONTH, None].value
    kinds = ["entity_deltas", "meter_deltas", "readings"]
    assert account.diagnostics()["unfiltered"] == kinds
    await office.later(account, 6 * HOUR)
    assert not any(each.query for each in office.asked("/*/*/*"))
    # With the lists it is tried again.
    office.sim.faults.clear()
    await office.later(account, 6 * HOUR)
    assert all(each.query for each in office.asked("/*/*/*"))
    assert account.diagnostics()["unfiltered"] == []


async def test_without_a_filter_a_long_list_is_no_answer(office: Office) -> None:
    office.fault(Shape(payload={}, status=400), "/meters/1204/readings", times=1)
    account = office.open()
    poll = await account.poll()
    # The oldest thousand of three years: nothing is known, and nothing is remembered.
    assert device(poll, "meter_1204").moments == {}
    assert account.diagnostics()["unfiltered"] == []
    poll = await office.later(account, HALF_HOUR)
    assert device(poll, "meter_1204").moments


async def test_attributes_that_can_not_be_read_are_named_once(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.knobs.renames = {"time": "when"}
    account = office.open()
    poll = await account.poll()
    assert shown(poll) == {}
    await office.later(account, 13 * HOUR)
    named = [each for each in caplog.messages if each.startswith("No time or value")]
    assert sorted(named) == [
        "No time or value found in entity_deltas, only: energy, value, when",
        "No time or value found in meter_deltas, only: value, when",
        "No time or value found in readings, only: state, when",
    ]
    assert account.diagnostics()["unread_attributes"]["readings"] == ["state", "when"]


# Months


async def test_months_are_read_four_times_a_day(office: Office) -> None:
    account = office.open()
    await account.poll()
    assert filters(office, "/meters/1204/deltas") == ["meter_deltas.time>=2026-02-01T00:00:00"]
    assert filters(office, "/entities/88/deltas") == ["entity_deltas.time>=2026-02-01T00:00:00"]
    for _ in range(11):
        await office.later(account, HALF_HOUR)
        assert not office.asked("/*/*/deltas")
    await office.later(account, HALF_HOUR)
    assert len(office.asked("/*/*/deltas")) == 13


async def test_a_new_month_begins_before_its_first_delta(office: Office) -> None:
    office.advance((datetime(2026, 3, 31, 21, 40, tzinfo=UTC) - office.clock.now()).total_seconds())
    account = office.open()
    march = device(await account.poll(), "meter_1204").numbers[Q.ELECTRICITY_MONTH, None]
    assert march.since == MARCH
    poll = await office.later(account, HALF_HOUR)
    april = datetime(2026, 3, 31, 22, tzinfo=UTC)
    numbers = device(poll, "meter_1204").numbers
    assert numbers[Q.ELECTRICITY_MONTH, None] == Reading(None, since=april)
    assert numbers[Q.ELECTRICITY_LAST_MONTH, None].value == march.value
    poll = await office.later(account, 6 * HOUR)
    numbers = device(poll, "meter_1204").numbers
    assert (numbers[Q.ELECTRICITY_MONTH, None].value or 0) > 0
    assert (numbers[Q.ELECTRICITY_LAST_MONTH, None].value or 0) > (march.value or 0)


async def test_a_guessed_path_that_does_not_exist_costs_its_feature_alone(office: Office) -> None:
    office.knobs.meter_deltas = False
    account = office.open()
    poll = await account.poll()
    # One 404 may be that meter's own; two more may be under way when the second comes.
    assert len(office.asked("/meters/*/deltas")) <= 4
    assert {key for key, _ in device(poll, "meter_1204").numbers} == {Q.ENERGY_CONSUMPTION}
    assert device(poll, "entity_88").numbers
    assert account.diagnostics()["refused_features"] == {"meter_deltas": "not_found"}
    await office.later(account, 6 * HOUR)
    assert not office.asked("/meters/*/deltas")
    office.knobs.meter_deltas = True
    poll = await office.later(account, 6 * HOUR)
    assert Q.ELECTRICITY_MONTH in {key for key, _ in device(poll, "meter_1204").numbers}


async def test_one_meter_without_months_does_not_cost_the_feature(office: Office) -> None:
    office.fault(Shape(payload={}, status=404), "/meters/1303/deltas")
    account = office.open()
    await account.poll()
    assert account.diagnostics()["refused_features"] == {}
    assert len(office.asked("/meters/*/deltas")) == 10


async def test_refused_months_of_entities(office: Office) -> None:
    office.grant(*ALL_SCOPES - {"entity_deltas"})
    account = office.open()
    poll = await account.poll()
    assert device(poll, "entity_88").numbers == {}
    assert len(office.asked("/entities/*/deltas")) <= 2
    assert device(poll, "meter_1204").numbers[Q.ELECTRICITY_MONTH, None].value


async def test_months_that_vanish_keep_no_old_number(office: Office) -> None:
    account = office.open()
    await account.poll()
    office.fault(merge_patch({"data": []}), "/meters/1204/deltas")
    poll = await office.later(account, 6 * HOUR)
    assert {key for key, _ in device(poll, "meter_1204").numbers} == {Q.ENERGY_CONSUMPTION}


# Diagnostics


async def test_diagnostics_name_nobody(office: Office) -> None:
    account = PROVIDER.open(office.context())
    await account.poll()
    found = json.dumps(account.diagnostics())
    for secret in ("1204", "88", "SN-5", "Building", CUSTOMER_UUID):
        assert secret not in found
    assert account.diagnostics() == {
        "meters": 10,
        "meters_of_unknown_energy": 0,
        "meters_without_readings": 1,
        "meters_read": 9,
        "entities": 3,
        "virtual_meters": 0,
        "data_series": 0,
        "data_series_read": 0,
        "data_series_without_unit": 0,
        "refused_features": {},
        "failing": {},
        "dropped_rows": {},
        "unread_attributes": {},
        "path_identification": "id",
        "unfiltered": [],
        "token_exchanges": 1,
        "requests_total": 28,
        "requests_last_hour": 28,
        "quiet_for": 0,
    }
