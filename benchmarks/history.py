"""What importing the past costs the recorder, against the plain way of doing it, in one run."""

import argparse
import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
import gc
import json
import os
from pathlib import Path
import random
import resource
import sys
import time
from types import SimpleNamespace
from typing import Any, cast, override

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_add_external_statistics
from homeassistant.core import HomeAssistant

from benchmarks.recorder import Watch, house, synchronized
from custom_components.energy_connect.coordinator import EnergyConfigEntry
from custom_components.energy_connect.core.agenda import Window, backfill
from custom_components.energy_connect.core.budget import Priority
from custom_components.energy_connect.core.draft import Rows
from custom_components.energy_connect.core.history import (
    Batch,
    CounterReading,
    Form,
    Harvest,
    HistoryAccount,
    Series,
    Source,
)
from custom_components.energy_connect.core.model import Poll, Snapshot
from custom_components.energy_connect.core.series import Hour, hour_of, time_of
from custom_components.energy_connect.core.vocabulary import Quantity
from custom_components.energy_connect.history.past import History
from custom_components.energy_connect.history.statistics import Statistic, StatisticsTable, Wanted

NOW = datetime(2026, 11, 1, tzinfo=UTC)
STOP = hour_of(NOW)
YEARS = 43_800
MONTH = 744
SERVER = "ENERGY_CONNECT_POSTGRES"
"""Where `scripts/postgres` says its server's address."""


class Report:
    """The figures: lines of JSON as they come, or a table of Markdown at the end."""

    def __init__(self) -> None:
        """Begin with lines."""
        self.as_table = False
        self._rows: list[str] = []

    def __call__(self, figure: str, value: float, unit: str, reach: float | None = None) -> None:
        """Tell one figure."""
        line: dict[str, Any] = {"figure": figure, "value": round(value, 4), "unit": unit}
        if reach is not None:
            line |= {"reach": round(reach, 4), "reached": value <= reach}
        if not self.as_table:
            print(json.dumps(line), flush=True)
            return
        wanted_is = "" if reach is None else f"{_shown(reach, unit)}"
        kept = "" if reach is None else ("yes" if value <= reach else "**no**")
        self._rows.append(f"| {figure} | {_shown(value, unit)} | {wanted_is} | {kept} |")

    def end(self, database: str) -> None:
        """Print the table."""
        if self.as_table:
            print(f"| {database} | measured | at most | reached |")
            print("| --- | --- | --- | --- |")
            print("\n".join(self._rows))


def _shown(value: float, unit: str) -> str:
    match unit:
        case "s" if value < 1:
            return f"{value * 1000:.3g} ms"
        case "ratio":
            return f"{value:.2f}x"
        case "count":
            return f"{value:.0f}"
        case _:
            return f"{value:.3g} {unit}"


report = Report()


def statistic(name: str) -> Statistic:
    """Return an energy statistic."""
    return Statistic(id=f"energy_connect:bench_{name}", name=name, unit="kWh")


def wanted(name: str, rows: dict[Hour, float]) -> Wanted:
    """Return rows of an energy statistic."""
    return Wanted(statistic(name), Rows(amounts=rows))


def amounts(hours: int) -> dict[Hour, float]:
    """Return the same amounts each time."""
    dice = random.Random(7)
    return {hour: round(dice.random() * 3, 3) for hour in range(STOP - hours, STOP)}


def bare(hass: HomeAssistant, name: str, rows: dict[Hour, float]) -> None:
    """Queue rows as the recorder's own example does: all in one call."""
    metadata = StatisticMetaData(
        mean_type=StatisticMeanType.NONE,
        has_sum=True,
        name=name,
        source="energy_connect",
        statistic_id=f"energy_connect:bench_{name}",
        unit_class="energy",
        unit_of_measurement="kWh",
    )
    total = 0.0
    data = []
    for hour, amount in rows.items():
        total += amount
        data.append(StatisticData(start=time_of(hour), state=amount, sum=total))
    async_add_external_statistics(hass, metadata, data)


async def timed_bare(hass: HomeAssistant, name: str, rows: dict[Hour, float]) -> float:
    """Return the seconds that one bare call takes."""
    began = time.perf_counter()
    bare(hass, name, rows)
    await synchronized(hass)
    return time.perf_counter() - began


async def measure_backfill(hass: HomeAssistant, table: StatisticsTable) -> None:
    """Five years of one series: newest month first, then from the oldest hour forward."""
    rows = amounts(YEARS)
    plain = [await timed_bare(hass, "plain", rows)]
    windows = [(STOP - MONTH, STOP)]
    windows += [
        (at, min(at + MONTH, STOP - MONTH)) for at in range(STOP - YEARS, STOP - MONTH, MONTH)
    ]
    async with Watch(hass) as watch:
        began = time.perf_counter()
        for start, stop in windows:
            piece = {hour: rows[hour] for hour in range(start, stop)}
            await table.write(wanted("backfill", piece))
        ours = time.perf_counter() - began
    plain.append(await timed_bare(hass, "plain_again", rows))
    best = min(plain)
    report("backfill of five years, bare call", best, "s")
    report("backfill of five years, ours", ours, "s")
    report("backfill of five years, ours to bare", ours / best, "ratio", 1.3)
    report("backfill, worst wait of another write", watch.longest_wait, "s", 0.1)
    report("backfill, event loop held", watch.longest_hold, "s", 0.02)


