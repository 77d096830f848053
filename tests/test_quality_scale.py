"""The promises of `quality_scale.yaml`, held against the code and the documentation."""

import ast
from collections.abc import Iterator
from importlib import import_module
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.const import EntityCategory
import pytest
import yaml

from custom_components.energy_connect import binary_sensor, sensor
from custom_components.energy_connect.const import DOMAIN, PLATFORMS
from custom_components.energy_connect.core.vocabulary import Flag
from custom_components.energy_connect.providers import PROVIDERS
from scripts import check_coverage

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "custom_components" / DOMAIN
EN = json.loads((HOUSE / "translations/en.json").read_text())
ICONS = json.loads((HOUSE / "icons.json").read_text())
MANIFEST = json.loads((HOUSE / "manifest.json").read_text())
SERVICES = yaml.safe_load((HOUSE / "services.yaml").read_text())
RULES: dict[str, Any] = yaml.safe_load((HOUSE / "quality_scale.yaml").read_text())["rules"]

TIERS = {
    "bronze": """action-setup appropriate-polling brands common-modules config-flow
        config-flow-test-coverage dependency-transparency docs-actions docs-conditions
        docs-high-level-description docs-installation-instructions docs-removal-instructions
        docs-triggers entity-event-setup entity-unique-id has-entity-name runtime-data
        test-before-configure test-before-setup unique-config-entry""",
    "silver": """action-exceptions config-entry-unloading docs-configuration-parameters
        docs-installation-parameters entity-unavailable integration-owner log-when-unavailable
        parallel-updates reauthentication-flow test-coverage""",
    "gold": """devices diagnostics discovery discovery-update-info docs-data-update docs-examples
        docs-known-limitations docs-supported-devices docs-supported-functions
        docs-troubleshooting docs-use-cases dynamic-devices entity-category entity-device-class
        entity-disabled-by-default entity-translations exception-translations icon-translations
        reconfiguration-flow repair-issues stale-devices""",
    "platinum": "async-dependency inject-websession strict-typing",
}
ALL = {name for names in TIERS.values() for name in names.split()}
EXEMPT = {"docs-conditions", "docs-triggers"}

# Every page of a provider has the same chapters; where a rule is met there or in a page of its own.
PAGES = tuple(f"docs/{key.replace('_', '-')}.md" for key in PROVIDERS)
CHAPTERS = {
    "docs-use-cases": (PAGES, "Use cases"),
    "docs-supported-devices": (PAGES, "Supported devices"),
    "docs-installation-parameters": (PAGES, "Fields"),
    "docs-configuration-parameters": (PAGES, "Options"),
    "docs-supported-functions": (PAGES, "Devices and entities"),
    "docs-data-update": (PAGES, "Data update"),
    "docs-examples": (PAGES, "Examples"),
    "docs-known-limitations": (PAGES, "Known limitations"),
    "docs-troubleshooting": ((*PAGES, "docs/troubleshooting.md"), "Troubleshooting"),
    "docs-removal-instructions": ((*PAGES, "docs/removal.md"), "Removal"),
    "docs-installation-instructions": (("README.md",), "Installation"),
    "docs-high-level-description": (("README.md",), "Providers"),
    "docs-actions": (("docs/actions.md",), "The actions"),
}

TREES = {path: ast.parse(path.read_text()) for path in sorted(HOUSE.rglob("*.py"))}
OUTSIDE = {
    path: tree
    for path, tree in TREES.items()
    if not path.is_relative_to(HOUSE / "core") and not path.is_relative_to(HOUSE / "providers")
}
PLATFORM_TREES = {platform.value: TREES[HOUSE / f"{platform.value}.py"] for platform in PLATFORMS}
CODE = {path: path.read_text() for path in TREES}
HOME_ASSISTANT_ERRORS = {
    "ConfigEntryAuthFailed",
    "ConfigEntryError",
    "ConfigEntryNotReady",
    "HomeAssistantError",
    "ServiceValidationError",
    "UpdateFailed",
}


