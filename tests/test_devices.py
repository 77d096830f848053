"""The account's devices in the registry: parents first, new ones added, gone ones removed."""

import asyncio

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.energy_connect import entity as entity_module
from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.core.errors import Reason, Unavailable
from custom_components.energy_connect.core.model import Device, Reading
from custom_components.energy_connect.core.vocabulary import Flag, Kind
from tests.scripted import KEY, POWER, SOC, Script, car, entity_id, poll, start, state

VEHICLES = frozenset({Kind.VEHICLE})


def registered(hass: HomeAssistant, entry: ConfigEntry, identifier: str) -> dr.DeviceEntry | None:
    registry = dr.async_get(hass)
    key = (DOMAIN, f"{KEY}_1:{identifier}")
    return registry.async_get_device_by_identifier(key, entry.entry_id)


def device(hass: HomeAssistant, entry: ConfigEntry, identifier: str) -> dr.DeviceEntry:
    found = registered(hass, entry, identifier)
    assert found is not None, identifier
    return found


async def test_a_device_is_described_by_what_the_account_knows(
    hass: HomeAssistant, script: Script
) -> None:
    script.show(
        car(
            manufacturer="Acme",
            model="Roadrunner",
            serial_number="SN-1",
            sw_version="1.2",
            hw_version="3",
            mac="00:11:22:AA:BB:CC",
            url="http://car.invalid/",
        )
    )

    entry = await start(hass)

    found = device(hass, entry, "vehicle:car")
    assert found.name == "Car"
    assert (found.manufacturer, found.model) == ("Acme", "Roadrunner")
    assert (found.serial_number, found.sw_version, found.hw_version) == ("SN-1", "1.2", "3")
    assert found.connections == {(dr.CONNECTION_NETWORK_MAC, "00:11:22:aa:bb:cc")}
    assert found.configuration_url == "http://car.invalid/"
    assert found.entry_type is None


@pytest.mark.parametrize("kind", [Kind.ACCOUNT, Kind.BUILDING, Kind.DATA_SERIES, Kind.SITE])
async def test_what_is_no_thing_is_a_service(
    hass: HomeAssistant, script: Script, kind: Kind
) -> None:
    script.show(Device(id="x", kind=kind, name="X"))

    entry = await start(hass)

    assert device(hass, entry, f"{kind}:x").entry_type is dr.DeviceEntryType.SERVICE


async def test_a_device_without_a_name_is_called_by_its_make_or_its_kind(
    hass: HomeAssistant, script: Script
) -> None:
    script.show(car("a", name=None, manufacturer="Acme", model="Roadrunner"), car("b", name=None))

    entry = await start(hass)

    assert device(hass, entry, "vehicle:a").name == "Acme Roadrunner"
    assert device(hass, entry, "vehicle:b").name == "Vehicle"


async def test_a_device_that_got_another_name_is_renamed(
    hass: HomeAssistant, script: Script
) -> None:
    entry = await start(hass)
    script.change("car", name="Beetle")

    await poll(hass, entry)

    assert device(hass, entry, "vehicle:car").name == "Beetle"


async def test_a_name_that_a_person_gave_stays(hass: HomeAssistant, script: Script) -> None:
    entry = await start(hass)
    registry = dr.async_get(hass)
    registry.async_update_device(device(hass, entry, "vehicle:car").id, name_by_user="Herbie")
    script.change("car", name="Beetle")

    await poll(hass, entry)

    assert device(hass, entry, "vehicle:car").name_by_user == "Herbie"


async def test_parents_are_registered_first_and_linked(hass: HomeAssistant, script: Script) -> None:
    script.show(
        car("leaf", parent="branch"),
        car("branch", parent="root"),
        Device(id="root", kind=Kind.SITE, name="Root"),
    )

    entry = await start(hass)

    root, branch = device(hass, entry, "site:root"), device(hass, entry, "vehicle:branch")
    assert device(hass, entry, "vehicle:leaf").via_device_id == branch.id
    assert branch.via_device_id == root.id
    assert root.via_device_id is None


async def test_a_circle_of_parents_is_no_parentage(hass: HomeAssistant, script: Script) -> None:
    script.show(
        car("a", parent="b"),
        car("b", parent="a"),
        car("above the circle", parent="a"),
        car("own parent", parent="own parent"),
    )

    entry = await start(hass)
    script.change("b", name="Renamed")
    await poll(hass, entry)

    for name in script.snapshot.devices:
        assert device(hass, entry, f"vehicle:{name}").via_device_id is None
        assert state(hass, f"{name}_state_of_charge").state == "50"


