"""What an account knows: devices with their readings, and what a person should do about them.

All frozen and compared by value: a snapshot equal to the one before means that nothing is told
to Home Assistant. A key that is absent is not offered by the device; a value of None is offered
but not known now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from .vocabulary import Choice, Flag, Kind, Moment, Part, Quantity

type NumberKey = tuple[Quantity, Part | None]
type Key = NumberKey | Flag | Moment | Choice

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reading:
    """One number.

    `value` is in `unit` if that is set, else in the quantity's canonical unit; None means not
    known now. `at` is when it was measured, as the provider says; polls never invent it. `since`
    is when a total that restarts last did so. All times are aware and in UTC.
    """

    value: float | None
    at: datetime | None = None
    since: datetime | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a vehicle is, in degrees (WGS 84)."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One meter, vehicle, charger, battery, inverter, appliance, building or site.

    `id` is unique within the account and stable for the life of the thing; `parent` is the id of
    the device that it belongs to. `detail` names the keys that only few owners want: their
    entities start switched off. `delivering` is False while the device answers but says itself, or
    shows by a standing clock, that its measurements are dead. `tracked` says that the device
    offers its position, even if that is not known now.
    """

    id: str
    kind: Kind
    name: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial_number: str | None = None
    sw_version: str | None = None
    hw_version: str | None = None
    mac: str | None = None
    url: str | None = None
    parent: str | None = None
    numbers: Mapping[NumberKey, Reading] = field(default_factory=dict)
    flags: Mapping[Flag, bool | None] = field(default_factory=dict)
    moments: Mapping[Moment, datetime | None] = field(default_factory=dict)
    choices: Mapping[Choice, StrEnum | None] = field(default_factory=dict)
    detail: frozenset[Key] = frozenset()
    delivering: bool = True
    tracked: bool = False
    position: Position | None = None


class Severity(StrEnum):
    """How much an advice matters."""

    WARNING = "warning"
    ERROR = "error"


class AdviceKind(StrEnum):
    """What a person should do; each is a repair issue with that translation key."""

    TOKEN_EXPIRING = "token_expiring"
    TOKEN_EXPIRED = "token_expired"
    METER_NOT_DELIVERING = "meter_not_delivering"
    NO_DEVICES = "no_devices"


@dataclass(frozen=True, slots=True)
class Advice:
    """Something that only a person can mend, derived from fresh data alone.

    `subject` tells two advices of one kind apart (a device's id or a feature's name).
    """

    kind: AdviceKind
    subject: str
    severity: Severity = Severity.WARNING
    placeholders: Mapping[str, str] = NOTHING


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that an account knows now: devices by id, and what a person should do."""

    devices: Mapping[str, Device]
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What one call of `Account.poll` gives.

    `again` is how long the account wants to be left alone. `listed` names the kinds of which this
    call read the complete list: only they say that a device is gone. Neither is part of the
    snapshot, since both would make equal data look changed.
    """

    snapshot: Snapshot
    again: timedelta
    listed: frozenset[Kind] = frozenset()
