"""Hours into the recorder's long-term statistics: read, compare, write only what differs.

The recorder's own traps, all seen on 2026.8 to 2026.11:
- an import costs as much for unchanged rows as for new ones, and others wait for it: only
  differences are written, in small pieces, each awaited;
- `async_block_till_done` does not wait for a task that is running: an own task is queued behind;
- the task that shifts sums swallows the database's errors and is not idempotent: what it did is
  read back, and a seam that does not hold is healed by one shift;
- an import that meets a locked database queues itself anew, behind what came after it: read back;
- sums must go on from the row before, however old that is, and never from 0.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    async_add_external_statistics,
    get_last_statistics,
    get_metadata,
    statistics_during_period,
)
from homeassistant.components.recorder.tasks import SynchronizeTask
from homeassistant.core import HomeAssistant
from homeassistant.util.unit_conversion import (
    BaseUnitConverter,
    EnergyConverter,
    MassConverter,
    ReactiveEnergyConverter,
    VolumeConverter,
)

from ..const import DOMAIN, LOGGER
from ..core.ledger import Plan, Row, Step, plan
from ..core.series import SECONDS, Hour, time_of

_CONVERTERS: Final[tuple[type[BaseUnitConverter], ...]] = (
    EnergyConverter,
    VolumeConverter,
    ReactiveEnergyConverter,
    MassConverter,
)
_ATTEMPTS: Final = 4
# Hours read at once: memory stays small, and a database thread is never busy for long.
_READ: Final = 744


class UnitConflict(Exception):
    """The statistics exist in a unit into which the amounts can't be converted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """An external statistic: what the recorder knows it by, what a person knows it by."""

    id: str
    name: str
    unit: str | None

    @property
    def converter(self) -> type[BaseUnitConverter] | None:
        """What converts the unit into others of its kind; money has none."""
        return next((each for each in _CONVERTERS if self.unit in each.VALID_UNITS), None)


class Written(NamedTuple):
    """What was written: the hours whose amount is new or another one, and seams healed."""

    changed: tuple[Hour, ...] = ()
    healed: int = 0


class _Work(NamedTuple):
    """Hours to be brought to amounts; `whole`: the others to 0."""

    statistic: Statistic
    start: Hour
    stop: Hour
    amounts: Mapping[Hour, float]
    whole: bool


class _Found(NamedTuple):
    """What the recorder has: the unit, a stretch's rows, the sum before, the next row behind."""

    unit: str | None
    rows: list[Row]
    base: float
    following: Row | None


async def nothing() -> None:
    """Do nothing: there is nobody to be warned."""


class StatisticsTable:
    """The recorder's long-term statistics, one writer at a time."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Use the recorder of this Home Assistant, which has to be set up."""
        self._hass = hass
        self._recorder = get_instance(hass)
        self._lock = asyncio.Lock()
        self._units: dict[str, str | None] = {}

    async def write(
        self,
        statistic: Statistic,
        amounts: Mapping[Hour, float],
        *,
        within: tuple[Hour, Hour] | None = None,
        dry_run: bool = False,
        before_shift: Callable[[], Awaitable[None]] = nothing,
    ) -> Written:
        """Bring the hours to these amounts, and all sums behind them along.

        Rows `within` those hours (from, up to) that have no amount become 0; others stay.

        `before_shift` is awaited before sums of rows that exist are moved: a sudden end may then
        leave a seam, which should be known at the next start.

        Raises:
            UnitConflict: the recorder has the statistic in a unit of another kind.

        """
        if not amounts and within is None:
            return Written()
        async with self._lock:
            changed: list[Hour] = []
            healed = 0
            first, beyond = within or (min(amounts), max(amounts) + 1)
            for start in range(first, beyond, _READ):
                stop = min(beyond, start + _READ)
                piece = {hour: amounts[hour] for hour in range(start, stop) if hour in amounts}
                if not piece and within is None:
                    continue
                span = (min(piece), max(piece) + 1) if within is None else (start, stop)
                work = _Work(statistic, *span, piece, within is not None)
                written = await self._piece(work, dry_run, before_shift)
                changed += written.changed
                healed += written.healed
        return Written(tuple(changed), healed)

    async def _piece(
        self, work: _Work, dry_run: bool, before_shift: Callable[[], Awaitable[None]]
    ) -> Written:
        """Write until nothing is left to do; what was written last is thereby read back."""
        changed: dict[Hour, None] = {}
        healed = 0
        statistic = work.statistic
        if statistic.id in self._units and await self._is_so(work):
            return Written()
        for _ in range(_ATTEMPTS):
            found = await self._find(statistic, work.start, work.stop)
            self._units[statistic.id] = found.unit
            todo = _plan(work, found, heal=not dry_run)
            if not todo.steps:
                break
            if not dry_run:
                await self._do(statistic, found.unit, todo, before_shift)
            changed |= dict.fromkeys(todo.changed)
            healed += todo.healed
            if dry_run:
                break
        else:
            LOGGER.warning("The statistics of %s do not keep what is written", statistic.id)
        return Written(tuple(sorted(changed)), healed)

    async def _is_so(self, work: _Work) -> bool:
        """Tell, with one query instead of three, whether nothing is to be done: mostly so."""
        rows = await self._run(_rows, self._hass, work.statistic.id, work.start, work.stop)
        if not rows:
            return False
        found = _Found(self._units[work.statistic.id], [row for row, _ in rows], rows[0][1], None)
        return not _plan(work, found, heal=True).steps

    async def heal(self, statistic: Statistic, start: Hour, stop: Hour) -> int:
        """Look through rows for broken seams and heal them; return how many there were."""
        healed = 0
        async with self._lock:
            for first in range(start, stop, _READ):
                for _ in range(_ATTEMPTS):
                    found = await self._find(statistic, first, min(stop, first + _READ))
                    todo = plan(found.rows, found.base, {}, found.following)
                    if not todo.steps:
                        break
                    healed += todo.healed
                    await self._do(statistic, found.unit, todo, nothing)
        return healed

    async def rows(self, statistic_id: str, start: Hour, stop: Hour) -> list[Row]:
        """Return the rows of some hours, in the unit of the rows."""
        found = await self._run(_rows, self._hass, statistic_id, start, stop)
        return [row for row, _ in found]

    async def newest(self, statistic_id: str) -> Hour | None:
        """Return the hour of the newest row, or None if there are no rows."""
        newest = await self._run(_newest, self._hass, statistic_id)
        return None if newest is None else newest.hour

    async def unit_of(self, statistic: Statistic) -> str | None:
        """Return the unit of the rows: that in which the statistic began."""
        return await self._run(_unit, self._hass, statistic)

    async def _do(
        self,
        statistic: Statistic,
        unit: str | None,
        todo: Plan,
        before_shift: Callable[[], Awaitable[None]],
    ) -> None:
        if any(step.shift for step in todo.steps):
            await before_shift()
        for step in todo.steps:
            self._queue(statistic, unit, step)
            done: asyncio.Future[None] = self._hass.loop.create_future()
            self._recorder.queue_task(SynchronizeTask(done))
            await done

    def _queue(self, statistic: Statistic, unit: str | None, step: Step) -> None:
        """Queue the rows and the shift behind them one right after the other."""
        if step.rows:
            converter = statistic.converter
            metadata = StatisticMetaData(
                mean_type=StatisticMeanType.NONE,
                has_sum=True,
                name=statistic.name,
                source=DOMAIN,
                statistic_id=statistic.id,
                unit_class=converter.UNIT_CLASS if converter is not None else None,
                unit_of_measurement=unit,
            )
            rows = [
                StatisticData(start=time_of(row.hour), state=row.amount, sum=row.sum)
                for row in step.rows
            ]
            async_add_external_statistics(self._hass, metadata, rows)
        if step.shift:
            self._recorder.async_adjust_statistics(
                statistic.id, time_of(step.shift_from), step.shift, unit or ""
            )

    async def _find(self, statistic: Statistic, start: Hour, stop: Hour) -> _Found:
        return await self._run(_find, self._hass, statistic, start, stop)

    async def _run[*A, T](self, target: Callable[[*A], T], *args: *A) -> T:
        return await self._recorder.async_add_executor_job(target, *args)


