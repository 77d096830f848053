"""Commands: who may give them, when the next one is taken, and what becomes of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
import datetime as dt
import uuid

from simulator.payload import JsonObject, JsonValue
from simulator.traxes.fleet import Unit, stamp
from simulator.traxes.knobs import CommandFate, TraxesKnobs, Verification
from simulator.traxes.steering import Steering

_CHARGING = {"StartCharging": True, "StopCharging": False}
_FOR_TYPES: Mapping[str, frozenset[str]] = {
    "StartCharging": frozenset({"EV", "ChargePoint"}),
    "StopCharging": frozenset({"EV", "ChargePoint"}),
    "Reset": frozenset({"SolarPlant"}),
    "Disconnect": frozenset({"SolarPlant"}),
    "LimitFeedIn": frozenset({"SolarPlant"}),
    "StopFeedIn": frozenset({"SolarPlant"}),
}
_WITH_VALUE = "LimitFeedIn"
# How far a command is on its way to the device, in parts of the time that it takes.
_STAGES = ((0.0, "Pending"), (0.25, "Triggered"), (0.5, "Sent"))


class Refused(Exception):
    """An answer other than the one that was asked for."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: int | None = None
    ) -> None:
        """Take what the error body says."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after


type _Failure = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class Issued:
    """A command that was taken; `fails` is why it comes to nothing, None if it does not."""

    id: str
    entity: str
    type: str
    value: str | None
    at: dt.datetime
    fate: CommandFate
    verification: Verification
    seconds: float
    fails: _Failure | None = None
    done: bool = field(default=False)

    @property
    def due(self) -> dt.datetime:
        """When it is over."""
        return self.at + dt.timedelta(seconds=self.seconds)

    def status(self, now: dt.datetime) -> str:
        """Return how far it got."""
        if self.fate is CommandFate.HANG or now < self.due:
            passed = max(0.0, (now - self.at).total_seconds())  # the clock may go back
            return [word for part, word in _STAGES if passed >= part * self.seconds][-1]
        if self.fate is CommandFate.CANCEL:
            return "Canceled"
        return "Failed" if self.fails is not None else "Succeeded"

    def as_json(self, now: dt.datetime) -> JsonObject:
        """Return the command object."""
        status = self.status(now)
        failed = status == "Failed" and self.fails is not None
        return {
            "id": self.id,
            "entityId": self.entity,
            "type": self.type,
            "value": self.value,
            "status": status,
            "triggerTime": stamp(self.at),
            "error": _error(self.fails) if failed else None,
            "verification": self._verification(now, status),
        }

    def _verification(self, now: dt.datetime, status: str) -> JsonValue:
        if self.verification is Verification.NONE:
            return None
        completed = self.due + dt.timedelta(seconds=self.seconds)
        pending = status != "Succeeded" or now < completed
        if pending or self.verification is Verification.HANG:
            return {"status": "Pending", "completedAt": None, "error": None}
        failed = self.verification is Verification.FAIL
        return {
            "status": "Failed" if failed else "Succeeded",
            "completedAt": stamp(completed),
            "error": _error(("NotVerified", "No reading shows it.")) if failed else None,
        }


class Desk:
    """Takes commands, one per entity and cooldown, and steers the cars that hear them."""

    def __init__(self, knobs: TraxesKnobs, steering: Steering) -> None:
        """Start without commands."""
        self._knobs = knobs
        self._steering = steering
        self._issued: dict[str, Issued] = {}
        self._numbers = 0

    def take(self, unit: Unit, body: JsonValue, *, hasty: bool, now: dt.datetime) -> Issued:
        """Take a command; `hasty` ignores the cooldown, and so it comes to nothing.

        Raises Refused.
        """
        kind, value = _checked(unit, body)
        if unit.id in self._knobs.viewer_only:
            raise Refused(403, "Forbidden", "At least Contributor permission is needed.")
        left = self._cooldown(unit, now)
        if left > 0 and not hasty:
            knobs = self._knobs
            raise Refused(
                knobs.cooldown_status,
                "CooldownActive",
                "The entity is in its cooldown period.",
                retry_after=int(left) if knobs.cooldown_told else None,
            )
        self._numbers += 1
        issued = Issued(
            id=str(uuid.uuid5(uuid.UUID(unit.id), f"command:{self._numbers}")),
            entity=unit.id,
            type=kind,
            value=value,
            at=now,
            fate=self._knobs.command_fate,
            verification=self._knobs.verification,
            seconds=self._knobs.command_seconds,
            fails=("TooSoon", "Sent within the cooldown.") if left > 0 else None,
        )
        issued.fails = issued.fails or self._failure(unit, issued, now)
        self._issued[issued.id] = issued
        return issued

    def _cooldown(self, unit: Unit, now: dt.datetime) -> float:
        given = [one.at for one in self._issued.values() if one.entity == unit.id]
        if not given:
            return 0.0
        return self._knobs.cooldown - (now - max(given)).total_seconds()

    def _failure(self, unit: Unit, issued: Issued, now: dt.datetime) -> _Failure | None:
        if self._knobs.command_fate is CommandFate.FAIL:
            return "DeviceError", "The device did not answer."
        if unit.car is None or not _CHARGING[issued.type]:
            return None
        state = self._steering.state(unit.car, now)
        if not state.plugged_in:
            return "NotPluggedIn", "There is no vehicle at the plug."
        if state.level >= unit.car.limit:
            return "Full", "The battery is full."
        return None

    def settle(self, units: Mapping[str, Unit], now: dt.datetime) -> None:
        """Let those that are due take their effect."""
        for issued in self._issued.values():
            if issued.done or issued.status(now) != "Succeeded":
                continue
            issued.done = True
            unit = units.get(issued.entity)
            if unit is not None and unit.car is not None:
                self._steering.tell(unit.car, issued.due, charging=_CHARGING[issued.type])

    def find(self, unit: Unit, command_id: str) -> Issued:
        """Return a command of an entity.

        Raises Refused.
        """
        issued = self._issued.get(command_id)
        if issued is None or issued.entity != unit.id:
            raise Refused(404, "CommandNotFound", "There is no such command.")
        return issued

    def given(self, unit: Unit, start: dt.datetime, end: dt.datetime) -> list[Issued]:
        """Return the commands that were given to an entity in a span, oldest first."""
        return [
            one for one in self._issued.values() if one.entity == unit.id and start <= one.at <= end
        ]


def _checked(unit: Unit, body: JsonValue) -> tuple[str, str | None]:
    """Return type and value of a command. Raises Refused."""
    if not isinstance(body, Mapping) or not body.keys() <= {"type", "value"}:
        raise Refused(400, "BadRequest", "a command has a type and a value")
    kind, value = body.get("type"), body.get("value")
    if not isinstance(kind, str) or kind not in _FOR_TYPES:
        raise Refused(400, "BadRequest", "unknown command type")
    if unit.type not in _FOR_TYPES[kind]:
        raise Refused(400, "CommandNotSupported", f"{kind} is not for a {unit.type}")
    if kind == _WITH_VALUE:
        if not isinstance(value, str) or not value.isdecimal():
            raise Refused(400, "BadRequest", "the value is a limit in W")
        return kind, value
    if value is not None:
        raise Refused(400, "BadRequest", f"{kind} takes no value")
    return kind, None


def _error(failure: _Failure | None) -> JsonValue:
    return None if failure is None else {"title": failure[0], "description": failure[1]}
