"""The users of a client and what is known of their vendor logins; asked seldom."""

from collections.abc import Iterable
import math
from typing import Any, Final

from ...core.clock import Clock
from ...core.errors import ApiError, CredentialsRejected, NotPermitted, Reason, UnexpectedResponse
from ...core.http import ApiClient
from ...core.model import Device
from ...core.rota import Rota
from ...core.vocabulary import Flag, Kind
from .lists import SELDOM, WholeList
from .owners import BrokenLogin, User, parse_user, parse_user_id, user_device

_LOGINS: Final = 1800.0
_USERS: Final = 3600.0
_POLL: Final = 300.0
_WATCHED: Final = 3600.0


class Users:
    """Whose assets these are: one user, if the account is that user's, else all of the client.

    Logins are read every half hour, one request a user: no list has them (vendor). An account of
    many users takes turns. A user with a broken login, or who is just linking something, is read at
    each poll, so that what helped is seen. Nothing here fails a poll but a refused credential.
    """

    def __init__(self, client: ApiClient, clock: Clock, owner: str | None) -> None:
        """Know nobody yet; `owner` is the user id that was entered."""
        self._client = client
        self._clock = clock
        self._owner = owner
        self._list = WholeList(client, clock, ("users",), parse_user_id, interval=_USERS)
        self._rota = Rota(clock, _LOGINS, tick=_POLL)
        self._users: dict[str, tuple[User, Device | None]] = {}
        self._ask_at = -math.inf
        self._failed: Reason | None = None
        self._missing = False
        self._watched: dict[str, float] = {}
        self.all_known = False
        """Whether the newest call told of all users, so that those untold are gone."""

    @property
    def devices(self) -> list[Device]:
        """The account devices of the users who have logins."""
        return [device for _, device in self._users.values() if device is not None]

    @property
    def told(self) -> tuple[User, ...]:
        """What is known of all of them; the same objects while they say the same."""
        return tuple(user for user, _ in self._users.values())

    @property
    def ids(self) -> set[str]:
        """The users that are known."""
        return {*self._list.items, *self._users}

    @property
    def broken(self) -> list[BrokenLogin]:
        """The logins that no longer work."""
        return [login for user, _ in self._users.values() for login in user.broken]

    def watch(self, user: str) -> None:
        """Read a user at each poll for a while: something is being linked."""
        self._watched[user] = self._clock.monotonic() + _WATCHED
        self._ask_at = -math.inf

    async def read(self, user: str) -> None:
        """Read a user now.

        Raises:
            ApiError: it could not be read.

        """
        await self._fetch(user)

    def _hurried(self) -> set[str]:
        """Return who is read at each poll."""
        now = self._clock.monotonic()
        self._watched = {user: until for user, until in self._watched.items() if until > now}
        return {*self._watched, *(login.user for login in self.broken)}

    def login(self, user: str | None, vendor: str | None, kind: Kind) -> dict[Flag, bool | None]:
        """Tell whether the login behind an asset is broken; nothing if that is not known."""
        known = self._users.get(user or "")
        return {} if known is None else known[0].login(vendor, kind)

    def recheck(self) -> None:
        """Ask for the owner at the next poll: a list of that user was not found."""
        self._ask_at = -math.inf

    async def owner_is_missing(self) -> bool:
        """Tell whether nobody was ever linked under the user id that was entered.

        Enode makes a user when the first vendor account is linked, and answers 404 until then
        (seen): that is an account without devices, not an outage. Asked at each poll until it ends.

        Raises:
            CredentialsRejected: so for all.

        """
        self.all_known = False
        if self._owner is None or self._clock.monotonic() < self._ask_at:
            return False
        try:
            await self._fetch(self._owner)
        except CredentialsRejected:
            raise
        except ApiError as error:
            # The lists will tell whether that matters.
            self._failed = error.reason
            if isinstance(error, NotPermitted):
                self._ask_at = self._clock.monotonic() + SELDOM
            return False
        self._failed = None
        self._missing = self._owner not in self._users
        if not self._missing:
            if self._owner not in self._hurried():
                self._ask_at = self._clock.monotonic() + _LOGINS
            self.all_known = True
        return self._missing

    async def refresh(self, seen: Iterable[str]) -> list[ApiError]:
        """Read what is due of the client's users, among them those `seen` as owners of assets.

        Returns what failed.

        Raises:
            CredentialsRejected: so for all.

        """
        if self._owner is not None or self._clock.monotonic() < self._ask_at:
            return []
        failed: list[ApiError] = []
        listed = False
        if self._list.due:
            try:
                listed = await self._list.read()
            except CredentialsRejected:
                raise
            except ApiError as error:
                failed.append(error)
        hurried = self._hurried()
        ids = {*self._list.items, *self._watched, *seen}
        for user in self._users.keys() - ids:
            del self._users[user]
        self._rota.sync(sorted(ids))
        self._rota.hurry(hurried)
        turn = await self._rota.run(self._fetch)
        self._failed = turn.failures[0].reason if turn.failures else None
        if not turn.read and any(isinstance(error, NotPermitted) for error in turn.failures):
            self._ask_at = self._clock.monotonic() + SELDOM
        self.all_known = listed and not turn.failures and not self._rota.due()
        return [*failed, *turn.failures]

    async def _fetch(self, user_id: str) -> None:
        """Read a user; one that is not found is forgotten."""
        try:
            response = await self._client.get("users", user_id)
        except UnexpectedResponse as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            self._users.pop(user_id, None)
            return
        user = parse_user(response.json())
        if user is None:
            raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
        known = self._users.get(user_id)
        if known is None or known[0] != user:
            # The same object while nothing changed: comparing snapshots stays free.
            self._users[user_id] = (user, user_device(user))

    def diagnostics(self) -> dict[str, Any]:
        """Return counts, never a name."""
        logins = [login for user, _ in self._users.values() for login in user.logins]
        return {
            "known": len(self._users),
            "missing": self._missing,
            "failed": self._failed,
            "logins": len(logins),
            "logins_broken": sum(login.valid is False for login in logins),
        }
