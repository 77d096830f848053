"""Payloads of Enectiva become meters, entities, readings, months and devices."""

from datetime import UTC, datetime
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_connect.core.model import Device, Reading
from custom_components.energy_connect.core.vocabulary import Kind, Moment, Quantity
from custom_components.energy_connect.providers.enectiva import parse
from custom_components.energy_connect.providers.enectiva.devices import (
    Surroundings,
    entity_device,
    grow,
    meter_device,
)
from custom_components.energy_connect.providers.enectiva.documents import Document, read, resource
from custom_components.energy_connect.providers.enectiva.parse import Delta, Entity, Meter, State
from custom_components.energy_connect.providers.enectiva.units import (
    Amount,
    Energy,
    HeatUnits,
    amount,
    energy_of,
    is_part,
    means_production,
)

PRAGUE = ZoneInfo("Europe/Prague")
NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
NOTHING_CHOSEN = HeatUnits()


def rows(name: str) -> Any:
    path = Path(__file__).parent / "payloads" / f"{name}.json"
    return read(json.loads(path.read_bytes())).rows


# Documents


def test_a_document_is_read_whatever_its_data_is() -> None:
    row = {"id": "1"}
    assert read({"data": [row, row]}).rows == (row, row)
    assert read({"data": row}) == Document(rows=(row,), stated=True)
    assert read([row]) == Document(rows=(row,), stated=True)
    assert read({"data": []}) == Document(stated=True)
    for unstated in ({}, {"data": None}, {"errors": []}, "x", 7, None):
        assert read(unstated) == Document()


@pytest.mark.parametrize(
    ("links", "following"),
    [
        ({"next": "/meters?page=2"}, "/meters?page=2"),
        ({"next": {"href": " /meters?page=2 "}}, "/meters?page=2"),
        ({"next": "/" + "x" * 900}, "/" + "x" * 900),
        ({"next": ""}, None),
        ({"next": None}, None),
        ({"next": 2}, None),
        ({"next": {"href": None}}, None),
        ([], None),
    ],
)
def test_a_link_to_the_next_page_is_a_string_or_an_object(links: Any, following: str) -> None:
    assert read({"data": [], "links": links}).next == following


def test_a_total_is_taken_from_meta() -> None:
    assert read({"data": [], "meta": {"total": "12"}}).total == 12
    assert read({"data": [], "meta": {"total_count": 0}}).total == 0
    assert read({"data": [], "meta": {"total": "many"}}).total is None


# Meters and entities


def test_meters_are_read_by_all_the_names_that_their_fields_may_have() -> None:
    parsed = parse.meters(rows("meters"), NOW)
    assert parsed.dropped == 3
    by_id = {meter.id: meter for meter in parsed.rows}
    assert list(by_id) == ["1204", "1206", "1207", "1209", "1211", "1212", "1306"]
    assert by_id["1204"] == Meter(
        id="1204",
        name="Main electricity",
        energy=Energy.ELECTRICITY,
        unit="kWh",
        serial="SN-559120",
        entity="88",
        identifications=(("code", "017-001-0003-00-EL"), ("identification", "SN-559120")),
    )
    assert by_id["1206"] == Meter(
        id="1206",
        name="Střecha",
        energy=Energy.PRODUCTION,
        unit="MWh",
        serial="PV-0001",
        entity="88",
        identifications=(("code", "017-001-0006-00-EL"),),
    )
    assert by_id["1207"].name == "017-001-0005-00-WA-DHW"
    assert by_id["1207"].entity == "88"
    assert {key: meter.energy for key, meter in by_id.items()} == {
        "1204": Energy.ELECTRICITY,
        "1206": Energy.PRODUCTION,
        "1207": Energy.WATER,
        "1209": Energy.HEAT,
        "1211": Energy.COLD,
        "1212": None,
        "1306": Energy.GAS,
    }
    assert by_id["1209"].entity == "89"


def test_personal_numbers_of_a_meter_are_kept_nowhere() -> None:
    kept = repr(parse.meters(rows("meters"), NOW))
    assert "859182400000000042" not in kept
    assert "erp-77" not in kept


def test_entities_are_read_by_all_the_names_that_their_fields_may_have() -> None:
    parsed = parse.entities(rows("entities"))
    assert parsed.dropped == 1
    assert parsed.rows == (
        Entity(id="88", name="Building A", kind="building", parent="80", zone="Europe/Prague"),
        Entity(id="80", name="Example portfolio", kind="portfolio"),
        Entity(id="89", kind="complex", parent="80", zone="7"),
    )
    assert parse.top_name(parsed.rows) == "Example portfolio"
    assert parse.top_name([Entity(id="1")]) is None


