"""The simulated ev.energy is as strict as the real one is documented."""

import aiohttp
import pytest
from yarl import URL

from simulator import Simulator
from simulator.ev_energy import ALL_SCOPES, Application, GrantType, UserHeader
from simulator.ev_energy.episodes import identifier
from tests.simulator.ev_energy_client import CALLBACK, EVENING, Answer, Client


@pytest.fixture
def client(sim: Simulator, session: aiohttp.ClientSession) -> Client:
    sim.clock.set(EVENING)
    return Client(sim, session)


def refused(answer: Answer, error: str, status: int = 400) -> bool:
    return answer.status == status and answer.json == {"error": error}


class TestConsent:
    async def test_the_page_names_the_application_and_its_scopes(self, client: Client) -> None:
        page = await client.authorize(None)
        assert page.status == 200
        assert page.media_type == "text/html"
        for words in (b"Energy Connect", b"vehicle:read", b'name="allow"', b'name="refuse"'):
            assert words in page.body

    async def test_allow(self, client: Client) -> None:
        answer = await client.authorize()
        assert answer.status == 302
        assert answer.back.query["state"] == "s"
        assert len(answer.back.query["code"]) == 30

    async def test_refuse(self, client: Client) -> None:
        answer = await client.authorize("refuse")
        assert answer.headers["Location"] == f"{CALLBACK}?error=access_denied&state=s"

    @pytest.mark.parametrize("press", [None, "allow"])
    @pytest.mark.parametrize(
        "changed",
        [{"redirect_uri": "https://elsewhere.example/"}, {"client_id": "x"}, {"redirect_uri": ""}],
    )
    async def test_never_back_to_an_address_that_is_not_registered(
        self, client: Client, press: str | None, changed: dict[str, str]
    ) -> None:
        page = await client.authorize(press, **changed)
        assert page.status == 400
        assert "Location" not in page.headers

    @pytest.mark.parametrize(
        ("changed", "error"),
        [
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"scope": "vehicle:read debug:read"}, "invalid_scope"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"state": None, "response_type": None}, "unsupported_response_type"),
        ],
    )
    async def test_errors_go_back(
        self, client: Client, changed: dict[str, str | None], error: str
    ) -> None:
        answer = await client.authorize(None, **changed)
        assert answer.back.query["error"] == error
        assert ("state" in answer.back.query) is (changed.get("state", "s") is not None)

    async def test_pkce_can_be_demanded(self, client: Client) -> None:
        client.server.knobs.require_pkce = True
        answer = await client.authorize(code_challenge=None, code_challenge_method=None)
        assert answer.back.query["error"] == "invalid_request"

    async def test_an_application_of_the_other_kind(self, client: Client) -> None:
        client.own.redirects.add(CALLBACK)
        answer = await client.authorize(client_id=client.own.client_id)
        assert answer.back.query["error"] == "unauthorized_client"


class TestCode:
    async def test_gives_tokens(self, client: Client) -> None:
        answer = await client.redeem(await client.code())
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        tokens = answer.json
        assert tokens["expires_in"] == 36_000
        assert tokens["token_type"] == "Bearer"
        assert tokens["scope"] == " ".join(sorted(ALL_SCOPES))
        assert len(tokens["access_token"]) == len(tokens["refresh_token"]) == 30

    async def test_lives_a_minute(self, client: Client) -> None:
        young, old = await client.code(), await client.code()
        client.sim.clock.advance(59)
        assert (await client.redeem(young)).status == 200
        client.sim.clock.advance(1)
        assert refused(await client.redeem(old), "invalid_grant")

    async def test_works_once(self, client: Client) -> None:
        code = await client.code()
        await client.redeem(code)
        assert refused(await client.redeem(code), "invalid_grant")

    @pytest.mark.parametrize(
        ("changed", "error"),
        [
            ({"code_verifier": "b" * 43}, "invalid_grant"),
            ({"code_verifier": None}, "invalid_request"),
            ({"redirect_uri": f"{CALLBACK}/"}, "invalid_request"),
            ({"code": "unknown"}, "invalid_grant"),
            ({"grant_type": "password"}, "unsupported_grant_type"),
        ],
    )
    async def test_refused(
        self, client: Client, changed: dict[str, str | None], error: str
    ) -> None:
        code = await client.code()
        assert refused(await client.redeem(code, **changed), error)
        assert (await client.redeem(code)).status == 200  # not used up by it

    @pytest.mark.parametrize("secret", ["wrong", None])
    async def test_a_confidential_application_needs_its_secret(
        self, client: Client, secret: str | None
    ) -> None:
        answer = await client.redeem(await client.code(), client_secret=secret)
        assert refused(answer, "invalid_client", 401)
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_client"'

    async def test_a_public_application_must_send_none(self, client: Client) -> None:
        client.app.client_secret = ""
        assert client.app.public
        code = await client.code()
        assert refused(await client.redeem(code, client_secret="-"), "invalid_client", 401)
        assert (await client.redeem(code, client_secret=None)).status == 200

    async def test_without_a_challenge_no_verifier_is_needed(self, client: Client) -> None:
        code = await client.code(code_challenge=None, code_challenge_method=None)
        assert (await client.redeem(code)).status == 200

    async def test_of_another_application(self, client: Client) -> None:
        code = await client.code()
        client.server.applications["other"] = Application(
            client_id="other", client_secret="x", name="Other", grant=GrantType.CODE
        )
        answer = await client.redeem(code, client_id="other", client_secret="x")
        assert refused(answer, "invalid_grant")


