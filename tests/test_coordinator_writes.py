"""A poll writes what it changed, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, callback
import pytest

from custom_components.energy_connect import coordinator as coordinator_module
from custom_components.energy_connect.core.commands import Command, Order
from custom_components.energy_connect.core.errors import Reason, Unavailable
from custom_components.energy_connect.core.model import Reading, Snapshot
from custom_components.energy_connect.core.vocabulary import Action, Flag
from custom_components.energy_connect.sensor import NumberSensor
from simulator import Simulator
from tests.accounts import next_poll, set_up
from tests.controlled import ControlledScript
from tests.scripted import POWER, SOC, Script, Writes, car, entity_id, poll, start, state

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


async def test_a_poll_that_changed_nothing_writes_nothing(
    hass: HomeAssistant, script: Script, freezer: FrozenDateTimeFactory
) -> None:
    entry = await start(hass)
    writes = Writes(hass)
    script.snapshot = Snapshot({"car": car()})

    await next_poll(hass, freezer, entry)

    assert script.polls == 2
    assert writes.entities == []


async def test_a_poll_writes_only_the_entities_of_the_device_that_changed(
    hass: HomeAssistant, script: Script, freezer: FrozenDateTimeFactory
) -> None:
    script.show(car("a"), car("b", numbers={SOC: Reading(50), POWER: Reading(1)}))
    entry = await start(hass)
    writes = Writes(hass)
    script.change("b", numbers={SOC: Reading(51), POWER: Reading(1)})

    await next_poll(hass, freezer, entry)

    assert writes.entities == [entity_id(hass, "b_state_of_charge")]


async def test_only_entities_of_a_changed_device_are_asked(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.show(car("a"), car("b"))
    entry = await start(hass)
    asked: list[str] = []
    look = NumberSensor._take

    def spy(self: NumberSensor, device: Any) -> object:
        asked.append(device.id)
        return look(self, device)

    monkeypatch.setattr(NumberSensor, "_take", spy)
    script.change("b", numbers={SOC: Reading(51)})

    await poll(hass, entry)

    assert asked == ["b"]


async def test_a_time_of_measurement_that_went_on_is_no_new_value(
    hass: HomeAssistant, script: Script
) -> None:
    script.show(car(numbers={SOC: Reading(50, NOON)}))
    entry = await start(hass)
    writes = Writes(hass)
    script.show(car(numbers={SOC: Reading(50, NOON.replace(hour=13))}))

    await poll(hass, entry)

    assert writes.entities == []


async def test_while_an_account_stays_away_nothing_more_is_written(
    hass: HomeAssistant, script: Script, freezer: FrozenDateTimeFactory
) -> None:
    entry = await start(hass)
    script.error = Unavailable(Reason.CANNOT_CONNECT)
    for _ in range(5):
        await next_poll(hass, freezer, entry)
    assert state(hass, "car_state_of_charge").state == STATE_UNAVAILABLE
    writes = Writes(hass)

    await next_poll(hass, freezer, entry)

    assert writes.entities == []


async def test_what_changed_while_an_account_was_away_is_written_when_it_is_back(
    hass: HomeAssistant, script: Script, freezer: FrozenDateTimeFactory
) -> None:
    entry = await start(hass)
    script.error = Unavailable(Reason.CANNOT_CONNECT)
    for _ in range(5):
        await next_poll(hass, freezer, entry)
    script.error = None
    script.show(car(soc=77))

    await next_poll(hass, freezer, entry)

    assert state(hass, "car_state_of_charge").state == "77"


async def test_all_of_a_large_account_are_told_slice_by_slice(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coordinator_module, "SLICE", 4)
    names = [f"car{number}" for number in range(10)]
    script.show(*(car(name) for name in names))
    entry = await start(hass)
    script.show(*(car(name, soc=60) for name in names))

    await poll(hass, entry)

    assert {state(hass, f"{name}_state_of_charge").state for name in names} == {"60"}


async def test_a_change_during_the_walk_is_not_lost(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coordinator_module, "SLICE", 2)
    names = [f"car{number}" for number in range(6)]
    script.show(*(car(name) for name in names))
    entry = await start(hass)
    script.show(*(car(name, soc=60) for name in names))
    # The first slice is told at once, the others while the second poll is on its way.
    await entry.runtime_data.async_refresh()
    script.change("car0", numbers={SOC: Reading(61)})

    await poll(hass, entry)

    assert state(hass, "car0_state_of_charge").state == "61"
    assert state(hass, "car5_state_of_charge").state == "60"


async def test_an_entity_that_goes_during_the_walk_is_left_out(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coordinator_module, "SLICE", 1)
    entry = await start(hass)
    told: list[str] = []
    coordinator = entry.runtime_data

    @callback
    def first() -> None:
        told.append("first")
        leave()

    coordinator.async_add_listener(first, "other")
    leave = coordinator.async_add_listener(lambda: told.append("second"), "other")
    script.show(car(), car("other"))

    await poll(hass, entry)

    assert told == ["first"]


async def test_a_fault_of_one_listener_does_not_silence_the_others(
    hass: HomeAssistant, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await start(hass)
    told: list[str] = []

    @callback
    def faulty() -> None:
        raise ZeroDivisionError("sum of nothing")

    entry.runtime_data.async_add_listener(faulty, "car")
    entry.runtime_data.async_add_listener(lambda: told.append("second"), "car")
    script.show(car(soc=51))

    await poll(hass, entry)

    assert told == ["second"]
    assert "sum of nothing" in caplog.text


async def test_a_listener_without_a_device_hears_of_every_change(
    hass: HomeAssistant, script: Script
) -> None:
    entry = await start(hass)
    told: list[int] = []
    leave = entry.runtime_data.async_add_listener(lambda: told.append(1))
    script.show(car(soc=51))
    await poll(hass, entry)
    assert told == [1]

    await poll(hass, entry)
    assert told == [1]

    leave()
    script.show(car(soc=52))
    await poll(hass, entry)
    assert told == [1]


async def test_a_missing_device_is_unavailable_and_comes_back(
    hass: HomeAssistant, script: Script
) -> None:
    script.show(car("a", flags={Flag.ONLINE: True}), car("b"))
    entry = await start(hass)
    whole = script.snapshot
    script.show(car("b"))

    await poll(hass, entry)
    assert state(hass, "a_state_of_charge").state == STATE_UNAVAILABLE
    assert state(hass, "a_online", "binary_sensor").state == STATE_UNAVAILABLE
    assert state(hass, "b_state_of_charge").state == "50"

    script.snapshot = whole
    await poll(hass, entry)
    assert state(hass, "a_state_of_charge").state == "50"


async def test_an_account_without_devices_is_polled_all_the_same(
    hass: HomeAssistant, script: Script, freezer: FrozenDateTimeFactory
) -> None:
    script.show()
    entry = await start(hass)
    assert entry.state is ConfigEntryState.LOADED
    script.show(car())

    await next_poll(hass, freezer, entry)

    assert state(hass, "car_state_of_charge").state == "50"


async def test_a_kostal_poll_is_one_request(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    entry = await set_up(hass, simulator, "kostal")
    simulator.journal.clear()

    for _ in range(3):
        simulator.clock.advance(10)
        await next_poll(hass, freezer, entry)

    assert [request.path for request in simulator.journal.requests()] == [
        "/api/json/local/values/smart-meter"
    ] * 3


@pytest.mark.parametrize("provider", ["kostal", "enectiva"])
async def test_an_unchanged_answer_of_a_provider_writes_nothing(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory, provider: str
) -> None:
    simulator.clock.freeze()
    entry = await set_up(hass, simulator, provider)
    await next_poll(hass, freezer, entry)
    simulator.journal.clear()
    writes = Writes(hass)

    await next_poll(hass, freezer, entry)

    assert simulator.journal.count(provider=provider) > 0
    assert writes.entities == []


async def test_while_an_enectiva_token_is_valid_no_other_is_fetched(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    simulator.enectiva.knobs.token_lifetime = 3600.0
    entry = await set_up(hass, simulator, "enectiva")
    simulator.journal.clear()

    await next_poll(hass, freezer, entry)

    requests = simulator.journal.requests(provider="enectiva")
    assert requests
    assert [one.path for one in requests if one.method == "POST"] == []


def test_snapshots_compare_by_value() -> None:
    assert Snapshot({"car": car()}) == Snapshot({"car": replace(car())})


async def test_a_command_given_while_entities_are_told_silences_nobody(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    """An automation answers a state at once, in the middle of the round that wrote it."""
    entry = await start(hass)
    coordinator = entry.runtime_data
    given: list[Order] = []

    @callback
    def answer() -> None:
        if not given:
            given.append(controlled.orders.perform(Command("car", Action.CHARGING, True)))

    coordinator.async_add_listener(answer, "car")
    coordinator.async_add_listener(lambda: None, "car")
    controlled.change("car", numbers={SOC: Reading(51)})
    await poll(hass, entry)
    assert given
    assert state(hass, "car_charging", "switch").state == STATE_ON

    controlled.change("car", numbers={SOC: Reading(52)})
    await poll(hass, entry)

    assert state(hass, "car_state_of_charge").state == "52"


async def test_who_adds_entities_hears_of_what_is_offered_and_not_of_values(
    hass: HomeAssistant, script: Script
) -> None:
    script.show(car("a"), car("b"))
    entry = await start(hass)
    await poll(hass, entry)
    heard: list[str] = []
    entry.runtime_data.listen_to_devices(
        lambda devices, removed: heard.extend(device.id for device in devices)
    )

    script.change("a", numbers={SOC: Reading(51)})
    await poll(hass, entry)
    assert heard == []

    script.change("b", numbers={SOC: Reading(51), POWER: Reading(1)})
    await poll(hass, entry)
    assert heard == ["b"]
    assert state(hass, "b_charge_power").state == "1"


async def test_an_entity_takes_only_what_it_depends_on(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.show(car(numbers={SOC: Reading(50), POWER: Reading(1)}))
    entry = await start(hass)
    taken: list[str] = []
    take = NumberSensor._take

    def spy(self: NumberSensor, device: Any) -> object:
        taken.append(self.entity_description.key)
        return take(self, device)

    monkeypatch.setattr(NumberSensor, "_take", spy)

    script.change("car", numbers={SOC: Reading(51), POWER: Reading(1, NOON)})
    await poll(hass, entry)

    assert taken == [SOC[0]]
