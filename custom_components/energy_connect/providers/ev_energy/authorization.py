"""ev.energy's authorization server: its addresses, and how an application speaks to it.

All paths end in a slash. Without it a POST is answered 301, and a client that follows loses the
body and gets an empty 405.
"""

from typing import Final

from yarl import URL

from ...core.account import Context
from ...core.address import base_url
from ...core.budget import Budget
from ...core.errors import Reason
from ...core.oauth import Authentication, TokenEndpoint

CONTACT: Final = "developers@ev.energy"
"""Who makes an application: name it, the data wanted, and the redirect address."""

AUTHORIZE_PATH: Final = ("authorize", "")
TOKEN_PATH: Final = ("token", "")
REVOKE_PATH: Final = ("revoke_token", "")

CLIENT_ID: Final = "client_id"
CLIENT_SECRET: Final = "client_secret"

_CONCURRENT: Final = 4
_PER_HOUR: Final = 1000


def new_budget(context: Context) -> Budget:
    """Return the request budget: 1000 in a rolling hour per application and user (documented)."""
    return Budget(context.clock, concurrent=_CONCURRENT, per_hour=_PER_HOUR)


def auth_url(path: tuple[str, ...]) -> URL:
    """Return an address of the authorization server.

    Raises:
        UnexpectedResponse: the address for development is not of this machine.

    """
    base = base_url("EV_ENERGY_AUTH_URL", "https://api.ev.energy/o")
    return base.with_path(f"{base.path.rstrip('/')}/{'/'.join(path)}") if path else base


def token_endpoint(context: Context, budget: Budget) -> TokenEndpoint:
    """Return the authorization server, as the application of this account sees it.

    The documents of the code grant put id and secret into the form, those of client credentials
    use Basic.

    Raises:
        UnexpectedResponse: the address for development is not of this machine.

    """
    grant = context.grant
    return TokenEndpoint(
        context.session,
        auth_url(()),
        *TOKEN_PATH,
        clock=context.clock,
        budget=budget,
        client_id=grant.client_id if grant else str(context.data[CLIENT_ID]).strip(),
        client_secret=grant.client_secret if grant else str(context.data[CLIENT_SECRET]).strip(),
        authentication=Authentication.BODY if grant else Authentication.BASIC,
        client_refused=Reason.CLIENT_REFUSED,
        grant_refused=Reason.SIGN_IN_LOST if grant else Reason.CLIENT_REFUSED,
    )
