"""What an entity shows of its device: units, classes, availability, names."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.energy_connect.core.model import Device, NumberKey, Position, Reading
from custom_components.energy_connect.core.vocabulary import (
    Choice,
    Flag,
    HoldType,
    Kind,
    MeterStatus,
    Moment,
    Part,
    Quantity,
)
from custom_components.energy_connect.history.tariffs import Carrier
from custom_components.energy_connect.sensor import _make
from simulator import Simulator
from tests.accounts import set_up
from tests.scripted import POWER, SOC, Script, Writes, car, entity_id, poll, start, state

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
MONTH = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)


def meter(numbers: Mapping[NumberKey, Reading], **changed: Any) -> Device:
    return Device(id="m", kind=Kind.METER, name="M", numbers=numbers, **changed)


async def shown(
    hass: HomeAssistant, script: Script, quantity: Quantity, reading: Reading
) -> dict[str, Any]:
    """Return how a reading is shown, as its attributes."""
    script.show(meter({(quantity, None): reading}))
    await start(hass)
    found = state(hass, f"m_{quantity}")
    return {"state": found.state, **found.attributes}


async def test_a_number_in_its_canonical_unit(hass: HomeAssistant, script: Script) -> None:
    number = await shown(hass, script, Quantity.ENERGY_IMPORT, Reading(12.5))

    assert number["state"] == "12.5"
    assert number["unit_of_measurement"] == "kWh"
    assert number["device_class"] == "energy"
    assert number["state_class"] == "total_increasing"
    assert number["friendly_name"] == "M Energy import"
    assert "last_reset" not in number


@pytest.mark.parametrize("quantity", [Quantity.HEAT_CONSUMPTION, Quantity.COLD_MONTH])
async def test_nothing_is_guessed_of_heat_without_a_unit(
    hass: HomeAssistant, script: Script, quantity: Quantity
) -> None:
    number = await shown(hass, script, quantity, Reading(3.5, since=MONTH))

    assert number["state"] == "3.5"
    assert not {"unit_of_measurement", "device_class", "state_class", "last_reset"} & number.keys()


async def test_heat_in_a_unit_of_energy_is_energy(hass: HomeAssistant, script: Script) -> None:
    number = await shown(hass, script, Quantity.HEAT_CONSUMPTION, Reading(3.5, unit="GJ"))

    assert number["unit_of_measurement"] == "GJ"
    assert number["device_class"] == "energy"
    assert number["state_class"] == "total_increasing"


async def test_heat_in_a_strange_unit_is_a_number_with_a_unit(
    hass: HomeAssistant, script: Script
) -> None:
    number = await shown(hass, script, Quantity.HEAT_CONSUMPTION, Reading(3.5, unit="Gcal?"))

    assert number["unit_of_measurement"] == "Gcal?"
    assert "device_class" not in number
    assert number["state_class"] == "total_increasing"


async def test_gas_is_a_volume(hass: HomeAssistant, script: Script) -> None:
    number = await shown(hass, script, Quantity.GAS_CONSUMPTION, Reading(3))

    assert (number["unit_of_measurement"], number["device_class"]) == ("m³", "gas")


async def test_gas_in_kwh_is_energy(hass: HomeAssistant, script: Script) -> None:
    number = await shown(hass, script, Quantity.GAS_CONSUMPTION, Reading(3, unit="kWh"))

    assert (number["unit_of_measurement"], number["device_class"]) == ("kWh", "energy")


async def test_a_month_says_when_it_began(hass: HomeAssistant, script: Script) -> None:
    number = await shown(hass, script, Quantity.ELECTRICITY_MONTH, Reading(40, since=MONTH))

    assert number["state_class"] == "total"
    assert number["last_reset"] == MONTH.isoformat()


async def test_a_counter_has_no_beginning(hass: HomeAssistant, script: Script) -> None:
    number = await shown(hass, script, Quantity.ENERGY_EXPORT, Reading(40, since=MONTH))

    assert "last_reset" not in number


async def test_money_is_in_the_currency_of_the_reading(hass: HomeAssistant, script: Script) -> None:
    number = await shown(hass, script, Quantity.SESSION_COST, Reading(2.1, unit="GBP"))

    assert number["unit_of_measurement"] == "GBP"
    assert number["device_class"] == "monetary"
    assert number["state_class"] == "total"


async def test_money_in_no_currency_is_just_a_number(hass: HomeAssistant, script: Script) -> None:
    number = await shown(hass, script, Quantity.SESSION_COST, Reading(2.1))

    assert not {"unit_of_measurement", "device_class", "state_class"} & number.keys()


async def test_a_power_factor_has_no_unit_but_statistics(
    hass: HomeAssistant, script: Script
) -> None:
    number = await shown(hass, script, Quantity.POWER_FACTOR, Reading(0.97))

    assert "unit_of_measurement" not in number
    assert number["device_class"] == "power_factor"
    assert number["state_class"] == "measurement"


async def test_a_month_that_began_anew_is_written(hass: HomeAssistant, script: Script) -> None:
    key = (Quantity.ELECTRICITY_MONTH, None)
    script.show(meter({key: Reading(0, since=MONTH)}))
    entry = await start(hass)
    script.show(meter({key: Reading(0, since=MONTH.replace(month=4))}))

    await poll(hass, entry)

    found = state(hass, "m_electricity_month")
    assert found.attributes["last_reset"] == MONTH.replace(month=4).isoformat()


async def test_what_is_not_known_now_is_unknown_and_keeps_its_unit(
    hass: HomeAssistant, script: Script
) -> None:
    script.show(
        car(
            numbers={SOC: Reading(None), (Quantity.SESSION_COST, None): Reading(1, unit="GBP")},
            flags={Flag.CHARGING: None},
            moments={Moment.LAST_SEEN: None},
            choices={Choice.HOLD_TYPE: None},
            tracked=True,
        )
    )
    entry = await start(hass)

    assert state(hass, "car_state_of_charge").state == STATE_UNKNOWN
    assert state(hass, "car_state_of_charge").attributes["unit_of_measurement"] == "%"
    assert state(hass, "car_charging", "binary_sensor").state == STATE_UNKNOWN
    assert state(hass, "car_last_seen").state == STATE_UNKNOWN
    assert state(hass, "car_hold_type").state == STATE_UNKNOWN
    assert state(hass, "car_position", "device_tracker").state == STATE_UNKNOWN

    # A key that is offered no more is as unknown as one that is offered without a value.
    script.show(car(numbers={}))
    await poll(hass, entry)

    assert state(hass, "car_session_cost").state == STATE_UNKNOWN
    assert state(hass, "car_session_cost").attributes["unit_of_measurement"] == "GBP"


async def test_values_of_every_sort(hass: HomeAssistant, script: Script) -> None:
    script.show(
        car(
            flags={Flag.CHARGING: True, Flag.PLUGGED_IN: False},
            moments={Moment.LAST_SEEN: NOON},
            choices={Choice.HOLD_TYPE: HoldType.PERMANENT},
            tracked=True,
            position=Position(50.1, 14.4),
        )
    )
    entry = await start(hass)

    assert state(hass, "car_charging", "binary_sensor").state == "on"
    assert state(hass, "car_plugged_in", "binary_sensor").state == "off"
    assert state(hass, "car_last_seen").state == NOON.isoformat()
    assert state(hass, "car_hold_type").state == "permanent"
    assert state(hass, "car_hold_type").attributes["options"] == ["permanent", "scheduled"]
    tracker = state(hass, "car_position", "device_tracker")
    assert tracker.state == "not_home"
    assert (tracker.attributes["latitude"], tracker.attributes["longitude"]) == (50.1, 14.4)

    script.change("car", position=Position(51.0, 14.4))
    await poll(hass, entry)
    assert state(hass, "car_position", "device_tracker").attributes["latitude"] == 51.0


async def test_a_device_whose_position_is_not_granted_has_no_tracker(
    hass: HomeAssistant, script: Script
) -> None:
    await start(hass)

    assert entity_id(hass, "car_position", "device_tracker") is None


async def test_while_a_meter_does_not_deliver_only_what_it_says_of_itself_is_shown(
    hass: HomeAssistant, script: Script
) -> None:
    dead = meter(
        {POWER: Reading(1)},
        moments={Moment.LAST_MEASURED: NOON, Moment.SESSION_START: NOON},
        choices={Choice.METER_STATUS: MeterStatus.ERROR, Choice.HOLD_TYPE: HoldType.SCHEDULED},
        flags={Flag.FAULT: True, Flag.ACTIVE: True},
        tracked=True,
        position=Position(1, 2),
        delivering=False,
    )
    script.show(dead)
    entry = await start(hass)

    gone = {
        "sensor": ["charge_power", "session_start", "hold_type"],
        "binary_sensor": ["active"],
        "device_tracker": ["position"],
    }
    for platform, names in gone.items():
        for name in names:
            assert state(hass, f"m_{name}", platform).state == STATE_UNAVAILABLE, name
    assert state(hass, "m_meter_status").state == "error"
    assert state(hass, "m_last_measured").state == NOON.isoformat()
    assert state(hass, "m_fault", "binary_sensor").state == "on"

    script.change("m", delivering=True)
    await poll(hass, entry)

    assert state(hass, "m_charge_power").state == "1"


async def test_details_exist_but_start_switched_off(hass: HomeAssistant, script: Script) -> None:
    keys = [SOC, Flag.CHARGING, Moment.LAST_SEEN, Choice.HOLD_TYPE]
    script.show(
        car(
            flags={Flag.CHARGING: True},
            moments={Moment.LAST_SEEN: NOON},
            choices={Choice.HOLD_TYPE: None},
            detail=frozenset(keys),
        )
    )
    await start(hass)

    for name, platform in (
        ("state_of_charge", "sensor"),
        ("last_seen", "sensor"),
        ("hold_type", "sensor"),
        ("charging", "binary_sensor"),
    ):
        found = entity_id(hass, f"car_{name}", platform)
        assert found is not None
        entity = er.async_get(hass).async_get(found)
        assert entity is not None
        assert entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION


async def test_a_part_is_in_the_name_and_in_the_id(hass: HomeAssistant, script: Script) -> None:
    script.show(
        meter(
            {
                (Quantity.VOLTAGE, Part.L2): Reading(231.4),
                (Quantity.ENERGY_IMPORT, Part.T1): Reading(7),
            }
        )
    )
    await start(hass)

    assert state(hass, "m_voltage_l2").attributes["friendly_name"] == "M Voltage L2"
    assert state(hass, "m_energy_import_t1").attributes["friendly_name"] == "M Energy import T1"


async def test_an_entity_takes_the_newest_when_it_is_switched_on(
    hass: HomeAssistant, script: Script
) -> None:
    script.show(car(detail=frozenset({SOC})))
    entry = await start(hass)
    found = entity_id(hass, "car_state_of_charge")
    assert found is not None
    script.change("car", numbers={SOC: Reading(80)})
    await poll(hass, entry)

    er.async_get(hass).async_update_entity(found, disabled_by=None)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()

    assert state(hass, "car_state_of_charge").state == "80"


async def test_the_same_value_is_not_written_twice_after_a_poll_by_hand(
    hass: HomeAssistant, script: Script
) -> None:
    entry = await start(hass)
    writes = Writes(hass)
    script.show(car(manufacturer="Acme"))  # another device, the same values

    await poll(hass, entry)

    assert writes.entities == []


def test_a_key_of_no_sort_is_a_fault() -> None:
    with pytest.raises(TypeError):
        _make(None, car(), "state_of_charge")  # type: ignore[arg-type] # that is the point


# The same with a provider.


async def test_the_owner_says_in_which_unit_enectiva_heat_is(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    entry = await set_up(hass, simulator, "enectiva")
    heat = [
        one.entity_id
        for one in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        if "heat" in one.unique_id and not one.disabled
    ]
    assert heat
    before = {one: hass.states.get(one) for one in heat}
    assert all(
        one is not None and "unit_of_measurement" not in one.attributes for one in before.values()
    )

    flow = await hass.config_entries.options.async_init(entry.entry_id)
    await hass.config_entries.options.async_configure(
        flow["flow_id"],
        {"heat_unit": "gj", "cold_unit": "unknown", **{one.value: {} for one in Carrier}},
    )
    await hass.async_block_till_done(wait_background_tasks=True)

    for one in heat:
        after = hass.states.get(one)
        assert after is not None
        assert after.attributes["unit_of_measurement"] == "GJ"
        assert after.attributes["device_class"] == "energy"
