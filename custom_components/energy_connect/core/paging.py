"""Lists that come in pages: read whole, guarded against loops, parsed once while unchanged."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

MOST_PAGES: Final = 400


@dataclass(frozen=True, slots=True)
class Page[T]:
    """One page: its rows, and where the next one is (a cursor, token or link), if any."""

    rows: list[T]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Listing[T]:
    """A list; `complete` is False if a guard stopped the reading, so nothing may be called gone."""

    rows: list[T]
    complete: bool


async def read_all[T](
    fetch: Callable[[str | None], Awaitable[Page[T]]], *, most: int = MOST_PAGES
) -> Listing[T]:
    """Follow a list to its end.

    `fetch` gets None for the first page, then each page's `next`. A repeated `next`, the same rows
    again under another `next`, and more than `most` pages, end the reading with an incomplete list;
    an empty page ends it as complete.
    Errors of `fetch` pass through: half a list is worth nothing to the caller.
    """
    collected: list[T] = []
    seen: set[str] = set()
    position: str | None = None
    before: list[T] = []
    for _ in range(most):
        page = await fetch(position)
        collected += page.rows
        if not page.next or not page.rows:
            return Listing(collected, complete=True)
        # A server that ignores the cursor would take a whole hour's requests.
        if page.next in seen or page.rows == before:
            return Listing(collected, complete=False)
        seen.add(page.next)
        before = page.rows
        position = page.next
    return Listing(collected, complete=False)


class PageMemory[T]:
    """What was parsed out of each page, given back while the page's bytes stay the same.

    An idle house sends the same bytes poll after poll: with 1,000 vehicles this saves most of the
    work of a poll, and equal objects stay identical, which makes comparing them free.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._pages: dict[str, tuple[bytes, T]] = {}

    def parse(self, key: str, body: bytes, parse: Callable[[bytes], T]) -> T:
        """Return what `parse` makes, or made, of `body`; `key` names the page."""
        known = self._pages.get(key)
        # The bytes themselves are kept: to compare them costs a tenth of a digest.
        if known is not None and known[0] == body:
            return known[1]
        parsed = parse(body)
        self._pages[key] = (body, parsed)
        return parsed

    def keep(self, keys: Iterable[str]) -> None:
        """Forget all pages but these."""
        wanted = set(keys)
        for key in [key for key in self._pages if key not in wanted]:
            del self._pages[key]
