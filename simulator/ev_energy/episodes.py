"""Plug-in episodes, the sub-sessions that they consist of, and their half-hour plans.

A boost only brings forward what the car was going to take anyway: at the end of an episode exactly
the planned energy has flowed, so that meters and levels stay functions of time outside of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
import datetime as dt
from typing import Final

from simulator.cars import START, Car, ChargeSession
from simulator.ev_energy.steering import Boost
from simulator.payload import JsonValue

BEFORE: Final = dt.timedelta(hours=3)
"""How long before a charge the car is plugged in; cars are at home by then."""

SINCE: Final = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
"""Episodes (`charging_sessions`) exist from July 2026 on. Source: OpenAPI document."""

MILLIAMPS: Final = 32_000

_HALF_HOUR: Final = dt.timedelta(minutes=30)
_HOUR: Final = dt.timedelta(hours=1)
# Room for the numbers of days and vehicles below that of the part.
_PART: Final = 10**15

type Row = dict[str, JsonValue]


def identifier(prefix: str, number: int) -> str:
    """Return an id as the API makes them: four letters and 26 characters."""
    return f"{prefix}01SIM{number:021d}"


def stamp(at: dt.datetime) -> str:
    """Return a time as the API writes it."""
    return at.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A vehicle: whose, and which car of the car park it is."""

    user: int
    number: int
    car: Car

    @property
    def id(self) -> str:
        """Its id."""
        return identifier("vhcl", self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A sub-session: one mode within an episode; an open boost lasts as long as that."""

    id: str
    start: dt.datetime
    end: dt.datetime
    boost: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One plug-in of a vehicle, from plugging in to the planned end of the charge."""

    vehicle: Vehicle
    session: ChargeSession
    smart: bool
    boosts: Sequence[Boost]

    @property
    def _number(self) -> int:
        day = (self.session.start - START) // dt.timedelta(days=1)
        return day * 100_000 + self.vehicle.number

    @property
    def id(self) -> str:
        """Its id as a charging session."""
        return identifier("cses", self._number)

    @property
    def start(self) -> dt.datetime:
        """When the car was plugged in."""
        return self.session.start - BEFORE

    @property
    def end(self) -> dt.datetime:
        """When the planned charge ends, and with it the sub-sessions."""
        return self.session.end

    @property
    def mode(self) -> str:
        """What ev.energy does with it, boosts aside."""
        return "SMART" if self.smart else "UNMANAGED_HOME"

    def within(self, at: dt.datetime) -> bool:
        """Tell whether it was running at that time."""
        return self.start <= at < self.end

    def boosting(self, at: dt.datetime) -> bool:
        """Tell whether a boost was running at that time."""
        return self.within(at) and any(
            boost.start <= at and (boost.end is None or at < boost.end) for boost in self.boosts
        )

    @property
    def _total(self) -> float:
        return self.planned(self.end)

    def planned(self, at: dt.datetime) -> float:
        """Return the Wh that would have flowed by then without any boost."""
        return self.session.power * _hours(self.session.start, min(at, self.end))

    def delivered(self, at: dt.datetime) -> float:
        """Return the Wh that have flowed by then."""
        until = min(at, self.session.start)
        boosted = sum(
            _hours(max(boost.start, self.start), min(boost.end or until, until))
            for boost in self.boosts
        )
        return min(self._total, self.planned(at) + boosted * self.session.power)

    def full(self, at: dt.datetime) -> bool:
        """Tell whether the car took all it wanted."""
        return self.delivered(at) >= self._total

    def charging(self, at: dt.datetime) -> bool:
        """Tell whether energy flows."""
        planned = self.session.start <= at < self.end
        return (planned or self.boosting(at)) and not self.full(at)

    def pieces(self, now: dt.datetime) -> list[Piece]:
        """Return the sub-sessions so far, oldest first."""
        edges = [(self.start, False)]
        for boost in self.boosts:
            if self.within(boost.start):
                edges.append((boost.start, True))
                if boost.end is not None:
                    edges.append((boost.end, False))
        ends = [*(start for start, _ in edges[1:]), self.end]
        return [
            Piece(
                id=identifier("csub", self._number + part * _PART),
                start=start,
                end=min(end, self.end),
                boost=boost,
            )
            for part, ((start, boost), end) in enumerate(zip(edges, ends, strict=True))
            if start <= now and start < min(end, self.end)
        ]

    def energy(self, piece: Piece, until: dt.datetime) -> int:
        """Return the Wh of a sub-session."""
        end = max(min(until, piece.end), piece.start)
        return round(self.delivered(end) - self.delivered(piece.start))

    def plan(self, piece: Piece) -> list[JsonValue]:
        """Return the slots of a sub-session; whom nobody steers has none."""
        if piece.boost:
            return [_slot(_half_hour(piece.start), None, MILLIAMPS, "BOOST", piece.start)]
        if not self.smart:
            return []
        slots: list[JsonValue] = []
        start = _half_hour(piece.start)
        while start < self.end:
            charges = start + _HALF_HOUR > self.session.start
            slots.append(_slot(start, 1800, MILLIAMPS if charges else 0, "SMART", piece.start))
            start += _HALF_HOUR
        return slots


def _slot(
    start: dt.datetime, seconds: int | None, current: int, kind: str, made: dt.datetime
) -> Row:
    return {
        "started_at": stamp(start),
        "interval_seconds": seconds,
        "current_milliamps": current,
        "schedule_type": kind,
        "dispatched_at": None,
        "created_at": stamp(made),
    }


def _hours(start: dt.datetime, end: dt.datetime) -> float:
    return max(end - start, dt.timedelta()) / _HOUR


def _half_hour(at: dt.datetime) -> dt.datetime:
    return at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0)
