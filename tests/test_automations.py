"""The automations and blueprints of the documentation do what they say, in simulated houses."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.util.yaml import parse_yaml
import pytest

from custom_components.energy_connect.const import DOMAIN
from simulator import Simulator
from simulator.enode.assets import asset_id
from tests.accounts import next_poll, pass_time, set_up
from tests.examples import (
    BLUEPRINTS,
    ROOT,
    SOME_ID,
    device_id,
    entity,
    examples,
    messages,
    run,
    state,
)
from tests.test_config_flow import STEPS

PAGE = "automations.md"
CAR = asset_id("vehicle 0")
MINUTE = 60.0
HOUR = timedelta(hours=1)
SUNNY = datetime(2026, 3, 7, 12, 59, tzinfo=UTC)
"""From the next minute on 2 kW are fed into the grid, and the car is plugged in."""


@pytest.fixture
def prompt(simulator: Simulator) -> Simulator:
    """Cars do at once what they are told."""
    simulator.enode.knobs.action_seconds = 0.0
    return simulator


def car(hass: HomeAssistant, *wanted: str) -> Mapping[str, str]:
    """Return the entities of the car under the names that they have in the examples."""
    known = {
        "switch.my_car_charge": ("switch", "charging"),
        "binary_sensor.my_car_plugged_in": ("binary_sensor", "plugged_in"),
        "binary_sensor.my_car_data_late": ("binary_sensor", "data_late"),
        "sensor.my_car_state_of_charge": ("sensor", "state_of_charge"),
    }
    return {name: entity(hass, known[name][0], CAR, known[name][1]) for name in wanted}


CHARGE = "switch.my_car_charge"
PLUG = "binary_sensor.my_car_plugged_in"
LEVEL = "sensor.my_car_state_of_charge"


async def minutes(hass: HomeAssistant, freezer: FrozenDateTimeFactory, count: int) -> None:
    """Let minutes go by, one after the other."""
    for _ in range(count):
        await pass_time(hass, freezer, MINUTE)


async def test_a_car_charges_from_the_sun(
    hass: HomeAssistant, prompt: Simulator, freezer: FrozenDateTimeFactory, house: Path
) -> None:
    freezer.move_to(SUNNY - timedelta(minutes=10))
    await set_up(hass, prompt, "enode")
    meter = await set_up(hass, prompt, "kostal")
    grid = entity(hass, "sensor", "meter", "power_net")
    names = {**car(hass, CHARGE, PLUG), "sensor.my_meter_net_power": grid}
    await run(hass, house, "Charge the car from the sun", names, PAGE)
    freezer.move_to(SUNNY)
    await minutes(hass, freezer, 9)
    charge = names[CHARGE]
    assert float(state(hass, grid)) < -1500
    assert state(hass, charge) == STATE_OFF  # not long enough yet

    await minutes(hass, freezer, 3)

    assert state(hass, charge) == STATE_ON

    # A meter that is silent says neither that there is a surplus nor that there is none.
    await hass.config_entries.async_unload(meter.entry_id)
    await minutes(hass, freezer, 12)
    assert state(hass, grid) == "unavailable"
    assert state(hass, charge) == STATE_ON

    hass.states.async_set(grid, "900", {"unit_of_measurement": "W"})
    await minutes(hass, freezer, 9)
    assert state(hass, charge) == STATE_ON

    await minutes(hass, freezer, 2)

    assert state(hass, charge) == STATE_OFF


async def test_a_car_that_is_away_is_not_told_to_charge(
    hass: HomeAssistant, prompt: Simulator, freezer: FrozenDateTimeFactory, house: Path
) -> None:
    freezer.move_to(SUNNY)
    prompt.enode.knobs.vehicles = 2
    await set_up(hass, prompt, "enode")
    grid = "sensor.grid"
    names = {**car(hass, CHARGE, PLUG), "sensor.my_meter_net_power": grid}
    await run(hass, house, "Charge the car from the sun", names, PAGE)
    hass.states.async_set(names[PLUG], STATE_OFF)

    for power, unit in (("0", "W"), ("unavailable", "W"), ("-3", "kW")):
        hass.states.async_set(grid, power, {"unit_of_measurement": unit})
        await minutes(hass, freezer, 4)
        hass.states.async_set(names[PLUG], STATE_OFF)
    await pass_time(hass, freezer, 9 * MINUTE)

    assert state(hass, names[CHARGE]) == STATE_OFF


async def test_a_car_that_is_plugged_in_while_the_sun_shines_charges_at_once(
    hass: HomeAssistant, prompt: Simulator, freezer: FrozenDateTimeFactory, house: Path
) -> None:
    freezer.move_to(SUNNY)
    await set_up(hass, prompt, "enode")
    grid = "sensor.grid"
    hass.states.async_set(grid, "-3", {"unit_of_measurement": "kW"})
    names = {**car(hass, CHARGE, PLUG), "sensor.my_meter_net_power": grid}
    hass.states.async_set(names[PLUG], STATE_OFF)
    await run(hass, house, "Charge the car from the sun", names, PAGE)

    hass.states.async_set(names[PLUG], STATE_ON)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert state(hass, names[CHARGE]) == STATE_ON


async def test_a_car_charges_while_electricity_is_cheap(
    hass: HomeAssistant, prompt: Simulator, freezer: FrozenDateTimeFactory, house: Path
) -> None:
    now = datetime(2026, 3, 7, 21, 30, tzinfo=UTC)
    freezer.move_to(now)
    await set_up(hass, prompt, "enode")
    tariff = await set_up(hass, prompt, "ev_energy", *STEPS["ev_energy"])
    price = entity(hass, "sensor", "account", "price")
    names = {**car(hass, CHARGE, PLUG), "sensor.my_account_electricity_price": price}
    await run(hass, house, "Charge the car when electricity is cheap", names, PAGE)
    assert float(state(hass, price)) > 0.15
    charge = names[CHARGE]
    assert (state(hass, charge), state(hass, names[PLUG])) == (STATE_OFF, STATE_ON)

    freezer.move_to(now + 2 * HOUR)
    for _ in range(3):
        await next_poll(hass, freezer, tariff)

    assert float(state(hass, price)) < 0.15
    assert state(hass, charge) == STATE_ON

    # What nobody knows changes nothing.
    hass.states.async_set(price, "unknown")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state(hass, charge) == STATE_ON

    hass.states.async_set(price, "0.28")
    await hass.async_block_till_done(wait_background_tasks=True)

    assert state(hass, charge) == STATE_OFF


async def test_charging_stops_at_a_limit(
    hass: HomeAssistant, prompt: Simulator, freezer: FrozenDateTimeFactory, house: Path
) -> None:
    now = SUNNY
    charge = prompt.house.car_park.car(0).sessions(now, now + timedelta(days=3))[0]
    freezer.move_to(charge.start + timedelta(minutes=5))
    entry = await set_up(hass, prompt, "enode")
    names = car(hass, CHARGE, LEVEL)
    await run(hass, house, "Stop at eighty percent", names, PAGE)
    assert float(state(hass, names[LEVEL])) < 80
    assert state(hass, names[CHARGE]) == STATE_ON

    for _ in range(100):
        if state(hass, names[CHARGE]) == STATE_OFF:
            break
        await next_poll(hass, freezer, entry)

    assert 80 <= float(state(hass, names[LEVEL])) < 85
    assert state(hass, names[CHARGE]) == STATE_OFF


@pytest.mark.parametrize(("level", "reminded"), [("31", True), ("80", False), ("unknown", False)])
async def test_somebody_is_reminded_of_the_car(
    hass: HomeAssistant,
    prompt: Simulator,
    freezer: FrozenDateTimeFactory,
    house: Path,
    level: str,
    reminded: bool,
) -> None:
    # Where it is evening while the car is on its way.
    await hass.config.async_set_time_zone("Asia/Tokyo")
    freezer.move_to(datetime(2026, 3, 9, 11, 55, tzinfo=UTC))
    await set_up(hass, prompt, "enode")
    names = car(hass, PLUG, LEVEL)
    assert state(hass, names[PLUG]) == STATE_OFF
    await run(hass, house, "Remind of the car", names, PAGE)
    hass.states.async_set(names[LEVEL], level)

    await pass_time(hass, freezer, 5 * MINUTE + 1)

    told = ["Car 1 has 31 % and is not plugged in."] if reminded else []
    assert messages(hass) == told


async def test_somebody_is_told_of_silent_devices(
    hass: HomeAssistant, prompt: Simulator, freezer: FrozenDateTimeFactory, house: Path
) -> None:
    freezer.tick(HOUR)
    entry = await set_up(hass, prompt, "enode")
    other = entity(hass, "binary_sensor", asset_id("charger 0"), "data_late")
    names = {
        **car(hass, "binary_sensor.my_car_data_late"),
        "binary_sensor.my_meter_data_late": other,
    }
    await run(hass, house, "Say when a meter is silent", names, PAGE)
    prompt.enode.knobs.unreachable = frozenset({"SKODA"})
    await next_poll(hass, freezer, entry)
    assert state(hass, names["binary_sensor.my_car_data_late"]) == STATE_ON

    await minutes(hass, freezer, 31)

    assert messages(hass) == ["Car 1 has delivered nothing new for too long."]

    hass.states.async_set(other, "unavailable")
    await pass_time(hass, freezer, 31 * MINUTE)

    assert "Easee Home is out of reach." in messages(hass)


@pytest.mark.parametrize("level", ["12", "60"])
async def test_a_car_that_leaves_with_a_low_battery_is_told(
    hass: HomeAssistant,
    prompt: Simulator,
    freezer: FrozenDateTimeFactory,
    house: Path,
    level: str,
) -> None:
    freezer.move_to(SUNNY)
    entry = await set_up(hass, prompt, "enode")
    names = car(hass, PLUG, LEVEL)
    await run(hass, house, "Say when the car left with a low battery", names, PAGE)
    assert state(hass, names[PLUG]) == STATE_ON
    hass.states.async_set(names[LEVEL], level)

    at = datetime(2026, 3, 9, 11, 55, tzinfo=UTC)
    freezer.move_to(at)
    prompt.enode.knobs.scopes = frozenset({"vehicle:read:data"})
    hass.states.async_set(names[PLUG], STATE_OFF)
    await hass.async_block_till_done()

    assert messages(hass) == (["The car left with 12 %"] if level == "12" else [])
    await next_poll(hass, freezer, entry)
    assert state(hass, names[PLUG]) == STATE_OFF


async def test_what_a_charge_took_is_told(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory, house: Path
) -> None:
    charge = simulator.house.car_park.car(0).sessions(SUNNY, SUNNY + timedelta(days=3))[0]
    freezer.move_to(charge.end - timedelta(minutes=10))
    entry = await set_up(hass, simulator, "ev_energy", *STEPS["ev_energy"])
    (activity,) = [
        one.entity_id
        for one in hass.states.async_all("event")
        if one.attributes["friendly_name"].startswith("Sam's hatch one")
    ]
    await run(hass, house, "Tell what a charge took", {"event.my_car_activity": activity}, PAGE)

    freezer.move_to(charge.end + timedelta(minutes=1))
    for _ in range(3):
        await next_poll(hass, freezer, entry)

    (message,) = messages(hass)
    energy = float(message.removeprefix("The charge is over: ").removesuffix(" kWh"))
    assert energy == pytest.approx(charge.energy, rel=0.1)


async def test_a_repair_is_told(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory, house: Path
) -> None:
    entry = await set_up(hass, simulator, "enode")
    await run(hass, house, "Tell when a repair appears", {}, PAGE)
    assert messages(hass) == []

    simulator.enode.knobs.broken_logins = frozenset({"EASEE"})
    # Logins are listed seldom.
    for _ in range(80):
        await next_poll(hass, freezer, entry)
        if messages(hass):
            break

    assert messages(hass) == ["Energy Connect needs you. Open Settings > Repairs."]


async def test_a_file_is_written_every_month(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    house: Path,
) -> None:
    await hass.config.async_set_time_zone("Europe/Prague")
    freezer.move_to(datetime(2026, 3, 31, 20, 0, tzinfo=UTC))
    simulator.enectiva.knobs.generated_meters = 1
    entry = await set_up(hass, simulator, "enectiva")
    hass.config_entries.async_update_entry(entry, options={"history_depth": "one_year"})
    await hass.config_entries.async_reload(entry.entry_id)
    await minutes(hass, freezer, 4)
    names = {SOME_ID: device_id(hass, "meter_20000")}
    await run(hass, house, "Write a CSV file every month", names, PAGE)

    freezer.move_to(datetime(2026, 4, 1, 0, 59, 58, tzinfo=UTC))
    await pass_time(hass, freezer, 3)

    await pass_time(hass, freezer, 1)

    lines = (house / "energy-2026-03.csv").read_text().splitlines()
    assert lines[0].startswith("statistic_id,")
    hours = {line.split(",")[3] for line in lines[1:]}
    # March began at 23:00 of the day before in UTC.
    assert min(hours) == "2026-02-28T23:00:00+00:00"
    assert "2026-03-31T12:00:00+00:00" in hours
    assert messages(hass) == [f"{len(hours)} hours are in {house / 'energy-2026-03.csv'}"]


async def test_charges_are_counted(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory, house: Path
) -> None:
    await hass.config.async_set_time_zone("Europe/Prague")
    sunday = datetime(2026, 3, 8, 18, 59, 58, tzinfo=UTC)
    freezer.move_to(sunday)
    await set_up(hass, simulator, "enode")
    await run(hass, house, "Count the charges of the week", {SOME_ID: device_id(hass, CAR)}, PAGE)

    await pass_time(hass, freezer, 3)

    week = [
        one
        for one in simulator.house.car_park.car(0).sessions(sunday - timedelta(days=7), sunday)
        if one.start >= sunday - timedelta(days=7)
    ]
    energy = sum(one.energy for one in week)
    assert week
    assert messages(hass) == [f"{len(week)} charges, {energy:.1f} kWh"]


def test_every_example_of_the_page_is_run_here() -> None:
    source = Path(__file__).read_text()

    assert [alias for alias in examples(ROOT / "docs" / PAGE) if f'"{alias}"' not in source] == []


def test_every_blueprint_is_on_the_page_with_an_example() -> None:
    page = (ROOT / "docs" / PAGE).read_text()
    files = sorted((BLUEPRINTS / "automation" / DOMAIN).glob("*.yaml"))

    assert files
    for file in files:
        assert f"path: {DOMAIN}/{file.name}" in page
        assert f"(../{file.relative_to(ROOT)})" in page
        blueprint = parse_yaml(file.read_text().replace("!input", ""))
        assert isinstance(blueprint, dict)
        assert f"\n## {blueprint['blueprint']['name']}\n" in page
        assert blueprint["blueprint"]["source_url"].endswith(str(file.relative_to(ROOT)))
