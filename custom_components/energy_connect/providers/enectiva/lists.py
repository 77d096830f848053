"""The lists of meters and entities, read twice a day, and how they hang together."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
import math
from typing import Final
from zoneinfo import ZoneInfo

from ...core.clock import Clock
from ...core.errors import ApiError, CredentialsRejected, NotPermitted, RateLimited
from ...core.http import ApiClient
from ...core.paging import Listing
from ...core.payload import Json
from ...core.vocabulary import Kind
from .devices import Tree, grow
from .features import Feature, Features
from .listing import read_list
from .parse import Entity, Meter, entities, meters
from .tally import Tally

INTERVAL: Final = 12 * 3600.0
# A list that failed or was cut short is tried again after this time; the first one at once.
_RETRY: Final = 1800.0

type _Outcome = Listing[Json] | ApiError


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What one refresh did: kinds listed completely, whether any list was read, what failed.

    Entities are optional: their failures are none.
    """

    listed: frozenset[Kind] = frozenset()
    read: bool = False
    failures: list[ApiError] = field(default_factory=list[ApiError])


class Lists:
    """All meters and entities of the account. Entities are optional."""

    def __init__(
        self, api: ApiClient, clock: Clock, zone: tzinfo, features: Features, tally: Tally
    ) -> None:
        """Know nobody yet; `zone` is that of entities which state none."""
        self._api = api
        self._clock = clock
        self._zone = zone
        self._features = features
        self._tally = tally
        self._due = {Feature.METERS: -math.inf, Feature.ENTITIES: -math.inf}
        self._has: set[Feature] = set()
        self._known = False
        self._zones: Mapping[str, tzinfo] = {}
        self._entities: Mapping[str, Entity] = {}
        self.meters: Mapping[str, Meter] = {}
        self.tree: Tree = grow({}, (), whole=False)

    @property
    def known(self) -> bool:
        """Whether there is something to show: meters, or entities if meters are refused."""
        return self._known

    @property
    def wait(self) -> float:
        """Seconds until a list is due; not more than 0 if one is."""
        return min(self._due.values()) - self._clock.monotonic()

    def zone_of(self, entity_id: str | None) -> tzinfo:
        """Return an entity's time zone: its own, else that of one above it, else the house's."""
        for entity in self.tree.line(entity_id):
            if entity.zone is not None and (zone := self._zones.get(entity.zone)) is not None:
                return zone
        return self._zone

    async def refresh(self, within: float) -> Refreshed:
        """Read the lists that are due, in `within` seconds at most.

        Raises:
            CredentialsRejected: by any of them.
            ApiError: there is nothing to show yet, and this is why.

        """
        now = self._clock.monotonic()
        due = [feature for feature, at in self._due.items() if at <= now]
        if not due:
            return Refreshed()
        if Feature.METERS in due:
            self._features.ask_again()
        found = await asyncio.gather(*(self._read(feature, within) for feature in due))
        outcomes = dict(zip(due, found, strict=True))
        listed = await self._take(outcomes)
        failures = self._judge(outcomes)
        self.tree = grow(
            self._entities,
            self.meters.values(),
            whole=Feature.METERS not in self._has,
        )
        self._known = True
        read = any(isinstance(outcome, Listing) for outcome in found)
        return Refreshed(listed=listed, read=read, failures=failures)

    async def _read(self, feature: Feature, within: float) -> _Outcome:
        try:
            return await read_list(self._api, feature.value, within=within)
        except ApiError as error:
            return error

    async def _take(self, outcomes: Mapping[Feature, _Outcome]) -> frozenset[Kind]:
        """Keep what was read; the last await comes before the first change."""
        buildings = self._parsed_entities(outcomes.get(Feature.ENTITIES))
        names = {one.zone for one in buildings or () if one.zone is not None}
        if new := names - self._zones.keys():
            # Zones are files.
            self._zones = {**self._zones, **await asyncio.to_thread(_load, new)}
        listed: set[Kind] = set()
        outcome = outcomes.get(Feature.METERS)
        if isinstance(outcome, Listing):
            parsed = meters(outcome.rows, self._clock.now())
            self._tally.note("meters", parsed)
            self.meters = _merged(self.meters, parsed.rows, complete=outcome.complete)
            if outcome.complete and not parsed.dropped:
                listed.add(Kind.METER)
        outcome = outcomes.get(Feature.ENTITIES)
        if isinstance(outcome, Listing) and buildings is not None:
            self._entities = _merged(self._entities, buildings, complete=outcome.complete)
            if outcome.complete and len(buildings) == len(outcome.rows):
                listed.add(Kind.BUILDING)
        return frozenset(listed)

    def _parsed_entities(self, outcome: _Outcome | None) -> tuple[Entity, ...] | None:
        if not isinstance(outcome, Listing):
            return None
        parsed = entities(outcome.rows)
        self._tally.note("entities", parsed)
        return parsed.rows

    def _judge(self, outcomes: Mapping[Feature, _Outcome]) -> list[ApiError]:
        """Plan the next readings; raise if there is still nothing to show."""
        first = not self.known
        failures: list[ApiError] = []
        for feature, outcome in outcomes.items():
            if isinstance(outcome, CredentialsRejected):
                raise outcome
            if isinstance(outcome, Listing):
                self._features.proves(feature)
                self._has.add(feature)
                self._plan(feature, INTERVAL if outcome.complete else _RETRY, first=first)
            elif isinstance(outcome, RateLimited):
                failures.append(outcome)
            elif self._features.judge(feature, outcome):
                self._plan(feature, INTERVAL)
            else:
                self._plan(feature, _RETRY, first=first)
                if feature is Feature.METERS:
                    failures.append(outcome)
        if Feature.METERS not in self._has and first:
            self._must_show(outcomes)
        return failures

    def _plan(self, feature: Feature, seconds: float, *, first: bool = False) -> None:
        at_once = first and seconds == _RETRY
        self._due[feature] = -math.inf if at_once else self._clock.monotonic() + seconds

    def _must_show(self, outcomes: Mapping[Feature, _Outcome]) -> None:
        """Raise why there are no meters, unless they are refused and entities are not."""
        of_meters = outcomes.get(Feature.METERS)
        if isinstance(of_meters, ApiError) and not isinstance(of_meters, NotPermitted):
            self._due[Feature.METERS] = -math.inf
            raise of_meters
        if Feature.ENTITIES not in self._has:
            # Whatever was refused may be granted when somebody looks again.
            self._due = dict.fromkeys(self._due, -math.inf)
            errors = [outcome for outcome in outcomes.values() if isinstance(outcome, ApiError)]
            # What will pass is told before what was refused.
            raise min(errors, key=lambda error: isinstance(error, NotPermitted))


def _merged[T: (Meter, Entity)](
    known: Mapping[str, T], rows: Iterable[T], *, complete: bool
) -> Mapping[str, T]:
    """Return what is known now: an incomplete list adds and changes, but takes nobody away."""
    found = {row.id: row for row in rows}
    return found if complete else {**known, **found}


def _load(names: Iterable[str]) -> dict[str, tzinfo]:
    """Return the zones with these IANA names; unknown ones are left out."""
    zones: dict[str, tzinfo] = {}
    for name in names:
        try:
            zones[name] = ZoneInfo(name)
        except KeyError, ValueError, OSError:
            continue
    return zones
