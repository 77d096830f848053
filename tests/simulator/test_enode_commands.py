"""The simulated Enode takes commands as strictly as the real one is documented."""

import datetime as dt
import json
from typing import Any

import aiohttp
import pytest

from simulator import Simulator
from simulator.clock import Clock
from simulator.enode import ALL_SCOPES, PRODUCTION, SANDBOX
from simulator.enode.assets import asset_id
from simulator.enode.knobs import NEIGHBOUR, OWNER

from .test_enode import VERSION, Client

CAR = asset_id("vehicle 0")
BOX = asset_id("charger 0")
BATTERY = asset_id("battery")
HVAC = asset_id("Hall heat pump")
ACTIONS = ("vehicles", "chargers", "batteries", "hvacs")
START, STOP = {"action": "START"}, {"action": "STOP"}


class Owner(Client):
    """A client that tells devices something."""

    async def tell(
        self,
        path: str,
        body: Any = None,
        *,
        method: str = "POST",
        content_type: str | None = "application/json",
        raw: bytes | None = None,
    ) -> tuple[int, Any]:
        """Return the status and the document, None without one."""
        headers = {"Authorization": f"Bearer {self.token}", "Enode-Version": VERSION}
        data = json.dumps(body).encode() if body is not None else raw
        if data is not None and content_type is not None:
            headers["Content-Type"] = content_type
        async with self._session.request(
            method, f"{self.sim.enode.url}/{self.environment}{path}", data=data, headers=headers
        ) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def row(self, name: str, one: str) -> Any:
        status, row = await self.get(f"/{name}/{one}")
        assert status == 200
        return row

    async def charging(self, one: str = CAR, name: str = "vehicles") -> bool:
        found: bool = (await self.row(name, one))["chargeState"]["isCharging"]
        return found

    async def done(self, path: str, body: Any = None) -> Any:
        """Tell something, let it happen, and return what became of it."""
        status, action = await self.tell(path, body)
        assert status == 200
        assert action["state"] == "PENDING"
        self.sim.clock.advance(5)
        status, action = await self.get(f"/{path.split('/')[1]}/actions/{action['id']}")
        assert status == 200
        return action


@pytest.fixture
async def owner(sim: Simulator, session: aiohttp.ClientSession, clock: Clock) -> Owner:
    """Return a client in the evening, an hour before the first car charges."""
    car = sim.house.car_park.car(0)
    charge = car.sessions(clock.now(), clock.now() + dt.timedelta(days=3))[0]
    clock.set(charge.start - dt.timedelta(hours=1))
    client = Owner(sim, session)
    await client.sign_in()
    return client


# Actions


async def test_action_is_pending_and_then_confirmed(owner: Owner, clock: Clock) -> None:
    at = clock.now()
    status, action = await owner.tell(f"/vehicles/{CAR}/charging", START)

    assert status == 200
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert action == {
        "id": action["id"],
        "userId": OWNER,
        "createdAt": stamp,
        "updatedAt": stamp,
        "completedAt": None,
        "state": "PENDING",
        "targetId": CAR,
        "targetType": "vehicle",
        "kind": "START",
        "failureReason": None,
    }
    assert not await owner.charging()

    clock.advance(5)
    _, action = await owner.get(f"/vehicles/actions/{action['id']}")
    assert (action["state"], action["failureReason"]) == ("CONFIRMED", None)
    done = dt.datetime.fromisoformat(action["completedAt"])
    assert done == at + dt.timedelta(seconds=3)
    charge = (await owner.row("vehicles", CAR))["chargeState"]
    assert charge["isCharging"] is True
    assert charge["powerDeliveryState"] == "PLUGGED_IN:CHARGING"
    assert charge["chargeRate"] == 11
    assert charge["chargeTimeRemaining"] > 0
    assert dt.datetime.fromisoformat(charge["lastUpdated"]) == done


