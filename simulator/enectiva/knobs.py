"""What can be set on the simulated Enectiva: every assumed fact, and the portfolio's size."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from simulator.server import Knobs


class Identification(StrEnum):
    """What names a meter in a path: `{meterIdentification}` is not explained by the vendor."""

    ID = "id"
    CODE = "code"
    IDENTIFICATION = "identification"


class Links(StrEnum):
    """How a list names its next page."""

    NONE = "none"
    RELATIVE = "relative"
    ABSOLUTE = "absolute"
    OBJECT = "object"
    """An object with `href`."""


@dataclass(slots=True, kw_only=True)
class EnectivaKnobs(Knobs):
    """Settings; the defaults are the assumptions that seem likeliest."""

    # The portfolio
    generated_meters: int = 0
    """This many generated meters instead of the demo's, 20 a building."""
    delay: float = 3600.0
    """Seconds until a reading is validated and visible. That there is a delay: vendor."""

    # Tokens
    token_lifetime: float = 300.0
    """Seconds. Source: vendor, access tokens."""
    opaque_tokens: bool = False
    """Access tokens that are no JWT."""
    bad_credentials: int = 400
    """The status for a wrong login token or customer (assumed: 401 is not listed)."""
    bearer_on_exchange: bool = False
    """Whether the exchange also wants the login token as bearer, else 401 (assumed: no)."""

    # Limits
    requests_per_minute: int = 0
    """0: no limit. The vendor's number is not public."""
    retry_after: bool = True
    """Whether a 429 says how long to wait (unknown)."""

    # Lists
    page_size: int = 1000
    """Rows a page. Source: vendor, at most 1000."""
    first_page: int = 1
    """0 or 1 (assumed)."""
    links: Links = Links.RELATIVE
    limit_parameter: str = "limit"
    """Name (assumed); empty: there is none, and using it is a 400."""
    sort_parameter: str = "sort"
    """As the limit's."""
    identify_by: Identification = Identification.ID
    meter_deltas: bool = True
    """Whether `/meters/{id}/deltas` exists (assumed)."""

    # Shapes
    renames: Mapping[str, str] = field(default_factory=dict[str, str])
    """Attributes under other names, for example `state` as `value`."""
    dropped: frozenset[str] = frozenset()
    """Attributes that are missing."""
    flat: bool = False
    """Fields directly on the object, without `attributes`."""
    numbers_as_strings: bool = False
    numeric_ids: bool = False
    relationships: bool = True
    """False: `entity_id` and `parent_id` among the attributes instead."""
    single_objects: bool = False
    """A list of one is given as the one, an empty list as a missing `data`."""
