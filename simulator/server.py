"""What all simulated providers share: origins on loopback, the journal, the faults."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
import logging
import ssl
from typing import ClassVar

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from simulator.clock import Clock
from simulator.faults import Faults, body_of, break_off
from simulator.house import House
from simulator.journal import Journal, Request, fingerprint
from simulator.payload import JsonValue

_LOGGER = logging.getLogger(__name__)

_NUMBER: web.RequestKey[int] = web.RequestKey("journal_number", int)

# A request body larger than this is no request that a provider here would expect.
_BODY_LIMIT = 4 * 1024 * 1024
# aiohttp takes 0 for "wait for ever".
_SHUTDOWN_SECONDS = 0.05

type Work = Callable[[Mapping[str, JsonValue]], JsonValue]
"""Something that the control address can make a provider do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the providers of one simulator share."""

    seed: int = 1
    clock: Clock = field(default_factory=Clock)
    house: House = field(default_factory=House)
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)


@dataclass(slots=True, kw_only=True)
class Knobs:
    """Base of a provider's settings: plain fields that tests and the control address change."""

    def as_json(self) -> dict[str, JsonValue]:
        """Return all knobs with their values."""
        return {name: _plain(getattr(self, name)) for name in self._names()}

    def _names(self) -> list[str]:
        return [one.name for one in fields(self)]

    def turn(self, changes: Mapping[str, JsonValue]) -> None:
        """Set knobs by name, all or none.

        Raises ValueError for an unknown name or a value of another type than the present one.
        """
        names = self._names()
        accepted: dict[str, object] = {}
        for name, value in changes.items():
            if name not in names:
                msg = f"unknown knob {name}"
                raise ValueError(msg)
            accepted[name] = _like(getattr(self, name), value, name)
        for name, fitting in accepted.items():
            setattr(self, name, fitting)


def _plain(value: object) -> JsonValue:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(str(item) for item in value)
    if isinstance(value, Iterable):
        return [_plain(item) for item in value]
    return str(value)


def _like(present: object, value: JsonValue, name: str) -> object:
    """Return `value` in the type of the present value."""
    if present is None or value is None:
        return value
    if isinstance(present, frozenset | set | tuple) and isinstance(value, list):
        return type(present)(value)
    if isinstance(present, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(present, str) and isinstance(value, str):
        return type(present)(value)
    if type(value) is not type(present):
        msg = f"knob {name} takes a {type(present).__name__}"
        raise ValueError(msg)
    return value


class Origin:
    """One scheme, host and port of a provider."""

    def __init__(
        self,
        name: str,
        routes: Iterable[web.AbstractRouteDef],
        *,
        certificate: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        """Serve `routes`; over TLS when there is a function that gives the certificate."""
        self.name = name
        self._routes = list(routes)
        self._certificate = certificate
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The port; 0 until it was started for the first time."""
        return self._port

    @property
    def host(self) -> str:
        """Address and port without a scheme."""
        return f"127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The base address, without a slash at the end."""
        return f"{'http' if self._certificate is None else 'https'}://{self.host}"

    async def start(self, middleware: Callable[[Origin], Middleware], port: int) -> None:
        """Listen on `port`, 0 for any."""
        app = web.Application(middlewares=[middleware(self)], client_max_size=_BODY_LIMIT)
        app.add_routes(self._routes)
        # Cancellation ends a hanging answer as soon as its client is gone.
        runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )
        await runner.setup()
        self._runner = runner
        context = None if self._certificate is None else self._certificate()
        site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=context)
        await site.start()
        self._port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and break every connection; harmless when it is not running."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for site in list(runner.sites):
            await site.stop()
        assert runner.server is not None
        # Politeness takes time: a client's kept connection, or the end of a TLS session, would
        # hold the shutdown.
        for connection in runner.server.connections:
            break_off(connection.transport)
        await asyncio.sleep(0)
        await runner.cleanup()


