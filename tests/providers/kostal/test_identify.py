"""The wizard's question: whose meter is it, and does it answer?"""

import socket
from typing import Any, override

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
import pytest

from custom_components.energy_connect.core.account import Identity
from custom_components.energy_connect.core.errors import (
    ApiError,
    CredentialsRejected,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.providers.kostal import PROVIDER
from custom_components.energy_connect.providers.kostal.identify import certified_serial, identify
from simulator import faults
from simulator.kostal import Access, Persona, Role
from tests.providers.kostal.conftest import METER, SETTINGS, House

PROBES = [METER, "/api/json/smart-meter", "/api/json/values/smart-meter"]


async def only(house: House, **entered: Any) -> Identity:
    (identity,) = await identify(house.context(**entered))
    return identity


async def failure(house: House, **entered: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await identify(house.context(**entered))
    return caught.value


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_plain_http_if_the_person_chose_it(house: House) -> None:
    host = house.meter.origins["http"].host
    identity = await only(house)
    assert identity.account_id is None
    assert identity.title == f"KOSTAL Smart Energy Meter ({host})"
    assert identity.data == {
        "host": host,
        "scheme": "http",
        "endpoint": "local",
        "token": house.meter.demo_token.text,
        "path": ["api", "json", "local", "values", "smart-meter"],
    }
    assert house.asked() == [METER, SETTINGS]


async def test_https_pins_the_certificate_and_takes_the_serial_from_it(house: House) -> None:
    (identity,) = await identify(house.encrypted())
    assert identity.account_id == "70000001"
    assert identity.title == "KOSTAL Smart Energy Meter 70000001"
    assert identity.data["fingerprint"] == house.meter.certificate.fingerprint.hex()
    assert identity.data["serial"] == "70000001"
    assert {one.origin for one in house.sim.journal.requests()} == {"https"}


async def test_https_is_the_default(house: House) -> None:
    (identity,) = await identify(house.encrypted(scheme=None, endpoint=None))
    assert identity.data["scheme"] == "https"
    assert identity.data["endpoint"] == "local"


async def test_the_serial_comes_from_the_device_settings_if_they_are_open(house: House) -> None:
    house.meter.knobs.device_settings = Access.ON
    house.sim.faults.add(faults.merge_patch({"Serial": "70000009"}), path=SETTINGS)
    (identity,) = await identify(house.encrypted())
    assert identity.account_id == "70000009"


class LocalNames(AbstractResolver):
    """Finds every name on this machine, as the resolver of a house finds the meter's."""

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    @override
    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_else_from_the_host_name(house: House, scheme: str) -> None:
    port = house.meter.origins[scheme].port
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=LocalNames())
    ) as house.session:
        identity = await only(house, scheme=scheme, host=f"KSEM-70000007.local:{port}")
    assert identity.account_id == "70000007"
    assert identity.data["host"] == f"ksem-70000007.local:{port}"


