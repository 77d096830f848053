"""What follows from something else, worked out again only when that has changed."""

from collections.abc import Callable


class Derived[S, T]:
    """What was made out of a source, given back while the source is equal to what it was then.

    To compare two sources costs little where their parts are the same objects.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._last: tuple[S, T] | None = None

    def get(self, source: S) -> T | None:
        """Return what was made out of an equal source; None if that is not known."""
        if self._last is not None and self._last[0] == source:
            return self._last[1]
        return None

    def put(self, source: S, made: T) -> T:
        """Remember what was made out of a source, and return it."""
        self._last = (source, made)
        return made

    def of(self, source: S, make: Callable[[], T]) -> T:
        """Return what `make` makes, or made out of an equal source."""
        made = self.get(source)
        return self.put(source, make()) if made is None else made
