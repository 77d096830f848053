"""Event entities: what happened, in one vocabulary for all providers."""

from datetime import UTC, datetime
from typing import Any

from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNKNOWN
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
import pytest

from custom_components.energy_connect.core.commands import (
    CONFIRMED,
    LOOK_EVERY,
    Command,
    Outcome,
    State,
)
from custom_components.energy_connect.core.controls import Press
from custom_components.energy_connect.core.errors import Refusal
from custom_components.energy_connect.core.model import Device, Reading
from custom_components.energy_connect.core.vocabulary import Action, Flag, Kind, Moment, Quantity
from tests.controlled import ControlledScript, controlled_car
from tests.scripted import Script, car, entity_id, poll, start, state

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
ONE = datetime(2026, 3, 3, 13, 0, tzinfo=UTC)


class Heard:
    """The events of the car's activity since it was made."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.events: list[dict[str, Any]] = []
        activity = entity_id(hass, "car_activity", "event")
        assert activity is not None

        @callback
        def changed(event: Event[EventStateChangedData]) -> None:
            new = event.data["new_state"]
            if event.data["entity_id"] == activity and new is not None:
                self.events.append(dict(new.attributes))

        hass.bus.async_listen(EVENT_STATE_CHANGED, changed)

    @property
    def kinds(self) -> list[str]:
        return [event["event_type"] for event in self.events]


def flags(plugged: bool, charging: bool) -> dict[Flag, bool | None]:
    return {Flag.PLUGGED_IN: plugged, Flag.CHARGING: charging}


async def test_a_car_that_comes_home_charges_and_leaves(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    controlled.show(controlled_car(flags=flags(False, False)))
    entry = await start(hass)
    heard = Heard(hass)
    assert state(hass, "car_activity", "event").state == STATE_UNKNOWN

    for plugged, charging in ((True, True), (True, False), (False, False)):
        controlled.change("car", flags=flags(plugged, charging))
        await poll(hass, entry)

    assert heard.kinds == ["plugged_in", "charging_started", "charging_stopped", "unplugged"]


async def test_a_finished_session_with_its_figures(hass: HomeAssistant, script: Script) -> None:
    script.show(car(moments={Moment.LAST_SESSION_END: None}))
    entry = await start(hass)
    heard = Heard(hass)

    script.change(
        "car",
        numbers={
            (Quantity.LAST_SESSION_ENERGY, None): Reading(21.5),
            (Quantity.LAST_SESSION_COST, None): Reading(4.3, unit="GBP"),
        },
        moments={Moment.LAST_SESSION_START: NOON, Moment.LAST_SESSION_END: ONE},
    )
    await poll(hass, entry)

    assert heard.kinds == ["session_finished"]
    figures = heard.events[0]
    assert (figures["energy"], figures["cost"], figures["currency"]) == (21.5, 4.3, "GBP")
    assert (figures["start"], figures["end"]) == (NOON.isoformat(), ONE.isoformat())
    assert figures["duration"] == 60


async def test_only_what_can_happen_is_offered(hass: HomeAssistant, script: Script) -> None:
    meter = Device(id="m", kind=Kind.METER, name="M", controls={Action.REFRESH: Press()})
    script.show(car(flags={Flag.PLUGGED_IN: True}), meter)
    await start(hass)

    assert state(hass, "car_activity", "event").attributes["event_types"] == [
        "plugged_in",
        "unplugged",
    ]
    assert entity_id(hass, "m_activity", "event") is None


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (CONFIRMED, "command_confirmed"),
        (Outcome(State.FAILED, Refusal.NO_RESPONSE, "asleep"), "command_failed"),
        (Outcome(State.CANCELLED, Refusal.WITHDRAWN), "command_failed"),
    ],
)
async def test_what_became_of_a_command(
    hass: HomeAssistant, controlled: ControlledScript, outcome: Outcome, kind: str
) -> None:
    entry = await start(hass)
    heard = Heard(hass)
    command = Command("car", Action.CHARGING, True)

    assert (await entry.runtime_data.perform(command, 0)).state is State.PENDING
    await controlled.clock.advance(60)
    assert heard.kinds == []
    controlled.outcome = outcome
    await controlled.clock.advance(30)

    assert heard.kinds == [kind]
    told = heard.events[0]
    assert (told["action"], told["value"]) == ("charging", True)
    assert told["outcome"] == outcome.state
    assert told["reason"] == outcome.reason
    assert told["detail"] == outcome.detail


async def test_commands_of_other_devices_are_not_told(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    controlled.show(controlled_car(), controlled_car(device_id="bus"))
    entry = await start(hass)
    heard = Heard(hass)
    controlled.outcome = CONFIRMED

    await entry.runtime_data.perform(Command("bus", Action.CHARGING, True), 0)
    await controlled.clock.advance(LOOK_EVERY)

    assert heard.kinds == []


async def test_a_device_that_lost_its_controls_meanwhile_tells_no_strange_event(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    entry = await start(hass)
    heard = Heard(hass)
    await entry.runtime_data.perform(Command("car", Action.CHARGING, True), 0)
    await controlled.clock.advance(1)
    controlled.change("car", controls={})
    await poll(hass, entry)
    heard.events.clear()

    controlled.outcome = CONFIRMED
    await controlled.clock.advance(LOOK_EVERY)

    assert heard.kinds == []
