"""Which entities the application may steer."""

from collections.abc import Iterable
from typing import Final

from ...core.clock import Clock
from ...core.errors import NotPermitted, UnexpectedResponse
from ...core.payload import Json
from ...core.rota import Rota
from .answers import may_command
from .lists import ListReader

# Our own moderation. An owner who shares more sees the controls within the hour.
_EVERY: Final = 3600.0


class Permissions:
    """Asks once an hour per entity that could be steered.

    Who may read permissions is not documented. Where the list is refused commands are offered all
    the same: the provider refuses those that are not allowed, in words.
    """

    def __init__(self, lists: ListReader, clock: Clock, client_id: str) -> None:
        """Know nothing yet."""
        self._lists = lists
        self._client_id = client_id
        self._rota = Rota(clock, _EVERY)
        self._allowed: dict[str, bool] = {}
        self._unreadable: set[str] = set()

    @property
    def again(self) -> float:
        """In how many seconds something should be asked."""
        return self._rota.again

    @property
    def steerable(self) -> frozenset[str]:
        """The entities that may be steered."""
        return frozenset(one for one, allowed in self._allowed.items() if allowed)

    @property
    def counts(self) -> dict[str, int]:
        """How many entities may be steered, may not, and of how many that can't be read."""
        allowed = sum(self._allowed.values())
        return {
            "allowed": allowed,
            "not_allowed": len(self._allowed) - allowed,
            "unreadable": len(self._unreadable),
        }

    def sync(self, entities: Iterable[str]) -> None:
        """Take these entities and no others."""
        wanted = set(entities)
        self._allowed = {one: may for one, may in self._allowed.items() if one in wanted}
        self._unreadable &= wanted
        self._rota.sync(sorted(wanted))

    async def read(self) -> None:
        """Ask for what is due; what can't be asked now stays as it was known.

        Raises:
            CredentialsRejected: the token is refused.

        """
        await self._rota.run(self._read_one)

    async def _read_one(self, entity_id: str) -> None:
        listed: list[Json] = []
        try:
            await self._lists.rows("v1", "entities", entity_id, "permissions", each=listed.extend)
        except NotPermitted, UnexpectedResponse:
            self._unreadable.add(entity_id)
        else:
            self._unreadable.discard(entity_id)
        self._allowed[entity_id] = may_command(listed, self._client_id)
