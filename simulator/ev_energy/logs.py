"""Status logs of a vehicle or charger: one a sample, the newest first, paged by their times."""

import datetime as dt
import json
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from simulator.cars import START
from simulator.ev_energy.calls import Call
from simulator.ev_energy.episodes import stamp
from simulator.ev_energy.garage import Logs
from simulator.ev_energy.knobs import EvEnergyKnobs
from simulator.ev_energy.problems import Problem
from simulator.payload import JsonValue

_FROM: Final = "sampled_at__gte"
_TO: Final = "sampled_at__lte"
_AFTER: Final = "page_after"
_ALLOWED: Final = frozenset({_FROM, _TO, _AFTER, "page_size"})


def log_page(
    call: Call, logs: Logs, *, now: dt.datetime, origin: str, knobs: EvEnergyKnobs
) -> web.Response:
    """Return one page of logs with its `Link` header."""
    call.check_query(_ALLOWED)
    query = call.request.query
    newest = min(moment(query[_TO]), now) if _TO in query else now
    oldest = max(moment(query[_FROM]), START) if _FROM in query else START
    step = dt.timedelta(seconds=knobs.cadence)
    at = START + (newest - START) // step * step
    if _AFTER in query:
        at = min(at, moment(query[_AFTER]) - step)
    size = page_size(query.get("page_size", "25"), knobs)
    shown: list[JsonValue] = []
    while at >= oldest and len(shown) < size:
        shown.append(logs(at))
        at -= step
    link = "about:blank"
    if at >= oldest:
        kept = [(key, value) for key, value in query.items() if key != _AFTER]
        link = f"{origin}{call.request.path}?{urlencode([*kept, (_AFTER, stamp(at + step))])}"
    return web.Response(
        body=json.dumps(shown).encode(),
        content_type="application/json",
        headers={"Link": f'<about:blank>; rel="previous", <{link}>; rel="next"'},
    )


def moment(text: str) -> dt.datetime:
    """Return a time of the query; it needs a zone.

    Raises:
        Problem: it is none.

    """
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise Problem(400, f"Not a valid datetime: {text}") from error
    if at.tzinfo is None:
        raise Problem(400, f"A datetime without a zone: {text}")
    return at.astimezone(dt.UTC)


def page_size(text: str, knobs: EvEnergyKnobs) -> int:
    """Return how many rows a page has.

    Raises:
        Problem: it is not from 1 to 100.

    """
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100:
        raise Problem(400, "page_size is from 1 to 100.", kind="pagination-parameters")
    return min(int(text), knobs.most_rows)
