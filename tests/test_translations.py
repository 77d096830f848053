"""Every word that a person can meet exists, and no word is left over."""

import json
from pathlib import Path
import re
from typing import Any

import pytest
import yaml

from custom_components.energy_connect import binary_sensor, climate, sensor
from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.core.account import FieldKind, Provider
from custom_components.energy_connect.core.changes import Event
from custom_components.energy_connect.core.errors import Reason, Refusal
from custom_components.energy_connect.core.history import Aspect
from custom_components.energy_connect.core.model import AdviceKind
from custom_components.energy_connect.core.options import LEFT_OUT, POLL_INTERVAL, Fault
from custom_components.energy_connect.core.vocabulary import OPTIONS, Action, Choice, Kind, Quantity
from custom_components.energy_connect.history import (
    entity as history_entity,
    options as history_options,
    services as history_services,
)
from custom_components.energy_connect.history.tariffs import Carrier
from custom_components.energy_connect.providers import PROVIDERS

FOLDER = Path(__file__).parents[1] / "custom_components" / DOMAIN / "translations"
EN = json.loads((FOLDER / "en.json").read_text())
STEP_OF = {key: key for key in PROVIDERS} | {"ev_energy": "ev_energy_credentials"}

# What is said of actions that name the wrong things.
WRONG_USE = {
    "account_not_found",
    "account_not_loaded",
    "device_not_found",
    "file_name",
    "kind_not_linkable",
    "no_history",
    "no_target",
    "no_time",
    "no_url",
    "not_our_device",
    "not_supported",
    "period_reversed",
}
PLATFORM_OF = {
    Action.CHARGING: "switch",
    Action.MAX_CURRENT: "number",
    Action.OPERATION_MODE: "select",
    Action.CLIMATE: "climate",
    Action.SMART_CHARGING: "switch",
    Action.READY_BY: "time",
    Action.MINIMUM_CHARGE: "number",
    Action.CHARGE_LIMIT: "number",
    Action.CHARGE_NOW: "button",
    Action.END_CHARGE_NOW: "button",
    Action.REFRESH: "button",
    Action.LIMIT_FEED_IN: "number",
    Action.STOP_FEED_IN: "button",
}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words_in_the_wizard_and_in_the_log(reason: Reason) -> None:
    assert EN["config"]["error"][reason]
    assert EN["config"]["abort"][reason]
    assert EN["exceptions"][reason]["message"]


def test_no_words_for_reasons_that_do_not_exist() -> None:
    assert set(EN["config"]["error"]) == set(Reason)
    assert set(EN["options"]["error"]) == {*Reason, *Fault}
    assert set(EN["exceptions"]) - WRONG_USE == {*Reason, *Refusal}


def test_every_way_to_end_the_wizard_has_words() -> None:
    """Newer releases of Home Assistant have words of their own for most; older ones have none."""
    ours = {"already_configured", "wrong_account"}
    of_any_flow = {"already_in_progress", "reauth_successful", "reconfigure_successful"}
    of_a_sign_in = {
        "authorize_url_timeout",
        "missing_configuration",
        "missing_credentials",
        "no_url_available",
        "oauth_error",
        "oauth_failed",
        "oauth_implementation_unavailable",
        "oauth_timeout",
        "oauth_unauthorized",
        "user_rejected_authorize",
    }

    assert set(EN["config"]["abort"]) == {*Reason} | ours | of_any_flow | of_a_sign_in


def test_every_advice_is_an_issue() -> None:
    assert set(EN["issues"]) == set(AdviceKind)


def test_an_issue_either_explains_or_leads_through() -> None:
    fixable = {kind for kind, words in EN["issues"].items() if "fix_flow" in words}

    assert fixable == {
        AdviceKind.VENDOR_LOGIN_BROKEN,
        AdviceKind.VEHICLE_RECONNECT,
        AdviceKind.UNIT_UNKNOWN,
        AdviceKind.OWNER_LINK,
    }
    assert all(("description" in words) != ("fix_flow" in words) for words in EN["issues"].values())


def test_every_action_of_a_device_has_a_name_on_its_platform() -> None:
    named = {
        (platform, key) for platform in set(PLATFORM_OF.values()) for key in EN["entity"][platform]
    }

    assert named == {(platform, action.value) for action, platform in PLATFORM_OF.items()}


def test_options_of_controls_have_the_words_of_their_sensors() -> None:
    mode = EN["entity"]["select"]["operation_mode"]["state"]
    presets = EN["entity"]["climate"]["climate"]["state_attributes"]["preset_mode"]["state"]

    assert mode == EN["entity"]["sensor"][Choice.OPERATION_MODE]["state"]
    assert set(presets) == {climate.PRESET_HOLD, climate.PRESET_SCHEDULE}


def test_every_event_has_words() -> None:
    attributes = EN["entity"]["event"]["activity"]["state_attributes"]

    assert set(attributes["event_type"]["state"]) == set(Event)


def test_the_linking_dialog_has_words_for_every_reason() -> None:
    linking = EN["config_subentries"]["device"]

    assert set(linking["error"]) == {*Reason, Refusal.NO_PERMISSION, "nothing_chosen"}
    assert set(linking["abort"]) == {"linked", "link_refused", "no_url", "not_loaded"}
    assert set(EN["selector"]["kind"]["options"]) == set(Kind)


