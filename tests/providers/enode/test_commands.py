"""Enode's devices are told something, and what becomes of it."""

import asyncio
from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any

import pytest

from custom_components.energy_connect.core.commands import (
    CONFIRMED,
    GIVE_UP,
    Command,
    Order,
    Outcome,
    State,
)
from custom_components.energy_connect.core.controls import ClimateSetting, Value
from custom_components.energy_connect.core.errors import (
    ApiError,
    CommandRefused,
    CredentialsRejected,
    RateLimited,
    Reason,
    Refusal,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.model import Device
from custom_components.energy_connect.core.offers import Controllable
from custom_components.energy_connect.core.vocabulary import (
    Action,
    Flag,
    HoldType,
    HvacMode,
    OperationMode,
)
from custom_components.energy_connect.providers.enode.access import Access
from custom_components.energy_connect.providers.enode.account import EnodeAccount
from custom_components.energy_connect.providers.enode.commands import Commands
from simulator.enode import ALL_SCOPES, PRODUCTION
from simulator.enode.acting import Memory
from simulator.enode.assets import asset_id
from simulator.faults import Html, Rewrite, Shape, Status, rate_limited
from simulator.payload import JsonValue

from .conftest import Home

CAR = asset_id("vehicle 0")
BOX = asset_id("charger 0")
BATTERY = asset_id("battery")
HVAC = asset_id("Hall heat pump")
METER = asset_id("meter")
HEAT = ClimateSetting(mode=HvacMode.HEAT, heat=20, hold=HoldType.PERMANENT)


class Driver:
    """Tells the devices of an account something, as Home Assistant's side does."""

    def __init__(self, home: Home, **entered: Any) -> None:
        self.home = home
        self.account = EnodeAccount(home.context(**entered))

    @property
    def memory(self) -> Memory:
        return self.home.server.memories[PRODUCTION]

    async def poll(self) -> Mapping[str, Device]:
        devices = (await self.account.poll()).snapshot.devices
        self.account.orders.see(devices)
        self.devices = devices
        return devices

    def begin(self, device_id: str, action: Action, value: Value = None) -> Order:
        return self.account.orders.perform(Command(device_id, action, value))

    async def tell(self, device_id: str, action: Action, value: Value = None) -> Outcome:
        return await self.begin(device_id, action, value).settled()

    async def refused(self, device_id: str, action: Action, value: Value = None) -> CommandRefused:
        with pytest.raises(CommandRefused) as raised:
            await self.tell(device_id, action, value)
        return raised.value

    async def failed(self, device_id: str, action: Action, value: Value = None) -> ApiError:
        with pytest.raises(ApiError) as raised:
            await self.tell(device_id, action, value)
        return raised.value

    def read(self, device_id: str, action: Action) -> Any:
        """Return a control's value as it was read."""
        control: Any = self.devices[device_id].controls[action]
        return control.value

    def shown(self, device_id: str, action: Action) -> Any:
        """Return a control's value as a person sees it."""
        control: Any = self.account.orders.shown(self.devices[device_id], action)
        return control.value

    def sent(self) -> list[tuple[str, str]]:
        """Return the commands that went out since the last call."""
        requests = self.home.sim.journal.requests(provider="enode", origin="api")
        self.home.sim.journal.clear()
        return [
            (request.method, request.path.split("/", 2)[2])
            for request in requests
            if request.method != "GET"
        ]


@pytest.fixture
async def driver(home: Home) -> Driver:
    """Return a driver in the evening: the cars are there and have room."""
    home.plug_in()
    driver = Driver(home)
    await driver.poll()
    driver.sent()
    return driver


# Charging


def test_account_can_be_told_something(home: Home) -> None:
    assert isinstance(home.account(), Controllable)


@pytest.mark.parametrize(("device", "path"), [(CAR, "vehicles"), (BOX, "chargers")])
async def test_charging_starts_and_stops(driver: Driver, device: str, path: str) -> None:
    assert driver.read(device, Action.CHARGING) is False

    assert await driver.tell(device, Action.CHARGING, True) == CONFIRMED
    assert driver.sent() == [("POST", f"{path}/{device}/charging")]
    await driver.poll()
    assert driver.read(device, Action.CHARGING) is True
    assert driver.devices[device].flags[Flag.CHARGING] is True

    assert await driver.tell(device, Action.CHARGING, False) == CONFIRMED
    await driver.poll()
    assert driver.read(device, Action.CHARGING) is False


async def test_wanted_state_is_shown_while_the_action_is_pending(driver: Driver) -> None:
    order = driver.begin(CAR, Action.CHARGING, True)
    await order.answered.wait()

    assert order.outcome.state is State.PENDING
    assert driver.shown(CAR, Action.CHARGING) is True
    await order.settled()


async def test_reading_from_before_the_action_was_done_does_not_bounce_it_back(
    driver: Driver, home: Home
) -> None:
    home.server.knobs.reads_when_confirmed = False
    home.server.knobs.action_seconds = 400
    order = driver.begin(CAR, Action.CHARGING, True)
    await order.settled()

    # Enode read the car after it took the command, and before the car did it.
    await driver.poll()
    assert driver.read(CAR, Action.CHARGING) is False
    control: Any = driver.devices[CAR].controls[Action.CHARGING]
    assert home.clock.now() - timedelta(seconds=400) < control.at
    assert driver.shown(CAR, Action.CHARGING) is True

    home.advance(420)
    await driver.poll()
    assert driver.read(CAR, Action.CHARGING) is True


@pytest.mark.parametrize(
    ("knobs", "outcome"),
    [
        ({"actions": "fail"}, (State.FAILED, Refusal.NO_RESPONSE)),
        ({"actions": "fail", "failure": None}, (State.FAILED, Refusal.DEVICE_FAILED)),
        ({"actions": "fail", "failure": "SUNSPOTS"}, (State.FAILED, Refusal.DEVICE_FAILED)),
        (
            {"actions": "fail", "failure": "FAILED_PRECONDITION"},
            (State.FAILED, Refusal.NOT_POSSIBLE_NOW),
        ),
        ({"actions": "fail", "failure": "NOT_FOUND"}, (State.FAILED, Refusal.DEVICE_GONE)),
        (
            {
                "actions": "fail",
                "failure": "FAILED_PRECONDITION",
                "failure_detail": "The vehicle was unplugged.",
            },
            (State.FAILED, Refusal.UNPLUGGED),
        ),
        (
            {"actions": "cancel", "failure": "CONFLICT"},
            (State.CANCELLED, Refusal.CONFLICT),
        ),
        (
            {"actions": "cancel", "failure": "REQUESTED_CANCELLATION"},
            (State.CANCELLED, Refusal.WITHDRAWN),
        ),
        ({"actions": "cancel", "failure": None}, (State.CANCELLED, Refusal.WITHDRAWN)),
        # It was so already: that is what was wanted.
        ({"actions": "fail", "failure": "UNNECESSARY"}, (State.CONFIRMED, None)),
        ({"actions": "cancel", "failure": "UNNECESSARY"}, (State.CONFIRMED, None)),
        # It is over when it is answered.
        (
            {"actions": "cancel", "failure": None, "action_seconds": 0.0},
            (State.CANCELLED, Refusal.WITHDRAWN),
        ),
    ],
)
async def test_action_that_comes_to_nothing_says_why(
    driver: Driver, knobs: dict[str, JsonValue], outcome: tuple[State, Refusal | None]
) -> None:
    driver.home.server.knobs.turn(knobs)

    told = await driver.tell(CAR, Action.CHARGING, True)

    assert (told.state, told.reason) == outcome
    if told.state is not State.CONFIRMED:
        # The true state is shown again.
        assert driver.shown(CAR, Action.CHARGING) is False
        said = driver.home.server.knobs.failure_detail
        assert told.detail == (said if driver.home.server.knobs.failure else None)


async def test_car_that_turns_out_to_be_full_is_told_by_its_charger(
    driver: Driver, home: Home
) -> None:
    home.until(home.session_of().end + timedelta(minutes=20))
    await driver.poll()

    told = await driver.tell(BOX, Action.CHARGING, True)

    assert (told.state, told.reason) == (State.FAILED, Refusal.FULL)


async def test_outcome_that_never_arrives_is_unknown_after_half_an_hour(
    driver: Driver, home: Home
) -> None:
    home.server.knobs.actions = "hang"
    began = home.clock.monotonic()

    told = await driver.tell(CAR, Action.CHARGING, True)

    assert told == Outcome(State.UNKNOWN, Refusal.NO_OUTCOME)
    assert home.clock.monotonic() - began >= GIVE_UP
    assert driver.shown(CAR, Action.CHARGING) is False


async def test_action_that_enode_forgot_is_unknown_at_once(driver: Driver, home: Home) -> None:
    home.fail(Status(status=404), "vehicles/actions/*")

    told = await driver.tell(CAR, Action.CHARGING, True)

    assert told == Outcome(State.UNKNOWN, Refusal.NO_OUTCOME)


@pytest.mark.parametrize("trouble", [Status(status=503), Html(), Shape(payload={"state": 7})])
async def test_trouble_while_looking_is_no_outcome(
    driver: Driver, home: Home, trouble: Any
) -> None:
    home.fail(trouble, "vehicles/actions/*", times=3)

    assert await driver.tell(CAR, Action.CHARGING, True) == CONFIRMED


async def test_bad_request_while_looking_is_no_outcome(driver: Driver, home: Home) -> None:
    home.fail(Status(status=400), "vehicles/actions/*", times=1)

    assert await driver.tell(CAR, Action.CHARGING, True) == CONFIRMED


async def test_sign_in_that_is_lost_while_looking_ends_it(driver: Driver, home: Home) -> None:
    home.fail(Shape(payload={}, status=401), "vehicles/actions/*")

    told = await driver.tell(CAR, Action.CHARGING, True)

    assert (told.state, told.reason) == (State.UNKNOWN, Reason.INVALID_CREDENTIALS)


@pytest.mark.parametrize("answer", [Html(), Shape(payload={}), Shape(payload=["yes"])])
async def test_command_whose_answer_can_not_be_read_was_taken_all_the_same(
    driver: Driver, home: Home, answer: Any
) -> None:
    home.fail(answer, "vehicles/*/charging")

    told = await driver.tell(CAR, Action.CHARGING, True)

    assert told == Outcome(State.UNKNOWN, Refusal.NO_OUTCOME)


async def test_state_that_is_not_known_is_none_that_ends_it(driver: Driver, home: Home) -> None:
    def unknown(payload: JsonValue) -> JsonValue:
        assert isinstance(payload, dict)
        return payload | {"state": "PONDERING"}

    home.fail(Rewrite(bend=unknown), "vehicles/actions/*", times=2)

    assert await driver.tell(CAR, Action.CHARGING, True) == CONFIRMED


# Refusals


async def test_unplugged(home: Home) -> None:
    driver = Driver(home)
    home.plug_in()
    car = home.sim.house.car_park.car(0)
    while car.state(home.clock.now()).plugged_in:
        home.advance(900)
    home.advance(900)
    await driver.poll()

    for value in (True, False):
        error = await driver.refused(CAR, Action.CHARGING, value)
        assert (error.reason, error.detail) == (
            Refusal.UNPLUGGED,
            "The vehicle is not plugged in",
        )
    assert (await driver.refused(CAR, Action.CHARGE_NOW)).reason is Refusal.UNPLUGGED
    assert driver.shown(CAR, Action.CHARGING) is False


async def test_full(driver: Driver, home: Home) -> None:
    home.until(home.session_of().end + timedelta(minutes=20))
    await driver.poll()

    assert (await driver.refused(CAR, Action.CHARGING, True)).reason is Refusal.FULL
    assert (await driver.refused(CAR, Action.CHARGE_NOW)).reason is Refusal.FULL


async def test_already_so_is_done(driver: Driver, home: Home) -> None:
    assert await driver.tell(CAR, Action.CHARGING, False) == CONFIRMED
    home.until(home.session_of().start + timedelta(minutes=10))
    await driver.poll()

    assert await driver.tell(CAR, Action.CHARGING, True) == CONFIRMED
    assert driver.sent() == [("POST", f"vehicles/{CAR}/charging")] * 2
    assert driver.memory.states.charging == {}


def bad_request(detail: str | None) -> Shape:
    body = {} if detail is None else {"detail": detail, "title": "Bad Request"}
    return Shape(payload=body, status=400)


WORDLESS = bad_request("Precondition failed")


@pytest.mark.parametrize(
    ("value", "said", "reason"),
    [
        (True, "Vehicle is already fully charged", Refusal.FULL),
        (True, "The vehicle is unplugged", Refusal.UNPLUGGED),
        (True, "Vehicle is not connected to a charger", Refusal.UNPLUGGED),
        (True, "Already charging", None),
        (True, "The vehicle is in the desired state", None),
        (True, "Precondition failed", Refusal.NOT_POSSIBLE_NOW),
        (True, None, Refusal.NOT_POSSIBLE_NOW),
        # What was read last says that it does not charge.
        (False, "Precondition failed", None),
        (False, "The vehicle is fully charged", None),
    ],
)
async def test_words_of_a_refusal(
    driver: Driver, home: Home, value: bool, said: str | None, reason: Refusal | None
) -> None:
    home.fail(bad_request(said), "vehicles/*/charging")

    if reason is None:
        assert await driver.tell(CAR, Action.CHARGING, value) == CONFIRMED
    else:
        error = await driver.refused(CAR, Action.CHARGING, value)
        assert (error.reason, error.detail) == (reason, said)


@pytest.mark.parametrize(
    ("hours", "reason"), [(-6.0, Refusal.UNPLUGGED), (0.0, None), (12.0, Refusal.FULL)]
)
async def test_refusal_without_words_is_explained_by_what_was_read(
    driver: Driver, home: Home, hours: float, reason: Refusal | None
) -> None:
    """Before it came home, while it charges, and when it has all."""

    def moved(payload: JsonValue) -> JsonValue:
        assert isinstance(payload, dict)
        for row in payload["data"]:
            row["chargeState"].update(
                isPluggedIn=hours >= 0, isCharging=hours == 0, isFullyCharged=hours > 0
            )
        return payload

    home.fail(Rewrite(bend=moved), "vehicles")
    home.fail(WORDLESS, "vehicles/*/charging")
    await driver.poll()

    if reason is None:
        assert await driver.tell(CAR, Action.CHARGING, True) == CONFIRMED
    else:
        assert (await driver.refused(CAR, Action.CHARGING, True)).reason is reason


@pytest.mark.parametrize(
    ("device", "action", "value"),
    [
        (CAR, Action.CHARGING, True),
        (BOX, Action.MAX_CURRENT, 10),
        (BATTERY, Action.OPERATION_MODE, OperationMode.TIME_OF_USE),
        (HVAC, Action.CLIMATE, HEAT),
    ],
)
async def test_schedule_has_control(
    driver: Driver, device: str, action: Action, value: Value
) -> None:
    driver.home.server.knobs.scheduled = frozenset({"SKODA", "EASEE", "HUAWEI", "SENSIBO"})

    error = await driver.refused(device, action, value)

    assert error.reason is Refusal.UNDER_SCHEDULE
    assert error.detail is not None
    assert error.detail.endswith("is controlled by a schedule")


async def test_scope_that_was_withdrawn(driver: Driver) -> None:
    driver.home.server.knobs.scopes = ALL_SCOPES - {"vehicle:control:charging"}

    error = await driver.refused(CAR, Action.CHARGING, True)

    assert error.reason is Refusal.NO_PERMISSION
    assert error.detail == "The scope vehicle:control:charging was not granted."


async def test_device_that_enode_no_longer_has(driver: Driver) -> None:
    driver.home.server.knobs.vehicles = 0

    for action, value in ((Action.CHARGING, True), (Action.REFRESH, None)):
        assert (await driver.refused(CAR, action, value)).reason is Refusal.DEVICE_GONE
    assert (await driver.refused(CAR, Action.END_CHARGE_NOW)).reason is Refusal.DEVICE_GONE


async def test_device_that_is_gone_since_it_was_shown(driver: Driver, home: Home) -> None:
    # The newest poll does not have it any more; Home Assistant's side has not seen that yet.
    home.server.knobs.vehicles = 0
    await driver.account.poll()

    assert (await driver.refused(CAR, Action.CHARGING, True)).reason is Refusal.DEVICE_GONE


@pytest.mark.parametrize(
    ("trouble", "kind", "reason"),
    [
        (Status(status=503), Unavailable, Reason.SERVER_ERROR),
        (Status(status=403, body="no"), Unavailable, Reason.BLOCKED),
        (Shape(payload={}, status=401), CredentialsRejected, Reason.INVALID_CREDENTIALS),
        (rate_limited("60"), RateLimited, Reason.RATE_LIMITED),
        (Shape(payload={}, status=409), UnexpectedResponse, Reason.REQUEST_REFUSED),
    ],
)
async def test_trouble_is_no_refusal(
    driver: Driver, home: Home, trouble: Any, kind: type[ApiError], reason: Reason
) -> None:
    home.fail(trouble, "vehicles/*/charging")

    error = await driver.failed(CAR, Action.CHARGING, True)

    assert (type(error), error.reason) == (kind, reason)
    assert driver.shown(CAR, Action.CHARGING) is False


async def test_out_of_range_is_refused_here(driver: Driver) -> None:
    for value in (5, 33, float("nan")):
        assert (await driver.refused(BOX, Action.MAX_CURRENT, value)).limits == (6, 32)
    assert driver.sent() == []


async def test_out_of_the_device_s_own_range_is_told_in_enode_s_words(
    driver: Driver, home: Home
) -> None:
    home.fail(bad_request("maxCurrent must not exceed 20 A"), "chargers/*/max-current")

    error = await driver.refused(BOX, Action.MAX_CURRENT, 25)

    assert error.reason is Refusal.NOT_POSSIBLE_NOW
    assert error.detail == "maxCurrent must not exceed 20 A"


async def test_second_command_takes_the_place_of_the_first(driver: Driver, home: Home) -> None:
    home.server.knobs.action_seconds = 10
    first = driver.begin(BOX, Action.MAX_CURRENT, 10)
    await first.answered.wait()
    second = driver.begin(BOX, Action.MAX_CURRENT, 20)

    assert driver.shown(BOX, Action.MAX_CURRENT) == 20
    assert await second.settled() == CONFIRMED
    assert first.replaced
    await driver.poll()
    assert driver.read(BOX, Action.MAX_CURRENT) == 20


async def test_home_assistant_stops_in_between(driver: Driver, home: Home) -> None:
    order = driver.begin(CAR, Action.CHARGING, True)
    await order.answered.wait()

    driver.account.orders.close()
    await asyncio.sleep(0)

    assert order.outcome == Outcome(State.UNKNOWN, Refusal.STOPPED)
    assert (await driver.refused(CAR, Action.CHARGING, True)).reason is Refusal.STOPPED
    # Enode goes on, and the next account reads the true state.
    home.advance(10)
    again = Driver(home)
    await again.poll()
    assert again.read(CAR, Action.CHARGING) is True


async def test_nothing_is_ever_unlinked(driver: Driver) -> None:
    driver.account.orders.close()

    assert [method for method, _ in driver.sent() if method == "DELETE"] == []


# Other commands


@pytest.mark.parametrize("value", [10, 10.0, 12.5])
async def test_maximum_current_of_a_charger(driver: Driver, value: float) -> None:
    assert await driver.tell(BOX, Action.MAX_CURRENT, value) == CONFIRMED

    await driver.poll()
    assert driver.read(BOX, Action.MAX_CURRENT) == value


async def test_maximum_current_of_a_vehicle(driver: Driver, home: Home) -> None:
    home.server.knobs.car_currents = True
    await driver.poll()

    assert await driver.tell(CAR, Action.MAX_CURRENT, 8) == CONFIRMED
    await driver.poll()
    assert driver.read(CAR, Action.MAX_CURRENT) == 8


async def test_operation_mode(driver: Driver) -> None:
    mode = OperationMode.TIME_OF_USE

    assert await driver.tell(BATTERY, Action.OPERATION_MODE, mode) == CONFIRMED
    await driver.poll()
    assert driver.read(BATTERY, Action.OPERATION_MODE) is mode
    # Again: Enode says 400, that it is so already.
    assert await driver.tell(BATTERY, Action.OPERATION_MODE, mode) == CONFIRMED


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (HEAT, (HvacMode.HEAT, 20, None)),
        (
            ClimateSetting(mode=HvacMode.COOL, cool=24, hold=HoldType.PERMANENT),
            (HvacMode.COOL, None, 24),
        ),
        (
            ClimateSetting(mode=HvacMode.AUTO, heat=19, cool=25, hold=HoldType.PERMANENT),
            (HvacMode.AUTO, 19, 25),
        ),
        (ClimateSetting(mode=HvacMode.OFF, hold=HoldType.PERMANENT), (HvacMode.OFF, None, None)),
    ],
)
async def test_thermostat_is_held(
    driver: Driver, value: ClimateSetting, read: tuple[HvacMode, float | None, float | None]
) -> None:
    assert await driver.tell(HVAC, Action.CLIMATE, value) == CONFIRMED

    await driver.poll()
    setting = driver.read(HVAC, Action.CLIMATE)
    assert (setting.mode, setting.heat, setting.cool) == read
    assert setting.hold is HoldType.PERMANENT


