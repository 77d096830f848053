"""Enode's client API and token endpoint in front of the house and the car park."""

from simulator.enode.knobs import ALL_SCOPES, EnodeKnobs
from simulator.enode.server import EnodeServer
from simulator.enode.tokens import PRODUCTION, SANDBOX, Client

__all__ = ["ALL_SCOPES", "PRODUCTION", "SANDBOX", "Client", "EnodeKnobs", "EnodeServer"]
