"""Enode's clients, each of one environment, and their tokens."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
import datetime as dt
from urllib.parse import unquote_plus

PRODUCTION = "production"
SANDBOX = "sandbox"


@dataclass(slots=True, kw_only=True)
class Client:
    """An application; generating a new secret ends the old one at once. Source: vendor."""

    environment: str
    client_id: str
    generation: int = 1

    @property
    def secret(self) -> str:
        """The one secret that is good."""
        return f"secret-{self.environment}-{self.generation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    environment: str
    until: dt.datetime


class Tokens:
    """Gives tokens for secrets, and knows those that are good."""

    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        """Register one client in each environment."""
        self.clients = {
            name: Client(environment=name, client_id=f"client-{name}-0001")
            for name in (PRODUCTION, SANDBOX)
        }
        self._now = now
        self._tokens: dict[str, _Token] = {}
        self._issued = 0

    def client(self, environment: str, basic: str) -> Client | None:
        """Return the client that the value of Basic authentication shows, if it is right."""
        try:
            pair = base64.b64decode(basic, validate=True).decode()
        except binascii.Error, UnicodeDecodeError:
            return None
        client_id, _, secret = pair.partition(":")
        client = self.clients[environment]
        shown = unquote_plus(client_id), unquote_plus(secret)
        return client if shown == (client.client_id, client.secret) else None

    def issue(self, client: Client, lifetime: int) -> str:
        """Return a new token that lives so many seconds; it is opaque."""
        self._issued += 1
        text = f"token-{client.environment}-{self._issued:06}"
        until = self._now() + dt.timedelta(seconds=lifetime)
        self._tokens[text] = _Token(environment=client.environment, until=until)
        return text

    def good(self, environment: str, text: str) -> bool:
        """Tell whether a token opens an environment now."""
        token = self._tokens.get(text)
        return token is not None and token.environment == environment and self._now() < token.until

    def forget(self) -> None:
        """Let no token be good any more."""
        self._tokens.clear()
