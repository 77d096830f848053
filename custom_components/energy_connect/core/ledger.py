"""What has to be written so that a row's sum is the sum before it and its own amount. Pure.

That `sum[i] - sum[i - 1] == state[i]` holds in every row is what makes mending possible: where a
sudden end left rows without the shift behind them, or a shift was done twice, it shows between two
rows, and one shift heals it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from .series import DECIMALS, Hour

CHUNK: Final = 372
"""Rows written in one go, half a month: another writer waits for no more than these.

With half as many the many rounds made others wait longer, with twice as many each round did (measured).
"""

SAME: Final = 0.6 * 10**-DECIMALS
"""Half of the last decimal that is written: amounts that differ by less are the same."""
# What a database's own additions of binary fractions may add up to.
_SEAM: Final = 1e-4


class Row(NamedTuple):
    """A row of long-term statistics: the hour's own amount, and the running total behind it."""

    hour: Hour
    amount: float
    sum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Rows to write, then a shift of all sums from an hour on; to be queued together."""

    rows: tuple[Row, ...] = ()
    shift_from: Hour
    shift: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What has to be done; `changed` are the rows whose amount is new or another one."""

    steps: tuple[Step, ...] = ()
    changed: tuple[Hour, ...] = ()
    healed: int = 0


def plan(
    rows: Sequence[Row],
    base: float,
    amounts: Mapping[Hour, float],
    following: Row | None = None,
    *,
    chunk: int = CHUNK,
    heal: bool = True,
) -> Plan:
    """Return the steps that bring rows to what `amounts` say; other rows keep their amounts.

    `rows` are all that exist in the time of `amounts`, in order, `base` is the sum of the row before
    them (0 if there is none) and `following` the next row behind them. No steps: all is as it
    should be.
    """
    if heal and (healing := _healing(rows, base, following)):
        # First of all, and alone: what else is to be done is planned on sound rows.
        return Plan(steps=healing, healed=len(healing))
    there = {row.hour: row for row in rows}
    changed = sorted(
        hour
        for hour, amount in amounts.items()
        if hour not in there or abs(there[hour].amount - amount) > SAME
    )
    if not changed:
        return Plan()
    new = {row.hour: row.amount for row in rows} | {hour: amounts[hour] for hour in changed}
    wanted = set(changed)
    first, last = changed[0], changed[-1]
    hours = [hour for hour in sorted(new) if hour <= last]
    steps: list[Step] = []
    piece: list[Row] = []
    total, pending = base, 0.0
    for hour in hours:
        if hour < first:
            total = there[hour].sum
            continue
        total = round(total + new[hour], DECIMALS)
        piece.append(Row(hour, new[hour], total))
        if hour in wanted:
            pending += new[hour] - (there[hour].amount if hour in there else 0.0)
        if len(piece) == chunk or hour == last:
            behind = following is not None or (bool(rows) and rows[-1].hour > hour)
            shift = round(pending, DECIMALS) if behind else 0.0
            steps.append(Step(rows=tuple(piece), shift_from=hour + 1, shift=shift))
            piece, pending = [], 0.0
    return Plan(steps=tuple(steps), changed=tuple(changed))


def _healing(rows: Sequence[Row], base: float, following: Row | None) -> tuple[Step, ...]:
    """Return the shifts that make every row's sum follow from the one before it."""
    steps = []
    before = base
    for row in (*rows, *([] if following is None else [following])):
        gap = row.amount - row.sum + before
        if not -_SEAM < gap < _SEAM and abs(gap) > _SEAM + 1e-12 * abs(row.sum):
            steps.append(Step(shift_from=row.hour, shift=round(gap, DECIMALS)))
        before = row.sum
    return tuple(steps)
