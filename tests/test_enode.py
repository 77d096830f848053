"""An Enode customer in the house: a car is told something, a device linked, a login mended."""

from datetime import timedelta
from typing import Any
from unittest.mock import ANY

import aiohttp
from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import ATTR_ENTITY_ID, SERVICE_TURN_ON, STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
import pytest

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.repairs import async_create_fix_flow
from simulator import Simulator
from simulator.enode.assets import asset_id
from tests.accounts import next_poll, set_up

CAR = asset_id("vehicle 0")
BROKEN = "villa-14_EASEE"


def entity(hass: HomeAssistant, platform: str, device: str, key: str) -> str:
    """Return an entity of a device."""
    for entry in er.async_get(hass).entities.values():
        if entry.domain == platform and entry.unique_id.endswith(f"_{device}_{key}"):
            return entry.entity_id
    raise AssertionError(key)


def state(hass: HomeAssistant, entity_id: str) -> str:
    shown = hass.states.get(entity_id)
    assert shown is not None
    return shown.state


@pytest.fixture
async def evening(simulator: Simulator, freezer: FrozenDateTimeFactory) -> Simulator:
    """An hour before the first car charges; what devices are told they do at once."""
    simulator.enode.knobs.action_seconds = 0.0
    now = simulator.clock.now()
    charge = simulator.house.car_park.car(0).sessions(now, now + timedelta(days=3))[0]
    freezer.move_to(charge.start - timedelta(hours=1))
    return simulator


async def turn_on(hass: HomeAssistant, switch: str) -> None:
    await hass.services.async_call(
        "switch", SERVICE_TURN_ON, {ATTR_ENTITY_ID: switch}, blocking=True
    )
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_a_car_is_told_to_charge(hass: HomeAssistant, evening: Simulator) -> None:
    await set_up(hass, evening, "enode")
    switch = entity(hass, "switch", CAR, "charging")
    assert state(hass, switch) == STATE_OFF

    await turn_on(hass, switch)

    assert state(hass, switch) == STATE_ON
    # What the car does was read again.
    assert state(hass, entity(hass, "binary_sensor", CAR, "charging")) == STATE_ON


async def test_a_refusal_is_told_in_words(hass: HomeAssistant, evening: Simulator) -> None:
    await set_up(hass, evening, "enode")
    evening.enode.knobs.scheduled = frozenset({"SKODA"})
    switch = entity(hass, "switch", CAR, "charging")

    with pytest.raises(ServiceValidationError) as raised:
        await turn_on(hass, switch)

    assert raised.value.translation_key == "under_schedule"
    assert state(hass, switch) == STATE_OFF


async def test_a_linked_device_appears_without_a_reload(
    hass: HomeAssistant, evening: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    hass.config.internal_url = "http://127.0.0.1:8123"
    entry = await set_up(hass, evening, "enode", user_id="villa-14")
    coordinator = entry.runtime_data

    def cars() -> set[str | None]:
        devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
        return {device.name for device in devices if ":vehicle:" in str(device.identifiers)}

    before = cars()
    answer: Any = await hass.services.async_call(
        DOMAIN,
        "link_device",
        {"config_entry_id": entry.entry_id, "kinds": ["vehicle"]},
        blocking=True,
        return_response=True,
    )
    assert answer == {"url": ANY, "expires": ANY}
    await click(answer["url"], brand="RENAULT")
    await next_poll(hass, freezer, entry)

    assert cars() - before == {"New car"}
    assert entry.runtime_data is coordinator


async def test_a_broken_login_is_mended(
    hass: HomeAssistant, evening: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    hass.config.internal_url = "http://127.0.0.1:8123"
    evening.enode.knobs.broken_logins = frozenset({"EASEE"})
    entry = await set_up(hass, evening, "enode")
    issue_id = f"{entry.entry_id}_vendor_login_broken_{BROKEN}"
    issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    assert issue is not None
    assert issue.translation_placeholders == {"account": entry.title, "vendor": "Easee"}

    flow: Any = await async_create_fix_flow(hass, issue_id, issue.data)
    flow.hass = hass
    form = await flow.async_step_init()
    assert form["step_id"] == "page"
    still = await flow.async_step_page({})
    assert still["errors"] == {"base": "not_mended"}
    await click(still["description_placeholders"]["url"], brand="EASEE")
    done = await flow.async_step_page({})

    assert done["type"] == "create_entry"
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None


async def click(url: str, **form: str) -> None:
    """Sign in on the Link page, as the owner's browser does."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=form, allow_redirects=False) as left,
    ):
        assert left.status == 303
        assert left.headers["Location"].startswith("http://127.0.0.1:8123/api/energy_connect/")
