"""Misbehaviour that the simulator's own faults do not have."""

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from itertools import count
import json
from typing import override
from urllib.parse import urlencode

from aiohttp import web

from simulator.clock import Clock
from simulator.faults import Action, Proceed, Rewrite, body_of
from simulator.payload import JsonValue

type Bend = Callable[[JsonValue], JsonValue]

# What a list's rows are told apart and followed by; with these gone there would be no row at all.
_KEPT = frozenset({"type", "next", "after", "self", "user", "vendor", "status"})
_CURSORS = frozenset({"page", "after", "page_after", "continuationToken"})


class LimitedUntil(Action):
    """A 429 whose `Retry-After` is a date."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        """Take whose time it is, and how long to wait."""
        self._clock = clock
        self._seconds = seconds

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        at = self._clock.now() + timedelta(seconds=self._seconds)
        return web.Response(status=429, headers={"Retry-After": format_datetime(at, usegmt=True)})


class Bent(Action):
    """Bends the payload of an answer that has one."""

    def __init__(self, bend: Bend) -> None:
        """Take how."""
        self._bend = bend

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        true = await proceed()
        if true.status != 200:
            return true
        return await Rewrite(bend=self._bend).answer(request, _at_once(true))


def _at_once(true: web.Response) -> Proceed:
    async def proceed() -> web.Response:
        return true

    return proceed


class Endless(Action):
    """Answers each page of a list with the first one's rows and a new place to go on."""

    def __init__(self, provider: str) -> None:
        """Take whose way to name the next page it is."""
        self._provider = provider
        self._first: dict[str, web.Response] = {}
        self._numbers = count(2)

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        key = request.path
        if key not in self._first or not _CURSORS & request.query.keys():
            self._first[key] = await proceed()
        true = self._first[key]
        headers = {name: text for name, text in true.headers.items() if name != "Content-Length"}
        body: JsonValue = json.loads(body_of(true))
        cursor = str(next(self._numbers))
        match self._provider, body:
            case "enectiva", dict() if isinstance(body.get("data"), list):
                body = {**body, "links": {"next": _link(request, "page", cursor)}}
            case "enode", dict() if isinstance(body.get("data"), list):
                body = {**body, "pagination": {"before": None, "after": cursor}}
            case "traxes", dict() if "meta" in body:
                meta: JsonValue = {"continuationToken": cursor}
                body = {**body, "meta": meta, "links": {"next": None}}
            case "ev_energy", list():
                link = f"{request.url.origin()}{_link(request, 'page_after', cursor)}"
                headers["Link"] = f'<{link}>; rel="next"'
        return web.Response(status=true.status, headers=headers, body=json.dumps(body).encode())


def _link(request: web.Request, name: str, cursor: str) -> str:
    kept = [(key, value) for key, value in request.query.items() if key != name]
    return f"{request.path}?{urlencode([*kept, (name, cursor)])}"


def wrong_types(value: JsonValue, key: str = "") -> JsonValue:
    """Return a payload whose fields all have another type; only ids stay what they are."""
    match value:
        case dict():
            return {name: wrong_types(item, name) for name, item in value.items()}
        case list():
            return [wrong_types(item, key) for item in value]
        case None:
            return None
        case str() if key in _KEPT or key.lower().endswith(("id", "url", "href")):
            return value
        case bool():
            return "perhaps"
        case int() | float():
            return [value]
    return {"text": value}
