"""Sensors: one description per quantity, moment and choice of the vocabulary."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.sensor import (
    DEVICE_CLASS_UNITS,
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import EnergyConfigEntry, EnergyCoordinator
from .core.model import Device, Key, NumberKey, Reading
from .core.vocabulary import COUNTERS, OPTIONS, Choice, Moment, Quantity
from .entity import EnergyEntity, add_entities, key_name
from .history.entity import HistorySensor

PARALLEL_UPDATES = 0

_MEASUREMENT: Final = SensorStateClass.MEASUREMENT
_TOTAL: Final = SensorStateClass.TOTAL
_Q: Final = Quantity
_D: Final = SensorDeviceClass


@dataclass(frozen=True, kw_only=True)
class NumberDescription(SensorEntityDescription):
    """How a quantity is shown.

    `classes` are the device classes that it can have; the first that knows the reading's unit is
    taken, none if none does. A number without a known unit has no state class either: statistics
    recorded in a guessed unit can't be repaired.
    """

    quantity: Quantity
    classes: tuple[SensorDeviceClass, ...] = ()


def _number(
    quantity: Quantity,
    *classes: SensorDeviceClass,
    state_class: SensorStateClass | None = None,
    precision: int | None = None,
    diagnostic: bool = False,
) -> NumberDescription:
    if quantity in COUNTERS:
        state_class = SensorStateClass.TOTAL_INCREASING
    return NumberDescription(
        key=quantity,
        translation_key=quantity,
        quantity=quantity,
        classes=classes,
        state_class=state_class,
        suggested_display_precision=precision,
        entity_category=EntityCategory.DIAGNOSTIC if diagnostic else None,
    )


_ENERGY_AMOUNTS: Final = (
    *(q for q in COUNTERS if q.unit == "kWh"),
    _Q.ENERGY_IMPORT_TODAY,
    _Q.ENERGY_EXPORT_TODAY,
    _Q.ENERGY_CONSUMPTION_TODAY,
    _Q.ENERGY_PRODUCTION_TODAY,
    _Q.ENERGY_CHARGED_TODAY,
    _Q.ENERGY_DISCHARGED_TODAY,
    _Q.ELECTRICITY_MONTH,
    _Q.PRODUCTION_MONTH,
    _Q.SESSION_ENERGY,
)
_POWERS: Final = (
    _Q.POWER_NET,
    _Q.POWER_IMPORT,
    _Q.POWER_EXPORT,
    _Q.POWER_CONSUMPTION,
    _Q.POWER_PRODUCTION,
    _Q.CHARGE_POWER,
    _Q.BATTERY_POWER,
    _Q.CHARGER_POWER,
)

NUMBERS: Final = {
    description.quantity: description
    for description in (
        *(_number(q, _D.ENERGY, state_class=_TOTAL, precision=2) for q in _ENERGY_AMOUNTS),
        *(_number(q, _D.POWER, state_class=_MEASUREMENT, precision=0) for q in _POWERS),
        _number(_Q.REACTIVE_ENERGY_IMPORT, _D.REACTIVE_ENERGY, precision=2),
        _number(_Q.REACTIVE_ENERGY_EXPORT, _D.REACTIVE_ENERGY, precision=2),
        _number(_Q.APPARENT_ENERGY_IMPORT, precision=2),
        _number(_Q.APPARENT_ENERGY_EXPORT, precision=2),
        _number(_Q.GAS_CONSUMPTION, _D.GAS, _D.ENERGY, precision=2),
        _number(_Q.GAS_RETURNED, _D.GAS, _D.ENERGY, precision=2),
        _number(_Q.WATER_CONSUMPTION, _D.WATER, precision=2),
        _number(_Q.HEAT_CONSUMPTION, _D.ENERGY, precision=2),
        _number(_Q.COLD_CONSUMPTION, _D.ENERGY, precision=2),
        _number(_Q.GAS_MONTH, _D.GAS, _D.ENERGY, state_class=_TOTAL, precision=2),
        _number(_Q.WATER_MONTH, _D.WATER, state_class=_TOTAL, precision=2),
        _number(_Q.HEAT_MONTH, _D.ENERGY, state_class=_TOTAL, precision=2),
        _number(_Q.COLD_MONTH, _D.ENERGY, state_class=_TOTAL, precision=2),
        _number(_Q.SESSION_COST, _D.MONETARY, state_class=_TOTAL, precision=2),
        _number(_Q.SESSION_SAVINGS, _D.MONETARY, state_class=_TOTAL, precision=2),
        # What is over is a record, not a meter: no state class.
        _number(_Q.ELECTRICITY_LAST_MONTH, _D.ENERGY, precision=2),
        _number(_Q.PRODUCTION_LAST_MONTH, _D.ENERGY, precision=2),
        _number(_Q.GAS_LAST_MONTH, _D.GAS, _D.ENERGY, precision=2),
        _number(_Q.WATER_LAST_MONTH, _D.WATER, precision=2),
        _number(_Q.HEAT_LAST_MONTH, _D.ENERGY, precision=2),
        _number(_Q.COLD_LAST_MONTH, _D.ENERGY, precision=2),
        # What it is an amount of is not known: statistics of it can't be right.
        _number(_Q.AMOUNT_MONTH, precision=2),
        _number(_Q.AMOUNT_LAST_MONTH, precision=2),
        _number(_Q.LAST_SESSION_ENERGY, _D.ENERGY, precision=2),
        _number(_Q.LAST_SESSION_COST, _D.MONETARY, precision=2),
        # No device class: `weight` would make statistics of a sum that restarts.
        _number(_Q.SESSION_CO2, state_class=_MEASUREMENT, precision=0),
        _number(_Q.REACTIVE_POWER_NET, _D.REACTIVE_POWER, state_class=_MEASUREMENT, precision=0),
        _number(_Q.APPARENT_POWER_NET, _D.APPARENT_POWER, state_class=_MEASUREMENT, precision=0),
        _number(_Q.VOLTAGE, _D.VOLTAGE, state_class=_MEASUREMENT, precision=1),
        _number(_Q.CURRENT, _D.CURRENT, state_class=_MEASUREMENT, precision=2),
        _number(_Q.FREQUENCY, _D.FREQUENCY, state_class=_MEASUREMENT, precision=2),
        _number(_Q.POWER_FACTOR, _D.POWER_FACTOR, state_class=_MEASUREMENT, precision=2),
        _number(_Q.STATE_OF_CHARGE, _D.BATTERY, state_class=_MEASUREMENT, precision=0),
        # No class battery: it is a wish, and the dashboard's battery cards take the first such.
        _number(_Q.TARGET_STATE_OF_CHARGE, precision=0, diagnostic=True),
        _number(_Q.CHARGE_LIMIT, state_class=_MEASUREMENT, precision=0),
        _number(_Q.DISCHARGE_LIMIT, state_class=_MEASUREMENT, precision=0),
        _number(_Q.STORED_ENERGY, _D.ENERGY_STORAGE, state_class=_MEASUREMENT, precision=1),
        _number(
            _Q.BATTERY_CAPACITY,
            _D.ENERGY_STORAGE,
            state_class=_MEASUREMENT,
            precision=1,
            diagnostic=True,
        ),
        _number(_Q.CHARGE_TIME_REMAINING, _D.DURATION, state_class=_MEASUREMENT, precision=0),
        _number(_Q.MAX_CURRENT, _D.CURRENT, state_class=_MEASUREMENT, precision=0, diagnostic=True),
        _number(_Q.RANGE, _D.DISTANCE, state_class=_MEASUREMENT, precision=0),
        _number(_Q.ODOMETER, _D.DISTANCE, precision=0),
        _number(_Q.TEMPERATURE, _D.TEMPERATURE, state_class=_MEASUREMENT, precision=1),
        _number(_Q.PRICE, state_class=_MEASUREMENT, precision=4),
        _number(_Q.CARBON_INTENSITY, state_class=_MEASUREMENT, precision=0),
        _number(_Q.VALUE, _D.TEMPERATURE, _D.CO2, state_class=_MEASUREMENT),
        _number(_Q.SIGNAL_STRENGTH, _D.SIGNAL_STRENGTH, state_class=_MEASUREMENT, diagnostic=True),
        _number(_Q.CPU_LOAD, state_class=_MEASUREMENT, precision=0, diagnostic=True),
        _number(
            _Q.CPU_TEMPERATURE,
            _D.TEMPERATURE,
            state_class=_MEASUREMENT,
            precision=1,
            diagnostic=True,
        ),
        _number(
            _Q.MEMORY_FREE, _D.DATA_SIZE, state_class=_MEASUREMENT, precision=0, diagnostic=True
        ),
        _number(_Q.REQUESTS_LEFT, state_class=_MEASUREMENT, precision=0, diagnostic=True),
    )
}

_ABOUT_THE_DEVICE: Final = frozenset({Moment.LAST_MEASURED, Moment.LAST_SEEN, Moment.TOKEN_EXPIRES})
MOMENTS: Final = {
    moment: SensorEntityDescription(
        key=moment,
        translation_key=moment,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC if moment in _ABOUT_THE_DEVICE else None,
    )
    for moment in Moment
}
_DIAGNOSTIC_CHOICES: Final = frozenset({Choice.METER_STATUS, Choice.HOLD_TYPE})
CHOICES: Final = {
    choice: SensorEntityDescription(
        key=choice,
        translation_key=choice,
        device_class=SensorDeviceClass.ENUM,
        options=[option.value for option in OPTIONS[choice]],
        entity_category=EntityCategory.DIAGNOSTIC if choice in _DIAGNOSTIC_CHOICES else None,
    )
    for choice in Choice
}
# Quantities that have no unit by nature; for all others a missing unit means that nobody knows it.
_UNITLESS: Final = frozenset({Quantity.POWER_FACTOR, Quantity.REQUESTS_LEFT})


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of all devices."""
    if entry.runtime_data.history is not None:
        async_add_entities([HistorySensor(entry, entry.runtime_data.history)])
    await add_entities(entry, async_add_entities, _keys, _make)


