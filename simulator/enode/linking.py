"""Link sessions and the page on which an owner clicks through one."""

from collections.abc import Mapping
from dataclasses import dataclass
import datetime as dt
from html import escape
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from simulator.enode.assets import LISTS, Assets
from simulator.enode.knobs import ALL_SCOPES, EnodeKnobs
from simulator.enode.problems import Refused
from simulator.enode.states import Linked, States
from simulator.payload import JsonObject, JsonValue

BRANDS: Mapping[str, tuple[str, ...]] = {
    "SKODA": ("vehicle",),
    "RENAULT": ("vehicle",),
    "EASEE": ("charger",),
    "HUAWEI": ("battery", "inverter", "meter"),
    "SENSIBO": ("hvac",),
}
"""What can be linked, and which kinds of devices come of it."""
LANGUAGES = frozenset(
    [
        "browser",
        "da-DK",
        "de-DE",
        "en-US",
        "en-GB",
        "es-ES",
        "fi-FI",
        "fr-FR",
        "it-IT",
        "ja-JP",
        "lv-LV",
        "lt-LT",
        "nb-NO",
        "nl-NL",
        "nl-BE",
        "pl-PL",
        "pt-PT",
        "ro-RO",
        "sv-SE",
    ]
)
SCHEMES = frozenset({"system", "light", "dark"})

_LIFETIME = dt.timedelta(hours=24)
_LONGEST = 500
_FIRST = 100_000
_VISIT = frozenset({"language", "redirectUri", "colorScheme"})
_LINK = _VISIT | {"scopes", "vendor", "vendorType"}


@dataclass(slots=True, kw_only=True)
class Session:
    """One visit of the page; single-use. `mends` is a session for one login that is broken."""

    user: str
    kinds: tuple[str, ...]
    vendor: str | None
    redirect: str
    language: str
    until: dt.datetime
    mends: bool = False
    used: bool = False


class Links:
    """The Link sessions of one environment."""

    def __init__(self, knobs: EnodeKnobs, states: States) -> None:
        """Begin without any."""
        self.sessions: dict[str, Session] = {}
        self._knobs = knobs
        self._states = states

    def link(self, assets: Assets, user: str, body: JsonObject, now: dt.datetime) -> str:
        """Return the token of a session for a user, who is made if nobody knew him."""
        _check_fields(body, _LINK, {"language", "redirectUri", "scopes"})
        kinds = _kinds(body["scopes"], body.get("vendorType"))
        vendor = body.get("vendor")
        if vendor is not None and vendor not in BRANDS:
            raise Refused(400, "vendor is unknown.")
        most = self._knobs.connections
        if most is not None and len(assets.all_logins()) >= most:
            raise Refused(403, "Connections limit reached for this client.")
        self._knobs.users |= {user}
        return self._open(body, now, user=user, kinds=kinds, vendor=vendor)

    def relink(self, assets: Assets, one: str, body: JsonObject, now: dt.datetime) -> str:
        """Return the token of a session for the login of an asset."""
        _check_fields(body, _VISIT, {"language", "redirectUri"})
        for kind, name in LISTS.items():
            entry = assets.find(name, one)
            if entry is not None:
                vendor = str(entry.make()["vendor"])
                if vendor not in self._knobs.broken_logins:
                    raise Refused(400, "The asset is already linked.")
                return self._open(
                    body, now, user=entry.user, kinds=(kind,), vendor=vendor, mends=True
                )
        raise Refused(400, "Asset not found.")

    def _open(
        self,
        body: JsonObject,
        now: dt.datetime,
        *,
        user: str,
        kinds: tuple[str, ...],
        vendor: JsonValue,
        mends: bool = False,
    ) -> str:
        token = f"link-{len(self.sessions) + 1:06}"
        self.sessions[token] = Session(
            user=user,
            kinds=kinds,
            vendor=None if vendor is None else str(vendor),
            redirect=str(body["redirectUri"]),
            language=str(body["language"]),
            until=now + _LIFETIME,
            mends=mends,
        )
        return token

    # The page

    def page(self, token: str, now: dt.datetime) -> web.Response:
        """Return the page of a session."""
        session = self._valid(token, now)
        if session is None:
            return _gone()
        brands = [
            brand
            for brand, kinds in BRANDS.items()
            if session.vendor in {None, brand} and set(kinds) & set(session.kinds)
        ]
        buttons = "".join(
            f'<p><button name="brand" value="{escape(brand)}">Sign in at {escape(brand)}</button></p>'
            for brand in brands
        )
        body = (
            f"<!doctype html><html lang='{escape(session.language)}'><title>Link</title>"
            f"<h1>Link a device of {escape(session.user)}</h1>"
            f"<p>{escape(', '.join(session.kinds))}</p>"
            f'<form method="post">{buttons}'
            '<p><button name="cancel" value="yes">Cancel</button></p></form></html>'
        )
        return web.Response(text=body, content_type="text/html")

    def leave(
        self, assets: Assets, token: str, form: Mapping[str, object], now: dt.datetime
    ) -> web.Response:
        """Take what was clicked, and lead back."""
        session = self._valid(token, now)
        if session is None:
            return _gone()
        brand = form.get("brand")
        kinds = set(BRANDS.get(str(brand), ())) & set(session.kinds)
        if form.get("cancel"):
            said = {"error": "cancelled", "error_message": "The user left the Link page"}
        elif not kinds or session.vendor not in {None, brand}:
            return web.Response(status=400, text="There is no such brand here.")
        else:
            said = {}
            self._sign_in(assets, session, str(brand), sorted(kinds))
        session.used = True
        return web.Response(status=303, headers={"Location": _with(session.redirect, said)})

    def _sign_in(self, assets: Assets, session: Session, brand: str, kinds: list[str]) -> None:
        """Mend the login at a brand; link its devices if they are new."""
        knobs = self._knobs
        knobs.broken_logins -= {brand}
        if knobs.link_mends:
            knobs.interventions -= {brand}
        known = {kind for vendor, kind in assets.logins(session.user) if vendor == brand}
        if session.mends or (session.vendor is not None and known):
            return
        for kind in kinds:
            number = _FIRST + len(self._states.linked)
            linked = Linked(user=session.user, kind=kind, vendor=brand, number=number)
            self._states.linked.append(linked)

    def _valid(self, token: str, now: dt.datetime) -> Session | None:
        session = self.sessions.get(token)
        return session if session and not session.used and now < session.until else None


