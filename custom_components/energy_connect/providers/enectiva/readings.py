"""The newest reading of each meter, by windows of time: no sorting is documented well enough."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from ...core.clock import Clock
from ...core.errors import Reason, UnexpectedResponse
from ...core.http import ApiClient
from ...core.response import Response
from .documents import Document, read
from .listing import FULL_PAGE, MOST_PAGES
from .parse import Meter, Parsed, State, states
from .paths import Paths
from .tally import Tally

WINDOWS: Final = (timedelta(days=3), timedelta(days=35), timedelta(days=400))
"""Where the newest reading is looked for: of an automatic meter, one read monthly, one yearly."""
REFUSED_PARAMETER: Final = frozenset({400, 422})
"""What an optional parameter may be answered with; then it is left out (assumed)."""
REST: Final = 12 * 3600.0
"""Seconds until a meter without any reading (a profile meter) is asked again."""

# A reading of the far future, from a wrong clock, would hide all that follow it.
_AHEAD: Final = timedelta(days=1)


class Readings:
    """The newest readings, one request a meter."""

    def __init__(self, api: ApiClient, clock: Clock, paths: Paths, tally: Tally) -> None:
        """Know no reading yet."""
        self._api = api
        self._clock = clock
        self._paths = paths
        self._tally = tally
        self._resting: dict[str, float] = {}
        self._empty: set[str] = set()
        self.unfiltered = False
        self.latest: dict[str, State] = {}

    def keep(self, meters: Iterable[str]) -> None:
        """Forget all meters but these, and that filters were refused."""
        wanted = set(meters)
        self.unfiltered = False
        self._empty &= wanted
        self._resting = {key: at for key, at in self._resting.items() if key in wanted}
        self.latest = {key: state for key, state in self.latest.items() if key in wanted}

    def is_resting(self, meter: str) -> bool:
        """Tell whether a meter had no readings and is not to be asked again yet."""
        return self._resting.get(meter, 0.0) > self._clock.monotonic()

    @property
    def at_rest(self) -> frozenset[str]:
        """All meters of which `is_resting` is true."""
        now = self._clock.monotonic()
        return frozenset(meter for meter, until in self._resting.items() if until > now)

    @property
    def resting(self) -> int:
        """How many meters had no readings."""
        return len(self._resting)

    async def fetch(self, meter: Meter, zone: tzinfo) -> bool:
        """Read a meter's newest reading; return whether it is another one than before.

        From the last seen time on, including it, since a reading may be corrected; without one,
        the windows are tried until one holds a reading.

        Raises:
            ApiError: nothing is changed then.

        """
        known = self.latest.get(meter.id)
        if known is not None:
            newest = await self._newest(meter, zone, known.at)
        else:
            newest = await self._search(meter, zone)
        if newest is None or newest == known:
            return False
        self._resting.pop(meter.id, None)
        self._empty.discard(meter.id)
        self.latest[meter.id] = newest
        return True

    async def between(
        self, meter: Meter, zone: tzinfo, start: datetime, end: datetime
    ) -> list[State]:
        """Return the readings measured in [start, end), the earliest first.

        Raises:
            ApiError: they could not be read whole.

        """
        found: dict[datetime, State] = {}
        condition = f"readings.time>={_stamp(start)}"
        last: datetime | None = None
        for _ in range(MOST_PAGES):
            document = await self._ask(meter, condition)
            parsed = states(document.rows, zone)
            self._tally.note("readings", parsed)
            # The later of two rows of one time is the correction (assumed).
            found |= {state.at: state for state in parsed.rows if start <= state.at < end}
            newest = max((state.at for state in parsed.rows), default=None)
            if newest is None or newest >= end or not _goes_on(document):
                return [found[at] for at in sorted(found)]
            if last is not None and newest <= last:
                break
            last = newest
            condition = f"readings.time>{_stamp(newest)}"
        raise UnexpectedResponse(Reason.TOO_LARGE)

    async def _search(self, meter: Meter, zone: tzinfo) -> State | None:
        # Once all windows were empty, the widest says in one request whether that has changed.
        windows = WINDOWS[-1:] if meter.id in self._empty else WINDOWS
        for window in windows:
            newest = await self._newest(meter, zone, self._clock.now() - window)
            if newest is not None or self.unfiltered:
                break
        if newest is None:
            self._empty.add(meter.id)
            self._resting[meter.id] = self._clock.monotonic() + REST
        return newest

    async def _newest(self, meter: Meter, zone: tzinfo, since: datetime) -> State | None:
        """Return the newest reading from `since` on."""
        return await find_newest(
            lambda condition: self._ask(meter, condition),
            "readings.time",
            since,
            zone=zone,
            now=self._clock.now(),
            note=lambda parsed: self._tally.note("readings", parsed),
        )

    async def _ask(self, meter: Meter, condition: str) -> Document:
        """Ask with a filter; should filters be refused, without, if all fits on one page."""

        async def send(identification: str, *params: tuple[str, str]) -> Response:
            return await self._api.get("meters", identification, "readings", params=params)

        async def send_filtered(identification: str) -> Response:
            return await send(identification, ("filter[]", condition))

        if not self.unfiltered:
            try:
                return read((await self._paths.ask(meter, send_filtered)).json())
            except UnexpectedResponse as error:
                if error.status not in REFUSED_PARAMETER:
                    raise
        document = read((await self._paths.ask(meter, send)).json())
        if _goes_on(document):
            # The oldest thousand: the newest reading is somewhere behind them.
            raise UnexpectedResponse(Reason.REQUEST_REFUSED, status=400)
        self.unfiltered = True
        return document


async def find_newest(
    ask: Callable[[str], Awaitable[Document]],
    field: str,
    since: datetime,
    *,
    zone: tzinfo,
    now: datetime,
    note: Callable[[Parsed[State]], None],
) -> State | None:
    """Return the newest row from `since` on; `field` is what the filter calls its time.

    Lists are oldest first, 1,000 rows a page: after a full one the time moves on.

    Raises:
        ApiError: they could not be read.

    """
    newest: State | None = None
    condition = f"{field}>={_stamp(since)}"
    latest_possible = now + _AHEAD
    for _ in range(MOST_PAGES):
        document = await ask(condition)
        parsed = states(document.rows, zone)
        note(parsed)
        if parsed.dropped and not parsed.rows:
            # Not the same as no rows, after which a meter would rest for half a day.
            raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
        page: State | None = None
        for state in parsed.rows:
            # Where filters are ignored, a page of the first years must not be the newest.
            if _floor(since) <= state.at <= latest_possible and (
                page is None or state.at >= page.at
            ):
                page = state
        if page is None or (newest is not None and page.at <= newest.at):
            break
        newest = page
        if not _goes_on(document):
            break
        condition = f"{field}>{_stamp(newest.at)}"
    return newest


def _goes_on(document: Document) -> bool:
    return len(document.rows) >= FULL_PAGE or document.next is not None


def _floor(at: datetime) -> datetime:
    """Filters are given in whole seconds, so that the row of the last fraction comes again."""
    return at.replace(microsecond=0)


def _stamp(at: datetime) -> str:
    """`Z` and no offset: a plus sign might be decoded as a space."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
