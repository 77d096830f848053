"""What can be set on the simulated ev.energy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from simulator.payload import JsonValue
from simulator.server import Knobs


class UserHeader(StrEnum):
    """How `EvEnergy-User` must be spelled: the reference and the prose disagree."""

    ID = "id"
    ADDRESS = "address"
    EITHER = "either"


@dataclass(slots=True, kw_only=True)
class EvEnergyKnobs(Knobs):
    """Settings; the defaults are what is documented, else the strictest."""

    # The account
    users: int = 1
    signed_in: int = 0
    """Which user gives consent on the page."""
    vehicles: int = 2
    """Vehicles of the first user; each other user has one."""
    chargers: int = 2
    """Chargers of the first user, one per vehicle."""
    home: bool = True
    """Whether the first user has a home energy system with battery, inverter and meter."""
    disconnected: frozenset[str] = frozenset()
    """Ids of vehicles that their owner must reconnect (`INACTIVE`)."""
    unreachable: frozenset[str] = frozenset()
    """Ids of vehicles to which no command can be delivered."""
    settle: float = 0.0
    """Seconds until a changed setting is read back as it was set."""
    reconnect_lifetime: float = 3600.0
    """Seconds for which an address to connect a vehicle again works (assumed)."""
    cadence: float = 300.0
    """Seconds between two samples of a vehicle or charger (assumed)."""
    currency: str = "GBP"
    charging_sessions_days: int = 14
    """How far back sub-sessions are listed."""
    extra_rows: Mapping[str, list[JsonValue]] = field(default_factory=dict[str, list[JsonValue]])
    """Rows that are put in front of a list, by its path: malformed ones, for example."""

    # Authorization
    code_lifetime: float = 60.0
    token_lifetime: float = 36_000.0
    require_pkce: bool = False
    grace: float = 0.0
    """Seconds for which a used refresh token gives the same new pair again."""
    rotate: bool = True
    refresh_token_in_answer: bool = True
    """False: a refresh answers without a refresh token, and the old one stays good."""
    name_scopes: bool = True
    """Whether a token's answer names its scopes."""

    # The API
    user_header: UserHeader = UserHeader.ID
    rate_limit: int = 1000
    """Requests in a rolling hour per application and user. Source: portal, rate limiting."""
    retry_after_name: str = "Retry-After"
    """The specification spells it `RetryAfter`."""
    most_rows: int = 100
    """Rows a page at most, whatever `page_size` says."""
    link_base: str = ""
    """Another origin for the `Link` header."""
    slashes: bool = False
    """Whether resource paths want a final slash, and are redirected without."""
    edge: bool = False
    """Whether something in front answers 403 text/plain to who brings no token."""
    refused_expansions: frozenset[str] = frozenset()
    """Expansions that need a scope that nobody has: 403 for the whole call."""