# Readings and months


def test_readings_are_read_by_all_the_names_that_their_fields_may_have() -> None:
    parsed = parse.states(rows("readings"), PRAGUE)
    assert parsed.rows == (
        State(datetime(2026, 3, 3, 5, 45, tzinfo=UTC), 48211.36),
        State(datetime(2026, 3, 3, 6, 0, tzinfo=UTC), 48212.02, "kWh"),
        # Without an offset: of the entity's zone.
        State(datetime(2026, 3, 3, 6, 15, tzinfo=UTC), 48212.5),
        # No known name, but only one number.
        State(datetime(2026, 3, 3, 6, 30, tzinfo=UTC), 48213.0),
    )
    # A null state is not replaced by another number of the row.
    assert parsed.dropped == 6
    assert parsed.unread == {"time", "low", "high"}


def test_months_are_read_by_all_the_names_that_their_fields_may_have() -> None:
    parsed = parse.deltas(rows("entity_deltas"), PRAGUE)
    assert parsed.rows == (
        Delta((2026, 2), 1322.4, Energy.ELECTRICITY),
        Delta((2026, 3), 171.9, Energy.ELECTRICITY),
        Delta((2026, 3), 20.5, Energy.ELECTRICITY, part=True),
        # An instant: midnight of March in Prague.
        Delta((2026, 3), 3.5, Energy.HEAT, "GJ"),
    )
    assert parsed.dropped == 5


def test_an_access_token_must_fit_into_a_header() -> None:
    def token(encoded: Any) -> str | None:
        return parse.access_token({"data": {"id": "1", "attributes": {"encoded": encoded}}})

    assert token("a.b.c") == "a.b.c"
    assert parse.access_token({"data": {"encoded": "a.b.c"}}) == "a.b.c"
    for odd in ("", "a b", "a\r\nb", "ž", None, 5, ["a"]):
        assert token(odd) is None
    for body in (None, [], "x", {"data": None}, {"data": [{"encoded": "a"}]}):
        assert parse.access_token(body) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "id",
                    "attributes",
                    "relationships",
                    "links",
                    "next",
                    "href",
                    "meta",
                    "total",
                    "time",
                    "state",
                    "value",
                    "energy",
                    "code",
                    "name",
                    "entity",
                    "parent",
                    "unit",
                    "type",
                    "deactivated_at",
                    "active",
                    "encoded",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_nothing_that_can_be_sent_breaks_the_reading(payload: Any) -> None:
    document = read(payload)
    for count in (
        len(found.rows) + found.dropped
        for found in (parse.states(document.rows, PRAGUE), parse.deltas(document.rows, PRAGUE))
    ):
        assert count == len(document.rows)
    for row in document.rows:
        assert (resource(row) is None) == (not isinstance(row, dict))
    meters = parse.meters(document.rows, NOW).rows
    entities = {entity.id: entity for entity in parse.entities(document.rows).rows}
    tree = grow(entities, meters, whole=False)
    assert tree.shown <= entities.keys()
    parse.access_token(payload)


# Energies and units


@pytest.mark.parametrize(
    ("words", "energy"),
    [
        (["EL"], Energy.ELECTRICITY),
        (["el-coo"], Energy.ELECTRICITY),
        (["EL-VEN"], Energy.ELECTRICITY),
        (["HE-DHW"], Energy.HEAT),
        (["WA-DHW"], Energy.WATER),
        (["CO"], Energy.COLD),
        (["017-001-0009-0V-GA"], Energy.GAS),
        (["electricity"], Energy.ELECTRICITY),
        (["Elektřina"], Energy.ELECTRICITY),
        (["Natural gas"], Energy.GAS),
        (["zemní plyn"], Energy.GAS),
        (["Cold water"], Energy.WATER),
        (["Teplá voda"], Energy.WATER),
        (["heat"], Energy.HEAT),
        (["Teplo"], Energy.HEAT),
        (["cold"], Energy.COLD),
        (["cooling"], Energy.COLD),
        (["Chlad"], Energy.COLD),
        (["chlazená voda"], Energy.COLD),
        ([None, "4", "017-001-0003-00-HE"], Energy.HEAT),
        (["natural_gas"], Energy.GAS),
        (["voda_studena"], Energy.WATER),
        (["hot_water"], Energy.WATER),
        (["CO2"], None),
        (["gasoline"], None),
        (["compressed air"], None),
        ([None], None),
    ],
)
def test_a_word_or_a_code_tells_the_energy(words: list[str | None], energy: Energy | None) -> None:
    assert energy_of(*words) is energy