class TestForms:
    async def test_json_is_refused(self, client: Client) -> None:
        body = {"grant_type": "client_credentials"}
        assert refused(await client.send("POST", "/o/token/", json=body), "unsupported_grant_type")

    @pytest.mark.parametrize("path", ["authorize", "token", "revoke_token"])
    async def test_a_missing_slash(self, client: Client, path: str) -> None:
        answer = await client.send("POST", f"/o/{path}?a=b", data={"x": "y"})
        assert answer.status == 301
        assert answer.headers["Location"] == f"/o/{path}/?a=b"

    @pytest.mark.parametrize("path", ["token", "revoke_token"])
    async def test_a_get_is_refused_without_a_word(self, client: Client, path: str) -> None:
        answer = await client.send("GET", f"/o/{path}/")
        assert (answer.status, answer.body) == (405, b"")
        assert answer.headers["Allow"] == "OPTIONS, POST"

    @pytest.mark.parametrize("header", ["Basic !!!", "Basic /w==", "Basic eDp5"])
    async def test_odd_basic_authentication(self, client: Client, header: str) -> None:
        answer = await client.send(
            "POST",
            "/o/token/",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": header},
        )
        assert refused(answer, "invalid_client", 401)


class TestClientCredentials:
    async def test_by_basic_authentication(self, client: Client) -> None:
        tokens = (await client.own_token()).json
        assert "refresh_token" not in tokens
        assert tokens["scope"] == " ".join(sorted(ALL_SCOPES))

    async def test_not_for_the_other_kind(self, client: Client) -> None:
        answer = await client.exchange({"grant_type": "client_credentials"})
        assert refused(answer, "unauthorized_client")
        own = {"client_id": client.own.client_id, "client_secret": client.own.client_secret}
        assert refused(await client.redeem("code", **own), "unauthorized_client")
        assert refused(await client.refresh("token", **own), "unauthorized_client")

    async def test_scopes_need_not_be_named(self, client: Client) -> None:
        client.server.knobs.name_scopes = False
        assert "scope" not in (await client.own_token()).json