@pytest.mark.parametrize(
    ("knobs", "state", "failure"),
    [
        ({"actions": "fail"}, "FAILED", "NO_RESPONSE"),
        ({"actions": "cancel", "failure": "CONFLICT"}, "CANCELLED", "CONFLICT"),
        ({"actions": "fail", "failure": None}, "FAILED", None),
        ({"actions": "hang"}, "PENDING", None),
    ],
)
async def test_action_that_does_not_succeed(
    owner: Owner, knobs: dict[str, Any], state: str, failure: str | None
) -> None:
    owner.sim.enode.knobs.turn(knobs)

    action = await owner.done(f"/vehicles/{CAR}/charging", START)

    assert action["state"] == state
    assert (action["failureReason"] or {}).get("type") == failure
    assert not await owner.charging()


async def test_charger_and_its_car_charge_together(owner: Owner, clock: Clock) -> None:
    await owner.done(f"/chargers/{BOX}/charging", START)

    assert await owner.charging(BOX, "chargers")
    # The car is read with its own next turn.
    clock.advance(420)
    assert await owner.charging()

    await owner.done(f"/vehicles/{CAR}/charging", STOP)
    clock.advance(420)
    assert not await owner.charging(BOX, "chargers")


async def test_confirmed_action_may_be_read_later(owner: Owner, clock: Clock) -> None:
    owner.sim.enode.knobs.reads_when_confirmed = False

    await owner.done(f"/vehicles/{CAR}/charging", START)

    assert not await owner.charging()
    clock.advance(420)
    assert await owner.charging()


async def test_car_that_left_forgets_what_it_was_told(owner: Owner, clock: Clock) -> None:
    await owner.done(f"/vehicles/{CAR}/charging", START)
    clock.advance(14 * 3600)
    await owner.sign_in()
    assert not await owner.charging()

    clock.advance(24 * 3600)
    await owner.sign_in()
    car = owner.sim.house.car_park.car(0).state(clock.now())
    assert await owner.charging() is car.charging


@pytest.mark.parametrize(("kind", "one"), [("vehicles", CAR), ("chargers", BOX)])
async def test_same_command_again(owner: Owner, kind: str, one: str) -> None:
    _, first = await owner.tell(f"/{kind}/{one}/charging", START)
    _, second = await owner.tell(f"/{kind}/{one}/charging", START)

    # Only a vehicle's pending action is used again.
    assert (first["id"] == second["id"]) is (kind == "vehicles")


async def test_different_command_cancels_the_pending_one(owner: Owner) -> None:
    _, first = await owner.tell(f"/chargers/{BOX}/charging", START)
    await owner.tell(f"/chargers/{BOX}/max-current", {"maxCurrent": 10})

    _, first = await owner.get(f"/chargers/actions/{first['id']}")

    assert (first["state"], first["failureReason"]["type"]) == ("CANCELLED", "CONFLICT")


async def test_command_for_another_device_does_not(owner: Owner) -> None:
    _, first = await owner.tell(f"/vehicles/{CAR}/charging", START)
    await owner.tell(f"/chargers/{BOX}/max-current", {"maxCurrent": 10})

    assert (await owner.get(f"/vehicles/actions/{first['id']}"))[1]["state"] == "PENDING"


async def test_cancelling(owner: Owner) -> None:
    _, action = await owner.tell(f"/vehicles/{CAR}/charging", START)
    path = f"/vehicles/actions/{action['id']}/cancel"

    status, action = await owner.tell(path)
    assert (status, action["state"]) == (200, "CANCELLED")
    assert action["failureReason"]["type"] == "REQUESTED_CANCELLATION"

    assert await owner.tell(path) == (409, action)


@pytest.mark.parametrize("name", ACTIONS)
async def test_action_that_there_is_not(owner: Owner, name: str) -> None:
    assert await owner.get(f"/{name}/actions/nonsense") == (404, None)
    assert await owner.tell(f"/{name}/actions/nonsense/cancel") == (404, None)


async def test_action_of_another_kind_is_not_found(owner: Owner) -> None:
    _, action = await owner.tell(f"/vehicles/{CAR}/charging", START)

    assert (await owner.get(f"/chargers/actions/{action['id']}"))[0] == 404


