"""Whose account the wizard found: several, none, the same again, the wrong one."""

from typing import Any

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.energy_connect import config_flow
from custom_components.energy_connect.core.account import Field, FieldKind
from custom_components.energy_connect.core.errors import (
    CredentialsRejected,
    RateLimited,
    Reason,
    UnexpectedResponse,
)
from tests.accounts import begin, enter, entry_flow
from tests.scripted import Script, add_entry, hang, identity, install

# The wizard has a step for each of the providers only, so the script takes one's place.
STEP = "kostal"
FORM = {"host": "h", "token": "t"}


@pytest.fixture
def script(script: Script, monkeypatch: pytest.MonkeyPatch) -> Script:
    install(monkeypatch, script.provider(STEP))
    return script


def add(hass: HomeAssistant, account_id: str | None = "1", **data: Any) -> Any:
    unique_id = None if account_id is None else f"{STEP}_{account_id}"
    return add_entry(hass, unique_id=unique_id, data={"provider": STEP, **FORM, **data})


async def fill_in(hass: HomeAssistant, **changed: Any) -> ConfigFlowResult:
    return await enter(hass, await begin(hass, STEP), FORM | changed)


async def test_one_account_is_taken_as_it_is(hass: HomeAssistant, script: Script) -> None:
    script.identities = [identity("7", "Mill", path="/x")]

    result = await fill_in(hass)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Mill"
    entry = result["result"]
    assert entry.unique_id == "kostal_7"
    assert dict(entry.data) == {"provider": STEP, **FORM, "path": "/x"}


async def test_of_several_accounts_a_person_chooses(hass: HomeAssistant, script: Script) -> None:
    script.identities = [identity("1", "Mill"), identity("2", "Barn")]

    result = await fill_in(hass)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "account"
    (selector,) = result["data_schema"].schema.values()  # type: ignore[union-attr] # a form has one
    assert [option["label"] for option in selector.config["options"]] == ["Mill", "Barn"]

    result = await enter(hass, result, {"account": "1"})

    assert result["title"] == "Barn"
    assert result["result"].unique_id == "kostal_2"


async def test_an_account_that_is_chosen_twice_is_refused(
    hass: HomeAssistant, script: Script
) -> None:
    add(hass, "2")
    script.identities = [identity("1", "Mill"), identity("2", "Barn")]

    result = await enter(hass, await fill_in(hass), {"account": "1"})

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_credentials_that_open_nothing_are_said_to(
    hass: HomeAssistant, script: Script
) -> None:
    found, script.identities = script.identities, []
    result = await fill_in(hass)
    assert result["errors"] == {"base": Reason.NO_ACCOUNT}

    script.identities = found
    result = await enter(hass, result, FORM)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_provider_that_takes_too_long_is_given_up(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_flow, "_PATIENCE", 0.01)
    script.before = hang
    result = await fill_in(hass)
    assert result["errors"] == {"base": Reason.TIMEOUT}

    script.before = None
    result = await enter(hass, result, FORM)
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    "refusal",
    [
        CredentialsRejected(Reason.TOKEN_REFUSED, status=401),
        RateLimited(30),
        UnexpectedResponse(Reason.REQUEST_REFUSED, status=422, detail="wrong parameter"),
    ],
    ids=lambda error: error.reason,
)
async def test_a_refusal_is_told_and_what_was_entered_stays(
    hass: HomeAssistant, script: Script, refusal: Any
) -> None:
    script.refusal = refusal

    result = await fill_in(hass, host="mill.local")

    assert result["errors"] == {"base": refusal.reason}
    assert result["description_placeholders"] is not None
    assert result["description_placeholders"]["detail"] == (refusal.detail or "-")
    schema = result["data_schema"]
    assert schema is not None
    filled = {str(key): (key.description or {}).get("suggested_value") for key in schema.schema}
    assert filled == {"host": "mill.local", "token": None}


async def test_two_wizards_at_once_make_one_entry(hass: HomeAssistant, script: Script) -> None:
    first, second = await begin(hass, STEP), await begin(hass, STEP)

    assert (await enter(hass, first, FORM))["type"] is FlowResultType.CREATE_ENTRY
    assert (await enter(hass, second, FORM))["reason"] == "already_configured"


# Accounts of which the vendor shows no id.


