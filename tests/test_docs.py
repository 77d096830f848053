"""The examples in the documentation are what Home Assistant accepts, and do something."""

from pathlib import Path
import re
import shutil
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.automation.config import async_validate_config_item
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml
import pytest

from custom_components.energy_connect import services
from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.history import services as history_services
from simulator import Simulator
from simulator.enode.assets import asset_id
from tests.accounts import pass_time, set_up
from tests.examples import (
    BLUEPRINTS,
    ROOT,
    SOME_ID,
    device_id,
    entity,
    examples,
    messages,
    pages_with_examples,
    run,
)
from tests.test_automations import SUNNY

ACTIONS = ROOT / "docs" / "actions.md"
BLOCKS = [
    block
    for page in pages_with_examples()
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
]
CAR = asset_id("vehicle 0")
NAMES = {value for name, value in vars(services).items() if name.startswith("SERVICE_")} | {
    history_services.IMPORT,
    history_services.COVERAGE,
    history_services.EXPORT,
}


def used(node: Any) -> list[dict[str, Any]]:
    """Return the actions of this integration anywhere in an example."""
    if isinstance(node, list):
        return [action for item in node for action in used(item)]
    if not isinstance(node, dict):
        return []
    own = [node] if str(node.get("action", "")).startswith(f"{DOMAIN}.") else []
    return own + [action for item in node.values() for action in used(item)]


@pytest.mark.parametrize("example", BLOCKS, ids=lambda text: text.splitlines()[0])
async def test_home_assistant_accepts_the_example(
    recorder_mock: Recorder, hass: HomeAssistant, house: Path, example: str
) -> None:
    shutil.copytree(BLUEPRINTS, house / "blueprints")
    hass.config.config_dir = str(house)
    config: Any = parse_yaml(example)
    if "alias" not in config:
        (domain,) = config
        assert await async_setup_component(hass, domain, config)
        return
    assert await async_setup_component(hass, "automation", {})
    assert await async_setup_component(hass, DOMAIN, {})

    validated = await async_validate_config_item(hass, "example", config)

    assert validated is not None
    assert validated.validation_status == "ok", validated.validation_error
    for action in used(config):
        name = action["action"].partition(".")[2]
        schema = hass.services.async_services_for_domain(DOMAIN)[name].schema
        assert schema is not None
        # Templates stand for what they give.
        data = {
            key: "2026-03-03T00:00:00" if "{{" in str(value) else value
            for key, value in action["data"].items()
        }
        schema(data)


def test_every_action_has_a_chapter_with_an_example() -> None:
    assert (
        set(re.findall(r"^### energy_connect\.(\w+)$", ACTIONS.read_text(), re.MULTILINE)) == NAMES
    )
    assert {
        action["action"].partition(".")[2]
        for example in examples(ACTIONS).values()
        for action in used(parse_yaml(example))
    } >= NAMES


async def act(
    hass: HomeAssistant, house: Path, alias: str, names: dict[str, str], **variables: Any
) -> list[str]:
    """Run the actions of an example, without waiting for its trigger; return what was told."""
    automation = await run(hass, house, alias, names, ACTIONS.name)
    await hass.services.async_call(
        "automation", "trigger", {"entity_id": automation, **variables}, blocking=True
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    return messages(hass)


@pytest.mark.parametrize(
    ("alias", "told"),
    [
        ("Ask the car when it comes home", None),
        ("Tell on Monday what charging cost last week", r"[1-9] sessions,\s+\d+(\.\d+)?"),
        ("Charge while electricity is cheap", None),
    ],
)
async def test_an_example_with_a_car_runs(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    house: Path,
    caplog: pytest.LogCaptureFixture,
    alias: str,
    told: str | None,
) -> None:
    simulator.enode.knobs.action_seconds = 0.0
    freezer.move_to(SUNNY)
    await set_up(hass, simulator, "enode")

    simulator.journal.clear()

    said = await act(hass, house, alias, {SOME_ID: device_id(hass, CAR)})

    assert simulator.journal.count(provider="enode") > 0
    assert [bool(re.fullmatch(told or "", one.strip())) for one in said] == ([True] if told else [])
    assert "Error while executing automation" not in caplog.text


async def test_the_example_of_linking_gives_a_page(
    hass: HomeAssistant, simulator: Simulator, house: Path
) -> None:
    entry = await set_up(hass, simulator, "enode")
    hass.config.internal_url = "http://homeassistant.example:8123"

    (url,) = await act(
        hass, house, "Send a guest the page to link a car", {SOME_ID: entry.entry_id}
    )

    assert url.startswith("http://127.0.0.1:")


async def test_the_example_of_a_plan_tells_when(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory, house: Path
) -> None:
    charge = simulator.house.car_park.car(0).sessions(SUNNY, SUNNY.replace(day=10))[0]
    freezer.move_to(charge.start)
    await set_up(hass, simulator, "ev_energy", "ev_energy", "ev_energy_credentials")
    car = next(one for one in hass.states.async_entity_ids("event") if "hatch" in one)
    device = hass.data["entity_registry"].async_get(car).device_id
    assert device is not None

    (said,) = await act(
        hass, house, "Say in the evening when the car is going to charge", {SOME_ID: device}
    )

    assert re.fullmatch(r"Charging begins at \d\d:\d\d", said)


async def test_the_example_of_a_failed_command_tells_why(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory, house: Path
) -> None:
    simulator.enode.knobs.action_seconds = 0.0
    simulator.enode.knobs.actions = "fail"
    freezer.move_to(SUNNY)
    await set_up(hass, simulator, "enode")
    activity = entity(hass, "event", CAR, "activity")
    await run(
        hass,
        house,
        "Say when a command came to nothing",
        {"event.my_car_activity": activity},
        ACTIONS.name,
    )

    await hass.services.async_call(
        DOMAIN,
        "set_charging",
        {"device_id": device_id(hass, CAR), "action": "start"},
        blocking=True,
        return_response=True,
    )
    await hass.async_block_till_done(wait_background_tasks=True)

    assert messages(hass) == ["charging: no_response"]


@pytest.mark.parametrize(
    ("alias", "told"),
    [
        ("Keep yesterday's last reading of the water meter", r"\d+\.\d+ .+"),
        ("Read the week before last anew every Monday", r"\d+ hours were corrected"),
        ("Tell every month how much of the past is missing", r".+: \d+ of \d+ hours"),
        ("Keep everything in a file every night", r"[1-9]\d* hours"),
    ],
)
async def test_an_example_with_a_meter_runs(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    house: Path,
    alias: str,
    told: str,
) -> None:
    freezer.move_to(SUNNY)
    simulator.enectiva.knobs.generated_meters = 1
    entry = await set_up(hass, simulator, "enectiva")
    hass.config_entries.async_update_entry(entry, options={"history_depth": "month"})
    await hass.config_entries.async_reload(entry.entry_id)
    for _ in range(3):
        await pass_time(hass, freezer, 30)

    (said,) = await act(hass, house, alias, {SOME_ID: device_id(hass, "meter_20000")})

    assert re.fullmatch(told, said.strip())
