"""The words that are in unique ids and translation keys: changing one needs a migration."""

from enum import StrEnum
import re
from typing import Final

import pytest

from custom_components.energy_connect.core import vocabulary
from custom_components.energy_connect.core.vocabulary import (
    COUNTERS,
    FLEETING,
    OPTIONS,
    Action,
    Choice,
    Flag,
    Kind,
    Moment,
    Part,
    Quantity,
)

FROZEN: Final[dict[type[StrEnum], str]] = {
    Action: """
        charging max_current operation_mode climate smart_charging ready_by minimum_charge
        charge_limit charge_now end_charge_now refresh limit_feed_in stop_feed_in
    """,
    Kind: """
        meter building data_series vehicle charger battery inverter hvac site account
        other
    """,
    Quantity: """
        energy_import energy_export energy_consumption energy_production energy_charged
        energy_discharged reactive_energy_import reactive_energy_export
        apparent_energy_import apparent_energy_export gas_consumption gas_returned
        water_consumption heat_consumption cold_consumption energy_import_today
        energy_export_today energy_consumption_today energy_production_today
        energy_charged_today energy_discharged_today electricity_month production_month
        gas_month water_month heat_month cold_month session_energy session_cost
        session_savings electricity_last_month production_last_month gas_last_month
        water_last_month heat_last_month cold_last_month amount_month amount_last_month last_session_energy
        last_session_cost session_co2 power_net power_import power_export
        power_consumption power_production charge_power battery_power charger_power
        reactive_power_net apparent_power_net voltage current frequency power_factor
        state_of_charge target_state_of_charge charge_limit discharge_limit
        stored_energy battery_capacity charge_time_remaining max_current range odometer
        temperature price carbon_intensity value signal_strength cpu_load
        cpu_temperature memory_free requests_left
    """,
    Part: """
        l1 l2 l3 t1 t2 t3 t4
    """,
    Flag: """
        plugged_in charging fully_charged charge_planned smart_charging producing active
        online fault owner_action_needed login_broken data_late
    """,
    Moment: """
        last_measured last_seen token_expires next_charge_start next_charge_end
        session_start last_session_start last_session_end
    """,
    Choice: """
        meter_status charging_state vehicle_state session_mode lock_mode battery_status
        operation_mode hvac_mode hold_type
    """,
    vocabulary.MeterStatus: """
        ok warning error unknown
    """,
    vocabulary.ChargingState: """
        unplugged initializing charging stopped complete no_power fault discharging
    """,
    vocabulary.VehicleState: """
        driving recently_finished_driving stationary in_service plugged_in_not_charging
        plugged_in_charging plugged_in_complete plugged_in_near_ready_by_time
        plugged_in_almost_complete
    """,
    vocabulary.SessionMode: """
        smart boost unmanaged_home unmanaged_on_the_go managed_on_the_go
    """,
    vocabulary.LockMode: """
        unlocked smart locked
    """,
    vocabulary.BatteryStatus: """
        charging discharging idle fault
    """,
    vocabulary.OperationMode: """
        import_focus export_focus time_of_use self_reliance idle
    """,
    vocabulary.HvacMode: """
        off auto cool heat
    """,
    vocabulary.HoldType: """
        permanent scheduled
    """,
}

