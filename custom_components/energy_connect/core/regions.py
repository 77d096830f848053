"""Counter readings that arrive in pieces: the same hours come out however the time was cut.

Of every stretch of time that was asked for without a break, the readings next to its two ends are
kept. Where a new stretch touches it, the readings on both sides are judged and spread together, so
that a difference from one month's last reading to the next month's first one is not lost, nor
counted twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from .history import CounterReading
from .series import (
    CONTEXT,
    Hour,
    Stretch,
    hour_from,
    hour_of,
    hours_of_readings,
    in_order,
    judged,
    time_of,
)

_HOUR: Final = timedelta(hours=1)


def margin(step: timedelta) -> timedelta:
    """Return how much more than a window has to be read on either side of it, in whole hours.

    So much that the first and the last hour are covered, and that readings are judged by as many
    neighbours as they would be in the middle.
    """
    return _HOUR * (1 + -(-(CONTEXT + 1) * step // _HOUR))


@dataclass(frozen=True, slots=True)
class _Edge:
    """The readings at one end of a region; with them hours beyond `sure` can be made anew.

    `sure` is None while they are all the readings that the region has. It never lies outside the
    region: readings go on beyond its ends, but the hours there are left to whoever asks for them.
    """

    readings: tuple[CounterReading, ...] = ()
    sure: Hour | None = None


_EMPTY: Final = _Edge()


@dataclass(frozen=True, slots=True)
class _Region:
    """What was asked for without a break, from the hour `start` to the hour `stop`."""

    start: Hour
    stop: Hour
    head: _Edge = _EMPTY
    tail: _Edge = _EMPTY


class Regions:
    """The regions of one counter series."""

    def __init__(self, regions: Iterable[_Region] = ()) -> None:
        """Begin with nothing asked."""
        self._regions = list(regions)

    def copy(self) -> Self:
        """Return regions of their own that know the same."""
        return type(self)(self._regions)

    def take(
        self, start: Hour, stop: Hour, readings: Iterable[CounterReading], *, beyond: timedelta
    ) -> Stretch:
        """Add what was read from `start` to `stop`; return what is known better now.

        `readings` are those from `beyond` before the start to `beyond` after the stop. They replace
        what was read of that time before. The stretch that is returned is longer than what was
        read where readings on both sides of the seam of two regions make more hours known.
        """
        left = next((one for one in self._regions if one.start <= start <= one.stop), None)
        right = next((one for one in self._regions if one.start <= stop <= one.stop), None)
        fresh = in_order(readings)
        read = (time_of(start) - beyond, time_of(stop) + beyond)
        before = _before(left, start, read[0])
        after = _after(right, stop, read[1])
        known = _together(fresh, read, before, after, past_ends=left is not right)
        first, beyond_last = _borders(start, stop, before, after, known)
        from_hour = start if left is None else left.start
        until_hour = stop if right is None else right.stop
        joined = _Region(
            from_hour,
            until_hour,
            _head(known, from_hour, after.sure)
            if left is None or left.start >= start or before.all
            else _corrected(left.head, fresh, read),
            _tail(known, until_hour, before.sure)
            if right is None or right.stop <= stop or after.all
            else _corrected(right.tail, fresh, read),
        )
        apart = [one for one in self._regions if one.stop < joined.start or one.start > joined.stop]
        self._regions = sorted([*apart, joined], key=lambda one: one.start)
        hours = hours_of_readings(known)
        inside = {hour: hours[hour] for hour in hours if first <= hour < beyond_last}
        return Stretch(first, beyond_last, inside)

    def dump(self) -> list[dict[str, Any]]:
        """Return what has to be kept, as plain values."""
        return [
            {
                "start": one.start,
                "stop": one.stop,
                "head": _dump(one.head),
                "tail": _dump(one.tail),
            }
            for one in self._regions
        ]

    @classmethod
    def load(cls, kept: Iterable[Mapping[str, Any]]) -> Self:
        """Return the regions out of what `dump` gave."""
        return cls(
            _Region(one["start"], one["stop"], _load(one["head"]), _load(one["tail"]))
            for one in kept
        )


@dataclass(frozen=True, slots=True)
class _Side:
    """What is known on one side of what was read.

    `all` says that the readings at hand go on without a gap to the far end of the region there, if
    there is one. `reach` is to which hour they give the truth; None: the readings of the
    window itself have to bring their own neighbours. `sure` is the edge's, if not all are at hand.
    """

    readings: tuple[CounterReading, ...] = ()
    all: bool = True
    reach: Hour | None = None
    sure: Hour | None = None


def _before(region: _Region | None, start: Hour, read_from: datetime) -> _Side:
    """Return what is known before a window that begins in the region, or where it ends."""
    if region is None:
        return _Side(reach=start)
    for edge in (region.head, region.tail):
        if edge.sure is None or (edge is region.head and edge.readings[-1].at >= read_from):
            return _Side(edge.readings, reach=region.start)
    sure = region.tail.sure
    reach = sure if sure is not None and sure <= start else None
    return _Side(region.tail.readings, all=False, reach=reach, sure=sure)


def _after(region: _Region | None, stop: Hour, read_until: datetime) -> _Side:
    """Return what is known after a window that ends in the region, or where it begins."""
    if region is None:
        return _Side(reach=stop)
    for edge in (region.tail, region.head):
        if edge.sure is None or (edge is region.tail and edge.readings[0].at <= read_until):
            return _Side(edge.readings, reach=region.stop)
    sure = region.head.sure
    reach = sure if sure is not None and sure >= stop else None
    return _Side(region.head.readings, all=False, reach=reach, sure=sure)


def _together(
    fresh: Sequence[CounterReading],
    read: tuple[datetime, datetime],
    before: _Side,
    after: _Side,
    *,
    past_ends: bool,
) -> list[CounterReading]:
    """Return what was read, and what was known on either side of it.

    A window that goes past the end of a region may have been read less far beyond than the region
    was: that end's readings count on the window's other side too.
    """
    kept_before = (
        each for each in before.readings if each.at < read[0] or (past_ends and each.at > read[1])
    )
    kept_after = (
        each for each in after.readings if each.at > read[1] or (past_ends and each.at < read[0])
    )
    return in_order([*kept_before, *kept_after, *fresh])


def _borders(
    start: Hour, stop: Hour, before: _Side, after: _Side, known: Sequence[CounterReading]
) -> tuple[Hour, Hour]:
    """Return from which hour to which one the readings at hand give the truth."""
    if before.reach is not None:
        first = min(start, before.reach)
    else:
        settled = _settled_from(known)
        first = stop if settled is None else max(start, settled)
    if after.reach is not None:
        last = max(stop, after.reach)
    else:
        settled = _settled_until(known)
        last = start if settled is None else min(stop, settled)
    return first, max(first, last)


def _settled_from(known: Sequence[CounterReading]) -> Hour | None:
    """Return from which hour on readings before these would change nothing."""
    good = judged(known)
    at = next((at for at in range(CONTEXT, len(known)) if good[at]), None)
    return None if at is None else hour_from(known[at].at)


def _settled_until(known: Sequence[CounterReading]) -> Hour | None:
    """Return until which hour readings after these would change nothing."""
    at = _last(judged(known), len(known) - CONTEXT)
    return None if at is None else hour_of(known[at].at)


def _corrected(
    old: _Edge, fresh: Sequence[CounterReading], read: tuple[datetime, datetime]
) -> _Edge:
    """Return the edge of a region of which a part was read anew."""
    first, last = old.readings[0].at, old.readings[-1].at
    inside = (each for each in fresh if first <= each.at <= last)
    outside = (each for each in old.readings if not read[0] <= each.at <= read[1])
    return replace(old, readings=tuple(in_order([*outside, *inside])))


def _tail(known: Sequence[CounterReading], stop: Hour, sure_before: Hour | None) -> _Edge:
    """Return the last readings: as many as the hours that more readings may change depend on."""
    good = judged(known)
    open_from = _last(good, len(known) - CONTEXT)
    if open_from is None:
        return _Edge(tuple(known), sure_before)
    sure = min(stop, hour_of(known[open_from].at))
    covered = next(
        (at for at in range(open_from, -1, -1) if good[at] and hour_from(known[at].at) <= sure),
        None,
    )
    if covered is None or covered - CONTEXT <= 0:
        return _Edge(tuple(known), sure_before)
    return _Edge(tuple(known[covered - CONTEXT :]), sure)


def _last(good: Sequence[bool], before: int) -> int | None:
    """Return the last believed reading before an index."""
    return next((at for at in range(before - 1, -1, -1) if good[at]), None)


def _head(known: Sequence[CounterReading], start: Hour, sure_before: Hour | None) -> _Edge:
    """Return the first readings, as `_tail` does the last."""
    good = judged(known)
    open_until = next((at for at in range(CONTEXT, len(known)) if good[at]), None)
    if open_until is None:
        return _Edge(tuple(known), sure_before)
    sure = max(start, hour_from(known[open_until].at))
    covered = next(
        (at for at in range(open_until, len(known)) if good[at] and hour_of(known[at].at) >= sure),
        None,
    )
    if covered is None or covered + CONTEXT + 1 >= len(known):
        return _Edge(tuple(known), sure_before)
    return _Edge(tuple(known[: covered + CONTEXT + 1]), sure)


def _dump(edge: _Edge) -> dict[str, Any]:
    return {
        "sure": edge.sure,
        "readings": [[each.at.timestamp(), each.value] for each in edge.readings],
    }


def _load(kept: Mapping[str, Any]) -> _Edge:
    readings = (
        CounterReading(datetime.fromtimestamp(at, UTC), value) for at, value in kept["readings"]
    )
    return _Edge(tuple(readings), kept["sure"])
