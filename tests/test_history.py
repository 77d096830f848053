"""The past in the recorder's statistics, hour by hour against the simulator's truth."""

from datetime import UTC, datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from custom_components.energy_connect.coordinator import EnergyCoordinator
from simulator import Simulator
from tests.accounts import pass_time, set_up

NOW = datetime(2026, 4, 10, 12, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def frozen(freezer: FrozenDateTimeFactory) -> FrozenDateTimeFactory:
    freezer.move_to(NOW)
    return freezer


async def rows(
    hass: HomeAssistant, statistic_id: str, start: datetime, end: datetime
) -> dict[datetime, tuple[float, float]]:
    """Return what the Energy dashboard is made of: hour -> (amount by the sums, state)."""
    found = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        start,
        end,
        {statistic_id},
        "hour",
        None,
        {"state", "sum", "change"},
    )
    return {
        datetime.fromtimestamp(row["start"], UTC): (row["change"], row["state"])
        for row in found.get(statistic_id, [])
    }


def truth(simulator: Simulator, start: datetime, end: datetime) -> dict[datetime, float]:
    """Return what the first generated meter really counted in each hour."""
    meter = simulator.enectiva.portfolio.meters[0]
    counts = {}
    at = start
    while at < end:
        counts[at] = meter.counter(simulator.house, at + HOUR) - meter.counter(simulator.house, at)
        at += HOUR
    return counts


async def choose(hass: HomeAssistant, entry: ConfigEntry[EnergyCoordinator], **options: object) -> None:
    hass.config_entries.async_update_entry(entry, options={**entry.options, **options})
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


async def imported(hass: HomeAssistant, frozen: FrozenDateTimeFactory) -> None:
    await pass_time(hass, frozen, 30)
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_a_year_is_in_the_statistics_hour_by_hour(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    simulator.enectiva.knobs.generated_meters = 1
    entry = await set_up(hass, simulator, "enectiva")
    await imported(hass, frozen)

    statistic = f"energy_connect:{entry.unique_id}_meter_20000_energy_consumption".replace("-", "_")
    start, end = NOW.replace(minute=0) - timedelta(days=365), NOW.replace(minute=0) - 2 * HOUR
    known = await rows(hass, statistic, start, end)
    real = truth(simulator, start, end)
    assert known.keys() == real.keys()
    for at, amount in real.items():
        assert known[at] == pytest.approx((amount, amount), abs=0.002), at
