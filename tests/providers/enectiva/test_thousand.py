"""A thousand meters: neither a flood nor a famine. The journal is the witness."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
import itertools

from aiohttp import web
from aiohttp.typedefs import Handler
import pytest

from custom_components.energy_connect.core.budget import Budget, Priority
from custom_components.energy_connect.core.model import Poll
from custom_components.energy_connect.providers.enectiva.account import EnectivaAccount
from custom_components.energy_connect.providers.enectiva.connection import CONCURRENT, PER_HOUR
from simulator.faults import rate_limited
from simulator.server import Knobs, ProviderServer
from tests.hand_clock import HandClock

from .conftest import Office

INTERVAL = timedelta(minutes=30)
METERS = 1000


class Together:
    """Counts how many requests the server answers at the same time."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0


@pytest.fixture
def together(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[Together]:
    seen = Together()
    answer = ProviderServer._answer

    async def counting(
        self: ProviderServer[Knobs], request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        seen.now += 1
        seen.most = max(seen.most, seen.now)
        try:
            # As long as an answer takes, others would come in if they were let.
            for _ in range(50):
                await asyncio.sleep(0)
            return await answer(self, request, handler)
        finally:
            seen.now -= 1

    monkeypatch.setattr(ProviderServer, "_answer", counting)
    return seen


async def run(office: Office, account: EnectivaAccount, span: timedelta) -> list[Poll]:
    """Poll whenever the account wants to be, for so long."""
    ends = office.clock.now() + span
    polls = []
    while office.clock.now() < ends:
        polls.append(await account.poll())
        office.advance(polls[-1].again.total_seconds())
    return polls


async def test_a_thousand_meters_share_the_interval(office: Office) -> None:
    office.knobs.generated_meters = METERS
    account = office.open()
    polls = await run(office, account, timedelta(minutes=70))

    times: dict[str, list[datetime]] = {}
    for each in office.asked("/meters/*/readings"):
        times.setdefault(each.path, []).append(each.at)
    assert len(times) == METERS
    # Everybody's turn comes within the interval, and not before.
    apart = [
        later - earlier for turns in times.values() for earlier, later in itertools.pairwise(turns)
    ]
    assert min(apart) >= INTERVAL
    assert max(apart) <= INTERVAL + timedelta(minutes=2)
    first = office.asked()[0].at
    assert max(turns[0] for turns in times.values()) - first <= INTERVAL
    # Small shares, spread over the whole interval.
    assert max(Counter(each.at for each in office.asked("/meters/*/readings")).values()) <= 20
    slots = Counter(
        (each.at - first) // timedelta(minutes=5) for each in office.asked("/meters/*/readings")
    )
    assert max(slots.values()) <= METERS / 4
    hours = Counter((each.at - first) // timedelta(hours=1) for each in office.asked())
    assert max(hours.values()) <= PER_HOUR
    # Months too, once each in the first hours.
    months = Counter(each.path for each in office.asked("/*/*/deltas"))
    assert len(months) == METERS + 51
    assert set(months.values()) == {1}
    # Not one exchange more than the tokens' lives ask for.
    exchanges = [each.at for each in office.asked("/access_tokens")]
    assert min(b - a for a, b in itertools.pairwise(exchanges)) >= timedelta(seconds=255)
    assert len(office.asked("/meters")) <= 3  # a full page: whether there is another one
    assert {each.status for each in office.asked()} <= {200, 201}
    assert len(polls[-1].snapshot.devices) == METERS + 51


async def test_at_most_two_at_once(office: Office, together: Together) -> None:
    office.knobs.generated_meters = METERS
    account = office.open()
    await run(office, account, timedelta(minutes=5))
    assert together.most == 2


async def test_one_429_in_the_middle_loses_nothing(office: Office) -> None:
    office.knobs.generated_meters = METERS
    account = office.open()
    office.fault(rate_limited("300"), "/meters/*/readings", after=490, times=1)
    polls = await run(office, account, timedelta(minutes=36))
    (refused,) = (each for each in office.asked() if each.status == 429)
    assert timedelta(seconds=300) in {poll.again for poll in polls}
    pause = [
        each
        for each in office.asked()
        if refused.at < each.at < refused.at + timedelta(seconds=300)
    ]
    assert not pause
    good = Counter(each.path for each in office.asked("/meters/*/readings") if each.status == 200)
    assert len(good) == METERS
    assert good[refused.path] == 1
    again = min(each.at for each in office.asked(refused.path) if each.status == 200)
    # It was the oldest, so it is the first after the pause.
    assert again == refused.at + timedelta(seconds=300)
    assert len(account._readings.latest) == METERS


async def test_a_poll_with_nothing_new_costs_little(office: Office) -> None:
    office.knobs.generated_meters = METERS
    account = office.open()
    await run(office, account, timedelta(minutes=29))
    before = (await account.poll()).snapshot
    after = (await account.poll()).snapshot
    assert all(after.devices[key] is one for key, one in before.devices.items())
    assert after is before


async def test_month_after_month(office: Office) -> None:
    office.advance((datetime(2026, 3, 31, 20, tzinfo=UTC) - office.clock.now()).total_seconds())
    office.knobs.generated_meters = 40
    account = office.open()
    polls = await run(office, account, timedelta(hours=10))
    since = {
        reading.since
        for one in polls[-1].snapshot.devices.values()
        for reading in one.numbers.values()
        if reading.since is not None
    }
    assert since == {datetime(2026, 3, 31, 22, tzinfo=UTC)}


def test_an_hour_has_room_for_the_polls_and_the_newest_hours_of_all() -> None:
    polls = 2000 + 350 + 15
    budget = Budget(HandClock(), concurrent=CONCURRENT, per_hour=PER_HOUR)
    assert (budget.available(Priority.RECENT) or 0) >= polls + 1000