class ProviderServer[K: Knobs](ABC):
    """A simulated provider: its origins, its knobs, its way to refuse."""

    name: ClassVar[str]

    def __init__(self, world: World, knobs: K) -> None:
        """Belong to `world`; nothing listens yet."""
        self.world = world
        self._knobs = knobs
        self.failures: list[BaseException] = []
        self.origins: dict[str, Origin] = {one.name: one for one in self.make_origins()}

    @abstractmethod
    def make_origins(self) -> list[Origin]:
        """Return the origins; the first one is the provider's main address."""

    @abstractmethod
    def not_found(self, request: web.Request) -> web.Response:
        """Return the provider's answer to an unknown path."""

    @abstractmethod
    def method_not_allowed(self, request: web.Request, allowed: set[str]) -> web.Response:
        """Return the provider's answer to a wrong method."""

    def internal_error(self, request: web.Request) -> web.Response:
        """Return the provider's answer when it failed itself."""
        return web.Response(status=500)

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """Return the `ENERGY_CONNECT_*_URL` variables that lead to this server."""

    @abstractmethod
    def credentials(self) -> dict[str, JsonValue]:
        """Return what a person would type into the wizard for the demo account."""

    def work(self) -> Mapping[str, Work]:
        """Return what the control address can make this provider do, by name."""
        return {}

    @property
    def knobs(self) -> K:
        """The provider's settings."""
        return self._knobs

    @property
    def url(self) -> str:
        """The main origin's address, without a slash at the end."""
        return next(iter(self.origins.values())).url

    async def start(self, port: int = 0) -> int:
        """Start all origins, from `port` on; return the next free number (0 for any port)."""
        for origin in self.origins.values():
            await origin.start(self._middleware, port)
            port += 1 if port else 0
        return port

    async def stop(self) -> None:
        """Stop all origins."""
        for origin in self.origins.values():
            await origin.stop()

    async def restart(self, name: str) -> None:
        """Start one origin again on its port, as after a power cut."""
        origin = self.origins[name]
        await origin.stop()
        await origin.start(self._middleware, origin.port)

    def note(self, request: web.Request, *, authorised: bool | None = None, **facts: str) -> None:
        """Write into the request's journal entry; never a secret."""
        self.world.journal.amend(request[_NUMBER], authorised=authorised, facts=facts)

    def _middleware(self, origin: Origin) -> Middleware:
        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            journal = self.world.journal
            number = await self._record(request, origin)
            fault = self.world.faults.take(
                provider=self.name,
                origin=origin.name,
                path=request.path,
                method=request.method,
            )

            async def proceed() -> web.Response:
                return await self._answer(request, handler)

            if fault is None:
                response: web.StreamResponse = await proceed()
            else:
                journal.amend(number, fault=fault.kind)
                response = await fault.action.answer(request, proceed)
            if isinstance(response, web.Response):
                size: int | None = len(body_of(response))
            else:
                size = response.content_length
            journal.amend(number, status=response.status, response_size=size)
            return response

        return middleware

    async def _record(self, request: web.Request, origin: Origin) -> int:
        number = self.world.journal.next_number()
        request[_NUMBER] = number
        at = self.world.clock.now()
        body = await request.read()
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        entry = Request(
            number=number,
            at=at,
            provider=self.name,
            origin=origin.name,
            method=request.method,
            path=request.path,
            query=tuple(request.query.items()),
            header_names=frozenset(name.lower() for name in request.headers),
            accept=request.headers.get("Accept"),
            content_type=request.headers.get("Content-Type"),
            scheme=scheme or None,
            token_id=fingerprint(secret) if secret else None,
            body_size=len(body),
        )
        self.world.journal.write(entry)
        return number

    async def _answer(self, request: web.Request, handler: Handler) -> web.Response:
        """Answer truly; what the router or a handler raises becomes the provider's form."""
        try:
            response = await handler(request)
        except web.HTTPNotFound:
            return self.not_found(request)
        except web.HTTPMethodNotAllowed as refusal:
            return self.method_not_allowed(request, set(refusal.allowed_methods))
        except Exception as failure:
            # A failure here is a defect of the simulator: tests look at `failures`.
            _LOGGER.exception("%s failed to answer %s", self.name, request.path)
            self.failures.append(failure)
            return self.internal_error(request)
        assert isinstance(response, web.Response), "answers are made whole"
        return response
