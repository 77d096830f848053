"""The endpoints: tokens by client credentials, entities, readings, charges, commands, onboarding.

Where the documentation is silent the server takes the stricter side: secrets in a query string,
unknown parameters and a missing `Accept` are refused.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
import datetime as dt
import secrets
from typing import ClassVar, override
from urllib.parse import urlencode

from aiohttp import web

from simulator.payload import JsonObject, JsonValue
from simulator.server import Origin, ProviderServer, Work, World
from simulator.traxes.archive import AGGREGATED, Archive
from simulator.traxes.desk import Desk, Refused
from simulator.traxes.fleet import Fleet, Metrics, Unit, offers, parse_stamp
from simulator.traxes.knobs import (
    Application,
    Listing,
    NoReading,
    Onboarding,
    Paging,
    Permissions,
    Resolution,
    TraxesKnobs,
)

CLIENT_ID = "esp_EnergyConnect_001"
"""The demo application."""

SCOPE = "esp"
_BASE = "/connect"
_TOKEN_BASE = "/am/oauth2/realms/root/realms/difesp"
_FORM = "application/x-www-form-urlencoded"
_CREDENTIALS = {"grant_type", "client_id", "client_secret", "scope"}
_PAGING = {"pageSize", "continuationToken"}

_SPAN = frozenset({"start", "end"})
_BODIES = frozenset({"application/json", "text/json"})

_QUARTER = dt.timedelta(minutes=15)
_STEPS = {
    Resolution.CLOCK: {"00:15:00": _QUARTER, "01:00:00": 4 * _QUARTER, "1.00:00:00": 96 * _QUARTER},
    Resolution.ISO: {"PT15M": _QUARTER, "PT1H": 4 * _QUARTER, "P1D": 96 * _QUARTER},
}

type Endpoint = Callable[[web.Request], web.Response]
type Spans = tuple[dt.datetime, dt.datetime]


class TraxesServer(ProviderServer[TraxesKnobs]):
    """One application, and what was shared with it."""

    name: ClassVar[str] = "traxes"

    def __init__(self, world: World) -> None:
        """Belong to `world`."""
        self.fleet = Fleet(world.house)
        self.archive = Archive(world.clock)
        self._tokens: dict[str, dt.datetime] = {}
        self._recent: deque[dt.datetime] = deque()
        knobs = TraxesKnobs()
        self.desk = Desk(knobs, self.fleet.steering)
        super().__init__(world, knobs)

    @override
    def make_origins(self) -> list[Origin]:
        entities = f"{_BASE}/v1/entities"
        onboarding = f"{_BASE}/v1/onboarding"
        api = [
            self._get(entities, self._list_entities, _PAGING),
            self._get(f"{entities}/{{id}}", self._describe),
            self._get(f"{entities}/{{id}}/permissions", self._list_permissions, _PAGING),
            self._get(f"{entities}/{{id}}/readings/last", self._last_reading),
            self._get(f"{entities}/{{id}}/readings", self._list_readings, _SPAN | _PAGING),
            self._get(
                f"{entities}/{{id}}/aggregations",
                self._list_aggregations,
                _SPAN | _PAGING | {"resolution"},
            ),
            self._get(f"{entities}/{{id}}/charge-sessions", self._charge_sessions, _SPAN | _PAGING),
            self._get(f"{entities}/{{id}}/commands", self._list_commands, _SPAN | _PAGING),
            self._get(f"{entities}/{{id}}/commands/{{command}}", self._describe_command),
            web.post(f"{entities}/{{id}}/commands", self._take_command),
            self._get(f"{onboarding}/entities", self._list_onboarding, {"type", "brand", *_PAGING}),
            self._get(f"{onboarding}/types/entities", self._list_types),
        ]
        auth = [web.post(f"{_TOKEN_BASE}/access_token", self._issue)]
        return [Origin("api", api), Origin("auth", auth)]

    def _get(self, path: str, endpoint: Endpoint, parameters: Iterable[str] = ()) -> web.RouteDef:
        known = frozenset(parameters)

        async def answer(request: web.Request) -> web.Response:
            try:
                self._admit(request, known)
                return endpoint(request)
            except Refused as refusal:
                return self._refuse(refusal)

        return web.get(path, answer, allow_head=False)

    def _refuse(self, refusal: Refused) -> web.Response:
        wait = self.knobs.retry_after if refusal.status == 429 else None
        if refusal.retry_after is not None:
            wait = str(refusal.retry_after)
        headers = {} if wait is None else {"Retry-After": wait}
        return _error(refusal.status, refusal.code, refusal.message, headers)

    @override
    def environment(self) -> dict[str, str]:
        return {
            "ENERGY_CONNECT_TRAXES_API_URL": f"{self.url}{_BASE}",
            "ENERGY_CONNECT_TRAXES_AUTH_URL": f"{self.origins['auth'].url}{_TOKEN_BASE}",
        }

    @override
    def credentials(self) -> dict[str, JsonValue]:
        return {"client_id": CLIENT_ID, "client_secret": self.knobs.client_secret}

    @override
    def work(self) -> Mapping[str, Work]:
        return {"revoke_tokens": lambda _: self.revoke_tokens()}

    def revoke_tokens(self) -> None:
        """Forget all tokens that were issued."""
        self._tokens.clear()

    @override
    def not_found(self, request: web.Request) -> web.Response:
        return _error(404, "NotFound", "There is no such resource.")

    @override
    def method_not_allowed(self, request: web.Request, allowed: set[str]) -> web.Response:
        return _error(405, "MethodNotAllowed", "The method is not allowed here.")

    # The authorization server

    async def _issue(self, request: web.Request) -> web.Response:
        if request.query or request.content_type != _FORM:
            return _refusal(400, "invalid_request")
        form = dict(await request.post())
        if not form.keys() <= _CREDENTIALS:
            return _refusal(400, "invalid_request")
        if form.get("client_id") != CLIENT_ID or not secrets.compare_digest(
            str(form.get("client_secret", "")), self.knobs.client_secret
        ):
            return _refusal(self.knobs.refusal_status, "invalid_client")
        if form.get("grant_type") != "client_credentials":
            return _refusal(400, "unsupported_grant_type")
        match self.knobs.application:
            case Application.OTHER_GRANT:
                return _refusal(400, "unauthorized_client")
            case Application.BLOCKED:
                return _refusal(403, "access_denied")
            case Application.NO_SCOPE:
                return _refusal(400, "invalid_scope")
            case _:
                pass
        if form.get("scope") != SCOPE:
            return _refusal(400, "invalid_scope")
        return web.json_response(self._fresh())

    def _fresh(self) -> JsonObject:
        token = f"eyJ0eXAi{secrets.token_urlsafe(48)}"
        lifetime = self.knobs.lifetime
        self._tokens[token] = self.world.clock.now() + dt.timedelta(seconds=lifetime)
        answer: dict[str, JsonValue] = {"access_token": token, "token_type": "Bearer"}
        if self.knobs.lifetime_told:
            answer["expires_in"] = str(lifetime) if self.knobs.lifetime_as_text else lifetime
        return answer

    # Who may ask, and how often

    def _admit(self, request: web.Request, known: frozenset[str]) -> None:
        if request.headers.get("Accept") != "application/json":
            raise Refused(406, "NotAcceptable", "Only application/json can be had.")
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        expires = self._tokens.get(token)
        good = scheme == "Bearer" and expires is not None and self.world.clock.now() < expires
        self.note(request, authorised=good)
        if not good:
            raise Refused(401, "Unauthorized", "The access token is missing or expired.")
        self._count()
        if self.knobs.application is Application.OTHER_PRODUCT:
            raise Refused(403, "Forbidden", "The subscription does not include this product.")
        unknown = set(request.query) - known
        if unknown:
            raise Refused(400, "BadRequest", f"unknown parameter {min(unknown)}")

    def _count(self) -> None:
        limit = self.knobs.requests_per_minute
        if limit is None:
            return
        now = self.world.clock.now()
        while self._recent and now - self._recent[0] >= dt.timedelta(minutes=1):
            self._recent.popleft()
        if len(self._recent) >= limit:
            raise Refused(429, "TooManyRequests", "Too many requests.")
        self._recent.append(now)

    # Entities

    def units(self) -> dict[str, Unit]:
        """Return all entities by id."""
        return self.fleet.units(self.knobs.cars)

    def _listed(self) -> list[Unit]:
        return [one for one in self.units().values() if one.id not in self.knobs.hidden]

    def _unit(self, request: web.Request) -> Unit:
        unit = self.units().get(request.match_info["id"])
        if unit is None:
            raise Refused(404, "EntityNotFound", "There is no such entity.")
        if unit.id in self.knobs.not_shared:
            raise Refused(403, "Forbidden", "At least Viewer permission is needed.")
        return unit

    def _list_entities(self, request: web.Request) -> web.Response:
        now = self.world.clock.now()
        match self.knobs.listing:
            case Listing.MISSING:
                raise Refused(404, "NotFound", "There is no such resource.")
            case Listing.WRONG_METHOD:
                raise Refused(405, "MethodNotAllowed", "The method is not allowed here.")
            case Listing.FORBIDDEN:
                raise Refused(403, "Forbidden", "The application may not list entities.")
            case Listing.EMPTY_OBJECT:
                return web.json_response({})
            case Listing.ARRAY:
                return web.json_response([one.entity(now) for one in self._listed()])
            case Listing.OLD_NAMES:
                return self._page(request, [one.old_entity() for one in self._listed()])
            case Listing.ITEMS:
                return self._page(request, [one.entity(now) for one in self._listed()], "items")
            case _:
                pass
        return self._page(request, [one.entity(now) for one in self._listed()])

    def _describe(self, request: web.Request) -> web.Response:
        unit = self._unit(request)
        if not self.knobs.describes:
            raise Refused(404, "NotFound", "There is no such resource.")
        return web.json_response(unit.entity(self.world.clock.now()))

    def _last_reading(self, request: web.Request) -> web.Response:
        unit, now = self._unit(request), self.world.clock.now()
        if unit.id in self.knobs.not_ready:
            return self._no_reading()
        return web.json_response(self._reading(unit, now))

    def _reading(self, unit: Unit, at: dt.datetime) -> JsonObject:
        """Return the reading that was the newest at a time."""
        self.desk.settle(self.units(), self.world.clock.now())
        metrics: Metrics = unit.measure(unit.measured(at))
        if not self.knobs.positions:
            metrics.pop("location", None)
        return unit.reading(at, self.archive.amended(unit, unit.measured(at), metrics))

    def _list_readings(self, request: web.Request) -> web.Response:
        unit = self._unit(request)
        start, end = self._span(request)
        if unit.id in self.knobs.not_ready:
            return self._page(request, [])
        most = self.knobs.most_days
        if most is not None and end - start > dt.timedelta(days=most):
            raise Refused(400, "BadRequest", f"at most {most} days can be asked for")
        times = self.archive.times(unit, start, end)
        return self._page_of(request, times, lambda at: self._reading(unit, at))

    def _no_reading(self) -> web.Response:
        match self.knobs.no_reading:
            case NoReading.NO_CONTENT:
                return web.Response(status=204)
            case NoReading.EMPTY:
                return web.Response(status=200)
            case NoReading.BAD_REQUEST:
                raise Refused(400, "BadRequest", "The entity has no readings.")
            case _:
                pass
        raise Refused(404, "ReadingNotFound", "The entity has no readings.")

    def _charge_sessions(self, request: web.Request) -> web.Response:
        unit, now = self._unit(request), self.world.clock.now()
        if not self.knobs.sessions:
            raise Refused(403, "Forbidden", "The subscription does not include charge sessions.")
        start, end = self._span(request)
        self.desk.settle(self.units(), now)
        return self._page(request, unit.sessions(start, end, now))

    def _span(self, request: web.Request) -> Spans:
        if "start" not in request.query:
            raise Refused(400, "BadRequest", "start is required")
        try:
            start = parse_stamp(request.query["start"])
            end = request.query.get("end")
            return start, self.world.clock.now() if end is None else parse_stamp(end)
        except ValueError as error:
            raise Refused(400, "BadRequest", str(error)) from error

    def _list_aggregations(self, request: web.Request) -> web.Response:
        unit = self._unit(request)
        if not self.knobs.aggregations:
            raise Refused(404, "NotFound", "There is no such resource.")
        if unit.type not in AGGREGATED:
            raise Refused(400, "NotSupported", f"a {unit.type} has no aggregations")
        start, end = self._span(request)
        steps = _STEPS[self.knobs.resolution]
        step = steps.get(request.query.get("resolution", next(iter(steps))))
        if step is None:
            raise Refused(400, "BadRequest", "resolution is no time interval")
        buckets = self.archive.buckets(unit, start, end, step)
        return self._page_of(
            request, buckets, lambda one: self.archive.aggregation(unit, one[0], step, one[1])
        )

    # Commands

    async def _take_command(self, request: web.Request) -> web.Response:
        try:
            self._admit(request, frozenset({"ignoreCooldown"}))
            unit, now = self._unit(request), self.world.clock.now()
            hasty = _truth(request.query.get("ignoreCooldown", "false"))
            issued = self.desk.take(unit, await _json(request), hasty=hasty, now=now)
        except Refused as refusal:
            return self._refuse(refusal)
        self.note(request, command=issued.type)
        return web.json_response(issued.as_json(now), status=201)

    def _describe_command(self, request: web.Request) -> web.Response:
        issued = self.desk.find(self._unit(request), request.match_info["command"])
        return web.json_response(issued.as_json(self.world.clock.now()))

    def _list_commands(self, request: web.Request) -> web.Response:
        unit, now = self._unit(request), self.world.clock.now()
        given = self.desk.given(unit, *self._span(request))
        return self._page(request, [one.as_json(now) for one in given])

    def _list_permissions(self, request: web.Request) -> web.Response:
        unit = self._unit(request)
        levels = ["Viewer"] if unit.id in self.knobs.viewer_only else ["Viewer", "Contributor"]
        match self.knobs.permissions:
            case Permissions.FORBIDDEN:
                raise Refused(403, "Forbidden", "Owner permission is needed.")
            case Permissions.MISSING:
                raise Refused(404, "NotFound", "There is no such resource.")
            case Permissions.EMPTY:
                granted: dict[str, list[str]] = {}
            case Permissions.SHARED:
                owner, collective = self.fleet.id("owner"), self.fleet.id("collective")
                granted = {owner: ["Owner"], collective: levels}
            case _:
                granted = {self.fleet.id("application"): levels}
        rows: list[JsonObject] = [
            {
                "id": self.fleet.id(f"permission:{unit.id}:{principal}"),
                "entityId": unit.id,
                "principalId": principal,
                "permissionLevels": list[JsonValue](given),
            }
            for principal, given in granted.items()
        ]
        return self._page(request, rows)

    # Onboarding

    def _list_onboarding(self, request: web.Request) -> web.Response:
        kind, brand = request.query.get("type"), request.query.get("brand")
        match self.knobs.onboarding:
            case Onboarding.MISSING:
                raise Refused(404, "NotFound", "There is no such resource.")
            case Onboarding.FORBIDDEN:
                raise Refused(403, "Forbidden", "The application may not connect entities.")
            case Onboarding.EMPTY_OBJECT:
                return web.json_response({})
            case Onboarding.BY_TYPE if kind is None:
                raise Refused(400, "BadRequest", "type is required")
            case Onboarding.BY_TYPE_AND_BRAND if kind is None or brand is None:
                raise Refused(400, "BadRequest", "type and brand are required")
            case _:
                pass
        asked = [
            one for one in self._listed() if kind in {None, one.type} and brand in {None, one.brand}
        ]
        # Somebody changed their mind with each first device of a list.
        given_up = [
            replace(one, id=self.fleet.id("given-up")).onboarding("Canceled") for one in asked[:1]
        ]
        return self._page(request, [*given_up, *(one.onboarding() for one in asked)])

    def _list_types(self, _: web.Request) -> web.Response:
        if not self.knobs.types:
            raise Refused(404, "NotFound", "There is no such resource.")
        return web.json_response({"data": offers(self.units())})

    # Pages

    def _page(
        self, request: web.Request, rows: Sequence[JsonObject], name: str = "data"
    ) -> web.Response:
        return self._page_of(request, rows, lambda row: row, name)

    def _page_of[T](
        self,
        request: web.Request,
        items: Sequence[T],
        make: Callable[[T], JsonObject],
        name: str = "data",
    ) -> web.Response:
        """Return one page of a list; only the rows of that page are made."""
        size = self._page_size(request)
        first = _offset(request.query.get("continuationToken"))
        last = first + size
        meta: dict[str, JsonValue] = {"continuationToken": None, "pageSize": size}
        links: dict[str, JsonValue] = {"next": None}
        endless = self.knobs.paging is Paging.ENDLESS
        if last < len(items) or endless:
            token = _token(0 if endless else last)
            query = urlencode({**request.query, "continuationToken": token})
            links["next"] = self._link(request, query)
            if self.knobs.paging in {Paging.TOKEN, Paging.ENDLESS}:
                meta["continuationToken"] = token
        rows: list[JsonValue] = [make(one) for one in items[first:last]]
        return web.json_response({name: rows, "links": links, "meta": meta})

    def _page_size(self, request: web.Request) -> int:
        asked = request.query.get("pageSize", str(self.knobs.page_size))
        if not asked.isdecimal() or not 1 <= int(asked) <= self.knobs.page_size_most:
            raise Refused(400, "BadRequest", f"pageSize is 1 to {self.knobs.page_size_most}")
        return int(asked)

    def _link(self, request: web.Request, query: str) -> str:
        match self.knobs.paging:
            case Paging.LINK:
                return f"?{query}"
            case Paging.OUTSIDE_LINK:
                return f"{request.path.removeprefix(_BASE)}?{query}"
            case _:
                return f"http://connect-backend.invalid{request.path}?{query}"


def _truth(word: str) -> bool:
    if word not in {"true", "false"}:
        raise Refused(400, "BadRequest", "ignoreCooldown is true or false")
    return word == "true"


async def _json(request: web.Request) -> JsonValue:
    kind = request.content_type
    if kind not in _BODIES and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Refused(415, "UnsupportedMediaType", "The body is JSON.")
    try:
        body: JsonValue = await request.json()
    except ValueError as error:
        raise Refused(400, "BadRequest", "The body is JSON.") from error
    return body


def _token(offset: int) -> str:
    return urlsafe_b64encode(f"from {offset}".encode()).decode()


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        word, _, offset = urlsafe_b64decode(token).decode().partition(" ")
        if word == "from":
            return int(offset)
    except ValueError:
        pass
    raise Refused(400, "BadRequest", "the continuationToken is not one of ours")


def _error(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    if status == 400:
        body: JsonValue = {"errors": [{"code": code, "message": message}]}
    else:
        body = {"code": code, "message": message}
    return web.json_response(body, status=status, headers=headers)


def _refusal(status: int, error: str) -> web.Response:
    descriptions = {"invalid_client": "Client authentication failed"}
    body = {"error": error, "error_description": descriptions.get(error, "Request refused")}
    return web.json_response(body, status=status)
