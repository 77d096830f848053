"""What can be set on the simulated meter."""

from dataclasses import dataclass
from enum import StrEnum

from simulator.server import Knobs

SERIAL = "70000001"
HOSTNAME = f"KSEM-{SERIAL}"
CONFIGURATION_ID = "0f3c5a7e9b1d2468ace013579bdf02468ace1357"


class Persona(StrEnum):
    """What stands at the address."""

    KSEM = "ksem"
    """The meter."""
    LEGACY = "legacy"
    """An older TQ generation: `/start.php`, no `/api`."""
    OTHER = "other"
    """Some device that answers a web page to everything."""


class Access(StrEnum):
    """Whether a resource exists and for whom."""

    OFF = "off"
    """404."""
    ADMIN = "admin"
    """401 for role api (inferred for everything outside `/api/json/`)."""
    ON = "on"
    """For both roles."""


@dataclass(slots=True, kw_only=True)
class KostalKnobs(Knobs):
    """The meter's settings. Defaults are what the sources say; `assumed` resources are off."""

    persona: Persona = Persona.KSEM
    status: str = "STATUS_OK"
    """`STATUS_OK`, `STATUS_WARNING`, `STATUS_ERROR`, `STATUS_UNKNOWN`. Source: vendor."""
    configuration_id: str = CONFIGURATION_ID
    """Changes when the set-up of the meter changes. Source: vendor."""
    resource: str = "/api/json/{device}/values/smart-meter"
    """Where the meter's record is; another firmware may have another path (assumed)."""
    record: str = "smart-meter"
    """The record's key in the answer."""
    devices: tuple[str, ...] = ("local",)
    """The data endpoints."""
    missing: frozenset[str] = frozenset()
    """Keys that a smaller model does not provide."""
    json_errors: bool = True
    """Whether refusals have a JSON body: only since August 2025. Source: vendor."""
    clock_unset: bool = False
    """After a power cut without NTP: every token is refused (inferred)."""
    clock_offset: float = 0.0
    """Seconds by which the meter's clock is ahead."""
    config: Access = Access.OFF
    """The record's description (assumed)."""
    energy_flow: Access = Access.OFF
    """The energy flow record (assumed)."""
    device_settings: Access = Access.ADMIN
    device_usage: Access = Access.ADMIN
