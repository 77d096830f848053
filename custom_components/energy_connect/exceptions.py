"""Home Assistant's errors out of ours: the one place where they are translated."""

import math

from homeassistant.exceptions import (
    ConfigEntryAuthFailed,
    HomeAssistantError,
    ServiceValidationError,
)
from homeassistant.helpers.update_coordinator import UpdateFailed

from .const import DOMAIN
from .core.commands import Outcome
from .core.errors import ApiError, CommandRefused, CredentialsRejected, Refusal


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


def call_failed(error: ApiError, account: str) -> HomeAssistantError:
    """Return a failed call of a person or an automation, with the words for its reason."""
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=error.reason,
        translation_placeholders=placeholders(error, account),
    )


def command_refused(error: CommandRefused, device: str) -> ServiceValidationError:
    """Return a command that can't be, or not now, with the words for its reason."""
    low, high = error.limits or (0.0, 0.0)
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=error.reason,
        translation_placeholders={
            "device": device,
            "detail": error.detail or "-",
            "minutes": str(math.ceil((error.retry_after or 60.0) / 60)),
            "minimum": f"{low:g}",
            "maximum": f"{high:g}",
        },
    )


def command_failed(outcome: Outcome, device: str, account: str) -> HomeAssistantError:
    """Return an accepted command that came to nothing, with the words for its reason."""
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=outcome.reason or Refusal.DEVICE_FAILED,
        translation_placeholders={
            "device": device,
            "account": account,
            "status": "-",
            "detail": outcome.detail or "-",
            "minutes": "-",
            "minimum": "-",
            "maximum": "-",
        },
    )


def placeholders(error: ApiError, account: str) -> dict[str, str]:
    """Return what any of the messages may name."""
    return {
        "account": account,
        "status": str(error.status or "-"),
        "detail": error.detail or "-",
    }
