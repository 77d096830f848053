#!/usr/bin/env python3
"""Hold the measured coverage against what this project promises.

Reads `.coverage` as pytest left it. Every line of what decides about a person's
data has to run in a test; of everything, nearly every line and branch.
"""

from dataclasses import dataclass
from fnmatch import fnmatch
import json
from pathlib import Path
import subprocess
import sys
import tempfile
from typing import Any

INTEGRATION = "custom_components/energy_connect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How much of which files has to run, in percent."""

    name: str
    patterns: tuple[str, ...]
    wanted: float
    branches: bool
    each: bool = False
    """Whether every file has to reach it by itself."""


RULES = (
    Rule(
        name="lines of core, providers and the flows",
        patterns=(
            f"{INTEGRATION}/core/*",
            f"{INTEGRATION}/providers/*",
            f"{INTEGRATION}/config_flow.py",
            f"{INTEGRATION}/options_flow.py",
            f"{INTEGRATION}/discovery.py",
        ),
        wanted=100,
        branches=False,
    ),
    Rule(
        name="lines and branches of everything",
        patterns=(f"{INTEGRATION}/*", "simulator/*"),
        wanted=97,
        branches=True,
    ),
    Rule(
        name="lines of each module",
        patterns=(f"{INTEGRATION}/*",),
        wanted=95,
        branches=False,
        each=True,
    ),
)


def applies(rule: Rule, name: str) -> bool:
    """Tell whether a file falls under a rule."""
    return any(fnmatch(name, pattern) for pattern in rule.patterns)


def measured_files() -> dict[str, Any]:
    """Return the files of coverage's own JSON report, by path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coverage.json"
        subprocess.run(
            [sys.executable, "-m", "coverage", "json", "--quiet", "-o", path],
            check=True,
        )
        files: dict[str, Any] = json.loads(path.read_text())["files"]
    return files


def sources() -> set[str]:
    """Return the paths of all files that should have been measured."""
    return {
        str(path)
        for folder in (INTEGRATION, "simulator")
        for path in Path(folder).rglob("*.py")
        if path.stat().st_size
    }


def ranges(lines: list[int]) -> str:
    """Return line numbers as a person reads them: 3-5, 9."""
    spans: list[tuple[int, int]] = []
    for line in lines:
        if spans and spans[-1][1] == line - 1:
            spans[-1] = (spans[-1][0], line)
        else:
            spans.append((line, line))
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in spans)


def missed(file: dict[str, Any], *, branches: bool) -> tuple[int, str]:
    """Return how much of a file did not run, and where."""
    places = [f"lines {ranges(file['missing_lines'])}"] if file["missing_lines"] else []
    count = len(file["missing_lines"])
    if branches:
        arcs = file["missing_branches"]
        count += len(arcs)
        # A line that did not run says already that its branches did not.
        arcs = [arc for arc in arcs if arc[0] not in file["missing_lines"]]
        if arcs:
            places.append("branches " + ", ".join(f"{a}->{b}" for a, b in arcs))
    return count, "; ".join(places)


def holds(rule: Rule, files: dict[str, Any]) -> bool:
    """Say how far the rule is met, and where it is not."""
    size = absent = 0
    lowest = 100.0
    places: list[str] = []
    unmeasured: list[str] = []
    for name in sorted(files.keys() | sources()):
        if not applies(rule, name):
            continue
        if name not in files:
            # In a folder that is no package, and imported by nobody.
            unmeasured.append(name)
            continue
        file = files[name]
        count, where = missed(file, branches=rule.branches)
        own = file["summary"]["num_statements"]
        own += file["summary"]["num_branches"] if rule.branches else 0
        size += own
        absent += count
        if rule.each and own:
            lowest = min(lowest, 100 * (own - count) / own)
        if where:
            places.append(f"  {name}: {where}")
    # Nothing measured is nothing tested.
    share = 100 * (size - absent) / size if size else 0
    share = min(share, lowest)
    kept = share >= rule.wanted and not unmeasured
    print(f"coverage: {rule.name}: {share:.2f} %, at least {rule.wanted:g} % wanted")
    if not kept:
        print("\n".join([*places, *(f"  {name}: not measured" for name in unmeasured)]))
    return kept


def main() -> int:
    """Check every rule, also after one is broken."""
    files = measured_files()
    verdicts = [holds(rule, files) for rule in RULES]
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
