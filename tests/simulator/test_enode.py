"""The simulated Enode is as strict as the real one is documented."""

from base64 import b64encode
import datetime as dt
import json
from typing import Any

import aiohttp
import pytest

from simulator import Simulator
from simulator.clock import Clock
from simulator.enode import ALL_SCOPES, PRODUCTION, SANDBOX
from simulator.enode.assets import PLACE, SITE, ZONE, asset_id
from simulator.enode.knobs import NEIGHBOUR, OWNER
from simulator.house import Flow

VERSION = "2024-10-01"
LISTS = (
    "vehicles",
    "chargers",
    "batteries",
    "inverters",
    "hvacs",
    "meters",
    "hem-systems",
    "locations",
)


class Client:
    """Asks with right headers unless told otherwise; a header of None is left out."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self._session = session
        self.environment = PRODUCTION
        self.token = ""

    async def exchange(
        self,
        form: dict[str, str] | bytes | None = None,
        *,
        authorization: str | None = "right",
        environment: str | None = None,
        of: str = PRODUCTION,
    ) -> tuple[int, Any]:
        """Ask for a token as the client of environment `of`."""
        client = self.sim.enode.tokens.clients[of]
        if authorization == "right":
            authorization = basic(client.client_id, client.secret)
        headers = {} if authorization is None else {"Authorization": authorization}
        origin = self.sim.enode.origins["oauth"].url
        async with self._session.post(
            f"{origin}/{environment or of}/oauth2/token",
            data={"grant_type": "client_credentials"} if form is None else form,
            headers=headers,
        ) as response:
            return response.status, await response.json()

    async def sign_in(self, of: str = PRODUCTION) -> None:
        status, answer = await self.exchange(of=of)
        assert status == 200
        self.environment, self.token = of, answer["access_token"]

    async def get(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: dict[str, str | None] | None = None,
        **query: str,
    ) -> tuple[int, Any]:
        """Return the status and the document, None without one."""
        sent = {
            "Authorization": f"Bearer {self.token}",
            "Enode-Version": VERSION,
            **(headers or {}),
        }
        async with self._session.request(
            method,
            f"{self.sim.enode.url}/{self.environment}{path}",
            params=query,
            headers={name: value for name, value in sent.items() if value is not None},
        ) as response:
            self.headers = response.headers
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def rows(self, path: str) -> list[Any]:
        status, body = await self.get(path)
        assert status == 200
        listed: list[Any] = body["data"]
        return listed


def basic(client_id: str, secret: str) -> str:
    return f"Basic {b64encode(f'{client_id}:{secret}'.encode()).decode()}"


@pytest.fixture
async def enode(sim: Simulator, session: aiohttp.ClientSession) -> Client:
    client = Client(sim, session)
    await client.sign_in()
    return client


# Tokens


async def test_token_answer(enode: Client) -> None:
    status, answer = await enode.exchange()

    assert status == 200
    assert answer.pop("access_token")
    assert answer == {"expires_in": 3599, "scope": "", "token_type": "bearer"}


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Bearer token",
        "Basic ***",
        "Basic /w==",
        basic("client-production-0001", "wrong"),
        basic("wrong", "secret-production-1"),
    ],
)
async def test_wrong_client(enode: Client, authorization: str | None) -> None:
    status, answer = await enode.exchange(authorization=authorization)

    assert (status, answer["error"]) == (401, "invalid_client")


async def test_credentials_in_the_form_are_none(enode: Client) -> None:
    client = enode.sim.enode.tokens.clients[PRODUCTION]
    form = {
        "grant_type": "client_credentials",
        "client_id": client.client_id,
        "client_secret": client.secret,
    }

    status, answer = await enode.exchange(form, authorization=None)

    assert (status, answer["error"]) == (401, "invalid_client")


async def test_client_belongs_to_one_environment(enode: Client) -> None:
    status, answer = await enode.exchange(of=PRODUCTION, environment=SANDBOX)

    assert (status, answer["error"]) == (401, "invalid_client")


async def test_new_secret_ends_the_old_one(enode: Client) -> None:
    old = enode.sim.enode.tokens.clients[PRODUCTION].secret
    new = enode.sim.enode.work()["regenerate_secret"]({"environment": PRODUCTION})

    assert new != old
    status, _ = await enode.exchange(authorization=basic("client-production-0001", old))
    assert status == 401
    assert (await enode.exchange())[0] == 200
    # A token that was given lives on.
    assert (await enode.get("/users"))[0] == 200


async def test_other_grants_are_not_supported(enode: Client) -> None:
    status, answer = await enode.exchange({"grant_type": "password"})

    assert (status, answer["error"]) == (400, "unsupported_grant_type")


async def test_token_request_must_be_a_form(enode: Client) -> None:
    status, answer = await enode.exchange(b'{"grant_type": "client_credentials"}')

    assert (status, answer["error"]) == (400, "invalid_request")


async def test_client_without_the_grant(enode: Client) -> None:
    enode.sim.enode.knobs.grant_allowed = False

    status, answer = await enode.exchange()

    assert (status, answer["error"]) == (400, "unauthorized_client")


async def test_token_ends(enode: Client, clock: Clock) -> None:
    clock.advance(3598)
    assert (await enode.get("/users"))[0] == 200
    clock.advance(1)

    assert (await enode.get("/users"))[0] == 401


async def test_token_of_the_other_environment(enode: Client) -> None:
    enode.environment = SANDBOX

    assert (await enode.get("/users"))[0] == 401


async def test_forgotten_token(enode: Client) -> None:
    enode.sim.enode.work()["forget_tokens"]({})

    assert (await enode.get("/users"))[0] == 401


# Requests


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "bearer", "Basic abc"])
async def test_request_without_a_good_token(enode: Client, authorization: str | None) -> None:
    status, problem = await enode.get("/users", headers={"Authorization": authorization})

    assert status == 401
    assert problem["type"].startswith("https://developers.enode.com/api/problems/")
    assert enode.headers["Content-Type"] == "application/problem+json"
    assert enode.sim.journal.requests(provider="enode")[-1].authorised is False


@pytest.mark.parametrize(
    "headers",
    [{"Enode-Version": None}, {"Enode-Version": "2023-08-01"}, {"Enode-User-Id": OWNER}],
)
async def test_wrong_headers(enode: Client, headers: dict[str, str | None]) -> None:
    assert (await enode.get("/users", headers=headers))[0] == 400


async def test_unknown_path(enode: Client) -> None:
    status, problem = await enode.get("/me")

    assert (status, problem["title"]) == (404, "Not Found")


async def test_wrong_method(enode: Client) -> None:
    status, problem = await enode.get("/vehicles", method="DELETE")

    assert (status, problem["title"]) == (405, "Method Not Allowed")
    assert enode.headers["Allow"] == "GET"


async def test_health_needs_no_token(enode: Client) -> None:
    assert await enode.get("/health/ready", headers={"Authorization": None}) == (204, None)


async def test_too_many_requests(enode: Client, clock: Clock) -> None:
    enode.sim.enode.knobs.per_minute = 2
    assert [(await enode.get("/users"))[0] for _ in range(3)] == [200, 200, 429]
    assert enode.headers["Retry-After"] == "30"

    enode.sim.enode.knobs.retry_after = None
    await enode.get("/users")
    assert "Retry-After" not in enode.headers

    clock.advance(60)
    assert (await enode.get("/users"))[0] == 200


# Lists


async def test_pages_follow_each_other_both_ways(enode: Client) -> None:
    enode.sim.enode.knobs.vehicles = 5
    _, first = await enode.get("/vehicles", pageSize="2")
    assert first["pagination"]["before"] is None
    _, second = await enode.get("/vehicles", pageSize="2", after=first["pagination"]["after"])
    _, third = await enode.get("/vehicles", pageSize="2", after=second["pagination"]["after"])
    _, back = await enode.get("/vehicles", pageSize="2", before=third["pagination"]["before"])

    assert third["pagination"]["after"] is None
    # The one that was linked last comes first.
    names = [row["information"]["displayName"] for row in first["data"] + second["data"]]
    assert names == ["Car 5", "Car 4", "Car 3", "Car 2"]
    assert [row["information"]["displayName"] for row in third["data"]] == ["Car 1"]
    assert back["data"] == second["data"]


async def test_fifty_rows_a_page(enode: Client) -> None:
    enode.sim.enode.knobs.vehicles = 51

    assert len(await enode.rows("/vehicles")) == 50


async def test_cursor_that_never_ends(enode: Client) -> None:
    enode.sim.enode.knobs.endless = True

    _, page = await enode.get("/vehicles")
    _, again = await enode.get("/vehicles", after=page["pagination"]["after"])

    assert again["data"] == page["data"]


@pytest.mark.parametrize(
    "query",
    [
        {"pageSize": "0"},
        {"pageSize": "51"},
        {"pageSize": "many"},
        {"after": "cm93OjA=", "before": "cm93OjA="},
        {"after": "nonsense"},
        {"after": "cm93Ojk5"},
        {"after": "x"},
        {"after": "/w=="},
        {"page": "2"},
    ],
)
async def test_wrong_parameters(enode: Client, query: dict[str, str]) -> None:
    assert (await enode.get("/vehicles", **query))[0] == 400


@pytest.mark.parametrize("name", LISTS)
async def test_list_of_a_user_and_single_assets(enode: Client, name: str) -> None:
    rows = await enode.rows(f"/{name}")
    mine = await enode.rows(f"/users/{OWNER}/{name}")

    assert mine == [row for row in rows if row["userId"] == OWNER]
    assert mine
    assert await enode.get(f"/{name}/{rows[0]['id']}") == (200, rows[0])
    assert (await enode.get(f"/{name}/nonsense"))[0] == 404
    assert (await enode.get(f"/{name}/{rows[0]['id']}", expand="all"))[0] == 400
    assert (await enode.get(f"/users/nobody/{name}"))[0] == 404


async def test_forbidden_and_missing_lists(enode: Client) -> None:
    knobs = enode.sim.enode.knobs
    knobs.forbidden, knobs.missing, knobs.hem = frozenset({"meters"}), frozenset({"users"}), False

    assert (await enode.get("/meters"))[0] == 403
    assert (await enode.get("/users"))[0] == 404
    assert (await enode.get("/hem-systems"))[0] == 403
    (battery,) = await enode.rows("/batteries")
    assert battery["hemSystemId"] is None


async def test_users(enode: Client) -> None:
    assert [row["id"] for row in await enode.rows("/users")] == [OWNER, NEIGHBOUR]
    status, user = await enode.get(f"/users/{OWNER}")

    assert status == 200
    assert {"vendor": "EASEE", "vendorType": "charger", "isValid": True} in user["linkedVendors"]
    assert (await enode.get("/users/nobody"))[0] == 404
    assert (await enode.get(f"/users/{OWNER}", expand="all"))[0] == 400


async def test_user_who_left_has_no_assets(enode: Client) -> None:
    enode.sim.enode.knobs.users = frozenset({NEIGHBOUR})

    assert await enode.rows("/vehicles") == []
    (hvac,) = await enode.rows("/hvacs")
    assert hvac["userId"] == NEIGHBOUR
    _, user = await enode.get(f"/users/{NEIGHBOUR}")
    assert [login["vendor"] for login in user["linkedVendors"]] == ["SENSIBO"]


# What the assets say


async def test_car_charges_at_night(enode: Client, sim: Simulator, clock: Clock) -> None:
    car = sim.house.car_park.car(0)
    session = car.sessions(clock.now(), clock.now() + dt.timedelta(days=3))[0]
    clock.set(session.start + dt.timedelta(minutes=20))
    await enode.sign_in()

    vehicle = (await enode.rows("/vehicles"))[-1]
    charger = (await enode.rows("/chargers"))[-1]

    charge = vehicle["chargeState"]
    assert charge["isCharging"] is True
    assert charge["chargeRate"] == session.power / 1000
    assert charge["powerDeliveryState"] == "PLUGGED_IN:CHARGING"
    left = (session.end - clock.now()).total_seconds() / 60
    assert charge["chargeTimeRemaining"] == pytest.approx(left, abs=3)
    assert charge["pluggedInChargerId"] == charger["id"]
    assert charger["chargeState"]["pluggedInVehicleId"] == vehicle["id"]
    # An active device is refreshed every 2 minutes.
    age = clock.now() - dt.datetime.fromisoformat(charge["lastUpdated"])
    assert dt.timedelta() <= age < dt.timedelta(minutes=2)


async def test_car_away_tells_no_power(enode: Client, sim: Simulator, clock: Clock) -> None:
    car = sim.house.car_park.car(0)
    while car.state(clock.now()).at_home or car.state(clock.now() - dt.timedelta(hours=1)).at_home:
        clock.advance(600)
    await enode.sign_in()

    vehicle = (await enode.rows("/vehicles"))[-1]

    charge = vehicle["chargeState"]
    assert (charge["isPluggedIn"], charge["chargeRate"]) == (False, None)
    assert charge["chargeTimeRemaining"] is None
    assert charge["powerDeliveryState"] == "UNPLUGGED"
    assert charge["pluggedInChargerId"] is None
    assert vehicle["location"]["id"] is None


async def test_full_car_is_complete_and_its_charger_stopped(
    enode: Client, sim: Simulator, clock: Clock
) -> None:
    car = sim.house.car_park.car(0)
    session = car.sessions(clock.now(), clock.now() + dt.timedelta(days=3))[0]
    clock.set(session.end + dt.timedelta(minutes=15))
    await enode.sign_in()

    vehicle = (await enode.rows("/vehicles"))[-1]
    charger = (await enode.rows("/chargers"))[-1]

    assert vehicle["chargeState"]["powerDeliveryState"] == "PLUGGED_IN:COMPLETE"
    assert vehicle["chargeState"]["isFullyCharged"] is True
    assert vehicle["location"]["id"] == PLACE
    assert charger["chargeState"]["powerDeliveryState"] == "PLUGGED_IN:STOPPED"


async def test_charger_does_not_name_a_car_that_is_not_linked(enode: Client) -> None:
    enode.sim.enode.knobs.vehicles = 0
    enode.sim.clock.advance(12 * 3600)
    await enode.sign_in()

    chargers = await enode.rows("/chargers")

    assert {row["chargeState"]["pluggedInVehicleId"] for row in chargers} == {None}


@pytest.mark.parametrize(("hour", "status"), [(11, "CHARGING"), (19, "DISCHARGING"), (2, "IDLE")])
async def test_battery_status_and_power_agree(
    enode: Client, sim: Simulator, clock: Clock, hour: int, status: str
) -> None:
    signs = {"CHARGING": 1, "DISCHARGING": -1, "IDLE": 0}
    clock.set(clock.now().replace(hour=hour))
    await enode.sign_in()
    for _ in range(400):
        (battery,) = await enode.rows("/batteries")
        state = battery["chargeState"]
        power = state["chargeRate"]
        assert signs[state["status"]] == (power > 0) - (power < 0)
        if state["status"] == status:
            return
        clock.advance(1800)
        await enode.sign_in()
    pytest.fail(f"the battery was never {status}")


async def test_meter_and_site_are_the_house(enode: Client, sim: Simulator, clock: Clock) -> None:
    (meter,) = await enode.rows("/meters")
    (inverter,) = await enode.rows("/inverters")
    (site,) = await enode.rows("/hem-systems")

    at = dt.datetime.fromisoformat(meter["energyState"]["lastUpdated"])
    house = sim.house
    assert meter["energyState"]["power"] == pytest.approx(house.net_power(at) / 1000, abs=0.001)
    lifetime = inverter["productionState"]["totalLifetimeProduction"]
    assert lifetime == pytest.approx(house.energy(Flow.PV, at), abs=0.1)
    midnight = at.astimezone(ZONE).replace(hour=0, minute=0, second=0)
    today = site["status"]["energy"]["today"]
    made = house.energy(Flow.PV, at) - house.energy(Flow.PV, midnight)
    assert (site["id"], today["unit"]) == (SITE, "kWh")
    assert today["generation"] == pytest.approx(made, abs=0.01)


async def test_what_is_not_granted_is_null(enode: Client) -> None:
    enode.sim.enode.knobs.scopes = ALL_SCOPES - {"vehicle:read:location", "meter:read:data"}

    (vehicle, *_) = await enode.rows("/vehicles")
    (meter,) = await enode.rows("/meters")

    assert set(vehicle["location"].values()) == {None}
    assert "vehicle:read:location" not in vehicle["scopes"]
    assert set(meter["energyState"].values()) == {None}


async def test_broken_login_intervention_and_unreachable_device(
    enode: Client, clock: Clock
) -> None:
    began = clock.now()
    knobs = enode.sim.enode.knobs
    knobs.broken_logins = knobs.interventions = knobs.unreachable = frozenset({"EASEE"})
    clock.advance(3000)

    (charger, _) = await enode.rows("/chargers")
    _, user = await enode.get(f"/users/{OWNER}")

    assert charger["isReachable"] is False
    assert dt.datetime.fromisoformat(charger["lastSeen"]) <= began
    assert charger["capabilities"]["startCharging"] == {
        "isCapable": False,
        "interventionIds": [asset_id("intervention EASEE")],
    }
    valid = {login["vendor"]: login["isValid"] for login in user["linkedVendors"]}
    assert (valid["EASEE"], valid["HUAWEI"]) == (False, True)


async def test_sandbox_stands_still(enode: Client, clock: Clock) -> None:
    await enode.sign_in(SANDBOX)
    before = await enode.rows("/inverters")
    clock.advance(3000)

    assert await enode.rows("/inverters") == before


async def test_addresses_and_credentials(enode: Client) -> None:
    server = enode.sim.enode

    assert server.environment() == {
        "ENERGY_CONNECT_ENODE_API_URL": f"{server.url}/{{environment}}",
        "ENERGY_CONNECT_ENODE_AUTH_URL": f"{server.origins['oauth'].url}/{{environment}}",
    }
    credentials = server.credentials()
    # Named as the form names them: production is what the demo signs in to.
    assert credentials["client_id"] == "client-production-0001"
    assert credentials["environment"] == PRODUCTION
    assert credentials["sandbox"] == {
        "environment": "sandbox",
        "client_id": "client-sandbox-0001",
        "client_secret": "secret-sandbox-1",
    }
