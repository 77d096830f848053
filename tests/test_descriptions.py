"""Every word of the vocabulary is described, and legally so to Home Assistant."""

from homeassistant.components.sensor import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS,
    SensorStateClass,
)
from homeassistant.const import (
    PERCENTAGE,
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    UnitOfApparentPower,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfFrequency,
    UnitOfInformation,
    UnitOfLength,
    UnitOfMass,
    UnitOfPower,
    UnitOfReactiveEnergy,
    UnitOfReactivePower,
    UnitOfTemperature,
    UnitOfTime,
    UnitOfVolume,
)
import pytest

from custom_components.energy_connect.binary_sensor import FLAGS
from custom_components.energy_connect.core.vocabulary import (
    COUNTERS,
    FLEETING,
    OPTIONS,
    Choice,
    Flag,
    Moment,
    Quantity,
)
from custom_components.energy_connect.sensor import CHOICES, MOMENTS, NUMBERS

EACH = pytest.mark.parametrize("quantity", Quantity)

KNOWN_UNITS = {
    PERCENTAGE,
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    *UnitOfApparentPower,
    *UnitOfElectricCurrent,
    *UnitOfElectricPotential,
    *UnitOfEnergy,
    *UnitOfFrequency,
    *UnitOfInformation,
    *UnitOfLength,
    *UnitOfMass,
    *UnitOfPower,
    *UnitOfReactiveEnergy,
    *UnitOfReactivePower,
    *UnitOfTemperature,
    *UnitOfTime,
    *UnitOfVolume,
}
# Home Assistant has no unit of these kinds.
OURS = {Quantity.APPARENT_ENERGY_IMPORT: "kVAh", Quantity.APPARENT_ENERGY_EXPORT: "kVAh"}
OURS |= {Quantity.CARBON_INTENSITY: "gCO₂/kWh"}


def test_every_word_is_described() -> None:
    assert set(NUMBERS) == set(Quantity)
    assert set(MOMENTS) == set(Moment)
    assert set(CHOICES) == set(Choice)
    assert set(FLAGS) == set(Flag)


@EACH
def test_a_canonical_unit_is_spelled_as_home_assistant_spells_it(quantity: Quantity) -> None:
    assert quantity.unit in {None, *KNOWN_UNITS} or quantity.unit == OURS[quantity]


@EACH
def test_the_first_device_class_knows_the_canonical_unit(quantity: Quantity) -> None:
    classes = NUMBERS[quantity].classes
    if quantity.unit is not None and classes:
        assert quantity.unit in DEVICE_CLASS_UNITS[classes[0]]


@EACH
def test_the_state_class_is_allowed_for_every_device_class(quantity: Quantity) -> None:
    description = NUMBERS[quantity]
    if description.state_class is not None:
        for device_class in description.classes:
            assert description.state_class in DEVICE_CLASS_STATE_CLASSES[device_class]


@EACH
def test_counters_and_only_they_always_rise(quantity: Quantity) -> None:
    rises = NUMBERS[quantity].state_class is SensorStateClass.TOTAL_INCREASING

    assert rises is (quantity in COUNTERS)


@EACH
def test_what_is_over_has_no_statistics(quantity: Quantity) -> None:
    over = "last_month" in quantity or "last_session" in quantity
    if over:
        assert NUMBERS[quantity].state_class is None


@pytest.mark.parametrize("quantity", sorted(FLEETING))
def test_power_is_a_measurement(quantity: Quantity) -> None:
    assert NUMBERS[quantity].state_class is SensorStateClass.MEASUREMENT


@pytest.mark.parametrize("choice", Choice)
def test_a_choice_offers_its_words(choice: Choice) -> None:
    assert CHOICES[choice].options == [word.value for word in OPTIONS[choice]]
