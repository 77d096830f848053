"""What Settings > System > Repairs > System information says."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.system_health import get_info
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.providers import PROVIDERS
from simulator import Simulator, faults
from tests.accounts import EN, next_poll, set_up
from tests.scripted import add_entry
from tests.test_config_flow import STEPS

EACH = pytest.mark.parametrize("provider", PROVIDERS)
NOW = datetime(2026, 3, 3, 21, 5, tzinfo=UTC)


async def information(hass: HomeAssistant) -> dict[str, Any]:
    assert await async_setup_component(hass, DOMAIN, {})
    assert await async_setup_component(hass, "system_health", {})
    return dict((await get_info(hass))[DOMAIN])


@EACH
async def test_an_account_that_works(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory, provider: str
) -> None:
    freezer.move_to(NOW)
    await set_up(hass, simulator, provider, *STEPS[provider])
    freezer.tick(timedelta(seconds=5))

    found = await information(hass)

    assert found[f"{provider}_accounts"] == 1
    assert found[f"{provider}_reachable"] == "ok"
    assert found[f"{provider}_last_read"] == NOW.isoformat()
    limited = provider in {"enectiva", "ev_energy"}
    assert (found.get(f"{provider}_requests_left", 0) > 50) is limited
    assert all(key.startswith(provider) for key in found)


@EACH
async def test_a_provider_that_is_gone(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory, provider: str
) -> None:
    entry = await set_up(hass, simulator, provider, *STEPS[provider])
    await simulator.servers[provider].stop()
    for _ in range(20):
        if not entry.runtime_data.last_update_success:
            break
        await next_poll(hass, freezer, entry)

    found = await information(hass)

    assert found[f"{provider}_reachable"] == "Failed: unreachable"
    # It was read once, and that is still true.
    assert found[f"{provider}_last_read"] < datetime.now(UTC).isoformat()


async def test_each_provider_has_its_own_lines(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    freezer.move_to(NOW)
    await set_up(hass, simulator, "enode")
    freezer.tick(timedelta(seconds=60))
    await set_up(hass, simulator, "kostal")

    found = await information(hass)

    assert found["enode_last_read"] == NOW.isoformat()
    assert found["kostal_last_read"] == (NOW + timedelta(seconds=60)).isoformat()


async def test_an_account_that_was_never_opened(hass: HomeAssistant, simulator: Simulator) -> None:
    add_entry(hass, data={"provider": "enectiva", "customer_uuid": "x", "login_token": "y"})

    assert await information(hass) == {"enectiva_accounts": 1, "enectiva_reachable": "ok"}


async def test_no_address_but_that_of_this_machine_replaces_the_provider(
    hass: HomeAssistant, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENERGY_CONNECT_ENECTIVA_API_URL", "https://elsewhere.example")
    add_entry(hass, data={"provider": "enectiva", "customer_uuid": "x", "login_token": "y"})

    assert (await information(hass))["enectiva_reachable"] == "Failed: unreachable"


async def test_without_accounts_there_is_nothing_to_say(hass: HomeAssistant) -> None:
    assert await information(hass) == {}


async def test_a_provider_that_wants_silence_leaves_no_requests(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    entry = await set_up(hass, simulator, "enode")
    simulator.faults.add(faults.rate_limited("900"), provider="enode", times=1)
    await next_poll(hass, freezer, entry)

    assert (await information(hass))["enode_requests_left"] == 0


def test_every_line_has_words() -> None:
    kinds = ("accounts", "reachable", "requests_left", "last_read")

    assert list(EN["system_health"]["info"]) == [
        f"{key}_{one}" for key in PROVIDERS for one in kinds
    ]
