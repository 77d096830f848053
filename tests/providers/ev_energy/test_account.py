"""An account of ev.energy against the simulator: what it reads, how often, what it survives."""

import asyncio
from dataclasses import replace
from datetime import timedelta
import logging
from typing import Any

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
from custom_components.energy_connect.core.model import Poll
from custom_components.energy_connect.core.vocabulary import Choice, Flag, Kind, Moment, Quantity
from custom_components.energy_connect.providers.ev_energy import PROVIDER
from custom_components.energy_connect.providers.ev_energy.access import open_access
from custom_components.energy_connect.providers.ev_energy.account import EvEnergyAccount
from simulator import Simulator
from simulator.clock import Clock
from simulator.ev_energy.garage import identifier
from simulator.faults import Hang, Html, Redirect, Reset, Rewrite, Shape, Status, rate_limited
from simulator.payload import JsonValue

from .conftest import NOON, Driveway, device

CAR = identifier("vhcl", 0)
SECOND_CAR = identifier("vhcl", 1)
CHARGER = identifier("evse", 0)
HOME = identifier("hems", 0)
MAIN = ["charging_sub_sessions", "evses", "vehicles"]
QUARTER = 900


def value(poll: Poll, device_id: str, quantity: Quantity) -> float | None:
    return device(poll, device_id).numbers[quantity, None].value


def lists(driveway: Driveway) -> list[str]:
    """The requests of a poll without the plans of open sessions, which come on top."""
    return [path for path in driveway.paths() if not path.endswith("/schedules")]


async def failed(account: EvEnergyAccount) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await account.poll()
    return caught.value


def to_noon(driveway: Driveway) -> None:
    """Go to the next noon, when both cars are away."""
    driveway.advance((NOON - driveway.clock.now()).total_seconds() + 86_400)


class TestEverything:
    async def test_all_kinds_in_the_first_poll(self, driveway: Driveway) -> None:
        poll = await (await driveway.signed_in()).poll()
        kinds = sorted(one.kind.value for one in poll.snapshot.devices.values())
        assert kinds == [
            "account",
            "battery",
            "charger",
            "charger",
            "inverter",
            "meter",
            "site",
            "vehicle",
            "vehicle",
        ]
        assert poll.listed == {
            Kind.VEHICLE,
            Kind.CHARGER,
            Kind.BATTERY,
            Kind.INVERTER,
            Kind.METER,
            Kind.SITE,
        }

    async def test_vehicle(self, driveway: Driveway) -> None:
        poll = await (await driveway.signed_in()).poll()
        car = device(poll, CAR)
        assert car.flags[Flag.CHARGING] is True
        assert car.flags[Flag.CHARGE_PLANNED] is True
        assert car.flags[Flag.DATA_LATE] is False
        assert car.choices[Choice.SESSION_MODE] == "smart"
        assert car.moments[Moment.NEXT_CHARGE_END] is not None
        assert car.numbers[Quantity.SESSION_COST, None].unit == "GBP"
        assert car.numbers[Quantity.SESSION_ENERGY, None].since is not None
        assert car.numbers[Quantity.LAST_SESSION_ENERGY, None].value == 5.5

    async def test_charger(self, driveway: Driveway) -> None:
        poll = await (await driveway.signed_in()).poll()
        charger = device(poll, CHARGER)
        assert charger.flags[Flag.ONLINE] is True
        assert charger.model == "Sample Box 7"
        assert value(poll, CHARGER, Quantity.ENERGY_CHARGED) is not None
        assert value(poll, CHARGER, Quantity.SESSION_ENERGY) == value(
            poll, CAR, Quantity.SESSION_ENERGY
        )
        assert Flag.CHARGE_PLANNED not in charger.flags

    async def test_account_device(self, driveway: Driveway) -> None:
        poll = await (await driveway.signed_in()).poll()
        price = device(poll, "account").numbers[Quantity.PRICE, None]
        assert (price.value, price.unit) == (0.28, "GBP/kWh")
        assert value(poll, "account", Quantity.CARBON_INTENSITY) == 123
        assert value(poll, "account", Quantity.REQUESTS_LEFT) is not None

    async def test_home(self, driveway: Driveway) -> None:
        to_noon(driveway)
        poll = await (await driveway.signed_in()).poll()
        produced = value(poll, HOME, Quantity.POWER_PRODUCTION)
        assert produced is not None
        assert produced > 0
        today = device(poll, HOME).numbers[Quantity.ENERGY_IMPORT_TODAY, None]
        assert today.since is not None
        assert today.since.hour == 0
        battery = device(poll, identifier("hoba", 0))
        assert battery.parent == HOME
        assert list(poll.snapshot.devices).index(HOME) < list(poll.snapshot.devices).index(
            battery.id
        )

    async def test_home_costs_no_main_request(self, driveway: Driveway) -> None:
        account = await driveway.signed_in()
        await account.poll()
        poll = await driveway.later(account)
        assert poll.again == timedelta(minutes=2)
        assert set(MAIN) < set(lists(driveway))
        assert f"hem_systems/{HOME}/live_power" in lists(driveway)
        assert f"hem_systems/{HOME}/energy_stats" not in lists(driveway)
        await driveway.later(account, QUARTER)
        assert f"hem_systems/{HOME}/energy_stats" in lists(driveway)

    async def test_a_car_to_reconnect(self, quiet: Driveway) -> None:
        quiet.knobs.disconnected = frozenset({SECOND_CAR})
        poll = await (await quiet.signed_in()).poll()
        assert device(poll, SECOND_CAR).flags[Flag.LOGIN_BROKEN] is True
        assert device(poll, CAR).flags[Flag.LOGIN_BROKEN] is False


