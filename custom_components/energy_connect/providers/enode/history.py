"""What an Enode account knows of the past, device by device."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import datetime, tzinfo
from functools import partial
from typing import Any, Final

from ...core.budget import Priority
from ...core.clock import Clock
from ...core.errors import NotPermitted, Reason
from ...core.history import Harvest, Source
from ...core.http import ApiClient
from ...core.vocabulary import Kind, Quantity
from .assets import Asset
from .charging import ChargingStatistics
from .daily import InverterStatistics, SiteStatistics
from .statistics import FLOWS
from .units import Site
from .zones import Zones

type _Read = Callable[[datetime, datetime, Priority], Coroutine[Any, Any, Harvest]]

_PRODUCTION: Final = (Quantity.ENERGY_PRODUCTION,)


class EnodeHistory:
    """The sources of an account, and the way to read each.

    A vehicle and the charger that feeds it, an inverter and its HEM system tell of the same energy,
    each in a series of its own.
    """

    def __init__(
        self,
        client: ApiClient,
        clock: Clock,
        zones: Zones,
        house: tzinfo,
        *,
        owner: str | None,
        currency: str | None,
    ) -> None:
        """`house` is the time zone of devices that name none; see `ChargingStatistics`."""
        self._charging = ChargingStatistics(client, clock, owner, currency)
        self._inverters = InverterStatistics(client, clock, zones, house)
        self._sites = SiteStatistics(client, clock, zones, house)
        self._readers: dict[str, _Read] = {}
        self._dropped = 0

    def sources(self, assets: Iterable[Asset], sites: Iterable[Site]) -> Sequence[Source]:
        """Return what can be read of these."""
        sources: list[Source] = []
        self._readers = {}
        for asset in assets:
            if asset.device.kind is Kind.INVERTER:
                if not asset.statistics:
                    continue
                source = self._inverters.source(asset.device.id, _PRODUCTION, asset.installed)
                read: _Read = partial(self._inverters.read, source, asset.zone)
            elif (drawn := self._charging.source(asset)) is not None:
                source = drawn
                read = partial(self._charging.read, asset, source)
            else:
                continue
            sources.append(source)
            self._readers[source.key] = read
        for site in sites:
            if quantities := _flows(site):
                source = self._sites.source(site.device.id, quantities, site.installed)
                sources.append(source)
                self._readers[source.key] = partial(self._sites.read, source, site.zone)
        return sources

    async def read(
        self, source: Source, start: datetime, end: datetime, priority: Priority
    ) -> Harvest:
        """Read one of the sources.

        Raises:
            ApiError: as `HistoryAccount.read_history`.

        """
        read = self._readers.get(source.key)
        if read is None:
            # The device went, or is not there yet after a start.
            raise NotPermitted(Reason.NOT_FOUND)
        harvest = await read(start, end, priority)
        self._dropped += harvest.dropped
        return harvest

    def diagnostics(self) -> dict[str, Any]:
        """Return counts and kinds, never a value."""
        return {
            "sources": len(self._readers),
            "dropped": self._dropped,
            "by_session": self._charging.by_session,
        }


def _flows(site: Site) -> list[Quantity]:
    """Return what a HEM system measures, by what it tells of today."""
    told = {str(quantity) for quantity, _ in site.device.numbers}
    return [quantity for quantity in FLOWS.values() if f"{quantity}_today" in told]
