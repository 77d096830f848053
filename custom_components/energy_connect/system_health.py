"""What Home Assistant's system information says of this integration: counts, no account's name."""

from collections.abc import Iterable
from typing import Any

from homeassistant.components.system_health import (
    SystemHealthRegistration,
    async_check_can_reach_url,
)
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from .const import CONF_PROVIDER, DOMAIN
from .coordinator import EnergyConfigEntry
from .core.account import Provider
from .core.errors import ApiError
from .providers import PROVIDERS

_UNREACHABLE = {"type": "failed", "error": "unreachable"}


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Say who knows."""
    register.async_register_info(_info, "/config/integrations/integration/energy_connect")


async def _info(hass: HomeAssistant) -> dict[str, Any]:
    """Return a few lines for each provider that has an account here."""
    info: dict[str, Any] = {}
    for key, provider in PROVIDERS.items():
        entries: list[EnergyConfigEntry] = [
            entry
            for entry in hass.config_entries.async_entries(DOMAIN, include_ignore=False)
            if entry.data[CONF_PROVIDER] == key
        ]
        if not entries:
            continue
        info[f"{key}_accounts"] = len(entries)
        info[f"{key}_reachable"] = _reachable(hass, provider, entries)
        accounts = [
            entry.runtime_data for entry in entries if entry.state is ConfigEntryState.LOADED
        ]
        left = [account.account.budget.available() for account in accounts]
        if known := [one for one in left if one is not None]:
            info[f"{key}_requests_left"] = min(known)
        if read := [account.read_at for account in accounts if account.read_at is not None]:
            info[f"{key}_last_read"] = min(read)
    return info


async def _reachable(
    hass: HomeAssistant, provider: Provider, entries: Iterable[EnergyConfigEntry]
) -> str | dict[str, str]:
    """Return whether all addresses answer, without a credential; none of them is shown.

    A device of the owner is known by what it answered last: it may need its own certificate.
    """
    if provider.address is None:
        answered = all(
            entry.state is ConfigEntryState.LOADED and entry.runtime_data.last_update_success
            for entry in entries
        )
        return "ok" if answered else _UNREACHABLE
    try:
        addresses = {str(provider.address(entry.data)) for entry in entries}
    except ApiError:
        return _UNREACHABLE
    for address in sorted(addresses):
        answer = await async_check_can_reach_url(hass, address)
        if answer != "ok":
            return answer
    return "ok"
