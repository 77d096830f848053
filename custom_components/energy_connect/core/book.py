"""What has to be remembered of the past that was read: kept over restarts, a few lines a series."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from .agenda import Agenda
from .coverage import Coverage
from .history import Form
from .regions import Regions
from .series import Hour


@dataclass(slots=True)
class Page:
    """One series.

    `costs` is the coverage of its cost, made of prices whose fingerprint is `priced_by`. `moving`
    says that sums of its rows are being moved: after a sudden end a seam may be broken.
    `newest_row` and `oldest_row` are the ends of what was ever written, None if nothing was. `form`
    is how the series was last written down.
    """

    coverage: Coverage = field(default_factory=Coverage)
    regions: Regions = field(default_factory=Regions)
    costs: Coverage = field(default_factory=Coverage)
    priced_by: str | None = None
    moving: bool = False
    newest_row: Hour | None = None
    oldest_row: Hour | None = None
    form: Form | None = None

    def read_as(self, form: Form) -> None:
        """Take note of how the series is written down now.

        What was estimated of intervals can be told better once there is a counter.
        """
        if self.form is Form.INTERVALS and form is Form.COUNTER:
            self.coverage.doubt()
        self.form = form

    def dump(self) -> dict[str, Any]:
        """Return what has to be kept, as plain values."""
        return {
            "coverage": self.coverage.dump(),
            "regions": self.regions.dump(),
            "costs": self.costs.dump(),
            "priced_by": self.priced_by,
            "moving": self.moving,
            "newest_row": self.newest_row,
            "oldest_row": self.oldest_row,
            "form": self.form,
        }

    @classmethod
    def load(cls, kept: Mapping[str, Any]) -> Self:
        """Return the page out of what `dump` gave."""
        return cls(
            coverage=Coverage.load(kept["coverage"]),
            regions=Regions.load(kept["regions"]),
            costs=Coverage.load(kept["costs"]),
            priced_by=kept["priced_by"],
            moving=kept["moving"],
            newest_row=kept["newest_row"],
            oldest_row=kept.get("oldest_row"),
            form=None if kept.get("form") is None else Form(kept["form"]),
        )


@dataclass(slots=True)
class Book:
    """A page per series, by its key, and when each source was asked, by its key."""

    pages: dict[str, Page] = field(default_factory=dict[str, Page])
    agendas: dict[str, Agenda] = field(default_factory=dict[str, Agenda])

    def page(self, key: str) -> Page:
        """Return a series' page, a new one if there is none."""
        return self.pages.setdefault(key, Page())

    def agenda(self, key: str) -> Agenda:
        """Return a source's agenda, a new one if there is none."""
        return self.agendas.setdefault(key, Agenda({}))

    def dump(self) -> dict[str, Any]:
        """Return what has to be kept, as plain values."""
        return {
            "series": {key: page.dump() for key, page in self.pages.items()},
            "sources": {key: agenda.asked for key, agenda in self.agendas.items()},
        }

    @classmethod
    def load(cls, kept: Mapping[str, Any]) -> Self:
        """Return the book out of what `dump` gave."""
        return cls(
            pages={key: Page.load(page) for key, page in kept["series"].items()},
            agendas={key: Agenda.load(asked) for key, asked in kept["sources"].items()},
        )
