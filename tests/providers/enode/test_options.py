"""What a person may choose about an Enode account: the interval, the currency of costs."""

from datetime import timedelta

import pytest

from custom_components.energy_connect.core.options import Fault, Problem
from custom_components.energy_connect.core.vocabulary import Kind
from custom_components.energy_connect.providers.enode import PROVIDER
from simulator.faults import Status

from .conftest import Home


@pytest.mark.parametrize(
    ("options", "seconds"),
    [({}, 300), ({"poll_interval": 60}, 60), ({"poll_interval": 1800}, 1800)],
)
async def test_the_lists_are_read_as_often_as_was_chosen(
    home: Home, options: dict[str, int], seconds: int
) -> None:
    account = home.account(options=options)
    assert (await account.poll()).again == timedelta(seconds=seconds)
    home.asked()

    home.advance(seconds)
    await account.poll()

    assert home.asked().count("vehicles") == 1


async def test_a_list_in_trouble_is_shown_for_three_intervals(home: Home) -> None:
    account = home.account(options={"poll_interval": 3600})
    await account.poll()
    home.fail(Status(status=500), "vehicles")

    kinds = []
    for _ in range(4):
        home.advance(3600)
        poll = await account.poll()
        kinds.append(any(one.kind is Kind.VEHICLE for one in poll.snapshot.devices.values()))

    assert kinds == [True, True, True, False]


@pytest.mark.parametrize("entered", ["EUR", " nok ", "", None])
async def test_a_currency_of_three_letters_is_good(home: Home, entered: str | None) -> None:
    assert PROVIDER.try_options is not None
    context = home.context(options={"cost_currency": entered})

    assert await PROVIDER.try_options(context, {}) == {}


async def test_what_is_no_currency_is_told_and_nothing_asked(home: Home) -> None:
    assert PROVIDER.try_options is not None
    context = home.context(options={"cost_currency": "Euro"})

    assert await PROVIDER.try_options(context, {}) == {
        "cost_currency": Problem(fault=Fault.CURRENCY_MALFORMED, values=("Euro",))
    }
    assert home.asked() == []
