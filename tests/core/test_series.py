"""Hours out of intervals and counters: the same in any order, however the time was cut."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.energy_connect.core.history import CounterReading, Interval
from custom_components.energy_connect.core.regions import Regions, margin
from custom_components.energy_connect.core.series import (
    Amount,
    Certainty,
    hour_from,
    hour_of,
    hours_of_intervals,
    hours_of_readings,
    in_order,
    judged,
    running,
    time_of,
)

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
H0 = hour_of(BEGIN)
HOUR = timedelta(hours=1)
PRAGUE = ZoneInfo("Europe/Prague")


def interval(
    start: float, length: float, amount: float, *, final: bool = True, cost: float | None = None
) -> Interval:
    """Return an interval; times in hours from the beginning."""
    at = BEGIN + HOUR * start
    return Interval(at, at + HOUR * length, amount, final, cost)


def reading(at: float, value: float) -> CounterReading:
    return CounterReading(BEGIN + HOUR * at, value)


def amounts(hours: dict[int, Amount]) -> dict[int, float]:
    return {hour - H0: amount.amount for hour, amount in hours.items()}


def test_an_hour_is_counted_in_utc_and_comes_back_as_its_beginning() -> None:
    assert time_of(hour_of(BEGIN + timedelta(minutes=59))) == BEGIN
    assert hour_from(BEGIN) == H0
    assert hour_from(BEGIN + timedelta(seconds=1)) == H0 + 1


def test_quarter_hours_make_hours() -> None:
    hours = hours_of_intervals([interval(number / 4, 0.25, number) for number in range(8)])

    assert amounts(hours) == {0: 6, 1: 22}
    assert {amount.certainty for amount in hours.values()} == {Certainty.FINAL}


def test_an_hour_of_which_a_quarter_is_missing_is_provisional() -> None:
    hours = hours_of_intervals([interval(number / 4, 0.25, 1) for number in range(3)])

    assert hours == {H0: Amount(3, Certainty.PROVISIONAL)}


def test_a_gap_stays_a_gap() -> None:
    hours = hours_of_intervals([interval(0, 1, 1), interval(5, 1, 2)])

    assert amounts(hours) == {0: 1, 5: 2}


@pytest.mark.parametrize(
    ("day", "length"),
    [
        (datetime(2026, 3, 28, tzinfo=PRAGUE), 24),
        (datetime(2026, 3, 29, tzinfo=PRAGUE), 23),
        (datetime(2026, 10, 25, tzinfo=PRAGUE), 25),
    ],
)
def test_a_day_has_as_many_hours_as_it_had(day: datetime, length: int) -> None:
    whole = Interval(day, day + timedelta(days=1), 23 * 24 * 25)
    # Python adds days by the wall clock, so that the next midnight is what is meant.
    hours = hours_of_intervals([whole])

    assert len(hours) == length
    assert sum(each.amount for each in hours.values()) == pytest.approx(23 * 24 * 25)
    assert {each.certainty for each in hours.values()} == {Certainty.ESTIMATED}
    assert time_of(min(hours)) == day.astimezone(UTC)


def test_the_doubled_hour_of_autumn_is_two_hours() -> None:
    first = datetime(2026, 10, 25, 2, tzinfo=PRAGUE)
    second = first.replace(fold=1)
    hours = hours_of_intervals(
        [
            Interval(at.astimezone(UTC), at.astimezone(UTC) + HOUR, amount)
            for at, amount in ((first, 1), (second, 2))
        ]
    )

    assert [each.amount for each in hours.values()] == [1, 2]


def test_the_shorter_of_two_overlapping_intervals_counts() -> None:
    hours = hours_of_intervals([interval(0, 4, 8), interval(1, 1, 5)])

    assert amounts(hours) == {0: 2, 1: 5, 2: 2, 3: 2}


def test_of_two_amounts_for_the_same_time_the_later_is_the_correction() -> None:
    hours = hours_of_intervals([interval(0, 1, 8), interval(0, 1, 5)])

    assert amounts(hours) == {0: 5}


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf")])
def test_an_impossible_amount_is_no_amount(amount: float) -> None:
    assert hours_of_intervals([interval(0, 1, amount)]) == {}


def test_an_interval_that_ends_before_it_begins_is_none() -> None:
    assert hours_of_intervals([interval(1, -1, 4), interval(1, 0, 4)]) == {}


def test_a_provisional_zero_is_not_known_and_a_final_one_is() -> None:
    hours = hours_of_intervals([interval(0, 1, 0, final=False), interval(1, 1, 0)])

    assert hours == {H0 + 1: Amount(0.0, cost=0.0)}


def test_a_provisional_amount_is_provisional() -> None:
    assert hours_of_intervals([interval(0, 1, 2, final=False)]) == {
        H0: Amount(2, Certainty.PROVISIONAL)
    }


def test_cost_goes_with_the_amount() -> None:
    hours = hours_of_intervals([interval(0, 2, 4, cost=1.0), interval(2, 1, 1, cost=-0.25)])

    assert [each.cost for each in hours.values()] == [0.5, 0.5, -0.25]


def test_an_hour_of_which_a_part_has_no_cost_has_none() -> None:
    hours = hours_of_intervals([interval(0, 0.5, 4, cost=1.0), interval(0.5, 0.5, 4)])

    assert hours[H0].cost is None


def test_where_nothing_was_used_no_cost_is_missing() -> None:
    hours = hours_of_intervals([interval(0, 0.5, 4, cost=1.0), interval(0.5, 0.5, 0)])

    assert hours[H0].cost == 1.0


def test_a_difference_is_spread_over_the_time_between_readings() -> None:
    hours = hours_of_readings([reading(0.5, 10), reading(3.5, 16)])

    assert amounts(hours) == {1: 2, 2: 2}
    assert {each.certainty for each in hours.values()} == {Certainty.FINAL}


def test_beyond_six_hours_a_difference_is_an_estimate() -> None:
    hours = hours_of_readings([reading(0, 0), reading(6, 6), reading(13, 13)])

    assert [each.certainty for each in hours.values()] == [Certainty.FINAL] * 6 + [
        Certainty.ESTIMATED
    ] * 7


def test_readings_of_odd_minutes_are_cut_at_the_full_hours() -> None:
    hours = hours_of_readings([reading(number / 10 - 0.05, number) for number in range(32)])

    assert amounts(hours) == {0: 10, 1: 10, 2: 10}


def test_one_reading_tells_nothing() -> None:
    assert hours_of_readings([reading(0, 5)]) == {}
    assert hours_of_readings([]) == {}


def test_a_dip_to_zero_is_not_believed() -> None:
    values = (100, 101, 0, 0, 102, 103)
    hours = hours_of_readings([reading(at, value) for at, value in enumerate(values)])

    third = pytest.approx(1 / 3, abs=1e-5)
    assert amounts(hours) == {0: 1, 1: third, 2: third, 3: third, 4: 1}


def test_a_jump_that_is_taken_back_is_not_believed() -> None:
    values = (100, 101, 900_000, 103, 104)
    hours = hours_of_readings([reading(at, value) for at, value in enumerate(values)])

    assert amounts(hours) == {0: 1, 1: 1, 2: 1, 3: 1}


def test_a_fall_at_the_end_waits_for_the_next_reading() -> None:
    values = (100, 101, 102, 0)
    hours = hours_of_readings([reading(at, value) for at, value in enumerate(values)])

    assert amounts(hours) == {0: 1, 1: 1}


def test_a_new_meter_leaves_a_gap_and_invents_nothing() -> None:
    old = [reading(at, 100 + at) for at in range(5)]
    new = [reading(7.5 + at, 50 + at) for at in range(5)]
    hours = hours_of_readings([*old, *new])

    assert amounts(hours) == {0: 1, 1: 1, 2: 1, 3: 1, 7: 0.5, 8: 1, 9: 1, 10: 1}


def test_a_meter_swapped_for_one_that_begins_at_zero() -> None:
    old = [reading(at / 4, 100 + at) for at in range(7)]
    new = [reading(1.75 + at / 4, at) for at in range(7)]
    hours = hours_of_readings([*old, *new])

    # Of the second hour a quarter is unknown: from 1:30 to 1:45.
    assert amounts(hours) == {0: 4, 1: 3, 2: 4}
    assert hours[H0 + 1].certainty is Certainty.ESTIMATED


def test_the_later_of_two_readings_of_the_same_time_counts() -> None:
    assert in_order([reading(0, 1), reading(0, 2), reading(1, float("nan"))]) == [reading(0, 2)]


def test_running_sums_follow_the_hours() -> None:
    assert running({3: 0.1, 1: 0.2}, 10) == [(1, 0.2, 10.2), (3, 0.1, 10.3)]


STEPS = st.lists(st.integers(0, 4000), min_size=1, max_size=120)


@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(1, 40), st.integers(0, 50)),
        max_size=25,
        unique_by=lambda item: item[:2],
    ),
    st.randoms(use_true_random=False),
)
def test_intervals_in_any_order_and_repeated_give_the_same_hours(
    quarters: list[tuple[int, int, int]], dice: object
) -> None:
    rows = [interval(start / 4, length / 4, amount) for start, length, amount in quarters]
    shuffled = [*rows, *rows[: len(rows) // 2]]
    dice.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis calls it a Random

    assert hours_of_intervals(shuffled) == hours_of_intervals(rows)
    assert all(each.amount >= 0 for each in hours_of_intervals(rows).values())


@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(1, 40), st.integers(0, 50)),
        max_size=25,
        unique_by=lambda item: item[:2],
    ),
    st.lists(st.integers(1, 109), max_size=6),
)
def test_intervals_read_in_windows_give_the_same_hours(
    quarters: list[tuple[int, int, int]], cuts: list[int]
) -> None:
    rows = [interval(start / 4, length / 4, amount) for start, length, amount in quarters]
    borders = sorted({0, *cuts, 110})
    collected: dict[int, Amount] = {}
    for start, stop in pairwise(borders):
        inside = [
            row
            for row in rows
            if row.start < BEGIN + HOUR * stop and row.end > BEGIN + HOUR * start
        ]
        hours = hours_of_intervals(inside)
        collected |= {hour: hours[hour] for hour in hours if start <= hour - H0 < stop}

    assert collected == hours_of_intervals(rows)


@st.composite
def counters(draw: st.DrawFn) -> list[CounterReading]:
    """Draw the readings of a counter, with dips, jumps and new meters, minutes to days apart."""
    unit = draw(st.sampled_from([5, 15, 60, 700]))
    rows: list[CounterReading] = []
    at, value = 0, 1000.0
    for _ in range(draw(st.integers(0, 60))):
        at += unit * draw(st.integers(1, 4))
        value += draw(st.integers(0, 30)) / 8
        event = draw(st.integers(0, 30))
        shown = value
        if event == 0:
            shown = 0.0
        elif event == 1:
            shown = value + 5000
        elif event == 2:
            shown = value = draw(st.integers(0, 100)) / 4
        rows.append(CounterReading(BEGIN + timedelta(minutes=at), shown))
    return rows


@given(counters(), st.randoms(use_true_random=False))
def test_readings_in_any_order_and_repeated_give_the_same_hours(
    rows: list[CounterReading], dice: object
) -> None:
    shuffled = [*rows, *rows[: len(rows) // 2]]
    dice.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis calls it a Random

    assert hours_of_readings(in_order(shuffled)) == hours_of_readings(rows)


@given(counters())
def test_a_counter_never_gives_less_than_nothing(rows: list[CounterReading]) -> None:
    assert all(each.amount >= 0 for each in hours_of_readings(rows).values())


@given(counters())
def test_each_verdict_depends_on_three_neighbours_alone(rows: list[CounterReading]) -> None:
    whole = judged(rows)
    for index in range(len(rows)):
        first = max(0, index - 3)
        assert judged(rows[first : index + 4])[index - first] is whole[index]


def read_in_windows(
    rows: list[CounterReading], windows: list[tuple[int, int, timedelta]]
) -> dict[int, Amount]:
    """Return what is known after windows were read one by one, each with what is beyond it."""
    regions = Regions()
    known: dict[int, Amount] = {}
    for start, stop, beyond in windows:
        from_, until = BEGIN + HOUR * start - beyond, BEGIN + HOUR * stop + beyond
        read = [row for row in rows if from_ <= row.at <= until]
        stretch = regions.take(H0 + start, H0 + stop, read, beyond=beyond)
        known = {hour: known[hour] for hour in known if not stretch.start <= hour < stretch.stop}
        known |= stretch.amounts
        regions = Regions.load(regions.dump())
    return known


@pytest.mark.parametrize(
    ("times", "windows"),
    [
        pytest.param(
            (0, 1, 1.75, 2, 2.75, 3.5, 4, 8, 8.25, 8.5, 9), [(0, 7), (7, 10)], id="forward"
        ),
        pytest.param(
            (0, 0.25, 0.5, 1, 4.25, 4.5, 5, 5.5, 6.5, 7.5, 8.25, 9.25),
            [(2, 10), (0, 2)],
            id="backward",
        ),
    ],
)
def test_a_gap_in_readings_at_a_seam_loses_no_hour(
    times: tuple[float, ...], windows: list[tuple[int, int]]
) -> None:
    # The readings read beyond the first window reach into the gap or over it.
    rows = [reading(at, 4 * at) for at in times]
    beyond = margin(timedelta(minutes=15))
    known = read_in_windows(rows, [(start, stop, beyond) for start, stop in windows])

    assert known == hours_of_readings(rows)
    assert {each.amount for each in known.values()} == {4.0}
    assert amounts(known).keys() == set(range(9))


def test_a_window_read_less_far_forgets_no_reading() -> None:
    # As if a source's step had become shorter: the first window knows what the others do not read.
    times = (8, 9, 10.25, 11.25, 15.75, 18.75, 19, 20, 24.25, 24.5, 24.75, 25)
    rows = [reading(at, 4 * at) for at in times]
    first, *later = ((12, 23), (1, 18), (22, 24), (24, 26), (0, 9))
    known = read_in_windows(
        rows, [(*first, HOUR * 2), *((start, stop, timedelta()) for start, stop in later)]
    )

    assert known == hours_of_readings(rows)


@settings(max_examples=400)
@given(counters(), st.data())
def test_readings_read_in_windows_in_any_order_give_the_same_hours(
    rows: list[CounterReading], data: st.DataObject
) -> None:
    last = 1 + max((hour_of(row.at) - H0 for row in rows), default=0)
    cuts = data.draw(st.lists(st.integers(0, last), max_size=6))
    borders = sorted({0, *cuts, last})
    windows = list(pairwise(borders))
    order = data.draw(st.permutations(windows))
    again = data.draw(st.lists(st.sampled_from(windows), max_size=3)) if windows else []
    beyond = data.draw(st.sampled_from([timedelta(), margin(timedelta(minutes=15))]))
    known = read_in_windows(rows, [(start, stop, beyond) for start, stop in [*order, *again]])

    truth = {hour: amount for hour, amount in hours_of_readings(rows).items() if hour < H0 + last}
    assert known == truth
