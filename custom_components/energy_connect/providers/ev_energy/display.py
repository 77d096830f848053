"""Puts together what is shown of each device, at its age, and keeps what did not change."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from ...core.counters import CounterGuard
from ...core.freshness import Freshness
from ...core.model import Device
from .chargers import with_reachable
from .controls import Permissions, with_boost, with_settings
from .sessions import Charging, Outlook, with_charging, with_outlook

SILENT: Final = timedelta(minutes=15)
LATE: Final = SILENT + timedelta(minutes=3 * 2)
"""Vehicles and chargers report when they report; 15 min is the documented example of an age at
which a charger counts as silent. Power other than 0 exists only while something is plugged in, when
polls are 2 min apart, and three of those go on top. It also covers an idle poll of 5 min."""


class Display:
    """Devices made of the same parts stay the same objects, so that a quiet poll costs nothing."""

    def __init__(self, interval: float) -> None:
        """Have shown nothing yet; `interval` is that of polls (seconds)."""
        self._guard = CounterGuard()
        self._freshness = Freshness(max(LATE, SILENT + timedelta(seconds=3 * interval)))
        self._combined: dict[str, tuple[tuple[object, ...], Device]] = {}

    def aged(self, devices: Iterable[Device], now: datetime) -> list[Device]:
        """Return devices as they are believed, at their age."""
        return [self._freshness.show(self._guard.settle(device), now) for device in devices]

    def vehicle(
        self,
        device: Device,
        charging: Charging | None,
        money: str | None,
        plan: Outlook | None,
        allowed: Permissions,
    ) -> Device:
        """Return a vehicle with its sessions and its plan; None: they can't be read."""
        before = self._combined.get(device.id)
        parts = (device, charging, money, plan, allowed)
        if before is not None and _same(before[0], parts):
            return before[1]
        combined = device
        if charging is not None:
            combined = with_charging(combined, charging, money)
        if plan is not None:
            combined = with_outlook(combined, plan)
        if allowed.settings:
            combined = with_settings(combined)
        if allowed.boost:
            combined = with_boost(combined)
        self._combined[device.id] = (parts, combined)
        return combined

    def charger(
        self,
        device: Device,
        charging: Charging | None,
        money: str | None,
        online: bool | None,
        allowed: Permissions,
    ) -> Device:
        """Return a charger with its sessions; `online` None: nobody knows."""
        before = self._combined.get(device.id)
        parts = (device, charging, money, online, allowed)
        if before is not None and _same(before[0], parts):
            return before[1]
        combined = with_reachable(device, online)
        if charging is not None:
            combined = with_charging(combined, charging, money)
        if allowed.boost:
            combined = with_boost(combined)
        self._combined[device.id] = (parts, combined)
        return combined


def _same(before: tuple[object, ...], now: tuple[object, ...]) -> bool:
    """Tell whether a device is made of the same parts; the first is the device as it was read."""
    return before[0] is now[0] and before[1:] == now[1:]
