"""What the API says when it does not do something, as reasons that a person is told."""

from collections.abc import Mapping
from typing import Final

from ...core.errors import ApiError, CommandRefused, Reason, Refusal

REFUSALS: Final[Mapping[int, Refusal]] = {
    400: Refusal.NOT_POSSIBLE_NOW,
    403: Refusal.NO_PERMISSION,
    404: Refusal.DEVICE_GONE,
    409: Refusal.NOT_POSSIBLE_NOW,
    422: Refusal.NOT_POSSIBLE_NOW,
}
"""By status. Source: OpenAPI document; 409 and 422 explain themselves in words."""

BOOST_REFUSALS: Final[Mapping[int, Refusal]] = {
    **REFUSALS,
    404: Refusal.NO_SESSION,
    503: Refusal.NO_RESPONSE,
}
"""A boost that could not be delivered to the vehicle or charger is a 503 (documented)."""

# The authorization server, asked for a token on the way, has reasons of its own.
_OF_THE_API: Final = frozenset(
    {Reason.REQUEST_REFUSED, Reason.NOT_PERMITTED, Reason.NOT_FOUND, Reason.SERVER_ERROR}
)


def refuse(error: ApiError, reasons: Mapping[int, Refusal]) -> None:
    """Translate what the API itself says; what stands in between has no words of its own.

    Raises:
        CommandRefused: it is a known refusal.

    """
    reason = reasons.get(error.status or 0)
    if reason is not None and error.detail and error.reason in _OF_THE_API:
        raise CommandRefused(reason, detail=error.detail) from error
