"""The query parameters: filters, page, limit, sort. Whatever is not known is a 400."""

from collections.abc import Iterable
from dataclasses import dataclass
import datetime as dt
from operator import ge, gt, lt
import re

from multidict import MultiMapping

from simulator.enectiva.errors import Refused
from simulator.enectiva.knobs import EnectivaKnobs

_FILTER = re.compile(r"(?P<field>[a-z_]+\.[a-z_]+)(?P<operator>>=|<=|>|<|=)(?P<value>.+)")
MOST_ROWS = 1000
"""No list gives more at once. Source: vendor."""

# `<=` is not among the operators that the vendor shows.
_OPERATORS = {">": gt, ">=": ge, "<": lt}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One filter on a time; `at` is aware where the resource's times are."""

    operator: str
    at: dt.datetime

    def holds(self, time: dt.datetime) -> bool:
        """Whether a time passes."""
        return bool(_OPERATORS[self.operator](time, self.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a request asks of a list. `page` counts from 0."""

    page: int = 0
    limit: int = MOST_ROWS
    conditions: tuple[Condition, ...] = ()
    descending: bool = False
    include_deactivated: bool = False

    def passes(self, time: dt.datetime) -> bool:
        """Whether a row of that time is asked for."""
        return all(condition.holds(time) for condition in self.conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """What a list understands. `filter` is the only field that it can be filtered by."""

    filter: str | None = None
    aware: bool = True
    paged: bool = True
    sorted: bool = False
    deactivated: bool = False


def parse(query: MultiMapping[str], grammar: Grammar, knobs: EnectivaKnobs) -> Query:
    """Read the parameters; raises `Refused` (400) for one that the list does not know."""
    known = {"filter[]"} if grammar.filter else set()
    if grammar.paged:
        known |= {"page", knobs.limit_parameter}
    if grammar.sorted:
        known.add(knobs.sort_parameter)
    if grammar.deactivated:
        known.add("include_deactivated")
    for name in query:
        if not name or name not in known:
            raise Refused(400, f"unknown parameter {name}")
    limit = _whole(query.get(knobs.limit_parameter), "limit", knobs.page_size)
    if limit < 1:
        raise Refused(400, "limit must be positive")
    page = _whole(query.get("page"), "page", knobs.first_page) - knobs.first_page
    if page < 0:
        raise Refused(400, "there is no such page")
    return Query(
        page=page,
        limit=min(limit, knobs.page_size) if grammar.paged else MOST_ROWS,
        conditions=tuple(_conditions(query.getall("filter[]", []), grammar)),
        descending=_descending(query.get(knobs.sort_parameter)),
        include_deactivated=_flag(query.get("include_deactivated")),
    )


def _whole(text: str | None, name: str, default: int) -> int:
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal():
        raise Refused(400, f"{name} must be a number")
    return int(text)


def _flag(text: str | None) -> bool:
    if text not in {None, "true", "false"}:
        raise Refused(400, "include_deactivated must be true or false")
    return text == "true"


def _descending(text: str | None) -> bool:
    if text not in {None, "time", "-time"}:
        raise Refused(400, "rows can be sorted by time only")
    return text == "-time"


def _conditions(filters: Iterable[str], grammar: Grammar) -> Iterable[Condition]:
    for text in filters:
        found = _FILTER.fullmatch(text)
        if found is None:
            raise Refused(400, f"malformed filter {text}")
        if found["field"] != grammar.filter:
            raise Refused(400, f"cannot filter by {found['field']}")
        if found["operator"] not in _OPERATORS:
            raise Refused(400, f"unknown operator {found['operator']}")
        form = _INSTANT if grammar.aware else _LOCAL
        if not form.fullmatch(found["value"]):
            raise Refused(400, f"malformed time {found['value']}")
        try:
            at = dt.datetime.fromisoformat(found["value"])
        except ValueError as failure:
            raise Refused(400, f"no such time {found['value']}") from failure
        yield Condition(operator=found["operator"], at=at)