class TestRefresh:
    async def test_kills_the_pair_before_at_once(self, client: Client) -> None:
        first = await client.sign_in()
        second = (await client.refresh(first["refresh_token"])).json
        assert (await client.get("/users/me")).status == 401
        assert refused(await client.refresh(first["refresh_token"]), "invalid_grant")
        client.token = second["access_token"]
        assert (await client.get("/users/me")).status == 200
        assert (await client.refresh(second["refresh_token"])).status == 200

    async def test_within_a_period_of_grace_the_same_pair_comes_again(self, client: Client) -> None:
        client.server.knobs.grace = 10
        first = await client.sign_in()
        second = (await client.refresh(first["refresh_token"])).json
        assert (await client.refresh(first["refresh_token"])).json == second
        client.sim.clock.advance(10)
        assert refused(await client.refresh(first["refresh_token"]), "invalid_grant")

    @pytest.mark.parametrize("named", [True, False])
    async def test_rotation_can_be_off(self, client: Client, named: bool) -> None:
        client.server.knobs.rotate = False
        client.server.knobs.refresh_token_in_answer = named
        first = await client.sign_in()
        second = (await client.refresh(first["refresh_token"])).json
        assert second.get("refresh_token") == (first["refresh_token"] if named else None)
        assert (await client.refresh(first["refresh_token"])).status == 200

    async def test_scopes_can_not_be_widened(self, client: Client) -> None:
        tokens = (await client.redeem(await client.code(scope="vehicle:read"))).json
        assert tokens["scope"] == "vehicle:read"
        answer = await client.refresh(tokens["refresh_token"], scope="evse:read")
        assert refused(answer, "invalid_scope")

    async def test_the_access_token_ends_after_ten_hours(self, client: Client) -> None:
        tokens = await client.sign_in()
        client.sim.clock.advance(35_999)
        assert (await client.get("/vehicles")).status == 200
        client.sim.clock.advance(1)
        assert (await client.get("/vehicles")).status == 401
        assert (await client.refresh(tokens["refresh_token"])).status == 200


class TestRevocation:
    async def revoke(self, client: Client, **form: str) -> Answer:
        known = {"client_id": client.app.client_id, "client_secret": client.app.client_secret}
        return await client.send("POST", "/o/revoke_token/", data={**known, **form})

    @pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
    async def test_ends_both_halves(self, client: Client, kind: str) -> None:
        tokens = await client.sign_in()
        answer = await self.revoke(client, token=tokens[kind], token_type_hint=kind)
        assert (answer.status, answer.body) == (200, b"")
        assert (await client.get("/vehicles")).status == 401
        assert refused(await client.refresh(tokens["refresh_token"]), "invalid_grant")

    async def test_an_unknown_token_is_fine(self, client: Client) -> None:
        assert (await self.revoke(client, token="unknown")).status == 200

    async def test_refused(self, client: Client) -> None:
        assert refused(await self.revoke(client), "invalid_request")
        answer = await self.revoke(client, token="x", client_secret="wrong")
        assert refused(answer, "invalid_client", 401)

    async def test_by_the_owner(self, client: Client) -> None:
        tokens = await client.sign_in()
        own = (await client.own_token()).json["access_token"]
        client.server.work()["expire_access_tokens"]({})
        assert (await client.get("/vehicles")).status == 401
        client.server.work()["end_all_tokens"]({})
        assert refused(await client.refresh(tokens["refresh_token"]), "invalid_grant")
        client.token = own
        assert (await client.get("/users")).status == 401


