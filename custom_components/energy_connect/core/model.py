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

from .controls import Control
from .vocabulary import Action, Choice, Flag, Kind, Moment, Part, Quantity

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
    offers its position, even if that is not known now. `controls` is what it can be told, each with
    its present value as read; `detail_controls` names those whose entities start switched off (apart
    from `detail`, because actions and keys of the same text compare equal).
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
    controls: Mapping[Action, Control] = field(default_factory=dict)
    detail_controls: frozenset[Action] = frozenset()


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
    VENDOR_LOGIN_BROKEN = "vendor_login_broken"
    """The provider can't sign in at a device's maker; remedy `OpenPage`, placeholder `vendor`."""
    OWNER_ACTION = "owner_action"
    """The owner can unlock something at a device or its maker; placeholders `device`, and `summary`
    and `description` in the provider's words."""
    OWNER_LINK = "owner_link"
    """The same, by linking again; remedy `OpenPage`."""
    VEHICLE_RECONNECT = "vehicle_reconnect"
    """The owner has to connect a vehicle again; remedy `OpenPage`, placeholder `device`."""
    UNIT_UNKNOWN = "unit_unknown"
    """Nobody says in which unit heat or cold comes; remedy `AskOptions`."""
    PERMISSION_MISSING = "permission_missing"
    """For something that the owner switched on; placeholder `feature`."""
    NO_VIEWER_PERMISSION = "no_viewer_permission"
    """The owner of a device did not share its readings; placeholder `device`."""
    REQUEST_LIMIT = "request_limit"
    """The provider has been refusing requests for a day; the coordinator raises it."""


@dataclass(frozen=True, slots=True)
class AskOptions:
    """Mended by options of the provider; `keys` are those to ask for."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenPage:
    """Mended on a page of the provider, whose address the account gives (`Mending`)."""


type Remedy = AskOptions | OpenPage


@dataclass(frozen=True, slots=True)
class Advice:
    """Something that only a person can mend, derived from fresh data alone.

    `subject` tells two advices of one kind apart (a device's id or a feature's name). With a
    `remedy` Home Assistant leads through it, and polls to see whether it helped. `device` is the
    id of the one device that it is about, if it is: without the device there is no advice.
    """

    kind: AdviceKind
    subject: str
    severity: Severity = Severity.WARNING
    placeholders: Mapping[str, str] = NOTHING
    remedy: Remedy | None = None
    # What it is about follows from the subject.
    device: str | None = field(default=None, compare=False)


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
