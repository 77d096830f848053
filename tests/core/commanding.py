"""A house whose provider takes commands, for the tests of orders."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from custom_components.energy_connect.core.commands import (
    PENDING,
    Accepted,
    Command,
    Orders,
    Outcome,
    State,
)
from custom_components.energy_connect.core.controls import Control, Press, Range, Switch
from custom_components.energy_connect.core.errors import ApiError, Refusal
from custom_components.energy_connect.core.model import Device
from custom_components.energy_connect.core.vocabulary import Action, Kind
from tests.standing_clock import START, StandingClock

CHARGING: Final = Action.CHARGING
ON: Final = Command("car", CHARGING, True)
OFF: Final = Command("car", CHARGING, False)
TEN: Final = Command("car", Action.MAX_CURRENT, 10)
SIXTEEN: Final = Command("car", Action.MAX_CURRENT, 16)
REFRESH: Final = Command("car", Action.REFRESH)
FAILED: Final = Outcome(State.FAILED, Refusal.NO_RESPONSE, "asleep")


def car(device_id: str = "car", **controls: Control) -> Device:
    known: dict[Action, Control] = {
        CHARGING: Switch(value=False, at=START),
        Action.MAX_CURRENT: Range(value=6, minimum=6, maximum=32, unit="A", at=START),
        Action.REFRESH: Press(),
        Action.STOP_FEED_IN: Press(),
        Action.LIMIT_FEED_IN: Range(value=None, minimum=0, maximum=9e3, readable=False),
    }
    known |= {Action(action): control for action, control in controls.items()}
    return Device(id=device_id, kind=Kind.VEHICLE, controls=known)


class House:
    """A provider that takes commands, and what becomes of each as a test says."""

    def __init__(self) -> None:
        self.clock = StandingClock()
        self.orders = Orders(self.clock, self._send)
        self.sent: list[Command] = []
        self.looks: list[Command] = []
        self.outcomes: dict[Command, Outcome | ApiError] = {}
        self.answer: Callable[[Command], Accepted] = self.accept
        self.gate: asyncio.Event | None = None
        self.told: list[tuple[Command, State]] = []
        self.show(car())
        self.orders.listen(lambda order: self.told.append((order.command, order.outcome.state)))

    def show(self, *devices: Device) -> frozenset[str]:
        self.devices = {device.id: device for device in devices}
        return self.orders.see(self.devices)

    def accept(self, command: Command) -> Accepted:
        async def look() -> Outcome:
            self.looks.append(command)
            outcome = self.outcomes.get(command, PENDING)
            if isinstance(outcome, ApiError):
                raise outcome
            return outcome

        return Accepted(look=look)

    async def _send(self, command: Command) -> Accepted:
        self.sent.append(command)
        if self.gate is not None:
            await self.gate.wait()
        return self.answer(command)

    def shown(self, action: Action = CHARGING) -> Any:
        control = self.orders.shown(self.devices["car"], action)
        assert control is not None
        assert not isinstance(control, Press)
        return control.value


def refusing(error: Exception) -> Callable[[Command], Accepted]:
    def refuse(_: Command) -> Accepted:
        raise error

    return refuse
