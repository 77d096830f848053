"""ev.energy's authorization server, for signing in in the browser."""

from typing import Any, Final, override

from aiohttp import hdrs
from homeassistant.components.application_credentials import ClientCredential
from homeassistant.core import HomeAssistant
from homeassistant.helpers.config_entry_oauth2_flow import (
    AUTH_CALLBACK_PATH,
    LocalOAuth2ImplementationWithPkce,
    async_get_redirect_uri,
)
from homeassistant.helpers.http import current_request
from homeassistant.helpers.network import NoURLAvailableError, get_url

from .context import build_context, build_grant
from .providers.ev_energy.authorization import (
    AUTHORIZE_PATH,
    CONTACT,
    TOKEN_PATH,
    auth_url,
    new_budget,
    token_endpoint,
)
from .vault import NoVault

NO_SECRET: Final = "-"
"""What a person enters where the dialog wants a secret and the application has none."""


class SignIn(LocalOAuth2ImplementationWithPkce):
    """The authorization code with PKCE; no scope is asked, the application's own are granted."""

    def __init__(self, hass: HomeAssistant, domain: str, credential: ClientCredential) -> None:
        """Take the application that ev.energy registered."""
        secret = credential.client_secret.strip()
        super().__init__(
            hass,
            domain,
            credential.client_id.strip(),
            authorize_url=str(auth_url(AUTHORIZE_PATH)),
            token_url=str(auth_url(TOKEN_PATH)),
            # A made-up secret of a public application would be refused.
            client_secret="" if secret == NO_SECRET else secret,
        )
        self._name = credential.name or credential.client_id

    @property
    @override
    def name(self) -> str:
        """Return what tells several applications apart."""
        return self._name

    @override
    async def _token_request(self, data: dict[str, Any]) -> dict[str, Any]:
        """Exchange the code on our own way out: the secret follows no redirect elsewhere.

        Raises:
            ApiError: the exchange failed.

        """
        grant = build_grant(self, {}, NoVault())
        context = build_context(self.hass, {}, grant=grant)
        endpoint = token_endpoint(context, new_budget(context))
        answer = await endpoint.request({key: str(value) for key, value in data.items()})
        token: dict[str, Any] = {
            "access_token": answer.access_token,
            "token_type": "Bearer",
            "expires_in": int(answer.lifetime),
        }
        if answer.refresh_token is not None:
            token["refresh_token"] = answer.refresh_token
        if answer.scope is not None:
            token["scope"] = " ".join(sorted(answer.scope))
        return token


async def async_get_auth_implementation(
    hass: HomeAssistant, auth_domain: str, credential: ClientCredential
) -> SignIn:
    """Return the way to sign in with one application."""
    return SignIn(hass, auth_domain, credential)


async def async_get_description_placeholders(hass: HomeAssistant) -> dict[str, str]:
    """Return what the dialog tells: which redirect address to register, and with whom."""
    return {"redirect_uri": _redirect_address(hass), "contact": CONTACT}


def _redirect_address(hass: HomeAssistant) -> str:
    """Return where the browser will be sent back to, as far as it can be known before."""
    try:
        return async_get_redirect_uri(hass)
    except RuntimeError:
        pass  # the dialog asks by WebSocket, without the header that names the frontend's address
    request = current_request.get()
    base = request.headers.get(hdrs.ORIGIN) if request is not None else None
    if base is None:
        try:
            base = get_url(hass, prefer_external=True)
        except NoURLAvailableError:
            base = ""
    return f"{base}{AUTH_CALLBACK_PATH}"
