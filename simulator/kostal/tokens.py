"""Access tokens as the meter's owner makes them in its web interface."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import datetime as dt
from enum import StrEnum
import json

import jwt

from simulator.keys import rsa_key
from simulator.payload import JsonValue


class Role(StrEnum):
    """What a token may do. Source: KOSTAL manual, access tokens."""

    API = "api"
    """Query measurement data."""
    ADMIN = "admin"
    """Everything that a signed-in user may."""


@dataclass(slots=True, kw_only=True)
class AccessToken:
    """One token: dead until authorised, dead after `expires` by the meter's clock."""

    name: str
    role: Role
    text: str
    expires: dt.datetime | None
    authorised: bool = False


class AccessTokens:
    """The meter's list of tokens."""

    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        """Judge by the meter's clock `now`."""
        self._now = now
        self._generation = 0
        self._tokens: dict[str, AccessToken] = {}

    def create(
        self,
        name: str,
        *,
        role: Role = Role.API,
        lifetime: dt.timedelta | None = dt.timedelta(days=365),
        authorised: bool = True,
        claims: Mapping[str, JsonValue] | None = None,
    ) -> AccessToken:
        """Make a token (ADD), by default authorised at once.

        `lifetime` None makes one that never expires and carries no `exp` (assumed possible).
        `claims` replaces claims of the JWT, whose names are assumed: `sub`, `role`, `iat`, `exp`.
        """
        issued = self._now()
        expires = None if lifetime is None else (issued + lifetime).replace(microsecond=0)
        payload: dict[str, JsonValue] = {
            "sub": name,
            "role": role.value,
            "iat": int(issued.timestamp()),
        }
        if expires is not None:
            payload["exp"] = int(expires.timestamp())
        payload |= claims or {}
        key = rsa_key(f"kostal-{self._generation}")
        # Not by encode(), which insists on well-formed registered claims.
        text = jwt.api_jws.encode(json.dumps(payload).encode(), key, algorithm="RS256")
        token = AccessToken(name=name, role=role, text=text, expires=expires, authorised=authorised)
        self._tokens[name] = token
        return token

    def get(self, name: str) -> AccessToken | None:
        """Return the token of that name, if it has not been revoked."""
        return self._tokens.get(name)

    def authorise(self, name: str) -> None:
        """Press AUTHORISE."""
        self._tokens[name].authorised = True

    def revoke(self, name: str) -> None:
        """Press REVOKE: the token is gone."""
        del self._tokens[name]

    def reset(self) -> None:
        """Reset the meter to its factory state: new key, no token (assumed)."""
        self._generation += 1
        self._tokens.clear()

    def role(self, text: str) -> Role | None:
        """Return the role of a token that is valid now, else None."""
        for token in self._tokens.values():
            if token.text != text:
                continue
            expired = token.expires is not None and self._now() >= token.expires
            return token.role if token.authorised and not expired else None
        return None
