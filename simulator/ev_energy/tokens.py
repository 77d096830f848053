"""Codes and tokens as the usual Django toolkit deals with them: rotation, single use, an end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import secrets
import string

from simulator.ev_energy.applications import Application

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 30


def opaque() -> str:
    """Return 30 random characters, as codes and tokens are."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


@dataclass(slots=True, kw_only=True, eq=False)
class Code:
    """A code of the consent page."""

    application: Application
    user: int
    redirect: str
    challenge: str | None
    scopes: frozenset[str]
    expires: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Pair:
    """An access token, and with a sign-in its refresh token; `user` None reaches all users."""

    application: Application
    user: int | None
    scopes: frozenset[str]
    expires: datetime
    access: str = field(default_factory=opaque)
    refresh: str | None = None
    revoked: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Used:
    """A refresh token that was used, and what it gave."""

    at: datetime
    successor: Pair


class Tokens:
    """All codes and tokens."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Begin without any; `now` gives the server's time."""
        self._now = now
        self._codes: dict[str, Code] = {}
        self._access: dict[str, Pair] = {}
        self._refresh: dict[str, Pair] = {}
        self._used: dict[str, Used] = {}

    def issue_code(self, code: Code) -> str:
        """Keep a code and return its text."""
        text = opaque()
        self._codes[text] = code
        return text

    def code(self, text: str) -> Code | None:
        """Return a code that is still good; it is not yet used up."""
        code = self._codes.get(text)
        return code if code is not None and code.expires > self._now() else None

    def use_code(self, text: str) -> None:
        """Use a code up."""
        del self._codes[text]

    def issue(
        self,
        application: Application,
        user: int | None,
        scopes: frozenset[str],
        *,
        lifetime: float,
        refreshable: bool,
    ) -> Pair:
        """Make and keep a token."""
        pair = Pair(
            application=application,
            user=user,
            scopes=scopes,
            expires=self._now() + timedelta(seconds=lifetime),
            refresh=opaque() if refreshable else None,
        )
        return self._keep(pair)

    def _keep(self, pair: Pair) -> Pair:
        self._access[pair.access] = pair
        if pair.refresh is not None:
            self._refresh[pair.refresh] = pair
        return pair

    def bearer(self, text: str) -> Pair | None:
        """Return what an access token stands for, if it is good."""
        pair = self._access.get(text)
        if pair is None or pair.revoked or pair.expires <= self._now():
            return None
        return pair

    def refreshable(self, text: str, application: Application) -> Pair | None:
        """Return what a refresh token stands for, if it is good and this application's."""
        pair = self._refresh.get(text)
        return None if pair is None or pair.application is not application else pair

    def repeated(self, text: str, *, grace: float) -> Pair | None:
        """Return what a used refresh token gave, within the period of grace."""
        used = self._used.get(text)
        if used is None or self._now() >= used.at + timedelta(seconds=grace):
            return None
        return used.successor

    def rotate(self, old: Pair, *, lifetime: float, keep_refresh: bool) -> Pair:
        """Make the next pair; the old access token ends at once, and so does the refresh token."""
        assert old.refresh is not None
        self._access.pop(old.access, None)
        del self._refresh[old.refresh]
        successor = Pair(
            application=old.application,
            user=old.user,
            scopes=old.scopes & old.application.scopes,
            expires=self._now() + timedelta(seconds=lifetime),
            refresh=old.refresh if keep_refresh else opaque(),
        )
        if not keep_refresh:
            self._used[old.refresh] = Used(at=self._now(), successor=successor)
        return self._keep(successor)

    def revoke(self, text: str, application: Application) -> None:
        """End a token with its other half; an unknown one is none of our business."""
        pair = self._refresh.get(text) or self._access.get(text)
        if pair is not None and pair.application is application:
            self.end(pair)

    def end(self, pair: Pair) -> None:
        """End both halves of a pair."""
        pair.revoked = True
        self._access.pop(pair.access, None)
        if pair.refresh is not None:
            self._refresh.pop(pair.refresh, None)

    def end_all(self) -> None:
        """End all tokens, as an owner does who withdraws the consent."""
        for pair in [*self._access.values(), *self._refresh.values()]:
            self.end(pair)

    def expire_access(self) -> None:
        """End all access tokens alone."""
        for pair in self._access.values():
            pair.expires = self._now()

    @property
    def refresh_tokens(self) -> int:
        """How many refresh tokens are good."""
        return len(self._refresh)
