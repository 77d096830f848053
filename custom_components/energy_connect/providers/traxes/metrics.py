"""One reading of an entity: its metrics become numbers and flags. Pure functions.

Positive is what an entity takes, negative what it gives (vendor). The values are magnitudes
(assumed): a minus sign on a metric that is called negative says the same thing twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ...core.model import Key, NumberKey, Position, Reading
from ...core.payload import Json, boolean, dig, instant, mapping, number
from ...core.vocabulary import Flag, Kind, Moment, Part, Quantity
from .units import PHASES, TARIFFS, Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class _Directions:
    """What taking and giving are called for one kind of device.

    `balance` is taken less given power, for kinds where one number has both directions; it needs
    both, unless `one_sided`, where an entity that never reports giving only takes.
    """

    taken: Quantity
    given: Quantity
    taken_power: Quantity | None = None
    given_power: Quantity | None = None
    balance: Quantity | None = None
    one_sided: bool = False


_GRID: Final = _Directions(
    taken=Quantity.ENERGY_IMPORT,
    given=Quantity.ENERGY_EXPORT,
    taken_power=Quantity.POWER_IMPORT,
    given_power=Quantity.POWER_EXPORT,
    balance=Quantity.POWER_NET,
)
_STORAGE: Final = _Directions(
    taken=Quantity.ENERGY_CHARGED,
    given=Quantity.ENERGY_DISCHARGED,
    balance=Quantity.CHARGE_POWER,
    one_sided=True,
)
_APPLIANCE: Final = _Directions(
    taken=Quantity.ENERGY_CONSUMPTION,
    given=Quantity.ENERGY_PRODUCTION,
    taken_power=Quantity.POWER_CONSUMPTION,
    given_power=Quantity.POWER_PRODUCTION,
)
_BY_KIND: Final[Mapping[Kind, _Directions]] = {
    Kind.METER: _GRID,
    Kind.BATTERY: _STORAGE,
    Kind.VEHICLE: _STORAGE,
    Kind.CHARGER: _STORAGE,
}

_TAKEN_POWER: Final = "positiveActiveInstantaneousPower"
_GIVEN_POWER: Final = "negativeActiveInstantaneousPower"
_BOTH_POWERS: Final = frozenset({_TAKEN_POWER, _GIVEN_POWER})
_SINGLE: Final[Mapping[str, Quantity]] = {
    "positiveGasVolume": Quantity.GAS_CONSUMPTION,
    "negativeGasVolume": Quantity.GAS_RETURNED,
    "stateOfCharge": Quantity.STATE_OF_CHARGE,
    "range": Quantity.RANGE,
    "odometer": Quantity.ODOMETER,
}
_FLAGS: Final[Mapping[str, Flag]] = {
    "isCharging": Flag.CHARGING,
    "isPluggedIn": Flag.PLUGGED_IN,
}
_PHASE_PARTS: Final = frozenset({Part.L1, Part.L2, Part.L3})
_DETAIL: Final = frozenset(
    {
        Quantity.CURRENT,
        Quantity.VOLTAGE,
        Quantity.REACTIVE_ENERGY_IMPORT,
        Quantity.GAS_RETURNED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one reading says. `metrics` are the names that it used.

    `fraction` tells that a state of charge came without a unit and could be of 1 instead of 100.
    """

    entity_id: str | None
    measured: datetime | None
    numbers: Mapping[NumberKey, Reading]
    flags: Mapping[Flag, bool | None]
    position: Position | None
    metrics: frozenset[str]
    fraction: bool = False


def parse_measurement(
    body: Json, kind: Kind, *, known: frozenset[str] = frozenset(), locate: bool = False
) -> Measurement | None:
    """Return a reading's values, None if it has no metrics.

    `known` are the names of metrics that the entity has used before; `locate` takes the position.
    A metric that is null counts as absent; a null or odd number within one is unknown.
    """
    data = dig(body, "data")
    if not isinstance(data, Mapping):
        return None
    metrics = {name: value for name, value in data.items() if value is not None}
    measured = instant(dig(body, "measured"))
    given = _BY_KIND.get(kind, _APPLIANCE)
    entity_id = dig(body, "entityId")
    numbers = {
        **_energies(metrics, given),
        **_powers(metrics, given, known | frozenset(metrics)),
        **_electrical(metrics),
        **_singles(metrics),
    }
    return Measurement(
        entity_id=entity_id if isinstance(entity_id, str) else None,
        measured=measured,
        numbers={key: replace(reading, at=measured) for key, reading in numbers.items()},
        flags={flag: boolean(metrics[name]) for name, flag in _FLAGS.items() if name in metrics},
        position=_position(metrics.get("location")) if locate else None,
        metrics=frozenset(metrics),
        fraction=_looks_like_a_fraction(metrics.get("stateOfCharge")),
    )


def detail(keys: Iterable[Key], kind: Kind) -> frozenset[Key]:
    """Return the keys that only few owners want: phases, tariffs of all but meters, and such."""
    return frozenset(key for key in keys if _is_detail(key, kind))


