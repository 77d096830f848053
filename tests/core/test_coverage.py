"""What is known of a series: as runs the same as hour by hour, and back from what was kept."""

from itertools import pairwise

from hypothesis import given, strategies as st

from custom_components.energy_connect.core.book import Book, Page
from custom_components.energy_connect.core.coverage import KNOWN, Coverage, Run, Status
from custom_components.energy_connect.core.history import Form
from custom_components.energy_connect.core.series import Amount, Certainty, Stretch

CERTAINTIES = st.sampled_from(Certainty)


@st.composite
def stretches(draw: st.DrawFn) -> Stretch:
    start = draw(st.integers(0, 50))
    stop = start + draw(st.integers(0, 20))
    hours = st.integers(start, max(start, stop - 1))
    amounts = draw(st.dictionaries(hours, CERTAINTIES, max_size=20)) if stop > start else {}
    return Stretch(start, stop, {hour: Amount(1.0, each) for hour, each in amounts.items()})


def by_hour(coverage: Coverage) -> dict[int, Status]:
    return {
        hour: run.status
        for run in coverage.runs(0, 100)
        if run.status is not None
        for hour in range(run.start, run.stop)
    }


@given(st.lists(stretches(), max_size=8))
def test_runs_say_the_same_as_hours_would(read: list[Stretch]) -> None:
    coverage, truth = Coverage(), dict[int, Status]()
    for stretch in read:
        coverage.mark(stretch)
        for hour in range(stretch.start, stretch.stop):
            amount = stretch.amounts.get(hour)
            if amount is not None:
                truth[hour] = Status(amount.certainty.value[0])
            elif truth.get(hour) not in KNOWN:
                truth[hour] = Status.MISSING
        coverage = Coverage.load(coverage.dump())

        assert by_hour(coverage) == truth
        known = [hour for hour, status in truth.items() if status in KNOWN]
        assert coverage.first == min(known, default=None)
        assert coverage.newest == max(known, default=None)
        counted = coverage.count(0, 100)
        assert sum(counted.values()) == 100
        assert counted.get(Status.MISSING, 0) == list(truth.values()).count(Status.MISSING)


@given(st.lists(stretches(), max_size=8))
def test_neighbours_that_are_alike_are_one_run(read: list[Stretch]) -> None:
    coverage = Coverage()
    for stretch in read:
        coverage.mark(stretch)

    runs = list(coverage.runs(0, 100))
    assert all(one.status is not two.status for one, two in pairwise(runs))
    assert [run.start for run in runs[1:]] == [run.stop for run in runs[:-1]]


def test_a_sparse_series_knows_its_empty_hours_as_far_as_it_was_told() -> None:
    coverage = Coverage()

    coverage.mark(Stretch(0, 10, {2: Amount(1.0)}), sparse_until=6)

    assert list(coverage.runs(0, 10)) == [Run(0, 6, Status.FINAL), Run(6, 10, None)]


def test_a_sparse_series_that_was_told_nothing_knows_nothing() -> None:
    coverage = Coverage()

    coverage.mark(Stretch(4, 10, {}), sparse_until=4)

    assert coverage.dump() == []


def test_before_the_first_known_hour_nothing_is_missing() -> None:
    coverage = Coverage()
    coverage.mark(Stretch(0, 10, {5: Amount(1.0), 8: Amount(1.0)}))

    assert coverage.gaps(0, 10) == [Run(6, 8, Status.MISSING), Run(9, 10, Status.MISSING)]
    assert Coverage().gaps(0, 10) == []


def test_provisional_hours_are_wanted_again() -> None:
    coverage = Coverage()
    coverage.mark(Stretch(0, 3, {0: Amount(1.0), 1: Amount(1.0, Certainty.PROVISIONAL)}))

    assert [(run.start, run.stop) for run in coverage.wanted(0, 3)] == [(1, 2), (2, 3)]


def test_a_provisional_amount_does_not_replace_a_final_one() -> None:
    coverage = Coverage()
    coverage.mark(Stretch(0, 2, {0: Amount(4.0)}))
    read = Stretch(
        0, 2, {0: Amount(3.0, Certainty.PROVISIONAL), 1: Amount(1.0, Certainty.PROVISIONAL)}
    )

    assert coverage.believed(read).amounts.keys() == {1}
    assert Coverage().believed(read) == read


def test_an_estimate_replaces_no_measured_amount_unless_it_is_a_correction() -> None:
    coverage = Coverage()
    coverage.mark(Stretch(0, 2, {0: Amount(4.0)}))
    read = Stretch(0, 2, {0: Amount(3.0, Certainty.ESTIMATED), 1: Amount(1.0, Certainty.ESTIMATED)})

    assert coverage.believed(read, estimates=False).amounts.keys() == {1}
    assert coverage.believed(read).amounts.keys() == {0, 1}


def test_hours_with_something_unknown_are_missing_whatever_was_known() -> None:
    coverage = Coverage()
    coverage.mark(Stretch(0, 6, {1: Amount(4.0)}), sparse_until=6)

    coverage.mark(Stretch(0, 6, {}, frozenset({1, 3})), sparse_until=6)

    assert [run.start for run in coverage.wanted(0, 6)] == [1, 3]
    assert coverage.count(0, 6) == {Status.FINAL: 4, Status.MISSING: 2}


def test_estimates_are_asked_for_once_more_when_a_better_source_has_come() -> None:
    coverage = Coverage()
    coverage.mark(Stretch(0, 9, {hour: Amount(1.0, Certainty.ESTIMATED) for hour in range(6)}))
    coverage.doubt()
    assert coverage.unasked(0, 6) == [Run(0, 6, Status.ROUGH)]
    assert coverage.newest == 5

    coverage.mark(Stretch(0, 4, {0: Amount(2.0)}))

    # What the better one does not know either stays an estimate.
    assert list(coverage.runs(0, 6)) == [
        Run(0, 1, Status.FINAL),
        Run(1, 4, Status.ESTIMATED),
        Run(4, 6, Status.ROUGH),
    ]
    assert Coverage.load(coverage.dump()).dump() == coverage.dump()


def test_a_counter_is_better_than_estimated_intervals() -> None:
    page = Book().page("a")
    page.read_as(Form.INTERVALS)
    page.coverage.mark(Stretch(0, 2, {0: Amount(1.0, Certainty.ESTIMATED), 1: Amount(1.0)}))
    page = Page.load(page.dump())

    page.read_as(Form.INTERVALS)
    assert page.coverage.unasked(0, 2) == []
    page.read_as(Form.COUNTER)
    assert page.coverage.unasked(0, 2) == [Run(0, 1, Status.ROUGH)]


def test_what_is_forgotten_was_never_asked_for() -> None:
    coverage = Coverage()
    coverage.mark(Stretch(0, 10, {hour: Amount(1.0) for hour in range(10)}))

    coverage.forget(3, 5)

    assert coverage.unasked(0, 10) == [Run(3, 5, None)]


def test_the_book_comes_back_as_it_was_kept() -> None:
    book = Book()
    book.page("a").coverage.mark(Stretch(0, 10, {3: Amount(1.0)}))
    book.page("a").moving = True
    book.page("b").priced_by = "print"
    book.agenda("s").asked["0"] = 12.5

    again = Book.load(book.dump())

    assert again.dump() == book.dump()
    assert again.page("a").moving
    assert again.agenda("s").asked == {"0": 12.5}
