"""Commands of an ev.energy account against the simulator: what is sent, and what becomes of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from custom_components.energy_connect.core.commands import CONFIRMED, Command, Order, Outcome, State
from custom_components.energy_connect.core.controls import Press, Range, Switch, Value
from custom_components.energy_connect.core.errors import (
    ApiError,
    CommandRefused,
    CredentialsRejected,
    RateLimited,
    Reason,
    Refusal,
    Unavailable,
)
from custom_components.energy_connect.core.model import Poll
from custom_components.energy_connect.core.offers import Controllable
from custom_components.energy_connect.core.vocabulary import Action, Flag, Quantity
from custom_components.energy_connect.providers.ev_energy.account import EvEnergyAccount
from simulator.ev_energy.episodes import identifier
from simulator.ev_energy.knobs import UserHeader
from simulator.faults import Hang, Html, Redirect, Reset, Rewrite, Shape, Status, rate_limited

from .conftest import Driveway, device

PLUGGED_IN = datetime(2026, 11, 18, 20, 0, tzinfo=UTC)
"""Both cars are plugged in; the first charges with 11 kW from 22:15 on, to 01:15."""

CAR, SECOND_CAR = identifier("vhcl", 0), identifier("vhcl", 1)
CHARGER = identifier("evse", 0)
SESSIONS = "/v2/charging_sessions"
STEERED = {
    Action.CHARGE_LIMIT,
    Action.SMART_CHARGING,
    Action.CHARGE_NOW,
    Action.END_CHARGE_NOW,
}


class Owner:
    """Somebody who tells an account's devices things."""

    def __init__(self, driveway: Driveway, account: EvEnergyAccount) -> None:
        self.driveway = driveway
        self.account = account

    async def look(self, seconds: float = 0) -> Poll:
        poll = await self.driveway.later(self.account, seconds)
        self.account.orders.see(poll.snapshot.devices)
        return poll

    def tell(self, action: Action, value: Value = None, device_id: str = CAR) -> Order:
        return self.account.orders.perform(Command(device_id, action, value))

    async def told(self, action: Action, value: Value = None, device_id: str = CAR) -> Outcome:
        return await self.tell(action, value, device_id).settled()

    async def refused(
        self, action: Action, value: Value = None, device_id: str = CAR
    ) -> CommandRefused:
        with pytest.raises(CommandRefused) as caught:
            await self.told(action, value, device_id)
        return caught.value

    async def failed(self, action: Action, value: Value = None) -> ApiError:
        with pytest.raises(ApiError) as caught:
            await self.told(action, value)
        return caught.value

    def shown(self, poll: Poll, action: Action) -> Any:
        control = self.account.orders.shown(device(poll, CAR), action)
        assert control is not None
        return control

    def sent(self) -> list[str]:
        """The changes that were asked for."""
        changes = [one for one in self.driveway.asked() if one.method != "GET"]
        return [f"{one.method} {one.path.removeprefix('/v2/')}" for one in changes]

    async def mode(self) -> str:
        rows = self.driveway.sim.ev_energy.garage.sessions(0)
        return next(str(row["mode"]) for row in rows if str(row["vehicle"]).endswith(CAR))


@pytest.fixture
async def owner(quiet: Driveway) -> AsyncIterator[Owner]:
    quiet.advance((PLUGGED_IN - quiet.clock.now()).total_seconds())
    account = await quiet.signed_in()
    owner = Owner(quiet, account)
    await owner.look()
    yield owner
    account.orders.close()


