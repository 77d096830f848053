"""What follows from something else is worked out again only when that has changed."""

from custom_components.energy_connect.core.derived import Derived, Steady


def test_the_same_is_given_back_while_its_source_is_equal() -> None:
    derived: Derived[list[int], list[int]] = Derived()
    first = derived.of([1, 2], lambda: [3])
    assert derived.of([1, 2], lambda: [4]) is first
    assert derived.get([1, 2]) is first


def test_another_source_makes_another_and_is_the_only_one_remembered() -> None:
    derived: Derived[list[int], list[int]] = Derived()
    assert derived.get([1]) is None
    derived.put([1], [3])
    assert derived.of([2], lambda: [4]) == [4]
    assert derived.get([1]) is None


def test_a_value_is_the_same_object_as_long_as_it_is_equal() -> None:
    first: list[int] = []
    steady = Steady(first)
    assert steady.of([]) is first
    other = [1]
    assert steady.of(other) is other
    assert steady.of([1]) is other
