"""Enode: vehicles, chargers, batteries, inverters, heating and meters of many makers."""

from .account import PROVIDER

__all__ = ["PROVIDER"]
