"""Enectiva's REST API in front of a small portfolio of buildings."""

from simulator.enectiva.knobs import EnectivaKnobs, Identification, Links
from simulator.enectiva.server import EnectivaServer
from simulator.enectiva.tokens import ALL_SCOPES, CUSTOMER_UUID, LoginToken

__all__ = [
    "ALL_SCOPES",
    "CUSTOMER_UUID",
    "EnectivaKnobs",
    "EnectivaServer",
    "Identification",
    "Links",
    "LoginToken",
]
