"""One Enectiva account: what is due, within the request budget."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final, override

from ...core.account import Context
from ...core.budget import Budget, Priority
from ...core.counters import CounterGuard
from ...core.derived import Steady
from ...core.errors import ApiError, CredentialsRejected, RateLimited, Reason, Unavailable
from ...core.freshness import Freshness
from ...core.history import Harvest, HistoryAccount, Source
from ...core.model import Device, Poll, Snapshot
from ...core.offers import ReadingSource
from ...core.options import Interval, left_out, with_all_below
from ...core.records import RawReading
from ...core.rota import Rota
from ...core.vocabulary import Kind
from .advice import UnknownUnits, missing_scopes
from .connection import CONCURRENT, connect
from .devices import Surroundings, entity_device, entity_key, meter_device, meter_key
from .features import Feature, Features, is_trouble
from .history import MeterPast, Past
from .lists import Lists
from .months import Months, this_month
from .named import Named
from .parse import Entity, Meter, Month
from .paths import Paths
from .points import Points, SeriesPast
from .readings import Readings
from .tally import Tally
from .token import credentials
from .units import HEAT_UNITS, HeatUnits, amount

INTERVAL: Final = Interval(default=1800, least=900, most=24 * 3600)
"""Between two readings of a meter. The bounds are ours: limits of requests are not public, and what is
measured appears hours later anyway (vendor)."""
MONTHS_INTERVAL: Final = 6 * 3600.0
LATE: Final = timedelta(hours=48)
"""Readings appear only after they were validated: hours of delay are normal (vendor), and data
loggers that deliver once a day exist. Two days without a reading are not explained by either."""

# The first poll has 8 s by the coordinator's clock, of which the exchange may take some.
_FIRST_POLL: Final = 6.0
_LATER_POLL: Final = 60.0
# What readings may take of the time, so that months get their turn from a slow API too.
_READINGS_SHARE: Final = 0.7
_TICK: Final = 30.0
# A pause is no failure, readings are hours old by nature; one after the other all this time is.
_LONGEST_SILENCE: Final = 3600.0


@dataclass(slots=True)
class _Tries:
    """How the requests of one call went.

    `news` says that something failed which had not failed before; `asked` are the features asked
    for, `limited` holds for how long a round has to wait.
    """

    read: bool = False
    news: bool = False
    asked: set[Feature] = field(default_factory=set[Feature])
    failures: list[ApiError] = field(default_factory=list[ApiError])
    limited: dict[int, float] = field(default_factory=dict[int, float])


class EnectivaAccount(HistoryAccount, ReadingSource):
    """Buildings with their meters: newest readings, this month and the last one."""

    def __init__(self, context: Context) -> None:
        """Prepare everything, send nothing."""
        data, options = context.data, context.options
        self._clock = context.clock
        self._interval = INTERVAL.chosen(options)
        self._chosen_out = left_out(options)
        self._connection = connect(
            context, credentials(data.get("customer_uuid"), data.get("login_token"))
        )
        self._budget = self._connection.budget
        self._heat = HeatUnits(_chosen(options, "heat_unit"), _chosen(options, "cold_unit"))
        self._features = Features()
        self._tally = Tally()
        self._paths = Paths()
        api, clock = self._connection.api, context.clock
        self._lists = Lists(api, clock, context.zone, self._features, self._tally)
        self._readings = Readings(api, clock, self._paths, self._tally)
        self._months = Months(api, clock, self._paths, self._tally)
        self._past = Past(api, clock, self._paths, self._tally, self._heat)
        self._points = Points(api, self._tally)
        self._named = Named(api, clock, self._tally, options)
        self._readings_rota = Rota(clock, self._interval, _TICK)
        self._months_rota = Rota(clock, max(MONTHS_INTERVAL, self._interval), _TICK)
        # Before a request waits for its place in the budget, it must hear what became of the
        # others: a refused feature, a wish for silence.
        self._gate = asyncio.Semaphore(CONCURRENT)
        self._meters: dict[str, Meter] = {}
        self._entities: dict[str, Entity] = {}
        self._left_out: frozenset[str] = frozenset()
        self._failing: set[tuple[Feature, str]] = set()
        self._healthy: set[tuple[Feature, str]] = set()
        self._tries = _Tries()
        self._dirty: set[str] = set()
        self._zone_of: dict[str, tzinfo] = {}
        self._month_of: Mapping[tzinfo, Month] = {}
        self._devices: dict[str, Device] = {}
        self._settled: dict[str, Device] = {}
        self._assigned: tuple[object, ...] = ()
        self._steady = Steady(Snapshot({}))
        self._units = UnknownUnits()
        self._guard = CounterGuard()
        self._freshness = Freshness(LATE)
        self._polled = False
        self._limited_since: float | None = None

    @property
    @override
    def budget(self) -> Budget:
        return self._budget

    @override
    async def poll(self) -> Poll:
        ends = self._clock.monotonic() + (_LATER_POLL if self._polled else _FIRST_POLL)
        self._tries = _Tries()
        self._assign()
        if self._lists.known and self._budget.quiet_for > 0:
            return self._silent_result()
        if not self._is_due():
            return self._result()
        listed: frozenset[Kind] = frozenset()
        try:
            # Once for all: a failing exchange must not be tried for each meter.
            await self._connection.token.get()
            refreshed = await self._lists.refresh(ends - self._clock.monotonic())
        except RateLimited:
            if not self._lists.known:
                raise
            return self._silent_result()
        if refreshed.read or refreshed.listed:
            listed = refreshed.listed
            if listed:
                # No list names them, but the options do.
                listed |= {Kind.DATA_SERIES}
            self._tries.read = refreshed.read
            self._relist()
        self._tries.failures += refreshed.failures
        self._tries.news = bool(refreshed.failures)
        await self._round(self._readings_rota, self._read_state, ends, _READINGS_SHARE)
        await self._round(self._months_rota, self._read_months, ends, 1.0)
        self._polled = True
        if self._tries.read:
            self._limited_since = None
        elif self._budget.quiet_for > 0:
            return self._silent_result(listed)
        result = self._result(listed)
        self._raise_if_all_failed()
        return result

    def _silent_result(self, listed: frozenset[Kind] = frozenset()) -> Poll:
        """Return what is known while the provider wants silence.

        Raises:
            RateLimited: it has wanted nothing else for too long.

        """
        now = self._clock.monotonic()
        if self._limited_since is None:
            self._limited_since = now
        if now - self._limited_since > _LONGEST_SILENCE:
            raise RateLimited(max(1.0, self._budget.quiet_for))
        return self._result(listed)

    @override
    async def readings(
        self, device_id: str, start: datetime, end: datetime
    ) -> Sequence[RawReading]:
        """Return a meter's readings; see `ReadingSource.readings`. Buildings have none."""
        meter = self._meters.get(device_id)
        if meter is None or meter.energy is None:
            return []
        self._features.check(Feature.READINGS)
        states = await self._readings.between(meter, self._zone_of[device_id], start, end)
        return [
            RawReading(
                device_id=device_id,
                at=state.at,
                quantity=meter.energy.counter,
                value=shown.value,
                unit=shown.unit,
            )
            for state in states
            if (shown := amount(meter.energy, state.value, state.unit or meter.unit, self._heat))
            is not None
        ]

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        meters = self._meters.values()
        return {
            "meters": len(self._meters),
            "meters_of_unknown_energy": sum(meter.energy is None for meter in meters),
            "meters_without_readings": self._readings.resting,
            "meters_read": len(self._readings.latest),
            "entities": len(self._entities),
            "virtual_meters": len(self._named.virtual),
            "data_series": len(self._named.series),
            "data_series_read": len(self._named.latest),
            # Their past is not imported.
            "data_series_without_unit": sum(
                point.unit is None for point in self._named.latest.values()
            ),
            "refused_features": {str(key): why for key, why in self._features.refused.items()},
            "failing": dict(Counter(feature.value for feature, _ in self._failing)),
            "dropped_rows": dict(self._tally.dropped),
            "unread_attributes": dict(self._tally.unread),
            "path_identification": self._paths.usual,
            "unfiltered": sorted(
                {*self._months.unfiltered, *(["readings"] if self._readings.unfiltered else [])}
            ),
            "token_exchanges": self._connection.token.exchanges,
            "requests_total": self._budget.total,
            "requests_last_hour": self._budget.spent,
            "quiet_for": round(self._budget.quiet_for),
        }

    @override
    def history_sources(self) -> Sequence[Source]:
        return [
            *self._past.sources(self._with_a_past()),
            *self._points.sources(self._series_with_a_past()),
        ]

    @override
    async def read_history(
        self, source: Source, start: datetime, end: datetime, priority: Priority
    ) -> Harvest:
        past = self._points if self._points.knows(source) else self._past
        return await past.read(source, start, end, priority)

    def _series_with_a_past(self) -> Iterator[SeriesPast]:
        if not self._features.is_on(Feature.DATA_POINTS):
            return
        for key, point in self._named.latest.items():
            if point.unit is not None:
                yield SeriesPast(
                    device=key,
                    id=self._named.series[key],
                    zone=self._zone_of[key],
                    unit=point.unit,
                )

    def _with_a_past(self) -> Iterator[MeterPast]:
        readings = self._features.is_on(Feature.READINGS)
        months = self._features.is_on(Feature.METER_DELTAS)
        for key, meter in self._meters.items():
            latest = self._readings.latest.get(meter.id)
            rests = not readings or self._readings.is_resting(meter.id)
            # Whether a meter has readings shows when it was first asked for them.
            if (latest is not None and readings) or (rests and months):
                yield MeterPast(
                    device=key,
                    meter=meter,
                    zone=self._zone_of[key],
                    unit=meter.unit if latest is None else latest.unit or meter.unit,
                    rests=latest is None or not readings,
                )

    def _is_due(self) -> bool:
        return (
            self._lists.wait <= 0
            or bool(self._readings_rota.due())
            or bool(self._months_rota.due())
        )

    def _relist(self) -> None:
        """Take over what the lists say now."""
        self._meters = {meter_key(key): meter for key, meter in self._lists.meters.items()}
        tree = self._lists.tree
        self._entities = {entity_key(key): tree.entities[key] for key in sorted(tree.shown)}
        zone_of = self._lists.zone_of
        self._zone_of = {key: zone_of(one.id) for key, one in self._entities.items()}
        self._zone_of |= {key: zone_of(one.entity) for key, one in self._meters.items()}
        # The API tells no zone of theirs: that of the customer's buildings, which is one by rule.
        common = next((zone_of(one) for one in tree.entities), zone_of(None))
        self._zone_of |= dict.fromkeys(self._named.keys, common)
        self._left_out = with_all_below(
            {key: self._above(key) for key in self._zone_of}, self._chosen_out
        )
        keys = self._zone_of.keys()
        self._readings.keep(self._lists.meters)
        self._months.keep(keys)
        self._failing = {item for item in self._failing if item[1] in keys}
        self._healthy = {item for item in self._healthy if item[1] in keys}
        self._dirty |= keys
        self._units.keep(keys)
        self._assigned = ()
        self._assign()

    def _assign(self) -> None:
        """Tell the rounds whom to ask: not those whose feature is refused, nor those that rest.

        The answer is the same from list to list, save where one of these changed; to find it out
        anew for a thousand meters, twice a poll, would cost as much as to read twenty.
        """
        resting = self._readings.at_rest
        depends = (self._lists.known, frozenset(self._features.refused), resting)
        if depends == self._assigned:
            return
        self._assigned = depends
        states: list[str] = []
        months: list[str] = []
        if self._features.is_on(Feature.READINGS):
            states += [key for key, meter in self._meters.items() if meter.id not in resting]
        if self._features.is_on(Feature.ENTITY_DELTAS):
            months += self._entities
        if self._features.is_on(Feature.METER_DELTAS):
            months += [key for key, meter in self._meters.items() if meter.energy is not None]
        if self._lists.known:
            if self._features.is_on(Feature.DATA_POINTS):
                states += self._named.series
            if self._features.is_on(Feature.VIRTUAL_METER_DELTAS):
                months += self._named.virtual
        self._readings_rota.sync(key for key in states if key not in self._left_out)
        self._months_rota.sync(key for key in months if key not in self._left_out)

    async def _round(
        self, rota: Rota, fetch: Callable[[str], Awaitable[None]], ends: float, part: float
    ) -> None:
        """Read one share within its part of what is left of the time."""
        asked = len(rota.due())
        left = (ends - self._clock.monotonic()) * part
        if not asked or left <= 0:
            return
        outcome = await rota.run(fetch, within=left)
        self._tries.read |= outcome.read > 0
        self._tries.failures += outcome.failures
        waits = [each.retry_after for each in outcome.failures if isinstance(each, RateLimited)]
        if waits:
            self._tries.limited[id(rota)] = max(waits)
        if not outcome.read and not outcome.failures:
            self._tries.failures.append(Unavailable(Reason.TIMEOUT))
            self._tries.news = True

    async def _read_state(self, key: str) -> None:
        zone = self._zone_of[key]
        if key in self._named.series:
            await self._ask(Feature.DATA_POINTS, key, lambda: self._named.fetch_point(key, zone))
            return
        meter = self._meters[key]
        await self._ask(Feature.READINGS, key, lambda: self._readings.fetch(meter, zone))

    async def _read_months(self, key: str) -> None:
        zone = self._zone_of[key]
        if (meter := self._meters.get(key)) is not None:
            await self._ask(
                Feature.METER_DELTAS, key, lambda: self._months.fetch_meter(key, meter, zone)
            )
        elif (virtual := self._named.virtual.get(key)) is not None:
            await self._ask(
                Feature.VIRTUAL_METER_DELTAS,
                key,
                lambda: self._months.fetch_virtual(key, virtual, zone),
            )
        else:
            entity = self._entities[key]
            await self._ask(
                Feature.ENTITY_DELTAS, key, lambda: self._months.fetch_entity(key, entity, zone)
            )

    async def _ask(self, feature: Feature, key: str, fetch: Callable[[], Awaitable[bool]]) -> None:
        """Ask for one item; note what the answer says about it and about its feature."""
        async with self._gate:
            self._features.check(feature)
            if (quiet := self._budget.quiet_for) > 0:
                raise RateLimited(quiet)
            self._tries.asked.add(feature)
            try:
                changed = await fetch()
            except CredentialsRejected, RateLimited:
                raise
            except ApiError as error:
                self._features.judge(feature, error)
                self._note_failure((feature, key), error)
                raise
        self._features.proves(feature)
        self._failing.discard((feature, key))
        # A meter without readings answers well, and then not at all for half a day.
        if feature is not Feature.READINGS or self._meters[key].id in self._readings.latest:
            self._healthy.add((feature, key))
        if changed:
            self._dirty.add(key)

    def _note_failure(self, item: tuple[Feature, str], error: ApiError) -> None:
        if not is_trouble(error):
            return
        self._tries.news |= item not in self._failing
        self._failing.add(item)
        self._healthy.discard(item)

    def _raise_if_all_failed(self) -> None:
        """Raise if nothing could be read, save where a known sorrow alone was due again."""
        tries = self._tries
        trouble = [error for error in tries.failures if is_trouble(error)]
        limited = any(isinstance(error, RateLimited) for error in tries.failures)
        well = any(feature in tries.asked for feature, _ in self._healthy)
        if trouble and not tries.read and not limited and (tries.news or not well):
            raise trouble[0]

    def _result(self, listed: frozenset[Kind] = frozenset()) -> Poll:
        self._build()
        now = self._clock.now()
        shown = {key: self._freshness.show(device, now) for key, device in self._settled.items()}
        again = timedelta(seconds=self._again())
        advice = self._units.advice(self._left_out) + missing_scopes(self._features)
        snapshot = Snapshot(devices=shown, advice=advice)
        return Poll(snapshot=self._steady.of(snapshot), again=again, listed=listed)

    def _again(self) -> float:
        if (quiet := self._budget.quiet_for) > 0:
            return quiet
        self._assign()
        limited = self._tries.limited
        rotas = (self._readings_rota, self._months_rota)
        waits = [max(rota.again, limited.get(id(rota), 0.0)) for rota in rotas]
        return min(self._interval, *waits, max(_TICK, self._lists.wait))

    def _build(self) -> None:
        """Make the devices anew of which something is new; the others stay the same objects."""
        now = self._clock.now()
        month_of = {zone: this_month(now, zone) for zone in set(self._zone_of.values())}
        if month_of != self._month_of:
            self._dirty |= self._zone_of.keys()
            self._month_of = month_of
        if not self._dirty:
            return
        devices: dict[str, Device] = {}
        for key in (
            *self._entities,
            *self._meters,
            *(self._named.keys if self._lists.known else ()),
        ):
            device = self._devices.get(key)
            if device is None or key in self._dirty:
                new = self._device(key, now)
                if new != device:
                    device = new
                    self._units.note(new)
            devices[key] = device
        self._devices = devices
        self._settled = {key: self._guard.settle(device) for key, device in devices.items()}
        self._dirty.clear()

    def _device(self, key: str, now: datetime) -> Device:
        months = self._months.latest.get(key, ())
        meter = self._meters.get(key)
        around = Surroundings(
            zone=self._zone_of[key],
            now=now,
            heat=self._heat,
            parent=self._above(key),
        )
        if key in self._named.keys:
            return self._named.device(key, months, around)
        if meter is not None:
            return meter_device(meter, self._readings.latest.get(meter.id), months, around)
        return entity_device(self._entities[key], months, around)

    def _above(self, key: str) -> str | None:
        """Return the device id of the entity that a meter belongs to, or that an entity is in."""
        tree = self._lists.tree
        if (meter := self._meters.get(key)) is not None:
            owner = next(iter(tree.line(meter.entity)), None)
            above = None if owner is None else owner.id
        else:
            entity = self._entities.get(key)
            above = None if entity is None else tree.parents.get(entity.id)
        return None if above is None else entity_key(above)


def _chosen(options: Mapping[str, Any], key: str) -> str | None:
    """Return the unit that a person chose, or None while it is unknown."""
    return HEAT_UNITS.get(str(options.get(key)))