class TestOffered:
    async def test_with_the_write_scopes(self, owner: Owner) -> None:
        poll = await owner.look()
        assert isinstance(owner.account, Controllable)
        car, charger = device(poll, CAR), device(poll, CHARGER)
        assert car.controls == {
            Action.CHARGE_LIMIT: Range(value=90, minimum=50, maximum=100, unit="%"),
            Action.SMART_CHARGING: Switch(value=True),
            Action.CHARGE_NOW: Press(),
            Action.END_CHARGE_NOW: Press(),
        }
        # What can be set is not shown twice.
        assert (Quantity.CHARGE_LIMIT, None) not in car.numbers
        assert Flag.SMART_CHARGING not in car.flags
        assert set(charger.controls) == {Action.CHARGE_NOW, Action.END_CHARGE_NOW}

    @pytest.mark.parametrize(
        ("missing", "left"),
        [
            ({"vehicle:write"}, {Action.CHARGE_NOW, Action.END_CHARGE_NOW}),
            ({"charging_session:write"}, {Action.CHARGE_LIMIT, Action.SMART_CHARGING}),
            # The session to be boosted could not be found.
            ({"charging_session:read"}, {Action.CHARGE_LIMIT, Action.SMART_CHARGING}),
            ({"vehicle:write", "charging_session:write"}, set()),
        ],
    )
    async def test_only_what_the_scopes_allow(
        self, quiet: Driveway, missing: set[str], left: set[Action]
    ) -> None:
        quiet.browser.scopes -= missing
        account = await quiet.signed_in()
        car = device(await account.poll(), CAR)
        assert set(car.controls) == left
        assert ((Quantity.CHARGE_LIMIT, None) in car.numbers) is (
            Action.CHARGE_LIMIT not in car.controls
        )
        assert (Flag.SMART_CHARGING in car.flags) is (Action.SMART_CHARGING not in car.controls)
        assert set(account.diagnostics()["missing_scopes"]) == missing

    async def test_not_where_nobody_says_what_was_granted(self, quiet: Driveway) -> None:
        quiet.knobs.name_scopes = False
        account = await quiet.signed_in()
        car = device(await account.poll(), CAR)
        assert car.controls == {}
        assert car.numbers[Quantity.CHARGE_LIMIT, None].value == 90
        assert account.diagnostics()["missing_scopes"] == [
            "charging_session:write",
            "vehicle:write",
        ]

    async def test_a_scope_that_was_taken_away(self, owner: Owner) -> None:
        owner.driveway.browser.scopes -= {"vehicle:write"}
        poll = await owner.look(36_000)
        assert Action.CHARGE_LIMIT not in device(poll, CAR).controls
        assert (await owner.refused(Action.CHARGE_LIMIT, 60)).reason is Refusal.NOT_OFFERED

    async def test_an_unchanged_poll_gives_the_same_devices(self, owner: Owner) -> None:
        first, second = await owner.look(), await owner.look()
        for one in (CAR, CHARGER):
            assert device(first, one) is device(second, one)


