"""A plain client of the simulated Enectiva."""

import json
from typing import Any

import aiohttp
from yarl import URL

from simulator import Simulator
from simulator.enectiva import CUSTOMER_UUID

MEDIA_TYPE = "application/vnd.api+json"


class Client:
    """Asks with right headers unless told otherwise."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self._session = session
        self.token: str | None = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> tuple[int, aiohttp.ClientResponse, Any]:
        """Return status, response and the document."""
        url = URL(self.sim.enectiva.url + path)
        if query:
            url = url.with_query(query)
        sent = {"Accept": MEDIA_TYPE} | (headers or {})
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        async with self._session.request(
            method,
            url,
            headers=sent,
            data=body,
            skip_auto_headers=("Content-Type",),
        ) as response:
            text = await response.text()
            return response.status, response, json.loads(text) if text else None

    async def exchange(
        self,
        login_token: str | None = None,
        customer: str = CUSTOMER_UUID,
        *,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Exchange a login token, the demo's by default; return status and document."""
        text = self.sim.enectiva.tokens.demo.text if login_token is None else login_token
        attributes = {"customer_uuid": customer, "login_token": text}
        body = json.dumps({"data": {"type": "login_tokens", "attributes": attributes}}).encode()
        sent = {"Content-Type": MEDIA_TYPE} | (headers or {})
        status, _, document = await self.request("POST", "/access_tokens", headers=sent, body=body)
        return status, document

    async def sign_in(self, login_token: str | None = None) -> str:
        """Exchange, and use the token from now on."""
        status, document = await self.exchange(login_token)
        assert status == 201
        self.token = document["data"]["attributes"]["encoded"]
        return self.token

    async def status(self, path: str, query: list[tuple[str, str]] | None = None) -> int:
        """Return the status of a GET."""
        return (await self.request("GET", path, query=query))[0]

    async def document(self, path: str, query: list[tuple[str, str]] | None = None) -> Any:
        """Return the document of a GET that must succeed."""
        status, response, document = await self.request("GET", path, query=query)
        assert status == 200, document
        assert response.headers["Content-Type"] == MEDIA_TYPE
        return document

    async def rows(self, path: str, *filters: str) -> list[dict[str, Any]]:
        """Return the attributes of the first page."""
        document = await self.document(path, [("filter[]", one) for one in filters])
        return [row["attributes"] for row in document["data"]]
