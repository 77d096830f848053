"""Home energy: systems with their flows, batteries, inverters, meters at the grid."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from ...core.model import Device, NumberKey, Reading
from ...core.payload import Json, dig, identifier, instant, mapping, rows, text
from ...core.vocabulary import BatteryStatus, Choice, Kind, Moment, OperationMode, Quantity
from .parse import LOG, Parsed, link_id, parse_rows, scaled, word

_LIVE: Final[Mapping[Quantity, str]] = {
    Quantity.POWER_PRODUCTION: "generation_watts",
    Quantity.POWER_CONSUMPTION: "consumption_watts",
    Quantity.POWER_IMPORT: "import_watts",
    Quantity.POWER_EXPORT: "export_watts",
    Quantity.STATE_OF_CHARGE: "battery_state_of_charge_percentage",
}
_TODAY: Final[Mapping[Quantity, str]] = {
    Quantity.ENERGY_PRODUCTION_TODAY: "generation_wh",
    Quantity.ENERGY_CONSUMPTION_TODAY: "consumption_wh",
    Quantity.ENERGY_IMPORT_TODAY: "import_wh",
    Quantity.ENERGY_EXPORT_TODAY: "export_wh",
    Quantity.ENERGY_CHARGED_TODAY: "charge_wh",
    Quantity.ENERGY_DISCHARGED_TODAY: "discharge_wh",
}


@dataclass(frozen=True, slots=True)
class HomeSystem:
    """A home energy system; `zone` names the time zone in which its days begin."""

    id: str
    name: str | None
    zone: str | None


@dataclass(frozen=True, slots=True)
class LivePower:
    """The flows of a home now."""

    at: datetime | None
    numbers: Mapping[NumberKey, Reading]


def parse_systems(body: Json) -> Parsed[HomeSystem]:
    """Read `GET /hem_systems`; the names of its fields beyond the id are assumed.

    Raises:
        UnexpectedResponse: it is no list.

    """
    return parse_rows(body, _system)


def _system(row: Json) -> HomeSystem | None:
    system_id = identifier(dig(row, "id"))
    if system_id is None:
        return None
    zones = (dig(row, "timezone"), dig(row, "timezone_name"), dig(row, "location", "timezone"))
    zone = next((name for name in map(text, zones) if name), None)
    return HomeSystem(system_id, _name(row), zone)


def zone_of(system: HomeSystem, house: tzinfo) -> tzinfo:
    """Return the system's time zone, else the house's; reads a file."""
    try:
        return ZoneInfo(system.zone) if system.zone else house
    except LookupError, ValueError, OSError:  # no such zone
        return house


def parse_live_power(body: Json) -> LivePower:
    """Read `GET /hem_systems/{id}/live_power`."""
    at = instant(dig(body, "sampled_at"))
    numbers: dict[NumberKey, Reading] = {
        (quantity, None): Reading(scaled(body, name), at) for quantity, name in _LIVE.items()
    }
    charge, discharge = scaled(body, "charge_watts"), scaled(body, "discharge_watts")
    # Both directions are given, of which one is 0: only one that is unknown makes it unknown.
    power = None if charge is None or discharge is None else charge - discharge
    numbers[Quantity.BATTERY_POWER, None] = Reading(power, at)
    return LivePower(at, numbers)


def today_window(now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the start and the end of the day in the home's zone."""
    start = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return start, start + timedelta(days=1)


def parse_today(body: Json) -> Mapping[NumberKey, Reading]:
    """Read `GET /hem_systems/{id}/energy_stats` of one day: the newest of its buckets."""
    dated = [
        (start, row)
        for row in rows(dig(body, "buckets"))
        if (start := instant(dig(row, "period_start"))) is not None
    ]
    since, bucket = max(dated, key=lambda pair: pair[0], default=(None, None))
    return {
        (quantity, None): Reading(scaled(bucket, name, by=1000), since=since)
        for quantity, name in _TODAY.items()
    }


def site(
    system: HomeSystem, live: LivePower | None, today: Mapping[NumberKey, Reading] | None
) -> Device:
    """Return the device of a home energy system."""
    return Device(
        id=system.id,
        kind=Kind.SITE,
        name=system.name,
        numbers={**(live.numbers if live else {}), **(today or {})},
        moments={Moment.LAST_MEASURED: live.at} if live else {},
    )


def parse_batteries(body: Json) -> Parsed[Device]:
    """Read `GET /home_batteries`; positive `charge_rate_watts` is charging.

    Raises:
        UnexpectedResponse: it is no list.

    """
    return parse_rows(body, _battery)


def _battery(row: Json) -> Device | None:
    log = mapping(dig(row, LOG))
    found = {
        Quantity.STATE_OF_CHARGE: scaled(log, "state_of_charge_percentage"),
        Quantity.CHARGE_POWER: scaled(log, "charge_rate_watts"),
        Quantity.BATTERY_CAPACITY: scaled(log, "capacity_watt_hours", by=1000),
        Quantity.DISCHARGE_LIMIT: scaled(log, "discharge_limit_percentage"),
    }
    choices: dict[Choice, StrEnum | None] = {
        Choice.BATTERY_STATUS: word(BatteryStatus, log.get("status")),
        Choice.OPERATION_MODE: word(OperationMode, log.get("operation_mode")),
    }
    return _appliance(row, Kind.BATTERY, found, choices)


def parse_inverters(body: Json) -> Parsed[Device]:
    """Read `GET /inverters`.

    Raises:
        UnexpectedResponse: it is no list.

    """
    return parse_rows(body, _inverter)


def _inverter(row: Json) -> Device | None:
    power = scaled(row, LOG, "solar_power_watts")
    return _appliance(row, Kind.INVERTER, {Quantity.POWER_PRODUCTION: power}, {})


def parse_meters(body: Json) -> Parsed[Device]:
    """Read `GET /boundary_meters`; positive `power_watts` is import.

    Raises:
        UnexpectedResponse: it is no list.

    """
    return parse_rows(body, _meter)


def _meter(row: Json) -> Device | None:
    power = scaled(row, LOG, "power_watts")
    return _appliance(row, Kind.METER, {Quantity.POWER_NET: power}, {})


def _appliance(
    row: Json,
    kind: Kind,
    found: Mapping[Quantity, float | None],
    choices: Mapping[Choice, StrEnum | None],
) -> Device | None:
    appliance_id = identifier(dig(row, "id"))
    if appliance_id is None:
        return None
    at = instant(dig(row, LOG, "sampled_at"))
    model = dig(row, "model")
    return Device(
        id=appliance_id,
        kind=kind,
        name=_name(row),
        manufacturer=text(dig(model, "make", "name")) or text(dig(row, "make", "name")),
        model=text(dig(model, "display_name")) or text(dig(model, "name")),
        parent=link_id(dig(row, "hem_system")),
        numbers={(quantity, None): Reading(value, at) for quantity, value in found.items()},
        moments={Moment.LAST_MEASURED: at},
        choices=choices,
    )


def _name(row: Json) -> str | None:
    names = (dig(row, "name"), dig(row, "display_name"), dig(row, "description"))
    return next((name for name in map(text, names) if name), None)