def _is_detail(key: Key, kind: Kind) -> bool:
    if isinstance(key, tuple):
        quantity, part = key
        if quantity in _DETAIL or part in _PHASE_PARTS:
            return True
        return part is not None and kind is not Kind.METER
    return key is Moment.LAST_SEEN


def _energies(metrics: Mapping[str, Json], given: _Directions) -> dict[NumberKey, Reading]:
    numbers: dict[NumberKey, Reading] = {}
    for sign, quantity in (("positive", given.taken), ("negative", given.given)):
        name = f"{sign}ActiveEnergy"
        found = {
            **_parts(metrics.get(f"{name}Phases"), quantity, PHASES, total=True),
            **_parts(metrics.get(name), quantity, TARIFFS, total=True),
        }
        if sign == "negative":
            found = {key: _magnitude(reading) for key, reading in found.items()}
        numbers |= found
    reactive = metrics.get("positiveReactiveEnergy")
    if Scale(Quantity.REACTIVE_ENERGY_IMPORT, reactive).known:
        numbers |= _parts(reactive, Quantity.REACTIVE_ENERGY_IMPORT, TARIFFS, total=True)
    return numbers


def _powers(
    metrics: Mapping[str, Json], given: _Directions, known: frozenset[str]
) -> dict[NumberKey, Reading]:
    taken = _parts(metrics.get(_TAKEN_POWER), Quantity.POWER_IMPORT, PHASES, total=True)
    back = {
        key: _magnitude(reading)
        for key, reading in _parts(
            metrics.get(_GIVEN_POWER), Quantity.POWER_IMPORT, PHASES, total=True
        ).items()
    }
    numbers: dict[NumberKey, Reading] = {}
    if given.taken_power is not None and given.given_power is not None:
        numbers |= {(given.taken_power, part): reading for (_, part), reading in taken.items()}
        numbers |= {(given.given_power, part): reading for (_, part), reading in back.items()}
    if given.balance is None:
        return numbers
    # A direction that this reading leaves out is not 0: it is missing, unless it never comes.
    alone = given.one_sided and not known >= _BOTH_POWERS
    for key in {**taken, **back}:
        plus, minus = taken.get(key), back.get(key)
        if plus is not None and minus is not None:
            numbers[given.balance, key[1]] = _difference(plus, minus)
        elif alone and plus is not None:
            numbers[given.balance, key[1]] = plus
        elif alone and minus is not None:
            numbers[given.balance, key[1]] = _difference(Reading(0.0, unit=minus.unit), minus)
    return numbers


def _electrical(metrics: Mapping[str, Json]) -> dict[NumberKey, Reading]:
    """Return currents and voltages; neither is ever added up."""
    return {
        **_parts(metrics.get("instantaneousCurrent"), Quantity.CURRENT, PHASES, total=False),
        **_parts(metrics.get("instantaneousVoltage"), Quantity.VOLTAGE, PHASES, total=False),
    }


def _singles(metrics: Mapping[str, Json]) -> dict[NumberKey, Reading]:
    numbers: dict[NumberKey, Reading] = {}
    for name, quantity in _SINGLE.items():
        fields = mapping(metrics.get(name))
        if "value" in fields:
            scale = Scale(quantity, fields)
            numbers[quantity, None] = Reading(scale.value(fields["value"]), unit=scale.unit)
    gas = numbers.get((Quantity.GAS_RETURNED, None))
    if gas is not None:
        numbers[Quantity.GAS_RETURNED, None] = _magnitude(gas)
    return numbers


def _parts(
    metric: Json, quantity: Quantity, names: tuple[str, ...], *, total: bool
) -> dict[NumberKey, Reading]:
    """Return a metric's total and parts; with `total` a missing total is the sum of the parts."""
    fields = mapping(metric)
    scale = Scale(quantity, fields)
    numbers: dict[NumberKey, Reading] = {
        (quantity, Part(name)): Reading(scale.value(fields[name]), unit=scale.unit)
        for name in names
        if name in fields
    }
    whole = scale.value(fields.get("total"))
    if whole is None and total:
        whole = scale.sum(fields, names)
    if whole is not None or "total" in fields:
        numbers[quantity, None] = Reading(whole, unit=scale.unit)
    return numbers


def _magnitude(reading: Reading) -> Reading:
    return replace(reading, value=abs(reading.value)) if reading.value is not None else reading


def _difference(plus: Reading, minus: Reading) -> Reading:
    """Return the difference; unknown if either is, or if their units are not the same."""
    if plus.value is None or minus.value is None or plus.unit != minus.unit:
        return Reading(None)
    return Reading(number(round(plus.value - minus.value, 6)), unit=plus.unit)


def _position(location: Json) -> Position | None:
    latitude, longitude = number(dig(location, "latitude")), number(dig(location, "longitude"))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return Position(latitude, longitude)


def _looks_like_a_fraction(metric: Json) -> bool:
    value = number(dig(metric, "value"))
    return (
        not Scale(Quantity.STATE_OF_CHARGE, metric).stated and value is not None and 0 < value <= 1
    )
