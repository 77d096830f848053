"""The lists of an account: read whole, with what can be expanded, and bad rows counted."""

from collections.abc import Callable, Mapping
import logging
from typing import Any, Final

from ...core.errors import NotPermitted, UnexpectedResponse
from ...core.paging import Listing, PageMemory
from ...core.payload import Json
from ...core.vocabulary import Kind
from .access import Access
from .parse import LOG, Parsed

_LOGGER = logging.getLogger(__name__)

# What is asked for first, and what is left if that is refused.
_EXPANSIONS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "vehicles": ((LOG, "trim.model.make"), (LOG,)),
    "evses": ((LOG, "model.make"), (LOG,)),
    "hem_systems": ((),),
}
_OTHERS: Final = ((LOG,), ())


class Lists:
    """Reads the lists of an account; `complete` are the kinds of which a list was read whole."""

    def __init__(self, access: Access) -> None:
        """Have read nothing yet."""
        self._access = access
        self._pages: dict[str, PageMemory[Any]] = {}
        self._steps: dict[str, list[tuple[str, ...]]] = {
            path: list(steps) for path, steps in _EXPANSIONS.items()
        }
        self._warned: set[str] = set()
        self.dropped: dict[str, int] = {}
        self.complete: set[Kind] = set()

    @property
    def expanded(self) -> Mapping[str, list[str]]:
        """What is expanded of each list."""
        return {path: list(steps[0]) for path, steps in self._steps.items()}

    async def read[T](self, path: str, parse: Callable[[Json], Parsed[T]], kind: Kind) -> list[T]:
        """Read a list whole; note what was bad in it, and whether it can say who is gone.

        Raises:
            ApiError: the list could not be read.

        """
        steps = self._steps.setdefault(path, list(_OTHERS))
        try:
            listing = await self._expanded(path, parse, steps[0])
        except (NotPermitted, UnexpectedResponse) as error:
            # What an expansion needs is not documented: the list must not fail with it.
            if len(steps) == 1 or error.status not in {400, 403}:
                raise
            listing = await self._expanded(path, parse, steps[1])
            del steps[0]
        dropped = sum(page.dropped for page in listing.rows)
        self.note_dropped(path, dropped)
        if listing.complete and not dropped:
            self.complete.add(kind)
        return [row for page in listing.rows for row in page.rows]

    async def _expanded[T](
        self, path: str, parse: Callable[[Json], Parsed[T]], names: tuple[str, ...]
    ) -> Listing[Parsed[T]]:
        params = [("expand", name) for name in names]
        return await self._access.read_list(
            path, parse=parse, params=params, memory=self.memory(path)
        )

    def memory(self, name: str) -> PageMemory[Any]:
        """Return what was parsed of a list before."""
        return self._pages.setdefault(name, PageMemory())

    def note_dropped(self, name: str, dropped: int) -> None:
        """Count the bad rows of a list; the first time somebody is told."""
        self.dropped[name] = dropped
        if dropped and name not in self._warned:
            self._warned.add(name)
            _LOGGER.warning("ev.energy sent %d unreadable rows among its %s", dropped, name)
