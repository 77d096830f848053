"""What is not documented of Traxes, and what an application may meet, as settings."""

from dataclasses import dataclass
from enum import StrEnum

from simulator.server import Knobs


class Application(StrEnum):
    """What the application is registered for."""

    READY = "ready"
    OTHER_GRANT = "other_grant"
    """For another grant than client credentials: 400 `unauthorized_client`."""
    NO_SCOPE = "no_scope"
    """Without the scope `esp`: 400 `invalid_scope`."""
    BLOCKED = "blocked"
    """403 from the token endpoint."""
    OTHER_PRODUCT = "other_product"
    """For an unrelated product behind the same API host: a token, but 403 below `/connect`."""


class Listing(StrEnum):
    """How `/v1/entities` answers; its path is not documented."""

    ENVELOPE = "envelope"
    ARRAY = "array"
    ITEMS = "items"
    OLD_NAMES = "old_names"
    """With the field and type names of the older manual."""
    EMPTY_OBJECT = "empty_object"
    MISSING = "missing"
    """404."""
    WRONG_METHOD = "wrong_method"
    """405."""
    FORBIDDEN = "forbidden"
    """403."""


class Onboarding(StrEnum):
    """How `/v1/onboarding/entities` answers."""

    OPEN = "open"
    BY_TYPE = "by_type"
    """400 without the filter `type`."""
    BY_TYPE_AND_BRAND = "by_type_and_brand"
    """400 without both filters."""
    EMPTY_OBJECT = "empty_object"
    MISSING = "missing"
    FORBIDDEN = "forbidden"


class NoReading(StrEnum):
    """The answer for an entity that has not delivered yet; not documented."""

    NOT_FOUND = "not_found"
    NO_CONTENT = "no_content"
    EMPTY = "empty"
    BAD_REQUEST = "bad_request"


class Paging(StrEnum):
    """What a page says of the next one."""

    TOKEN = "token"
    """`meta.continuationToken` and `links.next`, which names a host inside the gateway."""
    LINK = "link"
    """`links.next` alone, relative."""
    FOREIGN_LINK = "foreign_link"
    """`links.next` alone, on another host."""
    OUTSIDE_LINK = "outside_link"
    """`links.next` alone, on this host but not below `/connect`."""
    ENDLESS = "endless"
    """The same token for ever."""


class Permissions(StrEnum):
    """How `/v1/entities/{id}/permissions` answers; who may read it is not documented."""

    OWN = "own"
    """The row of this application alone."""
    SHARED = "shared"
    """The rows of the owner, and of a collective that this application is in."""
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    EMPTY = "empty"


class Resolution(StrEnum):
    """How a time interval is written in a query; not documented."""

    CLOCK = "clock"
    """`01:00:00`."""
    ISO = "iso"
    """`PT1H`."""


class CommandFate(StrEnum):
    """What becomes of a command that was taken."""

    SUCCEED = "succeed"
    """Unless the state of the device forbids it."""
    FAIL = "fail"
    CANCEL = "cancel"
    HANG = "hang"
    """It is sent for ever."""


class Verification(StrEnum):
    """Whether somebody looks if the device did what it was told."""

    NONE = "none"
    SUCCEED = "succeed"
    FAIL = "fail"
    HANG = "hang"


@dataclass(slots=True, kw_only=True)
class TraxesKnobs(Knobs):
    """Settings of both servers.

    `page_size` is the size of a page when none is asked for; a larger one than `page_size_most`
    gets 400. `not_shared` are entities without Viewer permission (403), `not_ready` those without
    a reading. `cars` is the size of the car park; the first two have a charge point.
    """

    client_secret: str = "traxes-demo-secret"
    application: Application = Application.READY
    refusal_status: int = 401
    lifetime: int = 3599
    lifetime_as_text: bool = False
    lifetime_told: bool = True
    listing: Listing = Listing.ENVELOPE
    onboarding: Onboarding = Onboarding.OPEN
    describes: bool = True
    """Whether `/v1/entities/{id}` exists; its path is not documented."""
    types: bool = True
    sessions: bool = True
    paging: Paging = Paging.TOKEN
    page_size: int = 25
    page_size_most: int = 100
    no_reading: NoReading = NoReading.NOT_FOUND
    not_shared: frozenset[str] = frozenset()
    not_ready: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    """Entities that no list names any more."""
    cars: int = 2
    positions: bool = False
    """Whether readings of cars say where they are."""
    viewer_only: frozenset[str] = frozenset()
    """Entities that this application may read but not steer."""
    permissions: Permissions = Permissions.OWN
    command_fate: CommandFate = CommandFate.SUCCEED
    command_seconds: float = 4.0
    """For how long a command is on its way; its verification takes as long again."""
    verification: Verification = Verification.SUCCEED
    cooldown: float = 600.0
    cooldown_status: int = 409
    """The answer to a command that comes too soon; not documented."""
    cooldown_told: bool = False
    """Whether `Retry-After` says how long it lasts."""
    most_days: int | None = None
    """The longest span of readings that one request may ask for; not documented."""
    aggregations: bool = True
    resolution: Resolution = Resolution.CLOCK
    requests_per_minute: int | None = None
    retry_after: str | None = None
