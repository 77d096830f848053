"""The one vocabulary: everything any provider can report, in the field's standard terms.

A quantity has one canonical unit and one sign for all providers, so that an automation written
for a device of one provider works for the same kind of device of another. The values of these
enums are parts of unique ids and translation keys: changing one needs a migration.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self


class Kind(StrEnum):
    """What a device is."""

    METER = "meter"
    BUILDING = "building"
    DATA_SERIES = "data_series"
    VEHICLE = "vehicle"
    CHARGER = "charger"
    BATTERY = "battery"
    INVERTER = "inverter"
    HVAC = "hvac"
    SITE = "site"
    ACCOUNT = "account"
    OTHER = "other"


class Quantity(StrEnum):
    """A number a device can report; `unit` is its canonical unit.

    `unit` is None where the number has none, or where it can't be fixed for all devices (money,
    heat): then each reading carries its own, or has none because nobody knows it.
    """

    unit: str | None

    def __new__(cls, value: str, unit: str | None) -> Self:
        """Attach the canonical unit to the member."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.unit = unit
        return member

    # Energy that passed a meter since it was installed: counters, they only rise.
    ENERGY_IMPORT = "energy_import", "kWh"
    """Taken from the grid at the connection point."""
    ENERGY_EXPORT = "energy_export", "kWh"
    """Fed into the grid at the connection point."""
    ENERGY_CONSUMPTION = "energy_consumption", "kWh"
    """Used by what a sub-meter or a home measures."""
    ENERGY_PRODUCTION = "energy_production", "kWh"
    """Generated, mostly by solar panels."""
    ENERGY_CHARGED = "energy_charged", "kWh"
    """Put into a battery or, by a charger, into vehicles."""
    ENERGY_DISCHARGED = "energy_discharged", "kWh"
    """Taken out of a battery."""
    REACTIVE_ENERGY_IMPORT = "reactive_energy_import", "kvarh"
    REACTIVE_ENERGY_EXPORT = "reactive_energy_export", "kvarh"
    APPARENT_ENERGY_IMPORT = "apparent_energy_import", "kVAh"
    APPARENT_ENERGY_EXPORT = "apparent_energy_export", "kVAh"
    GAS_CONSUMPTION = "gas_consumption", "m³"
    """Gas through a meter; a reading in an energy unit carries that unit."""
    GAS_RETURNED = "gas_returned", "m³"
    WATER_CONSUMPTION = "water_consumption", "m³"
    HEAT_CONSUMPTION = "heat_consumption", None
    """Heat through a meter, in the reading's unit; nothing is assumed where none is given."""
    COLD_CONSUMPTION = "cold_consumption", None
    """Cold through a meter, in the reading's unit; nothing is assumed where none is given."""

    # Amounts since a moment that the reading names; they restart.
    ENERGY_IMPORT_TODAY = "energy_import_today", "kWh"
    ENERGY_EXPORT_TODAY = "energy_export_today", "kWh"
    ENERGY_CONSUMPTION_TODAY = "energy_consumption_today", "kWh"
    ENERGY_PRODUCTION_TODAY = "energy_production_today", "kWh"
    ENERGY_CHARGED_TODAY = "energy_charged_today", "kWh"
    ENERGY_DISCHARGED_TODAY = "energy_discharged_today", "kWh"
    ELECTRICITY_MONTH = "electricity_month", "kWh"
    """Electricity used in the running calendar month, up to the last valid reading."""
    PRODUCTION_MONTH = "production_month", "kWh"
    GAS_MONTH = "gas_month", "m³"
    WATER_MONTH = "water_month", "m³"
    HEAT_MONTH = "heat_month", None
    COLD_MONTH = "cold_month", None
    AMOUNT_MONTH = "amount_month", None
    """Of a formula over meters, when nobody says what it adds up; it may be negative."""
    SESSION_ENERGY = "session_energy", "kWh"
    """Put into the vehicle in the newest charging session; a provider may correct it downwards."""
    SESSION_COST = "session_cost", None
    """Cost of the newest charging session, in the reading's currency."""
    SESSION_SAVINGS = "session_savings", None

    # Amounts of a period that is over.
    ELECTRICITY_LAST_MONTH = "electricity_last_month", "kWh"
    PRODUCTION_LAST_MONTH = "production_last_month", "kWh"
    GAS_LAST_MONTH = "gas_last_month", "m³"
    WATER_LAST_MONTH = "water_last_month", "m³"
    HEAT_LAST_MONTH = "heat_last_month", None
    COLD_LAST_MONTH = "cold_last_month", None
    AMOUNT_LAST_MONTH = "amount_last_month", None
    LAST_SESSION_ENERGY = "last_session_energy", "kWh"
    LAST_SESSION_COST = "last_session_cost", None
    SESSION_CO2 = "session_co2", "g"

    # Power now.
    POWER_NET = "power_net", "W"
    """At the connection point: positive is import, negative is export."""
    POWER_IMPORT = "power_import", "W"
    POWER_EXPORT = "power_export", "W"
    POWER_CONSUMPTION = "power_consumption", "W"
    """Used by a home or an appliance."""
    POWER_PRODUCTION = "power_production", "W"
    CHARGE_POWER = "charge_power", "W"
    """Of a vehicle, charger or battery: positive is charging, negative is discharging."""
    BATTERY_POWER = "battery_power", "W"
    """Of the battery behind a site or meter: positive is charging, negative is discharging."""
    CHARGER_POWER = "charger_power", "W"
    """Of the chargers behind a site or meter."""
    REACTIVE_POWER_NET = "reactive_power_net", "var"
    """Positive less negative reactive power."""
    APPARENT_POWER_NET = "apparent_power_net", "VA"
    """Apparent power of import less that of export."""
    VOLTAGE = "voltage", "V"
    CURRENT = "current", "A"
    FREQUENCY = "frequency", "Hz"
    POWER_FACTOR = "power_factor", None
    """Between -1 and 1."""

    # Batteries, vehicles, chargers.
    STATE_OF_CHARGE = "state_of_charge", "%"
    TARGET_STATE_OF_CHARGE = "target_state_of_charge", "%"
    """What the running charging plan aims at."""
    CHARGE_LIMIT = "charge_limit", "%"
    """What the owner allows at most."""
    DISCHARGE_LIMIT = "discharge_limit", "%"
    """What stays in a home battery as reserve."""
    STORED_ENERGY = "stored_energy", "kWh"
    BATTERY_CAPACITY = "battery_capacity", "kWh"
    CHARGE_TIME_REMAINING = "charge_time_remaining", "min"
    MAX_CURRENT = "max_current", "A"
    RANGE = "range", "km"
    ODOMETER = "odometer", "km"

    # Surroundings.
    TEMPERATURE = "temperature", "°C"
    PRICE = "price", None
    """Of electricity now, in the reading's currency per kWh."""
    CARBON_INTENSITY = "carbon_intensity", "gCO₂/kWh"
    VALUE = "value", None
    """Of a custom data series, in the reading's unit."""

    # The device itself.
    SIGNAL_STRENGTH = "signal_strength", "dBm"
    CPU_LOAD = "cpu_load", "%"
    CPU_TEMPERATURE = "cpu_temperature", "°C"
    MEMORY_FREE = "memory_free", "kB"
    REQUESTS_LEFT = "requests_left", None
    """Requests that the provider still allows in its rolling hour."""


