"""The strictness of the simulated Traxes towards commands, and what commands bring about."""

import datetime as dt
from typing import Any

import aiohttp
import pytest

from simulator import Simulator
from simulator.cars import ChargeSession
from simulator.clock import Clock
from simulator.traxes import CommandFate, Permissions, Verification

from .test_traxes import JSON, Client

HOUR = dt.timedelta(hours=1)


class Driver(Client):
    """An application that gives commands."""

    async def send(
        self, path: str, body: Any, headers: dict[str, str] | None = None, **query: Any
    ) -> tuple[int, Any]:
        sent = {**JSON, "Authorization": f"Bearer {self.token}", **(headers or {})}
        url = self.sim.environment()["ENERGY_CONNECT_TRAXES_API_URL"] + path
        async with self.session.post(url, headers=sent, params=query, json=body) as answer:
            self.wait = answer.headers.get("Retry-After")
            return answer.status, await answer.json()

    async def tell(self, place: str, kind: str, value: Any = None, **query: Any) -> tuple[int, Any]:
        body = {"type": kind} if value is None else {"type": kind, "value": value}
        return await self.send(f"/v1/entities/{self.id(place)}/commands", body, **query)

    async def look(self, place: str, command: str) -> dict[str, Any]:
        status, body = await self.of(place, f"/commands/{command}")
        assert status == 200
        return dict(body)

    async def metrics(self, place: str) -> dict[str, Any]:
        return dict((await self.of(place, "/readings/last"))[1]["data"])

    def id(self, place: str) -> str:
        return self.sim.traxes.fleet.id(place)


@pytest.fixture
async def app(sim: Simulator, session: aiohttp.ClientSession) -> Driver:
    application = Driver(sim, session)
    await application.sign_in()
    return application


def long_charge(app: Driver, clock: Clock) -> ChargeSession:
    """Return a charge of the first car, which hangs on the first charge point."""
    found = app.sim.house.cars[0].sessions(clock.now(), clock.now() + 400 * HOUR)
    return next(one for one in found if one.end - one.start >= 2 * HOUR)


async def while_charging(app: Driver, clock: Clock, part: float = 0.25) -> ChargeSession:
    """Go into a long charge."""
    session = long_charge(app, clock)
    clock.set(session.start + (session.end - session.start) * part)
    await app.sign_in()
    return session


async def test_a_command_goes_its_way(app: Driver, sim: Simulator, clock: Clock) -> None:
    await while_charging(app, clock)
    status, body = await app.tell("wallbox-0", "StopCharging")
    assert status == 201
    assert (body["type"], body["value"], body["status"]) == ("StopCharging", None, "Pending")
    assert body["entityId"] == app.id("wallbox-0")
    assert dt.datetime.fromisoformat(body["triggerTime"]) == clock.now().replace(microsecond=0)
    seen = []
    for _ in range(9):
        told = await app.look("wallbox-0", body["id"])
        seen.append((told["status"], told["verification"]["status"]))
        clock.advance(1)
    assert [status for status, _ in seen] == [
        "Pending",
        "Triggered",
        "Sent",
        "Sent",
        *["Succeeded"] * 5,
    ]
    assert [one for _, one in seen] == ["Pending"] * 8 + ["Succeeded"]
    assert sim.journal.requests(method="POST")[-1].facts["command"] == "StopCharging"


@pytest.mark.parametrize(
    ("place", "kind", "value", "code"),
    [
        ("wallbox-0", "Charge", None, "BadRequest"),
        ("wallbox-0", 1, None, "BadRequest"),
        ("wallbox-0", "LimitFeedIn", "1000", "CommandNotSupported"),
        ("wallbox-0", "StartCharging", "11", "BadRequest"),
        ("meter", "StartCharging", None, "CommandNotSupported"),
        ("inverter", "StopFeedIn", None, "CommandNotSupported"),
        ("plant", "LimitFeedIn", None, "BadRequest"),
        ("plant", "LimitFeedIn", 1000, "BadRequest"),
        ("plant", "LimitFeedIn", "-1", "BadRequest"),
        ("plant", "LimitFeedIn", "1.5", "BadRequest"),
    ],
)
async def test_commands_that_are_none(
    app: Driver, place: str, kind: Any, value: Any, code: str
) -> None:
    status, body = await app.tell(place, kind, value)
    assert (status, body["errors"][0]["code"]) == (400, code)


