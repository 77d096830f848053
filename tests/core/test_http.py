"""What is sent, where to, and what comes back when all is well."""

from aiohttp import web
from hypothesis import given, strategies as st
import pytest
from yarl import URL

from custom_components.energy_connect.core.budget import Budget, Priority
from custom_components.energy_connect.core.errors import (
    ApiError,
    RateLimited,
    Reason,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.http import ApiClient
from custom_components.energy_connect.core.tokens import StaticToken
from tests.hand_clock import HandClock

from .conftest import MakeClient, Serve, json_answer


async def fine(request: web.BaseRequest) -> web.StreamResponse:
    return json_answer({"fine": True}, headers={"X-Of": "server"})


async def test_a_resource_is_read(serve: Serve, make_client: MakeClient) -> None:
    site = await serve(fine)
    response = await make_client(site.url).get("meters", "7", params=[("a", "1"), ("a", "2")])
    assert site.targets == ["GET /meters/7?a=1&a=2"]
    assert (response.method, response.status, response.json()) == ("GET", 200, {"fine": True})
    assert response.url == site.url / "meters/7" % [("a", "1"), ("a", "2")]
    assert response.headers["x-of"] == "server"
    assert site.seen[0].headers["accept"] == "application/json"
    assert site.seen[0].bearer is None
    assert site.seen[0].body == b""


async def test_a_change_is_sent_as_json(serve: Serve, make_client: MakeClient) -> None:
    site = await serve(fine)
    api = make_client(site.url, media_type="application/vnd.api+json", headers={"X-Version": "3"})
    await api.send("PATCH", "cars", "7", json={"limit": 80}, headers={"X-Once": "yes"})
    (seen,) = site.seen
    assert (site.targets, seen.body) == (["PATCH /cars/7"], b'{"limit":80}')
    assert seen.headers["content-type"] == seen.headers["accept"] == "application/vnd.api+json"
    assert (seen.headers["x-version"], seen.headers["x-once"]) == ("3", "yes")


async def test_a_change_without_content_says_nothing_of_its_type(
    serve: Serve, make_client: MakeClient
) -> None:
    site = await serve(fine)
    await make_client(site.url).send("DELETE", "cars", "7", params=[("why", "sold")])
    assert site.targets == ["DELETE /cars/7?why=sold"]
    assert site.seen[0].body == b""
    assert site.seen[0].headers.get("content-type") != "application/json"


@pytest.mark.parametrize(
    ("base", "path", "target"),
    [
        ("/", (), "/"),
        ("/", ("meters",), "/meters"),
        ("/v2", ("meters",), "/v2/meters"),
        ("/v2/", ("meters",), "/v2/meters"),
        ("/v2/?key=1#part", ("meters",), "/v2/meters"),
        ("/o", ("token", ""), "/o/token/"),
        ("/a%2Fb", ("x",), "/a%2Fb/x"),
    ],
)
async def test_the_path_begins_with_that_of_the_base(
    serve: Serve, make_client: MakeClient, base: str, path: tuple[str, ...], target: str
) -> None:
    site = await serve(fine)
    await make_client(URL(f"{site.url}".rstrip("/") + base)).get(*path)
    assert site.targets == [f"GET {target}"]


@pytest.mark.parametrize(
    ("segment", "sent"),
    [
        ("../admin", "..%2Fadmin"),
        ("a/b", "a%2Fb"),
        ("a?b=c", "a%3Fb%3Dc"),
        ("a#b", "a%23b"),
        ("%2F", "%252F"),
        ("%2e%2e", "%252e%252e"),
        ("a\\b", "a%5Cb"),
        ("a b", "a%20b"),
        ("a;b", "a%3Bb"),
        ("a\r\nX-Evil: 1", "a%0D%0AX-Evil%3A%201"),
        ("Zoë", "Zo%C3%AB"),
        ("//evil.example", "%2F%2Fevil.example"),
        ("@evil.example", "%40evil.example"),
        ("...", "..."),
    ],
)
async def test_an_id_can_not_leave_its_place_in_the_path(
    serve: Serve, make_client: MakeClient, segment: str, sent: str
) -> None:
    site = await serve(fine)
    await make_client(site.url / "v2").get("cars", segment, "charge")
    assert site.targets == [f"GET /v2/cars/{sent}/charge"]


@pytest.mark.parametrize(
    "path",
    [
        ("..",),
        (".",),
        ("cars", ".."),
        ("..", "cars"),
        (".", "cars"),
        ("cars", "", "charge"),
        ("", "x"),
    ],
)
async def test_a_segment_that_is_no_id_sends_nothing(
    serve: Serve, make_client: MakeClient, path: tuple[str, ...]
) -> None:
    site = await serve(fine)
    with pytest.raises(UnexpectedResponse) as caught:
        await make_client(site.url).get(*path)
    assert caught.value.reason is Reason.INVALID_ID
    assert site.seen == []


async def test_half_a_character_sends_nothing(serve: Serve, make_client: MakeClient) -> None:
    site = await serve(fine)
    with pytest.raises(UnexpectedResponse) as caught:
        await make_client(site.url).get("cars", "\ud800")
    assert caught.value.reason is Reason.INVALID_ID
    assert site.seen == []


@given(st.lists(st.text(st.characters()), min_size=1, max_size=3))
async def test_any_path_stays_below_the_base_and_has_its_segments(path: list[str]) -> None:
    clock = HandClock()
    api = ApiClient(
        session=None,  # type: ignore[arg-type]  # nothing is sent
        base=URL("https://api.example/v2"),
        clock=clock,
        budget=Budget(clock, concurrent=1),
    )
    try:
        url = api._url(path, ())
    except ApiError:
        return
    assert url.origin() == URL("https://api.example")
    assert url.raw_path.startswith("/v2/")
    assert url.raw_path.count("/") == 1 + len(path)
    assert (url.raw_query_string, url.raw_fragment) == ("", "")


async def test_parameters_are_quoted(serve: Serve, make_client: MakeClient) -> None:
    site = await serve(fine)
    await make_client(site.url).get(
        "x", params=[("from", "2026-03-03T12:00:00+01:00"), ("q", "a&b=c#d")]
    )
    assert site.targets == ["GET /x?from=2026-03-03T12:00:00%2B01:00&q=a%26b%3Dc%23d"]


# Where a client may point.


@pytest.mark.parametrize(
    "base",
    [
        "http://api.example",
        "http://192.168.1.20",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "ws://127.0.0.1",
        "https://",
        "//api.example",
        "api.example",
        "",
        "https://user@api.example",
        "https://user:password@api.example",
        "https://:password@api.example",
    ],
)
def test_what_may_not_be_a_base(make_client: MakeClient, base: str) -> None:
    with pytest.raises(UnexpectedResponse) as caught:
        make_client(URL(base))
    assert caught.value.reason is Reason.INVALID_HOST


@pytest.mark.parametrize("base", ["https://api.example", "http://127.0.0.1:80", "http://localhost"])
def test_what_may_be_a_base(make_client: MakeClient, base: str) -> None:
    assert make_client(URL(base)).base == URL(base)


def test_plain_http_may_be_allowed_for_a_meter_in_the_house(make_client: MakeClient) -> None:
    assert make_client(URL("http://192.168.1.20"), plain_http=True)
    with pytest.raises(UnexpectedResponse):
        make_client(URL("ftp://192.168.1.20"), plain_http=True)


# Links of the server.


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("/v2/cars?cursor=2", "/v2/cars?cursor=2"),
        ("?cursor=a%2Bb%3D%3D", "/v2?cursor=a%2Bb%3D%3D"),
        ("{origin}/v2/cars?cursor=2#part", "/v2/cars?cursor=2"),
        ("/v2/cars/%2E%2E%2Fx", "/v2/cars/..%2Fx"),
    ],
)
async def test_a_link_of_the_same_origin_is_followed(
    serve: Serve, make_client: MakeClient, clock: HandClock, link: str, target: str
) -> None:
    site = await serve(fine)
    api = make_client(site.url / "v2", token=StaticToken("secret", clock))
    await api.follow(link.format(origin=site.url.origin()), headers={"X-Once": "yes"})
    assert site.targets == [f"GET {target}"]
    assert (site.seen[0].bearer, site.seen[0].headers["x-once"]) == ("Bearer secret", "yes")


