"""The sign-in in the browser, through Home Assistant's real callback."""

import base64
import hashlib
import logging

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.application_credentials import DATA_COMPONENT
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.config_entry_oauth2_flow import (
    AbstractOAuth2Implementation,
    ImplementationUnavailableError,
    async_add_implementation_provider,
)
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from yarl import URL

from custom_components.energy_connect.const import DOMAIN
from simulator import Simulator, faults
from tests.accounts import entry_flow, next_poll, pass_time
from tests.signing_in import CALLBACK, Browser

pytestmark = pytest.mark.usefixtures("current_request_with_host")


@pytest.fixture
async def browser(
    hass: HomeAssistant, simulator: Simulator, hass_client_no_auth: ClientSessionGenerator
) -> Browser:
    return Browser(hass, simulator, hass_client_no_auth)


async def test_a_person_signs_in(hass: HomeAssistant, browser: Browser) -> None:
    await browser.register()
    flow = await browser.begin()
    query = URL(flow["url"]).query
    assert query["response_type"] == "code"
    assert query["redirect_uri"] == CALLBACK
    assert query["code_challenge_method"] == "S256"
    assert (
        len(base64.urlsafe_b64decode(query["code_challenge"] + "=")) == hashlib.sha256().digest_size
    )
    assert "scope" not in query
    assert URL(flow["url"]).path == "/o/authorize/"

    result = await browser.sign_in(flow)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    assert entry.unique_id == "ev_energy_user01SIM000000000000000000000"
    assert entry.data["token"]["refresh_token"]
    assert browser.grants() == ["authorization_code"]
    assert hass.states.async_entity_ids("sensor")


async def test_the_same_person_is_not_added_twice(hass: HomeAssistant, browser: Browser) -> None:
    await browser.set_up()

    result = await browser.sign_in(await browser.begin())

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_without_an_application_the_wizard_says_so(
    hass: HomeAssistant, browser: Browser
) -> None:
    flow = await browser.begin()

    assert (flow["type"], flow["reason"]) == (FlowResultType.ABORT, "missing_credentials")


async def test_a_refused_consent(hass: HomeAssistant, browser: Browser) -> None:
    await browser.register()
    flow = await browser.begin()

    result = await browser.come_back(flow, await browser.consent(flow, "refuse"))

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "user_rejected_authorize")
    assert browser.grants() == []


async def test_an_address_that_is_not_registered_gets_no_code(
    hass: HomeAssistant, browser: Browser, simulator: Simulator
) -> None:
    await browser.register()
    simulator.ev_energy.browser.redirects.clear()
    flow = await browser.begin()

    with pytest.raises(AssertionError, match="Mismatching redirect"):
        await browser.consent(flow)


async def test_a_code_that_is_too_old(
    hass: HomeAssistant, browser: Browser, simulator: Simulator
) -> None:
    await browser.register()
    flow = await browser.begin()
    back = await browser.consent(flow)
    simulator.clock.advance(61)

    result = await browser.come_back(flow, back)

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "oauth_unauthorized")
    assert browser.grants() == ["refused"]


async def test_a_code_of_another_sign_in_has_the_wrong_verifier(
    hass: HomeAssistant, browser: Browser
) -> None:
    await browser.register()
    stolen = (await browser.consent(await browser.begin())).query["code"]
    flow = await browser.begin()
    back = await browser.consent(flow)

    result = await browser.come_back(flow, back.update_query(code=stolen))

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "oauth_unauthorized")


async def test_a_wrong_secret(hass: HomeAssistant, browser: Browser) -> None:
    await browser.register(secret="wrong")

    result = await browser.sign_in(await browser.begin())

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "oauth_unauthorized")


async def test_a_public_application_has_no_secret(
    hass: HomeAssistant, browser: Browser, simulator: Simulator
) -> None:
    simulator.ev_energy.browser.client_secret = ""
    simulator.ev_energy.knobs.require_pkce = True
    await browser.register(secret=" - ")

    result = await browser.sign_in(await browser.begin())

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].state is ConfigEntryState.LOADED


TROUBLE = {
    "a failure": faults.Status(status=503),
    "a page": faults.Html(),
    "a proxy": faults.Status(status=403, body="no"),
    "nothing": faults.Status(status=404),
    "a redirect": faults.Redirect(url="http://127.0.0.2:9/o/token/", status=307),
    "a broken connection": faults.Reset(),
    "an answer without a token": faults.Shape(payload={"expires_in": 60}),
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
async def test_trouble_with_the_token(
    hass: HomeAssistant, browser: Browser, simulator: Simulator, trouble: faults.Action
) -> None:
    await browser.register()
    simulator.faults.add(trouble, provider="ev_energy", path="/o/token*")

    result = await browser.sign_in(await browser.begin())

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "oauth_failed")


async def test_trouble_after_the_sign_in_is_told(
    hass: HomeAssistant, browser: Browser, simulator: Simulator
) -> None:
    await browser.register()
    simulator.faults.add(faults.Status(status=503), provider="ev_energy", path="/v2/*")

    result = await browser.sign_in(await browser.begin())

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "server_error")


async def test_an_answer_without_scope_and_refresh_token_serves_while_it_lasts(
    hass: HomeAssistant, browser: Browser, simulator: Simulator
) -> None:
    simulator.ev_energy.knobs.name_scopes = False
    patch = faults.merge_patch({"refresh_token": None})
    simulator.faults.add(patch, provider="ev_energy", path="/o/token/")

    entry = await browser.set_up()

    assert entry.state is ConfigEntryState.LOADED
    assert {"refresh_token", "scope"}.isdisjoint(entry.data["token"])


