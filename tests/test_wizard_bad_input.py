"""Bad input and bad answers: each told in words, and put right in the same wizard."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from simulator import Simulator, faults
from simulator.kostal import Persona, Role
from tests.accounts import begin, credentials, enter
from tests.test_config_flow import STEPS

pytestmark = pytest.mark.usefixtures("no_waiting")

type Prepare = Callable[[Simulator], dict[str, Any]]
"""Makes the trouble and returns what a person enters otherwise."""


async def told(
    hass: HomeAssistant, simulator: Simulator, provider: str, prepare: Prepare
) -> str | None:
    """Return which error the wizard shows; entering the right thing afterwards must help."""
    good = credentials(simulator, provider)
    flow = await begin(hass, *STEPS[provider])
    form = await enter(hass, flow, good | prepare(simulator))
    assert form["type"] is FlowResultType.FORM, form
    assert form["errors"] is not None

    simulator.faults.clear()
    simulator.kostal.knobs.persona = Persona.KSEM
    result = await enter(hass, form, good)

    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    return form["errors"]["base"]


def token(simulator: Simulator, **changed: Any) -> dict[str, Any]:
    return {"token": simulator.kostal.tokens.create("another", **changed).text}


def revoked(simulator: Simulator) -> dict[str, Any]:
    entered = token(simulator)
    simulator.kostal.tokens.revoke("another")
    return entered


def persona(kind: Persona) -> Prepare:
    def prepare(simulator: Simulator) -> dict[str, Any]:
        simulator.kostal.knobs.persona = kind
        return {}

    return prepare


KOSTAL: dict[str, tuple[str, Prepare]] = {
    "no host": ("invalid_host", lambda _: {"host": "my meter"}),
    "a closed port": ("cannot_connect", lambda _: {"host": "127.0.0.1:1", "scheme": "http"}),
    "no encryption there": ("tls_failed", lambda sim: {"host": sim.kostal.origins["http"].host}),
    "another device": ("not_a_meter", persona(Persona.OTHER)),
    "an older meter": ("legacy_meter", persona(Persona.LEGACY)),
    "an endpoint elsewhere": ("invalid_id", lambda _: {"endpoint": ".."}),
    "half a token": ("invalid_token_format", lambda _: {"token": "eyJhbGciOi"}),
    "three words": ("invalid_token_format", lambda _: {"token": "no.json.here"}),
    "an expired token": ("token_expired", lambda sim: token(sim, lifetime=-timedelta(days=1))),
    "a revoked token": ("token_refused", revoked),
    "a token not authorised": ("token_refused", lambda sim: token(sim, authorised=False)),
}


@pytest.mark.parametrize(("reason", "prepare"), KOSTAL.values(), ids=KOSTAL)
async def test_what_is_wrong_with_a_meter_is_told(
    hass: HomeAssistant, simulator: Simulator, reason: str, prepare: Prepare
) -> None:
    assert await told(hass, simulator, "kostal", prepare) == reason


async def test_a_pasted_header_is_a_token(hass: HomeAssistant, simulator: Simulator) -> None:
    good = credentials(simulator, "kostal")
    text = good["token"]
    flow = await begin(hass, "kostal")

    result = await enter(
        hass, flow, good | {"token": f"Authorization: Bearer {text[:40]}\n{text[40:]} \n"}
    )

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["token"] == text


async def test_an_admin_token_is_as_good(hass: HomeAssistant, simulator: Simulator) -> None:
    flow = await begin(hass, "kostal")
    entered = credentials(simulator, "kostal") | token(simulator, role=Role.ADMIN)

    assert (await enter(hass, flow, entered))["type"] is FlowResultType.CREATE_ENTRY


ENECTIVA: dict[str, tuple[str, Prepare]] = {
    "no uuid": ("invalid_id", lambda _: {"customer_uuid": "4711"}),
    "another customer": (
        "login_token_refused",
        lambda _: {"customer_uuid": "00000000-0000-4000-8000-000000000bad"},
    ),
    "an import token": (
        "login_token_refused",
        lambda sim: {"login_token": sim.enectiva.tokens.import_token},
    ),
    "no token": ("invalid_token_format", lambda _: {"login_token": " "}),
    "no scopes": (
        "not_permitted",
        lambda sim: {"login_token": sim.enectiva.tokens.create(()).text},
    ),
}


@pytest.mark.parametrize(("reason", "prepare"), ENECTIVA.values(), ids=ENECTIVA)
async def test_what_is_wrong_with_a_customer_is_told(
    hass: HomeAssistant, simulator: Simulator, reason: str, prepare: Prepare
) -> None:
    assert await told(hass, simulator, "enectiva", prepare) == reason


CLOUDS = ("enectiva", "enode", "traxes", "ev_energy")
CLIENTS = ("enode", "traxes", "ev_energy")


@pytest.mark.parametrize("provider", CLIENTS)
@pytest.mark.parametrize("field", ["client_id", "client_secret"])
async def test_a_wrong_id_or_secret_is_told(
    hass: HomeAssistant, simulator: Simulator, provider: str, field: str
) -> None:
    reason = await told(hass, simulator, provider, lambda _: {field: "wrong"})

    assert reason == "client_refused"


async def test_credentials_of_the_other_environment_are_told(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    other = {"sandbox": "production", "production": "sandbox"}
    entered = credentials(simulator, "enode")

    reason = await told(
        hass, simulator, "enode", lambda _: {"environment": other[entered["environment"]]}
    )

    assert reason == "client_refused"


async def test_an_application_for_another_grant_is_told(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    browser = simulator.ev_energy.browser

    reason = await told(
        hass,
        simulator,
        "ev_energy",
        lambda _: {"client_id": browser.client_id, "client_secret": browser.client_secret},
    )

    assert reason == "grant_not_allowed"


ANSWERS: dict[str, tuple[str, faults.Action]] = {
    "too many requests": ("rate_limited", faults.rate_limited()),
    "too many requests for a while": ("rate_limited", faults.rate_limited("20")),
    "wrong media type wanted": ("media_type_refused", faults.Status(status=406)),
    "wrong media type sent": ("media_type_refused", faults.Status(status=415)),
    "a failure": ("server_error", faults.Status(status=500)),
    "no service": ("server_error", faults.Status(status=503)),
    "a page": ("html_page", faults.Html()),
    "half an answer": ("not_json", faults.Truncated()),
    "no answer": ("not_json", faults.Empty()),
    "a number": ("unexpected_shape", faults.Shape(payload=7)),
    "a broken connection": ("connection_lost", faults.Reset()),
    "a redirect": ("redirected", faults.Redirect(url="http://127.0.0.2:9/")),
    "a refusal of the edge": ("blocked", faults.Status(status=403, body="Access denied")),
}


@pytest.mark.parametrize("provider", CLOUDS)
@pytest.mark.parametrize(("reason", "answer"), ANSWERS.values(), ids=ANSWERS)
async def test_a_bad_answer_is_told(
    hass: HomeAssistant, simulator: Simulator, provider: str, reason: str, answer: faults.Action
) -> None:
    def prepare(simulator: Simulator) -> dict[str, Any]:
        simulator.faults.add(answer, provider=provider)
        return {}

    assert await told(hass, simulator, provider, prepare) == reason


METER_ANSWERS = {
    "a failure": ("meter_app_failed", faults.Status(status=500)),
    "starting": ("meter_starting", faults.Status(status=503)),
    "no such endpoint": ("no_meter_resource", faults.Status(status=404)),
    "too many requests": ("rate_limited", faults.rate_limited()),
    "half an answer": ("not_json", faults.Truncated()),
    "a wrong type": ("unexpected_shape", faults.Shape(payload={"smart-meter": 7})),
    "a flood": ("too_large", faults.Flood(size=2_000_000)),
    "a broken connection": ("connection_lost", faults.Reset()),
}


@pytest.mark.parametrize(("reason", "answer"), METER_ANSWERS.values(), ids=METER_ANSWERS)
async def test_a_bad_answer_of_a_meter_is_told(
    hass: HomeAssistant, simulator: Simulator, reason: str, answer: faults.Action
) -> None:
    def prepare(simulator: Simulator) -> dict[str, Any]:
        simulator.faults.add(answer, provider="kostal")
        return {}

    assert await told(hass, simulator, "kostal", prepare) == reason
