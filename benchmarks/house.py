"""A Home Assistant core with its registries and its web server, and no recorder."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
import gc
import logging
from pathlib import Path
import socket
import sys
import tempfile
from types import MappingProxyType
from typing import Any

from homeassistant import loader
from homeassistant.auth import auth_manager_from_config
from homeassistant.bootstrap import async_load_base_functionality
from homeassistant.config_entries import SOURCE_USER, ConfigEntries, ConfigEntry
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import entity_platform
from homeassistant.setup import async_setup_component

# Imported before Home Assistant looks for custom integrations in its own folder.
import custom_components  # noqa: F401 - imported for that effect
from custom_components.energy_connect.const import CONF_PROVIDER, DOMAIN
from custom_components.energy_connect.coordinator import EnergyCoordinator

type Entry = ConfigEntry[EnergyCoordinator]


@asynccontextmanager
async def core() -> AsyncIterator[HomeAssistant]:
    """Start one in a folder of its own.

    Without its limits of 10,000 entities an entry, and of a minute for a platform: the cost of one
    large account is what is measured.
    """
    entity_platform.MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY = sys.maxsize
    entity_platform.SLOW_SETUP_MAX_WAIT = 3600
    logging.getLogger("homeassistant").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "custom_components").mkdir()
        hass = HomeAssistant(folder)
        hass.config.skip_pip = True
        hass.config_entries = ConfigEntries(hass, {})
        loader.async_setup(hass)
        await async_load_base_functionality(hass)
        hass.auth = await auth_manager_from_config(hass, [], [])
        hass.set_state(CoreState.running)
        port = {"server_host": "127.0.0.1", "server_port": free_port()}
        assert await async_setup_component(hass, "http", {"http": port})
        for domain in ("homeassistant", "sensor", DOMAIN):
            assert await async_setup_component(hass, domain, {})
        await hass.async_block_till_done()
        try:
            yield hass
        finally:
            await hass.async_stop(force=True)


def free_port() -> int:
    """Return a port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def entry_of(provider: str, data: Mapping[str, Any], unique_id: str) -> Entry:
    """Return an entry as the wizard would make it."""
    return ConfigEntry(
        data={CONF_PROVIDER: provider, **data},
        discovery_keys=MappingProxyType({}),
        domain=DOMAIN,
        minor_version=1,
        options={},
        source=SOURCE_USER,
        subentries_data=None,
        title=unique_id,
        unique_id=unique_id,
        version=1,
    )


async def settled(hass: HomeAssistant) -> None:
    """Wait until nothing is left to do."""
    await hass.async_block_till_done(wait_background_tasks=True)


def calm() -> None:
    """Let the garbage collector forget what is there for good, as Home Assistant does on start."""
    gc.collect()
    gc.freeze()
