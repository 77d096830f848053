"""How an ev.energy account is reached: its token, its granted scopes, the user it speaks for."""

from collections.abc import Awaitable, Callable, Mapping
import re
from typing import Any, Final

from yarl import URL

from ...core.account import Context
from ...core.address import base_url
from ...core.budget import Budget, Priority
from ...core.errors import Reason, UnexpectedResponse
from ...core.http import ApiClient, Params
from ...core.oauth import TokenEndpoint
from ...core.paging import MOST_PAGES, Listing, Page, PageMemory, read_all
from ...core.payload import Json, dig, mapping, number, rows, text
from ...core.response import Response
from ...core.rotation import RotatingToken
from ...core.tokens import ExchangedToken, StaticToken, Token, TokenSource
from .authorization import new_budget, token_endpoint
from .parse import Parsed

USER_ID: Final = "user_id"

DEVICE_SCOPES: Final = frozenset(
    {
        "vehicle:read",
        "evse:read",
        "home_energy:read",
        "home_battery:read",
        "inverter:read",
        "boundary_meter:read",
    }
)
"""Without any one of these there is nothing to show."""

PAGE_SIZE: Final = "100"
"""The most rows that a page may have."""

_USER_HEADER: Final = "EvEnergy-User"
_VERSION_HEADER: Final = "EvEnergy-Version"
_REMAINING_HEADER: Final = "x-ratelimit-remaining"
_NEXT: Final = re.compile(r"""<([^>]*)>\s*;[^,]*\brel\s*=\s*"?next\b""", re.IGNORECASE)


class ApplicationToken:
    """The token of an application that asks in its own name (client credentials).

    It lives in memory: when it ends there is nothing to refresh, a new one is asked for.
    """

    def __init__(self, endpoint: TokenEndpoint, context: Context) -> None:
        """Have no token yet."""
        self._endpoint = endpoint
        self._tokens = ExchangedToken(self._exchange, context.clock)
        self.scope: frozenset[str] | None = None

    async def get(self) -> str:
        """Return the current token, or a fresh one.

        Raises:
            ApiError: the exchange failed.

        """
        return await self._tokens.get()

    async def renew(self, rejected: str) -> str:
        """Return a token other than `rejected`.

        Raises:
            ApiError: the exchange failed.

        """
        return await self._tokens.renew(rejected)

    @property
    def refreshes(self) -> int:
        """How often a token was asked for."""
        return self._tokens.exchanges

    async def _exchange(self) -> Token:
        answer = await self._endpoint.request({"grant_type": "client_credentials"})
        self.scope = answer.scope
        return Token(answer.access_token, answer.lifetime)


class _UserRefused(UnexpectedResponse):
    """A 400 that speaks of the user: the header may be spelled otherwise."""


def address(data: Mapping[str, Any]) -> URL:
    """Return where any account is asked."""
    return base_url("EV_ENERGY_API_URL", "https://api.ev.energy/v2")


