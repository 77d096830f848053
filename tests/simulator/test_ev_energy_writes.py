"""What changes something in the simulated ev.energy: settings, boosts, connecting again, logs."""

import datetime as dt
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from yarl import URL

from simulator import Simulator
from simulator.ev_energy.episodes import identifier
from tests.simulator.ev_energy_client import Answer, Client

PLUGGED_IN = dt.datetime(2026, 11, 18, 20, 0, tzinfo=dt.UTC)
"""Both cars are plugged in; the first charges 33 kWh with 11 kW from 22:15 on, to 01:15."""

CAR, SECOND_CAR = identifier("vhcl", 0), identifier("vhcl", 1)
CHARGER = identifier("evse", 0)
LIMIT, SMART = "maximum_charge_limit_percentage", "smart_charging_enabled"


@pytest.fixture
async def client(sim: Simulator, session: aiohttp.ClientSession) -> Client:
    sim.clock.set(PLUGGED_IN)
    client = Client(sim, session)
    await client.sign_in()
    return client


async def patch(client: Client, fields: Any, vehicle: str = CAR) -> Answer:
    return await client.call("PATCH", f"/vehicles/{vehicle}", json=fields)


async def open_session(client: Client, vehicle: str = CAR) -> str:
    rows = (await client.get("/charging_sessions")).json
    (own,) = [row for row in rows if row["vehicle"].endswith(vehicle) and row["end"] is None]
    return str(own["id"])


async def boost(client: Client, word: str, session: str | None = None) -> Answer:
    session = session or await open_session(client)
    return await client.call("POST", f"/charging_sessions/{session}/boost_{word}")


async def sub_sessions(client: Client) -> list[Any]:
    path = f"/charging_sub_sessions?vehicle_id={CAR}&start__gt=2026-11-18T12:00:00Z"
    return list((await client.get(path)).json)


async def log(client: Client, path: str = "vehicles") -> Any:
    return (await client.get(f"/{path}?expand=latest_status_log")).json[0]["latest_status_log"]


class TestSettings:
    async def test_are_answered_with_the_whole_vehicle(self, client: Client) -> None:
        answer = await patch(client, {LIMIT: 60, SMART: False, "vehicle_class": "COMMERCIAL"})
        assert answer.status == 200
        assert answer.json == (await client.get(f"/vehicles/{CAR}")).json
        assert (answer.json[LIMIT], answer.json[SMART]) == (60, False)
        other = (await client.get(f"/vehicles/{SECOND_CAR}")).json
        assert (other[LIMIT], other[SMART]) == (80, True)
        client.sim.clock.advance(300)
        assert (await log(client))["target_charge_level_percentage"] == 60

    async def test_can_take_their_time(self, client: Client) -> None:
        client.server.knobs.settle = 30
        assert (await patch(client, {LIMIT: 60})).json[LIMIT] == 90
        client.sim.clock.advance(29)
        assert (await client.get(f"/vehicles/{CAR}")).json[LIMIT] == 90
        client.sim.clock.advance(1)
        assert (await client.get(f"/vehicles/{CAR}")).json[LIMIT] == 60

    @pytest.mark.parametrize(
        "fields",
        [
            {LIMIT: 49},
            {LIMIT: 101},
            {LIMIT: 80.5},
            {LIMIT: True},
            {LIMIT: None},
            {SMART: 1},
            {"vehicle_class": "BUS"},
            {"battery_size_watt_hours": 50_000},
            {"description": "other"},
        ],
    )
    async def test_all_or_nothing(self, client: Client, fields: dict[str, Any]) -> None:
        answer = await patch(client, {SMART: False, **fields})
        assert answer.status == 400
        assert list(answer.json["field_errors"]) == list(fields)
        assert (await client.get(f"/vehicles/{CAR}")).json[SMART] is True

    async def test_bodies(self, client: Client) -> None:
        path = f"/vehicles/{CAR}"
        assert (await client.call("PATCH", path, data={LIMIT: "60"})).status == 415
        assert (await patch(client, [])).status == 400
        headers = {"Content-Type": "application/json"}
        assert (await client.call("PATCH", path, headers, data=b"{")).status == 400
        assert (await client.call("PATCH", f"{path}?expand=trim", json={})).status == 400
        assert (await patch(client, {})).status == 200

    async def test_of_others(self, client: Client) -> None:
        client.server.knobs.users = 2
        assert (await patch(client, {LIMIT: 60}, identifier("vhcl", 5001))).status == 404
        assert (await client.get(f"/vehicles/{identifier('vhcl', 5001)}")).status == 404

    async def test_need_their_scope(self, client: Client) -> None:
        client.app.scopes = frozenset({"vehicle:read", "charging_session:read"})
        session = await open_session(client)
        await client.sign_in()
        answer = await patch(client, {LIMIT: 60})
        assert answer.status == 403
        assert answer.json["detail"] == "This needs the scope vehicle:write."
        assert (await boost(client, "start", session)).status == 403

    async def test_slashes_can_be_wanted(self, client: Client) -> None:
        client.server.knobs.slashes = True
        assert (await patch(client, {LIMIT: 60})).status == 301
        answer = await client.call("PATCH", f"/vehicles/{CAR}/", json={LIMIT: 60})
        assert answer.json[LIMIT] == 60


