"""Years of sub-sessions, newest first and a page at a time, and when their energy flowed.

Source: OpenAPI document; when late data and corrections come is set by knobs.
"""

from collections.abc import Iterator, Mapping
import datetime as dt
from itertools import islice
from typing import Final

from simulator.ev_energy.calls import Call
from simulator.ev_energy.episodes import Episode, Piece, Row, half_hour, stamp
from simulator.ev_energy.garage import CHARGE_PRICE, Garage
from simulator.ev_energy.knobs import EvEnergyKnobs
from simulator.ev_energy.logs import moment
from simulator.ev_energy.problems import Problem
from simulator.payload import JsonValue

_TIMES: Final = ("start__gt", "start__lt", "end__gt", "end__lt")
SESSION_FILTERS: Final = frozenset({"vehicle_id", "evse_id", "is_finished", "mode", *_TIMES})

_MERGE: Final = "merge_consecutive_intervals"
_LEAST: Final = "energy_delivered_watt_hours__gt"
_HALF_HOUR: Final = dt.timedelta(minutes=30)
_MONTH: Final = dt.timedelta(days=30)
# A sub-session is over after that; only then it is not open any more.
_LONGEST: Final = dt.timedelta(days=2)

type Found = tuple[Episode, Piece]


def session_page(
    garage: Garage, knobs: EvEnergyKnobs, call: Call, size: int
) -> tuple[list[Row], str | None]:
    """Return a page of sub-sessions, and the cursor of the next one if there is one."""
    found = _filtered(garage, knobs, call)
    first: list[Found] = []
    if (after := call.request.query.get("page_after")) is not None:
        before = next((pair for pair in found if pair[1].id == after), None)
        if before is None:
            raise Problem(400, "Unknown cursor.", kind="pagination-parameters")
        first = [before] if knobs.repeats else []
    shown = list(islice(found, size + 1))
    rows = [garage.session(*pair) for pair in (*first, *shown[:size])]
    return rows, shown[size - 1][1].id if len(shown) > size else None


def _filtered(garage: Garage, knobs: EvEnergyKnobs, call: Call) -> Iterator[Found]:
    """Return the sub-sessions that a request asks for, newest first; made as they are taken."""
    query = call.request.query
    times = {name: moment(query[name]) for name in _TIMES if name in query}
    finished = query.get("is_finished")
    if finished not in {None, "true", "false"}:
        raise Problem(400, "Must be a valid boolean.", fields={"is_finished": ["Invalid."]})
    oldest = garage.now - dt.timedelta(days=knobs.charging_sessions_days)
    if finished == "false":
        oldest = max(oldest, garage.now - _LONGEST)
    after = [times[name] - _LONGEST for name in ("start__gt", "end__gt") if name in times]
    before = [times[name] for name in ("start__lt", "end__lt") if name in times]
    for pair in _walk(garage, call.user, max([oldest, *after]), min([garage.now, *before])):
        episode, piece = pair
        over = garage.now >= piece.end
        wrong = (
            piece.id in knobs.late_sessions
            or query.get("vehicle_id", episode.vehicle.id) != episode.vehicle.id
            or ("evse_id" in query and query["evse_id"] != garage.charger_of(episode.vehicle))
            or query.get("mode", _mode(pair)) != _mode(pair)
            or (finished is not None and over is not (finished == "true"))
            or not _in_time(piece, times, over=over)
        )
        if not wrong:
            yield pair


def _mode(found: Found) -> str:
    episode, piece = found
    return "BOOST" if piece.boost else episode.mode


def _in_time(piece: Piece, times: Mapping[str, dt.datetime], *, over: bool) -> bool:
    """Compare as a database does: an end that is null is neither before nor after anything."""
    if not over and ("end__gt" in times or "end__lt" in times):
        return False
    return not (
        ("start__gt" in times and piece.start <= times["start__gt"])
        or ("start__lt" in times and piece.start >= times["start__lt"])
        or ("end__gt" in times and piece.end <= times["end__gt"])
        or ("end__lt" in times and piece.end >= times["end__lt"])
    )


def _walk(
    garage: Garage, user: int | None, oldest: dt.datetime, newest: dt.datetime
) -> Iterator[Found]:
    until = newest
    while until > oldest:
        since = max(oldest, until - _MONTH)
        yield from garage.pieces(user, since, until)
        until = since


def usage(
    garage: Garage, knobs: EvEnergyKnobs, call: Call, episode: Episode, piece: Piece
) -> JsonValue:
    """Return when the energy of a sub-session flowed, by half hours."""
    call.check_query(frozenset({_MERGE, _LEAST}))
    query = call.request.query
    merge, least = query.get(_MERGE, "false"), query.get(_LEAST)
    if merge not in {"true", "false"}:
        raise Problem(400, "Must be a valid boolean.", fields={_MERGE: ["Invalid."]})
    if least is not None and not least.isdigit():
        raise Problem(400, "A valid integer is required.", fields={_LEAST: ["Invalid."]})
    told = garage.now - dt.timedelta(seconds=knobs.usage_late)
    slots = _slots(garage, knobs, episode, piece, told)
    if merge == "true":
        slots = _merged(slots)
    if least is not None:
        slots = [slot for slot in slots if slot[2] > int(least)]
    intervals: list[JsonValue] = [_interval(slot, knobs) for slot in slots]
    if knobs.repeats:
        intervals = [*intervals, *intervals[-1:]]
    return {
        "url": garage.url("charging_sub_sessions", piece.id, "energy_usage"),
        "currency": knobs.currency,
        "last_updated_at": stamp(told),
        "intervals": intervals,
    }


type _Slot = tuple[dt.datetime, dt.timedelta, int]


def _slots(
    garage: Garage, knobs: EvEnergyKnobs, episode: Episode, piece: Piece, told: dt.datetime
) -> list[_Slot]:
    """Return the half hours that are over and told of, with their Wh; they add up to the whole."""
    factor = knobs.recalculated.get(piece.id, 1.0)
    slots: list[_Slot] = []
    start, before = half_hour(piece.start), 0
    while start < piece.end:
        end = start + _HALF_HOUR
        if end > told and not (piece.end <= told):
            break
        after = round(episode.energy(piece, min(end, garage.now)) * factor)
        slots.append((start, _HALF_HOUR, after - before))
        start, before = end, after
    return slots


def _merged(slots: list[_Slot]) -> list[_Slot]:
    """Join neighbours with energy."""
    merged: list[_Slot] = []
    for start, length, energy in slots:
        if merged and energy and merged[-1][2] and merged[-1][0] + merged[-1][1] == start:
            merged[-1] = (merged[-1][0], merged[-1][1] + length, merged[-1][2] + energy)
        else:
            merged.append((start, length, energy))
    return merged


def _interval(slot: _Slot, knobs: EvEnergyKnobs) -> Row:
    start, length, energy = slot
    price = None if knobs.unpriced else f"{CHARGE_PRICE:.4f}"
    return {
        "started_at": stamp(start),
        "interval_seconds": round(length.total_seconds()),
        "total_energy_delivered_watt_hours": energy,
        "meter_usage_watt_hours": energy,
        "alt_usage_watt_hours": None,
        "electricity_cost_sub_unit": price,
        "energy_delivered_by_price": {} if price is None else {price: energy},
    }
