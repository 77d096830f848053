"""What is asked for next."""

from datetime import UTC, datetime, timedelta

from custom_components.energy_connect.core.agenda import (
    MONTH,
    Agenda,
    Window,
    backfill,
    oldest,
    progress,
    window_hours,
)
from custom_components.energy_connect.core.coverage import Coverage
from custom_components.energy_connect.core.history import Form, Series, Source
from custom_components.energy_connect.core.series import Amount, Certainty, Stretch, hour_of
from custom_components.energy_connect.core.vocabulary import Quantity

NOW = datetime(2026, 4, 10, 12, 20, tzinfo=UTC)
CURRENT = hour_of(NOW)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SERIES = Series(device="m", quantity=Quantity.ENERGY_IMPORT, form=Form.COUNTER)


def source(**changed: object) -> Source:
    given = {"key": "s", "series": (SERIES,), "window": 7 * DAY, "settles": 5 * DAY}
    return Source(**given | changed)  # type: ignore[arg-type]  # a test's own words


def known(start: int, stop: int, certainty: Certainty = Certainty.FINAL) -> Stretch:
    return Stretch(start, stop, {hour: Amount(1.0, certainty) for hour in range(start, stop)})


def test_the_newest_month_is_asked_first_and_backwards_then_the_oldest_hour() -> None:
    coverage = Coverage()
    begin = CURRENT - 60 * 24
    windows = []
    while (window := backfill(source(), [coverage], NOW, begin)) is not None:
        windows.append(window)
        coverage.mark(known(window.start, window.stop))

    assert windows[0] == Window(CURRENT - 7 * 24, CURRENT)
    assert windows[4] == Window(CURRENT - MONTH, CURRENT - 4 * 7 * 24)
    assert windows[5] == Window(begin, begin + 7 * 24)
    assert [window.start for window in windows[5:]] == sorted(w.start for w in windows[5:])
    assert progress([coverage], begin, NOW) == (58 * 24, 58 * 24)


def test_hours_that_one_of_the_series_does_not_know_are_asked_for() -> None:
    full, empty = Coverage(), Coverage()
    full.mark(known(CURRENT - 100, CURRENT))

    assert backfill(source(), [full, empty], NOW, CURRENT - 100) == Window(CURRENT - 100, CURRENT)


def test_what_one_series_never_had_and_another_has_roughly_is_one_piece() -> None:
    rough, empty = Coverage(), Coverage()
    rough.mark(known(CURRENT - 100, CURRENT, Certainty.ESTIMATED))
    rough.doubt()

    assert backfill(source(), [rough, empty], NOW, CURRENT - 100) == Window(CURRENT - 100, CURRENT)
    assert progress([rough, empty], CURRENT - 100, NOW) == (0, 104)


def test_new_hours_are_asked_for_every_hour() -> None:
    coverage, agenda = Coverage(), Agenda({})
    coverage.mark(known(CURRENT - 50, CURRENT - 3))

    assert agenda.again(source(), [coverage], NOW) == [Window(CURRENT - 3, CURRENT, True, "0")]
    assert agenda.again(source(), [coverage], NOW + HOUR / 2) == []
    assert Agenda.wait(agenda.asked, NOW + HOUR / 2) == 1800
    assert agenda.again(source(), [coverage], NOW + HOUR) == [
        Window(CURRENT - 3, CURRENT + 1, True, "0")
    ]


def test_old_gaps_are_asked_for_seldomer_with_age() -> None:
    coverage, agenda = Coverage(), Agenda({})
    coverage.mark(known(CURRENT - 300 * 24, CURRENT))
    gaps = {age: CURRENT - age * 24 for age in (1, 10, 50, 200)}
    for hour in gaps.values():
        coverage.forget(hour, hour + 1)
        coverage.mark(Stretch(hour, hour + 1, {}))
    asked = dict.fromkeys(gaps, 0)
    for number in range(24 * 30):
        now = NOW + number * HOUR
        coverage.mark(known(CURRENT, hour_of(now)))
        for window in agenda.again(source(settles=timedelta()), [coverage], now):
            for age, hour in gaps.items():
                asked[age] += window.start <= hour < window.stop

    assert asked[200] == 1
    assert 2 <= asked[50] <= 5
    assert 8 <= asked[10] <= 30
    assert 24 <= asked[1] <= 80


def test_hours_that_may_still_be_corrected_are_read_again_once_a_day() -> None:
    coverage, agenda = Coverage(), Agenda({})
    coverage.mark(known(CURRENT - 900, CURRENT))

    first = agenda.again(source(), [coverage], NOW)
    later = NOW + DAY
    coverage.mark(known(CURRENT, hour_of(later)))
    second = agenda.again(source(), [coverage], later)

    assert first == []
    assert second == [Window(hour_of(later) - 5 * 24, hour_of(later), band="settling")]


def test_only_what_was_not_answered_is_due_again() -> None:
    coverage, agenda = Coverage(), Agenda({})
    agenda.again(source(), [coverage], NOW)
    later = NOW + DAY
    before = dict(agenda.asked)
    live, *old = agenda.again(source(), [coverage], later)
    assert live.live

    agenda.unanswered(old, before)

    assert agenda.again(source(), [coverage], later + HOUR / 2) == old
    assert agenda.again(source(), [coverage], later + HOUR / 2) == []


def test_what_was_never_answered_is_due_as_if_it_had_never_been_asked() -> None:
    agenda = Agenda({})
    windows = agenda.again(source(), [Coverage()], NOW)
    agenda.unanswered(windows, {})
    assert agenda.again(source(), [Coverage()], NOW) == windows


def test_a_sweep_is_cut_into_windows_that_the_source_allows() -> None:
    coverage, agenda = Coverage(), Agenda({})

    windows = agenda.again(source(window=5 * HOUR), [coverage], NOW)

    assert all(window.stop - window.start <= 5 for window in windows)
    assert windows[-1].stop == CURRENT


def test_the_depth_ends_where_the_source_begins() -> None:
    assert oldest(source(), NOW, 10 * DAY) == CURRENT - 240
    assert oldest(source(begins=NOW - 3 * DAY), NOW, 10 * DAY) == CURRENT - 72
    assert oldest(source(), NOW, None) == CURRENT - 3660 * 24
    assert oldest(source(begins=NOW + DAY), NOW, None) == CURRENT


def test_what_was_asked_is_kept() -> None:
    agenda = Agenda({})
    agenda.again(source(), [Coverage()], NOW)

    assert Agenda.load(agenda.asked).again(source(), [Coverage()], NOW + HOUR / 4) == []


def test_whole_hours_of_a_time() -> None:
    assert window_hours(NOW, NOW + HOUR) == (CURRENT, CURRENT + 2)


def test_the_past_of_a_sparse_source_ends_where_its_answers_do() -> None:
    sparse = source(window=31 * DAY, sparse=True)
    coverage = Coverage()
    begin = CURRENT - 100 * 24
    asked = 0
    while (window := backfill(sparse, [coverage], NOW, begin)) is not None:
        asked += 1
        # The answers are complete up to a day and a half ago.
        coverage.mark(Stretch(window.start, window.stop, {}), sparse_until=CURRENT - 36)
        assert asked < 10

    assert coverage.unasked(begin, CURRENT - 48) == []
