"""How often an ev.energy account is polled, when a person chooses."""

from dataclasses import replace
from datetime import timedelta

import pytest

from custom_components.energy_connect.core.vocabulary import Flag
from custom_components.energy_connect.providers.ev_energy.account import EvEnergyAccount
from simulator.faults import Shape

from .conftest import Driveway


@pytest.mark.parametrize(
    ("chosen", "busy", "idle"), [(60, 60, 300), (120, 120, 300), (900, 900, 900)]
)
async def test_idle_polls_are_never_more_frequent_than_was_chosen(
    quiet: Driveway, chosen: int, busy: int, idle: int
) -> None:
    context = replace(quiet.entered(), options={"poll_interval": chosen})
    account = EvEnergyAccount(context)
    await account.poll()
    poll = await quiet.later(account, 1)
    plugged = any(device.flags.get(Flag.PLUGGED_IN) for device in poll.snapshot.devices.values())
    assert plugged
    assert poll.again == timedelta(seconds=busy)

    for path in ("/v2/vehicles/", "/v2/evses/", "/v2/charging_sub_sessions/"):
        quiet.fault(Shape(payload={"results": [], "next": None}), path + "*")
        quiet.fault(Shape(payload={"results": [], "next": None}), path.rstrip("/"))
    poll = await EvEnergyAccount(context).poll()
    assert poll.again == timedelta(seconds=idle)
