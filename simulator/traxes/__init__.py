"""The Connect API of Traxes and its authorization server, in front of the generated house."""

from simulator.traxes.fleet import Fleet
from simulator.traxes.knobs import (
    Application,
    CommandFate,
    Listing,
    NoReading,
    Onboarding,
    Paging,
    Permissions,
    Resolution,
    TraxesKnobs,
    Verification,
)
from simulator.traxes.server import CLIENT_ID, TraxesServer

__all__ = [
    "CLIENT_ID",
    "Application",
    "CommandFate",
    "Fleet",
    "Listing",
    "NoReading",
    "Onboarding",
    "Paging",
    "Permissions",
    "Resolution",
    "TraxesKnobs",
    "TraxesServer",
    "Verification",
]
