from hypothesis import given, strategies as st
import pytest

from custom_components.energy_connect.core.errors import ApiError, Reason, Unavailable
from custom_components.energy_connect.core.paging import (
    MOST_PAGES,
    Listing,
    Page,
    PageMemory,
    read_all,
)


class Book:
    """Pages by their position; the first one stands at None."""

    def __init__(self, pages: dict[str | None, Page[int]]) -> None:
        self.pages = pages
        self.asked: list[str | None] = []

    async def fetch(self, position: str | None) -> Page[int]:
        self.asked.append(position)
        return self.pages[position]


async def test_a_list_is_read_to_its_end() -> None:
    book = Book({None: Page([1, 2], "b"), "b": Page([3], "c"), "c": Page([4])})
    assert await read_all(book.fetch) == Listing([1, 2, 3, 4], complete=True)
    assert book.asked == [None, "b", "c"]


async def test_an_empty_list_is_complete() -> None:
    assert await read_all(Book({None: Page([])}).fetch) == Listing([], complete=True)


async def test_an_empty_page_ends_it() -> None:
    book = Book({None: Page([1], "b"), "b": Page([], "c")})
    assert await read_all(book.fetch) == Listing([1], complete=True)


async def test_an_empty_next_is_none() -> None:
    book = Book({None: Page([1], "")})
    assert await read_all(book.fetch) == Listing([1], complete=True)
    assert book.asked == [None]


@pytest.mark.parametrize("again", ["a", "b"])
async def test_a_list_that_runs_in_a_circle_is_incomplete(again: str) -> None:
    book = Book({None: Page([1], "a"), "a": Page([2], "b"), "b": Page([3], again)})
    assert await read_all(book.fetch) == Listing([1, 2, 3], complete=False)
    assert book.asked == [None, "a", "b"]


async def test_a_list_without_end_is_cut_and_incomplete() -> None:
    async def fetch(position: str | None) -> Page[int]:
        page = int(position or 0)
        return Page([page], str(page + 1))

    assert await read_all(fetch, most=3) == Listing([0, 1, 2], complete=False)
    endless = await read_all(fetch)
    assert (len(endless.rows), endless.complete) == (MOST_PAGES, False)


async def test_the_same_page_under_ever_new_cursors_is_read_twice_at_most() -> None:
    asked: list[str | None] = []

    async def fetch(position: str | None) -> Page[int]:
        asked.append(position)
        return Page([1, 2], str(len(asked)))

    assert await read_all(fetch) == Listing([1, 2, 1, 2], complete=False)
    assert asked == [None, "1"]


async def test_a_list_that_just_fits_is_complete() -> None:
    book = Book({None: Page([1], "b"), "b": Page([2])})
    assert await read_all(book.fetch, most=2) == Listing([1, 2], complete=True)


async def test_half_a_list_is_worth_nothing() -> None:
    async def fetch(position: str | None) -> Page[int]:
        if position is None:
            return Page([1], "b")
        raise Unavailable(Reason.TIMEOUT)

    with pytest.raises(ApiError):
        await read_all(fetch)


@given(
    st.dictionaries(
        st.sampled_from([None, "a", "b", "c", "d"]),
        st.tuples(st.lists(st.integers(), max_size=2), st.sampled_from([None, "a", "b", "c", "d"])),
        min_size=1,
    )
)
async def test_every_book_ends_and_no_page_is_read_twice(
    pages: dict[str | None, tuple[list[int], str | None]],
) -> None:
    asked: list[str | None] = []

    async def fetch(position: str | None) -> Page[int]:
        asked.append(position)
        return Page(*pages.get(position, ([], None)))

    listing = await read_all(fetch)
    assert len(asked) == len(set(asked))
    assert listing.rows == [row for page in asked for row in pages.get(page, ([], None))[0]]


def parse(body: bytes) -> list[bytes]:
    return [body]


def test_the_same_bytes_give_the_same_object() -> None:
    memory = PageMemory[list[bytes]]()
    first = memory.parse("page", b"abc", parse)
    assert memory.parse("page", bytes(bytearray(b"abc")), parse) is first


def test_other_bytes_are_parsed() -> None:
    memory = PageMemory[list[bytes]]()
    first = memory.parse("page", b"abc", parse)
    assert memory.parse("page", b"abd", parse) == [b"abd"]
    again = memory.parse("page", b"abc", parse)
    assert again == first
    assert again is not first, "only the newest is kept"


def test_each_page_has_a_memory_of_its_own() -> None:
    memory = PageMemory[list[bytes]]()
    first = memory.parse("page 1", b"abc", parse)
    assert memory.parse("page 2", b"abc", parse) is not first


def test_pages_that_are_gone_are_forgotten() -> None:
    memory = PageMemory[list[bytes]]()
    kept = memory.parse("kept", b"abc", parse)
    gone = memory.parse("gone", b"abc", parse)
    memory.keep(["kept", "never seen"])
    assert memory.parse("kept", b"abc", parse) is kept
    assert memory.parse("gone", b"abc", parse) is not gone


def test_bytes_that_can_not_be_parsed_are_not_remembered() -> None:
    memory = PageMemory[int]()
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid"):
            memory.parse("page", b"x", int)
    assert memory.parse("page", b"7", int) == 7
