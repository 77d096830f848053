"""The surroundings that Home Assistant gives an account."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.config_entry_oauth2_flow import (
    AbstractOAuth2Implementation,
    ImplementationUnavailableError,
    LocalOAuth2Implementation,
    async_get_config_entry_implementation,
)
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .core.account import Context, Grant, Vault
from .core.clock import system_clock
from .core.errors import Reason
from .vault import StoredVault

CONF_IMPLEMENTATION = "auth_implementation"
CONF_TOKEN_ANSWER = "token"


def build_context(
    hass: HomeAssistant,
    data: Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
    grant: Grant | None = None,
) -> Context:
    """Return the surroundings for credentials that are being tried, or for an account."""
    return Context(
        session=async_get_clientsession(hass),
        clock=system_clock(),
        zone=dt_util.get_default_time_zone(),
        data=data,
        options=options or {},
        grant=grant,
        language=hass.config.language,
    )


def build_grant(
    implementation: AbstractOAuth2Implementation, seed: Mapping[str, Any], vault: Vault
) -> Grant | None:
    """Return what a sign-in in the browser left; the application's credentials come along."""
    if not isinstance(implementation, LocalOAuth2Implementation):
        return None
    return Grant(
        client_id=implementation.client_id,
        client_secret=implementation.client_secret,
        seed=seed,
        vault=vault,
    )


async def entry_context(hass: HomeAssistant, entry: ConfigEntry[Any]) -> Context:
    """Return the surroundings of an entry's account.

    Raises:
        ConfigEntryNotReady: the application credentials are not loaded yet.
        ConfigEntryAuthFailed: they were deleted.

    """
    grant = None
    if CONF_IMPLEMENTATION in entry.data:
        implementation = await _implementation(hass, entry)
        vault = StoredVault(hass, entry.entry_id)
        grant = build_grant(implementation, entry.data[CONF_TOKEN_ANSWER], vault)
    return build_context(hass, entry.data, entry.options, grant)


async def _implementation(
    hass: HomeAssistant, entry: ConfigEntry[Any]
) -> AbstractOAuth2Implementation:
    try:
        return await async_get_config_entry_implementation(hass, entry)
    except ImplementationUnavailableError as error:
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN,
            translation_key="application_not_loaded",
            translation_placeholders={"account": entry.title},
        ) from error
    except ValueError as error:
        # Up to 2026.9 this is all that Home Assistant says of deleted credentials.
        raise ConfigEntryAuthFailed(
            translation_domain=DOMAIN,
            translation_key=Reason.SIGN_IN_LOST,
            translation_placeholders={"account": entry.title},
        ) from error