def _plan(work: _Work, found: _Found, *, heal: bool) -> Plan:
    """Return what has to be done to what was found."""
    factor = _factor(work.statistic, found.unit)
    amounts = work.amounts
    if factor != 1:
        amounts = {hour: amount * factor for hour, amount in amounts.items()}
    if work.whole:
        stale = (row.hour for row in found.rows if row.amount)
        amounts = {**dict.fromkeys(stale, 0.0), **amounts}
    return plan(found.rows, found.base, amounts, found.following, heal=heal)


def _factor(statistic: Statistic, unit: str | None) -> float:
    if unit == statistic.unit:
        return 1.0
    converter = statistic.converter
    if converter is None or unit not in converter.VALID_UNITS:
        raise UnitConflict(f"{statistic.id} is kept in {unit}, and not in {statistic.unit}")
    return converter.convert(1.0, statistic.unit, unit)


def _unit(hass: HomeAssistant, statistic: Statistic) -> str | None:
    """Runs in a database thread."""
    found = get_metadata(hass, statistic_ids={statistic.id})
    if statistic.id not in found:
        return statistic.unit
    return found[statistic.id][1]["unit_of_measurement"]


def _rows(
    hass: HomeAssistant, statistic_id: str, start: Hour, stop: Hour
) -> list[tuple[Row, float]]:
    """Return rows, each with the sum before it. Runs in a database thread."""
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


def _newest(hass: HomeAssistant, statistic_id: str) -> Row | None:
    """Return the newest row. Runs in a database thread."""
    found = get_last_statistics(hass, 1, statistic_id, False, {"state", "sum"})
    for row in found.get(statistic_id, ()):
        return Row(round(row["start"] / 3600), row.get("state") or 0.0, row.get("sum") or 0.0)
    return None


def _find(hass: HomeAssistant, statistic: Statistic, start: Hour, stop: Hour) -> _Found:
    """Return what is there. Runs in a database thread."""
    statistic_id, unit = statistic.id, _unit(hass, statistic)
    # One hour more: mostly the row behind is the very next one.
    found = _rows(hass, statistic_id, start, stop + 1)
    inside = [row for row, _ in found if row.hour < stop]
    following = next((row for row, _ in found if row.hour >= stop), None)
    base = found[0][1] if found else None
    if following is None or base is None:
        newest = _newest(hass, statistic_id)
        if newest is None:
            return _Found(unit, [], 0.0, None)
        if newest.hour < start:
            return _Found(unit, [], newest.sum, None)
        if newest.hour >= stop:
            following, before = _following(hass, statistic_id, stop, newest)
            base = before if base is None else base
    return _Found(unit, inside, base or 0.0, following)


def _following(
    hass: HomeAssistant, statistic_id: str, stop: Hour, newest: Row
) -> tuple[Row, float]:
    """Return the first row from an hour on, and the sum before it; there is one."""
    length = 24
    while stop + length <= newest.hour:
        found = _rows(hass, statistic_id, stop, stop + length)
        if found:
            return found[0]
        stop, length = stop + length, length * 8
    return _rows(hass, statistic_id, stop, newest.hour + 1)[0]
