"""What changes something: settings of a vehicle, boosts, connecting a vehicle again.

Source: OpenAPI document, as far as it says; when a boost is not applicable is the documents' list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
import datetime as dt
from html import escape
from typing import Final

from aiohttp import web

from simulator.ev_energy.calls import Call
from simulator.ev_energy.episodes import Episode, Row, stamp
from simulator.ev_energy.expansion import expanded
from simulator.ev_energy.garage import Garage
from simulator.ev_energy.knobs import EvEnergyKnobs
from simulator.ev_energy.problems import Problem
from simulator.ev_energy.tokens import opaque
from simulator.payload import JsonValue

_LIMIT: Final = "maximum_charge_limit_percentage"
_SMART: Final = "smart_charging_enabled"
_LOWEST, _HIGHEST = 50, 100
_RECONNECT_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>ev.energy (simulated)</title></head><body>
<h1>{title}</h1>{body}
</body></html>"""
_FORM: Final = '<form method="post"><button type="submit">Connect {name} again</button></form>'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Invitation:
    """An address under which an owner connects a vehicle again."""

    vehicle: str
    name: str
    expires: dt.datetime


class Writes:
    """Answers the calls that change something."""

    def __init__(self, garage: Garage, knobs: EvEnergyKnobs) -> None:
        """Change what is in the garage."""
        self._garage = garage
        self._knobs = knobs
        self._invitations: dict[str, _Invitation] = {}

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the page that a reconnect address leads to."""
        return [
            web.get("/reconnect/{code}", self._show, allow_head=False),
            web.post("/reconnect/{code}", self._reconnect),
        ]

    # Settings.

    def patch_vehicle(self, call: Call) -> JsonValue:
        """Answer `PATCH /vehicles/{vehicle}`: all or nothing, with the whole vehicle."""
        call.check_query()
        vehicle = self._vehicle(call)
        fields = call.fields()
        _check_settings(fields)
        vehicle_id, steering, now = str(vehicle["id"]), self._garage.steering, self._garage.now
        if isinstance(limit := fields.get(_LIMIT), int):
            steering.set_limit(vehicle_id, limit, now)
        if isinstance(smart := fields.get(_SMART), bool):
            steering.set_smart(vehicle_id, smart, now)
        return expanded(self._vehicle(call), [])

    def _vehicle(self, call: Call) -> Row:
        for row in self._garage.vehicles(call.user):
            if row["id"] == call.path("vehicle"):
                return row
        raise Problem(404, "Not found.")

    # Boosts.

    def start_boost(self, call: Call) -> JsonValue:
        """Answer `POST /charging_sessions/{session}/boost_start`."""
        episode = self._steered(call)
        vehicle_id, now = episode.vehicle.id, self._garage.now
        if not (episode.smart and self._garage.steering.smart(vehicle_id, now)):
            raise Problem(409, "Smart charging is switched off.")
        if episode.boosting(now):
            raise Problem(409, "The session is boosting already.")
        if episode.full(now):
            raise Problem(409, "The vehicle is fully charged.")
        self._deliver(episode)
        self._garage.steering.start_boost(vehicle_id, now)
        return self._session(call)

    def end_boost(self, call: Call) -> JsonValue:
        """Answer `POST /charging_sessions/{session}/boost_end`."""
        episode = self._steered(call)
        if not episode.boosting(self._garage.now):
            raise Problem(409, "The session is not boosting.")
        self._deliver(episode)
        self._garage.steering.end_boost(episode.vehicle.id, self._garage.now)
        return self._session(call)

    def _steered(self, call: Call) -> Episode:
        call.check_query()
        call.check_no_body()
        episode = self._garage.episode(call.user, call.path("session"))
        if episode is None:
            raise Problem(404, "Not found.")
        if not episode.within(self._garage.now):
            raise Problem(409, "The session is over.")
        return episode

    def _deliver(self, episode: Episode) -> None:
        if episode.vehicle.id in self._knobs.unreachable:
            raise Problem(503, "The command could not be delivered.")

    def _session(self, call: Call) -> JsonValue:
        episode = self._garage.episode(call.user, call.path("session"))
        assert episode is not None, "it was there when it was steered"
        return self._garage.charging_session(episode)

    # Connecting again.

    def reconnect(self, call: Call) -> JsonValue:
        """Answer `POST /vehicles/{vehicle}/reconnect` with an address for the owner."""
        call.check_query()
        call.check_no_body()
        vehicle = self._vehicle(call)
        expires = self._garage.now + dt.timedelta(seconds=self._knobs.reconnect_lifetime)
        code = opaque()
        self._invitations[code] = _Invitation(
            vehicle=str(vehicle["id"]), name=str(vehicle["description"]), expires=expires
        )
        origin = self._garage.base.removesuffix("/v2")
        return {"url": f"{origin}/reconnect/{code}", "expires_at": stamp(expires)}

    def _invitation(self, request: web.Request) -> _Invitation | None:
        found = self._invitations.get(request.match_info["code"])
        return found if found is not None and found.expires > self._garage.now else None

    async def _show(self, request: web.Request) -> web.Response:
        found = self._invitation(request)
        if found is None:
            return _page("This link is no longer valid", "", 404)
        return _page("Connect again", _FORM.format(name=escape(found.name)), 200)

    async def _reconnect(self, request: web.Request) -> web.Response:
        found = self._invitation(request)
        if found is None:
            return _page("This link is no longer valid", "", 404)
        del self._invitations[request.match_info["code"]]
        self._knobs.disconnected -= {found.vehicle}
        return _page("Connected", f"<p>{escape(found.name)} is connected again.</p>", 200)


def _check_settings(fields: Mapping[str, JsonValue]) -> None:
    wrong: dict[str, list[JsonValue]] = {}
    for name, value in fields.items():
        if (message := _wrong(name, value)) is not None:
            wrong[name] = [message]
    if wrong:
        raise Problem(400, "Invalid input.", fields=wrong)


def _wrong(name: str, value: JsonValue) -> str | None:
    match name:
        case "maximum_charge_limit_percentage":
            if isinstance(value, bool) or not isinstance(value, int):
                return "A valid integer is required."
            if not _LOWEST <= value <= _HIGHEST:
                return f"Ensure this value is from {_LOWEST} to {_HIGHEST}."
        case "smart_charging_enabled":
            if not isinstance(value, bool):
                return "Must be a valid boolean."
        case "vehicle_class":
            if value not in {"PASSENGER", "COMMERCIAL"}:
                return "Not a valid choice."
        case "battery_size_watt_hours":
            return "Only of vehicles that are not integrated."
        case _:
            return "Unknown."
    return None


def _page(title: str, body: str, status: int) -> web.Response:
    text = _RECONNECT_PAGE.format(title=title, body=body)
    return web.Response(status=status, text=text, content_type="text/html")
