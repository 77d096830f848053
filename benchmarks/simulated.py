"""The strict simulator in a process of its own, so that none of its work counts."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
import json
import os
import signal
import sys
from typing import Any

import aiohttp


class Simulated:
    """The providers, and the address by which they are told what becomes of them."""

    def __init__(self, ready: Mapping[str, Any], session: aiohttp.ClientSession) -> None:
        """Take what the process said when it was ready."""
        self.credentials: Mapping[str, dict[str, Any]] = ready["credentials"]
        self._url = ready["control"]
        self._session = session

    async def turn(self, provider: str, **knobs: Any) -> None:
        """Set a provider's knobs."""
        await self._post(f"state/{provider}", knobs)

    async def hold(self) -> datetime:
        """Let time stand still, and return which one it is."""
        answer = await self._post("clock", {"frozen": True})
        return datetime.fromisoformat(answer["now"])

    async def advance(self, seconds: float) -> None:
        """Move the time on."""
        await self._post("clock", {"advance": seconds})

    async def _post(self, path: str, order: Mapping[str, Any]) -> Any:
        async with self._session.post(f"{self._url}/control/{path}", json=order) as answer:
            answer.raise_for_status()
            return await answer.json()


@asynccontextmanager
async def simulated() -> AsyncIterator[Simulated]:
    """Start it, and lead the integration to it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        line = b""
        while not line.startswith(b"simulator ready "):
            line = await process.stdout.readline()
        ready = json.loads(line.removeprefix(b"simulator ready "))
        os.environ.update(ready["environment"])
        async with aiohttp.ClientSession() as session:
            yield Simulated(ready, session)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
