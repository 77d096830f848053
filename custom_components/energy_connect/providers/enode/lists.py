"""One list of an account: read whole, remembered, asked seldom once it was refused."""

from collections.abc import Callable, Mapping
import logging
import math
from typing import Any, Final

from ...core.clock import Clock
from ...core.errors import ApiError, NotPermitted, Reason
from ...core.http import ApiClient
from ...core.paging import Page, read_all
from ...core.payload import Json
from ...core.row_memory import Read, RowMemory
from .assets import Frame, split

_LOGGER = logging.getLogger(__name__)

GRACE: Final = 900.0
"""For how many seconds what a list gave is shown while it can't be read."""

SELDOM: Final = 6 * 3600.0
"""After how many seconds a refused list is asked again."""


class WholeList[T]:
    """A list that comes in pages, and what it gave when it was last read well.

    Times are seconds of the monotonic clock. A list that is refused (403, 404) is normal: HEM
    systems are a beta, and a client may not be allowed every kind of asset. One that was there a
    while ago is asked again at once, and seldom only after its grace time is over.
    """

    def __init__(
        self,
        client: ApiClient,
        clock: Clock,
        path: tuple[str, ...],
        parse: Callable[[Mapping[str, Json]], T | None],
        *,
        interval: float = 0.0,
        grace: float = GRACE,
    ) -> None:
        """Know nothing yet; `interval` is the least time between two good readings.

        `grace` is how long is shown what it gave, at least the usual time.
        """
        self.name = path[-1]
        self.dropped = 0
        self.refused: Reason | None = None
        self.failed: Reason | None = None
        self.complete = False
        self._client = client
        self._clock = clock
        self._path = path
        self._interval = interval
        self._grace = max(GRACE, grace, 3 * interval)
        self._memory: RowMemory[Frame, T | None] = RowMemory(
            split, lambda row: parse(row) if isinstance(row, Mapping) else None
        )
        self._warned = False
        self._items: list[T] = []
        self._read_at = -math.inf
        self._ask_at = -math.inf

    @property
    def due(self) -> bool:
        """Whether it should be read now."""
        return self._clock.monotonic() >= self._ask_at

    @property
    def items(self) -> list[T]:
        """What the list gave, as long as that may still be shown."""
        return self._items if self._in_grace else []

    @property
    def _in_grace(self) -> bool:
        return self._clock.monotonic() - self._read_at <= self._grace

    async def read(self) -> bool:
        """Read the list to its end; return whether that is all there is.

        Raises:
            ApiError: it could not be read; what it gave before stays for its grace time.

        """
        try:
            return await self._read()
        except ApiError as error:
            self.failed = error.reason
            self.complete = False
            self.refused = None
            if isinstance(error, NotPermitted) or error.reason is Reason.NOT_FOUND:
                self.refused = error.reason
                if not self._in_grace:
                    self._ask_at = self._clock.monotonic() + SELDOM
            raise

    async def _read(self) -> bool:
        pages: dict[str, Read[Frame, T | None]] = {}

        async def fetch(cursor: str | None) -> Page[T | None]:
            # No page size: none larger than the default of 50 is documented as allowed.
            response = await self._client.get(
                *self._path, params=() if cursor is None else [("after", cursor)]
            )
            name = cursor or ""
            page = pages[name] = self._memory.read(name, response.body, response.json)
            return Page(page.made, page.frame.after)

        listing = await read_all(fetch)
        self._memory.keep(pages)
        self.failed = self.refused = None
        told = all(page.frame.listed for page in pages.values())
        self.complete = listing.complete and told
        if not told:
            # `{}` says neither that there is something, nor that there is nothing.
            self.failed = Reason.UNEXPECTED_SHAPE
            if self._in_grace:
                return False
        self._items = [item for item in listing.rows if item is not None]
        self._read_at = self._clock.monotonic()
        self._ask_at = self._read_at + self._interval
        self._count(len(listing.rows) - len(self._items))
        return self.complete

    def _count(self, dropped: int) -> None:
        self.dropped = dropped
        if dropped and not self._warned:
            self._warned = True
            _LOGGER.warning("Enode's list of %s has rows without an id; left out", self.name)

    def diagnostics(self) -> dict[str, Any]:
        """Return counts and reasons, never a value."""
        return {
            "rows": len(self._items),
            "dropped": self.dropped,
            "complete": self.complete,
            "failed": self.failed,
            "refused": self.refused is not None,
        }
