"""The authorization server: consent page, token and revocation, all with a slash at the end.

Source: portal, authentication; the details as a django-oauth-toolkit server was seen to have them.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import timedelta
import hashlib
from html import escape
from typing import Final
from urllib.parse import unquote_plus

from aiohttp import web
from yarl import URL

from simulator.ev_energy.applications import Application, GrantType
from simulator.ev_energy.knobs import EvEnergyKnobs
from simulator.ev_energy.tokens import Code, Pair, Tokens
from simulator.payload import JsonValue
from simulator.server import World

_FORM: Final = "application/x-www-form-urlencoded"
_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>ev.energy (simulated)</title></head><body>
<h1>{title}</h1>{body}
</body></html>"""
_CONSENT: Final = """<p>{name} wants to read:</p><ul>{scopes}</ul>
<form method="post">
<button type="submit" name="allow" value="yes">Allow</button>
<button type="submit" name="refuse" value="yes">Refuse</button>
</form>"""


class Refusal(Exception):
    """A token request that is refused."""

    def __init__(self, error: str, status: int = 400) -> None:
        """Take the error code of RFC 6749."""
        super().__init__(error)
        self.error = error
        self.status = status


class AuthorizationServer:
    """Makes codes and tokens for the applications."""

    def __init__(
        self,
        world: World,
        knobs: EvEnergyKnobs,
        applications: Mapping[str, Application],
        note: Callable[[web.Request, str], None],
    ) -> None:
        """Serve these applications; `note` writes what was granted into the journal."""
        self._world = world
        self._knobs = knobs
        self._applications = applications
        self._note = note
        self.tokens = Tokens(world.clock.now)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes below the origin."""
        slashed = [
            web.get("/o/authorize/", self._show, allow_head=False),
            web.post("/o/authorize/", self._decide),
            web.post("/o/token/", self._token),
            web.post("/o/revoke_token/", self._revoke),
        ]
        bare = [
            web.route("*", f"/o/{name}", self._add_slash)
            for name in ("authorize", "token", "revoke_token")
        ]
        return [*slashed, *bare]

    async def _add_slash(self, request: web.Request) -> web.Response:
        target = request.rel_url.with_path(f"{request.path}/", keep_query=True)
        return web.Response(status=301, headers={"Location": str(target)})

    # The consent page.

    async def _show(self, request: web.Request) -> web.Response:
        asked = self._asked(request)
        if isinstance(asked, web.Response):
            return asked
        scopes = "".join(f"<li>{escape(scope)}</li>" for scope in sorted(asked.scopes))
        body = _CONSENT.format(name=escape(asked.application.name), scopes=scopes)
        return _page("Share your data?", body, 200)

    async def _decide(self, request: web.Request) -> web.Response:
        asked = self._asked(request)
        if isinstance(asked, web.Response):
            return asked
        form = await request.post()
        state = request.query.get("state")
        if "allow" not in form:
            return _back(asked.redirect, state, error="access_denied")
        return _back(asked.redirect, state, code=self.tokens.issue_code(asked))

    def _asked(self, request: web.Request) -> Code | web.Response:
        """Return what would be granted, or why it can't be."""
        query = request.query
        application = self._applications.get(query.get("client_id", ""))
        redirect = query.get("redirect_uri", "")
        # Never back to an address that is not registered: that is how codes are stolen.
        if application is None:
            return _page("Error: invalid_request", "<p>Invalid client_id.</p>", 400)
        if redirect not in application.redirects:
            return _page("Error: invalid_request", "<p>Mismatching redirect URI.</p>", 400)
        state = query.get("state")
        challenge = query.get("code_challenge")
        scopes = frozenset(query.get("scope", "").split()) or application.scopes
        error = None
        if query.get("response_type") != "code":
            error = "unsupported_response_type"
        elif application.grant is not GrantType.CODE:
            error = "unauthorized_client"
        elif not scopes <= application.scopes:
            error = "invalid_scope"
        elif (self._knobs.require_pkce and challenge is None) or (
            challenge is not None and query.get("code_challenge_method") != "S256"
        ):
            error = "invalid_request"
        if error is not None:
            return _back(redirect, state, error=error)
        return Code(
            application=application,
            user=self._knobs.signed_in,
            redirect=redirect,
            challenge=challenge,
            scopes=scopes,
            expires=self._world.clock.now() + timedelta(seconds=self._knobs.code_lifetime),
        )

    # Tokens.

    async def _token(self, request: web.Request) -> web.Response:
        try:
            form = await _form(request)
            grant = form.get("grant_type", "")
            application = self._authenticated(request, form)
            pair = self._granted(application, grant, form)
        except Refusal as refusal:
            return _refused(refusal)
        self._note(request, grant)
        return self._answer(pair, refreshed=grant == "refresh_token")

    def _granted(self, application: Application, grant: str, form: Mapping[str, str]) -> Pair:
        if grant == GrantType.CLIENT:
            _check_registered(application, GrantType.CLIENT)
            return self.tokens.issue(
                application,
                None,
                application.scopes,
                lifetime=self._knobs.token_lifetime,
                refreshable=False,
            )
        if grant == GrantType.CODE:
            _check_registered(application, GrantType.CODE)
            return self._code_grant(application, form)
        if grant == "refresh_token":
            _check_registered(application, GrantType.CODE)
            return self._refresh_grant(application, form)
        raise Refusal("unsupported_grant_type")

    def _code_grant(self, application: Application, form: Mapping[str, str]) -> Pair:
        text = form.get("code", "")
        code = self.tokens.code(text)
        if code is None or code.application is not application:
            raise Refusal("invalid_grant")
        if form.get("redirect_uri") != code.redirect:
            raise Refusal("invalid_request")
        verifier = form.get("code_verifier")
        if code.challenge is not None:
            if verifier is None:
                raise Refusal("invalid_request")
            if _challenge(verifier) != code.challenge:
                raise Refusal("invalid_grant")
        self.tokens.use_code(text)
        return self.tokens.issue(
            application,
            code.user,
            code.scopes,
            lifetime=self._knobs.token_lifetime,
            refreshable=True,
        )

    def _refresh_grant(self, application: Application, form: Mapping[str, str]) -> Pair:
        text = form.get("refresh_token", "")
        old = self.tokens.refreshable(text, application)
        if old is None:
            again = self.tokens.repeated(text, grace=self._knobs.grace)
            if again is None:
                raise Refusal("invalid_grant")
            return again
        if not frozenset(form.get("scope", "").split()) <= old.scopes:
            raise Refusal("invalid_scope")
        return self.tokens.rotate(
            old, lifetime=self._knobs.token_lifetime, keep_refresh=not self._rotates
        )

    @property
    def _rotates(self) -> bool:
        return self._knobs.rotate and self._knobs.refresh_token_in_answer

    def _answer(self, pair: Pair, *, refreshed: bool) -> web.Response:
        body: dict[str, JsonValue] = {
            "access_token": pair.access,
            "expires_in": int(self._knobs.token_lifetime),
            "token_type": "Bearer",
        }
        if self._knobs.name_scopes:
            body["scope"] = " ".join(sorted(pair.scopes))
        if pair.refresh is not None and (self._knobs.refresh_token_in_answer or not refreshed):
            body["refresh_token"] = pair.refresh
        return web.json_response(body, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    async def _revoke(self, request: web.Request) -> web.Response:
        try:
            form = await _form(request)
            self.tokens.revoke(_token(form), self._authenticated(request, form))
        except Refusal as refusal:
            return _refused(refusal)
        self._note(request, f"revoke {form.get('token_type_hint', '')}".strip())
        return web.Response(status=200)

    def _authenticated(self, request: web.Request, form: Mapping[str, str]) -> Application:
        """Return the application that shows who it is, by Basic authentication or in the form."""
        basic = _basic(request.headers.get("Authorization", ""))
        client_id, secret = basic or (form.get("client_id", ""), form.get("client_secret", ""))
        application = self._applications.get(client_id)
        if application is None or application.client_secret != secret:
            raise Refusal("invalid_client", 401)
        return application


def _check_registered(application: Application, grant: GrantType) -> None:
    if application.grant is not grant:
        raise Refusal("unauthorized_client")


async def _form(request: web.Request) -> dict[str, str]:
    if request.content_type != _FORM:
        raise Refusal("unsupported_grant_type")
    return {key: str(value) for key, value in (await request.post()).items()}


def _token(form: Mapping[str, str]) -> str:
    if "token" not in form:
        raise Refusal("invalid_request")
    return form["token"]


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except binascii.Error, UnicodeDecodeError:
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _refused(refusal: Refusal) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = f'Bearer error="{refusal.error}"'
    return web.json_response({"error": refusal.error}, status=refusal.status, headers=headers)


def _back(redirect: str, state: str | None, **answer: str) -> web.Response:
    echoed = {} if state is None else {"state": state}
    target = URL(redirect).update_query(**answer, **echoed)
    return web.Response(status=302, headers={"Location": str(target)})


def _page(title: str, body: str, status: int) -> web.Response:
    text = _PAGE.format(title=title, body=body)
    return web.Response(status=status, text=text, content_type="text/html")