def _keys(device: Device) -> Iterator[Key]:
    yield from device.numbers
    yield from device.moments
    yield from device.choices


def _make(coordinator: EnergyCoordinator, device: Device, key: Key) -> EnergyEntity:
    match key:
        case Moment():
            return MomentSensor(coordinator, device, key)
        case Choice():
            return ChoiceSensor(coordinator, device, key)
        case (quantity, part):
            return NumberSensor(coordinator, device, (quantity, part))
    raise TypeError(key)


class NumberSensor(EnergyEntity, SensorEntity):
    """A number, in the unit of its reading or of its quantity."""

    entity_description: NumberDescription

    def __init__(self, coordinator: EnergyCoordinator, device: Device, key: NumberKey) -> None:
        """Describe the quantity; a part (phase, tariff) goes into the name."""
        super().__init__(coordinator, device, key_name(key))
        quantity, part = key
        self.entity_description = NUMBERS[quantity]
        self._key = key
        self._attr_entity_registry_enabled_default = key not in device.detail
        if part is not None:
            self._attr_translation_key = f"{quantity}_part"
            self._attr_translation_placeholders = {"part": part.upper()}

    @override
    def _take(self, device: Device) -> object:
        reading = device.numbers.get(self._key, _UNKNOWN)
        quantity = self.entity_description.quantity
        unit = reading.unit or quantity.unit
        self._attr_native_value = reading.value
        if reading is not _UNKNOWN:
            self._attr_native_unit_of_measurement = unit
            self._attr_device_class = _device_class(self.entity_description.classes, unit)
            known = unit is not None or quantity in _UNITLESS
            self._attr_state_class = self.entity_description.state_class if known else None
            self._attr_last_reset = (
                reading.since if self._attr_state_class is SensorStateClass.TOTAL else None
            )
        return reading.value, unit, reading.since


