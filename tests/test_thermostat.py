"""Thermostats as climate entities."""

from dataclasses import replace
from typing import Any

from homeassistant.components.climate import ClimateEntityFeature
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
import pytest

from custom_components.energy_connect.core.commands import CONFIRMED, Accepted
from custom_components.energy_connect.core.controls import Bounds, Climate, ClimateSetting
from custom_components.energy_connect.core.model import Device
from custom_components.energy_connect.core.vocabulary import Action, HoldType, HvacMode, Kind
from tests.controlled import ControlledScript
from tests.scripted import entity_id, poll, start, state

HEATING = Climate(
    value=ClimateSetting(mode=HvacMode.HEAT, heat=20, cool=25, hold=HoldType.SCHEDULED),
    modes=(HvacMode.OFF, HvacMode.HEAT, HvacMode.COOL, HvacMode.AUTO),
    temperature=19.5,
    heat_range=Bounds(5, 28),
    cool_range=Bounds(16, 32),
    difference=Bounds(2, 10),
    schedule=True,
    active=True,
)


def room(control: Climate | None = HEATING) -> Device:
    controls = {Action.CLIMATE: control} if control is not None else {}
    return Device(id="room", kind=Kind.HVAC, name="Room", controls=dict(controls))


def setting(mode: HvacMode | None, **changed: Any) -> Climate:
    return replace(HEATING, value=replace(HEATING.value, mode=mode), **changed)


async def use(hass: HomeAssistant, service: str, **data: Any) -> None:
    target = entity_id(hass, "room_climate", "climate")
    await hass.services.async_call("climate", service, {"entity_id": target, **data}, blocking=True)


async def test_what_a_heating_room_shows(hass: HomeAssistant, controlled: ControlledScript) -> None:
    controlled.show(room())
    await start(hass)

    shown = state(hass, "room_climate", "climate")
    assert shown.state == "heat"
    assert shown.name == "Room"
    attributes = shown.attributes
    assert (attributes["current_temperature"], attributes["temperature"]) == (19.5, 20)
    assert (attributes["min_temp"], attributes["max_temp"]) == (5, 28)
    assert attributes["hvac_action"] == "heating"
    assert attributes["hvac_modes"] == ["off", "heat", "cool", "heat_cool"]
    assert (attributes["preset_mode"], attributes["preset_modes"]) == (
        "schedule",
        ["hold", "schedule"],
    )


@pytest.mark.parametrize(
    ("control", "shown", "low", "high"),
    [
        (setting(HvacMode.COOL), ("cool", "cooling", 25, None, None), 16, 32),
        (setting(HvacMode.AUTO), ("heat_cool", "heating", None, 20, 25), 5, 32),
        (setting(HvacMode.AUTO, temperature=24), ("heat_cool", "cooling", None, 20, 25), 5, 32),
        (setting(HvacMode.AUTO, temperature=None), ("heat_cool", None, None, 20, 25), 5, 32),
        (setting(HvacMode.AUTO, active=False), ("heat_cool", "idle", None, 20, 25), 5, 32),
        (setting(HvacMode.HEAT, active=None), ("heat", None, 20, None, None), 5, 28),
        (setting(HvacMode.OFF), ("off", "off", None, None, None), 5, 32),
        (setting(None), (STATE_UNKNOWN, None, None, None, None), 5, 32),
    ],
)
async def test_modes_show_the_setpoints_that_they_have(
    hass: HomeAssistant,
    controlled: ControlledScript,
    control: Climate,
    shown: tuple[Any, ...],
    low: float,
    high: float,
) -> None:
    controlled.show(room(control))
    await start(hass)

    climate = state(hass, "room_climate", "climate")
    seen = climate.attributes
    assert (
        climate.state,
        seen.get("hvac_action"),
        seen.get("temperature"),
        seen.get("target_temp_low"),
        seen.get("target_temp_high"),
    ) == shown
    assert (seen["min_temp"], seen["max_temp"]) == (low, high)


