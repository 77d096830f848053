"""Payload files of Enode become devices."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
import json
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from custom_components.energy_connect.core.errors import Reason, UnexpectedResponse
from custom_components.energy_connect.core.model import Device, Position, Reading
from custom_components.energy_connect.core.payload import Json
from custom_components.energy_connect.core.vocabulary import (
    Action,
    BatteryStatus,
    ChargingState,
    Choice,
    Flag,
    HoldType,
    HvacMode,
    Kind,
    Moment,
    OperationMode,
    Quantity,
)
from custom_components.energy_connect.providers.enode.assets import KILO, Asset, scaled, split
from custom_components.energy_connect.providers.enode.owners import (
    Login,
    Place,
    parse_place,
    parse_user,
    parse_user_id,
    user_device,
)
from custom_components.energy_connect.providers.enode.parse import ASSETS
from custom_components.energy_connect.providers.enode.units import day_started, parse_site

PAYLOADS = Path(__file__).parent / "payloads"


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_bytes())


class Rows[T](NamedTuple):
    """A page: its good rows, the next cursor, how many rows were bad, whether there was a list."""

    items: list[T]
    after: str | None
    dropped: int
    listed: bool


def parse_page[T](answer: Json, parse: Callable[[Mapping[str, Json]], T | None]) -> Rows[T]:
    frame, rows = split(answer)
    parsed = [parse(row) for row in rows if isinstance(row, Mapping)]
    items = [item for item in parsed if item is not None]
    return Rows(items, frame.after, len(rows) - len(items), frame.listed)


def assets(name: str) -> list[Asset]:
    page = parse_page(payload(name), ASSETS[name][1])
    assert page.dropped == 0
    assert all(item.device.kind is ASSETS[name][0] for item in page.items)
    return page.items


def devices(name: str) -> dict[str, Device]:
    return {item.device.id: item.device for item in assets(name)}


def first(name: str) -> Device:
    return assets(name)[0].device


def values(device: Device) -> dict[Quantity, float | None]:
    return {quantity: reading.value for (quantity, _), reading in device.numbers.items()}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Vehicles


def test_charging_vehicle() -> None:
    asset = assets("vehicles")[0]
    car = asset.device

    assert (asset.user, asset.vendor) == ("villa-14", "SKODA")
    assert car.id == "3a1f6f0e-7d55-4c3c-9a52-0d9e4f1b7c21"
    assert (car.name, car.manufacturer, car.model) == ("Green one", "Škoda", "Enyaq 80")
    assert car.serial_number == "TMBZZZNY0N0001234"
    assert values(car) == {
        Quantity.STATE_OF_CHARGE: 57,
        Quantity.RANGE: 241,
        Quantity.CHARGE_POWER: 7200,
        Quantity.CHARGE_TIME_REMAINING: 148,
        Quantity.CHARGE_LIMIT: 80,
        Quantity.BATTERY_CAPACITY: 77,
        Quantity.MAX_CURRENT: 16,
        Quantity.ODOMETER: 48213,
    }
    assert car.flags == {
        Flag.ONLINE: True,
        Flag.OWNER_ACTION_NEEDED: False,
        Flag.PLUGGED_IN: True,
        Flag.CHARGING: True,
        Flag.FULLY_CHARGED: False,
    }
    assert car.choices == {Choice.CHARGING_STATE: ChargingState.CHARGING}
    assert car.tracked
    assert car.position == Position(59.3412, 18.0571)


def test_parts_of_a_vehicle_are_dated_apart() -> None:
    car = first("vehicles")

    assert car.numbers[Quantity.STATE_OF_CHARGE, None].at == at("2025-11-02T18:03:52")
    assert car.numbers[Quantity.ODOMETER, None].at == at("2025-11-02T16:41:00")
    assert car.moments == {
        Moment.LAST_SEEN: at("2025-11-02T18:04:11"),
        Moment.LAST_MEASURED: at("2025-11-02T18:03:52"),
    }


def test_what_only_few_owners_want_starts_switched_off() -> None:
    assert first("vehicles").detail == {
        Moment.LAST_SEEN,
        Moment.LAST_MEASURED,
        (Quantity.BATTERY_CAPACITY, None),
        (Quantity.MAX_CURRENT, None),
        Flag.FULLY_CHARGED,
    }


def test_power_is_zero_while_not_charging_and_nothing_else_is() -> None:
    car = devices("vehicles")["vehicle-idle"]

    assert car.numbers[Quantity.CHARGE_POWER, None] == Reading(0.0, at("2025-11-02T18:03:52"))
    assert car.numbers[Quantity.CHARGE_TIME_REMAINING, None].value is None
    assert car.numbers[Quantity.CHARGE_LIMIT, None].value is None
    assert car.choices == {Choice.CHARGING_STATE: ChargingState.UNPLUGGED}
    # `displayName` is left out for some cars.
    assert car.name == "Renault Zoe"
    assert car.flags[Flag.ONLINE] is None


def test_null_is_unknown() -> None:
    car = devices("vehicles")["vehicle-unknown"]

    assert set(values(car).values()) == {None}
    assert Quantity.CHARGE_POWER in values(car)
    assert car.flags[Flag.CHARGING] is None
    assert (car.tracked, car.position) == (True, None)
    assert car.moments[Moment.LAST_MEASURED] is None
    assert (car.name, car.manufacturer, car.model) == ("TESLA", "TESLA", None)


def test_unknown_word_is_unknown() -> None:
    assert devices("vehicles")["vehicle-unknown"].choices == {Choice.CHARGING_STATE: None}


def test_intervention_means_that_the_owner_can_do_something() -> None:
    car = devices("vehicles")["vehicle-unknown"]

    assert car.flags[Flag.OWNER_ACTION_NEEDED] is True
    # Not capable of it, and no value: not offered.
    assert Quantity.ODOMETER not in values(car)


def test_incapable_vehicle_offers_only_what_has_a_value() -> None:
    car = devices("vehicles")["vehicle-incapable"]

    assert values(car) == {Quantity.STATE_OF_CHARGE: 31}
    assert car.flags == {Flag.ONLINE: True, Flag.OWNER_ACTION_NEEDED: False}
    assert car.choices == {Choice.CHARGING_STATE: None}
    assert not car.tracked


def test_vehicle_without_the_scope_is_not_on_the_map() -> None:
    car = devices("vehicles")["vehicle-private"]

    assert (car.tracked, car.position) == (False, None)
    assert values(car)[Quantity.STATE_OF_CHARGE] == 57


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(91, 18), (59, -181), ("north", 18), (None, 18)]
)
def test_place_outside_the_world_is_no_position(latitude: object, longitude: object) -> None:
    row = payload("vehicles")["data"][0]
    row["location"].update(latitude=latitude, longitude=longitude)

    (item,) = parse_page([row], ASSETS["vehicles"][1]).items

    assert (item.device.tracked, item.device.position) == (True, None)


def test_row_without_scopes_and_capabilities_shows_what_it_has() -> None:
    row = payload("vehicles")["data"][0]
    del row["scopes"], row["capabilities"]

    (item,) = parse_page([row], ASSETS["vehicles"][1]).items

    assert values(item.device)[Quantity.ODOMETER] == 48213
    assert item.device.tracked
    assert Flag.OWNER_ACTION_NEEDED not in item.device.flags


def test_place_of_a_row_without_scopes_is_shown_only_if_it_is_there() -> None:
    row = payload("vehicles")["data"][0]
    del row["scopes"]
    row["location"].update(latitude=None)

    (item,) = parse_page([row], ASSETS["vehicles"][1]).items

    assert not item.device.tracked


def test_a_name_of_two_long_words_is_shortened_as_one_is() -> None:
    row = payload("batteries")["data"][0]
    row["information"] |= {"displayName": None, "siteName": "s" * 150, "model": "m" * 150}

    (item,) = parse_page([row], ASSETS["batteries"][1]).items

    assert item.device.name == "s" * 150 + " " + "m" * 49


def test_charger() -> None:
    charger = first("chargers")

    assert (charger.name, charger.serial_number) == ("Easee Home", "EH204417")
    # Its maximum current can be set, and so is a control.
    assert values(charger) == {Quantity.CHARGE_POWER: 0}
    assert charger.flags[Flag.PLUGGED_IN] is True
    assert charger.flags[Flag.CHARGING] is False
    assert charger.choices == {Choice.CHARGING_STATE: ChargingState.STOPPED}
    assert (Quantity.MAX_CURRENT, None) in charger.detail


# Units of the house


def test_battery_discharges() -> None:
    battery = first("batteries")

    assert battery.name == "Villa 14 LUNA2000"
    assert battery.parent == "hem-14"
    assert values(battery) == {
        Quantity.STATE_OF_CHARGE: 63,
        Quantity.CHARGE_POWER: -1400,
        Quantity.BATTERY_CAPACITY: 10,
        Quantity.DISCHARGE_LIMIT: 15,
    }
    assert battery.choices == {Choice.BATTERY_STATUS: BatteryStatus.DISCHARGING}
    assert {(Quantity.BATTERY_CAPACITY, None), (Quantity.DISCHARGE_LIMIT, None)} < battery.detail
    assert battery.moments[Moment.LAST_MEASURED] == at("2025-11-02T18:01:30")


def test_battery_power_that_is_not_told_is_unknown() -> None:
    battery = devices("batteries")["battery-unknown"]

    assert values(battery)[Quantity.CHARGE_POWER] is None
    assert battery.choices == {Choice.BATTERY_STATUS: None}


def test_operation_mode_that_the_owner_does_not_let_us_set_is_shown_if_there_is_one() -> None:
    def mode(row: Any) -> dict[Choice, Any]:
        row["scopes"] = ["battery:read:data"]
        (item,) = parse_page([row], ASSETS["batteries"][1]).items
        assert Action.OPERATION_MODE not in item.device.controls
        choices = dict(item.device.choices)
        del choices[Choice.BATTERY_STATUS]
        return choices

    told, unknown, modeless, settable = payload("batteries")["data"]

    assert mode(told) == {Choice.OPERATION_MODE: OperationMode.SELF_RELIANCE}
    assert mode(unknown) == {Choice.OPERATION_MODE: None}
    assert mode(modeless) == {}
    assert mode(settable) == {Choice.OPERATION_MODE: None}


def test_a_number_that_leaves_all_numbers_when_converted_is_unknown() -> None:
    assert scaled(1e308, KILO) is None
    assert scaled(-1e308, KILO) is None
    assert scaled(7.4, KILO) == 7400


def test_inverter() -> None:
    inverter = first("inverters")

    assert inverter.serial_number == "HV2150011223"
    assert values(inverter) == {
        Quantity.POWER_PRODUCTION: 2350,
        Quantity.ENERGY_PRODUCTION: 15402.7,
    }
    # Not reachable: the last values stay, and this tells it.
    assert inverter.flags[Flag.ONLINE] is False
    assert inverter.flags[Flag.PRODUCING] is True


def test_hvac() -> None:
    hvac = first("hvacs")

    assert hvac.name == "Hall heat pump"
    assert values(hvac) == {Quantity.TEMPERATURE: 20.4, Quantity.POWER_CONSUMPTION: 600}
    assert hvac.flags == {
        Flag.ONLINE: True,
        Flag.OWNER_ACTION_NEEDED: False,
        Flag.ACTIVE: True,
    }
    # Its thermostat shows the mode.
    assert hvac.choices == {Choice.HOLD_TYPE: HoldType.PERMANENT}
    assert {Flag.ACTIVE, Choice.HOLD_TYPE} < hvac.detail
    assert hvac.moments[Moment.LAST_MEASURED] == at("2025-11-02T18:03:10")


def test_hvac_that_does_not_tell_its_power_has_none() -> None:
    hvac = devices("hvacs")["hvac-quiet"]

    assert values(hvac) == {Quantity.TEMPERATURE: 20.4}
    assert hvac.choices == {Choice.HOLD_TYPE: None}


def test_mode_of_a_thermostat_that_can_not_be_set_is_shown() -> None:
    row = payload("hvacs")["data"][0]
    row["scopes"] = ["hvac:read:data"]

    (item,) = parse_page([row], ASSETS["hvacs"][1]).items

    assert item.device.choices[Choice.HVAC_MODE] is HvacMode.HEAT


def test_what_is_not_granted_is_absent() -> None:
    hvac = devices("hvacs")["hvac-hidden"]
    meter = devices("meters")["meter-hidden"]

    assert (hvac.numbers, hvac.choices) == ({}, {})
    assert meter.numbers == {}
    assert meter.flags[Flag.ONLINE] is True


def test_meter_exports() -> None:
    meter = first("meters")

    assert values(meter) == {
        Quantity.POWER_NET: -850,
        Quantity.POWER_IMPORT: 0,
        Quantity.POWER_EXPORT: 850,
    }
    assert {(Quantity.POWER_IMPORT, None), (Quantity.POWER_EXPORT, None)} < meter.detail
    assert (Quantity.POWER_NET, None) not in meter.detail


def test_meter_that_measures_one_direction() -> None:
    meter = devices("meters")["meter-import"]

    assert values(meter) == {Quantity.POWER_NET: 1250, Quantity.POWER_IMPORT: 1250}


def test_meter_without_a_value_is_unknown() -> None:
    assert set(values(devices("meters")["meter-unknown"]).values()) == {None}


# Sites


def test_site_counts_from_its_own_midnight() -> None:
    site = parse_page(payload("hem_systems"), parse_site).items[0]

    assert (site.zone, site.place) == (
        "Europe/Stockholm",
        "2f0f3c1e-0000-4000-8000-000000000014",
    )
    device = day_started(site.device, ZoneInfo("Europe/Stockholm"))

    assert (device.kind, device.id, device.name) == (Kind.SITE, "hem-14", "Villa 14")
    assert values(device) == {
        Quantity.ENERGY_PRODUCTION_TODAY: 11.25,
        Quantity.ENERGY_CONSUMPTION_TODAY: 9.5,
        Quantity.ENERGY_CHARGED_TODAY: 4,
        Quantity.ENERGY_DISCHARGED_TODAY: None,
        Quantity.ENERGY_IMPORT_TODAY: 1.5,
        Quantity.ENERGY_EXPORT_TODAY: 3.25,
    }
    generation = device.numbers[Quantity.ENERGY_PRODUCTION_TODAY, None]
    assert generation.at == at("2025-11-02T18:01:30")
    assert generation.since == at("2025-11-01T23:00:00")


def test_day_starts_at_midnight_when_the_clock_changes() -> None:
    row = payload("hem_systems")["data"][0]
    # The clock went back in the night: this day has 25 hours.
    row["status"]["energy"]["today"]["lastUpdated"] = "2025-10-26T18:00:00.000Z"
    site = parse_site(row)
    assert site is not None

    device = day_started(site.device, ZoneInfo("Europe/Stockholm"))

    since = device.numbers[Quantity.ENERGY_IMPORT_TODAY, None].since
    assert since == at("2025-10-25T22:00:00")


def test_units_of_a_site_are_converted_or_unknown() -> None:
    sites = {site.device.id: site for site in parse_page(payload("hem_systems"), parse_site).items}

    def generation(site: str) -> float | None:
        return values(sites[site].device)[Quantity.ENERGY_PRODUCTION_TODAY]

    assert generation("hem-wh") == 11.25
    assert generation("hem-unitless") == 11.25
    assert generation("hem-odd") is None
    assert sites["hem-wh"].device.name is None
    assert sites["hem-wh"].device.manufacturer == "HUAWEI"


def test_day_of_amounts_without_a_time_is_not_invented() -> None:
    odd = parse_page(payload("hem_systems"), parse_site).items[2].device

    assert day_started(odd, UTC) is odd
    assert odd.numbers[Quantity.ENERGY_IMPORT_TODAY, None].since is None


# Owners


def test_logins_of_a_user() -> None:
    user = parse_user(payload("user"))

    assert user is not None
    assert user.logins == (
        Login("SKODA", Kind.VEHICLE, valid=True),
        Login("EASEE", Kind.CHARGER, valid=False),
        Login("Deye", None, valid=None),
        Login("HUAWEI", None, valid=True),
    )
    assert user.login("SKODA", Kind.VEHICLE) == {Flag.LOGIN_BROKEN: False}
    assert user.login("easee", Kind.CHARGER) == {Flag.LOGIN_BROKEN: True}
    assert user.login("EASEE", Kind.VEHICLE) == {}
    assert user.login("DEYE", Kind.BATTERY) == {Flag.LOGIN_BROKEN: None}
    assert user.login("HUAWEI", Kind.METER) == {Flag.LOGIN_BROKEN: False}
    assert user.login(None, Kind.METER) == {}


def test_user_has_a_device_that_tells_of_any_broken_login() -> None:
    user = parse_user(payload("user"))
    assert user is not None

    assert user_device(user) == Device(
        id="user_villa-14",
        kind=Kind.ACCOUNT,
        name="villa-14",
        flags={Flag.LOGIN_BROKEN: True},
    )


def test_user_without_logins_has_no_device() -> None:
    user = parse_user({"id": "villa-14", "linkedVendors": []})

    assert user is not None
    assert user_device(user) is None
    assert parse_user({"linkedVendors": []}) is None


def test_location() -> None:
    assert parse_page(payload("locations"), parse_place).items == [
        Place("2f0f3c1e-0000-4000-8000-000000000014", "Villa", "Europe/Stockholm")
    ]


# Pages


def test_page_keeps_good_rows_beside_bad_ones() -> None:
    body = payload("vehicles")
    body["data"][1] = {"no": "id"}
    body["data"][2] = "not a row"

    page = parse_page(body, ASSETS["vehicles"][1])

    assert len(page.items) == 3
    assert page.dropped == 2
    assert page.listed


@pytest.mark.parametrize("cursor", ["", None, 7])
def test_page_without_a_cursor_is_the_last(cursor: object) -> None:
    body: Any = {"data": [], "pagination": {"after": cursor}}

    assert parse_page(body, parse_user_id).after is None


def test_cursor_is_kept_as_it_came() -> None:
    body: Any = {"data": [], "pagination": {"after": " a\tb "}}

    assert parse_page(body, parse_user_id).after == " a\tb "


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}])
def test_object_without_a_list_says_nothing(body: Any) -> None:
    page = parse_page(body, parse_user_id)

    assert (page.items, page.listed) == ([], False)


def test_bare_list_is_a_list() -> None:
    page = parse_page([{"id": "villa-14"}], parse_user_id)

    assert (page.items, page.listed, page.after) == (["villa-14"], True, None)


@pytest.mark.parametrize("body", [None, "data", 3, True])
def test_anything_else_is_no_page(body: Any) -> None:
    with pytest.raises(UnexpectedResponse) as raised:
        parse_page(body, parse_user_id)

    assert raised.value.reason is Reason.UNEXPECTED_SHAPE


@pytest.mark.parametrize("parse", [one for _, one in ASSETS.values()])
def test_row_without_an_id_is_none(parse: Any) -> None:
    assert parse({}) is None
    assert parse({"id": None}) is None


def test_other_rows_without_an_id_are_none() -> None:
    assert parse_site({}) is None
    assert parse_place({}) is None
    assert parse_user_id({}) is None


def bent(value: Any) -> list[Any]:
    """Return the value with each of its parts replaced by something odd, one at a time."""
    odd: list[Any] = [None, True, -1.5, "odd", [], ["odd"], {}, {"odd": 1}]
    if isinstance(value, dict):
        for key, part in value.items():
            odd += [{**value, key: other} for other in bent(part)]
    return odd


@pytest.mark.parametrize("name", [*ASSETS, "hem_systems"])
def test_no_oddity_in_a_row_raises(name: str) -> None:
    parse: Any = ASSETS[name][1] if name in ASSETS else parse_site

    rows = bent(payload(name)["data"][0])
    page = parse_page(rows, parse)

    assert len(page.items) + page.dropped == len(rows)
    assert len(page.items) > page.dropped


def test_no_oddity_in_a_user_raises() -> None:
    for body in bent(payload("user")):
        user = parse_user(body)
        assert user is None or user_device(user) is None or user_device(user)