# What is refused


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("charging", {"action": "PAUSE"}),
        ("charging", {"action": True}),
        ("charging", {}),
        ("charging", {"action": "START", "force": True}),
        ("charging", ["START"]),
        ("max-current", {"maxCurrent": 0}),
        ("max-current", {"maxCurrent": True}),
        ("max-current", {"maxCurrent": "10"}),
        ("max-current", {"maxCurrent": 5}),
        ("max-current", {"maxCurrent": 33}),
    ],
)
async def test_malformed_command(owner: Owner, path: str, body: Any) -> None:
    status, problem = await owner.tell(f"/chargers/{BOX}/{path}", body)

    assert status == 400
    assert problem["type"].endswith("/bad-request")


async def test_body_must_be_json(owner: Owner) -> None:
    path = f"/vehicles/{CAR}/charging"

    assert (await owner.tell(path, START, content_type="text/plain"))[0] == 415
    assert (await owner.tell(path, raw=b"{"))[0] == 400
    assert (await owner.tell(path))[0] == 415


async def test_body_where_there_is_nothing_to_say(owner: Owner) -> None:
    assert (await owner.tell(f"/vehicles/{CAR}/refresh-hint", {"soon": True}))[0] == 400


async def test_command_needs_a_token(owner: Owner) -> None:
    owner.token = "nonsense"

    assert (await owner.tell(f"/vehicles/{CAR}/charging", START))[0] == 401


async def test_unplugged(owner: Owner, clock: Clock) -> None:
    while (await owner.row("vehicles", CAR))["chargeState"]["isPluggedIn"]:
        clock.advance(1800)
        await owner.sign_in()

    for path, kind in ((f"/vehicles/{CAR}", "vehicle"), (f"/chargers/{BOX}", "charger")):
        for body in (START, STOP):
            status, problem = await owner.tell(f"{path}/charging", body)
            assert (status, problem["detail"]) == (400, f"The {kind} is not plugged in")
    assert (await owner.tell(f"/vehicles/{CAR}/smart-override"))[0] == 400


async def test_full(owner: Owner, clock: Clock) -> None:
    car = owner.sim.house.car_park.car(0)
    charge = car.sessions(clock.now(), clock.now() + dt.timedelta(days=1))[0]
    clock.set(charge.end + dt.timedelta(minutes=20))
    await owner.sign_in()

    status, problem = await owner.tell(f"/vehicles/{CAR}/charging", START)
    assert (status, problem["detail"]) == (400, "The vehicle is fully charged")
    assert (await owner.tell(f"/vehicles/{CAR}/smart-override"))[0] == 400
    # A charger does not know how full a car is; it finds out.
    action = await owner.done(f"/chargers/{BOX}/charging", START)
    assert action["state"] == "FAILED"
    assert action["failureReason"]["type"] == "FAILED_PRECONDITION"


async def test_already_so(owner: Owner, clock: Clock) -> None:
    status, problem = await owner.tell(f"/vehicles/{CAR}/charging", STOP)
    assert (status, problem["detail"]) == (400, "The vehicle is already stopped")

    clock.advance(3600 + 600)
    await owner.sign_in()
    status, problem = await owner.tell(f"/vehicles/{CAR}/charging", START)
    assert (status, problem["detail"]) == (400, "The vehicle is already charging")


async def test_under_a_schedule(owner: Owner) -> None:
    owner.sim.enode.knobs.scheduled = frozenset({"SKODA"})

    assert (await owner.tell(f"/vehicles/{CAR}/charging", START))[0] == 422


async def test_scope_and_capability_are_needed(owner: Owner) -> None:
    knobs = owner.sim.enode.knobs
    assert (await owner.tell(f"/vehicles/{CAR}/max-current", {"maxCurrent": 10}))[0] == 400
    knobs.car_currents = True
    assert (await owner.tell(f"/vehicles/{CAR}/max-current", {"maxCurrent": 10}))[0] == 200

    knobs.scopes = ALL_SCOPES - {"vehicle:control:charging"}
    assert (await owner.tell(f"/vehicles/{CAR}/charging", START))[0] == 403
    assert (await owner.tell(f"/vehicles/{CAR}/smart-override"))[0] == 403


