"""Login tokens, import tokens, and the access tokens that a login token is exchanged for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
import datetime as dt
import secrets

import jwt

from simulator.keys import ec_key

CUSTOMER_UUID = "00000000-0000-4000-8000-00000000e01a"
_SUBJECT = "00000000-0000-4000-8000-0000000005bb"

ALL_SCOPES = frozenset(
    {
        "meters",
        "entities",
        "entity_deltas",
        # The names of these four are assumed.
        "meter_deltas",
        "virtual_meter_deltas",
        "readings",
        "data_points",
    }
)


@dataclass(slots=True, kw_only=True)
class LoginToken:
    """A long-lived token from the dashboard; access tokens inherit its scopes."""

    number: int
    text: str
    scopes: frozenset[str]
    revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token for some minutes."""

    id: str
    text: str
    scopes: frozenset[str]
    expires: dt.datetime


class Tokens:
    """One customer's tokens."""

    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        """Judge by the clock `now`."""
        self._now = now
        self._login: list[LoginToken] = []
        self._access: dict[str, AccessToken] = {}
        self.import_token = secrets.token_hex(32)
        self.demo = self.create()

    def create(self, scopes: Iterable[str] = ALL_SCOPES) -> LoginToken:
        """Make a login token on the dashboard."""
        token = LoginToken(
            number=4000 + len(self._login), text=secrets.token_hex(32), scopes=frozenset(scopes)
        )
        self._login.append(token)
        return token

    def login(self, customer_uuid: str, text: str) -> LoginToken | None:
        """Return the login token if it and the customer are right."""
        if customer_uuid != CUSTOMER_UUID:
            return None
        fitting = (one for one in self._login if one.text == text and not one.revoked)
        return next(fitting, None)

    def issue(self, login: LoginToken, lifetime: float, *, opaque: bool = False) -> AccessToken:
        """Exchange a login token for an access token of `lifetime` seconds.

        The JWT's header has `alg` alone, its claims are those of the vendor's sample.
        """
        now = self._now()
        expires = (now + dt.timedelta(seconds=lifetime)).replace(microsecond=0)
        identity = secrets.token_hex(8)
        claims = {
            "scp": sorted(login.scopes),
            "exp": int(expires.timestamp()),
            "jit": identity,
            "lti": login.number,
            "sub": _SUBJECT,
            "key": 3,
        }
        text = secrets.token_urlsafe(48) if opaque else _signed(claims)
        token = AccessToken(id=identity, text=text, scopes=login.scopes, expires=expires)
        self._access = {key: one for key, one in self._access.items() if one.expires > now}
        self._access[text] = token
        return token

    def access(self, text: str) -> AccessToken | None:
        """Return the access token if it is valid now."""
        token = self._access.get(text)
        return token if token is not None and self._now() < token.expires else None

    def forget(self) -> None:
        """Refuse all access tokens given so far."""
        self._access.clear()


def _signed(claims: dict[str, object]) -> str:
    return jwt.encode(claims, ec_key("enectiva"), algorithm="ES256", headers={"typ": None})
