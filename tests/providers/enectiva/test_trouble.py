"""What goes wrong between polls: silence, outages, slowness, one bad meter among good ones."""

import asyncio
from datetime import timedelta
from email.utils import format_datetime

import pytest

from custom_components.energy_connect.core.errors import ApiError, RateLimited, Reason, Unavailable
from custom_components.energy_connect.core.vocabulary import Kind, Quantity
from custom_components.energy_connect.providers.enectiva import (
    account as account_module,
    connection,
)
from simulator.enectiva import ALL_SCOPES
from simulator.faults import (
    Action,
    Hang,
    Html,
    Redirect,
    Reset,
    Shape,
    Status,
    Truncated,
    rate_limited,
)
from simulator.payload import JsonValue

from .conftest import OF_OPTIONS, Office, device

HALF_HOUR = 1800.0
COUNTER = (Quantity.ENERGY_CONSUMPTION, None)


# 429


@pytest.mark.parametrize(("said", "seconds"), [("120", 120), (None, 60), ("date", 90)])
async def test_one_429_pauses_the_round_and_loses_nothing(
    office: Office, said: str | None, seconds: float
) -> None:
    if said == "date":
        said = format_datetime(office.clock.now() + timedelta(seconds=90), usegmt=True)
    office.fault(rate_limited(said), "/meters/*/readings", after=3, times=1)
    account = office.open()
    poll = await account.poll()
    assert poll.again == timedelta(seconds=seconds)
    read = {key for key, one in poll.snapshot.devices.items() if COUNTER in one.numbers}
    assert read
    # One was on its way; after that nothing was sent, months included.
    assert len(office.asked("/meters/*")) <= 5
    # Somebody asks too early: nothing is sent, and the rest of the pause is told.
    poll = await office.later(account, 20)
    assert not office.asked()
    assert poll.again == timedelta(seconds=seconds - 20)
    poll = await office.later(account, seconds - 20)
    asked = {each.path.split("/")[2] for each in office.asked("/meters/*/readings")}
    assert not {key.removeprefix("meter_") for key in read} & asked
    assert len(account._readings.latest) == 9
    assert len(account._months.latest) == 13


async def test_nothing_but_429_for_more_than_an_hour_is_a_failure_until_something_is_read(
    office: Office,
) -> None:
    account = office.open()
    await account.poll()
    fault = office.fault(rate_limited("1200"), "/meters/*")
    for _ in range(3):
        await office.later(account, HALF_HOUR)  # a pause is none
    with pytest.raises(RateLimited) as caught:
        await office.later(account, HALF_HOUR)
    assert caught.value.retry_after <= 1200
    office.sim.faults.remove(fault)
    poll = await office.later(account, HALF_HOUR)
    assert len(poll.snapshot.devices) == 13


async def test_a_meter_whose_rows_can_not_be_read_does_not_rest(office: Office) -> None:
    rows: JsonValue = [{"type": "readings", "id": "1", "attributes": {"time": [1], "state": {}}}]
    office.fault(Shape(payload={"data": rows}), "/meters/*/readings")
    account = office.open()
    await account.poll()
    assert account.diagnostics()["meters_without_readings"] == 0
    office.sim.faults.clear()
    poll = await office.later(account, HALF_HOUR)
    assert sum(COUNTER in one.numbers for one in poll.snapshot.devices.values()) > 0


async def test_the_404_of_one_meter_takes_the_months_from_no_other(office: Office) -> None:
    office.fault(Status(status=404), "/meters/*/deltas", times=1)
    account = office.open()
    await account.poll()
    assert account.diagnostics()["refused_features"] == {}
    assert len(account._months.latest) == 12


async def test_months_that_can_not_be_read_leave_those_that_are_known(office: Office) -> None:
    account = office.open()
    await account.poll()
    before = dict(account._months.latest)
    rows: JsonValue = [{"type": "x", "id": "1", "attributes": {"time": [1], "value": {}}}]
    office.fault(Shape(payload={"data": rows}), "/*/*/deltas")
    await office.later(account, 6 * 3600)
    assert account._months.latest == before


async def test_a_429_on_the_exchange_pauses_too(office: Office) -> None:
    account = office.open()
    before = await account.poll()
    office.fault(rate_limited("300"), "/access_tokens", times=1)
    poll = await office.later(account, HALF_HOUR)
    assert [each.path for each in office.asked()] == ["/access_tokens"]
    assert poll.snapshot == before.snapshot
    assert poll.again == timedelta(seconds=300)
    await office.later(account, 300)
    assert len(office.asked("/meters/*/readings")) == 9


