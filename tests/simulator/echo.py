"""A minimal provider: what the frame alone does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, override

from aiohttp import web

from simulator.payload import JsonValue
from simulator.server import Knobs, Origin, ProviderServer, World


class Tone(StrEnum):
    """A knob with choices."""

    SOFT = "soft"
    HARD = "hard"


class Thing:
    """A knob that only a test can set."""

    @override
    def __str__(self) -> str:
        return "<thing>"


@dataclass(slots=True, kw_only=True)
class EchoKnobs(Knobs):
    """Knobs of each type."""

    greeting: str = "hello"
    loud: bool = False
    volume: float = 1.0
    limit: int | None = None
    words: tuple[str, ...] = ("a", "b")
    tags: frozenset[str] = frozenset({"y", "x"})
    names: Mapping[str, str] = field(default_factory=lambda: {"a": "b"})
    tone: Tone = Tone.SOFT
    other: object = Thing()


class EchoServer(ProviderServer[EchoKnobs]):
    """Two origins; answers a greeting."""

    name: ClassVar[str] = "echo"

    def __init__(self, world: World) -> None:
        """Belong to `world`."""
        super().__init__(world, EchoKnobs())

    @override
    def make_origins(self) -> list[Origin]:
        routes = [web.get("/greeting", self._greet), web.get("/broken", self._break)]
        return [
            Origin("api", routes),
            Origin("auth", [web.post("/token", self._greet)]),
        ]

    @override
    def not_found(self, request: web.Request) -> web.Response:
        return web.json_response({"error": "nothing here"}, status=404)

    @override
    def method_not_allowed(self, request: web.Request, allowed: set[str]) -> web.Response:
        return web.json_response({"allowed": sorted(allowed)}, status=405)

    @override
    def environment(self) -> dict[str, str]:
        return {
            "ENERGY_CONNECT_ECHO_API_URL": self.url,
            "ENERGY_CONNECT_ECHO_AUTH_URL": self.origins["auth"].url,
        }

    @override
    def credentials(self) -> dict[str, JsonValue]:
        return {"name": "echo"}

    async def _greet(self, request: web.Request) -> web.Response:
        self.note(request, authorised=True, grant="none")
        return web.json_response({"greeting": self.knobs.greeting, "more": {"a": 1, "b": 2}})

    async def _break(self, request: web.Request) -> web.Response:
        msg = "a defect"
        raise RuntimeError(msg)
