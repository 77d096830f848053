"""Whether the ids that a person entered are those of this customer: asked before they are kept."""

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any, Final

from ...core.account import Context
from ...core.errors import NotPermitted, Reason, UnexpectedResponse
from ...core.http import ApiClient
from ...core.options import Fault, Problem
from .connection import connect
from .documents import read
from .named import DATA_SERIES, VIRTUAL_METERS, entered_ids
from .token import credentials

_PATHS: Final = {
    VIRTUAL_METERS: ("virtual_meters", "deltas"),
    DATA_SERIES: ("data_series", "data_points"),
}
# An id that can't be one is answered with either (assumed).
_UNKNOWN: Final = frozenset({404, 422})
# One page of a series is up to a thousand points: whether it answers shows in a short one as well.
_WINDOW: Final = timedelta(days=1)


async def try_options(context: Context, before: Mapping[str, Any]) -> Mapping[str, Problem]:
    """Ask once for each id that was not kept before; see `Provider`."""
    data = context.data
    new = {
        option: [
            one
            for one in entered_ids(context.options, option)
            if one not in entered_ids(before, option)
        ]
        for option in _PATHS
    }
    if not any(new.values()):
        return {}
    api = connect(context, credentials(data.get("customer_uuid"), data.get("login_token"))).api
    since = (context.clock.now() - _WINDOW).astimezone(UTC)
    params = {DATA_SERIES: [("filter[]", f"data_series.time>={since:%Y-%m-%dT%H:%M:%SZ}")]}
    problems: dict[str, Problem] = {}
    for option, ids in new.items():
        faults = {one: await _fault(api, option, one, params.get(option, [])) for one in ids}
        found = next((fault for fault in faults.values() if fault is not None), None)
        if found is not None:
            blamed = tuple(one for one, fault in faults.items() if fault is found)
            problems[option] = Problem(fault=found, values=blamed)
    return problems


async def _fault(
    api: ApiClient, option: str, one: str, params: list[tuple[str, str]]
) -> Fault | None:
    """Return what is wrong with an id; None if it answers.

    Raises:
        ApiError: the API can't be asked.

    """
    kind, rows = _PATHS[option]
    try:
        read((await api.get(kind, one, rows, params=params)).json())
    except NotPermitted:
        # A scope that is missing, or somebody else's: the answer does not tell the two apart.
        return Fault.ID_REFUSED
    except UnexpectedResponse as error:
        if error.status in _UNKNOWN or error.reason is Reason.INVALID_ID:
            return Fault.ID_UNKNOWN
        if error.status == 400 and params:
            # Filters may be refused (assumed); then the rows are asked for without.
            return await _fault(api, option, one, [])
        if error.status == 400:
            return Fault.ID_UNKNOWN
        raise
    return None
