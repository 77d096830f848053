"""An Enode account: one client, or one user of it."""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from itertools import batched, chain
from typing import Any, Final, override

from ...core.account import Context, Field, Identity, Provider
from ...core.budget import Budget, Priority
from ...core.commands import Orders
from ...core.counters import CounterGuard
from ...core.derived import Derived
from ...core.errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    RateLimited,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from ...core.freshness import Freshness
from ...core.history import Harvest, HistoryAccount, Source
from ...core.model import AdviceKind, Device, Poll, Snapshot
from ...core.offers import Controllable, Linking, Mending, PlanSource, SessionSource, Visit
from ...core.options import Fault, Interval, Problem
from ...core.records import ChargePlan, ChargingSession, Link
from ...core.vocabulary import Flag, Kind
from .access import FIELDS, VERSION, Access, address
from .assets import Asset
from .charging import CURRENCY, currency_of
from .commands import Commands
from .history import EnodeHistory
from .interventions import Interventions
from .linking import SCOPES, Pages
from .lists import GRACE, WholeList
from .lookup import charge_plan, charging_sessions
from .needs import Need, needs
from .owners import Place, parse_place
from .parse import ASSETS
from .units import Site, day_started, parse_site
from .users import Users
from .zones import Zones

INTERVAL: Final = Interval(default=300, least=60, most=3600)
"""Enode refreshes by itself every 2 to 7 minutes, heating every 1 or 2 (vendor); limits of requests
are not public."""

_HOUSE: Final = "home-assistant"
_SOON: Final = 15.0
_PLACES: Final = 6 * 3600.0
# Devices that are made in one go; then the rest of the house has its turn.
_AT_ONCE: Final = 200
# The first poll of an entry has 8 s; what has come by then is shown.
_FIRST_ROUND: Final = 6.0
_ROUND: Final = 120.0
# An idle device is refreshed every 7 minutes (vendor).
_REFRESHED: Final = 7 * 60.0


type _Login = tuple[Mapping[Flag, bool | None], Hashable]


