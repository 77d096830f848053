import asyncio

from hypothesis import example, given, strategies as st
import pytest

from custom_components.energy_connect.core.budget import Budget, Priority
from custom_components.energy_connect.core.errors import RateLimited
from tests.hand_clock import HandClock


class Street:
    """Requests that hold their place until they are told to end."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.started: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, asyncio.Event] = {}

    async def send(self, name: str, priority: Priority = Priority.LIVE) -> None:
        self._ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._request(name, priority))
        await turns()

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await turns()

    async def end_all(self) -> None:
        for event in self._ends.values():
            event.set()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    async def _request(self, name: str, priority: Priority) -> None:
        async with self.budget.slot(priority):
            self.started.append(name)
            await self._ends[name].wait()


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def spend(budget: Budget, count: int, priority: Priority = Priority.LIVE) -> None:
    for _ in range(count):
        async with budget.slot(priority):
            pass


async def test_only_so_many_run_at_once(clock: HandClock) -> None:
    street = Street(Budget(clock, concurrent=2))
    for name in "abcd":
        await street.send(name)
    assert street.started == ["a", "b"]
    await street.end("b")
    assert street.started == ["a", "b", "c"]
    await street.end("a")
    assert street.started == ["a", "b", "c", "d"]
    await street.end_all()
    await spend(street.budget, 5)
    assert street.budget.total == 9


async def test_live_values_go_first_then_commands_then_backfill_each_in_turn(
    clock: HandClock,
) -> None:
    street = Street(Budget(clock, concurrent=1))
    await street.send("running")
    for name, priority in [
        ("backfill 1", Priority.BACKFILL),
        ("command 1", Priority.COMMAND),
        ("live 1", Priority.LIVE),
        ("backfill 2", Priority.BACKFILL),
        ("command 2", Priority.COMMAND),
        ("live 2", Priority.LIVE),
    ]:
        await street.send(name, priority)
    await street.end_all()
    assert street.started == [
        "running", "live 1", "live 2", "command 1", "command 2", "backfill 1", "backfill 2",
    ]  # fmt: skip


async def test_one_that_stops_waiting_gives_its_turn_to_the_next(clock: HandClock) -> None:
    street = Street(Budget(clock, concurrent=1))
    for name in "abc":
        await street.send(name)
    street.tasks["b"].cancel()
    await turns()
    await street.end("a")
    assert street.started == ["a", "c"]
    await street.end_all()
    assert street.budget.total == 2


async def test_one_cancelled_in_the_moment_of_its_turn_gives_it_to_the_next(
    clock: HandClock,
) -> None:
    street = Street(Budget(clock, concurrent=1))
    end = asyncio.Event()

    async def first() -> None:
        async with street.budget.slot():
            await end.wait()
        # `b` has the place by now, but did not run yet.
        street.tasks["b"].cancel()

    running = asyncio.create_task(first())
    await turns()
    await street.send("b")
    await street.send("c")
    end.set()
    await running
    await turns()
    assert street.tasks["b"].cancelled()
    assert street.started == ["c"]
    await street.end_all()


async def test_a_failed_request_frees_its_place(clock: HandClock) -> None:
    budget = Budget(clock, concurrent=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with budget.slot():
                raise ZeroDivisionError
    assert budget.total == 3


async def test_no_more_than_the_hour_allows(clock: HandClock) -> None:
    budget = Budget(clock, concurrent=2, per_hour=3)
    await spend(budget, 1)
    clock.advance(600)
    await spend(budget, 2)
    assert (budget.spent, budget.available()) == (3, 0)
    with pytest.raises(RateLimited) as caught:
        await spend(budget, 1)
    assert caught.value.retry_after == 3000
    clock.advance(2999)
    with pytest.raises(RateLimited):
        await spend(budget, 1)
    clock.advance(1)
    assert budget.available() == 1
    await spend(budget, 1)
    with pytest.raises(RateLimited) as caught:
        await spend(budget, 1)
    assert caught.value.retry_after == 600
    assert budget.total == 4, "refused ones were never sent"


async def test_the_wall_clock_does_not_move_the_hour(clock: HandClock) -> None:
    budget = Budget(clock, concurrent=1, per_hour=1)
    await spend(budget, 1)
    clock.jump(7200)
    assert budget.available() == 0


async def test_backfill_leaves_a_part_of_the_hour(clock: HandClock) -> None:
    budget = Budget(clock, concurrent=1, per_hour=10)
    await spend(budget, 6, Priority.BACKFILL)
    assert budget.available(Priority.BACKFILL) == 0
    assert budget.available(Priority.COMMAND) == budget.available() == 4
    with pytest.raises(RateLimited):
        await spend(budget, 1, Priority.BACKFILL)
    await spend(budget, 2)
    await spend(budget, 2, Priority.COMMAND)
    assert budget.available() == 0


async def test_the_newest_hours_leave_a_part_of_it_too(clock: HandClock) -> None:
    budget = Budget(clock, concurrent=1, per_hour=20)
    await spend(budget, 12, Priority.BACKFILL)
    assert (budget.available(Priority.RECENT), budget.available()) == (5, 8)
    await spend(budget, 5, Priority.RECENT)
    with pytest.raises(RateLimited):
        await spend(budget, 1, Priority.RECENT)
    assert budget.available() == 3


async def test_backfill_is_told_when_its_own_part_is_free_again(clock: HandClock) -> None:
    budget = Budget(clock, concurrent=1, per_hour=10)
    for _ in range(9):
        await spend(budget, 1)
        clock.advance(60)
    # Four have to leave the hour before one backfill fits, the fourth of them began at 180 s.
    with pytest.raises(RateLimited) as caught:
        await spend(budget, 1, Priority.BACKFILL)
    assert caught.value.retry_after == 3600 - 540 + 180
    clock.advance(caught.value.retry_after)
    await spend(budget, 1, Priority.BACKFILL)


@pytest.mark.parametrize("per_hour", [0, -1])
async def test_an_allowance_of_nothing_is_no_reason_to_ask_without_pause(
    clock: HandClock, per_hour: int
) -> None:
    budget = Budget(clock, concurrent=1, per_hour=per_hour)
    with pytest.raises(RateLimited) as caught:
        await spend(budget, 1)
    assert caught.value.retry_after == 3600


async def test_a_spent_budget_refuses_at_once_even_if_all_places_are_taken(
    clock: HandClock,
) -> None:
    street = Street(Budget(clock, concurrent=1, per_hour=1))
    await street.send("slow")
    with pytest.raises(RateLimited):
        async with asyncio.timeout(1):
            await spend(street.budget, 1)
    await street.end_all()


async def test_one_that_waited_while_the_budget_was_spent_is_refused(clock: HandClock) -> None:
    street = Street(Budget(clock, concurrent=1, per_hour=2))
    await street.send("slow")
    await street.send("waits")
    street.budget.count()
    await street.end("slow")
    with pytest.raises(RateLimited):
        await street.tasks["waits"]
    assert street.started == ["slow"]
    clock.advance(3600)
    await spend(street.budget, 1)


async def test_while_the_provider_wants_silence_nothing_is_sent(clock: HandClock) -> None:
    street = Street(Budget(clock, concurrent=1))
    await street.send("answered with 429")
    await street.send("waits", Priority.LIVE)
    street.budget.pause(90)
    assert street.budget.available() == 0
    await street.end_all()
    with pytest.raises(RateLimited) as caught:
        await street.tasks["waits"]
    assert caught.value.retry_after == street.budget.quiet_for == 90
    clock.advance(89)
    with pytest.raises(RateLimited):
        await spend(street.budget, 1)
    clock.advance(1)
    assert (street.budget.quiet_for, street.budget.available()) == (0, None)
    await spend(street.budget, 1)


async def test_a_shorter_pause_does_not_end_a_longer_one(clock: HandClock) -> None:
    budget = Budget(clock, concurrent=1)
    budget.pause(90)
    budget.pause(5)
    assert budget.quiet_for == 90
    budget.pause(-5)
    assert budget.quiet_for == 90


async def test_requests_without_a_place_are_counted_and_never_refused(clock: HandClock) -> None:
    budget = Budget(clock, concurrent=1, per_hour=2)
    for _ in range(5):
        budget.count()
    assert (budget.spent, budget.total, budget.available()) == (5, 5, 0)


async def test_without_a_limit_the_past_is_forgotten_too(clock: HandClock) -> None:
    # A meter in the house is asked every few seconds for years.
    budget = Budget(clock, concurrent=1)
    for _ in range(5000):
        budget.count()
        clock.advance(60)
    assert len(budget._started) <= 61
    assert budget.total == 5000
    assert budget.available() is None


async def test_a_limit_learnt_later_counts_what_was_sent_before(clock: HandClock) -> None:
    budget = Budget(clock, concurrent=1)
    await spend(budget, 7)
    budget.per_hour = 10
    assert budget.available() == 3


@given(
    steps=st.lists(
        st.tuples(st.floats(0, 2000), st.sampled_from([*Priority]), st.booleans()), max_size=60
    ),
    per_hour=st.integers(1, 12),
)
@example(steps=[(1.5394804352159497, Priority.LIVE, True)] * 3, per_hour=1)
def test_no_rolling_hour_ever_has_more_than_allowed_and_waiting_as_told_is_enough(
    steps: list[tuple[float, Priority, bool]], per_hour: int
) -> None:
    async def play() -> None:
        clock = HandClock()
        budget = Budget(clock, concurrent=2, per_hour=per_hour)
        sent: list[float] = []
        waits: list[float] = []
        for wait, priority, patient in steps:
            clock.advance(wait)
            try:
                await spend(budget, 1, priority)
            except RateLimited as error:
                waits.append(error.retry_after)
                if not patient:
                    continue
                clock.advance(error.retry_after + 1e-6)  # sums of floats are not exact
                await spend(budget, 1, priority)
            sent.append(clock.monotonic())
        assert all(0 < wait <= 3600 for wait in waits)
        for last in sent:
            assert len([at for at in sent if last - 3600 < at <= last]) <= per_hour

    asyncio.run(play())


@given(st.lists(st.sampled_from(["send", "cancel", "end"]), max_size=60), st.integers(1, 3))
def test_no_place_is_lost_or_made_whoever_is_cancelled_when(
    steps: list[str], concurrent: int
) -> None:
    async def play() -> None:
        budget = Budget(HandClock(), concurrent=concurrent)
        running = 0
        most = 0
        ends: list[asyncio.Event] = []

        async def request(end: asyncio.Event) -> None:
            nonlocal running, most
            async with budget.slot():
                running += 1
                most = max(most, running)
                try:
                    await end.wait()
                finally:
                    running -= 1

        tasks: list[asyncio.Task[None]] = []
        for index, step in enumerate(steps):
            if step == "send":
                ends.append(asyncio.Event())
                tasks.append(asyncio.create_task(request(ends[-1])))
            elif tasks and step == "cancel":
                tasks[index % len(tasks)].cancel()
            elif tasks:
                ends[index % len(ends)].set()
            if index % 3 == 0:
                await asyncio.sleep(0)
        for end in ends:
            end.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert most <= concurrent
        assert (budget._free, running) == (concurrent, 0)

    asyncio.run(play())
