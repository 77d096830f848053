"""How payloads are bent: hypothesis draws what, where and how."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
import json
from typing import Any, Final

from hypothesis import strategies as st

type Node = Any

_TEXTS: Final = (
    "",
    " ",
    "n/a",
    "-",
    "12,5",
    "1_000",
    "NaN",
    "\u202egnp.exe\u202c",
    "\u2066left\u2069\u200f",
    "line\nbreak\ttab\x00null\x1b[31m",
    "\ud800 half",
    "e\u0301\u0300" * 40,
    "x" * 5000,
    "../../../etc/passwd",
    "%2e%2e/%00",
    "https://elsewhere.example/steal",
    "//elsewhere.example",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "2026-02-30T25:61:00Z",
    "2026-03-03T12:00:00",
    "P1Y",
)
_NUMBERS: Final = (
    -1,
    7.5,
    -0.0,
    1e308,
    -1e308,
    5e-324,
    float("inf"),
    float("nan"),
    2**63,
    -(2**63) - 1,
    10**25,
    10**400,
    253402300800,
)
_DEEP: Final = 400


def _deep() -> Node:
    value: Node = 1
    for _ in range(_DEEP):
        value = [value]
    return value


JUNK: Final = st.one_of(
    st.sampled_from(_TEXTS),
    st.sampled_from(_NUMBERS),
    st.sampled_from((None, True, False)),
    st.sampled_from(([], {}, [None], [[]], {"": None}, [{}], {"id": {}})),
    st.builds(_deep),
    st.text(max_size=12),
    st.integers(),
    st.floats(),
)


def _drop(container: Node, key: Node) -> None:
    del container[key]


def _nest(value: Node) -> Node:
    return [value]


def _wrap(value: Node) -> Node:
    return {"value": value}


def _unwrap(value: Node) -> Node:
    if isinstance(value, dict) and value:
        return next(iter(value.values()))
    return value[0] if isinstance(value, list) and value else value


def _reverse(value: Node) -> Node:
    if isinstance(value, dict):
        return dict(reversed(value.items()))
    return value[::-1] if isinstance(value, list | str) else value


def _twice(value: Node) -> Node:
    if isinstance(value, str):
        return value + value
    return [*deepcopy(value), *value] if isinstance(value, list) else [deepcopy(value), value]


def _retype(value: Node) -> Node:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return len(value)
    return len(value) if isinstance(value, list | dict) else 0


_SHAPES: Final[tuple[Callable[[Node], Node], ...]] = (
    _nest,
    _wrap,
    _unwrap,
    _reverse,
    _twice,
    _retype,
)


@dataclass(frozen=True, slots=True)
class Bend:
    """One change: which payload and which place (counted round), and what becomes of it.

    `how` is None to drop it, an index of the shapes, or -1 to put `junk` in its place.
    """

    payload: int
    place: int
    how: int | None
    junk: Node = None


BEND: Final = st.builds(
    Bend,
    payload=st.integers(0, 63),
    place=st.integers(0, 4095),
    how=st.one_of(st.none(), st.just(-1), st.just(-1), st.integers(0, len(_SHAPES) - 1)),
    junk=JUNK,
)
BENDS: Final = st.lists(BEND, min_size=1, max_size=4)


def places(value: Node) -> list[tuple[Node, Node]]:
    """Return all places of a payload, as container and key."""
    found: list[tuple[Node, Node]] = []
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict | list):
            keys = list(one) if isinstance(one, dict) else range(len(one))
            found += [(one, key) for key in keys]
            pending += [one[key] for key in keys]
    return found


def apply(bends: Sequence[Bend], value: Node) -> Node:
    """Return a payload, which is changed on the way, with these bends."""
    root = [value]
    for bend in bends:
        found = places(root)
        if not found:
            break
        container, key = found[bend.place % len(found)]
        if bend.how is None and container is not root:
            _drop(container, key)
        elif bend.how is None or bend.how < 0:
            container[key] = deepcopy(bend.junk)
        else:
            container[key] = _SHAPES[bend.how](container[key])
    return root[0]


def written(value: Node) -> bytes:
    """Return a payload as a careless server writes it: infinities and half characters too."""
    return json.dumps(value).encode()
