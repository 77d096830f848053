"""What the command interface answers: commands, refusals, permissions. Pure functions.

Source: Traxes manual, commands and entity permissions (vendor). How a cooldown is refused is not
documented: any refusal that names it is one (assumed).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
import re
from typing import Final

from ...core.errors import ApiError, Reason, UnexpectedResponse
from ...core.payload import Json, dig, identifier, instant, rows, text
from ...core.response import Response

_COOLDOWN: Final = re.compile(r"cool[\s_-]?(ing[\s_-]?)?down", re.IGNORECASE)
_WORDS: Final = ("code", "title", "message", "description", "detail", "error")
_DECLINES: Final = frozenset({400, 409, 422, 429})
_COMMANDING: Final = frozenset({"contributor", "owner"})


class Stage(StrEnum):
    """How far the provider says that a command got."""

    UNDERWAY = "underway"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


_STAGES: Final = {
    "succeeded": Stage.SUCCEEDED,
    "failed": Stage.FAILED,
    "canceled": Stage.CANCELED,
    "cancelled": Stage.CANCELED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandState:
    """A command as the provider has it; `at` is when it was triggered (UTC).

    `verified` is whether a look at the device showed it, None while nobody knows, and `verifying`
    whether somebody will. `words` are those of the failure.
    """

    id: str
    type: str | None = None
    stage: Stage = Stage.UNDERWAY
    at: datetime | None = None
    words: str | None = None
    verified: bool | None = None
    verifying: bool = False

    @property
    def cooling(self) -> bool:
        """Whether it failed because it came too soon after another."""
        return names_cooldown(self.words)


def parse_command(body: Json) -> CommandState | None:
    """Return a command, None if it has no id; a status of tomorrow counts as under way."""
    command_id = identifier(dig(body, "id"))
    if command_id is None:
        return None
    checked = (text(dig(body, "verification", "status")) or "").lower()
    words = _said(dig(body, "error")) or _said(dig(body, "verification", "error"))
    return CommandState(
        id=command_id,
        type=text(dig(body, "type")),
        stage=_STAGES.get((text(dig(body, "status")) or "").lower(), Stage.UNDERWAY),
        at=instant(dig(body, "triggerTime")),
        words=words,
        verified={"succeeded": True, "failed": False}.get(checked),
        verifying=checked == "pending",
    )


def _said(error: Json) -> str | None:
    """Return title and description of an error in one sentence."""
    said = [text(dig(error, name)) for name in ("title", "description")]
    return ": ".join(one for one in said if one is not None) or None


def names_cooldown(words: str | None) -> bool:
    """Tell whether words speak of a cooldown."""
    return words is not None and _COOLDOWN.search(words) is not None


class Declined(UnexpectedResponse):
    """The provider does not take a command; `cooldown` is whether it came too soon."""

    def __init__(self, response: Response, retry_after: float | None, *, cooldown: bool) -> None:
        """Keep what the provider said."""
        super().__init__(
            Reason.REQUEST_REFUSED,
            status=response.status,
            detail=response.words(),
            retry_after=retry_after,
        )
        self.cooldown = cooldown


def judge_command(response: Response, now: datetime) -> ApiError | None:
    """Judge a refused command; None leaves the answer to the general rules.

    A 429 that names the cooldown concerns one device; the account has no reason to be quiet.
    """
    if response.method != "POST" or response.status not in _DECLINES:
        return None
    cooldown = _is_cooldown(response)
    if response.status == 429 and not cooldown:
        return None
    return Declined(response, response.retry_after(now), cooldown=cooldown)


def _is_cooldown(response: Response) -> bool:
    try:
        body = response.json()
    except UnexpectedResponse:
        return False
    places = (body, dig(body, "error"), *rows(dig(body, "errors")))
    return any(names_cooldown(text(dig(place, name))) for place in places for name in _WORDS)


def may_command(listed: Iterable[Json], client_id: str) -> bool:
    """Tell from an entity's permissions whether this application may steer it.

    A row names a principal and its levels (vendor). Which principal we are is not documented, and
    we may have inherited ours from a group: where no row is certainly ours, any that allows
    commands may be. A list that says nothing forbids nothing; the provider judges each command.
    """
    levels: dict[str, set[str]] = {}
    for row in listed:
        given = {(text(level) or "").lower() for level in rows(dig(row, "permissionLevels"))} - {""}
        if given:
            levels.setdefault(text(dig(row, "principalId")) or "", set()).update(given)
    ours = levels.get(client_id)
    counted = [ours] if ours is not None else list(levels.values())
    return not counted or any(given & _COMMANDING for given in counted)