def test_words_for_production() -> None:
    assert all(map(means_production, ("production", "Výroba", "generation", "produces")))
    assert not means_production("consumption")


def test_a_code_with_a_use_is_a_part_of_its_energy() -> None:
    assert is_part("EL-VEN")
    assert not is_part("EL")
    assert not is_part("electricity")
    assert not is_part(None)


@pytest.mark.parametrize(
    ("energy", "unit", "shown"),
    [
        (Energy.ELECTRICITY, None, Amount(2.0)),
        (Energy.ELECTRICITY, "kWh", Amount(2.0)),
        (Energy.ELECTRICITY, "KWH", Amount(2.0)),
        (Energy.ELECTRICITY, "Wh", Amount(0.002)),
        (Energy.ELECTRICITY, "MWh", Amount(2000.0)),
        (Energy.PRODUCTION, "GJ", Amount(555.555556)),
        (Energy.ELECTRICITY, "kvarh", None),
        (Energy.ELECTRICITY, "m3", None),
        (Energy.GAS, None, Amount(2.0)),
        (Energy.GAS, "m³", Amount(2.0)),
        (Energy.GAS, "kWh", Amount(2.0, "kWh")),
        (Energy.GAS, "GJ", Amount(2.0, "GJ")),
        # Cubic metres at normal pressure are others.
        (Energy.GAS, "Nm3", None),
        (Energy.WATER, None, Amount(2.0)),
        (Energy.WATER, "l", Amount(0.002)),
        (Energy.WATER, "kWh", None),
        (Energy.HEAT, None, Amount(2.0)),
        (Energy.HEAT, "gj", Amount(2.0, "GJ")),
        (Energy.HEAT, "Gcal", Amount(2.0, "Gcal")),
        (Energy.COLD, None, Amount(2.0)),
        (Energy.COLD, "MWh", Amount(2.0, "MWh")),
    ],
)
def test_units_are_converted_kept_or_unknown_but_never_guessed(
    energy: Energy, unit: str | None, shown: Amount | None
) -> None:
    assert amount(energy, 2.0, unit, NOTHING_CHOSEN) == shown


def test_a_chosen_unit_is_for_heat_and_cold_that_report_none() -> None:
    chosen = HeatUnits(heat="GJ", cold="MWh")
    assert amount(Energy.HEAT, 2.0, None, chosen) == Amount(2.0, "GJ")
    assert amount(Energy.COLD, 2.0, None, chosen) == Amount(2.0, "MWh")
    assert amount(Energy.HEAT, 2.0, "kWh", chosen) == Amount(2.0, "kWh")
    assert amount(Energy.ELECTRICITY, 2.0, None, chosen) == Amount(2.0)


# Devices


def around(parent: str | None = None, now: datetime = NOW) -> Surroundings:
    return Surroundings(zone=PRAGUE, now=now, heat=NOTHING_CHOSEN, parent=parent)


MARCH = datetime(2026, 2, 28, 23, tzinfo=UTC)
AT = datetime(2026, 3, 3, 6, tzinfo=UTC)


def test_a_meter_with_readings_and_months() -> None:
    meter = Meter(id="1206", name="Roof", energy=Energy.PRODUCTION, unit="MWh", serial="S")
    months = [Delta((2026, 3), 0.5, Energy.ELECTRICITY), Delta((2026, 2), 700, unit="kWh")]
    assert meter_device(meter, State(AT, 12.5), months, around("entity_88")) == Device(
        id="meter_1206",
        kind=Kind.METER,
        name="Roof",
        serial_number="S",
        parent="entity_88",
        numbers={
            (Quantity.ENERGY_PRODUCTION, None): Reading(12500.0, AT),
            (Quantity.PRODUCTION_MONTH, None): Reading(500.0, since=MARCH),
            (Quantity.PRODUCTION_LAST_MONTH, None): Reading(700.0),
        },
        moments={Moment.LAST_MEASURED: AT},
    )


