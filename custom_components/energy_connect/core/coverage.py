"""What is known of a series, hour by hour, kept as runs: a year without a gap is one run."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Any, Final, NamedTuple, Self

from .series import Certainty, Hour, Stretch


class Status(StrEnum):
    """What is known of an hour that was asked for; the letter is how it is stored."""

    FINAL = "f"
    ESTIMATED = "e"
    PROVISIONAL = "p"
    ROUGH = "r"
    """Estimated, by a source that a better one has followed: to be asked for once more."""
    MISSING = "m"


_STATUS_OF: Final = {
    Certainty.FINAL: Status.FINAL,
    Certainty.ESTIMATED: Status.ESTIMATED,
    Certainty.PROVISIONAL: Status.PROVISIONAL,
}
KNOWN: Final = frozenset({Status.FINAL, Status.ESTIMATED, Status.PROVISIONAL, Status.ROUGH})
UNASKED: Final = frozenset({None, Status.ROUGH})
"""What the source that there is now was never asked for."""


class Run(NamedTuple):
    """Hours from `start` up to, not including, `stop` that are all alike; None: never asked."""

    start: Hour
    stop: Hour
    status: Status | None


class Coverage:
    """The runs of one series, in order; what lies between them was never asked for."""

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        """Begin with nothing asked."""
        self._runs = [run for run in runs if run.status is not None]

    def mark(self, stretch: Stretch, *, sparse_until: Hour | None = None) -> None:
        """Take in what was read: hours without an amount are missing, unless they were known.

        Of a sparse series the hours before `sparse_until` without an amount are known to be 0, and
        those after it are as good as never asked for. Hours in which there was something that
        nobody knows are missing, whatever was known before.
        """
        start, stop, amounts, unknown = stretch
        if sparse_until is not None:
            stop = min(stop, sparse_until)
        if stop <= start:
            return
        empty = Status.MISSING if sparse_until is None else Status.FINAL
        marked = [
            piece
            for first, last, status in _runs_of(start, stop, amounts, empty, unknown)
            for piece in self._overlaid(Run(first, last, status), unknown)
        ]
        kept = [*self._cut(None, start), *marked, *self._cut(stop, None)]
        self._runs = list(_merged(kept))

    def _overlaid(self, new: Run, unknown: Collection[Hour]) -> Iterator[Run]:
        """Return a new run, or what was known where it knows nothing."""
        if new.status is not Status.MISSING or new.start in unknown:
            yield new
            return
        for old in self.runs(new.start, new.stop):
            if old.status is Status.ROUGH:
                yield old._replace(status=Status.ESTIMATED)
            else:
                yield old if old.status in KNOWN else old._replace(status=Status.MISSING)

    def believed(self, stretch: Stretch, *, estimates: bool = True) -> Stretch:
        """Return what was read without the hours that are known better already.

        A provisional amount (three quarters of an hour, after a hiccup of the provider) does not
        replace a final one; nor does an estimated one, unless `estimates` are corrections.
        """
        best = self._hours(stretch, {Status.FINAL})
        better = best | self._hours(stretch, {Status.ESTIMATED})
        fixed = {
            Certainty.PROVISIONAL: better,
            Certainty.ESTIMATED: frozenset[Hour]() if estimates else best,
            Certainty.FINAL: frozenset[Hour](),
        }
        if not better:
            return stretch
        amounts = {
            hour: each
            for hour, each in stretch.amounts.items()
            if hour not in fixed[each.certainty]
        }
        return stretch._replace(amounts=amounts)

    def _hours(self, stretch: Stretch, statuses: Collection[Status]) -> frozenset[Hour]:
        runs = self.runs(stretch.start, stretch.stop)
        return frozenset(
            hour for run in runs if run.status in statuses for hour in range(run.start, run.stop)
        )

    def doubt(self) -> None:
        """Let all that is estimated be asked for once more: a better source has come."""
        self._runs = [
            run._replace(status=Status.ROUGH) if run.status is Status.ESTIMATED else run
            for run in self._runs
        ]

    def forget(self, start: Hour, stop: Hour) -> None:
        """Make hours as if they had never been asked for."""
        self._runs = [*self._cut(None, start), *self._cut(stop, None)]

    def _cut(self, first: Hour | None, beyond: Hour | None) -> Iterator[Run]:
        for run in self._runs:
            start = run.start if first is None else max(run.start, first)
            stop = run.stop if beyond is None else min(run.stop, beyond)
            if start < stop:
                yield Run(start, stop, run.status)

    def runs(self, start: Hour, stop: Hour) -> Iterator[Run]:
        """Return runs that cover `start` to `stop` without a break, unasked ones included."""
        at = start
        for number in range(self._index(start), len(self._runs)):
            run = self._runs[number]
            if run.start >= stop:
                break
            if run.start > at:
                yield Run(at, run.start, None)
            at = min(run.stop, stop)
            yield Run(max(run.start, start), at, run.status)
        if at < stop:
            yield Run(at, stop, None)

    def _index(self, hour: Hour) -> int:
        """Return the number of the first run that ends after an hour."""
        at = bisect_right(self._runs, hour, key=lambda run: run.start)
        return at - 1 if at and self._runs[at - 1].stop > hour else at

    def count(self, start: Hour, stop: Hour) -> dict[Status | None, int]:
        """Return how many hours of each status there are; None: never asked."""
        found: dict[Status | None, int] = {}
        for run in self.runs(start, stop):
            found[run.status] = found.get(run.status, 0) + run.stop - run.start
        return found

    @property
    def first(self) -> Hour | None:
        """The first hour of which something is known."""
        return next((run.start for run in self._runs if run.status in KNOWN), None)

    @property
    def newest(self) -> Hour | None:
        """The last hour of which something is known."""
        return next((run.stop - 1 for run in reversed(self._runs) if run.status in KNOWN), None)

    def gaps(self, start: Hour, stop: Hour) -> list[Run]:
        """Return the runs of missing hours after the first known one: before it, nothing was."""
        first = self.first
        if first is None:
            return []
        runs = self.runs(max(start, first), max(stop, first))
        return [run for run in runs if run.status is Status.MISSING]

    def wanted(self, start: Hour, stop: Hour) -> list[Run]:
        """Return the runs that are to be asked for again: missing or provisional."""
        first = self.first
        from_ = start if first is None else max(start, first)
        again = (Status.MISSING, Status.PROVISIONAL)
        return [run for run in self.runs(from_, max(stop, from_)) if run.status in again]

    def unasked(self, start: Hour, stop: Hour) -> list[Run]:
        """Return the runs that were never asked for, of the source that there is now."""
        return [run for run in self.runs(start, stop) if run.status in UNASKED]

    def dump(self) -> list[Any]:
        """Return what has to be kept, as plain values."""
        return [[run.start, run.stop, run.status] for run in self._runs]

    @classmethod
    def load(cls, kept: Iterable[Sequence[Any]]) -> Self:
        """Return the coverage out of what `dump` gave."""
        return cls(Run(start, stop, Status(status)) for start, stop, status in kept)


def _runs_of(
    start: Hour,
    stop: Hour,
    amounts: Mapping[Hour, Any],
    empty: Status,
    unknown: Collection[Hour],
) -> Iterator[tuple[Hour, Hour, Status]]:
    def status(hour: Hour) -> tuple[Status, bool]:
        found = amounts.get(hour)
        if found is not None:
            return _STATUS_OF[found.certainty], False
        return (Status.MISSING, True) if hour in unknown else (empty, False)

    for (alike, _), hours in groupby(range(start, stop), status):
        members = list(hours)
        yield members[0], members[-1] + 1, alike


def _merged(runs: Iterable[Run]) -> Iterator[Run]:
    """Return the runs with neighbours that are alike made one."""
    open_run: Run | None = None
    for run in runs:
        if open_run is not None and open_run.stop == run.start and open_run.status is run.status:
            open_run = Run(open_run.start, run.stop, run.status)
            continue
        if open_run is not None:
            yield open_run
        open_run = run
    if open_run is not None:
        yield open_run
