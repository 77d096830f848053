"""Rows of a list, made only for the page that is asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import datetime as dt

from simulator.enectiva.documents import Resource
from simulator.enectiva.past import Past
from simulator.enectiva.portfolio import (
    INSTALLED,
    READING_INTERVAL,
    DataSeries,
    Energy,
    Entity,
    Meter,
    Portfolio,
    VirtualMeter,
    months,
)
from simulator.enectiva.queries import Query
from simulator.house import House


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A list of `count` rows; `make` gives the one at an index, in the order asked for."""

    count: int
    make: Callable[[int], Resource]

    def page(self, query: Query) -> list[Resource]:
        """Return the rows of the query's page."""
        first = query.page * query.limit
        return [self.make(index) for index in range(first, min(first + query.limit, self.count))]

    def has_more(self, query: Query) -> bool:
        """Whether there are rows after the query's page."""
        return (query.page + 1) * query.limit < self.count


def of(resources: Sequence[Resource]) -> Rows:
    """Return rows that exist already."""
    return Rows(count=len(resources), make=resources.__getitem__)


def entity(one: Entity, zone: str) -> Resource:
    """Return an entity (attribute names assumed)."""
    related = {} if one.parent is None else {"parent": ("entities", one.parent)}
    return Resource(
        type="entities",
        id=one.id,
        attributes={"name": one.name, "kind": one.kind, "time_zone": zone},
        related=related,
    )


def meter(one: Meter) -> Resource:
    """Return a meter (attribute names assumed)."""
    deactivated = one.deactivated
    return Resource(
        type="meters",
        id=one.id,
        attributes={
            "name": one.name,
            "code": one.code,
            "energy": one.energy.value,
            "unit": one.unit if one.reports_unit else None,
            "identification": one.identification,
            "production": one.production,
            "measurement_type": "profiles" if one.profile else "readings",
            "deactivated_at": None if deactivated is None else _instant(deactivated),
        },
        related={"entity": ("entities", one.entity)},
    )


def readings(
    one: Meter, house: House, newest: dt.datetime, query: Query, past: Past, now: dt.datetime
) -> Rows:
    """Return a meter's readings every quarter hour: `time` in UTC, `state` in its unit."""

    def make(index: int, at: dt.datetime) -> Resource:
        state = one.counter(house, at) + past.too_much(at, now)
        if (swap := past.swap_before(at)) is not None:
            state += swap.shows - one.counter(house, swap.at)
        return Resource(
            type="readings",
            id=str(int(one.id) * 10_000_000 + index),
            attributes={"time": _instant(at), "state": round(state, 3)},
        )

    until = INSTALLED - READING_INTERVAL if one.profile else one.until(newest)
    return _as_befallen(past, now, until, query, make)


def _as_befallen(
    past: Past,
    now: dt.datetime,
    until: dt.datetime,
    query: Query,
    make: Callable[[int, dt.datetime], Resource],
) -> Rows:
    """Return rows on the quarter hours, as far as they are there, and as often."""
    if past == Past():
        return _every_quarter_hour(until, query, make)
    first, beyond = _indices(until, query)
    there: list[int] = []
    for start, end in [*past.missing(now), (until + READING_INTERVAL, until)]:
        there += range(first, min(beyond, _index(start)))
        first = max(first, _index(end))
    if past.twice:
        there = [index for index in there for _ in range(2)]
    if query.descending:
        there.reverse()

    def row(place: int) -> Resource:
        return make(there[place], INSTALLED + there[place] * READING_INTERVAL)

    return Rows(count=len(there), make=row)


