"""Runs the cases under pytest, each with a Home Assistant of its own, and tells what survived."""

import argparse
from contextlib import redirect_stdout
import io
from pathlib import Path
import sys
from typing import Final, TextIO

import pytest

_CASES: Final = Path(__file__).with_name("cases.py")
_EVERY: Final = 25
_LAST_WORDS: Final = 30


class Tally:
    """A pytest plugin that prints progress and keeps what came out."""

    def __init__(self, out: TextIO) -> None:
        """Take where to print."""
        self._out = out
        self.cases: set[str] = set()
        self.run: set[str] = set()
        self.outcomes: dict[tuple[str, str, str], str] = {}
        self.failed: dict[str, list[str]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what is to be run in this process."""
        self.cases |= {_case(item.nodeid) for item in session.items}

    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Note what is to be run by others."""
        self.cases |= {_case(one) for one in ids}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one step of a case: its preparation, itself, or its end."""
        properties = dict(report.user_properties)
        name = _case(report.nodeid)
        if report.failed:
            words = properties.get("violations") if report.when == "call" else None
            told = [str(word) for word in words] if isinstance(words, list) else []
            self.failed.setdefault(name, []).extend(told or [_last_line(report)])
        if report.when != "call":
            return
        self.run.add(name)
        provider, rest = name.split("-", 1)
        fault, _, moment = rest.rpartition("-")
        self.outcomes[provider, fault, moment] = str(properties.get("outcome", "broken"))
        if len(self.run) % _EVERY == 0:
            bad = f", {len(self.failed)} did not survive" if self.failed else ""
            print(f"faults: {len(self.run)} of {len(self.cases)}{bad}", file=self._out, flush=True)


def _case(node: str) -> str:
    """Return the case's name out of pytest's."""
    return node.partition("[")[2].rstrip("]")


def _last_line(report: pytest.TestReport) -> str:
    lines = [line for line in report.longreprtext.splitlines() if line.startswith("E ")]
    return f"{report.when}: {lines[-1][2:].strip() if lines else 'failed'}"


def run_matrix(options: argparse.Namespace) -> int:
    """Run the chosen cases; return 0 if all survived."""
    arguments = [
        str(_CASES),
        "-p",
        "no:cacheprovider",
        "-q",
        "--no-cov",
        "--tb=short",
        "--timeout=150",
    ]
    arguments += ["-n", str(options.jobs)] if options.jobs > 1 else []
    for name in ("provider", "fault", "moment"):
        arguments += [f"--only-{name}={one}" for one in getattr(options, name) or ()]
    said = io.StringIO()
    tally = Tally(sys.stdout)
    with redirect_stdout(said):
        pytest.main(arguments, plugins=[tally])
    if not tally.cases:
        print("faults: there is no such case")
        return 2
    if options.table:
        print_table(tally.outcomes)
    for name, words in sorted(tally.failed.items()):
        print(f"faults: {name}: {'; '.join(words)}")
    unrun = tally.cases - tally.run - tally.failed.keys()
    if unrun:
        print(f"faults: {len(unrun)} did not run; pytest said at the end:")
        print("\n".join(said.getvalue().splitlines()[-_LAST_WORDS:]))
    bad = len(tally.failed) + len(unrun)
    print(f"{len(tally.cases) - bad} survived of {len(tally.cases)}", flush=True)
    return 1 if bad else 0


def print_table(outcomes: dict[tuple[str, str, str], str]) -> None:
    """Print what came out: a line for each fault, a column for each provider."""
    providers = list(dict.fromkeys(provider for provider, _, _ in outcomes))
    print("| fault | " + " | ".join(providers) + " |")
    print("| --- " * (len(providers) + 1) + "|")
    for fault in dict.fromkeys(fault for _, fault, _ in outcomes):
        cells = []
        for provider in providers:
            found = [outcomes.get((provider, fault, one)) for one in ("wizard", "setup", "running")]
            cells.append(" / ".join(one for one in found if one) or "-")
        print(f"| {fault} | " + " | ".join(cells) + " |")
