"""What an account can look up on demand: charging sessions, charging plans, raw readings.

All times are aware and in UTC; None is what the provider does not say.
"""

from dataclasses import dataclass, field
from datetime import datetime

from .vocabulary import Part, Quantity, SessionMode


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingSession:
    """One charging session of a vehicle or charger; `end` is None while it lasts.

    `energy` and `energy_from_solar` are in kWh, `cost` and `savings` in `currency` (ISO 4217, major
    units), `co2` in g, `percent_added` in % of the vehicle's battery. A provider may correct a
    session after its end.
    """

    id: str
    device_id: str
    start: datetime
    end: datetime | None = None
    energy: float | None = None
    energy_from_solar: float | None = None
    percent_added: float | None = None
    cost: float | None = None
    savings: float | None = None
    currency: str | None = None
    co2: float | None = None
    mode: SessionMode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSlot:
    """A span of a charging plan; `end` is None if it is open, `charging` whether energy flows."""

    start: datetime
    end: datetime | None
    charging: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePlan:
    """When a device is going to be charged, the earliest span first; empty without a plan."""

    device_id: str
    slots: tuple[PlannedSlot, ...] = ()
    made_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawReading:
    """What a meter showed at a time, as the provider keeps it, in `unit` if that is known."""

    device_id: str
    at: datetime
    quantity: Quantity
    value: float
    part: Part | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A page of the provider to be opened by the owner; whoever has the address can use it."""

    url: str = field(repr=False)
    expires: datetime | None = None
