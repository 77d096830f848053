"""What a meter says beside its record, if it lets us ask; pure.

All of it is optional: it needs an admin token (seen) or an inverter of the same maker (inferred).
"""

from collections.abc import Mapping
from dataclasses import dataclass
import re
from typing import Final

from ...core.errors import Reason, UnexpectedResponse
from ...core.model import NumberKey, Reading
from ...core.payload import Json, identifier, mapping, number, text
from ...core.vocabulary import Quantity
from .parse import envelope, integer, moment, time_stamp

_MAC: Final = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){5}")

_MOST_POWER: Final = 10_000_000

# name, quantity, how many of a raw value make 1 of the quantity's unit, plausible from and to
_FLOWS: Final = (
    # Negative while the sun shines. Source: seen in clients.
    ("pvPowerTotal", Quantity.POWER_PRODUCTION, -1000, -_MOST_POWER, _MOST_POWER),
    ("housePowerTotal", Quantity.POWER_CONSUMPTION, 1000, -_MOST_POWER, _MOST_POWER),
    ("batteryPowerTotal", Quantity.BATTERY_POWER, 1000, -_MOST_POWER, _MOST_POWER),
    ("wallboxPowerTotal", Quantity.CHARGER_POWER, 1000, -_MOST_POWER, _MOST_POWER),
    ("systemStateOfCharge", Quantity.STATE_OF_CHARGE, 1, 0, 100),
)
_USAGE: Final = (
    ("CpuLoad", Quantity.CPU_LOAD),
    ("CpuTemp", Quantity.CPU_TEMPERATURE),
    ("RamFree", Quantity.MEMORY_FREE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nameplate:
    """Who the meter is."""

    serial: str | None = None
    product: str | None = None
    hardware: str | None = None
    firmware: str | None = None
    mac: str | None = None


def parse_settings(payload: Json) -> Nameplate:
    """Return who the meter is. Names: seen in clients.

    Raises:
        UnexpectedResponse: the payload says nothing of it.

    """
    said = mapping(payload)
    mac = (text(said.get("Mac")) or "").upper().replace("-", ":")
    plate = Nameplate(
        serial=identifier(said.get("Serial")),
        product=text(said.get("ProductName")),
        hardware=text(said.get("DeviceType")),
        firmware=text(said.get("FirmwareVersion")),
        mac=mac if _MAC.fullmatch(mac) else None,
    )
    if plate == Nameplate():
        raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE, status=200, detail="Serial")
    return plate


def parse_flow(payload: Json) -> Mapping[NumberKey, Reading]:
    """Return the power of sun, house, battery and wallbox, in W, and the battery's content in %.

    Names and signs: seen in clients of another interface; that JSON has this record: assumed.

    Raises:
        UnexpectedResponse: the payload has none of them.

    """
    record = envelope(payload, "kostal-energyflow/sumvalues")
    values = mapping(record.get("values"))
    at = moment(time_stamp(record))
    numbers: dict[NumberKey, Reading] = {}
    for name, quantity, scale, lowest, highest in _FLOWS:
        if name in values:
            value = _scaled(values[name], scale)
            plausible = value is not None and lowest <= value <= highest
            numbers[quantity, None] = Reading(value if plausible else None, at)
    return _some(numbers, "values")


def parse_usage(payload: Json) -> Mapping[NumberKey, Reading]:
    """Return how busy the meter is: load in %, temperature in °C, free memory in kB (seen).

    Raises:
        UnexpectedResponse: the payload says nothing of it.

    """
    said = mapping(payload)
    numbers: dict[NumberKey, Reading] = {
        (quantity, None): Reading(number(said[name])) for name, quantity in _USAGE if name in said
    }
    return _some(numbers, "CpuLoad")


def _scaled(value: Json, scale: int) -> float | None:
    raw = integer(value)
    if raw is None:
        return None
    return raw / scale if raw else 0.0  # no "-0.0" at night


def _some(numbers: Mapping[NumberKey, Reading], key: str) -> Mapping[NumberKey, Reading]:
    if not numbers:
        raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE, status=200, detail=key)
    return numbers
