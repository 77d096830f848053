"""Data series in the recorder's statistics: hourly means against the simulator's truth."""

from collections.abc import Mapping
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.statistics import get_metadata, statistics_during_period
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.core.means import Mean
from custom_components.energy_connect.history.means import MeansTable
from custom_components.energy_connect.history.statistics import Statistic
from simulator import Simulator
from simulator.enectiva.past import Absent, Past, Wrong
from tests.accounts import set_up
from tests.test_history import DAY, HOUR, NEWEST, NOW, done, frozen, imported

__all__ = ["frozen"]


def statistic(entry: ConfigEntry[Any], series: str = "7001") -> str:
    account = str(entry.unique_id).replace("-", "_")
    return f"{DOMAIN}:{account}_series_{series}_value"


async def begin(hass: HomeAssistant, simulator: Simulator) -> ConfigEntry[Any]:
    simulator.enectiva.knobs.generated_meters = 0
    entry = await set_up(hass, simulator, "enectiva")
    options = {"history_depth": "month", "data_series": ["7001", "7003"]}
    hass.config_entries.async_update_entry(entry, options=options)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def means(hass: HomeAssistant, statistic_id: str) -> dict[datetime, tuple[Any, ...]]:
    found = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        NOW - 40 * DAY,
        NOW + 40 * DAY,
        {statistic_id},
        "hour",
        None,
        {"mean", "min", "max"},
    )
    return {
        datetime.fromtimestamp(row["start"], UTC): (row["mean"], row["min"], row["max"])
        for row in found.get(statistic_id, [])
    }


def truth(simulator: Simulator, at: datetime) -> tuple[float, float, float]:
    series = next(one for one in simulator.enectiva.portfolio.series if one.id == "7001")
    values = [series.value(simulator.house, at + number * HOUR / 4) for number in range(4)]
    return fmean(values), min(values), max(values)


async def test_a_month_of_a_data_series_has_means_in_the_unit_that_the_provider_states(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    entry = await begin(hass, simulator)

    await imported(hass, frozen)

    shown = await means(hass, statistic(entry))
    first = NOW.replace(minute=0) - 31 * DAY
    hours = (NEWEST - first) // HOUR
    for number in range(hours):
        at = first + number * HOUR
        assert shown[at] == pytest.approx(truth(simulator, at), abs=1e-5)
    metadata = await get_instance(hass).async_add_executor_job(get_metadata, hass)
    (_, told) = metadata[statistic(entry)]
    assert (told["unit_of_measurement"], told["unit_class"]) == ("°C", "temperature")
    assert (told["has_sum"], told["name"]) == (False, "Data series 7001: value")
    # Of the other nobody knows the unit.
    assert statistic(entry, "7003") not in metadata


async def test_what_befalls_points_is_mended_when_it_is_known(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: Simulator,
    frozen: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A late day, a gap that stays, a corrected point, points twice."""
    late, gap = NOW.replace(hour=0, minute=0) - 3 * DAY, NOW.replace(minute=0) - 20 * DAY
    wrong, comes = NOW.replace(minute=0) - 2 * DAY, NOW + DAY
    simulator.enectiva.past = Past(
        absent=(
            Absent(start=late, end=late + DAY, until=comes),
            Absent(start=gap, end=gap + 5 * HOUR),
        ),
        wrong=(Wrong(start=wrong, end=wrong + HOUR / 4, until=comes, by=4.0),),
        twice=True,
    )
    entry = await begin(hass, simulator)
    await imported(hass, frozen)
    before = await means(hass, statistic(entry))
    assert before[wrong][0] == pytest.approx(truth(simulator, wrong)[0] + 1.0, abs=1e-5)
    assert late not in before
    queued: list[int] = []
    queue = MeansTable._queue

    def counted(self: MeansTable, what: Statistic, given: Mapping[int, Mean]) -> None:
        queued.append(len(given))
        queue(self, what, given)

    monkeypatch.setattr(MeansTable, "_queue", counted)
    for _ in range(50):
        await imported(hass, frozen, 3600)

    after = await means(hass, statistic(entry))
    first = NOW.replace(minute=0) - 31 * DAY
    expected = {first + number * HOUR for number in range((NEWEST - first) // HOUR)}
    missing = {gap + number * HOUR for number in range(5)}
    assert expected - after.keys() == missing
    for at in expected - missing:
        assert after[at] == pytest.approx(truth(simulator, at), abs=1e-5)
    # An hour as it comes and again when it is over, the late day, the correction: nothing else.
    assert sum(queued) <= 2 * 51 + 24 + 1


async def test_a_data_series_is_exported_and_its_coverage_is_told(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: Simulator,
    frozen: FrozenDateTimeFactory,
    tmp_path: Any,
) -> None:
    hass.config.config_dir = str(tmp_path)
    entry = await begin(hass, simulator)
    await imported(hass, frozen)
    identifier = (DOMAIN, f"{entry.unique_id}:data_series:series_7001")
    device = dr.async_get(hass).async_get_device_by_identifier(identifier, entry.entry_id)
    assert device is not None

    async def act(action: str, **data: Any) -> Any:
        given = {"device_id": device.id, **data}
        return await hass.services.async_call(
            DOMAIN, action, given, blocking=True, return_response=True
        )

    (told,) = (await act("get_coverage"))["series"]
    exported = await act("export_history", file="outside.csv")
    changed = await act("import_history", start=str(NOW - 5 * DAY))

    assert (told["unit"], told["not_asked"], told["missing"]) == ("°C", 0, 0)
    lines = (tmp_path / "outside.csv").read_text().splitlines()
    assert exported["rows"] == len(lines) - 1 == len(await means(hass, statistic(entry)))
    assert lines[1].startswith(f"{statistic(entry)},Data series 7001: value,°C,2026-03-1")
    assert lines[1].endswith(",")
    assert changed["series"][0]["hours_changed"] == 0


async def test_a_data_series_that_changes_its_unit_is_said_and_nothing_is_mixed(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: Simulator,
    frozen: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = await begin(hass, simulator)
    await imported(hass, frozen)
    before = await means(hass, statistic(entry))
    get_instance(hass).async_update_statistics_metadata(
        statistic(entry), new_unit_class=None, new_unit_of_measurement="apples"
    )
    await done(hass)

    for _ in range(3):
        await imported(hass, frozen, 3600)

    assert await means(hass, statistic(entry)) == before
    said = [each for each in caplog.records if "kept in apples" in each.getMessage()]
    assert len(said) == 1


async def test_a_data_series_that_was_cleared_while_newer_hours_came_in_is_filled_up_once(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    entry = await begin(hass, simulator)
    await imported(hass, frozen)
    before = await means(hass, statistic(entry))
    get_instance(hass).async_clear_statistics([statistic(entry)])
    await done(hass)
    await imported(hass, frozen, 7200)
    assert 0 < len(await means(hass, statistic(entry))) < len(before)

    asked = []
    for _ in range(2):
        simulator.journal.clear()
        await hass.config_entries.async_reload(entry.entry_id)
        await imported(hass, frozen)
        asked.append(simulator.journal.count(provider="enectiva", path="*/data_points"))

    after = await means(hass, statistic(entry))
    first, last = NOW.replace(minute=0) + 2 * HOUR - 31 * DAY, NEWEST + 2 * HOUR
    assert set(after) >= {first + number * HOUR for number in range((last - first) // HOUR)}
    for at in before:
        if first <= at < NEWEST:
            assert after[at] == pytest.approx(truth(simulator, at), abs=1e-5)
    assert asked[1] < asked[0], "only the newest hours are asked for again"
