"""The wizard: choose a provider, give credentials or sign in; discovery, reauth, reconfigure."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
import logging
from typing import Any, Final, override

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlowResult,
    ConfigSubentryFlow,
    OptionsFlow,
)
from homeassistant.core import callback
from homeassistant.helpers.config_entry_oauth2_flow import (
    AbstractOAuth2FlowHandler,
    ImplementationUnavailableError,
    async_get_implementations,
)
from homeassistant.helpers.selector import SelectOptionDict, SelectSelector, SelectSelectorConfig
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo
import voluptuous as vol

from .const import CONF_PROVIDER, DOMAIN, LOGGER
from .context import CONF_IMPLEMENTATION, CONF_TOKEN_ANSWER, build_context, build_grant
from .core.account import Context, FieldKind, Identity, Provider
from .core.discovery import Sighting
from .core.errors import ApiError, CredentialsRejected, Reason, Unavailable
from .discovery import announced_by, known_entry, recognise
from .exceptions import placeholders
from .forms import entered, schema
from .linking import LinkDeviceFlow
from .options_flow import EnergyConnectOptions, has_options
from .providers import PROVIDERS
from .vault import NoVault

CONF_ACCOUNT: Final = "account"
# An identification may take several requests; a person should not wait longer for all of them.
_PATIENCE: Final = 45.0


class EnergyConnectFlow(AbstractOAuth2FlowHandler, domain=DOMAIN):
    """Sets up one account; all ways end in `_found`."""

    DOMAIN = DOMAIN
    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        """Start with no provider chosen."""
        super().__init__()
        self._provider: Provider
        self._sighting: Sighting
        self._identities: list[Identity] = []
        self._sign_in: dict[str, Any] = {}

    @property
    @override
    def logger(self) -> logging.Logger:
        """Return the integration's logger."""
        return LOGGER

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the options of the entry's provider."""
        return EnergyConnectOptions()

    @classmethod
    @callback
    @override
    def async_supports_options_flow(cls, config_entry: ConfigEntry) -> bool:
        """Tell whether the entry's provider has options."""
        provider = PROVIDERS.get(config_entry.data[CONF_PROVIDER])
        return provider is not None and has_options(provider)

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Offer to link devices where the provider can; what comes of it is no subentry."""
        provider = PROVIDERS.get(config_entry.data[CONF_PROVIDER])
        return {"device": LinkDeviceFlow} if provider is not None and provider.link_kinds else {}

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose a provider."""
        return self.async_show_menu(step_id="user", menu_options=list(PROVIDERS))

    async def async_step_enectiva(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Set up an Enectiva customer."""
        return await self._credentials("enectiva", "enectiva", user_input)

    async def async_step_kostal(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Set up a KOSTAL meter."""
        return await self._credentials("kostal", "kostal", user_input)

    async def async_step_enode(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Set up an Enode client."""
        return await self._credentials("enode", "enode", user_input)

    async def async_step_traxes(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Set up a Traxes application."""
        return await self._credentials("traxes", "traxes", user_input)

    async def async_step_ev_energy(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose how to get at an ev.energy account."""
        options = ["ev_energy_sign_in", "ev_energy_credentials"]
        return self.async_show_menu(step_id="ev_energy", menu_options=options)

    async def async_step_ev_energy_sign_in(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Sign in at ev.energy in the browser."""
        self._provider = PROVIDERS["ev_energy"]
        return await self.async_step_pick_implementation()

    async def async_step_ev_energy_credentials(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Use an ev.energy application of one's own."""
        return await self._credentials("ev_energy", "ev_energy_credentials", user_input)

    @override
    async def async_step_dhcp(self, discovery_info: DhcpServiceInfo) -> ConfigFlowResult:
        """Follow a known device to its new address; else look whether a new one answers."""
        announced = announced_by(discovery_info)
        if (known := known_entry(self.hass, announced)) is not None:
            entry, local = known
            return self.async_update_reload_and_abort(
                entry,
                data=local.moved(entry.data, announced),
                reason="already_configured",
                reload_even_if_entry_is_unchanged=False,
            )
        if (recognised := recognise(announced)) is None:
            return self.async_abort(reason=Reason.NOT_A_METER)
        self._provider, self._sighting = recognised
        # Before any request: a device that is being set up, or was ignored, is left alone.
        account = self._sighting.account_id or f"mac_{announced.mac.replace(':', '')}"
        await self.async_set_unique_id(f"{self._provider.key}_{account}")
        self._abort_if_unique_id_configured()
        assert self._provider.local is not None  # it recognised the device
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._provider.local.probe(build_context(self.hass, self._sighting.data))
        except TimeoutError:
            return self.async_abort(reason=Reason.TIMEOUT)
        except ApiError as error:
            return self.async_abort(
                reason=error.reason, description_placeholders=self._placeholders(error)
            )
        self.context["title_placeholders"] = {"name": self._sighting.title}
        return await self.async_step_discovery_confirm()

    async def async_step_discovery_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the secret of a device that was discovered."""
        fields = [field for field in self._provider.fields if field.kind is FieldKind.SECRET]
        error: ApiError | None = None
        if user_input is not None:
            error = await self._identify({**self._sighting.data, **entered(fields, user_input)})
            if error is None:
                return await self._found()
        return self.async_show_form(
            step_id="discovery_confirm",
            data_schema=schema(fields),
            errors=_form_errors(error),
            description_placeholders={
                "name": self._sighting.title,
                "host": str(self._sighting.data["host"]),
                **self._placeholders(error),
            },
        )

    async def _credentials(
        self, key: str, step_id: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Ask for a provider's fields until they open an account."""
        self._provider = provider = PROVIDERS[key]
        error: ApiError | None = None
        if user_input is not None:
            error = await self._identify(entered(provider.fields, user_input))
            if error is None:
                return await self._found()
        return self.async_show_form(
            step_id=step_id,
            data_schema=schema(provider.fields, user_input),
            errors=_form_errors(error),
            description_placeholders=self._placeholders(error),
        )

    async def _identify(self, data: Mapping[str, Any]) -> ApiError | None:
        """Try credentials; the accounts that they open are in `_identities` afterwards."""
        return await self._identify_in(build_context(self.hass, data))

    async def _identify_in(self, context: Context) -> ApiError | None:
        try:
            async with asyncio.timeout(_PATIENCE):
                self._identities = await self._provider.identify(context)
        except TimeoutError:
            return Unavailable(Reason.TIMEOUT)
        except ApiError as error:
            return error
        return None if self._identities else CredentialsRejected(Reason.NO_ACCOUNT)

    async def _found(self) -> ConfigFlowResult:
        """Go on with the account, after the person chose if there are several."""
        if len(self._identities) > 1 and self.source in {SOURCE_REAUTH, SOURCE_RECONFIGURE}:
            entry = self._entry()
            self._identities = [
                item for item in self._identities if self._unique_id(item) == entry.unique_id
            ] or self._identities[:1]
        if len(self._identities) > 1:
            return await self.async_step_account()
        return await self._finish(self._identities[0])

    async def async_step_account(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose one of the accounts that the credentials open."""
        if user_input is not None:
            return await self._finish(self._identities[int(user_input[CONF_ACCOUNT])])
        options = [
            SelectOptionDict(value=str(index), label=identity.title)
            for index, identity in enumerate(self._identities)
        ]
        selector = SelectSelector(SelectSelectorConfig(options=options))
        return self.async_show_form(
            step_id="account", data_schema=vol.Schema({vol.Required(CONF_ACCOUNT): selector})
        )

    async def _finish(self, identity: Identity) -> ConfigFlowResult:
        """Create the entry, or give an existing one its new credentials."""
        unique_id = self._unique_id(identity)
        data = {CONF_PROVIDER: self._provider.key, **identity.data, **self._sign_in}
        if self.source in {SOURCE_REAUTH, SOURCE_RECONFIGURE}:
            entry = self._entry()
            if unique_id and entry.unique_id and unique_id != entry.unique_id:
                return self.async_abort(reason="wrong_account")
            if self._has_twin(unique_id, data, entry):
                return self.async_abort(reason="already_configured")
            return self.async_update_reload_and_abort(entry, data=data)
        # A discovery has an id of its own until the vendor's is known, or that there is none.
        await self.async_set_unique_id(unique_id, raise_on_progress=False)
        self._abort_if_unique_id_configured()
        if self._has_twin(unique_id, data, None):
            return self.async_abort(reason="already_configured")
        return self.async_create_entry(title=identity.title, data=data)

    def _has_twin(
        self, unique_id: str | None, data: Mapping[str, Any], but: ConfigEntry | None
    ) -> bool:
        """Tell whether another entry is of the same account as far as what was entered tells.

        It has to tell where one of the two has no id of the vendor's.
        """
        same = [CONF_PROVIDER, *(field.key for field in self._provider.fields if field.identity)]
        return any(
            entry is not but
            and (unique_id is None or entry.unique_id is None)
            and all(entry.data.get(key) == data.get(key) for key in same)
            for entry in self._async_current_entries(include_ignore=False)
        )

    def _unique_id(self, identity: Identity) -> str | None:
        if identity.account_id is None:
            return None
        return f"{self._provider.key}_{identity.account_id}"

    @override
    async def async_step_creation(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Exchange the code that the browser brought for tokens."""
        try:
            return await super().async_step_creation(user_input)
        except CredentialsRejected:
            return self.async_abort(reason="oauth_unauthorized")
        except ApiError:
            return self.async_abort(reason="oauth_failed")

    @override
    async def async_oauth_create_entry(self, data: dict[str, Any]) -> ConfigFlowResult:
        """Find out whose account the sign-in opened."""
        grant = build_grant(self.flow_impl, data[CONF_TOKEN_ANSWER], NoVault())
        self._sign_in = data
        context = build_context(self.hass, {}, grant=grant)
        if (error := await self._identify_in(context)) is not None:
            return self.async_abort(
                reason=error.reason, description_placeholders=self._placeholders(error)
            )
        return await self._found()

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Start over with an account whose credential was refused."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the secret alone, or for a new sign-in."""
        return await self._again("reauth_confirm", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change what was entered; an empty secret keeps the old one."""
        return await self._again("reconfigure", user_input)

    async def _again(self, step_id: str, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        entry = self._entry()
        self._provider = provider = PROVIDERS[entry.data[CONF_PROVIDER]]
        if CONF_IMPLEMENTATION in entry.data:
            if user_input is None:
                return self.async_show_form(
                    step_id=f"{step_id}_sign_in", description_placeholders={"name": entry.title}
                )
            return await self._sign_in_again(entry.data[CONF_IMPLEMENTATION])
        reauth = self.source == SOURCE_REAUTH
        fields = [
            field for field in provider.fields if not reauth or field.kind is FieldKind.SECRET
        ]
        error: ApiError | None = None
        if user_input is not None:
            # A new secret is for what is known of the account, down to a pinned certificate; whoever
            # reconfigures may mean another address.
            kept = {
                key: value
                for key, value in entry.data.items()
                if reauth or key in _secrets(provider)
            }
            error = await self._identify(kept | entered(fields, user_input))
            if error is None:
                return await self._found()
        return self.async_show_form(
            step_id=step_id,
            data_schema=schema(
                fields, {**entry.data, **(user_input or {})}, secrets_required=reauth
            ),
            errors=_form_errors(error),
            description_placeholders={"name": entry.title, **self._placeholders(error)},
        )

    async def _sign_in_again(self, known: str) -> ConfigFlowResult:
        """Use the same application again, unless another is wanted or it was deleted."""
        if self.source == SOURCE_REAUTH:
            with suppress(ImplementationUnavailableError):
                if known in await async_get_implementations(self.hass, DOMAIN):
                    return await self.async_step_pick_implementation({"implementation": known})
        return await self.async_step_pick_implementation()

    async def async_step_reauth_confirm_sign_in(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Sign in again in the browser."""
        return await self._again("reauth_confirm", user_input)

    async def async_step_reconfigure_sign_in(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Sign in anew in the browser, with another application perhaps."""
        return await self._again("reconfigure", user_input)

    def _entry(self) -> ConfigEntry:
        if self.source == SOURCE_REAUTH:
            return self._get_reauth_entry()
        return self._get_reconfigure_entry()

    def _placeholders(self, error: ApiError | None) -> dict[str, str]:
        shown = dict(self._provider.links)
        if error is not None:
            shown |= placeholders(error, self._provider.name)
        return shown


def _form_errors(error: ApiError | None) -> dict[str, str]:
    return {} if error is None else {"base": error.reason}


def _secrets(provider: Provider) -> set[str]:
    return {field.key for field in provider.fields if field.kind is FieldKind.SECRET}
