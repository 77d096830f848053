"""The past of vehicles and chargers: the energy usage of their sub-sessions, hour by hour.

A session's totals (cost, solar energy, CO2) are what the owner sees in the app; they are spread
over the half hours in which its energy flowed. Figures may be recalculated after the end of a
session (documented); then its row in the list is another one, and its usage is read again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ...core.budget import Priority
from ...core.clock import Clock
from ...core.errors import Reason, Unavailable, UnexpectedResponse
from ...core.history import Aspect, Batch, Form, Harvest, Series, Source
from ...core.http import Params
from ...core.model import Device
from ...core.vocabulary import Kind, Quantity
from .access import PAGE_SIZE, Access
from .hours import Part, whole_hours
from .parse import Parsed
from .sessions import Session, parse_sessions
from .usage import NO_USAGE, Flow, Usage, parse_usage

WINDOW: Final = timedelta(days=31)
"""About as many sub-sessions as days, each of which costs a request."""

_SETTLES: Final = timedelta(days=14)
"""For how long sessions are recalculated (assumed): a sweep costs what changed, and two requests."""

LAG: Final = timedelta(hours=1)
"""After so long a session that began is in the list (assumed; cars report when they report)."""

LONGEST: Final = timedelta(hours=36)
"""A session that stays open without a word holds up the newest hours no longer than this."""

USAGE_DUE: Final = timedelta(days=1)
"""After so long all of a session's usage is there that will ever be (assumed)."""

# Less of a session's energy than this share is a rounding, or another way to measure it.
_SHORT: Final = 0.05

_PATH: Final = "charging_sub_sessions"
_FILTERS: Final[Mapping[str, str]] = {Kind.VEHICLE: "vehicle_id", Kind.CHARGER: "evse_id"}
_QUANTITY: Final = Quantity.ENERGY_CHARGED
_MOST_PAGES: Final = 40
# The vehicle and the charger of a session are read one after the other, window by window.
_KEPT: Final = 512
_TRIES: Final = 3


type _Span = tuple[datetime, datetime]


@dataclass(slots=True)
class _Tally:
    """What the sessions of a device come to."""

    energy: list[Part] = field(default_factory=list[Part])
    solar: list[Part] = field(default_factory=list[Part])
    emissions: list[Part] = field(default_factory=list[Part])
    unknown: dict[Aspect | None, list[_Span]] = field(
        default_factory=lambda: {None: [], Aspect.SOLAR: [], Aspect.EMISSIONS: []}
    )
    dropped: int = 0


