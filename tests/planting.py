"""Recognisable secrets in every answer of the simulator, and a list of all that is private in it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
import json
import re
from typing import override

from aiohttp import web

from simulator import Simulator
from simulator.faults import Action, Proceed, body_of
from simulator.payload import JsonValue

# What no reader of this version has ever heard of: each may be the next thing that a provider adds.
FUTURE: dict[str, JsonValue] = {
    "owner_email": "planted.owner@mail.example",
    "ownerName": "Planted Person",
    "vin_number": "WPLANTEDVIN000001",
    "home_address": "Planted Street 17",
    "latitude_exact": 51.4778216,
    "longitude_exact": 10.8712345,
    "device_serial": "PLANTEDSERIAL0001",
    "meter_point": "CZPLANTEDPOINT0001",
    "api_secret": "planted-secret-0001",
    "nested": {"deeper": ["planted-deeper-0001"]},
}
# Fields of today that nobody may read in a bundle, whatever is in them.
_PRIVATE = re.compile(
    r"vin|.*serial.*|.*mail.*|.*phone.*|.*address.*|street.*|city|.*post.*code|zip.*|lat(itude)?"
    r"|lon(gitude)?|lng|.*secret.*|.*token|mac|.*host.*|.*number|mpan|ean|eic|code|full_?name"
    r"|first_?name|last_?name|license.*|licence.*|.*uuid|id|.*[a-z]Id|.*_id|customer|link_?url",
    re.IGNORECASE,
)
_NAMES = re.compile(r"(.*_)?(name|title|label|description)", re.IGNORECASE)
_MENDED = re.compile(
    r"vin|serial_?number|street.*|city|lat(itude)?|lon(gitude)?|e_?mail", re.IGNORECASE
)


@dataclass(slots=True)
class Planting(Action):
    """Answers truly, with unknown fields in every object, and remembers what was private."""

    private: set[str] = field(default_factory=set)
    """Ids, secrets, serials, places, addresses: nobody but the owner may see them."""
    names: set[str] = field(default_factory=set)
    """What owners call their things: for themselves, and for nobody else."""

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        response = await proceed()
        body = body_of(response)
        if not body or "json" not in response.content_type:
            return response
        payload = self._planted(json.loads(body))
        headers = {k: v for k, v in response.headers.items() if k != "Content-Length"}
        return web.Response(
            status=response.status, headers=headers, body=json.dumps(payload).encode()
        )

    def _planted(self, value: JsonValue) -> JsonValue:
        if isinstance(value, list):
            return [self._planted(item) for item in value]
        if not isinstance(value, dict):
            return value
        found = {key: self._seen(key, self._planted(item)) for key, item in value.items()}
        # A table (a name for each value) takes no more rows.
        return found | FUTURE if any(isinstance(key, str) for key in found) else found

    def _seen(self, key: str, value: JsonValue) -> JsonValue:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            if _PRIVATE.fullmatch(key):
                self.private.add(str(value))
            elif _NAMES.fullmatch(key):
                self.names.add(str(value))
        return value


def texts(value: JsonValue) -> Iterator[str]:
    """Yield every text and number in it."""
    match value:
        case dict():
            for item in value.values():
                yield from texts(item)
        case list():
            for item in value:
                yield from texts(item)
        case str() | int() | float():
            yield str(value)


def plant(simulator: Simulator, provider: str) -> Planting:
    """Plant in all answers of a provider from now on."""
    planting = Planting()
    simulator.faults.add(planting, provider=provider)
    planting.private |= set(texts(FUTURE))
    return planting


def found_in(text: str, values: Iterable[str]) -> list[str]:
    """Return which of the values the text shows, each as a word of its own."""
    return sorted(
        value
        for value in values
        # Shorter ones are in every text: the digits of a value, the day of a date.
        if len(value) >= 5 and re.search(rf"(?<![\w.]){re.escape(value)}(?![\w])", text)
    )
