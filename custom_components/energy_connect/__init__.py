"""Energy Connect: five energy providers in Home Assistant, one entry per account."""

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryError, HomeAssistantError
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.typing import ConfigType

from .const import CONF_PROVIDER, DOMAIN, LOGGER, PLATFORMS
from .context import CONF_IMPLEMENTATION, entry_context
from .coordinator import EnergyConfigEntry, EnergyCoordinator
from .core.errors import ApiError, CredentialsRejected
from .core.history import HistoryAccount
from .exceptions import auth_failed, placeholders
from .history.options import book_store
from .history.services import register_history_services
from .issues import tell_advice
from .linking import register_return
from .providers import PROVIDERS
from .services import register_services
from .vault import StoredVault

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register what is there once for all accounts: the actions, and the way back from pages."""
    register_services(hass)
    register_history_services(hass)
    register_return(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: EnergyConfigEntry) -> bool:
    """Open the account and poll it once."""
    provider = PROVIDERS[entry.data[CONF_PROVIDER]]
    try:
        account = provider.open(await entry_context(hass, entry))
    except CredentialsRejected as error:
        raise auth_failed(error, entry.title) from error
    except ApiError as error:
        raise ConfigEntryError(
            translation_domain=DOMAIN,
            translation_key=error.reason,
            translation_placeholders=placeholders(error, entry.title),
        ) from error
    coordinator = EnergyCoordinator(hass, entry, provider, account)
    # What the account advised is not known to be true once nobody asks it any more.
    entry.async_on_unload(lambda: tell_advice(hass, entry, ()))
    await coordinator.async_config_entry_first_refresh()
    entry.runtime_data = coordinator
    if "recorder" in hass.config.components and isinstance(account, HistoryAccount):
        # Not before: what the recorder is made of is installed with it.
        from .history.backfill import begin_history  # noqa: PLC0415 - see above

        coordinator.history = await begin_history(hass, entry, account)
    # An account without devices must be polled too: its first device may come tomorrow.
    entry.async_on_unload(coordinator.async_add_listener(lambda: None))
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: EnergyConfigEntry) -> bool:
    """Let go of the account."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: EnergyConfigEntry) -> None:
    """Withdraw the sign-in at the provider, best effort, and delete what was kept of it.

    Imported statistics stay: they are the person's.
    """
    await book_store(hass, entry.entry_id).async_remove()
    if CONF_IMPLEMENTATION not in entry.data:
        return
    provider = PROVIDERS[entry.data[CONF_PROVIDER]]
    try:
        if provider.forget is not None:
            await provider.forget(await entry_context(hass, entry))
    except (HomeAssistantError, ApiError) as error:
        # The application may have been deleted before the account.
        LOGGER.debug("The sign-in of %s was not withdrawn: %r", provider.key, error)
    finally:
        await StoredVault(hass, entry.entry_id).remove()


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: EnergyConfigEntry, device: dr.DeviceEntry
) -> bool:
    """Allow a person to delete a device that the account no longer reports."""
    # Nobody knows what an account reports that is not loaded.
    return entry.state is ConfigEntryState.LOADED and entry.runtime_data.forget_device(device)
