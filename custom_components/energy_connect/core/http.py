"""The one way out: every request of every provider is sent, judged and logged here."""

import asyncio
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
import logging
import re
from typing import Final, NoReturn, override
from urllib.parse import quote, quote_plus, unquote_plus, urlencode

import aiohttp
import orjson
from yarl import URL

from .address import is_loopback
from .budget import Budget, Priority
from .clock import Clock
from .errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    RateLimited,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from .payload import Json
from .response import Response
from .tokens import TokenSource

_LOGGER = logging.getLogger(__name__)

type Params = Sequence[tuple[str, str]]
type Verdict = Callable[[Response], ApiError | None]

_MOST_REDIRECTS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEEPS_METHOD: Final = frozenset({301, 307, 308})
_WORD: Final = re.compile(r"[a-z_-]{0,20}|v\d")
_SILENCE: Final = 60.0
# Fields of a token request that are no secret; an error that names them is of use to a person.
_NO_SECRETS: Final = frozenset({"grant_type", "scope", "token_type_hint"})
# Shorter ones are no secret, and to mask them would only garble the server's words.
_SHORTEST_SECRET: Final = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """How long (seconds) and how large (bytes) an answer may be."""

    seconds: float = 10.0
    body: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | None = None
    secrets: tuple[str, ...] = ()


