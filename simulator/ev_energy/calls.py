"""A request that is let through, and what it may carry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import json

from aiohttp import web

from simulator.ev_energy.problems import Problem
from simulator.ev_energy.tokens import Pair
from simulator.payload import JsonValue

type Answer = Callable[[Call], JsonValue | web.Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that is allowed: `user` is whom it is about, None for all of an application."""

    request: web.Request
    pair: Pair
    user: int | None
    body: bytes

    def path(self, name: str) -> str:
        """Return a part of the path."""
        return self.request.match_info[name]

    def check_query(self, allowed: frozenset[str] = frozenset()) -> None:
        """Refuse parameters that are not documented: a misspelled one must not go unnoticed.

        Raises:
            Problem: there is one.

        """
        if unknown := [name for name in self.request.query if name not in allowed]:
            fields: dict[str, list[JsonValue]] = {name: ["Unknown."] for name in unknown}
            raise Problem(400, "Unknown parameter.", fields=fields)

    def check_no_body(self) -> None:
        """Refuse a body where none is documented.

        Raises:
            Problem: there is one.

        """
        if self.body:
            raise Problem(400, "This takes no body.")

    def fields(self) -> Mapping[str, JsonValue]:
        """Return the body, which has to be a JSON object.

        Raises:
            Problem: it is none.

        """
        if self.request.content_type != "application/json":
            raise Problem(415, f'Unsupported media type "{self.request.content_type}".')
        try:
            body: JsonValue = json.loads(self.body)
        except ValueError as error:
            raise Problem(400, "JSON parse error.") from error
        if not isinstance(body, dict):
            raise Problem(400, "Invalid data. Expected a dictionary.")
        return body
