"""Commands: how each is sent, what a refusal means, and what becomes of an accepted one.

Enode takes most commands as an "action": it keeps trying until the device does it, the attempt
fails, or something cancels it; only its `state` tells which. Source: Enode's OpenAPI document of
version 2024-10-01 (vendor). The words of its refusals are not documented: what they say is read
where it can be (assumed), and shown as it is where it can't.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from functools import partial
import re
from typing import Final

from ...core.budget import Priority
from ...core.commands import CONFIRMED, PENDING, Accepted, Command, Outcome, State
from ...core.controls import ClimateSetting
from ...core.errors import (
    CommandRefused,
    CredentialsRejected,
    NotPermitted,
    Reason,
    Refusal,
    UnexpectedResponse,
)
from ...core.http import ApiClient
from ...core.model import Device
from ...core.payload import Json, dig, identifier, instant, text
from ...core.response import Response
from ...core.vocabulary import Action, Flag, HoldType, HvacMode
from .parse import LIST_OF

# Enode's words for one refusal each; looked for in this order, because a car that is "already fully
# charged" is full.
_WORDS: Final = (
    (re.compile(r"not plugged|unplugged|not connected"), Refusal.UNPLUGGED),
    (re.compile(r"\bfull(y)?\b"), Refusal.FULL),
)
_ALREADY: Final = re.compile(r"\balready\b|\bdesired state\b")
_BAD_REQUEST: Final = 400
_UNPROCESSABLE: Final = 422

_FAILURES: Final[Mapping[str, Refusal]] = {
    "NO_RESPONSE": Refusal.NO_RESPONSE,
    "FAILED_PRECONDITION": Refusal.NOT_POSSIBLE_NOW,
    "CONFLICT": Refusal.CONFLICT,
    "NOT_FOUND": Refusal.DEVICE_GONE,
    "REQUESTED_CANCELLATION": Refusal.WITHDRAWN,
}
_UNNECESSARY: Final = "UNNECESSARY"
"""The device was so already (vendor): that is what somebody wanted."""
_STATES: Final = {state.name: state for state in (State.CONFIRMED, State.FAILED, State.CANCELLED)}

# These end in an action that is followed; the others are done when they are answered.
_FOLLOWED: Final = frozenset(
    {
        Action.CHARGING,
        Action.MAX_CURRENT,
        Action.OPERATION_MODE,
        Action.CLIMATE,
        Action.CHARGE_NOW,
    }
)


# An action names its target by the kind of device.
_LISTS_OF_TARGETS: Final = {kind.value: name for kind, name in LIST_OF.items()}


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    body: Json = None


class Commands:
    """Sends the commands of one account; `find` gives a device as it was read last."""

    def __init__(self, client: ApiClient, find: Callable[[str], Device | None]) -> None:
        """Take the way out."""
        self._client = client
        self._find = find

    async def send(self, command: Command) -> Accepted:
        """Send one command.

        Raises:
            CommandRefused: Enode says no.
            ApiError: anything else.

        """
        device = self._find(command.device_id)
        if device is None:
            raise CommandRefused(Refusal.DEVICE_GONE)
        call = _call(command)
        kind = LIST_OF[device.kind]
        try:
            response = await self._client.send(
                call.method, kind, device.id, call.path, json=call.body
            )
        except UnexpectedResponse as error:
            if error.reason is Reason.NOT_FOUND:
                await self._check_there(command, kind)
                return Accepted(outcome=CONFIRMED)
            return _refused(error, command, device)
        except NotPermitted as error:
            raise CommandRefused(Refusal.NO_PERMISSION, detail=error.detail) from error
        if command.action not in _FOLLOWED:
            return Accepted(outcome=CONFIRMED)
        return self._accepted(response, command, kind)

    async def _check_there(self, command: Command, kind: str) -> None:
        """Tell apart a device that is gone from an override that there is not.

        Raises:
            CommandRefused: the device is gone.
            ApiError: nobody knows.

        """
        if command.action is Action.END_CHARGE_NOW:
            try:
                await self._client.get(kind, command.device_id, priority=Priority.COMMAND)
            except UnexpectedResponse as error:
                if error.reason is not Reason.NOT_FOUND:
                    raise
            else:
                return
        raise CommandRefused(Refusal.DEVICE_GONE)

    def _accepted(self, response: Response, command: Command, kind: str) -> Accepted:
        """Return how an accepted command is followed.

        What can't be read was accepted all the same: it may be done, but nobody will know.
        """
        try:
            body = response.json()
        except UnexpectedResponse:
            return Accepted()
        at = instant(dig(body, "createdAt"))
        if command.action is Action.CHARGE_NOW:
            # An override starts charging by an action of its own, of the vehicle or its charger.
            action_id = identifier(dig(body, "vendorActionId"))
            if action_id is None:
                return Accepted(outcome=CONFIRMED, at=at)
            kind = _LISTS_OF_TARGETS.get(str(dig(body, "targetType")), kind)
            return Accepted(look=partial(self._look, kind, action_id), at=at)
        action_id = identifier(dig(body, "id"))
        look = None if action_id is None else partial(self._look, kind, action_id)
        return Accepted(outcome=_outcome(body), look=look, at=at)

    async def _look(self, kind: str, action_id: str) -> Outcome:
        """Ask what became of an action.

        Raises:
            ApiError: not known now.

        """
        try:
            response = await self._client.get(kind, "actions", action_id, priority=Priority.COMMAND)
        except CredentialsRejected as error:
            return Outcome(State.UNKNOWN, error.reason, error.detail)
        except UnexpectedResponse as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            return Outcome(State.UNKNOWN, Refusal.NO_OUTCOME)
        return _outcome(response.json())


def _call(command: Command) -> _Call:
    """Return the request that a command is."""
    value = command.value
    match command.action, value:
        case Action.CHARGING, bool():
            return _Call("POST", "charging", {"action": "START" if value else "STOP"})
        case Action.MAX_CURRENT, int() | float():
            return _Call("POST", "max-current", {"maxCurrent": _plain(value)})
        case Action.OPERATION_MODE, StrEnum():
            return _Call("POST", "operation-mode", {"operationMode": value.name})
        case Action.CLIMATE, ClimateSetting(hold=HoldType.SCHEDULED):
            return _Call("POST", "follow-schedule")
        case Action.CLIMATE, ClimateSetting():
            return _Call("POST", "permanent-hold", _hold(value))
        case Action.CHARGE_NOW, _:
            return _Call("POST", "smart-override")
        case Action.END_CHARGE_NOW, _:
            return _Call("DELETE", "smart-override")
        case Action.REFRESH, _:
            return _Call("POST", "refresh-hint")
        case Action.SMART_CHARGING, bool():
            return _policy(isEnabled=value)
        case Action.READY_BY, time():
            return _policy(deadline=value.isoformat("minutes"))
        case Action.MINIMUM_CHARGE, int() | float():
            return _policy(minimumChargeLimit=_plain(value))
        case _:
            raise CommandRefused(Refusal.NOT_OFFERED)


def _policy(**change: Json) -> _Call:
    """Return a change of the policy; what is left out stays (vendor)."""
    return _Call("PUT", "smart-charging-policy", change)


def _hold(setting: ClimateSetting) -> Json:
    """Return a permanent hold: the mode with its own setpoints and no others (vendor)."""
    mode = setting.mode
    body: dict[str, Json] = {"mode": mode.name if mode is not None else None}
    if mode in {HvacMode.HEAT, HvacMode.AUTO}:
        body["heatSetpoint"] = setting.heat
    if mode in {HvacMode.COOL, HvacMode.AUTO}:
        body["coolSetpoint"] = setting.cool
    return body


def _plain(value: float) -> float:
    """Return a whole number without a decimal point."""
    return int(value) if value == int(value) else value


def _refused(error: UnexpectedResponse, command: Command, device: Device) -> Accepted:
    """Return that it is so already, or raise what the refusal means."""
    if error.status == _UNPROCESSABLE:
        raise CommandRefused(Refusal.UNDER_SCHEDULE, detail=error.detail) from error
    if error.status != _BAD_REQUEST:
        raise error
    reason = _meaning(error.detail, command, device)
    if reason is None:
        return Accepted(outcome=CONFIRMED)
    raise CommandRefused(reason, detail=error.detail) from error


def _meaning(detail: str | None, command: Command, device: Device) -> Refusal | None:
    """Return why the device can't do it; None if it is so already.

    Enode's words go before what was read last: they are newer.
    """
    if command.action not in _FOLLOWED:
        return Refusal.NOT_POSSIBLE_NOW
    charging = command.action in {Action.CHARGING, Action.CHARGE_NOW}
    start = charging and command.value is not False
    said = _said(detail)
    if said is Refusal.UNPLUGGED or (said is Refusal.FULL and start):
        return said
    if _ALREADY.search((detail or "").casefold()):
        return None
    if charging:
        if device.flags.get(Flag.PLUGGED_IN) is False:
            return Refusal.UNPLUGGED
        if start and device.flags.get(Flag.FULLY_CHARGED):
            return Refusal.FULL
        if device.flags.get(Flag.CHARGING) is start:
            return None
    return Refusal.NOT_POSSIBLE_NOW


def _said(detail: str | None) -> Refusal | None:
    words = (detail or "").casefold()
    return next((reason for pattern, reason in _WORDS if pattern.search(words)), None)


def _outcome(body: Json) -> Outcome:
    """Return how far an action got; a state that is not known is none that ends it."""
    word = dig(body, "state")
    state = _STATES.get(word, State.PENDING) if isinstance(word, str) else State.PENDING
    if state is State.PENDING:
        return PENDING
    at = instant(dig(body, "completedAt"))
    failure = dig(body, "failureReason", "type")
    if state is State.CONFIRMED or failure == _UNNECESSARY:
        return Outcome(State.CONFIRMED, at=at)
    detail = text(dig(body, "failureReason", "detail"))
    reason = Refusal.WITHDRAWN if state is State.CANCELLED else Refusal.DEVICE_FAILED
    if isinstance(failure, str):
        reason = _FAILURES.get(failure, reason)
    if reason is Refusal.NOT_POSSIBLE_NOW:
        reason = _said(detail) or reason
    return Outcome(state, reason, detail, at=at)
