"""Run the benchmarks; without a name, all. Each figure is a line of JSON.

The lines are kept, and `--report` and `--plot` make the document's tables and pictures out of them.
"""

import argparse
from collections.abc import Sequence
import json
import subprocess
import sys
from typing import Any, Final

from benchmarks.document import LINES, write_plots, write_tables

BENCHMARKS: Final = ("polls", "providers", "accounts", "history")


def run(name: str, arguments: Sequence[str]) -> list[str]:
    """Run one in a process of its own, and return what it said."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        sys.exit(process.returncode)
    return lines


def arguments_of(name: str, options: argparse.Namespace) -> list[str]:
    """Return what a benchmark is told when all are run."""
    if name == "history":
        return ["--series", "2", "--hours", "4380"] if options.quick else []
    quick = ["--quick"] if options.quick else []
    if name == "accounts" and options.kostal_seconds:
        return [*quick, "--kostal-seconds", str(options.kostal_seconds)]
    return quick


def main() -> None:
    """Pass a named benchmark its own arguments, or run all."""
    if sys.argv[1:2] and sys.argv[1] in BENCHMARKS:
        run(sys.argv[1], sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "name", nargs="?", choices=BENCHMARKS, help="only this one; it has options of its own"
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, rougher figures")
    parser.add_argument("--kostal-seconds", type=int, help="for how long a meter is polled")
    parser.add_argument("--report", action="store_true", help="write the tables of the document")
    parser.add_argument("--plot", action="store_true", help="draw the pictures of the document")
    parser.add_argument("--again", action="store_true", help="of the last run, measuring nothing")
    options = parser.parse_args()
    if not options.again:
        lines = [line for name in BENCHMARKS for line in run(name, arguments_of(name, options))]
        LINES.parent.mkdir(exist_ok=True)
        LINES.write_text("".join(lines))
    figures: list[dict[str, Any]] = [json.loads(line) for line in LINES.read_text().splitlines()]
    if options.report:
        write_tables(figures, quick=options.quick)
    if options.plot:
        write_plots(figures)


if __name__ == "__main__":
    main()
