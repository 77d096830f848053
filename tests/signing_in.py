"""Signing in at ev.energy as a person does: the wizard, the consent page, the way back."""

from typing import Any, Final

import aiohttp
from homeassistant.components.application_credentials import (
    ClientCredential,
    async_import_client_credential,
)
from homeassistant.config_entries import ConfigEntry, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from yarl import URL

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.coordinator import EnergyCoordinator
from simulator import Simulator
from tests.accounts import begin

CALLBACK: Final = "https://example.com/auth/external/callback"
IMPLEMENTATION: Final = "ours"


class Browser:
    """A person's browser: it follows the wizard to the consent page and comes back."""

    def __init__(
        self, hass: HomeAssistant, simulator: Simulator, visitor: ClientSessionGenerator
    ) -> None:
        """Know nothing yet."""
        self.hass = hass
        self.simulator = simulator
        self._visitor = visitor
        simulator.ev_energy.register_redirect(CALLBACK)

    async def register(
        self, *, client_id: str | None = None, secret: str | None = None, as_: str = IMPLEMENTATION
    ) -> None:
        """Enter the application's credentials in Home Assistant."""
        assert await async_setup_component(self.hass, "application_credentials", {})
        application = self.simulator.ev_energy.browser
        credential = ClientCredential(
            client_id or application.client_id,
            application.client_secret if secret is None else secret,
            "Application of ours",
        )
        await async_import_client_credential(self.hass, DOMAIN, credential, as_)

    async def begin(self) -> ConfigFlowResult:
        """Go through the menus up to the consent page."""
        return await self.choose(await begin(self.hass, "ev_energy", "ev_energy_sign_in"))

    async def choose(self, flow: ConfigFlowResult) -> ConfigFlowResult:
        """Choose the application, if the wizard asks; in a real browser one alone is taken."""
        if flow["type"] is FlowResultType.FORM and flow["step_id"] == "pick_implementation":
            return await self.go_on(flow, {"implementation": IMPLEMENTATION})
        return flow

    async def go_on(
        self, flow: ConfigFlowResult, entered: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Send a form, or press on."""
        result = await self.hass.config_entries.flow.async_configure(flow["flow_id"], entered)
        await self.hass.async_block_till_done()
        return result

    async def consent(self, flow: ConfigFlowResult, answer: str = "allow") -> URL:
        """Press a button on the consent page; return where it leads."""
        assert flow["type"] is FlowResultType.EXTERNAL_STEP, flow
        async with (
            aiohttp.ClientSession() as session,
            session.post(flow["url"], data={answer: "yes"}, allow_redirects=False) as response,
        ):
            assert response.status == 302, await response.text()
            back = URL(response.headers["Location"])
        assert str(back).startswith(CALLBACK)
        return back

    async def come_back(self, flow: ConfigFlowResult, back: URL) -> ConfigFlowResult:
        """Follow the redirect to Home Assistant's real callback; return where the wizard is."""
        client = await self._visitor()
        response = await client.get(back.path_qs)
        assert response.status == 200
        await self.hass.async_block_till_done()
        return await self.go_on(flow)

    async def sign_in(self, flow: ConfigFlowResult) -> ConfigFlowResult:
        """Allow, and come back."""
        return await self.come_back(flow, await self.consent(flow))

    async def set_up(self) -> ConfigEntry[EnergyCoordinator]:
        """Register, sign in, and return the entry."""
        await self.register()
        result = await self.sign_in(await self.begin())
        assert result["type"] is FlowResultType.CREATE_ENTRY, result
        entry: ConfigEntry[EnergyCoordinator] = result["result"]
        return entry

    def grants(self) -> list[str]:
        """Return what the token endpoint was asked for, in order."""
        return [
            request.facts.get("grant", "refused")
            for request in self.simulator.journal.requests(path="/o/token/")
        ]
