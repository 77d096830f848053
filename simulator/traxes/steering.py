"""What commands make of the cars' habits: charges broken off, charges added.

The grid meter of the house knows nothing of it: the house stays a pure function of time.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
import datetime as dt

from simulator.cars import QUARTER, Car, CarState, ChargeSession

_HOUR = dt.timedelta(hours=1)


@dataclass(slots=True)
class _Span:
    """A time in which a car charges with `power` (W) against its habits."""

    start: dt.datetime
    end: dt.datetime
    power: int

    def energy(self, until: dt.datetime) -> float:
        """Return what it put into the car, in kWh."""
        return self.power * (min(self.end, until) - self.start) / _HOUR / 1000


class Steering:
    """The cars as they are after what they were told."""

    def __init__(self) -> None:
        """Start with cars that follow their habits."""
        self._spans: defaultdict[int, list[_Span]] = defaultdict(list)

    def tell(self, car: Car, at: dt.datetime, *, charging: bool) -> None:
        """Let a car charge or not, from `at` on, until it leaves, is full or would change anyway."""
        spans = self._spans[car.number]
        for span in spans:
            span.end = max(span.start, min(span.end, at))
        habit = car.state(at)
        if charging is habit.charging:
            return
        if habit.charge_end is not None:
            spans.append(_Span(at, habit.charge_end, 0))
        else:
            spans.append(_Span(at, self._longest(car, at), car.charge_power))

    def _longest(self, car: Car, at: dt.datetime) -> dt.datetime:
        """Return until when a charge that is not a habit can last."""
        room = (car.limit - self.state(car, at).level) / 100 * car.capacity
        full = at + room * 1000 / car.charge_power * _HOUR
        end = at
        while end < full and car.state(end).plugged_in and not car.state(end).charging:
            end += QUARTER
        return min(end, full)

    def state(self, car: Car, at: dt.datetime) -> CarState:
        """Return what a car would report."""
        habit = car.state(at)
        begun = [span for span in self._spans[car.number] if span.start <= at]
        if not begun:
            return habit
        more = sum(
            span.energy(at) - (car.state(min(span.end, at)).charged - car.state(span.start).charged)
            for span in begun
        )
        level = min(car.limit, max(0.0, habit.level + 100 * more / car.capacity))
        state = replace(
            habit,
            charged=habit.charged + more,
            level=level,
            range=habit.range * level / habit.level,
        )
        now = next((span for span in begun if at < span.end), None)
        if now is None:
            return state
        end = now.end if now.power else None
        return replace(state, charging=now.power > 0, power=now.power, charge_end=end)

    def sessions(self, car: Car, start: dt.datetime, end: dt.datetime) -> list[ChargeSession]:
        """Return the charges that overlap `start` to `end`, oldest first."""
        found = car.sessions(start, end)
        for span in self._spans[car.number]:
            if span.power and span.end > span.start:
                found.append(_session(span.start, span.end, span.power))
            elif not span.power:
                found = [part for one in found for part in _without(one, span)]
        kept = [one for one in found if one.end > start and one.start < end]
        return sorted(kept, key=lambda one: one.start)


def _without(session: ChargeSession, span: _Span) -> list[ChargeSession]:
    """Return what is left of a charge that was broken off and perhaps went on later."""
    if span.end <= session.start or span.start >= session.end:
        return [session]
    parts = ((session.start, span.start), (span.end, session.end))
    return [_session(start, end, session.power) for start, end in parts if start < end]


def _session(start: dt.datetime, end: dt.datetime, power: int) -> ChargeSession:
    energy = power * ((end - start) / _HOUR) / 1000
    return ChargeSession(start=start, end=end, power=power, energy=energy)
