"""What is shown of commands, until readings know of them; and how all ends."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from custom_components.energy_connect.core.commands import (
    CONFIRMED,
    LOOK_EVERY,
    UNREAD,
    Accepted,
    Command,
    Order,
    Outcome,
    State,
)
from custom_components.energy_connect.core.controls import Range, Switch
from custom_components.energy_connect.core.errors import CommandRefused, Refusal
from custom_components.energy_connect.core.vocabulary import Action, Moment
from tests.core.commanding import FAILED, OFF, ON, TEN, House, car
from tests.standing_clock import START, settle


@pytest.fixture
async def house() -> AsyncIterator[House]:
    one = House()
    yield one
    one.orders.close()
    await settle()


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
