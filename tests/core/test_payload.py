from datetime import UTC, datetime, timedelta, timezone
import math
from unicodedata import category
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_connect.core.payload import (
    Json,
    boolean,
    dig,
    identifier,
    instant,
    mapping,
    number,
    rows,
    text,
    whole,
)

PRAGUE = ZoneInfo("Europe/Prague")

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(st.characters())  # with surrogates
    | st.datetimes(timezones=st.none() | st.just(UTC)).map(datetime.isoformat)
    | st.from_regex(r"[+-]?[0-9_]{1,400}(\.[0-9]*)?(e[0-9]{1,5})?")
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("key"), inner),
    max_leaves=8,
)


@given(ANYTHING)
def test_reading_never_raises_and_gives_what_it_promises(value: Json) -> None:
    assert isinstance(mapping(value), dict)
    assert isinstance(rows(value), list)
    dig(value, "key", "key")
    assert (amount := number(value)) is None or math.isfinite(amount)
    assert (count := whole(value)) is None or type(count) is int
    assert boolean(value) in {True, False, None}
    for name in (text(value), identifier(value)):
        if name is not None:
            assert 0 < len(name) <= 200 or isinstance(value, int)
            assert name == name.strip()
            assert not {category(character) for character in name} & {"Cc", "Cs", "Zl", "Zp"}
    for zone in (None, UTC, PRAGUE, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))):
        moment = instant(value, zone)
        assert moment is None or moment.tzinfo is UTC


@pytest.mark.parametrize("value", [None, [], "x", 1, True])
def test_what_is_no_object_is_an_empty_one(value: Json) -> None:
    assert mapping(value) == {}
    assert mapping({"a": 1}) == {"a": 1}


@pytest.mark.parametrize("value", [None, {}, "abc", 1, True])
def test_what_is_no_list_has_no_rows(value: Json) -> None:
    assert rows(value) == []
    assert rows([1, None]) == [1, None]


def test_digging() -> None:
    body: Json = {"a": {"b": [1], "null": None}}
    assert dig(body) == body
    assert dig(body, "a", "b") == [1]
    assert dig(body, "a", "null") is None
    assert dig(body, "a", "null", "deeper") is None
    assert dig(body, "a", "b", "0") is None
    assert dig(body, "missing") is None


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (0, 0.0),
        (-1.5, -1.5),
        ("12.5", 12.5),
        (" 7 ", 7.0),
        ("-1e3", -1000.0),
        ("", None),
        ("12,5", None),
        ("1_000", None),
        ("0x10", None),
        ("12 kWh", None),
        ("nan", None),
        ("Infinity", None),
        ("1e999", None),
        (math.inf, None),
        (math.nan, None),
        pytest.param(10**400, None, id="large"),
        (True, None),
        (False, None),
        (None, None),
        ([1], None),
        ({}, None),
    ],
)
def test_a_number_is_finite_or_unknown_and_never_0_instead(
    value: Json, result: float | None
) -> None:
    assert number(value) == result


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (7, 7),
        (7.0, 7),
        ("7", 7),
        ("7.0", 7),
        (" +7 ", 7),
        (7.5, None),
        ("7.5", None),
        ("7_0", None),
        (10**30, 10**30),
        # A float would make an even number of it.
        ("9007199254740993", 9007199254740993),
        pytest.param("9" * 5000, None, id="many digits"),
        pytest.param("0" * 5000 + "7", 7, id="many zeros"),
        (math.nan, None),
        (math.inf, None),
        (True, None),
        (None, None),
    ],
)
def test_an_integer_is_exactly_that(value: Json, result: int | None) -> None:
    assert whole(value) == result


@pytest.mark.parametrize("value", [0, 1, "true", "false", "", None, []])
def test_only_a_boolean_is_one(value: Json) -> None:
    assert boolean(value) is None
    assert boolean(True) is True
    assert boolean(False) is False


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("  Main\tmeter\n", "Main meter"),
        ("", None),
        (" \n ", None),
        ("\x00\x1b[31mred", "[31mred"),
        ("car\u202egnp.exe", "car gnp.exe"),
        ("\u061c\u200fabc\u2066", "abc"),
        ("a\u2028b", "a b"),
        ("\ud800x", "x"),
        ("Zoë 🚗", "Zoë 🚗"),
        pytest.param("x" * 300, "x" * 200, id="long"),
        pytest.param("x" * 199 + " y", "x" * 199, id="cut at a space"),
        (5, None),
        (True, None),
        (None, None),
        (["a"], None),
    ],
)
def test_a_text_is_one_line_fit_to_be_shown(value: Json, result: str | None) -> None:
    assert text(value) == result


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("7f3a", "7f3a"),
        (" 7f3a ", "7f3a"),
        (1204, "1204"),
        (0, "0"),
        (12.0, None),
        (True, None),
        ("", None),
        (None, None),
        ({}, None),
    ],
)
def test_an_id_is_a_string_or_an_integer(value: Json, result: str | None) -> None:
    assert identifier(value) == result


@pytest.mark.parametrize("odd", ["a  b", "a\x00b", "a\u200bb", pytest.param("x" * 201, id="long")])
def test_an_id_that_can_not_be_used_as_it_is_is_none(odd: str) -> None:
    # Mended or shortened it would be the id of something else.
    assert identifier(odd) is None


NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("2026-03-03T12:00:00Z", NOON),
        ("2026-03-03t12:00:00z", NOON),
        ("2026-03-03T13:00:00+01:00", NOON),
        (" 2026-03-03T12:00:00.000Z ", NOON),
        ("2026-03-03 12:00:00Z", NOON),
        ("2026-03-03T12:00:00.1234567Z", NOON.replace(microsecond=123456)),
        ("2026-03-03T12:00:00", None),
        ("2026-03-03", None),
        ("2026-02-30T12:00:00Z", None),
        ("12:00", None),
        ("yesterday", None),
        ("", None),
        (1772539200, None),
        (None, None),
        (True, None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-12:00", None),
    ],
)
def test_an_instant_is_aware_and_in_utc(value: Json, result: datetime | None) -> None:
    assert instant(value) == result


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("2026-03-03T12:00:00", datetime(2026, 3, 3, 11, tzinfo=UTC)),
        ("2026-07-03T12:00:00", datetime(2026, 7, 3, 10, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC)),
        ("2026-03-03T12:00:00Z", NOON),
        # The doubled hour of autumn: its first pass.
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        # The hour that spring leaves out: as if the clock had not been set on.
        ("2026-03-29T02:30:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
    ],
)
def test_a_time_without_an_offset_is_read_in_the_zone(value: str, result: datetime | None) -> None:
    assert instant(value, PRAGUE) == result
