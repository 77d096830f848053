"""What is looked up on demand: charging sessions and charging plans.

Source: Enode's OpenAPI document of version 2024-10-01 (vendor).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from ...core.errors import Reason, UnexpectedResponse
from ...core.http import ApiClient
from ...core.model import Device
from ...core.payload import Json, dig, instant, mapping, number, text
from ...core.records import ChargePlan, ChargingSession, PlannedSlot
from ...core.vocabulary import Action, Kind

_HAVE_SESSIONS: Final = frozenset({Kind.VEHICLE, Kind.CHARGER})
_OVERRIDDEN: Final = "PLAN:EXECUTING:OVERRIDDEN"
_EXECUTING: Final = "PLAN:EXECUTING"


async def charging_sessions(
    client: ApiClient, device: Device, user: str | None, start: datetime, end: datetime
) -> list[ChargingSession]:
    """Return the sessions that began in [start, end); one appears 15 minutes after its end (vendor).

    Raises:
        ApiError: they could not be read.

    """
    if device.kind not in _HAVE_SESSIONS or user is None:
        return []
    response = await client.get(
        "users",
        user,
        "statistics",
        "charging",
        "sessions",
        params=[
            ("startDate", _written(start)),
            ("endDate", _written(end)),
            ("type", device.kind.value),
            ("id", device.id),
        ],
    )
    body = response.json()
    if not isinstance(body, list):
        raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
    read = [parse_session(mapping(row), device.id) for row in body]
    # Enode gives those that overlap.
    found = [one for one in read if one is not None and start <= one.start < end]
    return sorted(found, key=lambda one: one.start)


def parse_session(row: Mapping[str, Json], device_id: str) -> ChargingSession | None:
    """Return a session; None without a start, or of another device.

    The row's id is the device's, so that the start has to tell sessions apart. Its costs have no
    currency: that of the country's prices, or of a tariff that somebody uploaded.
    """
    start = instant(row.get("from"))
    if start is None or row.get("id") not in {None, device_id}:
        return None
    return ChargingSession(
        id=f"{device_id}_{start.isoformat()}",
        device_id=device_id,
        start=start,
        end=instant(row.get("to")),
        energy=number(row.get("kwhSum")),
        cost=number(row.get("costSum")),
        savings=number(row.get("estimatedSavings")),
    )


async def charge_plan(client: ApiClient, device: Device) -> ChargePlan:
    """Return the plan of a vehicle's smart charging; empty for what Enode makes no plans for.

    Raises:
        ApiError: it could not be read.

    """
    if Action.SMART_CHARGING not in device.controls:
        return ChargePlan(device_id=device.id)
    response = await client.get("vehicles", device.id, "smart-charging-status")
    return parse_plan(response.json(), device.id)


def parse_plan(body: Json, device_id: str) -> ChargePlan:
    """Return the spans of a plan: Enode stops charging, and starts it when prices are best."""
    state = text(dig(body, "state")) or ""
    made = instant(dig(body, "updatedAt"))
    stop, start, finish = (
        instant(dig(body, "plan", key)) for key in ("stopAt", "startAt", "estimatedFinishAt")
    )
    slots: list[PlannedSlot] = []
    if state == _OVERRIDDEN:
        # Charging until the car is full or somebody ends the override.
        begun = instant(dig(body, "smartOverride", "createdAt"))
        slots += [PlannedSlot(start=begun, end=None, charging=True)] if begun else []
    elif state.startswith(_EXECUTING):
        if stop is not None and (start is None or stop < start):
            slots.append(PlannedSlot(start=stop, end=start, charging=False))
        if start is not None:
            slots.append(PlannedSlot(start=start, end=finish, charging=True))
    return ChargePlan(device_id=device_id, slots=tuple(slots), made_at=made)


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
