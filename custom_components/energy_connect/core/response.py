"""A whole answer of a server, and what it says."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from multidict import CIMultiDictProxy
import orjson
from yarl import URL

from .errors import Reason, UnexpectedResponse
from .payload import Json, dig, number, text

_RETRY_AFTER_DEFAULT: Final = 60.0
_RETRY_AFTER_MOST: Final = 3600.0
_WORDS: Final = ("detail", "message", "description", "error_description", "title", "error")


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers and body of one answer, and where it came from.

    `secrets` are those that were sent: the server may repeat them.
    """

    method: str
    url: URL
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def media_type(self) -> str:
        """The media type without parameters, in lower case; empty if there is none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Whether the answer says that it is JSON, in any of its dialects."""
        return self.media_type.endswith(("/json", "+json"))

    def json(self) -> Json:
        """Return the parsed body.

        Raises:
            UnexpectedResponse: the body is not JSON, or does not say that it is.

        """
        if not self.is_json:
            html = self.media_type == "text/html"
            reason = Reason.HTML_PAGE if html else Reason.NOT_JSON
            raise UnexpectedResponse(reason, status=self.status)
        try:
            parsed: Json = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise UnexpectedResponse(Reason.NOT_JSON, status=self.status) from error
        return parsed

    def words(self) -> str | None:
        """Return what the server says about an error, if it says it in one of the usual places.

        Shortened, and without the secrets that were sent to it.
        """
        try:
            body = self.json()
        except UnexpectedResponse:
            return None
        errors = dig(body, "errors")
        first = errors[0] if isinstance(errors, list) and errors else None
        for candidate in (first, body, dig(body, "error")):
            for key in _WORDS:
                said = dig(candidate, key)
                if isinstance(said, str) and (words := text(self.masked(said))) is not None:
                    return words
        return None

    def masked(self, said: str) -> str:
        """Return what was said without the secrets that were sent; longer ones go first."""
        for secret in sorted(filter(None, self.secrets), key=len, reverse=True):
            said = said.replace(secret, "…")
        return said

    def retry_after(self, now: datetime) -> float | None:
        """Return the seconds that the server wants us to wait, 1 to 3600; None if it says nothing.

        It may give seconds or a date, and one vendor's text spells the header without the hyphen.
        """
        value = self.headers.get("Retry-After") or self.headers.get("RetryAfter")
        if value is None:
            return None
        seconds = number(value)
        if seconds is None:
            try:
                at = parsedate_to_datetime(value)
            except ValueError:
                return _RETRY_AFTER_DEFAULT
            if at.tzinfo is None:
                at = at.replace(tzinfo=UTC)
            seconds = (at - now).total_seconds()
        return min(_RETRY_AFTER_MOST, max(1.0, seconds))
