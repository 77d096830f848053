"""What a source is asked for next."""

from datetime import UTC, datetime, timedelta

from custom_components.energy_connect.core.agenda import backfill
from custom_components.energy_connect.core.coverage import Coverage
from custom_components.energy_connect.core.history import Form, Series, Source
from custom_components.energy_connect.core.series import Stretch, hour_of
from custom_components.energy_connect.core.vocabulary import Quantity

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
CURRENT = hour_of(NOW)
SERIES = Series(device="car", quantity=Quantity.ENERGY_CHARGED, form=Form.INTERVALS)


def test_the_past_of_a_sparse_source_ends_where_its_answers_do() -> None:
    source = Source(key="car", series=(SERIES,), window=timedelta(days=31), sparse=True)
    coverage = Coverage()
    begin = CURRENT - 100 * 24
    asked = 0
    while (window := backfill(source, [coverage], NOW, begin)) is not None:
        asked += 1
        # A day and a half ago is how far the answers are complete.
        read = Stretch(window.start, window.stop, {})
        coverage.mark(read, sparse_until=CURRENT - 36)
        assert asked < 10

    assert coverage.count(begin, CURRENT - 48).keys() == {"f"}
    assert asked == 4
