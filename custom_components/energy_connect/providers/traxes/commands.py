"""Sending commands, and finding out what became of them.

Source: Traxes manual, commands (vendor). A command is taken (201), goes through `Pending`,
`Triggered` and `Sent`, and ends as `Succeeded`, `Failed` or `Canceled`; then a verification may say
whether the device did it. An entity takes one in ten minutes (vendor); the provider is the judge of
that, since other applications command too, and is never told to ignore it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ...core.budget import Priority
from ...core.clock import Clock
from ...core.commands import CONFIRMED, PENDING, Accepted, Command, Outcome, State
from ...core.errors import (
    ApiError,
    CommandRefused,
    NotPermitted,
    Reason,
    Refusal,
    Unavailable,
    UnexpectedResponse,
)
from ...core.http import ApiClient
from ...core.payload import Json
from ...core.response import Response
from ...core.vocabulary import Action
from .answers import CommandState, Declined, Stage, parse_command
from .lists import ListReader

_COOLDOWN: Final = timedelta(minutes=10)
# Seconds for which a verification is waited for; it is made from the next reading, which may take
# longer than anybody waits, and the provider's status is what counts then.
_VERIFICATION: Final = 30.0
# A reading older than this says nothing of what a device does now.
_RECENT: Final = timedelta(minutes=15)
# After these the command may have been taken all the same.
_LOST: Final = frozenset({Reason.TIMEOUT, Reason.CONNECTION_LOST, Reason.SERVER_ERROR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the newest reading says of a device; None is what it does not say."""

    measured: datetime | None = None
    charging: bool | None = None
    plugged_in: bool | None = None
    full: bool | None = None


type See = Callable[[str], Awaitable[Sight]]
"""Read an entity anew; never raises, what can't be read is not known."""


class Commander:
    """Sends the commands of an account."""

    def __init__(self, client: ApiClient, lists: ListReader, clock: Clock, see: See) -> None:
        """Take the ways out."""
        self._client = client
        self._lists = lists
        self._clock = clock
        self._see = see
        self._taken: dict[str, datetime] = {}

    async def send(self, command: Command) -> Accepted:
        """Send a command; see `core.commands.Send`."""
        entity_id, body = command.device_id, _body(command)
        sent = self._clock.now()
        lost: ApiError | None = None
        state: CommandState | None = None
        try:
            response = await self._client.send(
                "POST", "v1", "entities", entity_id, "commands", json=body
            )
            state = _parsed(response)
        except NotPermitted as error:
            raise CommandRefused(Refusal.NO_PERMISSION, detail=error.detail) from error
        except Declined as error:
            return await self._declined(command, error)
        except UnexpectedResponse as error:
            if error.status == 404:
                raise CommandRefused(Refusal.DEVICE_GONE, detail=error.detail) from error
            raise
        except Unavailable as error:
            if error.reason not in _LOST:
                raise
            lost = error
        if state is None:
            state = await self._find(entity_id, body)
        if state is None and lost is not None:
            raise lost
        before = self._taken.get(entity_id)
        self._taken[entity_id] = at = (state.at if state is not None else None) or sent
        if state is None:
            return Accepted(at=at)
        follow = _Following(self._client, self._clock, self._see, command, state.id, before)
        return Accepted(outcome=await follow.judge(state), look=follow.look, at=at)

    async def _declined(self, command: Command, error: Declined) -> Accepted:
        """Find out why a command was not taken, in words that help."""
        last = await self._last(command.device_id)
        left = _left(last, self._clock.now())
        sight = await self._see(command.device_id)
        if _is_so(command, sight, self._clock.now(), last):
            return Accepted(outcome=CONFIRMED)
        # Without the word it may be the cooldown all the same; a wrong request is another matter.
        if error.cooldown or (error.status != 400 and left > 0):
            wait = error.retry_after or left or _COOLDOWN.total_seconds()
            raise CommandRefused(Refusal.COOLDOWN, detail=error.detail, retry_after=wait) from error
        reason = _hindrance(command, sight) or Refusal.NOT_POSSIBLE_NOW
        raise CommandRefused(reason, detail=error.detail) from error

    async def _last(self, entity_id: str) -> datetime | None:
        """Return when the entity last took a command, ours or of another application."""
        listed = await self._recent(entity_id)
        times = [one.at for one in listed if one.at is not None]
        if (ours := self._taken.get(entity_id)) is not None:
            times.append(ours)
        return max(times, default=None)

    async def _find(self, entity_id: str, body: Mapping[str, Json]) -> CommandState | None:
        """Return a command of which the answer was lost, None if it was not taken."""
        ours = self._taken.get(entity_id)
        found = [
            (one.at, one)
            for one in await self._recent(entity_id)
            if one.type == body["type"] and one.at is not None and (ours is None or one.at > ours)
        ]
        return max(found, key=lambda pair: pair[0])[1] if found else None

    async def _recent(self, entity_id: str) -> list[CommandState]:
        """Return the commands of the last ten minutes; none if the list can't be read."""
        start = f"{self._clock.now() - _COOLDOWN:%Y-%m-%dT%H:%M:%SZ}"
        found: list[CommandState] = []

        def take(page: list[Json]) -> None:
            found.extend(one for one in map(parse_command, page) if one is not None)

        try:
            await self._lists.rows(
                "v1", "entities", entity_id, "commands", params=[("start", start)], each=take
            )
        except ApiError:
            return []
        return found


