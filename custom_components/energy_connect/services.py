"""The actions of the integration, registered once for all accounts."""

import asyncio
from collections.abc import Awaitable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType
import voluptuous as vol

from .const import DOMAIN
from .control import PATIENCE
from .coordinator import EnergyCoordinator
from .core.commands import Command, Outcome, State
from .core.errors import ApiError, CommandRefused, Reason, Refusal, Unavailable
from .core.offers import Linking, PlanSource, ReadingSource, SessionSource
from .core.records import ChargePlan, ChargingSession, RawReading
from .core.vocabulary import Action, Kind
from .exceptions import call_failed, command_failed, command_refused
from .linking import visit_of_a_page
from .targets import (
    ACCOUNT,
    DEVICES,
    DEVICES_OR_ACCOUNTS,
    Target,
    accounts,
    devices,
    devices_of_all,
    invalid,
)

SERVICE_REFRESH: Final = "refresh"
SERVICE_GET_CHARGING_SESSIONS: Final = "get_charging_sessions"
SERVICE_GET_CHARGE_PLAN: Final = "get_charge_plan"
SERVICE_GET_READINGS: Final = "get_readings"
SERVICE_SET_CHARGING: Final = "set_charging"
SERVICE_LINK_DEVICE: Final = "link_device"

ATTR_START: Final = "start"
ATTR_END: Final = "end"
ATTR_ACTION: Final = "action"
ATTR_KINDS: Final = "kinds"
START_CHARGING: Final = "start"
STOP_CHARGING: Final = "stop"

OUTCOME_WITHIN: Final = 60.0
"""Seconds that an action which promises an outcome waits for it."""

_WEEK: Final = timedelta(days=7)
_PERIOD: Final = {vol.Optional(ATTR_START): cv.datetime, vol.Optional(ATTR_END): cv.datetime}


@callback
def register_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    register = partial(hass.services.async_register, DOMAIN)
    register(SERVICE_REFRESH, _refresh, vol.Schema(DEVICES_OR_ACCOUNTS))
    register(
        SERVICE_GET_CHARGING_SESSIONS,
        _get_charging_sessions,
        vol.Schema(DEVICES_OR_ACCOUNTS | _PERIOD),
        SupportsResponse.ONLY,
    )
    register(
        SERVICE_GET_CHARGE_PLAN,
        _get_charge_plan,
        vol.Schema(DEVICES_OR_ACCOUNTS),
        SupportsResponse.ONLY,
    )
    register(
        SERVICE_GET_READINGS, _get_readings, vol.Schema(DEVICES | _PERIOD), SupportsResponse.ONLY
    )
    register(
        SERVICE_SET_CHARGING,
        _set_charging,
        vol.Schema(DEVICES | {vol.Required(ATTR_ACTION): vol.In([START_CHARGING, STOP_CHARGING])}),
        SupportsResponse.OPTIONAL,
    )
    register(
        SERVICE_LINK_DEVICE,
        _link_device,
        vol.Schema(
            ACCOUNT | {vol.Optional(ATTR_KINDS): vol.All(cv.ensure_list, [vol.Coerce(Kind)])}
        ),
        SupportsResponse.ONLY,
    )


async def _refresh(call: ServiceCall) -> None:
    """Ask the provider to ask the devices, where it can, and read the accounts anew."""
    targets = devices(call.hass, call)
    named = accounts(call.hass, call)
    if not (targets or named):
        raise invalid("no_target")
    await _each(
        target.coordinator.perform(Command(target.device.id, Action.REFRESH), PATIENCE)
        for target in targets
        if Action.REFRESH in target.device.controls
    )
    coordinators = {id(one): one for one in (*named, *(item.coordinator for item in targets))}
    await _each(_read_anew(coordinator) for coordinator in coordinators.values())


async def _read_anew(coordinator: EnergyCoordinator) -> None:
    await coordinator.async_refresh()
    if (error := coordinator.last_error) is not None:
        raise call_failed(error, coordinator.name)
    if not coordinator.last_update_success:
        raise call_failed(Unavailable(Reason.UNEXPECTED_SHAPE), coordinator.name)


async def _get_charging_sessions(call: ServiceCall) -> ServiceResponse:
    """Return the charging sessions of a period, the last week if none is given."""
    start, end = _period(call)

    async def sessions(target: Target) -> list[JsonValueType]:
        if not isinstance(source := target.coordinator.account, SessionSource):
            raise invalid("not_supported", account=target.coordinator.name)
        found = await _ask(target, source.charging_sessions(target.device.id, start, end))
        return [_session(target, session) for session in found]

    chosen = [item for item in devices_of_all(call.hass, call) if _charges(item, call)]
    return {"sessions": _joined(await _each(sessions(target) for target in chosen))}


async def _get_charge_plan(call: ServiceCall) -> ServiceResponse:
    """Return the charging plans."""

    async def plan(target: Target) -> JsonValueType:
        if not isinstance(source := target.coordinator.account, PlanSource):
            raise invalid("not_supported", account=target.coordinator.name)
        return _plan(target, await _ask(target, source.charge_plan(target.device.id)))

    chosen = [item for item in devices_of_all(call.hass, call) if _charges(item, call)]
    return {"plans": await _each(plan(target) for target in chosen)}