async def test_thermostat_follows_its_schedule(driver: Driver, home: Home) -> None:
    home.server.knobs.device_schedules = True
    await driver.poll()

    value = ClimateSetting(hold=HoldType.SCHEDULED)
    assert await driver.tell(HVAC, Action.CLIMATE, value) == CONFIRMED
    await driver.poll()
    assert driver.read(HVAC, Action.CLIMATE).hold is HoldType.SCHEDULED


async def test_bad_setpoint_is_told_in_enode_s_words(driver: Driver) -> None:
    value = ClimateSetting(mode=HvacMode.HEAT, heat=40, hold=HoldType.PERMANENT)

    error = await driver.refused(HVAC, Action.CLIMATE, value)

    assert (error.reason, error.detail) == (
        Refusal.NOT_POSSIBLE_NOW,
        "heatSetpoint is out of range",
    )


async def test_policy_of_smart_charging(driver: Driver) -> None:
    assert await driver.tell(CAR, Action.READY_BY, time(6, 30)) == CONFIRMED
    assert await driver.tell(CAR, Action.MINIMUM_CHARGE, 20) == CONFIRMED
    assert await driver.tell(CAR, Action.SMART_CHARGING, True) == CONFIRMED

    # What was not named stayed.
    assert driver.memory.states.policies[CAR] == {
        "isEnabled": True,
        "deadline": "06:30",
        "minimumChargeLimit": 20,
    }
    assert driver.shown(CAR, Action.READY_BY) == time(6, 30)
    await driver.poll()
    assert driver.read(CAR, Action.SMART_CHARGING) is True
    assert driver.read(CAR, Action.READY_BY) == time(6, 30)
    assert driver.read(CAR, Action.MINIMUM_CHARGE) == 20