class TestApi:
    async def test_without_a_token(self, client: Client) -> None:
        answer = await client.send("GET", "/v2/vehicles")
        assert answer.status == 401
        assert answer.media_type == "application/problem+json"
        assert answer.json["title"] == "Unauthorized"
        client.server.knobs.edge = True
        answer = await client.send("GET", "/v2/vehicles")
        assert (answer.status, answer.media_type) == (403, "text/plain")

    async def test_unknown_paths_and_methods(self, client: Client) -> None:
        await client.sign_in()
        assert (await client.get("/nothing")).json["detail"] == "Not found."
        assert (await client.get("/vehicles/")).status == 404
        answer = await client.send("POST", "/v2/vehicles")
        assert answer.status == 405
        assert answer.media_type == "application/problem+json"
        assert (await client.get("/")).json["vehicles"].endswith("/v2/vehicles/")

    async def test_scopes_are_enforced(self, client: Client) -> None:
        client.app.scopes = frozenset({"vehicle:read"})
        await client.sign_in()
        assert (await client.get("/vehicles")).status == 200
        answer = await client.get("/evses")
        assert answer.status == 403
        assert answer.media_type == "application/problem+json"

    async def test_headers(self, client: Client) -> None:
        await client.sign_in()
        answer = await client.get("/vehicles", {"Accept": "text/html"})
        assert answer.status == 406
        assert (await client.get("/vehicles", {"EvEnergy-Version": "1"})).status == 400
        answer = await client.get("/vehicles", {"EvEnergy-Version": "2.0"})
        assert answer.headers["EvEnergy-Version"] == "2"
        assert answer.headers["x-ratelimit-limit"] == "1000"
        assert answer.headers["x-ratelimit-remaining"] == "997"

    @pytest.mark.parametrize("name", ["Retry-After", "RetryAfter"])
    async def test_rate_limit(self, client: Client, name: str) -> None:
        client.server.knobs.rate_limit = 2
        client.server.knobs.retry_after_name = name
        await client.sign_in()
        await client.get("/vehicles")
        client.sim.clock.advance(600)
        await client.get("/vehicles")
        answer = await client.get("/vehicles")
        assert answer.status == 429
        assert answer.headers[name] == "3000"
        assert answer.json["type"].endswith("/problems/rate-limit-exceeded/")
        client.sim.clock.advance(3000)
        assert (await client.get("/vehicles")).status == 200
        client.server.knobs.rate_limit = 0
        client.sim.clock.advance(7200)
        assert (await client.get("/vehicles")).headers[name] == "3600"

    async def test_the_user_header(self, client: Client) -> None:
        client.server.knobs.users = 2
        client.token = (await client.own_token()).json["access_token"]
        bare = identifier("user", 1)
        address = f"{client.server.url}/v2/users/{bare}"
        assert (await client.get("/vehicles")).status == 400
        for spelling, good, bad in (
            (UserHeader.ID, bare, address),
            (UserHeader.ADDRESS, address, bare),
        ):
            client.server.knobs.user_header = spelling
            answer = await client.get("/vehicles", {"EvEnergy-User": good})
            assert [row["id"] for row in answer.json] == [identifier("vhcl", 5001)]
            answer = await client.get("/vehicles", {"EvEnergy-User": bad})
            assert answer.status == 400
            assert "EvEnergy-User" in answer.json["detail"]
        client.server.knobs.user_header = UserHeader.EITHER
        assert (await client.get("/evses", {"EvEnergy-User": address})).json == []
        assert (await client.get("/hem_systems", {"EvEnergy-User": bare})).json == []
        assert (await client.get("/inverters", {"EvEnergy-User": bare})).json == []

    async def test_users(self, client: Client) -> None:
        client.server.knobs.users = 2
        await client.sign_in()
        assert len((await client.get("/users")).json) == 1
        client.token = (await client.own_token()).json["access_token"]
        assert len((await client.get("/users")).json) == 2
        assert len((await client.get("/users?email=sam1@example.org")).json) == 1

    async def test_a_user_sees_only_itself(self, client: Client) -> None:
        await client.sign_in()
        me = (await client.get("/users/me")).json
        assert (await client.get(f"/users/{me['id']}")).json == me
        assert (await client.get(f"/users/{identifier('user', 1)}")).status == 404
        tariff = URL(me["default_location"]["tariff"]).name
        assert (await client.get(f"/tariffs/{tariff}")).json["current_price"] == 28
        assert (await client.get("/tariffs/other")).status == 404
        client.sim.clock.advance(7200)
        assert (await client.get(f"/tariffs/{tariff}")).json["current_price"] == 9

    async def test_slashes_can_be_wanted(self, client: Client) -> None:
        client.server.knobs.slashes = True
        await client.sign_in()
        answer = await client.get("/vehicles?page_size=5")
        assert answer.status == 301
        assert answer.headers["Location"] == "/v2/vehicles/?page_size=5"
        assert (await client.get("/vehicles/?page_size=5")).status == 200
        assert (await client.get("/")).status == 200


