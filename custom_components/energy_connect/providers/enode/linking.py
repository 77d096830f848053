"""Pages on which an owner links devices, or mends what is broken.

Source: Enode's OpenAPI document of version 2024-10-01 (vendor). A page works once, for a day.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from yarl import URL

from ...core.address import is_loopback
from ...core.clock import Clock
from ...core.errors import CommandRefused, NotPermitted, Reason, Refusal, UnexpectedResponse
from ...core.http import ApiClient
from ...core.offers import Visit
from ...core.payload import Json, dig
from ...core.records import Link
from ...core.vocabulary import Kind
from .languages import language_of_pages

SCOPES: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.VEHICLE: ("vehicle:read:data", "vehicle:read:location", "vehicle:control:charging"),
    Kind.CHARGER: ("charger:read:data", "charger:control:charging"),
    Kind.BATTERY: (
        "battery:read:data",
        "battery:read:location",
        "battery:control:operation_mode",
    ),
    Kind.INVERTER: ("inverter:read:data", "inverter:read:location"),
    Kind.HVAC: ("hvac:read:data", "hvac:control:mode"),
    Kind.METER: ("meter:read:data", "meter:read:location"),
}
"""What is asked of an owner, by kind of device; the page lets the owner see it."""

_LIFETIME: Final = timedelta(hours=24)


class Pages:
    """Asks Enode for pages."""

    def __init__(self, client: ApiClient, clock: Clock) -> None:
        """Take the way out."""
        self._client = client
        self._clock = clock

    async def link(
        self, user: str, kinds: Iterable[Kind], visit: Visit, *, vendor: str | None = None
    ) -> Link:
        """Return a page on which a user links devices; Enode makes the user if it knows none.

        Raises:
            CommandRefused: the client has as many connections as it may.
            ApiError: anything else.

        """
        wanted = [kind for kind in SCOPES if kind in set(kinds)]
        body: dict[str, Json] = {
            **_visit(visit),
            # The kinds of devices follow from the scopes.
            "scopes": [scope for kind in wanted for scope in SCOPES[kind]],
        }
        if vendor is not None:
            body["vendor"] = vendor
        return await self._page(("users", user, "link"), body)

    async def relink(self, asset_id: str, visit: Visit) -> Link | None:
        """Return the page on which the owner of an asset signs in at its maker again.

        None if Enode finds the asset linked, or not at all.

        Raises:
            CommandRefused: Enode does not allow it.
            ApiError: anything else.

        """
        try:
            return await self._page(("assets", asset_id, "relink"), _visit(visit))
        except UnexpectedResponse as error:
            if error.reason in {Reason.REQUEST_REFUSED, Reason.NOT_FOUND}:
                return None
            raise

    async def _page(self, path: tuple[str, ...], body: Json) -> Link:
        try:
            response = await self._client.send("POST", *path, json=body)
        except NotPermitted as error:
            raise CommandRefused(Refusal.NO_PERMISSION, detail=error.detail) from error
        url = dig(response.json(), "linkUrl")
        if not isinstance(url, str) or not _may_be_opened(url):
            raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
        return Link(url=url, expires=self._clock.now() + _LIFETIME)


def _visit(visit: Visit) -> dict[str, Json]:
    return {"redirectUri": visit.return_to, "language": language_of_pages(visit.language)}


def _may_be_opened(address: str) -> bool:
    """Tell whether an owner's browser may be sent there: the owner will enter a password."""
    try:
        url = URL(address)
    except ValueError:
        return False
    return url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host))
