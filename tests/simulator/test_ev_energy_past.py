"""Years of sub-sessions of the simulated ev.energy, and when their energy flowed."""

import datetime as dt
from typing import Any

import aiohttp
import pytest
from yarl import URL

from simulator import Simulator
from simulator.ev_energy.episodes import identifier
from tests.simulator.ev_energy_client import EVENING, Answer, Client

CAR, OTHER_CAR = identifier("vhcl", 0), identifier("vhcl", 5001)
LIST = "/charging_sub_sessions"
CLOCKS = ("2025-03-30", "2025-10-26")


@pytest.fixture
async def client(sim: Simulator, session: aiohttp.ClientSession) -> Client:
    sim.clock.set(EVENING)
    client = Client(sim, session)
    await client.sign_in()
    return client


async def rows(client: Client, query: str = "") -> list[Any]:
    return list((await client.get(f"{LIST}?vehicle_id={CAR}&page_size=100{query}")).json)


async def usage(client: Client, session: str, query: str = "") -> Answer:
    return await client.get(f"{LIST}/{session}/energy_usage{query}")


async def last_night(client: Client) -> Any:
    return (await rows(client, "&is_finished=true"))[0]


def link(answer: Answer) -> str | None:
    following = URL(answer.headers["Link"].split(", ")[1].partition(">")[0].lstrip("<"))
    return None if following.scheme == "about" else str(following.relative()).removeprefix("/v2")


class TestList:
    async def test_goes_back_years_without_a_row_twice(self, client: Client) -> None:
        path: str | None = f"{LIST}?vehicle_id={CAR}&page_size=100"
        found: list[str] = []
        while path is not None:
            answer = await client.get(path)
            found += [row["start"] for row in answer.json]
            path = link(answer)
        assert found == sorted(set(found), reverse=True)
        assert found[-1].startswith("2021-03")
        assert len(found) > 1300

    async def test_a_time_is_what_overlaps_it(self, client: Client) -> None:
        start, end = "2024-05-03T23:00:00Z", "2024-05-05T23:00:00Z"
        found = await rows(client, f"&start__lt={end}&end__gt={start}")
        assert found
        assert all(row["start"] < end and row["end"] > start for row in found)
        assert found[-1]["start"] < start
        near = await rows(client, "&start__gt=2024-05-01T12:00:00Z&end__lt=2024-05-08T12:00:00Z")
        assert [row for row in near if row["start"] < end and row["end"] > start] == found

    async def test_an_end_that_is_null_is_after_nothing(self, client: Client) -> None:
        (current,) = await rows(client, "&is_finished=false")
        assert current["end"] is None
        ended = await rows(client, "&end__gt=2026-03-01T00:00:00Z")
        assert current["id"] not in {row["id"] for row in ended}
        assert current in await rows(client, "&start__gt=2026-03-01T00:00:00Z")

    @pytest.mark.parametrize("query", ["is_finished=1", "end__gt=x", "end__gte=2026-03-01"])
    async def test_filters_are_strict(self, client: Client, query: str) -> None:
        assert (await client.get(f"{LIST}?{query}")).status == 400

    async def test_cursors_are_strict(self, client: Client) -> None:
        answer = await client.get(f"{LIST}?page_after=nobody&start__gt=2026-03-01T00:00:00Z")
        assert answer.status == 400

    async def test_pages_can_repeat(self, client: Client) -> None:
        client.server.knobs.repeats = True
        client.server.knobs.most_rows = 2
        first = await client.get(f"{LIST}?vehicle_id={CAR}&page_size=2")
        path = link(first)
        assert path is not None
        second = await client.get(path)
        assert second.json[0] == first.json[-1]
        assert len(second.json) == 3

    async def test_sessions_can_come_late(self, client: Client) -> None:
        newest = await last_night(client)
        client.server.knobs.late_sessions = frozenset({newest["id"]})
        assert (await last_night(client))["id"] != newest["id"]


