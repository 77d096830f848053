from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_connect.core.freshness import Freshness
from custom_components.energy_connect.core.model import Device, Reading
from custom_components.energy_connect.core.vocabulary import (
    FLEETING,
    Flag,
    Kind,
    Moment,
    Part,
    Quantity,
)

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
LIMIT = timedelta(minutes=20)
SECOND = timedelta(seconds=1)
POWER = (Quantity.CHARGE_POWER, None)


def car(
    power: float | None = 9900.0,
    at: datetime | None = NOON,
    *,
    measured: datetime | None = NOON,
    dated: bool = True,
) -> Device:
    return Device(
        id="car",
        kind=Kind.VEHICLE,
        numbers={
            POWER: Reading(power, at),
            (Quantity.STATE_OF_CHARGE, None): Reading(55.0, at),
            (Quantity.ODOMETER, None): Reading(12345.0),
        },
        flags={Flag.CHARGING: True},
        moments={Moment.LAST_MEASURED: measured} if dated else {},
    )


@pytest.fixture
def freshness() -> Freshness:
    return Freshness(LIMIT)


def test_young_data_is_shown_as_it_is(freshness: Freshness) -> None:
    shown = freshness.show(car(), NOON + LIMIT)
    assert shown.numbers == car().numbers
    assert shown.flags == {Flag.CHARGING: True, Flag.DATA_LATE: False}


def test_old_power_is_unknown_and_the_rest_stays(freshness: Freshness) -> None:
    shown = freshness.show(car(), NOON + LIMIT + SECOND)
    assert shown.numbers == {
        POWER: Reading(None, NOON),
        (Quantity.STATE_OF_CHARGE, None): Reading(55.0, NOON),
        (Quantity.ODOMETER, None): Reading(12345.0),
    }
    assert shown.flags == {Flag.CHARGING: True, Flag.DATA_LATE: True}


@pytest.mark.parametrize("quantity", sorted(FLEETING))
def test_every_kind_of_power_grows_old_with_its_part_time_and_unit(
    freshness: Freshness, quantity: Quantity
) -> None:
    reading = Reading(5.0, NOON, NOON - LIMIT, "kW")
    device = Device(id="m", kind=Kind.METER, numbers={(quantity, Part.L2): reading})
    shown = freshness.show(device, NOON + 2 * LIMIT)
    assert shown.numbers == {(quantity, Part.L2): Reading(None, NOON, NOON - LIMIT, "kW")}


def test_no_power_an_hour_ago_misleads_nobody(freshness: Freshness) -> None:
    assert freshness.show(car(0.0), NOON + 9 * LIMIT).numbers[POWER].value == 0.0


def test_a_reading_without_a_time_has_that_of_the_device(freshness: Freshness) -> None:
    assert freshness.show(car(at=None), NOON + 2 * LIMIT).numbers[POWER] == Reading(None)


def test_a_reading_with_a_time_has_its_own(freshness: Freshness) -> None:
    now = NOON + 2 * LIMIT
    shown = freshness.show(car(at=NOON, measured=now), now)
    assert shown.numbers[POWER].value is None
    assert shown.flags[Flag.DATA_LATE] is False


def test_where_no_age_is_known_nothing_is_done(freshness: Freshness) -> None:
    device = car(at=None, dated=False)
    assert freshness.show(device, NOON + 99 * LIMIT) == device


def test_where_the_time_is_offered_but_unknown_so_is_the_lateness(freshness: Freshness) -> None:
    shown = freshness.show(car(at=None, measured=None), NOON)
    assert shown.flags[Flag.DATA_LATE] is None
    assert shown.numbers[POWER].value == 9900.0


def test_a_clock_that_runs_ahead_of_ours_measures_fresh_data(freshness: Freshness) -> None:
    ahead = NOON + timedelta(days=1)
    shown = freshness.show(car(at=ahead, measured=ahead), NOON)
    assert shown.numbers[POWER].value == 9900.0
    assert shown.flags[Flag.DATA_LATE] is False


@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_time_break_nothing(freshness: Freshness, year: int) -> None:
    # Some servers write the first or last moment that they know for "never".
    never = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    shown = freshness.show(car(at=never, measured=never), NOON)
    assert shown.flags[Flag.DATA_LATE] is (year == 1)


def test_the_same_object_is_shown_until_its_age_changes_it(freshness: Freshness) -> None:
    device = car()
    young = freshness.show(device, NOON)
    assert freshness.show(device, NOON + LIMIT - SECOND) is young
    old = freshness.show(device, NOON + LIMIT + SECOND)
    assert old.flags[Flag.DATA_LATE] is True
    assert freshness.show(device, NOON + 99 * LIMIT) is old


def test_what_grows_old_first_counts(freshness: Freshness) -> None:
    device = car(at=NOON, measured=NOON + LIMIT / 2)
    freshness.show(device, NOON)
    shown = freshness.show(device, NOON + LIMIT + SECOND)
    assert shown.numbers[POWER].value is None
    assert shown.flags[Flag.DATA_LATE] is False
    assert freshness.show(device, NOON + 2 * LIMIT).flags[Flag.DATA_LATE] is True


def test_when_our_clock_is_set_back_what_was_old_is_young_again(freshness: Freshness) -> None:
    # A small computer starts with any time, until it finds a time server.
    device = car()
    assert freshness.show(device, NOON + timedelta(days=400)).flags[Flag.DATA_LATE] is True
    shown = freshness.show(device, NOON)
    assert shown.flags[Flag.DATA_LATE] is False
    assert shown.numbers[POWER].value == 9900.0


def test_new_data_is_shown_at_once(freshness: Freshness) -> None:
    late = NOON + 2 * LIMIT
    freshness.show(car(), late)
    assert freshness.show(car(at=late, measured=late), late).flags[Flag.DATA_LATE] is False


def test_it_says_until_when_nothing_grows_old(freshness: Freshness) -> None:
    freshness.show(car(), NOON)
    assert freshness.holds(NOON + LIMIT - SECOND)
    assert not freshness.holds(NOON + LIMIT + SECOND)
    assert not freshness.holds(NOON - SECOND), "our clock was set back"


def test_who_is_gone_grows_no_older(freshness: Freshness) -> None:
    freshness.show(car(), NOON)
    freshness.keep(["another"])
    assert freshness.holds(NOON + 2 * LIMIT)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8), st.none() | st.floats(-1e4, 1e4))
def test_memory_changes_nothing(moments: list[float], measured: float | None) -> None:
    remembering = Freshness(LIMIT)
    when = None if measured is None else NOON + timedelta(seconds=measured)
    device = car(measured=when)
    for seconds in moments:
        now = NOON + timedelta(seconds=seconds)
        assert remembering.show(device, now) == Freshness(LIMIT).show(device, now)
