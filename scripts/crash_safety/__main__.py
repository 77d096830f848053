"""`scripts/crash`: kill Home Assistant, and say what it knew afterwards."""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
import json
import os
import platform
import signal
import sys

from scripts.demonstration.home_assistant import NotRunning
from scripts.demonstration.wizard import Refused

from .lives import Lost
from .run import Figures, run


def say(line: str) -> None:
    """Print a progress line at once, also into a pipe."""
    print(f"crash: {line}", flush=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how often (default 200)")
    parser.add_argument("--minutes", type=float, help="begin no other life after so long")
    parser.add_argument("--seed", type=int, default=1, help="chooses the moments (default 1)")
    parser.add_argument("--json", action="store_true", help="the figures as one line of JSON")
    return parser.parse_args(arguments)


def show(figures: Figures, options: argparse.Namespace) -> None:
    """Print the figures."""
    machine = {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "home_assistant": version("homeassistant"),
    }
    if options.json:
        told = {**asdict(figures), "seed": options.seed, **machine}
        print(json.dumps(told), flush=True)
    say(
        f"{figures.came_back} came back of {figures.kills};"
        f" {figures.sign_ins} sign-ins asked for after an unwritten rotation;"
        f" statistics: {figures.rows} rows equal"
    )
    say(
        f"{figures.seconds:.0f} s on {machine['cpus']} CPUs, Python {machine['python']},"
        f" Home Assistant {machine['home_assistant']}, seed {options.seed}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; return the exit code."""
    options = parse(arguments)
    try:
        # Asked to end, it ends what it has started too.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        figures = asyncio.run(run(options.kills, options.seed, say, options.minutes))
    except KeyboardInterrupt:
        say("interrupted")
        return 1
    except (Lost, NotRunning, Refused) as error:
        say(f"lost: {error}")
        return 1
    show(figures, options)
    whole = options.minutes is not None or figures.kills == options.kills
    return 0 if figures.came_back == figures.kills > 0 and whole else 1


if __name__ == "__main__":
    sys.exit(main())
