"""A person's session with Home Assistant: onboarding, requests, websocket commands."""

from types import TracebackType
from typing import Any, Self

import aiohttp

from .home_assistant import NotRunning

USER = "demo"
PASSWORD = "demo"


class Session:
    """Talks to Home Assistant as its frontend does, signed in as the demo user."""

    def __init__(self, url: str) -> None:
        """Take Home Assistant's address."""
        self.url = url
        # OAuth flows need to know the address under which the browser sees Home Assistant.
        self._http = aiohttp.ClientSession(headers={"HA-Frontend-Base": url})
        self._commands = 0
        self._access_token = ""

    async def __aenter__(self) -> Self:
        """Open."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        await self._http.close()

    async def onboard(self) -> None:
        """Create the demo user and finish what a new Home Assistant asks."""
        client_id = f"{self.url}/"
        user = {
            "client_id": client_id,
            "name": "Demo",
            "username": USER,
            "password": PASSWORD,
            "language": "en",
        }
        code = (await self.post("/api/onboarding/users", user))["auth_code"]
        form = {"client_id": client_id, "grant_type": "authorization_code", "code": code}
        async with self._http.post(f"{self.url}/auth/token", data=form) as answer:
            token = await answer.json()
        self.resume(token["access_token"])
        await self.post("/api/onboarding/core_config", {})
        await self.post("/api/onboarding/analytics", {})
        redirect = {"client_id": client_id, "redirect_uri": f"{self.url}/?auth_callback=1"}
        await self.post("/api/onboarding/integration", redirect)
        # Port and address come from YAML, which Home Assistant only tries: unconfirmed it would go
        # back to its own after five minutes, in the middle of somebody's look around.
        await self.command("http/config/promote")
        issue = {"domain": "http", "issue_id": "deprecated_yaml", "ignore": True}
        await self.command("repairs/ignore_issue", **issue)

    def resume(self, access_token: str) -> None:
        """Go on with an access token of before."""
        self._access_token = access_token
        self._http.headers["Authorization"] = f"Bearer {access_token}"

    async def get(self, path: str) -> Any:
        """Return the JSON of a resource."""
        async with self._http.get(f"{self.url}{path}") as answer:
            return await self._json(answer)

    async def post(self, path: str, body: Any) -> Any:
        """Send JSON and return the JSON of the answer."""
        async with self._http.post(f"{self.url}{path}", json=body) as answer:
            return await self._json(answer)

    async def delete(self, path: str) -> Any:
        """Delete a resource and return the JSON of the answer."""
        async with self._http.delete(f"{self.url}{path}") as answer:
            return await self._json(answer)

    async def command(self, kind: str, **fields: Any) -> Any:
        """Send one websocket command and return its result."""
        async with self._http.ws_connect(f"{self.url}/api/websocket") as socket:
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": self._access_token})
            await socket.receive_json()
            await socket.send_json({"id": 1, "type": kind, **fields})
            answer = await socket.receive_json()
        if not answer["success"]:
            raise NotRunning(f"Home Assistant refused {kind}: {answer['error']['message']}")
        return answer["result"]

    @staticmethod
    async def _json(answer: aiohttp.ClientResponse) -> Any:
        if answer.status >= 400:
            raise NotRunning(f"{answer.url.path} answered {answer.status}: {await answer.text()}")
        return await answer.json()
