"""All that each provider's demo account brings into Home Assistant, at one moment.

Breadth, not behaviour: a change here is to be looked at, then taken over with
`--snapshot-update`. A changed line in `unique_ids/` is another matter: it needs a migration.
"""

from datetime import UTC, datetime
from pathlib import Path

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from syrupy.assertion import SnapshotAssertion

from custom_components.energy_connect.providers import PROVIDERS
from simulator import Simulator
from tests.accounts import next_poll, set_up
from tests.test_config_flow import STEPS

EVENING = datetime(2026, 3, 3, 21, 5, tzinfo=UTC)
IDS = Path(__file__).parent / "unique_ids"
SHOWN = (
    "unit_of_measurement",
    "device_class",
    "state_class",
    "last_reset",
    "latitude",
    "longitude",
)
EACH = pytest.mark.parametrize("provider", PROVIDERS)


@pytest.fixture
async def entry(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory, provider: str
) -> ConfigEntry:
    """The demo account of a provider; some values need several polls."""
    freezer.move_to(EVENING)
    entry = await set_up(hass, simulator, provider, *STEPS[provider])
    for _ in range(3):
        await next_poll(hass, freezer, entry)
    assert simulator.failures == []
    return entry


@EACH
async def test_devices(
    hass: HomeAssistant, entry: ConfigEntry, snapshot: SnapshotAssertion, provider: str
) -> None:
    registry = dr.async_get(hass)
    devices = dr.async_entries_for_config_entry(registry, entry.entry_id)
    names = {device.id: device.name for device in devices}

    assert snapshot == sorted(
        " | ".join(
            [
                str(device.name),
                str(device.manufacturer),
                str(device.model),
                f"entry_type={device.entry_type}",
                f"sw={device.sw_version}",
                f"serial={device.serial_number is not None}",
                f"via={names.get(device.via_device_id or '')}",
            ]
        )
        for device in devices
    )


@EACH
async def test_entities(
    hass: HomeAssistant, entry: ConfigEntry, snapshot: SnapshotAssertion, provider: str
) -> None:
    lines = []
    for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        category = f" ({entity.entity_category})" if entity.entity_category else ""
        if entity.disabled:
            lines.append(f"{entity.entity_id}{category}: off by default")
            continue
        state = hass.states.get(entity.entity_id)
        assert state is not None
        more = " ".join(
            f"{key}={state.attributes[key]}" for key in SHOWN if state.attributes.get(key)
        )
        lines.append(f"{entity.entity_id}{category}: {state.state} {more}".rstrip())

    assert snapshot == sorted(lines)


@EACH
async def test_unique_ids_stay(hass: HomeAssistant, entry: ConfigEntry, provider: str) -> None:
    registry = er.async_get(hass)
    found = {
        f"{entity.domain} {entity.unique_id}"
        for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
    }
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    found |= {f"device {key}" for device in devices for _, key in device.identifiers}

    # A new entity is a new line. A line that goes or changes leaves people without their history.
    assert sorted(found) == (IDS / f"{provider}.txt").read_text().splitlines()


@EACH
async def test_every_enabled_entity_has_a_name_of_its_own(
    hass: HomeAssistant, entry: ConfigEntry, provider: str
) -> None:
    names: dict[tuple[str, str], list[str]] = {}
    for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        state = hass.states.get(entity.entity_id)
        if state is not None and entity.device_id is not None:
            key = (entity.device_id, str(state.attributes["friendly_name"]))
            names.setdefault(key, []).append(entity.entity_id)

    assert [same for same in names.values() if len(same) > 1] == []


@EACH
async def test_nobody_complains(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    provider: str,
) -> None:
    entry = await set_up(hass, simulator, provider, *STEPS[provider])
    for _ in range(3):
        await next_poll(hass, freezer, entry)

    assert [
        record.getMessage()
        for record in caplog.records
        if record.levelname in {"WARNING", "ERROR"}
        and record.name.startswith(("custom_components", "homeassistant"))
        and "has not been tested by Home Assistant" not in record.getMessage()
    ] == []
