"""A sign-in that renews itself, against a token endpoint that rotates as strictly as any."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web
import pytest

from custom_components.energy_connect.core.account import Grant
from custom_components.energy_connect.core.budget import Budget
from custom_components.energy_connect.core.errors import (
    ApiError,
    CredentialsRejected,
    Reason,
    Unavailable,
)
from custom_components.energy_connect.core.oauth import TokenEndpoint
from custom_components.energy_connect.core.rotation import RotatingToken
from tests.hand_clock import HandClock

from .conftest import Serve, Site, json_answer

LIFETIME = 3600


class Disk:
    """A vault that can fail, or wait, as a disk does."""

    def __init__(self, content: Mapping[str, Any] | None = None) -> None:
        self.content = content
        self.broken = False
        self.before_save: Callable[[], Awaitable[None]] | None = None

    async def load(self) -> Mapping[str, Any] | None:
        if self.broken:
            raise OSError("unreadable")
        return self.content

    async def save(self, content: Mapping[str, Any]) -> None:
        if self.before_save is not None:
            await self.before_save()
        self.content = dict(content)


class Issuer:
    """Takes each refresh token once; gives `access-2` with `refresh-2` for `refresh-1` ..."""

    def __init__(self) -> None:
        self.refresh = 1
        self.answers: list[web.Response] = []
        self.extra: dict[str, object] = {}
        self.rotates = True
        self.grace = False
        self.lose = 0
        """So many answers are lost on their way, after the token was used up."""

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.answers:
            return self.answers.pop(0)
        form = parse_qs((await request.read()).decode())
        assert form["grant_type"] == ["refresh_token"]
        sent = form["refresh_token"][0]
        allowed = {f"refresh-{self.refresh}"}
        if self.grace:
            allowed.add(f"refresh-{self.refresh - 1}")
        if sent not in allowed:
            return json_answer({"error": "invalid_grant"}, 400)
        if self.rotates:
            self.refresh += 1
        if self.lose:
            self.lose -= 1
            assert request.transport is not None
            request.transport.close()
        tokens = {"access_token": f"access-{self.refresh}", "expires_in": LIFETIME}
        if self.rotates:
            tokens["refresh_token"] = f"refresh-{self.refresh}"
        return json_answer({**tokens, **self.extra})


class House:
    """Opens accounts on one sign-in, one vault and one issuer."""

    def __init__(
        self, site: Site, issuer: Issuer, session: aiohttp.ClientSession, clock: HandClock
    ) -> None:
        self.site = site
        self.issuer = issuer
        self.clock = clock
        self.disk = Disk()
        self.seed: dict[str, Any] = {
            "access_token": "access-1",
            "refresh_token": "refresh-1",
            "expires_at": clock.now().timestamp() + LIFETIME,
        }
        self._session = session

    def open(self, seed: Mapping[str, Any] | None = None) -> RotatingToken:
        endpoint = TokenEndpoint(
            self._session,
            self.site.url,
            "token",
            clock=self.clock,
            budget=Budget(self.clock, concurrent=1),
            client_id="application",
            client_secret="an application's secret",
            grant_refused=Reason.SIGN_IN_LOST,
        )
        grant = Grant(
            client_id="application",
            client_secret="an application's secret",
            seed=self.seed if seed is None else seed,
            vault=self.disk,
        )
        return RotatingToken(endpoint, grant, self.clock)

    @property
    def asked(self) -> int:
        return len(self.site.seen)


@pytest.fixture
async def house(serve: Serve, session: aiohttp.ClientSession, clock: HandClock) -> House:
    issuer = Issuer()
    return House(await serve(issuer), issuer, session, clock)


async def refused(tokens: RotatingToken) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await tokens.get()
    return caught.value


async def test_a_young_sign_in_is_used_as_it_is(house: House) -> None:
    tokens = house.open()
    assert await tokens.get() == "access-1"
    assert (house.asked, tokens.refreshes, house.disk.content) == (0, 0, None)


async def test_it_is_refreshed_before_its_end_and_saved(house: House) -> None:
    tokens = house.open()
    house.clock.advance(LIFETIME - 30)
    assert await tokens.get() == "access-2"
    assert tokens.refreshes == 1
    assert house.disk.content is not None
    assert house.disk.content["refresh_token"] == "refresh-2"
    house.clock.advance(LIFETIME)
    assert await tokens.get() == "access-3"


async def test_a_rejected_token_is_refreshed_once_for_all(house: House) -> None:
    tokens = house.open()
    rejected = await tokens.get()
    renewed = await asyncio.gather(*(tokens.renew(rejected) for _ in range(10)))
    assert (set(renewed), house.asked) == ({"access-2"}, 1)


async def test_it_is_not_used_before_it_is_on_the_disk(house: House) -> None:
    writing, written = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        writing.set()
        await written.wait()

    house.disk.before_save = slowly
    tokens = house.open()
    house.clock.advance(LIFETIME)
    getting = asyncio.create_task(tokens.get())
    await writing.wait()
    assert not getting.done()
    getting.cancel()
    written.set()
    assert await tokens.get() == "access-2", "although the one who asked is gone"
    assert house.asked == 1


async def test_after_a_restart_the_vault_goes_on(house: House) -> None:
    house.clock.advance(LIFETIME)
    await house.open().get()
    again = house.open()
    assert await again.get() == "access-2"
    house.clock.advance(LIFETIME)
    assert await again.get() == "access-3"
    assert house.asked == 2


async def test_a_new_sign_in_wins_over_an_old_vault_and_an_old_one_does_not(
    house: House,
) -> None:
    house.clock.advance(LIFETIME)
    await house.open().get()
    newer = {
        "access_token": "access-50",
        "refresh_token": "refresh-50",
        "expires_at": house.clock.now().timestamp() + LIFETIME,
    }
    house.issuer.refresh = 50
    tokens = house.open(newer)
    assert await tokens.get() == "access-50"
    assert await tokens.renew("access-50") == "access-51"
    assert await house.open(house.seed).get() == "access-51"


@pytest.mark.parametrize("content", [{}, {"seeds": 7}, {"seeds": [1, None]}, {"access_token": "x"}])
async def test_a_vault_of_another_shape_is_none(house: House, content: Mapping[str, Any]) -> None:
    house.disk.content = content
    assert await house.open().get() == "access-1"


@pytest.mark.parametrize("broken", [{"access_token": None}, {"expires_at": "soon"}])
async def test_a_vault_that_lost_something_asks_for_no_sign_in(
    house: House, broken: Mapping[str, Any]
) -> None:
    house.clock.advance(LIFETIME)
    await house.open().get()
    assert house.disk.content is not None
    house.disk.content = {**house.disk.content, **broken}
    house.issuer.grace = True
    assert (await house.open().get()).startswith("access-")


async def test_a_disk_that_fails_loses_nothing_and_asks_nobody_again(house: House) -> None:
    async def full() -> None:
        raise OSError("full")

    tokens = house.open()
    house.clock.advance(LIFETIME)
    house.disk.before_save = full
    for _ in range(3):
        assert (await refused(tokens)).reason is Reason.STORAGE_FAILED
    assert house.asked == 1
    assert await tokens.refresh_token() == "refresh-2"
    house.disk.before_save = None
    assert await tokens.get() == "access-2"
    assert house.asked == 1


async def test_an_unreadable_vault_is_no_reason_to_sign_in(house: House) -> None:
    house.disk.broken = True
    tokens = house.open()
    assert (await refused(tokens)).reason is Reason.STORAGE_FAILED
    house.disk.broken = False
    assert await tokens.get() == "access-1"


async def test_a_refused_sign_in_is_lost_and_not_sent_again(house: House) -> None:
    house.issuer.refresh = 99
    tokens = house.open()
    house.clock.advance(LIFETIME)
    for _ in range(3):
        error = await refused(tokens)
        assert (type(error), error.reason) == (CredentialsRejected, Reason.SIGN_IN_LOST)
    assert house.asked == 1


async def test_an_application_that_is_refused_is_not_a_lost_sign_in(house: House) -> None:
    house.issuer.answers = [json_answer({"error": "invalid_client"}, 401)]
    tokens = house.open()
    house.clock.advance(LIFETIME)
    error = await refused(tokens)
    assert (type(error), error.reason) == (CredentialsRejected, Reason.INVALID_CREDENTIALS)
    assert await tokens.get() == "access-2"


@pytest.mark.parametrize(
    "seed",
    [{}, {"access_token": ""}, {"access_token": "access-1"}, {"access_token": 5}],
    ids=["nothing", "empty", "no refresh token", "no text"],
)
async def test_a_sign_in_that_can_not_be_refreshed_is_lost_in_the_end(
    house: House, seed: Mapping[str, Any]
) -> None:
    tokens = house.open(seed)
    house.clock.advance(LIFETIME)
    assert (await refused(tokens)).reason is Reason.SIGN_IN_LOST
    assert house.asked == 0


async def test_trouble_asks_for_no_sign_in(house: House) -> None:
    house.issuer.answers = [
        web.Response(status=503),
        web.Response(status=403, text="blocked"),
        json_answer({"error": "temporarily_unavailable"}, 400),
    ]
    tokens = house.open()
    house.clock.advance(LIFETIME)
    for _ in range(3):
        assert not isinstance(await refused(tokens), CredentialsRejected)
    assert await tokens.get() == "access-2"
    assert house.asked == 4, "each once"


async def test_an_answer_that_got_lost_is_asked_for_again_where_there_is_grace(
    house: House,
) -> None:
    house.issuer.grace = True
    house.issuer.lose = 1
    tokens = house.open()
    house.clock.advance(LIFETIME)
    assert await tokens.get() == "access-3"
    assert house.asked == 2


async def test_an_answer_that_got_lost_for_good_is_a_lost_sign_in(house: House) -> None:
    house.issuer.lose = 1
    tokens = house.open()
    house.clock.advance(LIFETIME)
    assert (await refused(tokens)).reason is Reason.SIGN_IN_LOST
    assert house.asked == 2


async def test_lost_twice_is_an_outage(house: House) -> None:
    house.issuer.rotates = False
    house.issuer.lose = 2
    tokens = house.open()
    house.clock.advance(LIFETIME)
    error = await refused(tokens)
    assert (type(error), error.reason) == (Unavailable, Reason.CONNECTION_LOST)
    assert await tokens.get() == "access-1"


async def test_an_issuer_that_does_not_rotate_keeps_its_refresh_token(house: House) -> None:
    house.issuer.rotates = False
    tokens = house.open()
    for _ in range(2):
        house.clock.advance(LIFETIME)
        await tokens.get()
    assert await tokens.refresh_token() == "refresh-1"
    assert house.asked == 2


async def test_two_accounts_on_one_sign_in_refresh_once(house: House) -> None:
    house.clock.advance(LIFETIME)
    first, second = house.open(), house.open()
    assert set(await asyncio.gather(first.get(), second.get())) == {"access-2"}
    assert house.asked == 1


async def test_scopes_stay_what_they_were_until_the_issuer_names_others(house: House) -> None:
    tokens = house.open({**house.seed, "scope": "cars homes"})
    assert tokens.scope == frozenset({"cars", "homes"})
    house.clock.advance(LIFETIME)
    await tokens.get()
    assert tokens.scope == frozenset({"cars", "homes"})
    house.issuer.extra = {"scope": "cars"}
    house.clock.advance(LIFETIME)
    await tokens.get()
    assert tokens.scope == frozenset({"cars"})
    assert house.open().scope is None


async def test_a_seed_that_does_not_say_how_old_it_is_is_not_trusted_for_long(
    house: House,
) -> None:
    del house.seed["expires_at"]
    tokens = house.open({**house.seed, "expires_in": LIFETIME})
    assert await tokens.get() == "access-1"
    house.clock.advance(300)
    assert await tokens.get() == "access-2"


async def test_the_vault_holds_the_hash_of_a_seed_not_the_seed(house: House) -> None:
    house.clock.advance(LIFETIME)
    await house.open().get()
    assert house.disk.content is not None
    assert "refresh-1" not in f"{house.disk.content}"
    assert len(house.disk.content["seeds"]) == 1


async def test_no_token_is_shown_when_one_is_printed(house: House) -> None:
    tokens = house.open()
    await tokens.get()
    shown = "".join(repr(value) for value in vars(tokens).values())
    assert "access-1" not in shown
    assert "refresh-1" not in shown
