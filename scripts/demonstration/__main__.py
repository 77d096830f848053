"""`scripts/demo`: start, set up, report, and stay or leave."""

import argparse
import asyncio
from collections.abc import Sequence
import signal
import sys

from simulator import Simulator

from .home_assistant import HomeAssistant, NotRunning, free_port
from .report import wait_for_values
from .session import PASSWORD, USER, Session
from .steering import steer
from .wizard import Refused, set_up

_READY_WITHIN = 120.0


def say(line: str) -> None:
    """Print a progress line at once, also into a pipe."""
    print(line, flush=True)


async def demonstrate(port: int, *, stay: bool, stop: asyncio.Event) -> int:
    """Run the demo; return the exit code."""
    async with Simulator() as simulator:
        say(f"demo: simulator serves {', '.join(simulator.servers)}")
        async with HomeAssistant(port, simulator.environment()) as house:
            say(f"demo: Home Assistant {house.version} answers at {house.url}")
            async with Session(house.url) as session:
                await session.onboard()
                for provider in simulator.servers:
                    await set_up(session, simulator, provider)
                    say(f"demo: {provider} set up through the wizard")
                report = await wait_for_values(session, list(simulator.servers), _READY_WITHIN)
                for line in report.lines():
                    say(line)
                if not report.good:
                    for line in report.missing():
                        say(f"demo: missing: {line}")
                    house.show_log()
                    return 1
                if not stay:
                    async for line in steer(session, simulator):
                        say(f"demo: {line}")
            if stay:
                say(f"demo: open {house.url} and sign in as {USER} with the password {PASSWORD}")
                say("demo: Ctrl-C ends it")
                await stop.wait()
    say("demo ok")
    return 0


async def run(options: argparse.Namespace) -> int:
    """Run the demo until it is done or interrupted."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    port = options.port or free_port()
    task = asyncio.create_task(demonstrate(port, stay=not options.check, stop=stop))

    def interrupted() -> None:
        # Ctrl-C while the demo runs is its normal end; before that it breaks the set-up off.
        if stop.is_set() or options.check:
            task.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted)
    try:
        return await task
    except asyncio.CancelledError:
        say("demo: interrupted")
    except (NotRunning, Refused) as error:
        say(f"demo: {error}")
    return 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--check", action="store_true", help="leave when all has been seen to work")
    parser.add_argument("--port", type=int, default=8123, help="Home Assistant's port; 0: any")
    sys.exit(asyncio.run(run(parser.parse_args(arguments))))


if __name__ == "__main__":
    main()
