"""Reading fields of payloads that may hold anything.

Each function gives the value if it is what the field should be, else None: a missing or odd
value is unknown, never 0. Nothing here raises.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
import math
import re
from typing import Final

type Json = Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None

# Control characters, those that turn the writing direction and halves of characters: a device's
# name must not be able to rewrite the line in which it is shown.
_UNSHOWABLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ud800-\udfff\ufeff]+"
)
_LONGEST_TEXT: Final = 200


def mapping(value: Json) -> Mapping[str, Json]:
    """Return the object, or an empty one."""
    return value if type(value) is dict or isinstance(value, Mapping) else {}


def rows(value: Json) -> list[Json]:
    """Return the items of a list, or none."""
    return value if isinstance(value, list) else []


def dig(value: Json, *path: str) -> Json:
    """Return what lies under the keys, or None."""
    for key in path:
        # What a parser made is a dict, for which the dear question need not be asked.
        if type(value) is not dict and not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def number(value: Json) -> float | None:
    """Return a finite number, also from a string that holds one; booleans are none."""
    if type(value) is float:
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        # Python's own way of grouping digits is nobody else's.
        result = math.nan if isinstance(value, str) and "_" in value else float(value)
    except ValueError, OverflowError:
        return None
    return result if math.isfinite(result) else None


def whole(value: Json) -> int | None:
    """Return an integer; a float or string only if it holds exactly one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    result = number(value)
    if result is None or not result.is_integer():
        return None
    try:
        return int(value) if isinstance(value, str) else int(result)  # a float is not exact
    except ValueError:
        return int(result)


def boolean(value: Json) -> bool | None:
    """Return a real boolean; numbers and words are none."""
    return value if isinstance(value, bool) else None


def text(value: Json) -> str | None:
    """Return a text fit to be shown: one line, no control characters, at most 200 characters."""
    if not isinstance(value, str):
        return None
    if value.isascii() and value.isalnum() and len(value) <= _LONGEST_TEXT:
        return value
    shown = " ".join(_UNSHOWABLE.sub(" ", value).split())
    return shown[:_LONGEST_TEXT].rstrip() or None


def identifier(value: Json) -> str | None:
    """Return an id, which providers write as a string or an integer.

    One that would have to be mended or shortened to be shown is none: it would be another id.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    shown = text(value)
    return shown if isinstance(value, str) and shown == value.strip() else None


def instant(value: Json, zone: tzinfo | None = None) -> datetime | None:
    """Return an aware UTC time from RFC 3339; one without an offset is read in `zone`, if given.

    In the doubled hour of autumn the first pass is taken (fold 0): the only such times that
    providers write without an offset are starts of months.
    """
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip().upper())
    except ValueError:
        return None
    if moment.tzinfo is None:
        if zone is None:
            return None
        moment = moment.replace(tzinfo=zone)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None
