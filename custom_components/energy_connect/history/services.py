"""Actions about the past: import a stretch of it, tell what is known, write it to a file."""

from collections.abc import Callable, Iterable
import csv
from datetime import datetime
import os
from pathlib import Path
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.util import dt as dt_util, slugify
import voluptuous as vol

from ..const import DOMAIN
from ..coordinator import EnergyConfigEntry
from ..core.agenda import Window, window_hours
from ..core.budget import Priority
from ..core.coverage import KNOWN, Status
from ..core.errors import ApiError
from ..core.history import Form, Series, Source
from ..core.series import Hour, hour_of, time_of
from ..devices import account_id
from ..exceptions import placeholders
from ..targets import invalid

if TYPE_CHECKING:
    from .backfill import Backfill
    from .past import History, SeriesChange
    from .statistics import Statistic

IMPORT: Final = "import_history"
COVERAGE: Final = "get_coverage"
EXPORT: Final = "export_history"
ATTR_DEVICE: Final = "device_id"
ATTR_START: Final = "start"
ATTR_END: Final = "end"
ATTR_DRY_RUN: Final = "dry_run"
ATTR_FILE: Final = "file"

_FILE_NAME: Final = re.compile(r"[^/\\\x00-\x1f\x7f]{1,100}\.csv")
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets take them too
_MOST_GAPS: Final = 50
_MOST_CHANGES: Final = 200

_IMPORT: Final = vol.Schema(
    {
        vol.Required(ATTR_DEVICE): cv.string,
        vol.Required(ATTR_START): cv.datetime,
        vol.Optional(ATTR_END): cv.datetime,
        vol.Optional(ATTR_DRY_RUN, default=False): cv.boolean,
    }
)
_COVERAGE: Final = vol.Schema({vol.Required(ATTR_DEVICE): cv.string})
_EXPORT: Final = vol.Schema(
    {
        vol.Required(ATTR_DEVICE): cv.string,
        vol.Optional(ATTR_START): cv.datetime,
        vol.Optional(ATTR_END): cv.datetime,
        vol.Optional(ATTR_FILE): cv.string,
    }
)


class Target(NamedTuple):
    """A device whose past is asked about; `device` None: all of the account's."""

    entry: EnergyConfigEntry
    work: Backfill
    device: str | None

    @property
    def history(self) -> History:
        """The account's past."""
        return self.work.history

    def sources(self) -> list[tuple[Source, list[Series]]]:
        """Return the sources of the device, each with the device's series."""
        found = []
        for source in self.history.sources():
            own = [one for one in source.series if self.device in {None, one.device}]
            if own:
                found.append((source, own))
        return found


@callback
def register_history_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    # What does something may be called without asking what came of it.
    for name, target, schema, response in (
        (IMPORT, _import, _IMPORT, SupportsResponse.OPTIONAL),
        (COVERAGE, _coverage, _COVERAGE, SupportsResponse.ONLY),
        (EXPORT, _export, _EXPORT, SupportsResponse.OPTIONAL),
    ):
        hass.services.async_register(DOMAIN, name, target, schema, supports_response=response)