COUNTERS: Final = frozenset(
    {
        Quantity.ENERGY_IMPORT,
        Quantity.ENERGY_EXPORT,
        Quantity.ENERGY_CONSUMPTION,
        Quantity.ENERGY_PRODUCTION,
        Quantity.ENERGY_CHARGED,
        Quantity.ENERGY_DISCHARGED,
        Quantity.REACTIVE_ENERGY_IMPORT,
        Quantity.REACTIVE_ENERGY_EXPORT,
        Quantity.APPARENT_ENERGY_IMPORT,
        Quantity.APPARENT_ENERGY_EXPORT,
        Quantity.GAS_CONSUMPTION,
        Quantity.GAS_RETURNED,
        Quantity.WATER_CONSUMPTION,
        Quantity.HEAT_CONSUMPTION,
        Quantity.COLD_CONSUMPTION,
        Quantity.ODOMETER,
    }
)
"""Quantities that only rise while the device stays the same one."""


FLEETING: Final = frozenset(
    {
        Quantity.POWER_NET,
        Quantity.POWER_IMPORT,
        Quantity.POWER_EXPORT,
        Quantity.POWER_CONSUMPTION,
        Quantity.POWER_PRODUCTION,
        Quantity.CHARGE_POWER,
        Quantity.BATTERY_POWER,
        Quantity.CHARGER_POWER,
    }
)
"""Quantities that mislead when they are old: 9.9 kW an hour after charging stopped."""