class EnodeAccount(HistoryAccount, Controllable, SessionSource, PlanSource, Linking, Mending):
    """Reads the lists of all kinds of assets at each poll, and the rest seldom."""

    def __init__(self, context: Context, *, first_round: float = _FIRST_ROUND) -> None:
        """Open the account; `first_round` bounds its first reading (seconds)."""
        self._access = access = Access(context)
        self._clock = context.clock
        self._zone = context.zone
        self._interval = INTERVAL.chosen(context.options)
        self._first_round = first_round
        user_id = access.settings.user_id
        base = ("users", user_id) if user_id else ()
        client, clock = access.client, context.clock
        self._assets: dict[Kind, WholeList[Asset]] = {
            kind: WholeList(client, clock, (*base, name), parse, grace=3 * self._interval)
            for name, (kind, parse) in ASSETS.items()
        }
        self._sites: WholeList[Site] = WholeList(
            client, clock, (*base, "hem-systems"), parse_site, grace=3 * self._interval
        )
        self._places: WholeList[Place] = WholeList(
            client, clock, (*base, "locations"), parse_place, interval=_PLACES
        )
        self._users = Users(client, clock, user_id)
        self._interventions = Interventions(client, clock, context.language)
        self._pages = Pages(client, clock)
        self.orders = Orders(clock, Commands(client, self._device).send)
        self._zones = Zones()
        self._history = EnodeHistory(
            client,
            clock,
            self._zones,
            context.zone,
            owner=user_id,
            currency=currency_of(context.options),
        )
        self._made: dict[str, tuple[Device, Hashable, Device]] = {}
        self._shown: Derived[Hashable, Snapshot] = Derived()
        self._mentioned: Derived[Hashable, tuple[frozenset[str], frozenset[str]]] = Derived()
        self._guard = CounterGuard()
        self._freshness = Freshness(
            timedelta(seconds=_REFRESHED + 3 * max(self._interval, INTERVAL.default))
        )
        self._read_before = False

    @property
    @override
    def budget(self) -> Budget:
        return self._access.budget

    @override
    async def poll(self) -> Poll:
        listed: set[Kind] = set()
        errors: list[ApiError] = []
        within = _ROUND if self._read_before else self._first_round
        try:
            async with asyncio.timeout(within):
                await self._round(listed, errors)
        except TimeoutError as error:
            if not self._read_before:
                raise Unavailable(Reason.TIMEOUT) from error
            again = _SOON
        else:
            again = max([self._interval, *(error.retry_after or 0.0 for error in errors)])
        return Poll(
            snapshot=await self._snapshot(),
            again=timedelta(seconds=again),
            listed=frozenset(listed),
        )

    async def _round(self, listed: set[Kind], errors: list[ApiError]) -> None:
        """Read what is due; tell which kinds were listed and which optional things failed.

        Raises:
            ApiError: nothing at all could be read.

        """
        # Once for all lists: a sign-in server in trouble is asked once a poll.
        await self._access.token.get()
        if await self._users.owner_is_missing():
            # What the lists gave before, if anything, ends with their grace time.
            self._read_before = True
            return
        due = {kind: one for kind, one in self._lists.items() if one.due}
        if not any(kind in due for kind in self._assets):
            due = dict(self._lists)  # all were refused: that is no optional thing any more
        failed = await self._read(due, listed)
        _raise_rejected(failed)
        if len(failed) == len(due):
            raise _worst(failed)
        errors += failed
        users, interventions = self._mentioned.of(self._assets_now, self._mention)
        errors += await self._users.refresh(users)
        errors += await self._interventions.refresh(interventions)
        if self._users.all_known:
            listed.add(Kind.ACCOUNT)
        await self._prepare_sites()

    @property
    def _lists(self) -> dict[Kind, WholeList[Asset] | WholeList[Site]]:
        return {**self._assets, Kind.SITE: self._sites}

    async def _read(
        self, due: Mapping[Kind, WholeList[Asset] | WholeList[Site]], listed: set[Kind]
    ) -> list[ApiError]:
        """Read these lists at the same time; return what failed."""
        failed: list[ApiError] = []

        async def read(kind: Kind, one: WholeList[Asset] | WholeList[Site]) -> None:
            try:
                complete = await one.read()
            except ApiError as error:
                failed.append(error)
                return
            self._read_before = True
            if complete:
                listed.add(kind)

        async with asyncio.TaskGroup() as group:
            for kind, one in due.items():
                group.create_task(read(kind, one))
        if any(error.reason is Reason.NOT_FOUND for error in failed):
            self._users.recheck()
        return failed

    async def _prepare_sites(self) -> None:
        """Get what a site's day and name need: its location, and its time zone."""
        sites = self._sites.items
        bare = [site for site in sites if site.zone is None or site.device.name is None]
        if any(site.place for site in bare) and self._places.due:
            try:
                await self._places.read()
            except CredentialsRejected:
                raise
            except ApiError:
                pass  # kept as `failed` by the list; the house's own zone serves meanwhile
        for name in [*(site.zone for site in sites), *(place.zone for place in self._places.items)]:
            await self._zones.get(name)

    async def _snapshot(self) -> Snapshot:
        """Return all devices and needs; the same object as before if nothing at all has changed."""
        now = self._clock.now()
        made_of = self._made_of()
        before = self._shown.get(made_of)
        if before is not None and self._freshness.holds(now):
            return before
        devices = chain(self._site_devices(), self._asset_devices(), self._users.devices)
        shown: dict[str, Device] = {}
        for some in batched(devices, _AT_ONCE):
            if shown:
                await self._clock.sleep(0)
            for device in some:
                shown[device.id] = self._freshness.show(self._guard.settle(device), now)
        if len(self._made) > len(shown):
            self._made = {key: made for key, made in self._made.items() if key in shown}
        self._freshness.keep(shown)
        advice = tuple(need.advice for need in self._needs())
        return self._shown.put(made_of, Snapshot(shown, advice))

    def _made_of(self) -> Hashable:
        """Return all that a snapshot is made of, save the time."""
        return (
            self._assets_now,
            tuple(self._sites.items),
            tuple(self._places.items),
            self._users.told,
            self._interventions.told,
            self._zones.told,
        )

    @property
    def _assets_now(self) -> tuple[tuple[Asset, ...], ...]:
        return tuple(tuple(one.items) for one in self._assets.values())

    def _mention(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return the users and the interventions that assets name."""
        assets = list(self._all_assets())
        return (
            frozenset(asset.user for asset in assets if asset.user is not None),
            frozenset(chain.from_iterable(asset.interventions for asset in assets)),
        )

    def _all_assets(self) -> Iterable[Asset]:
        return (asset for one in self._assets.values() for asset in one.items)

    def _asset(self, device_id: str) -> Asset | None:
        return next((one for one in self._all_assets() if one.device.id == device_id), None)

    def _device(self, device_id: str) -> Device | None:
        asset = self._asset(device_id)
        return asset.device if asset is not None else None

    def _needs(self) -> list[Need]:
        return needs(self._users.broken, self._all_assets(), self._interventions)

    def _once[*A](
        self, device: Device, key: Hashable, make: Callable[[Device, *A], Device], *arguments: *A
    ) -> Device:
        """Return the same object for the same input, so that comparing snapshots costs nothing."""
        before = self._made.get(device.id)
        if before is not None and before[0] is device and before[1] == key:
            return before[2]
        made = make(device, *arguments)
        self._made[device.id] = (device, key, made)
        return made

    def _site_devices(self) -> Iterable[Device]:
        """Return the sites, their day starting at their own midnight."""
        places = {place.id: place for place in self._places.items}
        for site in self._sites.items:
            device = site.device
            place = places.get(site.place or "")
            zone = self._zones.known(site.zone) or (
                self._zones.known(place.zone) if place else None
            )
            name = device.name or (place.name if place else None) or device.manufacturer
            yield self._once(device, (zone, name), _finished_site, zone or self._zone, name)

    def _asset_devices(self) -> Iterable[Device]:
        """Return the assets, below their site if it is there, with the state of their login."""
        sites = {site.device.id for site in self._sites.items}
        for kind, one in self._assets.items():
            logins: dict[tuple[str | None, str | None], _Login] = {}
            for asset in one.items:
                device = asset.device
                parent = device.parent if device.parent in sites else None
                owner = asset.user, asset.vendor
                if (login := logins.get(owner)) is None:
                    flags = self._users.login(*owner, kind)
                    login = logins[owner] = flags, tuple(flags.items())
                yield self._once(device, (parent, login[1]), _placed, parent, login[0])

    @override
    def history_sources(self) -> Sequence[Source]:
        assets = (asset for one in self._assets.values() for asset in one.items)
        return self._history.sources(assets, self._sites.items)

    @override
    async def read_history(
        self, source: Source, start: datetime, end: datetime, priority: Priority
    ) -> Harvest:
        return await self._history.read(source, start, end, priority)

    @override
    async def charging_sessions(
        self, device_id: str, start: datetime, end: datetime
    ) -> Sequence[ChargingSession]:
        if (asset := self._asset(device_id)) is None:
            return []
        return await charging_sessions(self._access.client, asset.device, asset.user, start, end)

    @override
    async def charge_plan(self, device_id: str) -> ChargePlan:
        if (asset := self._asset(device_id)) is None:
            return ChargePlan(device_id=device_id)
        return await charge_plan(self._access.client, asset.device)

    @override
    async def link(self, kinds: frozenset[Kind], visit: Visit) -> Link:
        user = self._linking_user()
        link = await self._pages.link(user, kinds, visit)
        self._users.watch(user)
        return link

    def _linking_user(self) -> str:
        """Return for whom something new is linked: for the one user that there is.

        Among several nobody is chosen: the house is one more. All devices of the client are shown,
        whosever they are.
        """
        if (entered := self._access.settings.user_id) is not None:
            return entered
        known = self._users.ids | {one.user for one in self._all_assets() if one.user is not None}
        return known.pop() if len(known) == 1 else _HOUSE

    @override
    async def mend(self, subject: str, visit: Visit) -> Link | None:
        need = self._need(subject)
        broken = AdviceKind.VENDOR_LOGIN_BROKEN
        if need is not None and need.advice.kind is broken and need.user is not None:
            # Perhaps it was mended elsewhere; then Enode would refuse.
            await self._users.read(need.user)
            need = self._need(subject)
        if need is None:
            return None
        user = need.user or self._linking_user()
        link = await self._pages.relink(need.relink, visit) if need.relink is not None else None
        if link is None:
            kinds = need.kinds or SCOPES.keys()
            link = await self._pages.link(user, kinds, visit, vendor=need.vendor)
        self._users.watch(user)
        return link

    def _need(self, subject: str) -> Need | None:
        return next((need for need in self._needs() if need.advice.subject == subject), None)

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        settings, budget = self._access.settings, self._access.budget
        return {
            "environment": settings.environment,
            "version": VERSION,
            "one_user": settings.user_id is not None,
            "lists": {one.name: one.diagnostics() for one in (*self._lists.values(), self._places)},
            "users": self._users.diagnostics(),
            "history": self._history.diagnostics(),
            "interventions": self._interventions.diagnostics(),
            "controls": {
                kind: sorted({action for asset in one.items for action in asset.device.controls})
                for kind, one in self._assets.items()
            },
            "keys": {
                kind: sorted(_names(asset.device for asset in one.items))
                for kind, one in self._assets.items()
            },
            "requests": {
                "total": budget.total,
                "last_hour": budget.spent,
                "quiet_for": round(budget.quiet_for),
            },
            "token_exchanges": self._access.token.exchanges,
        }


def _placed(device: Device, parent: str | None, login: Mapping[Flag, bool | None]) -> Device:
    return replace(device, parent=parent, flags={**device.flags, **login})


def _finished_site(device: Device, zone: tzinfo, name: str | None) -> Device:
    return replace(day_started(device, zone), name=name)


def _names(devices: Iterable[Device]) -> set[str]:
    """Return the names of all keys that any of the devices offers."""
    return {
        str(key)
        for device in devices
        for key in (
            *(quantity for quantity, _ in device.numbers),
            *device.flags,
            *device.moments,
            *device.choices,
        )
    }


def _raise_rejected(failed: Iterable[ApiError]) -> None:
    for error in failed:
        if isinstance(error, CredentialsRejected):
            raise error


def _worst(failed: Iterable[ApiError]) -> ApiError:
    """Return the error that says most about why nothing could be read."""
    order = (RateLimited, Unavailable, NotPermitted, UnexpectedResponse)
    return min(failed, key=lambda error: order.index(type(error)))


async def identify(context: Context) -> list[Identity]:
    """Try the credentials, with one request that each client may make.

    Raises:
        ApiError: they were refused, or nothing could be asked.

    """
    access = Access(context)
    settings = access.settings
    path = ("users", settings.user_id) if settings.user_id else ("users",)
    try:
        (await access.client.get(*path)).json()
    except UnexpectedResponse as error:
        # Linking comes after setting up: until then nobody is known under the user id.
        if settings.user_id is None or error.reason is not Reason.NOT_FOUND:
            raise
    return [Identity(account_id=settings.account_id, title=settings.title, data=settings.data)]


async def try_options(context: Context, before: Mapping[str, Any]) -> Mapping[str, Problem]:
    """Look whether a currency can be one; nothing is asked. See `Provider`."""
    entered = str(context.options.get(CURRENCY) or "").strip()
    if entered and currency_of(context.options) is None:
        return {CURRENCY: Problem(fault=Fault.CURRENCY_MALFORMED, values=(entered,))}
    return {}


PROVIDER: Final = Provider(
    key="enode",
    name="Enode",
    fields=FIELDS,
    options=(Field(key=CURRENCY, required=False, shown=True),),
    links={"dashboard_url": "https://developers.enode.com"},
    grace=timedelta(seconds=GRACE),
    interval=INTERVAL,
    history=True,
    identify=identify,
    open=EnodeAccount,
    address=address,
    try_options=try_options,
    link_kinds=tuple(SCOPES),
)
