"""Enectiva's endpoints."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
import datetime as dt
import json
from typing import ClassVar, override
from urllib.parse import urlencode

from aiohttp import web

from simulator.enectiva import rows
from simulator.enectiva.documents import MEDIA_TYPE, Resource, answer, listing, single
from simulator.enectiva.errors import Refused
from simulator.enectiva.knobs import EnectivaKnobs, Identification, Links
from simulator.enectiva.past import Past
from simulator.enectiva.portfolio import (
    TIME_ZONE,
    DataSeries,
    Entity,
    Meter,
    Portfolio,
    VirtualMeter,
    demo,
    generated,
)
from simulator.enectiva.queries import Grammar, Query, parse
from simulator.enectiva.tokens import CUSTOMER_UUID, Tokens
from simulator.payload import JsonObject, JsonValue
from simulator.server import Origin, ProviderServer, Work, World

type Endpoint = Callable[[web.Request], Awaitable[web.Response] | web.Response]

_READING_TIMES = Grammar(filter="readings.time", sorted=True)
_POINT_TIMES = Grammar(filter="data_series.time", sorted=True)
_METER_MONTHS = Grammar(filter="meter_deltas.time", aware=False, paged=False, sorted=True)
_ENTITY_MONTHS = Grammar(filter="entity_deltas.time", aware=False, paged=False, sorted=True)
# How a virtual meter's deltas are filtered is not known.
_VIRTUAL_MONTHS = Grammar(paged=False, sorted=True)


class EnectivaServer(ProviderServer[EnectivaKnobs]):
    """The REST API with one customer."""

    name: ClassVar[str] = "enectiva"

    def __init__(self, world: World) -> None:
        """Belong to `world`."""
        self.tokens = Tokens(world.clock.now)
        self.past = Past()
        self._recent: deque[float] = deque()
        super().__init__(world, EnectivaKnobs())

    @override
    def make_origins(self) -> list[Origin]:
        def get(path: str, scope: str, endpoint: Endpoint) -> web.RouteDef:
            return web.get(path, self._read(scope, endpoint), allow_head=False)

        routes = [
            web.post("/access_tokens", self._refusing(self._exchange)),
            get("/entities", "entities", self._entities),
            get("/entities/{id}", "entities", self._entity),
            get("/entities/{id}/deltas", "entity_deltas", self._entity_deltas),
            get("/meters", "meters", self._meters),
            get("/meters/{id}", "meters", self._meter),
            get("/meters/{id}/readings", "readings", self._readings),
            get("/meters/{id}/deltas", "meter_deltas", self._meter_deltas),
            get("/virtual_meters/{id}/deltas", "virtual_meter_deltas", self._virtual_deltas),
            get("/data_series/{id}/data_points", "data_points", self._data_points),
        ]
        return [Origin("api", routes)]

    @override
    def environment(self) -> dict[str, str]:
        return {"ENERGY_CONNECT_ENECTIVA_API_URL": self.url}

    @override
    def credentials(self) -> dict[str, JsonValue]:
        return {
            "login_token": self.tokens.demo.text,
            "customer_uuid": CUSTOMER_UUID,
            "import_token": self.tokens.import_token,
            "virtual_meter_ids": [one.id for one in self.portfolio.virtual_meters],
            "data_series_ids": [one.id for one in self.portfolio.series],
        }

    @override
    def work(self) -> Mapping[str, Work]:
        return {
            "create_login_token": self._create_login_token,
            "set_scopes": self._set_scopes,
            "revoke": self._revoke,
            "forget_access_tokens": lambda _: self.tokens.forget(),
        }

    def _create_login_token(self, given: Mapping[str, JsonValue]) -> JsonValue:
        """Take scopes; return the new token's text."""
        return self.tokens.create(_names(given["scopes"])).text

    def _set_scopes(self, given: Mapping[str, JsonValue]) -> JsonValue:
        """Take the scopes that the demo's login token has from the next exchange on."""
        self.tokens.demo.scopes = frozenset(_names(given["scopes"]))
        return sorted(self.tokens.demo.scopes)

    def _revoke(self, _: Mapping[str, JsonValue]) -> JsonValue:
        """Delete the demo's login token on the dashboard."""
        self.tokens.demo.revoked = True
        return None

    @property
    def portfolio(self) -> Portfolio:
        """The customer's buildings and meters."""
        count = self.knobs.generated_meters
        return generated(count) if count else demo()

    @property
    def newest(self) -> dt.datetime:
        """Readings up to here are visible."""
        return self.world.clock.now() - dt.timedelta(seconds=self.knobs.delay)

    @override
    def not_found(self, request: web.Request) -> web.Response:
        return Refused(404, "there is no such resource").response()

    @override
    def method_not_allowed(self, request: web.Request, allowed: set[str]) -> web.Response:
        headers = {"Allow": ", ".join(sorted(allowed))}
        return Refused(405, "this method is not supported here", headers).response()

    @override
    def internal_error(self, request: web.Request) -> web.Response:
        return Refused(500, "internal error").response()

    def _refusing(
        self, endpoint: Endpoint
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return a handler with what holds for every endpoint: media types and the limit."""

        async def handler(request: web.Request) -> web.StreamResponse:
            try:
                self._check_limit()
                _check_media_types(request)
                response = endpoint(request)
                return response if isinstance(response, web.Response) else await response
            except Refused as refusal:
                return refusal.response()

        return handler

    def _read(
        self, scope: str, endpoint: Endpoint
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return a handler that needs an access token with the scope."""

        def guarded(request: web.Request) -> Awaitable[web.Response] | web.Response:
            kind, _, text = request.headers.get("Authorization", "").partition(" ")
            token = self.tokens.access(text) if kind == "Bearer" else None
            self.note(request, authorised=token is not None and scope in token.scopes)
            if token is None:
                raise Refused(401, "the access token is missing, unknown or expired")
            if scope not in token.scopes:
                raise Refused(403, f"scope does not include {scope}")
            return endpoint(request)

        return self._refusing(guarded)

    def _check_limit(self) -> None:
        limit = self.knobs.requests_per_minute
        if not limit:
            return
        now, recent = self.world.clock.timestamp(), self._recent
        while recent and recent[0] <= now - 60:
            recent.popleft()
        if len(recent) >= limit:
            wait = max(1, round(recent[0] + 60 - now))
            headers = {"Retry-After": str(wait)} if self.knobs.retry_after else {}
            raise Refused(429, "rate limit exceeded", headers)
        recent.append(now)

    async def _exchange(self, request: web.Request) -> web.Response:
        knobs = self.knobs
        customer, text = _exchange_body(await request.read())
        login = self.tokens.login(customer, text)
        self.note(request, authorised=login is not None, grant="login_token")
        if login is None:
            raise Refused(knobs.bad_credentials, "login token or customer is not valid")
        bearer = request.headers.get("Authorization")
        if knobs.bearer_on_exchange and bearer != f"Bearer {text}":
            raise Refused(401, "the login token is missing in the header")
        token = self.tokens.issue(login, knobs.token_lifetime, opaque=knobs.opaque_tokens)
        resource: JsonObject = {
            "type": "access_tokens",
            "id": token.id,
            "attributes": {"encoded": token.text},
        }
        return answer({"data": resource}, status=201)

    def _entities(self, request: web.Request) -> web.Response:
        found = [rows.entity(one, TIME_ZONE) for one in self.portfolio.entities]
        return self._page(request, Grammar(), lambda _: rows.of(found))

    def _entity(self, request: web.Request) -> web.Response:
        return self._single(rows.entity(_find(self.portfolio.entities, request), TIME_ZONE))

    def _meters(self, request: web.Request) -> web.Response:
        def make(query: Query) -> rows.Rows:
            now = self.world.clock.now()
            return rows.of(
                [
                    rows.meter(one)
                    for one in self.portfolio.meters
                    if query.include_deactivated or one.deactivated is None or one.deactivated > now
                ]
            )

        return self._page(request, Grammar(deactivated=True), make)

    def _meter(self, request: web.Request) -> web.Response:
        return self._single(rows.meter(self._find_meter(request)))

    def _readings(self, request: web.Request) -> web.Response:
        meter = self._find_meter(request)
        return self._page(
            request,
            _READING_TIMES,
            lambda query: rows.readings(
                meter, self.world.house, self.newest, query, self.past, self.world.clock.now()
            ),
        )

    def _meter_deltas(self, request: web.Request) -> web.Response:
        if not self.knobs.meter_deltas:
            return self.not_found(request)
        meter = self._find_meter(request)
        return self._page(
            request,
            _METER_MONTHS,
            lambda query: rows.meter_deltas(meter, self.world.house, self.newest, query),
        )

    def _entity_deltas(self, request: web.Request) -> web.Response:
        entity = _find(self.portfolio.entities, request)
        return self._page(
            request,
            _ENTITY_MONTHS,
            lambda query: rows.entity_deltas(
                entity, self.portfolio, self.world.house, self.newest, query
            ),
        )

    def _virtual_deltas(self, request: web.Request) -> web.Response:
        portfolio = self.portfolio
        virtual_meter = _find(portfolio.virtual_meters, request)
        return self._page(
            request,
            _VIRTUAL_MONTHS,
            lambda query: rows.virtual_meter_deltas(
                virtual_meter, portfolio, self.world.house, self.newest, query
            ),
        )

    def _data_points(self, request: web.Request) -> web.Response:
        series = _find(self.portfolio.series, request)
        return self._page(
            request,
            _POINT_TIMES,
            lambda query: rows.data_points(
                series, self.world.house, self.newest, query, self.past, self.world.clock.now()
            ),
        )

    def _find_meter(self, request: web.Request) -> Meter:
        wanted = request.match_info["id"]
        for one in self.portfolio.meters:
            names = {
                Identification.ID: one.id,
                Identification.CODE: one.code,
                Identification.IDENTIFICATION: one.identification,
            }
            if names[self.knobs.identify_by] == wanted:
                return one
        raise Refused(404, "there is no such meter")

    def _single(self, resource: Resource) -> web.Response:
        return answer(single(resource, self.knobs))

    def _page(
        self, request: web.Request, grammar: Grammar, make: Callable[[Query], rows.Rows]
    ) -> web.Response:
        """Answer one page of a list, with links where the list is paged."""
        query = parse(request.query, grammar, self.knobs)
        found = make(query)
        document = listing(found.page(query), self.knobs)
        if grammar.paged and self.knobs.links is not Links.NONE:
            number = query.page + self.knobs.first_page
            following = self._link(request, number + 1) if found.has_more(query) else None
            document["links"] = {"self": self._link(request, number), "next": following}
        return answer(document)

    def _link(self, request: web.Request, number: int) -> JsonValue:
        kept = [(name, value) for name, value in request.query.items() if name != "page"]
        path = f"{request.path}?{urlencode([*kept, ('page', str(number))])}"
        match self.knobs.links:
            case Links.ABSOLUTE:
                return self.url + path
            case Links.OBJECT:
                return {"href": path}
            case _:
                return path


def _find[T: (Entity, VirtualMeter, DataSeries)](found: Iterable[T], request: web.Request) -> T:
    """Return the one that the path names."""
    for one in found:
        if one.id == request.match_info["id"]:
            return one
    raise Refused(404, "there is no such resource")


def _check_media_types(request: web.Request) -> None:
    """Accept and content type must be JSON:API's, without parameters. Source: vendor."""
    if request.headers.get("Accept") != MEDIA_TYPE:
        raise Refused(406, f"Accept must be {MEDIA_TYPE}")
    sent = request.headers.get("Content-Type")
    if sent != MEDIA_TYPE and (sent is not None or request.method == "POST"):
        raise Refused(415, f"Content-Type must be {MEDIA_TYPE}")


def _exchange_body(body: bytes) -> tuple[str, str]:
    """Return customer and login token from the body of an exchange."""
    try:
        match json.loads(body):
            case {
                "data": {
                    "type": "login_tokens",
                    "attributes": {"customer_uuid": str(customer), "login_token": str(text)},
                }
            }:
                return customer, text
    except ValueError as failure:
        raise Refused(400, "the body is not JSON") from failure
    raise Refused(400, "data must be of type login_tokens, with both attributes")


def _names(value: JsonValue) -> list[str]:
    if not isinstance(value, list):
        msg = "scopes must be a list"
        raise ValueError(msg)  # noqa: TRY004 - the control address answers 400 to it
    return [str(one) for one in value]