class Part(StrEnum):
    """Which phase or tariff register of a quantity."""

    L1 = "l1"
    L2 = "l2"
    L3 = "l3"
    T1 = "t1"
    T2 = "t2"
    T3 = "t3"
    T4 = "t4"


class Flag(StrEnum):
    """A yes or no that a device can report."""

    PLUGGED_IN = "plugged_in"
    CHARGING = "charging"
    FULLY_CHARGED = "fully_charged"
    CHARGE_PLANNED = "charge_planned"
    """The charging plan wants energy to flow now."""
    SMART_CHARGING = "smart_charging"
    PRODUCING = "producing"
    ACTIVE = "active"
    """A heating or cooling appliance is running."""
    ONLINE = "online"
    FAULT = "fault"
    OWNER_ACTION_NEEDED = "owner_action_needed"
    LOGIN_BROKEN = "login_broken"
    """The provider can no longer sign in at the device's maker."""
    DATA_LATE = "data_late"
    """The newest measurement is older than the provider's cadence explains."""


class Moment(StrEnum):
    """A point in time that a device can report."""

    LAST_MEASURED = "last_measured"
    """When the newest value was measured, in the provider's words."""
    LAST_SEEN = "last_seen"
    """When the provider last had contact with the device."""
    TOKEN_EXPIRES = "token_expires"
    NEXT_CHARGE_START = "next_charge_start"
    NEXT_CHARGE_END = "next_charge_end"
    SESSION_START = "session_start"
    LAST_SESSION_START = "last_session_start"
    LAST_SESSION_END = "last_session_end"