class TestCadence:
    async def test_at_most_three_requests_a_poll(self, quiet: Driveway) -> None:
        to_noon(quiet)
        account = await quiet.signed_in()
        await account.poll()
        asked: set[str] = set()
        # Seven hours: everything that is seldom comes round.
        for _ in range(84):
            poll = await quiet.later(account, 300)
            assert len(lists(quiet)) <= 3
            assert {"vehicles"} <= set(lists(quiet))
            asked |= set(lists(quiet))
        assert {*MAIN, "users/me", "hem_systems", "home_batteries", "inverters"} <= asked
        assert any(path.startswith("tariffs/") for path in asked)
        assert poll.snapshot.devices

    async def test_what_is_seldom_takes_the_sessions_place(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        await account.poll()
        await quiet.later(account)
        assert lists(quiet) == MAIN
        await quiet.later(account, QUARTER)
        assert lists(quiet) == ["evses", "users/me", "vehicles"]
        await quiet.later(account)
        assert lists(quiet) == MAIN  # never twice in a row
        await quiet.later(account)
        assert [path.partition("/")[0] for path in lists(quiet)] == ["evses", "tariffs", "vehicles"]
        await quiet.later(account)
        assert lists(quiet) == MAIN

    async def test_an_empty_list_gives_its_place_away(self, quiet: Driveway) -> None:
        quiet.knobs.chargers = 0
        account = await quiet.signed_in()
        await account.poll()
        await quiet.later(account)
        assert lists(quiet) == ["charging_sub_sessions", "vehicles"]
        quiet.knobs.chargers = 2
        poll = await quiet.later(account, QUARTER)
        assert "evses" in lists(quiet)
        assert device(poll, CHARGER)

    async def test_plans_while_a_session_is_open(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        await account.poll()
        await quiet.later(account)
        assert len(quiet.asked("*/schedules")) == 2
        to_noon(quiet)
        for _ in range(2):  # something seldom had its turn
            poll = await quiet.later(account)
        assert quiet.asked("*/schedules") == []
        assert device(poll, CAR).flags[Flag.CHARGE_PLANNED] is False
        assert account.diagnostics()["plans"] == 0

    async def test_many_plans_a_few_at_a_time(self, quiet: Driveway) -> None:
        quiet.knobs.vehicles = 12
        quiet.knobs.chargers = 0
        account = await quiet.signed_in()
        await account.poll()
        seen = {request.path for request in quiet.asked("*/schedules")}
        assert len(seen) == 3
        for _ in range(3):
            await quiet.later(account, 60)
            assert len(quiet.asked("*/schedules")) == 3
            seen |= {request.path for request in quiet.asked("*/schedules")}
        assert len(seen) > 6  # those that waited longest go first

    @pytest.mark.parametrize(("noon", "minutes"), [(True, 5), (False, 2)])
    async def test_idle_is_polled_less(self, quiet: Driveway, noon: bool, minutes: int) -> None:
        if noon:
            to_noon(quiet)
        poll = await (await quiet.signed_in()).poll()
        assert poll.again == timedelta(minutes=minutes)

    @pytest.mark.parametrize(
        ("chosen", "idle", "busy"), [(60, 300, 60), (120, 300, 120), (900, 900, 900)]
    )
    async def test_idle_polls_are_never_more_frequent_than_was_chosen(
        self, quiet: Driveway, chosen: int, idle: int, busy: int
    ) -> None:
        context = replace(await quiet.sign_in(), options={"poll_interval": chosen})
        account = EvEnergyAccount(context)
        assert (await account.poll()).again == timedelta(seconds=busy)

        to_noon(quiet)
        await account.poll()

        # The sessions give their place to something else in every other poll.
        assert (await quiet.later(account, 900)).again == timedelta(seconds=idle)

    async def test_few_requests_left_doubles_the_interval(self, quiet: Driveway) -> None:
        quiet.knobs.rate_limit = 105
        poll = await (await quiet.signed_in()).poll()
        assert poll.again == timedelta(minutes=4)

    async def test_requests_left_does_not_change_with_each_poll(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        first = value(await account.poll(), "account", Quantity.REQUESTS_LEFT)
        assert value(await quiet.later(account), "account", Quantity.REQUESTS_LEFT) == first
        later = await quiet.later(account, QUARTER)
        assert value(later, "account", Quantity.REQUESTS_LEFT) != first

    async def test_an_unchanged_poll_gives_the_same_snapshot(self, driveway: Driveway) -> None:
        quiet = driveway
        account = await quiet.signed_in()
        await account.poll()
        first = await quiet.later(account)
        second = await quiet.later(account, 0)
        assert second.snapshot.devices.keys() >= {CAR, CHARGER, HOME}
        assert second.snapshot is first.snapshot

    async def test_a_thousand_vehicles(self, quiet: Driveway) -> None:
        quiet.knobs.vehicles = 1000
        quiet.knobs.chargers = 0
        quiet.knobs.charging_sessions_days = 1
        quiet.browser.scopes = frozenset({"vehicle:read"})
        account = await quiet.signed_in()
        poll = await account.poll()
        assert len(poll.snapshot.devices) == 1001
        assert len(quiet.asked()) == 10
        shown = account._display._combined
        shown.clear()
        made: list[int] = []

        async def watch() -> None:
            while len(shown) < 1000:
                made.append(len(shown))
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        second = await quiet.later(account, 0)
        await watching
        # Between some hundreds of them others have their turn.
        assert len(set(made)) >= 5
        assert len(quiet.asked()) == 10
        assert second.snapshot == poll.snapshot
        assert all(
            second.snapshot.devices[one.id] is one
            for one in poll.snapshot.devices.values()
            if one.kind is Kind.VEHICLE
        )


class TestScopes:
    async def test_works_with_sessions_and_vehicles_alone(self, quiet: Driveway) -> None:
        quiet.browser.scopes = frozenset({"charging_session:read", "vehicle:read"})
        account = await quiet.signed_in()
        poll = await account.poll()
        assert value(poll, CAR, Quantity.SESSION_ENERGY) is not None
        assert device(poll, CAR).flags[Flag.CHARGE_PLANNED] is True
        assert lists(quiet) == ["charging_sub_sessions", "vehicles"]
        assert account.diagnostics()["missing_scopes"] == [
            "boundary_meter:read",
            "charging_session:write",
            "evse:read",
            "home_battery:read",
            "home_energy:read",
            "inverter:read",
            "tariff:read",
            "user:read",
            "vehicle:write",
        ]
        assert set(device(poll, "account").numbers) == {(Quantity.REQUESTS_LEFT, None)}

    async def test_without_sessions_there_are_none(self, quiet: Driveway) -> None:
        quiet.browser.scopes = frozenset({"vehicle:read"})
        poll = await (await quiet.signed_in()).poll()
        car = device(poll, CAR)
        assert (Quantity.SESSION_ENERGY, None) not in car.numbers
        assert Flag.CHARGE_PLANNED not in car.flags
        assert poll.again == timedelta(minutes=2)  # it is plugged in

    async def test_home_energy_alone(self, driveway: Driveway) -> None:
        driveway.browser.scopes = frozenset({"home_energy:read"})
        account = await driveway.signed_in()
        poll = await account.poll()
        assert {one.kind for one in poll.snapshot.devices.values()} == {Kind.SITE, Kind.ACCOUNT}
        driveway.fault(Status(status=503), "/v2/*")
        driveway.advance(QUARTER)
        assert isinstance(await failed(account), Unavailable)

    async def test_nothing_readable(self, quiet: Driveway) -> None:
        quiet.browser.scopes = frozenset({"carbon:read"})
        error = await failed(await quiet.signed_in())
        assert isinstance(error, NotPermitted)
        assert error.reason is Reason.MISSING_SCOPES

    async def test_a_scope_that_was_taken_away(self, driveway: Driveway) -> None:
        account = await driveway.signed_in()
        await account.poll()
        driveway.browser.scopes = frozenset({"vehicle:read"})
        poll = await driveway.later(account, 36_000)
        kinds = {one.kind for one in poll.snapshot.devices.values()}
        assert kinds == {Kind.VEHICLE, Kind.ACCOUNT}
        assert (Quantity.SESSION_ENERGY, None) not in device(poll, CAR).numbers
        assert (Quantity.PRICE, None) not in device(poll, "account").numbers

    async def test_scopes_that_nobody_names_are_tried(self, quiet: Driveway) -> None:
        quiet.knobs.name_scopes = False
        quiet.browser.scopes = frozenset({"charging_session:read", "vehicle:read"})
        account = await quiet.signed_in()
        poll = await account.poll()
        assert device(poll, CAR)
        diagnostics = account.diagnostics()
        assert diagnostics["scopes"] is None
        assert "evse:read" in diagnostics["missing_scopes"]
        assert diagnostics["features"]["chargers"] == Reason.NOT_PERMITTED
        await quiet.later(account)
        assert lists(quiet) == ["charging_sub_sessions", "vehicles"]
        quiet.sim.ev_energy.authorization.tokens.expire_access()
        quiet.browser.scopes = frozenset({"charging_session:read", "vehicle:read", "evse:read"})
        await quiet.later(account, 6 * 3600)
        assert "evses" in lists(quiet)  # asked again seldom

    async def test_all_of_it_refused_stays_refused(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        quiet.fault(Shape(payload={"detail": "no"}, status=403), "/v2/*")
        assert isinstance(await failed(account), NotPermitted)
        assert isinstance(await failed(account), NotPermitted)

    async def test_refused_plans_cost_the_plans_alone(self, quiet: Driveway) -> None:
        """The document names a scope for them that nobody has, probably by a slip."""
        account = await quiet.signed_in()
        quiet.fault(Shape(payload={"detail": "no"}, status=403), "*/schedules")
        poll = await account.poll()
        assert Flag.CHARGE_PLANNED not in device(poll, CAR).flags
        assert value(poll, CAR, Quantity.SESSION_ENERGY) is not None
        await quiet.later(account)
        assert quiet.asked("*/schedules") == []

    @pytest.mark.parametrize("fault", [Status(status=500), Status(status=400), Html()])
    async def test_a_plan_that_can_not_be_read_now(self, quiet: Driveway, fault: Any) -> None:
        account = await quiet.signed_in()
        quiet.fault(fault, "*/schedules")
        poll = await account.poll()
        assert device(poll, CAR).flags[Flag.CHARGE_PLANNED] is None
        quiet.sim.faults.clear()
        poll = await quiet.later(account)
        assert device(poll, CAR).flags[Flag.CHARGE_PLANNED] is True

    async def test_a_session_without_a_plan(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        quiet.fault(Status(status=404), "*/schedules", times=1)
        poll = await account.poll()
        planned = [device(poll, one).flags[Flag.CHARGE_PLANNED] for one in (CAR, SECOND_CAR)]
        assert sorted(planned, key=str) == [None, True]

    @pytest.mark.parametrize("name", ["trim.model.make", "model.make"])
    async def test_an_expansion_that_is_refused(self, quiet: Driveway, name: str) -> None:
        quiet.knobs.refused_expansions = frozenset({name})
        account = await quiet.signed_in()
        poll = await account.poll()
        assert value(poll, CAR, Quantity.STATE_OF_CHARGE) is not None
        assert value(poll, CHARGER, Quantity.ENERGY_CHARGED) is not None
        await quiet.later(account)
        assert {request.status for request in quiet.asked()} == {200}  # it is remembered


class TestTrouble:
    @pytest.mark.parametrize("fault", [Html(), Reset(), Status(status=500)])
    async def test_one_list_costs_no_other(self, quiet: Driveway, fault: Any) -> None:
        account = await quiet.signed_in()
        await account.poll()
        quiet.fault(fault, "/v2/vehicles")
        poll = await quiet.later(account)
        assert Kind.VEHICLE not in poll.listed
        assert Kind.CHARGER in poll.listed
        assert device(poll, CAR)

    async def test_no_list_is_an_outage(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        await account.poll()
        fault = quiet.fault(Status(status=503), "/v2/*")
        assert isinstance(await failed(account), Unavailable)
        quiet.sim.faults.remove(fault)
        assert device(await account.poll(), CAR)

    async def test_the_edge_refuses_for_a_while(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        await account.poll()
        quiet.fault(Status(status=403, body="Forbidden"), "/v2/*", times=3)
        error = await failed(account)
        assert isinstance(error, Unavailable)
        assert error.reason is Reason.BLOCKED
        poll = await quiet.later(account)
        assert poll.listed >= {Kind.VEHICLE, Kind.CHARGER}  # not put off as if it were forbidden
        assert account.diagnostics()["missing_scopes"] == []

    async def test_too_many_requests(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        await account.poll()
        fault = quiet.fault(rate_limited("31"), "/v2/*")
        error = await failed(account)
        quiet.sim.faults.remove(fault)
        assert isinstance(error, RateLimited)
        assert error.retry_after == pytest.approx(31)
        quiet.forget()
        assert isinstance(await failed(account), RateLimited)
        assert quiet.asked() == []
        assert device(await quiet.later(account, 31), CAR)

    @pytest.mark.parametrize("name", ["Retry-After", "RetryAfter"])
    async def test_the_limit_in_either_spelling(self, quiet: Driveway, name: str) -> None:
        quiet.knobs.retry_after_name = name
        account = await quiet.signed_in()
        await account.poll()
        quiet.knobs.rate_limit = 1
        quiet.advance(120)
        error = await failed(account)
        assert isinstance(error, RateLimited)
        assert error.retry_after == pytest.approx(3480)

    async def test_limited_in_the_middle_of_a_poll(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        await account.poll()
        quiet.fault(rate_limited("1000"), "*/schedules")
        poll = await quiet.later(account)
        assert poll.again.total_seconds() == pytest.approx(1000)
        assert device(poll, CAR)

    async def test_a_credential_refused_twice(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        quiet.fault(Shape(payload={"detail": "no"}, status=401), "/v2/vehicles")
        with pytest.raises(CredentialsRejected):
            await account.poll()

    async def test_a_seldom_feature_that_fails_is_put_off(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        quiet.fault(Html(), "/v2/users/me", times=1)
        quiet.fault(Status(status=404), "/v2/tariffs/*", times=1)
        await account.poll()
        assert account.diagnostics()["features"]["user"] == Reason.HTML_PAGE
        await quiet.later(account)
        assert "users/me" not in lists(quiet)
        await quiet.later(account, QUARTER)
        assert "users/me" in lists(quiet)
        await quiet.later(account, QUARTER)
        poll = await quiet.later(account)
        assert account.diagnostics()["features"]["tariff"] == Reason.NOT_FOUND
        assert (Quantity.PRICE, None) not in device(poll, "account").numbers

    async def test_a_user_without_a_tariff_or_an_id(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        quiet.fault(Rewrite(bend=lambda _: {"id": "user1"}), "/v2/users/me", times=1)
        quiet.fault(Shape(payload={}), "/v2/users/me")
        poll = await account.poll()
        assert (Quantity.PRICE, None) not in device(poll, "account").numbers
        assert value(poll, "account", Quantity.CARBON_INTENSITY) is None
        poll = await quiet.later(account, QUARTER)
        assert (Quantity.CARBON_INTENSITY, None) not in device(poll, "account").numbers

    async def test_an_old_price_is_no_price(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        await account.poll()
        quiet.fault(Status(status=500), "/v2/users/me")
        quiet.fault(Status(status=500), "/v2/tariffs/*")
        poll = await quiet.later(account, 3000)
        assert value(poll, "account", Quantity.PRICE) == 0.28
        poll = await quiet.later(account, 700)
        assert value(poll, "account", Quantity.PRICE) is None
        assert device(poll, "account").numbers[Quantity.PRICE, None].unit == "GBP/kWh"
        assert value(poll, "account", Quantity.CARBON_INTENSITY) is None

    async def test_bad_rows_beside_good_ones(
        self, quiet: Driveway, caplog: pytest.LogCaptureFixture
    ) -> None:
        quiet.knobs.extra_rows = {"vehicles": [7, {"description": "secret name"}]}
        account = await quiet.signed_in()
        with caplog.at_level(logging.DEBUG):
            poll = await account.poll()
            await quiet.later(account)
        assert device(poll, CAR)
        assert Kind.VEHICLE not in poll.listed
        assert account.diagnostics()["dropped_rows"]["vehicles"] == 2
        warnings = [one for one in caplog.records if one.levelno >= logging.WARNING]
        assert len([one for one in warnings if "vehicles" in one.getMessage()]) == 1
        assert "secret name" not in caplog.text

    async def test_a_list_that_is_an_object(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        quiet.fault(Shape(payload={}), "/v2/vehicles")
        poll = await account.poll()
        assert CAR not in poll.snapshot.devices
        assert Kind.VEHICLE not in poll.listed
        assert account.diagnostics()["features"]["vehicles"] == Reason.UNEXPECTED_SHAPE

    async def test_a_paging_link_to_another_host(self, quiet: Driveway) -> None:
        quiet.knobs.most_rows = 1
        account = await quiet.signed_in()
        async with Simulator(clock=Clock(frozen=True)) as elsewhere:
            quiet.knobs.link_base = elsewhere.ev_energy.url
            error = await failed_lists(account)
            assert error["vehicles"] == error["chargers"] == Reason.REDIRECTED
            assert elsewhere.journal.requests() == []
        quiet.knobs.link_base = ""
        poll = await quiet.later(account)
        assert device(poll, SECOND_CAR)

    async def test_a_link_that_repeats(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        headers = {"Link": f'<{quiet.sim.ev_energy.url}/v2/vehicles?page_after=x>; rel="next"'}
        row = '[{"id": "vhcl1"}]'
        quiet.fault(
            Status(status=200, headers=headers, body=row, content_type="application/json"),
            "/v2/vehicles",
        )
        poll = await account.poll()
        assert len(quiet.asked("/v2/vehicles")) == 2
        assert device(poll, "vhcl1")
        assert Kind.VEHICLE not in poll.listed

    async def test_bare_answers(self, quiet: Driveway) -> None:
        """Neither a link nor the number of requests left."""
        quiet.browser.scopes = frozenset({"vehicle:read"})
        account = await quiet.signed_in()
        headers = {"Link": '<>; rel="next"'}
        quiet.fault(
            Status(status=200, headers=headers, body="[]", content_type="application/json"),
            "/v2/vehicles",
        )
        poll = await account.poll()
        assert Kind.VEHICLE in poll.listed
        assert poll.snapshot.devices == {}

    async def test_a_redirect_of_a_data_call_to_another_host(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        async with Simulator(clock=Clock(frozen=True)) as elsewhere:
            quiet.fault(Redirect(url=f"{elsewhere.ev_energy.url}/v2/vehicles"), "/v2/*")
            error = await failed(account)
            assert isinstance(error, UnexpectedResponse)
            assert error.reason is Reason.REDIRECTED
            assert elsewhere.journal.requests() == []

    async def test_paths_that_want_a_slash(self, quiet: Driveway) -> None:
        quiet.knobs.slashes = True
        account = await quiet.signed_in()
        assert device(await account.poll(), CAR)

    async def test_short_pages(self, quiet: Driveway) -> None:
        quiet.knobs.most_rows = 1
        account = await quiet.signed_in()
        poll = await account.poll()
        assert device(poll, SECOND_CAR)
        assert len(quiet.asked("/v2/vehicles")) == 2
        assert poll.listed >= {Kind.VEHICLE, Kind.CHARGER}

    async def test_a_falling_meter_is_not_believed_at_once(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        before = value(await account.poll(), CHARGER, Quantity.ENERGY_CHARGED)

        def reset(payload: JsonValue) -> JsonValue:
            assert isinstance(payload, list)
            for row in payload:
                row["latest_status_log"]["meter_reading_watt_hours"] = 0
            return payload

        quiet.fault(Rewrite(bend=reset), "/v2/evses", times=1)
        poll = await quiet.later(account)
        assert value(poll, CHARGER, Quantity.ENERGY_CHARGED) == before


async def failed_lists(account: EvEnergyAccount) -> dict[str, str]:
    """Poll, and return why features were not read."""
    await account.poll()
    return dict(account.diagnostics()["features"])


class TestAge:
    async def test_old_data_is_said_to_be_old(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        poll = await account.poll()
        assert value(poll, CAR, Quantity.CHARGE_POWER) == 11_000
        quiet.knobs.cadence = 86_400.0  # sampled at midnight, and not again today
        quiet.advance(3000)
        poll = await account.poll()
        car, charger = device(poll, CAR), device(poll, CHARGER)
        assert car.flags[Flag.DATA_LATE] is True
        assert car.numbers[Quantity.STATE_OF_CHARGE, None].value is not None
        assert charger.flags[Flag.ONLINE] is False

    async def test_power_becomes_unknown_with_age(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        await account.poll()
        quiet.fault(Status(status=500), "/v2/vehicles")
        poll = await quiet.later(account, 20 * 60)
        assert value(poll, CAR, Quantity.CHARGE_POWER) == 11_000
        poll = await quiet.later(account, 2 * 60)
        assert value(poll, CAR, Quantity.CHARGE_POWER) is None
        assert value(poll, CAR, Quantity.STATE_OF_CHARGE) is not None


class TestFirstPoll:
    """What is waited for is little; the sockets' own timeouts are longer."""

    async def test_shows_what_it_has_in_time(
        self, quiet: Driveway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(f"{EvEnergyAccount.__module__}._FIRST", 0.4)
        account = await quiet.signed_in()
        hanging = quiet.fault(Hang(), "/v2/evses")
        poll = await account.poll()
        assert device(poll, CAR)
        assert CHARGER not in poll.snapshot.devices
        assert poll.again == timedelta(seconds=10)
        quiet.sim.faults.remove(hanging)
        poll = await quiet.later(account, 10)
        assert device(poll, CHARGER)
        assert poll.again == timedelta(minutes=2)

    async def test_nothing_in_time_is_an_outage(
        self, quiet: Driveway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(f"{EvEnergyAccount.__module__}._FIRST", 0.2)
        account = await quiet.signed_in()
        hanging = quiet.fault(Hang(), "/v2/*")
        error = await failed(account)
        assert error.reason is Reason.TIMEOUT
        quiet.sim.faults.remove(hanging)
        assert device(await account.poll(), CAR)

    async def test_cancelled_from_outside(self, quiet: Driveway) -> None:
        account = await quiet.signed_in()
        hanging = quiet.fault(Hang(), "/v2/*")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await account.poll()
        quiet.sim.faults.remove(hanging)
        assert device(await account.poll(), CAR)


async def test_diagnostics_identify_nobody(driveway: Driveway) -> None:
    account = await driveway.signed_in()
    assert account.diagnostics()["requests_left"] is None
    await account.poll()
    diagnostics = account.diagnostics()
    assert diagnostics["devices"]["vehicles"] == 2
    assert diagnostics["version"] == "2"
    shown = f"{diagnostics}"
    for secret in (CAR, "Sam", "SIM-00417", identifier("user", 0), driveway.browser.client_id):
        assert secret not in shown


async def test_tokens_are_of_one_owner(quiet: Driveway) -> None:
    """A source that tells no scopes, as in the wizard, is fine."""
    from custom_components.energy_connect.providers.ev_energy.access import seed_access

    seed = await quiet.seed()
    access = seed_access(quiet.context({}), seed["access_token"])
    assert access.scope is None
    assert access.exchanges == 0
    assert open_access(quiet.context({}, quiet.grant(seed))).scope is not None


def test_provider() -> None:
    assert (PROVIDER.key, PROVIDER.name) == ("ev_energy", "ev.energy")
    assert PROVIDER.sign_in
    assert PROVIDER.grace == timedelta(minutes=10)
    assert [(field.key, field.identity) for field in PROVIDER.fields] == [
        ("client_id", True),
        ("client_secret", False),
    ]
