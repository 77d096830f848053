"""What is known of one entity over many readings: a metric that one reading leaves out stays."""

from datetime import datetime
from typing import Final

from ...core.model import NumberKey, Position, Reading
from ...core.vocabulary import Flag
from .metrics import Measurement

KEPT: Final = 24 * 3600.0
"""Seconds for which a value stays that new readings no longer have (a reading may leave out any)."""

type _Held = NumberKey | Flag


class Holding:
    """The newest value of each metric of one entity.

    `version` is a new object whenever what is held changed, so that equal data costs nothing.
    """

    def __init__(self) -> None:
        """Hold nothing."""
        self.numbers: dict[NumberKey, Reading] = {}
        self.flags: dict[Flag, bool | None] = {}
        self.flagged: dict[Flag, datetime | None] = {}
        """When each flag was measured: a reading that leaves one out says nothing new of it."""
        self.position: Position | None = None
        self.newest: Measurement | None = None
        self.metrics: frozenset[str] = frozenset()
        self.located = False
        self.version = object()
        self._read_at = 0.0
        self._located_at = 0.0
        self._absent: dict[_Held, float] = {}

    @property
    def charging(self) -> bool:
        """Whether energy flows into it."""
        return self.flags.get(Flag.CHARGING) is True

    def take(self, measurement: Measurement, now: float) -> None:
        """Take the answer of a request; `now` is in seconds of a monotonic clock.

        An older measurement than the newest is not taken: answers may come from a replica.
        """
        newest = self.newest
        if measurement is not newest and not _older(measurement, newest):
            self._merge(measurement)
            self.version = object()
        self._read_at = now
        if self.newest is not None and self.newest.position is not None:
            self.located = True
            self._located_at = now

    def _merge(self, measurement: Measurement) -> None:
        present: set[_Held] = {*measurement.numbers, *measurement.flags}
        held: set[_Held] = {*self.numbers, *self.flags}
        for key in held - present:
            self._absent.setdefault(key, self._read_at)
        for key in present:
            self._absent.pop(key, None)
        self.numbers |= measurement.numbers
        self.flags |= measurement.flags
        self.flagged |= dict.fromkeys(measurement.flags, measurement.measured)
        self.metrics |= measurement.metrics
        self.position = measurement.position or self.position
        self.newest = measurement

    def expire(self, now: float) -> None:
        """Make unknown what has been absent for longer than `KEPT`."""
        late = [key for key, since in self._absent.items() if now - since > KEPT]
        for key in late:
            del self._absent[key]
            if isinstance(key, Flag):
                self.flags[key] = None
            else:
                before = self.numbers[key]
                self.numbers[key] = Reading(None, before.at, before.since, before.unit)
        lost = self.position is not None and now - self._located_at > KEPT
        if lost:
            self.position = None
        if late or lost:
            self.version = object()


def _older(measurement: Measurement, newest: Measurement | None) -> bool:
    if newest is None or newest.measured is None or measurement.measured is None:
        return False
    return measurement.measured < newest.measured
