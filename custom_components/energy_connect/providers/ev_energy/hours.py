"""Adds up the parts of sub-sessions hour by hour.

Half an hour that one session shares with the next is told by both, each with its own part: those
add up, while intervals that overlap in a batch correct each other. And a half hour with energy
beside one without makes a whole hour, which need not be asked for again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...core.history import Interval
from ...core.series import DECIMALS, Hour, hour_of, time_of

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An amount from `start` to `end`; see `Interval`."""

    start: datetime
    end: datetime
    amount: float
    cost: float | None = None
    final: bool = True
    estimated: bool = False


@dataclass(slots=True)
class _Sum:
    amount: float = 0.0
    cost: float | None = 0.0
    final: bool = True
    estimated: bool = False


def whole_hours(parts: Iterable[Part], start: datetime, end: datetime) -> list[Interval]:
    """Return the hours from `start` to `end` (whole hours) in which there is anything."""
    sums: dict[Hour, _Sum] = {}
    for part in parts:
        at = max(part.start, start)
        last = min(part.end, end)
        while at < last:
            hour = hour_of(at)
            until = min(last, time_of(hour + 1))
            share = (until - at) / (part.end - part.start)
            found = sums.setdefault(hour, _Sum())
            found.amount += part.amount * share
            if part.cost is None or found.cost is None:
                found.cost = None
            else:
                found.cost += part.cost * share
            found.final &= part.final
            found.estimated |= part.estimated
            at = until
    return [
        Interval(
            time_of(hour),
            time_of(hour) + _HOUR,
            round(one.amount, DECIMALS),
            one.final,
            one.cost if one.cost is None else round(one.cost, DECIMALS),
            one.estimated,
        )
        for hour, one in sorted(sums.items())
    ]
