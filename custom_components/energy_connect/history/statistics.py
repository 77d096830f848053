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
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_add_external_statistics
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
from ..core.draft import Rows
from ..core.ledger import SAME, Plan, Row, Step, plan
from ..core.series import Hour, time_of
from .rows import Ahead, Found, changes, find, newest_row, oldest_row, rows_of, units

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


class Wanted(NamedTuple):
    """The rows that a statistic should have."""

    statistic: Statistic
    rows: Rows

    @property
    def span(self) -> tuple[Hour, Hour] | None:
        """From which hour up to which one it says anything."""
        amounts = self.rows.amounts
        if self.rows.within is None and amounts:
            return min(amounts), max(amounts) + 1
        return self.rows.within


class Written(NamedTuple):
    """What was written: the hours whose amount is new or another one, and seams healed."""

    changed: tuple[Hour, ...] = ()
    healed: int = 0


class _Work(NamedTuple):
    """Hours to be brought to amounts; `whole`: the others to 0, save those to `keep`."""

    statistic: Statistic
    start: Hour
    stop: Hour
    amounts: Mapping[Hour, float]
    whole: bool
    keep: frozenset[Hour]


async def synchronized(hass: HomeAssistant) -> None:
    """Wait until the recorder has done what it was told so far."""
    done: asyncio.Future[None] = hass.loop.create_future()
    get_instance(hass).queue_task(SynchronizeTask(done))
    await done


async def nothing() -> None:
    """Do nothing: there is nobody to be warned."""


class StatisticsTable:
    """The recorder's long-term statistics, one writer at a time."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Use the recorder of this Home Assistant, which has to be set up."""
        self._hass = hass
        self._recorder = get_instance(hass)
        self._lock = asyncio.Lock()
        self._ahead: dict[str, Ahead] = {}

    async def settled(self, wanted: Sequence[Wanted]) -> set[str]:
        """Return the ids of those of which nothing has to be written: of all of them, mostly.

        They are compared by what the dashboard shows of them, all with one query a month.
        """
        spans = {each.statistic.id: span for each in wanted if (span := each.span) is not None}
        same = {each.statistic.id: each for each in wanted}
        if spans:
            first = min(start for start, _ in spans.values())
            beyond = max(stop for _, stop in spans.values())
            async with self._lock:
                for start in range(first, beyond, _READ):
                    stop = min(beyond, start + _READ)
                    asked = [same[name] for name in spans if name in same]
                    if asked:
                        for name in await self._run(_others, self._hass, asked, start, stop):
                            del same[name]
        return set(same)

    async def write(
        self,
        wanted: Wanted,
        *,
        dry_run: bool = False,
        before_shift: Callable[[], Awaitable[None]] = nothing,
    ) -> Written:
        """Bring the hours to these amounts, and all sums behind them along.

        `before_shift` is awaited before sums of rows that exist are moved: a sudden end may then
        leave a seam, which should be known at the next start.

        Raises:
            UnitConflict: the recorder has the statistic in a unit of another kind.

        """
        if (span := wanted.span) is None:
            return Written()
        first, beyond = span
        amounts, within, keep = wanted.rows.amounts, wanted.rows.within, wanted.rows.keep
        async with self._lock:
            changed: list[Hour] = []
            healed = 0
            for start in range(first, beyond, _READ):
                stop = min(beyond, start + _READ)
                piece = {hour: amounts[hour] for hour in range(start, stop) if hour in amounts}
                if not piece and within is None:
                    continue
                at = (min(piece), max(piece) + 1) if within is None else (start, stop)
                work = _Work(wanted.statistic, *at, piece, within is not None, keep)
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
        for _ in range(_ATTEMPTS):
            found = await self._find(statistic, work.start, work.stop)
            todo = await self._run(_plan, work, found, not dry_run)
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
        found = await self._run(rows_of, self._hass, statistic_id, start, stop)
        return [row for row, _ in found]

    async def newest(self, statistic_id: str) -> Hour | None:
        """Return the hour of the newest row, or None if there are no rows."""
        newest = await self._run(newest_row, self._hass, statistic_id)
        return None if newest is None else newest.hour

    async def oldest(self, statistic_id: str, since: Hour, newest: Hour) -> Hour:
        """Return the hour of the first row from `since` to `newest`, which there is."""
        return await self._run(oldest_row, self._hass, statistic_id, since, newest)

    async def unit_of(self, statistic: Statistic) -> str | None:
        """Return the unit of the rows: that in which the statistic began."""
        found = await self._run(units, self._hass, {statistic.id})
        return found.get(statistic.id, statistic.unit)

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
            await synchronized(self._hass)

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

    async def _find(self, statistic: Statistic, start: Hour, stop: Hour) -> Found:
        name = statistic.id
        ahead = self._ahead.get(name)
        found = await self._run(find, self._hass, name, statistic.unit, start, stop, ahead)
        if found.following is None:
            self._ahead.pop(name, None)
        else:
            self._ahead[name] = Ahead(stop, found.following.hour)
        return found

    async def _run[*A, T](self, target: Callable[[*A], T], *args: *A) -> T:
        return await self._recorder.async_add_executor_job(target, *args)


def _others(hass: HomeAssistant, wanted: Sequence[Wanted], start: Hour, stop: Hour) -> list[str]:
    """Return the ids of those that show anything else. Runs in a database thread."""
    ids = {each.statistic.id for each in wanted}
    began, shown = units(hass, ids), changes(hass, ids, start, stop)
    return [
        each.statistic.id
        for each in wanted
        if began.get(each.statistic.id, "") != each.statistic.unit
        or not _shows(each.rows, shown.get(each.statistic.id, {}), start, stop)
    ]


def _shows(rows: Rows, shown: Mapping[Hour, float | None], start: Hour, stop: Hour) -> bool:
    amounts = rows.amounts
    for hour, amount in amounts.items():
        if start <= hour < stop:
            change = shown.get(hour)
            if change is None or not -SAME <= change - amount <= SAME:
                return False
    if rows.within is None:
        return True
    first, beyond = rows.within
    return not any(
        abs(change or 0.0) > SAME
        for hour, change in shown.items()
        if first <= hour < beyond and hour not in amounts and hour not in rows.keep
    )


def _plan(work: _Work, found: Found, heal: bool) -> Plan:
    """Return what has to be done to what was found."""
    factor = _factor(work.statistic, found.unit)
    amounts = work.amounts
    if factor != 1:
        amounts = {hour: amount * factor for hour, amount in amounts.items()}
    if work.whole:
        stale = (row.hour for row in found.rows if row.amount and row.hour not in work.keep)
        amounts = {**dict.fromkeys(stale, 0.0), **amounts}
    return plan(found.rows, found.base, amounts, found.following, heal=heal)


def _factor(statistic: Statistic, unit: str | None) -> float:
    if unit == statistic.unit:
        return 1.0
    converter = statistic.converter
    if converter is None or unit not in converter.VALID_UNITS:
        raise UnitConflict(f"{statistic.id} is kept in {unit}, and not in {statistic.unit}")
    return converter.convert(1.0, statistic.unit, unit)