@pytest.mark.parametrize("name", ACTIONS)
async def test_device_that_there_is_not(owner: Owner, name: str) -> None:
    assert (await owner.tell(f"/{name}/nobody/refresh-hint"))[0] == 404


async def test_vehicle_that_is_gone(owner: Owner) -> None:
    owner.sim.enode.knobs.vehicles = 0

    assert (await owner.tell(f"/vehicles/{CAR}/charging", START))[0] == 404


# Settings


async def test_maximum_current(owner: Owner) -> None:
    action = await owner.done(f"/chargers/{BOX}/max-current", {"maxCurrent": 10})

    assert action["targetState"] == {"maxCurrent": 10}
    assert (await owner.row("chargers", BOX))["chargeState"]["maxCurrent"] == 10


async def test_operation_mode(owner: Owner) -> None:
    path = f"/batteries/{BATTERY}/operation-mode"
    action = await owner.done(path, {"operationMode": "TIME_OF_USE"})

    assert action["targetState"] == {"operationMode": "TIME_OF_USE"}
    config = (await owner.row("batteries", BATTERY))["config"]
    assert config["operationMode"] == "TIME_OF_USE"
    assert config["lastUpdated"] == action["completedAt"]
    # It is so already, it is not capable of it, it can't be set at all.
    for mode in ("TIME_OF_USE", "IDLE", "UNKNOWN", 7):
        assert (await owner.tell(path, {"operationMode": mode}))[0] == 400


async def test_permanent_hold(owner: Owner) -> None:
    body = {"mode": "AUTO", "heatSetpoint": 20, "coolSetpoint": 24}
    action = await owner.done(f"/hvacs/{HVAC}/permanent-hold", body)

    assert action["target"] == {**body, "holdType": "PERMANENT"}
    hvac = await owner.row("hvacs", HVAC)
    assert hvac["thermostatState"] == {
        **body,
        "holdType": "PERMANENT",
        "lastUpdated": action["completedAt"],
    }

    await owner.done(f"/hvacs/{HVAC}/permanent-hold", {"mode": "OFF"})
    assert (await owner.row("hvacs", HVAC))["temperatureState"]["isActive"] is False


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"mode": "DRY"},
        {"mode": 7},
        {"mode": "HEAT"},
        {"mode": "HEAT", "coolSetpoint": 20},
        {"mode": "HEAT", "heatSetpoint": 20, "coolSetpoint": 24},
        {"mode": "HEAT", "heatSetpoint": 31},
        {"mode": "COOL", "coolSetpoint": 17},
        {"mode": "COOL", "coolSetpoint": "20"},
        {"mode": "OFF", "heatSetpoint": 20},
        {"mode": "AUTO", "heatSetpoint": 20},
        {"mode": "AUTO", "heatSetpoint": 20, "coolSetpoint": 21},
    ],
)
async def test_hold_that_can_not_be(owner: Owner, body: Any) -> None:
    assert (await owner.tell(f"/hvacs/{HVAC}/permanent-hold", body))[0] == 400


async def test_following_a_schedule(owner: Owner) -> None:
    path = f"/hvacs/{HVAC}/follow-schedule"
    assert (await owner.tell(path))[0] == 400

    owner.sim.enode.knobs.device_schedules = True
    action = await owner.done(path)

    assert action["target"] == {"holdType": "SCHEDULED"}
    state = (await owner.row("hvacs", HVAC))["thermostatState"]
    assert state["holdType"] == "SCHEDULED"


async def test_refresh_hint(owner: Owner, clock: Clock) -> None:
    clock.advance(333)

    assert await owner.tell(f"/vehicles/{CAR}/refresh-hint") == (204, None)

    charge = (await owner.row("vehicles", CAR))["chargeState"]
    assert dt.datetime.fromisoformat(charge["lastUpdated"]) == clock.now()


async def test_sandbox_does_what_it_is_told_and_nothing_else(owner: Owner) -> None:
    await owner.sign_in(SANDBOX)
    battery = asset_id("battery")

    await owner.done(f"/batteries/{battery}/operation-mode", {"operationMode": "TIME_OF_USE"})

    assert (await owner.row("batteries", battery))["config"]["operationMode"] == "TIME_OF_USE"
    # What happens there stays there.
    await owner.sign_in(PRODUCTION)
    assert (await owner.row("batteries", battery))["config"]["operationMode"] == "SELF_RELIANCE"


