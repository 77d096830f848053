"""Of each page only the rows that say something else are parsed again."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hypothesis import example, given, strategies as st
import orjson
import pytest

from custom_components.energy_connect.core.errors import Reason, UnexpectedResponse
from custom_components.energy_connect.core.payload import Json, rows
from custom_components.energy_connect.core.row_memory import RowMemory

type Row = Mapping[str, Json]


def split(answer: Json) -> tuple[Json, list[Json]]:
    if not isinstance(answer, Mapping):
        raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
    return answer.get("next"), rows(answer.get("data"))


def page_of(said: Sequence[Json], after: Json = None) -> bytes:
    return orjson.dumps({"data": said, "next": after})


class Reader:
    """Reads pages, and notes what was parsed of them."""

    def __init__(self) -> None:
        self.memory: RowMemory[Json, list[Json]] = RowMemory(split, self.make)
        self.made: list[Json] = []
        self.loads = 0

    def make(self, row: Json) -> list[Json]:
        self.made.append(row)
        return [row]

    def body(self, body: bytes, page: str = "page") -> list[list[Json]]:
        self.made, self.loads = [], 0

        def load() -> Json:
            self.loads += 1
            parsed: Json = orjson.loads(body)
            return parsed

        return self.memory.read(page, body, load).made

    def read(self, *said: Json, page: str = "page") -> list[list[Json]]:
        return self.body(page_of(said), page)


def car(name: str, value: Json = 0) -> dict[str, Json]:
    return {"id": name, "at": {"value": value}}


CARS: Final = [car(name) for name in "abcdef"]


def changed(*places: int) -> list[Json]:
    return [car(str(one["id"]), 7) if n in places else one for n, one in enumerate(CARS)]


def test_a_page_of_the_same_bytes_is_the_same() -> None:
    reader = Reader()
    first = reader.read(*CARS)
    assert reader.read(*CARS) is first
    assert (reader.made, reader.loads) == ([], 0)


@pytest.mark.parametrize("places", [(0,), (5,), (2,), (0, 3), (1, 2), (0, 1, 2, 3, 4, 5)])
def test_only_rows_that_say_something_else_are_parsed(places: tuple[int, ...]) -> None:
    reader = Reader()
    first = reader.read(*CARS)
    second = reader.read(*changed(*places))
    assert reader.made == [car("abcdef"[n], 7) for n in places]
    assert reader.loads == 0
    assert [row for [row] in second] == changed(*places)
    assert [n for n in range(6) if second[n] is not first[n]] == [*places]


def test_rows_that_come_and_go_leave_the_others_alone() -> None:
    reader = Reader()
    for said in (CARS[:4], CARS, CARS[2:], [*CARS[:1], *CARS[4:]], [car("new"), *CARS]):
        assert [row for [row] in reader.read(*said)] == said
        assert reader.loads == (said == CARS[:4])
    assert reader.made == [car("new"), *CARS[1:4]]


@pytest.mark.parametrize("after", ["cursor", 1])
def test_what_is_beside_the_rows_is_never_missed(after: Json) -> None:
    reader = Reader()
    reader.read(*CARS)
    body = page_of(CARS, after)
    assert reader.memory.read("page", body, lambda: orjson.loads(body)).frame == after
    assert reader.made == CARS, "read by `read`, and none since"


@pytest.mark.parametrize("first", [b"7", b'"7"', b"77", b"[7]"])
def test_what_stands_elsewhere_too_is_not_taken_for_the_rows(first: bytes) -> None:
    reader = Reader()
    assert reader.body(b'{"first":%b,"data":[7]}' % first) == [[7]]
    assert reader.body(b'{"first":%b,"data":[8]}' % first) == [[8]]


def test_a_page_that_is_written_widely_is_parsed_but_its_rows_are_not_made_anew() -> None:
    reader = Reader()
    option = orjson.OPT_INDENT_2
    reader.body(orjson.dumps({"data": CARS}, option=option))
    reader.body(orjson.dumps({"data": changed(2)}, option=option))
    assert (reader.made, reader.loads) == ([car("c", 7)], 1)


@pytest.mark.parametrize(("before", "after"), [(1, True), (1, 1.0), (0, False), ("", None)])
def test_a_value_of_another_type_is_something_else(before: Json, after: Json) -> None:
    reader = Reader()
    reader.read(car("a", before))
    reader.read(car("a", after))
    assert len(reader.made) == 1


def test_a_row_that_moves_on_its_page_is_found() -> None:
    reader = Reader()
    reader.read(car("a"), car("b"))
    reader.read(car("new"), car("b"), car("a"))
    assert reader.made == [car("new")]


@pytest.mark.parametrize("row", [{"name": "x"}, {"id": None}, {"id": 7}, {"id": ["x"]}, 7, None])
def test_a_row_that_can_not_be_told_from_others_is_parsed_where_it_moves(row: Json) -> None:
    reader = Reader()
    assert reader.read(car("a"), row) == [[car("a")], [row]]
    assert reader.read(row, car("a")) == [[row], [car("a")]]
    assert reader.made == [row]


def test_a_row_that_nests_too_deeply_is_parsed() -> None:
    deep: Json = 1
    for _ in range(300):
        deep = [deep]
    reader = Reader()
    wide = b'{"data": [{"id": "a", "deep": %b}, {"id": "b"}]}' % (b"[" * 300 + b"1" + b"]" * 300)
    reader.body(wide)
    reader.body(wide.replace(b'"b"', b'"c"'))
    assert reader.made == [{"id": "a", "deep": deep}, {"id": "c"}]


def test_a_row_that_becomes_nested_too_deeply_is_parsed() -> None:
    reader = Reader()
    reader.read(*CARS)
    deep = b"[" * 300 + b"]" * 300
    body = page_of(CARS).replace(b'{"value":0}', deep, 1)
    assert reader.body(body)[1:] == [[one] for one in CARS[1:]]
    assert reader.loads == 1


def test_two_rows_of_one_id_give_each_its_own() -> None:
    reader = Reader()
    for value in (1, 3):
        assert reader.read(car("a", value), car("a", 2)) == [[car("a", value)], [car("a", 2)]]


def test_rows_are_known_by_their_page_until_it_is_gone() -> None:
    reader = Reader()
    reader.read(car("a"), page="kept")
    reader.read(car("b"), page="gone")
    reader.memory.keep(["kept", "never seen"])
    reader.read(car("a"), page="kept")
    assert reader.made == []
    reader.read(car("b"), page="gone")
    assert reader.made == [car("b")]


def test_a_row_that_was_left_out_once_is_forgotten() -> None:
    reader = Reader()
    reader.read(car("a"))
    assert reader.read() == []
    reader.read(car("a"))
    assert reader.made == [car("a")]


def test_what_can_not_be_parsed_is_not_remembered() -> None:
    reader = Reader()
    reader.read(*CARS)
    with pytest.raises(UnexpectedResponse):
        reader.body(b"[]")
    with pytest.raises(orjson.JSONDecodeError):
        reader.body(page_of(CARS)[:-1])
    reader.read(*changed(1))
    assert reader.made == [car("b", 7)]


_ROWS: Final = st.lists(
    st.one_of(
        st.builds(car, st.sampled_from("abcd"), st.sampled_from([0, 1, "x,y", "]}", None])),
        st.sampled_from([1, 11, None, "x", [], [1, [1]], {}, {"id": 3}, {"id": "a", "data": []}]),
    ),
    max_size=7,
)
_BROKEN: Final = st.sampled_from([b"", b",", b"]", b"[", b" ", b"1", b'"', b"}", b'],"data":['])


def outcome(of: Any, *arguments: Any) -> object:
    try:
        return of(*arguments)
    except (orjson.JSONDecodeError, UnexpectedResponse) as error:
        return type(error)


@given(st.lists(st.tuples(_ROWS, st.integers(0, 200), _BROKEN), min_size=2, max_size=6))
@example([([1, 1], 0, b""), ([1], 10, b","), ([1], 10, b" ")])
def test_whatever_comes_is_read_as_if_it_had_been_parsed(
    pages: list[tuple[list[Json], int, bytes]],
) -> None:
    reader = Reader()
    for said, place, inserted in pages:
        body = page_of(said)
        for one in (body, body[:place] + inserted + body[place:]):
            assert outcome(reader.body, one) == outcome(Reader().body, one)