async def test_a_parent_that_appears_later_is_linked(hass: HomeAssistant, script: Script) -> None:
    child = car(parent="home")
    script.show(child)
    entry = await start(hass)
    assert device(hass, entry, "vehicle:car").via_device_id is None
    script.show(child, Device(id="home", kind=Kind.SITE, name="Home"))

    await poll(hass, entry)

    home = device(hass, entry, "site:home")
    assert device(hass, entry, "vehicle:car").via_device_id == home.id


async def test_a_parent_that_is_missing_for_a_poll_stays_linked(
    hass: HomeAssistant, script: Script
) -> None:
    child, home = car(parent="home"), Device(id="home", kind=Kind.SITE, name="Home")
    script.show(child, home)
    entry = await start(hass)
    script.show(child)

    await poll(hass, entry)

    assert device(hass, entry, "vehicle:car").via_device_id == device(hass, entry, "site:home").id


async def test_a_parent_that_comes_back_after_its_removal_is_linked_again(
    hass: HomeAssistant, script: Script
) -> None:
    child, home = car(parent="home"), Device(id="home", kind=Kind.SITE, name="Home")
    script.show(child, home)
    entry = await start(hass)
    script.show(child)
    script.listed = frozenset({Kind.SITE})
    for _ in range(3):
        await poll(hass, entry)
    assert registered(hass, entry, "site:home") is None
    script.show(child, home)

    await poll(hass, entry)

    assert device(hass, entry, "vehicle:car").via_device_id == device(hass, entry, "site:home").id


async def test_a_device_that_changed_its_parent_is_moved_or_let_go(
    hass: HomeAssistant, script: Script
) -> None:
    homes = [Device(id=name, kind=Kind.SITE, name=name) for name in ("x", "y")]
    script.show(car(parent="x"), *homes)
    entry = await start(hass)
    script.change("car", parent="y")
    await poll(hass, entry)
    assert device(hass, entry, "vehicle:car").via_device_id == device(hass, entry, "site:y").id
    script.change("car", parent=None)

    await poll(hass, entry)

    assert device(hass, entry, "vehicle:car").via_device_id is None


async def test_a_new_device_gets_its_entities_without_a_reload(
    hass: HomeAssistant, script: Script
) -> None:
    entry = await start(hass)
    coordinator = entry.runtime_data
    script.show(car(), car("second", flags={Flag.PLUGGED_IN: True}, tracked=True))

    await poll(hass, entry)

    assert state(hass, "second_state_of_charge").state == "50"
    assert state(hass, "second_plugged_in", "binary_sensor").state == "on"
    assert state(hass, "second_position", "device_tracker").state == "unknown"
    assert entry.runtime_data is coordinator


async def test_a_new_key_of_a_known_device_gets_its_entity(
    hass: HomeAssistant, script: Script
) -> None:
    entry = await start(hass)
    script.change("car", numbers={SOC: Reading(50), POWER: Reading(7000)})

    await poll(hass, entry)

    assert state(hass, "car_charge_power").state == "7000"