def test_a_meter_of_unknown_energy_or_in_a_wrong_unit_shows_no_number() -> None:
    state, months = State(AT, 1.0), [Delta((2026, 3), 1.0)]
    for meter in (
        Meter(id="1"),
        Meter(id="1", unit="kWh"),
        Meter(id="1", energy=Energy.ELECTRICITY, unit="kvarh"),
    ):
        device = meter_device(meter, state, months, around())
        assert device.numbers == {}
        assert device.moments == {Moment.LAST_MEASURED: AT}


def test_a_meter_without_readings_offers_its_months_alone() -> None:
    meter = Meter(id="1", energy=Energy.WATER)
    device = meter_device(meter, None, [Delta((2026, 2), 3.0)], around())
    assert device.moments == {}
    assert device.numbers == {
        # The new month has begun, nothing has been read in it yet.
        (Quantity.WATER_MONTH, None): Reading(None, since=MARCH),
        (Quantity.WATER_LAST_MONTH, None): Reading(3.0),
    }


def test_months_of_long_ago_are_neither_this_nor_the_last_one() -> None:
    meter = Meter(id="1", energy=Energy.WATER)
    assert meter_device(meter, None, [Delta((2026, 1), 3.0)], around()).numbers == {}


def test_the_turn_of_the_month_follows_the_zone() -> None:
    meter, months = Meter(id="1", energy=Energy.WATER), [Delta((2025, 12), 3.0)]
    new_year = datetime(2025, 12, 31, 23, tzinfo=UTC)
    device = meter_device(meter, None, months, around(now=new_year))
    assert device.numbers[Quantity.WATER_LAST_MONTH, None] == Reading(3.0)
    assert device.numbers[Quantity.WATER_MONTH, None] == Reading(None, since=new_year)
    device = meter_device(meter, None, months, around(now=new_year.replace(minute=0, hour=22)))
    assert device.numbers[Quantity.WATER_MONTH, None].value == 3.0


def test_an_entity_has_the_months_of_each_energy() -> None:
    months = [
        Delta((2026, 3), 100.0, Energy.ELECTRICITY),
        Delta((2026, 3), 100.0, Energy.ELECTRICITY),  # the same row twice
        Delta((2026, 3), 20.0, Energy.ELECTRICITY, part=True),
        Delta((2026, 3), 5.0, Energy.HEAT),
        Delta((2026, 2), 9.0, Energy.HEAT, "GJ"),
        Delta((2026, 3), 7.0, Energy.WATER, part=True),
        Delta((2026, 3), 8.0, Energy.WATER, part=True),
        Delta((2026, 3), 1.0),
    ]
    device = entity_device(Entity(id="88", name="A", kind="building"), months, around("entity_80"))
    assert (device.id, device.kind, device.name) == ("entity_88", Kind.BUILDING, "A")
    assert (device.manufacturer, device.model) == ("Enerfis", "building")
    assert device.parent == "entity_80"
    assert device.numbers == {
        (Quantity.ELECTRICITY_MONTH, None): Reading(100.0, since=MARCH),
        (Quantity.ELECTRICITY_LAST_MONTH, None): Reading(None),
        (Quantity.HEAT_MONTH, None): Reading(5.0, since=MARCH, unit="GJ"),
        (Quantity.HEAT_LAST_MONTH, None): Reading(9.0, unit="GJ"),
        # Two uses, and no row for the whole: whether they overlap is not known.
        (Quantity.WATER_MONTH, None): Reading(None, since=MARCH),
        (Quantity.WATER_LAST_MONTH, None): Reading(None),
    }


def test_entities_are_shown_with_a_meter_below_and_never_in_a_circle() -> None:
    entities = {
        key: Entity(id=key, parent=parent)
        for key, parent in {"1": None, "2": "1", "3": "2", "4": "1", "7": "8", "8": "7"}.items()
    }
    meters = [Meter(id="a", entity="3"), Meter(id="b", entity="7"), Meter(id="c", entity="9")]
    tree = grow(entities, meters, whole=False)
    assert tree.shown == {"1", "2", "3", "7", "8"}
    assert [entity.id for entity in tree.line("3")] == ["3", "2", "1"]
    assert [entity.id for entity in tree.line("7")] == ["7", "8"]
    assert [entity.id for entity in tree.line("8")] == ["8"]
    assert grow(entities, [], whole=True).shown == entities.keys()
    assert grow({"5": Entity(id="5", parent="5")}, [], whole=True).parents == {}
