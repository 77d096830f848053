"""Payloads of ev.energy become devices."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import orjson
import pytest

from custom_components.energy_connect.core.errors import Reason, UnexpectedResponse
from custom_components.energy_connect.core.model import Device, Reading
from custom_components.energy_connect.core.vocabulary import (
    BatteryStatus,
    Choice,
    Flag,
    Kind,
    LockMode,
    Moment,
    OperationMode,
    Quantity,
    SessionMode,
    VehicleState,
)
from custom_components.energy_connect.providers.ev_energy.chargers import (
    parse_chargers,
    reachable,
    with_reachable,
)
from custom_components.energy_connect.providers.ev_energy.home import (
    LivePower,
    parse_batteries,
    parse_inverters,
    parse_live_power,
    parse_meters,
    parse_systems,
    parse_today,
    site,
    today_window,
    zone_of,
)
from custom_components.energy_connect.providers.ev_energy.household import (
    Tariff,
    account_device,
    parse_tariff,
    parse_user,
    parse_users,
)
from custom_components.energy_connect.providers.ev_energy.parse import link_id, money, parse_rows
from custom_components.energy_connect.providers.ev_energy.sessions import (
    NEVER_CHARGED,
    NO_PLAN,
    Outlook,
    Sessions,
    Slot,
    outlook,
    parse_plan,
    parse_sessions,
    with_charging,
    with_outlook,
)
from custom_components.energy_connect.providers.ev_energy.vehicles import parse_vehicles

PAYLOADS = Path(__file__).parent / "payloads"
STEM = "01K2B3C4D5E6F7G8H9J0K1M2"


def payload(name: str) -> Any:
    return orjson.loads((PAYLOADS / f"{name}.json").read_bytes())


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=UTC)


def values(device: Device) -> dict[Quantity, float | None]:
    return {key[0]: reading.value for key, reading in device.numbers.items()}


class TestVehicles:
    def test_one_that_reports(self) -> None:
        vehicle = parse_vehicles(payload("vehicles")).rows[0]
        assert vehicle.kind is Kind.VEHICLE
        assert (vehicle.name, vehicle.manufacturer, vehicle.model) == (
            "Sam's hatchback",
            "Examplewagen",
            "Hatch One",
        )
        assert values(vehicle) == {
            Quantity.CHARGE_LIMIT: 80,
            Quantity.STATE_OF_CHARGE: 46,
            Quantity.STORED_ENERGY: 25.576,
            Quantity.CHARGE_POWER: 0,
            Quantity.TARGET_STATE_OF_CHARGE: 80,
            Quantity.CHARGE_TIME_REMAINING: None,
            Quantity.ODOMETER: 31882.4,
        }
        assert vehicle.flags == {
            Flag.PLUGGED_IN: True,
            Flag.CHARGING: False,
            Flag.SMART_CHARGING: True,
            Flag.LOGIN_BROKEN: False,
        }
        measured = at("19 22:41:07.120")
        assert vehicle.moments == {Moment.LAST_MEASURED: measured}
        assert vehicle.numbers[Quantity.STATE_OF_CHARGE, None].at == measured
        assert vehicle.choices == {Choice.VEHICLE_STATE: VehicleState.PLUGGED_IN_NOT_CHARGING}
        assert vehicle.detail == {(Quantity.STORED_ENERGY, None)}

    def test_one_to_reconnect_that_says_odd_things(self) -> None:
        vehicle = parse_vehicles(payload("vehicles")).rows[1]
        assert vehicle.flags[Flag.LOGIN_BROKEN] is True
        assert vehicle.flags[Flag.PLUGGED_IN] is None  # 1 is no boolean
        assert vehicle.flags[Flag.CHARGING] is None
        assert vehicle.choices[Choice.VEHICLE_STATE] is None
        assert values(vehicle)[Quantity.STATE_OF_CHARGE] == 71.5
        assert values(vehicle)[Quantity.CHARGE_POWER] == 3600  # the estimate, for want of better
        assert values(vehicle)[Quantity.CHARGE_LIMIT] is None
        assert vehicle.model is None

    def test_one_that_only_its_owner_described_offers_no_telemetry(self) -> None:
        vehicle = parse_vehicles(payload("vehicles")).rows[2]
        assert values(vehicle) == {Quantity.CHARGE_LIMIT: None}
        assert vehicle.moments == {}
        assert vehicle.choices == {}
        assert Flag.PLUGGED_IN not in vehicle.flags
        assert vehicle.flags[Flag.LOGIN_BROKEN] is False

    def test_a_log_that_was_not_expanded_is_unknown(self) -> None:
        vehicle = parse_vehicles(payload("vehicles")).rows[3]
        assert values(vehicle)[Quantity.STATE_OF_CHARGE] is None
        assert vehicle.moments == {Moment.LAST_MEASURED: None}

    def test_bad_rows_are_dropped_beside_good_ones(self) -> None:
        parsed = parse_vehicles(payload("vehicles_odd"))
        assert parsed.dropped == 3
        assert len(parsed.rows) == 1
        assert parsed.rows[0].flags[Flag.LOGIN_BROKEN] is None

    @pytest.mark.parametrize("body", [{}, None, "text", 7, {"results": None}])
    def test_what_is_no_list_is_refused(self, body: Any) -> None:
        with pytest.raises(UnexpectedResponse) as caught:
            parse_vehicles(body)
        assert caught.value.reason is Reason.UNEXPECTED_SHAPE


class TestChargers:
    def test_one_with_everything(self) -> None:
        charger = parse_chargers(payload("evses")).rows[0]
        assert charger.kind is Kind.CHARGER
        assert (charger.name, charger.model, charger.manufacturer) == (
            "Box 7",
            "Box 7",
            "Sample Chargers",
        )
        assert charger.serial_number == "WALL-00417"
        assert values(charger) == {
            Quantity.CHARGE_POWER: 0,
            Quantity.ENERGY_CHARGED: 4120.533,
            Quantity.MAX_CURRENT: 32,
            Quantity.VOLTAGE: 241.3,
            Quantity.SIGNAL_STRENGTH: -71,
        }
        assert charger.flags == {Flag.PLUGGED_IN: True, Flag.CHARGING: False, Flag.FAULT: False}
        assert charger.choices == {Choice.LOCK_MODE: LockMode.SMART}

    def test_one_that_says_little(self) -> None:
        parsed = parse_chargers(payload("evses"))
        charger = parsed.rows[1]
        assert parsed.dropped == 1
        assert charger.name == "WALL-00418"
        assert charger.model is None
        assert charger.flags[Flag.FAULT] is True
        assert charger.choices == {Choice.LOCK_MODE: None}
        assert reachable(charger, at("19 22:42:00")) is None

    def test_reachable_for_a_quarter_of_an_hour(self) -> None:
        charger = parse_chargers(payload("evses")).rows[0]
        assert reachable(charger, at("19 22:56:59")) is True
        assert reachable(charger, at("19 22:57:00")) is False
        assert with_reachable(charger, online=False).flags[Flag.ONLINE] is False

    def test_an_unknown_pilot_is_no_fault(self) -> None:
        (row,) = payload("evses")[:1]
        row["latest_status_log"]["control_pilot_status"] = None
        assert parse_chargers([row]).rows[0].flags[Flag.FAULT] is None


class TestSessions:
    def sessions(self) -> Sessions:
        store = Sessions()
        store.take(parse_sessions(payload("charging_sub_sessions")).rows)
        return store

    def test_rows(self) -> None:
        parsed = parse_sessions(payload("charging_sub_sessions"))
        assert parsed.dropped == 2
        smart, ended, yen, odd = parsed.rows
        assert smart.planned
        assert smart.charger == f"evse{STEM}P1"
        assert not ended.planned
        assert (ended.energy, ended.cost, ended.savings, ended.co2) == (18.44, 1.66, 3.12, 1826)
        assert (yen.vehicle, yen.cost) == (f"vhcl{STEM}N6", 450)
        assert yen.mode is SessionMode.UNMANAGED_ON_THE_GO
        assert odd.mode is None
        assert (odd.charger, odd.vehicle) == (f"evse{STEM}P2", None)
        assert odd.cost is None  # of no currency

    def test_an_end_that_is_not_understood_is_no_open_session(self) -> None:
        (row,) = payload("charging_sub_sessions")[:1]
        row["end"] = "yesterday"
        assert parse_sessions([row]).dropped == 1

    def test_the_newest_and_the_newest_that_ended(self) -> None:
        store = self.sessions()
        charging = store.of(f"vhcl{STEM}N5")
        assert charging is not None
        assert charging.newest is not None
        assert charging.newest.end is None
        assert charging.ended is not None
        assert charging.ended.energy == 18.44
        assert [one.id for one in store.open] == [f"csub{STEM}Q1"]
        assert store.currency == "GBP"  # of the newest that names one
        assert store.of("vhcl of a friend") is None

    def test_on_a_vehicle(self) -> None:
        vehicle = parse_vehicles(payload("vehicles")).rows[0]
        charging = self.sessions().of(vehicle.id)
        assert charging is not None
        shown = with_charging(vehicle, charging, "EUR")
        start = at("19 18:05:44")
        assert shown.numbers[Quantity.SESSION_ENERGY, None] == Reading(0, since=start)
        assert shown.numbers[Quantity.SESSION_COST, None] == Reading(None, since=start, unit="GBP")
        assert shown.numbers[Quantity.LAST_SESSION_ENERGY, None] == Reading(18.44)
        assert shown.numbers[Quantity.LAST_SESSION_COST, None] == Reading(1.66, unit="GBP")
        assert shown.choices[Choice.SESSION_MODE] is SessionMode.SMART
        assert shown.moments[Moment.SESSION_START] == start
        assert shown.moments[Moment.LAST_SESSION_START] == at("18 17:50:02")
        assert shown.moments[Moment.LAST_SESSION_END] == at("19 07:12:31")
        assert (Quantity.SESSION_CO2, None) in shown.detail
        assert (Quantity.STORED_ENERGY, None) in shown.detail
        assert shown.numbers[Quantity.STATE_OF_CHARGE, None].value == 46

    def test_on_a_vehicle_that_never_charged(self) -> None:
        vehicle = parse_vehicles(payload("vehicles")).rows[0]
        shown = with_charging(vehicle, NEVER_CHARGED, None)
        assert shown.numbers[Quantity.SESSION_ENERGY, None] == Reading(None)
        assert (Quantity.SESSION_COST, None) not in shown.numbers  # money without a currency
        assert (Quantity.LAST_SESSION_COST, None) not in shown.numbers
        assert shown.choices[Choice.SESSION_MODE] is None
        priced = with_charging(vehicle, NEVER_CHARGED, "EUR")
        assert priced.numbers[Quantity.SESSION_COST, None] == Reading(None, unit="EUR")
        assert priced.numbers[Quantity.LAST_SESSION_COST, None] == Reading(None, unit="EUR")

    def test_figures_that_are_corrected_afterwards_replace_the_old(self) -> None:
        store = self.sessions()
        rows = payload("charging_sub_sessions")
        rows[0] |= {"end": "2026-11-20T07:00:00Z", "energy_delivered_watt_hours": 9000}
        store.take(parse_sessions(rows).rows)
        charging = store.of(f"vhcl{STEM}N5")
        assert charging is not None
        assert charging.newest is charging.ended
        assert charging.newest is not None
        assert charging.newest.energy == 9
        assert store.open == []

    def test_older_sessions_stay_known_when_pages_are_short(self) -> None:
        store = self.sessions()
        store.take(parse_sessions(payload("charging_sub_sessions")[:1]).rows)
        charging = store.of(f"vhcl{STEM}N5")
        assert charging is not None
        assert charging.ended is not None
        assert store.of(f"evse{STEM}P2") is not None

    def test_one_that_was_deleted_is_gone(self) -> None:
        store = self.sessions()
        assert store.open
        store.take(parse_sessions(payload("charging_sub_sessions")[1:4]).rows)
        assert store.open == []

    def test_an_empty_page_says_nothing(self) -> None:
        store = self.sessions()
        store.take(())
        assert store.open
        store.clear()
        assert store.open == []
        assert store.currency is None


class TestPlans:
    plan = parse_plan(payload("schedules"))

    def test_only_what_can_be_placed(self) -> None:
        assert [slot.charge for slot in self.plan] == [False, True, True, False, False, True]

    @pytest.mark.parametrize(
        ("now", "expected"),
        [
            ("19 23:00", Outlook(now=False, start=at("20 01:00"), end=at("20 04:30"))),
            ("20 01:00", Outlook(now=True, start=at("20 04:00"), end=at("20 04:30"))),
            ("20 01:40", Outlook(now=True, start=at("20 04:00"), end=at("20 04:30"))),
            ("20 02:00", Outlook(now=False, start=at("20 04:00"), end=at("20 04:30"))),
            ("20 02:40", Outlook(now=False, start=at("20 04:00"), end=at("20 04:30"))),
            ("20 04:10", Outlook(now=True, start=None, end=at("20 04:30"))),
            ("20 04:30", Outlook(now=False)),
        ],
    )
    def test_what_it_means_now(self, now: str, expected: Outlook) -> None:
        assert outlook(self.plan, at(now)) == expected

    def test_no_plan(self) -> None:
        assert outlook(parse_plan({}), at("20 00:00")) == NO_PLAN

    def test_a_boost_has_no_end(self) -> None:
        boost = (
            Slot(at("20 01:00"), None, charge=True),
            Slot(at("20 02:00"), at("20 02:30"), charge=True),
        )
        assert outlook(boost[:1], at("20 01:10")) == Outlook(now=True)
        # What follows an open slot belongs to it.
        assert outlook(boost, at("20 01:10")) == Outlook(now=True, end=at("20 02:30"))

    def test_on_a_vehicle(self) -> None:
        vehicle = parse_vehicles(payload("vehicles")).rows[0]
        shown = with_outlook(vehicle, outlook(self.plan, at("20 01:00")))
        assert shown.flags[Flag.CHARGE_PLANNED] is True
        assert shown.moments[Moment.NEXT_CHARGE_START] == at("20 04:00")
        assert shown.moments[Moment.NEXT_CHARGE_END] == at("20 04:30")


class TestHousehold:
    def test_user(self) -> None:
        user = parse_user(payload("user_me"))
        assert user is not None
        assert user.title == "Sam Sample"
        assert user.tariff == f"tari{STEM}N4"
        assert user.carbon_intensity == 142

    def test_user_that_says_little(self) -> None:
        assert parse_user({"full_name": "Nobody"}) is None
        mail = parse_user({"id": "user1", "email": "sam@example.org"})
        bare = parse_user({"id": "user1"})
        assert mail is not None
        assert mail.title == "sam@example.org"
        assert bare is not None
        assert (bare.title, bare.tariff, bare.carbon_intensity) == ("user1", None, None)
        assert parse_users([{"id": "user1"}, {}]).dropped == 1

    def test_account(self) -> None:
        user, tariff = parse_user(payload("user_me")), parse_tariff(payload("tariff"))
        device = account_device(user=user, tariff=tariff, requests_left=900)
        assert device is not None
        assert device.kind is Kind.ACCOUNT
        assert device.numbers == {
            (Quantity.CARBON_INTENSITY, None): Reading(142),
            (Quantity.PRICE, None): Reading(0.28, unit="GBP/kWh"),
            (Quantity.REQUESTS_LEFT, None): Reading(900),
        }
        assert device.detail == {(Quantity.REQUESTS_LEFT, None)}

    def test_a_price_of_no_currency_is_no_price(self) -> None:
        assert parse_tariff({"current_price": 28, "currency": "pence"}) == Tariff(None, None)
        assert account_device(user=None, tariff=Tariff(None, None), requests_left=None) is None


class TestHomeEnergy:
    def test_site(self) -> None:
        systems = parse_systems(payload("hem_systems"))
        assert systems.dropped == 1
        house = ZoneInfo("Europe/Paris")
        assert [str(zone_of(one, house)) for one in systems.rows] == [
            "Europe/London",
            "Europe/Paris",
            "Europe/Paris",
        ]
        live = parse_live_power(payload("live_power"))
        device = site(systems.rows[0], live, parse_today(payload("energy_stats")))
        assert device.kind is Kind.SITE
        assert device.name == "Home"
        assert values(device) == {
            Quantity.POWER_PRODUCTION: 3100,
            Quantity.POWER_CONSUMPTION: 800,
            Quantity.POWER_IMPORT: 0,
            Quantity.POWER_EXPORT: 1300,
            Quantity.STATE_OF_CHARGE: 64,
            Quantity.BATTERY_POWER: 1000,
            Quantity.ENERGY_PRODUCTION_TODAY: 9.5,
            Quantity.ENERGY_CONSUMPTION_TODAY: 7.2,
            Quantity.ENERGY_IMPORT_TODAY: 2.1,
            Quantity.ENERGY_EXPORT_TODAY: 4,
            Quantity.ENERGY_CHARGED_TODAY: 3,
            Quantity.ENERGY_DISCHARGED_TODAY: None,
        }
        assert device.numbers[Quantity.ENERGY_IMPORT_TODAY, None].since == at("19 00:00")
        assert device.moments == {Moment.LAST_MEASURED: at("19 12:00")}

    def test_site_of_which_nothing_was_read_yet(self) -> None:
        device = site(parse_systems(payload("hem_systems")).rows[0], None, None)
        assert device.numbers == {}
        assert device.moments == {}

    def test_odd_answers_are_unknown(self) -> None:
        live = parse_live_power({"charge_watts": 5})
        assert isinstance(live, LivePower)
        assert live.numbers[Quantity.BATTERY_POWER, None].value is None
        today = parse_today({"buckets": "none"})
        assert set(today.values()) == {Reading(None)}

    def test_the_day_begins_where_the_home_is(self) -> None:
        now = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
        start, end = today_window(now, ZoneInfo("Europe/Paris"))
        assert start.isoformat() == "2026-07-02T00:00:00+02:00"
        assert end.isoformat() == "2026-07-03T00:00:00+02:00"
        spring = datetime(2026, 3, 29, 12, tzinfo=UTC)
        start, end = today_window(spring, ZoneInfo("Europe/Paris"))
        assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=23)

    def test_battery(self) -> None:
        parsed = parse_batteries(payload("home_batteries"))
        assert parsed.dropped == 1
        (battery,) = parsed.rows
        assert battery.kind is Kind.BATTERY
        assert battery.name == "Cellar battery"
        assert battery.parent == f"hems{STEM}R1"
        assert values(battery) == {
            Quantity.STATE_OF_CHARGE: 64,
            Quantity.CHARGE_POWER: -1200,
            Quantity.BATTERY_CAPACITY: 9.8,
            Quantity.DISCHARGE_LIMIT: 10,
        }
        assert battery.choices == {
            Choice.BATTERY_STATUS: BatteryStatus.DISCHARGING,
            Choice.OPERATION_MODE: OperationMode.SELF_RELIANCE,
        }

    def test_inverter_and_meter(self) -> None:
        (inverter,) = parse_inverters(payload("inverters")).rows
        assert values(inverter) == {Quantity.POWER_PRODUCTION: 3100}
        assert (inverter.manufacturer, inverter.model) == ("Sample Solar", "inv-5")
        (meter,) = parse_meters(payload("boundary_meters")).rows
        assert values(meter) == {Quantity.POWER_NET: -1300}
        assert (meter.kind, meter.name) == (Kind.METER, "Grid")


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://api.ev.energy/v2/users/user1", "user1"),
        ("https://api.ev.energy/users/user1/?a=b#c", "user1"),
        ("user1", "user1"),
        ({"id": "user1"}, "user1"),
        ({"url": "https://api.ev.energy/v2/users/user1/"}, "user1"),
        ({}, None),
        ("", None),
        ("/", None),
        (None, None),
        (7, None),
    ],
)
def test_the_id_behind_a_link(link: Any, expected: str | None) -> None:
    assert link_id(link) == expected


@pytest.mark.parametrize(
    ("code", "expected"), [("GBP", 1.66), ("EUR", 1.66), ("JPY", 166), ("KWD", 0.166)]
)
def test_minor_units_follow_the_currency(code: str, expected: float) -> None:
    assert money(166, code) == expected
    assert money(None, code) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "latest_status_log", "trim", "model", "start", "schedules", "buckets"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(body=JSON)
def test_nothing_but_a_missing_list_upsets_a_parser(body: Any) -> None:
    for parse in (
        parse_vehicles,
        parse_chargers,
        parse_sessions,
        parse_systems,
        parse_batteries,
        parse_inverters,
        parse_meters,
        parse_users,
    ):
        parse([body])
    for single in (parse_user, parse_tariff, parse_plan, parse_live_power, parse_today):
        single(body)
    assert parse_rows([body], lambda row: None).dropped == 1