class TestBoost:
    async def test_charges_at_once_and_not_more_than_planned(self, client: Client) -> None:
        before = await log(client, "evses")
        answer = await boost(client, "start")
        assert answer.status == 200
        assert answer.json == (await client.get(f"/charging_sessions/{answer.json['id']}")).json
        client.sim.clock.advance(3600)
        assert (await log(client))["is_charging"] is True
        during = await log(client, "evses")
        assert during["charge_rate_watts"] == 11_000
        assert during["meter_reading_watt_hours"] - before["meter_reading_watt_hours"] == 11_000
        (open_one, smart) = await sub_sessions(client)
        assert (open_one["mode"], open_one["end"]) == ("BOOST", None)
        assert (smart["mode"], smart["end"]) == ("SMART", "2026-11-18T20:00:00Z")
        assert (await boost(client, "end")).status == 200
        client.sim.clock.advance(300)
        assert (await log(client))["is_charging"] is False
        client.sim.clock.set(PLUGGED_IN.replace(day=19, hour=2))
        (last, boosted, first) = await sub_sessions(client)
        assert [one["mode"] for one in (last, boosted, first)] == ["SMART", "BOOST", "SMART"]
        assert boosted["energy_delivered_watt_hours"] == 11_000
        assert last["energy_delivered_watt_hours"] == 22_000
        assert first["energy_delivered_watt_hours"] == 0
        after = await log(client, "evses")
        assert after["meter_reading_watt_hours"] - before["meter_reading_watt_hours"] == 33_000

    async def test_lasts_until_the_car_is_full(self, client: Client) -> None:
        await boost(client, "start")
        client.sim.clock.set(PLUGGED_IN.replace(hour=23, minute=10))
        assert (await log(client))["state"] == "PLUGGED_IN_COMPLETE"
        (boosted, _) = await sub_sessions(client)
        assert (boosted["energy_delivered_watt_hours"], boosted["end"]) == (33_000, None)
        await boost(client, "end")
        answer = await boost(client, "start")
        assert (answer.status, answer.json["detail"]) == (409, "The vehicle is fully charged.")
        client.sim.clock.set(PLUGGED_IN.replace(day=19, hour=2))
        assert (await log(client))["is_charging"] is False

    async def test_its_plan_is_open(self, client: Client) -> None:
        await boost(client, "start")
        (boosted, smart) = await sub_sessions(client)
        (slot,) = (await client.get(f"/charging_sub_sessions/{boosted['id']}/schedules")).json[
            "schedules"
        ]
        assert (slot["schedule_type"], slot["interval_seconds"]) == ("BOOST", None)
        plan = (await client.get(f"/charging_sub_sessions/{smart['id']}/schedules")).json
        assert {one["schedule_type"] for one in plan["schedules"]} == {"SMART"}

    async def test_is_not_applicable(self, client: Client) -> None:
        session = await open_session(client)
        answer = await boost(client, "end", session)
        assert (answer.status, answer.json["detail"]) == (409, "The session is not boosting.")
        await boost(client, "start", session)
        assert (await boost(client, "start", session)).status == 409
        await patch(client, {SMART: False}, SECOND_CAR)
        answer = await boost(client, "start", await open_session(client, SECOND_CAR))
        assert (answer.status, answer.json["detail"]) == (409, "Smart charging is switched off.")
        client.sim.clock.advance(6 * 3600)
        answer = await boost(client, "end", session)
        assert (answer.status, answer.json["detail"]) == (409, "The session is over.")

    async def test_can_not_be_delivered(self, client: Client) -> None:
        client.server.knobs.unreachable = frozenset({CAR})
        answer = await boost(client, "start")
        assert (answer.status, answer.media_type) == (503, "application/problem+json")
        assert len(await sub_sessions(client)) == 1

    async def test_takes_neither_body_nor_parameters(self, client: Client) -> None:
        path = f"/charging_sessions/{await open_session(client)}/boost_start"
        assert (await client.call("POST", path, json={})).status == 400
        assert (await client.call("POST", f"{path}?a=b")).status == 400
        assert (await boost(client, "start", "nothing")).status == 404
        assert (await client.get("/charging_sessions/nothing")).status == 404

    async def test_without_smart_charging_nobody_plans(self, client: Client) -> None:
        await patch(client, {SMART: False})
        client.sim.clock.advance(86_460)
        await client.sign_in()
        (newest, *_) = await sub_sessions(client)
        assert newest["mode"] == "UNMANAGED_HOME"
        plan = await client.get(f"/charging_sub_sessions/{newest['id']}/schedules")
        assert plan.json["schedules"] == []

    async def test_sessions_exist_from_july_2026_on(self, client: Client) -> None:
        client.sim.clock.set(dt.datetime(2026, 7, 2, 21, tzinfo=dt.UTC))
        await client.sign_in()
        rows = (await client.get("/charging_sessions?page_size=100")).json
        assert min(row["start"] for row in rows) > "2026-07-01"
        assert len((await client.get("/charging_sub_sessions?page_size=100")).json) > len(rows)
        client.sim.clock.set(dt.datetime(2026, 6, 30, 21, tzinfo=dt.UTC))
        assert (await client.get("/charging_sessions")).status == 200


