"""Rows that could not be used: counted, and said once."""

from collections import Counter
import logging
from typing import Any, Final

from .parse import Parsed

_LOGGER: Final = logging.getLogger(__name__)


class Tally:
    """Counts dropped rows per kind; the first of a kind is a warning, without any value."""

    def __init__(self) -> None:
        """Begin with nothing dropped."""
        self.dropped: Counter[str] = Counter()
        self.unread: dict[str, list[str]] = {}

    def note(self, kind: str, parsed: Parsed[Any]) -> None:
        """Count what was dropped; the names of attributes tell a developer what to look for."""
        if not parsed.dropped:
            return
        if not self.dropped[kind]:
            _LOGGER.warning("Dropped %d %s that could not be read", parsed.dropped, kind)
        if parsed.unread and kind not in self.unread:
            self.unread[kind] = sorted(parsed.unread)
            _LOGGER.warning(
                "No time or value found in %s, only: %s", kind, ", ".join(self.unread[kind])
            )
        self.dropped[kind] += parsed.dropped