class _Following:
    """One command that was taken."""

    def __init__(
        self,
        client: ApiClient,
        clock: Clock,
        see: See,
        command: Command,
        command_id: str,
        before: datetime | None,
    ) -> None:
        """Take the command, its id, and when the entity took the one before."""
        self._client = client
        self._clock = clock
        self._see = see
        self._command = command
        self._id = command_id
        self._before = before
        self._succeeded_at: float | None = None

    async def look(self) -> Outcome:
        """Ask once what became of it; see `core.commands.Look`."""
        response = await self._client.get(
            "v1",
            "entities",
            self._command.device_id,
            "commands",
            self._id,
            priority=Priority.COMMAND,
        )
        state = parse_command(response.json())
        return PENDING if state is None else await self.judge(state)

    async def judge(self, state: CommandState) -> Outcome:
        """Return the outcome that a state means."""
        match state.stage:
            case Stage.CANCELED:
                return Outcome(State.CANCELLED, Refusal.WITHDRAWN, state.words)
            case Stage.FAILED:
                return await self._failed(state)
            case Stage.SUCCEEDED:
                if state.verified is False:
                    return await self._failed(state)
                if state.verifying and not self._waited():
                    return PENDING
                return CONFIRMED
            case _:
                return PENDING

    def _waited(self) -> bool:
        now = self._clock.monotonic()
        if self._succeeded_at is None:
            self._succeeded_at = now
        return now - self._succeeded_at >= _VERIFICATION

    async def _failed(self, state: CommandState) -> Outcome:
        """Return why it failed; a device that does what was wanted did not fail."""
        sight = await self._see(self._command.device_id)
        now = self._clock.now()
        if _is_so(self._command, sight, now, self._before):
            return CONFIRMED
        if state.cooling:
            wait = _left(self._before, now) or _COOLDOWN.total_seconds()
            raise CommandRefused(Refusal.COOLDOWN, detail=state.words, retry_after=wait)
        reason = _hindrance(self._command, sight) or Refusal.DEVICE_FAILED
        return Outcome(State.FAILED, reason, state.words)


def _parsed(response: Response) -> CommandState | None:
    """Return the command of an answer that says that it was taken, None if it can't be read."""
    try:
        return parse_command(response.json())
    except UnexpectedResponse:
        if response.media_type == "text/html":
            raise  # a page of something in between: nothing was taken
        return None


def _body(command: Command) -> dict[str, Json]:
    """Return the provider's words for a command.

    Raises:
        CommandRefused: it has none.

    """
    match command.action, command.value:
        case Action.CHARGING, bool(on):
            return {"type": "StartCharging" if on else "StopCharging"}
        case Action.LIMIT_FEED_IN, int() | float() as watts:
            # A text (vendor); parts of a watt are no limit.
            return {"type": "LimitFeedIn", "value": str(round(watts))}
        case Action.STOP_FEED_IN, _:
            return {"type": "StopFeedIn"}
        case _:
            raise CommandRefused(Refusal.NOT_OFFERED)


def _left(last: datetime | None, now: datetime) -> float:
    """Return the seconds until an entity takes the next command."""
    return 0.0 if last is None else max(0.0, (last + _COOLDOWN - now).total_seconds())


def _is_so(command: Command, sight: Sight, now: datetime, since: datetime | None) -> bool:
    """Tell whether a device certainly does what is wanted: it said so after its last command."""
    if command.action is not Action.CHARGING or sight.measured is None:
        return False
    if now - sight.measured > _RECENT or (since is not None and sight.measured < since):
        return False
    return sight.charging is command.value


def _hindrance(command: Command, sight: Sight) -> Refusal | None:
    """Return what explains that a device does not charge, if its readings do."""
    if command.action is Action.CHARGING and sight.plugged_in is False:
        return Refusal.UNPLUGGED
    if command.action is Action.CHARGING and command.value is True and sight.full:
        return Refusal.FULL
    return None
