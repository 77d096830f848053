"""What a batch comes to, before anything is written."""

from datetime import timedelta

from custom_components.energy_connect.core.agenda import Window
from custom_components.energy_connect.core.book import Page
from custom_components.energy_connect.core.coverage import Status
from custom_components.energy_connect.core.draft import Draft, draft
from custom_components.energy_connect.core.history import Batch, Form, Interval, Series, Source
from custom_components.energy_connect.core.series import Hour, time_of
from custom_components.energy_connect.core.vocabulary import Quantity

HOUR = timedelta(hours=1)
FIRST = 490_000
WINDOW = Window(FIRST, FIRST + 10)
SESSIONS = Series(
    device="car", quantity=Quantity.ENERGY_CHARGED, form=Form.INTERVALS, currency="EUR"
)


def of(batch: Batch, page: Page, *, sparse: bool = True, until: Hour = FIRST + 10) -> Draft:
    """Return the draft of ten hours, and count it as written."""
    given = Batch(intervals=batch.intervals, unknown=batch.unknown, known_until=time_of(FIRST + 10))
    source = Source(key="s", series=(SESSIONS,), sparse=sparse)
    found = draft(source, SESSIONS, given, WINDOW, page, until)
    found.mark(page.coverage)
    found.mark_costs(page.costs)
    return found


def hour(number: int, amount: float, **more: object) -> Interval:
    start = time_of(FIRST + number)
    return Interval(start, start + HOUR, amount, **more)  # type: ignore[arg-type]  # a test's words


def statuses(page: Page) -> dict[int, Status | None]:
    runs = page.coverage.runs(FIRST, FIRST + 10)
    return {at - FIRST: run.status for run in runs for at in range(run.start, run.stop)}


def test_a_session_whose_energy_nobody_knows_leaves_its_hours_alone() -> None:
    page = Page()
    span = (time_of(FIRST + 3) + HOUR / 2, time_of(FIRST + 5))

    found = of(Batch(intervals=(hour(1, 2.0, cost=1.0),), unknown=(span,)), page)

    assert found.rows.amounts == {FIRST + 1: 2.0}
    assert found.rows.within == (FIRST, FIRST + 10)
    assert found.rows.keep == {FIRST + 3, FIRST + 4}
    assert [at for at, status in statuses(page).items() if status is Status.MISSING] == [3, 4]
    assert [run.start for run in page.costs.wanted(FIRST, FIRST + 10)] == [FIRST + 3]


def test_an_hour_that_is_known_in_part_is_provisional_and_has_no_cost() -> None:
    page = Page()
    span = (time_of(FIRST + 1), time_of(FIRST + 2))

    found = of(Batch(intervals=(hour(1, 2.0, cost=1.0),), unknown=(span,)), page)

    assert found.rows.amounts == {FIRST + 1: 2.0}
    assert statuses(page)[1] is Status.PROVISIONAL
    assert found.costs is not None
    assert found.costs.amounts == {}
    assert FIRST + 1 in found.costs.keep


def test_a_session_without_a_cost_leaves_the_cost_of_its_hours_unknown() -> None:
    page = Page()

    found = of(Batch(intervals=(hour(1, 2.0), hour(2, 3.0, cost=0.6))), page)

    assert found.costs is not None
    assert found.costs.amounts == {FIRST + 2: 0.6}
    assert found.costs.keep == {FIRST + 1}
    assert [run.start for run in page.costs.wanted(FIRST, FIRST + 10)] == [FIRST + 1]
    assert statuses(page)[1] is Status.FINAL


def test_a_final_hour_that_comes_again_as_provisional_is_not_emptied() -> None:
    page = Page()
    of(Batch(intervals=(hour(1, 2.0),)), page)

    found = of(Batch(intervals=(hour(1, 1.5, final=False),)), page)

    assert found.rows.amounts == {}
    assert FIRST + 1 in found.rows.keep


def test_a_provisional_zero_of_a_sparse_source_is_not_known_to_be_empty() -> None:
    page = Page()

    found = of(Batch(intervals=(hour(4, 0.0, final=False),)), page)

    assert found.rows.amounts == {}
    assert statuses(page)[4] is Status.MISSING


def test_an_estimate_of_intervals_does_not_replace_what_was_measured() -> None:
    page = Page()
    of(Batch(intervals=(hour(1, 2.0),)), page, sparse=False)

    found = of(
        Batch(intervals=(hour(1, 9.0, estimated=True), hour(2, 9.0, estimated=True))),
        page,
        sparse=False,
    )

    assert found.rows.amounts == {FIRST + 2: 9.0}
    assert (statuses(page)[1], statuses(page)[2]) == (Status.FINAL, Status.ESTIMATED)


def test_hours_to_come_are_left_out() -> None:
    page = Page()

    found = of(Batch(intervals=(hour(1, 2.0), hour(7, 2.0))), page, until=FIRST + 5)

    assert found.rows.amounts == {FIRST + 1: 2.0}
    assert statuses(page)[7] is None
