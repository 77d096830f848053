"""Vehicles with their newest status log."""

from typing import Final

from ...core.model import Device, Key, NumberKey, Reading
from ...core.payload import Json, boolean, dig, identifier, instant, mapping, text
from ...core.vocabulary import Choice, Flag, Kind, Moment, Quantity, VehicleState
from .parse import LOG, Parsed, parse_rows, scaled, word

_DETAIL: Final[frozenset[Key]] = frozenset({(Quantity.STORED_ENERGY, None)})


def parse_vehicles(body: Json) -> Parsed[Device]:
    """Read `GET /vehicles`, with the status log and the trim expanded or not.

    Raises:
        UnexpectedResponse: it is no list.

    """
    return parse_rows(body, _vehicle)


def _vehicle(row: Json) -> Device | None:
    vehicle_id = identifier(dig(row, "id"))
    if vehicle_id is None:
        return None
    log = mapping(dig(row, LOG))
    integrated = dig(row, "integrated")
    numbers: dict[NumberKey, Reading] = {
        (Quantity.CHARGE_LIMIT, None): Reading(scaled(row, "maximum_charge_limit_percentage")),
    }
    flags: dict[Flag, bool | None] = {
        Flag.SMART_CHARGING: boolean(dig(row, "smart_charging_enabled")),
        Flag.LOGIN_BROKEN: integrated == "INACTIVE" if isinstance(integrated, str) else None,
    }
    # A vehicle that was only described by its owner never reports anything.
    reports = bool(log) or integrated != "UNINTEGRATED"
    if reports:
        numbers |= _numbers(log)
        flags[Flag.PLUGGED_IN] = boolean(log.get("is_plugged_in"))
        flags[Flag.CHARGING] = boolean(log.get("is_charging"))
    return Device(
        id=vehicle_id,
        kind=Kind.VEHICLE,
        name=text(dig(row, "description")),
        manufacturer=text(dig(row, "trim", "model", "make", "name")),
        model=text(dig(row, "trim", "model", "name")),
        numbers=numbers,
        flags=flags,
        moments={Moment.LAST_MEASURED: instant(log.get("sampled_at"))} if reports else {},
        choices={Choice.VEHICLE_STATE: word(VehicleState, log.get("state"))} if reports else {},
        detail=_DETAIL if reports else frozenset(),
    )


def _numbers(log: Json) -> dict[NumberKey, Reading]:
    at = instant(dig(log, "sampled_at"))
    power = scaled(log, "charge_rate_watts")
    if power is None:
        power = scaled(log, "estimated_charge_rate_watts")
    found = {
        Quantity.STATE_OF_CHARGE: scaled(log, "state_of_charge_percentage"),
        Quantity.STORED_ENERGY: scaled(log, "charge_level_watt_hours", by=1000),
        Quantity.CHARGE_POWER: power,
        Quantity.TARGET_STATE_OF_CHARGE: scaled(log, "target_charge_level_percentage"),
        Quantity.CHARGE_TIME_REMAINING: scaled(log, "minutes_to_full_charge"),
        Quantity.ODOMETER: scaled(log, "odometer_meters", by=1000),
    }
    return {(quantity, None): Reading(value, at) for quantity, value in found.items()}