async def test_a_certificate_without_a_serial_leaves_the_account_nameless(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.kostal.server.HOSTNAME", "kitchen")
    await house.meter.swap_certificate()
    (identity,) = await identify(house.encrypted())
    assert identity.account_id is None
    assert "serial" not in identity.data
    assert identity.data["fingerprint"] == house.meter.certificate.fingerprint.hex()


@pytest.mark.parametrize("der", [None, b"", b"nonsense"])
def test_a_certificate_that_is_none_names_nobody(der: bytes | None) -> None:
    assert certified_serial(der) is None


async def test_a_pasted_address_and_token_are_cleaned(house: House) -> None:
    host, token = house.meter.origins["http"].host, house.meter.demo_token.text
    identity = await only(
        house,
        host=f" http://{host}/webapp/#/json ",
        token=f"Bearer {token[:40]}\n{token[40:]} ",
        endpoint=" ",
    )
    assert identity.data["host"] == host
    assert identity.data["token"] == token
    assert identity.data["endpoint"] == "local"


async def test_a_pasted_http_address_does_not_switch_encryption_off(house: House) -> None:
    host = house.meter.origins["http"].host
    error = await failure(house, host=f"http://{host}/", scheme="https")
    assert error.reason is Reason.TLS_FAILED
    assert house.asked() == []


async def test_a_closed_tls_port_is_no_reason_to_go_on_in_the_open(house: House) -> None:
    error = await failure(house, host=f"127.0.0.1:{closed_port()}", scheme="https")
    assert isinstance(error, Unavailable)
    assert error.reason is Reason.TLS_REFUSED
    assert house.asked() == []


async def test_a_closed_port(house: House) -> None:
    error = await failure(house, host=f"127.0.0.1:{closed_port()}")
    assert error.reason is Reason.CANNOT_CONNECT


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_unknown_name(house: House, scheme: str) -> None:
    error = await failure(house, host="ksem-70000001.invalid", scheme=scheme)
    assert error.reason is Reason.HOST_NOT_FOUND


async def test_no_host(house: House) -> None:
    assert (await failure(house, host="my meter")).reason is Reason.INVALID_HOST


@pytest.mark.parametrize("endpoint", ["..", "."])
async def test_an_endpoint_can_not_leave_its_place(house: House, endpoint: str) -> None:
    house.meter.knobs.devices = ()
    assert (await failure(house, endpoint=endpoint)).reason is Reason.INVALID_ID
    assert house.asked() == []


async def test_no_token(house: House) -> None:
    error = await failure(house, token="not a token")
    assert error.reason is Reason.INVALID_TOKEN_FORMAT
    assert not isinstance(error, CredentialsRejected)
    assert house.asked() == []


async def test_the_record_is_looked_for_in_order(house: House) -> None:
    house.meter.knobs.devices = ("other",)
    error = await failure(house, endpoint="second")
    assert error.reason is Reason.NO_METER_RESOURCE
    assert house.asked() == [
        "/api/json/second/values/smart-meter",
        METER,
        *PROBES[1:],
        "/start.php",
    ]


async def test_a_typed_data_endpoint_is_not_hidden_by_the_usual_one(house: House) -> None:
    house.meter.knobs.devices = ("local", "second")
    identity = await only(house, endpoint="second")
    assert identity.data["path"] == ["api", "json", "second", "values", "smart-meter"]


async def test_a_new_token_goes_only_to_the_meter_that_is_known(house: House) -> None:
    identity = (await identify(house.encrypted()))[0]
    await house.meter.swap_certificate()
    house.asked()

    with pytest.raises(Unavailable) as refused:
        await identify(house.encrypted(fingerprint=identity.data["fingerprint"]))

    assert refused.value.reason is Reason.CERTIFICATE_CHANGED
    assert house.asked() == []


async def test_another_data_endpoint(house: House) -> None:
    house.meter.knobs.devices = ("second",)
    identity = await only(house, endpoint="second")
    assert identity.data["path"] == ["api", "json", "second", "values", "smart-meter"]
    assert identity.data["endpoint"] == "second"


@pytest.mark.parametrize("path", PROBES[1:])
@pytest.mark.parametrize("json_errors", [True, False])
async def test_another_spelling(house: House, path: str, json_errors: bool) -> None:
    house.meter.knobs.resource = path
    house.meter.knobs.json_errors = json_errors
    identity = await only(house)
    assert "/" + "/".join(identity.data["path"]) == path


async def test_another_device(house: House) -> None:
    house.meter.knobs.persona = Persona.OTHER
    error = await failure(house)
    assert isinstance(error, UnexpectedResponse)
    assert error.reason is Reason.NOT_A_METER
    assert house.asked() == [METER, "/start.php"]


async def test_an_older_generation(house: House) -> None:
    house.meter.knobs.persona = Persona.LEGACY
    assert (await failure(house)).reason is Reason.LEGACY_METER
    asked = house.sim.journal.requests(path="/start.php")
    assert [one.scheme for one in asked] == [None], "it must not be shown the token"


async def test_a_stranger_that_breaks_off_is_no_older_generation(house: House) -> None:
    house.meter.knobs.persona = Persona.OTHER
    house.sim.faults.add(faults.Reset(after=0), path="/start.php")
    assert (await failure(house)).reason is Reason.NOT_A_METER


async def test_an_expired_token(house: House) -> None:
    _ = house.meter.demo_token
    house.advance(366 * 86400)
    error = await failure(house)
    assert isinstance(error, CredentialsRejected)
    assert error.reason is Reason.TOKEN_EXPIRED
    assert house.asked() == [METER, METER], "one grace, and no other path"
    assert house.clock.slept == [2.0]


@pytest.mark.parametrize("case", ["not authorised", "revoked", "foreign"])
async def test_a_refused_token(house: House, case: str) -> None:
    tokens = house.meter.tokens
    token = tokens.create("mine", authorised=case != "not authorised").text
    if case == "revoked":
        tokens.revoke("mine")
    elif case == "foreign":
        tokens.reset()
    error = await failure(house, token=token)
    assert isinstance(error, CredentialsRejected)
    assert error.reason is Reason.TOKEN_REFUSED
    assert error.retry_after == 300


async def test_a_meter_that_is_still_starting_gets_a_second_chance(house: House) -> None:
    house.sim.faults.add(faults.Status(status=401), path=METER, times=1)
    assert (await only(house)).data["path"]
    assert house.clock.slept == [2.0]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (500, Reason.METER_APP_FAILED),
        (502, Reason.METER_STARTING),
        (503, Reason.METER_STARTING),
        (504, Reason.METER_STARTING),
        (429, Reason.RATE_LIMITED),
        (405, Reason.REQUEST_REFUSED),
    ],
)
async def test_a_meter_in_trouble(house: House, status: int, reason: Reason) -> None:
    page = faults.Status(status=status, body="<html/>", content_type="text/html")
    house.sim.faults.add(page, path=METER)
    assert (await failure(house)).reason is reason
    assert house.asked() == [METER]


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (faults.Truncated(), Reason.NOT_JSON),
        (faults.Empty(), Reason.NOT_JSON),
        (faults.ContentType(content_type="text/plain"), Reason.NOT_JSON),
        (faults.Html(), Reason.NOT_A_METER),
        (faults.Shape(payload={"a": 1, "b": 2}), Reason.UNEXPECTED_SHAPE),
        (faults.Flood(size=2_000_000), Reason.TOO_LARGE),
        (faults.Reset(), Reason.CONNECTION_LOST),
        (faults.Redirect(url="http://127.0.0.1:1/"), Reason.REDIRECTED),
    ],
)
async def test_another_answer(house: House, action: faults.Action, reason: Reason) -> None:
    house.sim.faults.add(action, path=METER)
    assert (await failure(house)).reason is reason


async def test_an_admin_token_serves_too(house: House) -> None:
    token = house.meter.tokens.create("boss", role=Role.ADMIN).text
    assert (await only(house, token=token)).account_id == "70000001"


async def test_no_secret_in_any_log_line(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = house.meter.demo_token.text
    await identify(house.encrypted())
    house.meter.tokens.reset()
    await failure(house, token=token)
    assert caplog.records
    assert token not in caplog.text
    assert token.split(".")[2] not in caplog.text


def test_the_form() -> None:
    fields = {field.key: field for field in PROVIDER.fields}
    assert PROVIDER.key == "kostal"
    assert list(fields) == ["host", "scheme", "endpoint", "token"]
    assert fields["scheme"].choices == ("https", "http")
    assert fields["scheme"].default == "https"
    assert fields["endpoint"].default == "local"
    assert not fields["endpoint"].required
    assert [key for key, field in fields.items() if field.shown] == ["scheme", "endpoint"]