async def test_smart_charging_without_a_deadline(driver: Driver) -> None:
    error = await driver.refused(CAR, Action.SMART_CHARGING, True)

    assert (error.reason, error.detail) == (
        Refusal.NOT_POSSIBLE_NOW,
        "Smart charging needs a deadline",
    )
    assert driver.shown(CAR, Action.SMART_CHARGING) is False


async def test_another_user_who_has_already_the_vehicle_is_a_refusal(
    driver: Driver, home: Home
) -> None:
    said = "Another user has already activated smart charging for the same vehicle"
    home.fail(bad_request(said), "vehicles/*/smart-charging-policy")

    error = await driver.refused(CAR, Action.SMART_CHARGING, True)

    assert (error.reason, error.detail) == (Refusal.NOT_POSSIBLE_NOW, said)


async def test_override_of_smart_charging(driver: Driver) -> None:
    await driver.tell(CAR, Action.READY_BY, time(6, 30))
    await driver.tell(CAR, Action.SMART_CHARGING, True)
    await driver.poll()
    error = await driver.refused(CAR, Action.CHARGING, True)
    assert error.reason is Refusal.UNDER_SCHEDULE
    driver.sent()

    assert await driver.tell(CAR, Action.CHARGE_NOW) == CONFIRMED
    assert driver.sent() == [("POST", f"vehicles/{CAR}/smart-override")]
    await driver.poll()
    assert driver.read(CAR, Action.CHARGING) is True

    assert await driver.tell(CAR, Action.END_CHARGE_NOW) == CONFIRMED
    assert driver.memory.states.overrides[CAR].ended is not None
    # There is none to end any more, which is what was wanted.
    assert await driver.tell(CAR, Action.END_CHARGE_NOW) == CONFIRMED


