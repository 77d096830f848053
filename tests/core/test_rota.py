import asyncio
from itertools import pairwise
import math

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.energy_connect.core.errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    RateLimited,
    Reason,
    Unavailable,
)
from custom_components.energy_connect.core.rota import Rota, Round
from tests.hand_clock import HandClock

HOUR = 3600.0


class Reader:
    """Reads items; those in `errors` fail."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.read: list[str] = []
        self.errors: dict[str, Exception] = {}

    async def fetch(self, item: str) -> None:
        await asyncio.sleep(0)
        self.read.append(item)
        if item in self.errors:
            raise self.errors[item]

    async def next(self, rota: Rota) -> list[str]:
        """Run one share and return what it asked for."""
        self.read = []
        await rota.run(self.fetch)
        return self.read


def items(count: int) -> list[str]:
    return [f"item {index:04}" for index in range(count)]


@pytest.fixture
def reader(clock: HandClock) -> Reader:
    return Reader(clock)


async def test_without_items_nothing_is_due(clock: HandClock, reader: Reader) -> None:
    rota = Rota(clock, HOUR)
    assert await rota.run(reader.fetch) == Round(0, [])
    assert (rota.due(), rota.again) == ([], HOUR)


async def test_items_can_be_hurried(clock: HandClock, reader: Reader) -> None:
    rota = Rota(clock, HOUR)
    rota.sync(items(3))
    await reader.next(rota)

    rota.hurry(["item 0001", "somebody else"])

    assert await reader.next(rota) == ["item 0001"]
    assert await reader.next(rota) == []


async def test_each_item_is_read_once_an_interval(clock: HandClock, reader: Reader) -> None:
    rota = Rota(clock, HOUR)
    rota.sync(items(3))
    assert await reader.next(rota) == items(3)
    assert await reader.next(rota) == []
    assert rota.again == HOUR
    clock.advance(HOUR - 1)
    assert rota.due() == []
    clock.advance(1)
    assert await reader.next(rota) == items(3)


async def test_the_wall_clock_makes_nothing_due(clock: HandClock, reader: Reader) -> None:
    rota = Rota(clock, HOUR)
    rota.sync(items(3))
    await reader.next(rota)
    clock.jump(10 * HOUR)
    assert rota.due() == []


async def test_a_thousand_items_are_spread_over_the_interval(
    clock: HandClock, reader: Reader
) -> None:
    rota = Rota(clock, HOUR, tick=30)
    rota.sync(items(1000))
    times: dict[str, list[float]] = {item: [] for item in items(1000)}
    end = clock.monotonic() + 3 * HOUR
    while clock.monotonic() < end:
        asked = await reader.next(rota)
        assert len(asked) <= rota.share == 20
        for item in asked:
            times[item].append(clock.monotonic())
        assert 30 <= rota.again <= HOUR
        clock.advance(rota.again)
    for readings in times.values():
        gaps = [later - earlier for earlier, later in pairwise(readings)]
        assert gaps
        assert all(HOUR <= gap <= HOUR + 30 for gap in gaps)


@pytest.mark.parametrize(
    ("count", "interval", "share"), [(1, HOUR, 20), (1000, 900.0, 34), (1000, 30.0, 1000)]
)
def test_a_share_is_large_enough_for_all_to_get_their_turn(
    clock: HandClock, count: int, interval: float, share: int
) -> None:
    rota = Rota(clock, interval, tick=30)
    rota.sync(items(count))
    assert rota.share == share


async def test_the_oldest_go_first(clock: HandClock, reader: Reader) -> None:
    rota = Rota(clock, HOUR)
    names = items(60)
    rota.sync(names)
    for _ in range(3):
        await reader.next(rota)
        clock.advance(60)
    clock.advance(2 * HOUR)
    assert [await reader.next(rota) for _ in range(3)] == [names[:20], names[20:40], names[40:]]


async def test_new_items_are_due_at_once_and_before_the_old(
    clock: HandClock, reader: Reader
) -> None:
    rota = Rota(clock, HOUR)
    rota.sync(["old"])
    await reader.next(rota)
    clock.advance(2 * HOUR)
    rota.sync(["old", "new", "new"])
    assert await reader.next(rota) == ["new", "old"]


async def test_items_that_are_gone_are_not_asked(clock: HandClock, reader: Reader) -> None:
    rota = Rota(clock, HOUR)
    rota.sync(["here", "gone"])
    rota.sync(["here"])
    assert await reader.next(rota) == ["here"]


async def test_an_item_that_goes_while_it_is_read_stays_gone(clock: HandClock) -> None:
    rota = Rota(clock, HOUR)
    rota.sync(["gone"])

    async def fetch(item: str) -> None:
        rota.sync([])

    assert await rota.run(fetch) == Round(1, [])
    clock.advance(2 * HOUR)
    assert rota.due() == []


@pytest.mark.parametrize(
    "error", [NotPermitted(Reason.NOT_PERMITTED, status=403), Unavailable(Reason.TIMEOUT)]
)
async def test_a_refused_item_is_put_off_and_disturbs_nobody(
    clock: HandClock, reader: Reader, error: ApiError
) -> None:
    rota = Rota(clock, HOUR)
    rota.sync(items(3))
    reader.errors[items(3)[1]] = error
    assert await rota.run(reader.fetch) == Round(2, [error])
    assert rota.due() == []
    assert rota.again == HOUR / 6
    clock.advance(HOUR / 6)
    assert rota.due() == [items(3)[1]]


async def test_when_silence_is_wanted_the_rest_stays_due(clock: HandClock, reader: Reader) -> None:
    rota = Rota(clock, HOUR)
    rota.sync(items(3))
    limited = RateLimited(90)
    reader.errors = dict.fromkeys(items(3)[1:], limited)
    assert await rota.run(reader.fetch) == Round(1, [limited, limited])
    assert rota.due() == items(3)[1:]


async def test_a_refused_credential_ends_the_round_for_all(clock: HandClock) -> None:
    rota = Rota(clock, HOUR)
    rota.sync(items(5))
    finished: list[str] = []

    async def fetch(item: str) -> None:
        if item == items(5)[0]:
            raise CredentialsRejected(Reason.INVALID_CREDENTIALS)
        await asyncio.sleep(0)
        finished.append(item)

    with pytest.raises(CredentialsRejected):
        await rota.run(fetch)
    assert finished == []
    assert rota.due() == items(5), "all stay due"


async def test_two_refused_at_once_are_one_refusal(clock: HandClock) -> None:
    rota = Rota(clock, HOUR)
    rota.sync(items(2))
    together = asyncio.Barrier(2)

    async def fetch(item: str) -> None:
        await together.wait()
        raise CredentialsRejected(Reason.INVALID_CREDENTIALS, detail=item)

    with pytest.raises(CredentialsRejected):
        await rota.run(fetch)


async def test_what_is_not_read_in_time_stays_due(clock: HandClock) -> None:
    rota = Rota(clock, HOUR)
    rota.sync(items(4))
    never = asyncio.Event()

    async def fetch(item: str) -> None:
        if item in items(4)[2:]:
            await never.wait()

    # The loop's own clock: 10 ms are the shortest that every machine keeps.
    assert await rota.run(fetch, within=0.01) == Round(2, [])
    assert rota.due() == items(4)[2:]


async def test_one_who_stops_waiting_leaves_the_rest_due(clock: HandClock) -> None:
    rota = Rota(clock, HOUR)
    rota.sync(items(2))
    begun = asyncio.Event()

    async def fetch(item: str) -> None:
        if item == items(2)[1]:
            begun.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(rota.run(fetch))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert rota.due() == items(2)[1:]


async def test_a_fault_of_ours_is_not_swallowed(clock: HandClock) -> None:
    rota = Rota(clock, HOUR)
    rota.sync(["item"])

    async def fetch(item: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup):
        await rota.run(fetch)


@settings(max_examples=40)
@given(
    count=st.integers(1, 120),
    tick=st.sampled_from([10.0, 30.0, 60.0]),
    interval=st.sampled_from([300.0, 900.0, 3600.0]),
    broken=st.sets(st.integers(0, 119)),
    limited=st.sets(st.integers(0, 30)),
)
def test_nobody_starves_whoever_fails(
    count: int, tick: float, interval: float, broken: set[int], limited: set[int]
) -> None:
    """Healthy items are read within an interval and one share, however many others fail."""

    async def play() -> None:
        clock = HandClock()
        rota = Rota(clock, interval, tick)
        rota.sync(items(count))
        failing = {f"item {index:04}" for index in broken}
        newest: dict[str, float] = {}
        start = clock.monotonic()
        calls = 0
        # Failing ones come six times as often: a share more for each.
        shares = math.ceil(7 * count / rota.share)
        slack = (shares + len(limited) + 1) * tick

        async def fetch(item: str) -> None:
            if calls in limited:
                raise RateLimited(tick)
            if item in failing:
                raise Unavailable(Reason.SERVER_ERROR)
            before = newest.get(item, start - interval)
            assert clock.monotonic() - before <= interval + slack
            newest[item] = clock.monotonic()

        while clock.monotonic() < start + 4 * interval + slack:
            await rota.run(fetch)
            calls += 1
            clock.advance(rota.again)
        assert set(newest) == set(items(count)) - failing

    asyncio.run(play())
