"""Rows of lists: what is read, in today's names and the older ones, and what is not."""

from datetime import UTC, datetime

import pytest

from custom_components.energy_connect.core.payload import Json
from custom_components.energy_connect.core.vocabulary import Flag, Kind, Moment
from custom_components.energy_connect.providers.traxes.parse import (
    ENTITY_TYPES,
    KINDS,
    ChargeSession,
    ChargeSessions,
    Entity,
    ListPage,
    Offer,
    entered_key,
    parse_entity,
    parse_offers,
    parse_onboarding,
    parse_page,
    parse_sessions,
)

from .payloads import load

METER = "1f0d6f0a-7a55-4b0e-9f5e-0c7e5b1d2a01"


def test_entities() -> None:
    meter, inverter, turbine, *rest = map(parse_entity, load("entities")["data"])
    assert meter == Entity(
        id=METER,
        type="Meter",
        brand="Gridometer",
        name="Grid meter",
        serial_number="5400000000000001",
        flags={Flag.ONLINE: True},
        moments={Moment.LAST_SEEN: datetime(2026, 3, 4, 6, 10, 3, tzinfo=UTC)},
    )
    assert inverter is not None
    assert (inverter.parent, inverter.name, inverter.kind) == (METER, None, Kind.INVERTER)
    # Offered, but not known now.
    assert inverter.flags == {Flag.ONLINE: None}
    assert inverter.moments == {Moment.LAST_SEEN: None}
    assert turbine is not None
    assert (turbine.type, turbine.kind, turbine.flags) == ("TidalTurbine", Kind.OTHER, {})
    assert turbine.parent is None  # nothing is its own parent
    assert rest == [None, None]


def test_names_of_the_older_manual() -> None:
    meter, plant, car = map(parse_entity, load("entities_old")["data"])
    assert meter == Entity(id="old-1", type="Meter", brand="Gridometer", serial_number="540001")
    assert plant == Entity(
        id="old-2", type="SolarPlant", brand="Helios", name="Roof", serial_number="HV2"
    )
    assert car == Entity(id="3", type="EV", brand="Voltara", serial_number="XTRAXES0000000003")


def test_each_documented_type_has_a_kind() -> None:
    kinds = {name: Entity(id="1", type=name).kind for name in ENTITY_TYPES}
    assert kinds == {
        "Battery": Kind.BATTERY,
        "ChargePoint": Kind.CHARGER,
        "EV": Kind.VEHICLE,
        "HeatPump": Kind.HVAC,
        "SolarPlant": Kind.INVERTER,
        "RetrofitMeter": Kind.METER,
        "Meter": Kind.METER,
        "Inverter": Kind.INVERTER,
    }
    assert Entity(id="1").kind is Kind.OTHER
    assert set(kinds.values()) < KINDS


def test_an_id_that_only_looks_like_a_uuid_stays_as_it_is() -> None:
    written = "X" * 36
    entity = parse_entity({"id": written})
    assert entity is not None
    assert entity.id == written


@pytest.mark.parametrize(
    ("entered", "key"),
    [
        (f" {METER.upper()} ", METER),
        (f'"{METER}",', METER),
        (METER.replace("-", ""), METER),
        ("my car", None),
        ("", None),
        (None, None),
    ],
)
def test_ids_as_people_enter_them(entered: Json, key: str | None) -> None:
    assert entered_key(entered) == key


def test_onboarding_requests_lead_to_entities_unless_canceled_or_failed() -> None:
    found = [parse_onboarding(row) for row in load("onboarding")["data"]]
    assert [one.id if one else None for one in found] == ["e1", None, None, None, "e5", None]
    assert found[0] == Entity(id="e1", type="Battery", brand="Stackwell", name="Cellar")


@pytest.mark.parametrize(
    ("body", "page"),
    [
        (["a"], ListPage(["a"], None, None)),
        ({"data": ["a"], "meta": {"continuationToken": "t"}}, ListPage(["a"], "t", None)),
        ({"items": [], "links": {"next": "?x"}}, ListPage([], None, "?x")),
        ({"value": ["b"], "meta": {"continuationToken": ""}}, ListPage(["b"], None, None)),
        ({"entities": ["c"], "meta": None, "links": {"next": 5}}, ListPage(["c"], None, None)),
        ({"data": {}, "items": ["d"]}, ListPage(["d"], None, None)),
        ({}, ListPage(None, None, None)),
        ("list", ListPage(None, None, None)),
        (None, ListPage(None, None, None)),
    ],
)
def test_pages(body: Json, page: ListPage) -> None:
    assert parse_page(body) == page


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{"type": "EV", "brand": "A"}, {"type": "EV", "brand": "B"}, {"type": "Meter"}]},
        [{"type": "EV", "brands": ["A", "B", "A", None]}, "Meter", 5, {"brand": "C"}],
        {"EV": ["A", "B"], "Meter": None},
    ],
)
def test_offered_types_in_any_shape(body: Json) -> None:
    assert parse_offers(body) == [Offer(type="EV", brands=("A", "B")), Offer(type="Meter")]


def test_newest_and_newest_finished_charge() -> None:
    assert parse_sessions(load("sessions")) == ChargeSessions(
        newest=ChargeSession(
            start=datetime(2026, 3, 4, 5, 0, tzinfo=UTC), end=None, energy=1.75, unit=None
        ),
        finished=ChargeSession(
            start=datetime(2026, 3, 3, 21, 30, tzinfo=UTC),
            end=datetime(2026, 3, 3, 23, 45, tzinfo=UTC),
            energy=9.2,
            unit=None,
        ),
        malformed=2,
    )


def test_no_charges() -> None:
    assert parse_sessions({}) == ChargeSessions()
