"""Enectiva (Enerfis): buildings with their meters, through the REST API "Librarian"."""

from .provider import PROVIDER

__all__ = ["PROVIDER"]
