"""Vehicles that their owner has to connect again, and the address to do it.

Source: OpenAPI document; a vehicle whose access at its maker was lost is `INACTIVE`.
"""

from collections.abc import Iterable

from yarl import URL

from ...core.address import is_loopback
from ...core.errors import ApiError, Reason, UnexpectedResponse
from ...core.model import Advice, AdviceKind, Device, OpenPage, Severity
from ...core.payload import dig, instant
from ...core.records import Link
from ...core.vocabulary import Flag
from .access import Access
from .refusals import REFUSALS, refuse


def advise(vehicles: Iterable[Device]) -> tuple[Advice, ...]:
    """Return an advice for each vehicle to be connected again."""
    return tuple(
        Advice(
            AdviceKind.VEHICLE_RECONNECT,
            vehicle.id,
            Severity.ERROR,
            {"device": vehicle.name or vehicle.model or vehicle.manufacturer or "ev.energy"},
            OpenPage(),
            device=vehicle.id,
        )
        for vehicle in vehicles
        if vehicle.flags.get(Flag.LOGIN_BROKEN)
    )


async def reconnect_link(access: Access, vehicle_id: str) -> Link:
    """Return the page on which the owner connects a vehicle again; a new one each time.

    Raises:
        CommandRefused: the provider gives none.
        ApiError: anything else.

    """
    try:
        response = await access.send("POST", "vehicles", vehicle_id, "reconnect")
    except ApiError as error:
        refuse(error, REFUSALS)
        raise
    body = response.json()
    address = dig(body, "url")
    if not isinstance(address, str) or not _safe(address):
        raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
    return Link(url=address, expires=instant(dig(body, "expires_at")))


def _safe(address: str) -> bool:
    """Tell whether an address may be shown as a link: https, and nothing that could end the link."""
    try:
        url = URL(address)
    except ValueError:
        return False
    if not url.host or any(one.isspace() or one in "()<>[]\\" for one in address):
        return False
    return url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host))
