"""What a person may post: enough to find a fault, nothing secret and nothing private."""

from collections.abc import Iterable
from datetime import UTC, datetime
import json
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.json import json_dumps
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.core.account import FieldKind
from custom_components.energy_connect.core.commands import Command
from custom_components.energy_connect.core.errors import (
    CommandRefused,
    CredentialsRejected,
    Reason,
    Refusal,
    Unavailable,
)
from custom_components.energy_connect.core.model import Advice, AdviceKind, Position
from custom_components.energy_connect.core.vocabulary import Action, Flag
from custom_components.energy_connect.diagnostics import (
    async_get_config_entry_diagnostics,
    async_get_device_diagnostics,
)
from custom_components.energy_connect.providers import PROVIDERS
from simulator import Simulator, faults
from tests.accounts import begin, credentials, enter, next_poll, set_up
from tests.controlled import ControlledScript
from tests.scripted import Script, car, poll, start
from tests.test_config_flow import SECRETS, STEPS

EVENING = datetime(2026, 3, 3, 21, 5, tzinfo=UTC)
EACH = pytest.mark.parametrize("provider", PROVIDERS)


async def downloaded(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: ConfigEntry
) -> dict[str, Any]:
    """Return what the button in the browser gives."""
    assert await async_setup_component(hass, "diagnostics", {})
    return dict(await get_diagnostics_for_config_entry(hass, hass_client, entry))


async def diagnostics(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, Any]:
    """Return the same for tests that move the clock, which ends the browser's session."""
    found: dict[str, Any] = json.loads(
        json_dumps(await async_get_config_entry_diagnostics(hass, entry))
    )
    return found


def leaked(text: str, values: Iterable[str]) -> list[str]:
    return sorted(value for value in values if value in text)


@pytest.mark.parametrize("provider", ["kostal", "enectiva"])
async def test_diagnostics(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    snapshot: SnapshotAssertion,
    provider: str,
) -> None:
    freezer.move_to(EVENING)
    simulator.clock.freeze()
    entry = await set_up(hass, simulator, provider)

    assert await diagnostics(hass, entry) == snapshot


async def test_diagnostics_say_how_each_device_is(
    hass: HomeAssistant, script: Script, hass_client: ClientSessionGenerator
) -> None:
    script.show(
        car(
            model="Roadrunner",
            serial_number="WDB111",
            parent="home",
            flags={Flag.CHARGING: None},
            tracked=True,
            position=Position(50.123, 14.456),
        ),
        advice=[Advice(AdviceKind.NO_DEVICES, "private subject")],
    )
    entry = await start(hass)
    script.error = Unavailable(Reason.SERVER_ERROR, status=502, detail="private words")
    await poll(hass, entry)

    found = await downloaded(hass, hass_client, entry)

    assert found["poll"]["success"] is True
    assert found["poll"]["last_error"] == "server_error (502)"
    assert found["advice"] == ["no_devices"]
    assert found["account"] == {"polls": 2}
    (device,) = found["devices"]
    assert device["model"] == "Roadrunner"
    assert device["has_parent"] is True
    assert device["tracked"] is True
    assert device["flags"] == {"charging": None}
    assert device["numbers"] == {
        "state_of_charge": {"value": 50, "unit": "%", "at": None, "since": None}
    }
    assert leaked(json.dumps(found), ["WDB111", "50.123", "private"]) == []


@pytest.mark.parametrize("refused", [True, False])
async def test_an_account_that_can_not_be_opened_has_diagnostics(
    hass: HomeAssistant, script: Script, hass_client: ClientSessionGenerator, refused: bool
) -> None:
    script.error = (
        CredentialsRejected(Reason.TOKEN_REFUSED) if refused else Unavailable(Reason.TIMEOUT)
    )
    entry = await start(hass)
    assert entry.state is not ConfigEntryState.LOADED

    found = await downloaded(hass, hass_client, entry)

    assert found == {
        "provider": "scripted",
        "state": "setup_error" if refused else "setup_retry",
        "entered": {},
        "entered_names": ["host", "provider", "token"],
        "options": {},
        "option_names": [],
    }


async def test_options_are_shown_if_they_are_harmless(
    hass: HomeAssistant, simulator: Simulator, hass_client: ClientSessionGenerator
) -> None:
    entry = await set_up(hass, simulator, "enectiva")
    hass.config_entries.async_update_entry(entry, options={"heat_unit": "gj", "other": "x"})

    found = await downloaded(hass, hass_client, entry)

    assert found["options"] == {"heat_unit": "gj"}
    assert found["option_names"] == ["heat_unit", "other"]


