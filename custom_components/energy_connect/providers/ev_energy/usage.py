"""The energy usage of a sub-session: when energy really flowed, by half hours.

Source: OpenAPI document. Prices are in minor units per kWh, as decimal texts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ...core.errors import Reason, UnexpectedResponse
from ...core.payload import Json, dig, instant, number
from .parse import currency, money, scaled

# What the car took; where that is not known, what the charger's meter or another source saw.
_ENERGIES: Final = (
    "total_energy_delivered_watt_hours",
    "meter_usage_watt_hours",
    "alt_usage_watt_hours",
)
_LONGEST: Final = 366 * 86_400.0


@dataclass(frozen=True, slots=True)
class Flow:
    """Energy in kWh from `start` to `end`, and what a kWh cost then, if that is told."""

    start: datetime
    end: datetime
    energy: float
    price: float | None


@dataclass(frozen=True, slots=True)
class Usage:
    """When energy flowed in a sub-session: `until` is how far that is told, None: not at all."""

    flows: tuple[Flow, ...] = ()
    until: datetime | None = None
    dropped: int = 0

    @property
    def energy(self) -> float:
        """All of it, in kWh."""
        return sum(flow.energy for flow in self.flows)


NO_USAGE: Final = Usage()


def parse_usage(body: Json) -> Usage:
    """Read `GET /charging_sub_sessions/{id}/energy_usage`; energy out of the car is left out.

    Of two intervals that begin together the later in the list counts.

    Raises:
        UnexpectedResponse: it has no list of intervals.

    """
    listed = dig(body, "intervals")
    if not isinstance(listed, list):
        raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
    code = currency(dig(body, "currency"))
    flows: dict[datetime, Flow] = {}
    until: datetime | None = None
    dropped = 0
    for row in listed:
        flow = _flow(row, code)
        if flow is None:
            dropped += 1
            continue
        until = flow.end if until is None else max(until, flow.end)
        flows[flow.start] = flow
    told = sorted(flows.values(), key=lambda flow: flow.start)
    return Usage(tuple(flow for flow in told if flow.energy > 0), until, dropped)


def _flow(row: Json, code: str | None) -> Flow | None:
    start, seconds = instant(dig(row, "started_at")), number(dig(row, "interval_seconds"))
    energies = (scaled(row, name, by=1000) for name in _ENERGIES)
    energy = next((one for one in energies if one is not None), None)
    if start is None or seconds is None or not 0 < seconds < _LONGEST or energy is None:
        return None
    price = money(dig(row, "electricity_cost_sub_unit"), code) if code else None
    return Flow(start, start + timedelta(seconds=seconds), energy, price)
