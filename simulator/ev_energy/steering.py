"""What owners set and told: the one thing in the garage that is no function of time alone."""

from collections import defaultdict
from dataclasses import dataclass
import datetime as dt

from simulator.ev_energy.knobs import EvEnergyKnobs


@dataclass(slots=True, kw_only=True, eq=False)
class Boost:
    """Charging at once; `end` is None until somebody ends it, or the session does."""

    start: dt.datetime
    end: dt.datetime | None = None


class Timeline[T]:
    """A setting with its past: what was set, and from when on."""

    def __init__(self) -> None:
        """Begin with nothing set."""
        self._changes: list[tuple[dt.datetime, T]] = []

    def put(self, value: T, since: dt.datetime) -> None:
        """Set it from that time on."""
        self._changes.append((since, value))

    def at(self, when: dt.datetime) -> T | None:
        """Return what was set at that time; None if nobody ever did."""
        values = [value for since, value in self._changes if since <= when]
        return values[-1] if values else None


class Steering:
    """The settings and boosts of all vehicles, by their ids."""

    def __init__(self, knobs: EvEnergyKnobs) -> None:
        """Begin untouched."""
        self._knobs = knobs
        self._limits: defaultdict[str, Timeline[int]] = defaultdict(Timeline)
        self._smart: defaultdict[str, Timeline[bool]] = defaultdict(Timeline)
        self._boosts: defaultdict[str, list[Boost]] = defaultdict(list)

    def set_limit(self, vehicle_id: str, percent: int, now: dt.datetime) -> None:
        """Set the charge limit in %."""
        self._limits[vehicle_id].put(percent, self._since(now))

    def set_smart(self, vehicle_id: str, on: bool, now: dt.datetime) -> None:
        """Switch smart charging."""
        self._smart[vehicle_id].put(on, self._since(now))

    def limit(self, vehicle_id: str, default: int, at: dt.datetime) -> int:
        """Return the charge limit in %."""
        limit = self._limits[vehicle_id].at(at)
        return default if limit is None else limit

    def smart(self, vehicle_id: str, at: dt.datetime) -> bool:
        """Tell whether smart charging was on; it is until somebody switches it off."""
        return self._smart[vehicle_id].at(at) is not False

    def boosts(self, vehicle_id: str) -> tuple[Boost, ...]:
        """Return the boosts so far, oldest first."""
        return tuple(self._boosts[vehicle_id])

    def start_boost(self, vehicle_id: str, now: dt.datetime) -> None:
        """Charge at once."""
        self._boosts[vehicle_id].append(Boost(start=now))

    def end_boost(self, vehicle_id: str, now: dt.datetime) -> None:
        """End the newest boost."""
        self._boosts[vehicle_id][-1].end = now

    def _since(self, now: dt.datetime) -> dt.datetime:
        return now + dt.timedelta(seconds=self._knobs.settle)
