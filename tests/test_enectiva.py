"""An Enectiva customer in the house: meters that come and go, and providers in trouble."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest

from custom_components.energy_connect.const import DOMAIN
from simulator import Simulator, faults
from tests.accounts import next_poll, pass_time, set_up

HALF_A_DAY = 43_200


def meters(hass: HomeAssistant, entry: ConfigEntry) -> int:
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return sum(1 for device in devices for _, key in device.identifiers if ":meter:" in key)


async def half_a_day(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, entry: ConfigEntry
) -> None:
    """Pass the time after which the lists are read again."""
    await pass_time(hass, freezer, HALF_A_DAY)
    await next_poll(hass, freezer, entry)


async def test_a_new_meter_appears_with_its_values_and_without_a_reload(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    simulator.enectiva.knobs.generated_meters = 3
    entry = await set_up(hass, simulator, "enectiva")
    coordinator = entry.runtime_data
    assert meters(hass, entry) == 3
    before = set(hass.states.async_entity_ids())

    simulator.enectiva.knobs.generated_meters = 4
    await half_a_day(hass, freezer, entry)

    assert meters(hass, entry) == 4
    new = set(hass.states.async_entity_ids("sensor")) - before
    assert new
    assert any(hass.states.get(one).state not in {"unknown", "unavailable"} for one in new)  # type: ignore[union-attr] # just listed
    assert entry.runtime_data is coordinator


async def test_a_meter_that_is_gone_is_removed_after_three_lists(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    simulator.enectiva.knobs.generated_meters = 4
    entry = await set_up(hass, simulator, "enectiva")
    simulator.enectiva.knobs.generated_meters = 3

    await half_a_day(hass, freezer, entry)
    await half_a_day(hass, freezer, entry)
    assert meters(hass, entry) == 4
    await half_a_day(hass, freezer, entry)
    await half_a_day(hass, freezer, entry)

    assert meters(hass, entry) == 3


@pytest.mark.parametrize(
    "trouble",
    [faults.Status(status=403), faults.Truncated(), faults.Shape(payload={"data": []})],
    ids=["refused", "half", "empty once"],
)
async def test_a_list_in_trouble_removes_no_meter(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    trouble: faults.Action,
) -> None:
    simulator.enectiva.knobs.generated_meters = 3
    entry = await set_up(hass, simulator, "enectiva")
    times = 1 if isinstance(trouble, faults.Shape) else None
    simulator.faults.add(trouble, provider="enectiva", path="/meters", times=times)

    for _ in range(5):
        await half_a_day(hass, freezer, entry)

    assert meters(hass, entry) == 3


async def test_a_deleted_login_token_asks_once_for_a_sign_in(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    entry = await set_up(hass, simulator, "enectiva")
    simulator.enectiva.tokens.demo.revoked = True

    for _ in range(3):
        await next_poll(hass, freezer, entry)

    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == SOURCE_REAUTH

    fresh = simulator.enectiva.tokens.create().text
    result = await hass.config_entries.flow.async_configure(flow["flow_id"], {"login_token": fresh})
    await hass.async_block_till_done()

    assert result["reason"] == "reauth_successful"
    assert entry.runtime_data.last_update_success
