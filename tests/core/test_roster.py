from hypothesis import given, strategies as st

from custom_components.energy_connect.core.roster import LISTINGS_BEFORE_GONE, Roster
from custom_components.energy_connect.core.vocabulary import Kind

CARS = frozenset({Kind.VEHICLE})
KNOWN = {"car": Kind.VEHICLE, "van": Kind.VEHICLE, "home": Kind.SITE}


def test_a_device_is_gone_after_three_complete_listings_without_it() -> None:
    roster = Roster()
    assert roster.gone(KNOWN, ["van", "home"], CARS) == set()
    assert roster.gone(KNOWN, ["van", "home"], CARS) == set()
    assert roster.gone(KNOWN, ["van", "home"], CARS) == {"car"}


def test_a_listing_with_it_starts_over() -> None:
    roster = Roster()
    for present in (["van"], ["van"], ["van", "car"], ["van"], ["van"]):
        assert roster.gone(KNOWN, present, CARS) == set()
    assert roster.gone(KNOWN, ["van"], CARS) == {"car"}


def test_a_refused_list_is_none() -> None:
    roster = Roster()
    for _ in range(10):
        assert roster.gone(KNOWN, [], frozenset()) == set()


def test_a_refused_list_between_does_not_start_over() -> None:
    roster = Roster()
    roster.gone(KNOWN, ["van"], CARS)
    roster.gone(KNOWN, [], frozenset())
    roster.gone(KNOWN, ["van"], CARS)
    assert roster.gone(KNOWN, ["van"], CARS) == {"car"}


def test_a_list_says_nothing_of_another_kind() -> None:
    roster = Roster()
    for _ in range(10):
        assert "home" not in roster.gone(KNOWN, ["van", "car"], CARS)


def test_one_that_was_removed_and_comes_back_is_counted_anew() -> None:
    roster = Roster()
    for _ in range(3):
        roster.gone(KNOWN, ["van"], CARS)
    del_known = {"van": Kind.VEHICLE}
    assert roster.gone(del_known, ["van"], CARS) == set()
    assert roster.gone(KNOWN, ["van"], CARS) == set()


def test_one_that_home_assistant_forgot_is_counted_anew() -> None:
    roster = Roster()
    roster.gone(KNOWN, ["van"], CARS)
    roster.gone(KNOWN, ["van"], CARS)
    roster.gone({"van": Kind.VEHICLE}, ["van"], CARS)
    assert roster.gone(KNOWN, ["van"], CARS) == set()


@given(
    st.lists(
        st.tuples(
            st.frozensets(st.sampled_from(sorted(KNOWN))), st.frozensets(st.sampled_from([*Kind]))
        )
    )
)
def test_gone_are_exactly_those_missing_from_enough_listings_since_last_seen(
    polls: list[tuple[frozenset[str], frozenset[Kind]]],
) -> None:
    roster = Roster()
    missing = dict.fromkeys(KNOWN, 0)
    for present, listed in polls:
        for device, kind in KNOWN.items():
            if device in present:
                missing[device] = 0
            elif kind in listed:
                missing[device] += 1
        gone = roster.gone(KNOWN, present, listed)
        # One that is reported gone and yet stays known is reported again after as many.
        reached = {device for device, count in missing.items() if count == LISTINGS_BEFORE_GONE}
        assert gone == reached
        for device in reached:
            missing[device] = 0
