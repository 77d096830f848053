"""What a person may choose about an account of any provider, and what may be wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from .payload import number

POLL_INTERVAL: Final = "poll_interval"
"""Seconds between two polls."""

LEFT_OUT: Final = "left_out"
"""Devices that a person does not want to see: their names by id, as they were when chosen."""

# A poll that fails once, and once more, is no reason yet to show nothing.
_POLLS_OF_GRACE: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """How often accounts of a provider are polled, and how often a person may have them polled.

    All are seconds. An account may poll less often than was chosen while nothing happens, and never
    more often, save to see what became of a command.
    """

    default: float
    least: float
    most: float

    def chosen(self, options: Mapping[str, Any]) -> float:
        """Return what a person chose, within the bounds, or the default."""
        value = number(options.get(POLL_INTERVAL))
        return self.default if value is None else min(max(value, self.least), self.most)

    def grace(self, options: Mapping[str, Any], usual: timedelta) -> timedelta:
        """Return for how long the last good data is shown: longer where polls are rare."""
        return max(usual, timedelta(seconds=_POLLS_OF_GRACE * self.chosen(options)))


class Fault(StrEnum):
    """What is wrong with an option; translated under `options.error`."""

    ID_MALFORMED = "id_malformed"
    ID_UNKNOWN = "id_unknown"
    ID_REFUSED = "id_refused"
    CURRENCY_MALFORMED = "currency_malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why an option can't be kept; `values` are those of what was entered that are to blame."""

    fault: Fault
    values: tuple[str, ...] = ()


def left_out(options: Mapping[str, Any]) -> frozenset[str]:
    """Return the ids of the devices that a person left out; those below them are not among them."""
    return frozenset(options.get(LEFT_OUT) or ())


def with_all_below(parents: Mapping[str, str | None], tops: frozenset[str]) -> frozenset[str]:
    """Return those that are among `tops`, and all whose way up leads by one of them."""

    def is_below(one: str) -> bool:
        seen: set[str] = set()
        above: str | None = one
        while above is not None and above not in seen:
            if above in tops:
                return True
            seen.add(above)
            above = parents.get(above)
        return False

    return frozenset(one for one in parents if is_below(one)) if tops else frozenset()
