"""Entities that were told something: read often until a reading shows what came of it."""

from collections.abc import Callable, Container
from datetime import datetime
from typing import Final

from ...core.clock import Clock
from ...core.rota import Rota

_OFTEN: Final = 60.0
_LONGEST: Final = 900.0


class Attention:
    """Each entity every minute, for a quarter of an hour at most."""

    def __init__(self, clock: Clock) -> None:
        """Watch nobody yet."""
        self._clock = clock
        self._told: dict[str, tuple[datetime, float]] = {}
        self.rota = Rota(clock, _OFTEN)

    def __contains__(self, entity_id: str) -> bool:
        """Tell whether the entity is watched."""
        return entity_id in self._told

    @property
    def again(self) -> float | None:
        """In how many seconds somebody should be read; None if nobody is watched."""
        return self.rota.again if self._told else None

    def tell(self, entity_id: str, at: datetime) -> None:
        """Watch an entity that took a command then, by the provider's clock."""
        self._told[entity_id] = (at, self._clock.monotonic() + _LONGEST)

    def sync(self, entities: Container[str], measured: Callable[[str], datetime | None]) -> None:
        """Let go of those that were measured since, and of those that never are."""
        now = self._clock.monotonic()
        for entity_id, (at, until) in list(self._told.items()):
            newest = measured(entity_id)
            shown = newest is not None and newest >= at
            if shown or now >= until or entity_id not in entities:
                del self._told[entity_id]
        self.rota.sync(self._told)
