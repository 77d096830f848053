"""What to ask a source for next: the newest hours often, late and open ones seldomer with age.

The past comes after them: the newest month first, since that is what a person looks at, and then
from the oldest hour forward, so that sums are appended and never have to be moved by more than that
one month.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Self

from .coverage import Coverage, Run
from .history import Source
from .series import SECONDS, Hour, hour_from, hour_of

DAY: Final = 24
MONTH: Final = 31 * DAY
"""Hours of what counts as the newest month."""

_HOURLY: Final = 3600.0
# (age in hours up to which, seconds between two questions)
_BANDS: Final = (
    (2 * DAY, _HOURLY),
    (14 * DAY, 12 * _HOURLY),
    (60 * DAY, 4 * DAY * _HOURLY),
    (10 * 366 * DAY, 30 * DAY * _HOURLY),
)
_SETTLING: Final = 24 * _HOURLY
_SWEEP: Final = "settling"
# Windows that one sweep through old gaps may cost.
_MOST_WINDOWS: Final = 24


class Window(NamedTuple):
    """Hours to ask for; `live` are the newest ones, which go before the past.

    `band` is the part of the agenda to which it belongs, if any.
    """

    start: Hour
    stop: Hour
    live: bool = False
    band: str = ""


@dataclass(slots=True)
class Agenda:
    """When a source's hours were last asked for again, by age."""

    asked: dict[str, float]

    @classmethod
    def load(cls, kept: Mapping[str, Any]) -> Self:
        """Return the agenda out of what was kept of `asked`."""
        return cls({str(key): float(value) for key, value in kept.items()})

    def again(self, source: Source, coverages: Sequence[Coverage], now: datetime) -> list[Window]:
        """Return the windows that are due to be asked for (again), and take them as asked."""
        seconds, current = now.timestamp(), hour_of(now)
        windows: list[Window] = []
        younger = 0
        for number, (age, every) in enumerate(_BANDS):
            start, stop = current - age, current - younger
            younger = age
            if seconds - self.asked.get(str(number), 0.0) < every:
                continue
            self.asked[str(number)] = seconds
            runs = [run for each in coverages for run in each.wanted(start, stop)]
            if number == 0:
                runs += [run for each in coverages for run in each.unasked(start, stop)]
            pieces = _pieces(source, runs)
            windows += [
                Window(*piece, number == 0, str(number)) for piece in pieces[-_MOST_WINDOWS:]
            ]
        if seconds - self.asked.get(_SWEEP, 0.0) >= _SETTLING:
            first_time = _SWEEP not in self.asked
            self.asked[_SWEEP] = seconds
            # On the first day there is nothing yet that could have been corrected.
            if not first_time:
                span = Run(current - _hours(source.settles), current, None)
                windows += [Window(*piece, band=_SWEEP) for piece in _pieces(source, [span])]
        return windows

    def unanswered(self, windows: Iterable[Window], before: Mapping[str, float]) -> None:
        """Take windows as not asked: their bands stand as they did before, all others as now.

        To take back what was answered would ask for it anew as often as the rest is refused.
        """
        for band in {window.band for window in windows}:
            self.asked.pop(band, None)
            self.asked |= {key: at for key, at in before.items() if key == band}

    @staticmethod
    def wait(asked: Mapping[str, float], now: datetime) -> float:
        """Return the seconds until the newest hours are due."""
        return max(0.0, asked.get("0", 0.0) + _BANDS[0][1] - now.timestamp())


def oldest(source: Source, now: datetime, depth: timedelta | None) -> Hour:
    """Return the first hour to ask for: `depth` back (None: everything), if there is so much."""
    current = hour_of(now)
    wanted = current - (_BANDS[-1][0] if depth is None else _hours(depth))
    return wanted if source.begins is None else min(current, max(wanted, hour_of(source.begins)))


def backfill(
    source: Source, coverages: Sequence[Coverage], now: datetime, begin: Hour
) -> Window | None:
    """Return the next piece of the past to ask for; None if all of it was.

    Of a sparse source the newest two days are left to `Agenda.again`: an answer may end before
    them (`Batch.known_until`), and asking again at once would never end.
    """
    current = hour_of(now) - (_BANDS[0][0] if source.sparse else 0)
    longest = max(1, _hours(source.window))
    month = max(begin, current - MONTH)
    recent = _unasked(coverages, month, current)
    if recent:
        # Backwards, so that a short window begins with yesterday.
        stop = recent[-1].stop
        return Window(max(recent[-1].start, stop - longest), stop)
    past = _unasked(coverages, begin, month)
    if past:
        return Window(past[0].start, min(past[0].stop, past[0].start + longest))
    return None


def progress(coverages: Iterable[Coverage], begin: Hour, now: datetime) -> tuple[int, int]:
    """Return how many hours of the past were asked for, of how many.

    The newest two days are none of the past: they are asked for as they come, whatever is there.
    """
    stop = max(begin, hour_of(now) - _BANDS[0][0])
    asked = total = 0
    for coverage in coverages:
        unasked = sum(run.stop - run.start for run in coverage.unasked(begin, stop))
        total += stop - begin
        asked += stop - begin - unasked
    return asked, total


def _unasked(coverages: Iterable[Coverage], start: Hour, stop: Hour) -> list[Run]:
    """Return where any of the series was never asked for, in order, overlaps made one."""
    found: list[Run] = []
    unasked = (run for each in coverages for run in each.unasked(start, stop))
    for run in sorted(unasked, key=lambda run: (run.start, run.stop)):
        if found and run.start <= found[-1].stop:
            found[-1] = Run(found[-1].start, max(found[-1].stop, run.stop), None)
        else:
            found.append(run)
    return found


def _pieces(source: Source, runs: Iterable[Run]) -> list[tuple[Hour, Hour]]:
    """Return windows, each at most the source's, in which all of the runs lie."""
    longest = max(1, _hours(source.window))
    pieces: list[tuple[Hour, Hour]] = []
    for start, stop, _ in sorted(runs, key=lambda run: run.start):
        at = start
        if pieces and at < pieces[-1][0] + longest:
            first = pieces[-1][0]
            pieces[-1] = (first, max(pieces[-1][1], min(stop, first + longest)))
            at = max(at, pieces[-1][1])
        while at < stop:
            pieces.append((at, min(stop, at + longest)))
            at += longest
    return pieces


def _hours(span: timedelta) -> int:
    return int(span.total_seconds() // SECONDS)


def window_hours(start: datetime, end: datetime) -> tuple[Hour, Hour]:
    """Return the whole hours in which a time lies."""
    return hour_of(start), hour_from(end)