@pytest.mark.parametrize("refusal", Refusal)
def test_words_for_refusals_name_only_what_is_given(refusal: Refusal) -> None:
    words = EN["exceptions"][refusal]["message"]

    assert set(re.findall(r"{(\w+)}", words)) <= {
        "device",
        "detail",
        "minutes",
        "minimum",
        "maximum",
    }


def test_every_kind_of_device_has_a_name() -> None:
    assert set(EN["device"]) == set(Kind)


def test_sensors_are_exactly_the_vocabulary() -> None:
    plain = {*sensor.NUMBERS, *sensor.MOMENTS, *sensor.CHOICES}
    parted = {f"{quantity}_part" for quantity in Quantity}

    translated = set(EN["entity"]["sensor"]) - {history_entity.KEY}

    assert plain <= translated
    assert translated - plain <= parted
    assert set(EN["entity"]["binary_sensor"]) == set(binary_sensor.FLAGS)


def test_every_choice_has_words_for_every_option() -> None:
    for choice, options in OPTIONS.items():
        assert set(EN["entity"]["sensor"][choice]["state"]) == set(options)


def test_parts_are_named_and_others_are_not() -> None:
    for key, words in EN["entity"]["sensor"].items():
        assert ("{part}" in words["name"]) is key.endswith("_part"), key


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda one: one.key)
def test_every_field_is_explained_in_every_step_that_asks_for_it(provider: Provider) -> None:
    steps = EN["config"]["step"]
    fields = {field.key for field in provider.fields}
    secrets = {field.key for field in provider.fields if field.kind is FieldKind.SECRET}

    assert set(steps[STEP_OF[provider.key]]["data"]) == fields
    for step, asked in ((STEP_OF[provider.key], fields), ("reconfigure", fields)):
        assert asked <= set(steps[step]["data"])
        assert asked <= set(steps[step]["data_description"])
    assert secrets <= set(steps["reauth_confirm"]["data_description"])
    for option in provider.options:
        assert EN["options"]["step"]["init"]["data_description"][option.key]


def test_the_options_form_has_words_for_every_field_and_for_no_other() -> None:
    """Of all providers: the form shows those of one."""
    form = EN["options"]["step"]["init"]
    of_providers = {option.key for one in PROVIDERS.values() for option in one.options}
    fields = {POLL_INTERVAL, LEFT_OUT, history_options.CONF_DEPTH, *of_providers}

    assert set(form["data"]) == set(form["data_description"]) == fields


@pytest.mark.parametrize("fault", Fault)
def test_words_for_faults_of_options_name_only_what_is_given(fault: Fault) -> None:
    words = EN["options"]["error"][fault]

    assert set(re.findall(r"{(\w+)}", words)) <= {"values", "provider"}


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda one: one.key)
def test_a_discovered_device_is_asked_for_its_secrets_alone(provider: Provider) -> None:
    if provider.local is None:
        return
    secrets = {field.key for field in provider.fields if field.kind is FieldKind.SECRET}
    step = EN["config"]["step"]["discovery_confirm"]

    assert set(step["data"]) == set(step["data_description"]) == secrets
    assert set(re.findall(r"{(\w+)}", step["description"])) <= {"name", "host", *provider.links}


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda one: one.key)
def test_every_choice_of_a_form_is_translated(provider: Provider) -> None:
    for field in (*provider.fields, *provider.options):
        if field.kind is FieldKind.CHOICE:
            assert set(EN["selector"][field.key]["options"]) == set(field.choices)


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda one: one.key)
def test_every_placeholder_of_a_step_is_given(provider: Provider) -> None:
    words = EN["config"]["step"][STEP_OF[provider.key]]["description"]

    assert set(re.findall(r"{(\w+)}", words)) <= set(provider.links)


def test_the_menu_names_every_provider_in_its_order() -> None:
    menu = EN["config"]["step"]["user"]

    assert list(menu["menu_options"]) == list(PROVIDERS)
    assert set(menu["menu_option_descriptions"]) == set(PROVIDERS)


def texts(node: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(node, str):
        return [(path, node)]
    return [item for key, value in node.items() for item in texts(value, f"{path}.{key}")]


@pytest.mark.parametrize(("path", "text"), texts(EN), ids=lambda value: value[:60])
def test_texts_follow_the_rules_of_home_assistant(path: str, text: str) -> None:
    assert text == text.strip()
    assert not re.search(r"https?://|<[a-z]+>|'{", text)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9_-]*", key) for key in path.split(".")[1:])


def test_the_options_of_the_past_have_words() -> None:
    init = EN["options"]["step"]["init"]

    assert set(init["sections"]) == set(Carrier)
    assert set(EN["selector"]["history_depth"]["options"]) == set(history_options.DEPTHS)
    assert {"cost", *Aspect} == set(EN["selector"]["history"]["options"])


def test_every_action_about_the_past_has_words_for_every_field() -> None:
    fields = yaml.safe_load((FOLDER.parent / "services.yaml").read_text())

    for name in (history_services.IMPORT, history_services.COVERAGE, history_services.EXPORT):
        assert set(EN["services"][name]["fields"]) == set(fields[name]["fields"])
        assert all(words["description"] for words in EN["services"][name]["fields"].values())