@pytest.mark.parametrize("path", ["/access_tokens", "/meters"])
async def test_a_429_before_anything_is_known(office: Office, path: str) -> None:
    office.fault(rate_limited("45"), path, times=1)
    account = office.open()
    with pytest.raises(RateLimited) as caught:
        await account.poll()
    assert caught.value.retry_after == 45
    # Still within the pause: nothing is sent, not even for a token.
    office.advance(10)
    office.forget()
    with pytest.raises(RateLimited):
        await account.poll()
    assert not office.asked()
    poll = await office.later(account, 35)
    assert len(poll.snapshot.devices) == 13


async def test_a_429_on_a_later_list(office: Office) -> None:
    account = office.open()
    await account.poll()
    office.fault(rate_limited("45"), "/entities", times=1)
    poll = await office.later(account, 12 * 3600)
    assert poll.again == timedelta(seconds=45)
    poll = await office.later(account, 45)
    assert Kind.BUILDING in poll.listed


@pytest.mark.parametrize("fault", [rate_limited("45"), Status(status=500)], ids=str)
async def test_entities_alone_stay_while_meters_are_asked_for_again(
    office: Office, fault: Action
) -> None:
    office.grant("entities", "entity_deltas")
    account = office.open()
    before = await account.poll()
    assert len(before.snapshot.devices) == 3
    office.fault(fault, "/meters", times=1)
    poll = await office.later(account, 12 * 3600)
    assert poll.snapshot.devices.keys() == before.snapshot.devices.keys()


async def test_the_own_limit_lets_readings_go_first(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An exchange, two lists, and what is left for readings: months have to wait.
    monkeypatch.setattr(connection, "PER_HOUR", 20)
    account = office.open()
    poll = await account.poll()
    assert len(account._readings.latest) == 9
    assert not office.asked("/*/*/deltas")
    assert poll.again == timedelta(seconds=HALF_HOUR)
    monkeypatch.setattr(connection, "PER_HOUR", 8)
    account = office.open()
    office.forget()
    poll = await account.poll()
    assert len(office.asked()) == 8
    assert poll.again == timedelta(seconds=HALF_HOUR)
    office.advance(3600)
    office.forget()
    await account.poll()
    assert len(office.asked()) == 8


# Everything fails


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Status(status=500), Reason.SERVER_ERROR),
        (Status(status=503, headers={"Retry-After": "7"}), Reason.SERVER_ERROR),
        (Status(status=403, body="Denied by policy"), Reason.BLOCKED),
        (Status(status=406), Reason.MEDIA_TYPE_REFUSED),
        (Html(), Reason.HTML_PAGE),
        (Truncated(), Reason.NOT_JSON),
        (Redirect(url="https://elsewhere.example/"), Reason.REDIRECTED),
        (Reset(), Reason.CONNECTION_LOST),
    ],
    ids=str,
)
async def test_a_poll_in_which_nothing_could_be_read_fails(
    office: Office, fault: Action, reason: Reason
) -> None:
    account = office.open()
    before = await account.poll()
    bad = office.fault(fault)
    with pytest.raises(ApiError) as caught:
        await office.later(account, HALF_HOUR)
    assert caught.value.reason is reason
    assert len(office.asked("/access_tokens")) == len(office.asked())
    office.sim.faults.remove(bad)
    await account._connection.token.get()
    office.fault(fault)
    for _ in range(3):
        with pytest.raises(ApiError) as caught:
            await office.later(account, 0)
        assert caught.value.reason is reason
        assert office.asked("/meters/*")
        office.advance(300)
        office.sim.faults.clear()
        await account._connection.token.get()
        office.fault(fault)
    office.sim.faults.clear()
    poll = await office.later(account, 300)
    assert poll.snapshot.devices.keys() == before.snapshot.devices.keys()


async def test_the_first_list_of_meters_has_to_come(office: Office) -> None:
    office.fault(Status(status=500), "/meters")
    account = office.open()
    with pytest.raises(Unavailable):
        await account.poll()
    office.sim.faults.clear()
    # The next call does not wait until a list is due again.
    assert len((await account.poll()).snapshot.devices) == 13


async def test_meters_refused_and_entities_broken(office: Office) -> None:
    office.grant("entities")
    office.fault(Status(status=500), "/entities")
    with pytest.raises(Unavailable):
        await office.open().poll()


async def test_readings_that_fail_beside_good_lists_are_no_failed_poll(office: Office) -> None:
    office.fault(Status(status=500), "/meters/*")
    poll = await office.open().poll()
    assert len(poll.snapshot.devices) == 13
    assert poll.again == timedelta(seconds=300)


# One fails


