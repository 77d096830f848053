"""Faults put in front of a simulated provider: what goes wrong, where, and how often."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
import json
from typing import override

from aiohttp import web

from simulator.payload import JsonValue

type Proceed = Callable[[], Awaitable[web.Response]]
"""Asks the provider for its true answer."""

_HTML = "<!DOCTYPE html><html><head><title>Not here</title></head><body>Not here</body></html>"
_CHUNK = 64 * 1024


class Action(ABC):
    """One kind of misbehaviour."""

    @abstractmethod
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        """Answer the request wrongly, with or without the provider's true answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Action):
    """Answers a status with headers and a body, as a proxy or an overloaded server does."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str = ""
    content_type: str = "text/plain"

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        return web.Response(
            status=self.status,
            headers=self.headers,
            text=self.body,
            content_type=self.content_type,
        )


def rate_limited(retry_after: str | None = None, *, status: int = 429) -> Status:
    """Return a 429, with `Retry-After` (seconds or an HTTP date) when given."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Status(status=status, headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(Action):
    """Answers other JSON than the provider would."""

    payload: JsonValue = None
    status: int = 200
    content_type: str = "application/json"

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        return web.Response(
            status=self.status,
            body=json.dumps(self.payload).encode(),
            headers={"Content-Type": self.content_type},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Html(Action):
    """Answers a web page, as a captive portal or a login page does."""

    status: int = 200

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        return web.Response(status=self.status, text=_HTML, content_type="text/html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect(Action):
    """Sends the client elsewhere."""

    url: str
    status: int = 302

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        return web.Response(status=self.status, headers={"Location": self.url})


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty(Action):
    """Answers the true status and content type with no body."""

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        status, headers, _ = await _true_answer(proceed)
        return web.Response(status=status, headers=headers, body=b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncated(Action):
    """Cuts the true body short, with a `Content-Length` that agrees with what is left."""

    keep: float = 0.5

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        status, headers, body = await _true_answer(proceed)
        cut = body[: int(len(body) * self.keep)]
        return web.Response(status=status, headers=headers, body=cut)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentType(Action):
    """Labels the true body with another content type."""

    content_type: str

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        status, headers, body = await _true_answer(proceed)
        headers["Content-Type"] = self.content_type
        return web.Response(status=status, headers=headers, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite(Action):
    """Bends the true JSON payload; the status stays."""

    bend: Callable[[JsonValue], JsonValue]

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        status, headers, body = await _true_answer(proceed)
        bent = json.dumps(self.bend(json.loads(body))).encode()
        return web.Response(status=status, headers=headers, body=bent)


def merge_patch(patch: Mapping[str, JsonValue]) -> Rewrite:
    """Return a rewrite by a merge patch (RFC 7396): null removes a key."""
    return Rewrite(bend=lambda payload: _merged(payload, patch))


def _merged(payload: JsonValue, patch: JsonValue) -> JsonValue:
    if not isinstance(patch, Mapping):
        return patch
    result = dict(payload) if isinstance(payload, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Action):
    """Breaks the connection after `after` bytes of the body; 0 breaks it before the headers."""

    after: int = 10

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        status, headers, body = await _true_answer(proceed)
        response = web.StreamResponse(status=status, headers=headers)
        if self.after:
            response.content_length = len(body)
            await response.prepare(request)
            await response.write(body[: self.after])
        break_off(request.transport)
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Drip(Action):
    """Sends the true body in small pieces with a pause before each."""

    pause: float = 0.05
    piece: int = 16

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        status, headers, body = await _true_answer(proceed)
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = len(body)
        await response.prepare(request)
        for start in range(0, len(body), self.piece):
            await asyncio.sleep(self.pause)
            await response.write(body[start : start + self.piece])
        await response.write_eof()
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang(Action):
    """Never answers. Ends when the client or the simulator closes the connection."""

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        never: asyncio.Future[web.StreamResponse] = asyncio.get_running_loop().create_future()
        return await never


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood(Action):
    """Streams valid JSON, one long string, of `size` bytes without announcing its length."""

    size: int
    content_type: str = "application/json"

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": self.content_type})
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b'"')
        left = self.size - 2
        while left > 0:
            await response.write(b"x" * min(left, _CHUNK))
            left -= _CHUNK
        await response.write(b'"')
        await response.write_eof()
        return response


async def _true_answer(proceed: Proceed) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of the provider's own answer."""
    response = await proceed()
    headers = {name: value for name, value in response.headers.items() if name != "Content-Length"}
    return response.status, headers, body_of(response)


def body_of(response: web.Response) -> bytes:
    """Return the body; all simulated answers are made whole."""
    body = response.body or b""
    assert isinstance(body, bytes)
    return body


def break_off(transport: asyncio.BaseTransport | None) -> None:
    """Break a connection without any farewell; None is one that is broken already."""
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


@dataclass(slots=True, kw_only=True, eq=False)
class Fault:
    """An action with the requests that it hits."""

    action: Action
    provider: str = "*"
    origin: str = "*"
    path: str = "*"
    method: str = "*"
    after: int = 0
    times: int | None = None
    hits: int = 0

    def matches(self, *, provider: str, origin: str, path: str, method: str) -> bool:
        """Whether a request falls under this fault; patterns as in a shell."""
        return (
            fnmatchcase(provider, self.provider)
            and fnmatchcase(origin, self.origin)
            and fnmatchcase(path, self.path)
            and fnmatchcase(method, self.method)
        )

    @property
    def kind(self) -> str:
        """The action's name, as the journal shows it."""
        return type(self.action).__name__


class Faults:
    """The faults in force. The first one that matches and is not used up wins."""

    def __init__(self) -> None:
        """Begin without any."""
        self._faults: list[Fault] = []

    def add(
        self,
        action: Action,
        *,
        provider: str = "*",
        origin: str = "*",
        path: str = "*",
        method: str = "*",
        after: int = 0,
        times: int | None = None,
    ) -> Fault:
        """Inject a fault: it lets `after` matching requests pass, then hits `times` of them."""
        fault = Fault(
            action=action,
            provider=provider,
            origin=origin,
            path=path,
            method=method,
            after=after,
            times=times,
        )
        self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Take one fault back; harmless when it is gone."""
        if fault in self._faults:
            self._faults.remove(fault)

    def clear(self) -> None:
        """Take all faults back."""
        self._faults.clear()

    def active(self) -> list[Fault]:
        """Return the faults that are not used up."""
        return [fault for fault in self._faults if fault.times != 0]

    def take(self, *, provider: str, origin: str, path: str, method: str) -> Fault | None:
        """Return the fault that hits this request and count it, or None."""
        for fault in self._faults:
            if fault.times == 0:
                continue
            if not fault.matches(provider=provider, origin=origin, path=path, method=method):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
            fault.hits += 1
            return fault
        return None