async def _import(call: ServiceCall) -> ServiceResponse:
    """Read a stretch of a device's past anew, whatever is known of it."""
    target = _target(call.hass, call.data[ATTR_DEVICE])
    dry_run = call.data[ATTR_DRY_RUN]
    start, stop = _hours(call)
    changes: list[SeriesChange] = []
    for source, own in target.sources():
        longest = max(1, int(source.window.total_seconds() // 3600))
        first, last = _with_neighbours(source, start, stop)
        for at in range(first, last, longest):
            window = Window(at, min(last, at + longest))
            try:
                outcome = await target.history.read(
                    source, window, Priority.COMMAND, dry_run=dry_run
                )
            except ApiError as error:
                raise HomeAssistantError(
                    translation_domain=DOMAIN,
                    translation_key=error.reason,
                    translation_placeholders=placeholders(error, target.entry.title),
                ) from error
            changes += [change for change in outcome.changes if change.series in own]
    if not dry_run:
        for _, own in target.sources():
            for series in own:
                while await target.history.charge(series):
                    pass
        target.history.rest()
    return {"dry_run": dry_run, "series": _changes(target.history, changes)}


def _with_neighbours(source: Source, start: Hour, stop: Hour) -> tuple[Hour, Hour]:
    """Return the hours that depend on what was read from `start` to `stop`.

    A counter's reading at the full hour is the end of one hour and the beginning of the next: to
    mend one of the two would leave the other wrong by as much.
    """
    if all(series.form is not Form.COUNTER for series in source.series):
        return start, stop
    return start - 1, min(stop + 1, hour_of(dt_util.utcnow()))


def _changes(history: History, changes: Iterable[SeriesChange]) -> list[Any]:
    """Return what was changed, or would be, per series."""
    found: dict[str, dict[str, Any]] = {}
    for change in changes:
        statistic = history.statistic(change.series)
        told = found.setdefault(
            statistic.id,
            {
                "statistic_id": statistic.id,
                "name": statistic.name,
                "unit": statistic.unit,
                "hours_read": 0,
                "hours_changed": 0,
                "cost_hours_changed": 0,
                "changed": [],
            },
        )
        told["hours_read"] += len(change.read.amounts)
        told["hours_changed"] += len(change.written.changed)
        told["cost_hours_changed"] += len(change.costs.changed)
        room = _MOST_CHANGES - len(told["changed"])
        told["changed"] += [
            {
                "start": time_of(hour).isoformat(),
                "amount": change.read.amounts[hour].amount if hour in change.read.amounts else 0.0,
            }
            for hour in change.written.changed[:room]
        ]
    return list(found.values())


async def _coverage(call: ServiceCall) -> ServiceResponse:
    """Tell what is known of a device's past."""
    target = _target(call.hass, call.data[ATTR_DEVICE])
    now = dt_util.utcnow()
    told: list[Any] = []
    for source, own in target.sources():
        begin, stop = target.work.begin(source), window_hours(now, now)[0]
        for series in own:
            page = target.history.book.page(series.key)
            counted = page.coverage.count(begin, stop)
            newest = page.coverage.newest
            known = sum(counted.get(status, 0) for status in KNOWN)
            late = stop - int(source.late.total_seconds() // 3600)
            gaps = page.coverage.gaps(begin, late)
            statistic = target.history.statistic(series)
            charged = page.costs.first is not None
            told.append(
                {
                    "statistic_id": statistic.id,
                    "name": statistic.name,
                    "unit": statistic.unit,
                    "from": time_of(begin).isoformat(),
                    "hours": stop - begin,
                    "known": known,
                    "estimated": sum(
                        counted.get(status, 0) for status in (Status.ESTIMATED, Status.ROUGH)
                    ),
                    "provisional": counted.get(Status.PROVISIONAL, 0),
                    "missing": sum(gap.stop - gap.start for gap in gaps),
                    "not_asked": counted.get(None, 0),
                    "newest": None if newest is None else time_of(newest).isoformat(),
                    "gaps": [
                        {
                            "start": time_of(gap.start).isoformat(),
                            "end": time_of(gap.stop).isoformat(),
                        }
                        for gap in gaps[:_MOST_GAPS]
                    ],
                    "cost_statistic_id": target.history.cost_statistic(series).id
                    if charged
                    else None,
                    "without_price": page.costs.count(begin, stop).get(Status.MISSING, 0),
                }
            )
    return {"series": told}


async def _export(call: ServiceCall) -> ServiceResponse:
    """Write a device's hours to a CSV file in Home Assistant's configuration folder."""
    hass = call.hass
    target = _target(hass, call.data[ATTR_DEVICE])
    start, stop = _hours(call, default_start=0)
    name = call.data.get(ATTR_FILE) or (
        f"{DOMAIN}_{slugify(target.device or account_id(target.entry))}.csv"
    )
    if not _FILE_NAME.fullmatch(name):
        raise _bad_file(name)
    path = Path(hass.config.path(name))
    rows = 0
    try:
        write = await hass.async_add_executor_job(_begin_file, path)
    except OSError as error:
        raise _bad_file(name) from error
    for _, own in target.sources():
        for series in own:
            statistics = (target.history.statistic(series), target.history.cost_statistic(series))
            for statistic in statistics:
                newest = await target.history.table.newest(statistic.id)
                if newest is not None:
                    rows += await _export_one(
                        hass, target.history, statistic, start, min(stop, newest + 1), write
                    )
    return {"file": str(path), "rows": rows}


async def _export_one(
    hass: HomeAssistant,
    history: History,
    statistic: Statistic,
    start: Hour,
    stop: Hour,
    write: Callable[[list[list[Any]]], None],
) -> int:
    name = _no_formula(statistic.name)
    unit = _no_formula(await history.table.unit_of(statistic))
    written = 0
    # A statistic has no rows before providers had any.
    begin = max(start, _THE_YEAR_2000)
    head = [statistic.id, name, unit]
    for first in range(begin, stop, 8784):
        last = min(stop, first + 8784)
        rows = await history.table.rows(statistic.id, first, last)
        lines: list[list[Any]] = [
            [*head, time_of(row.hour).isoformat(), row.amount, row.sum] for row in rows
        ]
        if not lines:
            # What is measured has a mean, and no sum.
            means = await history.means.rows(statistic.id, first, last)
            lines = [[*head, time_of(at).isoformat(), means[at][0], None] for at in sorted(means)]
        await hass.async_add_executor_job(write, lines)
        written += len(lines)
    return written


_THE_YEAR_2000: Final = 262_968
_HEADER: Final = ["statistic_id", "name", "unit", "start", "amount", "sum"]


def _begin_file(path: Path) -> Callable[[list[list[Any]]], None]:
    """Write the file's first line; return what writes more. Runs in a thread.

    Raises:
        OSError: it can't be written, or is a link, which may lead out of the folder.

    """
    with open(path, "w", newline="", encoding="utf-8", opener=_no_link) as file:
        csv.writer(file).writerow(_HEADER)

    def write(lines: list[list[Any]]) -> None:
        with open(path, "a", newline="", encoding="utf-8", opener=_no_link) as file:
            csv.writer(file).writerows(lines)

    return write


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o644)


def _no_formula(text: str | None) -> str | None:
    """Return a text that no spreadsheet takes for a formula: providers name devices."""
    return f"'{text}" if text and text.lstrip().startswith(_FORMULA) else text


def _bad_file(name: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="file_name",
        translation_placeholders={"file": name},
    )


def _hours(call: ServiceCall, default_start: Hour | None = None) -> tuple[Hour, Hour]:
    """Return the hours that a call is about; times without a zone are those of the house."""
    now = dt_util.utcnow()
    start: datetime | None = call.data.get(ATTR_START)
    end: datetime = call.data.get(ATTR_END) or now
    first = default_start if start is None else window_hours(dt_util.as_utc(start), now)[0]
    assert first is not None  # the start is required, or has a default
    last = min(window_hours(now, dt_util.as_utc(end))[1], window_hours(now, now)[0])
    if first >= last:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_time")
    return first, last


def _target(hass: HomeAssistant, registry_id: str) -> Target:
    """Return the device that a person chose.

    Raises:
        ServiceValidationError: it is not one of ours, its account is not loaded, or has no past.

    """
    device = dr.async_get(hass).async_get(registry_id)
    for entry_id in device.config_entries if device is not None else ():
        entry: EnergyConfigEntry | None = hass.config_entries.async_get_entry(entry_id)
        if device is None or entry is None or entry.domain != DOMAIN:
            continue
        if entry.state is not ConfigEntryState.LOADED:
            raise invalid("account_not_loaded", account=entry.title)
        if (work := entry.runtime_data.history) is None:
            raise _refused("no_history", entry.title)
        return Target(entry, work, _device(entry, device))
    raise _refused("not_our_device", registry_id)


def _device(entry: EnergyConfigEntry, device: Any) -> str | None:
    prefix = f"{account_id(entry)}:"
    for domain, identifier in device.identifiers:
        if domain == DOMAIN and identifier.startswith(prefix):
            kind, _, device_id = identifier.removeprefix(prefix).partition(":")
            return device_id if kind != "history" else None
    return None


def _refused(key: str, name: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders={"name": name}
    )