async def test_override_is_followed_to_the_end_of_its_action(driver: Driver, home: Home) -> None:
    home.server.knobs.actions = "fail"

    told = await driver.tell(CAR, Action.CHARGE_NOW)

    assert (told.state, told.reason) == (State.FAILED, Refusal.NO_RESPONSE)


@pytest.mark.parametrize(
    ("changed", "asked"),
    [
        ({"vendorActionId": None}, ""),
        ({"targetType": "charger"}, "chargers/actions/"),
        ({"targetType": "kite"}, "vehicles/actions/"),
    ],
)
async def test_action_of_an_override_is_that_of_its_target(
    driver: Driver, home: Home, changed: dict[str, JsonValue], asked: str
) -> None:
    def bend(payload: JsonValue) -> JsonValue:
        assert isinstance(payload, dict)
        return payload | changed

    home.fail(Rewrite(bend=bend), "vehicles/*/smart-override")

    await driver.tell(CAR, Action.CHARGE_NOW)

    looks = [path for path in home.asked() if "/actions/" in path]
    assert bool(looks) is bool(asked)
    assert all(path.startswith(asked) for path in looks)


async def test_whether_the_device_is_there_can_not_be_told(driver: Driver, home: Home) -> None:
    home.fail(Shape(payload={}, status=400), f"vehicles/{CAR}")

    error = await driver.failed(CAR, Action.END_CHARGE_NOW)

    assert error.reason is Reason.REQUEST_REFUSED