def _check_fields(body: JsonObject, known: frozenset[str], needed: set[str]) -> None:
    if unknown := set(body) - known:
        raise Refused(400, f"Unknown field {min(unknown)}.")
    if missing := needed - set(body):
        raise Refused(400, f"{min(missing)} is missing.")
    if body["language"] not in LANGUAGES:
        raise Refused(400, "language is unknown.")
    if body.get("colorScheme", "system") not in SCHEMES:
        raise Refused(400, "colorScheme is unknown.")
    redirect = body["redirectUri"]
    if not isinstance(redirect, str) or len(redirect) > _LONGEST or redirect == "about:blank":
        raise Refused(400, "redirectUri can not be used.")
    if not (urlsplit(redirect).scheme and urlsplit(redirect).netloc):
        raise Refused(400, "redirectUri is no URI.")


def _kinds(scopes: JsonValue, kind: JsonValue) -> tuple[str, ...]:
    """Return the kinds that a set of scopes asks for; each needs its `read:data`."""
    if not isinstance(scopes, list) or not scopes:
        raise Refused(400, "scopes must be a list.")
    if unknown := {str(scope) for scope in scopes} - ALL_SCOPES:
        raise Refused(400, f"Unknown scope {min(unknown)}.")
    asked = {str(scope).partition(":")[0] for scope in scopes}
    for one in asked:
        if f"{one}:read:data" not in scopes:
            raise Refused(400, f"{one}:read:data is compulsory.")
    if kind is not None and kind not in asked:
        raise Refused(400, "vendorType fits no scope.")
    return tuple(sorted(asked if kind is None else {str(kind)}))


def _gone() -> web.Response:
    return web.Response(
        status=410, text="<h1>This link was used or has expired</h1>", content_type="text/html"
    )


def _with(redirect: str, said: Mapping[str, str]) -> str:
    if not said:
        return redirect
    return f"{redirect}{'&' if urlsplit(redirect).query else '?'}{urlencode(said)}"
