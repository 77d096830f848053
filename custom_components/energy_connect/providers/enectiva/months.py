"""What meters and entities used in this calendar month and in the last one."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, tzinfo

from ...core.budget import Priority
from ...core.clock import Clock
from ...core.errors import Reason, UnexpectedResponse
from ...core.http import ApiClient
from ...core.response import Response
from .documents import read
from .parse import Delta, Entity, Meter, Month, deltas
from .paths import Paths
from .readings import REFUSED_PARAMETER
from .tally import Tally


def this_month(now: datetime, zone: tzinfo) -> Month:
    """Return the calendar month that it is in a zone."""
    local = now.astimezone(zone)
    return local.year, local.month


def before(month: Month) -> Month:
    """Return the month before."""
    year, number = month
    return (year, number - 1) if number > 1 else (year - 1, 12)


class Months:
    """The newest monthly deltas, one request a meter or entity; a key is `<kind>_<id>`."""

    def __init__(self, api: ApiClient, clock: Clock, paths: Paths, tally: Tally) -> None:
        """Know no month yet."""
        self._api = api
        self._clock = clock
        self._paths = paths
        self._tally = tally
        self.unfiltered: set[str] = set()
        self.latest: dict[str, tuple[Delta, ...]] = {}

    def keep(self, keys: Iterable[str]) -> None:
        """Forget all meters and entities but these, and that filters were refused."""
        wanted = set(keys)
        self.unfiltered.clear()
        self.latest = {key: found for key, found in self.latest.items() if key in wanted}

    async def fetch_meter(self, key: str, meter: Meter, zone: tzinfo) -> bool:
        """Read a meter's two months; return whether they are other ones than before.

        The path is assumed, by analogy with that of entities.

        Raises:
            ApiError: nothing is changed then.

        """

        async def ask(*params: tuple[str, str]) -> Response:
            async def send(identification: str) -> Response:
                return await self._get("meters", identification, params)

            return await self._paths.ask(meter, send)

        return await self._fetch(key, "meter_deltas", zone, ask)

    async def fetch_entity(self, key: str, entity: Entity, zone: tzinfo) -> bool:
        """Read an entity's two months of each energy, as `fetch_meter`."""

        async def ask(*params: tuple[str, str]) -> Response:
            return await self._get("entities", entity.id, params)

        return await self._fetch(key, "entity_deltas", zone, ask)

    async def fetch_virtual(self, key: str, virtual_id: str, zone: tzinfo) -> bool:
        """Read a virtual meter's months, as `fetch_meter`; how they are filtered is not known."""

        async def ask(*params: tuple[str, str]) -> Response:
            return await self._get("virtual_meters", virtual_id, params)

        return await self._fetch(key, "virtual_meter_deltas", zone, ask, filtered=False)

    async def _get(self, kind: str, identity: str, params: tuple[tuple[str, str], ...]) -> Response:
        # What is left of the hour's requests will do: months can wait, readings can't.
        return await self._api.get(
            kind, identity, "deltas", params=params, priority=Priority.BACKFILL
        )

    async def _fetch(
        self,
        key: str,
        resource: str,
        zone: tzinfo,
        ask: Callable[..., Awaitable[Response]],
        *,
        filtered: bool = True,
    ) -> bool:
        first = before(this_month(self._clock.now(), zone))
        # Times of months have no offset (vendor).
        condition = f"{resource}.time>={first[0]:04}-{first[1]:02}-01T00:00:00"
        filtered = filtered and resource not in self.unfiltered
        filters = [("filter[]", condition)] if filtered else []
        try:
            response = await ask(*filters)
        except UnexpectedResponse as error:
            if not filters or error.status not in REFUSED_PARAMETER:
                raise
            response = await ask()
            self.unfiltered.add(resource)
        parsed = deltas(read(response.json()).rows, zone)
        self._tally.note(resource, parsed)
        if parsed.dropped and not parsed.rows:
            raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE, status=response.status)
        found = tuple(delta for delta in parsed.rows if delta.month >= first)
        if found == self.latest.get(key, ()):
            return False
        self.latest[key] = found
        return True
