"""The meter's web server: the JSON interface, strict as its sources say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import datetime as dt
import json
import ssl
from typing import ClassVar, override

from aiohttp import web

from simulator.keys import Certificate, certificate
from simulator.kostal import records
from simulator.kostal.device import HOSTNAME, Access, KostalKnobs, Persona
from simulator.kostal.tokens import AccessToken, AccessTokens, Role
from simulator.payload import JsonValue
from simulator.server import Origin, ProviderServer, Work, World

_PAGE = (
    "<!DOCTYPE html><html><head><title>{title}</title></head><body><div id=app></div></body></html>"
)
# The meter measures twice a second.
_CYCLE = 0.5
_BACK_END = ("/api/", "/static/", "/apps/")
_DEMO = "home-assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resource:
    """What a path gives, and whether it exists for whom."""

    access: Access
    payload: Callable[[], JsonValue]


class KostalServer(ProviderServer[KostalKnobs]):
    """One meter, by HTTP and by HTTPS with a certificate that it signed itself."""

    name: ClassVar[str] = "kostal"

    def __init__(self, world: World) -> None:
        """Belong to `world`."""
        self._certificate_generation = 0
        self._held: dt.datetime | None = None
        self.tokens = AccessTokens(self.now)
        super().__init__(world, KostalKnobs())

    @override
    def make_origins(self) -> list[Origin]:
        routes = [web.route("*", "/{path:.*}", self._dispatch)]
        return [
            Origin("http", routes),
            Origin("https", routes, certificate=self._context),
        ]

    @override
    def environment(self) -> dict[str, str]:
        return {}  # the wizard asks for the address

    @override
    def credentials(self) -> dict[str, JsonValue]:
        return {
            "host": self.origins["https"].host,
            "scheme": "https",
            "http_host": self.origins["http"].host,
            "fingerprint": self.certificate.fingerprint.hex(),
            "token": self.demo_token.text,
        }

    @override
    def work(self) -> Mapping[str, Work]:
        return {
            "create_token": self._create_token,
            "authorise": lambda given: self.tokens.authorise(str(given["name"])),
            "revoke": lambda given: self.tokens.revoke(str(given["name"])),
            "freeze": lambda _: self.freeze(),
            "thaw": lambda _: self.thaw(),
        }

    def _create_token(self, given: Mapping[str, JsonValue]) -> JsonValue:
        """Take name, role, days (null: never expires), authorised; return the token's text."""
        days = given.get("days", 365)
        token = self.tokens.create(
            str(given["name"]),
            role=Role(str(given.get("role", Role.API))),
            lifetime=dt.timedelta(days=float(days)) if isinstance(days, int | float) else None,
            authorised=given.get("authorised") is not False,
        )
        return token.text

    @property
    def demo_token(self) -> AccessToken:
        """An authorised token of role api; made when it is asked for the first time."""
        found = self.tokens.get(_DEMO)
        return self.tokens.create(_DEMO) if found is None else found

    @property
    def certificate(self) -> Certificate:
        """The certificate that HTTPS shows; its common name is the host name of first boot."""
        return certificate(f"{HOSTNAME.lower()}.local", self._certificate_generation)

    def _context(self) -> ssl.SSLContext:
        return self.certificate.context()

    async def swap_certificate(self) -> Certificate:
        """Show another certificate with the same name, as another device would; same port."""
        self._certificate_generation += 1
        await self.restart("https")
        return self.certificate

    def now(self) -> dt.datetime:
        """Return the meter's own time."""
        return self.world.clock.now() + dt.timedelta(seconds=self.knobs.clock_offset)

    def measured(self) -> dt.datetime:
        """Return the time of the meter's last measurement by its own clock."""
        now = self.now() if self._held is None else self._held
        return dt.datetime.fromtimestamp(now.timestamp() // _CYCLE * _CYCLE, dt.UTC)

    def freeze(self) -> None:
        """Stop measuring: the timestamp and the values stay."""
        self._held = self.now()

    def thaw(self) -> None:
        """Measure again."""
        self._held = None

    @override
    def not_found(self, request: web.Request) -> web.Response:
        return self._error(404, "The requested endpoint does not exist.")

    @override
    def method_not_allowed(self, request: web.Request, allowed: set[str]) -> web.Response:
        return self._error(405, "The requested method is not allowed.")

    def _error(self, status: int, message: str) -> web.Response:
        if self.knobs.json_errors:
            return _json({"error": {"message": message}}, status)
        return web.Response(status=status, text=f"{status} {message}\n")

    async def _dispatch(self, request: web.Request) -> web.Response:
        if self.knobs.persona is Persona.OTHER:
            return _page("Some other device")
        if self.knobs.persona is Persona.LEGACY:
            return _legacy(request)
        if not request.path.startswith(_BACK_END):
            return _page("KOSTAL Smart Energy Meter")
        resource = self._resources().get(request.path)
        if resource is None or resource.access is Access.OFF:
            return self.not_found(request)
        if request.method != "GET":
            return self.method_not_allowed(request, {"GET"})
        needed = {Role.ADMIN} if resource.access is Access.ADMIN else {Role.API, Role.ADMIN}
        role = self._role(request.headers.get("Authorization", ""))
        self.note(request, authorised=role in needed)
        if role not in needed:
            # A bad token and a role that is not enough look alike. Source: vendor.
            return web.Response(status=401)
        return _json(resource.payload())

    def _role(self, header: str) -> Role | None:
        """Return the caller's role. The scheme is compared exactly. Source: vendor."""
        match header.split(" "):
            case ["Bearer", text] if not self.knobs.clock_unset:
                return self.tokens.role(text)
            case _:
                return None

    def _resources(self) -> dict[str, _Resource]:
        knobs, at = self.knobs, self.measured()
        meter = _Resource(access=Access.ON, payload=self._smart_meter)
        standard = {knobs.resource.format(device=device): meter for device in knobs.devices}
        return standard | {
            "/api/json/local/config/smart-meter": _Resource(
                access=knobs.config,
                payload=lambda: {knobs.record: records.description(list(self._values(at)))},
            ),
            "/api/json/local/values/kostal-energyflow/sumvalues": _Resource(
                access=knobs.energy_flow,
                payload=lambda: {
                    "sumvalues": self._envelope(records.energy_flow(self.world.house, at))
                },
            ),
            "/api/device-settings": _Resource(
                access=knobs.device_settings, payload=records.device_settings
            ),
            "/api/device-settings/deviceusage": _Resource(
                access=knobs.device_usage, payload=lambda: records.device_usage(at)
            ),
        }

    def _values(self, at: dt.datetime) -> records.Values:
        values = records.smart_meter(self.world.house, at)
        return {key: value for key, value in values.items() if key not in self.knobs.missing}

    def _smart_meter(self) -> JsonValue:
        return {self.knobs.record: self._envelope(self._values(self.measured()))}

    def _envelope(self, values: records.Values) -> JsonValue:
        at = self.measured()
        return {
            "configuration_id": self.knobs.configuration_id,
            "status": self.knobs.status,
            "timestamp": {
                "seconds": int(at.timestamp()),
                "nanos": at.microsecond * 1000,
            },
            "values": values,
        }


def _json(payload: JsonValue, status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(payload).encode(),
        content_type="application/json",
    )


def _page(title: str) -> web.Response:
    return web.Response(text=_PAGE.format(title=title), content_type="text/html")


def _legacy(request: web.Request) -> web.Response:
    """Answer as the older TQ generation, of which only `/start.php` is known."""
    if request.path == "/start.php":
        return _json({"serial": "60000001", "authentication": False})
    return web.Response(status=404, text=_PAGE.format(title="Not found"), content_type="text/html")
