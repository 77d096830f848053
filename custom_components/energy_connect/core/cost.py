"""What hours cost: their amounts times the prices of their time. An hour without a price has none."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import pairwise
import math
from typing import Final, NamedTuple

from .series import DECIMALS, SECONDS, Hour

type PriceOf = Callable[[Hour], float | None]

_TO_KWH: Final = {"Wh": 1e-3, "kWh": 1.0, "MWh": 1e3, "GWh": 1e6, "MJ": 1 / 3.6, "GJ": 1e3 / 3.6}
_TO_CUBIC_METRES: Final = {"m³": 1.0, "L": 1e-3, "ft³": 0.028316846592, "CCF": 2.8316846592}


class Costs(NamedTuple):
    """The cost per hour, and the hours that have an amount but no price."""

    costs: dict[Hour, float]
    unpriced: list[Hour]


def costs(amounts: Mapping[Hour, float], price_of: PriceOf) -> Costs:
    """Return what amounts cost; prices may be negative. Nothing used costs nothing."""
    found: dict[Hour, float] = {}
    unpriced: list[Hour] = []
    for hour, amount in sorted(amounts.items()):
        price = price_of(hour) if amount else 0.0
        if price is None or not math.isfinite(price):
            unpriced.append(hour)
        else:
            found[hour] = round(amount * price, DECIMALS) or 0.0
    return Costs(found, unpriced)


def fixed(prices: Iterable[tuple[Hour, float]]) -> PriceOf:
    """Return prices that each hold from an hour on until the next; before the first is none."""
    steps = sorted(prices, reverse=True)

    def price_of(hour: Hour) -> float | None:
        return next((price for valid_from, price in steps if valid_from <= hour), None)

    return price_of


def hourly_means(
    changes: Iterable[tuple[datetime, float | None]], start: Hour, stop: Hour
) -> dict[Hour, float]:
    """Return the mean of a state over each hour, by time; only of hours of which all is known.

    `changes` are the states with the time since which they hold, in order; None is unknown.
    """
    steps = [(at.timestamp(), value) for at, value in changes]
    steps.append((stop * SECONDS, None))
    weighted: dict[Hour, float] = {}
    known: dict[Hour, float] = {}
    for (since, value), (until, _) in pairwise(steps):
        at, end = max(since, start * SECONDS), min(until, stop * SECONDS)
        while value is not None and at < end:
            hour = math.floor(at / SECONDS)
            piece = min(end, (hour + 1) * SECONDS)
            weighted[hour] = weighted.get(hour, 0.0) + value * (piece - at)
            known[hour] = known.get(hour, 0.0) + piece - at
            at = piece
    return {hour: weighted[hour] / SECONDS for hour in weighted if known[hour] > SECONDS - 0.5}


def price_factor(price_unit: str | None, amount_unit: str | None) -> float | None:
    """Return by what a price has to be multiplied to be one per unit of the amount.

    `price_unit` is like `EUR/kWh`; one that names no unit after a slash is taken to be per unit of
    the amount. None: the two measure different things.
    """
    _, slash, per = (price_unit or "").partition("/")
    per = per.strip()
    if not slash or per == amount_unit:
        return 1.0
    for table in (_TO_KWH, _TO_CUBIC_METRES):
        if per in table and amount_unit in table:
            return table[amount_unit] / table[per]
    return None
