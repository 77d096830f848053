"""The five accounts, set up as a person does: menu, form, consent in the browser."""

from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from homeassistant.components.application_credentials import (
    ClientCredential,
    async_import_client_credential,
)
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_USER, ConfigEntry, ConfigFlowResult
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.config_entry_oauth2_flow import HEADER_FRONTEND_BASE
from homeassistant.helpers.http import current_request

from custom_components.energy_connect.const import CONF_PROVIDER, DOMAIN
from custom_components.energy_connect.coordinator import EnergyCoordinator
from custom_components.energy_connect.history.options import CONF_DEPTH, MONTH
from custom_components.energy_connect.providers import PROVIDERS
from simulator import Simulator

from .house import House

type Entry = ConfigEntry[EnergyCoordinator]

_CALLBACK: Final = "/auth/external/callback"


class Person:
    """Goes through the wizard."""

    def __init__(self, house: House, simulator: Simulator) -> None:
        """Take the house, and the providers where this person has accounts."""
        self._house = house
        self._simulator = simulator

    def credentials(self, provider: str) -> dict[str, Any]:
        """Return what is typed into the provider's form."""
        keys = {field.key for field in PROVIDERS[provider].fields}
        known = self._simulator.credentials()[provider]
        return {key: value for key, value in known.items() if key in keys}

    async def set_up(self, provider: str) -> Entry:
        """Add an account."""
        flows = self._house.hass.config_entries.flow
        flow = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
        flow = await flows.async_configure(flow["flow_id"], {"next_step_id": provider})
        if f"{provider}_sign_in" in (flow.get("menu_options") or ()):
            flow = await self._sign_in(flow, provider)
        else:
            flow = await flows.async_configure(flow["flow_id"], self.credentials(provider))
        assert flow["type"] is FlowResultType.CREATE_ENTRY, flow
        entry: Entry = flow["result"]
        entries = self._house.hass.config_entries
        entries.async_update_entry(entry, options={CONF_DEPTH: MONTH})
        await entries.async_reload(entry.entry_id)
        return entry

    async def _sign_in(self, flow: ConfigFlowResult, provider: str) -> ConfigFlowResult:
        hass = self._house.hass
        application = self._simulator.ev_energy.browser_application(f"{self._house.url}{_CALLBACK}")
        await async_import_client_credential(
            hass,
            DOMAIN,
            ClientCredential(application.client_id, application.client_secret, "Ours"),
        )
        # What Home Assistant's web server knows of the browser that asks.
        asked: Any = SimpleNamespace(headers={HEADER_FRONTEND_BASE: self._house.url})
        token = current_request.set(asked)
        try:
            flows = hass.config_entries.flow
            flow = await flows.async_configure(
                flow["flow_id"], {"next_step_id": f"{provider}_sign_in"}
            )
        finally:
            current_request.reset(token)
        assert flow["type"] is FlowResultType.EXTERNAL_STEP, flow
        async with aiohttp.ClientSession() as browser:
            async with browser.post(
                flow["url"], data={"allow": "yes"}, allow_redirects=False
            ) as page:
                back = page.headers["Location"]
            async with browser.get(back) as page:
                page.raise_for_status()
        return await flows.async_configure(flow["flow_id"])

    def entries(self) -> dict[str, Entry]:
        """Return the accounts by provider."""
        found = self._house.hass.config_entries.async_entries(DOMAIN)
        return {entry.data[CONF_PROVIDER]: entry for entry in found}

    def sign_ins(self) -> list[ConfigFlowResult]:
        """Return the requests for a new sign-in."""
        flows = self._house.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        return [flow for flow in flows if flow["context"]["source"] == SOURCE_REAUTH]

    async def sign_in_again(self, flow: ConfigFlowResult, provider: str) -> None:
        """Enter what is right now into the form that Home Assistant asks to fill."""
        flows = self._house.hass.config_entries.flow
        shown = await flows.async_configure(flow["flow_id"])
        form = shown["data_schema"]
        assert form is not None
        wanted = {str(key) for key in form.schema}
        typed = {key: text for key, text in self.credentials(provider).items() if key in wanted}
        result = await flows.async_configure(flow["flow_id"], typed)
        assert result.get("reason") == "reauth_successful", result