class MomentSensor(EnergyEntity, SensorEntity):
    """A point in time."""

    def __init__(self, coordinator: EnergyCoordinator, device: Device, key: Moment) -> None:
        """Describe the moment."""
        super().__init__(coordinator, device, key_name(key))
        self.entity_description = MOMENTS[key]
        self._key = key
        self._attr_entity_registry_enabled_default = key not in device.detail

    @override
    def _take(self, device: Device) -> object:
        self._attr_native_value = value = device.moments.get(self._key)
        return value

    @override
    def _speaks_of_the_device(self) -> bool:
        return self._key in _ABOUT_THE_DEVICE


class ChoiceSensor(EnergyEntity, SensorEntity):
    """A word out of a fixed list."""

    def __init__(self, coordinator: EnergyCoordinator, device: Device, key: Choice) -> None:
        """Describe the choice."""
        super().__init__(coordinator, device, key_name(key))
        self.entity_description = CHOICES[key]
        self._key = key
        self._attr_entity_registry_enabled_default = key not in device.detail

    @override
    def _take(self, device: Device) -> object:
        choice = device.choices.get(self._key)
        self._attr_native_value = choice.value if choice is not None else None
        return choice

    @override
    def _speaks_of_the_device(self) -> bool:
        return self._key is Choice.METER_STATUS


_UNKNOWN: Final = Reading(None)


def _device_class(
    classes: Iterable[SensorDeviceClass], unit: str | None
) -> SensorDeviceClass | None:
    """Return the first class that knows the unit; money is in any currency."""
    for device_class in classes:
        units = DEVICE_CLASS_UNITS.get(device_class)
        if (unit in units) if units is not None else unit is not None:
            return device_class
    return None
