"""What is looked up on demand: charges and raw readings of a period."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from ...core.errors import Reason, UnexpectedResponse
from ...core.payload import Json, dig, identifier, number, text
from ...core.records import ChargingSession, RawReading
from .lists import ListReader
from .metrics import Measurement, parse_measurement
from .parse import Entity, parse_session

# So many readings of every few minutes fit into the pages that a list may have.
_WINDOW: Final = timedelta(days=7)


async def read_sessions(
    lists: ListReader, entity: Entity, start: datetime, end: datetime
) -> list[ChargingSession]:
    """Return the charges of an entity that began in [start, end), the earliest first.

    Raises:
        ApiError: they could not be read whole.

    """
    found: dict[str, ChargingSession] = {}

    def take(page: list[Json]) -> None:
        for row in page:
            session = parse_charging_session(row, entity.id)
            if session is not None and start <= session.start < end:
                found[session.id] = session

    path = ("v1", "entities", entity.id, "charge-sessions")
    if not await lists.rows(*path, params=period(start, end), each=take):
        raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
    return sorted(found.values(), key=lambda one: one.start)


def parse_charging_session(row: Json, device_id: str) -> ChargingSession | None:
    """Return a charge, None if it has no start; one without an id goes by its start."""
    session = parse_session(row)
    if session is None:
        return None
    charge = dig(row, "data", "charge")
    return ChargingSession(
        id=identifier(dig(row, "id")) or session.start.isoformat(),
        device_id=device_id,
        start=session.start,
        end=session.end,
        # An energy in a unit that nobody knows is none.
        energy=session.energy if session.unit is None else None,
        percent_added=_added(dig(charge, "start"), dig(charge, "end")),
    )


def _added(before: Json, after: Json) -> float | None:
    """Return by how much the charge state rose; without its unit a number means nothing."""
    first, last = number(dig(before, "value")), number(dig(after, "value"))
    percent = text(dig(before, "unit")) == text(dig(after, "unit")) == "%"
    return round(last - first, 3) if percent and first is not None and last is not None else None


async def read_raw(
    lists: ListReader, entity: Entity, start: datetime, end: datetime
) -> list[RawReading]:
    """Return all numbers that were measured in [start, end), the earliest first.

    Raises:
        ApiError: they could not be read whole.

    """
    found: dict[datetime, Measurement] = {}

    def take(page: list[Json]) -> None:
        for row in page:
            one = parse_measurement(row, entity.kind)
            if one is not None and one.measured is not None and start <= one.measured < end:
                found[one.measured] = one

    await read_windows(lists, entity.id, start, end, take)
    return [raw for at in sorted(found) for raw in _numbers(entity.id, at, found[at])]


def _numbers(device_id: str, at: datetime, one: Measurement) -> Iterator[RawReading]:
    for (quantity, part), reading in one.numbers.items():
        if reading.value is not None:
            yield RawReading(
                device_id=device_id,
                at=at,
                quantity=quantity,
                value=reading.value,
                part=part,
                unit=reading.unit or quantity.unit,
            )


async def read_windows(
    lists: ListReader,
    entity_id: str,
    start: datetime,
    end: datetime,
    take: Callable[[list[Json]], None],
) -> None:
    """Give `take` all pages of readings of a period, a week at a time.

    Raises:
        ApiError: they could not be read whole.

    """
    while start < end:
        until = min(start + _WINDOW, end)
        path = ("v1", "entities", entity_id, "readings")
        if not await lists.rows(*path, params=period(start, until), each=take):
            raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
        start = until


def period(start: datetime, end: datetime) -> list[tuple[str, str]]:
    """Return the parameters of a period: whole seconds in UTC, never shorter than asked for."""
    last = end + timedelta(seconds=1) if end.microsecond else end
    return [("start", _stamp(start)), ("end", _stamp(last))]


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
