"""`python -m scripts.endurance`: read the command line, take over the clock, run."""

import argparse
from pathlib import Path
import sys
import tempfile

from .clock import Clock, install


def main() -> int:
    """Run, and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--days", type=int, default=7, help="simulated days")
    parser.add_argument("--devices", type=int, default=100, help="devices of each account")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another trouble")
    options = parser.parse_args()
    if options.days < 1 or options.devices < 8:
        parser.error("at least 1 day and 8 devices")
    clock = Clock()
    install(clock)
    # Not before: Home Assistant keeps some of the functions that tell the time.
    from .run import run  # noqa: PLC0415 - see above

    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        return run(clock, Path(folder), options.days, options.devices, options.seed)


if __name__ == "__main__":
    sys.exit(main())
