"""ev.energy: smart charging of vehicles at home, by its API of version 2."""

from .provider import PROVIDER

__all__ = ["PROVIDER"]
