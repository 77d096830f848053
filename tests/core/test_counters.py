from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_connect.core.counters import CounterGuard
from custom_components.energy_connect.core.model import Device, NumberKey, Reading
from custom_components.energy_connect.core.vocabulary import COUNTERS, Kind, Moment, Part, Quantity

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
TOTAL = (Quantity.ENERGY_IMPORT, None)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def meter(
    value: float | None,
    minutes: float | None = None,
    *,
    measured: float | None = None,
    unit: str | None = None,
    device: str = "meter",
    quantity: Quantity = Quantity.ENERGY_IMPORT,
) -> Device:
    """A meter with one counter, dated by itself (`minutes`) or by the device (`measured`)."""
    when = None if minutes is None else at(minutes)
    return Device(
        id=device,
        kind=Kind.METER,
        numbers={(quantity, None): Reading(value, when, unit=unit)},
        moments={} if measured is None else {Moment.LAST_MEASURED: at(measured)},
    )


def settle(guard: CounterGuard, *devices: Device) -> list[float | None]:
    return [guard.settle(device).numbers[TOTAL].value for device in devices]


def test_a_rising_counter_is_believed() -> None:
    assert settle(CounterGuard(), meter(1, 0), meter(2, 1), meter(2, 2), meter(9000, 3)) == [
        1,
        2,
        2,
        9000,
    ]


def test_one_answer_of_0_is_not_believed() -> None:
    shown = settle(CounterGuard(), meter(5000, 0), meter(0, 1), meter(5001, 2), meter(5002, 3))
    assert shown == [5000, 5000, 5001, 5002]


def test_what_is_held_is_the_believed_reading_with_its_own_time() -> None:
    guard = CounterGuard()
    guard.settle(meter(5000, 0))
    assert guard.settle(meter(0, 1)).numbers[TOTAL] == Reading(5000, at(0))


def test_a_fall_that_a_later_measurement_confirms_is_a_new_meter() -> None:
    shown = settle(CounterGuard(), meter(5000, 0), meter(3, 1), meter(3.5, 2), meter(4, 3))
    assert shown == [5000, 5000, 3.5, 4]


@pytest.mark.parametrize("dated", ["reading", "device"])
def test_the_same_measurement_read_again_confirms_nothing(dated: str) -> None:
    def fallen(minutes: float) -> Device:
        if dated == "reading":
            return meter(0, minutes)
        return meter(0, measured=minutes)

    shown = settle(CounterGuard(), meter(5000, 0), fallen(1), fallen(1), fallen(1), fallen(2))
    assert shown == [5000, 5000, 5000, 5000, 0]


def test_an_earlier_measurement_confirms_nothing() -> None:
    # A cloud behind several servers does not always answer in order.
    shown = settle(CounterGuard(), meter(5000, 0), meter(10, 8), meter(4990, 5), meter(5001, 9))
    assert shown == [5000, 5000, 5000, 5001]


def test_without_times_the_second_answer_confirms() -> None:
    assert settle(CounterGuard(), meter(5000), meter(3), meter(3)) == [5000, 5000, 3]


@pytest.mark.parametrize(
    ("first", "second"), [(None, 2.0), (1.0, None)], ids=["then dated", "then not"]
)
def test_a_provider_that_dates_only_some_answers_is_believed_the_second_time(
    first: float | None, second: float | None
) -> None:
    assert settle(CounterGuard(), meter(5000, 0), meter(3, first), meter(3, second)) == [
        5000,
        5000,
        3,
    ]


def test_one_that_falls_on_and_on_is_not_believed() -> None:
    shown = settle(CounterGuard(), meter(5000, 0), meter(40, 1), meter(30, 2), meter(20, 3))
    assert shown == [5000] * 4


def test_a_doubt_is_forgotten_when_the_counter_is_back() -> None:
    shown = settle(
        CounterGuard(), meter(5000, 0), meter(0, 1), meter(5000, 2), meter(0, 3), meter(5001, 4)
    )
    assert shown == [5000, 5000, 5000, 5000, 5001]


def test_unknown_is_not_a_fall_and_confirms_nothing() -> None:
    shown = settle(
        CounterGuard(), meter(5000, 0), meter(None, 1), meter(0, 2), meter(None, 3), meter(5001, 4)
    )
    assert shown == [5000, None, 5000, None, 5001]


def test_another_unit_is_another_counter() -> None:
    shown = settle(CounterGuard(), meter(5000, 0, unit="kWh"), meter(18, 1, unit="GJ"))
    assert shown == [5000, 18]


def test_devices_and_parts_are_judged_apart() -> None:
    guard = CounterGuard()
    day, night = (Quantity.ENERGY_IMPORT, Part.T1), (Quantity.ENERGY_IMPORT, Part.T2)

    def tariffs(first: float, second: float, minutes: float) -> Device:
        numbers: dict[NumberKey, Reading] = {
            day: Reading(first, at(minutes)),
            night: Reading(second, at(minutes)),
        }
        return replace(meter(1), numbers=numbers)

    guard.settle(tariffs(100, 200, 0))
    held = guard.settle(tariffs(101, 5, 1))
    assert {key: reading.value for key, reading in held.numbers.items()} == {day: 101, night: 200}
    assert settle(guard, meter(5, 1, device="other")) == [5]


@pytest.mark.parametrize("quantity", sorted(set(Quantity) - COUNTERS))
def test_what_is_no_counter_may_fall(quantity: Quantity) -> None:
    guard = CounterGuard()
    guard.settle(meter(50, 0, quantity=quantity))
    device = meter(1, 1, quantity=quantity)
    assert guard.settle(device) is device


def test_a_device_object_seen_before_costs_and_confirms_nothing() -> None:
    guard = CounterGuard()
    good, fallen = meter(5000), meter(0)
    assert guard.settle(good) is good
    held = guard.settle(fallen)
    assert guard.settle(fallen) is held
    assert held.numbers[TOTAL].value == 5000


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_what_is_shown_falls_only_after_two_falls_in_a_row(values: list[float]) -> None:
    guard = CounterGuard()
    shown = settle(guard, *(meter(value, index) for index, value in enumerate(values)))
    for index in range(1, len(values)):
        before, now = shown[index - 1], shown[index]
        assert before is not None
        assert now in {before, values[index]}
        if now is not None and now < before:
            assert values[index - 1] < before
            assert values[index - 1] <= values[index] == now
