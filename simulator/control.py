"""The control address: moves the clock, injects faults, reads the journal, turns knobs."""

from collections.abc import Callable, Mapping
import datetime as dt

from aiohttp import web
from aiohttp.typedefs import Handler

from simulator import faults
from simulator.payload import JsonValue
from simulator.server import Knobs, Origin, ProviderServer, World

type Json = Mapping[str, JsonValue]


class Malformed(ValueError):
    """The control address was given something that it does not understand."""


class _Args:
    """Typed access to a JSON object; a missing or wrong-typed value is `Malformed`."""

    def __init__(self, payload: JsonValue) -> None:
        if not isinstance(payload, Mapping):
            msg = "a JSON object is needed"
            raise Malformed(msg)
        self.payload = payload

    def text(self, name: str, default: str | None = None) -> str:
        value = self.payload.get(name, default)
        if not isinstance(value, str):
            msg = f"{name} must be a string"
            raise Malformed(msg)
        return value

    def number(self, name: str, default: float | None = None) -> float:
        value = self.payload.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            msg = f"{name} must be a number"
            raise Malformed(msg)
        return value

    def whole(self, name: str, default: int | None = None) -> int:
        return int(self.number(name, default))

    def table(self, name: str) -> Json:
        value = self.payload.get(name, {})
        if not isinstance(value, Mapping):
            msg = f"{name} must be an object"
            raise Malformed(msg)
        return value


def _status(args: _Args) -> faults.Action:
    return faults.Status(
        status=args.whole("status"),
        headers={name: str(value) for name, value in args.table("headers").items()},
        body=args.text("body", ""),
        content_type=args.text("content_type", "text/plain"),
    )


_ACTIONS: Mapping[str, Callable[[_Args], faults.Action]] = {
    "status": _status,
    "shape": lambda args: faults.Shape(
        payload=args.payload.get("payload"), status=args.whole("status", 200)
    ),
    "html": lambda args: faults.Html(status=args.whole("status", 200)),
    "redirect": lambda args: faults.Redirect(
        url=args.text("url"), status=args.whole("status", 302)
    ),
    "empty": lambda _: faults.Empty(),
    "truncated": lambda args: faults.Truncated(keep=args.number("keep", 0.5)),
    "content_type": lambda args: faults.ContentType(content_type=args.text("content_type")),
    "patch": lambda args: faults.merge_patch(args.table("patch")),
    "reset": lambda args: faults.Reset(after=args.whole("after_bytes", 10)),
    "drip": lambda args: faults.Drip(
        pause=args.number("pause", 0.05), piece=args.whole("piece", 16)
    ),
    "hang": lambda _: faults.Hang(),
    "flood": lambda args: faults.Flood(size=args.whole("size")),
}


class ControlServer:
    """Serves `/control/...` on an origin of its own. No authentication: loopback only."""

    def __init__(self, world: World, servers: Mapping[str, ProviderServer[Knobs]]) -> None:
        """Control `world` and the providers by name."""
        self._world = world
        self._servers = servers
        self.origin = Origin(
            "control",
            [
                web.get("/control/clock", self._clock),
                web.post("/control/clock", self._move_clock),
                web.get("/control/faults", self._faults),
                web.post("/control/faults", self._inject),
                web.delete("/control/faults", self._clear_faults),
                web.get("/control/journal", self._journal),
                web.delete("/control/journal", self._clear_journal),
                web.get("/control/state", self._all_state),
                web.get("/control/state/{provider}", self._state),
                web.post("/control/state/{provider}", self._turn),
                web.post("/control/work/{provider}/{name}", self._work),
            ],
        )

    @property
    def url(self) -> str:
        """The control address, without a slash at the end."""
        return self.origin.url

    async def start(self, port: int = 0) -> None:
        """Listen on `port`, 0 for any."""
        await self.origin.start(lambda _: _bad_requests, port)

    async def stop(self) -> None:
        """Stop listening."""
        await self.origin.stop()

    async def _clock(self, _: web.Request) -> web.Response:
        clock = self._world.clock
        return web.json_response({"now": clock.now().isoformat(), "frozen": clock.frozen})

    async def _move_clock(self, request: web.Request) -> web.Response:
        """Take `{"advance": seconds}`, `{"set": "2026-03-04T05:06:07Z"}`, `{"frozen": bool}`."""
        args, clock = await _args(request), self._world.clock
        if "set" in args.payload:
            clock.set(dt.datetime.fromisoformat(args.text("set")))
        clock.advance(args.number("advance", 0))
        frozen = args.payload.get("frozen")
        if frozen is not None:
            (clock.freeze if frozen else clock.resume)()
        return await self._clock(request)

    async def _faults(self, _: web.Request) -> web.Response:
        listed = [
            {
                "kind": one.kind,
                "provider": one.provider,
                "origin": one.origin,
                "path": one.path,
                "method": one.method,
                "after": one.after,
                "times": one.times,
                "hits": one.hits,
            }
            for one in self._world.faults.active()
        ]
        return web.json_response(listed)

    async def _inject(self, request: web.Request) -> web.Response:
        """Take `{"kind": ..., "provider", "origin", "path", "method", "after", "times", ...}`."""
        args = await _args(request)
        kind = args.text("kind")
        if kind not in _ACTIONS:
            msg = f"unknown kind {kind}; there are {', '.join(_ACTIONS)}"
            raise Malformed(msg)
        self._world.faults.add(
            _ACTIONS[kind](args),
            provider=args.text("provider", "*"),
            origin=args.text("origin", "*"),
            path=args.text("path", "*"),
            method=args.text("method", "*"),
            after=args.whole("after", 0),
            times=args.whole("times") if "times" in args.payload else None,
        )
        return await self._faults(request)

    async def _clear_faults(self, _: web.Request) -> web.Response:
        self._world.faults.clear()
        return web.Response(status=204)

    async def _journal(self, request: web.Request) -> web.Response:
        entries = self._world.journal.requests(
            provider=request.query.get("provider"),
            path=request.query.get("path"),
            method=request.query.get("method"),
            origin=request.query.get("origin"),
        )
        return web.json_response([entry.as_json() for entry in entries])

    async def _clear_journal(self, _: web.Request) -> web.Response:
        self._world.journal.clear()
        return web.Response(status=204)

    async def _all_state(self, _: web.Request) -> web.Response:
        state = {name: server.knobs.as_json() for name, server in self._servers.items()}
        return web.json_response(state)

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response(self._provider(request).knobs.as_json())

    async def _turn(self, request: web.Request) -> web.Response:
        args = await _args(request)
        self._provider(request).knobs.turn(args.payload)
        return await self._state(request)

    async def _work(self, request: web.Request) -> web.Response:
        work = self._provider(request).work()
        name = request.match_info["name"]
        if name not in work:
            raise web.HTTPNotFound
        args = await _args(request)
        try:
            return web.json_response(work[name](args.payload))
        except KeyError as missing:
            msg = f"{missing} is missing or unknown"
            raise Malformed(msg) from missing

    def _provider(self, request: web.Request) -> ProviderServer[Knobs]:
        server = self._servers.get(request.match_info["provider"])
        if server is None:
            raise web.HTTPNotFound
        return server


async def _args(request: web.Request) -> _Args:
    return _Args(await request.json() if request.can_read_body else {})


@web.middleware
async def _bad_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ValueError as refusal:
        return web.json_response({"error": str(refusal)}, status=400)
