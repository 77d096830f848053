"""The Energy dashboard with imported statistics: bars, and figures that are those of the house."""

import asyncio
from collections.abc import Mapping
import datetime as dt
import re
import time
from typing import Any
from zoneinfo import ZoneInfo

from playwright.async_api import expect

from simulator.house import Flow

from .checks import Wrong
from .settings import FEED_IN, PRICE
from .stage import Stage

_ZONE = ZoneInfo("Europe/Prague")
_IMPORTED_WITHIN = 120.0
# The table shows two digits.
_ROUNDING = 0.02
_NUMBER = re.compile(r"-?[\d,]+\.?\d*")


async def show_dashboard(stage: Stage) -> str:
    """Configure the dashboard, wait for yesterday, and compare its table with the house."""
    ids = await _statistics(stage)
    await stage.session.command("energy/save_prefs", **_preferences(ids))
    start, end = _yesterday()
    hours = round((end - start) / dt.timedelta(hours=1))
    wanted = [ids[name] for name in (_IMPORT, _EXPORT, _IMPORT_COST, _EXPORT_COST, _SOLAR)]
    await _wait_for(stage, wanted, start, end, hours)
    person, page = stage.person, stage.person.page
    await person.go("/energy", "hui-energy-sources-table-card")
    await page.locator("hui-energy-period-selector").get_by_role("button", name="Previous").click()
    house = stage.simulator.house

    def truth(flow: Flow) -> float:
        return house.energy(flow, end) - house.energy(flow, start)

    imported, exported = truth(Flow.GRID_IMPORT), truth(Flow.GRID_EXPORT)
    expected = {
        _IMPORT: (imported, imported * PRICE),
        _EXPORT: (-exported, -exported * FEED_IN),
        _SOLAR: (truth(Flow.PV),),
    }
    await _compare(stage, expected)
    charts = page.locator("hui-energy-usage-graph-card canvas, hui-energy-usage-graph-card svg")
    await expect(charts.first).to_be_visible()
    await person.look()
    await person.picture("energy")
    # In the middle: the bar with the dates covers what is at the bottom.
    table = page.locator("hui-energy-sources-table-card")
    await table.evaluate("element => element.scrollIntoView({block: 'center'})")
    await person.picture("energy-costs")
    return (
        f"the Energy dashboard shows yesterday's {imported:.2f} kWh from the grid at "
        f"{imported * PRICE:.2f} EUR"
    )


_IMPORT = "Grid meter: energy import"
_EXPORT = "Grid meter: energy export"
_IMPORT_COST = f"{_IMPORT}, cost"
_EXPORT_COST = f"{_EXPORT}, cost"
_SOLAR = "Roof: energy production"
_DEVICES = (
    "Heat pump: energy consumption",
    "Wallbox 1: energy charged",
    "Wallbox 2: energy charged",
)


async def _statistics(stage: Stage) -> Mapping[str, str]:
    """Return the ids of Traxes' statistics by their names, when all that are needed are there."""
    until = time.monotonic() + _IMPORTED_WITHIN
    needed = {_IMPORT, _EXPORT, _IMPORT_COST, _EXPORT_COST, _SOLAR, *_DEVICES}
    while True:
        listed = await stage.session.command("recorder/list_statistic_ids")
        ids = {
            row["name"]: row["statistic_id"]
            for row in listed
            if row["statistic_id"].startswith("energy_connect:traxes_")
        }
        if needed <= ids.keys():
            return ids
        if time.monotonic() > until:
            raise Wrong(f"no statistics {', '.join(sorted(needed - ids.keys()))}")
        await asyncio.sleep(1.0)


def _preferences(ids: Mapping[str, str]) -> dict[str, Any]:
    """Return the dashboard's configuration as its own dialogs would save it."""
    no_price = {
        "entity_energy_price": None,
        "number_energy_price": None,
        "entity_energy_price_export": None,
        "number_energy_price_export": None,
    }
    grid = {
        "type": "grid",
        "stat_energy_from": ids[_IMPORT],
        "stat_energy_to": ids[_EXPORT],
        "stat_cost": ids[_IMPORT_COST],
        "stat_compensation": ids[_EXPORT_COST],
        "cost_adjustment_day": 0,
        **no_price,
    }
    solar = {
        "type": "solar",
        "stat_energy_from": ids[_SOLAR],
        "config_entry_solar_forecast": None,
    }
    devices = [{"stat_consumption": ids[name]} for name in _DEVICES]
    return {"energy_sources": [grid, solar], "device_consumption": devices}


def _yesterday() -> tuple[dt.datetime, dt.datetime]:
    today = dt.datetime.now(_ZONE).date()
    start, end = (
        dt.datetime.combine(day, dt.time(), _ZONE).astimezone(dt.UTC)
        for day in (today - dt.timedelta(days=1), today)
    )
    return start, end


async def _wait_for(
    stage: Stage, ids: list[str], start: dt.datetime, end: dt.datetime, hours: int
) -> None:
    """Wait until all hours of these statistics were imported."""
    until = time.monotonic() + _IMPORTED_WITHIN
    while True:
        rows = await stage.session.command(
            "recorder/statistics_during_period",
            start_time=start.isoformat(),
            end_time=end.isoformat(),
            statistic_ids=ids,
            period="hour",
            types=["sum"],
        )
        known = {one: len(rows.get(one, ())) for one in ids}
        if all(count == hours for count in known.values()):
            return
        if time.monotonic() > until:
            raise Wrong(f"hours of yesterday that were imported: {known}")
        await asyncio.sleep(1.0)


async def _compare(stage: Stage, expected: Mapping[str, tuple[float, ...]]) -> None:
    """Wait until the table of sources shows the figures."""
    table = stage.person.page.locator("hui-energy-sources-table-card tr")
    until = time.monotonic() + _IMPORTED_WITHIN
    while True:
        rows = {text.strip().partition("\t")[0]: text for text in await table.all_inner_texts()}
        shown = {name: _figures(rows.get(name, "")) for name in expected}
        if all(_same(shown[name], figures) for name, figures in expected.items()):
            return
        if time.monotonic() > until:
            raise Wrong(f"the table shows {shown}, the house had {expected}")
        await asyncio.sleep(0.5)


def _figures(row: str) -> list[float]:
    cells = row.replace("\u2212", "-").strip().split("\t")[1:]
    return [
        float(found[0].replace(",", ""))
        for cell in cells
        if (found := _NUMBER.search(re.sub(r"[^\d.,-]", "", cell)))
    ]


def _same(shown: list[float], expected: tuple[float, ...]) -> bool:
    return len(shown) >= len(expected) and all(
        abs(one - other) <= _ROUNDING for one, other in zip(shown, expected, strict=False)
    )
