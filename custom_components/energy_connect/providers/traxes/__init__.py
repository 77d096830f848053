"""Traxes: devices of many makers behind the Connect API, read with an application's credentials."""

from .account import PROVIDER

__all__ = ["PROVIDER"]
