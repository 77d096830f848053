"""The way to one Enectiva account: its two clients, its token, its request budget."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from yarl import URL

from ...core.account import Context
from ...core.address import base_url
from ...core.budget import Budget
from ...core.http import ApiClient
from ...core.tokens import ExchangedToken
from .token import Credentials, Exchange, judge_exchange

PRODUCTION: Final = "https://api.enectiva.cz"
MEDIA_TYPE: Final = "application/vnd.api+json"
"""Exactly this, without parameters, else 406 or 415. Source: vendor, introduction."""

CONCURRENT: Final = 2
PER_HOUR: Final = 4000
"""Requests an hour at most; the vendor's limit is not public.

A thousand meters need 2,000 an hour for readings every 30 minutes, some 350 for months every 6
hours, 15 for tokens; the first hour takes up to 2,000 more, for months and for meters whose newest
reading is old. What protects the API is that never more than two run at once, in small shares; this
limit stops a runaway.
"""

# Tokens live for 300 s (vendor).
_MARGIN: Final = 45.0


def address(data: Mapping[str, Any]) -> URL:
    """Return where any account is asked."""
    return base_url("ENECTIVA_API_URL", PRODUCTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """`api` reads with `token`, both within `budget`."""

    api: ApiClient
    token: ExchangedToken
    budget: Budget


def connect(context: Context, who: Credentials, *, at_setup: bool = False) -> Connection:
    """Prepare all requests of an account; sends nothing.

    `at_setup` is while a person enters the credentials: then more answers mean that they are wrong.

    Raises:
        UnexpectedResponse: the development address names another machine.

    """
    base = address(context.data)
    budget = Budget(context.clock, concurrent=CONCURRENT, per_hour=PER_HOUR)
    door = ApiClient(
        context.session,
        base,
        clock=context.clock,
        budget=budget,
        media_type=MEDIA_TYPE,
        verdict=partial(judge_exchange, at_setup=at_setup),
    )
    exchange = Exchange(door, who, budget, context.clock)
    token = ExchangedToken(exchange, context.clock, margin=_MARGIN)
    api = ApiClient(
        context.session,
        base,
        clock=context.clock,
        budget=budget,
        token=token,
        media_type=MEDIA_TYPE,
    )
    return Connection(api=api, token=token, budget=budget)
