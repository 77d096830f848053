"""The simulated meter is as strict as the real one is known to be."""

import datetime as dt
import json
import ssl
from typing import Any

import aiohttp
import jwt
import pytest

from simulator import Simulator
from simulator.house import Flow
from simulator.kostal import Access, Persona, Role

METER = "/api/json/local/values/smart-meter"
FLOW = "/api/json/local/values/kostal-energyflow/sumvalues"
CONFIG = "/api/json/local/config/smart-meter"
SETTINGS = "/api/device-settings"
USAGE = "/api/device-settings/deviceusage"


class Meter:
    """A client of the meter."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self._session = session

    async def ask(
        self,
        path: str = METER,
        token: str | None = None,
        *,
        method: str = "GET",
        scheme: str = "Bearer ",
    ) -> tuple[int, str, bytes]:
        """Return status, content type and body."""
        headers = {} if token is None else {"Authorization": scheme + token}
        url = self.sim.kostal.url + path
        async with self._session.request(method, url, headers=headers) as response:
            return response.status, response.content_type, await response.read()

    async def status(self, path: str = METER, token: str | None = None) -> int:
        if token is None:
            token = self.sim.kostal.demo_token.text
        return (await self.ask(path, token))[0]

    async def record(self, path: str = METER, token: str | None = None) -> Any:
        token = self.sim.kostal.demo_token.text if token is None else token
        status, content_type, body = await self.ask(path, token)
        assert (status, content_type) == (200, "application/json")
        return json.loads(body)


@pytest.fixture
def meter(sim: Simulator, session: aiohttp.ClientSession) -> Meter:
    return Meter(sim, session)


async def test_gives_the_whole_table(meter: Meter, sim: Simulator) -> None:
    record = (await meter.record())["smart-meter"]
    assert set(record) == {"configuration_id", "status", "timestamp", "values"}
    assert record["status"] == "STATUS_OK"
    assert len(record["configuration_id"]) == 40
    phases = ("", "_L1", "_L2", "_L3")
    expected = {
        f"{kind}_{unit}_{sign}{phase}"
        for kind in ("active", "reactive", "apparent")
        for unit in ("power", "energy")
        for sign in "+-"
        for phase in phases
    }
    expected |= {f"{name}{phase}" for name in ("current", "voltage") for phase in phases[1:]}
    expected |= {f"power_factor{phase}" for phase in phases} | {"supply_frequency"}
    assert set(record["values"]) == expected
    assert all(type(value) is int and value >= 0 for value in record["values"].values())


async def test_values_are_thousandths_of_the_house(meter: Meter, sim: Simulator) -> None:
    values = (await meter.record())["smart-meter"]["values"]
    at, house = sim.clock.now(), sim.house
    assert values["active_power_-"] == pytest.approx(-house.net_power(at) * 1000)
    assert values["active_power_-"] > 1_000_000
    assert values["active_power_+"] == 0
    assert values["active_energy_+"] / 1e6 == pytest.approx(
        house.energy(Flow.GRID_IMPORT, at), abs=1e-4
    )
    assert values["active_energy_+"] % 100 == 0
    net = [values[f"active_power_+_L{n}"] - values[f"active_power_-_L{n}"] for n in (1, 2, 3)]
    assert sum(net) == values["active_power_+"] - values["active_power_-"]
    for phase in (1, 2, 3):
        apparent = values[f"apparent_power_+_L{phase}"] + values[f"apparent_power_-_L{phase}"]
        product = values[f"voltage_L{phase}"] * values[f"current_L{phase}"] / 1000
        assert product == pytest.approx(apparent, rel=0.01)
        assert 0 <= values[f"power_factor_L{phase}"] <= 1000
    assert values["supply_frequency"] == pytest.approx(50_000, abs=50)


async def test_power_without_load_has_a_factor(meter: Meter, sim: Simulator) -> None:
    sim.clock.set(sim.house.start - dt.timedelta(days=1))
    values = (await meter.record())["smart-meter"]["values"]
    assert values["power_factor"] == 1000
    assert values["current_L1"] == 0


async def test_dates_by_its_own_clock(meter: Meter, sim: Simulator) -> None:
    sim.kostal.knobs.clock_offset = 100.7
    stamp = (await meter.record())["smart-meter"]["timestamp"]
    # 30 s + 100.7 s, measured twice a second
    expected = sim.clock.now() + dt.timedelta(seconds=100.5)
    assert stamp == {"seconds": int(expected.timestamp()), "nanos": 500_000_000}


async def test_a_frozen_meter_repeats_itself(meter: Meter, sim: Simulator) -> None:
    sim.kostal.freeze()
    before = await meter.record()
    sim.clock.advance(3600)
    assert await meter.record() == before
    sim.kostal.thaw()
    assert await meter.record() != before


async def test_a_new_token_is_dead_until_authorised(meter: Meter, sim: Simulator) -> None:
    token = sim.kostal.tokens.create("new", authorised=False).text
    assert await meter.ask(token=token) == (401, "application/octet-stream", b"")
    sim.kostal.tokens.authorise("new")
    assert await meter.status(token=token) == 200
    sim.kostal.tokens.revoke("new")
    assert await meter.status(token=token) == 401
    assert [one.authorised for one in sim.journal.requests()] == [False, True, False]


async def test_a_token_ends_by_the_meter_s_clock(meter: Meter, sim: Simulator) -> None:
    token = sim.kostal.tokens.create("short", lifetime=dt.timedelta(hours=1))
    endless = sim.kostal.tokens.create("endless", lifetime=None)
    sim.clock.advance(3599)
    assert await meter.status(token=token.text) == 200
    sim.kostal.knobs.clock_offset = 1.0
    assert await meter.status(token=token.text) == 401
    assert await meter.status(token=endless.text) == 200


async def test_without_a_clock_no_token_is_good(meter: Meter, sim: Simulator) -> None:
    sim.kostal.knobs.clock_unset = True
    assert await meter.status() == 401
    sim.kostal.knobs.clock_unset = False
    assert await meter.status() == 200


async def test_a_factory_reset_ends_all_tokens(meter: Meter, sim: Simulator) -> None:
    old = sim.kostal.demo_token.text
    assert await meter.status(token=old) == 200
    sim.kostal.tokens.reset()
    assert await meter.status(token=old) == 401
    assert await meter.status(token=sim.kostal.demo_token.text) == 200


def test_a_token_is_a_jwt(sim: Simulator) -> None:
    token = sim.kostal.tokens.create("home-assistant")
    assert jwt.get_unverified_header(token.text) == {"alg": "RS256", "typ": "JWT"}
    claims = jwt.decode(token.text, options={"verify_signature": False})
    assert claims == {
        "sub": "home-assistant",
        "role": "api",
        "iat": int(sim.clock.timestamp()),
        "exp": int(sim.clock.timestamp()) + 365 * 86_400,
    }
    odd = sim.kostal.tokens.create("odd", lifetime=None, claims={"exp": "tomorrow"})
    payload = odd.text.split(".")[1]
    assert json.loads(jwt.utils.base64url_decode(payload))["exp"] == "tomorrow"


@pytest.mark.parametrize("scheme", ["", "bearer ", "BEARER ", "Bearer  ", "Basic ", "Bearer x "])
async def test_the_scheme_is_compared_exactly(meter: Meter, sim: Simulator, scheme: str) -> None:
    token = sim.kostal.demo_token.text
    assert (await meter.ask(token=token, scheme=scheme))[0] == 401


async def test_no_token_and_a_foreign_token(meter: Meter) -> None:
    assert (await meter.ask())[0] == 401
    assert (await meter.ask(token="x.y.z"))[0] == 401


async def test_paths_that_do_not_exist(meter: Meter, sim: Simulator) -> None:
    token = sim.kostal.demo_token.text
    status, content_type, body = await meter.ask("/api/json/local/values/other", token)
    assert (status, content_type) == (404, "application/json")
    assert json.loads(body) == {"error": {"message": "The requested endpoint does not exist."}}
    sim.kostal.knobs.json_errors = False
    status, content_type, body = await meter.ask("/api/json/other", token)
    assert (status, content_type) == (404, "text/plain")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
async def test_only_get(meter: Meter, method: str) -> None:
    status, content_type, body = await meter.ask(method=method)
    assert (status, content_type) == (405, "application/json")
    assert method == "HEAD" or json.loads(body)["error"]["message"]


@pytest.mark.parametrize("path", ["/", "/index.html", "/start.php", "/apis/json"])
async def test_everything_else_is_a_page(meter: Meter, path: str) -> None:
    status, content_type, body = await meter.ask(path)
    assert (status, content_type) == (200, "text/html")
    assert b"KOSTAL" in body


async def test_other_data_endpoints_and_paths(meter: Meter, sim: Simulator) -> None:
    sim.kostal.knobs.devices = ("local", "garage")
    assert await meter.status("/api/json/garage/values/smart-meter") == 200
    sim.kostal.knobs.resource = "/api/json/smart-meter"
    assert await meter.status() == 404
    assert await meter.status("/api/json/smart-meter") == 200


async def test_smaller_models_and_other_words(meter: Meter, sim: Simulator) -> None:
    knobs = sim.kostal.knobs
    knobs.missing = frozenset({"supply_frequency", "voltage_L1"})
    knobs.record, knobs.status, knobs.configuration_id = "grid", "STATUS_ERROR", "changed"
    record = (await meter.record())["grid"]
    assert not knobs.missing & set(record["values"])
    assert "voltage_L2" in record["values"]
    assert (record["status"], record["configuration_id"]) == ("STATUS_ERROR", "changed")


@pytest.mark.parametrize(
    ("path", "knob"),
    [
        (CONFIG, "config"),
        (FLOW, "energy_flow"),
        (SETTINGS, "device_settings"),
        (USAGE, "device_usage"),
    ],
)
async def test_optional_resources(meter: Meter, sim: Simulator, path: str, knob: str) -> None:
    admin = sim.kostal.tokens.create("admin", role=Role.ADMIN).text
    expected = {Access.OFF: (404, 404), Access.ADMIN: (401, 200), Access.ON: (200, 200)}
    for access, statuses in expected.items():
        sim.kostal.knobs.turn({knob: access.value})
        assert (await meter.status(path), await meter.status(path, admin)) == statuses
    assert await meter.status(token=admin) == 200


async def test_what_is_known_is_the_default(meter: Meter) -> None:
    statuses = [await meter.status(path) for path in (CONFIG, FLOW, SETTINGS, USAGE)]
    assert statuses == [404, 404, 401, 401]


async def test_the_energy_flow_is_the_house_s(meter: Meter, sim: Simulator) -> None:
    sim.kostal.knobs.energy_flow = Access.ON
    values = (await meter.record(FLOW))["sumvalues"]["values"]
    at, house = sim.clock.now(), sim.house
    assert values["pvPowerTotal"] == -house.milli_rate(Flow.PV, at) < 0
    total = values["housePowerTotal"] + values["wallboxPowerTotal"] + values["pvPowerTotal"]
    assert total + values["batteryPowerTotal"] == values["gridPowerTotal"]
    assert 0 <= values["systemStateOfCharge"] <= 100


async def test_describes_itself(meter: Meter, sim: Simulator) -> None:
    sim.kostal.knobs.turn({"config": "on", "device_settings": "on", "device_usage": "on"})
    sim.kostal.knobs.missing = frozenset({"supply_frequency"})
    description = (await meter.record(CONFIG))["smart-meter"]
    record = (await meter.record())["smart-meter"]
    assert description["codes"] == list(record["values"])
    settings = await meter.record(SETTINGS)
    assert settings["Serial"] in settings["hostname"]
    assert settings["ProductName"] == "KOSTAL Smart Energy Meter"
    assert {"CpuLoad", "CpuTemp", "RamFree", "RamTotal"} < set(await meter.record(USAGE))


async def test_other_devices_at_the_address(meter: Meter, sim: Simulator) -> None:
    token = sim.kostal.demo_token.text
    sim.kostal.knobs.persona = Persona.OTHER
    for path in (METER, "/"):
        assert (await meter.ask(path, token))[:2] == (200, "text/html")
    sim.kostal.knobs.persona = Persona.LEGACY
    status, content_type, body = await meter.ask("/start.php")
    assert (status, content_type) == (200, "application/json")
    assert "serial" in json.loads(body)
    assert (await meter.ask(METER, token))[:2] == (404, "text/html")


async def test_https_shows_a_certificate_of_its_own(
    meter: Meter, sim: Simulator, session: aiohttp.ClientSession
) -> None:
    url = sim.kostal.origins["https"].url
    assert url.startswith("https://127.0.0.1:")
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await session.get(url)
    first = sim.kostal.certificate
    assert first.common_name == "ksem-70000001.local"
    headers = {"Authorization": f"Bearer {sim.kostal.demo_token.text}"}
    pin = aiohttp.Fingerprint(first.fingerprint)
    async with session.get(url + METER, headers=headers, ssl=pin) as response:
        assert response.status == 200
        other = await sim.kostal.swap_certificate()
        assert sim.kostal.origins["https"].url == url
    assert other.fingerprint != first.fingerprint
    assert other.common_name == first.common_name
    with pytest.raises(aiohttp.ServerFingerprintMismatch) as mismatch:
        await session.get(url + METER, headers=headers, ssl=pin)
    assert mismatch.value.got == other.fingerprint
    # The token never left the client.
    assert sim.journal.count(origin="https") == 1


async def test_credentials_open_the_door(sim: Simulator, session: aiohttp.ClientSession) -> None:
    given = sim.credentials()["kostal"]
    headers = {"Authorization": f"Bearer {given['token']}"}
    async with session.get(f"http://{given['http_host']}{METER}", headers=headers) as response:
        assert response.status == 200
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    url = f"https://{given['host']}{METER}"
    async with session.get(url, headers=headers, ssl=context) as response:
        assert response.status == 200
    assert given["fingerprint"] == sim.kostal.certificate.fingerprint.hex()
    assert not any(name.startswith("ENERGY_CONNECT_KOSTAL") for name in sim.environment())
