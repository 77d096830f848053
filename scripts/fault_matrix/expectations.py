"""What is promised to happen, and where a provider is an exception and why."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """What a person sees of a fault."""

    STARTED = "started"
    """It was set up all the same."""
    RETRIED = "retried"
    """It was not set up, said why, and is tried again."""
    SIGN_IN = "sign-in"
    """A new sign-in was asked for."""
    KEPT = "kept"
    """It went on."""
    DOWN = "down"
    """The last values for the grace time, then unavailable."""


_CREATED: Final = "created"

_HARMLESS: Final = frozenset({"401-once", "wrong-types", "paging-for-ever", "clock-wrong-by-a-day"})
"""One request more, rows left out, an end to a list, time stamps that are off: no failure."""

_WIZARD: Final[Mapping[str, str]] = {
    "connection-refused": "cannot_connect",
    "dns-failure": "host_not_found",
    "reset-in-body": "connection_lost",
    "timeout": "timeout",
    "slow-drip": "timeout",
    "401-for-ever": "invalid_credentials",
    "403-json": "not_permitted",
    "403-text": "blocked",
    "404": "not_found",
    "429-seconds": "rate_limited",
    "429-date": "rate_limited",
    "429-bare": "rate_limited",
    "500": "server_error",
    "502-html": "server_error",
    "200-html": "html_page",
    "empty-body": "not_json",
    "truncated-json": "not_json",
    "another-shape": "unexpected_shape",
    "200-mb-body": "too_large",
    "redirect-elsewhere": "redirected",
    "token-endpoint-down": "server_error",
}

_EXCEPTIONS: Final[Mapping[tuple[str, str, str], str]] = {
    # The meter speaks for itself.
    ("kostal", "connection-refused", "wizard"): "tls_refused",
    ("kostal", "401-for-ever", "wizard"): "token_refused",
    ("kostal", "404", "wizard"): "no_meter_resource",
    ("kostal", "500", "wizard"): "meter_app_failed",
    ("kostal", "502-html", "wizard"): "meter_starting",
    ("kostal", "200-html", "wizard"): "not_a_meter",
    # Who may see nothing is told what to ask the vendor for.
    ("traxes", "403-json", "wizard"): "application_not_allowed",
    ("ev_energy", "403-json", "wizard"): "missing_scopes",
    # A list that is not there, or an answer without content, says that there is nothing (yet).
    ("traxes", "404", "wizard"): _CREATED,
    ("traxes", "404", "setup"): Outcome.STARTED,
    ("traxes", "404", "running"): Outcome.KEPT,
    ("traxes", "empty-body", "wizard"): _CREATED,
    ("traxes", "empty-body", "running"): Outcome.KEPT,
    # An object without the list's key is an empty list, as some write it; nobody is removed by it.
    ("enectiva", "another-shape", "wizard"): _CREATED,
    ("enectiva", "another-shape", "setup"): Outcome.STARTED,
    ("enectiva", "another-shape", "running"): Outcome.KEPT,
    ("enode", "another-shape", "wizard"): _CREATED,
    ("enode", "another-shape", "setup"): Outcome.STARTED,
    ("enode", "another-shape", "running"): Outcome.KEPT,
    ("traxes", "another-shape", "wizard"): _CREATED,
    ("traxes", "another-shape", "setup"): Outcome.STARTED,
    ("traxes", "another-shape", "running"): Outcome.KEPT,
    # Its list may be slow: with a token in hand the first poll gives way, the next one has no limit.
    ("traxes", "timeout", "setup"): Outcome.STARTED,
    ("traxes", "slow-drip", "setup"): Outcome.STARTED,
    # What is refused is asked for seldom; readings that are known stay, each with its time.
    ("enectiva", "403-json", "running"): Outcome.KEPT,
    ("enectiva", "404", "running"): Outcome.KEPT,
    ("traxes", "403-json", "running"): Outcome.KEPT,
}


AT_ONCE: Final = frozenset({("traxes", "403-json")})
"""Where values go at once: whoever withdraws the permission on a device is obeyed."""


def expected(provider: str, fault: str, moment: str) -> str:
    """Return the outcome that is right."""
    exception = _EXCEPTIONS.get((provider, fault, moment))
    if exception is not None:
        return exception
    if moment == "wizard":
        return _CREATED if fault in _HARMLESS else _WIZARD[fault]
    if fault in _HARMLESS:
        return Outcome.STARTED if moment == "setup" else Outcome.KEPT
    if fault == "401-for-ever":
        return Outcome.SIGN_IN
    return Outcome.RETRIED if moment == "setup" else Outcome.DOWN