class TestSettings:
    @pytest.mark.parametrize(
        ("action", "value", "field"),
        [
            (Action.CHARGE_LIMIT, 60.0, "maximum_charge_limit_percentage"),
            (Action.SMART_CHARGING, False, "smart_charging_enabled"),
        ],
    )
    async def test_are_done_with_their_answer(
        self, owner: Owner, action: Action, value: bool | float, field: str
    ) -> None:
        assert await owner.told(action, value) == CONFIRMED
        assert owner.driveway.sim.ev_energy.garage.vehicles(0)[0][field] == value
        assert owner.sent() == [f"PATCH vehicles/{CAR}"]
        poll = await owner.look()
        assert device(poll, CAR).controls[action].value == value  # type: ignore[union-attr] # both have one

    async def test_so_already_is_done(self, owner: Owner) -> None:
        assert await owner.told(Action.SMART_CHARGING, True) == CONFIRMED
        assert await owner.told(Action.CHARGE_LIMIT, 90.0) == CONFIRMED

    async def test_a_limit_is_whole(self, owner: Owner) -> None:
        """Number entities take what lies between the steps too."""
        assert await owner.told(Action.CHARGE_LIMIT, 72.6) == CONFIRMED
        assert device(await owner.look(), CAR).controls[Action.CHARGE_LIMIT].value == 73  # type: ignore[union-attr] # both have one

    @pytest.mark.parametrize("value", [49.0, 101.0, float("nan")])
    async def test_out_of_range_is_not_sent(self, owner: Owner, value: float) -> None:
        error = await owner.refused(Action.CHARGE_LIMIT, value)
        assert (error.reason, error.limits) == (Refusal.OUT_OF_RANGE, (50, 100))
        assert owner.sent() == []

    async def test_one_that_takes_its_time_is_looked_for(self, owner: Owner) -> None:
        owner.driveway.knobs.settle = 5
        clock = owner.driveway.clock
        order = owner.tell(Action.CHARGE_LIMIT, 60.0)
        assert (await order.wait(0)).state is State.PENDING
        poll = await owner.look()
        assert owner.shown(poll, Action.CHARGE_LIMIT).value == 60  # what is wanted
        owner.driveway.sim.clock.advance(5)
        assert await order.settled() == CONFIRMED
        assert clock.slept
        assert f"vehicles/{CAR}" in owner.driveway.paths()

    async def test_one_that_is_never_taken_over(self, owner: Owner) -> None:
        owner.driveway.knobs.settle = 1e6
        outcome = await owner.told(Action.CHARGE_LIMIT, 60.0)
        assert outcome == Outcome(State.UNKNOWN, Refusal.NO_OUTCOME)
        poll = await owner.look()
        assert owner.shown(poll, Action.CHARGE_LIMIT).value == 90  # the true state

    async def test_a_stale_list_does_not_bounce_it_back(self, owner: Owner) -> None:
        owner.driveway.knobs.cadence = 3600.0
        await owner.look(60)
        await owner.told(Action.SMART_CHARGING, False)

        def old(payload: Any) -> Any:
            payload[0]["smart_charging_enabled"] = True
            return payload

        owner.driveway.fault(Rewrite(bend=old), "/v2/vehicles", times=1)
        poll = await owner.look(2)
        assert device(poll, CAR).controls[Action.SMART_CHARGING] == Switch(value=True)
        assert owner.shown(poll, Action.SMART_CHARGING).value is False

    @pytest.mark.parametrize("fault", [Status(status=200), Shape(payload=[]), Html()])
    async def test_an_answer_without_the_vehicle_is_looked_for(
        self, owner: Owner, fault: Any
    ) -> None:
        owner.driveway.fault(fault, f"/v2/vehicles/{CAR}", method="GET", times=1)
        owner.driveway.fault(Rewrite(bend=lambda _: None), f"/v2/vehicles/{CAR}", method="PATCH")
        assert await owner.told(Action.CHARGE_LIMIT, 60.0) == CONFIRMED

    async def test_a_vehicle_that_is_gone(self, owner: Owner) -> None:
        gone = Shape(payload={"title": "Not found", "detail": "Not found."}, status=404)
        owner.driveway.fault(gone, f"/v2/vehicles/{CAR}")
        error = await owner.refused(Action.CHARGE_LIMIT, 60.0)
        assert error.reason is Refusal.DEVICE_GONE

    async def test_a_vehicle_that_goes_meanwhile(self, owner: Owner) -> None:
        owner.driveway.knobs.settle = 1e6
        gone = Shape(payload={"detail": "Not found."}, status=404)
        owner.driveway.fault(Status(status=503), f"/v2/vehicles/{CAR}", method="GET", times=1)
        owner.driveway.fault(Status(status=400), f"/v2/vehicles/{CAR}", method="GET", times=1)
        owner.driveway.fault(gone, f"/v2/vehicles/{CAR}", method="GET")
        outcome = await owner.told(Action.CHARGE_LIMIT, 60.0)
        assert outcome == Outcome(State.FAILED, Refusal.DEVICE_GONE)

    async def test_wrong_fields_are_named(self, owner: Owner) -> None:
        refusal = {
            "title": "Invalid input.",
            "field_errors": {
                "maximum_charge_limit_percentage": ["This vehicle allows 60 to 90.", 7],
                "odd": "no list",
            },
        }
        owner.driveway.fault(Shape(payload=refusal, status=400), f"/v2/vehicles/{CAR}")
        error = await owner.refused(Action.CHARGE_LIMIT, 95.0)
        assert error.reason is Refusal.NOT_POSSIBLE_NOW
        assert error.detail == "maximum_charge_limit_percentage: This vehicle allows 60 to 90."

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            (400, Refusal.NOT_POSSIBLE_NOW),
            (403, Refusal.NO_PERMISSION),
            (409, Refusal.NOT_POSSIBLE_NOW),
            (422, Refusal.NOT_POSSIBLE_NOW),
        ],
    )
    async def test_refused_in_its_own_words(
        self, owner: Owner, status: int, reason: Refusal
    ) -> None:
        words = Shape(payload={"title": "No", "detail": "Not this one."}, status=status)
        owner.driveway.fault(words, f"/v2/vehicles/{CAR}")
        error = await owner.refused(Action.SMART_CHARGING, False)
        assert (error.reason, error.detail) == (reason, "Not this one.")
        poll = await owner.look()
        assert owner.shown(poll, Action.SMART_CHARGING).value is True

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            (Status(status=403, body="Forbidden"), Reason.BLOCKED),
            (Status(status=404, body="gone"), Reason.NOT_FOUND),
            (Status(status=422), Reason.REQUEST_REFUSED),
            (Status(status=503), Reason.SERVER_ERROR),
            (Shape(payload={"detail": "Sorry."}, status=503), Reason.SERVER_ERROR),
            (Reset(after=0), Reason.CONNECTION_LOST),
        ],
    )
    async def test_something_in_between_is_no_refusal(
        self, owner: Owner, fault: Any, reason: Reason
    ) -> None:
        owner.driveway.fault(fault, f"/v2/vehicles/{CAR}")
        assert (await owner.failed(Action.CHARGE_LIMIT, 60.0)).reason is reason
        assert owner.shown(await owner.look(), Action.CHARGE_LIMIT).value in {90, 60}

    async def test_a_lost_answer_ends_in_the_true_state(self, owner: Owner) -> None:
        owner.driveway.fault(Reset(), f"/v2/vehicles/{CAR}", method="PATCH")
        assert isinstance(await owner.failed(Action.CHARGE_LIMIT, 60.0), Unavailable)
        assert owner.shown(await owner.look(), Action.CHARGE_LIMIT).value == 60

    async def test_too_many_requests(self, owner: Owner) -> None:
        owner.driveway.fault(rate_limited("31"), f"/v2/vehicles/{CAR}")
        error = await owner.failed(Action.CHARGE_LIMIT, 60.0)
        assert isinstance(error, RateLimited)
        assert error.retry_after == 31

    async def test_a_lost_sign_in(self, owner: Owner) -> None:
        owner.driveway.sim.ev_energy.authorization.tokens.end_all()
        assert isinstance(await owner.failed(Action.CHARGE_LIMIT, 60.0), CredentialsRejected)

    async def test_an_ended_access_token_is_renewed(self, owner: Owner) -> None:
        owner.driveway.sim.ev_energy.authorization.tokens.expire_access()
        assert await owner.told(Action.CHARGE_LIMIT, 60.0) == CONFIRMED

    async def test_paths_that_want_a_slash(self, owner: Owner) -> None:
        owner.driveway.knobs.slashes = True
        assert await owner.told(Action.CHARGE_LIMIT, 60.0) == CONFIRMED
        assert await owner.told(Action.CHARGE_NOW) == CONFIRMED

    async def test_a_redirect_to_another_host(self, owner: Owner) -> None:
        away = Redirect(url="http://127.0.0.1:9/v2/vehicles", status=308)
        owner.driveway.fault(away, f"/v2/vehicles/{CAR}")
        assert (await owner.failed(Action.CHARGE_LIMIT, 60.0)).reason is Reason.REDIRECTED

    async def test_two_at_once_are_sent_in_turn(self, owner: Owner) -> None:
        first = owner.tell(Action.CHARGE_LIMIT, 60.0)
        second = owner.tell(Action.SMART_CHARGING, False)
        assert await first.settled() == await second.settled() == CONFIRMED
        assert owner.sent() == [f"PATCH vehicles/{CAR}"] * 2

    async def test_the_last_wish_counts(self, owner: Owner) -> None:
        first = owner.tell(Action.CHARGE_LIMIT, 60.0)
        second = owner.tell(Action.CHARGE_LIMIT, 70.0)
        assert await second.settled() == CONFIRMED
        assert first.replaced
        assert (
            owner.driveway.sim.ev_energy.garage.vehicles(0)[0]["maximum_charge_limit_percentage"]
            == 70
        )

    async def test_home_assistant_stops_in_between(self, owner: Owner) -> None:
        owner.driveway.fault(Hang(), f"/v2/vehicles/{CAR}")
        order = owner.tell(Action.CHARGE_LIMIT, 60.0)
        owner.account.orders.close()
        assert (await order.settled()).reason is Refusal.STOPPED
        with pytest.raises(CommandRefused):
            owner.tell(Action.CHARGE_LIMIT, 60.0)