# Smart charging


POLICY = f"/vehicles/{CAR}/smart-charging-policy"
STATUS = f"/vehicles/{CAR}/smart-charging-status"
OVERRIDE = f"/vehicles/{CAR}/smart-override"


async def enable(owner: Owner) -> None:
    body = {"isEnabled": True, "deadline": "07:00"}
    assert (await owner.tell(POLICY, body, method="PUT"))[0] == 200


async def test_policy_keeps_what_is_not_named(owner: Owner) -> None:
    _, before = await owner.get(POLICY)
    assert before == {"isEnabled": False, "deadline": None, "minimumChargeLimit": 0}
    await owner.tell(POLICY, {"deadline": "24:00"}, method="PUT")

    status, policy = await owner.tell(POLICY, {"minimumChargeLimit": 30}, method="PUT")

    assert status == 200
    assert policy == {"isEnabled": False, "deadline": "24:00", "minimumChargeLimit": 30}
    assert (await owner.row("vehicles", CAR))["smartChargingPolicy"] == policy


@pytest.mark.parametrize(
    "body",
    [
        {"isEnabled": True},
        {"isEnabled": "yes"},
        {"deadline": "7:00"},
        {"deadline": "24:30"},
        {"deadline": None},
        {"minimumChargeLimit": -1},
        {"minimumChargeLimit": True},
        {"minimumChargeLimit": "20"},
        {"minimumChargeLimit": 101},
        {"surprise": 1},
    ],
)
async def test_policy_that_can_not_be(owner: Owner, body: Any) -> None:
    assert (await owner.tell(POLICY, body, method="PUT"))[0] == 400


async def test_plan_has_control_until_it_is_overridden(owner: Owner) -> None:
    assert (await owner.get(STATUS))[1]["state"] == "DISABLED"
    assert (await owner.get(f"/vehicles/{CAR}/smart-charging-plans/latest"))[0] == 404
    await enable(owner)

    _, status = await owner.get(STATUS)
    assert status["state"] == "PLAN:EXECUTING:STOPPED"
    assert status["smartOverride"] is None
    plan = status["plan"]
    assert plan["stopAt"] < plan["startAt"] < plan["estimatedFinishAt"]
    for name in ("latest", plan["id"]):
        assert (await owner.get(f"/vehicles/{CAR}/smart-charging-plans/{name}"))[1] == plan
    assert (await owner.get(f"/vehicles/{CAR}/smart-charging-plans/other"))[0] == 404
    assert (await owner.tell(f"/vehicles/{CAR}/charging", START))[0] == 422

    code, override = await owner.tell(OVERRIDE)
    assert (code, override["endedAt"], override["targetId"]) == (200, None, CAR)
    owner.sim.clock.advance(5)
    _, action = await owner.get(f"/vehicles/actions/{override['vendorActionId']}")
    assert (action["state"], action["kind"]) == ("CONFIRMED", "START")
    assert await owner.charging()
    assert (await owner.get(STATUS))[1]["state"] == "PLAN:EXECUTING:OVERRIDDEN"
    # Now it is the owner's.
    assert (await owner.tell(f"/vehicles/{CAR}/charging", STOP))[0] == 200

    code, ended = await owner.tell(OVERRIDE, method="DELETE")
    assert code == 200
    assert ended["endedAt"] is not None
    assert (await owner.tell(OVERRIDE, method="DELETE"))[0] == 404
    assert (await owner.tell(f"/vehicles/{CAR}/charging", START))[0] == 422


async def test_plan_that_has_started(owner: Owner, clock: Clock) -> None:
    await enable(owner)
    clock.advance(3600 + 600)
    await owner.sign_in()

    _, status = await owner.get(STATUS)

    assert status["state"] == "PLAN:EXECUTING:STARTED"
    assert status["plan"]["startConfirmedAt"] == status["plan"]["startAt"]


