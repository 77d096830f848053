"""A scripted account that can be told something, and offers all that an account can offer."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, override

from custom_components.energy_connect.core.account import Context, Provider
from custom_components.energy_connect.core.commands import (
    PENDING,
    Accepted,
    Command,
    Orders,
    Outcome,
)
from custom_components.energy_connect.core.controls import Control, Range, Switch
from custom_components.energy_connect.core.model import Device
from custom_components.energy_connect.core.offers import (
    Controllable,
    Linking,
    Mending,
    PlanSource,
    ReadingSource,
    SessionSource,
    Visit,
)
from custom_components.energy_connect.core.records import (
    ChargePlan,
    ChargingSession,
    Link,
    RawReading,
)
from custom_components.energy_connect.core.vocabulary import Action, Flag, Kind
from tests.scripted import Script, car
from tests.standing_clock import StandingClock

PAGE = "https://link.example/"


def controlled_car(controls: dict[Action, Control] | None = None, **changed: Any) -> Device:
    """Return a car that can be charged and limited."""
    known: dict[Action, Control] = {
        Action.CHARGING: Switch(value=False),
        Action.MAX_CURRENT: Range(value=16, minimum=6, maximum=32, unit="A"),
    }
    flags = {Flag.PLUGGED_IN: True, Flag.CHARGING: False}
    return car(**{"controls": known if controls is None else controls, "flags": flags} | changed)


class ControlledScript(
    Script, Controllable, SessionSource, PlanSource, ReadingSource, Linking, Mending
):
    """Takes commands, and what becomes of each as the test says."""

    def __init__(self) -> None:
        """Begin with one car, everything accepted and nothing decided."""
        super().__init__()
        self.clock = StandingClock()
        self.sent: list[Command] = []
        self.outcome: Outcome = PENDING
        self.answer: Callable[[Command], Accepted] = self.accept
        self.sessions: list[ChargingSession] = []
        self.plan_slots: ChargePlan | None = None
        self.raw: list[RawReading] = []
        self.asked: list[tuple[Any, ...]] = []
        self.lookup_error: Exception | None = None
        self.page: Link | None = Link(url=PAGE)
        self.visits: list[Visit] = []
        self.show(controlled_car())

    def accept(self, command: Command) -> Accepted:
        """Take a command whose outcome is still open."""

        async def look() -> Outcome:
            return self.outcome

        return Accepted(look=look)

    def refuse(self, error: Exception) -> None:
        """Take no command from now on."""

        def refuse(_: Command) -> Accepted:
            raise error

        self.answer = refuse

    async def _send(self, command: Command) -> Accepted:
        self.sent.append(command)
        return self.answer(command)

    @override
    def open(self, context: Context) -> Script:
        """Open the account anew: its commands are new ones."""
        self.orders = Orders(self.clock, self._send)
        return super().open(context)

    @override
    def provider(self, key: str = "scripted", **changed: Any) -> Provider:
        """Return the provider, which can link cars and chargers."""
        return super().provider(key, **{"link_kinds": (Kind.VEHICLE, Kind.CHARGER)} | changed)

    def control(self, action: Action, **changed: Any) -> None:
        """Report one control of the car otherwise."""
        controls = dict(self.snapshot.devices["car"].controls)
        present: Any = controls[action]
        self.change("car", controls={**controls, action: replace(present, **changed)})

    async def _lookup(self, *asked: Any) -> None:
        self.asked.append(asked)
        if self.lookup_error is not None:
            raise self.lookup_error

    @override
    async def charging_sessions(
        self, device_id: str, start: datetime, end: datetime
    ) -> Sequence[ChargingSession]:
        """Return the sessions of the device."""
        await self._lookup("sessions", device_id, start, end)
        return [one for one in self.sessions if one.device_id == device_id]

    @override
    async def charge_plan(self, device_id: str) -> ChargePlan:
        """Return the plan, empty by default."""
        await self._lookup("plan", device_id)
        return self.plan_slots or ChargePlan(device_id=device_id)

    @override
    async def readings(
        self, device_id: str, start: datetime, end: datetime
    ) -> Sequence[RawReading]:
        """Return the raw readings of the device."""
        await self._lookup("readings", device_id, start, end)
        return [one for one in self.raw if one.device_id == device_id]

    @override
    async def link(self, kinds: frozenset[Kind], visit: Visit) -> Link:
        """Return the page."""
        self.visits.append(visit)
        await self._lookup("link", kinds)
        assert self.page is not None
        return self.page

    @override
    async def mend(self, subject: str, visit: Visit) -> Link | None:
        """Return the page, None if there is nothing to mend."""
        self.visits.append(visit)
        await self._lookup("mend", subject)
        return self.page
