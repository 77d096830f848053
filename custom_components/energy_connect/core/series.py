"""Intervals or counter readings in, amounts per hour (UTC) out. Pure, and the same in any order.

An hour is written as a whole number, the hours since 1970 in UTC: local clocks go forward and back,
these do not, so days of 23 and 25 hours need no care. Quarter hours, half hours and days become
hours by the time that they share with them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
import heapq
from itertools import pairwise
import math
from typing import Final, NamedTuple

from .history import CounterReading, Interval

type Hour = int
"""Hours since 1970-01-01 00:00 UTC."""

SECONDS: Final = 3600
DECIMALS: Final = 6
"""Of amounts and sums: a milliwatt hour. Beyond it binary fractions add up to noise."""

ESTIMATED_BEYOND: Final = timedelta(hours=6)
"""Spread over a longer time, a difference says little about any one of its hours."""

CONTEXT: Final = 3
"""Readings on either side by which a reading is judged."""

_WHOLE: Final = SECONDS - 0.5


class Certainty(StrEnum):
    """How good an hour's amount is."""

    FINAL = "final"
    ESTIMATED = "estimated"
    """Spread over more than six hours."""
    PROVISIONAL = "provisional"
    """May change, or is known in part; asked for again."""


class Amount(NamedTuple):
    """What one hour holds; `cost` is None where any of it has no known cost."""

    amount: float
    certainty: Certainty = Certainty.FINAL
    cost: float | None = None


class Stretch(NamedTuple):
    """All that is known of the hours from `start` to `stop`.

    One that is not there is unknown, or empty where a sparse source says so; the hours `unknown`
    are never empty: something was in them.
    """

    start: Hour
    stop: Hour
    amounts: Mapping[Hour, Amount]
    unknown: frozenset[Hour] = frozenset()


def hour_of(at: datetime) -> Hour:
    """Return the hour that a time lies in."""
    return math.floor(at.timestamp() / SECONDS)


def hour_from(at: datetime) -> Hour:
    """Return the first hour that begins at a time or after it."""
    return math.ceil(at.timestamp() / SECONDS)


def time_of(hour: Hour) -> datetime:
    """Return when an hour begins."""
    return datetime.fromtimestamp(hour * SECONDS, UTC)


def hours_within(spans: Iterable[tuple[datetime, datetime]]) -> frozenset[Hour]:
    """Return the hours that times have a part in."""
    return frozenset(
        hour
        for start, end in spans
        for hour in range(hour_of(start), hour_from(end))
        if end > start
    )


def running(amounts: Mapping[Hour, float], base: float = 0.0) -> list[tuple[Hour, float, float]]:
    """Return (hour, amount, sum) in order; sums begin after `base`."""
    rows = []
    total = base
    for hour in sorted(amounts):
        total = round(total + amounts[hour], DECIMALS)
        rows.append((hour, amounts[hour], total))
    return rows


class _Piece(NamedTuple):
    """An interval in seconds; sorts by how much it is to be trusted: the shortest first."""

    length: float
    order: int
    start: float
    end: float
    interval: Interval


def hours_of_intervals(intervals: Iterable[Interval]) -> dict[Hour, Amount]:
    """Return the hours in which intervals lie.

    Where intervals overlap, at each moment the shortest one counts: a quarter hour knows better
    than the day around it. Of two for the same time the later in the list counts, as a correction.
    Negative and endless amounts are no amounts. An hour that is covered in part is provisional; one
    whose whole amount is a provisional 0 is left out.
    """
    known: dict[tuple[float, float], Interval] = {}
    for interval in intervals:
        start, end = interval.start.timestamp(), interval.end.timestamp()
        if end > start and math.isfinite(interval.amount) and interval.amount >= 0:
            known[start, end] = interval
    collected: dict[Hour, _Collected] = {}
    for start, end, piece in _flat(known):
        _share_out(start, end, piece, collected)
    hours = ((hour, found.amount()) for hour, found in sorted(collected.items()))
    return {hour: amount for hour, amount in hours if amount is not None}


def _flat(
    known: Mapping[tuple[float, float], Interval],
) -> Iterable[tuple[float, float, _Piece]]:
    """Return stretches that do not overlap, each with the interval that counts there."""
    # Among equally long ones the later start counts: any rule will do that depends on no order.
    begins = sorted(known, key=lambda span: (span[0], span[1]))
    edges = sorted({edge for span in known for edge in span})
    open_pieces: list[_Piece] = []
    following = 0
    for number, edge in enumerate(edges):
        while following < len(begins) and begins[following][0] <= edge:
            start, end = begins[following]
            piece = _Piece(end - start, -following, start, end, known[start, end])
            heapq.heappush(open_pieces, piece)
            following += 1
        while open_pieces and open_pieces[0].end <= edge:
            heapq.heappop(open_pieces)
        if open_pieces:
            yield edge, edges[number + 1], open_pieces[0]


@dataclass(slots=True)
class _Collected:
    """What came together for one hour."""

    amounts: list[float]
    costs: list[float]
    seconds: float = 0.0
    costed: bool = True
    final: bool = True
    estimated: bool = False

    def amount(self) -> Amount | None:
        total = round(math.fsum(self.amounts), DECIMALS)
        if not self.final and total == 0:
            return None
        certainty = Certainty.FINAL
        if not self.final or self.seconds < _WHOLE:
            certainty = Certainty.PROVISIONAL
        elif self.estimated:
            certainty = Certainty.ESTIMATED
        cost = round(math.fsum(self.costs), DECIMALS) if self.costed else None
        return Amount(total, certainty, cost)


