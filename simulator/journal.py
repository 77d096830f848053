"""The record of every request that reached a simulated provider."""

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
import datetime as dt
from fnmatch import fnmatchcase
import hashlib

from simulator.payload import JsonValue

# A demo that runs for weeks must not grow without end.
CAPACITY = 100_000


def fingerprint(secret: str) -> str:
    """Return a short name for a secret: tells two tokens apart without keeping either."""
    return hashlib.sha256(secret.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it arrived, and how it ended.

    Header values are not kept: they hold secrets. `token_id` is the fingerprint of the
    credential in `Authorization`, `scheme` the word before it. `authorised` is None where the
    server did not look. `status` is None while the answer is under way, or when the connection
    ended without one. `facts` is what the provider noted, for example the grant type.
    """

    number: int
    at: dt.datetime
    provider: str
    origin: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    header_names: frozenset[str]
    accept: str | None
    content_type: str | None
    scheme: str | None
    token_id: str | None
    body_size: int
    authorised: bool | None = None
    status: int | None = None
    response_size: int | None = None
    fault: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict[str, str])

    def values(self, name: str) -> list[str]:
        """Return the values of one query parameter in their order."""
        return [value for key, value in self.query if key == name]

    def as_json(self) -> dict[str, JsonValue]:
        """Return the entry as JSON for the control address."""
        return {
            **asdict(self),
            "at": self.at.isoformat(),
            "header_names": sorted(self.header_names),
            "facts": dict(self.facts),
        }


class Journal:
    """Requests in the order of their arrival. Readers get copies of the list."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        """Keep at most `capacity` requests; the oldest go first."""
        self._entries: dict[int, Request] = {}
        self._order: deque[int] = deque()
        self._capacity = capacity
        self._next = 1

    def next_number(self) -> int:
        """Return the number for a new entry."""
        number = self._next
        self._next += 1
        return number

    def write(self, entry: Request) -> None:
        """Add an entry."""
        self._entries[entry.number] = entry
        self._order.append(entry.number)
        if len(self._order) > self._capacity:
            del self._entries[self._order.popleft()]

    def amend(
        self,
        number: int,
        *,
        authorised: bool | None = None,
        status: int | None = None,
        response_size: int | None = None,
        fault: str | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """Replace an entry by one that knows more; None leaves a field as it is."""
        entry = self._entries.get(number)
        if entry is None:  # cleared, or displaced, while the answer was under way
            return
        self._entries[number] = replace(
            entry,
            authorised=entry.authorised if authorised is None else authorised,
            status=entry.status if status is None else status,
            response_size=entry.response_size if response_size is None else response_size,
            fault=entry.fault if fault is None else fault,
            facts={**entry.facts, **(facts or {})},
        )

    def requests(
        self,
        *,
        provider: str | None = None,
        path: str | None = None,
        method: str | None = None,
        origin: str | None = None,
    ) -> list[Request]:
        """Return the requests that match; `path` is a shell pattern such as `/meters/*`."""
        return [
            entry
            for entry in map(self._entries.__getitem__, self._order)
            if (provider is None or entry.provider == provider)
            and (path is None or fnmatchcase(entry.path, path))
            and (method is None or entry.method == method)
            and (origin is None or entry.origin == origin)
        ]

    def count(
        self,
        *,
        provider: str | None = None,
        path: str | None = None,
        method: str | None = None,
        origin: str | None = None,
    ) -> int:
        """Return how many requests match, as in `requests`."""
        return len(self.requests(provider=provider, path=path, method=method, origin=origin))

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._order.clear()
