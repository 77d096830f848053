"""Hourly means in the recorder's long-term statistics: only what differs is written."""

from collections.abc import Callable, Mapping
from typing import Final

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    STATISTIC_UNIT_TO_UNIT_CONVERTER,
    async_add_external_statistics,
    statistics_during_period,
)
from homeassistant.core import HomeAssistant

from ..const import DOMAIN
from ..core.ledger import CHUNK, SAME
from ..core.means import Mean
from ..core.series import SECONDS, Hour, time_of
from .rows import units
from .statistics import Statistic, UnitConflict, Written, synchronized

# Hours read at once.
_READ: Final = 744

type Triple = tuple[float, float, float]


class MeansTable:
    """Means need no sums: each row stands for itself, and any order will do."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Use the recorder of this Home Assistant, which has to be set up."""
        self._hass = hass

    async def write(
        self, statistic: Statistic, means: Mapping[Hour, Mean], *, dry_run: bool = False
    ) -> Written:
        """Bring the hours to these means, one at least; others stay.

        Raises:
            UnitConflict: the recorder has the statistic in another unit.

        """
        known = await self._run(units, {statistic.id})
        if known.get(statistic.id, statistic.unit) != statistic.unit:
            raise UnitConflict(
                f"{statistic.id} is kept in {known[statistic.id]}, and not in {statistic.unit}"
            )
        there = await self.rows(statistic.id, min(means), max(means) + 1)
        changed = [hour for hour in sorted(means) if not _is_same(there.get(hour), means[hour])]
        if not dry_run:
            for at in range(0, len(changed), CHUNK):
                self._queue(statistic, {hour: means[hour] for hour in changed[at : at + CHUNK]})
                await synchronized(self._hass)
        return Written(tuple(changed))

    async def rows(self, statistic_id: str, start: Hour, stop: Hour) -> dict[Hour, Triple]:
        """Return mean, lowest and highest value of the hours that there are."""
        found: dict[Hour, Triple] = {}
        for first in range(start, stop, _READ):
            found |= await self._run(_rows, statistic_id, first, min(stop, first + _READ))
        return found

    def _queue(self, statistic: Statistic, means: Mapping[Hour, Mean]) -> None:
        converter = STATISTIC_UNIT_TO_UNIT_CONVERTER.get(statistic.unit)
        metadata = StatisticMetaData(
            mean_type=StatisticMeanType.ARITHMETIC,
            has_sum=False,
            name=statistic.name,
            source=DOMAIN,
            statistic_id=statistic.id,
            unit_class=None if converter is None else converter.UNIT_CLASS,
            unit_of_measurement=statistic.unit,
        )
        rows = [
            StatisticData(start=time_of(hour), mean=each.mean, min=each.lowest, max=each.highest)
            for hour, each in means.items()
        ]
        async_add_external_statistics(self._hass, metadata, rows)

    async def _run[*A, T](self, target: Callable[[HomeAssistant, *A], T], *args: *A) -> T:
        return await get_instance(self._hass).async_add_executor_job(target, self._hass, *args)


def _is_same(there: Triple | None, wanted: Mean) -> bool:
    return there is not None and all(
        abs(one - other) <= SAME for one, other in zip(there, wanted[:3], strict=True)
    )


def _rows(hass: HomeAssistant, statistic_id: str, start: Hour, stop: Hour) -> dict[Hour, Triple]:
    """Runs in a database thread."""
    found = statistics_during_period(
        hass, time_of(start), time_of(stop), {statistic_id}, "hour", None, {"mean", "min", "max"}
    )
    rows: dict[Hour, Triple] = {}
    for row in found.get(statistic_id, ()):
        mean, lowest, highest = row.get("mean"), row.get("min"), row.get("max")
        if mean is not None and lowest is not None and highest is not None:
            rows[int(row["start"]) // SECONDS] = (mean, lowest, highest)
    return rows
