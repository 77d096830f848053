"""ev.energy's origin: `/v2` is the API, `/o` the authorization server."""

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
import datetime as dt
from itertools import pairwise
import json
from typing import ClassVar, Final, override
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiohttp import web

from simulator.ev_energy.applications import Application, demo_applications
from simulator.ev_energy.authorization import AuthorizationServer
from simulator.ev_energy.calls import Answer, Call
from simulator.ev_energy.episodes import Row, identifier
from simulator.ev_energy.expansion import expanded
from simulator.ev_energy.garage import ZONE, Garage, ids
from simulator.ev_energy.knobs import EvEnergyKnobs, UserHeader
from simulator.ev_energy.logs import log_page, moment, page_size
from simulator.ev_energy.problems import Problem
from simulator.ev_energy.tokens import Pair
from simulator.ev_energy.writes import Writes
from simulator.payload import JsonValue
from simulator.server import Origin, ProviderServer, Work, World

_HOUR: Final = 3600.0
_VERSION: Final = "2"
_PAGING: Final = frozenset({"page_size", "page_after", "page_before"})
_VEHICLE_EXPANSIONS: Final = ("user", "latest_status_log", "trim", "trim.model", "trim.model.make")
_CHARGER_EXPANSIONS: Final = ("user", "latest_status_log", "model", "model.make")
_SESSION_EXPANSIONS: Final = ("vehicle", "evse")
_EPISODE_EXPANSIONS: Final = ("vehicle", "evse", "sub_sessions")
_LOG: Final = ("latest_status_log",)
_SESSION_FILTERS: Final = frozenset(
    {"vehicle_id", "evse_id", "is_finished", "mode", "start__gt", "start__lt"}
)


