"""The command line of `scripts/faults` names what the catalogue has."""

from custom_components.energy_connect.providers import PROVIDERS as REGISTERED
from scripts.fault_matrix import names
from scripts.fault_matrix.catalogue import FAULTS, WITHOUT
from scripts.fault_matrix.expectations import expected


def test_the_names_are_those_of_the_catalogue_and_of_the_registry() -> None:
    assert tuple(FAULTS) == names.NAMES
    assert tuple(REGISTERED) == names.PROVIDERS


def test_each_case_has_an_outcome_that_is_promised() -> None:
    for provider in names.PROVIDERS:
        for fault in names.NAMES:
            if fault in WITHOUT.get(provider, ()):
                continue
            assert all(expected(provider, fault, moment) for moment in names.MOMENTS)
