"""A sign-in that renews itself: each refresh token works once, and none may be lost."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from weakref import WeakValueDictionary

from .account import Grant
from .clock import Clock
from .errors import CredentialsRejected, Reason, Unavailable, UnexpectedResponse
from .oauth import DEFAULT_LIFETIME, TokenAnswer, TokenEndpoint, parse_token_answer
from .payload import Json, dig, number, rows
from .tokens import ExchangedToken, Token

_MARGIN: Final = 60.0
# How many sign-ins are remembered as used: a restored backup may bring back any of them.
_SEEDS: Final = 16
_LOST: Final = frozenset({Reason.TIMEOUT, Reason.CONNECTION_LOST, Reason.NOT_JSON})

# One refresh at a time per sign-in, also across two accounts opened on the same one: while an entry
# is reloaded, the old account's last refresh may still be under way.
_LOCKS: Final[WeakValueDictionary[tuple[int, str], asyncio.Lock]] = WeakValueDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Access and refresh token; `expires` in seconds since 1970, since it outlives the process."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires: float
    scope: frozenset[str] | None


class RotatingToken:
    """The bearer token of an account that was signed in to in the browser.

    The order that loses no sign-in: the answer is read, the new pair is saved and on the disk, only
    then is it used. Reading and saving run in a task of their own, which nobody who stops waiting
    cancels. A pair that could not be saved is kept and saved at the next occasion; the provider
    is not asked again.

    The seed of `grant` counts until the vault has a pair that stems from it. The vault remembers
    the hashes of the seeds that it followed: a new sign-in wins over an old vault, a restored old
    seed does not win over a newer vault.

    A refresh whose answer got lost is repeated once with the same token: servers with a period of
    grace answer it again. `endpoint` must call a refused grant `Reason.SIGN_IN_LOST`.
    """

    def __init__(self, endpoint: TokenEndpoint, grant: Grant, clock: Clock) -> None:
        """Take the sign-in; reads and sends nothing yet."""
        self._endpoint = endpoint
        self._vault = grant.vault
        self._clock = clock
        self._seed = _seed_pair(grant.seed, clock)
        self._seed_hash = _fingerprint(self._seed)
        self._tokens = ExchangedToken(self._exchange, clock, margin=_MARGIN)
        self._pair: _Pair | None = None
        self._unsaved: _Pair | None = None
        self._dead: str | None = None
        self._seeds: list[str] = []
        self.refreshes = 0

    @property
    def scope(self) -> frozenset[str] | None:
        """What the provider says that it granted; None if it never said."""
        return (self._pair or self._seed).scope

    async def get(self) -> str:
        """Return the current access token, or a fresh one.

        Raises:
            CredentialsRejected: the sign-in is lost, or the application was refused.
            ApiError: the refresh failed otherwise, or the vault did.

        """
        return await self._tokens.get()

    async def renew(self, rejected: str) -> str:
        """Return an access token other than `rejected`.

        Raises:
            ApiError: see `get`.

        """
        return await self._tokens.renew(rejected)

    async def refresh_token(self) -> str | None:
        """Return the newest refresh token, to withdraw it; waits for a refresh under way.

        Raises:
            Unavailable: the vault can't be read.

        """
        async with self._lock():
            return (self._unsaved or await self._newest()).refresh_token

    async def _exchange(self) -> Token:
        pair = await self._next()
        return Token(pair.access_token, max(1.0, self._lifetime(pair)))

    async def _next(self) -> _Pair:
        """Take over the newest pair if it is another one and still good, else refresh it."""
        async with self._lock():
            if self._unsaved is None:
                newest = await self._newest()
                known = self._pair is not None and self._pair.access_token == newest.access_token
                if not known and self._lifetime(newest) > _MARGIN:
                    self._pair = newest
                    return newest
                self._unsaved = await self._refreshed(newest)
                self.refreshes += 1
            await self._save(self._unsaved)
            self._pair, self._unsaved = self._unsaved, None
            return self._pair

    async def _refreshed(self, pair: _Pair) -> _Pair:
        if pair.refresh_token is None or pair.refresh_token == self._dead:
            # It stays refused; to send it again might even end what somebody else renewed.
            raise CredentialsRejected(Reason.SIGN_IN_LOST)
        form = {"grant_type": "refresh_token", "refresh_token": pair.refresh_token}
        try:
            answer = await self._ask(form)
        except CredentialsRejected as error:
            if error.reason is Reason.SIGN_IN_LOST:
                self._dead = pair.refresh_token
            raise
        return _Pair(
            access_token=answer.access_token,
            refresh_token=answer.refresh_token or pair.refresh_token,
            expires=self._clock.now().timestamp() + answer.lifetime,
            scope=pair.scope if answer.scope is None else answer.scope,
        )

    async def _ask(self, form: Mapping[str, str]) -> TokenAnswer:
        try:
            return await self._endpoint.request(form)
        except (Unavailable, UnexpectedResponse) as error:
            if error.reason not in _LOST or error.status not in {None, 200}:
                raise
            return await self._endpoint.request(form)

    def _lifetime(self, pair: _Pair) -> float:
        return pair.expires - self._clock.now().timestamp()

    def _lock(self) -> asyncio.Lock:
        # The loop is part of the name: a lock serves only one.
        name = (id(asyncio.get_running_loop()), self._seed_hash)
        return _LOCKS.setdefault(name, asyncio.Lock())

    async def _newest(self) -> _Pair:
        stored = await self._load()
        self._seeds = _texts(dig(stored, "seeds"))
        if self._seed_hash in self._seeds:
            try:
                answer = parse_token_answer(stored)
            except UnexpectedResponse:
                pass  # not written by us: as good as nothing
            else:
                return _Pair(
                    access_token=answer.access_token,
                    refresh_token=answer.refresh_token,
                    expires=number(dig(stored, "expires_at")) or 0.0,
                    scope=answer.scope,
                )
        return self._pair or self._seed

    async def _load(self) -> Json:
        try:
            return await self._vault.load()
        except Exception as error:
            raise Unavailable(Reason.STORAGE_FAILED) from error

    async def _save(self, pair: _Pair) -> None:
        # Nothing is read here: each moment before the pair is on the disk is one to be killed in.
        seeds = [*(seed for seed in self._seeds if seed != self._seed_hash), self._seed_hash]
        content: dict[str, Json] = {
            "seeds": seeds[-_SEEDS:],
            "access_token": pair.access_token,
            "refresh_token": pair.refresh_token,
            "expires_at": pair.expires,
        }
        if pair.scope is not None:
            content["scope"] = " ".join(sorted(pair.scope))
        try:
            await self._vault.save(content)
        except Exception as error:
            raise Unavailable(Reason.STORAGE_FAILED) from error


def _seed_pair(seed: Mapping[str, Json], clock: Clock) -> _Pair:
    """Read the answer of the sign-in; one that can't be read is a sign-in lost."""
    try:
        answer = parse_token_answer(seed)
    except UnexpectedResponse:
        return _Pair(access_token="", refresh_token=None, expires=0.0, scope=None)
    # How old the seed is, only `expires_at` tells; without it a 401 does.
    expires = number(dig(seed, "expires_at"))
    if expires is None:
        expires = clock.now().timestamp() + min(answer.lifetime, DEFAULT_LIFETIME)
    return _Pair(
        access_token=answer.access_token,
        refresh_token=answer.refresh_token,
        expires=expires,
        scope=answer.scope,
    )


def _fingerprint(pair: _Pair) -> str:
    return sha256((pair.refresh_token or pair.access_token).encode()).hexdigest()


def _texts(value: Json) -> list[str]:
    return [item for item in rows(value) if isinstance(item, str)]
