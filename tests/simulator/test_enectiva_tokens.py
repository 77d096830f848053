"""Enectiva's credentials and refusals."""

import json

import aiohttp
import jwt
import pytest

from simulator import Simulator
from simulator.enectiva import ALL_SCOPES, CUSTOMER_UUID
from simulator.keys import ec_key
from tests.simulator.enectiva_client import MEDIA_TYPE, Client

SCOPED = {
    "/meters": "meters",
    "/meters/1204": "meters",
    "/entities": "entities",
    "/entities/88": "entities",
    "/entities/88/deltas": "entity_deltas",
    "/meters/1204/deltas": "meter_deltas",
    "/meters/1204/readings": "readings",
    "/virtual_meters/5001/deltas": "virtual_meter_deltas",
    "/data_series/7001/data_points": "data_points",
}


@pytest.fixture
def client(sim: Simulator, session: aiohttp.ClientSession) -> Client:
    return Client(sim, session)


async def test_exchanges_a_login_token(client: Client, sim: Simulator) -> None:
    status, document = await client.exchange()
    assert status == 201
    data = document["data"]
    assert data["type"] == "access_tokens"
    encoded = data["attributes"]["encoded"]
    assert jwt.get_unverified_header(encoded) == {"alg": "ES256"}
    claims = jwt.decode(
        encoded,
        ec_key("enectiva").public_key(),
        algorithms=["ES256"],
        options={"verify_exp": False},
    )
    assert set(claims) == {"scp", "exp", "jit", "lti", "sub", "key"}
    assert claims["jit"] == data["id"]
    assert claims["scp"] == sorted(ALL_SCOPES)
    assert claims["exp"] == int(sim.clock.timestamp()) + 300
    client.token = encoded
    assert await client.status("/meters") == 200
    assert [one.facts for one in sim.journal.requests(path="/access_tokens")] == [
        {"grant": "login_token"}
    ]


async def test_a_token_lives_five_minutes(client: Client, sim: Simulator) -> None:
    await client.sign_in()
    sim.clock.advance(299)
    assert await client.status("/meters") == 200
    sim.clock.advance(1)
    status, _, document = await client.request("GET", "/meters")
    assert (status, document["errors"][0]["status"]) == (401, "401")
    await client.sign_in()
    assert await client.status("/meters") == 200


async def test_tokens_may_be_opaque_and_longer(client: Client, sim: Simulator) -> None:
    sim.enectiva.knobs.turn({"opaque_tokens": True, "token_lifetime": 7200})
    token = await client.sign_in()
    with pytest.raises(jwt.DecodeError):
        jwt.get_unverified_header(token)
    sim.clock.advance(7199)
    assert await client.status("/meters") == 200


async def test_wrong_credentials(client: Client, sim: Simulator) -> None:
    tokens = sim.enectiva.tokens
    wrong = [
        ("0" * 64, CUSTOMER_UUID),
        (tokens.demo.text, "00000000-0000-4000-8000-000000000000"),
        (tokens.import_token, CUSTOMER_UUID),
    ]
    for given in wrong:
        status, document = await client.exchange(*given)
        assert status == 400
        assert document["errors"][0]["detail"]
    sim.enectiva.knobs.bad_credentials = 401
    assert (await client.exchange("0" * 64))[0] == 401
    sim.enectiva.knobs.bad_credentials = 400
    tokens.demo.revoked = True
    assert (await client.exchange())[0] == 400
    assert not any(one.authorised for one in sim.journal.requests())


async def test_the_exchange_may_want_a_bearer(client: Client, sim: Simulator) -> None:
    sim.enectiva.knobs.bearer_on_exchange = True
    text = sim.enectiva.tokens.demo.text
    assert (await client.exchange())[0] == 401
    assert (await client.exchange(headers={"Authorization": "Bearer x"}))[0] == 401
    assert (await client.exchange(headers={"Authorization": f"Bearer {text}"}))[0] == 201


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"data": {"type": "tokens"}}',
        json.dumps({"data": {"type": "login_tokens", "attributes": {"login_token": 1}}}).encode(),
    ],
)
async def test_a_malformed_exchange(client: Client, body: bytes) -> None:
    status, _, document = await client.request(
        "POST", "/access_tokens", headers={"Content-Type": MEDIA_TYPE}, body=body
    )
    assert (status, document["errors"][0]["title"]) == (400, "Bad Request")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Accept": "application/json"}, 406),
        ({"Accept": f"{MEDIA_TYPE}; charset=utf-8"}, 406),
        ({"Accept": "*/*"}, 406),
        ({"Content-Type": "application/json"}, 415),
        ({"Content-Type": f"{MEDIA_TYPE}; charset=utf-8"}, 415),
    ],
)
async def test_media_types_are_exact(
    client: Client, sim: Simulator, headers: dict[str, str], status: int
) -> None:
    seen, document = await client.exchange(headers=headers)
    assert seen == status
    assert document["errors"][0]["status"] == str(status)
    await client.sign_in()
    assert (await client.request("GET", "/meters", headers=headers))[0] == status


