"""What is looked up on demand: charging sessions, the charging plan, status logs."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from ...core.clock import Clock
from ...core.errors import Reason, UnexpectedResponse
from ...core.http import Params
from ...core.model import Device
from ...core.payload import Json, dig, instant
from ...core.records import ChargePlan, ChargingSession, PlannedSlot, RawReading
from ...core.vocabulary import Kind, Quantity
from .access import Access
from .parse import Parsed, parse_rows, scaled
from .sessions import Session, Slot, parse_plan, parse_sessions

_SUB_SESSIONS: Final = "charging_sub_sessions"
_FILTERS: Final = {Kind.VEHICLE: "vehicle_id", Kind.CHARGER: "evse_id"}
_LISTS: Final = {Kind.VEHICLE: "vehicles", Kind.CHARGER: "evses"}
# What a status log says that belongs to a meter, not to the moment; divided by the number.
_LOGGED: Final = {
    Kind.VEHICLE: (
        (Quantity.STATE_OF_CHARGE, "state_of_charge_percentage", 1.0),
        (Quantity.ODOMETER, "odometer_meters", 1000.0),
    ),
    Kind.CHARGER: ((Quantity.ENERGY_CHARGED, "meter_reading_watt_hours", 1000.0),),
}
# 10,000 logs: five weeks of one every five minutes. More would spend the hour's requests.
_MOST_LOG_PAGES: Final = 100
_SECOND: Final = timedelta(seconds=1)


class Lookups:
    """Looks up what an account keeps about its vehicles and chargers; other devices have nothing.

    `device` gives a vehicle or charger as it was read last.
    """

    def __init__(
        self, access: Access, clock: Clock, device: Callable[[str], Device | None]
    ) -> None:
        """Look nothing up yet."""
        self._access = access
        self._clock = clock
        self._device = device

    async def charging_sessions(
        self, device_id: str, start: datetime, end: datetime
    ) -> Sequence[ChargingSession]:
        """Return the sub-sessions that began in [start, end), the earliest first.

        Raises:
            ApiError: they could not be read whole.

        """
        of_device = self._of_device(device_id)
        if not of_device:
            return []
        # Both bounds are exclusive.
        within = [("start__gt", _text(start - _SECOND)), ("start__lt", _text(end + _SECOND))]
        listing = await self._access.read_list(
            _SUB_SESSIONS, parse=parse_sessions, params=[*of_device, *within]
        )
        if not listing.complete:
            raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
        found = {one.id: one for page in listing.rows for one in _own(device_id, page.rows)}
        dated = sorted(found.values(), key=lambda one: one.start)
        return [_record(device_id, one) for one in dated if start <= one.start < end]

    async def newest(self, device_id: str) -> Session | None:
        """Return the newest sub-session of a vehicle or charger, if it ever had one.

        Raises:
            ApiError: it could not be read.

        """
        of_device = self._of_device(device_id)
        if not of_device:
            return None
        # That the newest comes first is documented; a few more cost nothing.
        params = [*of_device, ("page_size", "10")]
        response = await self._access.get(_SUB_SESSIONS, params=params)
        found = _own(device_id, parse_sessions(response.json()).rows)
        return max(found, key=lambda one: one.start, default=None)

    async def plan(self, session_id: str) -> tuple[Slot, ...]:
        """Return the plan of a sub-session; one without a plan, or that is gone, has no slots.

        Raises:
            ApiError: it could not be read.

        """
        try:
            response = await self._access.get(_SUB_SESSIONS, session_id, "schedules")
        except UnexpectedResponse as error:
            if error.status != 404:
                raise
            return ()  # no word about other sessions
        return parse_plan(response.json())

    async def charge_plan(self, device_id: str) -> ChargePlan:
        """Return what is left of the plan of a vehicle's or charger's open session.

        Raises:
            ApiError: it could not be read.

        """
        newest = await self.newest(device_id)
        if newest is None or newest.end is not None:
            return ChargePlan(device_id=device_id)
        slots = await self.plan(newest.id)
        now = self._clock.now()
        ahead = [slot for slot in slots if slot.end is None or slot.end > now]
        return ChargePlan(
            device_id=device_id,
            slots=tuple(
                PlannedSlot(start=slot.start, end=slot.end, charging=slot.charge) for slot in ahead
            ),
            made_at=max((slot.made for slot in ahead if slot.made), default=None),
        )

    async def readings(
        self, device_id: str, start: datetime, end: datetime
    ) -> Sequence[RawReading]:
        """Return what the status logs of [start, end) say, the earliest first.

        Raises:
            ApiError: they could not be read whole.

        """
        device = self._device(device_id)
        if device is None:
            return []
        listing = await self._access.read_list(
            _LISTS[device.kind],
            device_id,
            "status_logs",
            parse=partial(_logged, device),
            params=[("sampled_at__gte", _text(start)), ("sampled_at__lte", _text(end))],
            most=_MOST_LOG_PAGES,
        )
        if not listing.complete:
            raise UnexpectedResponse(Reason.TOO_LARGE)
        found = {
            (reading.at, reading.quantity): reading
            for page in listing.rows
            for row in page.rows
            for reading in row
            if start <= reading.at < end
        }
        return sorted(found.values(), key=lambda reading: reading.at)

    def _of_device(self, device_id: str) -> Params:
        """Return the filter of a vehicle's or charger's sessions; empty for what has none."""
        device = self._device(device_id)
        return [] if device is None else [(_FILTERS[device.kind], device_id)]


def _own(device_id: str, sessions: Sequence[Session]) -> list[Session]:
    """Leave out what a filter that was not honoured let through."""
    return [one for one in sessions if device_id in {one.vehicle, one.charger}]


def _record(device_id: str, session: Session) -> ChargingSession:
    return ChargingSession(
        id=session.id,
        device_id=device_id,
        start=session.start,
        end=session.end,
        energy=session.energy,
        energy_from_solar=session.solar,
        percent_added=session.added,
        cost=session.cost,
        savings=session.savings,
        currency=session.currency,
        co2=session.co2,
        mode=session.mode,
    )


def _logged(device: Device, body: Json) -> Parsed[tuple[RawReading, ...]]:
    """Read a page of status logs; one that does not say when it was is bad."""

    def log(row: Json) -> tuple[RawReading, ...] | None:
        at = instant(dig(row, "sampled_at"))
        if at is None:
            return None
        return tuple(
            RawReading(device_id=device.id, at=at, quantity=quantity, value=value)
            for quantity, name, by in _LOGGED[device.kind]
            if (value := scaled(row, name, by=by)) is not None
        )

    return parse_rows(body, log)


def _text(at: datetime) -> str:
    """Return a time as the API writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
