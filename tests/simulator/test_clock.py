"""The movable clock."""

import datetime as dt

from freezegun import freeze_time
import pytest

from simulator.clock import Clock

AT = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)


def test_runs_with_the_machine() -> None:
    with freeze_time("2026-01-01T00:00:00Z") as machine:
        clock = Clock()
        assert clock.now() == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        machine.tick(90)
        assert clock.now() == dt.datetime(2026, 1, 1, 0, 1, 30, tzinfo=dt.UTC)
        assert clock.now().tzinfo is dt.UTC
        assert clock.timestamp() == clock.now().timestamp()


def test_a_moved_clock_runs_on() -> None:
    with freeze_time("2026-01-01T00:00:00Z") as machine:
        clock = Clock(AT)
        machine.tick(10)
        assert clock.now() == AT + dt.timedelta(seconds=10)
        clock.advance(3600)
        machine.tick(10)
        assert clock.now() == AT + dt.timedelta(seconds=3620)
        clock.advance(-3600)
        assert clock.now() == AT + dt.timedelta(seconds=20)


def test_a_frozen_clock_moves_only_by_hand() -> None:
    with freeze_time("2026-01-01T00:00:00Z") as machine:
        clock = Clock(AT, frozen=True)
        machine.tick(10)
        assert clock.frozen
        assert clock.now() == AT
        clock.advance(5)
        assert clock.now() == AT + dt.timedelta(seconds=5)
        clock.set(AT.astimezone(dt.timezone(dt.timedelta(hours=2))))
        assert clock.now() == AT
        assert clock.now().utcoffset() == dt.timedelta(0)


def test_a_clock_made_frozen_shows_exactly_what_it_was_set_to() -> None:
    assert Clock(AT, frozen=True).now() == AT


def test_resumes_where_it_was_held() -> None:
    with freeze_time("2026-01-01T00:00:00Z") as machine:
        clock = Clock(AT, frozen=True)
        machine.tick(1000)
        clock.resume()
        clock.resume()
        assert not clock.frozen
        machine.tick(1)
        assert clock.now() == AT + dt.timedelta(seconds=1)


def test_refuses_a_time_without_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        Clock().set(AT.replace(tzinfo=None))
