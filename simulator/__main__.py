"""`python -m simulator`: serve all providers on loopback until interrupted."""

import argparse
import asyncio
from collections.abc import Sequence
import json
import signal

from simulator import Simulator


async def serve(base_port: int, seed: int) -> None:
    """Serve until SIGINT or SIGTERM; the last line printed at the start is for machines."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Simulator(seed=seed, base_port=base_port, control=True) as sim:
        for name, server in sim.servers.items():
            for origin in server.origins.values():
                print(f"{name}: {origin.name} {origin.url}")
        ready = {
            "control": sim.control.url,
            "environment": sim.environment(),
            "credentials": sim.credentials(),
        }
        print(f"simulator ready {json.dumps(ready)}", flush=True)
        await stop.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument(
        "--port",
        type=int,
        default=0,
        help="first port (control), the others follow; 0: any",
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed is another house")
    options = parser.parse_args(arguments)
    asyncio.run(serve(options.port, options.seed))


if __name__ == "__main__":
    main()
