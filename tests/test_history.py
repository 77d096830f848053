"""The past in the recorder's statistics, hour by hour against the simulator's truth."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.db_schema import Statistics
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.components.recorder.tasks import SynchronizeTask
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.recorder import session_scope
import pytest

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.coordinator import EnergyCoordinator
from custom_components.energy_connect.core.ledger import Step
from custom_components.energy_connect.history.statistics import StatisticsTable
from simulator import Simulator, faults
from simulator.enectiva.past import Absent, Past, Swap, Wrong
from tests.accounts import pass_time, set_up

# The clocks went back on 2025-10-26 and forward on 2026-03-29: both are in these months.
NOW = datetime(2026, 4, 10, 12, 20, tzinfo=UTC)
NEWEST = datetime(2026, 4, 10, 11, tzinfo=UTC)
"""Readings come an hour late: of the hour that began then not all is known."""
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
METER = "meter_20000"


@pytest.fixture
def frozen(freezer: FrozenDateTimeFactory) -> FrozenDateTimeFactory:
    freezer.move_to(NOW)
    return freezer


@pytest.fixture
def one_meter(simulator: Simulator) -> Simulator:
    simulator.enectiva.knobs.generated_meters = 1
    return simulator


def statistic(entry: ConfigEntry[Any], suffix: str = "") -> str:
    account = str(entry.unique_id).replace("-", "_")
    return f"{DOMAIN}:{account}_{METER}_energy_consumption{suffix}"


async def rows(
    hass: HomeAssistant, statistic_id: str, start: datetime, end: datetime
) -> dict[datetime, float]:
    """Return what the Energy dashboard shows: the differences of the sums, hour by hour."""
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
    shown = {}
    for row in found.get(statistic_id, []):
        change, state = row["change"], row["state"]
        assert change == pytest.approx(state, abs=1e-4)
        assert change is not None
        shown[datetime.fromtimestamp(row["start"], UTC)] = change
    return shown


def truth(simulator: Simulator, start: datetime, end: datetime) -> dict[datetime, float]:
    """Return what the first generated meter really counted in each hour."""
    meter = simulator.enectiva.portfolio.meters[0]
    counts = {}
    at = start
    while at < end:
        counts[at] = meter.counter(simulator.house, at + HOUR) - meter.counter(simulator.house, at)
        at += HOUR
    return counts


def check(shown: Mapping[datetime, float], real: Mapping[datetime, float]) -> None:
    """Compare hour by hour; readings have three decimals."""
    assert sorted(shown) == sorted(real)
    wrong = {at: (shown[at], real[at]) for at in real if abs(shown[at] - real[at]) > 0.0021}
    assert not wrong


async def set_up_past(
    hass: HomeAssistant, simulator: Simulator, depth: str
) -> ConfigEntry[EnergyCoordinator]:
    entry = await set_up(hass, simulator, "enectiva")
    hass.config_entries.async_update_entry(entry, options={"history_depth": depth})
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def imported(hass: HomeAssistant, frozen: FrozenDateTimeFactory, seconds: float = 30) -> None:
    """Let the import run until nothing is due."""
    await pass_time(hass, frozen, seconds)
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_a_year_is_in_the_statistics_hour_by_hour(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    entry = await set_up_past(hass, one_meter, "one_year")

    await imported(hass, frozen)

    start = NOW.replace(minute=0) - 365 * DAY
    shown = await rows(hass, statistic(entry), start, NOW)
    check(shown, truth(one_meter, start, NEWEST))
    sensor = er.async_get(hass).async_get_entity_id(
        "sensor", DOMAIN, f"{entry.unique_id}_history_imported"
    )
    state = hass.states.get(str(sensor))
    assert state is not None
    assert float(state.state) == 100


async def test_what_befalls_readings_is_mended_when_it_is_known(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    """A late day, a gap that stays, a corrected reading, another meter, rows twice."""
    late, gap = NOW.replace(hour=0, minute=0) - 3 * DAY, NOW.replace(hour=7, minute=0) - 20 * DAY
    wrong, swap = NOW.replace(hour=9, minute=0) - 4 * DAY, NOW.replace(hour=0, minute=0) - 10 * DAY
    comes = NOW + DAY
    one_meter.enectiva.past = Past(
        absent=(
            Absent(start=late, end=late + DAY, until=comes),
            Absent(start=gap + HOUR / 2, end=gap + 10 * HOUR),
        ),
        wrong=(Wrong(start=wrong, end=wrong + HOUR / 4, until=comes, by=0.1),),
        swaps=(Swap(at=swap + HOUR / 4, shows=3.0),),
        twice=True,
    )
    entry = await set_up_past(hass, one_meter, "month")
    start = NOW.replace(minute=0) - 31 * DAY
    await imported(hass, frozen)
    before = await rows(hass, statistic(entry), start, NOW)

    for _ in range(40):
        await imported(hass, frozen, 3600)

    end = NEWEST + 40 * HOUR
    shown = await rows(hass, statistic(entry), start, end)
    real = truth(one_meter, start, end)
    # Over the gap that stays the difference is spread evenly, and nothing of it is lost.
    over = [at for at in real if gap <= at < gap + 10 * HOUR]
    assert sum(shown[at] for at in over) == pytest.approx(sum(real[at] for at in over), abs=0.01)
    # Of the quarter hour in which the meter was changed nobody knows anything.
    assert shown[swap] < real[swap]
    exact = real.keys() - set(over) - {swap}
    check({at: shown[at] for at in shown if at in exact}, {at: real[at] for at in exact})
    assert before[wrong - HOUR] != pytest.approx(real[wrong - HOUR], abs=0.01)


async def test_a_kill_between_rows_and_their_shift_is_healed_at_the_next_start(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = await set_up_past(hass, one_meter, "month")
    await imported(hass, frozen)
    queue = StatisticsTable._queue
    shifts = []

    def queue_half(self: StatisticsTable, what: Any, unit: str | None, step: Step) -> None:
        if step.shift:
            shifts.append(step)
            if len(shifts) == 3:
                # The rows are in the database; before the shift the power fails.
                queue(self, what, unit, Step(rows=step.rows, shift_from=step.shift_from))
                raise KilledError
        queue(self, what, unit, step)

    monkeypatch.setattr(StatisticsTable, "_queue", queue_half)
    hass.config_entries.async_update_entry(entry, options={"history_depth": "one_year"})
    await hass.config_entries.async_reload(entry.entry_id)
    await imported(hass, frozen)
    assert len(shifts) == 3
    monkeypatch.undo()
    for name, url in one_meter.environment().items():
        monkeypatch.setenv(name, url)

    await hass.config_entries.async_reload(entry.entry_id)
    await imported(hass, frozen)

    start = NOW.replace(minute=0) - 365 * DAY
    check(await rows(hass, statistic(entry), start, NOW), truth(one_meter, start, NEWEST))


class KilledError(Exception):
    """Stands for the end of the process."""


async def test_a_kill_while_a_cleared_database_is_filled_up_leaves_no_hole(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = await set_up_past(hass, one_meter, "one_year")
    await imported(hass, frozen)
    await hass.config_entries.async_reload(entry.entry_id)
    name = f"{DOMAIN}.{entry.entry_id}.history"
    assert hass_storage[name]["data"]
    get_instance(hass).async_clear_statistics([statistic(entry)])
    await done(hass)
    queue = StatisticsTable._queue
    kept: list[Any] = []

    def queue_some(self: StatisticsTable, what: Any, unit: str | None, step: Step) -> None:
        # The newest rows are there again when the power fails.
        kept.append(deepcopy(hass_storage[name]))
        if len(kept) > 2:
            raise KilledError
        queue(self, what, unit, step)

    monkeypatch.setattr(StatisticsTable, "_queue", queue_some)
    await imported(hass, frozen)
    await hass.config_entries.async_unload(entry.entry_id)
    assert len(kept) > 2
    hass_storage[name] = kept[2]
    monkeypatch.setattr(StatisticsTable, "_queue", queue)

    await hass.config_entries.async_setup(entry.entry_id)
    await imported(hass, frozen)

    start = NOW.replace(minute=0) - 365 * DAY
    check(await rows(hass, statistic(entry), start, NOW), truth(one_meter, start, NEWEST))


async def test_a_restart_in_the_middle_goes_on_where_it_was(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    one_meter.faults.add(
        faults.rate_limited("600"), provider="enectiva", path="/meters/*/readings", after=20
    )
    entry = await set_up_past(hass, one_meter, "one_year")
    await imported(hass, frozen)
    start = NOW.replace(minute=0) - 365 * DAY
    some = await rows(hass, statistic(entry), start, NOW)
    assert 31 * 24 - 2 < len(some) < 365 * 24

    one_meter.faults.clear()
    await hass.config_entries.async_reload(entry.entry_id)
    asked = one_meter.journal.count(provider="enectiva")
    await imported(hass, frozen)

    check(await rows(hass, statistic(entry), start, NOW), truth(one_meter, start, NEWEST))
    assert one_meter.journal.count(provider="enectiva") - asked < 60


async def test_what_was_read_just_before_a_reload_is_not_asked_for_again(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    entry = await set_up_past(hass, one_meter, "one_year")
    readings = {"provider": "enectiva", "path": "/meters/20000/readings"}
    before = one_meter.journal.count(**readings)
    await imported(hass, frozen, 15)
    first = one_meter.journal.count(**readings) - before

    await hass.config_entries.async_reload(entry.entry_id)
    await imported(hass, frozen, 15)

    assert one_meter.journal.count(**readings) - before - first < first / 4


async def test_a_year_with_all_that_may_befall_it_is_what_the_dashboard_shows(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Clock changes, a late day, a correction, rows twice, a limit, a kill and a restart."""
    await hass.config.async_set_time_zone("Europe/Prague")
    caplog.set_level(logging.INFO, "custom_components.energy_connect")
    late, wrong = NOW.replace(hour=0, minute=0) - 3 * DAY, NOW.replace(hour=9, minute=0) - 4 * DAY
    one_meter.enectiva.past = Past(
        absent=(Absent(start=late, end=late + DAY, until=NOW + DAY),),
        wrong=(Wrong(start=wrong, end=wrong + HOUR / 4, until=NOW + DAY, by=0.1),),
        twice=True,
    )
    one_meter.enectiva.knobs.requests_per_minute = 25
    entry = await set_up_past(hass, one_meter, "one_year")
    start = NOW.replace(minute=0) - 365 * DAY
    await imported(hass, frozen)
    first = await rows(hass, statistic(entry), start, NOW)
    assert 0 < len(first) < 300 * 24
    assert any(each.status == 429 for each in one_meter.journal.requests(provider="enectiva"))

    queue, writes = StatisticsTable._queue, 0

    def queue_half(self: StatisticsTable, what: Any, unit: str | None, step: Step) -> None:
        nonlocal writes
        if step.shift:
            writes += 1
            if writes == 2:
                queue(self, what, unit, Step(rows=step.rows, shift_from=step.shift_from))
                raise KilledError
        queue(self, what, unit, step)

    monkeypatch.setattr(StatisticsTable, "_queue", queue_half)
    await imported(hass, frozen, 300)
    assert writes == 2
    monkeypatch.setattr(StatisticsTable, "_queue", queue)
    await hass.config_entries.async_reload(entry.entry_id)
    for _ in range(60):
        await imported(hass, frozen, 3600)

    end = NEWEST + 60 * HOUR
    real = truth(one_meter, start, end)
    check(await rows(hass, statistic(entry), start, end), real)
    # A day of 25 hours, and one of 23.
    autumn, spring = (datetime(2025, 10, 25, 22, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC))
    for begins, length in ((autumn, 25), (spring, 23)):
        ends = begins + length * HOUR
        (shown,) = (await rows_of_days(hass, statistic(entry), begins, ends)).values()
        inside = [real[begins + number * HOUR] for number in range(length)]
        assert shown == pytest.approx(sum(inside), abs=0.01)
    months = {line.partition(" up to ")[2] for line in caplog.messages if " up to " in line}
    assert any(line.startswith("2025-06") for line in months)


