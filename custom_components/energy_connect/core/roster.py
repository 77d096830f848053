"""Which devices are gone: those that several complete listings in a row did not name."""

from collections.abc import Iterable, Mapping
from typing import Final

from .vocabulary import Kind

LISTINGS_BEFORE_GONE: Final = 3


class Roster:
    """Counts complete listings without a device.

    A refused, broken or partial list is no listing; one that names the device again starts over.
    """

    def __init__(self) -> None:
        """Miss nobody yet."""
        self._missing: dict[str, int] = {}

    def gone(
        self, known: Mapping[str, Kind], present: Iterable[str], listed: frozenset[Kind]
    ) -> set[str]:
        """Return the ids of `known` devices that are gone for good.

        `known` maps the ids that Home Assistant has to their kinds, `present` are the ids that the
        account reports now, `listed` the kinds whose complete list was read just now.
        """
        here = set(present)
        gone = set()
        for device_id, kind in known.items():
            if device_id in here:
                self._missing.pop(device_id, None)
            elif kind in listed:
                self._missing[device_id] = self._missing.get(device_id, 0) + 1
                if self._missing[device_id] >= LISTINGS_BEFORE_GONE:
                    gone.add(device_id)
        for device_id in [item for item in self._missing if item in gone or item not in known]:
            del self._missing[device_id]
        return gone
