"""A KOSTAL meter in the house: what its quirks mean to Home Assistant."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.energy_connect.const import DOMAIN
from simulator import Simulator
from simulator.kostal import Role
from tests.accounts import (
    begin,
    credentials,
    enter,
    entry_flow,
    next_poll,
    pass_time,
    set_up,
    words,
)

pytestmark = pytest.mark.usefixtures("no_waiting")


def states(hass: HomeAssistant, platform: str = "sensor") -> dict[str, str]:
    """Return the states by what the entities show."""
    registry = er.async_get(hass)
    return {
        str(entity.translation_key): state.state
        for state in hass.states.async_all(platform)
        if (entity := registry.async_get(state.entity_id)) is not None
    }


def flows(hass: HomeAssistant) -> list[str]:
    return [
        flow["context"]["source"]
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    ]


async def test_after_a_power_cut_a_sign_in_is_asked_for_until_the_meter_has_its_clock(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    entry = await set_up(hass, simulator, "kostal")
    simulator.kostal.knobs.clock_unset = True
    await next_poll(hass, freezer, entry)
    assert flows(hass) == [SOURCE_REAUTH]
    assert set(states(hass).values()) == {STATE_UNAVAILABLE}
    simulator.journal.clear()

    await pass_time(hass, freezer, 290)
    assert simulator.journal.count() == 0
    await pass_time(hass, freezer, 12)
    assert simulator.journal.count() == 2  # the token is tried twice
    assert flows(hass) == [SOURCE_REAUTH]

    simulator.kostal.knobs.clock_unset = False
    await pass_time(hass, freezer, 302)

    assert flows(hass) == []
    assert states(hass)["power_net"] != STATE_UNAVAILABLE
    simulator.journal.clear()
    await pass_time(hass, freezer, 11)
    assert simulator.journal.count() == 1


async def test_the_same_while_home_assistant_starts(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    entry = await set_up(hass, simulator, "kostal")
    simulator.kostal.knobs.clock_unset = True

    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.reason == words("token_refused", entry.title)
    assert flows(hass) == [SOURCE_REAUTH]

    simulator.kostal.knobs.clock_unset = False
    await pass_time(hass, freezer, 320)

    assert entry.state is ConfigEntryState.LOADED
    assert flows(hass) == []


async def test_a_revoked_token_is_replaced_by_signing_in(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    old = simulator.kostal.tokens.create("old").text
    entry = await set_up(hass, simulator, "kostal", token=old)
    simulator.kostal.tokens.revoke("old")
    await next_poll(hass, freezer, entry)
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)

    flow_id = flow["flow_id"]
    result = await hass.config_entries.flow.async_configure(flow_id, {"token": old})
    assert result["errors"] == {"base": "token_refused"}
    fresh = simulator.kostal.tokens.create("fresh").text
    result = await hass.config_entries.flow.async_configure(flow_id, {"token": fresh})
    await hass.async_block_till_done()

    assert result["reason"] == "reauth_successful"
    assert entry.data["token"] == fresh
    assert flows(hass) == []
    assert states(hass)["power_net"] != STATE_UNAVAILABLE


async def test_another_certificate_stops_the_polls_and_gets_no_new_token(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    entry = await set_up(hass, simulator, "kostal")
    before = dict(entry.data)
    await simulator.kostal.swap_certificate()
    simulator.journal.clear()
    for _ in range(5):
        await next_poll(hass, freezer, entry)
    assert entry.runtime_data.last_error is not None
    assert entry.runtime_data.last_error.reason == "certificate_changed"
    assert set(states(hass).values()) == {STATE_UNAVAILABLE}

    fresh = simulator.kostal.tokens.create("fresh").text
    result = await enter(hass, await entry_flow(hass, entry, SOURCE_REAUTH), {"token": fresh})

    assert result["errors"] == {"base": "certificate_changed"}
    assert simulator.journal.requests() == []
    assert dict(entry.data) == before


async def test_who_says_that_the_meter_was_replaced_pins_its_new_certificate(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    entry = await set_up(hass, simulator, "kostal")
    before = entry.data["fingerprint"]
    await simulator.kostal.swap_certificate()
    entered = credentials(simulator, "kostal")
    del entered["token"]

    result = await enter(hass, await entry_flow(hass, entry, "reconfigure"), entered)

    assert result["reason"] == "reconfigure_successful"
    assert entry.data["fingerprint"] != before
    assert entry.state is ConfigEntryState.LOADED


async def test_a_meter_that_shows_no_serial_is_known_by_its_address(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    plain = {"scheme": "http", "host": simulator.kostal.origins["http"].host}
    entry = await set_up(hass, simulator, "kostal", **plain)
    assert entry.unique_id is None

    flow = await begin(hass, "kostal")
    again = await enter(hass, flow, credentials(simulator, "kostal", **plain))
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_configured")

    registry = er.async_get(hass)
    ids = [one.unique_id for one in er.async_entries_for_config_entry(registry, entry.entry_id)]
    assert ids
    assert all(one.startswith(f"{entry.entry_id}_meter_") for one in ids)


async def test_a_serial_that_is_learned_later_changes_no_id(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    plain = {"scheme": "http", "host": simulator.kostal.origins["http"].host}
    entry = await set_up(hass, simulator, "kostal", **plain)
    before = set(hass.states.async_entity_ids())
    knobs = simulator.kostal.knobs
    knobs.device_settings = type(knobs.device_settings).ON

    token = simulator.kostal.tokens.create("admin", role=Role.ADMIN).text
    result = await enter(hass, await entry_flow(hass, entry, SOURCE_REAUTH), {"token": token})

    assert result["reason"] == "reauth_successful"
    assert entry.data["serial"] == "70000001"
    assert entry.unique_id is None
    assert before <= set(hass.states.async_entity_ids())


async def test_a_dead_meter_shows_its_status_and_no_numbers(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    entry = await set_up(hass, simulator, "kostal")
    simulator.kostal.knobs.status = "STATUS_ERROR"

    await next_poll(hass, freezer, entry)

    shown = states(hass)
    assert shown["meter_status"] == "error"
    assert shown["power_net"] == STATE_UNAVAILABLE
    assert shown["energy_import"] == STATE_UNAVAILABLE
