"""Commands: sent one at a time per device, followed to their outcome, shown meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from custom_components.energy_connect.core.commands import (
    CONFIRMED,
    GIVE_UP,
    LOOK_EVERY,
    LOOK_SELDOM,
    PENDING,
    PROMPT,
    UNREAD,
    Accepted,
    Command,
    Order,
    Orders,
    Outcome,
    State,
)
from custom_components.energy_connect.core.controls import Control, Press, Range, Switch
from custom_components.energy_connect.core.errors import (
    ApiError,
    CommandRefused,
    RateLimited,
    Reason,
    Refusal,
    Unavailable,
)
from custom_components.energy_connect.core.model import Device
from custom_components.energy_connect.core.vocabulary import Action, Kind, Moment
from tests.standing_clock import START, StandingClock, settle

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


@pytest.fixture
async def house() -> AsyncIterator[House]:
    one = House()
    yield one
    one.orders.close()
    await settle()


async def test_a_command_is_sent_and_followed_every_two_seconds(house: House) -> None:
    order = house.orders.perform(ON)
    await house.clock.advance(0)
    assert house.sent == [ON]
    assert (order.pending, order.outcome, house.looks) == (True, PENDING, [])

    await house.clock.advance(3 * LOOK_EVERY)
    assert len(house.looks) == 3
    house.outcomes[ON] = CONFIRMED
    await house.clock.advance(LOOK_EVERY)

    assert (order.pending, order.outcome) == (False, CONFIRMED)
    assert house.told == [(ON, State.PENDING), (ON, State.CONFIRMED)]


async def test_what_was_done_at_once_needs_no_look(house: House) -> None:
    house.answer = lambda _: Accepted(outcome=CONFIRMED)

    assert await house.orders.perform(ON).settled() == CONFIRMED
    assert house.looks == []


async def test_an_outcome_that_never_arrives_is_unknown_after_half_an_hour(house: House) -> None:
    order = house.orders.perform(ON)

    await house.clock.advance(PROMPT)
    assert len(house.looks) == PROMPT / LOOK_EVERY
    assert await order.wait(0) == PENDING
    assert house.shown() is True
    await house.clock.advance(GIVE_UP)

    assert order.outcome == Outcome(State.UNKNOWN, Refusal.NO_OUTCOME)
    assert len(house.looks) <= PROMPT / LOOK_EVERY + GIVE_UP / LOOK_SELDOM
    assert house.shown() is False


async def test_nobody_to_ask_means_that_the_outcome_is_unknown(house: House) -> None:
    house.answer = lambda _: Accepted()

    outcome = await house.orders.perform(ON).settled()

    assert outcome.state is State.UNKNOWN


async def test_a_provider_that_goes_down_meanwhile_is_asked_on(house: House) -> None:
    order = house.orders.perform(ON)
    house.outcomes[ON] = Unavailable(Reason.SERVER_ERROR, status=503)
    await house.clock.advance(5 * LOOK_EVERY)
    assert (order.pending, len(house.looks)) == (True, 5)

    house.outcomes[ON] = FAILED
    await house.clock.advance(LOOK_EVERY)

    assert order.outcome == FAILED


async def test_a_provider_that_wants_silence_gets_it(house: House) -> None:
    house.orders.perform(ON)
    house.outcomes[ON] = RateLimited(20)
    await house.clock.advance(LOOK_EVERY)
    house.outcomes[ON] = PENDING
    await house.clock.advance(19)
    assert len(house.looks) == 1

    await house.clock.advance(1 + LOOK_EVERY)

    assert len(house.looks) == 3


@pytest.mark.parametrize(
    "error",
    [
        CommandRefused(Refusal.UNPLUGGED, detail="no cable"),
        CommandRefused(Refusal.UNDER_SCHEDULE),
        Unavailable(Reason.CANNOT_CONNECT),
    ],
)
async def test_a_refusal_is_raised_to_who_waits_and_leaves_what_was_read(
    house: House, error: CommandRefused | ApiError
) -> None:
    house.answer = refusing(error)
    order = house.orders.perform(ON)
    assert house.shown() is True

    with pytest.raises(type(error)):
        await order.wait(5)
    with pytest.raises(type(error)):
        await order.settled()

    assert house.shown() is False
    assert order.outcome == Outcome(State.FAILED, error.reason, error.detail)
    assert house.told[-1] == (ON, State.FAILED)


async def test_a_fault_of_ours_ends_the_order_and_is_logged(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.answer = refusing(KeyError("state"))

    outcome = await house.orders.perform(ON).settled()

    assert outcome == Outcome(State.UNKNOWN, Refusal.NO_OUTCOME)
    assert "Unexpected error carrying out charging" in caplog.text


async def test_waiting_ends_with_the_time_or_the_outcome(house: House) -> None:
    order = house.orders.perform(ON)
    short = asyncio.create_task(order.wait(5))
    long = asyncio.create_task(order.wait(60))
    await house.clock.advance(5)
    assert short.done()
    assert short.result() == PENDING
    assert not long.done()

    house.outcomes[ON] = CONFIRMED
    await house.clock.advance(LOOK_EVERY)

    assert long.result() == CONFIRMED
    assert await order.wait(5) == CONFIRMED


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Command("bus", CHARGING, True), Refusal.DEVICE_GONE),
        (Command("car", Action.CLIMATE), Refusal.NOT_OFFERED),
        (Command("car", Action.MAX_CURRENT, 5), Refusal.OUT_OF_RANGE),
    ],
)
async def test_what_can_not_be_is_refused_and_not_sent(
    house: House, command: Command, reason: Refusal
) -> None:
    with pytest.raises(CommandRefused) as refused:
        house.orders.perform(command)

    assert refused.value.reason is reason
    await house.clock.advance(60)
    assert (house.sent, house.told) == ([], [])


# Two commands at once.


async def test_the_same_command_again_joins_the_one_that_runs(house: House) -> None:
    first = house.orders.perform(ON)
    await house.clock.advance(LOOK_EVERY)

    assert house.orders.perform(ON) is first
    house.outcomes[ON] = CONFIRMED
    await house.clock.advance(LOOK_EVERY)
    assert house.sent == [ON]

    assert house.orders.perform(ON) is not first  # it may have been stopped at the car since


async def test_another_value_supersedes_the_one_that_runs(house: House) -> None:
    first = house.orders.perform(ON)
    await house.clock.advance(LOOK_EVERY)
    second = house.orders.perform(OFF)
    assert house.shown() is False
    await house.clock.advance(0)

    assert house.sent == [ON, OFF]
    assert first.outcome == Outcome(State.CANCELLED, Refusal.SUPERSEDED)
    assert first.replaced
    assert second.pending
    house.looks.clear()
    await house.clock.advance(4 * LOOK_EVERY)
    assert set(house.looks) == {OFF}


async def test_requests_of_one_device_never_overlap(house: House) -> None:
    house.gate = asyncio.Event()
    first = house.orders.perform(ON)
    await house.clock.advance(0)
    house.orders.perform(OFF)
    await house.clock.advance(30)
    assert house.sent == [ON]

    house.gate.set()
    await house.clock.advance(0)

    assert house.sent == [ON, OFF]
    assert first.replaced


async def test_of_a_slider_that_is_dragged_only_the_ends_are_sent(house: House) -> None:
    house.gate = asyncio.Event()
    orders = []
    for value in (7, 8, 9, 10):
        orders.append(house.orders.perform(replace(TEN, value=value)))
        await house.clock.advance(0)
    assert house.shown(Action.MAX_CURRENT) == 10
    house.gate.set()
    await house.clock.advance(0)

    assert [command.value for command in house.sent] == [7, 10]
    assert [order.replaced for order in orders] == [True, True, True, False]


async def test_a_newer_command_that_is_refused_leaves_the_older_running(house: House) -> None:
    first = house.orders.perform(ON)
    await house.clock.advance(LOOK_EVERY)
    house.answer = refusing(CommandRefused(Refusal.COOLDOWN, retry_after=600))

    with pytest.raises(CommandRefused):
        await house.orders.perform(OFF).settled()

    assert first.pending
    assert house.shown() is True


async def test_a_command_for_another_control_waits_for_the_outcome(house: House) -> None:
    house.orders.perform(TEN)
    start = house.orders.perform(ON)
    await house.clock.advance(20)
    assert house.sent == [TEN]
    assert house.shown() is True
    assert house.shown(Action.MAX_CURRENT) == 10

    house.outcomes[TEN] = CONFIRMED
    await house.clock.advance(LOOK_EVERY)

    assert house.sent == [TEN, ON]
    assert start.pending


async def test_but_not_for_ever(house: House) -> None:
    hanging = house.orders.perform(TEN)
    house.orders.perform(ON)
    await house.clock.advance(PROMPT)

    assert house.sent == [TEN, ON]
    assert hanging.pending


async def test_what_waits_behind_many_waits_a_minute_in_all(house: House) -> None:
    house.orders.perform(TEN)
    house.orders.perform(Command("car", Action.LIMIT_FEED_IN, 500))
    house.orders.perform(ON)

    await house.clock.advance(PROMPT)

    assert len(house.sent) == 3


async def test_devices_do_not_wait_for_each_other(house: House) -> None:
    house.show(car(), car("bus"))
    house.orders.perform(ON)
    house.orders.perform(Command("bus", Action.MAX_CURRENT, 10))
    await house.clock.advance(0)

    assert len(house.sent) == 2


async def test_a_hint_to_ask_the_device_neither_waits_nor_makes_wait(house: House) -> None:
    house.orders.perform(ON)
    await house.clock.advance(0)
    house.orders.perform(REFRESH)
    await house.clock.advance(0)
    house.orders.perform(OFF)
    await house.clock.advance(0)

    assert house.sent == [ON, REFRESH, OFF]


async def test_the_hint_is_given_once_a_minute_at_most(house: House) -> None:
    house.answer = lambda _: Accepted(outcome=CONFIRMED)
    await house.orders.perform(REFRESH).settled()
    await house.clock.advance(20)

    with pytest.raises(CommandRefused) as refused:
        house.orders.perform(REFRESH)
    assert (refused.value.reason, refused.value.retry_after) == (Refusal.COOLDOWN, 40)
    await house.clock.advance(40)

    assert await house.orders.perform(REFRESH).settled() == CONFIRMED


async def test_a_hint_that_did_not_get_through_may_be_given_again(house: House) -> None:
    house.answer = refusing(Unavailable(Reason.TIMEOUT))
    with pytest.raises(Unavailable):
        await house.orders.perform(REFRESH).settled()
    house.answer = lambda _: Accepted(outcome=CONFIRMED)

    assert await house.orders.perform(REFRESH).settled() == CONFIRMED


# What is shown.


async def confirm(house: House, command: Command = ON) -> None:
    house.answer = lambda _: Accepted(outcome=CONFIRMED)
    await house.orders.perform(command).settled()


@pytest.mark.parametrize("outcome", [FAILED, Outcome(State.CANCELLED), Outcome(State.UNKNOWN)])
async def test_an_end_that_is_not_good_shows_what_was_read(house: House, outcome: Outcome) -> None:
    house.orders.perform(ON)
    assert house.shown() is True

    house.outcomes[ON] = outcome
    await house.clock.advance(LOOK_EVERY)

    assert house.shown() is False


async def test_older_readings_do_not_bounce_a_confirmed_command_back(house: House) -> None:
    await house.clock.advance(60)
    await confirm(house)
    older = START + timedelta(seconds=59)

    assert house.show(car(charging=Switch(value=False, at=older))) == frozenset()

    assert house.shown() is True


async def test_readings_measured_after_it_are_believed(house: House) -> None:
    await house.clock.advance(60)
    await confirm(house)
    newer = START + timedelta(seconds=61)

    assert house.show(car(charging=Switch(value=False, at=newer))) == {"car"}

    assert house.shown() is False


async def test_while_pending_even_newer_readings_wait(house: House) -> None:
    house.orders.perform(ON)
    await house.clock.advance(10)

    assert house.show(car(charging=Switch(value=False, at=house.clock.now()))) == frozenset()
    assert house.shown() is True


async def test_the_providers_own_time_counts_where_it_is_given(house: House) -> None:
    ahead = START + timedelta(minutes=10)  # its clock is ten minutes before ours
    house.answer = lambda _: Accepted(outcome=CONFIRMED, at=ahead)
    await house.orders.perform(ON).settled()

    house.show(car(charging=Switch(value=False, at=ahead - timedelta(seconds=1))))
    assert house.shown() is True
    house.show(car(charging=Switch(value=False, at=ahead)))
    assert house.shown() is False


async def test_the_devices_last_measurement_dates_a_control_without_a_time(house: House) -> None:
    await confirm(house)
    device = car(charging=Switch(value=False))

    house.show(replace(device, moments={Moment.LAST_MEASURED: START - timedelta(seconds=1)}))
    assert house.shown() is True
    house.show(replace(device, moments={Moment.LAST_MEASURED: START + timedelta(seconds=1)}))
    assert house.shown() is False


async def test_without_any_time_only_a_change_is_news(house: House) -> None:
    house.show(car(max_current=Range(value=6, minimum=6, maximum=32)))
    await confirm(house, TEN)

    house.show(car(max_current=Range(value=6, minimum=6, maximum=32)))
    assert house.shown(Action.MAX_CURRENT) == 10
    house.show(car(max_current=Range(value=8, minimum=6, maximum=32)))
    assert house.shown(Action.MAX_CURRENT) == 8


async def test_a_reading_that_agrees_ends_the_remembering(house: House) -> None:
    await house.clock.advance(60)
    await confirm(house)
    assert house.show(car(charging=Switch(value=True, at=START))) == {"car"}

    house.show(car(charging=Switch(value=False, at=START)))

    assert house.shown() is False


async def test_remembering_ends_after_a_quarter_of_an_hour(house: House) -> None:
    await house.clock.advance(60)
    await confirm(house)
    await house.clock.advance(UNREAD - 1)
    house.show(car())
    assert house.shown() is True

    await house.clock.advance(1)

    assert house.show(car()) == {"car"}
    assert house.shown() is False


async def test_what_can_not_be_read_is_remembered_until_it_is_undone(house: House) -> None:
    await confirm(house, Command("car", Action.LIMIT_FEED_IN, 500))
    await house.clock.advance(10 * UNREAD)
    house.show(car())
    assert house.shown(Action.LIMIT_FEED_IN) == 500

    await confirm(house, Command("car", Action.LIMIT_FEED_IN, 700))
    assert house.shown(Action.LIMIT_FEED_IN) == 700
    await confirm(house, Command("car", Action.STOP_FEED_IN))

    assert house.shown(Action.LIMIT_FEED_IN) is None


async def test_a_device_that_is_gone_is_remembered_no_longer(house: House) -> None:
    await house.clock.advance(60)
    await confirm(house)

    assert house.show() == {"car"}
    house.show(car())

    assert house.shown() is False


async def test_a_control_that_is_not_offered_is_not_shown(house: House) -> None:
    assert house.orders.shown(house.devices["car"], Action.CLIMATE) is None


# The end.


async def test_home_assistant_stopped_in_between(house: House) -> None:
    running = house.orders.perform(ON)
    await house.clock.advance(0)
    waiting = house.orders.perform(TEN)
    waiter = asyncio.create_task(waiting.settled())

    house.orders.close()
    await settle()

    stopped = Outcome(State.UNKNOWN, Refusal.STOPPED)
    assert (running.outcome, waiter.result()) == (stopped, stopped)
    assert running.task is not None
    assert running.task.cancelled()
    assert house.sent == [ON]
    with pytest.raises(CommandRefused) as refused:
        house.orders.perform(OFF)
    assert refused.value.reason is Refusal.STOPPED


async def test_a_listener_that_left_hears_nothing(house: House) -> None:
    heard: list[Order] = []
    stop = house.orders.listen(heard.append)
    stop()

    await confirm(house)

    assert heard == []
