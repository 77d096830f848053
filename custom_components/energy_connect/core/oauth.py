"""OAuth 2.0 token endpoints (RFC 6749): what is sent, and what an answer or a refusal means.

A wrong "sign in again" costs a person more than a wrong "try later": Home Assistant stops polling
the account until somebody has signed in. So only the words that RFC 6749 has for it are a refused
credential: `invalid_grant` with 400, `invalid_client` with 400 or 401. Everything else passes by
itself or has another cure:

- 401 without one of those words. The vendor's server must say which it is (section 5.2); what does
  not is a gateway, a proxy or a server in trouble. It may still be the vendor's way to refuse a
  secret, hence a `Reason` of its own that tells a person to check it.
- `unauthorized_client` and the like with 400: the application is registered for something else; no
  sign-in mends that. With 401 some servers say it of a wrong secret, so it is left unclear.
- 403, 404, 5xx, a web page: something in between, or an outage.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
import re
from typing import Final
from urllib.parse import quote_plus

import aiohttp
from yarl import URL

from .budget import Budget
from .clock import Clock
from .errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from .http import ApiClient, Limits, Verdict
from .payload import Json, dig, number
from .response import Response
from .tokens import Token

DEFAULT_LIFETIME: Final = 300.0
"""Seconds that a token is taken to live if the answer does not tell: short, so that it is safe."""

_NOT_FOR_THIS_GRANT: Final = frozenset(
    {"unauthorized_client", "unsupported_grant_type", "invalid_scope"}
)
# A token becomes a header: visible ASCII characters and nothing else.
_TOKEN: Final = re.compile("[!-~]+")
_CHALLENGE_ERROR: Final = re.compile('error="([a-z_]+)"')


class Authentication(StrEnum):
    """How an application shows who it is."""

    BASIC = "basic"
    """HTTP Basic authentication."""
    BODY = "body"
    """Fields of the form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAnswer:
    """What a token endpoint gave; `lifetime` in seconds, None in `scope` if it names none."""

    access_token: str = field(repr=False)
    lifetime: float
    refresh_token: str | None = field(default=None, repr=False)
    scope: frozenset[str] | None = None


def parse_token_answer(body: Json, *, default_lifetime: float = DEFAULT_LIFETIME) -> TokenAnswer:
    """Return what a token endpoint's answer says; the tokens are opaque.

    `expires_in` may be a number or a string that holds one; what is neither, or not positive,
    counts as absent.

    Raises:
        UnexpectedResponse: there is no access token that could be sent.

    """
    access_token = _token(dig(body, "access_token"))
    if access_token is None:
        raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
    lifetime = number(dig(body, "expires_in"))
    scope = dig(body, "scope")
    return TokenAnswer(
        access_token=access_token,
        lifetime=lifetime if lifetime is not None and lifetime > 0 else default_lifetime,
        refresh_token=_token(dig(body, "refresh_token")),
        scope=frozenset(scope.split()) if isinstance(scope, str) else None,
    )


def _token(value: Json) -> str | None:
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else None


def verdict(
    *,
    client_refused: Reason = Reason.INVALID_CREDENTIALS,
    grant_refused: Reason = Reason.INVALID_CREDENTIALS,
) -> Verdict:
    """Return what judges the answers of a token endpoint, for `ApiClient`.

    The reasons are those of a refused client id or secret, and of a refused grant (a refresh
    token that is dead). `ApiError.detail` is the error code alone, never the server's prose, which
    may repeat what was sent.
    """
    refused = {"invalid_client": client_refused, "invalid_grant": grant_refused}

    def judge(response: Response) -> ApiError | None:
        status, code = response.status, _error_code(response)
        if status == 400 and code in _NOT_FOR_THIS_GRANT:
            return NotPermitted(Reason.GRANT_NOT_ALLOWED, status=status, detail=code)
        if code is not None and (status, code) in {
            (400, "invalid_grant"),
            (400, "invalid_client"),
            (401, "invalid_client"),
        }:
            return CredentialsRejected(refused[code], status=status, detail=code)
        if status == 401:
            return Unavailable(Reason.UNCLEAR_REFUSAL, status=status, detail=code)
        if status == 403:
            return Unavailable(Reason.BLOCKED, status=status, detail=code)
        if status == 400:
            return UnexpectedResponse(Reason.REQUEST_REFUSED, status=status, detail=code)
        return None

    return judge


def _error_code(response: Response) -> str | None:
    """Return the error code of a refusal, from the body, else from `WWW-Authenticate`."""
    try:
        code = dig(response.json(), "error")
    except UnexpectedResponse:
        code = None
    if isinstance(code, str):
        # Shown to a person: the grammar of RFC 6749 has no use for anything long.
        return code if re.fullmatch(r"\w{1,40}", code, re.ASCII) else None
    challenge = _CHALLENGE_ERROR.search(response.headers.get("WWW-Authenticate", ""))
    return challenge[1] if challenge else None


class TokenEndpoint:
    """The authorization server of one account, as one application sees it.

    A redirect to another origin is refused, so that the secret goes nowhere else; all requests
    are counted in the account's budget, none waits for it. An application without a secret (a
    public one) sends its id in the form and no secret at all.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: URL,
        *path: str,
        clock: Clock,
        budget: Budget,
        client_id: str,
        client_secret: str,
        authentication: Authentication = Authentication.BASIC,
        default_lifetime: float = DEFAULT_LIFETIME,
        client_refused: Reason = Reason.INVALID_CREDENTIALS,
        grant_refused: Reason = Reason.INVALID_CREDENTIALS,
        limits: Limits | None = None,
    ) -> None:
        """Take the application's credentials; `path` leads from `base` to the token endpoint.

        An empty last segment makes a trailing slash.

        Raises:
            UnexpectedResponse: the base is no address that a secret may be sent to.

        """
        self._client = ApiClient(
            session,
            base,
            clock=clock,
            budget=budget,
            verdict=verdict(client_refused=client_refused, grant_refused=grant_refused),
            limits=limits or Limits(body=64 * 1024),
        )
        self._path = path
        self._default_lifetime = default_lifetime
        self._headers: dict[str, str] = {}
        self._fields = {"client_id": client_id}
        if client_secret and authentication is Authentication.BASIC:
            # Both are form-encoded first (RFC 6749, section 2.3.1): a colon in one would end it.
            pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
            self._headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
            self._fields = {}
        elif client_secret:
            self._fields["client_secret"] = client_secret

    async def post(self, *path: str, form: Mapping[str, str]) -> Response:
        """Send a form as this application to any endpoint below the base, such as revocation.

        Raises:
            CredentialsRejected: the application or the grant was refused in so many words.
            NotPermitted: the application may not use this grant or scope.
            RateLimited: 429.
            Unavailable: no answer, 5xx, or a refusal without a word that says what is refused.
            UnexpectedResponse: anything else that is not 2xx.

        """
        return await self._client.exchange(
            *path, form={**form, **self._fields}, headers=self._headers
        )

    async def request(self, form: Mapping[str, str]) -> TokenAnswer:
        """Ask for tokens; `form` is the grant with its fields.

        Raises:
            ApiError: see `post`; also if the answer has no token.

        """
        response = await self.post(*self._path, form=form)
        return parse_token_answer(response.json(), default_lifetime=self._default_lifetime)

    async def client_credentials(self, **fields: str) -> Token:
        """Ask for a token of the application itself; `fields` such as `scope` go along.

        For `ExchangedToken`.

        Raises:
            ApiError: see `request`.

        """
        answer = await self.request({"grant_type": "client_credentials", **fields})
        return Token(answer.access_token, answer.lifetime)
