from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.energy_connect.core.model import (
    NOTHING,
    Advice,
    AdviceKind,
    Device,
    Poll,
    Position,
    Reading,
    Severity,
    Snapshot,
)
from custom_components.energy_connect.core.vocabulary import Flag, Kind, Part, Quantity

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def meter() -> Device:
    return Device(
        id="m",
        kind=Kind.METER,
        numbers={(Quantity.VOLTAGE, Part.L1): Reading(230.5, NOON)},
        flags={Flag.ONLINE: None},
    )


def test_equal_data_makes_equal_snapshots() -> None:
    assert Snapshot({"m": meter()}) == Snapshot({"m": meter()})
    assert Snapshot({"m": meter()}) != Snapshot({"m": replace(meter(), flags={})})
    assert Snapshot({"m": meter()}) != Snapshot({}, (Advice(AdviceKind.TOKEN_EXPIRED, "m"),))


def test_not_offered_and_not_known_are_two_things() -> None:
    assert Flag.ONLINE in meter().flags
    assert Flag.CHARGING not in meter().flags
    assert replace(meter(), flags={}) != meter()


def test_when_to_come_again_is_no_part_of_the_data() -> None:
    snapshot = Snapshot({"m": meter()})
    polls = [Poll(snapshot=snapshot, again=timedelta(seconds=seconds)) for seconds in (5, 60)]
    assert polls[0].snapshot == polls[1].snapshot
    assert polls[0] != polls[1]
    assert polls[0].listed == frozenset()


@pytest.mark.parametrize(
    "thing",
    [
        meter(),
        Reading(1.0),
        Position(50.0, 14.0),
        Advice(AdviceKind.TOKEN_EXPIRING, "m"),
        Snapshot({}),
        Poll(snapshot=Snapshot({}), again=timedelta(0)),
    ],
)
def test_nothing_can_be_changed(thing: object) -> None:
    for item in fields(thing):  # type: ignore[arg-type]  # each of them is a dataclass
        with pytest.raises(FrozenInstanceError):
            setattr(thing, item.name, None)
    assert not hasattr(thing, "__dict__")


def test_what_is_given_to_nobody_can_not_be_changed() -> None:
    with pytest.raises(TypeError):
        NOTHING["x"] = "y"  # type: ignore[index]  # which is what is tested
    assert Advice(AdviceKind.TOKEN_EXPIRED, "m").placeholders == {}


def test_two_devices_do_not_share_their_mappings() -> None:
    first, second = (Device(id=name, kind=Kind.OTHER) for name in "ab")
    assert first.numbers is not second.numbers


def test_advice_has_the_names_of_its_translations() -> None:
    assert {kind.value for kind in AdviceKind} >= {"token_expired", "token_expiring"}
    assert all(kind.value == kind.name.lower() for kind in AdviceKind)
    assert [severity.value for severity in Severity] == ["warning", "error"]
