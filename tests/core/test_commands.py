"""Commands: sent one at a time per device, and followed to their outcome."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
import gc
import weakref

import pytest

from custom_components.energy_connect.core.commands import (
    CONFIRMED,
    GIVE_UP,
    LOOK_EVERY,
    LOOK_SELDOM,
    PENDING,
    PROMPT,
    Accepted,
    Command,
    Outcome,
    State,
)
from custom_components.energy_connect.core.errors import (
    ApiError,
    CommandRefused,
    RateLimited,
    Reason,
    Refusal,
    Unavailable,
)
from custom_components.energy_connect.core.vocabulary import Action
from tests.core.commanding import CHARGING, FAILED, OFF, ON, REFRESH, TEN, House, car, refusing
from tests.standing_clock import settle


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


async def test_what_is_remembered_of_a_refusal_holds_nothing_of_the_answer(house: House) -> None:
    """The frames of an error hold all that the provider said, page by page."""

    class Answer:
        """Something large."""

    answers: list[weakref.ref[Answer]] = []

    def refuse(_: Command) -> Accepted:
        answer = Answer()
        answers.append(weakref.ref(answer))
        raise Unavailable(Reason.TIMEOUT)

    house.answer = refuse
    with pytest.raises(Unavailable):
        await house.orders.perform(ON).settled()

    gc.collect()
    assert answers[0]() is None
    (ended,) = house.orders.recent
    assert (ended.command, ended.sent, ended.outcome.reason) == (ON, True, Reason.TIMEOUT)


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
