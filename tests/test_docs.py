"""The examples in the documentation are automations that Home Assistant accepts."""

from pathlib import Path
import re
from typing import Any

from homeassistant.components.automation.config import async_validate_config_item
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml
import pytest

from custom_components.energy_connect import services
from custom_components.energy_connect.const import DOMAIN

PAGE = (Path(__file__).parents[1] / "docs" / "actions.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def used(node: Any) -> list[dict[str, Any]]:
    """Return the actions of this integration anywhere in an example."""
    if isinstance(node, list):
        return [action for item in node for action in used(item)]
    if not isinstance(node, dict):
        return []
    own = [node] if str(node.get("action", "")).startswith(f"{DOMAIN}.") else []
    return own + [action for item in node.values() for action in used(item)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.splitlines()[0])
async def test_home_assistant_accepts_the_example(hass: HomeAssistant, example: str) -> None:
    assert await async_setup_component(hass, "automation", {})
    assert await async_setup_component(hass, DOMAIN, {})
    config: Any = parse_yaml(example)

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
    names = {value for name, value in vars(services).items() if name.startswith("SERVICE_")}

    assert set(re.findall(r"^### energy_connect\.(\w+)$", PAGE, re.MULTILINE)) == names
    assert names <= {
        action["action"].partition(".")[2]
        for example in EXAMPLES
        for action in used(parse_yaml(example))
    }
