"""Measured values become hours, in whatever order they came."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from custom_components.energy_connect.core.agenda import Window
from custom_components.energy_connect.core.book import Page
from custom_components.energy_connect.core.coverage import Status
from custom_components.energy_connect.core.draft import draft
from custom_components.energy_connect.core.history import (
    Batch,
    CounterReading,
    Form,
    Series,
    Source,
)
from custom_components.energy_connect.core.means import Mean, hours_of_measurements
from custom_components.energy_connect.core.series import Certainty, hour_of
from custom_components.energy_connect.core.vocabulary import Quantity

START = datetime(2026, 3, 29, tzinfo=UTC)
FIRST = hour_of(START)
QUARTER = timedelta(minutes=15)


def measured(*values: float) -> list[CounterReading]:
    return [CounterReading(START + QUARTER * at, value) for at, value in enumerate(values)]


def test_an_hour_has_the_mean_of_its_values_and_is_final_when_the_next_has_begun() -> None:
    assert hours_of_measurements(measured(1.0, -2.0, 3.0, 2.0, 7.0)) == {
        FIRST: Mean(1.0, -2.0, 3.0),
        FIRST + 1: Mean(7.0, 7.0, 7.0, Certainty.PROVISIONAL),
    }
    assert hours_of_measurements([]) == {}


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=40), st.randoms())
def test_order_and_repetition_change_nothing(values: list[float], dice: object) -> None:
    readings = measured(*values)
    shuffled = readings * 2
    dice.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' own kind of Random

    assert hours_of_measurements(shuffled) == hours_of_measurements(readings)


def test_gaps_stay_gaps_and_what_is_not_over_is_left_out() -> None:
    series = Series(device="s", quantity=Quantity.VALUE, form=Form.MEASURED, unit="°C")
    readings = measured(*[5.0] * 4, *[6.0] * 4)
    readings += [CounterReading(START + 4 * QUARTER * at, 7.0) for at in (4, 5)]
    page = Page()

    found = draft(
        Source(key="s", series=(series,)),
        series,
        Batch(readings=readings),
        Window(FIRST, FIRST + 6),
        page,
        FIRST + 5,
    )
    found.mark(page.coverage)

    assert found.rows.amounts == {}
    assert sorted(found.means) == [FIRST, FIRST + 1, FIRST + 4]
    assert page.coverage.count(FIRST, FIRST + 6) == {
        Status.FINAL: 3,
        Status.MISSING: 2,
        None: 1,
    }
