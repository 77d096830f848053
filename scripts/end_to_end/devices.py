"""A device's page: its values are those of the provider, and a command arrives there."""

import asyncio
from collections.abc import Callable
import re
import time

from playwright.async_api import Locator, expect

from custom_components.energy_connect.const import DOMAIN

from .checks import Wrong, visible
from .person import PATIENCE
from .stage import Stage

_TABLE = "ha-config-devices-dashboard"
_ROWS = "hui-sensor-entity-row, hui-toggle-entity-row"
# A car that charges or drives goes on while the page still shows what was polled.
_DRIFT = 5.0


async def entry_id(stage: Stage, title: str) -> str:
    """Return the id of an account's entry by its title."""
    entries = await stage.session.command("config_entries/get", domain=DOMAIN)
    found: str = next(entry["entry_id"] for entry in entries if entry["title"] == title)
    return found


async def list_devices(stage: Stage) -> str:
    """Look at the list of an account's devices."""
    entry = await entry_id(stage, "Enode")
    await stage.person.go(f"/config/devices/dashboard?historyBack=1&config_entry={entry}", _TABLE)
    table = stage.person.page.locator(_TABLE)
    for name in ("Car 1", "Hall heat pump", "Villa 14 LUNA2000"):
        await expect(table.get_by_text(name, exact=True).first).to_be_visible()
    await stage.person.picture("devices")
    return "the devices of an account"


async def open_device(stage: Stage, name: str) -> None:
    """Open the page of a device by its name."""
    devices = await stage.session.command("config/device_registry/list")
    device = next(device for device in devices if device["name"] == name)
    await stage.person.go(f"/config/devices/device/{device['id']}", "ha-device-entities-card")


def row(stage: Stage, name: str) -> Locator:
    """Return the row of an entity on a device's page."""
    page = stage.person.page
    return page.locator(_ROWS).filter(has=page.get_by_text(name, exact=True)).first


async def number(stage: Stage, name: str) -> float:
    """Return the number that the row of an entity shows."""
    shown = row(stage, name)
    await expect(shown).to_be_visible()
    text = " ".join(await visible(shown))
    found = re.search(r"(-?[\d,]+(?:\.\d+)?)\s*(?:%|km)", text)
    if found is None:
        raise Wrong(f"{name} shows no number: {text}")
    return float(found[1].replace(",", ""))


async def vehicle_shows_truth(stage: Stage) -> str:
    """Compare what a car's page shows with the car."""
    await open_device(stage, "Car 1")
    level = await number(stage, "State of charge")
    distance = await number(stage, "Odometer")
    truth = stage.simulator.house.cars[0].state(stage.simulator.clock.now())
    if abs(level - truth.level) > _DRIFT or abs(distance - truth.odometer) > _DRIFT:
        raise Wrong(
            f"the page shows {level} % and {distance} km, the car {truth.level} % and "
            f"{truth.odometer} km"
        )
    return f"a car's page shows its charge ({level:g} %) and odometer ({distance:,.0f} km)"


async def command_arrives(stage: Stage) -> str:
    """Switch smart charging off on the page, and look at the provider whether it is."""
    name = "Sam's hatch one"
    await open_device(stage, name)
    shown = row(stage, "Smart charging")
    switch = shown.get_by_role("switch")
    await expect(switch).to_be_checked()
    await stage.person.picture("vehicle")

    def smart() -> bool:
        cars = stage.simulator.ev_energy.garage.vehicles(0)
        return bool(
            next(car for car in cars if car["description"] == name)["smart_charging_enabled"]
        )

    await shown.locator("ha-switch").click()
    await becomes(lambda: not smart(), "smart charging is not switched off at the provider")
    await expect(switch).not_to_be_checked()
    return "smart charging switched off on a car's page, and off at the provider"


async def becomes(true: Callable[[], bool], otherwise: str) -> None:
    """Wait until something is so.

    Raises:
        Wrong: it never was.

    """
    until = time.monotonic() + PATIENCE / 1000
    while not true():
        if time.monotonic() > until:
            raise Wrong(otherwise)
        await asyncio.sleep(0.2)
