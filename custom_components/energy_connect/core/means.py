"""Values measured now and then -> their mean, lowest and highest of each hour (UTC). Pure."""

from collections.abc import Iterable
import math
from typing import NamedTuple

from .history import CounterReading
from .series import DECIMALS, Certainty, Hour, hour_of, in_order


class Mean(NamedTuple):
    """What an hour's values come to; provisional until one was measured after the hour."""

    mean: float
    lowest: float
    highest: float
    certainty: Certainty = Certainty.FINAL


def hours_of_measurements(readings: Iterable[CounterReading]) -> dict[Hour, Mean]:
    """Return the hours in which anything was measured; the others are gaps."""
    values: dict[Hour, list[float]] = {}
    for reading in in_order(readings):
        values.setdefault(hour_of(reading.at), []).append(reading.value)
    newest = max(values, default=0)
    return {
        hour: Mean(
            round(math.fsum(found) / len(found), DECIMALS),
            min(found),
            max(found),
            Certainty.FINAL if hour < newest else Certainty.PROVISIONAL,
        )
        for hour, found in values.items()
    }
