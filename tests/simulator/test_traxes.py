"""The strictness of the simulated Traxes."""

import datetime as dt
import itertools
from typing import Any

import aiohttp
import pytest

from simulator import Simulator
from simulator.clock import Clock
from simulator.house import Flow
from simulator.traxes import CLIENT_ID, Application, Listing, NoReading, Onboarding, Paging

JSON = {"Accept": "application/json"}


class Client:
    """An application that does what it is told."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session
        self.token = ""

    @property
    def place(self) -> str:
        return self.sim.environment()["ENERGY_CONNECT_TRAXES_AUTH_URL"] + "/access_token"

    async def ask_token(
        self, *, query: str = "", form: dict[str, str] | None = None, **changes: Any
    ) -> tuple[int, dict[str, Any]]:
        fields = {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": self.sim.traxes.knobs.client_secret,
            "scope": "esp",
            **changes,
        }
        async with self.session.post(
            self.place + query, data=fields if form is None else form
        ) as answer:
            return answer.status, await answer.json()

    async def sign_in(self) -> None:
        status, body = await self.ask_token()
        assert status == 200
        self.token = body["access_token"]

    async def get(
        self, path: str, headers: dict[str, str] | None = None, **query: Any
    ) -> tuple[int, Any]:
        sent = {**JSON, "Authorization": f"Bearer {self.token}", **(headers or {})}
        url = self.sim.environment()["ENERGY_CONNECT_TRAXES_API_URL"] + path
        async with self.session.get(url, headers=sent, params=query) as answer:
            text = await answer.text()
            return answer.status, await answer.json() if text else None

    async def of(self, place: str, what: str, **query: Any) -> tuple[int, Any]:
        return await self.get(f"/v1/entities/{self.sim.traxes.fleet.id(place)}{what}", **query)


@pytest.fixture
async def app(sim: Simulator, session: aiohttp.ClientSession) -> Client:
    application = Client(sim, session)
    await application.sign_in()
    return application


# Tokens


async def test_a_token_lives_as_long_as_it_says(app: Client, clock: Clock) -> None:
    status, body = await app.ask_token()
    assert (status, body["expires_in"], body["token_type"]) == (200, 3599, "Bearer")
    clock.advance(3598)
    assert (await app.get("/v1/entities"))[0] == 200
    clock.advance(1)
    status, error = await app.get("/v1/entities")
    assert (status, error["code"]) == (401, "Unauthorized")


async def test_a_lifetime_as_text_or_not_told(app: Client, sim: Simulator) -> None:
    sim.traxes.knobs.lifetime_as_text = True
    assert (await app.ask_token())[1]["expires_in"] == "3599"
    sim.traxes.knobs.lifetime_told = False
    assert "expires_in" not in (await app.ask_token())[1]


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "somebody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "openid"}, 400, "invalid_scope"),
        ({"audience": "x"}, 400, "invalid_request"),
    ],
)
async def test_what_a_token_is_refused_for(
    app: Client, changes: dict[str, Any], status: int, error: str
) -> None:
    answer, body = await app.ask_token(**changes)
    assert (answer, body["error"]) == (status, error)


async def test_an_empty_form_and_another_refusal(app: Client, sim: Simulator) -> None:
    sim.traxes.knobs.refusal_status = 400
    refused = {"error": "invalid_client", "error_description": "Client authentication failed"}
    assert await app.ask_token(form={}) == (400, refused)
    assert (await app.ask_token(client_secret=""))[0] == 400


async def test_secrets_in_the_query_and_json_are_refused(app: Client) -> None:
    assert (await app.ask_token(query="?client_id=x"))[1]["error"] == "invalid_request"
    async with app.session.post(app.place, json={"grant_type": "client_credentials"}) as answer:
        assert answer.status == 400


@pytest.mark.parametrize(
    ("application", "status", "error"),
    [
        (Application.OTHER_GRANT, 400, "unauthorized_client"),
        (Application.NO_SCOPE, 400, "invalid_scope"),
        (Application.BLOCKED, 403, "access_denied"),
    ],
)
async def test_applications_for_something_else(
    app: Client, sim: Simulator, application: Application, status: int, error: str
) -> None:
    sim.traxes.knobs.application = application
    answer, body = await app.ask_token()
    assert (answer, body["error"]) == (status, error)


# Who may ask


async def test_an_application_for_another_product(app: Client, sim: Simulator) -> None:
    sim.traxes.knobs.application = Application.OTHER_PRODUCT
    await app.sign_in()
    status, body = await app.get("/v1/entities")
    assert (status, set(body)) == (403, {"code", "message"})


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nobody", "bearer {}", "Basic {}"])
async def test_the_bearer_is_exact(app: Client, sim: Simulator, header: str) -> None:
    sent = {"Authorization": header.format(app.token)}
    assert (await app.get("/v1/entities", sent))[0] == 401
    assert sim.journal.requests(origin="api")[-1].authorised is False


async def test_forgotten_tokens(app: Client, sim: Simulator) -> None:
    sim.traxes.work()["revoke_tokens"]({})
    assert (await app.get("/v1/entities"))[0] == 401


async def test_other_refusals(app: Client) -> None:
    assert (await app.get("/v1/entities", {"Accept": "text/html"}))[0] == 406
    assert (await app.get("/v1/nothing"))[0] == 404
    assert (await app.get("/v1/entities", page="2"))[0] == 400
    assert (await app.get("/v1/entities/nobody/readings/last"))[0] == 404
    url = app.sim.environment()["ENERGY_CONNECT_TRAXES_API_URL"]
    async with app.session.post(f"{url}/v1/entities") as answer:
        assert answer.status == 405


@pytest.mark.parametrize(("wait", "header"), [("30", "30"), (None, None)])
async def test_too_many_requests(
    app: Client, sim: Simulator, clock: Clock, wait: str | None, header: str | None
) -> None:
    sim.traxes.knobs.requests_per_minute, sim.traxes.knobs.retry_after = 2, wait
    url = sim.environment()["ENERGY_CONNECT_TRAXES_API_URL"] + "/v1/entities"
    sent = {**JSON, "Authorization": f"Bearer {app.token}"}
    statuses = []
    for _ in range(3):
        async with app.session.get(url, headers=sent) as answer:
            statuses.append(answer.status)
            told = answer.headers.get("Retry-After")
    assert (statuses, told) == ([200, 200, 429], header)
    clock.advance(60)
    assert (await app.get("/v1/entities"))[0] == 200


# Lists


async def test_short_pages(app: Client, sim: Simulator) -> None:
    sim.traxes.knobs.cars = 52  # 60 entities
    found, tokens, query = [], 0, dict[str, Any]()
    while True:
        status, body = await app.get("/v1/entities", **query)
        assert (status, body["meta"]["pageSize"]) == (200, 25)
        found += [row["id"] for row in body["data"]]
        token = body["meta"]["continuationToken"]
        if token is None:
            break
        # A gateway leaks an inner host in its links.
        assert "connect-backend.invalid" in body["links"]["next"]
        query, tokens = {"continuationToken": token}, tokens + 1
    assert found == list(sim.traxes.units())
    assert tokens == 2


@pytest.mark.parametrize("size", ["0", "101", "many", "-1"])
async def test_page_sizes_that_are_refused(app: Client, size: str) -> None:
    status, body = await app.get("/v1/entities", pageSize=size)
    assert (status, body["errors"][0]["code"]) == (400, "BadRequest")


@pytest.mark.parametrize("token", ["%%", "bm8=", "ZnJvbSB4"])
async def test_tokens_that_are_not_ours(app: Client, token: str) -> None:
    assert (await app.get("/v1/entities", continuationToken=token))[0] == 400


@pytest.mark.parametrize(
    ("paging", "link", "again"),
    [
        (Paging.LINK, "?", False),
        (Paging.OUTSIDE_LINK, "/v1/entities?", False),
        (Paging.FOREIGN_LINK, "http://connect-backend.invalid/connect/v1/entities?", False),
        (Paging.ENDLESS, "http://connect-backend.invalid/connect/v1/entities?", True),
    ],
)
async def test_other_ways_to_the_next_page(
    app: Client, sim: Simulator, paging: Paging, link: str, again: bool
) -> None:
    sim.traxes.knobs.paging = paging
    _, body = await app.get("/v1/entities", pageSize="5")
    assert body["links"]["next"].startswith(link)
    assert (body["meta"]["continuationToken"] is not None) is again


async def test_shapes_of_the_list(app: Client, sim: Simulator) -> None:
    answers = {}
    for listing in Listing:
        sim.traxes.knobs.listing = listing
        answers[listing] = await app.get("/v1/entities")
    statuses = {listing: status for listing, (status, _) in answers.items()}
    assert {one: status for one, status in statuses.items() if status != 200} == {
        Listing.MISSING: 404,
        Listing.WRONG_METHOD: 405,
        Listing.FORBIDDEN: 403,
    }
    assert answers[Listing.EMPTY_OBJECT][1] == {}
    rows = answers[Listing.ENVELOPE][1]["data"]
    assert answers[Listing.ARRAY][1] == answers[Listing.ITEMS][1]["items"] == rows
    assert rows[0]["type"] == "Meter"
    old = answers[Listing.OLD_NAMES][1]["data"]
    assert old[0]["information"]["type"] == "SmartMeter"
    assert "type" not in old[0]


async def test_hidden_entities_are_in_no_list(app: Client, sim: Simulator) -> None:
    meter = sim.traxes.fleet.id("meter")
    sim.traxes.knobs.hidden = frozenset({meter})
    _, body = await app.get("/v1/entities")
    assert meter not in [row["id"] for row in body["data"]]


async def test_onboarding_filters(app: Client, sim: Simulator) -> None:
    async def ask(**filters: Any) -> tuple[int, int]:
        status, body = await app.get("/v1/onboarding/entities", **filters)
        return status, len(body.get("data", ()))

    knobs = sim.traxes.knobs
    assert await ask() == (200, 11)  # one was given up
    assert await ask(type="EV") == (200, 3)
    assert await ask(type="EV", brand="None such") == (200, 0)
    knobs.onboarding = Onboarding.BY_TYPE
    assert (await ask())[0] == 400
    assert await ask(type="EV") == (200, 3)
    knobs.onboarding = Onboarding.BY_TYPE_AND_BRAND
    assert (await ask(type="EV"))[0] == 400
    assert await ask(type="EV", brand="Voltara") == (200, 3)
    knobs.onboarding = Onboarding.EMPTY_OBJECT
    assert await ask() == (200, 0)
    knobs.onboarding = Onboarding.FORBIDDEN
    assert (await ask())[0] == 403
    knobs.onboarding = Onboarding.MISSING
    assert (await ask())[0] == 404


async def test_types(app: Client, sim: Simulator) -> None:
    _, body = await app.get("/v1/onboarding/types/entities")
    assert {"type": "EV", "brand": "Voltara"} in body["data"]
    sim.traxes.knobs.types = False
    assert (await app.get("/v1/onboarding/types/entities"))[0] == 404


# Entities


async def test_an_entity(app: Client, sim: Simulator) -> None:
    status, body = await app.of("battery", "")
    assert (status, body["type"]) == (200, "Battery")
    assert body["parentId"] == sim.traxes.fleet.id("inverter")
    sim.traxes.knobs.describes = False
    assert (await app.of("battery", ""))[0] == 404


async def test_an_entity_that_was_not_shared(app: Client, sim: Simulator) -> None:
    sim.traxes.knobs.not_shared = frozenset({sim.traxes.fleet.id("gas")})
    for what in ("", "/readings/last", "/charge-sessions"):
        assert (await app.of("gas", what))[0] == 403


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (NoReading.NOT_FOUND, 404),
        (NoReading.NO_CONTENT, 204),
        (NoReading.EMPTY, 200),
        (NoReading.BAD_REQUEST, 400),
    ],
)
async def test_no_reading_yet(app: Client, sim: Simulator, answer: NoReading, status: int) -> None:
    sim.traxes.knobs.not_ready = frozenset({sim.traxes.fleet.id("gas")})
    sim.traxes.knobs.no_reading = answer
    told, body = await app.of("gas", "/readings/last")
    assert told == status
    assert body is None or "errors" in body or "code" in body


async def test_readings_are_those_of_the_house_at_the_time_of_measuring(
    app: Client, sim: Simulator, clock: Clock
) -> None:
    _, body = await app.of("meter", "/readings/last")
    at = dt.datetime.fromisoformat(body["measured"])
    assert dt.timedelta() <= clock.now() - at < dt.timedelta(minutes=5)
    data = body["data"]
    assert data["positiveActiveEnergy"]["total"] == pytest.approx(
        sim.house.energy(Flow.GRID_IMPORT, at), abs=0.001
    )
    taken = data["positiveActiveInstantaneousPower"]["total"]
    given = data["negativeActiveInstantaneousPower"]["total"]
    assert taken - given == pytest.approx(sim.house.net_power(at))
    energy = data["positiveActiveEnergy"]
    assert energy["t1"] + energy["t2"] == pytest.approx(energy["total"])
    _, body = await app.of("plant", "/readings/last")
    assert body["data"]["negativeActiveInstantaneousPower"]["unit"] == "kW"


async def test_positions_are_given_only_when_allowed(app: Client, sim: Simulator) -> None:
    assert "location" not in (await app.of("car-0", "/readings/last"))[1]["data"]
    sim.traxes.knobs.positions = True
    assert "location" in (await app.of("car-0", "/readings/last"))[1]["data"]


async def test_every_entity_has_a_reading_at_any_time(app: Client, clock: Clock) -> None:
    for _ in range(8):
        clock.advance(3 * 3600)
        await app.sign_in()
        for one in app.sim.traxes.units():
            status, body = await app.get(f"/v1/entities/{one}/readings/last")
            assert (status, body["entityId"]) == (200, one)
            assert body["data"]


async def test_counters_never_fall(app: Client, sim: Simulator, clock: Clock) -> None:
    counts = []
    for _ in range(24):
        clock.advance(3600)
        await app.sign_in()
        _, body = await app.of("meter", "/readings/last")
        counts.append(body["data"]["negativeActiveEnergy"])
    for before, after in itertools.pairwise(counts):
        assert all(after[part] >= before[part] for part in ("t1", "t2", "total"))


# Charges


async def test_charges_need_a_start_with_an_offset(app: Client) -> None:
    for query in ({}, {"start": "2026-06-01"}, {"start": "soon"}, {"start": "2026-06-01T00:00:00"}):
        status, body = await app.of("car-0", "/charge-sessions", **query)
        assert (status, body["errors"][0]["code"]) == (400, "BadRequest")


async def test_charges_of_a_span(app: Client, sim: Simulator) -> None:
    query = {"start": "2026-06-01T00:00:00Z", "end": "2026-06-08T00:00:00+00:00"}
    status, body = await app.of("car-0", "/charge-sessions", **query)
    assert status == 200
    start, end = (dt.datetime.fromisoformat(value) for value in query.values())
    expected = [one for one in sim.house.cars[0].sessions(start, end) if one.start >= start]
    assert [row["data"]["charge"]["total"]["total"] for row in body["data"]] == [
        one.energy for one in expected
    ]
    assert (await app.of("meter", "/charge-sessions", **query))[1]["data"] == []


async def test_a_running_charge_has_no_end(app: Client, sim: Simulator, clock: Clock) -> None:
    session = sim.house.cars[0].sessions(clock.now(), clock.now() + dt.timedelta(days=3))[0]
    clock.set(session.start + (session.end - session.start) / 2)
    await app.sign_in()
    query = {"start": "2026-06-20T00:00:00Z"}
    _, body = await app.of("wallbox-0", "/charge-sessions", **query)
    newest = body["data"][-1]["data"]
    assert newest["end"] is None
    assert newest["charge"]["total"]["total"] == pytest.approx(session.energy / 2, abs=0.01)


async def test_charges_may_be_outside_of_the_subscription(app: Client, sim: Simulator) -> None:
    sim.traxes.knobs.sessions = False
    query = {"start": "2026-06-20T00:00:00Z"}
    assert (await app.of("car-0", "/charge-sessions", **query))[0] == 403


async def test_what_a_person_enters(sim: Simulator) -> None:
    assert sim.credentials()["traxes"] == {
        "client_id": CLIENT_ID,
        "client_secret": sim.traxes.knobs.client_secret,
    }
