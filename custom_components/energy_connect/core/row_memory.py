"""Pages of rows: of each page only the rows that say something else are parsed again."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import orjson

from .payload import Json

# By so many bytes a row may grow and still be told from its neighbours at a glance.
_GROWTH: Final = 256


@dataclass(frozen=True, slots=True)
class Read[F, T]:
    """A page: what it says beside its rows (`frame`), and what was made of each row, in order."""

    frame: F
    made: list[T]


@dataclass(frozen=True, slots=True)
class _Row[T]:
    """A row: its id, the text that it makes, and what was made of it.

    The text is a quarter of the size of the row's objects, and None where it can't be written
    (nested too deeply); the id is None where it has none that is a text.
    """

    id: str | None
    text: bytes | None
    made: T


@dataclass(frozen=True, slots=True)
class _Known[F, T]:
    """A page as it was read last.

    `around` is what stands before and behind the rows, if the page is written just so: head, the
    rows' texts with commas between, tail.
    """

    body: bytes
    read: Read[F, T]
    rows: list[_Row[T]]
    around: tuple[bytes, bytes] | None


class RowMemory[F, T]:
    """What was made out of each row of a list, given back while the row says the same.

    An idle house sends the same bytes poll after poll, a large one pages on which a few rows
    changed. Those are found by comparing texts, not by parsing: with 1,000 vehicles that is most of
    the work of a poll. Objects of rows that say the same stay identical, which makes comparing them
    free. A row that moved on its page is known by its `id`.

    `split` takes an answer apart into frame and rows, `make` makes something of a row.
    """

    def __init__(
        self, split: Callable[[Json], tuple[F, Sequence[Json]]], make: Callable[[Json], T]
    ) -> None:
        """Remember nothing yet."""
        self._split = split
        self._make = make
        self._pages: dict[str, _Known[F, T]] = {}

    def read(self, page: str, body: bytes, load: Callable[[], Json]) -> Read[F, T]:
        """Return what a page says; `load` parses its body, and its errors pass through."""
        known = self._pages.get(page)
        # The bytes themselves are kept: to compare them costs a tenth of a digest.
        if known is not None and known.body == body:
            return known.read
        read = (known and self._patched(known, body)) or self._whole(known, body, load())
        self._pages[page] = read
        return read.read

    def keep(self, pages: Iterable[str]) -> None:
        """Forget all pages but these."""
        wanted = set(pages)
        for page in [page for page in self._pages if page not in wanted]:
            del self._pages[page]

    def _whole(self, known: _Known[F, T] | None, body: bytes, answer: Json) -> _Known[F, T]:
        frame, said = self._split(answer)
        rows = list(self._rows(said, _by_id(known.rows if known is not None else [])))
        read = Read(frame, [row.made for row in rows])
        return _Known(body, read, rows, self._around(body, frame, rows))

    def _rows(self, said: Iterable[Json], known: Mapping[str, _Row[T]]) -> Iterator[_Row[T]]:
        """Return rows; of those that say what they said before, the same ones."""
        for one in said:
            row_id = one.get("id") if isinstance(one, Mapping) else None
            row_id = row_id if isinstance(row_id, str) else None
            try:
                text = orjson.dumps(one)
            except orjson.JSONEncodeError:
                text = None
            row = known.get(row_id) if row_id is not None and text is not None else None
            if row is None or row.text != text:
                # A copy: the writer's buffer is several times as large as what it holds.
                kept = None if text is None else bytes(memoryview(text))
                row = _Row(row_id, kept, self._make(one))
            yield row

    def _around(self, body: bytes, frame: F, rows: Sequence[_Row[T]]) -> tuple[bytes, bytes] | None:
        """Return what stands around the rows; None if that is not certain.

        It is certain if the page without its rows says the same, and has none.
        """
        texts = [row.text for row in rows if row.text is not None]
        if not texts or len(texts) < len(rows):
            return None
        joined = b",".join(texts)
        start = body.find(joined)
        if start < 0:
            return None
        head, tail = body[:start], body[start + len(joined) :]
        try:
            rest, none = self._split(orjson.loads(head + tail))
        except orjson.JSONDecodeError:
            return None
        return (head, tail) if rest == frame and not none else None

    def _patched(self, known: _Known[F, T], body: bytes) -> _Known[F, T] | None:
        """Return a page of which only rows changed, without parsing the others; None if it may not.

        Between an unchanged head and an unchanged tail, what stands between two commas and is JSON
        by itself is a row: so the page is what it would be if it were parsed as a whole.
        """
        if known.around is None:
            return None
        head, tail = known.around
        end = len(body) - len(tail)
        if end <= len(head) or not body.startswith(head) or not body.endswith(tail):
            return None
        try:
            rows = self._compared(known.rows, body[len(head) : end])
        except orjson.JSONDecodeError:
            return None
        if any(row.text is None for row in rows):
            return None
        return _Known(body, Read(known.read.frame, [row.made for row in rows]), rows, known.around)

    def _compared(self, known: Sequence[_Row[T]], body: bytes) -> list[_Row[T]]:
        """Return the rows of what stands between head and tail.

        Raises:
            JSONDecodeError: it is no list of rows.

        """
        ids = _by_id(known)
        rows: list[_Row[T]] = []
        at = done = 0
        for row, following in pairwise(known):
            text, other = row.text or b"", following.text or b""
            if body.startswith(text, at) and body.startswith(b",", at + len(text)):
                rows.append(row)
                at += len(text) + 1
            else:
                # One row that changed, followed by one that did not?
                behind = body.find(b"," + other, at, at + len(text) + len(other) + _GROWTH)
                if behind < 0:
                    break
                rows += self._rows(_listed(body[at:behind]), ids)
                at = behind + 1
            done += 1
        end, last = len(body), len(known)
        before = max(0, at - 1)
        while last > done and body.endswith(b"," + (known[last - 1].text or b""), before, end):
            last -= 1
            end -= len(known[last].text or b"") + 1
        if at <= end:
            rows += self._rows(_listed(body[at:end]), ids)
        return rows + list(known[last:])


def _by_id[T](rows: Iterable[_Row[T]]) -> dict[str, _Row[T]]:
    return {row.id: row for row in rows if row.id is not None}


def _listed(between: bytes) -> list[Json]:
    """Return what stands between two commas of a list, one value or more.

    Raises:
        JSONDecodeError: it is none.

    """
    listed: list[Json] = orjson.loads(b"[%b]" % between)
    # Nothing in brackets is a list, but nothing between two commas is a fault.
    return listed or [orjson.loads(between)]