async def of_device(
    hass: HomeAssistant, entry: ConfigEntry, identifier: str = "scripted_1:vehicle:car"
) -> dict[str, Any]:
    """Return what the button on a device's page gives."""
    device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, identifier), entry.entry_id)
    assert device is not None
    found: dict[str, Any] = json.loads(
        json_dumps(await async_get_device_diagnostics(hass, entry, device))
    )
    return found


async def test_a_device_has_diagnostics_of_its_own(hass: HomeAssistant, script: Script) -> None:
    script.show(
        car(model="Roadrunner"),
        car("other", model="Coyote"),
        advice=[
            Advice(AdviceKind.VEHICLE_RECONNECT, "car"),
            Advice(AdviceKind.NO_VIEWER_PERMISSION, "other"),
        ],
    )
    entry = await start(hass)

    found = await of_device(hass, entry)

    assert found["reported"] is True
    assert found["device"]["model"] == "Roadrunner"
    assert found["advice"] == ["vehicle_reconnect"]
    assert found["requests"]["total"] == 0
    assert "Coyote" not in json.dumps(found)


async def test_a_device_that_is_not_reported_any_more(hass: HomeAssistant, script: Script) -> None:
    script.show(car(), car("other"))
    entry = await start(hass)
    script.show(car("other"))
    await poll(hass, entry)

    found = await of_device(hass, entry)

    assert (found["reported"], found["device"]) == (False, None)


async def test_a_device_of_an_account_that_is_not_loaded(
    hass: HomeAssistant, script: Script
) -> None:
    entry = await start(hass)
    await hass.config_entries.async_unload(entry.entry_id)

    assert (await of_device(hass, entry))["state"] == "not_loaded"


async def test_commands_are_listed_with_their_outcome_and_without_words(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    entry = await start(hass)
    coordinator = entry.runtime_data
    controlled.refuse(CommandRefused(Refusal.FULL, detail="private words"))
    with pytest.raises(ServiceValidationError):
        await coordinator.perform(Command("car", Action.CHARGING, True), 60)

    found = await diagnostics(hass, entry)

    (command,) = found["commands"]
    assert command["at"]
    assert {key: command[key] for key in command if key != "at"} == {
        "action": "charging",
        "kind": "vehicle",
        "sent": True,
        "outcome": "failed",
        "reason": "full",
    }
    assert (await of_device(hass, entry))["commands"] == found["commands"]
    assert "private" not in json.dumps(found)
    (device,) = found["devices"]
    assert device["controls"]["max_current"] == {
        "type": "Range",
        "value": 16,
        "minimum": 6,
        "maximum": 32,
        "step": 1.0,
        "unit": "A",
        "readable": True,
        "at": None,
    }


async def test_requests_are_counted_by_what_became_of_them(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    entry = await set_up(hass, simulator, "enode")
    good = (await diagnostics(hass, entry))["requests"]
    assert good["token_exchanges"] == 1
    assert good["total"] == good["last_hour"] > 5
    assert (good["failed"], good["left"]) == ({}, None)

    simulator.faults.add(faults.Status(status=503), provider="enode", times=2)
    await poll(hass, entry)

    assert (await diagnostics(hass, entry))["requests"]["failed"] == {"server_error": 2}


TROUBLES = [
    faults.Status(status=503),
    faults.Html(),
    faults.Truncated(),
    faults.Reset(),
    faults.rate_limited("1"),
    faults.Redirect(url="http://127.0.0.2:9/elsewhere"),
    faults.Shape(payload={"error": "invalid_token"}, status=401),
]


@EACH
async def test_no_log_line_shows_a_secret(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    no_waiting: None,
    provider: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    good = credentials(simulator, provider)
    secret = good[SECRETS[provider]]
    flow = await begin(hass, *STEPS[provider])
    await enter(hass, flow, good | {SECRETS[provider]: f"{secret}x"})
    for trouble in TROUBLES:
        fault = simulator.faults.add(trouble, provider=provider)
        flow = await begin(hass, *STEPS[provider])
        await enter(hass, flow, good)
        simulator.faults.remove(fault)
    entry = await set_up(hass, simulator, provider, *STEPS[provider])
    await next_poll(hass, freezer, entry)
    for trouble in TROUBLES:
        fault = simulator.faults.add(trouble, provider=provider)
        await next_poll(hass, freezer, entry)
        simulator.faults.remove(fault)
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()

    ours = [
        record
        for record in caplog.records
        if record.name.startswith(("custom_components.energy_connect", "homeassistant"))
    ]
    formatter = logging.Formatter()  # with the traceback, if there is one
    text = "\n".join(map(formatter.format, ours))
    assert any(record.name.startswith("custom_components") for record in ours)
    assert [field.key for field in PROVIDERS[provider].fields if field.kind is FieldKind.SECRET]
    assert leaked(text, [secret]) == []
    # Access tokens begin like every JWT.
    assert leaked(text, ["eyJ", "Bearer "]) == []
