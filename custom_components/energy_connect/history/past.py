"""An account's past: read from the provider, turned into hours, written where they differ."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util, slugify

from ..const import DOMAIN, LOGGER
from ..coordinator import EnergyConfigEntry
from ..core.agenda import Window
from ..core.book import Book, Page
from ..core.budget import Priority
from ..core.cost import costs
from ..core.coverage import KNOWN, Coverage
from ..core.draft import Draft, Rows, draft
from ..core.history import Form, Harvest, HistoryAccount, Series, Source
from ..core.regions import Regions, margin
from ..core.series import Amount, Hour, Stretch, hour_of, time_of
from ..devices import account_id, own_name
from .means import MeansTable
from .options import book_store
from .prices import prices
from .statistics import Statistic, StatisticsTable, UnitConflict, Wanted, Written
from .tariffs import Tariff, carrier_of

_SAVE_DELAY: Final = 30
# Hours of costs made in one go.
_COSTS_AT_ONCE: Final = 744


class SeriesChange(NamedTuple):
    """What reading a window changed, or would change, in one series."""

    series: Series
    read: Stretch
    written: Written
    costs: Written


@dataclass(slots=True)
class Outcome:
    """What reading a window gave."""

    changes: list[SeriesChange] = field(default_factory=list[SeriesChange])
    dropped: int = 0


class History:
    """The past of one entry's account."""

    def __init__(
        self, hass: HomeAssistant, entry: EnergyConfigEntry, account: HistoryAccount
    ) -> None:
        """Take an entry that is set up, and its account."""
        self._hass = hass
        self._entry = entry
        self._account = account
        self._store = book_store(hass, entry.entry_id)
        self._names: Mapping[str, str] = {}
        self._conflicts: set[str] = set()
        self._checked: set[str] = set()
        self._taking = asyncio.Lock()
        self.table = StatisticsTable(hass)
        self.means = MeansTable(hass)
        self.book = Book()
        self.dropped = 0

    async def load(self) -> None:
        """Read the book; one that can't be read is begun anew, which costs requests alone."""
        kept = await self._store.async_load()
        if kept is not None:
            try:
                self.book = Book.load(kept)
            except KeyError, TypeError, ValueError:
                LOGGER.warning("What was remembered of the imported history can't be read")
        self._names = await async_get_translations(
            self._hass, self._hass.config.language, "entity", {DOMAIN}
        ) | await async_get_translations(
            self._hass, self._hass.config.language, "selector", {DOMAIN}
        )

    def sources(self) -> Sequence[Source]:
        """Return what can be read now, without the devices that the person left out."""
        sources = self._account.history_sources()
        if hidden := self._entry.runtime_data.hidden:
            kept = (
                (one, tuple(each for each in one.series if each.device not in hidden))
                for one in sources
            )
            sources = [replace(one, series=series) for one, series in kept if series]
        for source in sources:
            for series in source.series:
                self.book.page(series.key).read_as(series.form)
        return sources

    def series(self) -> Iterable[Series]:
        """Return all series that can be read now."""
        for source in self.sources():
            yield from source.series

    def save_later(self) -> None:
        """Save the book soon; what is forgotten by a sudden end is asked for again."""
        self._store.async_delay_save(self.book.dump, _SAVE_DELAY)

    async def save(self) -> None:
        """Save the book now."""
        await self._store.async_save(self.book.dump())

    def statistic(self, series: Series) -> Statistic:
        """Return the statistic of a series' amounts."""
        return Statistic(
            id=f"{DOMAIN}:{self._slug(series)}",
            name=self._name(series),
            unit=series.measured_in,
        )

    def cost_statistic(self, series: Series) -> Statistic:
        """Return the statistic of what a series cost."""
        return Statistic(
            id=f"{DOMAIN}:{self._slug(series)}_cost",
            name=f"{self._name(series)}, {self._word('cost')}",
            unit=series.currency or self._hass.config.currency,
        )

    def _slug(self, series: Series) -> str:
        return slugify(f"{account_id(self._entry)}_{series.key}")

    def _name(self, series: Series) -> str:
        """Return words by which a person knows the series: whose it is, and what."""
        device = self._entry.runtime_data.data.devices.get(series.device)
        shown = own_name(device) if device is not None else None
        key = f"component.{DOMAIN}.entity.sensor."
        if series.part is None:
            words = self._names.get(f"{key}{series.quantity}.name")
        else:
            words = self._names.get(f"{key}{series.quantity}_part.name", "").replace(
                "{part}", series.part.upper()
            )
        words = words or series.quantity.replace("_", " ")
        if series.aspect is not None:
            words = f"{words}, {self._word(series.aspect)}"
        return f"{shown or self._entry.title}: {words[:1].lower()}{words[1:]}"

    def _word(self, word: str) -> str:
        return self._names.get(f"component.{DOMAIN}.selector.history.options.{word}", word)

    async def check(self, source: Source) -> None:
        """Compare, once a start, what is remembered with what the recorder has.

        The database may be an older copy, or have been cleared by a person: hours that are not
        there must not be taken for known. After a sudden end broken seams are healed.
        """
        for series in source.series:
            if series.key in self._checked:
                continue
            self._checked.add(series.key)
            page = self.book.page(series.key)
            if page.newest_row is not None:
                await self._check(self.statistic(series), page)
            if page.costs.first is not None and self.tariff(series) is not None:
                await self._check_costs(self.cost_statistic(series), page)
            if page.moving:
                await self._heal(self.cost_statistic(series), page)
            page.moving = False

    async def _check(self, statistic: Statistic, page: Page) -> None:
        # What is forgotten is saved at once: the newest hours are written first, and would make the
        # book on the disk look true after a sudden end.
        newest = await self.table.newest(statistic.id)
        if newest is None:
            page.coverage, page.regions, page.costs = Coverage(), Regions(), Coverage()
            page.newest_row = page.oldest_row = None
            await self.save()
        else:
            await self._check_ends(statistic, page, newest)
        if page.moving:
            await self._heal(statistic, page)

    async def _check_ends(self, statistic: Statistic, page: Page, newest: Hour) -> None:
        """Forget what is gone behind the newest row, or before the oldest one.

        Rows that were cleared while Home Assistant was running are gone before the oldest one only:
        newer hours were written since.
        """
        gone: list[tuple[Hour, Hour]] = []
        if page.newest_row is not None and newest < page.newest_row:
            gone.append((newest + 1, page.newest_row + 1))
            page.newest_row = newest
        if page.oldest_row is not None:
            oldest = await self.table.oldest(statistic.id, page.oldest_row, newest)
            if oldest > page.oldest_row:
                gone.append((page.oldest_row, oldest))
                page.oldest_row = oldest
        for start, stop in gone:
            page.coverage.forget(start, stop)
            page.costs.forget(start, stop)
        if gone:
            await self.save()

    async def _check_costs(self, statistic: Statistic, page: Page) -> None:
        if await self.table.newest(statistic.id) is None:
            page.costs = Coverage()
            await self.save()

    async def _heal(self, statistic: Statistic, page: Page) -> None:
        first, newest = page.coverage.first, await self.table.newest(statistic.id)
        if first is None or newest is None:
            return
        if healed := await self.table.heal(statistic, first, newest + 1):
            LOGGER.info("Healed the sums of %s in %d places", statistic.id, healed)

    async def read(
        self, source: Source, window: Window, priority: Priority, *, dry_run: bool = False
    ) -> Outcome:
        """Read a window of a source and write what is new.

        Raises:
            ApiError: as `HistoryAccount.read_history`; nothing is changed then.

        """
        await self.check(source)
        start, end = time_of(window.start), time_of(window.stop)
        if any(series.form is Form.COUNTER for series in source.series):
            start, end = start - margin(source.step), end + margin(source.step)
        elif any(series.form is Form.MEASURED for series in source.series):
            # What was measured next says that an hour is over.
            end += source.step
        harvest = await self._account.read_history(source, start, end, priority)
        self.dropped += harvest.dropped
        outcome = Outcome(dropped=harvest.dropped)
        # The pages must not change between the look at them and what is done upon it.
        async with self._taking:
            await self._take(source, window, harvest, dry_run, outcome)
        if not dry_run:
            self.save_later()
        return outcome

    async def _take(
        self, source: Source, window: Window, harvest: Harvest, dry_run: bool, outcome: Outcome
    ) -> None:
        """Turn batches into hours, and write those before they count as known."""
        drafts = await self._hass.async_add_executor_job(self._drafts, source, window, harvest)
        wanted = {(id(each), cost): self._wanted(each, cost) for each, cost in _tables(drafts)}
        settled = await self.table.settled(list(wanted.values()))
        for each in drafts:
            written = paid = Written()
            page = self.book.page(each.series.key)
            for cost in (False, True):
                rows = wanted.get((id(each), cost))
                if rows is None or rows.statistic.id in settled:
                    continue
                done = await self._write(rows, page, dry_run)
                written, paid = (written, done) if cost else (done, paid)
            if each.means:
                written = await self._write_means(each, dry_run)
            if not dry_run:
                _keep(page, each, written)
            outcome.changes.append(SeriesChange(each.series, each.stretch, written, paid))

    def _drafts(self, source: Source, window: Window, harvest: Harvest) -> list[Draft]:
        """Runs in a thread: a month of quarter hours takes its time."""
        now = hour_of(dt_util.utcnow())
        return [
            draft(source, series, batch, window, self.book.page(series.key), now)
            for series in source.series
            if series.measured_in is not None
            if (batch := harvest.batches.get(series.key)) is not None
        ]

    def _wanted(self, found: Draft, cost: bool) -> Wanted:
        if cost:
            assert found.costs is not None  # `_tables` names no others
            return Wanted(self.cost_statistic(found.series), found.costs)
        return Wanted(self.statistic(found.series), found.rows)

    async def _write(self, wanted: Wanted, page: Page, dry_run: bool = False) -> Written:
        async def before_shift() -> None:
            if not page.moving:
                page.moving = True
                await self.save()

        try:
            return await self.table.write(wanted, dry_run=dry_run, before_shift=before_shift)
        except UnitConflict as conflict:
            self._tell(wanted.statistic, conflict)
            return Written()

    async def _write_means(self, found: Draft, dry_run: bool) -> Written:
        statistic = self.statistic(found.series)
        try:
            return await self.means.write(statistic, found.means, dry_run=dry_run)
        except UnitConflict as conflict:
            self._tell(statistic, conflict)
            return Written()

    def _tell(self, statistic: Statistic, conflict: UnitConflict) -> None:
        if statistic.id not in self._conflicts:
            self._conflicts.add(statistic.id)
            LOGGER.warning("Nothing is imported: %s", conflict)

    def rest(self) -> None:
        """Note that nothing is being written: what was has been read back, seams included."""
        if any(page.moving for page in self.book.pages.values()):
            for page in self.book.pages.values():
                page.moving = False
        self.save_later()

    def tariff(self, series: Series) -> Tariff | None:
        """Return at which prices a series is charged, if the provider does not say what it cost."""
        carrier = None if series.currency is not None else carrier_of(series)
        return None if carrier is None else Tariff.of(self._entry.options, carrier)

    async def charge(self, series: Series) -> int:
        """Make the costs of hours that have none yet, a month at most; return how many hours."""
        tariff = self.tariff(series)
        if tariff is None:
            return 0
        page = self.book.page(series.key)
        if page.priced_by != tariff.fingerprint:
            page.priced_by, page.costs = tariff.fingerprint, Coverage()
        run = _uncharged(page)
        if run is None:
            return 0
        start, stop = run
        statistic = self.statistic(series)
        found = await self.table.rows(statistic.id, start, stop)
        unit = await self.table.unit_of(statistic)
        price_of = await prices(self._hass, tariff, start, stop, unit)
        made, unpriced = costs({row.hour: row.amount for row in found}, price_of)
        # An hour that had a price and has none any more must not go on costing something.
        rows = Rows(amounts=made, within=(start, stop))
        await self._write(Wanted(self.cost_statistic(series), rows), page)
        gaps = set(unpriced)
        page.costs.mark(
            Stretch(start, stop, {h: Amount(0.0) for h in range(start, stop) if h not in gaps})
        )
        self.save_later()
        return stop - start

    def try_prices_again(self, since: Hour) -> None:
        """Let the hours without a price be charged once more, as far as prices may turn up."""
        for page in self.book.pages.values():
            for gap in page.costs.gaps(since, hour_of(dt_util.utcnow())):
                page.costs.forget(gap.start, gap.stop)