def _share_out(start: float, end: float, piece: _Piece, collected: dict[Hour, _Collected]) -> None:
    """Give each hour its share of a stretch."""
    interval = piece.interval
    estimated = interval.estimated or piece.length > ESTIMATED_BEYOND.total_seconds()
    at = start
    while at < end:
        hour = math.floor(at / SECONDS)
        until = min(end, (hour + 1) * SECONDS)
        share = (until - at) / piece.length
        found = collected.setdefault(hour, _Collected([], []))
        found.amounts.append(interval.amount * share)
        found.seconds += until - at
        found.final &= interval.final
        found.estimated |= estimated
        if interval.cost is not None and math.isfinite(interval.cost):
            found.costs.append(interval.cost * share)
        elif interval.amount > 0:
            found.costed = False
        at = until


def in_order(readings: Iterable[CounterReading]) -> list[CounterReading]:
    """Return readings by time, one for each; of several the last in the list counts."""
    known = {reading.at: reading for reading in readings if math.isfinite(reading.value)}
    return [known[at] for at in sorted(known)]


def judged(readings: Sequence[CounterReading]) -> list[bool]:
    """Tell of each reading, in order of time, whether it can be believed.

    One that falls below what was before and is risen above again shortly after is a fault of the
    meter or of the line (a 0, mostly), and so is one that jumps up and comes down again to no
    less than before. Shortly is within three readings, so that the verdict on a reading depends on
    its neighbours alone and not on how the time was cut into requests.
    """
    values = [reading.value for reading in readings]
    good = []
    for index, value in enumerate(values):
        before = values[max(0, index - CONTEXT) : index]
        after = values[index + 1 : index + 1 + CONTEXT]
        if not before or not after or max(before) <= value <= min(after):
            good.append(True)
            continue
        highest, lowest = max(after), min(before)
        dips = any(value < earlier <= highest for earlier in before)
        juts = any(lowest <= later < value for later in after)
        good.append(not dips and not juts)
    return good


def hours_of_readings(readings: Sequence[CounterReading]) -> dict[Hour, Amount]:
    """Return the hours that lie between readings (of `in_order`), each difference spread evenly.

    A fall that another reading confirms is another meter: what passed between the two is unknown,
    and the hours wholly between them are gaps. A fall without another reading behind it is not
    believed yet. Hours before the first and after the last reading are unknown.
    """
    kept = [reading for reading, good in zip(readings, judged(readings), strict=True) if good]
    # A fall at the very end has nothing behind it that confirms it.
    if len(kept) > 1 and kept[-1].value < kept[-2].value:
        kept.pop()
    falls = [at for at in range(1, len(kept)) if kept[at].value < kept[at - 1].value]
    hours: dict[Hour, list[Amount]] = {}
    for first, beyond in pairwise((0, *falls, len(kept))):
        swapped_in, swapped_out = first > 0, beyond < len(kept)
        _spread(kept[first:beyond], hours, swapped_in=swapped_in, swapped_out=swapped_out)
    return {hour: _joined(parts) for hour, parts in sorted(hours.items())}


def _spread(
    kept: Sequence[CounterReading],
    hours: dict[Hour, list[Amount]],
    *,
    swapped_in: bool,
    swapped_out: bool,
) -> None:
    """Spread the differences of one meter's readings over its hours.

    The counter at each full hour is rounded, and not the amount of the hour, so that roundings do
    not add up. The hour in which a meter was taken down or put up is known in part.
    """
    if len(kept) < 2:
        return
    hour = hour_of(kept[0].at) if swapped_in else hour_from(kept[0].at)
    stop = hour_from(kept[-1].at) if swapped_out else hour_of(kept[-1].at)
    if hour >= stop:
        return
    limit = ESTIMATED_BEYOND.total_seconds()
    times = [reading.at.timestamp() for reading in kept]
    index = 0
    begin = max(hour * SECONDS, times[0])
    while times[index + 1] <= begin:
        index += 1
    shown = _shown_at(kept, times, index, begin)
    while hour < stop:
        end = min((hour + 1) * SECONDS, times[-1])
        estimated = end - begin < _WHOLE or times[index + 1] - times[index] > limit
        while times[index + 1] < end:
            index += 1
            estimated |= times[index + 1] - times[index] > limit
        following = _shown_at(kept, times, index, end)
        certainty = Certainty.ESTIMATED if estimated else Certainty.FINAL
        amount = Amount(round(following - shown, DECIMALS), certainty)
        hours.setdefault(hour, []).append(amount)
        if times[index + 1] <= end and index + 2 < len(times):
            index += 1
        shown, begin = following, end
        hour += 1


def _shown_at(
    kept: Sequence[CounterReading], times: Sequence[float], index: int, at: float
) -> float:
    """Return what the counter showed at a time between the readings `index` and the next."""
    length = times[index + 1] - times[index]
    rise = kept[index + 1].value - kept[index].value
    return round(kept[index].value + rise * ((at - times[index]) / length), DECIMALS)


def _joined(parts: Sequence[Amount]) -> Amount:
    """Return one amount for an hour that two meters share."""
    if len(parts) == 1:
        return parts[0]
    return Amount(round(math.fsum(part.amount for part in parts), DECIMALS), Certainty.ESTIMATED)