class ApiClient:
    """Sends the requests of one account to one origin.

    The bearer token goes to that origin alone: neither a redirect nor a paging link leads away
    from it. Plain http is refused, save to this machine or where `plain_http` allows it (a meter in
    the local network). `verdict` may judge an answer before the general rules do; it returns None
    to leave it to them.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: URL,
        *,
        clock: Clock,
        budget: Budget,
        token: TokenSource | None = None,
        headers: Mapping[str, str] | None = None,
        media_type: str = "application/json",
        verdict: Verdict | None = None,
        certificate: bytes | None = None,
        plain_http: bool = False,
        limits: Limits | None = None,
    ) -> None:
        """Take the surroundings; `certificate` is the SHA-256 that the server must show.

        Raises:
            UnexpectedResponse: the base is no http(s) address, holds a user or password, or is plain
                http where it may not be; or `certificate` is no SHA-256.

        """
        if base.scheme not in {"http", "https"} or not base.host or _names_somebody(base):
            raise UnexpectedResponse(Reason.INVALID_HOST)
        if base.scheme == "http" and not (plain_http or is_loopback(base.host)):
            raise UnexpectedResponse(Reason.INVALID_HOST)
        self.base = base
        self._session = session
        self._clock = clock
        self._budget = budget
        self._token = token
        self._headers = {"Accept": media_type, **(headers or {})}
        self._media_type = media_type
        self._verdict = verdict
        try:
            self._ssl = aiohttp.Fingerprint(certificate) if certificate else True
        except ValueError as error:
            raise UnexpectedResponse(Reason.CERTIFICATE_CHANGED) from error
        self._limits = limits or Limits()
        # A device's host name is mostly made of its serial number.
        self._shown_host = "device" if certificate or plain_http else base.host

    async def get(
        self,
        *path: str,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        priority: Priority = Priority.LIVE,
    ) -> Response:
        """Read a resource; each path segment is quoted, so that an id can't leave its place.

        Raises:
            ApiError: see `send`.

        """
        request = _Request("GET", self._url(path, params), {**self._headers, **(headers or {})})
        return await self._authorised(request, priority)

    async def follow(
        self,
        link: str,
        *,
        headers: Mapping[str, str] | None = None,
        priority: Priority = Priority.LIVE,
    ) -> Response:
        """Read the page that a link of the server names, if it is of the same origin.

        Raises:
            UnexpectedResponse: the link leads elsewhere.
            ApiError: see `send`.

        """
        url = self._same_origin(link, self.base)
        request = _Request("GET", url, {**self._headers, **(headers or {})})
        return await self._authorised(request, priority)

    async def send(
        self,
        method: str,
        *path: str,
        params: Params = (),
        json: Json = None,
        headers: Mapping[str, str] | None = None,
        priority: Priority = Priority.COMMAND,
    ) -> Response:
        """Send a change.

        Raises:
            CredentialsRejected: 401 twice, the second time with a renewed token.
            NotPermitted: 403.
            RateLimited: 429, or the account's own budget is spent.
            Unavailable: no answer, 5xx, or a refusal by something in between.
            UnexpectedResponse: anything else that is not 2xx.

        """
        all_headers = {**self._headers, **(headers or {})}
        body = None
        if json is not None:
            body = orjson.dumps(json)
            all_headers["Content-Type"] = self._media_type
        request = _Request(method, self._url(path, params), all_headers, body)
        return await self._authorised(request, priority)

    async def exchange(
        self,
        *path: str,
        json: Json = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a credential for a token: without a bearer, and without queueing.

        While the provider wants silence it is not sent: the token could not be used anyway.

        Raises:
            ApiError: as `send`, but a single 401 is a refusal.

        """
        if (quiet := self._budget.quiet_for) > 0:
            raise RateLimited(quiet)
        all_headers = {**self._headers, **(headers or {})}
        if form is not None:
            body = urlencode(form).encode()
            all_headers["Content-Type"] = "application/x-www-form-urlencoded"
        else:
            body = orjson.dumps(json)
            all_headers["Content-Type"] = self._media_type
        secrets = _secrets(json if form is None else form, all_headers)
        request = _Request("POST", self._url(path, ()), all_headers, body, secrets)
        self._budget.count()
        response = await self._answer(request)
        self._judge(response)
        self._budget.exchanges += 1
        return response

    def _url(self, path: Sequence[str], params: Params) -> URL:
        """Return the address of a resource; an empty last segment makes a trailing slash."""
        if any(segment in {".", ".."} or not segment for segment in path[:-1]) or (
            path and path[-1] in {".", ".."}
        ):
            raise UnexpectedResponse(Reason.INVALID_ID)
        try:
            quoted = "".join(f"/{quote(segment, safe='')}" for segment in path)
        except UnicodeEncodeError as error:
            raise UnexpectedResponse(Reason.INVALID_ID) from error
        url = self.base.with_path(self.base.raw_path.rstrip("/") + quoted, encoded=True)
        return url.with_query(list(params)) if params else url

    def _same_origin(self, link: str, relative_to: URL) -> URL:
        try:
            url = relative_to.join(URL(link))
            same = url.origin() == self.base.origin() and not _names_somebody(url)
        except ValueError as error:
            raise UnexpectedResponse(Reason.REDIRECTED) from error
        if not same:
            raise UnexpectedResponse(Reason.REDIRECTED)
        return url

    async def _authorised(self, request: _Request, priority: Priority) -> Response:
        """Send with the bearer token; after a 401 renew it once and repeat once."""
        if self._token is None:
            async with self._budget.slot(priority):
                response = await self._answer(request)
            self._judge(response)
            return response
        bearer = await self._token.get()
        async with self._budget.slot(priority):
            response = await self._answer(_with_bearer(request, bearer))
        if response.status == 401:
            bearer = await self._token.renew(bearer)
            async with self._budget.slot(priority):
                response = await self._answer(_with_bearer(request, bearer))
        self._judge(response)
        return response

    async def _answer(self, request: _Request) -> Response:
        """Send; count what has no answer."""
        try:
            return await self._redirected(request)
        except ApiError as error:
            self._budget.failed[error.reason] += 1
            raise

    async def _redirected(self, request: _Request) -> Response:
        """Send, and follow redirects that stay with the origin and keep the method."""
        redirects = 0
        while (response := await self._transfer(request)).status in _REDIRECTS:
            link = response.headers.get("Location")
            kept = request.method == "GET" or response.status in _KEEPS_METHOD
            if not link or not kept or redirects == _MOST_REDIRECTS:
                raise UnexpectedResponse(Reason.REDIRECTED, status=response.status)
            redirects += 1
            request = replace(request, url=self._same_origin(link, request.url))
            self._budget.count()
        return response

    async def _transfer(self, request: _Request) -> Response:
        """Move one request and its answer over the network; errors become our own."""
        started = self._clock.monotonic()
        outcome = "no answer"
        try:
            async with (
                asyncio.timeout(self._limits.seconds),
                self._session.request(
                    request.method,
                    request.url,
                    headers=request.headers,
                    data=request.body,
                    allow_redirects=False,
                    ssl=self._ssl,
                ) as answer,
            ):
                outcome = f"{answer.status}"
                body = await self._body(answer)
                return Response(
                    request.method,
                    request.url,
                    answer.status,
                    answer.headers,
                    body,
                    secrets=request.secrets,
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            outcome = f"{outcome}, {type(error).__name__}"
            _raise_unreachable(error)
        finally:
            # Neither query nor headers nor body: they can hold secrets. No ids, which name people.
            if _LOGGER.isEnabledFor(logging.DEBUG):
                _LOGGER.debug(
                    "%s %s%s: %s after %.0f ms",
                    request.method,
                    self._shown_host,
                    _shown_path(request.url),
                    outcome,
                    (self._clock.monotonic() - started) * 1000,
                )

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        chunks: list[bytes] = []
        size = 0
        if (answer.content_length or 0) > self._limits.body:
            answer.close()
            raise UnexpectedResponse(Reason.TOO_LARGE, status=answer.status)
        async for chunk in answer.content.iter_any():
            size += len(chunk)
            if size > self._limits.body:
                answer.close()
                raise UnexpectedResponse(Reason.TOO_LARGE, status=answer.status)
            chunks.append(chunk)
        return b"".join(chunks)

    def _judge(self, response: Response) -> None:
        """Raise what an answer other than 2xx means."""
        if (error := self._error(response)) is None:
            return
        if error.detail:
            error.detail = response.masked(error.detail)  # a verdict may have read it by itself
        self._budget.failed[error.reason] += 1
        if isinstance(error, RateLimited):
            self._budget.pause(error.retry_after)
        raise error

    def _error(self, response: Response) -> ApiError | None:
        if self._verdict is not None and (error := self._verdict(response)) is not None:
            return error
        status = response.status
        if 200 <= status < 300:
            return None
        detail = response.words()
        wait = response.retry_after(self._clock.now())
        if status == 401:
            return CredentialsRejected(Reason.INVALID_CREDENTIALS, status=status, detail=detail)
        if status == 403 and response.is_json:
            return NotPermitted(Reason.NOT_PERMITTED, status=status, detail=detail)
        if status == 403:
            # Something between us and the API refuses (its edge, a proxy): not the provider's word.
            return Unavailable(Reason.BLOCKED, status=status)
        if status == 408:
            return Unavailable(Reason.TIMEOUT, status=status, detail=detail)
        if status == 429:
            return RateLimited(wait or _SILENCE, status=status, detail=detail)
        if status >= 500:
            return Unavailable(Reason.SERVER_ERROR, status=status, detail=detail, retry_after=wait)
        reason = {
            404: Reason.NOT_FOUND,
            406: Reason.MEDIA_TYPE_REFUSED,
            415: Reason.MEDIA_TYPE_REFUSED,
        }.get(status, Reason.REQUEST_REFUSED)
        return UnexpectedResponse(reason, status=status, detail=detail)


def _shown_path(url: URL) -> str:
    """Return a path for the log: words as they are, everything that may be an id left out."""
    segments = url.raw_path.split("/")
    return "/".join(one if _WORD.fullmatch(one) else "…" for one in segments)


def _with_bearer(request: _Request, bearer: str) -> _Request:
    return replace(
        request,
        headers={**request.headers, "Authorization": f"Bearer {bearer}"},
        secrets=(bearer,),
    )


def _names_somebody(url: URL) -> bool:
    """Tell whether an address holds a user or a password, which would replace the bearer."""
    return url.raw_user is not None or url.raw_password is not None


def _secrets(sent: Json, headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a server must not make us repeat: all texts of a credential but few."""
    credential = headers.get("Authorization", "").rpartition(" ")[2]
    found = [credential]
    pending: list[Json] = [sent, *_unpacked(credential)]
    while pending:
        match pending.pop():
            case str() as value:
                found += [value, quote_plus(value)]
            case Mapping() as fields:
                pending += [value for name, value in fields.items() if name not in _NO_SECRETS]
            case [*items]:
                pending += items
    return tuple(value for value in found if len(value) >= _SHORTEST_SECRET)


def _unpacked(credential: str) -> list[Json]:
    """Return user and password of HTTP Basic authentication: a server repeats them unpacked."""
    try:
        parts = b64decode(credential, validate=True).decode().split(":")
    except ValueError:
        return []
    return [*parts, *map(unquote_plus, parts)]


def _raise_unreachable(error: Exception) -> NoReturn:
    """Translate what aiohttp raises; the order matters, since its errors are nested."""
    reason = Reason.CANNOT_CONNECT
    match error:
        case aiohttp.ServerFingerprintMismatch():
            reason = Reason.CERTIFICATE_CHANGED
        case aiohttp.ClientConnectorDNSError():
            reason = Reason.HOST_NOT_FOUND
        case aiohttp.ClientSSLError():
            reason = Reason.TLS_FAILED
        case TimeoutError():
            reason = Reason.TIMEOUT
        case aiohttp.ClientConnectorError():
            reason = Reason.CANNOT_CONNECT
        case (
            aiohttp.ClientPayloadError()
            | aiohttp.ServerDisconnectedError()
            | aiohttp.ClientOSError()
        ):
            reason = Reason.CONNECTION_LOST
        case aiohttp.InvalidURL() | ValueError():
            raise UnexpectedResponse(Reason.INVALID_HOST) from error
    raise Unavailable(reason) from error


class _Look(aiohttp.Fingerprint):
    """Refuses every certificate after a look at it."""

    def __init__(self) -> None:
        super().__init__(bytes(32))
        self.certificate = b""

    @override
    def check(self, transport: asyncio.Transport) -> None:
        self.certificate = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        super().check(transport)


async def peer_certificate(
    session: aiohttp.ClientSession, url: URL, *, seconds: float = 10.0
) -> bytes:
    """Return the certificate (DER) that a server shows at an https address; no request is sent to it.

    For a device whose certificate nobody has signed: the caller pins its fingerprint. Asked by
    way of the session, because only its resolver finds names such as `meter.local` everywhere.

    Raises:
        UnexpectedResponse: it is no https address.
        Unavailable: nothing answers there (`TLS_REFUSED` if the port is closed), or it does not
            speak TLS.

    """
    if url.scheme != "https":
        raise UnexpectedResponse(Reason.INVALID_HOST)
    look = _Look()
    try:
        async with asyncio.timeout(seconds):
            await session.get(url, ssl=look, allow_redirects=False)
    except aiohttp.ServerFingerprintMismatch:
        pass
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, ConnectionRefusedError):
            raise Unavailable(Reason.TLS_REFUSED) from error
        _raise_unreachable(error)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        _raise_unreachable(error)
    return look.certificate
