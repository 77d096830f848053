"""What follows from something else, the same object until it has changed."""

from collections.abc import Callable


class Steady[T]:
    """A value that is the same object as long as it is equal, so that nobody else has to compare it."""

    def __init__(self, value: T) -> None:
        """Begin with a value."""
        self._value = value

    def of(self, value: T) -> T:
        """Return the value, or the one before if that is equal."""
        if value != self._value:
            self._value = value
        return self._value


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