class EvEnergyServer(ProviderServer[EvEnergyKnobs]):
    """One origin with the API and the authorization server."""

    name: ClassVar[str] = "ev_energy"

    def __init__(self, world: World) -> None:
        """Belong to `world`."""
        knobs = EvEnergyKnobs()
        self.applications: dict[str, Application] = demo_applications()
        self.garage = Garage(world, knobs)
        self._writes = Writes(self.garage, knobs)
        self.authorization = AuthorizationServer(
            world,
            knobs,
            self.applications,
            lambda request, grant: self.note(request, authorised=True, grant=grant),
        )
        self._spent: defaultdict[tuple[str, int | None], deque[float]] = defaultdict(deque)
        super().__init__(world, knobs)

    @property
    def browser(self) -> Application:
        """The demo's application for signing in."""
        return self.applications["simulated-browser-application"]

    @property
    def own(self) -> Application:
        """The demo's application that asks in its own name."""
        return self.applications["simulated-own-application"]

    def browser_application(self, redirect: str) -> Application:
        """Return the application for signing in, with one more redirect address registered."""
        self.register_redirect(redirect)
        return self.browser

    def register_redirect(self, redirect: str) -> None:
        """Let the application for signing in return to this address too."""
        self.browser.redirects.add(redirect)

    @override
    def environment(self) -> dict[str, str]:
        return {
            "ENERGY_CONNECT_EV_ENERGY_API_URL": f"{self.url}/v2",
            "ENERGY_CONNECT_EV_ENERGY_AUTH_URL": f"{self.url}/o",
        }

    @override
    def credentials(self) -> dict[str, JsonValue]:
        return {
            "client_id": self.own.client_id,
            "client_secret": self.own.client_secret,
            "sign_in_client_id": self.browser.client_id,
            "sign_in_client_secret": self.browser.client_secret,
        }

    @override
    def work(self) -> Mapping[str, Work]:
        return {
            "register_redirect": lambda given: self.register_redirect(str(given["uri"])),
            "end_all_tokens": lambda _: self.authorization.tokens.end_all(),
            "expire_access_tokens": lambda _: self.authorization.tokens.expire_access(),
        }

    @override
    def not_found(self, request: web.Request) -> web.Response:
        return Problem(404, "Not found.").response(self._base)

    @override
    def method_not_allowed(self, request: web.Request, allowed: set[str]) -> web.Response:
        if request.path.startswith("/o/"):
            names = ", ".join(sorted({*allowed, "OPTIONS"}))
            return web.Response(status=405, headers={"Allow": names})
        return Problem(405, f'Method "{request.method}" not allowed.').response(self._base)

    @property
    def _base(self) -> str:
        return f"{self.url}/v2"

    @override
    def make_origins(self) -> list[Origin]:
        garage, writes = self.garage, self._writes
        lists: tuple[tuple[str, str, Callable[[int | None], list[Row]], tuple[str, ...]], ...] = (
            ("vehicles", "vehicle:read", garage.vehicles, _VEHICLE_EXPANSIONS),
            ("evses", "evse:read", garage.chargers, _CHARGER_EXPANSIONS),
            (
                "charging_sessions",
                "charging_session:read",
                garage.charging_sessions,
                _EPISODE_EXPANSIONS,
            ),
            ("hem_systems", "home_energy:read", garage.systems, ()),
            ("home_batteries", "home_battery:read", garage.batteries, _LOG),
            ("inverters", "inverter:read", garage.inverters, _LOG),
            ("boundary_meters", "boundary_meter:read", garage.meters, _LOG),
        )
        routes = [
            *self.authorization.routes(),
            *writes.routes(),
            self._route("/v2/", None, lambda _: self._index()),
            self._route("/v2/users", "user:read", self._users, about_user=False),
            self._route("/v2/users/{user}", "user:read", self._user),
            self._route("/v2/tariffs/{tariff}", "tariff:read", self._tariff),
            self._route("/v2/charging_sub_sessions", "charging_session:read", self._sessions),
            self._route(
                "/v2/charging_sub_sessions/{session}/schedules",
                "charging_session:read",
                self._plan,
            ),
            self._route(
                "/v2/charging_sessions/{session}", "charging_session:read", self._charging_session
            ),
            self._route("/v2/vehicles/{vehicle}", "vehicle:read", self._vehicle),
            self._route(
                "/v2/vehicles/{vehicle}", "vehicle:write", writes.patch_vehicle, method="PATCH"
            ),
            self._route("/v2/vehicles/{vehicle}/reconnect", None, writes.reconnect, method="POST"),
            self._route("/v2/hem_systems/{system}/live_power", "home_energy:read", self._live),
            self._route("/v2/hem_systems/{system}/energy_stats", "home_energy:read", self._stats),
        ]
        for path, scope, rows, expansions in lists:
            routes.append(self._route(f"/v2/{path}", scope, self._listing(path, rows, expansions)))
        routes += [
            self._route(
                f"/v2/charging_sessions/{{session}}/boost_{word}",
                "charging_session:write",
                answer,
                method="POST",
            )
            for word, answer in (("start", writes.start_boost), ("end", writes.end_boost))
        ]
        routes += [
            self._route(f"/v2/{path}/{{own}}/status_logs", scope, self._logs(path))
            for path, scope in (("vehicles", "vehicle:read"), ("evses", "evse:read"))
        ]
        # With a slash they exist only where a knob wants it.
        slashed = [
            web.route(route.method, f"{route.path}/", route.handler)
            for route in routes
            if route.path.startswith("/v2/") and not route.path.endswith("/")
        ]
        return [Origin("api", [*routes, *slashed])]

    def _route(
        self,
        path: str,
        scope: str | None,
        answer: Answer,
        *,
        about_user: bool = True,
        method: str = "GET",
    ) -> web.RouteDef:
        """Return a route that lets through only what the API would; `scope` None: any token."""

        async def handle(request: web.Request) -> web.Response:
            if self.knobs.edge and "Authorization" not in request.headers:
                return web.Response(status=403, text="Forbidden")
            limits: dict[str, str] = {}
            try:
                pair = self._bearer(request)
                limits = self._limited(pair, request)
                _check_headers(request)
                _check_scope(pair, scope)
                user = self._about(request, pair) if about_user else pair.user
                body = await request.read()
                given = answer(Call(request=request, pair=pair, user=user, body=body))
            except Problem as problem:
                response = problem.response(self._base)
            else:
                response = given if isinstance(given, web.Response) else web.json_response(given)
            response.headers.update({**limits, "EvEnergy-Version": _VERSION})
            return response

        return web.route(method, path, self._slashed(path, handle))

    def _slashed(
        self, path: str, handle: Callable[[web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return the handler of a path that may want a slash at its end."""

        async def answer(request: web.Request) -> web.StreamResponse:
            slashed = request.path.endswith("/") or path.endswith("/")
            if self.knobs.slashes and not slashed:
                target = request.rel_url.with_path(f"{request.path}/", keep_query=True)
                return web.Response(status=301, headers={"Location": str(target)})
            if request.path.endswith("/") and not (self.knobs.slashes or path.endswith("/")):
                return self.not_found(request)
            return await handle(request)

        return answer

    # Who may what.

    def _bearer(self, request: web.Request) -> Pair:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        pair = self.authorization.tokens.bearer(token) if scheme == "Bearer" else None
        self.note(request, authorised=pair is not None)
        if pair is None:
            raise Problem(
                401,
                "Authentication credentials were not provided or are no longer good.",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
        return pair

    def _about(self, request: web.Request, pair: Pair) -> int:
        """Return whom a request is about: who signed in, or whom the header names."""
        if pair.user is not None:
            return pair.user
        header = request.headers.get("EvEnergy-User")
        for number in range(self.knobs.users):
            bare = identifier("user", number)
            address = f"{self._base}/users/{bare}"
            spellings = {
                UserHeader.ID: {bare},
                UserHeader.ADDRESS: {address},
                UserHeader.EITHER: {bare, address},
            }[self.knobs.user_header]
            if header in spellings:
                self.note(request, user=str(number))
                return number
        raise Problem(
            400,
            "The EvEnergy-User header is missing or names no user of this application.",
            fields={"EvEnergy-User": ["Invalid user."]},
        )

    def _limited(self, pair: Pair, request: web.Request) -> dict[str, str]:
        """Count a request; return the headers that tell what is left."""
        now, limit = self.world.clock.timestamp(), self.knobs.rate_limit
        spent = self._spent[pair.application.client_id, pair.user]
        while spent and spent[0] <= now - _HOUR:
            spent.popleft()
        if len(spent) >= limit:
            wait = max(1, round(spent[0] + _HOUR - now)) if spent else int(_HOUR)
            raise Problem(
                429,
                f"Try again in {wait} seconds",
                kind="rate-limit-exceeded",
                headers={
                    self.knobs.retry_after_name: str(wait),
                    "x-ratelimit-limit": str(limit),
                    "x-ratelimit-remaining": "0",
                },
            )
        spent.append(now)
        return {"x-ratelimit-limit": str(limit), "x-ratelimit-remaining": str(limit - len(spent))}

    # Resources.

    def _index(self) -> JsonValue:
        return {"vehicles": f"{self._base}/vehicles/", "evses": f"{self._base}/evses/"}

    def _users(self, call: Call) -> web.Response:
        everybody = self.garage.users()
        own = everybody if call.pair.user is None else [everybody[call.pair.user]]
        if (email := call.request.query.get("email")) is not None:
            own = [row for row in own if row["email"] == email]
        return self._page(call, "users", own, (), filters=frozenset({"email"}))

    def _user(self, call: Call) -> JsonValue:
        call.check_query()
        user = call.user or 0
        if call.path("user") not in {"me", identifier("user", user)}:
            raise Problem(404, "Not found.")
        return self.garage.user(user)

    def _tariff(self, call: Call) -> JsonValue:
        call.check_query()
        tariff = self.garage.tariff(call.path("tariff"))
        if tariff is None:
            raise Problem(404, "Not found.")
        return tariff

    def _listing(
        self, path: str, rows: Callable[[int | None], list[Row]], expansions: tuple[str, ...]
    ) -> Answer:
        def answer(call: Call) -> web.Response:
            return self._page(call, path, rows(call.user), expansions)

        return answer

    def _sessions(self, call: Call) -> web.Response:
        query = call.request.query
        found = self.garage.sessions(call.user)
        if (vehicle := query.get("vehicle_id")) is not None:
            found = [row for row in found if str(row["vehicle"]).endswith(f"/{vehicle}")]
        if (charger := query.get("evse_id")) is not None:
            found = [row for row in found if str(row["evse"]).endswith(f"/{charger}")]
        if (finished := query.get("is_finished")) is not None:
            found = [row for row in found if (row["end"] is not None) is (finished == "true")]
        if (mode := query.get("mode")) is not None:
            found = [row for row in found if row["mode"] == mode]
        if (after := query.get("start__gt")) is not None:
            found = [row for row in found if moment(str(row["start"])) > moment(after)]
        if (before := query.get("start__lt")) is not None:
            found = [row for row in found if moment(str(row["start"])) < moment(before)]
        path = "charging_sub_sessions"
        return self._page(call, path, found, _SESSION_EXPANSIONS, filters=_SESSION_FILTERS)

    def _vehicle(self, call: Call) -> JsonValue:
        call.check_query(frozenset({"expand"}))
        wanted = call.request.query.getall("expand", [])
        _check_expansions(wanted, _VEHICLE_EXPANSIONS)
        for row in self.garage.vehicles(call.user):
            if row["id"] == call.path("vehicle"):
                return expanded(row, wanted)
        raise Problem(404, "Not found.")

    def _charging_session(self, call: Call) -> JsonValue:
        call.check_query()
        episode = self.garage.episode(call.user, call.path("session"))
        if episode is None:
            raise Problem(404, "Not found.")
        return self.garage.charging_session(episode)

    def _logs(self, path: str) -> Answer:
        def answer(call: Call) -> web.Response:
            logs = self.garage.logs(call.user, path, call.path("own"))
            if logs is None:
                raise Problem(404, "Not found.")
            now = self.world.clock.now()
            return log_page(call, logs, now=now, origin=self.url, knobs=self.knobs)

        return answer

    def _plan(self, call: Call) -> JsonValue:
        call.check_query(frozenset({"only_most_recently_created"}))
        plan = self.garage.plan(call.user, call.path("session"))
        if plan is None:
            raise Problem(404, "Not found.")
        return plan

    def _check_system(self, call: Call) -> None:
        if call.path("system") not in ids(self.garage.systems(call.user)):
            raise Problem(404, "Not found.")

    def _live(self, call: Call) -> JsonValue:
        self._check_system(call)
        call.check_query()
        return self.garage.live_power()

    def _stats(self, call: Call) -> JsonValue:
        """Answer days only; the window must begin at midnight of the home's zone."""
        self._check_system(call)
        call.check_query(frozenset({"start", "end", "resolution"}))
        query, zone = call.request.query, ZoneInfo(ZONE)
        try:
            start, end = (dt.datetime.fromisoformat(query[name]) for name in ("start", "end"))
            local = [start.astimezone(zone), end.astimezone(zone)]
        except (KeyError, ValueError) as error:
            raise Problem(400, "start and end are needed.") from error
        aligned = all(one.time() == dt.time() for one in local) and start.tzinfo is not None
        days = (local[1].date() - local[0].date()).days
        if query.get("resolution") != "P1D" or not aligned or not 1 <= days <= 31:
            raise Problem(400, "The window must be whole local days, at most 31, by P1D.")
        starts = [
            dt.datetime.combine(local[0].date() + dt.timedelta(days=day), dt.time(), zone)
            for day in range(days + 1)
        ]
        edges = [one.astimezone(dt.UTC) for one in starts]
        return {
            "resolution": "P1D",
            "start": query["start"],
            "end": query["end"],
            "buckets": [self.garage.bucket(first, last) for first, last in pairwise(edges)],
        }

    def _page(
        self,
        call: Call,
        path: str,
        rows: list[Row],
        expansions: tuple[str, ...],
        *,
        filters: frozenset[str] = frozenset(),
    ) -> web.Response:
        """Return one page with its `Link` header; nothing is expanded that was not asked for."""
        query = call.request.query
        call.check_query(filters | _PAGING | {"expand"})
        wanted = query.getall("expand", [])
        _check_expansions(wanted, expansions)
        if set(wanted) & self.knobs.refused_expansions:
            raise Problem(403, "An expansion needs another scope.")
        size = page_size(query.get("page_size", "25"), self.knobs)
        first = 0
        if (after := query.get("page_after")) is not None:
            known = [str(row["id"]) for row in rows]
            if after not in known:
                raise Problem(400, "Unknown cursor.", kind="pagination-parameters")
            first = known.index(after) + 1
        last = first + size
        shown: list[JsonValue] = [expanded(row, wanted) for row in rows[first:last]]
        if first == 0:
            shown = [*self.knobs.extra_rows.get(path, []), *shown]
        link = "about:blank"
        if last < len(rows):
            kept = [(key, value) for key, value in query.items() if key != "page_after"]
            following = urlencode([*kept, ("page_after", str(rows[last - 1]["id"]))])
            origin = self.knobs.link_base or self.url
            link = f"{origin}/v2/{path}?{following}"
        return web.Response(
            body=json.dumps(shown).encode(),
            content_type="application/json",
            headers={"Link": f'<about:blank>; rel="previous", <{link}>; rel="next"'},
        )

    @override
    async def start(self, port: int = 0) -> int:
        following = await super().start(port)
        self.garage.base = self._base
        return following


def _check_scope(pair: Pair, scope: str | None) -> None:
    if scope is not None and scope not in pair.scopes:
        raise Problem(403, f"This needs the scope {scope}.")


def _check_expansions(wanted: list[str], known: tuple[str, ...]) -> None:
    if unknown := [name for name in wanted if name not in known]:
        raise Problem(400, "Unknown expansion.", fields={"expand": list(unknown)})


def _check_headers(request: web.Request) -> None:
    accept = request.headers.get("Accept", "*/*")
    if not any(kind in accept for kind in ("application/json", "application/*", "*/*")):
        raise Problem(406, "Could not satisfy the request Accept header.")
    if request.headers.get("EvEnergy-Version", _VERSION) not in {_VERSION, "2.0"}:
        raise Problem(400, "Unknown EvEnergy-Version.")
