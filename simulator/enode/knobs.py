"""What can be set on the simulated Enode."""

from dataclasses import dataclass

from simulator.server import Knobs

OWNER = "villa-14"
"""The user who owns the house."""
NEIGHBOUR = "cabin-3"
"""A second user of the same client, with one air conditioner."""

ALL_SCOPES = frozenset(
    {
        "vehicle:read:data",
        "vehicle:read:location",
        "vehicle:control:charging",
        "charger:read:data",
        "charger:control:charging",
        "battery:read:data",
        "battery:read:location",
        "battery:control:operation_mode",
        "inverter:read:data",
        "inverter:read:location",
        "hvac:read:data",
        "hvac:control:mode",
        "meter:read:data",
        "meter:read:location",
    }
)
"""Source: vendor, linking."""


@dataclass(slots=True, kw_only=True)
class EnodeKnobs(Knobs):
    """Settings; the defaults are what is documented, or else likeliest."""

    # What is linked
    vehicles: int = 2
    """So many cars; the first two hang on the house's chargers."""
    users: frozenset[str] = frozenset({OWNER, NEIGHBOUR})
    """Who has ever linked something; others get 404 (seen)."""
    scopes: frozenset[str] = ALL_SCOPES
    """What the owners granted."""
    broken_logins: frozenset[str] = frozenset()
    """Vendor codes whose login is no longer valid."""
    unreachable: frozenset[str] = frozenset()
    """Vendor codes whose devices do not answer: their values stand still."""
    interventions: frozenset[str] = frozenset()
    """Vendor codes with something that the owner could unlock."""

    link_mends: bool = False
    """Whether interventions say that linking again is what they want; then it ends them."""

    # What devices do with commands
    actions: str = "confirm"
    """What becomes of an accepted action: `confirm`, `fail`, `cancel`, or `hang` for ever."""
    action_seconds: float = 3.0
    """After how long."""
    failure: str | None = "NO_RESPONSE"
    """Why it fails or is cancelled, if that is told."""
    failure_detail: str = "The device did not react in time."
    reads_when_confirmed: bool = True
    """Whether Enode's cache has the new state at once, or with the next turn of its refreshes."""
    scheduled: frozenset[str] = frozenset()
    """Vendor codes whose devices a schedule has control of: commands get 422."""
    car_currents: bool = False
    """Whether the maximum current of vehicles can be set (experimental)."""
    device_schedules: bool = False
    """Whether thermostats have a schedule of their own that they can follow."""

    # What the client may do
    connections: int | None = None
    """How many vendor logins the client may have; linking more gets 403."""
    hem: bool = True
    """Whether Enode switched the beta of HEM systems on; off: 403 (the status is assumed)."""
    forbidden: frozenset[str] = frozenset()
    """Lists that answer 403, by the last word of their path."""
    missing: frozenset[str] = frozenset()
    """Lists that answer 404, by the last word of their path."""
    grant_allowed: bool = True
    """Whether the client may use client credentials, else 400 `unauthorized_client`."""

    # Limits
    token_lifetime: int = 3599
    """Seconds. Source: vendor, getting started."""
    page_size: int = 50
    """Rows of a page if the request names no size, and the most it may name (the most: assumed)."""
    endless: bool = False
    """The last page names a cursor that leads back to the first."""
    per_minute: int | None = None
    """Requests a minute, then 429. Limits are not published."""
    retry_after: str | None = "30"
    """What a 429 names, if anything (assumed)."""

    # Statistics
    statistics: frozenset[str] = frozenset({"hours", "sessions", "inverters", "hem-systems"})
    """What can be asked: what is missing answers 403, of HEM systems 422 (vendor)."""
    quarter_hours: bool = True
    """Whether vendors tell more than days; else a day has no data."""
    empty_hours: bool = False
    """Whether charging statistics have rows of hours without energy (unknown)."""
    late: frozenset[str] = frozenset()
    """Local days (ISO 8601) whose data has not come yet; an inverter's answer is a 202 then."""
    gaps: frozenset[str] = frozenset()
    """Local days of which the first six hours will never be known."""
    corrected: frozenset[str] = frozenset()
    """Local days that turned out to have a tenth more energy."""
    repeats: bool = False
    """Rows come twice, the newest first."""
    zone_named: bool = True
    """Whether inverters and HEM systems name their time zone (nullable in the inverter)."""
