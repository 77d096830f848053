"""One Home Assistant and its many lives: start, know that all is back, be killed."""

import asyncio
from collections.abc import Mapping
import json
from pathlib import Path
import re
from typing import Any, Final, Self

import aiohttp

from custom_components.energy_connect.const import DOMAIN
from scripts.demonstration.home_assistant import HomeAssistant, NotRunning
from scripts.demonstration.session import Session
from scripts.demonstration.wizard import consent, set_up
from simulator import Simulator

_CONFIGURATION: Final = """\
homeassistant:
  name: Crashing house
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
recorder:
  commit_interval: 1
logger:
  default: warning
  logs:
    custom_components.energy_connect: info
"""
_BACK_WITHIN: Final = 120.0
_LOOK: Final = 0.1
_FLOWS: Final = "/api/config/config_entries/flow"
_OPTIONS: Final = "/api/config/config_entries/options/flow"
# Home Assistant itself leaves these behind when it is killed while it writes.
_HALF_WRITTEN: Final = re.compile(r"tmp|\.")


class Lost(Exception):
    """Something did not survive that must."""


class House:
    """Home Assistant, its configuration folder, and a person's session with it."""

    def __init__(self, simulator: Simulator, port: int) -> None:
        """Prepare; nothing runs yet."""
        self.simulator = simulator
        self.process = HomeAssistant(port, simulator.environment(), configuration=_CONFIGURATION)
        self.session = Session(self.process.url)
        self.entries: dict[str, str] = {}
        """The accounts' entries, by provider."""

    async def __aenter__(self) -> Self:
        """Open the session."""
        await self.session.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        """End the process and the session."""
        if self.process.running:
            await self.process.kill()
        await self.session.__aexit__(None, None, None)

    @property
    def storage(self) -> Path:
        """Where Home Assistant keeps what it must not lose."""
        return self.process.config / ".storage"

    async def furnish(self, depths: Mapping[str, str]) -> None:
        """Set all accounts up through the wizard, say how much past is wanted, and end in peace."""
        async with self.process:
            await self.session.onboard()
            for provider in self.simulator.servers:
                await set_up(self.session, self.simulator, provider)
                known = set(self.entries.values())
                (entry_id,) = {entry["entry_id"] for entry in await self.accounts()} - known
                self.entries[provider] = entry_id
                if provider in depths:
                    await self._want_past(entry_id, depths[provider])
            token = await self.session.command(
                "auth/long_lived_access_token", client_name="crash", lifespan=1
            )
        self.session.resume(token)

    async def _want_past(self, entry_id: str, depth: str) -> None:
        flow = await self.session.post(_OPTIONS, {"handler": entry_id})
        entered: dict[str, Any] = {"history_depth": depth}
        for field in flow["data_schema"]:
            if field.get("type") == "expandable":
                entered[field["name"]] = {}
            elif field["name"] != "history_depth" and "default" in field:
                entered[field["name"]] = field["default"]
        done = await self.session.post(f"{_OPTIONS}/{flow['flow_id']}", entered)
        if done["type"] != "create_entry":
            raise NotRunning(f"the options were not taken: {done}")

    async def accounts(self) -> list[dict[str, Any]]:
        """Return the entries as Home Assistant shows them."""
        found: list[dict[str, Any]] = await self.session.command(
            "config_entries/get", domain=DOMAIN
        )
        return found

    async def come_back(self, *, signed_out: str | None = None) -> None:
        """Wait until Home Assistant runs and every account is loaded; `signed_out` need not be.

        Raises:
            Lost: it did not come back.

        """
        last: object = "it did not answer"
        try:
            async with asyncio.timeout(_BACK_WITHIN):
                while True:
                    if not self.process.running:
                        raise Lost("Home Assistant ended by itself")
                    try:
                        running = (await self.session.get("/api/config"))["state"] == "RUNNING"
                        states = {one["entry_id"]: one["state"] for one in await self.accounts()}
                    except (aiohttp.ClientError, NotRunning, TypeError, OSError) as error:
                        last = repr(error)
                    else:
                        last = states
                        wanted = {
                            entry_id: "setup_error" if provider == signed_out else "loaded"
                            for provider, entry_id in self.entries.items()
                        }
                        if running and states == wanted:
                            return
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            raise Lost(f"not back after {_BACK_WITHIN:.0f} s: {last}") from None

    async def sign_ins(self) -> list[dict[str, Any]]:
        """Return the requests for a new sign-in."""
        flows = await self.session.command("config_entries/flow/progress")
        return [
            flow
            for flow in flows
            if flow["handler"] == DOMAIN and flow["context"]["source"] == "reauth"
        ]

    async def sign_in(self, flow: Mapping[str, Any], provider: str) -> None:
        """Sign in again as a person does, and wait until Home Assistant has saved it."""
        before = self.entry(provider)["data"]["token"]["refresh_token"]
        page = await self.session.post(f"{_FLOWS}/{flow['flow_id']}", {})
        done = await consent(self.session, page, provider)
        if done.get("reason") != "reauth_successful":
            raise Lost(f"the new sign-in was not taken: {done}")
        await self.come_back()
        # Home Assistant saves its entries a second late: who is killed within it signs in again.
        async with asyncio.timeout(30):
            while self.entry(provider)["data"]["token"]["refresh_token"] == before:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK)

    def entry(self, provider: str) -> dict[str, Any]:
        """Return an account's entry as it is on the disk."""
        stored = self.stored("core.config_entries")
        assert stored is not None
        found: dict[str, Any] = next(
            one for one in stored["entries"] if one["entry_id"] == self.entries[provider]
        )
        return found

    def stored(self, name: str) -> dict[str, Any] | None:
        """Return the content of a stored file, None if there is none.

        Raises:
            Lost: the file is broken.

        """
        try:
            content: dict[str, Any] = json.loads((self.storage / name).read_bytes())["data"]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError) as error:
            raise Lost(f"{name} is broken") from error
        return content

    def check_files(self) -> int:
        """Read every stored file; return how many there are.

        Raises:
            Lost: one is broken, or was found broken by Home Assistant.

        """
        names = [path.name for path in self.storage.iterdir() if path.is_file()]
        if broken := [name for name in names if ".corrupt" in name]:
            raise Lost(f"broken files: {', '.join(broken)}")
        whole = [name for name in names if not _HALF_WRITTEN.match(name)]
        for name in whole:
            self.stored(name)
        return len(whole)

    def complaints(self) -> list[str]:
        """Return the errors in the log of this life that are about the integration."""
        text = (self.process.config / "output.log").read_text(errors="replace")
        return [
            line
            for line in text.splitlines()
            if (" ERROR " in line or " CRITICAL " in line)
            and (DOMAIN in line or "recorder" in line or "storage" in line)
        ]
