"""Bearer tokens: one owner each, one renewal at a time, only as often as needed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import jwt

from .clock import Clock


class TokenSource(Protocol):
    """Who owns the bearer token of an account."""

    async def get(self) -> str:
        """Return a token that should be good now."""

    async def renew(self, rejected: str) -> str:
        """Return another one after the provider answered 401 to `rejected`.

        Does nothing but return the current token if another task renewed it already.
        """


class StaticToken:
    """A token made by hand in a device; there is nothing to renew.

    After a 401 it waits `patience` seconds and gives the same token once more: the device checks
    tokens with a service of its own that may still be starting (inferred).
    """

    def __init__(self, value: str, clock: Clock, patience: float = 2.0) -> None:
        """Keep the token."""
        self._value = value
        self._clock = clock
        self._patience = patience

    async def get(self) -> str:
        """Return the token."""
        return self._value

    async def renew(self, rejected: str) -> str:
        """Return the same token, later."""
        await self._clock.sleep(self._patience)
        return self._value


@dataclass(frozen=True, slots=True)
class Token:
    """A token as received, with the seconds that it lives from now."""

    value: str = field(repr=False)
    lifetime: float


# For so many seconds a token just received is used, whatever its lifetime: the clock of a small
# computer may be ahead of every `exp`, and an exchange for each request would be the end of both.
_SHORTEST_USE: Final = 10.0


class ExchangedToken:
    """A short-lived token, exchanged for a credential when there is none that is good.

    `exchange` sends the credential and returns a fresh token; it runs once at a time, all who need
    a token wait for that one answer and share its failure too, so that a wrong password is sent
    once. It runs in a task of its own: one who stops waiting takes it away from nobody, and a
    credential that works once is not lost with its answer. A token is renewed `margin` seconds
    before its end.
    """

    def __init__(
        self, exchange: Callable[[], Awaitable[Token]], clock: Clock, *, margin: float = 60.0
    ) -> None:
        """Start without a token."""
        self._exchange = exchange
        self._clock = clock
        self._margin = margin
        self._exchanging: asyncio.Task[str] | None = None
        self._value: str | None = None
        self._good_until = 0.0
        self.exchanges = 0

    async def get(self) -> str:
        """Return the current token, or a fresh one.

        Raises:
            ApiError: the exchange failed.

        """
        if self._value is not None and self._clock.monotonic() < self._good_until:
            return self._value
        return await self._fresh()

    async def renew(self, rejected: str) -> str:
        """Return a token other than `rejected`.

        Raises:
            ApiError: the exchange failed.

        """
        if self._value is not None and self._value != rejected:
            return self._value
        return await self._fresh()

    async def _fresh(self) -> str:
        """Wait for the exchange under way, or for a new one."""
        self._value = None
        task = self._exchanging
        if task is None or task.done():
            self._exchanging = task = asyncio.create_task(self._receive())
            task.add_done_callback(_seen)
        await asyncio.wait([task])  # unlike awaiting the task, does not cancel it with the waiter
        return task.result()

    async def _receive(self) -> str:
        token = await self._exchange()
        self.exchanges += 1
        # A token that lives shorter than the margin is still used for half its life.
        usable = max(_SHORTEST_USE, token.lifetime - self._margin, token.lifetime / 2)
        self._good_until = self._clock.monotonic() + usable
        self._value = token.value
        return token.value


def _seen(task: asyncio.Task[str]) -> None:
    """Take note of a failure for which nobody waits any more, else the loop complains of it."""
    if not task.cancelled():
        task.exception()


_UNVERIFIED: Final[Any] = {"verify_signature": False, "verify_exp": False, "verify_aud": False}


def jwt_claims(token: str) -> Mapping[str, Any] | None:
    """Return the claims of a JWT, or None if it is none.

    Unverified: only the server holds the key and is the judge. The claims serve to warn a person
    and to renew in time, never to decide whether a token is good.
    """
    try:
        claims: Mapping[str, Any] = jwt.decode(token, options=_UNVERIFIED)
    except jwt.PyJWTError, ValueError, RecursionError:
        return None
    return claims


def jwt_expiry(claims: Mapping[str, Any] | None) -> datetime | None:
    """Return the claim `exp` as an aware UTC time; None if it is missing or odd."""
    seconds = (claims or {}).get("exp")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except OverflowError, OSError, ValueError:
        return None
