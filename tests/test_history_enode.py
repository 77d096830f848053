"""Enode's past in the recorder's statistics, hour by hour against the simulator's truth."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from custom_components.energy_connect.const import DOMAIN
from simulator import Simulator
from simulator.enode.assets import SITE, asset_id
from simulator.house import Flow
from tests.accounts import set_up
from tests.test_history import imported, rows

NOW = datetime(2026, 4, 10, 12, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def statistic(entry: ConfigEntry[Any], device: str, quantity: str) -> str:
    words = f"{entry.unique_id}_{device}_{quantity}"
    return f"{DOMAIN}:{words.replace('-', '_')}"


def truth(
    simulator: Simulator, flow: Flow, start: datetime, end: datetime
) -> dict[datetime, float]:
    house = simulator.house
    hours = (start + HOUR * number for number in range((end - start) // HOUR))
    return {at: house.energy(flow, at + HOUR) - house.energy(flow, at) for at in hours}


async def test_months_with_a_clock_change_are_in_the_statistics(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    freezer.move_to(NOW)
    entry = await set_up(hass, simulator, "enode")
    hass.config_entries.async_update_entry(entry, options={"history_depth": "month"})
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()

    await imported(hass, freezer)

    # What is younger may still change, or is not over.
    start, end = datetime(2026, 3, 11, tzinfo=UTC), datetime(2026, 4, 8, tzinfo=UTC)
    for device, quantity, flow in (
        (asset_id("inverter"), "energy_production", Flow.PV),
        (SITE, "energy_import", Flow.GRID_IMPORT),
        (SITE, "energy_export", Flow.GRID_EXPORT),
        (SITE, "energy_discharged", Flow.BATTERY_DISCHARGE),
    ):
        shown = await rows(hass, statistic(entry, device, quantity), start, end)
        assert shown == pytest.approx(truth(simulator, flow, start, end), abs=1e-4)
    for device, flow in (
        (asset_id("vehicle 0"), Flow.WALLBOX_1),
        (asset_id("charger 1"), Flow.WALLBOX_2),
    ):
        shown = await rows(hass, statistic(entry, device, "energy_charged"), start, end)
        real = truth(simulator, flow, start, end)
        assert shown == pytest.approx({at: real[at] for at in real if real[at]}, abs=1e-4)
    asked = simulator.journal.count(provider="enode")
    # Thirteen weeks: a request a day for the inverter and the home, a month for the others.
    assert asked < 2 * 100 + 5 * 12 + 80
