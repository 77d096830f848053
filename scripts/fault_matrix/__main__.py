"""`scripts/faults`: run the matrix or the fuzz and say what survived."""

import argparse
from collections.abc import Sequence
from importlib.metadata import version
import os
import platform
import sys
import time

from .names import MOMENTS, NAMES, PROVIDERS


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    parser.add_argument("--provider", action="append", choices=PROVIDERS, help="only this one")
    parser.add_argument(
        "--fault", action="append", choices=NAMES, help="only this one", metavar="NAME"
    )
    parser.add_argument("--moment", action="append", choices=MOMENTS, help="only this one")
    parser.add_argument("--list", action="store_true", help="print the faults' names")
    parser.add_argument("--table", action="store_true", help="print the outcomes as a table")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--fuzz", action="store_true", help="bend payloads instead")
    parser.add_argument("--cases", type=int, default=10_000, help="bent cases a provider")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; return the exit code."""
    options = parse(arguments)
    if options.list:
        print("\n".join(NAMES))
        return 0
    began = time.monotonic()
    if options.fuzz:
        from .fuzz.run import run_all  # noqa: PLC0415 - neither needs the other's imports

        code = run_all(options.provider or PROVIDERS, options.cases, options.jobs)
    else:
        from .run import run_matrix  # noqa: PLC0415 - as above

        code = run_matrix(options)
    print(
        f"faults: {time.monotonic() - began:.0f} s on {os.cpu_count()} CPUs,"
        f" Python {platform.python_version()}, Home Assistant {version('homeassistant')}",
        flush=True,
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
