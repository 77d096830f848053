"""Addresses that lead back into a flow: who brings another state gets nowhere."""

from typing import Any
from urllib.parse import urlsplit

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from yarl import URL

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.linking import RETURN_PATH
from simulator import Simulator
from tests.controlled import ControlledScript
from tests.scripted import start
from tests.signing_in import Browser

FORGED = [
    "",
    "guess",
    "eyJhbGciOiJub25lIn0.eyJmbG93X2lkIjoieCJ9.",  # a token of nobody: no signature
    "e30.e30.e30",
    "../../x",
]


@pytest.fixture
async def browser(
    hass: HomeAssistant,
    simulator: Simulator,
    hass_client_no_auth: ClientSessionGenerator,
    current_request_with_host: None,
) -> Browser:
    return Browser(hass, simulator, hass_client_no_auth)


@pytest.mark.parametrize("state", FORGED)
async def test_a_forged_state_moves_no_sign_in_and_no_code_is_used(
    hass: HomeAssistant,
    browser: Browser,
    hass_client_no_auth: ClientSessionGenerator,
    state: str,
) -> None:
    await browser.register()
    flow = await browser.begin()
    back = await browser.consent(flow)
    client = await hass_client_no_auth()

    answer = await client.get(back.update_query(state=state).path_qs)

    assert answer.status >= 400 or "Invalid" in await answer.text()
    (waiting,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert waiting["flow_id"] == flow["flow_id"]
    assert browser.grants() == []
    # Whoever has the right state may still go on.
    result = await browser.come_back(flow, back)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_the_state_of_a_sign_in_that_is_over_starts_nothing(
    hass: HomeAssistant, browser: Browser, hass_client_no_auth: ClientSessionGenerator
) -> None:
    await browser.register()
    flow = await browser.begin()
    back = await browser.consent(flow)
    await browser.come_back(flow, back)
    grants = browser.grants()
    client = await hass_client_no_auth()

    await client.get(back.path_qs)
    await hass.async_block_till_done()

    assert browser.grants() == grants
    assert hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1


async def test_the_code_of_another_sign_in_makes_no_account(
    hass: HomeAssistant, browser: Browser
) -> None:
    """Whoever slips their own code under somebody's state has not that person's verifier."""
    await browser.register()
    theirs = await browser.consent(await browser.begin())
    flow = await browser.begin()
    ours = await browser.consent(flow)

    result = await browser.come_back(flow, ours.update_query(code=theirs.query["code"]))

    assert result["type"] is FlowResultType.ABORT
    assert hass.config_entries.async_entries(DOMAIN) == []


async def _link(hass: HomeAssistant, entry_id: str) -> Any:
    flow = await hass.config_entries.subentries.async_init(
        (entry_id, "device"), context={"source": SOURCE_USER}
    )
    return await hass.config_entries.subentries.async_configure(
        flow["flow_id"], {"kinds": ["vehicle"]}
    )


async def test_a_way_back_moves_the_flow_that_it_was_made_for_and_no_other(
    hass: HomeAssistant,
    controlled: ControlledScript,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    await hass.config.async_update(external_url="https://house.example")
    entry = await start(hass)
    first, second = await _link(hass, entry.entry_id), await _link(hass, entry.entry_id)
    back = URL(controlled.visits[0].return_to)
    assert urlsplit(str(back)).path == RETURN_PATH
    client = await hass_client_no_auth()

    # What is in the address besides the state chooses nothing.
    named = back.update_query(flow_id=second["flow_id"], next_step_id="linked")
    answer = await client.get(named.path_qs)
    await hass.async_block_till_done()

    assert answer.status == 200
    flows = hass.config_entries.subentries
    waiting = {flow["flow_id"]: flow["step_id"] for flow in flows.async_progress()}
    assert waiting[second["flow_id"]] == "page"
    done = await flows.async_configure(first["flow_id"])
    assert done["type"] is FlowResultType.ABORT
