"""A real Home Assistant in this process: started on a folder, stopped, started again on it."""

# ruff: noqa: SLF001 - neither the timers of a loop nor the connections in use are public

import asyncio
import functools
import gc
from pathlib import Path
import queue
import socket
from types import SimpleNamespace
from typing import Any, Final

from homeassistant import bootstrap, loader
from homeassistant.components.http.config import async_get_and_load_store
from homeassistant.components.recorder import core as recorder, get_instance
from homeassistant.components.recorder.tasks import SynchronizeTask
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import DATA_CONNECTOR
from zeroconf import Zeroconf

from .loop import DrivenLoop, WatchedQueue

ZONE: Final = "Europe/Prague"
_COMMIT: Final = 120


def free_port() -> int:
    """Return a port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


_ZEROCONF_INIT: Final = Zeroconf.__init__


def _own_zeroconf(cls: type[Zeroconf], *_: Any, **__: Any) -> Zeroconf:
    return object.__new__(cls)


_HOUSES: Final = ("custom_components.", "homeassistant.")


def _owner(timer: asyncio.TimerHandle) -> tuple[str, str]:
    """Return module and name of what a timer calls in the end."""
    called: Any = timer._callback  # type: ignore[attr-defined] # no public way
    for each in timer._args or ():
        called = getattr(each, "target", called)
    called = getattr(called, "__func__", called)
    kind = called if hasattr(called, "__qualname__") else type(called)
    return kind.__module__ or "", kind.__qualname__


class House:
    """One configuration folder, and the Home Assistant that runs on it, if any."""

    def __init__(self, folder: Path, loop: DrivenLoop) -> None:
        """Take an empty folder."""
        self.folder = folder
        self.loop = loop
        self.port = free_port()
        self.starts = 0
        self._hass: HomeAssistant | None = None

    @property
    def hass(self) -> HomeAssistant:
        """The Home Assistant that runs."""
        assert self._hass is not None
        return self._hass

    @property
    def url(self) -> str:
        """Home Assistant's address."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> HomeAssistant:
        """Start Home Assistant with its usual integrations, and wait until it runs."""
        # A task of its own: what a life writes into its context must not outlive it.
        return await asyncio.create_task(self._start())

    async def _start(self) -> HomeAssistant:
        self._watch_recorder()
        hass = self._hass = HomeAssistant(str(self.folder))
        loader.async_setup(hass)
        hass.config.skip_pip = True
        assert await bootstrap.async_from_config_dict(self._configuration(), hass) is not None
        if not self.starts:
            # An address from YAML is on trial for five minutes, until a person confirms it.
            await (await async_get_and_load_store(hass)).async_promote_pending()
        await hass.async_start()
        await hass.async_block_till_done()
        self.starts += 1
        return hass

    @property
    def runs(self) -> bool:
        """Whether Home Assistant runs, and is not about to stop."""
        return self._hass is not None and self._hass.is_running and not self._hass.is_stopping

    async def stop(self) -> list[str]:
        """Stop it as a restart does; return what of the integration lives on.

        After this the process would end: what Home Assistant itself leaves behind ends here.
        """
        hass = self.hass
        await hass.async_stop(force=True)
        self._hass = None
        self.loop.queues.clear()
        # Its mark on the loop, which is to serve the next one too.
        del self.loop._shutdown_run_callback_threadsafe  # type: ignore[attr-defined] # see above
        left = []
        for timer in list(self.loop._scheduled):  # type: ignore[attr-defined] # no public way
            module, name = _owner(timer)
            if not timer.cancelled() and module.startswith(_HOUSES):
                timer.cancel()
                if module.startswith(_HOUSES[0]):
                    left.append(f"timer of {module}.{name}")
        for task in asyncio.all_tasks():
            code = getattr(task.get_coro(), "cr_code", None)
            if code is not None and "/custom_components/" in code.co_filename:
                left.append(f"task {code.co_qualname}")
        # Something of Home Assistant's own may hold on to it for ever; then to an empty one.
        hass.data.clear()
        hass.bus._listeners.clear()
        hass.states._states.clear()
        hass.config_entries._entries.clear()
        # It lets this class give out its own instance for ever, to the next life as well.
        Zeroconf.__new__ = _own_zeroconf  # type: ignore[assignment] # as Home Assistant does
        Zeroconf.__init__ = _ZEROCONF_INIT  # type: ignore[method-assign] # see above
        for cache in gc.get_objects():
            # aiohttp's, too: it keeps the web server's application, and by it the whole house.
            if isinstance(cache, functools._lru_cache_wrapper):
                cache.cache_clear()
        return left

    def waits_for_answers(self) -> bool:
        """Whether a request of Home Assistant is under way."""
        known = {} if self._hass is None else self._hass.data.get(DATA_CONNECTOR, {})
        return any(one._acquired for one in known.values())

    async def recorded(self) -> None:
        """Wait until the recorder has written what it was told so far."""
        done: asyncio.Future[None] = self.loop.create_future()
        get_instance(self.hass).queue_task(SynchronizeTask(done))
        await done

    def _watch_recorder(self) -> None:
        """Let the loop see whether the recorder's thread is at work."""
        queues = self.loop.queues

        def watched() -> WatchedQueue[Any]:
            made = WatchedQueue[Any]()
            queues.append(made)
            return made

        # Its module asks `queue` for nothing else.
        setattr(recorder, "queue", SimpleNamespace(SimpleQueue=watched, Empty=queue.Empty))  # noqa: B010 - it is not exported

    def _configuration(self) -> dict[str, Any]:
        configuration: dict[str, Any] = {
            "homeassistant": {
                "name": "House",
                "latitude": 50.0,
                "longitude": 14.4,
                "elevation": 200,
                "unit_system": "metric",
                "currency": "EUR",
                "country": "CZ",
                "time_zone": ZONE,
            },
            "history": {},
            "logbook": {},
            "recorder": {"commit_interval": _COMMIT},
        }
        if not self.starts:
            configuration["http"] = {"server_host": "127.0.0.1", "server_port": self.port}
        return configuration
