"""How Enode is reached: environments, credentials, addresses, the token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from yarl import URL

from ...core.account import Context, Field, FieldKind
from ...core.address import base_url
from ...core.budget import Budget
from ...core.errors import Reason, UnexpectedResponse
from ...core.http import ApiClient
from ...core.oauth import TokenEndpoint
from ...core.tokens import ExchangedToken

PRODUCTION: Final = "production"
SANDBOX: Final = "sandbox"
VERSION: Final = "2024-10-01"
"""The version of the API that is asked for with each request; a client may default to another."""

FIELDS: Final = (
    Field(
        key="environment",
        kind=FieldKind.CHOICE,
        default=PRODUCTION,
        choices=(SANDBOX, PRODUCTION),
        identity=True,
        shown=True,
    ),
    Field(key="client_id", identity=True),
    Field(key="client_secret", kind=FieldKind.SECRET),
    Field(key="user_id", required=False, identity=True),
)

_API: Final = "https://enode-api.{environment}.enode.io"
_TOKENS: Final = "https://oauth.{environment}.enode.io"
# No limit is documented; this is one request a list at a time.
_CONCURRENT: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a person entered; without a user id the account is all users of the client."""

    environment: str
    client_id: str
    client_secret: str = field(repr=False)
    user_id: str | None

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Read a form or an entry.

        Raises:
            UnexpectedResponse: there is no such environment, hence no such address.

        """

        def entered(key: str) -> str:
            return str(data.get(key) or "").strip()

        environment = entered("environment") or PRODUCTION
        if environment not in {SANDBOX, PRODUCTION}:
            raise UnexpectedResponse(Reason.INVALID_HOST)
        return cls(
            environment=environment,
            client_id=entered("client_id"),
            client_secret=entered("client_secret"),
            user_id=entered("user_id") or None,
        )

    @property
    def account_id(self) -> str:
        """The vendor's own id of the account, as far as there is one."""
        parts = (self.environment, self.client_id, self.user_id)
        return "_".join(part for part in parts if part)

    @property
    def title(self) -> str:
        """What a person recognises the account by."""
        words = ["Enode"]
        if self.user_id:
            words.append(self.user_id)
        if self.environment == SANDBOX:
            words.append("sandbox")
        return " ".join(words)

    @property
    def data(self) -> dict[str, str]:
        """What the entry keeps."""
        kept = {
            "environment": self.environment,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        return {**kept, "user_id": self.user_id} if self.user_id else kept


def address(data: Mapping[str, Any]) -> URL:
    """Return where an account of that data is asked: each environment has its own."""
    return base_url("ENODE_API_URL", _API, environment=Settings.read(data).environment)


class Access:
    """The client of the API with its token and its request budget."""

    def __init__(self, context: Context) -> None:
        """Read the addresses; nothing is sent.

        Raises:
            UnexpectedResponse: an address is none that may be used.

        """
        self.settings = settings = Settings.read(context.data)
        self.budget = Budget(context.clock, concurrent=_CONCURRENT)
        # A refused client has two usual causes that a person would not think of: a new secret
        # ended the old one, or the client belongs to the other environment (vendor).
        endpoint = TokenEndpoint(
            context.session,
            base_url("ENODE_AUTH_URL", _TOKENS, environment=settings.environment),
            "oauth2",
            "token",
            clock=context.clock,
            budget=self.budget,
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            client_refused=Reason.CLIENT_REFUSED,
            grant_refused=Reason.CLIENT_REFUSED,
        )
        self.token = ExchangedToken(endpoint.client_credentials, context.clock)
        self.client = ApiClient(
            context.session,
            address(context.data),
            clock=context.clock,
            budget=self.budget,
            token=self.token,
            headers={"Enode-Version": VERSION},
        )
