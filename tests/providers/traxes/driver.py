"""Somebody who tells devices what to do, on a clock that takes the simulated one with it."""

from datetime import timedelta
from typing import override

from custom_components.energy_connect.core.commands import Command, Order, Outcome
from custom_components.energy_connect.core.controls import Control, Value
from custom_components.energy_connect.core.model import Device, Poll
from custom_components.energy_connect.core.vocabulary import Action
from simulator.cars import ChargeSession
from simulator.clock import Clock
from simulator.journal import Request
from tests.hand_clock import HandClock

from .conftest import COMMANDS, Portal

HOUR = timedelta(hours=1)


class SharedClock(HandClock):
    """Moves the simulator's clock with its own."""

    def __init__(self, simulated: Clock) -> None:
        super().__init__(simulated.now())
        self._simulated = simulated

    @override
    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self._simulated.advance(seconds)


class Driver:
    """An account whose devices are told something."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        portal.clock = self.clock = SharedClock(portal.sim.clock)
        self.account = portal.open()

    async def poll(self, seconds: float = 0) -> Poll:
        """Do what the coordinator does."""
        self.clock.advance(seconds)
        poll = await self.account.poll()
        self.account.orders.see(poll.snapshot.devices)
        self.devices = poll.snapshot.devices
        return poll

    def device(self, place: str) -> Device:
        return self.devices[self.portal.id(place)]

    def shown(self, place: str, action: Action = Action.CHARGING) -> Control | None:
        return self.account.orders.shown(self.device(place), action)

    def perform(self, place: str, action: Action, value: Value = None) -> Order:
        return self.account.orders.perform(Command(self.portal.id(place), action, value))

    async def tell(self, place: str, action: Action, value: Value = None) -> Outcome:
        """Tell a device something and wait for the end."""
        return await self.perform(place, action, value).settled()

    async def charge(self, place: str, on: bool) -> Outcome:
        return await self.tell(place, Action.CHARGING, on)

    def sent(self) -> list[Request]:
        return [one for one in self.portal.asked(COMMANDS) if one.method == "POST"]

    async def go(self, seconds: float) -> None:
        """Let time pass and read all anew."""
        self.clock.advance(seconds)
        await self.poll()
        await self.poll(30)

    async def until_charging(self) -> ChargeSession:
        """Go into a long charge of the first car, which hangs on the first charge point."""
        now = self.clock.now()
        found = self.portal.sim.house.cars[0].sessions(now, now + 400 * HOUR)
        session = next(one for one in found if one.start > now and one.end - one.start >= 2 * HOUR)
        await self.go((session.start - now).total_seconds() + 1800)
        return session

    async def until_unplugged(self) -> None:
        car = self.portal.sim.house.cars[0]
        while car.state(self.clock.now()).plugged_in:
            self.clock.advance(3600)
        await self.go(600)
