"""ev.energy: smart charging of vehicles at home, by its API of version 2."""

from .authorization import AUTHORIZE_PATH, CONTACT, TOKEN_PATH, auth_client, auth_url
from .provider import PROVIDER

__all__ = ["AUTHORIZE_PATH", "CONTACT", "PROVIDER", "TOKEN_PATH", "auth_client", "auth_url"]
