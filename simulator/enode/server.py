"""Enode's endpoints: lists and tokens; what else there is stands in `acting`."""

import base64
import binascii
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
import json
from typing import ClassVar, override

from aiohttp import web

from simulator.enode.acting import NEED_BODY, ROUTES, Acting, Asked, Memory
from simulator.enode.assets import Assets
from simulator.enode.knobs import OWNER, EnodeKnobs
from simulator.enode.problems import NO_SITE_STATISTICS, Refused
from simulator.enode.statistics import RESOLUTIONS, Statistics
from simulator.enode.tokens import PRODUCTION, SANDBOX, Client, Tokens
from simulator.payload import JsonObject, JsonValue
from simulator.server import Origin, ProviderServer, Work, World

VERSION = "2024-10-01"

type Endpoint = Callable[[web.Request, Assets], web.Response]

_LISTS = (
    "vehicles",
    "chargers",
    "batteries",
    "inverters",
    "hvacs",
    "meters",
    "hem-systems",
    "locations",
)
_CHARGING = frozenset({"startDate", "endDate", "type", "id", "locationId"})
_PAGING = frozenset({"after", "before", "pageSize"})


class EnodeServer(ProviderServer[EnodeKnobs]):
    """The client API and the token endpoint of both environments.

    The environment is the first segment of each path, where the real one has it in the host name.
    """

    name: ClassVar[str] = "enode"

    def __init__(self, world: World) -> None:
        """Belong to `world`."""
        self.tokens = Tokens(world.clock.now)
        self._recent: deque[float] = deque()
        self._began = world.clock.now()
        knobs = EnodeKnobs()
        self.memories = {
            environment: Memory(knobs, world.house) for environment in (PRODUCTION, SANDBOX)
        }
        super().__init__(world, knobs)

    @override
    def make_origins(self) -> list[Origin]:
        def get(path: str, endpoint: Endpoint) -> web.RouteDef:
            return web.get(
                f"/{{environment:production|sandbox}}{path}",
                self._reading(endpoint),
                allow_head=False,
            )

        def act(method: str, path: str, acting: Acting) -> web.RouteDef:
            base = "/{environment:production|sandbox}"
            return web.route(method, f"{base}{path}", self._doing(acting))

        routes: list[web.AbstractRouteDef] = [
            *(act(*route) for route in ROUTES),
            get("/users", self._users),
            get("/users/{user}", self._user),
            *(get(f"/{name}", self._list(name)) for name in _LISTS),
            *(get(f"/users/{{user}}/{name}", self._list(name)) for name in _LISTS),
            *(get(f"/{name}/{{id}}", self._one(name)) for name in _LISTS),
            get("/users/{user}/statistics/charging", self._charging_hours),
            get("/users/{user}/statistics/charging/sessions", self._charging_sessions),
            get("/inverters/{id}/statistics", self._inverter_statistics),
            get("/hem-systems/{id}/statistics", self._site_statistics),
            web.get(
                "/{environment:production|sandbox}/health/ready", self._ready, allow_head=False
            ),
        ]
        token = web.post("/{environment:production|sandbox}/oauth2/token", self._token)
        page = "/{environment:production|sandbox}/link/{token}"
        pages = [web.get(page, self._page_of_session), web.post(page, self._leave_page)]
        return [Origin("api", routes), Origin("oauth", [token]), Origin("link", pages)]

    @override
    def environment(self) -> dict[str, str]:
        return {
            "ENERGY_CONNECT_ENODE_API_URL": f"{self.url}/{{environment}}",
            "ENERGY_CONNECT_ENODE_AUTH_URL": f"{self.origins['oauth'].url}/{{environment}}",
        }

    @override
    def credentials(self) -> dict[str, JsonValue]:
        shown: dict[str, dict[str, JsonValue]] = {
            name: {
                "environment": name,
                "client_id": client.client_id,
                "client_secret": client.secret,
            }
            for name, client in self.tokens.clients.items()
        }
        return {**shown["production"], "sandbox": shown["sandbox"], "owner": OWNER}

    @override
    def work(self) -> Mapping[str, Work]:
        return {
            "regenerate_secret": lambda given: self.regenerate_secret(str(given["environment"])),
            "forget_tokens": lambda _: self.tokens.forget(),
        }

    def regenerate_secret(self, environment: str) -> str:
        """End the client's secret and return the new one; tokens live on (assumed)."""
        client = self.tokens.clients[environment]
        client.generation += 1
        return client.secret

    @override
    def not_found(self, request: web.Request) -> web.Response:
        return Refused(404, "There is no such resource.").response()

    @override
    def method_not_allowed(self, request: web.Request, allowed: set[str]) -> web.Response:
        refusal = Refused(
            405, "The method is not allowed.", headers={"Allow": ", ".join(sorted(allowed))}
        )
        return refusal.response()

    # Tokens

    async def _token(self, request: web.Request) -> web.Response:
        """Exchange client credentials, shown by Basic authentication alone."""
        if request.content_type != "application/x-www-form-urlencoded":
            return _oauth_error(400, "invalid_request", "The body is no form.")
        form = await request.post()
        grant = str(form.get("grant_type", ""))
        self.note(request, grant_type=grant)
        scheme, _, basic = request.headers.get("Authorization", "").partition(" ")
        client = self._client(request, basic) if scheme == "Basic" else None
        self.note(request, authorised=client is not None)
        if client is None:
            return _oauth_error(401, "invalid_client", "Client authentication failed.")
        if grant != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type", "The grant is not supported.")
        if not self.knobs.grant_allowed:
            return _oauth_error(400, "unauthorized_client", "The client may not use this grant.")
        lifetime = self.knobs.token_lifetime
        return web.json_response(
            {
                "access_token": self.tokens.issue(client, lifetime),
                "expires_in": lifetime,
                "scope": "",
                "token_type": "bearer",
            }
        )

    def _client(self, request: web.Request, basic: str) -> Client | None:
        return self.tokens.client(request.match_info["environment"], basic)

    # Reading

    async def _ready(self, _: web.Request) -> web.Response:
        """Answer the only call that needs no token."""
        return web.Response(status=204)

    def _reading(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Return a handler that answers only a well-formed and authorised request."""

        async def handler(request: web.Request) -> web.Response:
            try:
                self._admit(request)
                return endpoint(request, self._assets(request))
            except Refused as refusal:
                return refusal.response()

        return handler

    def _admit(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        good = scheme == "Bearer" and self.tokens.good(request.match_info["environment"], token)
        self.note(request, authorised=good)
        if not good:
            raise Refused(401, "The access token is missing, expired or unknown.")
        self._throttle()
        if "Enode-User-Id" in request.headers:
            raise Refused(400, "Enode-User-Id is not supported since version 2023-08-01.")
        if request.headers.get("Enode-Version") != VERSION:
            # Without the header the client's own version would count, which is not simulated.
            raise Refused(400, f"This is version {VERSION}.")

    def _throttle(self) -> None:
        now = self.world.clock.timestamp()
        while self._recent and self._recent[0] <= now - 60:
            self._recent.popleft()
        limit, wait = self.knobs.per_minute, self.knobs.retry_after
        if limit is not None and len(self._recent) >= limit:
            raise Refused(
                429, "Too many requests.", headers={} if wait is None else {"Retry-After": wait}
            )
        self._recent.append(now)

    def _assets(self, request: web.Request) -> Assets:
        now, memory = self._now(request), self._memory(request)
        memory.desk.actions.settle(self.world.clock.now())
        still = request.match_info["environment"] == SANDBOX
        return Assets(self.world.house, self.knobs, memory.states, now, self._began, still=still)

    def _now(self, request: web.Request) -> datetime:
        """Return what time it is; in the sandbox values never move by themselves (vendor)."""
        sandbox = request.match_info["environment"] == SANDBOX
        return self._began if sandbox else self.world.clock.now()

    def _memory(self, request: web.Request) -> Memory:
        return self.memories[request.match_info["environment"]]

    # Acting

    def _doing(self, acting: Acting) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Return a handler that acts upon a well-formed and authorised request."""

        async def handler(request: web.Request) -> web.Response:
            try:
                self._admit(request)
                asked = Asked(
                    request=request,
                    memory=self._memory(request),
                    assets=self._assets(request),
                    body=await _body(request),
                    now=self.world.clock.now(),
                    page=f"{self.origins['link'].url}/{request.match_info['environment']}/link",
                )
                return acting(asked)
            except Refused as refusal:
                return refusal.response()

        return handler

    async def _page_of_session(self, request: web.Request) -> web.Response:
        """Show an owner the Link page."""
        links = self._memory(request).links
        return links.page(request.match_info["token"], self.world.clock.now())

    async def _leave_page(self, request: web.Request) -> web.Response:
        """Take what an owner clicked on the Link page."""
        links, now = self._memory(request).links, self.world.clock.now()
        token, form = request.match_info["token"], await request.post()
        return links.leave(self._assets(request), token, form, now)

    def _users(self, request: web.Request, assets: Assets) -> web.Response:
        _refuse_unknown(request, _PAGING)
        self._refuse_listing("users")
        return self._page(request, [partial(dict, user) for user in assets.users()])

    def _user(self, request: web.Request, assets: Assets) -> web.Response:
        _refuse_unknown(request, frozenset())
        user = assets.user(request.match_info["user"])
        if user is None:
            raise Refused(404, "User not found.")
        return web.json_response(user)

    def _list(self, name: str) -> Endpoint:
        def endpoint(request: web.Request, assets: Assets) -> web.Response:
            _refuse_unknown(request, _PAGING)
            self._refuse_listing(name)
            rows = assets.lists()[name]
            user = request.match_info.get("user")
            if user is not None:
                # That the lists of a user who never linked are not found either is assumed.
                if user not in self.knobs.users:
                    raise Refused(404, "User not found.")
                rows = [row for row in rows if row.user == user]
            return self._page(request, [row.make for row in rows])

        return endpoint

    def _one(self, name: str) -> Endpoint:
        def endpoint(request: web.Request, assets: Assets) -> web.Response:
            _refuse_unknown(request, frozenset())
            self._refuse_listing(name)
            for row in assets.lists()[name]:
                if row.id == request.match_info["id"]:
                    return web.json_response(row.make())
            raise Refused(404, "There is no such asset.")

        return endpoint

    # Statistics

    def _statistics(self, request: web.Request, assets: Assets) -> Statistics:
        return Statistics(self.world.house, self.knobs, self._now(request), assets)

    def _charging_hours(self, request: web.Request, assets: Assets) -> web.Response:
        _refuse_unknown(request, _CHARGING | {"resolution", "utcOffset"})
        self._refuse_statistics("hours")
        user, kind, device, span = self._charging(request, assets)
        resolution = request.query.get("resolution", "DAY")
        if resolution not in RESOLUTIONS:
            raise Refused(400, "resolution is unknown.")
        step = RESOLUTIONS[resolution]
        rows = self._statistics(request, assets).hours(user, kind, device, span, step)
        return web.json_response(rows)

    def _charging_sessions(self, request: web.Request, assets: Assets) -> web.Response:
        _refuse_unknown(request, _CHARGING)
        self._refuse_statistics("sessions")
        rows = self._statistics(request, assets).sessions(*self._charging(request, assets))
        return web.json_response(rows)

    def _charging(
        self, request: web.Request, assets: Assets
    ) -> tuple[str, str, str | None, tuple[datetime, datetime]]:
        """Return user, kind, device and span of a question for charging statistics."""
        user, kind = request.match_info["user"], request.query.get("type", "")
        if kind not in {"charger", "vehicle", "hvac"}:
            raise Refused(400, "type is missing or unknown.")
        start = _moment(request, "startDate")
        if start is None:
            raise Refused(400, "startDate is missing.")
        if assets.user(user) is None:
            raise Refused(404, "User not found.")
        end = _moment(request, "endDate") or self._now(request)
        return user, kind, request.query.get("id"), (start, end)

    def _inverter_statistics(self, request: web.Request, assets: Assets) -> web.Response:
        _refuse_unknown(request, frozenset({"year", "month", "day"}))
        self._refuse_statistics("inverters")
        self._refuse_strange(request, assets, "inverters")
        year, month = _whole(request, "year", 1969, 2999), _whole(request, "month", 1, 12)
        if year is None or month is None:
            raise Refused(400, "year or month is missing.")
        day = _whole(request, "day", 1, 31)
        status, answer = self._statistics(request, assets).inverter(year, month, day)
        return web.json_response(answer, status=status)

    def _site_statistics(self, request: web.Request, assets: Assets) -> web.Response:
        _refuse_unknown(request, frozenset({"interval"}))
        self._refuse_strange(request, assets, "hem-systems")
        if "hem-systems" not in self.knobs.statistics:
            raise Refused(
                422,
                "Statistics are not available for this HEM System at the requested interval",
                named=NO_SITE_STATISTICS,
            )
        return web.json_response(
            self._statistics(request, assets).site(request.query.get("interval", ""))
        )

    def _refuse_statistics(self, name: str) -> None:
        if name not in self.knobs.statistics:
            raise Refused(403, "The client may not use this.")

    def _refuse_strange(self, request: web.Request, assets: Assets, name: str) -> None:
        self._refuse_listing(name)
        if request.match_info["id"] not in {row.id for row in assets.lists()[name]}:
            raise Refused(404, "Asset not found")

    def _refuse_listing(self, name: str) -> None:
        if name in self.knobs.forbidden or (name == "hem-systems" and not self.knobs.hem):
            raise Refused(403, "The client may not use this.")
        if name in self.knobs.missing:
            raise Refused(404, "There is no such resource.")

    def _page(self, request: web.Request, rows: Sequence[Callable[[], JsonObject]]) -> web.Response:
        query = request.query
        size = self._page_size(query.get("pageSize"))
        if "after" in query and "before" in query:
            raise Refused(400, "after and before exclude each other.")
        start = 0
        if "after" in query:
            start = _place(query["after"], len(rows))
        elif "before" in query:
            start = max(0, _place(query["before"], len(rows)) - size)
        end = start + size
        after = _cursor(end) if end < len(rows) else None
        if after is None and self.knobs.endless:
            after = _cursor(0)
        pagination: JsonValue = {"after": after, "before": _cursor(start) if start else None}
        return web.json_response(
            {"data": [make() for make in rows[start:end]], "pagination": pagination}
        )

    def _page_size(self, wanted: str | None) -> int:
        if wanted is None:
            return self.knobs.page_size
        if not wanted.isdecimal() or not 1 <= int(wanted) <= self.knobs.page_size:
            raise Refused(400, "pageSize is out of range.")
        return int(wanted)


async def _body(request: web.Request) -> JsonObject:
    """Return the JSON object of a request that needs one, an empty one otherwise."""
    sent = await request.read()
    last = request.path.rpartition("/")[2]
    if request.method not in {"POST", "PUT"} or last not in NEED_BODY:
        if sent:
            raise Refused(400, "There is nothing to say.")
        return {}
    if request.content_type != "application/json":
        raise Refused(415, "The body must be application/json.")
    try:
        body = json.loads(sent)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "The body must be a JSON object.")
    return body


