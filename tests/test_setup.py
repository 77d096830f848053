"""Set up, unload, reload, remove: nothing stays behind, nothing is lost."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er, storage
from homeassistant.helpers.storage import Store
from homeassistant.util.file import WriteError
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_connect import coordinator as coordinator_module
from custom_components.energy_connect.const import DOMAIN, PLATFORMS
from custom_components.energy_connect.context import CONF_IMPLEMENTATION, CONF_TOKEN_ANSWER
from custom_components.energy_connect.coordinator import SLICE
from custom_components.energy_connect.core.errors import Reason, Unavailable
from custom_components.energy_connect.providers import PROVIDERS
from custom_components.energy_connect.vault import NoVault, StoredVault
from simulator import Simulator, faults
from tests.accounts import pass_time, set_up
from tests.scripted import KEY, Script, add_entry, car, hang, install, poll, start, state
from tests.signing_in import Browser
from tests.test_config_flow import STEPS

# Before the harness puts a dictionary in the place of the disk.
DISK = {name: getattr(Store, name) for name in ("_async_load", "_async_write_data", "async_remove")}


@pytest.fixture
async def disk(hass: HomeAssistant, tmp_path: Path) -> AsyncIterator[Path]:
    """The real disk."""
    hass.config.config_dir = str(tmp_path)
    with patch.multiple(Store, **DISK):
        yield tmp_path / ".storage"


@pytest.fixture
async def browser(
    hass: HomeAssistant,
    simulator: Simulator,
    hass_client_no_auth: ClientSessionGenerator,
    current_request_with_host: None,
) -> Browser:
    return Browser(hass, simulator, hass_client_no_auth)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_unloaded_account_leaves_nothing_running(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory, provider: str
) -> None:
    entry = await set_up(hass, simulator, provider, *STEPS[provider])
    coordinator = entry.runtime_data

    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    simulator.journal.clear()
    await pass_time(hass, freezer, 86_400)

    assert entry.state is ConfigEntryState.NOT_LOADED
    assert simulator.journal.requests() == []
    assert list(coordinator.async_contexts()) == []
    assert {one.state for one in hass.states.async_all(PLATFORMS)} <= {STATE_UNAVAILABLE}
    tasks = [task.get_name() for task in asyncio.all_tasks()]
    assert [name for name in tasks if DOMAIN in name or entry.title in name] == []


async def test_an_unload_ends_a_poll_under_way(hass: HomeAssistant, script: Script) -> None:
    entry = await start(hass)
    script.before = hang
    refresh = entry.async_create_background_task(
        hass, entry.runtime_data.async_refresh(), "poll by hand"
    )
    await asyncio.sleep(0)

    assert await hass.config_entries.async_unload(entry.entry_id)

    assert refresh.done()


async def test_an_unload_ends_a_walk_under_way(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coordinator_module, "SLICE", 1)
    script.show(*(car(f"car{number}") for number in range(20)))
    entry = await start(hass)
    script.show(*(car(f"car{number}", soc=1) for number in range(20)))
    await entry.runtime_data.async_refresh()

    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert {one.state for one in hass.states.async_all("sensor")} == {STATE_UNAVAILABLE}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_reload_brings_the_same_entities(
    hass: HomeAssistant, simulator: Simulator, provider: str
) -> None:
    entry = await set_up(hass, simulator, provider, *STEPS[provider])
    registry = er.async_get(hass)
    before = er.async_entries_for_config_entry(registry, entry.entry_id)
    shown = {one.entity_id for one in hass.states.async_all() if one.state != STATE_UNAVAILABLE}

    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    after = er.async_entries_for_config_entry(registry, entry.entry_id)
    assert [one.id for one in before] == [one.id for one in after]
    assert shown == {
        one.entity_id for one in hass.states.async_all() if one.state != STATE_UNAVAILABLE
    }


async def test_a_removed_account_leaves_no_device_and_no_entity(
    hass: HomeAssistant, script: Script
) -> None:
    entry = await start(hass)

    await hass.config_entries.async_remove(entry.entry_id)

    assert dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id) == []
    assert hass.states.async_all(PLATFORMS) == []
    assert script.forgotten == []  # nothing was signed in to


async def test_two_accounts_of_a_provider_do_not_mix(hass: HomeAssistant, script: Script) -> None:
    await start(hass)
    other = add_entry(hass, unique_id=f"{KEY}_2", title="Other")
    await hass.config_entries.async_setup(other.entry_id)
    await hass.async_block_till_done()
    assert len(hass.states.async_entity_ids("sensor")) == 2

    await hass.config_entries.async_remove(other.entry_id)

    assert len(hass.states.async_entity_ids("sensor")) == 1
    assert state(hass, "car_state_of_charge").state == "50"


async def test_when_platforms_can_not_be_unloaded_the_account_says_so(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await start(hass)

    async def refuse(*_: Any) -> bool:
        return False

    monkeypatch.setattr(hass.config_entries, "async_unload_platforms", refuse)

    assert not await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.FAILED_UNLOAD
    await entry.runtime_data.async_shutdown()


# What a sign-in left.


async def test_the_rotated_sign_in_is_on_the_disk_before_it_is_used(
    hass: HomeAssistant, browser: Browser, disk: Path, freezer: FrozenDateTimeFactory
) -> None:
    entry = await browser.set_up()
    seed = dict(entry.data["token"])
    await pass_time(hass, freezer, 36_000)
    assert browser.grants() == ["authorization_code", "refresh_token"]

    file = disk / f"{DOMAIN}.{entry.entry_id}"
    content = await hass.async_add_executor_job(file.read_text)
    assert seed["refresh_token"] not in content
    assert file.stat().st_mode & 0o077 == 0
    assert dict(entry.data["token"]) == seed

    # Home Assistant is killed and starts again: with the old entry, and the file.
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    await pass_time(hass, freezer, 36_000)
    assert browser.grants() == ["authorization_code", "refresh_token", "refresh_token"]
    assert hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []


async def test_a_kill_between_saving_and_using_a_sign_in_loses_nothing(
    hass: HomeAssistant,
    browser: Browser,
    disk: Path,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = await browser.set_up()
    save = StoredVault.save

    async def save_and_die(self: StoredVault, content: Mapping[str, Any]) -> None:
        await save(self, content)
        raise SystemError("killed")

    monkeypatch.setattr(StoredVault, "save", save_and_die)
    await pass_time(hass, freezer, 36_000)
    assert entry.runtime_data.last_error is not None
    monkeypatch.setattr(StoredVault, "save", save)

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()

    assert entry.state is ConfigEntryState.LOADED
    assert browser.grants().count("refresh_token") == 1
    assert hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []


async def test_a_new_sign_in_wins_over_what_was_kept(
    hass: HomeAssistant, browser: Browser, disk: Path, freezer: FrozenDateTimeFactory
) -> None:
    entry = await browser.set_up()
    await pass_time(hass, freezer, 36_000)
    browser.simulator.ev_energy.authorization.tokens.end_all()
    await pass_time(hass, freezer, 600)
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)

    await browser.sign_in(await browser.go_on({"flow_id": flow["flow_id"]}, {}))  # type: ignore[typeddict-item] # all that is needed

    assert entry.state is ConfigEntryState.LOADED
    assert entry.runtime_data.last_update_success


async def test_removing_an_account_ends_its_sign_in_everywhere(
    hass: HomeAssistant, browser: Browser, disk: Path, freezer: FrozenDateTimeFactory
) -> None:
    entry = await browser.set_up()
    await pass_time(hass, freezer, 36_000)
    file = disk / f"{DOMAIN}.{entry.entry_id}"
    assert file.exists()

    await hass.config_entries.async_remove(entry.entry_id)

    assert not file.exists()
    assert browser.simulator.journal.count(path="/o/revoke_token/") == 1


@pytest.mark.parametrize(
    "trouble", [faults.Status(status=503), faults.Reset(), faults.Status(status=401)], ids=repr
)
async def test_a_provider_that_does_not_let_go_keeps_nobody(
    hass: HomeAssistant,
    browser: Browser,
    disk: Path,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    trouble: faults.Action,
) -> None:
    entry = await browser.set_up()
    await pass_time(hass, freezer, 36_000)
    browser.simulator.faults.add(trouble, provider="ev_energy", path="/o/*")

    await hass.config_entries.async_remove(entry.entry_id)

    assert not (disk / f"{DOMAIN}.{entry.entry_id}").exists()
    assert "Error calling entry remove callback" not in caplog.text


def signed_in(hass: HomeAssistant) -> Any:
    return add_entry(
        hass,
        data={"provider": KEY, CONF_IMPLEMENTATION: "gone", CONF_TOKEN_ANSWER: {}},
    )


async def test_an_account_whose_application_is_gone_is_removed_with_its_file(
    hass: HomeAssistant, script: Script, disk: Path
) -> None:
    entry = signed_in(hass)
    vault = StoredVault(hass, entry.entry_id)
    await vault.save({"refresh_token": "r"})
    file = disk / f"{DOMAIN}.{entry.entry_id}"
    assert file.exists()

    await hass.config_entries.async_remove(entry.entry_id)

    assert not file.exists()
    assert script.forgotten == []


async def test_a_provider_may_raise_while_it_is_forgotten(
    hass: HomeAssistant, browser: Browser, script: Script, disk: Path
) -> None:
    await browser.register()
    entry = add_entry(
        hass,
        data={"provider": KEY, CONF_IMPLEMENTATION: "ours", CONF_TOKEN_ANSWER: {}},
    )
    vault = StoredVault(hass, entry.entry_id)
    await vault.save({"refresh_token": "r"})
    script.forgetting = Unavailable(Reason.TIMEOUT)

    await hass.config_entries.async_remove(entry.entry_id)

    assert len(script.forgotten) == 1
    assert not (disk / f"{DOMAIN}.{entry.entry_id}").exists()


async def test_a_full_disk_is_not_mistaken_for_a_saved_sign_in(
    hass: HomeAssistant, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = StoredVault(hass, "entry")
    await vault.save({"a": 1})

    def full(*_: Any, **__: Any) -> None:
        raise WriteError("no space left on device")

    monkeypatch.setattr(storage, "write_utf8_file_atomic", full)
    with pytest.raises(OSError, match="not written"):
        await vault.save({"a": 2})
    assert await vault.load() == {"a": 1}


async def test_a_provider_that_needs_not_be_told_is_not(
    hass: HomeAssistant, script: Script, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, script.provider(forget=None))
    entry = signed_in(hass)
    await StoredVault(hass, entry.entry_id).save({"refresh_token": "r"})

    await hass.config_entries.async_remove(entry.entry_id)

    assert not (disk / f"{DOMAIN}.{entry.entry_id}").exists()


async def test_a_vault_gives_back_what_was_put_in(hass: HomeAssistant, disk: Path) -> None:
    vault = StoredVault(hass, "entry")
    assert await vault.load() is None

    await vault.save({"a": 1})
    assert await StoredVault(hass, "entry").load() == {"a": 1}

    await vault.remove()
    assert await StoredVault(hass, "entry").load() is None


async def test_the_wizard_keeps_nothing() -> None:
    vault = NoVault()

    await vault.save({"a": 1})

    assert await vault.load() is None


# Many.


async def test_a_thousand_devices_are_set_up_and_told_without_holding_the_house(
    hass: HomeAssistant, script: Script
) -> None:
    names = [f"car{number}" for number in range(1000)]
    script.show(*(car(name) for name in names))
    shown: list[int] = []

    async def watch(*states: str) -> None:
        """Count at every turn of the loop, as others who wait for theirs."""
        while True:
            found = hass.states.async_all("sensor")
            shown.append(sum(1 for one in found if one.state in states))
            await asyncio.sleep(0)

    watcher = hass.async_create_background_task(watch("50"), "watch")
    entry = add_entry(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    watcher.cancel()
    assert len(hass.states.async_entity_ids("sensor")) == 1000
    assert max(after - before for before, after in pairwise(shown)) <= SLICE

    script.show(*(car(name, soc=60) for name in names))
    shown.clear()
    watcher = hass.async_create_background_task(watch("60"), "watch")
    await entry.runtime_data.async_refresh()
    for _ in range(10):
        await asyncio.sleep(0)
    watcher.cancel()
    assert shown[-1] == 1000
    assert max(after - before for before, after in pairwise(shown)) <= SLICE

    script.change("car7", numbers={})
    await poll(hass, entry)
    assert state(hass, "car7_state_of_charge").state == "unknown"
