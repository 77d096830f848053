"""A bearer, a secret, a refresh token: each goes to the one origin that it is for."""

from aiohttp import ClientSession, web
from hypothesis import HealthCheck, example, given, settings, strategies as st
import pytest
from yarl import URL

from custom_components.energy_connect.core.budget import Budget
from custom_components.energy_connect.core.errors import ApiError, Reason, UnexpectedResponse
from custom_components.energy_connect.core.http import ApiClient
from custom_components.energy_connect.core.oauth import TokenEndpoint
from custom_components.energy_connect.core.tokens import StaticToken
from tests.core.conftest import MakeClient, Serve, json_answer
from tests.hand_clock import HandClock

BASE = URL("https://api.example:8443/v2")

ELSEWHERE = [
    "https://evil.example/v2",
    "//evil.example/v2",
    "https://api.example/v2",  # another port
    "https://api.example:443/v2",
    "http://api.example:8443/v2",  # no longer encrypted
    "https://api.example.:8443/v2",  # the same machine perhaps, another name for sure
    "https://api.example.evil.example:8443/v2",
    "https://evil.example#api.example:8443",
    "https://evil.example?api.example:8443/",
    "https://evil.example\\@api.example:8443/",
    "https://api.example:8443\\@evil.example/",
    "https://api.example:8443@evil.example/",
    "https://somebody@api.example:8443/v2",
    "https://somebody:word@api.example:8443/v2",
    "https://:word@api.example:8443/v2",
    "https://%61pi.example:8443/v2",
    "https://аpi.example:8443/v2",  # noqa: RUF001 - a Cyrillic letter is the point
    "https://xn--pi-8kc.example:8443/v2",
    "https://api.example:8443%2f@evil.example/",
    "https://api.example%00.evil.example:8443/",
    "ht\ntps://evil.example/v2",
    " https://evil.example/v2",
    "ftp://api.example:8443/v2",
    "https://[api.example]:8443/v2",
    "https://api.example:84430/v2",
]
PIECES = ["https:", "http:", "/", "\\", "@", ":", "8443", "api.example", "evil.example", "#"]
PIECES += ["?", "%2f", "%40", ".", "\t", "\n", " ", "[", "]", "xn--", "\u3002", "\uff0f", "\x00"]
WITHIN = ["/v2/next", "?page=2", "https://API.EXAMPLE:8443/v2/next", "\\\\evil.example", "https:x"]


def client(session: ClientSession, clock: HandClock) -> ApiClient:
    return ApiClient(session, BASE, clock=clock, budget=Budget(clock, concurrent=1))


@pytest.mark.parametrize("link", ELSEWHERE)
def test_a_crafted_link_leads_nowhere(link: str) -> None:
    clock = HandClock()
    api = client(None, clock)  # type: ignore[arg-type]  # nothing is sent

    with pytest.raises(UnexpectedResponse) as caught:
        api._same_origin(link, BASE)

    assert caught.value.reason is Reason.REDIRECTED


@pytest.mark.parametrize("link", WITHIN)
def test_a_link_of_the_same_origin_may_be_spelt_in_any_way(link: str) -> None:
    clock = HandClock()
    api = client(None, clock)  # type: ignore[arg-type]  # nothing is sent

    assert api._same_origin(link, BASE).origin() == BASE.origin()


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example("//evil.example")
@given(
    st.lists(
        st.sampled_from(PIECES),
        max_size=9,
    ).map("".join)
)
def test_no_link_at_all_leads_away(link: str) -> None:
    clock = HandClock()
    api = client(None, clock)  # type: ignore[arg-type]  # nothing is sent
    try:
        url = api._same_origin(link, BASE)
    except ApiError:
        return
    assert (url.scheme, url.host, url.port, url.raw_user) == ("https", "api.example", 8443, None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "http://{other}/v2",
        "//{other}/v2",
        "http://somebody@{own}/v2",
        "http://{own}@{other}/v2",
        "http://{own}\\@{other}/v2",
        "http://localhost:{port}/v2",
        "http://127.0.0.1.:{port}/v2",
        "https://{own}/v2",
    ],
)
async def test_no_redirect_of_the_api_takes_the_bearer_away(
    serve: Serve,
    make_client: MakeClient,
    clock: HandClock,
    tried: list[URL],
    location: str,
    status: int,
) -> None:
    async def redirect(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": named})

    async def fine(_: web.BaseRequest) -> web.StreamResponse:
        return json_answer({})

    site, other = await serve(redirect), await serve(fine)
    named = location.format(own=site.url.authority, other=other.url.authority, port=site.url.port)
    with pytest.raises(UnexpectedResponse) as caught:
        await make_client(site.url, token=StaticToken("s3cr3t", clock)).get("cars")

    assert caught.value.reason is Reason.REDIRECTED
    assert tried == [site.url.origin()]
    assert other.seen == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_of_the_token_endpoint_takes_a_secret_away(
    serve: Serve,
    session: ClientSession,
    clock: HandClock,
    budget: Budget,
    tried: list[URL],
    status: int,
) -> None:
    async def redirect(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": str(other.url / "token")})

    async def token(_: web.BaseRequest) -> web.StreamResponse:
        return json_answer({"access_token": "a", "expires_in": 60})

    site, other = await serve(redirect), await serve(token)
    endpoint = TokenEndpoint(
        session,
        site.url,
        "token",
        clock=clock,
        budget=budget,
        client_id="us",
        client_secret="s3cr3t",
    )
    with pytest.raises(UnexpectedResponse) as caught:
        await endpoint.request({"grant_type": "refresh_token", "refresh_token": "r3fr3sh"})

    assert caught.value.reason is Reason.REDIRECTED
    assert tried == [site.url.origin()]
    assert other.seen == []
