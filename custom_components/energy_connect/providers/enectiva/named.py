"""Virtual meters and data series: no list names them (vendor), so a person enters their ids."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

from ...core.clock import Clock
from ...core.http import ApiClient
from ...core.model import Device, NumberKey, Reading
from ...core.payload import identifier
from ...core.vocabulary import Kind, Moment, Quantity
from .devices import MANUFACTURER, Surroundings, months_by_energy, months_of_unknown_energy
from .documents import Document, read
from .parse import Delta, State
from .readings import WINDOWS, find_newest
from .tally import Tally

VIRTUAL_METERS: Final = "virtual_meters"
"""Option: the ids of virtual meters."""
DATA_SERIES: Final = "data_series"
"""Option: the ids of data series."""


def virtual_key(virtual_id: str) -> str:
    """Return the device id of a virtual meter."""
    return f"virtual_{virtual_id}"


def series_key(series_id: str) -> str:
    """Return the device id of a data series."""
    return f"series_{series_id}"


def entered_ids(options: Mapping[str, Any], option: str) -> tuple[str, ...]:
    """Return the ids in an option, each once, in the order in which they were entered."""
    found = (identifier(each) for each in options.get(option) or ())
    return tuple(dict.fromkeys(one for one in found if one is not None))


class Named:
    """What a person named in the options, by device id, and the newest points of data series."""

    def __init__(
        self, api: ApiClient, clock: Clock, tally: Tally, options: Mapping[str, Any]
    ) -> None:
        """Know no point yet."""
        self._api = api
        self._clock = clock
        self._tally = tally
        self._empty: set[str] = set()
        self.virtual = {virtual_key(one): one for one in entered_ids(options, VIRTUAL_METERS)}
        self.series = {series_key(one): one for one in entered_ids(options, DATA_SERIES)}
        self.latest: dict[str, State] = {}

    @property
    def keys(self) -> tuple[str, ...]:
        """The device ids of all of them."""
        return (*self.virtual, *self.series)

    async def fetch_point(self, key: str, zone: tzinfo) -> bool:
        """Read a series' newest point; return whether it is another one than before.

        Raises:
            ApiError: nothing is changed then.

        """
        known = self.latest.get(key)
        now = self._clock.now()
        windows = WINDOWS[-1:] if key in self._empty else WINDOWS
        starts = [now - window for window in windows] if known is None else [known.at]
        newest: State | None = None
        for start in starts:
            newest = await find_newest(
                lambda condition: self._ask(key, condition),
                "data_series.time",
                start,
                zone=zone,
                now=now,
                note=lambda parsed: self._tally.note("data_points", parsed),
            )
            if newest is not None:
                break
        if newest is None or newest == known:
            # Once all windows were empty, the widest says in one request whether that has changed.
            self._empty.add(key)
            return False
        self.latest[key] = newest
        return True

    async def _ask(self, key: str, condition: str) -> Document:
        response = await self._api.get(
            "data_series", self.series[key], "data_points", params=[("filter[]", condition)]
        )
        return read(response.json())

    def device(self, key: str, months: Sequence[Delta], around: Surroundings) -> Device:
        """Return the device of one of them; the API tells no name."""
        if key in self.series:
            return self._series_device(key)
        numbers = {
            **months_by_energy(months, around),
            **months_of_unknown_energy(months, around),
        }
        return Device(
            id=key,
            kind=Kind.METER,
            name=f"Virtual meter {self.virtual[key]}",
            manufacturer=MANUFACTURER,
            numbers=numbers,
        )

    def _series_device(self, key: str) -> Device:
        point = self.latest.get(key)
        numbers: dict[NumberKey, Reading] = {}
        if point is not None:
            numbers[Quantity.VALUE, None] = Reading(point.value, point.at, unit=point.unit)
        return Device(
            id=key,
            kind=Kind.DATA_SERIES,
            name=f"Data series {self.series[key]}",
            manufacturer=MANUFACTURER,
            numbers=numbers,
            moments={} if point is None else {Moment.LAST_MEASURED: point.at},
        )