class TestLists:
    async def test_links_are_addresses_unless_expanded(self, client: Client) -> None:
        await client.sign_in()
        (bare, _) = (await client.get("/vehicles")).json
        assert bare["latest_status_log"].endswith("/status_logs/latest")
        assert isinstance(bare["trim"], str)
        (full, _) = (
            await client.get("/vehicles?expand=latest_status_log&expand=trim.model.make")
        ).json
        assert full["latest_status_log"]["is_plugged_in"] is True
        assert full["trim"]["model"]["make"]["name"] == "Examplewagen"
        (half, _) = (await client.get("/vehicles?expand=trim")).json
        assert isinstance(half["trim"]["model"], str)
        (charger, _) = (await client.get("/evses?expand=model")).json
        assert isinstance(charger["model"]["make"], str)

    async def test_expansions_are_known_and_allowed(self, client: Client) -> None:
        await client.sign_in()
        answer = await client.get("/vehicles?expand=latest_status_log,trim")
        assert answer.status == 400
        assert "expand" in answer.json["field_errors"]
        client.server.knobs.refused_expansions = frozenset({"trim"})
        assert (await client.get("/vehicles?expand=trim")).status == 403

    @pytest.mark.parametrize("size", ["0", "101", "-1", "x", "٣"])
    async def test_page_size(self, client: Client, size: str) -> None:
        await client.sign_in()
        answer = await client.get(f"/vehicles?page_size={size}")
        assert answer.status == 400
        assert answer.json["type"].endswith("/problems/pagination-parameters/")

    async def test_pages(self, client: Client) -> None:
        client.server.knobs.vehicles = 30
        await client.sign_in()
        first = await client.get("/vehicles")
        assert len(first.json) == 25
        previous, following = first.headers["Link"].split(", ")
        assert previous == '<about:blank>; rel="previous"'
        link = URL(following.partition(">")[0].lstrip("<"))
        second = await client.get(f"/{link.name}?{link.raw_query_string}")
        assert len(second.json) == 5
        assert second.headers["Link"].endswith('<about:blank>; rel="next"')
        client.server.knobs.most_rows = 3
        client.server.knobs.link_base = "https://elsewhere.example"
        short = await client.get("/vehicles?page_size=100&expand=trim")
        assert len(short.json) == 3
        assert (
            "https://elsewhere.example/v2/vehicles?page_size=100&expand=trim&page_after"
            in (short.headers["Link"])
        )

    async def test_unknown_parameters_and_cursors(self, client: Client) -> None:
        await client.sign_in()
        assert (await client.get("/vehicles?pagesize=5")).json["field_errors"] == {
            "pagesize": ["Unknown."]
        }
        assert (await client.get("/vehicles?page_after=nobody")).status == 400
        assert (await client.get("/users/me?x=1")).status == 400

    async def test_extra_rows(self, client: Client) -> None:
        client.server.knobs.extra_rows = {"vehicles": ["odd"]}
        await client.sign_in()
        assert (await client.get("/vehicles")).json[0] == "odd"


class TestSessions:
    async def test_newest_first_and_open(self, client: Client) -> None:
        await client.sign_in()
        rows = (await client.get("/charging_sub_sessions?page_size=100")).json
        assert [row["start"] for row in rows] == sorted(
            (row["start"] for row in rows), reverse=True
        )
        current = [row for row in rows if row["end"] is None]
        assert len(current) == 2
        assert {row["mode"] for row in rows} == {"SMART"}
        ended = next(row for row in rows if row["end"] is not None)
        assert ended["cost"] == round(ended["energy_delivered_watt_hours"] * 9 / 1000)

    async def test_filters(self, client: Client) -> None:
        await client.sign_in()
        path = "/charging_sub_sessions?page_size=100"
        rows = (await client.get(path)).json
        car, charger = identifier("vhcl", 1), identifier("evse", 1)
        of_car = (await client.get(f"{path}&vehicle_id={car}")).json
        assert of_car == (await client.get(f"{path}&evse_id={charger}")).json
        assert 0 < len(of_car) < len(rows)
        assert len((await client.get(f"{path}&is_finished=false")).json) == 2
        assert len((await client.get(f"{path}&is_finished=true")).json) == len(rows) - 2
        assert (await client.get(f"{path}&mode=BOOST")).json == []
        middle = rows[5]["start"]
        later = (await client.get(f"{path}&start__gt={middle}")).json
        earlier = (await client.get(f"{path}&start__lt={middle}")).json
        assert len(later) + len(earlier) == len(rows) - sum(row["start"] == middle for row in rows)

    async def test_plan(self, client: Client) -> None:
        await client.sign_in()
        newest = (await client.get("/charging_sub_sessions")).json[0]["id"]
        plan = (await client.get(f"/charging_sub_sessions/{newest}/schedules")).json
        currents = [slot["current_milliamps"] for slot in plan["schedules"]]
        assert currents[0] == 0
        assert currents[-1] == 32_000
        assert {slot["started_at"][14:19] for slot in plan["schedules"]} == {"00:00", "30:00"}
        assert (await client.get("/charging_sub_sessions/other/schedules")).status == 404

    async def test_states_of_a_day(self, client: Client) -> None:
        await client.sign_in()
        seen = set()
        for _ in range(24):
            for row in (await client.get("/vehicles?expand=latest_status_log")).json:
                seen.add(row["latest_status_log"]["state"])
            client.sim.clock.advance(1200)
        assert seen >= {"PLUGGED_IN_CHARGING", "PLUGGED_IN_COMPLETE", "PLUGGED_IN_NOT_CHARGING"}
        client.sim.clock.set(EVENING.replace(day=4, hour=11))
        await client.sign_in()
        client.server.knobs.disconnected = frozenset({identifier("vhcl", 0)})
        first, second = (await client.get("/vehicles?expand=latest_status_log")).json
        assert first["latest_status_log"]["state"] == "STATIONARY"
        assert (first["integrated"], second["integrated"]) == ("INACTIVE", "ACTIVE")
        (charger, _) = (await client.get("/evses?expand=latest_status_log")).json
        assert charger["latest_status_log"]["control_pilot_status"] == "A"