async def test_an_account_without_an_id_is_known_by_what_was_entered(
    hass: HomeAssistant, script: Script
) -> None:
    script.identities = [identity(None)]
    result = await fill_in(hass)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id is None

    assert (await fill_in(hass, token="another"))["reason"] == "already_configured"

    script.identities = [identity(None, host="elsewhere")]
    assert (await fill_in(hass, host="elsewhere"))["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(("first", "second"), [("1", None), (None, "1")])
async def test_an_account_is_the_same_with_and_without_its_id(
    hass: HomeAssistant, script: Script, first: str | None, second: str | None
) -> None:
    add(hass, first)
    script.identities = [identity(second)]

    assert (await fill_in(hass))["reason"] == "already_configured"


async def test_several_accounts_may_be_behind_one_client(
    hass: HomeAssistant, script: Script
) -> None:
    add(hass, "1")
    script.identities = [identity("2")]

    assert (await fill_in(hass))["type"] is FlowResultType.CREATE_ENTRY


async def test_an_account_of_another_provider_is_another_one(
    hass: HomeAssistant, script: Script
) -> None:
    add_entry(hass, unique_id=None, data={"provider": "traxes", **FORM})
    script.identities = [identity(None)]

    assert (await fill_in(hass))["type"] is FlowResultType.CREATE_ENTRY


async def test_reconfiguring_onto_an_account_without_an_id_that_exists_is_refused(
    hass: HomeAssistant, script: Script
) -> None:
    add(hass, None)
    entry = add(hass, None, host="elsewhere")
    script.identities = [identity(None)]

    result = await enter(hass, await entry_flow(hass, entry, SOURCE_RECONFIGURE), {"host": "h"})

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data["host"] == "elsewhere"


# Signing in again, and changing what was entered.


@pytest.mark.parametrize("source", [SOURCE_REAUTH, SOURCE_RECONFIGURE])
async def test_another_account_is_not_put_in_the_place_of_one(
    hass: HomeAssistant, script: Script, source: str
) -> None:
    entry = add(hass, "1")
    script.identities = [identity("2", token="other")]

    flow = await entry_flow(hass, entry, source)
    entered = {"token": "other"} if source == SOURCE_REAUTH else FORM
    result = await enter(hass, flow, entered)

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "wrong_account")
    assert entry.data["token"] == "t"


@pytest.mark.parametrize("source", [SOURCE_REAUTH, SOURCE_RECONFIGURE])
async def test_of_several_accounts_the_one_of_the_entry_is_taken(
    hass: HomeAssistant, script: Script, source: str
) -> None:
    entry = add(hass, "2")
    script.identities = [identity("1"), identity("2", token="new"), identity("3")]

    flow = await entry_flow(hass, entry, source)
    result = await enter(hass, flow, {"token": "new"} if source == SOURCE_REAUTH else FORM)

    assert result["reason"] == f"{'reauth' if source == SOURCE_REAUTH else source}_successful"
    assert entry.data["token"] == "new"


async def test_of_several_other_accounts_none_is_taken(hass: HomeAssistant, script: Script) -> None:
    entry = add(hass, "9")
    script.identities = [identity("1"), identity("2")]

    result = await enter(hass, await entry_flow(hass, entry, SOURCE_REAUTH), {"token": "t"})

    assert result["reason"] == "wrong_account"


async def test_a_new_secret_is_tried_on_the_account_as_it_was_found(
    hass: HomeAssistant, script: Script
) -> None:
    entry = add(hass, "1", fingerprint="aa", path="/x")

    await enter(hass, await entry_flow(hass, entry, SOURCE_REAUTH), {"token": "new"})

    assert script.tried[-1]["token"] == "new"
    assert script.tried[-1]["host"] == "h"
    assert script.tried[-1]["fingerprint"] == "aa"


async def test_a_changed_address_is_found_anew(hass: HomeAssistant, script: Script) -> None:
    entry = add(hass, "1", fingerprint="aa")

    flow = await entry_flow(hass, entry, SOURCE_RECONFIGURE)
    await enter(hass, flow, {"host": "elsewhere"})

    assert dict(script.tried[-1]) == {"host": "elsewhere", "token": "t"}


async def test_the_form_to_change_shows_what_was_entered_but_no_secret(
    hass: HomeAssistant, script: Script
) -> None:
    entry = add(hass, "1", host="mill.local")

    flow = await entry_flow(hass, entry, SOURCE_RECONFIGURE)

    assert flow["data_schema"] is not None
    keys = list(flow["data_schema"].schema)
    assert {str(key): key.description["suggested_value"] for key in keys} == {
        "host": "mill.local",
        "token": None,
    }


async def test_an_optional_field_that_is_emptied_is_forgotten(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = (
        Field(key="host", identity=True),
        Field(key="user_id", required=False),
        Field(key="token", kind=FieldKind.SECRET),
    )
    install(monkeypatch, script.provider(STEP, fields=fields))
    entry = add(hass, "1", user_id="somebody")

    await enter(hass, await entry_flow(hass, entry, SOURCE_RECONFIGURE), {"host": "h"})

    assert dict(script.tried[-1]) == FORM


async def test_a_new_secret_loads_the_account_again(hass: HomeAssistant, script: Script) -> None:
    script.error = CredentialsRejected(Reason.TOKEN_REFUSED)
    entry = add(hass, "1")
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    script.error = None
    (flow,) = hass.config_entries.flow.async_progress()

    result = await hass.config_entries.flow.async_configure(flow["flow_id"], {"token": "new"})
    await hass.async_block_till_done()

    assert result["reason"] == "reauth_successful"
    assert entry.state is ConfigEntryState.LOADED
    assert hass.config_entries.flow.async_progress() == []
