"""What a browser shows is searched for keys and placeholders: what is found, and what may be there."""

import pytest

from scripts.end_to_end.words import leaks


@pytest.mark.parametrize(
    "text",
    [
        "component.energy_connect.config.step.user.title",
        "component.energy_connect.entity.sensor.state_of_charge.name",
        "config.step.user.title",
        "options.step.init.data.heat_unit",
        "entity.sensor.charge_power.name",
        "issues.unit_unknown.title",
        "{account}",
        "{manual_url}",
        "heat_unit",
        "state_of_charge",
        "[object Object]",
        "Translation error: MISSING_VALUE",
    ],
)
@pytest.mark.parametrize("around", ["{}", "Before {} after", "({})", "Is it {}?", "It is {}."])
def test_what_nobody_should_see_is_found(text: str, around: str) -> None:
    assert leaks(["Sensors", around.replace("{}", text), "Close"])


def test_a_placeholder_in_a_sentence_is_named_alone() -> None:
    assert leaks(["{account} is not reachable"]) == ["{account}"]


def test_each_is_named_once() -> None:
    assert leaks(["heat_unit", "cold_unit", "heat_unit"]) == ["heat_unit", "cold_unit"]


@pytest.mark.parametrize(
    "text",
    [
        "State of charge",
        "sensor.car_1_state_of_charge",
        "energy_connect:traxes_production_energy_import",
        "https://example.org/config/heat_unit",
        "energy_connect",
        "custom_components/energy_connect/translations",
        "KOSTAL Smart Energy Meter",
        "62.01 kWh",
        "ev.energy",
        "ksem-70000001.local",
        "configuration.yaml",
        # Somebody else's words: a name that the owner gave a device.
        "my_car",
    ],
)
def test_what_a_person_may_see_is_left_alone(text: str) -> None:
    assert leaks([text]) == []
