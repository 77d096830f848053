"""A plain client of the simulated ev.energy, free of the integration's own code."""

import base64
from collections.abc import Mapping
import datetime as dt
import hashlib
import json
from typing import Any

import aiohttp
from yarl import URL

from simulator import Simulator
from simulator.ev_energy import Application, EvEnergyServer

CALLBACK = "http://127.0.0.1:8123/auth/external/callback"
VERIFIER = "a" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)
EVENING = dt.datetime(2026, 3, 3, 21, 5, tzinfo=dt.UTC)


class Answer:
    """Status, headers and body of an answer."""

    def __init__(self, answer: aiohttp.ClientResponse, body: bytes) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.media_type = answer.content_type
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def back(self) -> URL:
        return URL(self.headers["Location"])


class Client:
    """An application as plain as can be."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.server: EvEnergyServer = sim.ev_energy
        self.session = session
        self.app: Application = self.server.browser_application(CALLBACK)
        self.own = self.server.own
        self.token = ""

    async def send(self, method: str, path: str, **arguments: Any) -> Answer:
        async with self.session.request(
            method, f"{self.server.url}{path}", allow_redirects=False, **arguments
        ) as answer:
            return Answer(answer, await answer.read())

    async def authorize(self, press: str | None = "allow", **changed: str | None) -> Answer:
        query = {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": CALLBACK,
            "state": "s",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changed,
        }
        params = {key: value for key, value in query.items() if value is not None}
        if press is None:
            return await self.send("GET", "/o/authorize/", params=params)
        return await self.send("POST", "/o/authorize/", params=params, data={press: "yes"})

    async def code(self, **changed: str | None) -> str:
        return (await self.authorize(**changed)).back.query["code"]

    async def exchange(self, form: Mapping[str, str | None], **arguments: Any) -> Answer:
        sent = {
            "client_id": self.app.client_id,
            "client_secret": self.app.client_secret,
            **form,
        }
        data = {key: value for key, value in sent.items() if value is not None}
        return await self.send("POST", "/o/token/", data=data, **arguments)

    async def redeem(self, code: str, /, **changed: str | None) -> Answer:
        return await self.exchange(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": CALLBACK,
                "code_verifier": VERIFIER,
                **changed,
            }
        )

    async def refresh(self, token: str, **changed: str | None) -> Answer:
        return await self.exchange(
            {"grant_type": "refresh_token", "refresh_token": token, **changed}
        )

    async def own_token(self) -> Answer:
        pair = f"{self.own.client_id}:{self.own.client_secret}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        form = {"grant_type": "client_credentials"}
        return await self.send("POST", "/o/token/", data=form, headers=headers)

    async def sign_in(self) -> dict[str, Any]:
        tokens: dict[str, Any] = (await self.redeem(await self.code())).json
        self.token = tokens["access_token"]
        return tokens

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return await self.call("GET", path, headers)

    async def call(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **arguments: Any
    ) -> Answer:
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return await self.send(method, f"/v2{path}", headers=sent, **arguments)
