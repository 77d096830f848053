"""Reading a list of the Connect API: page size, tokens, links, and where the reading stops."""

from collections.abc import Callable
from typing import Final

from yarl import URL

from ...core.budget import Priority
from ...core.errors import Reason, UnexpectedResponse
from ...core.http import ApiClient, Params
from ...core.paging import Page, read_all
from ...core.payload import Json
from ...core.response import Response
from .parse import parse_page

_MOST_PAGES: Final = 50
_PAGE_SIZE: Final = ("pageSize", "100")
_TOKEN: Final = "continuationToken"


class NoList(UnexpectedResponse):
    """An answer that is JSON, but holds no list."""


class ListReader:
    """Reads lists page by page; remembers whether the server takes our page size."""

    def __init__(self, client: ApiClient) -> None:
        """Take the client of the API."""
        self._client = client
        self.page_size_refused = False
        self.foreign_links = 0

    async def page(
        self, *path: str, params: Params = (), priority: Priority = Priority.LIVE
    ) -> Response:
        """Read one page; a refused page size (100) is left out from then on (default 25).

        Raises:
            ApiError: see `ApiClient`.

        """
        if not self.page_size_refused:
            try:
                return await self._client.get(
                    *path, params=[*params, _PAGE_SIZE], priority=priority
                )
            except UnexpectedResponse as error:
                if error.status != 400:
                    raise
        response = await self._client.get(*path, params=params, priority=priority)
        self.page_size_refused = True
        return response

    async def rows(
        self,
        *path: str,
        params: Params = (),
        each: Callable[[list[Json]], None],
        priority: Priority = Priority.LIVE,
    ) -> bool:
        """Read a list to its end, and give `each` the rows of every page as they come.

        Returns whether the list is complete: False if a guard stopped the reading.

        Raises:
            NoList: the first page holds no list.
            ApiError: see `ApiClient`.

        """
        reading = _Reading(self, path, params, each, priority)
        listing = await read_all(reading.fetch, most=_MOST_PAGES)
        return listing.complete and not reading.cut

    def own(self, link: str, relative_to: URL) -> str | None:
        """Return the link as an address, None unless it leads to our own origin and base.

        A gateway may leak an internal host in its links; the bearer token must not go there.
        """
        base = self._client.base
        try:
            url = relative_to.join(URL(link))
            same = url.origin() == base.origin() and url.user is None
        except ValueError:
            same = False
        if same and url.raw_path.startswith(f"{base.raw_path.rstrip('/')}/"):
            return str(url)
        self.foreign_links += 1
        return None

    async def follow(self, link: str, priority: Priority) -> Response:
        """Read the page behind a link that `own` has given."""
        return await self._client.follow(link, priority=priority)


class _Reading:
    """One list on its way; `cut` tells that there was more that could not be asked for."""

    def __init__(
        self,
        reader: ListReader,
        path: tuple[str, ...],
        params: Params,
        each: Callable[[list[Json]], None],
        priority: Priority,
    ) -> None:
        self._reader = reader
        self._path = path
        self._params = params
        self._each = each
        self._priority = priority
        self.cut = False

    async def fetch(self, position: str | None) -> Page[Json]:
        response = await self._ask(position)
        if response.status == 204:
            return Page([])
        page = parse_page(response.json())
        if page.rows is None:
            if position is None:
                raise NoList(Reason.UNEXPECTED_SHAPE, status=response.status)
            self.cut = True
            return Page([])
        self._each(page.rows)
        following = None
        if page.token is not None:
            following = f"{_TOKEN}{page.token}"
        elif page.link is not None:
            following = self._reader.own(page.link, response.url)
            self.cut = following is None
        return Page(page.rows, following)

    async def _ask(self, position: str | None) -> Response:
        params = self._params
        if position is not None:
            if not position.startswith(_TOKEN):
                return await self._reader.follow(position, self._priority)
            params = [*params, (_TOKEN, position.removeprefix(_TOKEN))]
        return await self._reader.page(*self._path, params=params, priority=self._priority)
