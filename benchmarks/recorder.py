"""A Home Assistant with nothing but a recorder, and what shows how it suffers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
import tempfile
import time
from typing import Any, Self, cast

from homeassistant import loader
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.tasks import SynchronizeTask
from homeassistant.config_entries import ConfigEntries
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import recorder as recorder_helper, translation
from homeassistant.setup import async_setup_component


@asynccontextmanager
async def house(db_url: str | None) -> AsyncIterator[HomeAssistant]:
    """Start a recorder on a new SQLite file, or on the database of an address."""
    with tempfile.TemporaryDirectory() as folder:
        hass = HomeAssistant(folder)
        hass.config.skip_pip = True
        hass.config_entries = ConfigEntries(hass, {})
        loader.async_setup(hass)
        translation.async_setup(hass)
        hass.set_state(CoreState.running)
        recorder_helper.async_initialize_recorder(hass)
        url = db_url or f"sqlite:///{Path(folder) / 'home-assistant_v2.db'}"
        assert await async_setup_component(hass, "recorder", {"recorder": {"db_url": url}})
        await get_instance(hass).async_recorder_ready.wait()
        await synchronized(hass)
        try:
            yield hass
        finally:
            await hass.async_stop(force=True)


async def synchronized(hass: HomeAssistant) -> None:
    """Wait until the recorder has done what it was told so far."""
    done: asyncio.Future[None] = hass.loop.create_future()
    get_instance(hass).queue_task(SynchronizeTask(done))
    await done


class Watch:
    """Measures how long another write had to wait, and the event loop was held."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Watch this one."""
        self._hass = hass
        self._tasks: list[asyncio.Task[None]] = []
        self._end_of_turns: Callable[[], None] = lambda: None
        self.longest_wait = 0.0
        self.longest_hold = 0.0
        """Seconds of work in one turn of the loop.

        By the thread's own clock: on a busy machine the loop is also held by others.
        """

    async def __aenter__(self) -> Self:
        """Begin to watch."""
        self._tasks = [asyncio.create_task(self._writes())]
        self._time_turns()
        await asyncio.sleep(0.05)
        self.longest_wait = self.longest_hold = 0.0
        return self

    async def __aexit__(self, *_: object) -> None:
        """Watch no longer."""
        self._end_of_turns()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _writes(self) -> None:
        while True:
            began = time.perf_counter()
            await synchronized(self._hass)
            self.longest_wait = max(self.longest_wait, time.perf_counter() - began)
            await asyncio.sleep(0.02)

    def _time_turns(self) -> None:
        """Look at every turn: a task that looks now and then would miss those in between."""
        loop = cast(Any, self._hass.loop)
        turn = loop._run_once  # noqa: SLF001 - nothing public tells when a turn ends

        def timed() -> None:
            began = time.thread_time()
            turn()
            self.longest_hold = max(self.longest_hold, time.thread_time() - began)

        self._end_of_turns = lambda: setattr(loop, "_run_once", turn)
        loop._run_once = timed  # noqa: SLF001 - as above
