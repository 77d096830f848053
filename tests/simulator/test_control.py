"""The control address and the command."""

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
import json
import os
from pathlib import Path
import runpy
import signal
import sys
from typing import Any

import aiohttp
import pytest

from simulator import Simulator
from simulator.__main__ import main
from simulator.clock import Clock
from simulator.payload import JsonValue

ROOT = Path(__file__).parents[2]


class Control:
    """A client of the control address."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self._base = f"{sim.control.url}/control"
        self._session = session

    async def ask(
        self, method: str, path: str, payload: JsonValue = None, status: int = 200
    ) -> Any:
        body = None if payload is None else json.dumps(payload)
        async with self._session.request(method, f"{self._base}/{path}", data=body) as response:
            assert response.status == status, await response.text()
            text = await response.text()
            return json.loads(text) if text.startswith(("{", "[", "n", '"')) else None


@pytest.fixture
async def sim(clock: Clock) -> AsyncIterator[Simulator]:
    async with Simulator(clock=clock, control=True) as running:
        yield running


@pytest.fixture
def control(sim: Simulator, session: aiohttp.ClientSession) -> Control:
    return Control(sim, session)


async def test_moves_the_clock(control: Control, sim: Simulator) -> None:
    start = sim.clock.now()
    assert await control.ask("GET", "clock") == {"now": start.isoformat(), "frozen": True}
    await control.ask("POST", "clock", {"advance": 60})
    assert (sim.clock.now() - start).total_seconds() == 60
    moved = await control.ask("POST", "clock", {"set": "2026-03-04T05:06:07Z", "advance": 3})
    assert moved == {"now": "2026-03-04T05:06:10+00:00", "frozen": True}
    await control.ask("POST", "clock", {"frozen": False})
    assert not sim.clock.frozen
    await control.ask("POST", "clock", {"frozen": True})
    assert sim.clock.frozen


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        ("clock", {"set": "yesterday"}),
        ("clock", {"set": "2026-03-04T05:06:07"}),
        ("clock", {"set": 5}),
        ("clock", {"advance": "5"}),
        ("clock", {"advance": True}),
        ("clock", [1]),
        ("faults", {"kind": "earthquake"}),
        ("faults", {}),
        ("faults", {"kind": "status"}),
        ("faults", {"kind": "patch", "patch": 5}),
        ("state/kostal", {"colour": "red"}),
        ("work/enectiva/set_scopes", {"scopes": "meters"}),
    ],
)
async def test_refuses_nonsense(control: Control, path: str, payload: JsonValue) -> None:
    refusal = await control.ask("POST", path, payload, status=400)
    assert isinstance(refusal, dict)
    assert refusal["error"]


async def test_a_body_that_is_no_json_is_nonsense(
    sim: Simulator, session: aiohttp.ClientSession
) -> None:
    async with session.post(f"{sim.control.url}/control/clock", data=b"{") as response:
        assert response.status == 400


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "status", "status": 429, "headers": {"Retry-After": 5}, "body": "x"}, "Status"),
        ({"kind": "shape", "payload": []}, "Shape"),
        ({"kind": "html"}, "Html"),
        ({"kind": "redirect", "url": "http://127.0.0.1:1/"}, "Redirect"),
        ({"kind": "empty"}, "Empty"),
        ({"kind": "truncated", "keep": 0.1}, "Truncated"),
        ({"kind": "content_type", "content_type": "text/x"}, "ContentType"),
        ({"kind": "patch", "patch": {"a": 1}}, "Rewrite"),
        ({"kind": "reset", "after_bytes": 3}, "Reset"),
        ({"kind": "drip"}, "Drip"),
        ({"kind": "hang"}, "Hang"),
        ({"kind": "flood", "size": 1000}, "Flood"),
    ],
)
async def test_injects_faults(
    control: Control, sim: Simulator, fault: dict[str, JsonValue], kind: str
) -> None:
    where: dict[str, JsonValue] = {"provider": "kostal", "path": "/x", "method": "GET", "times": 2}
    listed = await control.ask("POST", "faults", fault | where)
    assert listed == [
        {"kind": kind, "origin": "*", "after": 0, "hits": 0} | where,
    ]
    assert [one.kind for one in sim.faults.active()] == [kind]
    await control.ask("DELETE", "faults", status=204)
    assert await control.ask("GET", "faults") == []


async def test_an_injected_fault_works(
    control: Control, sim: Simulator, session: aiohttp.ClientSession
) -> None:
    await control.ask(
        "POST", "faults", {"kind": "status", "status": 429, "headers": {"Retry-After": 5}}
    )
    async with session.get(sim.kostal.url) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "5")


async def test_gives_the_journal(
    control: Control, sim: Simulator, session: aiohttp.ClientSession
) -> None:
    for server in (sim.kostal, sim.enectiva):
        async with session.get(f"{server.url}/meters"):
            pass
    assert len(await control.ask("GET", "journal")) == 2
    (entry,) = await control.ask("GET", "journal?provider=enectiva&path=/m*&method=GET&origin=api")
    assert (entry["path"], entry["status"]) == ("/meters", 406)
    await control.ask("DELETE", "journal", status=204)
    assert await control.ask("GET", "journal") == []


async def test_turns_knobs(control: Control, sim: Simulator) -> None:
    await control.ask("POST", "state/kostal", {"status": "STATUS_WARNING", "energy_flow": "on"})
    assert sim.kostal.knobs.status == "STATUS_WARNING"
    state = await control.ask("GET", "state")
    assert state["kostal"]["energy_flow"] == "on"
    assert state["enectiva"]["page_size"] == 1000
    assert await control.ask("GET", "state/kostal") == state["kostal"]
    await control.ask("GET", "state/nobody", status=404)


async def test_makes_providers_work(control: Control, sim: Simulator) -> None:
    text = await control.ask("POST", "work/kostal/create_token", {"name": "x", "days": None})
    endless = sim.kostal.tokens.get("x")
    assert endless is not None
    assert (endless.text, endless.expires) == (text, None)
    assert await control.ask("POST", "work/kostal/revoke", {"name": "x"}) is None
    assert sim.kostal.tokens.get("x") is None
    text = await control.ask(
        "POST",
        "work/kostal/create_token",
        {"name": "y", "role": "admin", "days": 1, "authorised": False},
    )
    assert sim.kostal.tokens.role(text) is None
    await control.ask("POST", "work/kostal/authorise", {"name": "y"})
    assert sim.kostal.tokens.role(text) == "admin"
    measured = sim.kostal.measured()
    await control.ask("POST", "work/kostal/freeze")
    sim.clock.advance(60)
    assert sim.kostal.measured() == measured
    await control.ask("POST", "work/kostal/thaw")
    assert sim.kostal.measured() > measured
    made = await control.ask("POST", "work/enectiva/create_login_token", {"scopes": ["meters"]})
    assert len(made) == 64
    assert await control.ask("POST", "work/enectiva/set_scopes", {"scopes": ["b", "a"]}) == [
        "a",
        "b",
    ]
    assert sim.enectiva.tokens.demo.scopes == {"a", "b"}
    await control.ask("POST", "work/enectiva/forget_access_tokens")
    await control.ask("POST", "work/enectiva/revoke")
    assert sim.enectiva.tokens.demo.revoked
    await control.ask("POST", "work/kostal/fly", status=404)
    await control.ask("POST", "work/nobody/fly", status=404)
    await control.ask("POST", "work/kostal/revoke", {"name": "gone"}, status=400)
    await control.ask("POST", "work/kostal/revoke", {}, status=400)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_command_serves_until_told_to_stop(
    session: aiohttp.ClientSession, number: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", "--seed", "3", cwd=ROOT, stdout=PIPE
    )
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith("simulator ready "):
        lines.append((await process.stdout.readline()).decode())
    ready = json.loads(lines[-1].removeprefix("simulator ready "))
    assert ready["environment"]["ENERGY_CONNECT_ENECTIVA_API_URL"] in "".join(lines[:-1])
    assert ready["credentials"]["kostal"]["token"]
    async with session.get(f"{ready['control']}/control/clock") as response:
        assert (await response.json())["frozen"] is False
    process.send_signal(number)
    assert await asyncio.wait_for(process.wait(), 5) == 0


def test_the_command_stops_by_itself_when_interrupted_from_within(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_soon(self: Simulator) -> dict[str, dict[str, JsonValue]]:
        os.kill(os.getpid(), signal.SIGTERM)
        return {}

    monkeypatch.setattr(Simulator, "credentials", stop_soon)
    monkeypatch.setattr(sys, "argv", ["simulator", "--seed", "2"])
    monkeypatch.delitem(sys.modules, "simulator.__main__")
    runpy.run_module("simulator", run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("simulator ready ")
    assert any(line.startswith("kostal: https https://127.0.0.1:") for line in lines)


def test_the_command_refuses_a_port_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--port", "many"])
    assert "--port" in capsys.readouterr().err
