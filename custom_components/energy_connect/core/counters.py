"""Counters that fall are not believed at once.

A meter that answers 0 for one poll must not add its whole life to the Energy dashboard at the next.
"""

from dataclasses import replace
from datetime import datetime

from .model import Device, NumberKey, Reading
from .vocabulary import COUNTERS, Moment


class CounterGuard:
    """Holds back falling counters until a second measurement confirms the fall (a new meter)."""

    def __init__(self) -> None:
        """Know no counter yet."""
        self._believed: dict[tuple[str, NumberKey], Reading] = {}
        self._doubted: dict[tuple[str, NumberKey], tuple[float, datetime | None]] = {}
        self._settled: dict[str, tuple[Device, Device]] = {}

    def settle(self, device: Device) -> Device:
        """Return the device with each doubtful counter at its last believed reading.

        A fall is confirmed by a later measurement that is also below the believed one and not below
        the first that fell. A device object seen before gives the same answer for free.
        """
        before = self._settled.get(device.id)
        if before is not None and before[0] is device:
            return before[1]
        measured = device.moments.get(Moment.LAST_MEASURED)
        held = {}
        for key, reading in device.numbers.items():
            if key[0] in COUNTERS and reading.value is not None:
                at = reading.at or measured
                kept = self._judge((device.id, key), reading, reading.value, at)
                if kept is not reading:
                    held[key] = kept
        settled = replace(device, numbers={**device.numbers, **held}) if held else device
        self._settled[device.id] = (device, settled)
        return settled

    def _judge(
        self, key: tuple[str, NumberKey], reading: Reading, value: float, at: datetime | None
    ) -> Reading:
        """Return the reading to show: this one, or the last believed one."""
        believed = self._believed.get(key)
        if believed is not None and believed.value is not None and believed.unit == reading.unit:
            doubted = self._doubted.get(key)
            confirmed = doubted is not None and value >= doubted[0] and _is_later(at, doubted[1])
            if value < believed.value and not confirmed:
                if doubted is None or value < doubted[0]:
                    self._doubted[key] = (value, at)
                return believed
        self._believed[key] = reading
        self._doubted.pop(key, None)
        return reading


def _is_later(at: datetime | None, than: datetime | None) -> bool:
    """Tell whether a measurement is later; where there are no times, each answer is."""
    return at is None or than is None or at > than
