"""The newest charges of vehicles and charge points: asked for often only while they change."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from ...core.clock import Clock
from ...core.errors import NotPermitted, UnexpectedResponse
from ...core.rota import Rota
from .lists import ListReader
from .parse import ChargeSessions, Entity, parse_sessions

_OFTEN: Final = 1800.0
_SELDOM: Final = 6 * 3600.0
_JUST_AFTER: Final = 3600.0
# The order of a page is not documented: a window that one page holds, then one for rare charges.
_WINDOWS: Final = (timedelta(days=7), timedelta(days=60))
_REFUSALS: Final = frozenset({400, 404, 405})


class Sessions:
    """Charges by entity, each asked for every 30 min while charging and just after, else 6 h."""

    def __init__(self, lists: ListReader, clock: Clock, interval: float) -> None:
        """Know no charges yet; never asked for more often than every `interval` seconds."""
        self._lists = lists
        self._clock = clock
        self._often = Rota(clock, max(_OFTEN, interval))
        self._seldom = Rota(clock, _SELDOM)
        self._charged_at: dict[str, float] = {}
        self._asked_again: dict[str, float] = {}
        self.newest: dict[str, ChargeSessions] = {}
        self.malformed = 0
        self.failures = 0

    @property
    def refused(self) -> int:
        """For how many entities charges are refused."""
        return len(self._asked_again)

    @property
    def again(self) -> float:
        """In how many seconds something should be asked."""
        return min(self._often.again, self._seldom.again)

    def sync(self, entities: Mapping[str, Entity], charging: Iterable[str]) -> None:
        """Take these entities and no others, and those of them that charge now."""
        now = self._clock.monotonic()
        self._charged_at |= dict.fromkeys(charging, now)
        self._charged_at = {
            one: at
            for one, at in self._charged_at.items()
            if one in entities and now - at <= _JUST_AFTER
        }
        self._asked_again = {
            one: at for one, at in self._asked_again.items() if one in entities and at > now
        }
        self.newest = {one: known for one, known in self.newest.items() if one in entities}
        allowed = [one for one in entities if one not in self._asked_again]
        self._often.sync(one for one in allowed if one in self._charged_at)
        self._seldom.sync(one for one in allowed if one not in self._charged_at)

    async def read(self) -> None:
        """Ask for what is due; a failure costs nothing but these charges.

        Raises:
            CredentialsRejected: the token is refused.

        """
        for rota in (self._often, self._seldom):
            self.failures += len((await rota.run(self._read_one)).failures)

    async def _read_one(self, entity_id: str) -> None:
        try:
            for window in _WINDOWS:
                sessions = await self._ask(entity_id, window)
                if sessions.newest is not None:
                    self.newest[entity_id] = sessions
                    return
        except NotPermitted:
            self._refuse(entity_id)
        except UnexpectedResponse as error:
            if error.status not in _REFUSALS:
                raise
            self._refuse(entity_id)

    def _refuse(self, entity_id: str) -> None:
        self._asked_again[entity_id] = self._clock.monotonic() + _SELDOM

    async def _ask(self, entity_id: str, window: timedelta) -> ChargeSessions:
        start = f"{self._clock.now() - window:%Y-%m-%dT%H:%M:%SZ}"
        response = await self._lists.page(
            "v1", "entities", entity_id, "charge-sessions", params=[("start", start)]
        )
        if not response.body.strip():
            return ChargeSessions()
        sessions = parse_sessions(response.json())
        self.malformed += sessions.malformed
        return sessions
