"""The wizard, for every provider that is set up by filling in a form."""

from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.energy_connect.const import CONF_PROVIDER
from custom_components.energy_connect.core.account import FieldKind
from custom_components.energy_connect.providers import PROVIDERS
from simulator import Simulator, faults
from tests.accounts import begin, credentials, enter, entry_flow, set_up

STEPS = {key: (key,) for key in PROVIDERS} | {"ev_energy": ("ev_energy", "ev_energy_credentials")}
FORMS = pytest.mark.parametrize("provider", PROVIDERS)
SECRETS = {
    key: next(field.key for field in provider.fields if field.kind is FieldKind.SECRET)
    for key, provider in PROVIDERS.items()
}


async def test_the_wizard_begins_with_a_menu_of_providers(hass: HomeAssistant) -> None:
    flow = await begin(hass)

    assert flow["type"] is FlowResultType.MENU
    assert flow["menu_options"] == list(PROVIDERS)


@FORMS
async def test_good_credentials_make_a_loaded_entry(
    hass: HomeAssistant, simulator: Simulator, provider: str
) -> None:
    entry = await set_up(hass, simulator, provider, *STEPS[provider])

    assert entry.state is ConfigEntryState.LOADED
    assert entry.data[CONF_PROVIDER] == provider
    assert entry.unique_id is not None
    assert entry.unique_id.startswith(f"{provider}_")
    assert entry.title.strip()


@FORMS
async def test_the_same_account_is_not_added_twice(
    hass: HomeAssistant, simulator: Simulator, provider: str
) -> None:
    await set_up(hass, simulator, provider, *STEPS[provider])

    flow = await begin(hass, *STEPS[provider])
    result = await enter(hass, flow, credentials(simulator, provider))

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


@FORMS
async def test_a_provider_in_trouble_is_told_and_trying_again_helps(
    hass: HomeAssistant, simulator: Simulator, provider: str
) -> None:
    fault = simulator.faults.add(faults.Status(status=500), provider=provider)
    flow = await begin(hass, *STEPS[provider])
    result = await enter(hass, flow, credentials(simulator, provider))

    assert result["type"] is FlowResultType.FORM
    assert result["errors"] in ({"base": "server_error"}, {"base": "meter_app_failed"})

    simulator.faults.remove(fault)
    result = await enter(hass, result, credentials(simulator, provider))

    assert result["type"] is FlowResultType.CREATE_ENTRY


@FORMS
async def test_a_secret_is_never_shown_again(
    hass: HomeAssistant, simulator: Simulator, provider: str
) -> None:
    simulator.faults.add(faults.Status(status=503), provider=provider)
    flow = await begin(hass, *STEPS[provider])
    entered = credentials(simulator, provider)

    result = await enter(hass, flow, entered)

    shown = str(result["data_schema"]) + str(
        [(key.schema, key.description, key.default) for key in result["data_schema"].schema]
    )
    assert entered[SECRETS[provider]] not in shown


@FORMS
async def test_reauth_takes_a_new_secret_for_the_same_account(
    hass: HomeAssistant, simulator: Simulator, provider: str
) -> None:
    entry = await set_up(hass, simulator, provider, *STEPS[provider])
    secret = SECRETS[provider]
    before = dict(entry.data)
    hass.config_entries.async_update_entry(entry, data={**before, secret: "old"})

    flow = await entry_flow(hass, entry, SOURCE_REAUTH)
    assert flow["step_id"] == "reauth_confirm"
    assert {str(key) for key in flow["data_schema"].schema} == {secret}
    result = await enter(hass, flow, {secret: before[secret]})

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    assert entry.data[secret] == before[secret]
    assert entry.state is ConfigEntryState.LOADED


@FORMS
async def test_reauth_with_another_wrong_secret_asks_on(
    hass: HomeAssistant, simulator: Simulator, provider: str
) -> None:
    entry = await set_up(hass, simulator, provider, *STEPS[provider])
    secret = SECRETS[provider]

    flow = await entry_flow(hass, entry, SOURCE_REAUTH)
    result = await enter(hass, flow, {secret: "f00"})

    assert result["type"] is FlowResultType.FORM
    assert result["errors"]

    result = await enter(hass, result, {secret: entry.data[secret]})

    assert result["reason"] == "reauth_successful"


@FORMS
async def test_reconfigure_keeps_a_secret_that_is_left_empty(
    hass: HomeAssistant, simulator: Simulator, provider: str
) -> None:
    entry = await set_up(hass, simulator, provider, *STEPS[provider])
    before = dict(entry.data)
    entered = credentials(simulator, provider)
    del entered[SECRETS[provider]]

    flow = await entry_flow(hass, entry, SOURCE_RECONFIGURE)
    assert flow["step_id"] == "reconfigure"
    result = await enter(hass, flow, entered)

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert dict(entry.data) == before
    assert entry.state is ConfigEntryState.LOADED