async def test_car_that_is_away_is_considered(owner: Owner, clock: Clock) -> None:
    await enable(owner)
    while (await owner.row("vehicles", CAR))["chargeState"]["isPluggedIn"]:
        clock.advance(1800)
        await owner.sign_in()

    _, status = await owner.get(STATUS)

    assert (status["state"], status["plan"]) == ("CONSIDERING", None)


# Sessions


SESSIONS = f"/users/{OWNER}/statistics/charging/sessions"


async def test_sessions_are_those_of_the_car(owner: Owner, clock: Clock) -> None:
    end = clock.now()
    start = end - dt.timedelta(days=10)
    charges = owner.sim.house.car_park.car(0).sessions(start, end)
    query = {"startDate": start.isoformat(), "endDate": end.isoformat()}

    status, rows = await owner.get(SESSIONS, type="vehicle", id=CAR, **query)

    assert status == 200
    assert [row["from"] for row in rows] == [
        one.start.isoformat(timespec="milliseconds").replace("+00:00", "Z") for one in charges
    ]
    assert {row["id"] for row in rows} == {CAR}
    _, both = await owner.get(SESSIONS, type="charger", **query)
    assert {row["id"] for row in both} == {BOX, asset_id("charger 1")}
    _, heating = await owner.get(SESSIONS, type="hvac", **query)
    assert {row["id"] for row in heating} == {asset_id("Hall heat pump")}


async def test_session_appears_a_quarter_of_an_hour_after_its_end(
    owner: Owner, clock: Clock
) -> None:
    car = owner.sim.house.car_park.car(0)
    charge = car.sessions(clock.now(), clock.now() + dt.timedelta(days=1))[0]

    async def seen() -> int:
        await owner.sign_in()
        query = {"type": "vehicle", "id": CAR, "startDate": charge.start.isoformat()}
        return len((await owner.get(SESSIONS, **query))[1])

    clock.set(charge.end + dt.timedelta(minutes=14))
    assert await seen() == 0
    clock.set(charge.end + dt.timedelta(minutes=15))
    assert await seen() == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"type": "vehicle"}, 400),
        ({"type": "vehicle", "startDate": "yesterday"}, 400),
        ({"type": "vehicle", "startDate": "2026-06-01T00:00:00"}, 400),
        ({"startDate": "2026-06-01T00:00:00Z"}, 400),
        ({"type": "kite", "startDate": "2026-06-01T00:00:00Z"}, 400),
        ({"type": "vehicle", "startDate": "2026-06-01T00:00:00Z", "page": "2"}, 400),
        ({"type": "vehicle", "startDate": "2026-06-01T00:00:00Z", "id": "nobody"}, 404),
    ],
)
async def test_wrong_question_for_sessions(
    owner: Owner, query: dict[str, str], status: int
) -> None:
    assert (await owner.get(SESSIONS, **query))[0] == status


async def test_sessions_of_others(owner: Owner) -> None:
    query = {"type": "vehicle", "startDate": "2026-06-01T00:00:00Z"}

    assert (await owner.get("/users/nobody/statistics/charging/sessions", **query))[0] == 404
    path = f"/users/{NEIGHBOUR}/statistics/charging/sessions"
    assert await owner.get(path, **query) == (200, [])


# Interventions


async def test_intervention(owner: Owner) -> None:
    owner.sim.enode.knobs.interventions = frozenset({"EASEE", "SKODA"})
    one = asset_id("intervention SKODA")

    status, english = await owner.get(f"/interventions/{one}")
    assert status == 200
    assert english["domain"] == "Device"
    assert english["resolution"]["action"] is None
    _, german = await owner.get(f"/interventions/{one}", language="de-DE")
    assert german["resolution"]["title"] != english["resolution"]["title"]
    assert (await owner.get(f"/interventions/{one}", language="browser"))[0] == 400
    assert await owner.get("/interventions/nonsense") == (404, None)

    owner.sim.enode.knobs.link_mends = True
    _, english = await owner.get(f"/interventions/{one}")
    assert (english["domain"], english["resolution"]["action"]) == ("Account", "Link")
