"""What happened to a device, told by looks at it."""

from datetime import UTC, datetime, time
from typing import Any

import pytest

from custom_components.energy_connect.core.changes import (
    Event,
    Happening,
    Known,
    possible,
    shown_value,
    told,
    watch,
)
from custom_components.energy_connect.core.commands import CONFIRMED, Command, Order, Outcome, State
from custom_components.energy_connect.core.controls import ClimateSetting, Press, Switch
from custom_components.energy_connect.core.errors import Refusal
from custom_components.energy_connect.core.model import Device, Reading
from custom_components.energy_connect.core.vocabulary import (
    Action,
    Flag,
    HoldType,
    HvacMode,
    Kind,
    Moment,
    OperationMode,
    Quantity,
)
from tests.hand_clock import HandClock

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
ONE = datetime(2026, 3, 3, 13, 30, tzinfo=UTC)


def car(plugged: bool | None, charging: bool | None = False, **changed: Any) -> Device:
    known: dict[str, Any] = {
        "id": "car",
        "kind": Kind.VEHICLE,
        "flags": {Flag.PLUGGED_IN: plugged, Flag.CHARGING: charging},
    }
    return Device(**known | changed)


def story(*looks: Device) -> list[Event]:
    known: Known | None = None
    events: list[Event] = []
    for look in looks:
        known, happened = watch(known, look)
        events += [item.event for item in happened]
    return events


def test_the_words_are_frozen() -> None:
    assert [event.value for event in Event] == [
        "plugged_in",
        "unplugged",
        "charging_started",
        "charging_stopped",
        "session_finished",
        "command_confirmed",
        "command_failed",
    ]


def test_a_night_at_the_charger() -> None:
    assert story(car(False), car(True), car(True, True), car(True, False), car(False)) == [
        Event.PLUGGED_IN,
        Event.CHARGING_STARTED,
        Event.CHARGING_STOPPED,
        Event.UNPLUGGED,
    ]


def test_the_first_look_tells_nothing() -> None:
    assert story(car(True, True)) == []


def test_a_look_that_missed_the_middle_tells_both_ends_in_order() -> None:
    assert story(car(False), car(True, True)) == [Event.PLUGGED_IN, Event.CHARGING_STARTED]
    assert story(car(True, True), car(False)) == [Event.CHARGING_STOPPED, Event.UNPLUGGED]


def test_not_knowing_for_a_while_is_no_event() -> None:
    assert story(car(True), car(None, None), car(True)) == []
    assert story(car(True), car(None, None), car(False)) == [Event.UNPLUGGED]


def test_what_was_never_known_does_not_begin() -> None:
    assert story(car(None, None), car(True, True)) == []


def test_a_home_battery_is_not_plugged_in_or_charged_for_a_trip() -> None:
    idle = car(None, False, kind=Kind.BATTERY)

    assert story(idle, car(None, True, kind=Kind.BATTERY)) == []
    assert possible(idle) == ()


def session(end: datetime | None, energy: float | None = 21.5, **changed: Any) -> Device:
    moments = {Moment.LAST_SESSION_START: NOON, Moment.LAST_SESSION_END: end}
    return car(
        True,
        numbers={
            (Quantity.LAST_SESSION_ENERGY, None): Reading(energy),
            (Quantity.LAST_SESSION_COST, None): Reading(4.3, unit="GBP"),
        },
        **{"moments": moments} | changed,
    )


def test_a_finished_session_comes_with_its_figures() -> None:
    known, _ = watch(None, session(NOON))

    _, happened = watch(known, session(ONE))

    assert happened == [
        Happening(
            Event.SESSION_FINISHED,
            {
                "start": "2026-03-03T12:00:00+00:00",
                "end": "2026-03-03T13:30:00+00:00",
                "duration": 90.0,
                "energy": 21.5,
                "cost": 4.3,
                "currency": "GBP",
            },
        )
    ]


def test_the_first_session_of_a_car_is_told_and_figures_may_be_missing() -> None:
    known, _ = watch(None, car(True, moments={Moment.LAST_SESSION_END: None}))

    _, happened = watch(known, car(True, moments={Moment.LAST_SESSION_END: ONE}))

    assert [item.event for item in happened] == [Event.SESSION_FINISHED]
    assert happened[0].figures == {
        "start": None,
        "end": ONE.isoformat(),
        "duration": None,
        "energy": None,
        "cost": None,
        "currency": None,
    }


def test_a_session_that_is_corrected_or_forgotten_is_not_told_again() -> None:
    assert story(session(ONE), session(ONE, 20.9), session(NOON), session(ONE)) == []


def test_what_can_happen_follows_from_what_is_offered() -> None:
    assert possible(session(None)) == (
        Event.PLUGGED_IN,
        Event.UNPLUGGED,
        Event.CHARGING_STARTED,
        Event.CHARGING_STOPPED,
        Event.SESSION_FINISHED,
    )
    battery = Device(id="b", kind=Kind.BATTERY, controls={Action.CHARGING: Switch(value=None)})
    assert possible(battery) == (Event.COMMAND_CONFIRMED, Event.COMMAND_FAILED)
    assert possible(Device(id="m", kind=Kind.METER, controls={Action.REFRESH: Press()})) == ()
    assert possible(Device(id="v", kind=Kind.VEHICLE)) == ()


def order(outcome: Outcome | None, action: Action = Action.CHARGING) -> Order:
    one = Order(Command("car", action, True), HandClock(), Switch(value=False))
    if outcome is not None:
        one.outcome = outcome
        one.over.set()
    return one


def test_a_confirmed_command_is_told() -> None:
    assert told(order(CONFIRMED)) == Happening(
        Event.COMMAND_CONFIRMED,
        {
            "action": "charging",
            "value": True,
            "outcome": "confirmed",
            "reason": None,
            "detail": None,
        },
    )


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.UNKNOWN])
def test_every_other_end_is_a_failure_with_its_reason(state: State) -> None:
    happening = told(order(Outcome(state, Refusal.NO_RESPONSE, "asleep")))

    assert happening is not None
    assert happening.event is Event.COMMAND_FAILED
    assert happening.figures["outcome"] == state
    assert (happening.figures["reason"], happening.figures["detail"]) == ("no_response", "asleep")


@pytest.mark.parametrize(
    "silent",
    [
        order(None),
        order(Outcome(State.CANCELLED, Refusal.SUPERSEDED)),
        order(Outcome(State.UNKNOWN, Refusal.STOPPED)),
        order(CONFIRMED, Action.REFRESH),
    ],
)
def test_nothing_is_told_of_what_nobody_waits_for(silent: Order) -> None:
    assert told(silent) is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (16.0, 16.0),
        (OperationMode.IDLE, "idle"),
        (time(7, 30), "07:30"),
        (
            ClimateSetting(mode=HvacMode.HEAT, heat=21.5, hold=HoldType.PERMANENT),
            "permanent heat 21.5",
        ),
    ],
)
def test_a_value_is_shown_as_a_person_reads_it(value: Any, shown: Any) -> None:
    assert shown_value(value) == shown
