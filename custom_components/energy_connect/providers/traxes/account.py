"""A Traxes account: its devices, what was read of each, and when each is read again."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final, override

from yarl import URL

from ...core.account import Account, Context, Field, FieldKind, Identity, Provider
from ...core.address import base_url
from ...core.budget import Budget, Priority
from ...core.commands import Accepted, Command, Orders
from ...core.derived import Steady
from ...core.errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from ...core.history import Harvest, HistoryAccount, Source
from ...core.http import ApiClient
from ...core.model import Advice, AdviceKind, Poll, Snapshot
from ...core.oauth import Authentication, TokenEndpoint
from ...core.offers import Controllable, ReadingSource, SessionSource
from ...core.options import Fault, Interval, Problem, left_out, with_all_below
from ...core.records import ChargingSession, RawReading
from ...core.response import Response
from ...core.rota import Rota
from ...core.tokens import ExchangedToken, Token
from ...core.vocabulary import Kind
from .answers import judge_command
from .attention import Attention
from .backoff import Backoff
from .commands import Commander, Sight
from .controls import can_be_steered
from .devices import Devices
from .discovery import TYPES_PATH, Discovery, Route
from .history import TraxesHistory
from .lists import ListReader
from .lookups import read_raw, read_sessions
from .options import ENTITY_IDS, malformed, new_ids, try_ids
from .parse import KINDS, SESSION_KINDS, Entity, entered_key
from .permissions import Permissions
from .sessions import Sessions

_API: Final = "https://api.traxes.io/connect"
_AUTH: Final = "https://signin.energy/am/oauth2/realms/root/realms/difesp"
_SCOPE: Final = "esp"

# Limits are not public: all of these are our own moderation.
_AT_ONCE: Final = 3
INTERVAL: Final = Interval(default=300, least=60, most=3600)
# The one list tells who is online, at a request per hundred devices; the ways around it cost up to
# forty requests and tell only which devices there are.
_LIST: Final = 1800.0
_WAYS_AROUND: Final = 6 * 3600.0
_LISTS_RETRY: Final = 900.0
_REFUSED: Final = 6 * 3600.0
_FIRST_POLL: Final = 6.0

_NO_READING: Final = frozenset({400, 404})
_NO_TYPES: Final = frozenset({400, 404, 405})


class _NoToken(ApiError):
    """The token endpoint gave no token.

    It is asked in the midst of other requests, and its 404 or refusal must not pass for theirs.
    """

    def __init__(self, error: ApiError) -> None:
        """Hold what happened."""
        super().__init__(error.reason)
        self.error = error


@contextmanager
def _own_errors() -> Iterator[None]:
    """Let no error of ours leave: what happened at the token endpoint leaves instead."""
    try:
        yield
    except _NoToken as error:
        raise error.error from error


def _address(data: Mapping[str, Any]) -> URL:
    return base_url("TRAXES_API_URL", _API)


class TraxesAccount(HistoryAccount, Controllable, SessionSource, ReadingSource):
    """One application's access to the devices that were shared with it."""

    def __init__(self, context: Context) -> None:
        """Open the account; sends nothing."""
        self._clock = clock = context.clock
        self._interval = INTERVAL.chosen(context.options)
        self._left_out = left_out(context.options)
        client_id = context.data["client_id"].strip()
        self._budget = Budget(clock, concurrent=_AT_ONCE)
        self._backoff = Backoff(self._budget)
        self._endpoint = TokenEndpoint(
            context.session,
            base_url("TRAXES_AUTH_URL", _AUTH),
            "access_token",
            clock=clock,
            budget=self._budget,
            client_id=client_id,
            client_secret=context.data["client_secret"].strip(),
            authentication=Authentication.BODY,
            client_refused=Reason.CLIENT_REFUSED,
            grant_refused=Reason.CLIENT_REFUSED,
        )
        self._token = ExchangedToken(self._exchange, clock)
        self._client = ApiClient(
            context.session,
            _address(context.data),
            clock=clock,
            budget=self._budget,
            token=self._token,
            verdict=self._judge,
        )
        self._lists = ListReader(self._client)
        entered = context.options.get(ENTITY_IDS) or ()
        ids = dict.fromkeys(key for key in map(entered_key, entered) if key is not None)
        self._not_ids = sum(entered_key(one) is None for one in entered)
        self._discovery = Discovery(self._client, self._lists, tuple(ids))
        self._devices = Devices(
            clock,
            locate=context.options.get("track_location") is True,
            interval=self._interval,
        )
        self._sessions = Sessions(self._lists, clock, self._interval)
        self._permissions = Permissions(self._lists, clock, client_id)
        self._attention = Attention(clock)
        self._commander = Commander(self._client, self._lists, clock, self._see)
        self.orders = Orders(clock, self._send)
        self._rota = Rota(clock, self._interval)
        self._history = TraxesHistory(self._lists, clock)
        self._refused: dict[str, float] = {}
        self._discover_at = clock.monotonic()
        self._polled = False
        self._discovered = False
        self._failure: ApiError | None = None
        self._steady = Steady(Snapshot({}))

    async def _exchange(self) -> Token:
        try:
            return await self._endpoint.client_credentials(scope=_SCOPE)
        except (NotPermitted, UnexpectedResponse) as error:
            raise _NoToken(error) from error

    def _judge(self, response: Response) -> ApiError | None:
        return judge_command(response, self._clock.now()) or self._backoff(response)

    async def check(self) -> None:
        """Prove that the credentials open the interface, with the cheapest request that there is.

        The shape of the answer is assumed, so any JSON will do; a server without this list has
        accepted the token all the same.

        Raises:
            CredentialsRejected: the client id or secret is wrong.
            NotPermitted: the application may not use this interface.
            ApiError: the provider can't be asked.

        """
        with _own_errors():
            await self._check()

    async def try_ids(self, ids: tuple[str, ...]) -> Mapping[str, Problem]:
        """Ask for devices by their ids; see `options.try_ids`."""
        with _own_errors():
            return await try_ids(self._client, ids)

    async def _check(self) -> None:
        try:
            response = await self._client.get(*TYPES_PATH)
        except NotPermitted as error:
            raise NotPermitted(
                Reason.APPLICATION_NOT_ALLOWED, status=error.status, detail=error.detail
            ) from error
        except UnexpectedResponse as error:
            if error.status not in _NO_TYPES:
                raise
        else:
            if response.body.strip():
                response.json()

    @property
    @override
    def budget(self) -> Budget:
        return self._budget

    @override
    async def poll(self) -> Poll:
        """Find devices and read what is due; see `Account`."""
        with _own_errors():
            return await self._poll()

    async def _poll(self) -> Poll:
        first, self._polled = not self._polled, True
        listed: frozenset[Kind] = frozenset()
        try:
            # The first poll holds Home Assistant's start: what is not read by then follows.
            async with asyncio.timeout(_FIRST_POLL if first else None):
                listed = await self._discover()
                await self._read()
                await self._read_permissions()
        except TimeoutError as error:
            if self._token.exchanges == 0:
                raise Unavailable(Reason.TIMEOUT) from error
        self._sync_sessions()
        if not first:
            await self._sessions.read()
        return Poll(snapshot=self._snapshot(), again=self._again(), listed=listed)

    async def _discover(self) -> frozenset[Kind]:
        """Read the lists if it is time; returns the kinds of which all devices are known now."""
        now = self._clock.monotonic()
        if now < self._discover_at:
            return frozenset()
        try:
            await self._discovery.read()
        except CredentialsRejected:
            raise
        except ApiError:
            if not self._discovery.entities:
                raise
            self._discover_at = now + _LISTS_RETRY
            return frozenset()
        self._discovered = True
        settled = (
            max(_LIST, self._interval) if self._discovery.route is Route.ENTITIES else _WAYS_AROUND
        )
        self._discover_at = now + (settled if self._discovery.settled else _LISTS_RETRY)
        return KINDS if self._discovery.authoritative else frozenset()

    @override
    def history_sources(self) -> Sequence[Source]:
        """Return what can be read of the past; see `HistoryAccount`."""
        return self._history.sources(
            (entity, known)
            for one, entity in self._discovery.entities.items()
            if one not in self._refused and (known := self._devices.known(one)) is not None
        )

    @override
    async def read_history(
        self, source: Source, start: datetime, end: datetime, priority: Priority
    ) -> Harvest:
        """Read a source; see `HistoryAccount`."""
        with _own_errors():
            return await self._history.read(source, start, end, priority)

    async def _read(self) -> None:
        """Read the share of the devices that is due.

        Raises:
            ApiError: not one device could be read since that happened.

        """
        now = self._clock.monotonic()
        entities = self._discovery.entities
        self._refused = {one: at for one, at in self._refused.items() if one in entities}
        self._attention.sync(entities, lambda one: self._devices.sight(one).measured)
        usual = (one for one in self._wanted() if one not in self._attention)
        self._rota.sync(one for one in usual if self._refused.get(one, now) <= now)
        rounds = [await rota.run(self._read_one) for rota in (self._attention.rota, self._rota)]
        failures = [failure for one in rounds for failure in one.failures]
        if any(one.read for one in rounds) or not self._wanted():
            self._failure = None
        elif failures:
            self._failure = failures[0]
        if self._failure is not None:
            raise self._failure

    def _wanted(self) -> Mapping[str, Entity]:
        """Return the devices for which requests are made: all but those that are left out."""
        entities = self._discovery.entities
        if not self._left_out:
            return entities
        parents = {one: entity.parent for one, entity in entities.items()}
        hidden = with_all_below(parents, self._left_out)
        return {one: entity for one, entity in entities.items() if one not in hidden}

    async def _read_one(self, entity_id: str) -> None:
        try:
            response = await self._client.get("v1", "entities", entity_id, "readings", "last")
        except NotPermitted:
            # Viewer permission is missing on this one: only its owner can give it.
            self._refused[entity_id] = self._clock.monotonic() + _REFUSED
            return
        except UnexpectedResponse as error:
            if error.status not in _NO_READING:
                raise
        else:
            self._devices.take(self._discovery.entities[entity_id], response)
        self._refused.pop(entity_id, None)

    async def _read_permissions(self) -> None:
        self._permissions.sync(
            one
            for one, entity in self._wanted().items()
            if can_be_steered(entity) and one not in self._refused
        )
        await self._permissions.read()

    async def _send(self, command: Command) -> Accepted:
        """Send a command, and look more often from then on; see `core.commands.Send`."""
        with _own_errors():
            accepted = await self._commander.send(command)
        self._attention.tell(command.device_id, accepted.at or self._clock.now())
        return accepted

    async def _see(self, entity_id: str) -> Sight:
        """Read an entity anew; see `commands.See`."""
        if entity_id not in self._discovery.entities:
            return Sight()
        try:
            await self._read_one(entity_id)
        except ApiError:
            return Sight()
        return self._devices.sight(entity_id)

    @override
    async def charging_sessions(
        self, device_id: str, start: datetime, end: datetime
    ) -> Sequence[ChargingSession]:
        """Return the charges that began in a period; see `SessionSource`."""
        entity = self._discovery.entities.get(device_id)
        if entity is None or entity.kind not in SESSION_KINDS:
            return ()
        with _own_errors():
            return await read_sessions(self._lists, entity, start, end)

    @override
    async def readings(
        self, device_id: str, start: datetime, end: datetime
    ) -> Sequence[RawReading]:
        """Return the readings of a period; see `ReadingSource`."""
        entity = self._discovery.entities.get(device_id)
        if entity is None:
            return ()
        with _own_errors():
            return await read_raw(self._lists, entity, start, end)

    def _sync_sessions(self) -> None:
        charging = {
            one: entity
            for one, entity in self._wanted().items()
            if entity.kind in SESSION_KINDS and one not in self._refused
        }
        self._sessions.sync(charging, [one for one in charging if self._devices.charging(one)])

    def _snapshot(self) -> Snapshot:
        """Return what is known; the same object while it is equal to the last one."""
        entities = self._discovery.entities
        devices = self._devices.show(
            entities, self._sessions.newest, self._refused, self._permissions.steerable
        )
        if self._discovered and not devices:
            advice: tuple[Advice, ...] = (Advice(AdviceKind.NO_DEVICES, "devices"),)
        else:
            advice = tuple(_not_shared(entities[one]) for one in entities if one in self._refused)
        snapshot = Snapshot(devices, advice)
        return self._steady.of(snapshot)

    def _again(self) -> timedelta:
        lists = max(1.0, self._discover_at - self._clock.monotonic())
        waits = [self._rota.again, self._sessions.again, self._permissions.again, lists]
        if (soon := self._attention.again) is not None:
            waits.append(soon)
        wait = min(waits)
        return timedelta(seconds=max(wait, self._budget.quiet_for))

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        """Return counts and names; see `Account`."""
        entities = self._discovery.entities.values()
        return {
            "devices_by_type": dict(Counter(entity.type or "unknown" for entity in entities)),
            "found_by": self._discovery.route.value,
            "list_complete": self._discovery.settled,
            "offered_types": self._discovery.offered_types,
            "devices_refused": len(self._refused),
            "devices_by_permission_to_command": self._permissions.counts,
            "charge_sessions_refused": self._sessions.refused,
            "charge_session_failures": self._sessions.failures,
            "entered_ids_unusable": self._not_ids,
            "page_size_refused": self._lists.page_size_refused,
            "foreign_links": self._lists.foreign_links,
            "malformed": {
                "devices": self._discovery.malformed,
                "readings": self._devices.malformed,
                "charge_sessions": self._sessions.malformed,
            },
            "history": self._history.diagnostics(),
            "metrics": self._devices.metrics(),
            "requests": self._budget.total,
            "requests_last_hour": self._budget.spent,
            "quiet_for": self._budget.quiet_for,
            "token_exchanges": self._token.exchanges,
        }


