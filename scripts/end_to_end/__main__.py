"""`scripts/e2e`: start everything, let a person do it all, and say what was seen."""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path
import signal
import sys
import time

from playwright.async_api import Error

from scripts.chromium import NoBrowser, find_chromium
from scripts.demonstration.home_assistant import ROOT, HomeAssistant, NotRunning, free_port
from scripts.demonstration.session import PASSWORD, USER, Session
from simulator import Simulator

from .checks import Wrong, check_log, visible
from .person import Person
from .scenarios import SCENARIOS
from .screenshots import Album
from .stage import Stage

_FAILURES = ROOT / ".demo" / "e2e"
_NEEDING_INTERNET = frozenset({"google_translate", "met", "radio_browser"})


def say(line: str) -> None:
    """Print a progress line at once, also into a pipe."""
    print(f"e2e: {line}", flush=True)


async def perform(options: argparse.Namespace, program: Path, stop: asyncio.Event) -> bool:
    """Do everything; tell whether all was well."""
    album = Album(wanted=options.screenshots)
    async with Simulator() as simulator:
        # A second driver, so that there is something to choose.
        simulator.ev_energy.knobs.users = 2
        port = options.port or free_port()
        async with (
            HomeAssistant(port, simulator.environment()) as house,
            Session(house.url) as session,
        ):
            await session.onboard()
            await remove_needing_internet(session)
            async with Person(program, house.url, album, headed=options.headed) as person:
                stage = Stage(person=person, simulator=simulator, session=session)
                good = await play(stage, house.log)
                if options.keep:
                    say(f"{house.url} stays until Ctrl-C; {USER}, password {PASSWORD}")
                    await stop.wait()
    for path in album.taken:
        say(f"{path.relative_to(ROOT)} {path.stat().st_size // 1024} KB")
    return good


async def remove_needing_internet(session: Session) -> None:
    """Remove what Home Assistant adds by itself and can't set up without the internet."""
    for entry in await session.command("config_entries/get"):
        if entry["domain"] in _NEEDING_INTERNET:
            await session.delete(f"/api/config/config_entries/entry/{entry['entry_id']}")


async def play(stage: Stage, log: Path) -> bool:
    """Play the scenarios one after the other; stop at the first that goes wrong."""
    for scenario in SCENARIOS:
        started = time.monotonic()
        try:
            seen = await scenario(stage)
            await check_behind(stage, log)
        except (AssertionError, Error, NotRunning, Wrong) as error:
            # Playwright adds the whole page, which is kept in a file anyway.
            say(f"failed: {str(error).partition('Aria snapshot')[0].strip()}")
            await keep_failure(stage.person, log)
            return False
        say(f"{seen} ok ({time.monotonic() - started:.0f} s)")
    return True


async def check_behind(stage: Stage, log: Path) -> None:
    """Look once more at the page, and behind it.

    Raises:
        Wrong: something is not as it should be.

    """
    await stage.person.look()
    check_log(log)
    if stage.simulator.failures:
        raise Wrong(f"the simulator failed: {stage.simulator.failures[0]!r}")


async def keep_failure(person: Person, log: Path) -> None:
    """Write what was on the screen where a person finds it."""
    _FAILURES.mkdir(parents=True, exist_ok=True)
    texts: list[str] = []
    try:
        # All of them: what went wrong may be on a provider's page.
        for number, page in enumerate(person.page.context.pages, 1):
            await page.screenshot(path=_FAILURES / f"failure-{number}.png")
            texts += [page.url, *await visible(page), ""]
    except Error as error:
        say(f"no picture: {error}")
    (_FAILURES / "failure.txt").write_text("\n".join(texts))
    say(f"see {_FAILURES}/failure-1.png and failure.txt")
    say(f"Home Assistant's log is {log}")


async def run(options: argparse.Namespace) -> int:
    """Run until done or interrupted; return the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    program = find_chromium()
    task = asyncio.create_task(perform(options, program, stop))

    def interrupted() -> None:
        # With --keep the first Ctrl-C is the normal end.
        if stop.is_set() or not options.keep:
            task.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted)
    try:
        good = await task
    except asyncio.CancelledError:
        say("interrupted")
        good = False
    if good:
        say("ok")
    return 0 if good else 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="scripts/e2e", description=__doc__)
    parser.add_argument("--screenshots", action="store_true", help="write docs/images/*.png")
    parser.add_argument("--headed", action="store_true", help="show the browser")
    parser.add_argument("--keep", action="store_true", help="stay at the end until Ctrl-C")
    parser.add_argument("--port", type=int, default=0, help="Home Assistant's port (default: any)")
    try:
        sys.exit(asyncio.run(run(parser.parse_args(arguments))))
    except (NoBrowser, NotRunning) as error:
        say(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
