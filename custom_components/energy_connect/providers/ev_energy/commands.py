"""How commands are sent: settings of a vehicle, and boosts of the session that is open.

Source: OpenAPI document, unless said otherwise. Both are over with their answer: a changed vehicle
is answered whole, and a boost is refused (503) if the car or the charger did not get it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from ...core.budget import Priority
from ...core.commands import CONFIRMED, PENDING, Accepted, Command, Outcome, State
from ...core.controls import Value
from ...core.errors import ApiError, CommandRefused, NotPermitted, Refusal, UnexpectedResponse
from ...core.model import Device
from ...core.payload import Json, boolean, dig, identifier, instant, number
from ...core.response import Response
from ...core.vocabulary import Action, Choice, Flag, VehicleState
from .access import PAGE_SIZE, Access
from .lookups import Lookups
from .parse import link_id, parse_rows
from .refusals import BOOST_REFUSALS, REFUSALS, refuse
from .sessions import Session

_SETTINGS: Final = {
    Action.CHARGE_LIMIT: "maximum_charge_limit_percentage",
    Action.SMART_CHARGING: "smart_charging_enabled",
}
_SESSIONS: Final = "charging_sessions"


@dataclass(frozen=True, slots=True)
class _PlugIn:
    """A charging session: from plugging in to unplugging, `open` until then."""

    id: str
    start: datetime
    open: bool


class Commands:
    """Sends the commands of one account.

    `device` gives a vehicle or charger as it was read last, `changed` is called when a boost began
    or ended.
    """

    def __init__(
        self,
        access: Access,
        lookups: Lookups,
        device: Callable[[str], Device | None],
        changed: Callable[[], None],
    ) -> None:
        """Send nothing yet."""
        self._access = access
        self._lookups = lookups
        self._device = device
        self._changed = changed

    async def send(self, command: Command) -> Accepted:
        """Send one command.

        Raises:
            CommandRefused: the provider, or what is known of the device, says no.
            ApiError: anything else.

        """
        field = _SETTINGS.get(command.action)
        if field is not None:
            return await self._set(command.device_id, field, command.value)
        start = command.action is Action.CHARGE_NOW
        outcome = await self._boost(command.device_id, start=start)
        self._changed()
        return Accepted(outcome=outcome)

    async def _set(self, vehicle_id: str, field: str, value: Value) -> Accepted:
        """Change a setting; one that the answer does not show yet is looked for."""
        assert isinstance(value, bool | int | float), "checked by the control"
        sent = value if isinstance(value, bool) else round(value)
        try:
            response = await self._access.send("PATCH", "vehicles", vehicle_id, json={field: sent})
        except ApiError as error:
            refuse(error, REFUSALS)
            raise
        if _shows(response, field, sent):
            return Accepted(outcome=CONFIRMED)
        return Accepted(look=partial(self._look, vehicle_id, field, sent))

    async def _look(self, vehicle_id: str, field: str, sent: int) -> Outcome:
        try:
            response = await self._access.get("vehicles", vehicle_id, priority=Priority.COMMAND)
        except UnexpectedResponse as error:
            if error.status != 404:
                raise
            return Outcome(State.FAILED, Refusal.DEVICE_GONE)
        return CONFIRMED if _shows(response, field, sent) else PENDING

    async def _boost(self, device_id: str, *, start: bool) -> Outcome:
        """Begin or end a boost; what is so already counts as done."""
        session_id = await self._open_session(device_id)
        if session_id is None:
            unplugged = self._flag(device_id, Flag.PLUGGED_IN) is False
            raise CommandRefused(Refusal.UNPLUGGED if unplugged else Refusal.NO_SESSION)
        word = "boost_start" if start else "boost_end"
        try:
            await self._access.send("POST", _SESSIONS, session_id, word)
        except ApiError as error:
            if error.status == 409:
                return await self._not_applicable(device_id, error, start=start)
            refuse(error, BOOST_REFUSALS)
            raise
        return CONFIRMED

    async def _not_applicable(self, device_id: str, error: ApiError, *, start: bool) -> Outcome:
        """Tell why a boost is not applicable; the provider's own words say it if nothing else does.

        Raises:
            CommandRefused: it is not so already.

        """
        newest: Session | None = None
        try:
            newest = await self._lookups.newest(device_id)
        except ApiError:
            pass  # then the words of the refusal have to do
        else:
            if start is (newest is not None and newest.boosting):
                return CONFIRMED
        device = self._device(device_id)
        state = device.choices.get(Choice.VEHICLE_STATE) if device else None
        if start and state is VehicleState.PLUGGED_IN_COMPLETE:
            raise CommandRefused(Refusal.FULL, detail=error.detail) from error
        raise CommandRefused(Refusal.NOT_POSSIBLE_NOW, detail=error.detail) from error

    async def _open_session(self, device_id: str) -> str | None:
        """Return the session (plug-in) of a vehicle or charger that has not ended.

        They exist from July 2026 on. One page of the newest is enough for a driver: in it are those
        of three months.
        """
        try:
            response = await self._access.get(
                _SESSIONS, params=[("page_size", PAGE_SIZE)], priority=Priority.COMMAND
            )
        except (NotPermitted, UnexpectedResponse) as error:
            if error.status == 404:
                return None
            refuse(error, REFUSALS)
            raise
        plug_ins = parse_rows(response.json(), partial(_plug_in, device_id)).rows
        newest = max(plug_ins, key=lambda one: one.start, default=None)
        return newest.id if newest is not None and newest.open else None

    def _flag(self, device_id: str, flag: Flag) -> bool | None:
        device = self._device(device_id)
        return device.flags.get(flag) if device else None


def _plug_in(device_id: str, row: Json) -> _PlugIn | None:
    """Read a charging session of a vehicle or charger; its fields are assumed."""
    session_id, start = identifier(dig(row, "id")), instant(dig(row, "start"))
    if device_id not in {link_id(dig(row, "vehicle")), link_id(dig(row, "evse"))}:
        return None
    if session_id is None or start is None:
        return None
    return _PlugIn(session_id, start, dig(row, "end") is None)


def _shows(response: Response, field: str, value: int) -> bool:
    """Tell whether an answered vehicle has the setting."""
    try:
        found = dig(response.json(), field)
    except UnexpectedResponse:
        return False  # nothing, or nothing that can be read
    return boolean(found) is value if isinstance(value, bool) else number(found) == value