async def test_the_exchange_needs_a_content_type(client: Client) -> None:
    assert (await client.request("POST", "/access_tokens", body=b"{}"))[0] == 415


@pytest.mark.parametrize(
    "header", ["", "Bearer", "bearer {}", "Basic {}", "Bearer x", "Bearer {}x"]
)
async def test_reads_need_a_token(client: Client, header: str) -> None:
    token = await client.sign_in()
    headers = {"Authorization": header.format(token)}
    assert (await client.request("GET", "/meters", headers=headers))[0] == 401


async def test_other_tokens_are_no_access_tokens(client: Client, sim: Simulator) -> None:
    await client.sign_in()
    for other in (sim.enectiva.tokens.import_token, sim.enectiva.tokens.demo.text):
        client.token = other
        assert await client.status("/meters") == 401


@pytest.mark.parametrize(("path", "scope"), SCOPED.items())
async def test_scopes_are_inherited_and_enforced(
    client: Client, sim: Simulator, path: str, scope: str
) -> None:
    await client.sign_in(sim.enectiva.tokens.create(ALL_SCOPES - {scope}).text)
    status, _, document = await client.request("GET", path)
    assert status == 403
    assert document == {
        "errors": [
            {"status": "403", "title": "Forbidden", "detail": f"scope does not include {scope}"}
        ]
    }
    await client.sign_in(sim.enectiva.tokens.create({scope}).text)
    assert await client.status(path) == 200


async def test_forgotten_access_tokens(client: Client, sim: Simulator) -> None:
    await client.sign_in()
    sim.enectiva.tokens.forget()
    assert await client.status("/meters") == 401


async def test_unknown_paths_and_wrong_methods(client: Client) -> None:
    await client.sign_in()
    for path in ("/", "/virtual_meters", "/meters/1/x"):
        status, response, document = await client.request("GET", path)
        assert (status, response.headers["Content-Type"]) == (404, MEDIA_TYPE)
        assert document["errors"][0]["detail"]
    for method, path in (("GET", "/access_tokens"), ("POST", "/meters"), ("DELETE", "/entities")):
        status, response, document = await client.request(method, path)
        assert status == 405
        assert response.headers["Allow"] in {"GET", "POST"}
        assert document["errors"][0]["status"] == "405"


async def test_limits_requests_a_minute(client: Client, sim: Simulator) -> None:
    await client.sign_in()
    sim.enectiva.knobs.requests_per_minute = 3
    for _ in range(3):
        assert await client.status("/meters") == 200
        sim.clock.advance(10)
    status, response, _ = await client.request("GET", "/meters")
    assert (status, response.headers["Retry-After"]) == (429, "30")
    assert (await client.exchange())[0] == 429
    sim.enectiva.knobs.retry_after = False
    status, response, _ = await client.request("GET", "/meters")
    assert status == 429
    assert "Retry-After" not in response.headers
    sim.clock.advance(30)
    assert await client.status("/meters") == 200


async def test_fails_in_its_own_form(
    client: Client, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.sign_in()
    monkeypatch.setattr(sim.enectiva.knobs, "identify_by", "nothing")
    status, _, document = await client.request("GET", "/meters/1204")
    assert (status, document["errors"][0]["status"]) == (500, "500")
    assert isinstance(sim.enectiva.failures.pop(), KeyError)


async def test_credentials_and_address(sim: Simulator) -> None:
    given = sim.credentials()["enectiva"]
    assert given["login_token"] == sim.enectiva.tokens.demo.text
    assert given["customer_uuid"] == CUSTOMER_UUID
    assert len(given["login_token"]) == 64
    assert sim.environment()["ENERGY_CONNECT_ENECTIVA_API_URL"] == sim.enectiva.url