def functions(tree: ast.AST) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    return {
        node.name: node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name, node


def called(tree: ast.AST) -> set[str]:
    return {name for name, _ in calls(tree)}


def assigned(tree: ast.AST) -> Iterator[str]:
    """Yield every name and attribute that is given a value."""
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            match target:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name


def module(name: str) -> ast.Module:
    return TREES[HOUSE / name]


def test_all_rules_are_named_and_no_other() -> None:
    assert len(ALL) == 54
    assert set(RULES) == ALL


def test_every_rule_is_met_or_says_why_not() -> None:
    for name, promise in RULES.items():
        if name in EXEMPT:
            assert promise["status"] == "exempt"
            assert re.fullmatch(r"[A-Z].{20,}\.", promise["comment"])
        else:
            assert promise == "done", name


def test_it_has_no_triggers_and_conditions() -> None:
    """Why two rules are exempt."""
    assert not [name for name in ("trigger", "condition") if (HOUSE / f"{name}.py").exists()]
    assert not {"triggers", "conditions", "device_automation"} & set(EN)


# Bronze.


def test_actions_are_registered_in_the_integrations_setup() -> None:
    setup = functions(module("__init__.py"))["async_setup"]
    registering = {"register_services", "register_history_services"}
    everywhere = {name for tree in TREES.values() for name in functions(tree)}

    assert registering <= called(setup)
    assert registering <= everywhere
    for path, tree in TREES.items():
        if "async_register" in called(tree) and "services" in CODE[path]:
            assert path.name == "services.py", path
    assert set(SERVICES) == set(EN["services"])


def test_polling_is_the_accounts_own() -> None:
    """An account says when it wants to be asked again; no platform polls."""
    assert "update_interval" in set(assigned(module("coordinator.py")))
    for tree in PLATFORM_TREES.values():
        assert not {"SCAN_INTERVAL", "async_update"} & {*assigned(tree), *functions(tree)}


def test_the_common_modules_have_their_names() -> None:
    assert "DataUpdateCoordinator" in CODE[HOUSE / "coordinator.py"]
    assert "CoordinatorEntity" in CODE[HOUSE / "entity.py"]
    assert (HOUSE / "brand/icon.png").is_file()


def test_it_is_set_up_in_the_browser_alone() -> None:
    assert MANIFEST["config_flow"] is True
    assert "config_entry_only_config_schema" in called(module("__init__.py"))


def steps(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every form and section of any flow that has fields."""
    if isinstance(node, dict):
        if isinstance(node.get("data"), dict):
            yield path, node
        for key, value in node.items():
            yield from steps(value, f"{path}.{key}")


FORMS = dict(steps({key: EN[key] for key in ("config", "options", "config_subentries", "issues")}))


def test_forms_of_every_flow_are_found() -> None:
    assert len(FORMS) > 10
    assert any(".sections." in path for path in FORMS)
    assert any(path.startswith(".issues") for path in FORMS)


@pytest.mark.parametrize("path", FORMS)
def test_every_field_of_every_form_is_explained(path: str) -> None:
    form = FORMS[path]

    assert set(form["data_description"]) == set(form["data"])
    assert all(len(words) > 15 for words in form["data_description"].values())


def test_every_step_of_a_flow_has_words() -> None:
    known = {
        *EN["config"]["step"],
        *EN["options"]["step"],
        *(
            step
            for words in EN["issues"].values()
            for step in words.get("fix_flow", {}).get("step", {})
        ),
        *(step for words in EN["config_subentries"].values() for step in words["step"]),
    }
    shown = {
        keyword.value.value
        for tree in OUTSIDE.values()
        for name, call in calls(tree)
        if name in {"async_show_form", "async_show_menu"}
        for keyword in call.keywords
        if keyword.arg == "step_id" and isinstance(keyword.value, ast.Constant)
    }

    assert shown
    assert shown <= known


def test_nothing_is_required_that_home_assistant_does_not_have() -> None:
    assert MANIFEST["requirements"] == []


def test_entities_have_unique_ids_and_names_of_their_own() -> None:
    for path in ("entity.py", "history/entity.py"):
        names = set(assigned(module(path)))
        assert {"_attr_unique_id", "_attr_has_entity_name", "_attr_device_info"} <= names
        assert "_attr_has_entity_name = True" in CODE[HOUSE / path]
    for name, tree in PLATFORM_TREES.items():
        entities = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef) and not node.name.endswith("Description")
        ]
        assert entities, name
        for entity in entities:
            bases = {ast.unparse(base).partition("[")[0] for base in entity.bases}
            assert bases & {"EnergyEntity", "ControlEntity"}, (name, entity.name)


def test_nobody_sets_an_entity_id_an_icon_or_a_name() -> None:
    forbidden = {"entity_id", "_attr_icon", "icon", "_attr_entity_picture"}
    for path, tree in OUTSIDE.items():
        of_entities = {
            target.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Attribute)
        }
        in_classes = {
            name
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
            for name in assigned(node)
            if name.startswith("_attr_")
        }
        assert not forbidden & (of_entities | in_classes), path
        # None is the device's own name.
        assert re.findall(r"_attr_name\b.*= (.*)", CODE[path]) in ([], ["None"]), path


def test_entities_listen_as_long_as_they_are_there() -> None:
    for path, tree in OUTSIDE.items():
        for name, function in functions(tree).items():
            if name == "__init__":
                assert not {"async_on_remove", "async_add_listener"} & called(function), path


def test_what_lives_is_kept_in_the_entry() -> None:
    assert "entry.runtime_data = coordinator" in CODE[HOUSE / "__init__.py"]
    assert re.search(
        r"^type EnergyConfigEntry = ConfigEntry\[", CODE[HOUSE / "coordinator.py"], re.MULTILINE
    )
    for path in OUTSIDE:
        # What belongs to no entry: pages that are waited for.
        assert "hass.data[" not in CODE[path] or path.name == "linking.py", path


def test_setup_and_wizard_try_before_they_keep() -> None:
    setup = functions(module("__init__.py"))["async_setup_entry"]

    assert "async_config_entry_first_refresh" in called(setup)
    assert {"identify", "_abort_if_unique_id_configured"} <= called(module("config_flow.py"))


# Silver.


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: path.name)
def test_every_error_that_a_person_meets_is_translated(path: Path) -> None:
    raised = [node.exc for node in ast.walk(OUTSIDE[path]) if isinstance(node, ast.Raise)]

    # A class alone, or words in the code, are English to everybody.
    assert not [
        ast.unparse(one)
        for one in raised
        if isinstance(one, ast.Name) and one.id in HOME_ASSISTANT_ERRORS
    ]
    for name, call in calls(OUTSIDE[path]):
        if name in HOME_ASSISTANT_ERRORS:
            assert not call.args, ast.unparse(call)
            assert {"translation_domain", "translation_key"} <= {one.arg for one in call.keywords}


def test_keys_of_errors_exist() -> None:
    named = {
        keyword.value.value
        for tree in OUTSIDE.values()
        for name, call in calls(tree)
        if name in HOME_ASSISTANT_ERRORS
        for keyword in call.keywords
        if keyword.arg == "translation_key" and isinstance(keyword.value, ast.Constant)
    }

    assert named
    assert named <= set(EN["exceptions"])


def test_an_entry_can_be_unloaded_and_owned() -> None:
    assert "async_unload_platforms" in called(
        functions(module("__init__.py"))["async_unload_entry"]
    )
    assert MANIFEST["codeowners"]
    assert all(owner.startswith("@") for owner in MANIFEST["codeowners"])


@pytest.mark.parametrize("platform", PLATFORM_TREES)
def test_every_platform_says_how_many_updates_run_at_once(platform: str) -> None:
    assert import_module(f"custom_components.{DOMAIN}.{platform}").PARALLEL_UPDATES == 0


def test_every_platform_is_a_module_and_every_module_a_platform() -> None:
    found = {
        path.stem
        for path, tree in OUTSIDE.items()
        if path.parent == HOUSE
        and path.stem != "__init__"
        and "async_setup_entry" in functions(tree)
    }

    assert found == set(PLATFORM_TREES)


def test_credentials_and_connections_can_be_replaced() -> None:
    flow = set(functions(module("config_flow.py")))

    assert {"async_step_reauth", "async_step_reauth_confirm", "async_step_reconfigure"} <= flow
    assert {"reauth_confirm", "reconfigure"} <= set(EN["config"]["step"])


def test_coverage_is_held_where_the_rules_ask_for_it() -> None:
    everything = [rule for rule in check_coverage.RULES if rule.wanted >= 95]
    whole = [rule for rule in everything if rule.wanted == 100]

    for path in TREES:
        name = str(path.relative_to(ROOT))
        assert any(check_coverage.applies(rule, name) for rule in everything if rule.each), name
    for name in ("config_flow.py", "options_flow.py", "discovery.py"):
        assert any(
            check_coverage.applies(rule, f"custom_components/{DOMAIN}/{name}") for rule in whole
        )
    assert "check_coverage.py" in (ROOT / "scripts/test").read_text()


# Gold.


def test_devices_are_described() -> None:
    (registering,) = [
        call for name, call in calls(module("devices.py")) if name == "async_get_or_create"
    ]

    assert {keyword.arg for keyword in registering.keywords} >= {
        "identifiers",
        "connections",
        "entry_type",
        "manufacturer",
        "model",
        "serial_number",
        "sw_version",
        "hw_version",
        "configuration_url",
        "via_device_id",
        "name",
        "translation_key",
    }


def test_diagnostics_are_there_for_entries_and_devices() -> None:
    assert {"async_get_config_entry_diagnostics", "async_get_device_diagnostics"} <= set(
        functions(module("diagnostics.py"))
    )
    assert "async_register" in functions(module("system_health.py"))


def test_meters_are_discovered_and_followed() -> None:
    assert {"registered_devices": True} in MANIFEST["dhcp"]
    assert any("macaddress" in one for one in MANIFEST["dhcp"])
    assert "async_step_dhcp" in functions(module("config_flow.py"))


def test_devices_come_and_go_by_themselves() -> None:
    assert "listen_to_devices" in called(module("entity.py"))
    assert "async_remove_device" in called(module("devices.py"))
    assert "async_remove_config_entry_device" in functions(module("__init__.py"))


def test_entities_have_categories_and_classes_where_they_fit() -> None:
    described = [*sensor.NUMBERS.values(), *sensor.MOMENTS.values(), *sensor.CHOICES.values()]
    diagnostic = [one for one in described if one.entity_category is EntityCategory.DIAGNOSTIC]
    with_class = [
        one for one in described if one.device_class is not None or getattr(one, "classes", ())
    ]

    assert len(diagnostic) >= 10
    # The others are of kinds for which Home Assistant has no class: apparent energy, prices.
    assert len(with_class) / len(described) > 0.75
    assert set(binary_sensor.FLAGS) == set(Flag)
    assert "_attr_entity_registry_enabled_default" in set(assigned(module("sensor.py")))
    assert "_attr_entity_registry_enabled_default" in set(assigned(module("control.py")))


def test_entities_are_named_and_pictured_by_their_key() -> None:
    for platform, icons in ICONS["entity"].items():
        assert set(icons) <= set(EN["entity"][platform]), platform
    for platform in PLATFORM_TREES:
        assert EN["entity"][platform], platform
        assert all(words["name"] for words in EN["entity"][platform].values())
    assert set(ICONS["services"]) == set(SERVICES)


def icons(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    else:
        for value in node.values():
            yield from icons(value)


def test_icons_are_of_home_assistants_own() -> None:
    assert all(re.fullmatch(r"mdi:[a-z0-9-]+", icon) for icon in icons(ICONS))


def test_repairs_lead_to_something_to_do() -> None:
    assert "async_create_fix_flow" in functions(module("repairs.py"))
    for kind, words in EN["issues"].items():
        assert "fix_flow" in words or len(words["description"]) > 80, kind


# Platinum.


def test_nothing_blocks_and_the_session_is_home_assistants() -> None:
    assert "async_get_clientsession" in called(module("context.py"))
    for path, tree in TREES.items():
        imported = {
            name.name.partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for name in node.names
        }
        assert not imported & {"requests", "urllib3", "httpx", "socket"}, path
        assert "ClientSession" not in called(tree), path


def test_everything_is_typed() -> None:
    settings = (ROOT / "setup.cfg").read_text()

    assert re.search(r"^strict = true$", settings, re.MULTILINE)
    assert (
        "mypy --strict" in (ROOT / "scripts/test").read_text()
        or '"$bin/mypy" --strict' in (ROOT / "scripts/test").read_text()
    )
    for path, tree in OUTSIDE.items():
        for function in functions(tree).values():
            for argument in (*function.args.posonlyargs, *function.args.args):
                if argument.arg == "entry" and argument.annotation is not None:
                    assert ast.unparse(argument.annotation) != "ConfigEntry", (path, function.name)


# Documentation.


def test_every_rule_of_the_documentation_has_its_place() -> None:
    assert {name for name in ALL if name.startswith("docs-")} - EXEMPT == set(CHAPTERS)


@pytest.mark.parametrize("rule", CHAPTERS)
def test_the_documentation_has_the_chapters_that_the_rules_ask_for(rule: str) -> None:
    pages, wanted = CHAPTERS[rule]
    for page in pages:
        text = (ROOT / page).read_text()
        headings = re.findall(r"^(#+) (.+)$", text, re.MULTILINE)
        assert wanted in [words for _, words in headings], page
        # A heading with nothing below it is none.
        body = re.split(rf"^#+ {re.escape(wanted)}$", text, flags=re.MULTILINE)[1]
        assert len(re.sub(r"^#.*$", "", body, flags=re.MULTILINE).strip()) > 60, page


def test_every_action_is_documented_with_its_fields() -> None:
    chapters = re.split(r"^### ", (ROOT / "docs/actions.md").read_text(), flags=re.MULTILINE)
    for name, action in SERVICES.items():
        (chapter,) = [one for one in chapters if one.startswith(f"{DOMAIN}.{name}\n")]
        for field in (action or {}).get("fields", {}):
            assert re.search(rf"\b{field}\b", chapter), (name, field)
