"""Old data is said to be old, and values that mislead when old become unknown."""

from collections.abc import Container
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from .model import Device, Reading
from .vocabulary import FLEETING, Flag, Moment

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Freshness:
    """Shows the devices of an account at their age.

    Power other than 0 that was measured longer than `limit` ago becomes unknown; states of charge
    and counters stay, their age is told by `Flag.DATA_LATE`. A reading without a time of its own
    has the device's `Moment.LAST_MEASURED`; without either, nothing is known of its age and
    nothing is done. The provider's clock may run ahead of ours: a future time is fresh.
    """

    def __init__(self, limit: timedelta) -> None:
        """Take the age from which on data is late: the provider's cadence and three polls."""
        self._limit = limit
        self._shown: dict[str, tuple[Device, datetime, datetime, Device]] = {}

    def show(self, device: Device, now: datetime) -> Device:
        """Return the device as it should be shown now.

        The same device object gives the same answer, without work, until its age changes it or our
        clock is set back.
        """
        before = self._shown.get(device.id)
        if before is not None and before[0] is device and before[1] <= now < before[2]:
            return before[3]
        shown, until = self._aged(device, now)
        self._shown[device.id] = (device, now, until, shown)
        return shown

    def holds(self, now: datetime) -> bool:
        """Tell whether age changes nothing of what was shown; new devices are not thought of."""
        return all(since <= now < until for _, since, until, _ in self._shown.values())

    def keep(self, ids: Container[str]) -> None:
        """Forget all devices but these."""
        for gone in [device_id for device_id in self._shown if device_id not in ids]:
            del self._shown[gone]

    def _aged(self, device: Device, now: datetime) -> tuple[Device, datetime]:
        measured = device.moments.get(Moment.LAST_MEASURED)
        changes = [_NEVER]
        stale = {}
        for key, reading in device.numbers.items():
            at = reading.at or measured
            if key[0] not in FLEETING or not reading.value or at is None:
                continue
            if now - at > self._limit:
                stale[key] = Reading(None, reading.at, reading.since, reading.unit)
            else:
                changes.append(self._end(at))
        flags = dict(device.flags)
        if measured is not None:
            flags[Flag.DATA_LATE] = late = now - measured > self._limit
            if not late:
                changes.append(self._end(measured))
        elif Moment.LAST_MEASURED in device.moments:
            flags[Flag.DATA_LATE] = None
        shown = replace(device, numbers={**device.numbers, **stale}, flags=flags)
        return shown, min(changes)

    def _end(self, at: datetime) -> datetime:
        """Return until when a measurement is fresh; some servers write "never" as the year 9999."""
        return at + self._limit if at < _NEVER - self._limit else _NEVER