@pytest.mark.parametrize("fault", [Status(status=500), Html(), Shape(payload="?")], ids=str)
async def test_one_bad_meter_does_not_disturb_the_others(office: Office, fault: Action) -> None:
    account = office.open()
    await account.poll()
    office.fault(fault, "/meters/1204/*")
    poll = await office.later(account, HALF_HOUR)
    assert len(office.asked("/meters/*/readings")) == 9
    assert device(poll, "meter_1204").numbers[COUNTER].value
    for _ in range(5):
        # Asked again alone, sooner than the others: its known sorrow is no failed poll.
        poll = await office.later(account, 300)
        assert device(poll, "meter_1205").numbers[COUNTER].value


async def test_the_first_failure_of_a_poll_that_read_nothing_counts(office: Office) -> None:
    account = office.open()
    await account.poll()
    bad = office.fault(Status(status=500), "/meters/1204/*")
    await office.later(account, HALF_HOUR)
    assert account.diagnostics()["failing"] == {"readings": 1}
    office.sim.faults.remove(bad)
    await office.later(account, 300)
    assert account.diagnostics()["failing"] == {}
    # The others have their turn; then comes that of this meter alone.
    await office.later(account, HALF_HOUR - 300)
    office.fault(Status(status=500), "/meters/1204/*")
    with pytest.raises(Unavailable):
        await office.later(account, 300)


async def test_an_id_that_can_not_stand_in_a_path_costs_its_meter_alone(office: Office) -> None:
    rows = [{"id": "..", "energy": "water"}, {"id": "a/b?c#d", "energy": "water"}]
    office.fault(Shape(payload={"data": rows}), "/meters")
    office.grant(*ALL_SCOPES - {"entities"})
    poll = await office.open().poll()
    assert poll.snapshot.devices.keys() == {"meter_..", "meter_a/b?c#d"}
    assert all(each.path.startswith("/meters/a/b?c#d/") for each in office.asked("/meters/*"))


# Slowness


async def test_a_slow_first_poll_shows_what_it_has(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_module, "_FIRST_POLL", 0.3)
    hang = office.fault(Hang(), "/meters/*/readings", after=4)
    account = office.open()
    poll = await account.poll()
    assert len(poll.snapshot.devices) == 13
    assert len(account._readings.latest) == 4
    assert poll.again == timedelta(seconds=30)
    office.sim.faults.remove(hang)
    await office.later(account, 30)
    assert len(account._readings.latest) == 9


async def test_slow_entities_follow_later(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_module, "_FIRST_POLL", 0.3)
    office.fault(Hang(), "/entities", times=1)
    account = office.open()
    poll = await account.poll()
    assert poll.listed - OF_OPTIONS == {Kind.METER}
    assert poll.again == timedelta(seconds=30)
    poll = await office.later(account, 30)
    assert poll.listed - OF_OPTIONS == {Kind.BUILDING}


async def test_slow_pages_show_the_first_ones(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_module, "_FIRST_POLL", 0.3)
    office.knobs.page_size = 4
    office.fault(Hang(), "/meters", after=1, times=1)
    account = office.open()
    poll = await account.poll()
    meters = [one for one in poll.snapshot.devices.values() if one.kind is Kind.METER]
    assert len(meters) == 4
    assert Kind.METER not in poll.listed
    poll = await office.later(account, 30)
    assert Kind.METER in poll.listed
    assert len(poll.snapshot.devices) == 13


async def test_nothing_at_all_in_time(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_module, "_FIRST_POLL", 0.3)
    office.fault(Hang(), "/meters", times=1)
    account = office.open()
    with pytest.raises(Unavailable) as caught:
        await account.poll()
    assert caught.value.reason is Reason.TIMEOUT


async def test_a_share_of_which_nothing_came_in_time(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = office.open()
    await account.poll()
    monkeypatch.setattr(account_module, "_LATER_POLL", 0.3)
    office.fault(Hang(), "/meters/*")
    with pytest.raises(Unavailable) as caught:
        await office.later(account, HALF_HOUR)
    assert caught.value.reason is Reason.TIMEOUT


async def test_a_round_for_which_no_time_is_left_stays_due(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_module, "_FIRST_POLL", 0.0)
    # Time passes while the token is exchanged.
    account = office.open()
    with pytest.raises(Unavailable):
        await account.poll()
    monkeypatch.setattr(account_module, "_FIRST_POLL", 6.0)
    monkeypatch.setattr(account_module, "_READINGS_SHARE", 0.0)
    poll = await account.poll()
    assert not office.asked("/meters/*/readings")
    assert poll.again == timedelta(seconds=30)


async def test_a_poll_that_is_cancelled_can_be_repeated(office: Office) -> None:
    for path in ("/meters", "/meters/*/readings", "/meters/*/deltas"):
        office.fault(Hang(), path, times=1)
        account = office.open()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await account.poll()
        office.sim.faults.clear()
        poll = await account.poll()
        assert len(poll.snapshot.devices) == 13
        await office.later(account, 30)
        assert len(account._readings.latest) == 9
        assert len(account._months.latest) == 13