@pytest.mark.parametrize("body", [[], "StartCharging", {"type": "Reset", "when": "now"}])
async def test_bodies_that_are_no_command(app: Driver, body: Any) -> None:
    assert (await app.send(f"/v1/entities/{app.id('plant')}/commands", body))[0] == 400


async def test_what_else_is_refused(app: Driver) -> None:
    path = f"/v1/entities/{app.id('plant')}/commands"
    body = {"type": "StopFeedIn"}
    assert (await app.send(path, body, {"Content-Type": "text/plain"}))[0] == 415
    assert (await app.send(path, body, {"Content-Type": "text/json"}))[0] == 201
    other = f"/v1/entities/{app.id('wallbox-0')}/commands"
    kind = {"Content-Type": "application/merge-patch+json"}
    assert (await app.send(other, {"type": "StopCharging"}, kind))[0] == 201
    assert (await app.send(path, body, {"Authorization": "Bearer x"}))[0] == 401
    assert (await app.send(path, body, ignoreCooldown="yes"))[0] == 400
    assert (await app.send(path, body, page="1"))[0] == 400
    assert (await app.send("/v1/entities/nobody/commands", body))[0] == 404
    url = app.sim.environment()["ENERGY_CONNECT_TRAXES_API_URL"] + path
    sent = {**JSON, "Authorization": f"Bearer {app.token}", "Content-Type": "application/json"}
    async with app.session.post(url, headers=sent, data=b"{") as answer:
        assert answer.status == 400


async def test_a_viewer_gives_no_commands(app: Driver, sim: Simulator) -> None:
    sim.traxes.knobs.viewer_only = frozenset({app.id("wallbox-0")})
    status, body = await app.tell("wallbox-0", "StartCharging")
    assert (status, body["code"]) == (403, "Forbidden")
    _, body = await app.of("wallbox-0", "/permissions")
    assert [row["permissionLevels"] for row in body["data"]] == [["Viewer"]]
    _, body = await app.of("wallbox-1", "/permissions")
    assert [row["permissionLevels"] for row in body["data"]] == [["Viewer", "Contributor"]]


async def test_other_answers_about_permissions(app: Driver, sim: Simulator) -> None:
    sim.traxes.knobs.permissions = Permissions.SHARED
    _, body = await app.of("plant", "/permissions")
    assert [row["permissionLevels"] for row in body["data"]] == [
        ["Owner"],
        ["Viewer", "Contributor"],
    ]
    assert len({row["principalId"] for row in body["data"]}) == 2
    answers = {Permissions.FORBIDDEN: 403, Permissions.MISSING: 404, Permissions.EMPTY: 200}
    for permissions, expected in answers.items():
        sim.traxes.knobs.permissions = permissions
        assert (await app.of("plant", "/permissions"))[0] == expected


@pytest.mark.parametrize(("status", "told"), [(409, False), (429, True)])
async def test_the_cooldown_of_an_entity(
    app: Driver, sim: Simulator, clock: Clock, status: int, told: bool
) -> None:
    sim.traxes.knobs.cooldown_status, sim.traxes.knobs.cooldown_told = status, told
    assert (await app.tell("plant", "LimitFeedIn", "2500"))[0] == 201
    clock.advance(590)
    answer, body = await app.tell("plant", "StopFeedIn")
    assert (answer, body["code"], app.wait) == (status, "CooldownActive", "10" if told else None)
    assert (await app.tell("wallbox-0", "StopCharging"))[0] == 201  # another one has its own
    clock.advance(10)
    assert (await app.tell("plant", "StopFeedIn"))[0] == 201


async def test_who_ignores_the_cooldown_gets_nowhere(
    app: Driver, sim: Simulator, clock: Clock
) -> None:
    await app.tell("plant", "LimitFeedIn", "2500")
    status, body = await app.tell("plant", "StopFeedIn", ignoreCooldown="true")
    assert status == 201
    clock.advance(4)
    told = await app.look("plant", body["id"])
    assert (told["status"], told["error"]["title"]) == ("Failed", "TooSoon")


