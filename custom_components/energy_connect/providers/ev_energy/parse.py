"""What all resources of ev.energy share: rows, links, sampled values, money.

Source: the provider's OpenAPI document "ev.energy v2 API", unless said otherwise. The API calls
itself beta, so a missing key is the same as null and an unknown word is no word.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
import re
from typing import Final

from ...core.errors import Reason, UnexpectedResponse
from ...core.payload import Json, dig, identifier, number, text

LOG: Final = "latest_status_log"

# ISO 4217: currencies without minor digits, and with three; all others that matter have two.
_DIGITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "VND", "XAF", "XOF"), 0),
    **dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 3),
}
_CURRENCY: Final = re.compile("[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Parsed[T]:
    """The good rows of a page, and how many were bad."""

    rows: tuple[T, ...]
    dropped: int


def parse_rows[T](body: Json, parse: Callable[[Json], T | None]) -> Parsed[T]:
    """Read a list: a bare array, or an object with `results` as the API before this one had.

    Raises:
        UnexpectedResponse: it is neither.

    """
    listed = dig(body, "results") if isinstance(body, Mapping) else body
    if not isinstance(listed, list):
        raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
    parsed = [parse(row) for row in listed]
    good = tuple(row for row in parsed if row is not None)
    return Parsed(good, len(parsed) - len(good))


def link_id(value: Json) -> str | None:
    """Return the id behind a link: the address of a resource, or the resource itself.

    Embedded addresses are not to be trusted (some lack `/v2`), only the id at their end is.
    """
    if isinstance(value, Mapping):
        return identifier(value.get("id")) or link_id(value.get("url"))
    words = text(value)
    if words is None:
        return None
    path = words.partition("?")[0].partition("#")[0]
    return path.rstrip("/").rpartition("/")[2] or None


def scaled(value: Json, *keys: str, by: float = 1.0) -> float | None:
    """Return the number under the keys divided by `by` (1000 makes kWh of Wh)."""
    found = number(dig(value, *keys))
    return None if found is None else found / by


def word[E: StrEnum](options: type[E], value: Json) -> E | None:
    """Return the option that the word names, whatever its case; None for an unknown word."""
    if not isinstance(value, str):
        return None
    try:
        return options(value.strip().lower().replace(" ", "_").replace("-", "_"))
    except ValueError:
        return None


def currency(value: Json) -> str | None:
    """Return a currency code of ISO 4217."""
    code = value.strip().upper() if isinstance(value, str) else ""
    return code if _CURRENCY.fullmatch(code) else None


def money(value: Json, code: str) -> float | None:
    """Return an amount that is given in minor units (pence, cents).

    That `cost` is in minor units is inferred from its siblings, which are documented so.
    """
    amount = number(value)
    digits = _DIGITS.get(code, 2)
    return None if amount is None else round(amount / 10**digits, digits + 4)
