import asyncio
from datetime import UTC, datetime
import gc
import math

from hypothesis import given, strategies as st
import jwt
import pytest

from custom_components.energy_connect.core.errors import (
    CredentialsRejected,
    RateLimited,
    Reason,
    Unavailable,
)
from custom_components.energy_connect.core.tokens import (
    ExchangedToken,
    StaticToken,
    Token,
    jwt_claims,
    jwt_expiry,
)
from tests.hand_clock import HandClock


class TokenServer:
    """Gives `token-1`, `token-2` ...; holds its answers back while `gate` is closed."""

    def __init__(self, lifetime: float = 3600.0) -> None:
        self.lifetime = lifetime
        self.asked = 0
        self.failure: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def exchange(self) -> Token:
        self.asked += 1
        number = self.asked
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return Token(f"token-{number}", self.lifetime)


async def turns(count: int = 10) -> None:
    """Let all that can run do so."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
def server() -> TokenServer:
    return TokenServer()


@pytest.fixture
def source(server: TokenServer, clock: HandClock) -> ExchangedToken:
    return ExchangedToken(server.exchange, clock)


async def test_a_static_token_is_given_once_more_after_a_moment(clock: HandClock) -> None:
    token = StaticToken("made-by-hand", clock)
    assert await token.get() == "made-by-hand"
    assert clock.slept == []
    assert await token.renew("made-by-hand") == "made-by-hand"
    assert clock.slept == [2.0]


async def test_nothing_is_exchanged_before_a_token_is_needed(
    server: TokenServer, source: ExchangedToken
) -> None:
    assert (server.asked, source.exchanges) == (0, 0)
    assert await source.get() == "token-1"
    assert (server.asked, source.exchanges) == (1, 1)


async def test_a_good_token_is_used_again_until_shortly_before_its_end(
    server: TokenServer, source: ExchangedToken, clock: HandClock
) -> None:
    await source.get()
    clock.advance(3600 - 60 - 1)
    assert await source.get() == "token-1"
    clock.advance(1)
    assert await source.get() == "token-2"


async def test_the_age_of_a_token_does_not_depend_on_the_wall_clock(
    source: ExchangedToken, clock: HandClock
) -> None:
    await source.get()
    clock.jump(365 * 86400)
    assert await source.get() == "token-1"


async def test_a_token_that_lives_shorter_than_the_margin_is_used_for_half_its_life(
    clock: HandClock,
) -> None:
    server = TokenServer(lifetime=60)
    source = ExchangedToken(server.exchange, clock)
    await source.get()
    clock.advance(29)
    assert await source.get() == "token-1"
    clock.advance(1)
    assert await source.get() == "token-2"


@pytest.mark.parametrize("lifetime", [0.0, -86400.0, 0.001, math.nan, -math.inf])
async def test_a_senseless_lifetime_does_not_make_an_exchange_of_every_request(
    clock: HandClock, lifetime: float
) -> None:
    # A machine whose clock is ahead reads every `exp` as long past.
    server = TokenServer(lifetime=lifetime)
    source = ExchangedToken(server.exchange, clock)
    for _ in range(50):
        assert await source.get() == "token-1"
    clock.advance(60)
    assert await source.get() == "token-2"


async def test_all_who_need_a_token_wait_for_one_exchange(
    server: TokenServer, source: ExchangedToken
) -> None:
    server.gate.clear()
    waiting = [asyncio.create_task(source.get()) for _ in range(50)]
    await turns()
    server.gate.set()
    assert set(await asyncio.gather(*waiting)) == {"token-1"}
    assert server.asked == 1


async def test_many_rejected_renew_once(server: TokenServer, source: ExchangedToken) -> None:
    rejected = await source.get()
    renewed = await asyncio.gather(*(source.renew(rejected) for _ in range(50)))
    assert set(renewed) == {"token-2"}
    assert await source.renew(rejected) == "token-2", "a latecomer with the old token"
    assert server.asked == 2
    assert await source.get() == "token-2"


async def test_nobody_gets_the_rejected_token_while_it_is_renewed(
    server: TokenServer, source: ExchangedToken
) -> None:
    rejected = await source.get()
    server.gate.clear()
    renewing = asyncio.create_task(source.renew(rejected))
    await turns()
    getting = asyncio.create_task(source.get())
    await turns()
    server.gate.set()
    assert await renewing == await getting == "token-2"
    assert server.asked == 2


async def test_a_token_rejected_before_any_was_given_is_exchanged(source: ExchangedToken) -> None:
    assert await source.renew("from-elsewhere") == "token-1"


@pytest.mark.parametrize(
    "failure",
    [
        CredentialsRejected(Reason.INVALID_CREDENTIALS, status=401),
        Unavailable(Reason.TIMEOUT),
        RateLimited(60.0),
    ],
)
async def test_a_failed_exchange_fails_all_who_wait_and_is_not_repeated_for_each(
    server: TokenServer, source: ExchangedToken, failure: Exception
) -> None:
    # Fifty wrong passwords in a row lock an account.
    server.failure = failure
    server.gate.clear()
    waiting = [asyncio.create_task(source.get()) for _ in range(50)]
    await turns()
    server.gate.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(result is failure for result in results)
    assert (server.asked, source.exchanges) == (1, 0)


async def test_after_a_failed_exchange_the_next_one_is_tried(
    server: TokenServer, source: ExchangedToken
) -> None:
    server.failure = Unavailable(Reason.TIMEOUT)
    with pytest.raises(Unavailable):
        await source.get()
    server.failure = None
    assert await source.get() == "token-2"
    assert await source.renew("token-2") == "token-3"


async def test_a_failed_renewal_does_not_bring_the_rejected_token_back(
    server: TokenServer, source: ExchangedToken
) -> None:
    rejected = await source.get()
    server.failure = Unavailable(Reason.SERVER_ERROR)
    with pytest.raises(Unavailable):
        await source.renew(rejected)
    server.failure = None
    assert await source.get() == "token-3"


@pytest.mark.parametrize("leaves", [0, 1])
async def test_one_who_stops_waiting_disturbs_nobody(
    server: TokenServer, source: ExchangedToken, leaves: int
) -> None:
    server.gate.clear()
    waiting = [asyncio.create_task(source.get()) for _ in range(3)]
    await turns()
    waiting[leaves].cancel()
    await turns()
    assert waiting[leaves].cancelled()
    server.gate.set()
    rest = [task for index, task in enumerate(waiting) if index != leaves]
    assert await asyncio.gather(*rest) == ["token-1", "token-1"]
    assert server.asked == 1


async def test_an_exchange_under_way_is_finished_although_nobody_waits_any_more(
    server: TokenServer, source: ExchangedToken
) -> None:
    # A credential that works once would be lost with the answer.
    server.gate.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await source.get()
    server.gate.set()
    await turns()
    assert await source.get() == "token-1"
    assert server.asked == 1


async def test_an_exchange_that_fails_with_nobody_waiting_is_not_reported_to_the_loop(
    server: TokenServer, source: ExchangedToken
) -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    server.failure = Unavailable(Reason.TIMEOUT)
    server.gate.clear()
    waiting = asyncio.create_task(source.get())
    await turns()
    waiting.cancel()
    server.gate.set()
    await turns()
    assert waiting.cancelled()
    server.failure = None
    del waiting
    assert await source.get() == "token-2"
    gc.collect()  # the loop complains when the failed task goes
    assert reported == []


async def test_an_exchange_that_the_loop_ends_ends_the_waiting(
    server: TokenServer, source: ExchangedToken
) -> None:
    # As Home Assistant does when it stops.
    server.gate.clear()
    before = asyncio.all_tasks()
    waiting = asyncio.create_task(source.get())
    await turns()
    (exchanging,) = asyncio.all_tasks() - before - {waiting}
    exchanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    server.gate.set()
    assert await source.get() == "token-2"


def signed(claims: dict[str, object]) -> str:
    return jwt.encode(claims, "an-invented-key-of-32-characters!", algorithm="HS256")


def test_the_claims_of_a_jwt_are_read_whoever_signed_it_and_however_old_it_is() -> None:
    claims = {"exp": 1, "nbf": 99999999999, "iat": 99999999999, "aud": "x", "sub": 7, "iss": "y"}
    assert jwt_claims(signed(claims)) == claims


@pytest.mark.parametrize(
    "token", ["", "opaque", "a.b.c", "...", "ä.ö.ü", "\ud800", "e30.W10.x", "e30.bnVsbA.x"]
)
def test_what_is_no_jwt_has_no_claims(token: str) -> None:
    assert jwt_claims(token) is None


def test_a_jwt_nested_beyond_measure_has_no_claims() -> None:
    deep = jwt.utils.base64url_encode(b"[" * 200_000).decode()
    assert jwt_claims(f"{deep}.{deep}.x") is None


@given(st.text())
def test_reading_claims_never_raises(token: str) -> None:
    jwt_claims(token)


@pytest.mark.parametrize(
    ("claims", "expiry"),
    [
        ({"exp": 1767225600}, datetime(2026, 1, 1, tzinfo=UTC)),
        ({"exp": 1767225600.5}, datetime(2026, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)),
        (None, None),
        ({}, None),
        ({"exp": None}, None),
        ({"exp": True}, None),
        ({"exp": "1767225600"}, None),
        ({"exp": math.nan}, None),
        ({"exp": math.inf}, None),
        ({"exp": 10**30}, None),
    ],
)
def test_the_end_of_a_jwt(claims: dict[str, object] | None, expiry: datetime | None) -> None:
    assert jwt_expiry(claims) == expiry


def test_a_token_is_not_shown_when_it_is_printed() -> None:
    assert "very-secret" not in repr(Token("very-secret", 60))
    assert Token("very-secret", 60).value == "very-secret"
