"""What the recorder has, against what the simulated house really used, hour by hour."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
import datetime as dt
from itertools import pairwise
from typing import Any, Final

from homeassistant.util import slugify

from custom_components.energy_connect.const import DOMAIN
from simulator.enectiva.portfolio import Energy
from simulator.enode.assets import SITE, asset_id
from simulator.house import Flow

from .lives import House, Lost

HOUR: Final = dt.timedelta(hours=1)
# Counters have three decimals: the ends of an hour are off by half of the last one each.
_ROUNDED: Final = 0.0021
_SLEEPS: Final = 1e-4
_QUANTITIES: Final = {
    Energy.ELECTRICITY: "energy_consumption",
    Energy.WATER: "water_consumption",
    Energy.GAS: "gas_consumption",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One statistic, its true amount of an hour, and for which hours it must be there."""

    statistic: str
    amount: Callable[[dt.datetime], float]
    start: dt.datetime
    end: dt.datetime
    sparse: bool = False
    """Hours without energy have no row."""


def expected(house: House, now: dt.datetime, days: Mapping[str, int]) -> Iterator[Expected]:
    """Return all that the accounts can know of the past; `days` is how far back, by provider."""
    full = now.replace(minute=0, second=0, microsecond=0)
    simulated, flows = house.simulator, house.simulator.house

    def used(flow: Flow) -> Callable[[dt.datetime], float]:
        return lambda at: flows.energy(flow, at + HOUR) - flows.energy(flow, at)

    start = full - dt.timedelta(days=days["enectiva"]) + HOUR
    for meter in simulated.enectiva.portfolio.meters:

        def counted(at: dt.datetime, meter: Any = meter) -> float:
            return float(meter.counter(flows, at + HOUR) - meter.counter(flows, at))

        name = _statistic(house, "enectiva", f"meter_{meter.id}", _QUANTITIES[meter.energy])
        # What is read is validated an hour later, and asked for once an hour.
        yield Expected(statistic=name, amount=counted, start=start, end=full - 4 * HOUR)
    fleet = simulated.traxes.fleet
    start = full - dt.timedelta(days=days["traxes"]) + HOUR
    for place, quantity, flow in (
        ("meter", "energy_import", Flow.GRID_IMPORT),
        ("gas", "gas_consumption", Flow.GAS),
    ):
        name = _statistic(house, "traxes", fleet.id(place), quantity)
        yield Expected(statistic=name, amount=used(flow), start=start, end=full - 4 * HOUR)
    # Enode's newest days are provisional.
    start, end = full - dt.timedelta(days=days["enode"] - 1), full - dt.timedelta(days=3)
    for device, quantity, flow, sparse in (
        (asset_id("inverter"), "energy_production", Flow.PV, False),
        (SITE, "energy_import", Flow.GRID_IMPORT, False),
        (SITE, "energy_export", Flow.GRID_EXPORT, False),
        (asset_id("vehicle 0"), "energy_charged", Flow.WALLBOX_1, True),
        (asset_id("charger 1"), "energy_charged", Flow.WALLBOX_2, True),
    ):
        name = _statistic(house, "enode", device, quantity)
        yield Expected(statistic=name, amount=used(flow), start=start, end=end, sparse=sparse)


def _statistic(house: House, provider: str, device: str, quantity: str) -> str:
    account = house.entry(provider)["unique_id"]
    return f"{DOMAIN}:{slugify(f'{account}_{device}_{quantity}')}"


async def ours(house: House) -> list[str]:
    """Return the ids of all imported statistics."""
    listed = await house.session.command("recorder/list_statistic_ids")
    return [one["statistic_id"] for one in listed if one["source"] == DOMAIN]


async def rows(house: House, statistic: str, start: dt.datetime) -> list[dict[str, Any]]:
    """Return a statistic's hours as the Energy dashboard gets them."""
    found = await house.session.command(
        "recorder/statistics_during_period",
        start_time=start.isoformat(),
        statistic_ids=[statistic],
        period="hour",
        types=["state", "sum", "change"],
    )
    told: list[dict[str, Any]] = found.get(statistic, [])
    return told


def check_seams(statistic: str, told: list[dict[str, Any]]) -> None:
    """See that no hour is there twice, and every sum is the one before and its own amount.

    Raises:
        Lost: it is not so.

    """
    for before, row in pairwise(told):
        at = _moment(row)
        if row["start"] <= before["start"]:
            raise Lost(f"{statistic}: {at} is there twice")
        if abs(row["sum"] - before["sum"] - row["state"]) > _SLEEPS:
            raise Lost(f"{statistic}: the sums do not fit at {at}")


def check_truth(one: Expected, told: list[dict[str, Any]]) -> int:
    """Compare with the truth; return how many rows were equal.

    Raises:
        Lost: an hour is missing, too many, or wrong.

    """
    found = {_moment(row): row["change"] for row in told if one.start <= _moment(row) < one.end}
    hours = [one.start + number * HOUR for number in range((one.end - one.start) // HOUR)]
    real = {at: one.amount(at) for at in hours}
    if one.sparse:
        real = {at: amount for at, amount in real.items() if amount > _SLEEPS}
        found = {at: amount for at, amount in found.items() if amount > _SLEEPS}
    if missing := sorted(set(real) - set(found)):
        raise Lost(f"{one.statistic}: {len(missing)} hours are missing, first {missing[0]}")
    if surplus := sorted(set(found) - set(real)):
        raise Lost(f"{one.statistic}: {len(surplus)} hours are too many, first {surplus[0]}")
    wrong = [at for at in real if abs(real[at] - found[at]) > _ROUNDED]
    if wrong:
        at = wrong[0]
        raise Lost(
            f"{one.statistic}: {len(wrong)} hours are wrong, first {at}:"
            f" {found[at]:.4f} instead of {real[at]:.4f}"
        )
    return len(real)


def _moment(row: Mapping[str, Any]) -> dt.datetime:
    # The websocket API gives milliseconds.
    return dt.datetime.fromtimestamp(row["start"] / 1000, dt.UTC)
