"""Whatever is written in whatever order: every sum is the one before it and the row's amount."""

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.energy_connect.core.ledger import Plan, Row, Step, plan
from custom_components.energy_connect.core.series import DECIMALS

AMOUNTS = st.dictionaries(
    st.integers(0, 60), st.integers(0, 10_000_000).map(lambda whole: whole / 1e6), max_size=40
)


class Table:
    """A statistics table as the recorder keeps it: imports replace rows, a shift moves sums."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}

    def read(self, start: int, stop: int) -> tuple[list[Row], float, Row | None]:
        inside = [self.rows[hour] for hour in sorted(self.rows) if start <= hour < stop]
        before = [self.rows[hour].sum for hour in sorted(self.rows) if hour < start]
        behind = [self.rows[hour] for hour in sorted(self.rows) if hour >= stop]
        return inside, before[-1] if before else 0.0, behind[0] if behind else None

    def do(self, step: Step, *, rows: bool = True, shift: bool = True) -> None:
        if rows:
            self.rows |= {row.hour: row for row in step.rows}
        if shift and step.shift:
            for hour, row in self.rows.items():
                if hour >= step.shift_from:
                    self.rows[hour] = row._replace(sum=row.sum + step.shift)

    def write(self, amounts: dict[int, float], chunk: int) -> Plan:
        done = Plan()
        for _ in range(100):
            rows, base, following = self.read(min(amounts), max(amounts) + 1)
            done = plan(rows, base, amounts, following, chunk=chunk)
            if not done.steps:
                return done
            for step in done.steps:
                self.do(step)
        raise AssertionError("never at rest")

    def check(self, truth: dict[int, float]) -> None:
        total = 0.0
        assert set(self.rows) == set(truth)
        for hour in sorted(self.rows):
            total += truth[hour]
            assert self.rows[hour].amount == truth[hour]
            assert self.rows[hour].sum == pytest.approx(total, abs=1e-4)


@settings(max_examples=200)
@given(st.lists(AMOUNTS.filter(bool), min_size=1, max_size=6), st.integers(1, 20))
def test_any_writes_in_any_order_leave_sums_that_follow(
    writes: list[dict[int, float]], chunk: int
) -> None:
    table, truth = Table(), dict[int, float]()
    for amounts in writes:
        table.write(amounts, chunk)
        truth |= amounts

        table.check(truth)


@settings(max_examples=200)
@given(AMOUNTS.filter(bool), AMOUNTS.filter(bool), st.integers(1, 20), st.data())
def test_a_sudden_end_between_two_writes_is_healed(
    before: dict[int, float], amounts: dict[int, float], chunk: int, data: st.DataObject
) -> None:
    table = Table()
    table.write(before, chunk)
    rows, base, following = table.read(min(amounts), max(amounts) + 1)
    steps = plan(rows, base, amounts, following, chunk=chunk).steps
    done = data.draw(st.integers(0, max(0, len(steps) - 1)))
    for step in steps[:done]:
        table.do(step)
    for step in steps[done : done + 1]:
        table.do(step, shift=False)

    table.write(before | amounts, chunk)

    table.check(before | amounts)


@given(AMOUNTS.filter(bool), st.integers(1, 20), st.floats(-100, 100).filter(lambda x: abs(x) > 1))
def test_a_shift_done_twice_is_taken_back(
    amounts: dict[int, float], chunk: int, shift: float
) -> None:
    table = Table()
    table.write(amounts, chunk)
    table.do(Step(shift_from=sorted(amounts)[len(amounts) // 2], shift=round(shift, DECIMALS)))

    table.write(amounts, chunk)

    table.check(amounts)


def test_nothing_new_is_nothing_to_do() -> None:
    rows = [Row(1, 2.0, 2.0), Row(2, 3.0, 5.0)]

    assert plan(rows, 0.0, {1: 2.0, 2: 3.0}) == Plan()


def test_one_corrected_hour_is_one_row_and_one_shift() -> None:
    rows = [Row(hour, 1.0, float(hour)) for hour in range(1, 100)]

    done = plan(rows, 0.0, {5: 1.5})

    assert done == Plan(
        steps=(Step(rows=(Row(5, 1.5, 5.5),), shift_from=6, shift=0.5),), changed=(5,)
    )


def test_what_is_appended_shifts_nothing() -> None:
    done = plan([], 7.0, {5: 1.0, 6: 2.0})

    assert done.steps == (Step(rows=(Row(5, 1.0, 8.0), Row(6, 2.0, 10.0)), shift_from=7),)