async def measure_refresh(hass: HomeAssistant, table: StatisticsTable) -> None:
    """Thirty days of four series in which nothing changed."""
    rows = amounts(720)
    names = [f"refresh_{number}" for number in range(4)]
    for name in names:
        await table.write(wanted(name, rows))
    ours, plain = [], []
    for _ in range(5):
        began = time.perf_counter()
        settled = await table.settled([wanted(name, rows) for name in names])
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        assert len(settled) == len(names)
        for name in names:
            bare(hass, name, rows)
        await synchronized(hass)
        plain.append(time.perf_counter() - began)
    report("refresh without changes, rewriting it all", min(plain), "s")
    report("refresh without changes, ours", min(ours), "s", 0.02)
    report("refresh without changes, ours to rewriting", min(ours) / min(plain), "ratio", 1 / 3)


async def measure_correction(hass: HomeAssistant, table: StatisticsTable) -> None:
    """One hour three years back."""
    took = []
    for number in range(5):
        began = time.perf_counter()
        await table.write(wanted("backfill", {STOP - 3 * 8760 - number: 9.0}))
        took.append(time.perf_counter() - began)
    report("correction of one hour three years back", min(took), "s", 0.05)


class Meters(HistoryAccount):
    """Meters with a reading each quarter hour, made when they are asked for."""

    def __init__(self, count: int) -> None:
        """Have so many meters."""
        self._sources = [
            Source(
                key=f"meter_{number}",
                series=(
                    Series(
                        device=f"meter_{number}",
                        quantity=Quantity.ENERGY_CONSUMPTION,
                        form=Form.COUNTER,
                    ),
                ),
                step=timedelta(minutes=15),
            )
            for number in range(count)
        ]

    @override
    async def poll(self) -> Poll:
        return Poll(snapshot=Snapshot({}), again=timedelta(hours=1))

    @override
    def diagnostics(self) -> dict[str, Any]:
        return {}

    @override
    def history_sources(self) -> Sequence[Source]:
        return self._sources

    @override
    async def read_history(
        self, source: Source, start: datetime, end: datetime, priority: Priority
    ) -> Harvest:
        def made() -> Iterator[CounterReading]:
            at = start
            while at <= end:
                quarters = int(at.timestamp()) // 900
                yield CounterReading(at, quarters * 0.25 + (quarters * 7919 % 97) / 1000)
                at += timedelta(minutes=15)

        # As a provider's pages would come: a thousand rows, then the loop's turn.
        readings: list[CounterReading] = []
        for number, reading in enumerate(made()):
            readings.append(reading)
            if number % 1000 == 999:
                await asyncio.sleep(0)
        return Harvest(batches={source.series[0].key: Batch(readings=readings)})


def resident() -> float:
    """Return the memory that the process holds, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def measure_memory(hass: HomeAssistant, series: int, hours: int) -> None:
    """Quarter hours of many series come in, all the way through."""
    entry = SimpleNamespace(
        entry_id="bench",
        unique_id="bench",
        title="Bench",
        options={},
        runtime_data=SimpleNamespace(data=SimpleNamespace(devices={}), hidden=frozenset()),
    )
    history = History(hass, cast(EnergyConfigEntry, entry), Meters(series))
    begin = STOP - hours
    source_windows = 0
    gc.collect()
    idle = most = resident()
    async with Watch(hass) as watch:
        began = time.perf_counter()
        for source in history.sources():
            coverage = [history.book.page(each.key).coverage for each in source.series]
            while (window := backfill(source, coverage, NOW, begin)) is not None:
                await history.read(source, Window(*window), Priority.BACKFILL)
                coverage = [history.book.page(each.key).coverage for each in source.series]
                source_windows += 1
                most = max(most, resident())
        took = time.perf_counter() - began
    what = f"{series} series, {hours} hours of quarter hours"
    report(f"{what}: time", took, "s")
    report(f"{what}: windows", source_windows, "count")
    report(f"{what}: memory above idle", most - idle, "MB", 50)
    report(f"{what}: worst wait of another write", watch.longest_wait, "s", 0.1)
    report(f"{what}: event loop held", watch.longest_hold, "s", 0.02)


async def run(args: argparse.Namespace) -> None:
    """Measure everything in one run."""
    async with house(args.db_url) as hass:
        database = get_instance(hass).dialect_name
        table = StatisticsTable(hass)
        await timed_bare(hass, "warm", amounts(2000))
        # As Home Assistant does when it has started; and first of all, since memory that was once
        # taken is not given back.
        gc.collect()
        gc.freeze()
        await measure_memory(hass, args.series, args.hours)
        await measure_refresh(hass, table)
        await measure_backfill(hass, table)
        await measure_correction(hass, table)
    report.end(f"History, {database}")


def own_database(server: str) -> str:
    """Return the address of a new database of a PostgreSQL server."""
    # Only there where the tests on PostgreSQL run.
    import psycopg2  # noqa: PLC0415 - as above

    name = f"bench_{os.getpid()}"
    connection = psycopg2.connect(f"{server}/postgres")
    # A database can't be made within a transaction.
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    return f"{server}/{name}"


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="scripts/bench history", description=__doc__)
    parser.add_argument("--db-url", help="another database than a new SQLite file")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of its own")
    parser.add_argument("--report", action="store_true", help="a table of Markdown, and no lines")
    parser.add_argument("--series", type=int, default=20)
    parser.add_argument("--hours", type=int, default=YEARS)
    args = parser.parse_args()
    if args.postgres:
        server = os.environ.get(SERVER)
        if server is None:
            # Again, beside a server that ends with it.
            again = [sys.executable, "-m", "benchmarks.history", *sys.argv[1:]]
            os.execv("scripts/postgres", ["scripts/postgres", *again])  # noqa: S606,S607 - our own
        args.db_url = own_database(server)
    report.as_table = args.report
    asyncio.run(run(args))


if __name__ == "__main__":
    main()
