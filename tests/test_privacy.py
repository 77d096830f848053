"""What a person may post is safe: secrets are planted everywhere, and searched for everywhere."""

import json
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import system_health
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.helpers.json import json_dumps
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.diagnostics import (
    async_get_config_entry_diagnostics,
    async_get_device_diagnostics,
)
from custom_components.energy_connect.providers import PROVIDERS
from simulator import Simulator
from simulator.kostal import Access
from tests.accounts import EN, credentials, next_poll, set_up
from tests.planting import FUTURE, Planting, found_in, plant, texts
from tests.signing_in import Browser
from tests.test_config_flow import STEPS

EACH = pytest.mark.parametrize("provider", PROVIDERS)
PLANTED_OPTION = "planted-option-0001"


async def bundle(hass: HomeAssistant, entry: ConfigEntry[Any]) -> str:
    """Return all that a person can download or copy to post it somewhere."""
    assert await async_setup_component(hass, "system_health", {})
    registry = dr.async_get(hass)
    devices = dr.async_entries_for_config_entry(registry, entry.entry_id)
    assert devices
    health = await system_health.get_info(hass)
    return json_dumps(
        [
            await async_get_config_entry_diagnostics(hass, entry),
            *[await async_get_device_diagnostics(hass, entry, device) for device in devices],
            health[DOMAIN],
        ]
    )


def repairs(hass: HomeAssistant) -> str:
    """Return the words of all repair issues, as a person reads them."""
    said = []
    for (domain, _), issue in ir.async_get(hass).issues.items():
        if domain == DOMAIN and issue.translation_key is not None:
            words = json.dumps(EN["issues"][issue.translation_key])
            for name, value in (issue.translation_placeholders or {}).items():
                words = words.replace(f"{{{name}}}", value)
            said.append(words)
    return "\n".join(said)


def entered(simulator: Simulator, provider: str, entry: ConfigEntry[Any]) -> set[str]:
    """Return what was entered or is kept of it, but for what is known to be harmless."""
    fields = (*PROVIDERS[provider].fields, *PROVIDERS[provider].options)
    shown = {"provider", "path", *(field.key for field in fields if field.shown)}
    private = {PLANTED_OPTION}
    for known in (credentials(simulator, provider), entry.data, entry.options):
        for key, value in known.items():
            if key not in shown:
                private |= set(texts(json.loads(json.dumps(value))))
    return private | {entry.entry_id, entry.unique_id or entry.entry_id}


def known_devices(entry: ConfigEntry[Any]) -> tuple[set[str], set[str]]:
    """Return what is private of the devices as they were read, and what they are called."""
    private: set[str | None] = set()
    names: set[str | None] = {entry.title}
    for device in entry.runtime_data.data.devices.values():
        private |= {device.id, device.serial_number, device.mac, device.url}
        if device.position is not None:
            private |= {str(device.position.latitude), str(device.position.longitude)}
        names.add(device.name)
    # Ids and names that are the same in every house tell of none.
    words = {word for item in PROVIDERS.values() for word in (item.key, item.name)}
    common = {None, "account", "meter", "Account"} | words
    models = {device.model for device in entry.runtime_data.data.devices.values()}
    return (
        {one for one in private - common if one is not None},
        {one for one in names - common - models if one is not None},
    )


async def check(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: ConfigEntry[Any],
    planting: Planting,
    log: str,
) -> None:
    """Search everything for everything."""
    provider = entry.data["provider"]
    of_devices, names = known_devices(entry)
    harmless = {field.default for field in PROVIDERS[provider].fields} | {"production", "sandbox"}
    private = {
        one
        for one in planting.private | entered(simulator, provider, entry) | of_devices
        if one not in harmless
    }
    posted = await bundle(hass, entry)

    assert set(texts(FUTURE)) <= private
    assert found_in(posted, private) == []
    assert found_in(posted, names) == []
    assert found_in(repairs(hass), private) == []
    assert found_in(log.replace(entry.title, "…"), private) == []


def our_log(caplog: pytest.LogCaptureFixture) -> str:
    formatter = logging.Formatter()  # with the traceback, if there is one
    ours = [one for one in caplog.records if one.name.startswith(f"custom_components.{DOMAIN}")]
    assert ours
    return "\n".join(map(formatter.format, ours))


@EACH
async def test_what_is_posted_holds_nothing_private(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    provider: str,
) -> None:
    caplog.set_level(logging.DEBUG, f"custom_components.{DOMAIN}")
    knobs = simulator.kostal.knobs
    knobs.energy_flow = knobs.device_settings = knobs.device_usage = Access.ON
    planting = plant(simulator, provider)
    entry = await set_up(hass, simulator, provider, *STEPS[provider])
    options = {
        field.key: [PLANTED_OPTION] for field in PROVIDERS[provider].options if not field.shown
    }
    hass.config_entries.async_update_entry(
        entry, options={**entry.options, **options, "future_option": PLANTED_OPTION}
    )
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    for _ in range(3):
        await next_poll(hass, freezer, entry)

    await check(hass, simulator, entry, planting, our_log(caplog))


@pytest.mark.usefixtures("current_request_with_host")
async def test_what_is_posted_after_a_sign_in_holds_no_token(
    hass: HomeAssistant,
    simulator: Simulator,
    hass_client_no_auth: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, f"custom_components.{DOMAIN}")
    planting = plant(simulator, "ev_energy")
    entry = await Browser(hass, simulator, hass_client_no_auth).set_up()

    await check(hass, simulator, entry, planting, our_log(caplog))