def _refuse_unknown(request: web.Request, known: frozenset[str]) -> None:
    if unknown := set(request.query) - known:
        raise Refused(400, f"Unknown parameter {min(unknown)}.")


def _moment(request: web.Request, name: str) -> datetime | None:
    """Return a time of the query; it has to name its offset."""
    if (value := request.query.get(name)) is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError as error:
        raise Refused(400, f"{name} is no date and time.") from error
    if "T" not in value or at.tzinfo is None:
        raise Refused(400, f"{name} is no date and time.")
    return at


def _whole(request: web.Request, name: str, least: int, most: int) -> int | None:
    """Return a whole number of the query."""
    if (value := request.query.get(name)) is None:
        return None
    if not value.isdecimal() or not least <= int(value) <= most:
        raise Refused(400, f"{name} is out of range.")
    return int(value)


def _cursor(place: int) -> str:
    """Return the opaque cursor of the row at `place`."""
    return base64.urlsafe_b64encode(f"row:{place}".encode()).decode()


def _place(cursor: str, count: int) -> int:
    """Return the place that a cursor of a list of `count` rows names."""
    try:
        word, _, place = base64.urlsafe_b64decode(cursor).decode().partition(":")
    except binascii.Error, UnicodeDecodeError:
        word, place = "", ""
    if word != "row" or not place.isdecimal() or int(place) > count:
        raise Refused(400, "The cursor is unknown.")
    return int(place)


def _oauth_error(status: int, error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=status)
