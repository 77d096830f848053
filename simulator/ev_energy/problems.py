"""Refusals as `application/problem+json` (RFC 9457). Source: portal, errors."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from simulator.payload import JsonValue


class Problem(Exception):
    """A request that is refused."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str | None = None,
        fields: Mapping[str, list[JsonValue]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Take the words; `kind` is the last part of the problem's address."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.fields = fields
        self.headers = headers or {}

    def response(self, base: str) -> web.Response:
        """Return the answer of the API at `base`."""
        body: dict[str, JsonValue] = {
            "status": self.status,
            "title": HTTPStatus(self.status).phrase,
            "detail": self.detail,
        }
        if self.kind is not None:
            body["type"] = f"{base}/problems/{self.kind}/"
        if self.fields is not None:
            body["field_errors"] = self.fields
        return web.json_response(
            body,
            status=self.status,
            headers=self.headers,
            content_type="application/problem+json",
        )