async def test_a_thermostat_of_few_gifts(hass: HomeAssistant, controlled: ControlledScript) -> None:
    plain = Climate(
        value=ClimateSetting(mode=HvacMode.HEAT, heat=20), modes=(HvacMode.HEAT,), active=True
    )
    controlled.show(room(plain))
    await start(hass)

    attributes = state(hass, "room_climate", "climate").attributes
    assert "preset_modes" not in attributes
    assert attributes["supported_features"] == ClimateEntityFeature.TARGET_TEMPERATURE


@pytest.mark.parametrize(
    ("control", "service", "data", "sent"),
    [
        (HEATING, "set_temperature", {"temperature": 21}, (HvacMode.HEAT, 21, None)),
        (
            setting(HvacMode.COOL),
            "set_temperature",
            {"temperature": 24},
            (HvacMode.COOL, None, 24),
        ),
        (
            setting(HvacMode.AUTO),
            "set_temperature",
            {"target_temp_low": 19, "target_temp_high": 24},
            (HvacMode.AUTO, 19, 24),
        ),
        (
            setting(HvacMode.OFF),
            "set_temperature",
            {"temperature": 22, "hvac_mode": "heat"},
            (HvacMode.HEAT, 22, None),
        ),
        (HEATING, "set_hvac_mode", {"hvac_mode": "heat_cool"}, (HvacMode.AUTO, 20, 25)),
        (HEATING, "turn_off", {}, (HvacMode.OFF, None, None)),
        (setting(HvacMode.OFF), "turn_on", {}, (HvacMode.AUTO, 20, 25)),
        (HEATING, "set_preset_mode", {"preset_mode": "hold"}, (HvacMode.HEAT, 20, None)),
    ],
)
async def test_what_is_told_becomes_a_permanent_hold(
    hass: HomeAssistant,
    controlled: ControlledScript,
    control: Climate,
    service: str,
    data: dict[str, Any],
    sent: tuple[HvacMode, float | None, float | None],
) -> None:
    controlled.show(room(control))
    await start(hass)
    controlled.answer = lambda _: Accepted(outcome=CONFIRMED)

    await use(hass, service, **data)

    mode, heat, cool = sent
    assert [command.value for command in controlled.sent] == [
        ClimateSetting(mode=mode, heat=heat, cool=cool, hold=HoldType.PERMANENT)
    ]
    shown = state(hass, "room_climate", "climate")
    assert shown.attributes["preset_mode"] == "hold"


async def test_the_schedule_is_a_preset(hass: HomeAssistant, controlled: ControlledScript) -> None:
    held = replace(HEATING, value=replace(HEATING.value, hold=HoldType.PERMANENT))
    controlled.show(room(held))
    await start(hass)
    controlled.answer = lambda _: Accepted(outcome=CONFIRMED)
    assert state(hass, "room_climate", "climate").attributes["preset_mode"] == "hold"

    await use(hass, "set_preset_mode", preset_mode="schedule")

    shown = state(hass, "room_climate", "climate")
    assert (shown.state, shown.attributes["preset_mode"]) == ("heat", "schedule")


@pytest.mark.parametrize(
    ("control", "data", "key"),
    [
        (setting(HvacMode.OFF), {"temperature": 21}, "off_needs_mode"),
        (
            setting(HvacMode.AUTO),
            {"target_temp_low": 19, "target_temp_high": 20},
            "setpoint_gap",
        ),
    ],
)
async def test_what_can_not_be_is_told_in_words(
    hass: HomeAssistant,
    controlled: ControlledScript,
    control: Climate,
    data: dict[str, Any],
    key: str,
) -> None:
    controlled.show(room(control))
    await start(hass)

    with pytest.raises(ServiceValidationError) as raised:
        await use(hass, "set_temperature", **data)

    assert raised.value.translation_key == key
    assert (raised.value.translation_placeholders or {})["device"] == "Room"
    assert controlled.sent == []


async def test_a_thermostat_that_is_not_offered_any_more(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    controlled.show(room())
    entry = await start(hass)
    platform = hass.data["entity_components"]["climate"]
    entity = platform.get_entity(entity_id(hass, "room_climate", "climate") or "")

    controlled.show(room(None))
    await poll(hass, entry)

    assert state(hass, "room_climate", "climate").state == STATE_UNKNOWN
    with pytest.raises(ServiceValidationError) as raised:
        await entity.async_set_temperature(temperature=20)
    assert raised.value.translation_key == "not_offered"
