"""Counter readings that arrive in pieces: the same hours come out however the time was cut.

Of every stretch of time that was asked for without a break, the readings next to its two ends are
kept. Where a new stretch touches it, the readings on both sides are judged and spread together, so
that a difference from one month's last reading to the next month's first one is not lost, nor
counted twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from .history import CounterReading
from .series import (
    CONTEXT,
    Amount,
    Hour,
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

    `sure` is None while they are all the readings that the region has.
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

    @property
    def whole(self) -> bool:
        """Whether all readings of the region are at hand."""
        return self.head.sure is None or self.tail.sure is None


class Regions:
    """The regions of one counter series."""

    def __init__(self, regions: Iterable[_Region] = ()) -> None:
        """Begin with nothing asked."""
        self._regions = list(regions)

    def take(
        self, start: Hour, stop: Hour, readings: Iterable[CounterReading], *, beyond: timedelta
    ) -> dict[Hour, Amount]:
        """Add what was read from `start` to `stop`; return the hours that are known better now.

        `readings` are those from `beyond` before the start to `beyond` after the stop. They replace
        what was read of that time before. Hours outside of `start` to `stop` are returned where a
        reading next to the seam of two regions makes them known.
        """
        left = next((one for one in self._regions if one.start <= start <= one.stop), None)
        right = next((one for one in self._regions if one.start <= stop <= one.stop), None)
        fresh = in_order(readings)
        read_from, read_until = time_of(start) - beyond, time_of(stop) + beyond
        before = _near(left, tail=True) if left is not None else ()
        after = _near(right, tail=False) if right is not None else ()
        known = in_order(
            [
                *(each for each in before if each.at < read_from),
                *(each for each in after if each.at > read_until),
                *fresh,
            ]
        )
        first, beyond_last = self._borders(start, stop, left, right, known)
        self._join(start, stop, left, right, known)
        hours = hours_of_readings(known)
        return {hour: hours[hour] for hour in hours if first <= hour < beyond_last}

    def _borders(
        self,
        start: Hour,
        stop: Hour,
        left: _Region | None,
        right: _Region | None,
        known: Sequence[CounterReading],
    ) -> tuple[Hour, Hour]:
        """Return from which hour to which one the readings at hand give the truth."""
        first, last = start, stop
        if left is not None and left.stop <= stop:
            sure = left.start if left.whole else left.tail.sure
            assert sure is not None  # else the region is whole
            first = min(start, sure)
        if right is not None and right.start >= start:
            sure = right.stop if right.whole else right.head.sure
            assert sure is not None  # else the region is whole
            last = max(stop, sure)
        # Nothing before: the hours of the margin are known as well as the window's.
        if left is None and known:
            first = min(first, hour_of(known[0].at))
        if right is None and known:
            last = max(last, hour_from(known[-1].at))
        return first, last

    def _join(
        self,
        start: Hour,
        stop: Hour,
        left: _Region | None,
        right: _Region | None,
        known: Sequence[CounterReading],
    ) -> None:
        """Make one region of the new stretch and of those that it touches."""
        if left is not None and left is right:
            if start > left.start and stop < left.stop:
                return
        head, tail = _head(known), _tail(known)
        if left is not None and left.start < start and not left.whole:
            head = left.head
        if right is not None and right.stop > stop and not right.whole:
            tail = right.tail
        begins = start if left is None else left.start
        ends = stop if right is None else right.stop
        apart = [one for one in self._regions if one.stop < begins or one.start > ends]
        self._regions = sorted(
            [*apart, _Region(begins, ends, head, tail)], key=lambda one: one.start
        )

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


def _near(region: _Region, *, tail: bool) -> tuple[CounterReading, ...]:
    """Return the readings at one end of a region, or all of them if they are at hand."""
    if region.head.sure is None:
        return region.head.readings
    if region.tail.sure is None:
        return region.tail.readings
    return region.tail.readings if tail else region.head.readings


def _tail(known: Sequence[CounterReading]) -> _Edge:
    """Return the last readings: as many as the hours that more readings may change depend on."""
    good = judged(known)
    open_from = _last(good, len(known) - CONTEXT)
    if open_from is None:
        return _Edge(tuple(known))
    sure = hour_of(known[open_from].at)
    covered = next(
        (at for at in range(open_from, -1, -1) if good[at] and hour_from(known[at].at) <= sure),
        None,
    )
    if covered is None or covered - CONTEXT <= 0:
        return _Edge(tuple(known))
    return _Edge(tuple(known[covered - CONTEXT :]), sure)


def _last(good: Sequence[bool], before: int) -> int | None:
    """Return the last believed reading before an index."""
    return next((at for at in range(before - 1, -1, -1) if good[at]), None)


def _head(known: Sequence[CounterReading]) -> _Edge:
    """Return the first readings, as `_tail` does the last."""
    good = judged(known)
    open_until = next((at for at in range(CONTEXT, len(known)) if good[at]), None)
    if open_until is None:
        return _Edge(tuple(known))
    sure = hour_from(known[open_until].at)
    covered = next(
        (at for at in range(open_until, len(known)) if good[at] and hour_of(known[at].at) >= sure),
        None,
    )
    if covered is None or covered + CONTEXT + 1 >= len(known):
        return _Edge(tuple(known))
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