def _not_shared(entity: Entity) -> Advice:
    """Return the advice for an entity whose readings are refused: only its owner can mend it."""
    name = entity.name or " ".join(filter(None, (entity.brand, entity.type))) or entity.id
    return Advice(
        AdviceKind.NO_VIEWER_PERMISSION,
        entity.id,
        placeholders={"device": name},
        device=entity.id,
    )


async def identify(context: Context) -> list[Identity]:
    """Try the credentials; see `Provider`."""
    kept = {key: str(context.data[key]).strip() for key in ("client_id", "client_secret")}
    await TraxesAccount(context).check()
    account_id = f"production_{kept['client_id']}"
    return [Identity(account_id=account_id, title="Traxes", data=kept)]


async def try_options(context: Context, before: Mapping[str, Any]) -> Mapping[str, Problem]:
    """Ask once for each device that was not kept before; see `Provider`."""
    if bad := malformed(context.options):
        return {ENTITY_IDS: Problem(fault=Fault.ID_MALFORMED, values=bad)}
    new = new_ids(context.options, before)
    return await TraxesAccount(context).try_ids(new) if new else {}


def open_account(context: Context) -> Account:
    """Open the account; see `Provider`."""
    return TraxesAccount(context)


PROVIDER: Final = Provider(
    key="traxes",
    name="Traxes",
    fields=(
        Field(key="client_id", identity=True),
        Field(key="client_secret", kind=FieldKind.SECRET),
    ),
    options=(
        Field(key=ENTITY_IDS, kind=FieldKind.LIST, required=False),
        Field(key="track_location", kind=FieldKind.SWITCH, required=False, default=False),
    ),
    grace=timedelta(minutes=15),
    interval=INTERVAL,
    history=True,
    identify=identify,
    open=open_account,
    address=_address,
    try_options=try_options,
)
