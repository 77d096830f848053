"""The true answers of a simulated provider, recorded once and played back from memory."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
import json
import os
from types import TracebackType
from typing import Any, Final, Self, cast, override
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from custom_components.energy_connect.core.account import Account, Context
from custom_components.energy_connect.providers import PROVIDERS
from simulator import Simulator
from simulator.clock import Clock
from simulator.faults import Action, Proceed, body_of
from tests.hand_clock import START, HandClock

type Bend = Callable[[str, bytes], bytes]

_ZONE: Final = ZoneInfo("Europe/Prague")
_HOUSES: Final = {"enectiva": {"generated_meters": 4}}
_POLLS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One recorded answer."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """What a provider answered, by what was asked; a bent question gets the path's first answer."""

    provider: str
    entered: dict[str, Any]
    environment: Mapping[str, str]
    exact: dict[str, Answer] = field(default_factory=dict)
    by_path: dict[str, Answer] = field(default_factory=dict)

    def find(self, method: str, url: URL) -> Answer | None:
        """Return the answer to a request, None if nothing like it was ever asked."""
        return self.exact.get(f"{method} {url.raw_path_qs}") or self.by_path.get(
            f"{method} {url.raw_path}"
        )

    @property
    def payloads(self) -> list[str]:
        """The questions with a JSON answer, in their order."""
        return [key for key, one in self.exact.items() if one.status < 300 and one.body]

    def context(self, data: Mapping[str, Any], bend: Bend | None = None) -> Context:
        """Return the surroundings of an account that hears this tape."""
        session = cast("aiohttp.ClientSession", Player(self, bend))
        return Context(session=session, clock=HandClock(), zone=_ZONE, data=data)


class _Recorder(Action):
    """Answers truly and keeps the answers."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        true = await proceed()
        kept = Answer(
            status=true.status,
            headers=CIMultiDictProxy(CIMultiDict(true.headers)),
            body=body_of(true),
        )
        self._tape.exact.setdefault(f"{request.method} {request.raw_path}", kept)
        self._tape.by_path.setdefault(f"{request.method} {request.rel_url.raw_path}", kept)
        return true


class _Content:
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def iter_any(self) -> AsyncIterator[bytes]:
        yield self._body


class _Played:
    """An answer as aiohttp gives one: entered, read, left."""

    def __init__(self, answer: Answer, body: bytes) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.content_length = len(body)
        self.content = _Content(body)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    def close(self) -> None:
        """Hold nothing open."""


_MISSING: Final = Answer(status=404, headers=CIMultiDictProxy(CIMultiDict()), body=b"")


class Player:
    """In the place of aiohttp's session, which would take a hundred times as long."""

    def __init__(self, tape: Tape, bend: Bend | None) -> None:
        """Play `tape`; `bend` gets each question with its answer's body."""
        self._tape = tape
        self._bend = bend

    def request(self, method: str, url: URL, **_: object) -> _Played:
        """Answer at once."""
        answer = self._tape.find(method, url)
        if answer is None:
            return _Played(_MISSING, b"")
        body = answer.body
        if self._bend is not None and body:
            key = f"{method} {url.raw_path_qs}"
            known = key if key in self._tape.exact else f"{method} {url.raw_path}"
            body = self._bend(known, body)
        return _Played(answer, body)


async def record(provider: str) -> Tape:
    """Set an account up and poll it, and keep all that was answered."""
    async with (
        Simulator(clock=Clock(START, frozen=True)) as simulator,
        aiohttp.ClientSession() as session,
    ):
        server = simulator.servers[provider]
        server.knobs.turn(cast("Any", _HOUSES.get(provider, {})))
        entered: dict[str, Any] = dict(server.credentials())
        if provider == "kostal":
            entered |= {"scheme": "http", "host": entered["http_host"], "endpoint": "local"}
        environment = server.environment()
        tape = Tape(provider=provider, entered=entered, environment=environment)
        os.environ |= environment
        simulator.faults.add(_Recorder(tape), provider=provider)
        clock = HandClock()
        context = Context(session=session, clock=clock, zone=_ZONE, data=entered)
        known = PROVIDERS[provider]
        identity = (await known.identify(context))[0]
        context = Context(session=session, clock=clock, zone=_ZONE, data=identity.data)
        account: Account = known.open(context)
        for _ in range(_POLLS):
            again = (await account.poll()).again.total_seconds()
            clock.advance(again)
            simulator.clock.advance(again)
        tape.entered["identity"] = identity.data
        assert not simulator.failures
    return tape


def is_json(body: bytes) -> bool:
    """Tell whether a body can be bent."""
    try:
        return isinstance(json.loads(body), dict | list)
    except ValueError:
        return False
