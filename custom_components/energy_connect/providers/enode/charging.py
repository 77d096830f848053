"""What vehicles, chargers and appliances took, hour by hour: statistics of one device each.

Asked for in hours; where a client is refused those, in sessions, which tell the same less well.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
import math
import re
from typing import Any, Final

from ...core.budget import Priority
from ...core.clock import Clock
from ...core.errors import NotPermitted, UnexpectedResponse
from ...core.history import Batch, Form, Harvest, Interval, Series, Source
from ...core.http import ApiClient
from ...core.response import Response
from ...core.vocabulary import Kind, Quantity
from .assets import Asset
from .lists import SELDOM
from .statistics import Told, parse_charging, parse_sessions

CURRENCY: Final = "cost_currency"
"""The option that names the currency of costs."""

WINDOW: Final = timedelta(days=31)
"""One answer of 744 hours at most; a limit of the API is not documented."""

LONGEST: Final = timedelta(hours=36)
"""A session shows after its end (vendor); none is believed to last longer than this (assumed)."""

_ISO_4217: Final = re.compile("[A-Z]{3}")
# Devices whose data came late are read late (assumed); one request a device and day.
_SETTLES: Final = timedelta(days=14)
# By kind: what the statistics tell, and what a device has to report now to have any.
_TOLD: Final = {
    Kind.VEHICLE: (Quantity.ENERGY_CHARGED, Quantity.CHARGE_POWER),
    Kind.CHARGER: (Quantity.ENERGY_CHARGED, Quantity.CHARGE_POWER),
    Kind.HVAC: (Quantity.ENERGY_CONSUMPTION, Quantity.POWER_CONSUMPTION),
}


class ChargingStatistics:
    """Reads the statistics of devices that draw power now and then."""

    def __init__(
        self, client: ApiClient, clock: Clock, owner: str | None, currency: str | None
    ) -> None:
        """Take whose assets are read if they do not say it, and what costs are in, if known."""
        self._client = client
        self._clock = clock
        self._owner = owner
        self._currency = currency
        self._hours_from: dict[Kind, float] = {}

    @property
    def by_session(self) -> list[Kind]:
        """Of which kinds hours were refused, so that sessions are read."""
        return [kind for kind in self._hours_from if self._refused(kind)]

    def _refused(self, kind: Kind) -> bool:
        return self._clock.monotonic() < self._hours_from.get(kind, -math.inf)

    def source(self, asset: Asset) -> Source | None:
        """Return what can be read of an asset, None if it has no such statistics."""
        device = asset.device
        quantity, power = _TOLD.get(device.kind, (None, None))
        if quantity is None or (power, None) not in device.numbers or self._user(asset) is None:
            return None
        series = Series(
            device=device.id,
            quantity=quantity,
            form=Form.INTERVALS,
            currency=self._currency,
        )
        return Source(
            key=f"{device.kind}_{device.id}",
            series=(series,),
            window=WINDOW,
            settles=_SETTLES,
            sparse=True,
        )

    async def read(
        self, asset: Asset, source: Source, start: datetime, end: datetime, priority: Priority
    ) -> Harvest:
        """Read a time of at most `WINDOW`.

        Raises:
            ApiError: as `HistoryAccount.read_history`.

        """
        (series,) = source.series
        told = await self._read(asset, series, start, end, priority)
        intervals = [
            each
            for each in told.intervals[series.quantity]
            if each.end > start and each.start < end
        ]
        batch = Batch(
            intervals=intervals,
            known_until=self._known_until(intervals, end),
            unknown=told.unknown,
        )
        return Harvest(batches={series.key: batch}, dropped=told.dropped)

    async def _read(
        self, asset: Asset, series: Series, start: datetime, end: datetime, priority: Priority
    ) -> Told:
        params = [
            ("type", asset.device.kind),
            ("id", asset.device.id),
            ("startDate", _stamp(start)),
            ("endDate", _stamp(end)),
        ]
        quantity, costed = series.quantity, series.currency is not None
        kind = asset.device.kind
        if not self._refused(kind):
            try:
                answer = await self._get(asset, (), [*params, ("resolution", "HOUR")], priority)
                return parse_charging(answer.json(), quantity, self._clock.now(), costed=costed)
            except (NotPermitted, UnexpectedResponse) as error:
                if error.status not in {400, 403, 422}:
                    raise _final(error) from error
                self._hours_from[kind] = self._clock.monotonic() + SELDOM
        try:
            answer = await self._get(asset, ("sessions",), params, priority)
        except UnexpectedResponse as error:
            raise _final(error) from error
        return parse_sessions(answer.json(), quantity, self._clock.now(), costed=costed)

    async def _get(
        self,
        asset: Asset,
        rest: Sequence[str],
        params: Sequence[tuple[str, str]],
        priority: Priority,
    ) -> Response:
        path = ("users", self._user(asset) or "", "statistics", "charging", *rest)
        return await self._client.get(*path, params=params, priority=priority)

    def _user(self, asset: Asset) -> str | None:
        return asset.user or self._owner

    def _known_until(self, intervals: Sequence[Interval], end: datetime) -> datetime:
        """Return up to when an hour that is not told of had no energy.

        Sessions follow each other: what came before one that is there is there too. After the last
        one another may be running, of which nothing is told yet.
        """
        believed = self._clock.now() - LONGEST
        return min(end, max([believed, *(each.end for each in intervals)]))


def currency_of(options: Mapping[str, Any]) -> str | None:
    """Return the currency (ISO 4217) that a person named, None if there is none.

    Enode's costs are in NOK or EUR by country, or in whatever the client's own tariffs are in
    (vendor), and no answer says which: statistics in a guessed currency can't be mended.
    """
    named = str(options.get(CURRENCY) or "").strip().upper()
    return named if _ISO_4217.fullmatch(named) else None


def _final(error: UnexpectedResponse | NotPermitted) -> UnexpectedResponse | NotPermitted:
    """Return a 404 as what it is here: this device has no statistics (vendor)."""
    if error.status != 404:
        return error
    return NotPermitted(error.reason, status=error.status, detail=error.detail)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