class MeterStatus(StrEnum):
    """How a local meter judges itself."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"


class ChargingState(StrEnum):
    """Where a vehicle or charger stands between unplugged and full."""

    UNPLUGGED = "unplugged"
    INITIALIZING = "initializing"
    CHARGING = "charging"
    STOPPED = "stopped"
    COMPLETE = "complete"
    NO_POWER = "no_power"
    FAULT = "fault"
    DISCHARGING = "discharging"


class VehicleState(StrEnum):
    """What a vehicle is doing."""

    DRIVING = "driving"
    RECENTLY_FINISHED_DRIVING = "recently_finished_driving"
    STATIONARY = "stationary"
    IN_SERVICE = "in_service"
    PLUGGED_IN_NOT_CHARGING = "plugged_in_not_charging"
    PLUGGED_IN_CHARGING = "plugged_in_charging"
    PLUGGED_IN_COMPLETE = "plugged_in_complete"
    PLUGGED_IN_NEAR_READY_BY_TIME = "plugged_in_near_ready_by_time"
    PLUGGED_IN_ALMOST_COMPLETE = "plugged_in_almost_complete"


class SessionMode(StrEnum):
    """Who steers a charging session; on the go means away from home."""

    SMART = "smart"
    BOOST = "boost"
    UNMANAGED_HOME = "unmanaged_home"
    UNMANAGED_ON_THE_GO = "unmanaged_on_the_go"
    MANAGED_ON_THE_GO = "managed_on_the_go"


class LockMode(StrEnum):
    """When a charger gives energy."""

    UNLOCKED = "unlocked"
    SMART = "smart"
    LOCKED = "locked"


class BatteryStatus(StrEnum):
    """What a home battery is doing."""

    CHARGING = "charging"
    DISCHARGING = "discharging"
    IDLE = "idle"
    FAULT = "fault"


class OperationMode(StrEnum):
    """What a home battery optimises for."""

    IMPORT_FOCUS = "import_focus"
    EXPORT_FOCUS = "export_focus"
    TIME_OF_USE = "time_of_use"
    SELF_RELIANCE = "self_reliance"
    IDLE = "idle"


class HvacMode(StrEnum):
    """What a heating or cooling appliance is set to."""

    OFF = "off"
    AUTO = "auto"
    COOL = "cool"
    HEAT = "heat"


class HoldType(StrEnum):
    """Whether a thermostat keeps its setting or follows its schedule."""

    PERMANENT = "permanent"
    SCHEDULED = "scheduled"


class Choice(StrEnum):
    """A word out of a fixed list that a device can report; `OPTIONS` has the lists."""

    METER_STATUS = "meter_status"
    CHARGING_STATE = "charging_state"
    VEHICLE_STATE = "vehicle_state"
    SESSION_MODE = "session_mode"
    LOCK_MODE = "lock_mode"
    BATTERY_STATUS = "battery_status"
    OPERATION_MODE = "operation_mode"
    HVAC_MODE = "hvac_mode"
    HOLD_TYPE = "hold_type"


OPTIONS: Final[Mapping[Choice, type[StrEnum]]] = MappingProxyType(
    {
        Choice.METER_STATUS: MeterStatus,
        Choice.CHARGING_STATE: ChargingState,
        Choice.VEHICLE_STATE: VehicleState,
        Choice.SESSION_MODE: SessionMode,
        Choice.LOCK_MODE: LockMode,
        Choice.BATTERY_STATUS: BatteryStatus,
        Choice.OPERATION_MODE: OperationMode,
        Choice.HVAC_MODE: HvacMode,
        Choice.HOLD_TYPE: HoldType,
    }
)


class Action(StrEnum):
    """What a device can be told; one vocabulary for all providers.

    Some members have the text of a `Flag`, `Quantity` or `Choice` and so compare equal to it: never
    put them into one set or mapping.
    """

    CHARGING = "charging"
    """`Switch`: charge, or do not."""
    MAX_CURRENT = "max_current"
    """`Range` in A, per phase."""
    OPERATION_MODE = "operation_mode"
    """`Options` of `OperationMode`: what a home battery optimises for."""
    CLIMATE = "climate"
    """`Climate`: mode and setpoints of a thermostat."""
    SMART_CHARGING = "smart_charging"
    """`Switch`: the provider plans when to charge."""
    READY_BY = "ready_by"
    """`TimeOfDay`, local, by which smart charging has to be done."""
    MINIMUM_CHARGE = "minimum_charge"
    """`Range` in %: up to there smart charging charges at once."""
    CHARGE_LIMIT = "charge_limit"
    """`Range` in %: what is charged at most."""
    CHARGE_NOW = "charge_now"
    """`Press`: charge now, whatever the plan says."""
    END_CHARGE_NOW = "end_charge_now"
    """`Press`: go back to the plan."""
    REFRESH = "refresh"
    """`Press`: ask the provider to ask the device."""
    LIMIT_FEED_IN = "limit_feed_in"
    """`Range` in W: what is fed into the grid at most."""
    STOP_FEED_IN = "stop_feed_in"
    """`Press`: feed nothing into the grid."""
