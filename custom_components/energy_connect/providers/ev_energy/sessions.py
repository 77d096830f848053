"""Charging sub-sessions (one mode within one plug-in) and their half-hour plans."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ...core.model import Device, Key, NumberKey, Reading
from ...core.payload import Json, dig, identifier, instant, number, rows
from ...core.vocabulary import Choice, Flag, Moment, Quantity, SessionMode
from .parse import Parsed, currency, link_id, money, parse_rows, scaled

_MODES: Final[Mapping[str, SessionMode]] = {
    "SMART": SessionMode.SMART,
    "BOOST": SessionMode.BOOST,
    "UNMANAGED_HOME": SessionMode.UNMANAGED_HOME,
    "UNMANAGED_OTG": SessionMode.UNMANAGED_ON_THE_GO,
    "MANAGED_OTG": SessionMode.MANAGED_ON_THE_GO,
}
_PLANNED: Final = frozenset({SessionMode.SMART, SessionMode.MANAGED_ON_THE_GO})
_DETAIL: Final[frozenset[Key]] = frozenset(
    {(Quantity.SESSION_SAVINGS, None), (Quantity.SESSION_CO2, None)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sub-session; energy in kWh, money in `currency`, CO2 in g; `end` None while it is open.

    `solar` is the part of the energy from the sun in kWh, `added` what the battery gained in %.

    The figures may be recalculated after the end, so they can fall.
    """

    id: str
    start: datetime
    end: datetime | None
    mode: SessionMode | None
    vehicle: str | None
    charger: str | None
    energy: float | None
    currency: str | None
    cost: float | None
    savings: float | None
    co2: float | None
    solar: float | None = None
    added: float | None = None

    @property
    def planned(self) -> bool:
        """Whether ev.energy plans this session and is not through with it."""
        return self.end is None and self.mode in _PLANNED

    @property
    def boosting(self) -> bool:
        """Whether it charges now, whatever the plan says."""
        return self.end is None and self.mode is SessionMode.BOOST


def parse_sessions(body: Json) -> Parsed[Session]:
    """Read `GET /charging_sub_sessions`; one whose start or end can't be read is bad.

    Raises:
        UnexpectedResponse: it is no list.

    """
    return parse_rows(body, _session)


def _session(row: Json) -> Session | None:
    session_id, start = identifier(dig(row, "id")), instant(dig(row, "start"))
    end = instant(dig(row, "end"))
    # An end that is not understood is an end all the same: the session must not seem open.
    if session_id is None or start is None or (end is None and dig(row, "end") is not None):
        return None
    mode, code = dig(row, "mode"), currency(dig(row, "currency"))
    return Session(
        id=session_id,
        start=start,
        end=end,
        mode=_MODES.get(mode) if isinstance(mode, str) else None,
        vehicle=link_id(dig(row, "vehicle")),
        charger=link_id(dig(row, "evse")),
        energy=scaled(row, "energy_delivered_watt_hours", by=1000),
        currency=code,
        cost=money(dig(row, "cost"), code) if code else None,
        savings=money(dig(row, "savings_cost"), code) if code else None,
        co2=scaled(row, "total_co2_grams"),
        solar=scaled(row, "solar_energy_delivered_watt_hours", by=1000),
        added=scaled(row, "percentage_added"),
    )


@dataclass(frozen=True, slots=True)
class Charging:
    """What the sessions say about one vehicle or charger: the newest, and the newest that ended."""

    newest: Session | None = None
    ended: Session | None = None


NEVER_CHARGED: Final = Charging()


class Sessions:
    """The newest sessions of each vehicle and charger, put together from pages of recent ones."""

    def __init__(self) -> None:
        """Know no session yet."""
        self._known: dict[str, Session] = {}
        self._by_device: dict[str, Charging] = {}

    @property
    def currency(self) -> str | None:
        """The currency of the newest session that names one."""
        dated = [one for one in self._known.values() if one.currency]
        return max(dated, key=lambda one: one.start).currency if dated else None

    @property
    def open(self) -> list[Session]:
        """The sessions that have not ended, the newest of each device only."""
        newest = {one.newest.id: one.newest for one in self._by_device.values() if one.newest}
        return [one for one in newest.values() if one.end is None]

    def of(self, device_id: str) -> Charging | None:
        """Return what is known about a vehicle or charger; None if no session ever named it."""
        return self._by_device.get(device_id)

    def clear(self) -> None:
        """Forget all."""
        self._known = {}
        self._by_device = {}

    def take(self, recent: Iterable[Session]) -> None:
        """Take the newest sessions of the account, in any order.

        What is known and not older than the oldest of them, but not among them, is gone.
        """
        page = {one.id: one for one in recent}
        oldest = min((one.start for one in page.values()), default=None)
        kept = {
            key: one for key, one in self._known.items() if oldest is None or one.start < oldest
        }
        self._by_device = {}
        for one in sorted((kept | page).values(), key=lambda one: one.start):
            for device_id in filter(None, (one.vehicle, one.charger)):
                before = self._by_device.get(device_id, NEVER_CHARGED)
                ended = one if one.end is not None else before.ended
                self._by_device[device_id] = Charging(one, ended)
        self._known = {
            one.id: one
            for state in self._by_device.values()
            for one in (state.newest, state.ended)
            if one is not None
        }


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of a plan; `end` None is open, `charge` says whether energy shall flow."""

    start: datetime
    end: datetime | None
    charge: bool
    made: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a plan means now: whether to charge, when the next charge starts, when the last ends."""

    now: bool | None = None
    start: datetime | None = None
    end: datetime | None = None