async def test_commands_that_fail_by_themselves(app: Driver, sim: Simulator, clock: Clock) -> None:
    await while_charging(app, clock, 1.01)
    _, full = await app.tell("wallbox-0", "StartCharging")
    while app.sim.house.cars[0].state(clock.now()).plugged_in:
        clock.advance(3600)
    await app.sign_in()
    clock.advance(300)
    assert (await app.metrics("wallbox-0"))["isPluggedIn"] is False
    _, gone = await app.tell("wallbox-0", "StartCharging")
    clock.advance(4)
    for body, title in ((full, "Full"), (gone, "NotPluggedIn")):
        told = await app.look("wallbox-0", body["id"])
        assert (told["status"], told["error"]["title"]) == ("Failed", title)
        assert told["verification"]["status"] == "Pending"


@pytest.mark.parametrize(
    ("fate", "status"),
    [
        (CommandFate.FAIL, "Failed"),
        (CommandFate.CANCEL, "Canceled"),
        (CommandFate.HANG, "Sent"),
    ],
)
async def test_fates(
    app: Driver, sim: Simulator, clock: Clock, fate: CommandFate, status: str
) -> None:
    sim.traxes.knobs.command_fate = fate
    await while_charging(app, clock)
    _, body = await app.tell("car-0", "StopCharging")
    clock.advance(3000)
    assert (await app.look("car-0", body["id"]))["status"] == status
    assert (await app.metrics("car-0"))["isCharging"] is True


@pytest.mark.parametrize(
    ("verification", "status"),
    [(Verification.FAIL, "Failed"), (Verification.HANG, "Pending"), (Verification.NONE, None)],
)
async def test_verifications(
    app: Driver, sim: Simulator, clock: Clock, verification: Verification, status: str | None
) -> None:
    sim.traxes.knobs.verification = verification
    sim.traxes.knobs.command_seconds = 0
    _, body = await app.tell("plant", "StopFeedIn")
    assert body["status"] == "Succeeded"
    assert (body["verification"] or {}).get("status") == status


async def test_the_commands_of_an_entity(app: Driver, sim: Simulator, clock: Clock) -> None:
    sim.traxes.knobs.cooldown = 0
    start = clock.now()
    for limit in ("1000", "2000", "3000"):
        await app.tell("plant", "LimitFeedIn", limit)
        clock.advance(60)
    await app.tell("wallbox-0", "StopCharging")
    query = {"start": f"{start + dt.timedelta(seconds=30):%FT%TZ}", "pageSize": "1"}
    _, body = await app.of("plant", "/commands", **query)
    assert [row["value"] for row in body["data"]] == ["2000"]
    query["continuationToken"] = body["meta"]["continuationToken"]
    _, body = await app.of("plant", "/commands", **query)
    assert [row["value"] for row in body["data"]] == ["3000"]
    assert (await app.of("plant", "/commands"))[0] == 400
    assert (await app.of("plant", "/commands/nothing"))[0] == 404
    of_another = body["data"][0]["id"]
    assert (await app.of("wallbox-0", f"/commands/{of_another}"))[0] == 404


async def test_a_charge_that_is_broken_off(app: Driver, sim: Simulator, clock: Clock) -> None:
    session = await while_charging(app, clock)
    stopped = clock.now() + dt.timedelta(seconds=4)
    await app.tell("wallbox-0", "StopCharging")
    clock.advance(600)
    box, car = await app.metrics("wallbox-0"), await app.metrics("car-0")
    assert (box["isCharging"], box["positiveActiveInstantaneousPower"]["total"]) == (False, 0)
    assert (car["isCharging"], car["isPluggedIn"]) == (False, True)
    clock.advance(1200)
    later = await app.metrics("wallbox-0")
    assert later["positiveActiveEnergy"] == box["positiveActiveEnergy"]
    query = {"start": f"{session.start:%FT%TZ}"}
    _, body = await app.of("wallbox-0", "/charge-sessions", **query)
    charge = body["data"][-1]["data"]
    assert dt.datetime.fromisoformat(charge["end"]) == stopped.replace(microsecond=0)
    # And goes on when told so: the rest of the habit is left.
    await app.tell("wallbox-0", "StartCharging")
    clock.advance(600)
    assert (await app.metrics("wallbox-0"))["isCharging"] is True
    clock.set(session.end + HOUR)
    await app.sign_in()
    _, body = await app.of("wallbox-0", "/charge-sessions", **query)
    assert len(body["data"]) == 2
    energies = [row["data"]["charge"]["total"]["total"] for row in body["data"]]
    assert sum(energies) == pytest.approx(session.energy - 0.5 * session.power / 1000, rel=0.01)
    end = await app.metrics("wallbox-0")
    habit = sim.house.cars[0].state(session.end + HOUR).charged
    missed = session.energy - sum(energies)
    assert end["positiveActiveEnergy"]["total"] == pytest.approx(habit - missed, abs=0.01)


