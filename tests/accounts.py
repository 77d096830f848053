"""Accounts as a person has them: set up through the real wizard, against the simulator."""

from collections.abc import Mapping
from datetime import timedelta
import json
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_USER, ConfigEntry, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.coordinator import EnergyCoordinator
from custom_components.energy_connect.providers import PROVIDERS
from simulator import Simulator

_TRANSLATIONS = Path(__file__).parents[1] / "custom_components" / DOMAIN / "translations"
EN = json.loads((_TRANSLATIONS / "en.json").read_text())


def credentials(simulator: Simulator, provider: str, **changed: Any) -> dict[str, Any]:
    """Return what a person types into the provider's form; `changed` replaces some of it."""
    keys = {field.key for field in PROVIDERS[provider].fields}
    known = simulator.credentials()[provider]
    return {key: value for key, value in known.items() if key in keys} | changed


def words(reason: str, account: str, *, status: str = "-", detail: str = "-") -> str:
    """Return what Home Assistant says for a reason."""
    said: str = EN["exceptions"][reason]["message"]
    return said.format(account=account, status=status, detail=detail)


async def begin(hass: HomeAssistant, *steps: str) -> ConfigFlowResult:
    """Start the wizard and take the menus' options; return the form that it shows."""
    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    for step in steps:
        flow = await hass.config_entries.flow.async_configure(
            flow["flow_id"], {"next_step_id": step}
        )
    return flow


async def enter(
    hass: HomeAssistant, flow: ConfigFlowResult, data: Mapping[str, Any]
) -> ConfigFlowResult:
    """Send a form."""
    result = await hass.config_entries.flow.async_configure(flow["flow_id"], dict(data))
    await hass.async_block_till_done()
    return result


async def entry_flow(hass: HomeAssistant, entry: ConfigEntry[Any], source: str) -> ConfigFlowResult:
    """Start a flow about an entry, as Home Assistant does."""
    return await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": source, "entry_id": entry.entry_id, "unique_id": entry.unique_id},
        data=dict(entry.data) if source == SOURCE_REAUTH else None,
    )


async def set_up(
    hass: HomeAssistant, simulator: Simulator, provider: str, *steps: str, **changed: Any
) -> ConfigEntry[EnergyCoordinator]:
    """Add an account with good credentials and return its entry, loaded."""
    flow = await begin(hass, *(steps or (provider,)))
    result = await enter(hass, flow, credentials(simulator, provider, **changed))
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    entry: ConfigEntry[EnergyCoordinator] = result["result"]
    return entry


async def pass_time(hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float) -> None:
    """Let time go on, and wait until everything that was due has happened."""
    freezer.tick(timedelta(seconds=seconds))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)


async def next_poll(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, entry: ConfigEntry[EnergyCoordinator]
) -> None:
    """Go to the coordinator's next poll."""
    interval = entry.runtime_data.update_interval
    assert interval is not None
    await pass_time(hass, freezer, interval.total_seconds() + 1)