NO_PLAN: Final = Outlook()
NOTHING_PLANNED: Final = Outlook(now=False)


def parse_plan(body: Json) -> tuple[Slot, ...]:
    """Read `GET /charging_sub_sessions/{id}/schedules`, oldest slot first.

    The current's unit is doubtful (the documented example looks like watts), so it only tells
    whether to charge or not.
    """
    slots = []
    for row in rows(dig(body, "schedules")):
        start, seconds = instant(dig(row, "started_at")), number(dig(row, "interval_seconds"))
        current = number(dig(row, "current_milliamps"))
        if start is None or current is None or (seconds is not None and not 0 < seconds < 1e6):
            continue
        end = None if seconds is None else start + timedelta(seconds=seconds)
        feeds = dig(row, "schedule_type") == "V2G_DISCHARGE"
        made = instant(dig(row, "created_at"))
        slots.append(Slot(start, end, current != 0 and not feeds, made))
    return tuple(sorted(slots, key=lambda slot: slot.start))


def outlook(plan: tuple[Slot, ...], now: datetime) -> Outlook:
    """Tell what a plan means at `now`.

    The start is that of the next stretch of charging, so it is unknown while the last one runs; the
    end is that of the last one, and unknown if that is open (a boost).
    """
    if not plan:
        return NO_PLAN
    ahead = [slot for slot in plan if slot.charge and (slot.end is None or slot.end > now)]
    running = [slot for slot in ahead if slot.start <= now]
    # Half hours that follow each other are one charge: its start must not move while it runs.
    reached = running[-1].end if running else now
    start = None
    for slot in ahead[len(running) :]:
        if running and (reached is None or slot.start <= reached):
            reached = slot.end
            continue
        start = slot.start
        break
    return Outlook(now=bool(running), start=start, end=ahead[-1].end if ahead else None)


def with_charging(device: Device, charging: Charging, default_currency: str | None) -> Device:
    """Return the vehicle or charger with its newest and its last finished session."""
    newest, ended = charging.newest, charging.ended
    start = newest.start if newest else None
    numbers: dict[NumberKey, Reading] = {
        (Quantity.SESSION_ENERGY, None): Reading(newest.energy if newest else None, since=start),
        (Quantity.SESSION_CO2, None): Reading(newest.co2 if newest else None),
        (Quantity.LAST_SESSION_ENERGY, None): Reading(ended.energy if ended else None),
    }
    # Money without a currency is no money.
    if code := (newest.currency if newest else None) or default_currency:
        numbers[Quantity.SESSION_COST, None] = Reading(
            newest.cost if newest else None, since=start, unit=code
        )
        numbers[Quantity.SESSION_SAVINGS, None] = Reading(
            newest.savings if newest else None, since=start, unit=code
        )
    if code := (ended.currency if ended else None) or default_currency:
        numbers[Quantity.LAST_SESSION_COST, None] = Reading(
            ended.cost if ended else None, unit=code
        )
    mode: dict[Choice, StrEnum | None] = {Choice.SESSION_MODE: newest.mode if newest else None}
    return replace(
        device,
        numbers={**device.numbers, **numbers},
        moments={
            **device.moments,
            Moment.SESSION_START: start,
            Moment.LAST_SESSION_START: ended.start if ended else None,
            Moment.LAST_SESSION_END: ended.end if ended else None,
        },
        choices={**device.choices, **mode},
        detail=device.detail | _DETAIL,
    )


def with_outlook(device: Device, plan: Outlook) -> Device:
    """Return the vehicle with what is planned."""
    return replace(
        device,
        flags={**device.flags, Flag.CHARGE_PLANNED: plan.now},
        moments={
            **device.moments,
            Moment.NEXT_CHARGE_START: plan.start,
            Moment.NEXT_CHARGE_END: plan.end,
        },
    )
