"""The faults: how each begins and how it ends."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from simulator import faults
from simulator.faults import Action

from .actions import Bent, Endless, LimitedUntil, wrong_types
from .stage import Stage

type Deed = Callable[[Stage], Awaitable[None]]

WITHOUT: Final[Mapping[str, frozenset[str]]] = {
    "kostal": frozenset({"paging-for-ever", "token-endpoint-down"})
}
"""Faults that a provider can't have: a meter has neither pages nor a token endpoint."""

_WAIT: Final = 120.0
_REMEMBERED: Final = 20.0
_DAY: Final = 86_400.0
_HUGE: Final = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong, until it is mended.

    With `lasting` the fault goes on; otherwise it is over after the first request that it hit.
    """

    name: str
    begin: Deed
    end: Deed
    lasting: bool = True
    names: bool = False
    """Whether the provider is addressed by a name, so that the name can fail."""


async def _clear(stage: Stage) -> None:
    stage.simulator.faults.clear()


def _data(name: str, make: Callable[[Stage], Action], *, times: int | None = None) -> Fault:
    """Return a fault of all requests for data; tokens are given out as ever."""

    async def begin(stage: Stage) -> None:
        action = make(stage)
        stage.simulator.faults.add(action, provider=stage.provider, method="GET", times=times)

    return Fault(name=name, begin=begin, end=_clear, lasting=times is None)


def _status(name: str, status: int, body: str = "", kind: str = "application/json") -> Fault:
    return _data(name, lambda _: faults.Status(status=status, body=body, content_type=kind))


async def _close_ports(stage: Stage) -> None:
    await stage.server.stop()


async def _open_ports(stage: Stage) -> None:
    for name in stage.server.origins:
        await stage.server.restart(name)


async def _lose_name(stage: Stage) -> None:
    stage.names.known = False
    # A name that was just looked up is remembered for some seconds.
    await stage.advance(_REMEMBERED)
    # A connection that is open needs no name.
    await _open_ports(stage)


async def _find_name(stage: Stage) -> None:
    stage.names.known = True


async def _set_clock_back(stage: Stage) -> None:
    """Have the house a day behind the provider."""
    stage.simulator.clock.advance(_DAY)


async def _set_clock_right(stage: Stage) -> None:
    stage.simulator.clock.advance(-_DAY)


async def _close_token_endpoint(stage: Stage) -> None:
    """Have all tokens end, and none to be had."""
    stage.end_tokens()
    stage.simulator.faults.add(faults.Status(status=503), provider=stage.provider, method="POST")


def _elsewhere(stage: Stage) -> Action:
    return faults.Redirect(url=f"{stage.elsewhere.url}/elsewhere")


FAULTS: Final = {
    fault.name: fault
    for fault in (
        Fault(name="connection-refused", begin=_close_ports, end=_open_ports),
        Fault(name="dns-failure", begin=_lose_name, end=_find_name, names=True),
        _data("reset-in-body", lambda _: faults.Reset(after=10)),
        _data("timeout", lambda _: faults.Hang()),
        _data("slow-drip", lambda _: faults.Drip(pause=1.0, piece=4)),
        _data("401-once", lambda _: faults.Status(status=401), times=1),
        _status("401-for-ever", 401),
        _status("403-json", 403, '{"detail": "not for you"}'),
        _status("403-text", 403, "Forbidden", "text/plain"),
        _status("404", 404, '{"detail": "not here"}'),
        _data("429-seconds", lambda _: faults.rate_limited(f"{_WAIT:.0f}")),
        _data("429-date", lambda stage: LimitedUntil(stage.simulator.clock, _WAIT)),
        _data("429-bare", lambda _: faults.rate_limited()),
        _status("500", 500, '{"detail": "out of order"}'),
        _data("502-html", lambda _: faults.Html(status=502)),
        _data("200-html", lambda _: faults.Html()),
        _data("empty-body", lambda _: faults.Empty()),
        _data("truncated-json", lambda _: faults.Truncated()),
        _data("another-shape", lambda _: faults.Shape(payload={"hello": ["world", 1]})),
        _data("wrong-types", lambda _: Bent(wrong_types)),
        _data("200-mb-body", lambda _: faults.Flood(size=_HUGE)),
        _data("redirect-elsewhere", _elsewhere),
        _data("paging-for-ever", lambda stage: Endless(stage.provider)),
        Fault(name="clock-wrong-by-a-day", begin=_set_clock_back, end=_set_clock_right),
        Fault(name="token-endpoint-down", begin=_close_token_endpoint, end=_clear),
    )
}
