"""Controls as entities: what they show, and what a person is told when they are used."""

from datetime import UTC, datetime, time
from typing import Any

from homeassistant.const import (
    EVENT_HOMEASSISTANT_STOP,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    EntityCategory,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.energy_connect.control import PATIENCE
from custom_components.energy_connect.core.commands import (
    CONFIRMED,
    LOOK_EVERY,
    Accepted,
    Command,
    Outcome,
    State,
)
from custom_components.energy_connect.core.controls import (
    Control,
    Options,
    Press,
    Range,
    Switch,
    TimeOfDay,
)
from custom_components.energy_connect.core.errors import (
    CommandRefused,
    CredentialsRejected,
    Reason,
    Refusal,
    Unavailable,
)
from custom_components.energy_connect.core.vocabulary import Action, HvacMode, OperationMode
from tests.controlled import ControlledScript, controlled_car
from tests.scripted import Writes, entity_id, poll, start, state
from tests.standing_clock import settle

CHARGING = "car_charging"
ON = Command("car", Action.CHARGING, True)
EVERYTHING: dict[Action, Control] = {
    Action.CHARGING: Switch(value=False),
    Action.SMART_CHARGING: Switch(value=True),
    Action.MAX_CURRENT: Range(value=16, minimum=6, maximum=32, unit="A"),
    Action.CHARGE_LIMIT: Range(value=80, minimum=50, maximum=100, unit="%"),
    Action.MINIMUM_CHARGE: Range(value=None, minimum=0, maximum=100, unit="%"),
    Action.LIMIT_FEED_IN: Range(value=None, minimum=0, maximum=9000, step=100, unit="W"),
    Action.OPERATION_MODE: Options(
        value=OperationMode.IDLE, options=(OperationMode.IDLE, OperationMode.TIME_OF_USE)
    ),
    Action.READY_BY: TimeOfDay(value=time(7, 30)),
    Action.CHARGE_NOW: Press(),
    Action.END_CHARGE_NOW: Press(),
    Action.REFRESH: Press(),
    Action.STOP_FEED_IN: Press(),
}


async def call(
    hass: HomeAssistant,
    controlled: ControlledScript,
    platform: str,
    service: str,
    action: Action = Action.CHARGING,
    *,
    after: float = PATIENCE,
    **data: Any,
) -> None:
    """Use an entity; time passes as far as a person waits."""
    target = entity_id(hass, f"car_{action}", platform)
    assert target is not None
    used = hass.async_create_task(
        hass.services.async_call(platform, service, {"entity_id": target, **data}, blocking=True)
    )
    for _ in range(5):
        await settle()
    await controlled.clock.advance(after)
    await used


async def switch_on(
    hass: HomeAssistant, controlled: ControlledScript, after: float = PATIENCE
) -> None:
    await call(hass, controlled, "switch", "turn_on", after=after)


def shown(hass: HomeAssistant) -> str:
    return state(hass, CHARGING, "switch").state


async def test_every_control_is_an_entity(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    controlled.show(controlled_car(EVERYTHING))
    await start(hass)

    for unique_id, platform, wanted in (
        ("car_charging", "switch", "off"),
        ("car_smart_charging", "switch", "on"),
        ("car_max_current", "number", "16"),
        ("car_charge_limit", "number", "80"),
        ("car_minimum_charge", "number", STATE_UNKNOWN),
        ("car_limit_feed_in", "number", STATE_UNKNOWN),
        ("car_operation_mode", "select", "idle"),
        ("car_ready_by", "time", "07:30:00"),
        ("car_charge_now", "button", STATE_UNKNOWN),
        ("car_end_charge_now", "button", STATE_UNKNOWN),
        ("car_refresh", "button", STATE_UNKNOWN),
        ("car_stop_feed_in", "button", STATE_UNKNOWN),
    ):
        assert state(hass, unique_id, platform).state == wanted, unique_id


async def test_a_number_has_its_range_and_unit(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    controlled.show(controlled_car(EVERYTHING))
    await start(hass)

    current = state(hass, "car_max_current", "number").attributes
    assert (current["min"], current["max"], current["step"]) == (6, 32, 1)
    assert (current["unit_of_measurement"], current["device_class"]) == ("A", "current")
    feed_in = state(hass, "car_limit_feed_in", "number").attributes
    assert (feed_in["unit_of_measurement"], feed_in["device_class"]) == ("W", "power")
    assert state(hass, "car_operation_mode", "select").attributes["options"] == [
        "idle",
        "time_of_use",
    ]


async def test_rare_controls_start_switched_off_and_settings_are_apart(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    controlled.show(controlled_car(EVERYTHING, detail_controls=frozenset({Action.MAX_CURRENT})))
    await start(hass)
    registry = er.async_get(hass)

    def registered(unique_id: str, platform: str) -> er.RegistryEntry:
        found = registry.async_get(entity_id(hass, unique_id, platform) or "")
        assert found is not None
        return found

    assert registered("car_max_current", "number").disabled
    assert not registered("car_charging", "switch").disabled
    assert registered("car_ready_by", "time").entity_category is EntityCategory.CONFIG
    assert registered("car_refresh", "button").entity_category is EntityCategory.DIAGNOSTIC
    assert registered("car_charging", "switch").entity_category is None


@pytest.mark.parametrize(
    ("platform", "service", "action", "data", "value"),
    [
        ("switch", "turn_on", Action.CHARGING, {}, True),
        ("switch", "turn_off", Action.CHARGING, {}, False),
        ("number", "set_value", Action.MAX_CURRENT, {"value": 10}, 10.0),
        (
            "select",
            "select_option",
            Action.OPERATION_MODE,
            {"option": "time_of_use"},
            OperationMode.TIME_OF_USE,
        ),
        ("time", "set_value", Action.READY_BY, {"time": "06:15:00"}, time(6, 15)),
        ("button", "press", Action.CHARGE_NOW, {}, None),
    ],
)
async def test_using_an_entity_sends_its_command(
    hass: HomeAssistant,
    controlled: ControlledScript,
    platform: str,
    service: str,
    action: Action,
    data: dict[str, Any],
    value: Any,
) -> None:
    controlled.show(controlled_car(EVERYTHING))
    await start(hass)
    controlled.answer = lambda _: Accepted(outcome=CONFIRMED)

    await call(hass, controlled, platform, service, action, after=0, **data)

    assert controlled.sent == [Command("car", action, value)]


async def test_the_wanted_state_is_shown_at_once_and_the_call_returns_after_five_seconds(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await start(hass)

    await switch_on(hass, controlled)  # returns without an error while the outcome is open

    assert controlled.sent == [ON]
    assert shown(hass) == STATE_ON
    await controlled.clock.advance(60)
    assert shown(hass) == STATE_ON


async def test_polls_from_before_do_not_bounce_it_back(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    entry = await start(hass)
    controlled.outcome = CONFIRMED
    await switch_on(hass, controlled)
    await poll(hass, entry)
    assert shown(hass) == STATE_ON

    # Somebody stopped it at the car.
    measured = controlled.clock.now()
    controlled.control(Action.CHARGING, at=measured)
    await poll(hass, entry)

    assert shown(hass) == "off"


async def test_what_was_remembered_too_long_is_given_up_though_no_reading_changed(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    entry = await start(hass)
    controlled.outcome = CONFIRMED
    await switch_on(hass, controlled)
    await controlled.clock.advance(3600)

    await poll(hass, entry)

    assert shown(hass) == "off"


async def test_after_the_outcome_the_account_is_read_soon(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await start(hass)
    polls = controlled.polls
    controlled.outcome = CONFIRMED

    await switch_on(hass, controlled)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert controlled.polls == polls + 1


async def test_a_later_failure_reverts_the_state(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await start(hass)
    await switch_on(hass, controlled)
    assert shown(hass) == STATE_ON

    controlled.outcome = Outcome(State.FAILED, Refusal.NO_RESPONSE)
    await controlled.clock.advance(LOOK_EVERY)

    assert shown(hass) == "off"


@pytest.mark.parametrize(
    ("outcome", "key"),
    [
        (Outcome(State.FAILED, Refusal.NO_RESPONSE), "no_response"),
        (Outcome(State.FAILED), "device_failed"),
        (Outcome(State.CANCELLED, Refusal.WITHDRAWN, "by the app"), "withdrawn"),
        (Outcome(State.UNKNOWN, Refusal.NO_OUTCOME), "no_outcome"),
    ],
)
async def test_a_failure_within_five_seconds_is_raised_in_words(
    hass: HomeAssistant, controlled: ControlledScript, outcome: Outcome, key: str
) -> None:
    await start(hass)
    controlled.outcome = outcome

    with pytest.raises(HomeAssistantError) as raised:
        await switch_on(hass, controlled)

    assert not isinstance(raised.value, ServiceValidationError)
    assert raised.value.translation_key == key
    placeholders = raised.value.translation_placeholders or {}
    assert placeholders["device"] == "Car"
    assert placeholders["detail"] == (outcome.detail or "-")
    assert shown(hass) == "off"


@pytest.mark.parametrize(
    "reason",
    [
        Refusal.UNPLUGGED,
        Refusal.FULL,
        Refusal.UNDER_SCHEDULE,
        Refusal.NO_PERMISSION,
        Refusal.DEVICE_GONE,
        Refusal.BUSY,
    ],
)
async def test_a_refusal_is_raised_at_once_in_words_and_the_true_state_is_shown(
    hass: HomeAssistant, controlled: ControlledScript, reason: Refusal
) -> None:
    await start(hass)
    controlled.refuse(CommandRefused(reason, detail="in its words"))

    with pytest.raises(ServiceValidationError) as raised:
        await switch_on(hass, controlled, after=0)

    assert raised.value.translation_key == reason
    placeholders = raised.value.translation_placeholders or {}
    assert (placeholders["device"], placeholders["detail"]) == ("Car", "in its words")
    assert shown(hass) == "off"


async def test_a_cooldown_tells_its_minutes(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await start(hass)
    controlled.refuse(CommandRefused(Refusal.COOLDOWN, retry_after=541))

    with pytest.raises(ServiceValidationError) as raised:
        await switch_on(hass, controlled, after=0)

    assert (raised.value.translation_placeholders or {})["minutes"] == "10"


async def test_charging_already_counts_as_done(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await start(hass)
    controlled.answer = lambda _: Accepted(outcome=CONFIRMED)

    await switch_on(hass, controlled, after=0)

    assert shown(hass) == STATE_ON


async def test_a_provider_that_is_down_is_an_error_of_the_call(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await start(hass)
    controlled.refuse(Unavailable(Reason.CANNOT_CONNECT))

    with pytest.raises(HomeAssistantError) as raised:
        await switch_on(hass, controlled, after=0)

    assert not isinstance(raised.value, ServiceValidationError)
    assert raised.value.translation_key == "cannot_connect"
    assert shown(hass) == "off"


async def test_a_refused_credential_lets_the_poll_ask_for_a_sign_in(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await start(hass)
    polls = controlled.polls
    controlled.refuse(CredentialsRejected(Reason.INVALID_CREDENTIALS))
    controlled.error = CredentialsRejected(Reason.INVALID_CREDENTIALS)

    with pytest.raises(HomeAssistantError):
        await switch_on(hass, controlled, after=0)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert controlled.polls > polls
    assert [flow["context"]["source"] for flow in hass.config_entries.flow.async_progress()] == [
        "reauth"
    ]


async def test_two_people_at_once_the_newer_wish_counts(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await start(hass)
    target = {"entity_id": entity_id(hass, CHARGING, "switch")}
    first = hass.async_create_task(
        hass.services.async_call("switch", "turn_on", target, blocking=True)
    )
    await settle()
    second = hass.async_create_task(
        hass.services.async_call("switch", "turn_off", target, blocking=True)
    )
    for _ in range(5):
        await settle()
    await controlled.clock.advance(PATIENCE)

    await first  # no error: the newer one took its place
    await second
    assert controlled.sent == [ON, Command("car", Action.CHARGING, False)]
    assert shown(hass) == "off"


async def test_the_refresh_button_works_once_a_minute(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    controlled.show(controlled_car(EVERYTHING))
    await start(hass)
    controlled.answer = lambda _: Accepted(outcome=CONFIRMED)
    await call(hass, controlled, "button", "press", Action.REFRESH, after=0)

    with pytest.raises(ServiceValidationError) as raised:
        await call(hass, controlled, "button", "press", Action.REFRESH, after=0)
    assert raised.value.translation_key == "cooldown"
    assert (raised.value.translation_placeholders or {})["minutes"] == "1"
    await controlled.clock.advance(60)
    await call(hass, controlled, "button", "press", Action.REFRESH, after=0)

    assert len(controlled.sent) == 2


async def test_home_assistant_stopped_in_between(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    entry = await start(hass)
    await switch_on(hass, controlled)
    assert shown(hass) == STATE_ON
    orders = controlled.orders

    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert controlled.orders is not orders
    assert shown(hass) == "off"  # what was read is all that is known now
    with pytest.raises(CommandRefused):
        orders.perform(ON)


async def test_a_call_that_waits_does_not_hold_up_the_end(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await start(hass)
    target = {"entity_id": entity_id(hass, CHARGING, "switch")}
    waiting = hass.async_create_task(
        hass.services.async_call("switch", "turn_on", target, blocking=True)
    )
    for _ in range(5):
        await settle()

    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    for _ in range(5):
        await settle()

    assert waiting.done()


async def test_a_device_that_left_while_a_command_ran(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    entry = await start(hass)
    await switch_on(hass, controlled)
    controlled.show()
    await poll(hass, entry)
    assert shown(hass) == STATE_UNAVAILABLE

    controlled.outcome = Outcome(State.FAILED, Refusal.DEVICE_GONE)
    await controlled.clock.advance(LOOK_EVERY)

    assert shown(hass) == STATE_UNAVAILABLE


@pytest.mark.parametrize(
    ("action", "platform"),
    [
        (Action.CHARGING, "switch"),
        (Action.MAX_CURRENT, "number"),
        (Action.OPERATION_MODE, "select"),
        (Action.READY_BY, "time"),
        (Action.CHARGE_NOW, "button"),
    ],
)
async def test_a_control_that_is_not_offered_any_more_is_unknown_and_says_so(
    hass: HomeAssistant, controlled: ControlledScript, action: Action, platform: str
) -> None:
    controlled.show(controlled_car(EVERYTHING))
    entry = await start(hass)
    controlled.show(controlled_car({}))
    await poll(hass, entry)

    assert state(hass, f"car_{action}", platform).state == STATE_UNKNOWN
    with pytest.raises(ServiceValidationError) as raised:
        await entry.runtime_data.perform(Command("car", action), 0)
    assert raised.value.translation_key == "not_offered"


async def test_a_mode_that_can_be_read_but_not_chosen_is_unknown(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    mode = Options(value=HvacMode.COOL, options=(OperationMode.IDLE,))
    controlled.show(controlled_car({Action.OPERATION_MODE: mode}))
    await start(hass)

    assert state(hass, "car_operation_mode", "select").state == STATE_UNKNOWN


async def test_a_new_measurement_of_the_same_value_writes_nothing(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    entry = await start(hass)
    writes = Writes(hass)

    controlled.control(Action.CHARGING, at=datetime(2026, 3, 3, tzinfo=UTC))
    await poll(hass, entry)

    assert writes.entities == []


async def test_a_control_that_appears_later_becomes_an_entity(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    controlled.show(controlled_car({}))
    entry = await start(hass)
    assert entity_id(hass, CHARGING, "switch") is None

    controlled.show(controlled_car())
    await poll(hass, entry)

    assert shown(hass) == "off"
