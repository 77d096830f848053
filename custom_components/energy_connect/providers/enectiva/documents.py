"""JSON:API documents, read as if nobody had read the standard.

The vendor says that not every endpoint follows it: `data` may be a list, one object or missing,
`attributes` may be missing with the fields on the object itself, ids may be numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ...core.payload import Json, dig, identifier, mapping, text, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One page of a list.

    `stated` says that the answer held `data` at all: one without says nothing about who is gone.
    `next` is the link to the next page, `total` the number of rows of all pages, if given.
    """

    rows: tuple[Json, ...] = ()
    stated: bool = False
    next: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource object."""

    id: str | None
    attributes: Mapping[str, Json]
    relationships: Mapping[str, Json]

    def first(self, *names: str) -> Json:
        """Return the first of these attributes that is there and not null."""
        for name in names:
            if (value := self.attributes.get(name)) is not None:
                return value
        return None

    def text(self, *names: str) -> str | None:
        """Return the first of these attributes that is a text or a whole number."""
        for name in names:
            if (value := identifier(self.attributes.get(name))) is not None:
                return value
        return None

    def reference(self, name: str) -> str | None:
        """Return the id of a related resource, given as relationship or as attribute."""
        related = identifier(dig(self.relationships, name, "data", "id"))
        if related is None:
            related = identifier(self.attributes.get(f"{name}_id"))
        if related is None:
            related = identifier(dig(self.attributes, name, "id"))
        return related


def read(payload: Json) -> Document:
    """Return what a payload lists; anything can be given."""
    data = payload if isinstance(payload, list) else dig(payload, "data")
    rows: tuple[Json, ...] = ()
    if isinstance(data, list):
        rows = tuple(data)
    elif data is not None:
        rows = (data,)
    following = dig(payload, "links", "next")
    href = dig(following, "href") if isinstance(following, Mapping) else following
    totals = (whole(dig(payload, "meta", name)) for name in ("total", "total_count"))
    return Document(
        rows=rows,
        stated=data is not None,
        # Not `text`: it would shorten a long address.
        next=(href.strip() or None) if isinstance(href, str) else None,
        total=next((total for total in totals if total is not None), None),
    )


def resource(row: Json) -> Resource | None:
    """Return a row as a resource, or None if it is no object."""
    if not isinstance(row, Mapping):
        return None
    nested = row.get("attributes")
    return Resource(
        id=identifier(row.get("id")),
        attributes=nested if isinstance(nested, Mapping) else row,
        relationships=mapping(row.get("relationships")),
    )


def word(value: Json) -> str | None:
    """Return the telling word of an attribute that is a text, or an object with code or name."""
    if isinstance(value, Mapping):
        return text(value.get("code")) or text(value.get("name")) or text(value.get("id"))
    return text(value)