@pytest.mark.parametrize(
    ("device", "path"),
    [
        (CAR, "vehicles"),
        (BOX, "chargers"),
        (BATTERY, "batteries"),
        (asset_id("inverter"), "inverters"),
        (HVAC, "hvacs"),
        (METER, "meters"),
    ],
)
async def test_refresh_asks_enode_to_ask_the_device(driver: Driver, device: str, path: str) -> None:
    assert await driver.tell(device, Action.REFRESH) == CONFIRMED

    assert driver.sent() == [("POST", f"{path}/{device}/refresh-hint")]
    assert driver.memory.states.read_at[device] == driver.home.clock.now()


async def test_refresh_at_most_once_a_minute(driver: Driver, home: Home) -> None:
    await driver.tell(CAR, Action.REFRESH)
    error = await driver.refused(CAR, Action.REFRESH)
    assert (error.reason, error.retry_after) == (Refusal.COOLDOWN, pytest.approx(60))

    home.advance(61)
    assert await driver.tell(CAR, Action.REFRESH) == CONFIRMED


async def test_action_that_enode_does_not_have_is_not_sent(driver: Driver, home: Home) -> None:
    commands = Commands(Access(home.context()).client, driver.devices.get)

    with pytest.raises(CommandRefused) as raised:
        await commands.send(Command(CAR, Action.CHARGE_LIMIT, 80))

    assert raised.value.reason is Refusal.NOT_OFFERED
    assert driver.sent() == []


async def test_controls_are_counted_in_diagnostics(driver: Driver) -> None:
    assert driver.account.diagnostics()["controls"]["charger"] == [
        "charging",
        "max_current",
        "refresh",
    ]
