"""Home Assistant's errors out of ours: the one place where they are translated."""

from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.update_coordinator import UpdateFailed

from .const import DOMAIN
from .core.errors import ApiError, CredentialsRejected


def update_failed(error: ApiError, account: str) -> UpdateFailed:
    """Return a failed update, with the words for its reason."""
    return UpdateFailed(
        translation_domain=DOMAIN,
        translation_key=error.reason,
        translation_placeholders=placeholders(error, account),
        retry_after=None if error.retry_after is None else max(1.0, error.retry_after),
    )


def auth_failed(error: CredentialsRejected, account: str) -> ConfigEntryAuthFailed:
    """Return the call for a new sign-in, with the words for its reason."""
    return ConfigEntryAuthFailed(
        translation_domain=DOMAIN,
        translation_key=error.reason,
        translation_placeholders=placeholders(error, account),
    )


def placeholders(error: ApiError, account: str) -> dict[str, str]:
    """Return what any of the messages may name."""
    return {
        "account": account,
        "status": str(error.status or "-"),
        "detail": error.detail or "-",
    }