class Past:
    """Reads the past of one account's vehicles and chargers, a source each."""

    def __init__(self, access: Access, clock: Clock) -> None:
        """Know nothing yet."""
        self._access = access
        self._clock = clock
        self._usages: dict[str, tuple[Session, Usage]] = {}
        self._failed: dict[str, int] = {}
        self._sources = 0
        self._dropped = 0
        self._spread = 0

    def sources(self, devices: Iterable[Device], currency: str | None) -> Sequence[Source]:
        """Return what can be read of vehicles and chargers; costs are in `currency`, if known."""
        found = [
            Source(
                key=f"{device.kind}_{device.id}",
                series=(
                    Series(
                        device=device.id,
                        quantity=_QUANTITY,
                        form=Form.INTERVALS,
                        currency=currency,
                    ),
                    *(
                        Series(
                            device=device.id, quantity=_QUANTITY, form=Form.INTERVALS, aspect=aspect
                        )
                        for aspect in (Aspect.SOLAR, Aspect.EMISSIONS)
                    ),
                ),
                window=WINDOW,
                settles=_SETTLES,
                sparse=True,
            )
            for device in devices
        ]
        self._sources = len(found)
        return found

    async def read(
        self, source: Source, start: datetime, end: datetime, priority: Priority
    ) -> Harvest:
        """Read the sessions of a time of at most `WINDOW`.

        Raises:
            ApiError: as `HistoryAccount.read_history`.

        """
        kind, _, device_id = source.key.partition("_")
        of_device = [(_FILTERS[kind], device_id)]
        # First the open ones: one that ends in between is then told twice, and not left out.
        running = await self._running(of_device, priority)
        ended = await self._ended(of_device, start, end, priority)
        known = {
            one.id: one
            for one in (*running.rows, *ended.rows)
            if device_id in {one.vehicle, one.charger}
        }
        sessions = sorted(known.values(), key=lambda one: one.start)
        now = self._clock.now()
        until = now - LAG
        tally = _Tally(dropped=running.dropped + ended.dropped)
        for session in sessions:
            if session.start >= end or (session.end is not None and session.end <= start):
                continue
            usage = await self._usage(session, priority)
            self._add(tally, session, usage, source.series[0].currency)
            # An older one without an end is none that goes on.
            if session.end is None and session is sessions[-1] and session.energy != 0:
                until = min(until, max(usage.until or session.start, now - LONGEST))
        self._dropped += tally.dropped
        parts = (tally.energy, tally.solar, tally.emissions)
        return Harvest(
            batches={
                series.key: Batch(
                    intervals=whole_hours(part, start, end),
                    known_until=until,
                    unknown=tally.unknown[series.aspect],
                )
                for series, part in zip(source.series, parts, strict=True)
            },
            dropped=tally.dropped,
        )

    def diagnostics(self) -> dict[str, Any]:
        """Return counts, never a value."""
        return {
            "sources": self._sources,
            "kept_sessions": len(self._usages),
            "spread": self._spread,
            "failing": len(self._failed),
            "dropped": self._dropped,
        }

    # Reading.

    async def _running(self, of_device: Params, priority: Priority) -> Parsed[Session]:
        """Return sessions without an end: few, and the newest of all, so that a page is enough."""
        params = [*of_device, ("is_finished", "false"), ("page_size", PAGE_SIZE)]
        response = await self._access.get(_PATH, params=params, priority=priority)
        parsed = parse_sessions(response.json())
        return Parsed(tuple(one for one in parsed.rows if one.end is None), parsed.dropped)

    async def _ended(
        self, of_device: Params, start: datetime, end: datetime, priority: Priority
    ) -> Parsed[Session]:
        """Return sessions that ended and overlap a time."""
        listing = await self._access.read_list(
            _PATH,
            parse=parse_sessions,
            params=[*of_device, ("start__lt", _text(end)), ("end__gt", _text(start))],
            most=_MOST_PAGES,
            priority=priority,
        )
        if not listing.complete:
            raise UnexpectedResponse(Reason.TOO_LARGE)
        rows = tuple(one for page in listing.rows for one in page.rows)
        return Parsed(rows, sum(page.dropped for page in listing.rows))

    async def _usage(self, session: Session, priority: Priority) -> Usage:
        """Return when a session's energy flowed, `NO_USAGE` if nobody tells.

        One session whose usage can't be read must not hold up all others for ever.
        """
        if session.energy == 0:
            return NO_USAGE
        kept = self._usages.get(session.id)
        if kept is not None and kept[0] == session:
            return kept[1]
        try:
            usage = await self._read_usage(session, priority)
        except (Unavailable, UnexpectedResponse) as error:
            if error.status is None and not isinstance(error, UnexpectedResponse):
                raise  # it is not about this session
            self._failed[session.id] = failed = self._failed.get(session.id, 0) + 1
            if failed < _TRIES:
                raise
            return NO_USAGE
        self._failed.pop(session.id, None)
        if self._settled(session, usage):
            self._usages.pop(session.id, None)
            self._usages[session.id] = (session, usage)
            if len(self._usages) > _KEPT:
                del self._usages[next(iter(self._usages))]
        return usage

    async def _read_usage(self, session: Session, priority: Priority) -> Usage:
        params = [("merge_consecutive_intervals", "false")]
        try:
            response = await self._access.get(
                _PATH, session.id, "energy_usage", params=params, priority=priority
            )
        except UnexpectedResponse as error:
            if error.status != 404:
                raise
            return NO_USAGE
        return parse_usage(response.json())

    # Adding up.

    def _settled(self, session: Session, usage: Usage) -> bool:
        """Tell whether the usage is all that there will be of a session, corrections aside."""
        if session.end is None or session.id in self._failed:
            return False
        whole = session.energy is not None and usage.energy >= session.energy * (1 - _SHORT)
        return whole or self._clock.now() - session.end > USAGE_DUE

    def _add(self, tally: _Tally, session: Session, usage: Usage, code: str | None) -> None:
        """Add what a session comes to.

        Energy of which nobody tells when it flowed is spread over all of the session. What nobody
        tells at all leaves the session's hours unknown.
        """
        tally.dropped += usage.dropped
        flows = list(usage.flows)
        rest = (session.energy or 0.0) - usage.energy
        if session.end is not None and rest > (session.energy or 0.0) * _SHORT:
            flows.append(Flow(session.start, session.end, rest, None))
            self._spread += 1
        if not flows:
            if session.energy is None and session.end is not None:
                for spans in tally.unknown.values():
                    spans.append((session.start, session.end))
            return
        for aspect, told in ((Aspect.SOLAR, session.solar), (Aspect.EMISSIONS, session.co2)):
            if told is None:
                tally.unknown[aspect] += [(flow.start, flow.end) for flow in flows]
        final = self._settled(session, usage)
        costs = _costs(session, flows, code)
        tally.energy += [
            Part(
                start=flow.start,
                end=flow.end,
                amount=flow.energy,
                cost=cost,
                final=final,
                estimated=number >= len(usage.flows),
            )
            for number, (flow, cost) in enumerate(zip(flows, costs, strict=True))
        ]
        tally.solar += _spread(session.solar, flows, final=final)
        tally.emissions += _spread(session.co2, flows, final=final)


def _spread(amount: float | None, flows: Sequence[Flow], *, final: bool) -> list[Part]:
    """Spread what is only known of a session as a whole, in proportion to its energy."""
    whole = sum(flow.energy for flow in flows)
    return [
        Part(
            start=flow.start,
            end=flow.end,
            amount=amount * flow.energy / whole,
            final=final,
            estimated=True,
        )
        for flow in flows
        if amount
    ]


def _costs(session: Session, flows: Sequence[Flow], code: str | None) -> Sequence[float | None]:
    """Return what each part of a session's energy cost, in the currency `code`, if that is known.

    The session's own cost counts, since that is what the owner is told, spread by the prices of
    the half hours. Before a session has one, the prices have to do.
    """
    if code is None or session.currency != code:
        return [None] * len(flows)
    prices = [flow.price for flow in flows]
    priced = [
        flow.energy * price for flow, price in zip(flows, prices, strict=True) if price is not None
    ]
    if session.cost is None:
        return priced if len(priced) == len(flows) else [None] * len(flows)
    weights = priced
    if len(priced) != len(flows) or min(priced) < 0 or sum(priced) <= 0:
        weights = [flow.energy for flow in flows]
    whole = sum(weights)
    return [session.cost * weight / whole for weight in weights]


def _text(at: datetime) -> str:
    """Return a time as the API writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
