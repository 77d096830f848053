"""An Enode account against a strict server."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
import logging

import pytest

from custom_components.energy_connect.core.errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    RateLimited,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.model import Device, Position
from custom_components.energy_connect.core.vocabulary import Flag, Kind, Quantity
from custom_components.energy_connect.providers.enode import PROVIDER
from custom_components.energy_connect.providers.enode.account import EnodeAccount
from simulator.enode import ALL_SCOPES, PRODUCTION, SANDBOX
from simulator.enode.assets import PLACE, SITE, asset_id
from simulator.faults import Action, Hang, Html, Redirect, Rewrite, Shape, Status, rate_limited
from simulator.payload import JsonValue
from tests.hand_clock import HandClock

from .conftest import Home

ASSETS = frozenset({"vehicles", "chargers", "batteries", "inverters", "hvacs", "meters"})
LISTS = ASSETS | {"hem-systems"}
KINDS = frozenset(
    {Kind.VEHICLE, Kind.CHARGER, Kind.BATTERY, Kind.INVERTER, Kind.HVAC, Kind.METER, Kind.SITE}
)
POLL = 300.0
CAR = asset_id("vehicle 0")
BOX = asset_id("charger 0")


def of_kind(devices: Mapping[str, Device], kind: Kind) -> list[Device]:
    return [device for device in devices.values() if device.kind is kind]


async def poll(account: EnodeAccount) -> Mapping[str, Device]:
    return (await account.poll()).snapshot.devices


async def failure(account: EnodeAccount) -> ApiError:
    with pytest.raises(ApiError) as raised:
        await account.poll()
    return raised.value


# What is read


async def test_opening_sends_nothing(home: Home) -> None:
    PROVIDER.open(home.context())

    assert home.asked() == []


async def test_all_kinds_are_read(home: Home) -> None:
    first = await home.account().poll()

    devices = first.snapshot.devices
    counts = {kind: len(of_kind(devices, kind)) for kind in KINDS | {Kind.ACCOUNT}}
    assert counts == {
        Kind.VEHICLE: 2,
        Kind.CHARGER: 2,
        Kind.BATTERY: 1,
        Kind.INVERTER: 1,
        Kind.HVAC: 2,
        Kind.METER: 1,
        Kind.SITE: 1,
        Kind.ACCOUNT: 2,
    }
    assert first.listed == KINDS | {Kind.ACCOUNT}
    assert first.again == timedelta(minutes=5)


async def test_one_request_a_list_and_poll(home: Home) -> None:
    account = home.account()
    await account.poll()
    asked = home.asked()
    assert sorted(asked) == sorted(
        ["oauth2/token", *LISTS, "users", "users/villa-14", "users/cabin-3"]
    )

    home.advance(POLL)
    second = await account.poll()

    assert sorted(home.asked()) == sorted(LISTS)
    # Which users there are was not asked, so nothing says that one is gone.
    assert second.listed == KINDS


async def test_logins_are_read_every_half_hour_and_users_every_hour(home: Home) -> None:
    account = home.account()
    await account.poll()
    home.asked()

    for _ in range(6):
        home.advance(POLL)
        await account.poll()
    asked = home.asked()
    assert asked.count("users/villa-14") == 1
    assert asked.count("users") == 0

    for _ in range(6):
        home.advance(POLL)
        await account.poll()
    assert home.asked().count("users") == 1


async def test_unchanged_poll_gives_the_same_objects(home: Home) -> None:
    account = home.account()
    first = (await account.poll()).snapshot
    second = (await account.poll()).snapshot

    assert second is first, "so that nobody has to compare it"


async def test_only_what_changed_is_another_object(home: Home) -> None:
    account = home.account()
    first = await poll(account)
    home.advance(POLL)
    second = await poll(account)

    same = [key for key, device in first.items() if second[key] is device]
    assert same
    assert second[CAR] is not first[CAR], "its time says that it was heard of again"


async def test_what_grows_old_is_shown_so_though_nothing_was_told(home: Home) -> None:
    account = home.account()
    late = (await poll(account))[CAR].flags[Flag.DATA_LATE]
    assert late is False
    # The house's clock alone goes on: what Enode tells stays the same to the letter.
    HandClock.advance(home.clock, 7200.0)
    assert (await poll(account))[CAR].flags[Flag.DATA_LATE] is True


async def test_thousand_vehicles_take_a_request_a_page(home: Home) -> None:
    home.server.knobs.vehicles = 1001
    account = home.account()

    first = await account.poll()
    assert len(of_kind(first.snapshot.devices, Kind.VEHICLE)) == 1001
    assert Kind.VEHICLE in first.listed
    assert home.asked().count("vehicles") == 21

    second = await account.poll()
    assert home.asked().count("vehicles") == 21
    assert second.snapshot == first.snapshot
    devices = first.snapshot.devices
    assert all(second.snapshot.devices[key] is device for key, device in devices.items())


async def test_house_of_the_simulator(home: Home) -> None:
    devices = await poll(home.account())

    car, battery = devices[CAR], devices[asset_id("battery")]
    state = home.sim.house.car_park.car(0).state(home.sim.clock.now())
    assert car.name == "Car 1"
    assert car.tracked
    assert isinstance(car.position, Position)
    assert car.flags[Flag.PLUGGED_IN] is state.plugged_in
    assert car.flags[Flag.LOGIN_BROKEN] is False
    assert car.flags[Flag.DATA_LATE] is False
    level = home.sim.house.battery_level(home.sim.clock.now())
    assert battery.numbers[Quantity.STATE_OF_CHARGE, None].value == pytest.approx(level, abs=1)


async def test_units_belong_to_their_site(home: Home) -> None:
    devices = await poll(home.account())

    assert {device.id for device in devices.values() if device.parent == SITE} == {
        asset_id("battery"),
        asset_id("inverter"),
        asset_id("meter"),
    }


async def test_parent_that_is_not_there_is_none(home: Home) -> None:
    home.fail(Status(status=503), "hem-systems")

    devices = await poll(home.account())

    assert {device.parent for device in devices.values()} == {None}


async def test_site_counts_from_midnight_in_its_own_zone(home: Home) -> None:
    site = (await poll(home.account()))[SITE]

    today = site.numbers[Quantity.ENERGY_IMPORT_TODAY, None]
    assert today.since is not None
    # 2026-03-03 12:00 UTC in Prague, one hour ahead of Greenwich.
    assert today.since.isoformat() == "2026-03-02T23:00:00+00:00"


def without_zone(**information: JsonValue) -> Rewrite:
    def bend(payload: JsonValue) -> JsonValue:
        assert isinstance(payload, dict)
        for row in payload["data"]:
            row["information"].update({"timezone": None, **information})
        return payload

    return Rewrite(bend=bend)


async def test_site_without_a_zone_has_that_of_its_location(home: Home) -> None:
    home.fail(without_zone(name=None), "hem-systems")
    account = home.account()

    site = (await poll(account))[SITE]

    assert site.name == "Villa 14"
    since = site.numbers[Quantity.ENERGY_IMPORT_TODAY, None].since
    assert since is not None
    assert since.isoformat() == "2026-03-02T23:00:00+00:00"
    assert home.asked().count("locations") == 1
    await account.poll()
    assert home.asked().count("locations") == 0


@pytest.mark.parametrize("zone", [None, "Middle/Earth", "../etc/passwd"])
async def test_site_whose_zone_is_nowhere_has_that_of_the_house(
    home: Home, zone: str | None
) -> None:
    home.fail(without_zone(timezone=zone, name=None), "hem-systems")
    home.fail(Status(status=503), "locations")

    site = (await poll(home.account()))[SITE]

    # Lisbon in winter is at Greenwich; the vendor is the last name there is.
    since = site.numbers[Quantity.ENERGY_IMPORT_TODAY, None].since
    assert since is not None
    assert since.isoformat() == "2026-03-03T00:00:00+00:00"
    assert site.name == "HUAWEI"


async def test_rejected_credential_while_asking_for_locations(home: Home) -> None:
    home.fail(without_zone(), "hem-systems")
    home.fail(Shape(payload={}, status=401), "locations")

    assert isinstance(await failure(home.account()), CredentialsRejected)


# One user


async def test_one_user_sees_only_that_users_devices(home: Home) -> None:
    account = home.account(user_id="cabin-3")

    first = await account.poll()

    assert {device.kind for device in first.snapshot.devices.values()} == {Kind.HVAC, Kind.ACCOUNT}
    assert first.listed == KINDS | {Kind.ACCOUNT}
    assert sorted(home.asked()) == sorted(
        ["oauth2/token", "users/cabin-3", *(f"users/cabin-3/{name}" for name in LISTS)]
    )
    await account.poll()
    assert len(home.asked()) == len(LISTS)


async def test_user_who_never_linked_has_no_devices_and_no_outage(home: Home) -> None:
    account = home.account(user_id="newcomer")

    first = await account.poll()
    assert first.snapshot.devices == {}
    assert first.listed == frozenset()
    assert home.asked() == ["oauth2/token", "users/newcomer"]

    home.advance(POLL)
    assert await poll(account) == {}
    assert home.asked() == ["users/newcomer"]
    assert account.diagnostics()["users"]["missing"] is True


async def test_devices_appear_once_the_user_has_linked(home: Home) -> None:
    home.server.knobs.users = frozenset()
    account = home.account(user_id="villa-14")
    assert await poll(account) == {}

    home.server.knobs.users = frozenset({"villa-14"})
    home.advance(POLL)

    assert len(of_kind(await poll(account), Kind.VEHICLE)) == 2


async def test_user_who_is_deleted_loses_the_devices_after_the_grace_time(home: Home) -> None:
    account = home.account(user_id="villa-14")
    await account.poll()
    home.server.knobs.users = frozenset()
    home.advance(POLL)

    # All lists are not found: whether the user is there is asked at the next poll.
    assert (await failure(account)).reason is Reason.NOT_FOUND
    home.advance(POLL)
    assert CAR in await poll(account)
    home.advance(POLL * 2)
    gone = await account.poll()

    assert gone.snapshot.devices == {}
    # Nothing listed them: a 404 by mistake deletes no device.
    assert gone.listed == frozenset()

    home.server.knobs.users = frozenset({"villa-14"})
    assert CAR in await poll(account)


@pytest.mark.parametrize(
    ("status", "reason"), [(503, Reason.SERVER_ERROR), (400, Reason.REQUEST_REFUSED)]
)
async def test_user_that_can_not_be_asked_does_not_fail_the_lists(
    home: Home, status: int, reason: Reason
) -> None:
    home.fail(Status(status=status), "users/villa-14")
    account = home.account(user_id="villa-14")

    devices = await poll(account)

    assert len(of_kind(devices, Kind.VEHICLE)) == 2
    assert Flag.LOGIN_BROKEN not in devices[CAR].flags
    home.asked()
    await account.poll()
    assert home.asked().count("users/villa-14") == 1
    assert account.diagnostics()["users"]["failed"] is reason


async def test_user_that_may_not_be_asked_is_asked_seldom(home: Home) -> None:
    home.fail(Shape(payload={}, status=403), "users/villa-14")
    account = home.account(user_id="villa-14")
    await account.poll()
    home.asked()

    home.advance(POLL)
    await account.poll()
    assert "users/villa-14" not in home.asked()

    home.advance(6 * 3600)
    await account.poll()
    assert "users/villa-14" in home.asked()


async def test_user_with_a_refused_credential(home: Home) -> None:
    home.fail(Shape(payload={}, status=401), "users/villa-14")

    assert isinstance(await failure(home.account(user_id="villa-14")), CredentialsRejected)


async def test_user_in_a_shape_that_is_none(home: Home) -> None:
    home.fail(Shape(payload={"id": None}), "users/villa-14")
    account = home.account(user_id="villa-14")

    await account.poll()

    assert account.diagnostics()["users"]["failed"] is Reason.UNEXPECTED_SHAPE


# Logins


async def test_broken_login_shows_at_its_assets_and_at_the_user(home: Home) -> None:
    account = home.account()
    await account.poll()
    home.server.knobs.broken_logins = frozenset({"EASEE"})
    home.advance(1800)

    devices = await poll(account)

    assert devices[BOX].flags[Flag.LOGIN_BROKEN] is True
    assert devices[CAR].flags[Flag.LOGIN_BROKEN] is False
    assert devices["user_villa-14"].flags == {Flag.LOGIN_BROKEN: True}
    assert devices["user_cabin-3"].flags == {Flag.LOGIN_BROKEN: False}
    assert account.diagnostics()["users"]["logins_broken"] == 1


async def test_list_of_users_may_be_refused(home: Home) -> None:
    home.server.knobs.forbidden = frozenset({"users"})
    account = home.account()

    first = await account.poll()

    # The owners of the assets are known without it; that they are all is not.
    assert "user_villa-14" in first.snapshot.devices
    assert Kind.ACCOUNT not in first.listed
    home.asked()
    home.advance(POLL)
    await account.poll()
    assert "users" not in home.asked()


async def test_refused_users_are_asked_seldom(home: Home) -> None:
    home.fail(Shape(payload={}, status=403), "users/*")
    account = home.account()
    first = await account.poll()
    assert Kind.ACCOUNT not in first.listed
    assert of_kind(first.snapshot.devices, Kind.ACCOUNT) == []
    home.asked()

    home.advance(3600)
    await account.poll()

    assert not [path for path in home.asked() if path.startswith("users")]


async def test_user_who_is_gone_is_forgotten(home: Home) -> None:
    account = home.account()
    assert "user_cabin-3" in await poll(account)
    home.server.knobs.users = frozenset({"villa-14"})
    home.advance(3600)

    last = await account.poll()

    assert "user_cabin-3" not in last.snapshot.devices
    assert Kind.ACCOUNT in last.listed


async def test_user_who_is_not_found_is_forgotten(home: Home) -> None:
    account = home.account()
    await account.poll()
    home.fail(Status(status=404), "users/cabin-3")
    home.advance(1800)

    assert "user_cabin-3" not in await poll(account)


@pytest.mark.parametrize("path", ["users", "users/villa-14"])
async def test_refused_credential_while_asking_for_users(home: Home, path: str) -> None:
    home.fail(Shape(payload={}, status=401), path)

    assert isinstance(await failure(home.account()), CredentialsRejected)


# Refused and failing lists


async def test_refused_kind_is_asked_seldom_and_fails_nothing(home: Home) -> None:
    home.server.knobs.hem = False
    account = home.account()

    first = await account.poll()
    assert first.listed == (KINDS - {Kind.SITE}) | {Kind.ACCOUNT}
    assert account.diagnostics()["lists"]["hem-systems"]["refused"] is True
    home.asked()

    for _ in range(3):
        home.advance(POLL)
        await account.poll()
    assert "hem-systems" not in home.asked()

    home.server.knobs.hem = True
    home.advance(6 * 3600)
    assert SITE in await poll(account)
    assert account.diagnostics()["lists"]["hem-systems"]["refused"] is False


async def test_kind_that_is_not_found_is_asked_seldom(home: Home) -> None:
    home.server.knobs.missing = frozenset({"meters"})
    account = home.account()
    await account.poll()
    home.asked()
    home.advance(POLL)

    second = await account.poll()

    assert "meters" not in home.asked()
    assert Kind.METER not in second.listed


async def test_kind_refused_by_mistake_is_shown_for_its_grace_and_asked_on(home: Home) -> None:
    account = home.account()
    await account.poll()
    home.server.knobs.forbidden = frozenset({"chargers"})
    home.asked()

    for _ in range(3):
        home.advance(POLL)
        shown = await account.poll()
        assert BOX in shown.snapshot.devices
        assert Kind.CHARGER not in shown.listed
    assert home.asked().count("chargers") == 3

    home.advance(POLL)
    assert BOX not in await poll(account)
    home.asked()
    home.advance(POLL)
    await account.poll()
    assert home.asked().count("chargers") == 0


async def test_client_that_may_read_nothing_is_not_permitted(home: Home) -> None:
    home.server.knobs.forbidden = ASSETS | {"hem-systems"}
    account = home.account()

    assert isinstance(await failure(account), NotPermitted)
    # It goes on to be asked: without any list there is nothing that works.
    home.advance(POLL)
    assert isinstance(await failure(account), NotPermitted)

    home.server.knobs.forbidden = frozenset()
    home.advance(POLL)
    assert CAR in await poll(account)


async def test_one_failing_list_keeps_its_devices_for_the_grace_time(home: Home) -> None:
    account = home.account()
    await account.poll()
    fault = home.fail(Status(status=503), "vehicles")

    home.advance(POLL)
    second = await account.poll()
    assert CAR in second.snapshot.devices
    assert Kind.VEHICLE not in second.listed

    home.advance(POLL * 3)
    assert CAR not in await poll(account)

    home.sim.faults.remove(fault)
    home.advance(POLL)
    assert CAR in await poll(account)


async def test_blocked_by_something_in_between_is_no_refusal(home: Home) -> None:
    home.fail(Status(status=403, body="Access denied", content_type="text/plain"), "vehicles")
    account = home.account()

    first = await account.poll()

    assert Kind.VEHICLE not in first.listed
    assert account.diagnostics()["lists"]["vehicles"] == {
        "rows": 0,
        "dropped": 0,
        "complete": False,
        "failed": Reason.BLOCKED,
        "refused": False,
    }
    home.asked()
    await account.poll()
    assert "vehicles" in home.asked()


async def test_everything_blocked_is_an_outage(home: Home) -> None:
    home.fail(Status(status=403, body="Access denied", content_type="text/plain"), "*")
    account = home.account()
    # The token endpoint is behind the same edge.
    error = await failure(account)

    assert (type(error), error.reason) == (Unavailable, Reason.BLOCKED)
    assert home.asked() == ["oauth2/token"]


async def test_outage_is_told_by_its_worst_error(home: Home) -> None:
    home.fail(Html(), "vehicles")
    home.fail(Shape(payload={}, status=403), "chargers")
    home.fail(Status(status=502), "*s")

    assert isinstance(await failure(home.account()), Unavailable)


async def test_answer_that_is_no_json_is_unexpected(home: Home) -> None:
    home.fail(Html(), "*s")

    error = await failure(home.account())

    assert (type(error), error.reason) == (UnexpectedResponse, Reason.HTML_PAGE)


async def test_redirect_to_another_host_is_not_followed(home: Home) -> None:
    home.fail(Redirect(url="http://127.0.0.2:9/vehicles"), "vehicles")
    account = home.account()

    first = await account.poll()

    assert of_kind(first.snapshot.devices, Kind.VEHICLE) == []
    assert account.diagnostics()["lists"]["vehicles"]["failed"] is Reason.REDIRECTED


async def test_empty_object_is_neither_an_error_nor_a_list(home: Home) -> None:
    account = home.account()
    fault = home.fail(Shape(payload={}), "vehicles")
    first = await account.poll()
    assert of_kind(first.snapshot.devices, Kind.VEHICLE) == []
    assert Kind.VEHICLE not in first.listed

    home.sim.faults.remove(fault)
    assert CAR in await poll(account)

    # It does not take away what a list showed.
    home.fail(Shape(payload={}), "vehicles")
    home.advance(POLL)
    third = await account.poll()
    assert CAR in third.snapshot.devices
    assert Kind.VEHICLE not in third.listed
    lists = account.diagnostics()["lists"]
    assert lists["vehicles"]["failed"] is Reason.UNEXPECTED_SHAPE


async def test_paging_that_repeats_for_ever_ends_without_calling_anything_gone(home: Home) -> None:
    home.server.knobs.page_size = 1
    home.server.knobs.endless = True
    account = home.account()

    first = await account.poll()

    assert len(of_kind(first.snapshot.devices, Kind.VEHICLE)) == 2
    assert first.listed == frozenset()
    assert home.asked().count("vehicles") == 3


async def test_malformed_rows_are_left_out_and_warned_about_once(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    def spoil(payload: JsonValue) -> JsonValue:
        assert isinstance(payload, dict)
        for row in payload["data"]:
            row["id"] = None
        return payload

    home.server.knobs.page_size = 1
    # The first page has nothing but a bad row, and is not the end.
    home.fail(Rewrite(bend=spoil), "vehicles", times=1)
    account = home.account()
    with caplog.at_level(logging.WARNING):
        first = await account.poll()
        assert [device.id for device in of_kind(first.snapshot.devices, Kind.VEHICLE)] == [CAR]
        assert account.diagnostics()["lists"]["vehicles"]["dropped"] == 1
        home.fail(Rewrite(bend=spoil), "vehicles", times=1)
        await account.poll()

    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["Enode's list of vehicles has rows without an id; left out"]


# Limits, tokens, time


async def test_too_many_requests_are_answered_with_silence(home: Home) -> None:
    home.fail(rate_limited("1200"), "vehicles", times=1)
    account = home.account()

    first = await account.poll()

    assert first.again == timedelta(seconds=1200)
    home.asked()
    home.advance(POLL)
    error = await failure(account)
    assert isinstance(error, RateLimited)
    assert error.retry_after == pytest.approx(900)
    assert home.asked() == []


async def test_expired_token_is_renewed_once_for_all_lists(home: Home) -> None:
    account = home.account()
    await account.poll()
    home.server.tokens.forget()
    home.asked()
    home.advance(POLL)

    await account.poll()

    assert home.asked().count("oauth2/token") == 1
    assert account.diagnostics()["token_exchanges"] == 2


async def test_token_is_renewed_before_it_ends(home: Home) -> None:
    account = home.account()
    await account.poll()
    home.asked()
    home.advance(3550)

    await account.poll()

    assert home.asked()[0] == "oauth2/token"
    unauthorised = [
        request for request in home.sim.journal.requests() if request.authorised is False
    ]
    assert unauthorised == []


async def test_secret_regenerated_while_running_asks_for_a_sign_in(home: Home) -> None:
    account = home.account()
    await account.poll()
    home.server.regenerate_secret(PRODUCTION)
    home.server.tokens.forget()

    error = await failure(account)

    assert (type(error), error.reason) == (CredentialsRejected, Reason.CLIENT_REFUSED)


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (Status(status=403, body="no"), Reason.BLOCKED),
        (Status(status=404), Reason.NOT_FOUND),
        (Status(status=401), Reason.UNCLEAR_REFUSAL),
        (Html(), Reason.HTML_PAGE),
        (Html(status=502), Reason.SERVER_ERROR),
        (Redirect(url="http://127.0.0.2:9/token", status=308), Reason.REDIRECTED),
    ],
)
async def test_trouble_with_a_renewal_passes_by_itself(
    home: Home, action: Action, reason: Reason
) -> None:
    account = home.account()
    await account.poll()
    fault = home.fail(action, "oauth2/token")
    home.advance(3600)

    error = await failure(account)
    assert error.reason is reason
    assert not isinstance(error, CredentialsRejected)

    home.sim.faults.remove(fault)
    home.advance(POLL)
    assert CAR in await poll(account)


async def test_token_endpoint_in_trouble_is_asked_once_a_poll(home: Home) -> None:
    home.fail(Status(status=503), "oauth2/token")

    assert isinstance(await failure(home.account()), Unavailable)
    assert home.asked() == ["oauth2/token"]


async def test_refused_twice_with_a_fresh_token_is_a_refused_credential(home: Home) -> None:
    home.fail(Shape(payload={}, status=401), "*s")

    assert isinstance(await failure(home.account()), CredentialsRejected)


async def test_slow_list_does_not_hold_the_first_poll(home: Home) -> None:
    fault = home.fail(Hang(), "meters")
    account = EnodeAccount(home.context(), first_round=0.3)

    first = await account.poll()

    assert CAR in first.snapshot.devices
    assert Kind.METER not in first.listed
    assert Kind.VEHICLE in first.listed
    assert first.again == timedelta(seconds=15)

    home.sim.faults.remove(fault)
    second = await account.poll()
    assert asset_id("meter") in second.snapshot.devices
    assert second.again == timedelta(minutes=5)


async def test_first_poll_with_no_answer_at_all_is_an_outage(home: Home) -> None:
    home.fail(Hang(), "oauth2/token")

    error = await failure(EnodeAccount(home.context(), first_round=0.1))

    assert (type(error), error.reason) == (Unavailable, Reason.TIMEOUT)


async def test_poll_may_be_cancelled(home: Home) -> None:
    fault = home.fail(Hang(), "meters")
    account = home.account()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await account.poll()

    home.sim.faults.remove(fault)
    assert len(await poll(account)) == 12


async def test_power_that_is_old_becomes_unknown(home: Home) -> None:
    car = home.sim.house.car_park.car(0)
    now = home.clock.now()
    session = car.sessions(now, now + timedelta(days=3))[0]
    home.advance((session.start - now).total_seconds() + 600)
    account = home.account()
    charging = (await poll(account))[BOX]
    assert charging.numbers[Quantity.CHARGE_POWER, None].value == session.power
    assert charging.flags[Flag.DATA_LATE] is False

    # Enode's cache stands still.
    kept: list[JsonValue] = []

    def hold(payload: JsonValue) -> JsonValue:
        kept.append(payload)
        return kept[0]

    home.fail(Rewrite(bend=hold), "chargers")
    for _ in range(6):
        home.advance(POLL)
        late = (await poll(account))[BOX]

    assert late.numbers[Quantity.CHARGE_POWER, None].value is None
    assert late.flags[Flag.DATA_LATE] is True
    assert late.flags[Flag.CHARGING] is True


async def test_device_that_is_not_reached_keeps_its_values(home: Home) -> None:
    home.server.knobs.unreachable = frozenset({"HUAWEI"})

    battery = (await poll(home.account()))[asset_id("battery")]

    assert battery.flags[Flag.ONLINE] is False
    assert battery.numbers[Quantity.STATE_OF_CHARGE, None].value is not None


async def test_counter_that_falls_is_not_believed_at_once(home: Home) -> None:
    account = home.account()
    key = (Quantity.ENERGY_PRODUCTION, None)
    inverter = asset_id("inverter")
    before = (await poll(account))[inverter].numbers[key].value

    def fall(payload: JsonValue) -> JsonValue:
        assert isinstance(payload, dict)
        payload["data"][0]["productionState"]["totalLifetimeProduction"] = 0
        return payload

    home.fail(Rewrite(bend=fall), "inverters", times=1)
    assert (await poll(account))[inverter].numbers[key].value == before


async def test_scopes_decide_what_there_is(home: Home) -> None:
    home.server.knobs.scopes = ALL_SCOPES - {"vehicle:read:location", "meter:read:data"}

    devices = await poll(home.account())

    assert not devices[CAR].tracked
    assert devices[asset_id("meter")].numbers == {}


async def test_intervention_is_told(home: Home) -> None:
    home.server.knobs.interventions = frozenset({"EASEE"})

    devices = await poll(home.account())

    assert devices[BOX].flags[Flag.OWNER_ACTION_NEEDED] is True
    assert devices[CAR].flags[Flag.OWNER_ACTION_NEEDED] is False


async def test_sandbox_is_an_account_of_its_own(home: Home) -> None:
    account = EnodeAccount(home.context(SANDBOX))

    assert CAR in await poll(account)
    requests = home.sim.journal.requests(provider="enode")
    assert {request.path.split("/")[1] for request in requests} == {"sandbox"}
    assert account.diagnostics()["environment"] == "sandbox"


async def test_diagnostics_identify_nobody(home: Home) -> None:
    account = home.account(user_id="villa-14")
    await account.poll()

    told = account.diagnostics()

    assert told["one_user"] is True
    assert set(told["keys"]["meter"]) == {
        "power_net",
        "power_import",
        "power_export",
        "online",
        "owner_action_needed",
        "last_seen",
        "last_measured",
    }
    assert told["requests"]["total"] == 9
    assert told["requests"]["quiet_for"] == 0
    words = repr(told)
    client = home.server.tokens.clients[PRODUCTION]
    for private in ("villa-14", client.client_id, client.secret, CAR, PLACE, "Car 1", "SIMULATED"):
        assert private not in words
