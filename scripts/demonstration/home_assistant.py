"""A real Home Assistant as a child process, with a configuration of its own."""

import asyncio
from collections.abc import Mapping
from importlib.metadata import version
import os
from pathlib import Path
import shutil
import signal
import socket
import sys
from types import TracebackType
from typing import Self

import aiohttp

ROOT = Path(__file__).parents[2]
_STARTED_WITHIN = 180.0
_STOPPED_WITHIN = 30.0
# Not `default_config`: it brings `my` and `cloud`, which would lead out of this machine.
_CONFIGURATION = """\
homeassistant:
  name: Demo house
  latitude: 50.0
  longitude: 14.4
  elevation: 200
  unit_system: metric
  currency: EUR
  country: CZ
  time_zone: Europe/Prague
http:
  server_host: 127.0.0.1
  server_port: {port}
application_credentials:
config:
diagnostics:
energy:
frontend:
history:
logbook:
recorder:
repairs:
system_health:
logger:
  default: warning
  logs:
    custom_components.energy_connect: info
"""


class NotRunning(Exception):
    """Home Assistant did not start, or ended by itself."""


def free_port() -> int:
    """Return a port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class HomeAssistant:
    """Home Assistant on loopback; started on entering, gone on leaving."""

    def __init__(
        self,
        port: int,
        environment: Mapping[str, str],
        *,
        configuration: str = _CONFIGURATION,
    ) -> None:
        """Take the port and the providers' addresses; `configuration` names the port."""
        self.url = f"http://127.0.0.1:{port}"
        self.version = version("homeassistant")
        self._port = port
        self._environment = {**os.environ, **environment}
        # By port, so that a check does not disturb a demo that runs.
        self.config = ROOT / ".demo" / str(port)
        self.log = self.config / "output.log"
        self._configuration = configuration
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Start, and wait until the web interface answers."""
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                raise NotRunning(f"port {self._port} is taken; choose another with --port")
        self._write_configuration()
        await self.launch()
        try:
            async with asyncio.timeout(_STARTED_WITHIN):
                await self._answers()
        except BaseException as error:
            await self.stop()
            if isinstance(error, TimeoutError):
                self.show_log()
                raise NotRunning("Home Assistant did not start in time") from error
            raise
        return self

    async def launch(self) -> None:
        """Start the process with the configuration that is there."""
        log = self.log.open("wb")
        with log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "homeassistant", "--config", str(self.config)),
                *("--skip-pip", "--log-no-color"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it, and wait until it is gone."""
        await self.stop()

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    def show_log(self, lines: int = 40) -> None:
        """Print the end of what Home Assistant wrote."""
        text = self.log.read_text(errors="replace")
        print("\n".join(text.splitlines()[-lines:]), flush=True)

    def _write_configuration(self) -> None:
        """Begin anew: the simulated accounts are new ones at each start, too."""
        shutil.rmtree(self.config, ignore_errors=True)
        self.config.mkdir(parents=True)
        (self.config / "configuration.yaml").write_text(self._configuration.format(port=self._port))
        (self.config / "custom_components").symlink_to(ROOT / "custom_components")

    async def _answers(self) -> None:
        process = self._process
        assert process is not None
        async with aiohttp.ClientSession() as session:
            while True:
                if process.returncode is not None:
                    self.show_log()
                    raise NotRunning("Home Assistant ended by itself")
                try:
                    async with session.get(f"{self.url}/api/onboarding") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.2)

    async def kill(self) -> None:
        """End it as a power cut would, without a word before."""
        process = self._process
        assert process is not None
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    async def stop(self) -> None:
        """Ask it to end, and wait until it is gone."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        # The whole session: Home Assistant may have children of its own (ffmpeg, pip).
        os.killpg(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOPPED_WITHIN):
                await process.wait()
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
