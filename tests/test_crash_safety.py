"""What the killing of `scripts/crash` judges by: it must see what is wrong."""

import datetime as dt
import json
import random
from typing import Any

import pytest

from custom_components.energy_connect.const import DOMAIN
from scripts.crash_safety.__main__ import parse, show
from scripts.crash_safety.aims import KILLS_OF, Aims
from scripts.crash_safety.lives import House, Lost
from scripts.crash_safety.rotation import LIFETIME, sign_in_survives
from scripts.crash_safety.run import Figures
from scripts.crash_safety.truth import HOUR, Expected, check_seams, check_truth
from simulator import Simulator
from simulator.journal import Request, fingerprint

START = dt.datetime(2026, 3, 3, tzinfo=dt.UTC)


def told(*amounts: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    total = 0.0
    for number, amount in enumerate(amounts):
        total += amount
        at = (START + number * HOUR).timestamp() * 1000
        rows.append({"start": at, "state": amount, "sum": total, "change": amount})
    return rows


def expected(*amounts: float, sparse: bool = False) -> Expected:
    real = {START + number * HOUR: amount for number, amount in enumerate(amounts)}
    end = START + len(amounts) * HOUR
    return Expected(statistic="x:y", amount=real.__getitem__, start=START, end=end, sparse=sparse)


def test_what_is_true_is_counted() -> None:
    assert check_truth(expected(1.0, 0.0, 2.0), told(1.0, 0.0, 2.0)) == 3
    sparse = told(1.0, 0.0, 2.0)
    del sparse[1]
    assert check_truth(expected(1.0, 0.0, 2.0, sparse=True), sparse) == 2
    check_seams("x:y", told(1.0, 0.0, 2.0))


def test_what_is_missing_too_much_or_wrong_is_seen() -> None:
    rows = told(1.0, 1.5, 2.0)
    with pytest.raises(Lost, match="missing"):
        check_truth(expected(1.0, 1.5, 2.0), [rows[0], rows[2]])
    with pytest.raises(Lost, match="too many"):
        check_truth(expected(1.0, 0.0, 2.0, sparse=True), rows)
    with pytest.raises(Lost, match="wrong"):
        check_truth(expected(1.0, 1.51, 2.0), rows)


def test_a_seam_that_does_not_hold_is_seen() -> None:
    rows = told(1.0, 1.5, 2.0)
    with pytest.raises(Lost, match="twice"):
        check_seams("x:y", [rows[0], rows[0]])
    rows[2]["sum"] += 1.5
    with pytest.raises(Lost, match="sums"):
        check_seams("x:y", rows)


class Stored(House):
    """A house whose disk is a dictionary."""

    def __init__(self, simulator: Simulator, files: dict[str, Any]) -> None:
        super().__init__(simulator, 1)
        self.files = files
        self.entries = {"ev_energy": "e"}

    def stored(self, name: str) -> dict[str, Any] | None:
        return self.files.get(name)


async def test_a_sign_in_is_lost_only_while_nobody_has_used_what_came_after_it() -> None:
    simulator = Simulator()
    tokens = simulator.ev_energy.authorization.tokens
    application = simulator.ev_energy.browser
    first = tokens.issue(application, 0, frozenset(), lifetime=LIFETIME, refreshable=True)
    entry = {"entry_id": "e", "data": {"token": {"refresh_token": first.refresh}}}
    files = {"core.config_entries": {"entries": [entry]}}
    async with Stored(simulator, files) as house:
        assert sign_in_survives(house, simulator)

        second = tokens.rotate(first, lifetime=LIFETIME, keep_refresh=False)
        assert not sign_in_survives(house, simulator), "its answer was never written"

        simulator.journal.write(
            Request(
                number=simulator.journal.next_number(),
                at=START,
                provider="ev_energy",
                origin="api",
                method="GET",
                path="/v2/vehicles",
                query=(),
                header_names=frozenset(),
                accept=None,
                content_type=None,
                scheme="Bearer",
                token_id=fingerprint(second.access),
                body_size=0,
            )
        )
        with pytest.raises(Lost, match="used before"):
            sign_in_survives(house, simulator)

        simulator.journal.clear()
        tokens.rotate(second, lifetime=LIFETIME, keep_refresh=False)
        with pytest.raises(Lost, match="rotated again"):
            sign_in_survives(house, simulator)

        house.files[f"{DOMAIN}.e"] = {"seeds": ["other"], "refresh_token": "of another sign-in"}
        with pytest.raises(Lost, match="rotated again"):
            sign_in_survives(house, simulator)


async def test_the_same_seed_aims_at_the_same_and_every_kind_is_among_ten_kills() -> None:
    async with House(Simulator(), 1) as house:
        plans = [Aims(house, random.Random(seed), START).plan(10) for seed in (1, 1, 2)]
        kinds = set(Aims(house, random.Random(1), START).of)

    assert plans[0] == plans[1] != plans[2]
    for plan in plans:
        assert set(plan) == kinds
        assert sum(KILLS_OF.get(kind, 1) for kind in plan) == 10


def test_the_figures_are_told_in_words_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    figures = Figures(kills=2, came_back=2, sign_ins=1, rows=7, aims={"start": 2})

    show(figures, parse(["--json", "--kills", "2"]))

    line, words, *_ = capsys.readouterr().out.splitlines()
    assert json.loads(line)["aims"] == {"start": 2}
    assert words == (
        "crash: 2 came back of 2; 1 sign-ins asked for after an unwritten rotation;"
        " statistics: 7 rows equal"
    )
