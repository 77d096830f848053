"""The YAML examples of the documentation, led to the devices of a test."""

from collections.abc import Mapping
from pathlib import Path
import re
import shutil
from typing import Any

from homeassistant.components import persistent_notification
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml

from custom_components.energy_connect.const import DOMAIN

ROOT = Path(__file__).parents[1]
BLUEPRINTS = ROOT / "blueprints"
SOME_ID = "0123456789abcdef0123456789abcdef"
"""What stands in examples for the id of a device or an account."""


def examples(page: Path) -> dict[str, str]:
    """Return the examples of a page, by the alias that is their first line."""
    found = re.findall(r"```yaml\n(alias: ([^\n]+)\n.*?)```", page.read_text(), re.DOTALL)
    return {alias: text for text, alias in found}


def pages_with_examples() -> list[Path]:
    """Return the pages of the documentation in which there is YAML."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [page for page in pages if "```yaml" in page.read_text()]


async def run(
    hass: HomeAssistant, folder: Path, alias: str, names: Mapping[str, str], page: str
) -> str:
    """Set an example up with `names` in the place of its own; return the automation's entity.

    `folder` becomes the configuration folder, with the blueprints in it.
    """
    shutil.copytree(BLUEPRINTS, folder / "blueprints", dirs_exist_ok=True)
    hass.config.config_dir = str(folder)
    text = examples(ROOT / "docs" / page)[alias]
    for ours, theirs in names.items():
        assert ours in text, ours
        text = text.replace(ours, theirs)
    assert not re.search(r"\b\w+\.my_|0123456789abcdef", text), text
    config: Any = parse_yaml(text)
    assert await async_setup_component(hass, "persistent_notification", {})
    assert await async_setup_component(hass, "automation", {"automation": [config]})
    await hass.async_block_till_done()
    (automation,) = hass.states.async_all("automation")
    assert automation.state == "on", automation
    return automation.entity_id


def entity(hass: HomeAssistant, platform: str, device: str, key: str) -> str:
    """Return an entity of a device, switched on or not."""
    for found in er.async_get(hass).entities.values():
        if found.domain == platform and found.unique_id.endswith(f"_{device}_{key}"):
            return found.entity_id
    raise AssertionError((platform, device, key))


def device_id(hass: HomeAssistant, device: str) -> str:
    """Return the registry's id of a device."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        for found in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id):
            if any(one.endswith(f":{device}") for _, one in found.identifiers):
                return found.id
    raise AssertionError(device)


def state(hass: HomeAssistant, entity_id: str) -> str:
    """Return what an entity shows."""
    shown = hass.states.get(entity_id)
    assert shown is not None, entity_id
    return shown.state


def messages(hass: HomeAssistant) -> list[str]:
    """Return the notifications that a person sees."""
    return [
        item["message"]
        for item in persistent_notification._async_get_or_create_notifications(hass).values()
    ]