@pytest.mark.parametrize("header", list(UserHeader))
async def test_in_the_name_of_an_application(quiet: Driveway, header: UserHeader) -> None:
    quiet.knobs.user_header = header
    quiet.advance((PLUGGED_IN - quiet.clock.now()).total_seconds())
    context = quiet.entered(user_id=identifier("user", 0))
    owner = Owner(quiet, EvEnergyAccount(context))
    assert set(device(await owner.look(), CAR).controls) == STEERED
    assert await owner.told(Action.CHARGE_LIMIT, 60.0) == CONFIRMED
    assert await owner.told(Action.CHARGE_NOW) == CONFIRMED


class TestBoost:
    async def test_begins_and_ends(self, owner: Owner) -> None:
        assert await owner.told(Action.CHARGE_NOW) == CONFIRMED
        assert await owner.mode() == "BOOST"
        poll = await owner.look(300)
        assert device(poll, CAR).flags[Flag.CHARGING] is True
        assert await owner.told(Action.END_CHARGE_NOW) == CONFIRMED
        assert await owner.mode() == "SMART"
        assert device(await owner.look(300), CAR).flags[Flag.CHARGING] is False

    async def test_of_a_charger(self, owner: Owner) -> None:
        assert await owner.told(Action.CHARGE_NOW, device_id=CHARGER) == CONFIRMED
        assert await owner.mode() == "BOOST"

    async def test_the_sessions_are_read_next(self, owner: Owner) -> None:
        await owner.look()
        await owner.told(Action.CHARGE_NOW)
        await owner.look(900)  # when something seldom would take their place
        assert "charging_sub_sessions" in owner.driveway.paths()

    async def test_so_already_is_done(self, owner: Owner) -> None:
        assert await owner.told(Action.END_CHARGE_NOW) == CONFIRMED
        await owner.told(Action.CHARGE_NOW)
        assert await owner.told(Action.CHARGE_NOW) == CONFIRMED
        assert await owner.mode() == "BOOST"

    async def test_smart_charging_is_off(self, owner: Owner) -> None:
        await owner.told(Action.SMART_CHARGING, False)
        error = await owner.refused(Action.CHARGE_NOW)
        assert error.reason is Refusal.NOT_POSSIBLE_NOW
        assert error.detail == "Smart charging is switched off."

    async def test_full(self, owner: Owner) -> None:
        await owner.told(Action.CHARGE_NOW)
        await owner.look(3 * 3600 + 600)
        await owner.told(Action.END_CHARGE_NOW)
        assert (await owner.refused(Action.CHARGE_NOW)).reason is Refusal.FULL
        error = await owner.refused(Action.CHARGE_NOW, device_id=CHARGER)
        assert error.reason is Refusal.NOT_POSSIBLE_NOW  # a charger does not know the car
        assert error.detail == "The vehicle is fully charged."

    async def test_unplugged(self, owner: Owner) -> None:
        await owner.look(14 * 3600)
        assert (await owner.refused(Action.CHARGE_NOW)).reason is Refusal.UNPLUGGED
        assert (await owner.refused(Action.END_CHARGE_NOW)).reason is Refusal.UNPLUGGED
        assert owner.sent() == []

    async def test_plugged_in_without_a_session(self, owner: Owner) -> None:
        await owner.look(6 * 3600)  # the charge is over
        assert (await owner.refused(Action.CHARGE_NOW)).reason is Refusal.NO_SESSION

    @pytest.mark.parametrize(
        "rows",
        [
            [],
            [{"id": "cses1", "start": "2026-11-18T19:15:00Z", "vehicle": "other"}],
            [{"id": "cses1", "start": "odd", "vehicle": CAR}, 7],
            [{"start": "2026-11-18T19:15:00Z", "vehicle": CAR}],
            [
                {"id": "cses1", "start": "2026-11-17T19:15:00Z", "vehicle": {"id": CAR}},
                {
                    "id": "cses2",
                    "start": "2026-11-18T19:15:00Z",
                    "vehicle": {"id": CAR},
                    "end": "2026-11-18T19:25:00Z",
                },
            ],
        ],
    )
    async def test_no_session_in_the_list(self, owner: Owner, rows: Any) -> None:
        owner.driveway.fault(Shape(payload=rows), SESSIONS)
        assert (await owner.refused(Action.CHARGE_NOW)).reason is Refusal.NO_SESSION
        assert owner.sent() == []

    async def test_an_api_without_sessions(self, owner: Owner) -> None:
        owner.driveway.fault(Status(status=404), SESSIONS)
        assert (await owner.refused(Action.CHARGE_NOW)).reason is Refusal.NO_SESSION

    async def test_a_session_that_is_gone_meanwhile(self, owner: Owner) -> None:
        gone = Shape(payload={"detail": "Not found."}, status=404)
        owner.driveway.fault(gone, f"{SESSIONS}/*/boost_start")
        assert (await owner.refused(Action.CHARGE_NOW)).reason is Refusal.NO_SESSION

    async def test_no_permission(self, owner: Owner) -> None:
        no = Shape(payload={"detail": "This needs the scope x."}, status=403)
        fault = owner.driveway.fault(no, SESSIONS)
        assert (await owner.refused(Action.CHARGE_NOW)).reason is Refusal.NO_PERMISSION
        owner.driveway.sim.faults.remove(fault)
        owner.driveway.fault(no, f"{SESSIONS}/*")
        assert (await owner.refused(Action.CHARGE_NOW)).reason is Refusal.NO_PERMISSION

    @pytest.mark.parametrize("fault", [Html(), Status(status=400), Shape(payload={})])
    async def test_sessions_that_can_not_be_read(self, owner: Owner, fault: Any) -> None:
        owner.driveway.fault(fault, SESSIONS)
        assert isinstance(await owner.failed(Action.CHARGE_NOW), ApiError)

    async def test_not_delivered(self, owner: Owner) -> None:
        owner.driveway.knobs.unreachable = frozenset({CAR})
        error = await owner.refused(Action.CHARGE_NOW)
        assert error.reason is Refusal.NO_RESPONSE
        assert error.detail == "The command could not be delivered."

    async def test_an_outage_is_no_answer_of_the_car(self, owner: Owner) -> None:
        owner.driveway.fault(Status(status=503), f"{SESSIONS}/*")
        assert (await owner.failed(Action.CHARGE_NOW)).reason is Reason.SERVER_ERROR

    async def test_not_applicable_for_a_reason_that_can_not_be_read(self, owner: Owner) -> None:
        await owner.told(Action.CHARGE_NOW)
        owner.driveway.fault(Status(status=500), "/v2/charging_sub_sessions")
        error = await owner.refused(Action.CHARGE_NOW)
        assert error.reason is Refusal.NOT_POSSIBLE_NOW
        assert error.detail == "The session is boosting already."

    async def test_device_gone(self, owner: Owner) -> None:
        error = await owner.refused(Action.CHARGE_NOW, device_id=identifier("vhcl", 99))
        assert error.reason is Refusal.DEVICE_GONE