# Again.


async def test_signing_in_again_with_the_same_account(
    hass: HomeAssistant, browser: Browser
) -> None:
    entry = await browser.set_up()
    before = entry.data["token"]["refresh_token"]

    flow = await entry_flow(hass, entry, SOURCE_REAUTH)
    assert flow["step_id"] == "reauth_confirm_sign_in"
    result = await browser.sign_in(await browser.go_on(flow, {}))

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert entry.data["token"]["refresh_token"] != before
    assert entry.state is ConfigEntryState.LOADED


@pytest.mark.parametrize("source", [SOURCE_REAUTH, SOURCE_RECONFIGURE])
async def test_signing_in_again_with_another_account(
    hass: HomeAssistant, browser: Browser, simulator: Simulator, source: str
) -> None:
    entry = await browser.set_up()
    before = dict(entry.data)
    simulator.ev_energy.knobs.users = 2
    simulator.ev_energy.knobs.signed_in = 1

    flow = await entry_flow(hass, entry, source)
    result = await browser.sign_in(await browser.choose(await browser.go_on(flow, {})))

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "wrong_account")
    assert dict(entry.data) == before


async def test_another_application_may_be_taken(
    hass: HomeAssistant, browser: Browser, simulator: Simulator
) -> None:
    entry = await browser.set_up()
    await browser.register(client_id="another-application", as_="another")
    application = simulator.ev_energy.browser
    simulator.ev_energy.applications["another-application"] = type(application)(
        client_id="another-application",
        client_secret=application.client_secret,
        name="Another",
        grant=application.grant,
        redirects={CALLBACK},
    )

    flow = await browser.go_on(await entry_flow(hass, entry, SOURCE_RECONFIGURE), {})
    assert flow["step_id"] == "pick_implementation"
    result = await browser.sign_in(await browser.go_on(flow, {"implementation": "another"}))

    assert result["reason"] == "reconfigure_successful"
    assert entry.data["auth_implementation"] == "another"
    assert entry.state is ConfigEntryState.LOADED


async def delete_credentials(hass: HomeAssistant) -> None:
    """Take the application away, as an older Home Assistant lets a person do."""
    hass.data[DATA_COMPONENT].data.clear()


async def test_an_application_that_was_deleted_asks_for_a_sign_in_with_another(
    hass: HomeAssistant, browser: Browser
) -> None:
    entry = await browser.set_up()
    await delete_credentials(hass)

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()

    assert entry.state is ConfigEntryState.SETUP_ERROR
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == SOURCE_REAUTH
    aborted = await hass.config_entries.flow.async_configure(flow["flow_id"], {})
    assert aborted["reason"] == "missing_credentials"


async def unavailable(hass: HomeAssistant, domain: str) -> list[AbstractOAuth2Implementation]:
    raise ImplementationUnavailableError("down")


async def test_while_applications_can_not_be_looked_up_the_account_waits(
    hass: HomeAssistant, browser: Browser
) -> None:
    entry = await browser.set_up()
    await delete_credentials(hass)
    async_add_implementation_provider(hass, "cloud", unavailable)

    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []

    flow = await entry_flow(hass, entry, SOURCE_REAUTH)
    result = await browser.go_on(flow, {})
    assert result["reason"] == "oauth_implementation_unavailable"


async def test_a_sign_in_that_was_lost_is_asked_for_once(
    hass: HomeAssistant, browser: Browser, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    entry = await browser.set_up()
    simulator.ev_energy.authorization.tokens.end_all()
    for _ in range(3):
        await next_poll(hass, freezer, entry)

    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == SOURCE_REAUTH

    result = await browser.sign_in(
        await hass.config_entries.flow.async_configure(flow["flow_id"], {})
    )
    assert result["reason"] == "reauth_successful"
    assert hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []
    assert entry.runtime_data.last_update_success


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
async def test_trouble_with_the_token_at_run_time_asks_for_no_sign_in(
    hass: HomeAssistant,
    browser: Browser,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    trouble: faults.Action,
) -> None:
    entry = await browser.set_up()
    simulator.ev_energy.knobs.grace = 36_000.0
    fault = simulator.faults.add(trouble, provider="ev_energy", path="/o/token*")
    await pass_time(hass, freezer, 36_000)
    await next_poll(hass, freezer, entry)
    assert entry.runtime_data.last_error is not None
    assert hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []

    simulator.faults.remove(fault)
    await pass_time(hass, freezer, 600)

    assert entry.runtime_data.last_error is None
    assert hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []


async def test_no_log_line_shows_the_sign_in(
    hass: HomeAssistant,
    browser: Browser,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    entry = await browser.set_up()
    first = dict(entry.data["token"])
    await pass_time(hass, freezer, 36_000)
    await next_poll(hass, freezer, entry)
    assert "refresh_token" in browser.grants()

    simulator.ev_energy.authorization.tokens.end_all()
    await next_poll(hass, freezer, entry)

    ours = [one for one in caplog.records if one.name.startswith("custom_components")]
    text = "\n".join(map(logging.Formatter().format, ours))
    assert text
    secret = simulator.ev_energy.browser.client_secret
    for hidden in (secret, first["access_token"], first["refresh_token"]):
        assert hidden not in text
