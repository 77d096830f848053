"""What the command line can name; imports nothing, since pytest has to be the first to."""

from typing import Final

PROVIDERS: Final = ("enectiva", "kostal", "enode", "traxes", "ev_energy")

MOMENTS: Final = ("wizard", "setup", "running")

NAMES: Final = (
    "connection-refused",
    "dns-failure",
    "reset-in-body",
    "timeout",
    "slow-drip",
    "401-once",
    "401-for-ever",
    "403-json",
    "403-text",
    "404",
    "429-seconds",
    "429-date",
    "429-bare",
    "500",
    "502-html",
    "200-html",
    "empty-body",
    "truncated-json",
    "another-shape",
    "wrong-types",
    "200-mb-body",
    "redirect-elsewhere",
    "paging-for-ever",
    "clock-wrong-by-a-day",
    "token-endpoint-down",
)
"""The faults. A test holds that the catalogue has each of them."""