UNITS: Final = {
    "kWh": """
        energy_import energy_export energy_consumption energy_production energy_charged
        energy_discharged energy_import_today energy_export_today
        energy_consumption_today energy_production_today energy_charged_today
        energy_discharged_today electricity_month production_month session_energy
        electricity_last_month production_last_month last_session_energy stored_energy
        battery_capacity
    """,
    "kvarh": """
        reactive_energy_import reactive_energy_export
    """,
    "kVAh": """
        apparent_energy_import apparent_energy_export
    """,
    "m³": """
        gas_consumption gas_returned water_consumption gas_month water_month
        gas_last_month water_last_month
    """,
    None: """
        heat_consumption cold_consumption heat_month cold_month session_cost
        session_savings heat_last_month cold_last_month amount_month amount_last_month last_session_cost power_factor
        price value requests_left
    """,
    "g": """
        session_co2
    """,
    "W": """
        power_net power_import power_export power_consumption power_production
        charge_power battery_power charger_power
    """,
    "var": """
        reactive_power_net
    """,
    "VA": """
        apparent_power_net
    """,
    "V": """
        voltage
    """,
    "A": """
        current max_current
    """,
    "Hz": """
        frequency
    """,
    "%": """
        state_of_charge target_state_of_charge charge_limit discharge_limit cpu_load
    """,
    "min": """
        charge_time_remaining
    """,
    "km": """
        range odometer
    """,
    "°C": """
        temperature cpu_temperature
    """,
    "gCO₂/kWh": """
        carbon_intensity
    """,
    "dBm": """
        signal_strength
    """,
    "kB": """
        memory_free
    """,
}
COUNTING: Final = """
    energy_import energy_export energy_consumption energy_production energy_charged
    energy_discharged reactive_energy_import reactive_energy_export
    apparent_energy_import apparent_energy_export gas_consumption gas_returned
    water_consumption heat_consumption cold_consumption odometer
"""


@pytest.mark.parametrize("words", FROZEN, ids=lambda words: words.__name__)
def test_a_word_once_given_stays(words: type[StrEnum]) -> None:
    """A word may be added here; to change or drop one, write the migration first."""
    assert {word.value for word in words} == set(FROZEN[words].split())


def test_all_words_are_frozen() -> None:
    enums = {
        thing
        for thing in vars(vocabulary).values()
        if isinstance(thing, type) and issubclass(thing, StrEnum) and thing is not StrEnum
    }
    assert enums == set(FROZEN)


def test_a_unit_once_given_stays() -> None:
    units = {name: unit for unit, names in UNITS.items() for name in names.split()}
    assert {quantity.value: quantity.unit for quantity in Quantity} == units


def test_what_only_rises_is_frozen_too() -> None:
    assert {quantity.value for quantity in COUNTERS} == set(COUNTING.split())


@pytest.mark.parametrize("words", FROZEN, ids=lambda words: words.__name__)
def test_a_word_is_fit_for_ids_and_translations_and_named_after_itself(
    words: type[StrEnum],
) -> None:
    for word in words:
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", word.value)
        assert word.name.lower() == word.value


def test_no_two_things_of_a_device_have_the_same_word() -> None:
    # All of them end in the unique ids of one device.
    words = [word.value for kind in (Quantity, Flag, Moment, Choice) for word in kind]
    assert len(words) == len(set(words))


def test_no_quantity_with_a_part_reads_like_another() -> None:
    values = {quantity.value for quantity in Quantity}
    joined = {f"{quantity.value}_{part.value}" for quantity in Quantity for part in Part}
    assert not joined & values


def test_counters_and_fleeting_values_are_two_things() -> None:
    assert not COUNTERS & FLEETING
    assert all(quantity.unit == "W" for quantity in FLEETING)


def test_every_power_in_watts_is_fleeting() -> None:
    assert {quantity for quantity in Quantity if quantity.unit == "W"} == FLEETING


def test_what_restarts_is_no_counter() -> None:
    restarting = re.compile(r"(_today|_month)$|session")
    assert not [quantity for quantity in COUNTERS if restarting.search(quantity)]


def test_every_choice_has_its_own_options() -> None:
    assert set(OPTIONS) == set(Choice)
    assert len(set(OPTIONS.values())) == len(OPTIONS)
    assert all(len(options) > 1 for options in OPTIONS.values())


def test_options_can_not_be_changed() -> None:
    with pytest.raises(TypeError):
        OPTIONS[Choice.HVAC_MODE] = Kind  # type: ignore[index]  # which is what is tested