class TestHome:
    async def test_lists(self, client: Client) -> None:
        await client.sign_in()
        (system,) = (await client.get("/hem_systems")).json
        assert system["timezone"] == "Europe/London"
        for path in ("home_batteries", "inverters", "boundary_meters"):
            (row,) = (await client.get(f"/{path}?expand=latest_status_log")).json
            assert row["latest_status_log"]["sampled_at"] == "2026-03-03T21:05:00Z"

    async def test_battery_states_of_a_day(self, client: Client) -> None:
        await client.sign_in()
        seen = set()
        for hour in range(24):
            client.sim.clock.set(EVENING.replace(day=3, hour=hour))
            client.token = (await client.sign_in())["access_token"]
            (row,) = (await client.get("/home_batteries?expand=latest_status_log")).json
            seen.add(row["latest_status_log"]["status"])
        assert seen == {"CHARGING", "DISCHARGING", "IDLE"}

    async def test_live_power_balances(self, client: Client) -> None:
        client.sim.clock.set(EVENING.replace(hour=12))
        await client.sign_in()
        live = (await client.get(f"/hem_systems/{identifier('hems', 0)}/live_power")).json
        source = live["generation_watts"] + live["import_watts"] + live["discharge_watts"]
        sink = live["consumption_watts"] + live["export_watts"] + live["charge_watts"]
        assert source == pytest.approx(sink, abs=3)
        assert (await client.get("/hem_systems/other/live_power")).status == 404

    async def test_stats(self, client: Client) -> None:
        await client.sign_in()
        path = f"/hem_systems/{identifier('hems', 0)}/energy_stats"
        good = "start=2026-03-02T00:00:00Z&end=2026-03-04T00:00:00Z&resolution=P1D"
        buckets = (await client.get(f"{path}?{good}")).json["buckets"]
        assert [one["period_start"] for one in buckets] == [
            "2026-03-02T00:00:00Z",
            "2026-03-03T00:00:00Z",
        ]
        assert buckets[0]["consumption_wh"] > buckets[1]["charge_wh"] > 0

    @pytest.mark.parametrize(
        "query",
        [
            "",
            "start=x&end=y&resolution=P1D",
            "start=2026-03-02T00:00:00Z&end=2026-03-04T00:00:00Z&resolution=PT30M",
            "start=2026-03-02T01:00:00Z&end=2026-03-04T00:00:00Z&resolution=P1D",
            "start=2026-01-01T00:00:00Z&end=2026-03-04T00:00:00Z&resolution=P1D",
        ],
    )
    async def test_windows_are_whole_local_days(self, client: Client, query: str) -> None:
        await client.sign_in()
        path = f"/hem_systems/{identifier('hems', 0)}/energy_stats"
        assert (await client.get(f"{path}?{query}")).status == 400

    async def test_can_be_missing(self, client: Client) -> None:
        client.server.knobs.home = False
        await client.sign_in()
        assert (await client.get("/hem_systems")).json == []


def test_what_the_demo_needs(sim: Simulator) -> None:
    server = sim.ev_energy
    assert server.credentials()["client_id"] == server.own.client_id
    assert server.credentials()["sign_in_client_secret"] == server.browser.client_secret
    assert server.environment() == {
        "ENERGY_CONNECT_EV_ENERGY_API_URL": f"{server.url}/v2",
        "ENERGY_CONNECT_EV_ENERGY_AUTH_URL": f"{server.url}/o",
    }
    server.work()["register_redirect"]({"uri": CALLBACK})
    assert CALLBACK in server.browser.redirects