async def _get_readings(call: ServiceCall) -> ServiceResponse:
    """Return the raw readings of a period, the last week if none is given."""
    start, end = _period(call)

    async def readings(target: Target) -> list[JsonValueType]:
        if not isinstance(source := target.coordinator.account, ReadingSource):
            raise invalid("not_supported", account=target.coordinator.name)
        found = await _ask(target, source.readings(target.device.id, start, end))
        return [_reading(target, reading) for reading in found]

    found = await _each(readings(target) for target in devices(call.hass, call))
    return {"readings": _joined(found)}


async def _set_charging(call: ServiceCall) -> ServiceResponse:
    """Start or stop charging, and wait for the outcome.

    Without a response wanted, an outcome that is not good is an error.
    """
    start = call.data[ATTR_ACTION] == START_CHARGING

    async def charge(target: Target) -> JsonValueType:
        command = Command(target.device.id, Action.CHARGING, start)
        outcome = await target.coordinator.perform(command, OUTCOME_WITHIN)
        if not call.return_response and outcome.state is not State.CONFIRMED:
            if outcome.state is State.PENDING:
                outcome = Outcome(State.UNKNOWN, Refusal.NO_OUTCOME)
            name = target.coordinator.device_name(target.device.id)
            raise command_failed(outcome, name, target.coordinator.name)
        return _outcome(target, outcome)

    outcomes = await _each(charge(target) for target in devices(call.hass, call))
    return {"outcomes": outcomes} if call.return_response else None


async def _link_device(call: ServiceCall) -> ServiceResponse:
    """Return a page of the provider on which new devices are linked to the account."""
    (coordinator,) = accounts(call.hass, call)
    offered = coordinator.provider.link_kinds
    kinds = frozenset(call.data.get(ATTR_KINDS) or offered)
    account = coordinator.account
    if not isinstance(account, Linking):
        raise invalid("not_supported", account=coordinator.name)
    if not kinds <= set(offered):
        raise invalid("kind_not_linkable", kinds=", ".join(offered))
    visit = visit_of_a_page(call.hass, coordinator)
    try:
        link = await account.link(kinds, visit)
    except CommandRefused as error:
        raise command_refused(error, coordinator.name) from error
    except ApiError as error:
        raise call_failed(error, coordinator.name) from error
    return {"url": link.url, "expires": link.expires.isoformat() if link.expires else None}


async def _each[T](jobs: Iterable[Awaitable[T]]) -> list[T]:
    """Do all at the same time and to the end; then raise the first error, if there is one."""
    results = await asyncio.gather(*jobs, return_exceptions=True)
    good: list[T] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        good.append(result)
    return good


async def _ask[T](target: Target, answer: Awaitable[T]) -> T:
    """Look something up; errors become Home Assistant's."""
    try:
        return await answer
    except ApiError as error:
        raise call_failed(error, target.coordinator.name) from error


def _charges(target: Target, call: ServiceCall) -> bool:
    """Leave out the meters of an account; keep what was named itself."""
    named = target.registry_id in call.data.get("device_id", ())
    return named or target.device.kind in {Kind.VEHICLE, Kind.CHARGER}


def _period(call: ServiceCall) -> tuple[datetime, datetime]:
    """Return the period in UTC; what is given without a zone is in the house's."""
    end = call.data.get(ATTR_END)
    end = dt_util.as_utc(end) if end else dt_util.utcnow()
    start = call.data.get(ATTR_START)
    start = dt_util.as_utc(start) if start else end - _WEEK
    if start >= end:
        raise invalid("period_reversed")
    return start, end


def _joined[T](lists: Iterable[list[T]]) -> list[T]:
    return [item for one in lists for item in one]


def _outcome(target: Target, outcome: Outcome) -> JsonValueType:
    return {
        "device_id": target.registry_id,
        "outcome": outcome.state.value,
        "reason": outcome.reason.value if outcome.reason else None,
        "detail": outcome.detail,
    }


def _session(target: Target, session: ChargingSession) -> JsonValueType:
    return {
        "device_id": target.registry_id,
        "id": session.id,
        "start": session.start.isoformat(),
        "end": session.end.isoformat() if session.end else None,
        "energy": session.energy,
        "energy_from_solar": session.energy_from_solar,
        "percent_added": session.percent_added,
        "cost": session.cost,
        "savings": session.savings,
        "currency": session.currency,
        "co2": session.co2,
        "mode": session.mode.value if session.mode else None,
    }


def _plan(target: Target, plan: ChargePlan) -> JsonValueType:
    return {
        "device_id": target.registry_id,
        "made_at": plan.made_at.isoformat() if plan.made_at else None,
        "slots": [
            {
                "start": slot.start.isoformat(),
                "end": slot.end.isoformat() if slot.end else None,
                "charging": slot.charging,
            }
            for slot in plan.slots
        ],
    }


def _reading(target: Target, reading: RawReading) -> JsonValueType:
    return {
        "device_id": target.registry_id,
        "at": reading.at.isoformat(),
        "quantity": reading.quantity.value,
        "part": reading.part.value if reading.part else None,
        "value": reading.value,
        "unit": reading.unit or reading.quantity.unit,
    }
