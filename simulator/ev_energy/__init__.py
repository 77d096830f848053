"""ev.energy's API of version 2 with its authorization server, in front of the car park."""

from simulator.ev_energy.applications import ALL_SCOPES, Application, GrantType
from simulator.ev_energy.knobs import EvEnergyKnobs, UserHeader
from simulator.ev_energy.server import EvEnergyServer

__all__ = [
    "ALL_SCOPES",
    "Application",
    "EvEnergyKnobs",
    "EvEnergyServer",
    "GrantType",
    "UserHeader",
]
