"""Time zones by name (IANA), each read from its file once."""

import asyncio
from datetime import tzinfo
from typing import Final
from zoneinfo import ZoneInfo


class Zones:
    """The time zones that were asked for; a name that names none is remembered as well."""

    def __init__(self) -> None:
        """Know none yet."""
        self._known: Final[dict[str, tzinfo | None]] = {}

    async def get(self, name: str | None) -> tzinfo | None:
        """Return the time zone of that name, None if there is none."""
        if name is None:
            return None
        if name not in self._known:
            # Reading a zone's rules reads a file.
            self._known[name] = await asyncio.to_thread(_read, name)
        return self._known[name]

    @property
    def told(self) -> tuple[str, ...]:
        """The names that were asked for."""
        return tuple(self._known)

    def known(self, name: str | None) -> tzinfo | None:
        """Return a time zone that `get` was asked for before."""
        return self._known.get(name or "")


def _read(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except ValueError, OSError, LookupError:
        return None
