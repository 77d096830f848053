"""How Enode refuses: problem details (RFC 7807)."""

from collections.abc import Mapping
import json

from aiohttp import web

from simulator.payload import JsonValue

_TITLES = {
    400: ("bad-request", "Bad Request"),
    401: ("unauthorized", "Unauthorized"),
    403: ("forbidden", "Forbidden"),
    404: ("not-found", "Not Found"),
    405: ("method-not-allowed", "Method Not Allowed"),
    415: ("unsupported-media-type", "Unsupported Media Type"),
    422: ("unprocessable-entity", "Unprocessable Entity"),
    429: ("too-many-requests", "Too Many Requests"),
}
NO_SITE_STATISTICS = (
    "hem-system-statistics-not-available",
    "HEM System Statistics Not Available",
)


class Refused(Exception):
    """A request that gets a problem document."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        named: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Refuse with a status and a sentence; `named` is a special problem's type and title."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.named = named
        self.headers = headers or {}

    def response(self) -> web.Response:
        """Return the document; most endings of `type` are assumed."""
        ending, title = self.named or _TITLES[self.status]
        problem: dict[str, JsonValue] = {
            "type": f"https://developers.enode.com/api/problems/{ending}",
            "title": title,
            "detail": self.detail,
        }
        return web.Response(
            status=self.status,
            body=json.dumps(problem).encode(),
            headers={"Content-Type": "application/problem+json", **self.headers},
        )
