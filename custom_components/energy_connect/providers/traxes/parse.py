"""Lists and their rows: entities, onboarding requests, charge sessions. Pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from ...core.payload import Json, boolean, dig, identifier, instant, mapping, rows, text
from ...core.vocabulary import Flag, Kind, Moment, Quantity
from .units import TARIFFS, Scale

_LISTS: Final = ("data", "items", "value", "entities")
_NOT_CONNECTED: Final = frozenset({"canceled", "cancelled", "failed"})

ENTITY_TYPES: Final = (
    "Battery",
    "ChargePoint",
    "EV",
    "HeatPump",
    "SolarPlant",
    "RetrofitMeter",
    "Meter",
    "Inverter",
)
"""The documented types (vendor). Others may come and still work."""

# Older names of the same things (vendor, the older manual).
_OLD_TYPES: Final[Mapping[str, str]] = {"pv": "SolarPlant", "smartmeter": "Meter"}
_TYPES: Final[Mapping[str, str]] = {**{one.lower(): one for one in ENTITY_TYPES}, **_OLD_TYPES}
_KINDS: Final[Mapping[str, Kind]] = {
    "Battery": Kind.BATTERY,
    "ChargePoint": Kind.CHARGER,
    "EV": Kind.VEHICLE,
    "HeatPump": Kind.HVAC,
    "SolarPlant": Kind.INVERTER,
    "RetrofitMeter": Kind.METER,
    "Meter": Kind.METER,
    "Inverter": Kind.INVERTER,
}

KINDS: Final = frozenset({*_KINDS.values(), Kind.OTHER})
"""All kinds that an entity can be."""

SESSION_KINDS: Final = frozenset({Kind.VEHICLE, Kind.CHARGER})
"""Kinds that charge in sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A connected device as a list describes it.

    `type` is the vendor's word in today's spelling, None if nobody told (an id entered by hand).
    """

    id: str
    type: str | None = None
    brand: str | None = None
    name: str | None = None
    serial_number: str | None = None
    parent: str | None = None
    flags: Mapping[Flag, bool | None] = field(default_factory=dict)
    moments: Mapping[Moment, datetime | None] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """What it is."""
        return _KINDS.get(self.type or "", Kind.OTHER)


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list; `rows` is None if the answer holds no list at all."""

    rows: list[Json] | None
    token: str | None
    link: str | None


def parse_page(body: Json) -> ListPage:
    """Return the rows of a page and what leads to the next one.

    The envelope is documented for some lists (vendor) and assumed for the rest, so a bare array
    and other usual names of the list are taken as well. `links.next` counts only where there is no
    token.
    """
    if isinstance(body, list):
        return ListPage(body, None, None)
    found = [rows(dig(body, name)) for name in _LISTS if isinstance(dig(body, name), list)]
    token = dig(body, "meta", "continuationToken")
    link = dig(body, "links", "next")
    return ListPage(
        rows=found[0] if found else None,
        token=token if isinstance(token, str) and token else None,
        link=link if isinstance(link, str) and link else None,
    )


def entity_key(value: Json) -> str | None:
    """Return an id; a UUID in lower case, however it is written."""
    written = identifier(value)
    if written is None or len(written) != 36:
        return written
    try:
        return str(UUID(written))
    except ValueError:
        return written


def entered_key(value: Json) -> str | None:
    """Return an id that a person entered, None if it is no UUID."""
    try:
        return str(UUID((text(value) or "").strip("\"',;")))
    except ValueError:
        return None


def parse_entity(row: Json) -> Entity | None:
    """Return an entity, None if it has no id; names of the older manual are accepted."""
    entity_id = entity_key(dig(row, "id"))
    if entity_id is None:
        return None
    older = (dig(row, "information"), dig(row, "reference"))
    reference = dig(row, "reference")

    def first(*names: str) -> str | None:
        places = [row, *older]
        found = (text(dig(place, name)) for place in places for name in names)
        return next((one for one in found if one is not None), None)

    serial = first("identifier")
    if serial is None:
        serial = text(reference)
    described = mapping(row)
    entity_type = first("type")
    flags: dict[Flag, bool | None] = {}
    moments: dict[Moment, datetime | None] = {}
    if "isOnline" in described:
        flags[Flag.ONLINE] = boolean(described["isOnline"])
    if "lastSeen" in described:
        moments[Moment.LAST_SEEN] = instant(described["lastSeen"])
    parent = entity_key(dig(row, "parentId"))
    return Entity(
        id=entity_id,
        type=_TYPES.get((entity_type or "").lower(), entity_type),
        brand=first("brand", "manufacturer"),
        name=first("name"),
        serial_number=serial,
        parent=None if parent == entity_id else parent,
        flags=flags,
        moments=moments,
    )


def parse_onboarding(row: Json) -> Entity | None:
    """Return the entity that an onboarding request led to, None if it led to none (yet)."""
    status = text(dig(row, "status")) or ""
    if status.lower() in _NOT_CONNECTED:
        return None
    return parse_entity(dig(row, "data", "entity"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A type of device that could be connected, and its brands."""

    type: str
    brands: tuple[str, ...] = ()


def parse_offers(body: Json) -> list[Offer]:
    """Return the types and brands that could be connected; the shape is assumed, so any will do."""
    listed = parse_page(body).rows
    if listed is None:
        listed = [{"type": key, "brands": value} for key, value in mapping(body).items()]
    brands: dict[str, dict[str, None]] = {}
    for row in listed:
        name = text(row) or text(dig(row, "type"))
        if name is None:
            continue
        known = brands.setdefault(name, {})
        for brand in (dig(row, "brand"), *rows(dig(row, "brands"))):
            if (word := text(brand)) is not None:
                known[word] = None
    return [Offer(type=name, brands=tuple(known)) for name, known in brands.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeSession:
    """A charge; `end` is None while it runs, `energy` is in `unit`, else in kWh."""

    start: datetime
    end: datetime | None
    energy: float | None
    unit: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeSessions:
    """The newest charge, and the newest that is over."""

    newest: ChargeSession | None = None
    finished: ChargeSession | None = None
    malformed: int = 0


def parse_sessions(body: Json) -> ChargeSessions:
    """Return the newest charges of a page; the order of its rows is not documented."""
    listed = parse_page(body).rows or []
    found = [one for one in map(parse_session, listed) if one is not None]
    found.sort(key=lambda one: one.start)
    over = [one for one in found if one.end is not None]
    return ChargeSessions(
        newest=found[-1] if found else None,
        finished=over[-1] if over else None,
        malformed=len(listed) - len(found),
    )


def parse_session(row: Json) -> ChargeSession | None:
    """Return a charge, None if it has no start."""
    start = instant(dig(row, "data", "start"))
    if start is None:
        return None
    total = dig(row, "data", "charge", "total")
    scale = Scale(Quantity.SESSION_ENERGY, total)
    energy = scale.value(dig(total, "total"))
    if energy is None:
        energy = scale.sum(total, TARIFFS)
    return ChargeSession(
        start=start, end=instant(dig(row, "data", "end")), energy=energy, unit=scale.unit
    )
