"""Chargers (EVSE) with their newest status log."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from ...core.model import Device, NumberKey, Reading
from ...core.payload import Json, boolean, dig, identifier, instant, mapping, text
from ...core.vocabulary import Choice, Flag, Kind, LockMode, Moment, Quantity
from .parse import LOG, Parsed, parse_rows, scaled, word

REACHABLE: Final = timedelta(minutes=15)
"""A charger that reported within this time is reachable: the API has no word for it by design and
suggests to judge by the age of `sampled_at`, with this example."""

# IEC 61851: E is a lost supply, F a fault of the charger.
_PILOT_FAULTS: Final = frozenset({"E", "F"})


def parse_chargers(body: Json) -> Parsed[Device]:
    """Read `GET /evses`, with the status log and the model expanded or not.

    Raises:
        UnexpectedResponse: it is no list.

    """
    return parse_rows(body, _charger)


def reachable(device: Device, now: datetime) -> bool | None:
    """Tell whether the charger reported lately; None if it never said when."""
    at = device.moments.get(Moment.LAST_MEASURED)
    return None if at is None else now - at < REACHABLE


def with_reachable(device: Device, online: bool | None) -> Device:
    """Return the charger with what `reachable` found."""
    return replace(device, flags={**device.flags, Flag.ONLINE: online})


def _charger(row: Json) -> Device | None:
    charger_id = identifier(dig(row, "id"))
    if charger_id is None:
        return None
    log = mapping(dig(row, LOG))
    model = dig(row, "model")
    product = text(dig(model, "display_name")) or text(dig(model, "name"))
    maker_id = text(dig(row, "cpid"))
    pilot = text(log.get("control_pilot_status"))
    return Device(
        id=charger_id,
        kind=Kind.CHARGER,
        name=product or maker_id,
        manufacturer=text(dig(model, "make", "name")),
        model=product,
        serial_number=maker_id,
        numbers=_numbers(log),
        flags={
            Flag.PLUGGED_IN: boolean(log.get("is_plugged_in")),
            Flag.CHARGING: boolean(log.get("is_charging")),
            Flag.FAULT: None if pilot is None else pilot.upper() in _PILOT_FAULTS,
        },
        moments={Moment.LAST_MEASURED: instant(log.get("sampled_at"))},
        choices={Choice.LOCK_MODE: word(LockMode, dig(row, "lock_mode"))},
    )


def _numbers(log: Json) -> dict[NumberKey, Reading]:
    at = instant(dig(log, "sampled_at"))
    found = {
        Quantity.CHARGE_POWER: scaled(log, "charge_rate_watts"),
        Quantity.ENERGY_CHARGED: scaled(log, "meter_reading_watt_hours", by=1000),
        Quantity.MAX_CURRENT: scaled(log, "max_current_rating_milliamps", by=1000),
        Quantity.VOLTAGE: scaled(log, "voltage_millivolts", by=1000),
        Quantity.SIGNAL_STRENGTH: scaled(log, "signal_strength_rssi_dbm"),
    }
    return {(quantity, None): Reading(value, at) for quantity, value in found.items()}
