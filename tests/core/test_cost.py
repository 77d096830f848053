"""What hours cost."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.energy_connect.core.cost import costs, fixed, hourly_means, price_factor
from custom_components.energy_connect.core.series import hour_of

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
H0 = hour_of(BEGIN)
HOUR = timedelta(hours=1)


def test_an_hour_without_a_price_has_no_cost_and_is_named() -> None:
    made = costs({1: 2.0, 2: 3.0, 3: 4.0}, {1: 0.5, 3: -0.25}.get)

    assert made.costs == {1: 1.0, 3: -1.0}
    assert made.unpriced == [2]


def test_nothing_used_costs_nothing_at_any_price() -> None:
    assert costs({1: 0.0}, lambda hour: None) == ({1: 0.0}, [])


@pytest.mark.parametrize("price", [float("nan"), float("inf")])
def test_a_price_that_is_no_number_is_none(price: float) -> None:
    assert costs({1: 2.0}, lambda hour: price) == ({}, [1])


def test_a_fixed_price_holds_from_its_date_until_the_next() -> None:
    price_of = fixed([(10, 0.3), (20, 0.4)])

    assert [price_of(hour) for hour in (9, 10, 19, 20, 99)] == [None, 0.3, 0.3, 0.4, 0.4]


def test_states_become_means_by_time() -> None:
    changes = [
        (BEGIN - HOUR, 1.0),
        (BEGIN + HOUR / 2, 2.0),
        (BEGIN + 2 * HOUR, None),
        (BEGIN + 2.5 * HOUR, 4.0),
    ]

    assert hourly_means(changes, H0, H0 + 5) == {H0: 1.5, H0 + 1: 2.0, H0 + 3: 4.0, H0 + 4: 4.0}
    assert hourly_means([], H0, H0 + 5) == {}


@pytest.mark.parametrize(
    ("price", "amount", "factor"),
    [
        ("EUR/kWh", "kWh", 1),
        ("EUR/MWh", "kWh", 0.001),
        ("ct", "kWh", 1),
        (None, "m³", 1),
        ("EUR/kWh", "GJ", 1000 / 3.6),
        ("EUR/m³", "L", 0.001),
        ("EUR/kWh", "m³", None),
        ("EUR/day", "kWh", None),
    ],
)
def test_prices_are_per_unit_of_the_amount(
    price: str | None, amount: str, factor: float | None
) -> None:
    found = price_factor(price, amount)

    assert found == (None if factor is None else pytest.approx(factor))
