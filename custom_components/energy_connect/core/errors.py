"""The errors that leave `core` and the providers; nothing else does.

Each carries a `Reason`, which is the translation key of the words that a person gets in the
wizard and in the log, and never a secret.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a request did not give what it should; translated under `config.error` and `exceptions`."""

    # The network.
    CANNOT_CONNECT = "cannot_connect"
    HOST_NOT_FOUND = "host_not_found"
    INVALID_HOST = "invalid_host"
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    TLS_FAILED = "tls_failed"
    TLS_REFUSED = "tls_refused"
    CERTIFICATE_CHANGED = "certificate_changed"
    # The answer.
    SERVER_ERROR = "server_error"
    BLOCKED = "blocked"
    RATE_LIMITED = "rate_limited"
    REDIRECTED = "redirected"
    NOT_FOUND = "not_found"
    REQUEST_REFUSED = "request_refused"
    MEDIA_TYPE_REFUSED = "media_type_refused"
    HTML_PAGE = "html_page"
    NOT_JSON = "not_json"
    TOO_LARGE = "too_large"
    UNEXPECTED_SHAPE = "unexpected_shape"
    # Credentials and permissions.
    INVALID_CREDENTIALS = "invalid_credentials"
    CLIENT_REFUSED = "client_refused"
    UNCLEAR_REFUSAL = "unclear_refusal"
    LOGIN_TOKEN_REFUSED = "login_token_refused"
    INVALID_TOKEN_FORMAT = "invalid_token_format"
    TOKEN_EXPIRED = "token_expired"
    TOKEN_REFUSED = "token_refused"
    NOT_PERMITTED = "not_permitted"
    GRANT_NOT_ALLOWED = "grant_not_allowed"
    APPLICATION_NOT_ALLOWED = "application_not_allowed"
    SIGN_IN_LOST = "sign_in_lost"
    MISSING_SCOPES = "missing_scopes"
    STORAGE_FAILED = "storage_failed"
    INVALID_ID = "invalid_id"
    NO_ACCOUNT = "no_account"
    # A KOSTAL meter.
    NOT_A_METER = "not_a_meter"
    LEGACY_METER = "legacy_meter"
    NO_METER_RESOURCE = "no_meter_resource"
    METER_STARTING = "meter_starting"
    METER_APP_FAILED = "meter_app_failed"


class Refusal(StrEnum):
    """Why a device does not do what it was told; translated under `exceptions`."""

    # Before anything is sent, or in the provider's answer.
    DEVICE_GONE = "device_gone"
    NOT_OFFERED = "not_offered"
    OUT_OF_RANGE = "out_of_range"
    UNPLUGGED = "unplugged"
    FULL = "full"
    NO_SESSION = "no_session"
    """Nothing is being charged, so that there is nothing to hurry or to end."""
    NOT_POSSIBLE_NOW = "not_possible_now"
    """The provider says no, in its own words (the detail)."""
    UNDER_SCHEDULE = "under_schedule"
    """A schedule or the smart charging has control."""
    NO_PERMISSION = "no_permission"
    COOLDOWN = "cooldown"
    BUSY = "busy"
    OFF_NEEDS_MODE = "off_needs_mode"
    BOTH_SETPOINTS = "both_setpoints"
    SETPOINT_GAP = "setpoint_gap"
    # After it was accepted.
    NO_RESPONSE = "no_response"
    DEVICE_FAILED = "device_failed"
    CONFLICT = "conflict"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    NO_OUTCOME = "no_outcome"
    """Nobody ever said what became of it."""
    STOPPED = "stopped"
    """Home Assistant let go of the account in between."""


class CommandRefused(Exception):
    """A device can't be told this, or not now: no fault of the connection.

    `detail` is what the provider said, cleaned, without secrets; `retry_after` (seconds) is there
    for `Refusal.COOLDOWN`, `limits` (lowest, highest) for `Refusal.OUT_OF_RANGE` and
    `Refusal.SETPOINT_GAP`.
    """

    def __init__(
        self,
        reason: Refusal,
        *,
        detail: str | None = None,
        retry_after: float | None = None,
        limits: tuple[float, float] | None = None,
    ) -> None:
        """Keep the reason and what the words for it need."""
        super().__init__(reason.value)
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after
        self.limits = limits


class ApiError(Exception):
    """Base of all errors of requests.

    `status` is the HTTP status if there was an answer; `detail` is what the provider said about
    it, cleaned and shortened, without secrets.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        status: int | None = None,
        detail: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        """Keep the reason; `retry_after` is in seconds."""
        super().__init__(reason.value if status is None else f"{reason.value} ({status})")
        self.reason = reason
        self.status = status
        self.detail = detail
        self.retry_after = retry_after


class CredentialsRejected(ApiError):
    """The provider explicitly refused a credential: only this asks for a new sign-in.

    With `retry_after` the account should be asked again by itself meanwhile, because the refusal
    may end without anybody's doing (a meter whose clock is not set yet).
    """


class NotPermitted(ApiError):
    """The credential is good, but does not allow this."""


class RateLimited(ApiError):
    """Too many requests; `retry_after` says for how long to keep quiet."""

    retry_after: float

    def __init__(
        self, retry_after: float, *, status: int | None = None, detail: str | None = None
    ) -> None:
        """Take the seconds to wait."""
        super().__init__(Reason.RATE_LIMITED, status=status, detail=detail, retry_after=retry_after)


class Unavailable(ApiError):
    """The provider can't be reached or is in trouble; it will pass."""


class UnexpectedResponse(ApiError):
    """An answer that can't be used: another device, another version, a refused parameter."""
