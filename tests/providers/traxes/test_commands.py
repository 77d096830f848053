"""Commands: where they are offered, what is sent, what comes of them, what a person is told."""

from typing import Any

import pytest

from custom_components.energy_connect.core.commands import CONFIRMED, Command, Outcome, State
from custom_components.energy_connect.core.controls import Press, Range, Switch
from custom_components.energy_connect.core.errors import (
    ApiError,
    CommandRefused,
    CredentialsRejected,
    NotPermitted,
    RateLimited,
    Reason,
    Refusal,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.model import AdviceKind, Severity
from custom_components.energy_connect.core.offers import (
    Controllable,
    Linking,
    Mending,
    PlanSource,
    ReadingSource,
    SessionSource,
)
from custom_components.energy_connect.core.vocabulary import Action, Flag, Moment
from simulator import faults
from simulator.payload import JsonValue
from simulator.traxes import Application, CommandFate, Permissions, Verification
from tests.hand_clock import START

from .conftest import COMMANDS, LAST, PERMISSIONS, TOKEN, Portal
from .driver import Driver

COMMAND = f"{COMMANDS}/*"


@pytest.fixture
async def driver(portal: Portal) -> Driver:
    """Somebody whose devices were read, at a time when nothing charges."""
    driver = Driver(portal)
    await driver.poll()
    return driver


async def refused(driver: Driver, place: str, action: Action, value: Any) -> CommandRefused:
    with pytest.raises(CommandRefused) as told:
        await driver.tell(place, action, value)
    return told.value


# What is offered


def test_what_an_account_offers(portal: Portal) -> None:
    account = portal.open()
    assert isinstance(account, Controllable)
    assert isinstance(account, SessionSource)
    assert isinstance(account, ReadingSource)
    assert not isinstance(account, Linking | Mending | PlanSource)


async def test_controls_by_type(driver: Driver) -> None:
    offered = {
        place: dict(driver.device(place).controls)
        for place in ("meter", "gas", "inverter", "battery", "pump", "wallbox-0", "plant")
    }
    charging = Switch(value=False, at=driver.device("wallbox-0").moments[Moment.LAST_MEASURED])
    assert offered["wallbox-0"] == {Action.CHARGING: charging}
    assert set(driver.device("car-0").controls) == {Action.CHARGING}
    assert offered["plant"] == {
        Action.LIMIT_FEED_IN: Range(
            value=None, minimum=0, maximum=1_000_000, unit="W", readable=False
        ),
        Action.STOP_FEED_IN: Press(),
    }
    for place in ("meter", "gas", "inverter", "battery", "pump"):
        assert offered[place] == {}


async def test_without_the_permission_nothing_is_offered_until_it_is_given(
    driver: Driver,
) -> None:
    portal = driver.portal
    portal.knobs.viewer_only = frozenset({portal.id("car-0")})
    await driver.poll(3600)
    assert dict(driver.device("car-0").controls) == {}
    assert Action.CHARGING in driver.device("wallbox-0").controls
    assert driver.account.diagnostics()["devices_by_permission_to_command"] == {
        "allowed": 4,
        "not_allowed": 1,
        "unreadable": 0,
    }
    portal.knobs.viewer_only = frozenset()
    portal.sim.journal.clear()
    await driver.poll(1800)
    assert portal.asked(PERMISSIONS) == []
    await driver.poll(1800)
    assert Action.CHARGING in driver.device("car-0").controls


@pytest.mark.parametrize(
    ("permissions", "unreadable"),
    [
        (Permissions.SHARED, 0),
        (Permissions.EMPTY, 0),
        (Permissions.FORBIDDEN, 5),
        (Permissions.MISSING, 5),
    ],
)
async def test_permissions_that_say_nothing_of_us_forbid_nothing(
    portal: Portal, permissions: Permissions, unreadable: int
) -> None:
    portal.knobs.permissions = permissions
    driver = Driver(portal)
    await driver.poll()
    assert Action.CHARGING in driver.device("car-0").controls
    counts = driver.account.diagnostics()["devices_by_permission_to_command"]
    assert counts == {"allowed": 5, "not_allowed": 0, "unreadable": unreadable}


async def test_permissions_that_can_not_be_asked_now_are_asked_soon_and_cost_nothing_else(
    portal: Portal,
) -> None:
    portal.fault(faults.Status(status=503), PERMISSIONS)
    driver = Driver(portal)
    await driver.poll()
    assert driver.device("car-0").controls == {}
    assert driver.device("car-0").flags[Flag.CHARGING] is False
    portal.sim.faults.clear()
    await driver.poll(600)
    assert Action.CHARGING in driver.device("car-0").controls


async def test_an_entity_whose_readings_are_refused_offers_nothing_and_says_why(
    portal: Portal,
) -> None:
    portal.knobs.not_shared = frozenset({portal.id("wallbox-0"), portal.id("car-0")})
    driver = Driver(portal)
    poll = await driver.poll()
    assert driver.device("wallbox-0").controls == {}
    told = {one.subject: one for one in poll.snapshot.advice}
    assert set(told) == portal.knobs.not_shared
    assert {one.kind for one in told.values()} == {AdviceKind.NO_VIEWER_PERMISSION}
    assert {one.severity for one in told.values()} == {Severity.WARNING}
    assert told[portal.id("wallbox-0")].placeholders == {"device": "Wallbox 1"}
    assert told[portal.id("car-0")].placeholders == {"device": "Voltara EV"}  # it has no name
    # Cleared from the fresh data alone.
    portal.knobs.not_shared = frozenset()
    poll = await driver.poll(6 * 3600)
    assert poll.snapshot.advice == ()
    poll = await driver.poll(30)
    assert Action.CHARGING in driver.device("wallbox-0").controls


async def test_an_entity_of_which_nothing_is_known_but_its_id(portal: Portal) -> None:
    portal.knobs.not_shared = frozenset({portal.id("meter")})
    portal.knobs.hidden = frozenset({portal.id("meter")})
    account = portal.open(entity_ids=[portal.id("meter")])
    advice = (await account.poll()).snapshot.advice
    assert [one.placeholders for one in advice] == [{"device": portal.id("meter")}]


# What is sent, and what comes of it


async def test_a_charge_is_stopped_and_started_again(driver: Driver) -> None:
    await driver.until_charging()
    order = driver.perform("wallbox-0", Action.CHARGING, False)
    assert driver.shown("wallbox-0") == Switch(
        value=False, at=driver.device("wallbox-0").moments[Moment.LAST_MEASURED]
    )
    assert await order.settled() == CONFIRMED
    (sent,) = driver.sent()
    assert (sent.status, sent.query, sent.content_type) == (201, (), "application/json")
    assert sent.facts["command"] == "StopCharging"
    # The reading is of before: it does not bounce the switch back.
    await driver.poll()
    assert driver.device("wallbox-0").flags[Flag.CHARGING] is True
    shown = driver.shown("wallbox-0")
    assert isinstance(shown, Switch)
    assert shown.value is False
    await driver.poll(300)
    assert driver.device("wallbox-0").flags[Flag.CHARGING] is False
    assert driver.shown("wallbox-0") == driver.device("wallbox-0").controls[Action.CHARGING]
    driver.clock.advance(600)
    assert await driver.charge("wallbox-0", True) == CONFIRMED
    await driver.poll(360)
    assert driver.device("wallbox-0").flags[Flag.CHARGING] is True


async def test_a_device_that_was_told_something_is_read_every_minute_until_it_shows(
    driver: Driver,
) -> None:
    await driver.until_charging()
    await driver.charge("wallbox-0", False)
    path = f"/connect/v1/entities/{driver.portal.id('wallbox-0')}/readings/last"
    polls = 0
    while driver.device("wallbox-0").flags[Flag.CHARGING]:
        driver.portal.sim.journal.clear()
        poll = await driver.poll(61)
        polls += 1
        assert len(driver.portal.asked(path)) == 1
        assert poll.again.total_seconds() <= 60
    assert 2 <= polls <= 6
    driver.portal.sim.journal.clear()
    await driver.poll(1)
    await driver.poll(61)
    assert len(driver.portal.asked(path)) <= 1


async def test_a_device_that_never_shows_is_read_often_for_a_quarter_of_an_hour(
    driver: Driver,
) -> None:
    await driver.until_charging()
    path = f"/connect/v1/entities/{driver.portal.id('wallbox-0')}/readings/last"
    driver.portal.fault(faults.Status(status=404), path)
    await driver.charge("wallbox-0", False)
    driver.portal.sim.journal.clear()
    for _ in range(30):
        await driver.poll(60)
    assert 16 <= len(driver.portal.asked(path)) <= 19


@pytest.mark.parametrize(("limit", "text"), [(2500.0, "2500"), (0, "0"), (1234.6, "1235")])
async def test_a_feed_in_limit(driver: Driver, limit: float, text: str) -> None:
    assert await driver.tell("plant", Action.LIMIT_FEED_IN, limit) == CONFIRMED
    (issued,) = driver.portal.sim.traxes.desk.given(
        driver.portal.sim.traxes.units()[driver.portal.id("plant")],
        START,
        driver.clock.now(),
    )
    assert (issued.type, issued.value) == ("LimitFeedIn", text)
    # Nobody reads it back: what was confirmed is shown.
    await driver.poll(3600)
    shown = driver.shown("plant", Action.LIMIT_FEED_IN)
    assert isinstance(shown, Range)
    assert shown.value == limit
    assert await driver.tell("plant", Action.STOP_FEED_IN) == CONFIRMED
    assert driver.sent()[-1].facts["command"] == "StopFeedIn"
    shown = driver.shown("plant", Action.LIMIT_FEED_IN)
    assert isinstance(shown, Range)
    assert shown.value is None


@pytest.mark.parametrize("limit", [-1.0, 1_000_001.0, float("nan")])
async def test_a_limit_out_of_range_is_not_sent(driver: Driver, limit: float) -> None:
    error = await refused(driver, "plant", Action.LIMIT_FEED_IN, limit)
    assert (error.reason, error.limits) == (Refusal.OUT_OF_RANGE, (0, 1_000_000))
    assert driver.sent() == []


async def test_what_a_device_is_not_told(driver: Driver) -> None:
    error = await refused(driver, "meter", Action.CHARGING, True)
    assert error.reason is Refusal.NOT_OFFERED
    with pytest.raises(CommandRefused) as told:
        await driver.account.orders._send(
            Command(driver.portal.id("wallbox-0"), Action.MAX_CURRENT, 16)
        )
    assert told.value.reason is Refusal.NOT_OFFERED
    assert driver.sent() == []


async def test_a_device_that_charges_already(driver: Driver) -> None:
    await driver.until_charging()
    assert await driver.charge("wallbox-0", True) == CONFIRMED


@pytest.mark.parametrize(("status", "wanted"), [(400, True), (409, True), (422, True)])
async def test_refused_because_it_is_so_already(driver: Driver, status: int, wanted: bool) -> None:
    await driver.until_charging()
    driver.portal.fault(
        faults.Shape(payload={"code": "Conflict", "message": "No change."}, status=status),
        COMMANDS,
        method="POST",
    )
    assert await driver.charge("wallbox-0", wanted) == CONFIRMED


async def test_failed_because_it_is_so_already(driver: Driver) -> None:
    await driver.until_charging()
    driver.portal.knobs.command_fate = CommandFate.FAIL
    assert await driver.charge("wallbox-0", True) == CONFIRMED
    driver.clock.advance(600)
    outcome = await driver.charge("wallbox-0", False)
    assert outcome == Outcome(
        State.FAILED, Refusal.DEVICE_FAILED, "DeviceError: The device did not answer."
    )


async def test_what_it_did_before_its_last_command_says_nothing(driver: Driver) -> None:
    """A stop that fails just after a start is no success for an old reading's sake."""
    await driver.until_charging()
    await driver.charge("wallbox-0", False)
    await driver.go(600)  # read as not charging
    assert driver.device("wallbox-0").flags[Flag.CHARGING] is False
    driver.portal.knobs.cooldown = 0
    # No reading is newer than this.
    driver.portal.fault(faults.Status(status=503), LAST)
    await driver.charge("wallbox-0", True)
    driver.portal.sim.faults.clear()
    driver.portal.knobs.command_fate = CommandFate.FAIL
    outcome = await driver.charge("wallbox-0", False)
    assert outcome.state is State.FAILED


@pytest.mark.parametrize("place", ["wallbox-0", "car-0"])
async def test_unplugged(driver: Driver, place: str) -> None:
    await driver.until_unplugged()
    outcome = await driver.charge(place, True)
    assert outcome == Outcome(
        State.FAILED,
        Refusal.UNPLUGGED,
        "NotPluggedIn: There is no vehicle at the plug.",
    )
    shown = driver.shown(place)
    assert isinstance(shown, Switch)
    assert shown.value is False


async def test_unplugged_told_at_once(driver: Driver) -> None:
    await driver.until_unplugged()
    driver.portal.fault(
        faults.Shape(payload={"code": "Invalid", "message": "Not now."}, status=422),
        COMMANDS,
        method="POST",
    )
    error = await refused(driver, "wallbox-0", Action.CHARGING, True)
    assert (error.reason, error.detail) == (Refusal.UNPLUGGED, "Not now.")


async def test_full(driver: Driver) -> None:
    session = await driver.until_charging()
    await driver.go((session.end - driver.clock.now()).total_seconds() + 600)
    driver.portal.fault(
        faults.merge_patch({"data": {"stateOfCharge": {"value": 100, "unit": "%"}}}),
        f"/connect/v1/entities/{driver.portal.id('car-0')}/readings/last",
    )
    outcome = await driver.charge("car-0", True)
    assert (outcome.state, outcome.reason) == (State.FAILED, Refusal.FULL)


@pytest.mark.parametrize("status", [409, 422, 429])
@pytest.mark.parametrize("told", [True, False])
async def test_the_cooldown_is_told_with_its_minutes(
    driver: Driver, status: int, told: bool
) -> None:
    knobs = driver.portal.knobs
    knobs.cooldown_status, knobs.cooldown_told = status, told
    await driver.until_charging()
    await driver.charge("wallbox-0", False)
    driver.clock.advance(120)
    error = await refused(driver, "wallbox-0", Action.CHARGING, True)
    assert error.reason is Refusal.COOLDOWN
    assert error.detail == "The entity is in its cooldown period."
    assert error.retry_after == pytest.approx(600 - 120, abs=8)
    # It concerns this device alone.
    assert driver.account.diagnostics()["quiet_for"] == 0
    assert await driver.tell("plant", Action.STOP_FEED_IN) == CONFIRMED
    driver.clock.advance(error.retry_after or 0)
    assert await driver.charge("wallbox-0", True) == CONFIRMED


async def test_the_cooldown_after_a_command_of_another_application(driver: Driver) -> None:
    await driver.until_charging()
    sim, place = driver.portal.sim.traxes, driver.portal.id("wallbox-0")
    sim.desk.take(
        sim.units()[place], {"type": "StartCharging"}, hasty=False, now=driver.clock.now()
    )
    driver.clock.advance(300)
    driver.portal.fault(  # in words that nobody knows
        faults.Shape(payload={"message": "Nu niet."}, status=409), COMMANDS, method="POST"
    )
    error = await refused(driver, "wallbox-0", Action.CHARGING, False)
    assert error.reason is Refusal.COOLDOWN
    assert error.retry_after == pytest.approx(300, abs=2)


async def test_a_cooldown_of_which_nothing_else_is_known(driver: Driver) -> None:
    body = {"errors": [{"code": "x", "message": "Entity is cooling down"}]}
    driver.portal.fault(faults.Shape(payload=body, status=400), COMMANDS, method="POST")
    driver.portal.fault(faults.Status(status=503), COMMANDS, method="GET")
    error = await refused(driver, "plant", Action.STOP_FEED_IN, None)
    assert (error.reason, error.retry_after) == (Refusal.COOLDOWN, 600)


async def test_in_the_cooldown_what_is_so_already_is_done(driver: Driver) -> None:
    await driver.until_charging()
    await driver.charge("wallbox-0", False)
    await driver.go(400)
    assert driver.device("wallbox-0").flags[Flag.CHARGING] is False
    assert await driver.charge("wallbox-0", False) == CONFIRMED
    assert [one.status for one in driver.sent()] == [201, 409]


async def test_a_cooldown_found_out_too_late(driver: Driver) -> None:
    await driver.until_charging()
    await driver.charge("wallbox-0", False)
    driver.clock.advance(60)
    body: dict[str, JsonValue] = {
        "status": "Failed",
        "error": {"title": "Cooldown", "description": "Too soon."},
    }
    driver.portal.knobs.cooldown = 0
    driver.portal.fault(faults.merge_patch(body), COMMAND)
    error = await refused(driver, "wallbox-0", Action.CHARGING, True)
    assert (error.reason, error.detail) == (Refusal.COOLDOWN, "Cooldown: Too soon.")
    assert 480 < (error.retry_after or 0) <= 540


async def test_no_permission(driver: Driver) -> None:
    await driver.until_charging()
    driver.portal.knobs.viewer_only = frozenset({driver.portal.id("wallbox-0")})
    error = await refused(driver, "wallbox-0", Action.CHARGING, False)
    assert error.reason is Refusal.NO_PERMISSION
    assert error.detail == "At least Contributor permission is needed."
    shown = driver.shown("wallbox-0")
    assert isinstance(shown, Switch)
    assert shown.value is True


async def test_a_device_that_is_gone(driver: Driver) -> None:
    driver.portal.knobs.cars = 1
    error = await refused(driver, "wallbox-1", Action.CHARGING, True)
    assert error.reason is Refusal.DEVICE_GONE
    # It was told nothing, and the account of it goes on.
    await driver.poll(1800)
    assert driver.portal.id("wallbox-1") not in driver.devices
    error = await refused(driver, "wallbox-1", Action.CHARGING, True)
    assert error.reason is Refusal.DEVICE_GONE


async def test_a_device_that_went_while_it_was_told(driver: Driver) -> None:
    """Its last reading can't be looked at any more; the provider's words are all there is."""
    driver.portal.fault(
        faults.Shape(payload={"message": "Nee."}, status=422), COMMANDS, method="POST"
    )
    order = driver.perform("wallbox-1", Action.CHARGING, True)
    driver.portal.knobs.cars = 1
    driver.clock.advance(1800)
    await driver.account.poll()
    with pytest.raises(CommandRefused) as told:
        await order.settled()
    assert told.value.reason in {Refusal.NOT_POSSIBLE_NOW, Refusal.DEVICE_GONE}


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_refusal_in_the_providers_own_words(driver: Driver, status: int) -> None:
    body = {"errors": [{"code": "CommandNotSupported", "message": "Not for this maker."}]}
    driver.portal.fault(faults.Shape(payload=body, status=status), COMMANDS, method="POST")
    error = await refused(driver, "plant", Action.STOP_FEED_IN, None)
    assert (error.reason, error.detail) == (Refusal.NOT_POSSIBLE_NOW, "Not for this maker.")


@pytest.mark.parametrize(
    ("action", "kind", "reason"),
    [
        (faults.Status(status=503), Unavailable, Reason.SERVER_ERROR),
        (faults.Html(status=403), Unavailable, Reason.BLOCKED),
        (faults.Status(status=405), UnexpectedResponse, Reason.REQUEST_REFUSED),
        (faults.Status(status=429), RateLimited, Reason.RATE_LIMITED),
        (faults.Html(), UnexpectedResponse, Reason.HTML_PAGE),
    ],
)
async def test_a_provider_in_trouble(
    driver: Driver, action: faults.Action, kind: type[ApiError], reason: Reason
) -> None:
    driver.portal.fault(action, COMMANDS)
    with pytest.raises(kind) as told:
        await driver.tell("plant", Action.STOP_FEED_IN)
    assert told.value.reason is reason
    # What failed leaves nothing behind.
    driver.portal.sim.faults.clear()
    driver.clock.advance(driver.account.diagnostics()["quiet_for"])
    assert await driver.tell("plant", Action.STOP_FEED_IN) == CONFIRMED


@pytest.mark.parametrize("action", [faults.Reset(after=5), faults.Truncated(keep=0.5)])
async def test_an_answer_that_was_lost_is_found_again(
    driver: Driver, action: faults.Action
) -> None:
    """The command may have been taken; to send it again would only meet the cooldown."""
    await driver.until_charging()
    driver.portal.fault(action, COMMANDS, method="POST")
    assert await driver.charge("wallbox-0", False) == CONFIRMED
    assert len(driver.sent()) == 1


async def test_a_refusal_that_is_no_json(driver: Driver) -> None:
    driver.portal.fault(faults.Status(status=409), COMMANDS, method="POST")
    error = await refused(driver, "plant", Action.STOP_FEED_IN, None)
    assert (error.reason, error.detail) == (Refusal.NOT_POSSIBLE_NOW, None)


async def test_an_answer_that_was_lost_for_good(driver: Driver) -> None:
    driver.portal.fault(faults.Reset(after=0), COMMANDS)
    with pytest.raises(Unavailable) as told:
        await driver.tell("plant", Action.STOP_FEED_IN)
    assert told.value.reason is Reason.CONNECTION_LOST
    driver.portal.sim.faults.clear()
    # It had been taken, as the next one finds.
    error = await refused(driver, "plant", Action.STOP_FEED_IN, None)
    assert error.reason is Refusal.COOLDOWN


async def test_a_lost_answer_is_not_an_older_command(driver: Driver) -> None:
    await driver.until_charging()
    await driver.charge("wallbox-0", False)
    driver.clock.advance(5)
    driver.portal.fault(faults.Status(status=502), COMMANDS, method="POST")
    with pytest.raises(Unavailable):
        await driver.charge("wallbox-0", True)
    driver.clock.advance(5)
    # The same again, and still nothing of it in the list but the first one.
    with pytest.raises(Unavailable):
        await driver.account.orders._send(
            Command(driver.portal.id("wallbox-0"), Action.CHARGING, False)
        )


async def test_a_command_without_an_id_is_found_again(driver: Driver) -> None:
    await driver.until_charging()
    driver.portal.fault(faults.merge_patch({"id": None}), COMMANDS, method="POST")
    assert await driver.charge("wallbox-0", False) == CONFIRMED


async def test_a_command_that_nobody_finds_has_no_outcome(driver: Driver) -> None:
    driver.portal.fault(faults.Shape(payload={}, status=200), COMMANDS)
    outcome = await driver.tell("plant", Action.STOP_FEED_IN)
    assert outcome == Outcome(State.UNKNOWN, Refusal.NO_OUTCOME)


async def test_a_command_that_is_withdrawn(driver: Driver) -> None:
    await driver.until_charging()
    driver.portal.knobs.command_fate = CommandFate.CANCEL
    outcome = await driver.charge("wallbox-0", False)
    assert (outcome.state, outcome.reason) == (State.CANCELLED, Refusal.WITHDRAWN)
    shown = driver.shown("wallbox-0")
    assert isinstance(shown, Switch)
    assert shown.value is True


async def test_an_outcome_that_never_comes(driver: Driver) -> None:
    await driver.until_charging()
    driver.portal.knobs.command_fate = CommandFate.HANG
    driver.portal.sim.journal.clear()
    outcome = await driver.charge("wallbox-0", False)
    assert outcome == Outcome(State.UNKNOWN, Refusal.NO_OUTCOME)
    looks = driver.portal.asked(COMMAND)
    assert 80 < len(looks) < 100  # every 2 s for a minute, then every half, for half an hour
    shown = driver.shown("wallbox-0")
    assert isinstance(shown, Switch)
    assert shown.value is True


@pytest.mark.parametrize(
    ("verification", "outcome", "within"),
    [
        (Verification.NONE, CONFIRMED, 8),
        (Verification.SUCCEED, CONFIRMED, 12),
        (Verification.HANG, CONFIRMED, 40),
        (
            Verification.FAIL,
            Outcome(State.FAILED, Refusal.DEVICE_FAILED, "NotVerified: No reading shows it."),
            12,
        ),
    ],
)
async def test_a_verification_is_waited_for_but_not_for_ever(
    driver: Driver, verification: Verification, outcome: Outcome, within: float
) -> None:
    driver.portal.knobs.verification = verification
    began = driver.clock.monotonic()
    assert await driver.tell("plant", Action.STOP_FEED_IN) == outcome
    assert driver.clock.monotonic() - began <= within


async def test_a_command_that_is_over_at_once(driver: Driver) -> None:
    driver.portal.knobs.command_seconds = 0
    driver.portal.sim.journal.clear()
    assert await driver.tell("plant", Action.STOP_FEED_IN) == CONFIRMED
    assert driver.portal.asked(COMMAND) == []


async def test_odd_answers_while_waiting_are_no_outcome(driver: Driver) -> None:
    driver.portal.fault(faults.Shape(payload=[]), COMMAND, times=1)
    driver.portal.fault(faults.Status(status=503), COMMAND, times=2, after=0)
    driver.portal.fault(faults.merge_patch({"status": "Levitating"}), COMMAND, times=1)
    assert await driver.tell("plant", Action.STOP_FEED_IN) == CONFIRMED


async def test_a_reading_that_can_not_be_had_explains_nothing(driver: Driver) -> None:
    await driver.until_unplugged()
    driver.portal.fault(faults.Status(status=503), LAST)
    outcome = await driver.charge("wallbox-0", True)
    assert (outcome.state, outcome.reason) == (State.FAILED, Refusal.DEVICE_FAILED)


async def test_an_old_reading_explains_nothing(driver: Driver) -> None:
    await driver.until_charging()
    driver.portal.fault(faults.merge_patch({"measured": "2026-03-01T00:00:00Z"}), LAST)
    driver.portal.knobs.command_fate = CommandFate.FAIL
    account = driver.portal.open()
    driver.account = account
    await driver.poll()
    outcome = await driver.charge("wallbox-0", True)  # as it did two days ago
    assert outcome.state is State.FAILED


async def test_two_commands_at_once(driver: Driver) -> None:
    """The newer one counts; the cooldown refuses it, and the older one goes on."""
    await driver.until_charging()
    first = driver.perform("wallbox-0", Action.CHARGING, False)
    await first.answered.wait()
    second = driver.perform("wallbox-0", Action.CHARGING, True)
    with pytest.raises(CommandRefused) as told:
        await second.settled()
    assert told.value.reason is Refusal.COOLDOWN
    assert await first.settled() == CONFIRMED
    assert [one.status for one in driver.sent()] == [201, 409]


async def test_the_end_of_home_assistant_in_between(driver: Driver) -> None:
    driver.portal.knobs.command_fate = CommandFate.HANG
    order = driver.perform("plant", Action.STOP_FEED_IN)
    await order.answered.wait()
    driver.account.orders.close()
    assert await order.settled() == Outcome(State.UNKNOWN, Refusal.STOPPED)
    with pytest.raises(CommandRefused):
        driver.perform("plant", Action.STOP_FEED_IN)
    # Another start reads what became of it.
    driver.account = driver.portal.open()
    await driver.poll()
    assert Action.STOP_FEED_IN in driver.device("plant").controls


async def test_a_wrong_secret_meets_a_command_first(driver: Driver) -> None:
    driver.portal.sim.traxes.revoke_tokens()
    driver.portal.knobs.client_secret = "changed"
    with pytest.raises(CredentialsRejected):
        await driver.tell("plant", Action.STOP_FEED_IN)


async def test_a_token_endpoint_in_trouble_is_no_answer_to_a_command(driver: Driver) -> None:
    driver.portal.sim.traxes.revoke_tokens()
    driver.portal.knobs.application = Application.NO_SCOPE
    with pytest.raises(NotPermitted) as told:
        await driver.tell("plant", Action.STOP_FEED_IN)
    assert told.value.reason is Reason.GRANT_NOT_ALLOWED
    driver.portal.knobs.application = Application.READY
    driver.portal.fault(faults.Status(status=404), TOKEN)
    with pytest.raises(UnexpectedResponse) as missing:
        await driver.tell("plant", Action.STOP_FEED_IN)
    assert missing.value.reason is Reason.NOT_FOUND
