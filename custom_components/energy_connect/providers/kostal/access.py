"""How the meter is asked: its resources, and what its refusals mean."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from yarl import URL

from ...core.account import Context
from ...core.budget import Budget
from ...core.errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from ...core.http import ApiClient, Limits, Verdict
from ...core.payload import dig
from ...core.response import Response
from ...core.tokens import StaticToken, jwt_claims, jwt_expiry
from .address import HTTP
from .parse import parse_record

type Path = tuple[str, ...]

LOCAL: Final = "local"

# The answer has 2 kB; anything much larger is not the meter's.
_LARGEST: Final = 1024 * 1024
# A refused token is tried again by itself after so many seconds: a meter whose clock is not set
# yet after a power cut refuses every token (inferred).
_REFUSED: Final = 300.0
_EXTRA_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What it takes to ask one meter.

    `certificate` is the SHA-256 of the certificate that it must show, None over plain http.
    """

    context: Context
    base: URL
    token: str
    certificate: bytes | None
    budget: Budget

    @property
    def expires(self) -> datetime | None:
        """The token's end as it says itself; that it says one is assumed."""
        return jwt_expiry(jwt_claims(self.token))

    def meter(self) -> ApiClient:
        """Return the client for the meter's record; it tries a refused token once more."""
        source = StaticToken(self.token, self.context.clock)
        return self._client(verdict=self._verdict, token=source, limits=Limits(body=_LARGEST))

    def extras(self) -> ApiClient:
        """Return the client for optional resources.

        There a refusal is an answer like any other: the role `api` is not enough (inferred), so
        nothing is tried again and nothing said about the token.
        """
        return self._client(
            verdict=_refusal,
            headers={"Authorization": f"Bearer {self.token}"},
            limits=Limits(seconds=_EXTRA_SECONDS, body=_LARGEST),
        )

    def stranger(self) -> ApiClient:
        """Return a client that shows no token, for a device that may be something else."""
        return self._client(limits=Limits(body=_LARGEST))

    def _client(
        self,
        *,
        limits: Limits,
        verdict: Verdict | None = None,
        token: StaticToken | None = None,
        headers: dict[str, str] | None = None,
    ) -> ApiClient:
        return ApiClient(
            self.context.session,
            self.base,
            clock=self.context.clock,
            budget=self.budget,
            token=token,
            headers=headers,
            verdict=verdict,
            certificate=self.certificate,
            plain_http=self.base.scheme == HTTP,
            limits=limits,
        )

    def _verdict(self, response: Response) -> ApiError | None:
        """Judge an answer about the record. Source: vendor, unless said otherwise."""
        status = response.status
        match status:
            case 401:
                # Bad, expired, revoked, not authorised and wrong role look alike; only the token
                # itself may tell one of them.
                expired = self.expires is not None and self.expires <= self.context.clock.now()
                reason = Reason.TOKEN_EXPIRED if expired else Reason.TOKEN_REFUSED
                return CredentialsRejected(reason, status=status, retry_after=_REFUSED)
            case 500:
                return Unavailable(Reason.METER_APP_FAILED, status=status)
            case 502 | 503 | 504:
                # The web server runs before what is behind it: booting or updating (inferred).
                return Unavailable(Reason.METER_STARTING, status=status)
            case 200 | 404 if response.media_type == "text/html":
                return UnexpectedResponse(Reason.NOT_A_METER, status=status)
            case 404:
                return UnexpectedResponse(Reason.NO_METER_RESOURCE, status=status)
            case _:
                return None


def _refusal(response: Response) -> ApiError | None:
    """Judge an answer about something optional: even "too many" must not silence the meter."""
    if 200 <= response.status < 300:
        return None
    return NotPermitted(Reason.REQUEST_REFUSED, status=response.status)


def record_paths(endpoint: str) -> Iterator[Path]:
    """Return where the record may be, in the order in which to try.

    What a person typed (the meter shows it under "Data endpoint") comes before the usual one, which
    answers as well and would hide it. The last two are assumed spellings.
    """
    if endpoint != LOCAL:
        yield "api", "json", endpoint, "values", "smart-meter"
    yield "api", "json", LOCAL, "values", "smart-meter"
    yield "api", "json", "smart-meter"
    yield "api", "json", "values", "smart-meter"


async def find_record(access: Access, endpoint: str) -> Path:
    """Return where the meter's record is.

    Raises:
        CredentialsRejected: the token is refused; nothing else is tried then.
        UnexpectedResponse: this is no meter, an older one, or one without the record.
        ApiError: it can't be asked now.

    """
    try:
        return await _first_record(access.meter(), endpoint)
    except UnexpectedResponse as error:
        strange = error.reason in {Reason.NOT_A_METER, Reason.NO_METER_RESOURCE}
        if strange and await _is_legacy(access.stranger()):
            raise UnexpectedResponse(Reason.LEGACY_METER, status=error.status) from error
        raise


async def _first_record(client: ApiClient, endpoint: str) -> Path:
    for path in record_paths(endpoint):
        try:
            response = await client.get(*path)
        except UnexpectedResponse as error:
            if error.reason is not Reason.NO_METER_RESOURCE:
                raise
            continue
        parse_record(response.json())
        return path
    raise UnexpectedResponse(Reason.NO_METER_RESOURCE, status=404)


async def _is_legacy(client: ApiClient) -> bool:
    """Tell whether an older generation answers, which has another interface. Source: clients."""
    try:
        response = await client.get("start.php")
        # Its PHP need not say that this is JSON.
        return dig(orjson.loads(response.body), "serial") is not None
    except ApiError, orjson.JSONDecodeError:
        return False
