"""What befalls readings and points: late days, gaps, corrections, another meter, rows twice."""

from dataclasses import dataclass
import datetime as dt


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """Readings from `start` up to `end` that are not there: ever, or before `until`."""

    start: dt.datetime
    end: dt.datetime
    until: dt.datetime | None = None

    def holds(self, now: dt.datetime) -> bool:
        """Whether they are absent now."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Readings from `start` up to `end` that show `by` too much before `until`."""

    start: dt.datetime
    end: dt.datetime
    until: dt.datetime
    by: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """Another meter from `at` on, which showed `shows` then."""

    at: dt.datetime
    shows: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """All of it, for every meter and data series alike; times are aware."""

    absent: tuple[Absent, ...] = ()
    wrong: tuple[Wrong, ...] = ()
    swaps: tuple[Swap, ...] = ()
    twice: bool = False

    def missing(self, now: dt.datetime) -> list[tuple[dt.datetime, dt.datetime]]:
        """Return the times without readings now, in order."""
        return sorted((one.start, one.end) for one in self.absent if one.holds(now))

    def swap_before(self, at: dt.datetime) -> Swap | None:
        """Return the swap that put in the meter which shows at `at`."""
        done = [one for one in self.swaps if one.at <= at]
        return max(done, key=lambda one: one.at, default=None)

    def too_much(self, at: dt.datetime, now: dt.datetime) -> float:
        """Return by how much a reading is wrong now."""
        return sum(one.by for one in self.wrong if one.start <= at < one.end and now < one.until)
