"""What a person may post: enough to find a fault, nothing secret and nothing private."""

from collections.abc import Iterable
from datetime import UTC, datetime
import json
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import json_dumps
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.energy_connect.core.account import FieldKind
from custom_components.energy_connect.core.errors import CredentialsRejected, Reason, Unavailable
from custom_components.energy_connect.core.model import Advice, AdviceKind, Position
from custom_components.energy_connect.core.vocabulary import Flag
from custom_components.energy_connect.diagnostics import async_get_config_entry_diagnostics
from custom_components.energy_connect.providers import PROVIDERS
from simulator import Simulator, faults
from simulator.kostal import Access
from tests.accounts import begin, credentials, enter, next_poll, set_up
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


def private(simulator: Simulator, provider: str, entry: ConfigEntry) -> set[str]:
    """Return all that diagnostics must not show: secrets, ids, serials, names, places."""
    shown = {field.key for field in PROVIDERS[provider].fields if field.shown}
    found = {
        str(value)
        for known in (credentials(simulator, provider), entry.data)
        for key, value in known.items()
        if key not in shown and key not in {"provider", "path"}
    }
    for device in entry.runtime_data.data.devices.values():
        found |= {device.id, *filter(None, (device.serial_number, device.mac, device.url))}
        if device.name is not None and device.name != device.model:
            found.add(device.name)
        if device.position is not None:
            found.add(str(device.position.latitude))
    found |= {entry.title, entry.entry_id, str(entry.unique_id)}
    # The one device of a meter is "meter" to everybody.
    return {one for one in found if len(one) > 3} - {"meter", "None", "account", "Account"}


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


@EACH
async def test_diagnostics_show_nothing_private(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    provider: str,
) -> None:
    knobs = simulator.kostal.knobs
    knobs.energy_flow = knobs.device_settings = knobs.device_usage = Access.ON
    entry = await set_up(hass, simulator, provider, *STEPS[provider])
    for _ in range(2):
        await next_poll(hass, freezer, entry)
    found = await diagnostics(hass, entry)

    assert found["devices"]
    assert leaked(json.dumps(found, ensure_ascii=False), private(simulator, provider, entry)) == []


async def test_diagnostics_of_a_device(
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
        "options": {},
    }


async def test_options_are_shown_if_they_are_harmless(
    hass: HomeAssistant, simulator: Simulator, hass_client: ClientSessionGenerator
) -> None:
    entry = await set_up(hass, simulator, "enectiva")
    hass.config_entries.async_update_entry(entry, options={"heat_unit": "gj", "other": "x"})

    found = await downloaded(hass, hass_client, entry)

    assert found["options"] == {"heat_unit": "gj"}


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
