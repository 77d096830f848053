"""Enode's endpoints for what is told, linked or looked up about single devices."""

from collections.abc import Callable
from dataclasses import dataclass
import datetime as dt
from functools import partial

from aiohttp import web

from simulator.enode.assets import LISTS, Assets
from simulator.enode.desk import SCOPES, Desk
from simulator.enode.frames import asset_id
from simulator.enode.knobs import EnodeKnobs
from simulator.enode.linking import LANGUAGES, Links
from simulator.enode.problems import Refused
from simulator.enode.smart import Smart
from simulator.enode.states import States
from simulator.house import House
from simulator.payload import JsonObject


class Memory:
    """What one environment was told; the two know nothing of each other."""

    def __init__(self, knobs: EnodeKnobs, house: House) -> None:
        """Begin with nothing."""
        self.knobs = knobs
        self.house = house
        self.states = States()
        self.desk = Desk(knobs, self.states)
        self.smart = Smart(self.desk, house)
        self.links = Links(knobs, self.states)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An authorised request; `page` is the address of the Link pages."""

    request: web.Request
    memory: Memory
    assets: Assets
    body: JsonObject
    now: dt.datetime
    page: str

    def part(self, name: str) -> str:
        """Return a variable part of the path."""
        return self.request.match_info[name]


type Acting = Callable[[Asked], web.Response]


def _tell(asked: Asked, kind: str, verb: str) -> web.Response:
    """Take a command for a device."""
    desk = asked.memory.desk
    take = {
        "charging": desk.charging,
        "max-current": desk.max_current,
        "operation-mode": desk.operation_mode,
        "permanent-hold": desk.permanent_hold,
        "follow-schedule": desk.follow_schedule,
    }[verb]
    action = take(asked.assets, kind, asked.part("id"), asked.body, asked.now)
    return web.json_response(action.document())


def _action(asked: Asked, kind: str) -> web.Response:
    action = asked.memory.desk.actions.find(kind, asked.part("action"))
    if action is None:
        return web.Response(status=404)  # without a body (vendor)
    return web.json_response(action.document())


def _cancel(asked: Asked, kind: str) -> web.Response:
    actions = asked.memory.desk.actions
    action = actions.find(kind, asked.part("action"))
    if action is None:
        return web.Response(status=404)
    cancelled = actions.cancel(action, asked.now)
    return web.json_response(action.document(), status=200 if cancelled else 409)


def _hint(asked: Asked, kind: str) -> web.Response:
    asked.memory.desk.hint(asked.assets, kind, asked.part("id"), asked.now)
    return web.Response(status=204)


def _policy(asked: Asked) -> web.Response:
    return web.json_response(asked.memory.smart.policy(asked.assets, asked.part("id")))


def _change_policy(asked: Asked) -> web.Response:
    return web.json_response(asked.memory.smart.change(asked.assets, asked.part("id"), asked.body))


def _status(asked: Asked) -> web.Response:
    return web.json_response(asked.memory.smart.status(asked.assets, asked.part("id"), asked.now))


def _plan(asked: Asked) -> web.Response:
    plan = asked.memory.smart.plan(asked.assets, asked.part("id"), asked.now)
    if asked.part("plan") not in {"latest", plan["id"]}:
        raise Refused(404, "There is no such plan.")
    return web.json_response(plan)


def _override(asked: Asked) -> web.Response:
    return web.json_response(asked.memory.smart.override(asked.assets, asked.part("id"), asked.now))


def _end_override(asked: Asked) -> web.Response:
    ended = asked.memory.smart.end_override(asked.assets, asked.part("id"), asked.now)
    return web.json_response(ended)


def _link(asked: Asked) -> web.Response:
    token = asked.memory.links.link(asked.assets, asked.part("user"), asked.body, asked.now)
    return _page_of(asked, token)


def _relink(asked: Asked) -> web.Response:
    token = asked.memory.links.relink(asked.assets, asked.part("id"), asked.body, asked.now)
    return _page_of(asked, token)


def _page_of(asked: Asked, token: str) -> web.Response:
    return web.json_response({"linkUrl": f"{asked.page}/{token}", "linkToken": token})


def _intervention(asked: Asked) -> web.Response:
    """Return the text of an intervention; only those that devices name exist."""
    language = asked.request.query.get("language", "en-US")
    if language not in LANGUAGES - {"browser", "it-IT"}:
        raise Refused(400, "language is unknown.")
    knobs = asked.memory.knobs
    for vendor in sorted(knobs.interventions):
        if asset_id(f"intervention {vendor}") == asked.part("id"):
            return web.json_response(_text(vendor, language, link=knobs.link_mends))
    return web.Response(status=404)


def _text(vendor: str, language: str, *, link: bool) -> JsonObject:
    title = f"Allow remote control at {vendor}"
    description = f"Open the app of **{vendor}**.<br/>Switch on remote control.\nThen wait."
    if language.startswith("de"):
        title = f"Fernsteuerung bei {vendor} erlauben"
    return {
        "id": asset_id(f"intervention {vendor}"),
        "vendor": vendor,
        "vendorType": None,
        "brand": vendor.title(),
        "introducedAt": "2024-05-01T00:00:00.000Z",
        "domain": "Account" if link else "Device",
        "resolution": {
            "title": title,
            "description": description,
            "access": "Remote",
            "agent": "User",
            "action": "Link" if link else None,
        },
    }


_VERBS = {
    "vehicle": ("charging", "max-current"),
    "charger": ("charging", "max-current"),
    "battery": ("operation-mode",),
    "hvac": ("permanent-hold", "follow-schedule"),
}
_VEHICLE = "/vehicles/{id}"


def _of_kinds() -> list[tuple[str, str, Acting]]:
    routes: list[tuple[str, str, Acting]] = []
    for kind, name in LISTS.items():
        routes += [
            ("POST", f"/{name}/{{id}}/{verb}", partial(_tell, kind=kind, verb=verb))
            for verb in _VERBS.get(kind, ())
        ]
        if kind in SCOPES:
            path = f"/{name}/actions/{{action}}"
            routes.append(("GET", path, partial(_action, kind=kind)))
            routes.append(("POST", f"{path}/cancel", partial(_cancel, kind=kind)))
        routes.append(("POST", f"/{name}/{{id}}/refresh-hint", partial(_hint, kind=kind)))
    return routes


ROUTES: list[tuple[str, str, Acting]] = [
    *_of_kinds(),
    ("GET", f"{_VEHICLE}/smart-charging-policy", _policy),
    ("PUT", f"{_VEHICLE}/smart-charging-policy", _change_policy),
    ("GET", f"{_VEHICLE}/smart-charging-status", _status),
    ("GET", f"{_VEHICLE}/smart-charging-plans/{{plan}}", _plan),
    ("POST", f"{_VEHICLE}/smart-override", _override),
    ("DELETE", f"{_VEHICLE}/smart-override", _end_override),
    ("POST", "/users/{user}/link", _link),
    ("POST", "/assets/{id}/relink", _relink),
    ("GET", "/interventions/{id}", _intervention),
]
"""Method, path below the environment, and what answers."""

NEED_BODY = frozenset(
    {"charging", "max-current", "operation-mode", "permanent-hold", "link", "relink"}
    | {"smart-charging-policy"}
)
"""Last words of paths whose POST or PUT carries a JSON object; the others carry nothing."""
