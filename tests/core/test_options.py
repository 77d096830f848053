"""Options that accounts of all providers have."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.energy_connect.core.model import Advice, AdviceKind, Device, Snapshot
from custom_components.energy_connect.core.options import Interval, left_out, with_all_below
from custom_components.energy_connect.core.selection import hidden, without
from custom_components.energy_connect.core.vocabulary import Kind
from custom_components.energy_connect.providers import PROVIDERS

INTERVAL = Interval(default=120, least=60, most=3600)


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({}, 120),
        ({"poll_interval": 300}, 300),
        ({"poll_interval": 5}, 60),
        ({"poll_interval": 86_400}, 3600),
        ({"poll_interval": None}, 120),
        ({"poll_interval": "soon"}, 120),
        ({"poll_interval": True}, 120),
    ],
)
def test_the_interval_is_what_was_chosen_within_the_bounds(
    options: dict[str, Any], seconds: float
) -> None:
    assert INTERVAL.chosen(options) == seconds


def test_the_grace_time_grows_with_the_interval_and_never_shrinks() -> None:
    usual = timedelta(minutes=10)

    assert INTERVAL.grace({}, usual) == usual
    assert INTERVAL.grace({"poll_interval": 60}, usual) == usual
    assert INTERVAL.grace({"poll_interval": 1800}, usual) == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("key", "least", "default", "most"),
    [
        ("kostal", 1, 10, 60),
        ("enectiva", 900, 1800, 86_400),
        ("enode", 60, 300, 3600),
        ("traxes", 60, 300, 3600),
        ("ev_energy", 60, 120, 3600),
    ],
)
def test_each_provider_has_bounds(key: str, least: float, default: float, most: float) -> None:
    interval = PROVIDERS[key].interval

    assert interval == Interval(default=default, least=least, most=most)
    assert interval.grace({}, PROVIDERS[key].grace) == PROVIDERS[key].grace


PARENTS = {"site": None, "building": "site", "meter": "building", "car": "gone"}


def test_what_is_below_something_left_out_is_left_out() -> None:
    assert with_all_below(PARENTS, frozenset({"building"})) == {"building", "meter"}
    assert with_all_below(PARENTS, frozenset({"site"})) == {"site", "building", "meter"}
    assert with_all_below(PARENTS, frozenset({"gone"})) == {"car"}
    assert with_all_below(PARENTS, frozenset()) == set()


def test_a_circle_of_parents_ends() -> None:
    assert with_all_below({"a": "b", "b": "a", "c": "c"}, frozenset({"x"})) == set()


def test_a_snapshot_loses_devices_and_what_only_concerns_them() -> None:
    car = Device(id="car", kind=Kind.VEHICLE)
    home = Device(id="home", kind=Kind.SITE)
    box = Device(id="box", kind=Kind.CHARGER, parent="home")
    about_box = Advice(AdviceKind.NO_VIEWER_PERMISSION, "box", device="box")
    about_all = Advice(AdviceKind.NO_DEVICES, "devices")
    snapshot = Snapshot({"box": box, "home": home, "car": car}, (about_box, about_all))

    ids = hidden(snapshot.devices, left_out({"left_out": {"home": "Home", "old": "Old"}}))

    assert ids == {"home", "box", "old"}
    assert without(snapshot, ids) == Snapshot({"car": car}, (about_all,))
    assert without(snapshot, frozenset()) is snapshot
    assert hidden(snapshot.devices, left_out({})) == frozenset()