async def test_a_device_that_appears_while_others_are_being_added_is_not_lost(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await start(hass)
    await hass.config_entries.async_unload(entry.entry_id)
    monkeypatch.setattr(entity_module, "_ADDED", 1)
    script.show(car("a"), car("b"), car("c"))
    task = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
    while entity_id(hass, "a_state_of_charge") is None:  # noqa: ASYNC110 - nobody sets an event
        await asyncio.sleep(0)
    assert not task.done()
    script.show(*script.snapshot.devices.values(), car("late"))
    await entry.runtime_data.async_refresh()

    await task
    await hass.async_block_till_done(wait_background_tasks=True)

    assert state(hass, "late_state_of_charge").state == "50"
    assert state(hass, "c_state_of_charge").state == "50"


async def gone(hass: HomeAssistant, script: Script, entry: ConfigEntry) -> None:
    """Let three complete listings in a row not name the car."""
    script.show(car("other"))
    script.listed = VEHICLES
    for _ in range(3):
        await poll(hass, entry)


async def test_a_device_is_removed_after_three_complete_listings_without_it(
    hass: HomeAssistant, script: Script
) -> None:
    script.show(car(), car("other"))
    entry = await start(hass)
    script.show(car("other"))
    script.listed = VEHICLES
    await poll(hass, entry)
    await poll(hass, entry)
    assert state(hass, "car_state_of_charge").state == STATE_UNAVAILABLE
    assert registered(hass, entry, "vehicle:car")

    await poll(hass, entry)

    assert registered(hass, entry, "vehicle:car") is None
    assert entity_id(hass, "car_state_of_charge") is None
    assert state(hass, "other_state_of_charge").state == "50"


@pytest.mark.parametrize("trouble", ["error", "incomplete", "another kind"])
async def test_no_device_is_removed_for_what_no_complete_list_says(
    hass: HomeAssistant, script: Script, trouble: str
) -> None:
    script.show(car(), car("other"))
    entry = await start(hass)
    if trouble == "error":
        script.error = Unavailable(Reason.CANNOT_CONNECT)
    script.show(car("other"))
    script.listed = frozenset({Kind.METER}) if trouble == "another kind" else frozenset()

    for _ in range(5):
        await poll(hass, entry)

    assert registered(hass, entry, "vehicle:car")


async def test_a_device_that_was_away_before_home_assistant_started_is_removed_too(
    hass: HomeAssistant, script: Script
) -> None:
    script.show(car(), car("other"))
    entry = await start(hass)
    script.show(car("other"))
    await hass.config_entries.async_reload(entry.entry_id)
    assert registered(hass, entry, "vehicle:car")

    await gone(hass, script, entry)

    assert registered(hass, entry, "vehicle:car") is None


async def test_a_removed_device_comes_back_with_all_its_entities(
    hass: HomeAssistant, script: Script
) -> None:
    whole = car(numbers={SOC: Reading(50), POWER: Reading(1)}, detail=frozenset({POWER}))
    script.show(whole, car("other"))
    entry = await start(hass)
    await gone(hass, script, entry)
    assert entity_id(hass, "car_charge_power") is None
    script.show(whole, car("other"))

    await poll(hass, entry)

    assert device(hass, entry, "vehicle:car").name == "Car"
    assert state(hass, "car_state_of_charge").state == "50"
    found = entity_id(hass, "car_charge_power")
    assert found is not None
    entity = er.async_get(hass).async_get(found)
    assert entity is not None
    assert entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION


async def test_devices_of_other_integrations_on_the_entry_are_left_alone(
    hass: HomeAssistant, script: Script
) -> None:
    entry = await start(hass)
    registry = dr.async_get(hass)
    foreign = [
        registry.async_get_or_create(config_entry_id=entry.entry_id, identifiers={identifier})
        for identifier in (
            ("elsewhere", f"{KEY}_1:vehicle:x"),
            (DOMAIN, "another_account:vehicle:x"),
            (DOMAIN, f"{KEY}_1:spaceship:x"),
        )
    ]

    await gone(hass, script, entry)

    assert all(registry.async_get(one.id) for one in foreign)


# What a person deletes.


async def delete(hass: HomeAssistant, hass_ws_client: WebSocketGenerator, device_id: str) -> bool:
    assert await async_setup_component(hass, "config", {})
    client = await hass_ws_client(hass)
    await client.send_json_auto_id(
        {"type": "config/device_registry/remove_device", "device_id": device_id}
    )
    answer = await client.receive_json()
    if not answer["success"] and answer["error"]["code"] == "unknown_command":
        entry_id = dr.async_get(hass).async_get(device_id).config_entry_id  # type: ignore[union-attr] # it exists
        await client.send_json_auto_id(
            {
                "type": "config/device_registry/remove_config_entry",
                "device_id": device_id,
                "config_entry_id": entry_id,
            }
        )
        answer = await client.receive_json()
    await hass.async_block_till_done()
    assert answer["success"] or answer["error"]["code"] == "home_assistant_error"
    return bool(answer["success"])


async def test_a_device_that_the_account_reports_can_not_be_deleted(
    hass: HomeAssistant, script: Script, hass_ws_client: WebSocketGenerator
) -> None:
    entry = await start(hass)

    assert not await delete(hass, hass_ws_client, device(hass, entry, "vehicle:car").id)
    assert registered(hass, entry, "vehicle:car")


async def test_a_device_that_is_no_longer_reported_can_be_deleted_and_comes_back_whole(
    hass: HomeAssistant, script: Script, hass_ws_client: WebSocketGenerator
) -> None:
    script.show(car(), car("other"))
    entry = await start(hass)
    script.show(car("other"))
    await poll(hass, entry)

    assert await delete(hass, hass_ws_client, device(hass, entry, "vehicle:car").id)
    assert registered(hass, entry, "vehicle:car") is None

    script.show(car(), car("other"))
    await poll(hass, entry)

    assert device(hass, entry, "vehicle:car").name == "Car"
    assert state(hass, "car_state_of_charge").state == "50"


async def test_a_device_that_was_never_the_accounts_can_be_deleted(
    hass: HomeAssistant, script: Script, hass_ws_client: WebSocketGenerator
) -> None:
    entry = await start(hass)
    registry = dr.async_get(hass)
    foreign = registry.async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={(DOMAIN, "left:over")}
    )

    assert await delete(hass, hass_ws_client, foreign.id)


async def test_while_an_account_is_not_loaded_no_device_of_it_can_be_deleted(
    hass: HomeAssistant, script: Script, hass_ws_client: WebSocketGenerator
) -> None:
    entry = await start(hass)
    found = device(hass, entry, "vehicle:car")
    await hass.config_entries.async_unload(entry.entry_id)

    assert not await delete(hass, hass_ws_client, found.id)
