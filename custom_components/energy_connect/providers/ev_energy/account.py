"""An ev.energy account: reads what is due and shows what is known."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched
from typing import Any, Final, override

from ...core.account import Context
from ...core.budget import Budget, Priority
from ...core.commands import Orders
from ...core.derived import Steady
from ...core.errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    RateLimited,
    Reason,
    Unavailable,
)
from ...core.history import Harvest, HistoryAccount, Source
from ...core.model import Device, Poll, Snapshot
from ...core.offers import Controllable, Mending, PlanSource, ReadingSource, SessionSource, Visit
from ...core.options import Interval
from ...core.records import ChargePlan, ChargingSession, Link, RawReading
from ...core.vocabulary import Flag, Kind
from .access import DEVICE_SCOPES, Access, open_access
from .agenda import SELDOM, Feature, choose, raise_if_blind
from .chargers import parse_chargers, reachable
from .commands import Commands
from .controls import WRITES, permissions
from .display import Display
from .energy import HomeEnergy
from .history import Past
from .household import Tariff, User, account_device, parse_tariff, parse_user
from .lists import Lists
from .lookups import Lookups
from .parse import Parsed
from .reconnect import advise, reconnect_link
from .sessions import (
    NEVER_CHARGED,
    NO_PLAN,
    NOTHING_PLANNED,
    Charging,
    Outlook,
    Sessions,
    Slot,
    outlook,
    parse_sessions,
)
from .vehicles import parse_vehicles

INTERVAL: Final = Interval(default=120, least=60, most=3600)
"""A poll costs three requests, and a few more with home energy, of the 1000 that an application has
an hour for a user, or for all its users together (vendor)."""
IDLE_INTERVAL: Final = 300.0
"""Seconds between polls at least while nothing is plugged in."""

_LOW: Final = 100
# What a first poll, of which 8 s are waited for, may take: the rest follows with the next one.
_FIRST: Final = 6.0
_SOON: Final = 10.0
_KEPT: Final = 3600.0
_RECENT: Final = 10
_MOST_ROWS: Final = 100
_MOST_PLANS: Final = 3
_SLICE: Final = 200


@dataclass(slots=True)
class _Plan:
    """The plan of an open session, and when it was read (monotonic seconds)."""

    slots: tuple[Slot, ...]
    at: float


class EvEnergyAccount(
    HistoryAccount, Controllable, SessionSource, PlanSource, ReadingSource, Mending
):
    """One account, opened."""

    def __init__(self, context: Context) -> None:
        """Take the surroundings; sends nothing."""
        self._clock = context.clock
        self._interval = INTERVAL.chosen(context.options)
        self._signed_in = context.grant is not None
        self._access: Access = open_access(context)
        self._vehicles: dict[str, Device] = {}
        self._chargers: dict[str, Device] = {}
        self._sessions = Sessions()
        self._sessions_read = False
        self._plans: dict[str, _Plan] = {}
        self._user: tuple[User, float] | None = None
        self._tariff: tuple[Tariff, float] | None = None
        self._requests_left: tuple[float, float] | None = None
        self._lists = Lists(self._access)
        self._lookups = Lookups(self._access, context.clock, self._device)
        self._past = Past(self._access, context.clock)
        self._home = HomeEnergy(self._access, context, self._lists.read)
        self._deadline: float | None = _FIRST
        self._first_round = True
        self._display = Display(self._interval)
        self._steady = Steady(Snapshot({}))
        self._features = self._all_features()
        hurry = self._feature("sessions").hurry
        commands = Commands(self._access, self._lookups, self._device, hurry)
        self.orders = Orders(context.clock, commands.send)

    def _all_features(self) -> list[Feature]:
        return [
            Feature(
                name="vehicles",
                scope="vehicle:read",
                read=self._read_vehicles,
                forget=self._vehicles.clear,
                main=True,
            ),
            Feature(
                name="chargers",
                scope="evse:read",
                read=self._read_chargers,
                forget=self._chargers.clear,
                main=True,
            ),
            Feature(
                name="sessions",
                scope="charging_session:read",
                read=self._read_sessions,
                forget=self._forget_sessions,
                main=True,
                yields=True,
            ),
            Feature(
                name="plans",
                scope="charging_session:read",
                read=self._read_plans,
                forget=self._plans.clear,
                extra=True,
                after=True,
            ),
            Feature(
                name="user",
                scope="user:read",
                read=self._read_user,
                forget=self._forget_user,
                every=SELDOM,
            ),
            Feature(
                name="tariff",
                scope="tariff:read",
                read=self._read_tariff,
                forget=self._forget_tariff,
                every=SELDOM,
                after=True,
            ),
            *self._home.features(),
        ]

    @property
    @override
    def budget(self) -> Budget:
        return self._access.budget

    @override
    async def poll(self) -> Poll:
        """Read what is due and return all that is known.

        Raises:
            ApiError: none of vehicles, chargers and sessions could be read.

        """
        self._lists.complete.clear()
        deadline, self._deadline = self._deadline, None
        outcomes: list[tuple[Feature, ApiError | None]] = []
        features: list[Feature] = []
        in_time = True
        try:
            async with asyncio.timeout(deadline):
                await self._access.authorise()
                features = self._allowed()
                now = self._clock.monotonic()
                chosen = choose(features, now, first=self._first_round)
                await self._read_all((one for one in chosen if not one.after), outcomes)
                await self._read_all((one for one in chosen if one.after), outcomes)
        except TimeoutError as error:
            in_time = False
            if not outcomes:
                raise Unavailable(Reason.TIMEOUT) from error
        raise_if_blind(features, outcomes)
        self._first_round = not in_time
        return Poll(
            snapshot=await self._snapshot(),
            again=timedelta(seconds=self._again() if in_time else _SOON),
            listed=frozenset(self._lists.complete),
        )

    def _allowed(self) -> list[Feature]:
        """Return the features that the granted scopes allow; what they no longer do is dropped.

        Raises:
            CredentialsRejected: a sign-in grants nothing at all any more, as after it was revoked.
            NotPermitted: the scopes that are granted show nothing.

        """
        scope = self._access.scope
        if scope is None:
            return self._features
        if not scope and self._signed_in:
            raise CredentialsRejected(Reason.SIGN_IN_LOST)
        if not scope & DEVICE_SCOPES:
            raise NotPermitted(Reason.MISSING_SCOPES, detail=", ".join(sorted(DEVICE_SCOPES)))
        allowed = []
        for feature in self._features:
            if feature.scope in scope:
                allowed.append(feature)
            else:
                feature.forget()
        return allowed

    async def _read_all(
        self, features: Iterable[Feature], outcomes: list[tuple[Feature, ApiError | None]]
    ) -> None:
        """Read features at once; how many requests run is the budget's matter."""

        async def one(feature: Feature) -> None:
            try:
                await feature.read()
            except ApiError as error:
                outcomes.append((feature, error))
                if not isinstance(error, RateLimited | CredentialsRejected):
                    feature.failed(self._clock.monotonic(), error)
            else:
                outcomes.append((feature, None))

        async with asyncio.TaskGroup() as group:
            for feature in features:
                group.create_task(one(feature))

    def _again(self) -> float:
        """Return the seconds until the next poll."""
        plugged = any(
            device.flags.get(Flag.PLUGGED_IN)
            for device in (*self._vehicles.values(), *self._chargers.values())
        )
        busy = plugged or bool(self._sessions.open) or self._home.present
        seconds = self._interval if busy else max(IDLE_INTERVAL, self._interval)
        if self._access.remaining is not None and self._access.remaining < _LOW:
            seconds *= 2
        return max(seconds, self._access.budget.quiet_for)

    # Reading.

    def _feature(self, name: str) -> Feature:
        return next(feature for feature in self._features if feature.name == name)

    async def _read_vehicles(self) -> None:
        found = await self._lists.read("vehicles", parse_vehicles, Kind.VEHICLE)
        _refill(self._vehicles, found)
        self._done("vehicles", empty=not found)

    async def _read_chargers(self) -> None:
        found = await self._lists.read("evses", parse_chargers, Kind.CHARGER)
        _refill(self._chargers, found)
        self._done("chargers", empty=not found)

    def _done(self, name: str, *, empty: bool = False) -> None:
        self._feature(name).done(self._clock.monotonic(), every=SELDOM if empty else None)

    async def _read_sessions(self) -> None:
        """Read the newest page: it has the open sessions, and at first what ended before."""
        rows = max(_RECENT, 2 * len(self._vehicles)) if self._sessions_read else _MOST_ROWS
        params = [("page_size", str(min(rows, _MOST_ROWS)))]
        response = await self._access.get("charging_sub_sessions", params=params)
        parsed: Parsed[Any] = self._lists.memory("sessions").parse(
            "", response.body, lambda _: parse_sessions(response.json())
        )
        self._lists.note_dropped("sessions", parsed.dropped)
        self._sessions.take(parsed.rows)
        self._sessions_read = True
        self._done("sessions")

    async def _read_plans(self) -> None:
        """Read the plans of open sessions; with many of them a few at a time, oldest first."""
        now = self._clock.monotonic()
        planned = {one.id for one in self._sessions.open if one.planned}
        for session_id in [key for key in self._plans if key not in planned]:
            del self._plans[session_id]
        waiting = sorted(
            planned, key=lambda key: (self._plans[key].at if key in self._plans else 0.0, key)
        )
        for session_id in waiting[:_MOST_PLANS]:
            self._plans[session_id] = _Plan(await self._lookups.plan(session_id), now)
        self._done("plans")

    async def _read_user(self) -> None:
        user = parse_user((await self._access.get("users", "me")).json())
        now = self._clock.monotonic()
        self._user = None if user is None else (user, now)
        self._done("user")

    async def _read_tariff(self) -> None:
        """Read the tariff of the home, if the user names one."""
        tariff_id = self._user[0].tariff if self._user else None
        if tariff_id is None:
            self._tariff = None
        else:
            tariff = parse_tariff((await self._access.get("tariffs", tariff_id)).json())
            self._tariff = (tariff, self._clock.monotonic())
        self._done("tariff")

    def _forget_sessions(self) -> None:
        self._sessions.clear()
        self._sessions_read = False

    def _forget_user(self) -> None:
        self._user = None

    def _forget_tariff(self) -> None:
        self._tariff = None

    # On demand.

    @override
    async def charging_sessions(
        self, device_id: str, start: datetime, end: datetime
    ) -> Sequence[ChargingSession]:
        return await self._lookups.charging_sessions(device_id, start, end)

    @override
    async def charge_plan(self, device_id: str) -> ChargePlan:
        return await self._lookups.charge_plan(device_id)

    @override
    async def readings(
        self, device_id: str, start: datetime, end: datetime
    ) -> Sequence[RawReading]:
        return await self._lookups.readings(device_id, start, end)

    @override
    async def mend(self, subject: str, visit: Visit) -> Link | None:
        """Return the page on which a vehicle is connected again; it leads back nowhere."""
        vehicle = self._vehicles.get(subject)
        if vehicle is None or not vehicle.flags.get(Flag.LOGIN_BROKEN):
            return None
        return await reconnect_link(self._access, subject)

    def _device(self, device_id: str) -> Device | None:
        return self._vehicles.get(device_id) or self._chargers.get(device_id)

    # Showing.

    async def _snapshot(self) -> Snapshot:
        """Return what is known; the same object while it is equal to the last one."""
        now = self._clock.now()
        shown: list[Device] = []
        for some in batched(self._combined(now), _SLICE, strict=False):
            shown += self._display.aged(some, now)
            # Where hundreds were measured anew, the rest of the house has its turn.
            await self._clock.sleep(0)
        if (account := self._account()) is not None:
            shown.append(account)
        advice = advise(self._vehicles.values())
        snapshot = Snapshot({device.id: device for device in shown}, advice)
        return self._steady.of(snapshot)

    def _combined(self, now: datetime) -> Iterator[Device]:
        """Give each device with its sessions, its plan and its controls."""
        allowed = permissions(self._access.scope)
        money = self._currency()
        yield from self._home.devices()
        for vehicle in tuple(self._vehicles.values()):
            charging = self._charging(vehicle) or (NEVER_CHARGED if self._sessions_read else None)
            plan = self._outlook(charging)
            yield self._display.vehicle(vehicle, charging, money, plan, allowed)
        for charger in tuple(self._chargers.values()):
            online = reachable(charger, now)
            charging = self._charging(charger)
            yield self._display.charger(charger, charging, money, online, allowed)

    def _currency(self) -> str | None:
        return self._sessions.currency or (self._tariff[0].currency if self._tariff else None)

    def _charging(self, device: Device) -> Charging | None:
        return self._sessions.of(device.id) if self._sessions_read else None

    def _outlook(self, charging: Charging | None) -> Outlook | None:
        """Return what is planned for a vehicle; None if plans can't be read."""
        if charging is None or isinstance(self._feature("plans").error, NotPermitted):
            return None
        newest = charging.newest
        if newest is None or newest.end is not None:
            return NOTHING_PLANNED
        plan = self._plans.get(newest.id)
        return outlook(plan.slots, self._clock.now()) if plan else NO_PLAN

    def _account(self) -> Device | None:
        now = self._clock.monotonic()
        user = self._user[0] if self._user else None
        if user and self._user and now - self._user[1] > _KEPT:
            user = replace(user, carbon_intensity=None)
        tariff = self._tariff[0] if self._tariff else None
        if tariff and self._tariff and now - self._tariff[1] > _KEPT:
            tariff = Tariff(None, tariff.currency)
        return account_device(user=user, tariff=tariff, requests_left=self._left(now))

    def _left(self, now: float) -> float | None:
        """Return the requests left; a number that changes with each poll is shown seldom."""
        remaining, shown = self._access.remaining, self._requests_left
        if remaining is not None and (
            shown is None or remaining < _LOW or now - shown[1] >= SELDOM
        ):
            self._requests_left = shown = (remaining, now)
        return shown[0] if shown else None

    @override
    def history_sources(self) -> Sequence[Source]:
        if not self._sessions_read:
            return []  # they may not be read, or it is not known yet what they are paid in
        return self._past.sources(
            (*self._vehicles.values(), *self._chargers.values()), self._currency()
        )

    @override
    async def read_history(
        self, source: Source, start: datetime, end: datetime, priority: Priority
    ) -> Harvest:
        return await self._past.read(source, start, end, priority)

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        """Return counts and names: what is read, what is refused, which scopes would bring more."""
        scope = self._access.scope
        refused = {one.scope for one in self._features if isinstance(one.error, NotPermitted)}
        wanted = {one.scope for one in self._features} | WRITES
        # Where nobody says what was granted, reading is tried; telling is not offered.
        missing = refused | (WRITES if scope is None else wanted - scope)
        budget = self._access.budget
        return {
            "scopes": None if scope is None else sorted(scope & wanted),
            "missing_scopes": sorted(missing),
            "features": {
                one.name: "ok" if one.error is None else one.error.reason.value
                for one in self._features
                if scope is None or one.scope in scope
            },
            "expanded": self._lists.expanded,
            "devices": {
                "vehicles": len(self._vehicles),
                "chargers": len(self._chargers),
                **self._home.counts(),
            },
            "open_sessions": len(self._sessions.open),
            "plans": len(self._plans),
            "history": self._past.diagnostics(),
            "dropped_rows": dict(self._lists.dropped),
            "version": self._access.version,
            "requests": budget.total,
            "requests_last_hour": budget.spent,
            "requests_left": self._access.remaining,
            "quiet_for": budget.quiet_for,
            "token_exchanges": self._access.exchanges,
        }


def open_account(context: Context) -> EvEnergyAccount:
    """Make the account; sends nothing."""
    return EvEnergyAccount(context)


def _refill(devices: dict[str, Device], found: Iterable[Device]) -> None:
    fresh = {device.id: device for device in found}
    devices.clear()
    devices.update(fresh)
