"""The access token: a JWT of some minutes, exchanged for the login token."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from ...core.budget import Budget
from ...core.clock import Clock
from ...core.errors import (
    ApiError,
    CredentialsRejected,
    RateLimited,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from ...core.http import ApiClient
from ...core.payload import Json
from ...core.response import Response
from ...core.tokens import Token, jwt_claims, jwt_expiry
from .parse import access_token, fits_header

# The vendor lists no 401 for the exchange, so that wrong credentials probably give 400 (assumed).
# While a person sets the account up, all of these mean that something entered is wrong; of an
# account that worked, only the surest two: a gateway in trouble must not end a sign-in.
_REFUSALS_AT_SETUP: Final = frozenset({400, 401, 403, 404, 422})
_REFUSALS: Final = frozenset({400, 401})
_LONGEST: Final = 3600.0
# Tokens live for 5 minutes (vendor). Where `exp` tells nothing, or the clocks differ: a bit less.
_ASSUMED: Final = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the vendor's API dashboard gives: a login token, and whose it is."""

    customer_uuid: str
    login_token: str


def credentials(customer_uuid: object, login_token: object) -> Credentials:
    """Return what a person entered in its proper form.

    Raises:
        UnexpectedResponse: the customer is no UUID (`INVALID_ID`; the detail names the field).
        CredentialsRejected: the login token can't be one (`INVALID_TOKEN_FORMAT`).

    """
    try:
        customer = str(UUID(str(customer_uuid).strip()))
    except ValueError as error:
        raise UnexpectedResponse(Reason.INVALID_ID, detail="customer_uuid") from error
    token = str(login_token).strip()
    if not fits_header(token):
        raise CredentialsRejected(Reason.INVALID_TOKEN_FORMAT, detail="login_token")
    return Credentials(customer_uuid=customer, login_token=token)


def judge_exchange(response: Response, *, at_setup: bool) -> ApiError | None:
    """Return what a refused exchange means; only the API's own word is about the credentials."""
    status = response.status
    if status not in _REFUSALS_AT_SETUP:
        return None
    if not response.is_json and response.body:
        # A page or a line of text: of a proxy, an edge, a captive portal.
        return Unavailable(Reason.BLOCKED, status=status)
    if status in (_REFUSALS_AT_SETUP if at_setup else _REFUSALS):
        reason = Reason.LOGIN_TOKEN_REFUSED
        return CredentialsRejected(reason, status=status, detail=response.words())
    return Unavailable(Reason.UNCLEAR_REFUSAL, status=status, detail=response.words())


class Exchange:
    """Sends the login token for an access token."""

    def __init__(self, api: ApiClient, who: Credentials, budget: Budget, clock: Clock) -> None:
        """`api` must judge with `judge_exchange` and send JSON:API's media type."""
        self._api = api
        self._who = who
        self._budget = budget
        self._clock = clock
        self._with_bearer = False

    async def __call__(self) -> Token:
        """Return a fresh access token.

        The printed examples carry a bearer token on this call too, the text does not mention it
        (vendor): so after a 401 it is sent once more with the login token as bearer.

        Raises:
            CredentialsRejected: login token or customer are refused.
            RateLimited: also while the provider wants silence, without a request.
            ApiError: anything else that `ApiClient.exchange` raises.

        """
        if (quiet := self._budget.quiet_for) > 0:
            raise RateLimited(quiet)
        if self._with_bearer:
            return self._token(await self._send(with_bearer=True))
        try:
            return self._token(await self._send(with_bearer=False))
        except CredentialsRejected as error:
            if error.status != 401:
                raise
        response = await self._send(with_bearer=True)
        self._with_bearer = True
        return self._token(response)

    async def _send(self, *, with_bearer: bool) -> Response:
        login_token = self._who.login_token
        body: Json = {
            "data": {
                "type": "login_tokens",
                "attributes": {
                    "customer_uuid": self._who.customer_uuid,
                    "login_token": login_token,
                },
            }
        }
        headers = {"Authorization": f"Bearer {login_token}"} if with_bearer else None
        try:
            return await self._api.exchange("access_tokens", json=body, headers=headers)
        except ApiError as error:
            if error.detail is not None:
                for secret in (login_token, self._who.customer_uuid):
                    error.detail = error.detail.replace(secret, "…")
            raise

    def _token(self, response: Response) -> Token:
        """Return the token with its lifetime; one that is no JWT is as good as any."""
        token = access_token(response.json())
        if token is None:
            raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE, status=response.status)
        ends = jwt_expiry(jwt_claims(token))
        left = (ends - self._clock.now()).total_seconds() if ends is not None else 0.0
        return Token(token, left if 0 < left <= _LONGEST else _ASSUMED)
