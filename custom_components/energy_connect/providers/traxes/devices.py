"""What is shown of each entity: its newest metrics and charges, checked and at their age."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
import logging
from typing import Final

from ...core.clock import Clock
from ...core.counters import CounterGuard
from ...core.freshness import Freshness
from ...core.model import Device, NumberKey, Reading
from ...core.paging import PageMemory
from ...core.response import Response
from ...core.vocabulary import Flag, Kind, Moment, Quantity
from .commands import Sight
from .controls import controls
from .holding import Holding
from .metrics import Measurement, detail, parse_measurement
from .parse import ChargeSessions, Entity

_LOGGER = logging.getLogger(__name__)

# Grid meters deliver quarter hours (assumed, as is every cadence here); three polls go on top.
_CADENCE: Final = timedelta(minutes=15)
_POLLS: Final = timedelta(minutes=15)
_FULL: Final = 100.0
_NO_SESSIONS: Final = ChargeSessions()

type _Stamp = tuple[Entity, object, ChargeSessions, bool, str | None, bool]


class Devices:
    """Makes the devices of an account; an entity of which nothing changed keeps its object."""

    def __init__(self, clock: Clock, *, locate: bool, interval: float) -> None:
        """Know nothing yet; `locate` shows positions, `interval` is that of polls (seconds)."""
        self._clock = clock
        self._locate = locate
        self._held: dict[str, tuple[Kind, Holding]] = {}
        self._pages = PageMemory[Measurement | None]()
        self._guard = CounterGuard()
        self._freshness = Freshness(_CADENCE + max(_POLLS, timedelta(seconds=3 * interval)))
        self._made: dict[str, tuple[_Stamp, Device]] = {}
        self._entities: Mapping[str, Entity] = {}
        self._fraction_told = False
        self.malformed = 0

    def take(self, entity: Entity, response: Response) -> None:
        """Take the answer to a request for the newest reading; an empty one is no data yet.

        Raises:
            UnexpectedResponse: the answer is no JSON.

        """
        if not response.body.strip():
            return
        holding = self._holding(entity)

        def parse(_: bytes) -> Measurement | None:
            return self._parse(entity, response, holding.metrics)

        measurement = self._pages.parse(f"{entity.kind}/{entity.id}", response.body, parse)
        if measurement is not None:
            holding.take(measurement, self._clock.monotonic())

    def _holding(self, entity: Entity) -> Holding:
        """Return what is held of the entity; another kind of thing starts anew."""
        kind, holding = self._held.get(entity.id, (entity.kind, None))
        if holding is None or kind is not entity.kind:
            holding = Holding()
            self._held[entity.id] = (entity.kind, holding)
        return holding

    def _parse(
        self, entity: Entity, response: Response, known: frozenset[str]
    ) -> Measurement | None:
        body = response.json()
        if not body or (isinstance(body, Mapping) and body.get("data") is None):
            return None
        measurement = parse_measurement(body, entity.kind, known=known, locate=self._locate)
        if measurement is None or measurement.entity_id not in {None, entity.id}:
            if not self.malformed:
                _LOGGER.warning("Traxes sends a reading that can't be used; it is left out")
            self.malformed += 1
            return None
        if measurement.fraction and not self._fraction_told:
            self._fraction_told = True
            _LOGGER.warning(
                "Traxes sends a state of charge of at most 1 without a unit; it is taken as percent"
            )
        return measurement

    def charging(self, entity_id: str) -> bool:
        """Tell whether the entity's newest readings say that it charges."""
        return entity_id in self._held and self._held[entity_id][1].charging

    def sight(self, entity_id: str) -> Sight:
        """Return what the entity's newest readings say of what it does."""
        holding = self._held[entity_id][1] if entity_id in self._held else Holding()
        charge = holding.numbers.get((Quantity.STATE_OF_CHARGE, None))
        level = charge.value if charge is not None else None
        return Sight(
            measured=holding.flagged.get(Flag.CHARGING),
            charging=holding.flags.get(Flag.CHARGING),
            plugged_in=holding.flags.get(Flag.PLUGGED_IN),
            full=None if level is None else level >= _FULL,
        )

    def metrics(self) -> list[str]:
        """Return the names of all metrics that were used so far."""
        names: set[str] = set()
        for _, holding in self._held.values():
            names |= holding.metrics
        return sorted(names)

    def known(self, entity_id: str) -> Holding | None:
        """Return what was read of the entity, None if that is nothing."""
        _, holding = self._held.get(entity_id, (None, None))
        return holding if holding is not None and holding.metrics else None

    def show(
        self,
        entities: Mapping[str, Entity],
        sessions: Mapping[str, ChargeSessions],
        refused: Collection[str],
        steerable: Collection[str],
    ) -> dict[str, Device]:
        """Return all devices as they should be shown now.

        `refused` ones have no values; `steerable` ones can be told what their type can be told.
        """
        if entities is not self._entities:
            self._forget(entities)
            self._entities = entities
        monotonic, now = self._clock.monotonic(), self._clock.now()
        shown = {}
        for entity in entities.values():
            holding = self._holding(entity)
            holding.expire(monotonic)
            stamp: _Stamp = (
                entity,
                holding.version,
                sessions.get(entity.id, _NO_SESSIONS),
                entity.id in refused,
                entity.parent if entity.parent in entities else None,
                entity.id in steerable,
            )
            made = self._made.get(entity.id)
            if made is None or made[0] != stamp:
                made = (stamp, self._guard.settle(self._device(stamp, holding)))
                self._made[entity.id] = made
            shown[entity.id] = self._freshness.show(made[1], now)
        return shown

    def _forget(self, entities: Mapping[str, Entity]) -> None:
        for entity_id in [one for one in self._held if one not in entities]:
            del self._held[entity_id]
            self._made.pop(entity_id, None)
        self._pages.keep(f"{kind}/{entity_id}" for entity_id, (kind, _) in self._held.items())

    def _device(self, stamp: _Stamp, holding: Holding) -> Device:
        entity, _, sessions, refused, parent, steerable = stamp
        measured = holding.newest.measured if holding.newest is not None else None
        numbers = {**holding.numbers, **_session_numbers(sessions)}
        flags: dict[Flag, bool | None] = dict(holding.flags)
        if refused:
            numbers = {key: _unknown(reading) for key, reading in numbers.items()}
            flags = dict.fromkeys(flags)
        flags |= entity.flags
        moments: dict[Moment, datetime | None] = {
            Moment.LAST_MEASURED: measured,
            **entity.moments,
            **_session_moments(sessions),
        }
        return Device(
            id=entity.id,
            kind=entity.kind,
            name=entity.name,
            manufacturer=entity.brand,
            model=entity.type,
            serial_number=entity.serial_number,
            parent=parent,
            numbers=numbers,
            flags=flags,
            moments=moments,
            detail=detail([*numbers, *flags, *moments], entity.kind),
            delivering=not refused,
            tracked=holding.located,
            position=None if refused else holding.position,
            controls=controls(entity, holding) if steerable and not refused else {},
        )


def _unknown(reading: Reading) -> Reading:
    return Reading(None, reading.at, reading.since, reading.unit)


def _session_numbers(sessions: ChargeSessions) -> dict[NumberKey, Reading]:
    numbers: dict[NumberKey, Reading] = {}
    if (newest := sessions.newest) is not None:
        numbers[Quantity.SESSION_ENERGY, None] = Reading(
            newest.energy, newest.end, newest.start, newest.unit
        )
    if (over := sessions.finished) is not None:
        numbers[Quantity.LAST_SESSION_ENERGY, None] = Reading(over.energy, over.end, unit=over.unit)
    return numbers


def _session_moments(sessions: ChargeSessions) -> dict[Moment, datetime | None]:
    moments: dict[Moment, datetime | None] = {}
    if (newest := sessions.newest) is not None:
        moments[Moment.SESSION_START] = newest.start
    if (over := sessions.finished) is not None:
        moments[Moment.LAST_SESSION_START] = over.start
        moments[Moment.LAST_SESSION_END] = over.end
    return moments
