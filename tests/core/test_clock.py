import asyncio
from datetime import UTC, datetime, timedelta
import time

from freezegun.api import FrozenDateTimeFactory

from custom_components.energy_connect.core.clock import system_clock


def test_the_wall_clock_is_aware_and_in_utc() -> None:
    now = system_clock().now()
    assert now.utcoffset() == timedelta(0)
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_monotonic_clock_never_goes_back() -> None:
    clock = system_clock()
    first = clock.monotonic()
    assert first <= clock.monotonic() <= time.monotonic()


def test_a_clock_made_before_time_is_frozen_shows_the_frozen_time(
    freezer: FrozenDateTimeFactory,
) -> None:
    clock = system_clock()
    before = clock.now(), clock.monotonic()
    freezer.tick(90)
    assert clock.now() - before[0] == timedelta(seconds=90)
    assert clock.monotonic() - before[1] == 90


async def test_it_waits_with_the_loop() -> None:
    ran: list[bool] = []
    asyncio.get_running_loop().call_soon(ran.append, True)
    await system_clock().sleep(0)
    assert ran
