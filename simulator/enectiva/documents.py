"""JSON:API documents, in the shape that the knobs ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
import json

from aiohttp import web

from simulator.enectiva.knobs import EnectivaKnobs
from simulator.payload import JsonObject, JsonValue

MEDIA_TYPE = "application/vnd.api+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource object; None attributes are left out. `related` maps a name to type and id."""

    type: str
    id: str
    attributes: Mapping[str, JsonValue]
    related: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])


def render(resource: Resource, knobs: EnectivaKnobs) -> JsonObject:
    """Return the resource as JSON. The attributes' names and places are assumed."""
    attributes: dict[str, JsonValue] = {
        knobs.renames.get(name, name): _value(value, knobs)
        for name, value in resource.attributes.items()
        if value is not None and name not in knobs.dropped
    }
    relationships: dict[str, JsonValue] = {}
    for name, (kind, identity) in resource.related.items():
        if knobs.relationships:
            relationships[name] = {"data": {"type": kind, "id": _id(identity, knobs)}}
        else:
            attributes[f"{name}_id"] = _id(identity, knobs)
    rendered: dict[str, JsonValue] = {"type": resource.type, "id": _id(resource.id, knobs)}
    if knobs.flat:
        rendered = attributes | rendered
    else:
        rendered["attributes"] = attributes
    if relationships:
        rendered["relationships"] = relationships
    return rendered


def _value(value: JsonValue, knobs: EnectivaKnobs) -> JsonValue:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if number and knobs.numbers_as_strings else value


def _id(identity: str, knobs: EnectivaKnobs) -> JsonValue:
    return int(identity) if knobs.numeric_ids and identity.isdecimal() else identity


def single(resource: Resource, knobs: EnectivaKnobs) -> JsonObject:
    """Return a document with one resource."""
    return {"data": render(resource, knobs)}


def listing(resources: Sequence[Resource], knobs: EnectivaKnobs) -> dict[str, JsonValue]:
    """Return a document with a list."""
    rendered = [render(one, knobs) for one in resources]
    if not knobs.single_objects or len(rendered) > 1:
        return {"data": rendered}
    return {"data": rendered[0]} if rendered else {}


def answer(
    document: JsonObject, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return a response of JSON:API's media type, without parameters."""
    return web.Response(
        status=status,
        body=json.dumps(document).encode(),
        headers={**(headers or {}), "Content-Type": MEDIA_TYPE},
    )
