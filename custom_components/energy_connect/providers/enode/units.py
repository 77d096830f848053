"""Batteries, inverters, heating and cooling, meters, and HEM systems: payload -> model.

Source: Enode's OpenAPI document of version 2024-10-01 (vendor). Power in kW: of a battery positive is
charging, of a meter positive is import. Temperatures in degrees Celsius.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Final

from ...core.model import Device, Key, NumberKey, Reading
from ...core.payload import Json, dig, identifier, instant, mapping, number, text
from ...core.vocabulary import BatteryStatus, Choice, Flag, Kind, Moment, OperationMode, Quantity
from .assets import KILO, SEEN, Asset, asset, capable, granted, scaled, section
from .controls import HOLD_TYPES, HVAC_MODES, MODE_CAPABILITIES, battery_controls, hvac_controls

_BATTERY: Final = {
    "batteryLevel": (Quantity.STATE_OF_CHARGE, 1.0),
    "chargeRate": (Quantity.CHARGE_POWER, KILO),
    "batteryCapacity": (Quantity.BATTERY_CAPACITY, 1.0),
    "dischargeLimit": (Quantity.DISCHARGE_LIMIT, 1.0),
}
_BATTERY_DETAIL: Final[frozenset[Key]] = frozenset(
    {(Quantity.BATTERY_CAPACITY, None), (Quantity.DISCHARGE_LIMIT, None)}
)
_INVERTER: Final = {
    "productionRate": (Quantity.POWER_PRODUCTION, KILO),
    "totalLifetimeProduction": (Quantity.ENERGY_PRODUCTION, 1.0),
}
_INVERTER_DATA: Final = "inverter:read:data"
_METER_DETAIL: Final[frozenset[Key]] = frozenset(
    {(Quantity.POWER_IMPORT, None), (Quantity.POWER_EXPORT, None)}
)
_TODAY: Final = {
    "generation": Quantity.ENERGY_PRODUCTION_TODAY,
    "consumption": Quantity.ENERGY_CONSUMPTION_TODAY,
    "charge": Quantity.ENERGY_CHARGED_TODAY,
    "discharge": Quantity.ENERGY_DISCHARGED_TODAY,
    "import": Quantity.ENERGY_IMPORT_TODAY,
    "export": Quantity.ENERGY_EXPORT_TODAY,
}
# The document names one unit field and no other unit than kWh; left out it means kWh.
_ENERGY_UNITS: Final = {"WH": 0.001, "KWH": 1.0, "MWH": 1000.0}


def parse_battery(row: Mapping[str, Json]) -> Asset | None:
    """Return a home battery; None if the row has no id."""
    data = "battery:read:data"
    charge = section(row, "chargeState", scope=data)
    config = section(row, "config", scope=data)
    modes = {}
    controls = battery_controls(row, config)
    # A mode nobody can set and nobody tells is none that the device has; one that the owner lets
    # us set is a control.
    if not controls and (
        config.fields.get("operationMode") is not None
        or any(dig(row, "capabilities", name, "isCapable") is True for name in MODE_CAPABILITIES)
    ):
        modes = config.choice("operationMode", Choice.OPERATION_MODE, _by_name(OperationMode))
    return asset(
        row,
        Kind.BATTERY,
        charge,
        numbers=charge.readings(_BATTERY),
        flags={},
        choices={
            **charge.choice("status", Choice.BATTERY_STATUS, _by_name(BatteryStatus)),
            **modes,
        },
        detail=_BATTERY_DETAIL,
        controls=controls,
    )


def parse_inverter(row: Mapping[str, Json]) -> Asset | None:
    """Return an inverter; None if the row has no id."""
    production = section(row, "productionState", scope=_INVERTER_DATA, capability="productionState")
    inverter = asset(
        row,
        Kind.INVERTER,
        production,
        serial="sn",
        numbers=production.readings(_INVERTER),
        flags=production.flags({"isProducing": Flag.PRODUCING}),
        choices={},
        detail=frozenset(),
    )
    if inverter is None:
        return None
    return replace(
        inverter,
        statistics=granted(row, _INVERTER_DATA) and capable(row, "productionStatistics"),
        zone=text(row.get("timezone")),
        installed=instant(dig(row, "information", "installationDate")),
    )


def parse_hvac(row: Mapping[str, Json]) -> Asset | None:
    """Return a heating or cooling appliance; None if the row has no id."""
    data = "hvac:read:data"
    temperature = section(row, "temperatureState", scope=data)
    thermostat = section(row, "thermostatState", scope=data)
    numbers = temperature.readings({"currentTemperature": (Quantity.TEMPERATURE, 1.0)})
    power = number(row.get("consumptionRate"))
    controls = hvac_controls(row, temperature, thermostat)
    # Null means that this appliance does not tell; one that is idle tells 0.
    if power is not None and granted(row, data):
        numbers[Quantity.POWER_CONSUMPTION, None] = Reading(scaled(power, KILO))
    return asset(
        row,
        Kind.HVAC,
        temperature,
        thermostat,
        numbers=numbers,
        flags=temperature.flags({"isActive": Flag.ACTIVE}),
        choices={
            # A thermostat that can be set shows its mode itself.
            **({} if controls else thermostat.choice("mode", Choice.HVAC_MODE, HVAC_MODES)),
            **thermostat.choice("holdType", Choice.HOLD_TYPE, HOLD_TYPES),
        },
        detail=frozenset({Flag.ACTIVE, Choice.HOLD_TYPE}),
        controls=controls,
    )


def parse_meter(row: Mapping[str, Json]) -> Asset | None:
    """Return a meter at the connection point; None if the row has no id."""
    energy = section(row, "energyState", scope="meter:read:data")
    numbers: dict[NumberKey, Reading] = {}
    if energy.offers("power"):
        power = scaled(number(energy.fields["power"]), KILO)
        numbers[Quantity.POWER_NET, None] = Reading(power, energy.at)
        for capability, quantity, sign in (
            ("measuresConsumption", Quantity.POWER_IMPORT, 1.0),
            ("measuresProduction", Quantity.POWER_EXPORT, -1.0),
        ):
            if capable(row, capability):
                share = None if power is None else max(0.0, sign * power)
                numbers[quantity, None] = Reading(share, energy.at)
    return asset(
        row,
        Kind.METER,
        energy,
        numbers=numbers,
        flags={},
        choices={},
        detail=_METER_DETAIL,
    )


def _by_name[E: StrEnum](options: type[E]) -> dict[str, E]:
    """Return the options by Enode's words; UNKNOWN is in none: it is what None says."""
    return {option.name: option for option in options}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A HEM system, whose day starts at midnight in a time zone of its own.

    `zone` is that zone's name (IANA), if the system states it; `place` the id of its location,
    which has one too. Before it was `installed` nothing is known of it.
    """

    device: Device
    zone: str | None
    place: str | None
    installed: datetime | None = None


def parse_site(row: Mapping[str, Json]) -> Site | None:
    """Return a HEM system (beta); None if the row has no id.

    The amounts lack their `since` until `day_started` has given it.
    """
    if (site_id := identifier(row.get("id"))) is None:
        return None
    information = mapping(row.get("information"))
    today = mapping(dig(row, "status", "energy", "today"))
    measured = instant(today.get("lastUpdated"))
    unit = text(today.get("unit")) or text(dig(row, "status", "energy", "unit")) or "kWh"
    factor = _ENERGY_UNITS.get(unit.upper())
    numbers: dict[NumberKey, Reading] = {
        (quantity, None): Reading(
            # Of an unknown unit nothing is guessed.
            None if factor is None else scaled(number(today[key]), factor),
            measured,
        )
        for key, quantity in _TODAY.items()
        if key in today
    }
    vendor = text(information.get("vendor")) or text(row.get("vendor"))
    device = Device(
        id=site_id,
        kind=Kind.SITE,
        name=text(information.get("name")),
        manufacturer=vendor,
        numbers=numbers,
        moments={
            Moment.LAST_SEEN: instant(dig(row, "status", "lastSeen")),
            Moment.LAST_MEASURED: measured,
        },
        detail=SEEN,
    )
    return Site(
        device=device,
        zone=text(information.get("timezone")),
        place=identifier(row.get("locationId")),
        installed=instant(information.get("installationDate")),
    )


def day_started(device: Device, zone: tzinfo) -> Device:
    """Return the device with its amounts counted from the midnight before they were measured."""
    measured = device.moments.get(Moment.LAST_MEASURED)
    if measured is None:
        return device
    midnight = measured.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight.astimezone(UTC)
    return replace(
        device,
        numbers={key: replace(reading, since=since) for key, reading in device.numbers.items()},
    )
