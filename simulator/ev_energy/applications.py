"""Applications that ev.energy made for somebody, with their scopes and redirect addresses."""

from dataclasses import dataclass, field
from enum import StrEnum

ALL_SCOPES = frozenset(
    {
        "boundary_meter:read",
        "carbon:read",
        "charging_session:read",
        "charging_session:write",
        "evse:read",
        "evse:write",
        "home_battery:read",
        "home_energy:read",
        "inverter:read",
        "solar:read",
        "tariff:prices:read",
        "tariff:read",
        "user:read",
        "vehicle:read",
        "vehicle:write",
    }
)
"""The scopes that matter here. Source: OpenAPI document."""


class GrantType(StrEnum):
    """What an application is registered for; one thing only."""

    CODE = "authorization_code"
    CLIENT = "client_credentials"


@dataclass(slots=True, kw_only=True, eq=False)
class Application:
    """An application; without a secret it is a public one."""

    client_id: str
    client_secret: str
    name: str
    grant: GrantType
    scopes: frozenset[str] = ALL_SCOPES
    redirects: set[str] = field(default_factory=set[str])

    @property
    def public(self) -> bool:
        """Whether it can keep no secret."""
        return not self.client_secret


def demo_applications() -> dict[str, Application]:
    """Return the demo's applications: one to sign in with, one that asks in its own name."""
    browser = Application(
        client_id="simulated-browser-application",
        client_secret="simulated-browser-secret",
        name="Energy Connect (simulated)",
        grant=GrantType.CODE,
        redirects={"https://my.home-assistant.io/redirect/oauth"},
    )
    own = Application(
        client_id="simulated-own-application",
        client_secret="simulated-own-secret",
        name="My own application (simulated)",
        grant=GrantType.CLIENT,
    )
    return {one.client_id: one for one in (browser, own)}
