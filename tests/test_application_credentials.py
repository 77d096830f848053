"""The dialog in which a person enters an application's credentials."""

from typing import Any

from homeassistant.components.application_credentials import ClientCredential
from homeassistant.core import HomeAssistant
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.helpers.config_entry_oauth2_flow import AbstractOAuth2Implementation
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from custom_components.energy_connect.application_credentials import (
    async_get_auth_implementation,
    async_get_description_placeholders,
)
from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.context import build_grant
from custom_components.energy_connect.providers.ev_energy.authorization import CONTACT
from custom_components.energy_connect.vault import NoVault


async def told(hass: HomeAssistant, hass_ws_client: WebSocketGenerator) -> dict[str, Any]:
    """Return what the dialog is told about us."""
    assert await async_setup_component(hass, "application_credentials", {})
    client = await hass_ws_client(hass)
    await client.send_json_auto_id({"type": "application_credentials/config"})
    answer = await client.receive_json()
    assert answer["success"], answer
    placeholders: dict[str, Any] = answer["result"]["integrations"][DOMAIN]
    return dict(placeholders["description_placeholders"])


async def test_it_tells_which_address_to_register_and_with_whom(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator
) -> None:
    await async_process_ha_core_config(hass, {"internal_url": "http://home.invalid:8123"})

    assert await told(hass, hass_ws_client) == {
        "redirect_uri": "http://home.invalid:8123/auth/external/callback",
        "contact": CONTACT,
    }


async def test_it_tells_the_address_at_which_the_person_is(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, hass_access_token: str
) -> None:
    assert await async_setup_component(hass, "application_credentials", {})
    client = await hass_client()
    headers = {"Origin": "https://home.example.org"}
    async with client.ws_connect("/api/websocket", headers=headers) as socket:
        await socket.receive_json()
        await socket.send_json({"type": "auth", "access_token": hass_access_token})
        await socket.receive_json()
        await socket.send_json({"id": 1, "type": "application_credentials/config"})
        answer = await socket.receive_json()

    placeholders = answer["result"]["integrations"][DOMAIN]["description_placeholders"]
    assert placeholders["redirect_uri"] == "https://home.example.org/auth/external/callback"


async def test_nobody_asking_is_no_fault(hass: HomeAssistant) -> None:
    await async_process_ha_core_config(hass, {"internal_url": "http://home.invalid:8123"})

    found = await async_get_description_placeholders(hass)

    assert found["redirect_uri"] == "http://home.invalid:8123/auth/external/callback"


async def test_it_tells_the_shared_address_if_that_is_used(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator
) -> None:
    hass.config.components.add("my")  # all that counts; to set it up takes the whole frontend

    found = await told(hass, hass_ws_client)

    assert found["redirect_uri"] == "https://my.home-assistant.io/redirect/oauth"


async def test_it_tells_the_path_if_no_address_is_known(hass: HomeAssistant) -> None:
    found = await async_get_description_placeholders(hass)

    assert found["redirect_uri"] == "/auth/external/callback"


async def test_applications_are_told_apart_by_their_names(hass: HomeAssistant) -> None:
    named = ClientCredential(" id ", " secret ", "Ours")
    nameless = ClientCredential("id", "secret")

    first = await async_get_auth_implementation(hass, "one", named)
    second = await async_get_auth_implementation(hass, "two", nameless)

    assert (first.name, second.name) == ("Ours", "id")
    assert (first.client_id, first.client_secret) == ("id", "secret")


class Linked(AbstractOAuth2Implementation):
    """A sign-in by way of a cloud, whose secret nobody here knows."""

    name = "Cloud"
    domain = "cloud"

    async def async_generate_authorize_url(self, flow_id: str) -> str:
        return ""

    async def async_resolve_external_data(self, external_data: Any) -> dict[str, Any]:
        return {}

    async def _async_refresh_token(self, token: dict[str, Any]) -> dict[str, Any]:
        return token


def test_a_sign_in_without_credentials_of_ours_is_no_grant() -> None:
    assert build_grant(Linked(), {}, NoVault()) is None
