"""Meters, entities, readings and monthly deltas out of payloads.

The vendor's public pages show no answer of the reading endpoints: all attribute names here are
assumed, so each has its candidates, and a field that is not found costs that field alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from ...core.payload import Json, boolean, dig, instant, number
from .documents import Resource, resource, word
from .units import Energy, energy_of, is_part, means_production

IDENTIFICATIONS: Final = ("code", "identification", "identification_code")
"""Attributes that may name a meter in a path, if its id does not (assumed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A physical meter. `identifications` are the attributes of `IDENTIFICATIONS` that it has."""

    id: str
    name: str | None = None
    energy: Energy | None = None
    unit: str | None = None
    serial: str | None = None
    entity: str | None = None
    identifications: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A building, or a group of some; `zone` is the IANA name of its time zone."""

    id: str
    name: str | None = None
    kind: str | None = None
    parent: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """One reading of a meter, in the reported unit."""

    at: datetime
    value: float
    unit: str | None = None


type Month = tuple[int, int]
"""A calendar year and month of the entity's own zone."""


@dataclass(frozen=True, slots=True)
class Delta:
    """The consumption of one calendar month; `part` if it is that of one use of its energy."""

    month: Month
    value: float
    energy: Energy | None = None
    unit: str | None = None
    part: bool = False


@dataclass(frozen=True, slots=True)
class Parsed[T]:
    """What a list holds: the good rows, and how many had to be dropped.

    `unread` are the names of the attributes of the first row in which no value was found.
    """

    rows: tuple[T, ...]
    dropped: int = 0
    unread: frozenset[str] = frozenset()


def meters(rows: Sequence[Json], now: datetime) -> Parsed[Meter]:
    """Return the meters of a list's rows that are active at `now`."""
    return _identified(rows, lambda found, meter_id: _meter(found, meter_id, now))


def entities(rows: Sequence[Json]) -> Parsed[Entity]:
    """Return the entities of a list's rows."""
    return _identified(rows, _entity)


def _identified[T](rows: Sequence[Json], make: Callable[[Resource, str], T | None]) -> Parsed[T]:
    good: list[T] = []
    dropped = 0
    for row in rows:
        found = resource(row)
        if found is None or found.id is None:
            dropped += 1
        elif (made := make(found, found.id)) is not None:
            good.append(made)
    return Parsed(tuple(good), dropped)


def _meter(found: Resource, meter_id: str, now: datetime) -> Meter | None:
    # Lists leave such meters out unless asked (vendor); this is for the case that they do not.
    ended = instant(found.attributes.get("deactivated_at"), now.tzinfo)
    if boolean(found.attributes.get("active")) is False or (ended is not None and ended <= now):
        return None
    code = found.text("code")
    energy = energy_of(
        *(word(found.attributes.get(name)) for name in ("energy", "energy_type", "energy_code")),
        found.reference("energy"),
        code,
    )
    named = ((name, found.text(name)) for name in IDENTIFICATIONS)
    return Meter(
        id=meter_id,
        name=found.text("name") or code,
        energy=_directed(energy, found),
        unit=word(found.first("unit", "default_unit")),
        serial=found.text("identification", "identification_code", "serial_number"),
        entity=found.reference("entity"),
        identifications=tuple((name, value) for name, value in named if value is not None),
    )


def _directed(energy: Energy | None, found: Resource) -> Energy | None:
    """Return production instead of electricity, where that is what the row says."""
    if energy is not Energy.ELECTRICITY:
        return energy
    if boolean(found.first("production")):
        return Energy.PRODUCTION
    words = (word(found.first(name)) for name in ("direction", "kind", "production"))
    produces = any(means_production(each) for each in words if each is not None)
    return Energy.PRODUCTION if produces else energy


def _entity(found: Resource, entity_id: str) -> Entity:
    # `type` on the object itself is JSON:API's own word and says "entities".
    kinds = (word(found.attributes.get(name)) for name in ("kind", "entity_type", "type"))
    return Entity(
        id=entity_id,
        name=found.text("name"),
        kind=next((kind for kind in kinds if kind not in {None, "entities"}), None),
        parent=found.reference("parent"),
        zone=found.text("time_zone"),
    )


def states(rows: Sequence[Json], zone: tzinfo) -> Parsed[State]:
    """Return the readings of a list's rows; times without an offset are of `zone`."""
    good: list[State] = []
    dropped = 0
    unread: frozenset[str] = frozenset()
    for row in rows:
        found = resource(row)
        at = instant(found.attributes.get("time"), zone) if found is not None else None
        value = _value(found, "state", "value") if found is not None else None
        if found is None or at is None or value is None:
            dropped += 1
            unread = unread or _names(found)
        else:
            good.append(State(at, value, word(found.first("unit"))))
    return Parsed(tuple(good), dropped, unread)


def deltas(rows: Sequence[Json], zone: tzinfo) -> Parsed[Delta]:
    """Return the monthly deltas of a list's rows."""
    good: list[Delta] = []
    dropped = 0
    unread: frozenset[str] = frozenset()
    for row in rows:
        found = resource(row)
        month = _month(found.attributes.get("time"), zone) if found is not None else None
        value = _value(found, "value", "delta", "consumption") if found is not None else None
        if found is None or month is None or value is None:
            dropped += 1
            unread = unread or _names(found)
        else:
            good.append(_delta(found, month, value))
    return Parsed(tuple(good), dropped, unread)


def _delta(found: Resource, month: Month, value: float) -> Delta:
    words = [word(found.attributes.get(name)) for name in ("energy", "energy_type", "energy_code")]
    words.append(found.reference("energy"))
    return Delta(
        month,
        value,
        energy=_directed(energy_of(*words), found),
        unit=word(found.first("unit")),
        part=any(is_part(each) for each in words),
    )


def _value(found: Resource, *names: str) -> float | None:
    """Return the row's value: of the first candidate that is there, else its only number."""
    for name in names:
        if name in found.attributes:
            return number(found.attributes[name])
    numbers = [
        value
        for name, each in found.attributes.items()
        if name != "id" and not name.endswith("_id") and (value := number(each)) is not None
    ]
    return numbers[0] if len(numbers) == 1 else None


def _names(found: Resource | None) -> frozenset[str]:
    return frozenset() if found is None else frozenset(found.attributes)


def _month(value: Json, zone: tzinfo) -> Month | None:
    """Return the month that begins at a time, written without offset in the entity's own zone.

    One with an offset is the month's begin where it reads midnight of a first, else an instant.
    """
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if at.tzinfo is not None and (at.day, at.hour, at.minute, at.second) != (1, 0, 0, 0):
        try:
            at = at.astimezone(zone)
        except OverflowError:
            return None
    return at.year, at.month


def access_token(payload: Json) -> str | None:
    """Return the token out of the answer of the exchange, if it is fit for a header."""
    found = resource(dig(payload, "data"))
    token = found.attributes.get("encoded") if found is not None else None
    return token if isinstance(token, str) and fits_header(token) else None


def fits_header(token: str) -> bool:
    """Tell whether a token can stand in a header: no spaces, no control characters."""
    return token.isascii() and token.isprintable() and " " not in token and token != ""


def top_name(found: Sequence[Entity]) -> str | None:
    """Return the name of the entity at the top, by which a person knows the account."""
    known = {entity.id for entity in found}
    tops = (entity.name for entity in found if entity.parent not in known)
    return next((name for name in tops if name is not None), None)
