"""How long to keep quiet after a 429 that does not say it."""

from typing import Final

from ...core.budget import Budget
from ...core.errors import ApiError, RateLimited
from ...core.response import Response

_FIRST: Final = 60.0
_LONGEST: Final = 900.0


class Backoff:
    """Doubles the silence with each 429 in a row, from a minute to a quarter of an hour (assumed).

    A verdict for `ApiClient`; what the server says in `Retry-After` goes first.
    """

    def __init__(self, budget: Budget) -> None:
        """Take the budget that keeps the silence."""
        self._budget = budget
        self._silence = 0.0

    def __call__(self, response: Response) -> ApiError | None:
        """Judge 429 alone."""
        if response.status != 429:
            if response.status < 400:
                self._silence = 0.0
            return None
        if "Retry-After" in response.headers or "RetryAfter" in response.headers:
            return None
        # Requests that were under way together are refused together: that is one refusal.
        if not self._silence or self._budget.quiet_for == 0:
            self._silence = min(_LONGEST, max(_FIRST, self._silence * 2))
        return RateLimited(self._silence, status=429, detail=response.words())
