"""What a person may choose about an account once it is set up."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.energy_connect.core.account import Field, FieldKind
from custom_components.energy_connect.forms import entered, schema
from custom_components.energy_connect.providers import PROVIDERS
from simulator import Simulator
from tests.accounts import set_up
from tests.scripted import Script, install, start

OPTIONS = (
    Field(key="unit", kind=FieldKind.CHOICE, required=False, default="a", choices=("a", "b")),
    Field(key="position", kind=FieldKind.SWITCH, required=False, default=False),
    Field(key="ids", kind=FieldKind.LIST, required=False),
)


def suggested(flow: Any) -> dict[str, Any]:
    """Return what the form shows before anything is entered."""
    return {
        str(key): (key.description or {}).get("suggested_value")
        if not callable(key.default)
        else key.default()
        for key in flow["data_schema"].schema
    }


async def test_what_was_chosen_reaches_the_account_and_is_shown_again(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, script.provider(options=OPTIONS))
    entry = await start(hass)
    assert entry.supports_options
    flow = await hass.config_entries.options.async_init(entry.entry_id)
    assert suggested(flow) == {"unit": "a", "position": False, "ids": None}

    result = await hass.config_entries.options.async_configure(
        flow["flow_id"], {"unit": "b", "position": True, "ids": ["x", "y"]}
    )
    await hass.async_block_till_done(wait_background_tasks=True)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert dict(script.options) == {"unit": "b", "position": True, "ids": ["x", "y"]}
    flow = await hass.config_entries.options.async_init(entry.entry_id)
    assert suggested(flow) == {"unit": "b", "position": True, "ids": ["x", "y"]}


async def test_what_is_left_empty_is_not_kept(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, script.provider(options=OPTIONS))
    entry = await start(hass, options={"ids": ["x"], "unit": "b"})
    flow = await hass.config_entries.options.async_init(entry.entry_id)

    await hass.config_entries.options.async_configure(flow["flow_id"], {"ids": []})
    await hass.async_block_till_done(wait_background_tasks=True)

    assert dict(entry.options) == {"position": False}


def test_an_empty_text_is_as_good_as_none() -> None:
    assert entered(OPTIONS, {"unit": "", "position": False, "ids": []}) == {"position": False}


def test_a_secret_may_be_left_empty_only_where_there_is_one() -> None:
    secret = (Field(key="token", kind=FieldKind.SECRET),)

    assert schema(secret, secrets_required=False)({}) == {}
    with pytest.raises(Exception, match="token"):
        schema(secret)({})
