"""How Enectiva refuses."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from simulator.enectiva.documents import answer


class Refused(Exception):
    """A request that gets an error document."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        """Refuse with an HTTP status and a sentence."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}

    def response(self) -> web.Response:
        """Return the error document: JSON:API, the wrapper is assumed."""
        error = {
            "status": str(self.status),
            "title": HTTPStatus(self.status).phrase,
            "detail": self.detail,
        }
        return answer({"errors": [error]}, status=self.status, headers=self.headers)
