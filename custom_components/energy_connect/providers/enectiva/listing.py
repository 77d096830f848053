"""Whole lists from an API whose paging nobody has described."""

import asyncio
from typing import Final

from ...core.budget import Priority
from ...core.errors import Reason, Unavailable, UnexpectedResponse
from ...core.http import ApiClient
from ...core.paging import Listing
from ...core.payload import Json
from ...core.response import Response
from .documents import Document, read, resource

FULL_PAGE: Final = 1000
"""Rows of a full page. Source: vendor, list pages."""
MOST_PAGES: Final = 50

# What an answer to a guessed page number, or a link that leads elsewhere, may be.
_END_OF_GUESSING: Final = frozenset({Reason.REDIRECTED, Reason.REQUEST_REFUSED, Reason.NOT_FOUND})


async def read_list(api: ApiClient, *path: str, within: float | None = None) -> Listing[Json]:
    """Read a list to its end, in `within` seconds at most.

    A list that was cut short, or did not say what it holds, is incomplete.

    Raises:
        Unavailable: not even the first page was read in time.
        ApiError: as `ApiClient.get`; half a list is worth nothing then.

    """
    reader = _Reader(api, path)
    complete = False
    try:
        async with asyncio.timeout(within):
            complete = await reader.run()
    except TimeoutError as error:
        if not reader.rows:
            raise Unavailable(Reason.TIMEOUT) from error
    return Listing(reader.rows, complete)


class _Reader:
    """Follows links where there are any, else tries page numbers, from 0 or 1 on."""

    def __init__(self, api: ApiClient, path: tuple[str, ...]) -> None:
        self._api = api
        self._path = path
        self._seen: set[str] = set()
        self._fresh = 0
        self.rows: list[Json] = []

    async def run(self) -> bool:
        """Read page after page; return whether the list is complete."""
        document = self._take(await self._get())
        number = 0
        for _ in range(MOST_PAGES - 1):
            try:
                if document.next is not None:
                    page = await self._api.follow(document.next, priority=Priority.LIVE)
                elif self._goes_on(document):
                    number += 1
                    page = await self._get(("page", str(number)))
                else:
                    return document.stated
            except UnexpectedResponse as error:
                if error.reason not in _END_OF_GUESSING:
                    raise
                return False
            document = self._take(page)
            if not document.rows:
                return True
            # Page 1 is the first page once more where numbers begin with 1.
            if not self._fresh and number != 1:
                return False
        return False

    async def _get(self, *params: tuple[str, str]) -> Response:
        return await self._api.get(*self._path, params=params, priority=Priority.LIVE)

    def _goes_on(self, document: Document) -> bool:
        if document.total is not None:
            return bool(document.rows) and document.total > len(self.rows)
        return len(document.rows) >= FULL_PAGE

    def _take(self, response: Response) -> Document:
        """Keep the rows that are new; those without an id are kept with them, to be counted."""
        document = read(response.json())
        fresh: list[Json] = []
        nameless: list[Json] = []
        for row in document.rows:
            found = resource(row)
            if found is None or found.id is None:
                nameless.append(row)
            elif found.id not in self._seen:
                self._seen.add(found.id)
                fresh.append(row)
        self._fresh = len(fresh)
        if fresh or not self.rows:
            self.rows += fresh + nameless
        return document
