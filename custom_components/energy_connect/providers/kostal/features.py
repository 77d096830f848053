"""What a meter may say beside its record: asked seldom, and never in the record's way."""

from collections.abc import Callable
from typing import Final

from ...core.clock import Clock
from ...core.errors import ApiError
from ...core.http import ApiClient
from ...core.payload import Json
from .access import Path

INTERVAL: Final = 60.0
_RETRY: Final = 600.0
# What did not answer is not yet gone: its last word is shown for three rounds.
_PATIENCE: Final = 3 * INTERVAL


class Feature[T]:
    """One optional resource.

    It is asked once. If it answers, then every 60 s. If it is refused, never again until the
    account is opened anew; or every 10 min, if it had answered before (a firmware update).
    """

    def __init__(self, name: str, path: Path, parse: Callable[[Json], T], clock: Clock) -> None:
        """Ask nothing yet; `parse` raises `UnexpectedResponse` for a payload without any use."""
        self.name = name
        self.value: T | None = None
        self._path = path
        self._parse = parse
        self._clock = clock
        self._due: float | None = clock.monotonic()
        self._answered: float | None = None
        self._problem: ApiError | None = None

    @property
    def due(self) -> bool:
        """Whether it should be asked now."""
        return self._due is not None and self._clock.monotonic() >= self._due

    @property
    def state(self) -> str:
        """How it stands, for diagnostics."""
        if self._problem is None:
            return "not asked" if self._answered is None else "on"
        kind = "off" if self._due is None else "failing"
        return f"{kind}: {self._problem}"

    async def read(self, client: ApiClient) -> None:
        """Ask once; whatever comes of it stays here."""
        try:
            response = await client.get(*self._path)
            value = self._parse(response.json())
        except ApiError as error:
            self._failed(error)
            return
        now = self._clock.monotonic()
        self.value, self._answered, self._problem, self._due = value, now, None, now + INTERVAL

    def _failed(self, error: ApiError) -> None:
        now = self._clock.monotonic()
        self._problem = error.with_traceback(None)  # it would hold on to the answer
        refused = error.status is not None
        if self._answered is None:
            self._due = None if refused else now + _RETRY
            return
        self._due = now + (_RETRY if refused else INTERVAL)
        if refused or now - self._answered > _PATIENCE:
            self.value = None
