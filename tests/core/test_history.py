"""What an account's past is made of."""

from custom_components.energy_connect.core.history import Aspect, Form, Series
from custom_components.energy_connect.core.vocabulary import Quantity


def test_emissions_are_in_grams_whatever_the_quantity() -> None:
    energy = Series(device="car", quantity=Quantity.ENERGY_CHARGED, form=Form.INTERVALS)
    emissions = Series(
        device="car",
        quantity=Quantity.ENERGY_CHARGED,
        form=Form.INTERVALS,
        aspect=Aspect.EMISSIONS,
    )

    assert (energy.measured_in, emissions.measured_in) == ("kWh", "g")
    assert energy.key != emissions.key
