"""What an entity can be told, by its type."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from ...core.controls import Control, Press, Range, Switch
from ...core.vocabulary import Action, Flag
from .holding import Holding
from .parse import Entity

_CHARGING_TYPES: Final = frozenset({"EV", "ChargePoint"})
_FEEDING_TYPES: Final = frozenset({"SolarPlant"})
_MOST_FEED_IN: Final = 1_000_000.0
"""W; no limit is documented, and no house feeds in more."""


def can_be_steered(entity: Entity) -> bool:
    """Tell whether there are commands for this type (vendor); not every maker has them."""
    return entity.type in _CHARGING_TYPES | _FEEDING_TYPES


def controls(entity: Entity, holding: Holding) -> Mapping[Action, Control]:
    """Return the controls of an entity that may be steered, with what was read of them."""
    offered: dict[Action, Control] = {}
    if entity.type in _CHARGING_TYPES:
        at: datetime | None = holding.flagged.get(Flag.CHARGING)
        offered[Action.CHARGING] = Switch(value=holding.flags.get(Flag.CHARGING), at=at)
    if entity.type in _FEEDING_TYPES:
        # No reading tells which limit is in force.
        offered[Action.LIMIT_FEED_IN] = Range(
            value=None, minimum=0.0, maximum=_MOST_FEED_IN, unit="W", readable=False
        )
        offered[Action.STOP_FEED_IN] = Press()
    return offered