def _tables(drafts: Iterable[Draft]) -> Iterator[tuple[Draft, bool]]:
    """Return each draft, once more for its costs if it has any."""
    for each in drafts:
        yield each, False
        if each.costs is not None:
            yield each, True


def _keep(page: Page, found: Draft, written: Written) -> None:
    """Count as known what is in the database now."""
    page.regions = found.regions
    found.mark(page.coverage)
    if written_hours := (*found.rows.amounts, *found.means):
        newest, oldest = page.newest_row, page.oldest_row
        page.newest_row = max(written_hours if newest is None else (newest, *written_hours))
        page.oldest_row = min(written_hours if oldest is None else (oldest, *written_hours))
    if found.costs is not None:
        found.mark_costs(page.costs)
    elif written.changed:
        page.costs.forget(written.changed[0], written.changed[-1] + 1)


def _uncharged(page: Page) -> tuple[Hour, Hour] | None:
    """Return the first hours of which the energy is known and the cost was not made."""
    first, newest = page.coverage.first, page.coverage.newest
    if first is None or newest is None:
        return None
    for run in page.costs.unasked(first, newest + 1):
        known = [each for each in page.coverage.runs(run.start, run.stop) if each.status in KNOWN]
        if known:
            start = known[0].start
            return start, min(known[-1].stop, start + _COSTS_AT_ONCE)
    return None
