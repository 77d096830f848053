"""What the simulated devices were told, and what they do since."""

from collections.abc import Mapping
from dataclasses import dataclass, field
import datetime as dt

from simulator.cars import Car
from simulator.payload import JsonObject, JsonValue

QUARTER = dt.timedelta(minutes=15)
NO_POLICY: JsonObject = {"isEnabled": False, "deadline": None, "minimumChargeLimit": 0}
"""What a vehicle has that was never told when to be ready."""


@dataclass(frozen=True, slots=True)
class Told:
    """A value that a device took, and when."""

    value: JsonValue
    at: dt.datetime


@dataclass(slots=True, kw_only=True)
class Override:
    """A smart override; over when `ended` is there."""

    created: dt.datetime
    action_id: str
    ended: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """A device that came by the Link page; `number` tells it from the others of its kind."""

    user: str
    kind: str
    vendor: str
    number: int


@dataclass(slots=True)
class States:
    """Everything that was told; ids are those of assets.

    `charging` is by the number of the car, whose charger shows the same; `read_at` is when Enode
    read a device out of turn.
    """

    charging: dict[int, Told] = field(default_factory=dict)
    settings: dict[tuple[str, str], Told] = field(default_factory=dict)
    read_at: dict[str, dt.datetime] = field(default_factory=dict)
    policies: dict[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    overrides: dict[str, Override] = field(default_factory=dict)
    linked: list[Linked] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plug:
    """How a charge goes; `rate` in kW, None while nothing flows."""

    plugged_in: bool
    charging: bool
    rate: float | None
    end: dt.datetime | None

    def minutes_left(self, at: dt.datetime) -> int | None:
        """Return the minutes until the charge ends; None while nothing flows."""
        return None if self.end is None else round((self.end - at).total_seconds() / 60)

    def delivery(self, *, complete: bool) -> str:
        """Return the power delivery state; only vehicles know `COMPLETE`."""
        if not self.plugged_in:
            return "UNPLUGGED"
        if self.charging:
            return "PLUGGED_IN:CHARGING"
        return "PLUGGED_IN:COMPLETE" if complete else "PLUGGED_IN:STOPPED"


def plug(car: Car, at: dt.datetime, told: Told | None, *, still: bool = False) -> Plug:
    """Return how a car's charge goes: by its habits, or as it was told since it was plugged in."""
    state = car.state(at)
    charging, end = state.charging, state.charge_end
    if told is not None and (still or told.at <= at) and _stayed(car, told.at, at):
        charging, end = bool(told.value) and state.level < car.limit, None
        if charging:
            missing = (car.limit - state.level) / 100 * car.capacity
            end = at + dt.timedelta(hours=missing * 1000 / car.charge_power)
    return Plug(
        plugged_in=state.plugged_in,
        charging=charging,
        rate=round(car.charge_power / 1000, 3) if charging else None,
        end=end,
    )


def _stayed(car: Car, since: dt.datetime, at: dt.datetime) -> bool:
    """Tell whether a car was plugged in all the time; after a day it was not."""
    steps = (at - since) // QUARTER
    if steps > 96:
        return False
    looks = [at, *(since + step * QUARTER for step in range(steps + 1))]
    return all(car.state(look).plugged_in for look in looks)
