"""When the past is asked for: the newest hours as they come, older ones as the budget allows."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
import math
from typing import Any, Final

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from ..coordinator import EnergyConfigEntry
from ..core.agenda import Agenda, Window, backfill, oldest, progress
from ..core.budget import Priority
from ..core.coverage import Coverage
from ..core.errors import ApiError, CredentialsRejected, NotPermitted, RateLimited
from ..core.history import HistoryAccount, Source
from ..core.series import Hour, hour_of, time_of
from .options import depth_of
from .past import History
from .prices import RECENT

_FIRST: Final = 10.0
"""Seconds after Home Assistant has started: it has enough to do then."""
_REST: Final = 24 * 3600.0
_TRY_AGAIN: Final = 600.0
_AT_LEAST: Final = 30.0
_PRICES: Final = 3600.0


class Backfill:
    """Asks for one account's past in rounds, each as long as there is something to ask."""

    def __init__(self, hass: HomeAssistant, entry: EnergyConfigEntry, history: History) -> None:
        """Ask nothing yet."""
        self._hass = hass
        self._entry = entry
        self.history = history
        self._depth = depth_of(entry.options)
        self._resting: dict[str, float] = {}
        self._refused: set[str] = set()
        """Sources that the provider does not let be read: nothing of them is left to ask."""
        self._past_rests_until = 0.0
        self._prices_tried = 0.0
        self._months: dict[str, tuple[int, int]] = {}
        self._timer: CALLBACK_TYPE | None = None
        self._running = False
        self._ended = False
        self._listeners: list[Callable[[], None]] = []
        self.last_error: str | None = None

    @callback
    def start(self) -> None:
        """Begin when Home Assistant has started, end with the entry."""

        @callback
        def started(_: HomeAssistant) -> None:
            self._plan(_FIRST)

        self._entry.async_on_unload(async_at_started(self._hass, started))
        self._entry.async_on_unload(self._end)
        # The next set-up reads the book at once, and a late save of this one would undo its own.
        self._entry.async_on_unload(self.history.save)
        # Entries are not unloaded then, but there is no session to ask with any more.
        self._entry.async_on_unload(
            self._hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, self._end)
        )

    @callback
    def _end(self, _: Event | None = None) -> None:
        self._ended = True
        self._stop()

    @callback
    def _stop(self) -> None:
        if self._timer is not None:
            self._timer()
            self._timer = None

    @callback
    def _plan(self, seconds: float) -> None:
        self._stop()
        if not self._ended:
            self._timer = async_call_later(self._hass, seconds, self._go)

    @callback
    def _go(self, _: datetime) -> None:
        self._timer = None
        if not self._running:
            self._entry.async_create_background_task(
                self._hass, self._round(), f"{DOMAIN} history", eager_start=False
            )

    @callback
    def listen(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call `listener` when the progress may be another one."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def progress(self) -> float | None:
        """How much of the wanted past was asked for, in percent; None if there is none to ask."""
        asked = total = 0
        now = dt_util.utcnow()
        sources = [one for one in self.history.sources() if one.key not in self._refused]
        for source in sources:
            begin = oldest(source, now, self._depth)
            pages = [self.history.book.page(series.key) for series in source.series]
            done, of_all = progress((page.coverage for page in pages), begin, now)
            asked, total = asked + done, total + of_all
        if not total:
            return 100.0 if sources else None
        # Rounded down: 100 % is said when nothing is left to ask.
        return 100.0 if asked == total else math.floor(1000 * asked / total) / 10

    def diagnostics(self) -> dict[str, Any]:
        """Return counts: safe to post."""
        now = dt_util.utcnow()
        counted: Counter[str] = Counter()
        sources = self.history.sources()
        for source in sources:
            for coverage in self._coverages(source):
                for status, hours in coverage.count(self.begin(source), hour_of(now)).items():
                    counted["not_asked" if status is None else status.name.lower()] += hours
        part = self.progress
        return {
            "progress": None if part is None else round(part),
            "sources": len(sources),
            "running": self._running,
            "resting": sum(self._is_resting(source) for source in sources),
            "hours": dict(counted),
            "dropped_rows": self.history.dropped,
            "last_error": self.last_error,
        }

    def begin(self, source: Source) -> Hour:
        """Return the first hour of a source that is wanted."""
        return oldest(source, dt_util.utcnow(), self._depth)

    async def _round(self) -> None:
        """Ask for all that is due; a failure of one source is none of the others."""
        self._running = True
        wait = _TRY_AGAIN
        try:
            wait = await self._ask()
            self.history.rest()
        except Exception:  # noqa: BLE001 - one bad round must not be the last one
            LOGGER.exception("Unexpected error importing the history of %s", self._entry.title)
        finally:
            self._running = False
            self._tell()
        self._plan(wait)

    async def _ask(self) -> float:
        """Work until nothing is due; return the seconds until something will be."""
        for source in self.history.sources():
            # What is found gone is asked for in this round, even if no newer hour is due.
            await self.history.check(source)
            await self._catch_up(source)
        await self._charge()
        while (found := self._next()) is not None:
            source, window = found
            if not await self._read(source, window, Priority.BACKFILL):
                continue
            await self._charge()
            self._log_month(source, window)
            self._tell()
        return self._wait()

    async def _catch_up(self, source: Source) -> None:
        """Ask for what is due of a source; what is not answered is due again when it makes sense."""
        agenda = self.history.book.agenda(source.key)
        before = dict(agenda.asked)
        windows = self._due(source)
        for number, window in enumerate(windows):
            priority = Priority.RECENT if window.live else Priority.BACKFILL
            if not await self._read(source, window, priority):
                agenda.unanswered(windows[number:], before)
                return

    def _due(self, source: Source) -> list[Window]:
        if self._is_resting(source):
            return []
        agenda = self.history.book.agenda(source.key)
        # What comes beside an amount (its solar part) is not asked for on its own: some never tell.
        pages = [
            self.history.book.page(series.key) for series in source.series if series.aspect is None
        ]
        return agenda.again(source, [page.coverage for page in pages], dt_util.utcnow())

    def _coverages(self, source: Source) -> list[Coverage]:
        return [self.history.book.page(series.key).coverage for series in source.series]

    def _next(self) -> tuple[Source, Window] | None:
        """Return the next piece of the past: the newest month of all sources goes first."""
        now = dt_util.utcnow()
        if self._past_rests_until > now.timestamp():
            return None
        found: list[tuple[Source, Window]] = []
        for source in self.history.sources():
            if self._is_resting(source):
                continue
            begin = oldest(source, now, self._depth)
            window = backfill(source, self._coverages(source), now, begin)
            if window is not None:
                found.append((source, window))
        month = hour_of(now) - 31 * 24
        recent = [each for each in found if each[1].start >= month]
        return min(recent or found, key=lambda each: each[1].start, default=None)

    async def _read(self, source: Source, window: Window, priority: Priority) -> bool:
        """Read a window; return whether that could be done."""
        now = dt_util.utcnow().timestamp()
        try:
            outcome = await self.history.read(source, window, priority)
        except RateLimited as error:
            self.last_error = str(error)
            self._past_rests_until = now + max(_AT_LEAST, error.retry_after)
            if window.live:
                self._resting[source.key] = self._past_rests_until
            return False
        except CredentialsRejected as error:
            # The coordinator asks for a sign-in; without one there is no use in asking.
            self.last_error = str(error)
            self._past_rests_until = now + _REST
            self._resting[source.key] = now + _TRY_AGAIN
            return False
        except NotPermitted as error:
            self.last_error = str(error)
            self._resting[source.key] = now + _REST
            self._refused.add(source.key)
            return False
        except ApiError as error:
            self.last_error = str(error)
            self._resting[source.key] = now + max(_TRY_AGAIN, error.retry_after or 0.0)
            LOGGER.debug("No history of %s: %s", self._entry.runtime_data.provider.key, error)
            return False
        self.last_error = None
        self._refused.discard(source.key)
        if not window.live and not outcome.changes:
            # Nothing came back for what was asked: asking at once again would never end.
            self._resting[source.key] = now + _TRY_AGAIN
        return True

    def _is_resting(self, source: Source) -> bool:
        return self._resting.get(source.key, 0.0) > dt_util.utcnow().timestamp()

    async def _charge(self) -> None:
        """Make costs of what came in, where prices are known."""
        now = dt_util.utcnow()
        if now.timestamp() - self._prices_tried >= _PRICES:
            self._prices_tried = now.timestamp()
            self.history.try_prices_again(hour_of(now - RECENT))
        for series in self.history.series():
            while await self.history.charge(series):
                pass

    def _wait(self) -> float:
        """Return the seconds until the newest hours are due, or the past may be asked for again."""
        now = dt_util.utcnow()
        seconds = now.timestamp()
        waits: list[float] = []
        for source in self.history.sources():
            rest = self._resting.get(source.key, 0.0) - seconds
            waits.append(max(rest, Agenda.wait(self.history.book.agenda(source.key).asked, now)))
        if self._past_rests_until > seconds:
            waits.append(self._past_rests_until - seconds)
        elif any(until > seconds for until in self._resting.values()):
            waits.append(min(u for u in self._resting.values() if u > seconds) - seconds)
        return max(_AT_LEAST, min(waits, default=_TRY_AGAIN))

    def _log_month(self, source: Source, window: Window) -> None:
        """Say so when a source's reading has reached another month."""
        at = time_of(window.stop - 1)
        month = (at.year, at.month)
        if self._months.get(source.key) == month:
            return
        self._months[source.key] = month
        shown = self.progress
        LOGGER.info(
            "History of %s: %s read up to %04d-%02d, %.0f %% of all",
            self._entry.title,
            source.key,
            *month,
            shown if shown is not None else 100.0,
        )

    @callback
    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()


async def begin_history(
    hass: HomeAssistant, entry: EnergyConfigEntry, account: HistoryAccount
) -> Backfill:
    """Begin to import the past of an entry's account; the recorder has to be there."""
    history = History(hass, entry, account)
    await history.load()
    work = Backfill(hass, entry, history)
    work.start()
    return work
