"""What a batch comes to: hours, and the rows that should be there. Nothing is changed by it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from .agenda import Window
from .book import Page
from .coverage import Coverage
from .history import Batch, Form, Series, Source
from .means import Mean, hours_of_measurements
from .regions import Regions, margin
from .series import Amount, Certainty, Hour, Stretch, hour_of, hours_of_intervals, hours_within


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The amounts that rows should have.

    `within` says between which hours all others are to be 0, save those to `keep`.
    """

    amounts: Mapping[Hour, float]
    within: tuple[Hour, Hour] | None = None
    keep: frozenset[Hour] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One series' part of a window; `costs` are None where the provider tells none."""

    series: Series
    regions: Regions
    stretch: Stretch
    sparse_until: Hour | None
    rows: Rows
    means: Mapping[Hour, Mean]
    cost_stretch: Stretch
    costs: Rows | None

    def mark(self, coverage: Coverage) -> None:
        """Count the hours as known: their rows are in the database."""
        coverage.mark(self.stretch, sparse_until=self.sparse_until)

    def mark_costs(self, coverage: Coverage) -> None:
        """Do so for what they cost."""
        coverage.mark(self.cost_stretch, sparse_until=self.sparse_until)


def draft(
    source: Source, series: Series, batch: Batch, window: Window, page: Page, now: Hour
) -> Draft:
    """Return what a batch comes to, by what is known of the series already."""
    regions = page.regions.copy()
    measured: Mapping[Hour, Mean] = {}
    if series.form is Form.MEASURED:
        measured = hours_of_measurements(batch.readings)
        read = _measured(window, measured)
    else:
        read = _stretch(source, series, batch, window, regions)
    sparse_until = None
    until = now
    if source.sparse:
        known = window.start if batch.known_until is None else hour_of(batch.known_until)
        sparse_until = until = min(now, known)
    read = _until(read, until)
    # Only what can be counted anew, or was put together anew, is ever corrected by an estimate.
    estimates = source.sparse or series.form is Form.COUNTER
    stretch = page.coverage.believed(read, estimates=estimates)
    keep = stretch.unknown | (read.amounts.keys() - stretch.amounts.keys())
    # Of a sparse series an hour that is not named has no energy; of others it is not known.
    within = (stretch.start, stretch.stop) if source.sparse else None
    amounts = {
        hour: each.amount
        for hour, each in stretch.amounts.items()
        if not measured and (each.amount or not source.sparse)
    }
    priced = {hour: each for hour, each in stretch.amounts.items() if each.cost is not None}
    unpriced = keep | {
        hour for hour, each in stretch.amounts.items() if each.cost is None and each.amount
    }
    costs = None
    if series.currency is not None:
        made = {hour: each.cost or 0.0 for hour, each in priced.items()}
        if source.sparse:
            made = {hour: cost for hour, cost in made.items() if cost}
        costs = Rows(amounts=made, within=within, keep=unpriced)
    return Draft(
        series=series,
        regions=regions,
        stretch=stretch,
        sparse_until=sparse_until,
        rows=Rows(amounts=amounts, within=within, keep=keep),
        means={hour: each for hour, each in measured.items() if hour in stretch.amounts},
        cost_stretch=stretch._replace(amounts=priced, unknown=unpriced),
        costs=costs,
    )


def _stretch(
    source: Source, series: Series, batch: Batch, window: Window, regions: Regions
) -> Stretch:
    """Return the hours of a batch."""
    if series.form is Form.COUNTER:
        return regions.take(window.start, window.stop, batch.readings, beyond=margin(source.step))
    hours = hours_of_intervals(batch.intervals)
    unknown = hours_within(batch.unknown)
    if source.sparse:
        # A provisional 0 is no amount; but that there is none, is not known either.
        open_spans = ((one.start, one.end) for one in batch.intervals if not one.final)
        unknown |= hours_within(open_spans) - hours.keys()
    inside = {
        hour: _in_part(each) if hour in unknown else each
        for hour, each in hours.items()
        if window.start <= hour < window.stop
    }
    return Stretch(window.start, window.stop, inside, unknown)


def _measured(window: Window, means: Mapping[Hour, Mean]) -> Stretch:
    """Return hours that have means, as if those were their amounts."""
    inside = {
        hour: Amount(each.mean, each.certainty)
        for hour, each in means.items()
        if window.start <= hour < window.stop
    }
    return Stretch(window.start, window.stop, inside)


def _in_part(amount: Amount) -> Amount:
    """Return the amount of an hour that has some more that nobody knows."""
    return amount._replace(certainty=Certainty.PROVISIONAL, cost=None)


def _until(stretch: Stretch, until: Hour) -> Stretch:
    """Return the part of a stretch that is over."""
    amounts = {hour: each for hour, each in stretch.amounts.items() if hour < until}
    stop = max(stretch.start, min(stretch.stop, until))
    return stretch._replace(stop=stop, amounts=amounts)
