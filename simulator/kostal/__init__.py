"""A KOSTAL Smart Energy Meter with its local JSON interface."""

from simulator.kostal.device import Access, KostalKnobs, Persona
from simulator.kostal.server import KostalServer
from simulator.kostal.tokens import AccessToken, Role

__all__ = ["Access", "AccessToken", "KostalKnobs", "KostalServer", "Persona", "Role"]