def _index(at: dt.datetime) -> int:
    """Return the number of the first quarter hour at a time or after it."""
    return -(-(at - INSTALLED) // READING_INTERVAL)


def data_points(
    one: DataSeries,
    house: House,
    newest: dt.datetime,
    query: Query,
    past: Past,
    now: dt.datetime,
) -> Rows:
    """Return a series' points every quarter hour; a meter that is swapped is none of theirs."""

    def make(index: int, at: dt.datetime) -> Resource:
        return Resource(
            type="data_points",
            id=str(int(one.id) * 10_000_000 + index),
            attributes={
                "time": _instant(at),
                "value": round(one.value(house, at) + past.too_much(at, now), 3),
                "unit": one.unit,
            },
        )

    until = newest - (newest - INSTALLED) % READING_INTERVAL
    return _as_befallen(past, now, until, query, make)


def _every_quarter_hour(
    until: dt.datetime, query: Query, make: Callable[[int, dt.datetime], Resource]
) -> Rows:
    """Return rows on the quarter hours from the installation to `until` that pass the query."""
    first, beyond = _indices(until, query)

    def row(place: int) -> Resource:
        index = beyond - 1 - place if query.descending else first + place
        return make(index, INSTALLED + index * READING_INTERVAL)

    return Rows(count=max(beyond - first, 0), make=row)


def _indices(until: dt.datetime, query: Query) -> tuple[int, int]:
    """Return the numbers of the first quarter hour that passes the query, and of the one beyond."""
    first, beyond = 0, (until - INSTALLED) // READING_INTERVAL + 1
    for condition in query.conditions:
        index, rest = divmod(condition.at - INSTALLED, READING_INTERVAL)
        after = index + (1 if rest else 0)
        match condition.operator:
            case ">":
                first = max(first, index + 1)
            case ">=":
                first = max(first, after)
            case _:
                beyond = min(beyond, after)
    return first, beyond


def meter_deltas(one: Meter, house: House, newest: dt.datetime, query: Query) -> Rows:
    """Return a meter's consumption per month; the running month up to its last reading."""
    return of(
        [
            _delta("meter_deltas", one.id, None, first, value)
            for first, value in _monthly([(1, one)], house, newest, query)
        ]
    )


def virtual_meter_deltas(
    one: VirtualMeter, portfolio: Portfolio, house: House, newest: dt.datetime, query: Query
) -> Rows:
    """Return a formula's result per month."""
    by_id = {each.id: each for each in portfolio.meters}
    terms = [(1, by_id[key]) for key in one.plus] + [(-1, by_id[key]) for key in one.minus]
    return of(
        [
            _delta("virtual_meter_deltas", one.id, None, first, value)
            for first, value in _monthly(terms, house, newest, query)
        ]
    )


def entity_deltas(
    one: Entity, portfolio: Portfolio, house: House, newest: dt.datetime, query: Query
) -> Rows:
    """Return an entity's consumption per month and energy: the main meters below it."""
    below = portfolio.subtree(one.id)
    main = [
        each
        for each in portfolio.meters
        if each.entity in below and not each.sub_meter and not each.production
    ]
    found: list[Resource] = []
    for energy in Energy:
        terms = [(1, each) for each in main if each.energy is energy]
        if terms:
            found += [
                _delta("entity_deltas", one.id, energy, first, value)
                for first, value in _monthly(terms, house, newest, query)
            ]
    found.sort(key=lambda row: str(row.attributes["time"]), reverse=query.descending)
    return of(found)


def _monthly(
    terms: Sequence[tuple[int, Meter]], house: House, newest: dt.datetime, query: Query
) -> list[tuple[dt.datetime, float]]:
    """Return the sums of meters per month that pass the query."""
    last = max(each.until(newest) for _, each in terms)
    found: list[tuple[dt.datetime, float]] = []
    for month in months(last):
        if not query.passes(month.first):
            continue
        value = sum(
            sign
            * (
                each.counter(house, min(month.end, each.until(newest)))
                - each.counter(house, min(month.start, each.until(newest)))
            )
            for sign, each in terms
        )
        found.append((month.first, round(value, 3)))
    return found[::-1] if query.descending else found


def _delta(
    kind: str, identity: str, energy: Energy | None, first: dt.datetime, value: float
) -> Resource:
    middle = "" if energy is None else f"-{energy.code}"
    return Resource(
        type=kind,
        id=f"{identity}{middle}-{first:%Y-%m}",
        attributes={
            "time": first.isoformat(timespec="seconds"),
            "value": value,
            "energy": None if energy is None else energy.value,
        },
    )


def _instant(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
