"""Pages of rows that have a time, oldest first, by moving the filter on."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from ...core.errors import Reason, UnexpectedResponse
from .documents import Document
from .listing import FULL_PAGE
from .parse import Parsed, State, states

# Rows once a minute for a month, and the margins.
_MOST_PAGES: Final = 60


async def between(
    ask: Callable[[str], Awaitable[Document]],
    field: str,
    start: datetime,
    end: datetime,
    zone: tzinfo,
) -> AsyncIterator[Parsed[State]]:
    """Give the rows from `start` to `end`, page by page, until one reaches the end.

    There is no filter for the end: that several filters can be combined is not documented.

    Raises:
        ApiError: they could not be read whole; half a window must not be taken for a whole one.

    """
    condition = f"{field}>={_stamp(start)}"
    newest = start - timedelta(seconds=1)
    for _ in range(_MOST_PAGES):
        document = await ask(condition)
        parsed = states(document.rows, zone)
        fresh = [state for state in parsed.rows if state.at > newest]
        inside = tuple(state for state in fresh if state.at <= end)
        yield Parsed(inside, parsed.dropped, parsed.unread)
        if not fresh or not _is_full(document):
            return
        newest = max(state.at for state in fresh)
        if newest > end:
            return
        condition = f"{field}>{_stamp(newest)}"
    raise UnexpectedResponse(Reason.TOO_LARGE)


def _is_full(document: Document) -> bool:
    return len(document.rows) >= FULL_PAGE or document.next is not None


def _stamp(at: datetime) -> str:
    """`Z` and no offset: a plus sign might be decoded as a space."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
