"""The access token that a person makes in the meter's web interface."""

from datetime import datetime, timedelta
import math
import re
from typing import Final

from ...core.errors import Reason, UnexpectedResponse
from ...core.model import Advice, AdviceKind, Severity
from ...core.tokens import jwt_claims

_PASTED_ALONG: Final = re.compile(r"\s*(authori[sz]ation\s*:)?\s*bearer\s+", re.IGNORECASE)
_BLANK: Final = re.compile("[\\s\u200b-\u200d\u2060\ufeff]+")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_=-]+(\.[A-Za-z0-9_=-]+){2}")

_WARN: Final = timedelta(days=30)
_URGENT: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)

SUBJECT: Final = "access_token"


def parse_token(typed: str) -> str:
    """Return the token without what comes along when it is copied.

    Raises:
        UnexpectedResponse: it is none. The meter has not refused anything, so this is no
            rejection that could ask for a sign-in.

    """
    token = _BLANK.sub("", _PASTED_ALONG.sub("", _BLANK.sub(" ", typed), count=1))
    if not _TOKEN.fullmatch(token) or jwt_claims(token) is None:
        raise UnexpectedResponse(Reason.INVALID_TOKEN_FORMAT)
    return token


def expiry_advice(expires: datetime | None, now: datetime) -> Advice | None:
    """Return what to tell about a token that works now.

    From 30 days before its end a warning, from 7 days an error. The meter judges by its own clock,
    so a token may work beyond the end that we see: that is told too, and nothing stops.
    """
    if expires is None:
        return None
    left = expires - now
    if left > _WARN:
        return None
    if left <= timedelta():
        return Advice(AdviceKind.TOKEN_EXPIRED, SUBJECT, Severity.ERROR)
    severity = Severity.ERROR if left <= _URGENT else Severity.WARNING
    days = {"days": str(math.ceil(left / _DAY))}
    return Advice(AdviceKind.TOKEN_EXPIRING, SUBJECT, severity, days)
