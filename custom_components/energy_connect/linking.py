"""Pages of a provider that an owner visits: how they lead back, and the flow that links a device."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
import re
import secrets
import time
from typing import Any, Final

from aiohttp import web
from homeassistant.components.http import KEY_HASS, HomeAssistantView, current_request
from homeassistant.config_entries import ConfigEntryState, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import UnknownFlow
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.network import NoURLAvailableError, get_url
from homeassistant.helpers.selector import SelectSelector, SelectSelectorConfig, SelectSelectorMode
from homeassistant.util.hass_dict import HassKey
import voluptuous as vol

from .const import DOMAIN, LOGGER
from .coordinator import EnergyCoordinator
from .core.errors import ApiError, CommandRefused
from .core.offers import Linking, Visit
from .core.records import Link
from .core.vocabulary import Kind
from .exceptions import placeholders

RETURN_PATH: Final = "/api/energy_connect/linked"
FRONTEND_BASE: Final = "HA-Frontend-Base"
"""The header in which the browser tells under which address it sees Home Assistant."""
CONF_KINDS: Final = "kinds"

_LIFETIME: Final = 24 * 3600.0  # of Enode's link (vendor); the longest of all
_CLOSE_PAGE: Final = "<script>window.close()</script>"

type Came = Callable[[Mapping[str, str]], Awaitable[None]]
"""Called once when the page led back, with what it said."""


@dataclass(frozen=True, slots=True)
class _Expected:
    came: Came
    until: float


_EXPECTED: Final[HassKey[dict[str, _Expected]]] = HassKey(f"{DOMAIN}_expected")


@callback
def register_return(hass: HomeAssistant) -> None:
    """Serve the address to which the pages lead back."""
    hass.data[_EXPECTED] = {}
    hass.http.register_view(ReturnView())


@callback
def expect_return(hass: HomeAssistant, came: Came) -> str:
    """Return an address of this Home Assistant that works once; `came` is called then.

    Raises:
        NoURLAvailableError: nobody knows under which address Home Assistant can be reached.

    """
    request = current_request.get()
    base = request.headers.get(FRONTEND_BASE) if request is not None else None
    base = base or get_url(hass, prefer_external=True)
    now = time.monotonic()
    expected = hass.data[_EXPECTED]
    for state in [state for state, item in expected.items() if item.until <= now]:
        del expected[state]
    state = secrets.token_urlsafe(32)
    expected[state] = _Expected(came, now + _LIFETIME)
    return f"{base}{RETURN_PATH}?state={state}"


@callback
def visit_of_a_page(
    hass: HomeAssistant, coordinator: EnergyCoordinator, came: Came | None = None
) -> Visit:
    """Return how a page is visited that leads back; the account is read anew then, by default.

    Raises:
        ServiceValidationError: nobody knows under which address Home Assistant can be reached.

    """

    async def read_anew(_: Mapping[str, str]) -> None:
        await coordinator.async_request_refresh()

    try:
        return_to = expect_return(hass, came or read_anew)
    except NoURLAvailableError as error:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_url") from error
    return Visit(return_to=return_to, language=hass.config.language)


class ReturnView(HomeAssistantView):
    """Where a page of a provider leads back to; the one-time state in the address is the key."""

    requires_auth = False
    url = RETURN_PATH
    name = "api:energy_connect:linked"

    async def get(self, request: web.Request) -> web.Response:
        """Take the owner back; a foreign or used state gets 400."""
        expected = request.app[KEY_HASS].data[_EXPECTED]
        item = expected.pop(request.query.get("state", ""), None)
        if item is None or item.until <= time.monotonic():
            return web.Response(
                text="This address is no longer valid. Please start again in Home Assistant.",
                status=HTTPStatus.BAD_REQUEST,
            )
        said = {key: value for key, value in request.query.items() if key != "state"}
        await item.came(said)
        return web.Response(text=_CLOSE_PAGE, content_type="text/html")


class LinkDeviceFlow(ConfigSubentryFlow):
    """Links new devices at the provider; what comes of it are devices, no subentry is stored."""

    def __init__(self) -> None:
        """Begin."""
        self._link: Link | None = None
        self._said: Mapping[str, str] = {}

    @property
    def _coordinator(self) -> EnergyCoordinator | None:
        entry = self._get_entry()
        return entry.runtime_data if entry.state is ConfigEntryState.LOADED else None

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Choose what to link."""
        coordinator = self._coordinator
        if coordinator is None:
            return self.async_abort(reason="not_loaded")
        offered = coordinator.provider.link_kinds
        errors: dict[str, str] = {}
        words: dict[str, str] = {"detail": "-"}
        if user_input is not None:
            if not user_input[CONF_KINDS]:
                errors[CONF_KINDS] = "nothing_chosen"
            else:
                kinds = frozenset(Kind(kind) for kind in user_input[CONF_KINDS])
                try:
                    self._link = await self._open(coordinator, kinds)
                    return await self.async_step_page()
                except ServiceValidationError:
                    return self.async_abort(reason="no_url")
                except CommandRefused as error:
                    errors["base"] = "no_permission"
                    words["detail"] = error.detail or "-"
                except ApiError as error:
                    errors["base"] = error.reason
                    words |= placeholders(error, coordinator.name)
        selector = SelectSelector(
            SelectSelectorConfig(
                options=[kind.value for kind in offered],
                multiple=True,
                mode=SelectSelectorMode.LIST,
                translation_key="kind",
            )
        )
        chosen = user_input[CONF_KINDS] if user_input else [kind.value for kind in offered]
        return self.async_show_form(
            step_id="user",
            data_schema=vol.Schema({vol.Required(CONF_KINDS, default=chosen): selector}),
            errors=errors,
            description_placeholders=words,
        )

    async def _open(self, coordinator: EnergyCoordinator, kinds: frozenset[Kind]) -> Link:
        account = coordinator.account
        assert isinstance(account, Linking)  # its provider has kinds to link
        return await account.link(kinds, visit_of_a_page(self.hass, coordinator, self._came_back))

    async def _came_back(self, said: Mapping[str, str]) -> None:
        """Go on in the flow; whoever closed it has linked all the same."""
        try:
            await self.hass.config_entries.subentries.async_configure(self.flow_id, dict(said))
        except UnknownFlow:
            if (coordinator := self._coordinator) is not None:
                await coordinator.async_request_refresh()

    async def async_step_page(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Wait until the page of the provider leads back."""
        if user_input is None:
            assert self._link is not None
            return self.async_external_step(step_id="page", url=self._link.url)
        self._said = user_input
        return self.async_external_step_done(next_step_id="linked")

    async def async_step_linked(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Read the account anew: its new devices appear by themselves."""
        coordinator = self._coordinator
        if coordinator is not None:
            await coordinator.async_refresh()
        if error := self._said.get("error"):
            LOGGER.debug("The owner left the provider's page without linking")
            detail = self._said.get("error_message") or error
            return self.async_abort(
                reason="link_refused", description_placeholders={"detail": _plain(detail)}
            )
        return self.async_abort(reason="linked")


def _plain(text: str) -> str:
    """Return what came in an address as harmless words: a dialog renders markdown."""
    return re.sub(r"[^\w .,:;'-]", " ", text)[:200].strip() or "-"
