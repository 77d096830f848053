"""Kill after kill, and what was found after each."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import datetime as dt
import random
import time
from typing import Final

from custom_components.energy_connect.const import DOMAIN
from scripts.demonstration.home_assistant import free_port
from simulator import Simulator

from .aims import Aims, meters
from .lives import House, Lost
from .rotation import LIFETIME, PROVIDER, sign_in_survives
from .truth import check_seams, check_truth, expected, ours, rows

_DEPTHS: Final = {
    "enectiva": "everything",
    "traxes": "month",
    "enode": "month",
    "ev_energy": "month",
}
_DAYS: Final = {"enectiva": 1000, "traxes": 31, "enode": 31}
_FEW: Final = 50
"""With fewer kills there is a year to import, and not all of it: it is to be a short run."""
_IMPORTED_WITHIN: Final = 600.0
_LOOK: Final = 1.0
_STILL: Final = 6
"""So many looks without a change are the end of an import."""
_YOUNG: Final = 100
"""Of so many hours at most nothing can be known yet, over all series of an account."""
_STARTING: Final = 6.0

type Say = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Figures:
    """What a run found."""

    kills: int = 0
    came_back: int = 0
    sign_ins: int = 0
    files: int = 0
    rows: int = 0
    statistics: int = 0
    seconds: float = 0.0
    aims: dict[str, int] = field(default_factory=dict[str, int])


async def run(kills: int, seed: int, say: Say, minutes: float | None = None) -> Figures:
    """Kill so often, or for so many minutes; return what was found.

    Raises:
        Lost: something was lost that must not be.

    """
    figures, began = Figures(), time.monotonic()
    async with Simulator(seed=seed) as simulator, House(simulator, free_port()) as house:
        _few_series(simulator)
        now = simulator.clock.now()
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        aims = Aims(house, random.Random(seed), today)  # noqa: S311 - moments, no secrets
        few = kills < _FEW
        await house.furnish(_DEPTHS | ({"enectiva": "one_year"} if few else {}))
        say(f"furnished after {time.monotonic() - began:.0f} s")
        unseen = 0
        signed_out = False
        for aim in aims.plan(kills):
            late = minutes is not None and time.monotonic() - began > 60 * minutes
            if late or figures.kills + unseen >= kills:
                break
            await _live(house, aims, figures, signed_out=signed_out)
            figures.came_back += unseen
            figures.kills += unseen
            figures.aims[aim] = figures.aims.get(aim, 0) + 1
            await aims.of[aim]()
            signed_out = await _die(house, aims, figures)
            unseen = 1
            if aim == "start" and figures.kills + unseen < kills:
                await _launch(house)
                await aims.wait(_STARTING)
                # A sign-in that was lost already is not lost again.
                signed_out = await _die(house, aims, figures)
                unseen = 2
            lost = ", its answer was not yet written: a sign-in is asked for" if signed_out else ""
            at = f"{time.monotonic() - began:.0f} s"
            say(f"{at}: kill {figures.kills + unseen} of {kills}: {aim}{lost}")
        await _live(house, aims, figures, signed_out=signed_out)
        figures.came_back += unseen
        figures.kills += unseen
        say("comparing the statistics")
        await _compare(house, aims, figures, say, _DAYS | ({"enectiva": 365} if few else {}))
        await house.process.stop()
        figures.files = house.check_files()
        if simulator.failures:
            raise Lost(f"the simulator failed: {simulator.failures[0]!r}")
    figures.seconds = time.monotonic() - began
    return figures


def _few_series(simulator: Simulator) -> None:
    """Let the accounts be small, and ev.energy's tokens so short that each poll renews one."""
    simulator.enectiva.knobs.generated_meters = 2
    fleet, traxes = simulator.traxes.fleet, simulator.traxes
    traxes.knobs.cars = 0
    traxes.knobs.hidden = frozenset(traxes.units()) - {fleet.id("meter"), fleet.id("gas")}
    simulator.ev_energy.knobs.token_lifetime = LIFETIME
    # So many starts in so little time: no provider has to bear that from one house.
    simulator.ev_energy.knobs.rate_limit = 1_000_000


async def _launch(house: House) -> None:
    house.simulator.journal.clear()
    await house.process.launch()


async def _live(house: House, aims: Aims, figures: Figures, *, signed_out: bool) -> None:
    """Begin a life; see that all is back, and sign in again where that was to be expected."""
    await _launch(house)
    await house.come_back(signed_out=PROVIDER if signed_out else None)
    asked = await house.sign_ins()
    if len(asked) != int(signed_out):
        raise Lost(f"{len(asked)} sign-ins asked for instead of {int(signed_out)}")
    for flow in asked:
        await house.sign_in(flow, PROVIDER)
        figures.sign_ins += 1
    if aims.sent():
        raise Lost("a command of before was sent again")
    complaints = house.complaints()
    # That a refused sign-in is told is no complaint.
    if complaints and not signed_out:
        raise Lost(f"in the log: {complaints[0]}")


async def _die(house: House, aims: Aims, figures: Figures) -> bool:
    """Kill; return whether the sign-in is lost, as it may be."""
    await house.process.kill()
    await aims.forget()
    house.simulator.faults.clear()
    house.check_files()
    return not sign_in_survives(house, house.simulator)


async def _compare(
    house: House, aims: Aims, figures: Figures, say: Say, days: Mapping[str, int]
) -> None:
    """Let the import come to its end, and compare everything."""
    # What the provider corrected to and fro is read once more, as after any correction.
    house.simulator.enectiva.past = type(house.simulator.enectiva.past)()
    await _imported(house, say)
    start = house.simulator.clock.now() - dt.timedelta(days=2000)
    for statistic in await ours(house):
        check_seams(statistic, await rows(house, statistic, start))
    for device in await meters(house):
        for begin, end in aims.windows:
            await house.session.command(
                "call_service",
                domain=DOMAIN,
                service="import_history",
                service_data={"device_id": device, "start": str(begin), "end": str(end)},
                return_response=True,
            )
    known = await ours(house)
    for one in expected(house, house.simulator.clock.now(), days):
        if one.statistic not in known:
            raise Lost(f"{one.statistic} is not there; there are {', '.join(known)}")
        figures.rows += check_truth(one, await rows(house, one.statistic, start))
        figures.statistics += 1
    for statistic in known:
        check_seams(statistic, await rows(house, statistic, start))


async def _imported(house: House, say: Say) -> None:
    """Wait until the import has come to its end: only hours are left that are too young."""
    left: dict[str, int] = {}
    seen: list[dict[str, int]] = []
    try:
        async with asyncio.timeout(_IMPORTED_WITHIN):
            while len(seen) < _STILL or seen[-_STILL] != left or max(left.values()) > _YOUNG:
                for provider in _DEPTHS:
                    path = f"/api/diagnostics/config_entry/{house.entries[provider]}"
                    told = (await house.session.get(path))["data"]["history"]
                    left[provider] = told["hours"].get("not_asked", 0)
                seen.append(dict(left))
                if len(seen) % 15 == 0:
                    say(f"hours still to ask for: {left}")
                await asyncio.sleep(_LOOK)
    except TimeoutError:
        raise Lost(f"hours that nobody asked for: {left}") from None
