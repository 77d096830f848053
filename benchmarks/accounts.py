"""A meter that is polled each second, and an account whose provider is dead."""

import argparse
import asyncio
from collections.abc import Sequence
import os
import socket
import time
from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant

from benchmarks.house import Entry, calm, core, entry_of, settled
from benchmarks.measure import resident, tell
from benchmarks.simulated import simulated
from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.providers import PROVIDERS


async def add_meter(hass: HomeAssistant, credentials: dict[str, Any]) -> Entry:
    """Add the meter by the wizard."""
    keys = {one.key for one in PROVIDERS["kostal"].fields}
    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    flow = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"next_step_id": "kostal"}
    )
    result = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {key: value for key, value in credentials.items() if key in keys}
    )
    await settled(hass)
    entry: Entry = result["result"]
    return entry


async def measure_meter(seconds: int) -> None:
    """Poll a meter once a second, ten times as often as the integration does."""
    async with simulated() as providers, core() as hass:
        entry = await add_meter(hass, providers.credentials["kostal"])
        calm()
        before, cpu, failed = resident(), time.process_time(), 0
        began = asyncio.get_running_loop().time()
        for number in range(1, seconds + 1):
            await entry.runtime_data.async_refresh()
            failed += entry.runtime_data.last_error is not None
            await asyncio.sleep(max(0.0, began + number - asyncio.get_running_loop().time()))
        cpu = time.process_time() - cpu
        what = f"KOSTAL, a poll a second for {seconds} s"
        tell(f"{what}: processor", 100 * cpu / seconds, "% of a core", polls=seconds)
        tell(f"{what}: memory gained", resident() - before, "MB")
        tell(f"{what}: polls that failed", failed, "count", 0)


async def measure_dead() -> None:
    """Set up an account whose provider takes connections and says nothing, beside one that works."""
    async with simulated() as providers, core() as hass:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            os.environ["ENERGY_CONNECT_ENODE_API_URL"] = url
            os.environ["ENERGY_CONNECT_ENODE_AUTH_URL"] = url
            data = {"environment": "production", "client_id": "dead", "client_secret": "invented"}
            dead = entry_of("enode", data, "production_dead")
            began = time.perf_counter()
            task = asyncio.create_task(hass.config_entries.async_add(dead))
            meter = await add_meter(hass, providers.credentials["kostal"])
            alive = time.perf_counter() - began
            await task
            took = time.perf_counter() - began
        assert dead.state is ConfigEntryState.SETUP_RETRY
        assert meter.state is ConfigEntryState.LOADED
        tell("set-up with a dead provider", took, "s", 10)
        tell("set-up of a meter beside it, by the wizard", alive, "s")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="scripts/bench accounts", description=__doc__)
    parser.add_argument("--kostal-seconds", type=int, help="for how long a meter is polled")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, rougher figures")
    args = parser.parse_args(arguments)
    asyncio.run(measure_dead())
    asyncio.run(measure_meter(args.kostal_seconds or (60 if args.quick else 600)))


if __name__ == "__main__":
    main()
