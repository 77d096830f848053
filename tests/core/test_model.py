from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.energy_connect.core.controls import Press, Switch
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
from custom_components.energy_connect.core.vocabulary import (
    Action,
    ChargingState,
    Choice,
    Flag,
    Kind,
    Moment,
    Part,
    Quantity,
)

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


def test_a_device_with_other_values_offers_the_same() -> None:
    before = replace(meter(), controls={Action.CHARGING: Switch(value=True)})
    after = replace(
        before,
        name="Renamed",
        numbers={(Quantity.VOLTAGE, Part.L1): Reading(None)},
        flags={Flag.ONLINE: True},
        position=Position(1, 2),
        controls={Action.CHARGING: Switch(value=False, at=NOON)},
    )
    assert after.offers_same(before)


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": Kind.BATTERY},
        {"tracked": True},
        {"numbers": {}},
        {"numbers": {(Quantity.VOLTAGE, Part.L2): Reading(1)}},
        {"flags": {Flag.ONLINE: None, Flag.FAULT: None}},
        {"moments": {Moment.LAST_SEEN: None}},
        {"choices": {Choice.CHARGING_STATE: ChargingState.UNPLUGGED}},
        {"controls": {Action.CHARGING: Switch(value=None)}},
    ],
)
def test_a_device_with_other_keys_offers_something_else(changed: dict[str, object]) -> None:
    assert not replace(meter(), **changed).offers_same(meter())  # type: ignore[arg-type] # any field


def test_a_control_of_another_class_is_something_else() -> None:
    before = replace(meter(), controls={Action.CHARGING: Switch(value=None)})
    assert not replace(meter(), controls={Action.CHARGING: Press()}).offers_same(before)


def test_a_new_device_offers_something() -> None:
    assert not meter().offers_same(None)
