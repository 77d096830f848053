"""Vehicles and chargers: payload -> model.

Source: Enode's OpenAPI document of version 2024-10-01 (vendor). Power in kW, positive is charging;
energy in kWh; distances in km.
"""

from collections.abc import Mapping
from typing import Final

from ...core.model import Key, NumberKey, Position, Reading
from ...core.payload import Json, dig, number
from ...core.vocabulary import Action, ChargingState, Choice, Flag, Kind, Quantity
from .assets import KILO, Asset, Section, asset, section
from .controls import VEHICLE_DETAIL, Controls, charger_controls, vehicle_controls

_VEHICLE: Final = {
    "batteryLevel": (Quantity.STATE_OF_CHARGE, 1.0),
    "range": (Quantity.RANGE, 1.0),
    "chargeRate": (Quantity.CHARGE_POWER, KILO),
    "chargeTimeRemaining": (Quantity.CHARGE_TIME_REMAINING, 1.0),
    "chargeLimit": (Quantity.CHARGE_LIMIT, 1.0),
    "batteryCapacity": (Quantity.BATTERY_CAPACITY, 1.0),
    "maxCurrent": (Quantity.MAX_CURRENT, 1.0),
}
_VEHICLE_DETAIL: Final[frozenset[Key]] = frozenset(
    {
        (Quantity.BATTERY_CAPACITY, None),
        (Quantity.MAX_CURRENT, None),
        Flag.FULLY_CHARGED,
    }
)
_CHARGER: Final = {
    "chargeRate": (Quantity.CHARGE_POWER, KILO),
    "maxCurrent": (Quantity.MAX_CURRENT, 1.0),
}
_CHARGER_DETAIL: Final[frozenset[Key]] = frozenset({(Quantity.MAX_CURRENT, None)})
_PLUG: Final = {"isPluggedIn": Flag.PLUGGED_IN, "isCharging": Flag.CHARGING}
# UNKNOWN is left out on purpose: it is what None says.
_STATES: Final = {
    "UNPLUGGED": ChargingState.UNPLUGGED,
    **{
        f"PLUGGED_IN:{state.name}": state
        for state in ChargingState
        if state is not ChargingState.UNPLUGGED
    },
}
_CHARGE_POWER: Final[NumberKey] = (Quantity.CHARGE_POWER, None)


def parse_vehicle(row: Mapping[str, Json]) -> Asset | None:
    """Return a vehicle; None if the row has no id."""
    data = "vehicle:read:data"
    charge = section(row, "chargeState", scope=data, capability="chargeState")
    odometer = section(row, "odometer", scope=data, capability="odometer")
    location = section(row, "location", scope="vehicle:read:location", capability="location")
    position = _position(location.fields)
    # Without a list of scopes only a position itself shows that it was granted.
    told = "scopes" in row and bool(location.fields) and location.capable
    controls = vehicle_controls(row, charge)
    return asset(
        row,
        Kind.VEHICLE,
        charge,
        odometer,
        location,
        serial="vin",
        numbers={
            **_numbers(charge, _VEHICLE, controls),
            **odometer.readings({"distance": (Quantity.ODOMETER, 1.0)}),
        },
        flags=charge.flags({**_PLUG, "isFullyCharged": Flag.FULLY_CHARGED}),
        choices=charge.choice("powerDeliveryState", Choice.CHARGING_STATE, _STATES),
        detail=_VEHICLE_DETAIL,
        tracked=told or position is not None,
        position=position,
        controls=controls,
        detail_controls=VEHICLE_DETAIL,
    )


def parse_charger(row: Mapping[str, Json]) -> Asset | None:
    """Return a charger; None if the row has no id."""
    charge = section(row, "chargeState", scope="charger:read:data", capability="chargeState")
    controls = charger_controls(row, charge)
    return asset(
        row,
        Kind.CHARGER,
        charge,
        serial="serialNumber",
        numbers=_numbers(charge, _CHARGER, controls),
        flags=charge.flags(_PLUG),
        choices=charge.choice("powerDeliveryState", Choice.CHARGING_STATE, _STATES),
        detail=_CHARGER_DETAIL,
        controls=controls,
    )


def _numbers(
    charge: Section, wanted: Mapping[str, tuple[Quantity, float]], controls: Controls
) -> dict[NumberKey, Reading]:
    """Return the charge state's numbers; a maximum current that can be set is a control instead.

    Power is 0 while the device says that it is not charging: Enode gives null then.
    """
    numbers = charge.readings(wanted)
    if Action.MAX_CURRENT in controls:
        numbers.pop((Quantity.MAX_CURRENT, None), None)
    power = numbers.get(_CHARGE_POWER)
    if power is not None and power.value is None and charge.fields.get("isCharging") is False:
        numbers[_CHARGE_POWER] = Reading(0.0, power.at)
    return numbers


def _position(location: Mapping[str, Json]) -> Position | None:
    latitude = number(dig(location, "latitude"))
    longitude = number(dig(location, "longitude"))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return Position(latitude, longitude)
