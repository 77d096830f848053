"""The past of Traxes' meters in the recorder's statistics, against the simulator's truth."""

from datetime import UTC, datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.statistics import get_metadata, statistics_during_period
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest

from custom_components.energy_connect.const import DOMAIN
from simulator import Simulator
from simulator.house import Flow
from tests.accounts import pass_time, set_up

NOW = datetime(2026, 4, 10, 12, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("place", "quantity", "flow", "unit"),
    [
        ("meter", "energy_import", Flow.GRID_IMPORT, "kWh"),
        ("gas", "gas_consumption", Flow.GAS, "m³"),
    ],
)
async def test_a_month_of_electricity_and_gas(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    place: str,
    quantity: str,
    flow: Flow,
    unit: str,
) -> None:
    freezer.move_to(NOW)
    hidden = {"meter": "gas", "gas": "meter"}[place]
    server = simulator.traxes
    keep = server.fleet.id(place)
    server.knobs.cars = 0
    server.knobs.hidden = frozenset(server.units()) - {keep}
    assert server.fleet.id(hidden) in server.knobs.hidden
    entry = await set_up(hass, simulator, "traxes")
    hass.config_entries.async_update_entry(entry, options={"history_depth": "month"})
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()

    await pass_time(hass, freezer, 30)
    await hass.async_block_till_done(wait_background_tasks=True)

    account = str(entry.unique_id).replace("-", "_").lower()
    statistic = f"{DOMAIN}:{account}_{keep.replace('-', '_')}_{quantity}"
    start, end = NOW.replace(minute=0) - 31 * 24 * HOUR, NOW.replace(minute=0) - HOUR
    found = await get_instance(hass).async_add_executor_job(
        statistics_during_period, hass, start, end, {statistic}, "hour", None, {"change"}
    )
    shown = {datetime.fromtimestamp(row["start"], UTC): row["change"] for row in found[statistic]}
    house = simulator.house
    real = {}
    at = start
    while at < end:
        real[at] = house.energy(flow, at + HOUR) - house.energy(flow, at)
        at += HOUR
    assert sorted(shown) == sorted(real)
    assert shown == pytest.approx(real, abs=0.0021)


async def test_a_statistic_is_called_as_its_device_is(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A battery without a name of its own is known by maker and model in both places."""
    freezer.move_to(NOW)
    server = simulator.traxes
    server.knobs.cars = 0
    server.knobs.hidden = frozenset(server.units()) - {server.fleet.id("battery")}
    entry = await set_up(hass, simulator, "traxes")
    hass.config_entries.async_update_entry(entry, options={"history_depth": "month"})
    await hass.config_entries.async_reload(entry.entry_id)
    await pass_time(hass, freezer, 30)
    await hass.async_block_till_done(wait_background_tasks=True)

    known = await get_instance(hass).async_add_executor_job(get_metadata, hass)
    names = {meta["name"] for _, meta in known.values()}
    registry = dr.async_get(hass)
    found = dr.async_entries_for_config_entry(registry, entry.entry_id)
    devices = {device.name for device in found}
    assert "Stackwell Battery" in devices
    assert "Stackwell Battery: energy charged" in names