class Access:
    """Sends the requests of one account and keeps what every answer tells about it.

    `user_id` is whom the requests are about, for a token that reaches several users.
    """

    def __init__(
        self, context: Context, token: TokenSource, budget: Budget, *, user_id: str | None = None
    ) -> None:
        """Take the token's owner; sends nothing."""
        self._client = ApiClient(
            context.session,
            address(context.data),
            clock=context.clock,
            budget=budget,
            token=token,
            verdict=self._judge,
        )
        self._token = token
        self._user_id = user_id
        self._by_address = False
        self._spelling_known = False
        self.budget = budget
        self.remaining: float | None = None
        self.version: str | None = None

    @property
    def scope(self) -> frozenset[str] | None:
        """What the provider granted; None if it does not tell."""
        token = self._token
        return token.scope if isinstance(token, ApplicationToken | RotatingToken) else None

    @property
    def exchanges(self) -> int:
        """How often a token was asked for."""
        token = self._token
        return token.refreshes if isinstance(token, ApplicationToken | RotatingToken) else 0

    async def authorise(self) -> None:
        """Have a token, so that `scope` is known.

        Raises:
            ApiError: there is none to be had.

        """
        await self._token.get()

    async def get(
        self, *path: str, params: Params = (), priority: Priority = Priority.LIVE
    ) -> Response:
        """Read a resource.

        Raises:
            ApiError: see `ApiClient.send`.

        """

        async def send(headers: Mapping[str, str]) -> Response:
            return await self._client.get(*path, params=params, headers=headers, priority=priority)

        return await self._for_user(send)

    async def send(self, method: str, *path: str, json: Json = None) -> Response:
        """Send a change.

        Raises:
            ApiError: see `ApiClient.send`; its detail names the fields that were refused.

        """

        async def send(headers: Mapping[str, str]) -> Response:
            return await self._client.send(method, *path, json=json, headers=headers)

        return await self._for_user(send)

    async def read_list[T](
        self,
        *path: str,
        parse: Callable[[Json], Parsed[T]],
        params: Params = (),
        memory: PageMemory[Parsed[T]] | None = None,
        most: int = MOST_PAGES,
        priority: Priority = Priority.LIVE,
    ) -> Listing[Parsed[T]]:
        """Read a list to its end, by the `Link` headers; one that leads elsewhere is refused.

        More than `most` pages are not read; the list is incomplete then.

        Raises:
            UnexpectedResponse: a page is no list, or its link leads to another origin.
            ApiError: see `ApiClient.send`.

        """
        memory = memory or PageMemory()
        pages: list[str] = []

        async def fetch(link: str | None) -> Page[Parsed[T]]:
            async def send(headers: Mapping[str, str]) -> Response:
                if link is not None:
                    return await self._client.follow(link, headers=headers, priority=priority)
                sized = [*params, ("page_size", PAGE_SIZE)]
                return await self._client.get(
                    *path, params=sized, headers=headers, priority=priority
                )

            response = await self._for_user(send)
            pages.append(link or "")
            parsed = memory.parse(pages[-1], response.body, lambda _: parse(response.json()))
            empty = not parsed.rows and not parsed.dropped
            return Page([] if empty else [parsed], next_link(response))

        listing = await read_all(fetch, most=most)
        memory.keep(pages)
        return listing

    async def _for_user(self, send: Callable[[Mapping[str, str]], Awaitable[Response]]) -> Response:
        """Send with the header that names the user, whose spelling two documents disagree about.

        The reference wants the bare id, the prose the user's address: the id goes first.
        """
        if self._user_id is None:
            return await send({})
        try:
            return await send({_USER_HEADER: self._user(by_address=self._by_address)})
        except _UserRefused:
            if self._spelling_known:
                raise
        try:
            response = await send({_USER_HEADER: self._user(by_address=True)})
        except _UserRefused:
            # Neither is wanted, so it is not the spelling.
            self._spelling_known = True
            raise
        self._by_address = self._spelling_known = True
        return response

    def _user(self, *, by_address: bool) -> str:
        user_id = self._user_id or ""
        if not by_address:
            return user_id
        base = self._client.base
        return str(URL(f"{str(base).rstrip('/')}/users") / user_id)

    def _judge(self, response: Response) -> UnexpectedResponse | None:
        """Note what each answer tells, and recognise a refused spelling of the user."""
        remaining = number(response.headers.get(_REMAINING_HEADER))
        if remaining is not None:
            self.remaining = remaining
        self.version = text(response.headers.get(_VERSION_HEADER)) or self.version
        if response.status != 400:
            return None
        of_user = self._user_id and b"user" in response.body.lower()
        kind = _UserRefused if of_user else UnexpectedResponse
        return kind(Reason.REQUEST_REFUSED, status=400, detail=_refusal_words(response))


def _refusal_words(response: Response) -> str | None:
    """Return what a refusal says: which fields are wrong and why, else its own words."""
    words = response.words()
    if words is None:
        return None
    messages = [
        f"{name}: {message}"
        for name, listed in mapping(dig(response.json(), "field_errors")).items()
        for message in rows(listed)
        if isinstance(message, str)
    ]
    return text("; ".join(messages)) or words


def next_link(response: Response) -> str | None:
    """Return the address of the next page; a missing one is written `about:blank`."""
    for header in response.headers.getall("Link", []):
        if (found := _NEXT.search(header)) and not found[1].startswith("about:"):
            return found[1] or None
    return None


def open_access(context: Context) -> Access:
    """Return how an account is reached: by its sign-in, or by the application's credentials.

    Raises:
        UnexpectedResponse: the address for development is not of this machine.

    """
    budget = new_budget(context)
    endpoint = token_endpoint(context, budget)
    if context.grant is not None:
        token = RotatingToken(endpoint, context.grant, context.clock)
        return Access(context, token, budget)
    user_id = context.data.get(USER_ID)
    application = ApplicationToken(endpoint, context)
    return Access(
        context, application, budget, user_id=user_id if isinstance(user_id, str) else None
    )


def seed_access(context: Context, access_token: str) -> Access:
    """Return access with the token that a sign-in has just given, and never renew it."""
    return Access(
        context, StaticToken(access_token, context.clock, patience=0), new_budget(context)
    )
