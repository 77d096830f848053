"""What a login token's scopes open; names of half of the scopes are not public."""

from enum import StrEnum
from typing import Final

from ...core.errors import ApiError, NotPermitted, Reason, Unavailable, UnexpectedResponse


class Feature(StrEnum):
    """A kind of request that can be refused by itself."""

    METERS = "meters"
    ENTITIES = "entities"
    READINGS = "readings"
    METER_DELTAS = "meter_deltas"
    ENTITY_DELTAS = "entity_deltas"
    VIRTUAL_METER_DELTAS = "virtual_meter_deltas"
    DATA_POINTS = "data_points"


# Their paths are documented: 404 is about the one meter or series.
_DOCUMENTED: Final = frozenset(
    {Feature.READINGS, Feature.VIRTUAL_METER_DELTAS, Feature.DATA_POINTS}
)
_OF_ITEMS: Final = frozenset({Feature.METER_DELTAS, Feature.ENTITY_DELTAS})
# These are about one meter or entity and say nothing about the others.
_OWN_FAULT: Final = frozenset({400, 404, 422})


class Features:
    """Remembers what was refused, so that it is asked for seldom: with the lists."""

    def __init__(self) -> None:
        """Take everything for granted."""
        self.refused: dict[Feature, str] = {}
        self.denied: set[Feature] = set()
        """What the token's scopes do not open, until it is seen to work."""
        self._proven: set[Feature] = set()
        self._missed: set[Feature] = set()

    def is_on(self, feature: Feature) -> bool:
        """Tell whether a feature may be asked for."""
        return feature not in self.refused

    def check(self, feature: Feature) -> None:
        """Raise `NotPermitted` if a feature was refused a moment ago."""
        if feature in self.refused:
            raise NotPermitted(Reason.NOT_PERMITTED)

    def proves(self, feature: Feature) -> None:
        """Note that a feature exists."""
        self.refused.pop(feature, None)
        self.denied.discard(feature)
        self._missed.discard(feature)
        self._proven.add(feature)

    def judge(self, feature: Feature, error: ApiError) -> bool:
        """Note what an error says about a feature; return whether it is switched off by it.

        403 means that the token's scopes do not include it (vendor). 404 means that there is no
        such path, if it has never been answered well: else it is about the one meter or entity. So
        is the first one about months, since that meter may just have been deleted.
        """
        missing = isinstance(error, UnexpectedResponse) and error.status == 404
        missing = missing and feature not in _DOCUMENTED and feature not in self._proven
        if missing and feature in _OF_ITEMS and feature not in self._missed:
            self._missed.add(feature)
            missing = False
        if isinstance(error, NotPermitted):
            self.denied.add(feature)
        if isinstance(error, NotPermitted) or missing:
            self.refused[feature] = error.reason.value
        return feature in self.refused

    def ask_again(self) -> None:
        """Forget the refusals."""
        self.refused.clear()


def is_trouble(error: ApiError) -> bool:
    """Tell whether an error may concern the whole API, and not one meter, entity or feature."""
    if isinstance(error, UnexpectedResponse):
        return error.status not in _OWN_FAULT and error.reason is not Reason.INVALID_ID
    return isinstance(error, Unavailable)