@pytest.mark.parametrize(
    "link",
    [
        "{other}/v2/cars",
        "https://evil.example/v2",
        "//evil.example/v2",
        "//{host}:1/v2",
        "https://{host}:{port}/v2",
        "http://user@{host}:{port}/v2",
        "http://user:password@{host}:{port}/v2",
        "http://:password@{host}:{port}/v2",
        "http://{host}:{port}@evil.example/v2",
        "http://localhost:{port}/v2",
        "mailto:somebody@example.com",
        "javascript:alert(1)",
        "http://{host}:999999/",
        "http://[::1/",
    ],
)
async def test_a_link_elsewhere_is_not_followed_and_nothing_is_sent(
    serve: Serve, make_client: MakeClient, clock: HandClock, link: str
) -> None:
    site, other = await serve(fine), await serve(fine)
    api = make_client(site.url / "v2", token=StaticToken("secret", clock))
    named = link.format(other=other.url.origin(), host=site.url.host, port=site.url.port)
    with pytest.raises(UnexpectedResponse) as caught:
        await api.follow(named)
    assert caught.value.reason is Reason.REDIRECTED
    assert site.seen == other.seen == []


# The budget.


async def test_every_request_is_counted(
    serve: Serve, make_client: MakeClient, budget: Budget
) -> None:
    site = await serve(fine)
    api = make_client(site.url)
    await api.get("a")
    await api.follow("/b")
    await api.send("POST", "c")
    await api.exchange("d")
    assert budget.total == len(site.seen) == 4