class TestUsage:
    async def test_adds_up_to_the_session(self, client: Client) -> None:
        row = await last_night(client)
        told = (await usage(client, row["id"])).json
        energies = [one["total_energy_delivered_watt_hours"] for one in told["intervals"]]
        assert sum(energies) == row["energy_delivered_watt_hours"] == 5500
        assert {one["interval_seconds"] for one in told["intervals"]} == {1800}
        assert {one["started_at"][14:] for one in told["intervals"]} == {"00:00Z", "30:00Z"}
        assert told["intervals"][0]["electricity_cost_sub_unit"] == "9.0000"
        assert told["currency"] == "GBP"

    async def test_of_an_open_session_ends_with_the_last_half_hour(self, client: Client) -> None:
        (current,) = await rows(client, "&is_finished=false")
        told = (await usage(client, current["id"])).json
        assert told["intervals"][-1]["started_at"] == "2026-03-03T20:30:00Z"
        assert told["last_updated_at"] == "2026-03-03T21:05:00Z"

    async def test_comes_late(self, client: Client) -> None:
        client.server.knobs.usage_late = 86_400.0
        row = await last_night(client)
        told = (await usage(client, row["id"])).json
        assert told["intervals"][-1]["started_at"] < "2026-03-02T21:05:00Z"
        client.sim.clock.advance(10 * 3600)
        await client.sign_in()
        told = (await usage(client, row["id"])).json
        energies = [one["total_energy_delivered_watt_hours"] for one in told["intervals"]]
        assert sum(energies) == 5500

    async def test_merged_or_only_where_energy_flowed(self, client: Client) -> None:
        row = max(await rows(client), key=lambda one: one["energy_delivered_watt_hours"])
        plain = (await usage(client, row["id"])).json["intervals"]
        least = (await usage(client, row["id"], "?energy_delivered_watt_hours__gt=0")).json
        charged = [one for one in plain if one["total_energy_delivered_watt_hours"]]
        assert least["intervals"] == charged
        merged = (await usage(client, row["id"], "?merge_consecutive_intervals=true")).json
        (whole,) = [one for one in merged["intervals"] if one["total_energy_delivered_watt_hours"]]
        assert len(charged) > 1
        assert whole["total_energy_delivered_watt_hours"] == row["energy_delivered_watt_hours"]
        assert whole["interval_seconds"] == 1800 * len(charged)

    async def test_corrections_are_of_the_session_and_its_usage(self, client: Client) -> None:
        row = await last_night(client)
        client.server.knobs.recalculated = {row["id"]: 0.9}
        assert (await last_night(client))["energy_delivered_watt_hours"] == 4950
        told = (await usage(client, row["id"])).json["intervals"]
        assert sum(one["total_energy_delivered_watt_hours"] for one in told) == 4950

    async def test_gaps_repeats_and_missing_prices(self, client: Client) -> None:
        row = await last_night(client)
        client.server.knobs.repeats = client.server.knobs.unpriced = True
        told = (await usage(client, row["id"])).json["intervals"]
        assert told[-1] == told[-2]
        assert told[0]["electricity_cost_sub_unit"] is None
        client.server.knobs.without_usage = frozenset({row["id"]})
        assert (await usage(client, row["id"])).status == 404

    async def test_solar(self, client: Client) -> None:
        client.server.knobs.solar_share = 0.25
        row = await last_night(client)
        assert row["solar_energy_delivered_watt_hours"] == 1375
        assert row["grid_energy_delivered_watt_hours"] == 4125

    @pytest.mark.parametrize(
        "query",
        ["?merge_consecutive_intervals=1", "?energy_delivered_watt_hours__gt=x", "?page_size=5"],
    )
    async def test_parameters_are_strict(self, client: Client, query: str) -> None:
        row = await last_night(client)
        assert (await usage(client, row["id"], query)).status == 400

    @pytest.mark.parametrize(
        "session_id",
        ["nothing", "csub01SIM" + "9" * 21, identifier("csub", 10**15 * 7 + 2248 * 10**5)],
    )
    async def test_of_nothing(self, client: Client, session_id: str) -> None:
        assert (await usage(client, session_id)).status == 404

    async def test_of_others(self, client: Client) -> None:
        client.server.knobs.users = 2
        (other, *_) = client.server.garage.sessions(1)
        assert other["vehicle"].endswith(OTHER_CAR)
        assert (await usage(client, str(other["id"]))).status == 404

    @pytest.mark.parametrize("day", CLOCKS)
    async def test_clock_changes(self, client: Client, day: str) -> None:
        """Half hours are in UTC: none is missing, none comes twice."""
        midnight = dt.datetime.fromisoformat(f"{day}T00:00:00+00:00")
        start = (midnight - dt.timedelta(hours=12)).isoformat().replace("+00:00", "Z")
        end = (midnight + dt.timedelta(hours=36)).isoformat().replace("+00:00", "Z")
        for row in await rows(client, f"&start__gt={start}&start__lt={end}"):
            told = (await usage(client, row["id"])).json["intervals"]
            times = [dt.datetime.fromisoformat(one["started_at"]) for one in told]
            assert times == [
                times[0] + number * dt.timedelta(minutes=30) for number in range(len(times))
            ]