async def test_a_charge_that_is_no_habit(app: Driver, sim: Simulator, clock: Clock) -> None:
    session = await while_charging(app, clock, 0.1)
    await app.tell("wallbox-0", "StopCharging")
    clock.set(session.end + dt.timedelta(minutes=30))
    await app.sign_in()
    before = await app.metrics("wallbox-0")
    assert before["isCharging"] is False
    start = clock.now()
    await app.tell("car-0", "StartCharging")  # of the same car
    clock.advance(1800)
    during = await app.metrics("wallbox-0")
    assert during["isCharging"] is True
    counted = [one["positiveActiveEnergy"]["total"] for one in (before, during)]
    assert 0 < counted[1] - counted[0] <= session.power * 0.5 / 1000
    clock.advance(6 * 3600)  # full
    await app.sign_in()
    after = await app.metrics("car-0")
    assert after["isCharging"] is False
    assert after["stateOfCharge"]["value"] == sim.house.cars[0].limit
    query = {"start": f"{start:%FT%TZ}"}
    _, body = await app.of("car-0", "/charge-sessions", **query)
    assert body["data"][0]["data"]["charge"]["total"]["total"] > 1


async def test_a_start_over_again_and_the_charges_before(
    app: Driver, sim: Simulator, clock: Clock
) -> None:
    sim.traxes.knobs.cooldown = 0
    sim.traxes.knobs.command_seconds = 0
    session = await while_charging(app, clock)
    await app.tell("wallbox-0", "StopCharging")
    clock.set(session.end)
    await app.sign_in()
    await app.metrics("wallbox-0")
    for _ in range(2):
        await app.tell("wallbox-0", "StartCharging")
        await app.metrics("wallbox-0")
    clock.advance(600)
    query = {"start": f"{session.start - 48 * HOUR:%FT%TZ}"}
    _, body = await app.of("wallbox-0", "/charge-sessions", **query)
    before = sim.house.cars[0].sessions(session.start - 48 * HOUR, session.start)
    starts = [dt.datetime.fromisoformat(row["data"]["start"]) for row in body["data"]]
    habits = [one.start for one in before if one.start >= session.start - 48 * HOUR]
    assert starts == [*habits, session.start, session.end]
    assert body["data"][-1]["data"]["end"] is None


async def test_a_plant_takes_its_limit(app: Driver, clock: Clock) -> None:
    _, body = await app.tell("plant", "LimitFeedIn", "0")
    clock.advance(4)
    told = await app.look("plant", body["id"])
    assert (told["value"], told["status"]) == ("0", "Succeeded")
    assert "negativeActiveEnergy" in await app.metrics("plant")


async def test_a_car_that_does_so_already(app: Driver, clock: Clock) -> None:
    await while_charging(app, clock)
    _, body = await app.tell("wallbox-0", "StartCharging")
    clock.advance(4)
    assert (await app.look("wallbox-0", body["id"]))["status"] == "Succeeded"
    before = await app.metrics("wallbox-0")
    assert before["isCharging"] is True


async def test_readings_of_a_span(app: Driver, sim: Simulator, clock: Clock) -> None:
    query = {"start": "2026-06-20T09:58:00Z", "end": "2026-06-20T10:15:00Z"}
    _, body = await app.of("meter", "/readings", **query)
    assert [row["measured"] for row in body["data"]] == [
        "2026-06-20T10:00:00Z",
        "2026-06-20T10:05:00Z",
        "2026-06-20T10:10:00Z",
    ]
    assert body["data"][0]["data"]["positiveActiveEnergy"]["unit"] == "kWh"
    _, body = await app.of("gas", "/readings", start="2026-06-20T10:00:00Z")
    assert len(body["data"]) == 5  # until now
    _, body = await app.of(
        "gas", "/readings", start="2026-06-20T10:01:00Z", end="2026-06-20T10:00:00Z"
    )
    assert body["data"] == []
    assert (await app.of("meter", "/readings"))[0] == 400
    sim.traxes.knobs.not_ready = frozenset({app.id("meter")})
    assert (await app.of("meter", "/readings", **query))[1]["data"] == []