async def test_over_the_budget_nothing_is_sent_save_for_a_token(
    serve: Serve, make_client: MakeClient, clock: HandClock
) -> None:
    site = await serve(fine)
    budget = Budget(clock, concurrent=1, per_hour=5)
    api = make_client(site.url, budget=budget)
    for _ in range(3):
        await api.get("live", priority=Priority.BACKFILL)
    with pytest.raises(RateLimited):
        await api.get("old", priority=Priority.BACKFILL)
    await api.send("POST", "command")
    await api.follow("/page")
    with pytest.raises(RateLimited):
        await api.get("live")
    await api.exchange("token")
    assert site.targets[3:] == ["POST /command", "GET /page", "POST /token"]


# Credentials for a token.


async def test_a_credential_is_sent_as_json_or_as_a_form_without_a_bearer(
    serve: Serve, make_client: MakeClient, clock: HandClock
) -> None:
    site = await serve(fine)
    api = make_client(site.url, token=StaticToken("secret", clock))
    await api.exchange("login", json={"user": "a", "password": "ä&="})
    await api.exchange("token", form={"user": "a", "password": "ä&= +"}, headers={"X-Once": "yes"})
    assert site.targets == ["POST /login", "POST /token"]
    first, second = site.seen
    assert first.body == '{"user":"a","password":"ä&="}'.encode()
    assert first.headers["content-type"] == "application/json"
    assert second.body == b"user=a&password=%C3%A4%26%3D+%2B"
    assert second.headers["content-type"] == "application/x-www-form-urlencoded"
    assert second.headers["x-once"] == "yes"
    assert first.bearer is second.bearer is None


async def test_while_the_provider_wants_silence_no_credential_is_sent_either(
    serve: Serve, make_client: MakeClient, budget: Budget
) -> None:
    site = await serve(fine)
    budget.pause(90)
    with pytest.raises(RateLimited) as caught:
        await make_client(site.url).exchange("token", form={})
    assert caught.value.retry_after == 90
    assert (site.seen, budget.total) == ([], 0)
