"""Whether the application may read the devices whose ids a person entered."""

from collections.abc import Mapping
from typing import Any, Final

from ...core.errors import NotPermitted, UnexpectedResponse
from ...core.http import ApiClient
from ...core.options import Fault, Problem
from .parse import entered_key

ENTITY_IDS: Final = "entity_ids"

# A device without a reading yet is answered with 404 as well (assumed), so that other resources of
# it are asked; the first of these is documented, the second is assumed.
_RESOURCES: Final = (("readings", "last"), ("permissions",), ())
_NOT_THERE: Final = frozenset({400, 404, 405})


def malformed(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what was entered as an id and is none: all are UUIDs (vendor)."""
    return tuple(str(one) for one in _entered(options) if entered_key(one) is None)


def new_ids(options: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids that were not kept before, each once."""
    known = {entered_key(one) for one in _entered(before)}
    found = dict.fromkeys(entered_key(one) for one in _entered(options))
    return tuple(one for one in found if one is not None and one not in known)


async def try_ids(client: ApiClient, ids: tuple[str, ...]) -> Mapping[str, Problem]:
    """Return the problem of the option, if any of the ids can't be read.

    Raises:
        ApiError: nothing could be tried.

    """
    faults = {one: await _fault(client, one) for one in ids}
    found = next((fault for fault in faults.values() if fault is not None), None)
    if found is None:
        return {}
    blamed = tuple(one for one, fault in faults.items() if fault is found)
    return {ENTITY_IDS: Problem(fault=found, values=blamed)}


async def _fault(client: ApiClient, one: str) -> Fault | None:
    for resource in _RESOURCES:
        try:
            await client.get("v1", "entities", one, *resource)
        except NotPermitted:
            return Fault.ID_REFUSED
        except UnexpectedResponse as error:
            if error.status not in _NOT_THERE:
                raise
        else:
            return None
    return Fault.ID_UNKNOWN


def _entered(options: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(options.get(ENTITY_IDS) or ())
