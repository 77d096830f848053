"""What the recorder has of a statistic: rows, sums, units. All of it runs in a database thread."""

from collections.abc import Iterable
from typing import NamedTuple

from homeassistant.components.recorder.statistics import (
    get_last_statistics,
    get_metadata,
    statistics_during_period,
)
from homeassistant.core import HomeAssistant

from ..core.ledger import Row
from ..core.series import SECONDS, Hour, time_of


class Ahead(NamedTuple):
    """That no row is from an hour `start` on up to the one of `hour`, which is there."""

    start: Hour
    hour: Hour


class Found(NamedTuple):
    """What is there: the unit, a stretch's rows, the sum before, the next row behind."""

    unit: str | None
    rows: list[Row]
    base: float
    following: Row | None


def units(hass: HomeAssistant, statistic_ids: set[str]) -> dict[str, str | None]:
    """Return the unit in which each statistic began; one that there is not yet is left out."""
    found = get_metadata(hass, statistic_ids=statistic_ids)
    return {name: metadata["unit_of_measurement"] for name, (_, metadata) in found.items()}


def changes(
    hass: HomeAssistant, statistic_ids: Iterable[str], start: Hour, stop: Hour
) -> dict[str, dict[Hour, float | None]]:
    """Return by how much sums change in each hour: what the Energy dashboard shows.

    One query for all of them, of the only column that it needs.
    """
    found = statistics_during_period(
        hass, time_of(start), time_of(stop), set(statistic_ids), "hour", None, {"change"}
    )
    return {
        name: {int(row["start"]) // SECONDS: row.get("change") for row in rows}
        for name, rows in found.items()
    }


def rows_of(
    hass: HomeAssistant, statistic_id: str, start: Hour, stop: Hour
) -> list[tuple[Row, float]]:
    """Return rows, each with the sum before it."""
    found = statistics_during_period(
        hass,
        time_of(start),
        time_of(stop),
        {statistic_id},
        "hour",
        None,
        {"state", "sum", "change"},
    )
    rows = []
    for row in found.get(statistic_id, ()):
        total, change = row.get("sum"), row.get("change")
        if total is None or change is None:
            continue
        hour = int(row["start"]) // SECONDS
        rows.append((Row(hour, row.get("state") or 0.0, total), total - change))
    return rows


def newest_row(hass: HomeAssistant, statistic_id: str) -> Row | None:
    """Return the newest row, None if there is none."""
    found = get_last_statistics(hass, 1, statistic_id, False, {"state", "sum"})
    for row in found.get(statistic_id, ()):
        hour = round(row["start"] / SECONDS)
        return Row(hour, row.get("state") or 0.0, row.get("sum") or 0.0)
    return None


def oldest_row(hass: HomeAssistant, statistic_id: str, since: Hour, newest: Hour) -> Hour:
    """Return the hour of the first row from `since` to `newest`, which there is.

    Mostly the row of `since` is there, and one small query says so.
    """
    start, length = since, 1
    while start + length <= newest:
        if hours := _hours(hass, statistic_id, start, start + length):
            return hours[0]
        start, length = start + length, length * 8
    return min(_hours(hass, statistic_id, start, newest + 1), default=newest)


def _hours(hass: HomeAssistant, statistic_id: str, start: Hour, stop: Hour) -> list[Hour]:
    """Return the hours of which there are rows, be they of amounts or of means."""
    found = statistics_during_period(
        hass, time_of(start), time_of(stop), {statistic_id}, "hour", None, {"state"}
    )
    return [int(row["start"]) // SECONDS for row in found.get(statistic_id, ())]


def find(
    hass: HomeAssistant,
    statistic_id: str,
    unit: str | None,
    start: Hour,
    stop: Hour,
    ahead: Ahead | None,
) -> Found:
    """Return what is there; `unit` is that of a statistic which there is not yet."""
    unit = units(hass, {statistic_id}).get(statistic_id, unit)
    # One hour more: mostly the row behind is the very next one.
    found = rows_of(hass, statistic_id, start, stop + 1)
    inside = [row for row, _ in found if row.hour < stop]
    following = next((row for row, _ in found if row.hour >= stop), None)
    base = found[0][1] if found else None
    if following is None or base is None:
        newest = newest_row(hass, statistic_id)
        if newest is None:
            return Found(unit, [], 0.0, None)
        if newest.hour < start:
            return Found(unit, [], newest.sum, None)
        if newest.hour >= stop:
            following, before = _following(hass, statistic_id, stop, newest, ahead)
            base = before if base is None else base
    return Found(unit, inside, base or 0.0, following)


def _following(
    hass: HomeAssistant, statistic_id: str, stop: Hour, newest: Row, ahead: Ahead | None
) -> tuple[Row, float]:
    """Return the first row from an hour on, and the sum before it; there is one."""
    if ahead is not None and ahead.start <= stop <= ahead.hour:
        found = rows_of(hass, statistic_id, ahead.hour, ahead.hour + 1)
        if found:
            return found[0]
    length = 24
    while stop + length <= newest.hour:
        found = rows_of(hass, statistic_id, stop, stop + length)
        if found:
            return found[0]
        stop, length = stop + length, length * 8
    return rows_of(hass, statistic_id, stop, newest.hour + 1)[0]