async def rows_of_days(
    hass: HomeAssistant, statistic_id: str, start: datetime, end: datetime
) -> dict[datetime, float | None]:
    """Return what the Energy dashboard shows of local days."""
    found = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        start,
        end - timedelta(seconds=1),
        {statistic_id},
        "day",
        None,
        {"change"},
    )
    return {datetime.fromtimestamp(row["start"], UTC): row["change"] for row in found[statistic_id]}


async def test_an_older_copy_of_the_database_is_filled_up_again(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    entry = await set_up_past(hass, one_meter, "month")
    await imported(hass, frozen)
    get_instance(hass).async_clear_statistics([statistic(entry)])
    await done(hass)

    await hass.config_entries.async_reload(entry.entry_id)
    await imported(hass, frozen)

    start = NOW.replace(minute=0) - 31 * DAY
    check(await rows(hass, statistic(entry), start, NOW), truth(one_meter, start, NEWEST))


async def test_the_newest_days_that_a_person_deleted_are_filled_up_again(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    entry = await set_up_past(hass, one_meter, "month")
    await imported(hass, frozen)

    def delete() -> None:
        with session_scope(hass=hass) as session:
            since = (NOW - 20 * DAY).timestamp()
            session.query(Statistics).filter(Statistics.start_ts > since).delete()

    await get_instance(hass).async_add_executor_job(delete)

    await hass.config_entries.async_reload(entry.entry_id)
    await imported(hass, frozen)

    start = NOW.replace(minute=0) - 31 * DAY
    check(await rows(hass, statistic(entry), start, NOW), truth(one_meter, start, NEWEST))


async def test_what_was_cleared_while_the_newest_hours_came_in_is_filled_up_at_the_next_start(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    entry = await set_up_past(hass, one_meter, "month")
    await imported(hass, frozen)
    get_instance(hass).async_clear_statistics([statistic(entry)])
    await done(hass)
    await imported(hass, frozen, 7200)
    later = NOW + 2 * HOUR
    start = later.replace(minute=0) - 31 * DAY
    assert 0 < len(await rows(hass, statistic(entry), start, later)) < 7 * 24

    await hass.config_entries.async_reload(entry.entry_id)
    await imported(hass, frozen)

    check(
        await rows(hass, statistic(entry), start, later),
        truth(one_meter, start, NEWEST + 2 * HOUR),
    )


async def test_sums_that_somebody_moved_are_noticed_by_the_next_look_at_their_hours(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    """Nothing is taken for unchanged because it is remembered so."""
    entry = await set_up_past(hass, one_meter, "month")
    await imported(hass, frozen)
    at = NOW.replace(minute=0) - 3 * DAY
    get_instance(hass).async_adjust_statistics(statistic(entry), at, 5.0, "kWh")
    await done(hass)

    # What may still be corrected is read once a day.
    for _ in range(26):
        await imported(hass, frozen, 3600)

    start, end = NOW.replace(minute=0) - 31 * DAY, NEWEST + 26 * HOUR
    check(await rows(hass, statistic(entry), start, end), truth(one_meter, start, end))


async def test_a_round_in_which_nothing_changed_writes_nothing(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = await set_up_past(hass, one_meter, "month")
    await imported(hass, frozen)
    steps: list[Step] = []
    monkeypatch.setattr(StatisticsTable, "_queue", lambda *args: steps.append(args[-1]))

    await act(hass, entry, "import_history", start=str(NOW - 20 * DAY))

    assert steps == []


async def test_a_correction_that_is_read_anew_mends_the_hours_beside_it_too(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    """A reading at the full hour is the end of the hour before: half of a correction is a jump."""
    start, end = (NOW.replace(minute=0) - days * DAY for days in (25, 24))
    one_meter.enectiva.past = Past(
        wrong=(Wrong(start=start, end=end + HOUR / 4, until=NOW + 99 * DAY, by=0.25),)
    )
    entry = await set_up_past(hass, one_meter, "month")
    await imported(hass, frozen)
    one_meter.enectiva.past = Past()

    await act(hass, entry, "import_history", start=str(start), end=str(end))

    around = start - 5 * HOUR, end + 5 * HOUR
    check(await rows(hass, statistic(entry), *around), truth(one_meter, *around))


async def done(hass: HomeAssistant) -> None:
    """Wait for what the recorder has been told to do."""
    future: Any = hass.loop.create_future()
    get_instance(hass).queue_task(SynchronizeTask(future))
    await future


async def act(
    hass: HomeAssistant, entry: ConfigEntry[EnergyCoordinator], action: str, **data: Any
) -> Any:
    """Call an action for the meter."""
    identifier = (DOMAIN, f"{entry.unique_id}:meter:{METER}")
    device = dr.async_get(hass).async_get_device_by_identifier(identifier, entry.entry_id)
    assert device is not None
    return await hass.services.async_call(
        DOMAIN, action, {"device_id": device.id, **data}, blocking=True, return_response=True
    )


async def test_importing_a_stretch_tells_what_changed_and_a_dry_run_changes_nothing(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    entry = await set_up_past(hass, one_meter, "month")
    await imported(hass, frozen)
    at = NOW.replace(minute=0) - 25 * DAY
    one_meter.enectiva.past = Past(
        wrong=(Wrong(start=at, end=at + HOUR / 4, until=NOW + 99 * DAY, by=0.25),)
    )
    start, end = at - 5 * HOUR, at + 5 * HOUR

    tried = await act(hass, entry, "import_history", start=str(start), end=str(end), dry_run=True)
    between = await rows(hass, statistic(entry), start, end)
    changed = await act(hass, entry, "import_history", start=str(start), end=str(end))
    after = await rows(hass, statistic(entry), start, end)

    real = truth(one_meter, start, end)
    check(between, real)
    assert {**tried, "dry_run": False} == changed
    series = changed["series"][0]
    assert series["hours_read"] == 12, "and the hours on both sides"
    assert [each["start"] for each in series["changed"]] == [
        (at - HOUR).isoformat(),
        at.isoformat(),
    ]
    check(after, real | {at - HOUR: real[at - HOUR] + 0.25, at: real[at] - 0.25})


async def test_coverage_tells_what_is_known(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    entry = await set_up_past(hass, one_meter, "month")
    await imported(hass, frozen)

    told = (await act(hass, entry, "get_coverage"))["series"][0]

    assert told["statistic_id"] == statistic(entry)
    assert told["name"] == "Electricity 1: energy consumption"
    assert told["hours"] == 31 * 24
    assert told["known"] == 31 * 24 - 1
    assert told["missing"] == told["not_asked"] == told["estimated"] == 0
    assert told["newest"] == (NEWEST - HOUR).isoformat()
    assert told["gaps"] == []


async def test_the_hours_are_written_to_a_file(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
    tmp_path: Any,
) -> None:
    hass.config.config_dir = str(tmp_path)
    entry = await set_up_past(hass, one_meter, "month")
    await imported(hass, frozen)

    told = await act(hass, entry, "export_history", file="meter.csv")

    lines = (tmp_path / "meter.csv").read_text().splitlines()
    assert told == {"file": str(tmp_path / "meter.csv"), "rows": 31 * 24 - 1}
    assert lines[0] == "statistic_id,name,unit,start,amount,sum"
    assert len(lines) == 31 * 24
    assert lines[1].startswith(
        f"{statistic(entry)},Electricity 1: energy consumption,kWh,2026-03-1"
    )
