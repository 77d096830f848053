"""The past of data series: points of temperatures, concentrations and the like.

Only of a series whose newest point names its unit, and only its points in that unit: statistics in a
guessed unit can't be mended.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from ...core.budget import Priority
from ...core.history import Batch, CounterReading, Form, Harvest, Series, Source
from ...core.http import ApiClient
from ...core.vocabulary import Quantity
from .documents import Document, read
from .tally import Tally
from .timeline import between

_WINDOW: Final = timedelta(days=31)
_QUARTER: Final = timedelta(minutes=15)
"""The step of readings that is usual; that of data series is not documented (assumed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPast:
    """A data series of which the past can be read; `unit` is that of its newest point."""

    device: str
    id: str
    zone: tzinfo
    unit: str


class Points:
    """Reads the past of data series."""

    def __init__(self, api: ApiClient, tally: Tally) -> None:
        """Know no series yet."""
        self._api = api
        self._tally = tally
        self._series: dict[str, SeriesPast] = {}

    def sources(self, known: Iterable[SeriesPast]) -> list[Source]:
        """Return a source for each series."""
        self._series = {f"{past.device}_points": past for past in known}
        return [
            Source(
                key=key,
                series=(
                    Series(
                        device=past.device,
                        quantity=Quantity.VALUE,
                        form=Form.MEASURED,
                        unit=past.unit,
                    ),
                ),
                window=_WINDOW,
                step=_QUARTER,
            )
            for key, past in self._series.items()
        ]

    def knows(self, source: Source) -> bool:
        """Tell whether a source is one of these."""
        return source.key in self._series

    async def read(
        self, source: Source, start: datetime, end: datetime, priority: Priority
    ) -> Harvest:
        """Read one series, which is known.

        Raises:
            ApiError: see `HistoryAccount.read_history`.

        """
        past = self._series[source.key]

        async def ask(condition: str) -> Document:
            params = (("filter[]", condition),)
            response = await self._api.get(
                "data_series", past.id, "data_points", params=params, priority=priority
            )
            return read(response.json())

        found: list[CounterReading] = []
        dropped = 0
        async for parsed in between(ask, "data_series.time", start, end, past.zone):
            self._tally.note("data_points", parsed)
            usable = [state for state in parsed.rows if state.unit == past.unit]
            dropped += parsed.dropped + len(parsed.rows) - len(usable)
            found += [CounterReading(one.at, one.value) for one in usable]
        return Harvest(batches={source.series[0].key: Batch(readings=found)}, dropped=dropped)