class TestReconnect:
    async def test_by_its_page(self, client: Client) -> None:
        client.server.knobs.disconnected = frozenset({CAR})
        link = (await client.call("POST", f"/vehicles/{CAR}/reconnect")).json
        assert link["expires_at"] == "2026-11-18T21:00:00Z"
        path = URL(link["url"]).path
        page = await client.send("GET", path)
        assert (page.status, page.media_type) == (200, "text/html")
        assert b"Connect Sam&#x27;s hatch one again" in page.body
        assert (await client.get(f"/vehicles/{CAR}")).json["integrated"] == "INACTIVE"
        assert (await client.send("POST", path)).status == 200
        assert (await client.get(f"/vehicles/{CAR}")).json["integrated"] == "ACTIVE"
        assert (await client.send("POST", path)).status == 404

    async def test_its_page_does_not_last(self, client: Client) -> None:
        link = (await client.call("POST", f"/vehicles/{CAR}/reconnect")).json
        client.sim.clock.advance(3600)
        assert (await client.send("GET", URL(link["url"]).path)).status == 404

    async def test_refused(self, client: Client) -> None:
        assert (await client.call("POST", "/vehicles/nobody/reconnect")).status == 404
        assert (await client.call("POST", f"/vehicles/{CAR}/reconnect", json={})).status == 400


class TestLogs:
    PERIOD = "sampled_at__gte=2026-11-18T10:00:00Z&sampled_at__lte=2026-11-18T11:00:00Z"

    async def test_one_a_sample_newest_first(self, client: Client) -> None:
        rows = (await client.get(f"/evses/{CHARGER}/status_logs?{self.PERIOD}")).json
        times = [dt.datetime.fromisoformat(row["sampled_at"]) for row in rows]
        assert len(times) == 13
        assert {newer - older for newer, older in pairwise(times)} == {dt.timedelta(minutes=5)}
        (newest, *_) = (await client.get(f"/vehicles/{CAR}/status_logs")).json
        assert newest == await log(client)

    async def test_pages(self, client: Client) -> None:
        path = f"/vehicles/{CAR}/status_logs?{self.PERIOD}&page_size=10"
        first = await client.get(path)
        following = first.headers["Link"].split(", ")[1]
        link = URL(following.partition(">")[0].lstrip("<"))
        assert link.query["page_after"] == first.json[-1]["sampled_at"]
        second = await client.get(str(link.relative()).removeprefix("/v2"))
        assert [len(first.json), len(second.json)] == [10, 3]
        assert second.headers["Link"].endswith('<about:blank>; rel="next"')

    async def test_refused(self, client: Client) -> None:
        path = f"/vehicles/{CAR}/status_logs"
        for query in ("sampled_at__gte=x", "sampled_at__gte=2026-11-18T10:00:00", "since=1"):
            assert (await client.get(f"{path}?{query}")).status == 400
        assert (await client.get("/vehicles/nobody/status_logs")).status == 404
        assert (await client.get(f"/evses/{CAR}/status_logs")).status == 404


async def test_one_vehicle_can_be_expanded(client: Client) -> None:
    bare = (await client.get(f"/vehicles/{CAR}")).json
    assert isinstance(bare["latest_status_log"], str)
    full = (await client.get(f"/vehicles/{CAR}?expand=latest_status_log")).json
    assert full["latest_status_log"]["is_plugged_in"] is True
    assert (await client.get(f"/vehicles/{CAR}?expand=other")).status == 400


async def test_times_of_filters_need_a_zone(client: Client) -> None:
    path = "/charging_sub_sessions?start__gt=2026-11-18T12:00:00"
    assert (await client.get(path)).status == 400
