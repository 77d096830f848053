"""Devices out of what is known of meters and entities."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from ...core.model import Device, NumberKey, Reading
from ...core.vocabulary import Kind, Moment, Quantity
from .months import before, this_month
from .parse import Delta, Entity, Meter, Month, State
from .units import Energy, HeatUnits, amount

MANUFACTURER: Final = "Enerfis"


def meter_key(meter_id: str) -> str:
    """Return the device id of a meter."""
    return f"meter_{meter_id}"


def entity_key(entity_id: str) -> str:
    """Return the device id of an entity."""
    return f"entity_{entity_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a device is built in: its zone and parent, the time, the units a person chose."""

    zone: tzinfo
    now: datetime
    heat: HeatUnits
    parent: str | None


def meter_device(
    meter: Meter, state: State | None, months: Sequence[Delta], around: Surroundings
) -> Device:
    """Return a meter's device: its counter, its months, when it was read last."""
    numbers: dict[NumberKey, Reading] = {}
    if state is not None and meter.energy is not None:
        unit = state.unit or meter.unit
        shown = amount(meter.energy, state.value, unit, around.heat)
        if shown is not None:
            numbers[meter.energy.counter, None] = Reading(shown.value, state.at, unit=shown.unit)
    if meter.energy is not None:
        # All months of a meter are those of its one energy, whatever a row says.
        numbers |= _months(meter.energy, months, meter.unit, around)
    return Device(
        id=meter_key(meter.id),
        kind=Kind.METER,
        name=meter.name,
        serial_number=meter.serial,
        parent=around.parent,
        numbers=numbers,
        moments={} if state is None else {Moment.LAST_MEASURED: state.at},
    )


def entity_device(entity: Entity, months: Sequence[Delta], around: Surroundings) -> Device:
    """Return an entity's device: its months per energy."""
    return Device(
        id=entity_key(entity.id),
        kind=Kind.BUILDING,
        name=entity.name,
        manufacturer=MANUFACTURER,
        model=entity.kind,
        parent=around.parent,
        numbers=months_by_energy(months, around),
    )


def months_by_energy(months: Sequence[Delta], around: Surroundings) -> Mapping[NumberKey, Reading]:
    """Return this month and the last one of each kind of energy that the rows name."""
    numbers: dict[NumberKey, Reading] = {}
    for energy in Energy:
        rows = [delta for delta in months if delta.energy is energy]
        numbers |= _months(energy, rows, None, around)
    return numbers


def months_of_unknown_energy(
    months: Sequence[Delta], around: Surroundings
) -> Mapping[NumberKey, Reading]:
    """Return this month and the last one of rows that name no energy, in the unit they state.

    Without a unit they are bare numbers: nobody may guess what a formula adds up.
    """
    rows = [delta for delta in months if delta.energy is None]
    current = this_month(around.now, around.zone)
    last = before(current)
    if not any(delta.month in {current, last} for delta in rows):
        return {}
    numbers: dict[NumberKey, Reading] = {}
    began = datetime(*current, 1, tzinfo=around.zone).astimezone(UTC)
    for month, quantity, since in (
        (current, Quantity.AMOUNT_MONTH, began),
        (last, Quantity.AMOUNT_LAST_MONTH, None),
    ):
        delta = _of_month(rows, month)
        if delta is None:
            numbers[quantity, None] = Reading(None, since=since)
        else:
            numbers[quantity, None] = Reading(delta.value, since=since, unit=delta.unit)
    return numbers


def _months(
    energy: Energy, rows: Sequence[Delta], unit: str | None, around: Surroundings
) -> Mapping[NumberKey, Reading]:
    """Return this month, which began at the first in the zone, and the last one."""
    current = this_month(around.now, around.zone)
    last = before(current)
    relevant = [delta for delta in rows if delta.month in {current, last}]
    if not relevant:
        return {}
    # A row without a unit is in that of the meter, else in that of the row beside it.
    unit = unit or next((delta.unit for delta in relevant if delta.unit is not None), None)
    began = datetime(*current, 1, tzinfo=around.zone).astimezone(UTC)
    found: dict[NumberKey, Reading] = {}
    for month, quantity, since in (
        (current, energy.month, began),
        (last, energy.last_month, None),
    ):
        delta = _of_month(relevant, month)
        shown = amount(
            energy,
            0.0 if delta is None else delta.value,
            unit if delta is None else delta.unit or unit,
            around.heat,
        )
        if shown is not None:
            value = None if delta is None else shown.value
            found[quantity, None] = Reading(value, since=since, unit=shown.unit)
    return found


def _of_month(rows: Sequence[Delta], month: Month) -> Delta | None:
    """Return the one delta of a month, or None.

    Where uses have rows of their own (`EL-VEN`), the row of the energy as a whole counts; if it
    can't be told which that is, nothing is known: the parts may overlap.
    """
    of_month = dict.fromkeys(delta for delta in rows if delta.month == month)
    whole = [delta for delta in of_month if not delta.part] or list(of_month)
    return whole[0] if len(whole) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Entities by id, and how they hang together.

    `shown` are those that own a meter, and those above them; `parents` are free of circles.
    """

    entities: Mapping[str, Entity]
    shown: frozenset[str]
    parents: Mapping[str, str]

    def line(self, entity_id: str | None) -> Iterable[Entity]:
        """Return an entity that is known and those above it, upwards."""
        while entity_id is not None and entity_id in self.entities:
            yield self.entities[entity_id]
            entity_id = self.parents.get(entity_id)


def grow(entities: Mapping[str, Entity], meters: Iterable[Meter], *, whole: bool) -> Tree:
    """Return the tree of entities; with `whole` all are shown, whether they own a meter or not."""
    parents: dict[str, str] = {}
    for entity in entities.values():
        above = entity.parent
        if above is not None and above in entities and not _leads_to(parents, above, entity.id):
            parents[entity.id] = above
    bare = Tree(entities=entities, shown=frozenset(), parents=parents)
    owners = entities if whole else {meter.entity for meter in meters}
    shown = {entity.id for owner in owners for entity in bare.line(owner)}
    return Tree(entities=entities, shown=frozenset(shown), parents=parents)


def _leads_to(parents: Mapping[str, str], start: str | None, end: str) -> bool:
    """Tell whether the way up from `start` comes by `end`."""
    while start is not None:
        if start == end:
            return True
        start = parents.get(start)
    return False
