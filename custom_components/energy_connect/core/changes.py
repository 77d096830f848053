"""What happened to a device, told by two looks at it; one vocabulary for all providers.

Pure: `watch` takes what was known and a device, and gives what is known now and what happened. A
value that is unknown for a while says nothing; what was known before it stays known. The first look
at a device tells nothing, so that a restart is no event.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from .commands import Order, State
from .controls import ClimateSetting, Value
from .model import Device, Reading
from .vocabulary import Action, Flag, Kind, Moment, Quantity


class Event(StrEnum):
    """What can happen to a device; parts of event entities, so changing one breaks automations."""

    PLUGGED_IN = "plugged_in"
    UNPLUGGED = "unplugged"
    CHARGING_STARTED = "charging_started"
    CHARGING_STOPPED = "charging_stopped"
    SESSION_FINISHED = "session_finished"
    COMMAND_CONFIRMED = "command_confirmed"
    COMMAND_FAILED = "command_failed"


@dataclass(frozen=True, slots=True)
class Happening:
    """An event and its figures, ready to be shown: numbers, texts, times in ISO 8601."""

    event: Event
    figures: Mapping[str, str | float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a device, to compare the next look with."""

    plugged_in: bool | None = None
    charging: bool | None = None
    session_end: datetime | None = None


_CHARGING: Final = frozenset({Kind.VEHICLE, Kind.CHARGER})


def possible(device: Device) -> tuple[Event, ...]:
    """Return what can happen to a device with what it offers, in the vocabulary's order."""
    events: set[Event] = set()
    if device.kind in _CHARGING:
        if Flag.PLUGGED_IN in device.flags:
            events |= {Event.PLUGGED_IN, Event.UNPLUGGED}
        if Flag.CHARGING in device.flags:
            events |= {Event.CHARGING_STARTED, Event.CHARGING_STOPPED}
        if Moment.LAST_SESSION_END in device.moments:
            events.add(Event.SESSION_FINISHED)
    if any(action is not Action.REFRESH for action in device.controls):
        events |= {Event.COMMAND_CONFIRMED, Event.COMMAND_FAILED}
    return tuple(event for event in Event if event in events)


def watch(known: Known | None, device: Device) -> tuple[Known, list[Happening]]:
    """Compare a device with what was known of it; `known` is None at the first look."""
    flags, moments = device.flags, device.moments
    before = known or Known()
    now = Known(
        plugged_in=_newer(flags.get(Flag.PLUGGED_IN), before.plugged_in),
        charging=_newer(flags.get(Flag.CHARGING), before.charging),
        session_end=_latest(moments.get(Moment.LAST_SESSION_END), before.session_end),
    )
    if known is None or device.kind not in _CHARGING:
        return now, []
    happened = []
    # In the order in which they happen to a car: plugged in, charged, charged to the end, unplugged.
    if before.plugged_in is False and now.plugged_in:
        happened.append(Happening(Event.PLUGGED_IN))
    if before.charging is False and now.charging:
        happened.append(Happening(Event.CHARGING_STARTED))
    if before.charging and now.charging is False:
        happened.append(Happening(Event.CHARGING_STOPPED))
    if now.session_end is not None and (
        before.session_end is None or now.session_end > before.session_end
    ):
        happened.append(Happening(Event.SESSION_FINISHED, _session(device, now.session_end)))
    if before.plugged_in and now.plugged_in is False:
        happened.append(Happening(Event.UNPLUGGED))
    return now, happened


def told(order: Order) -> Happening | None:
    """Return what became of an order; None while it is open, and for what nobody waits for.

    Nobody waits for a command that a newer one replaced, for one that the end of Home Assistant cut
    off, or for a hint to ask the device.
    """
    outcome = order.outcome
    if order.pending or order.replaced or order.command.action is Action.REFRESH:
        return None
    confirmed = outcome.state is State.CONFIRMED
    return Happening(
        Event.COMMAND_CONFIRMED if confirmed else Event.COMMAND_FAILED,
        {
            "action": order.command.action.value,
            "value": shown_value(order.command.value),
            "outcome": outcome.state.value,
            "reason": outcome.reason.value if outcome.reason else None,
            "detail": outcome.detail,
        },
    )


def shown_value(value: Value) -> str | float | None:
    """Return a command's value as an event or a response shows it."""
    match value:
        case None | int() | float():
            return value
        case StrEnum():
            return value.value
        case ClimateSetting(hold=hold, mode=mode):
            parts = [hold, mode, value.heat, value.cool]
            return " ".join(str(part) for part in parts if part is not None)
        case _:
            return value.isoformat("minutes")


def _newer[T](now: T | None, before: T | None) -> T | None:
    return before if now is None else now


def _latest(now: datetime | None, before: datetime | None) -> datetime | None:
    """Return the later one: a provider that takes a session back has not ended it again."""
    return max((at for at in (now, before) if at is not None), default=None)


def _session(device: Device, end: datetime) -> dict[str, str | float | None]:
    """Return the figures of the session that ended then; energy in kWh, duration in minutes."""
    energy = device.numbers.get((Quantity.LAST_SESSION_ENERGY, None), _NOTHING)
    cost = device.numbers.get((Quantity.LAST_SESSION_COST, None), _NOTHING)
    start = device.moments.get(Moment.LAST_SESSION_START)
    return {
        "start": start.isoformat() if start else None,
        "end": end.isoformat(),
        "duration": round((end - start).total_seconds() / 60, 1) if start else None,
        "energy": energy.value,
        "cost": cost.value,
        "currency": cost.unit,
    }


_NOTHING: Final = Reading(None)
