"""The clock that everything in the simulator reads."""

import datetime as dt


class Clock:
    """A clock that runs with real time until somebody moves or freezes it.

    `now()` reads the machine's clock at call time and adds an offset, so a frozen `datetime`
    (freezegun) in the same process moves the simulator with it.
    """

    def __init__(self, at: dt.datetime | None = None, *, frozen: bool = False) -> None:
        """Start at `at` (aware), by default at the machine's time; `frozen` holds it there."""
        self._offset = dt.timedelta()
        self._held: dt.datetime | None = None
        if frozen:
            self.freeze()
        if at is not None:
            self.set(at)

    @property
    def frozen(self) -> bool:
        """Whether time stands still except for `advance` and `set`."""
        return self._held is not None

    def now(self) -> dt.datetime:
        """Return the simulated time, aware, in UTC."""
        if self._held is not None:
            return self._held
        return dt.datetime.now(dt.UTC) + self._offset

    def timestamp(self) -> float:
        """Return the simulated time in seconds since 1970 (UTC)."""
        return self.now().timestamp()

    def advance(self, seconds: float) -> None:
        """Move the clock by `seconds`; negative moves it back."""
        step = dt.timedelta(seconds=seconds)
        if self._held is not None:
            self._held += step
        else:
            self._offset += step

    def set(self, at: dt.datetime) -> None:
        """Set the clock to `at`, an aware time; a frozen clock stays frozen."""
        if at.tzinfo is None:
            msg = "the simulated time needs a zone"
            raise ValueError(msg)
        at = at.astimezone(dt.UTC)
        if self._held is not None:
            self._held = at
        else:
            self._offset = at - dt.datetime.now(dt.UTC)

    def freeze(self) -> None:
        """Hold the time where it is."""
        self._held = self.now()

    def resume(self) -> None:
        """Let the time run on from where it was held."""
        if self._held is not None:
            self._offset = self._held - dt.datetime.now(dt.UTC)
            self._held = None
