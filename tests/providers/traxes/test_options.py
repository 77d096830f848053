"""What a person may choose about a Traxes account: ids, the interval, what is left out."""

from typing import Any

import pytest

from custom_components.energy_connect.core.errors import NotPermitted, Reason, Unavailable
from custom_components.energy_connect.core.model import AdviceKind
from custom_components.energy_connect.core.options import Fault, Problem
from custom_components.energy_connect.providers.traxes import PROVIDER
from simulator.faults import Shape, Status
from simulator.traxes import Application

from .conftest import CHARGES, LAST, LISTED, PERMISSIONS, TOKEN, Portal

STRANGER = "00000000-0000-4000-8000-00000000dead"


async def tried(
    portal: Portal, ids: list[str], before: list[str] | None = None
) -> dict[str, Problem]:
    """Try ids, as the options form does."""
    assert PROVIDER.try_options is not None
    context = portal.context({"entity_ids": ids, "track_location": True})
    return dict(await PROVIDER.try_options(context, {"entity_ids": before or []}))


def problem(fault: Fault, *values: str) -> dict[str, Problem]:
    return {"entity_ids": Problem(fault=fault, values=values)}


async def test_an_id_that_can_be_read_is_good(portal: Portal) -> None:
    assert await tried(portal, [portal.id("meter"), portal.id("meter").upper()]) == {}
    assert len(portal.asked(LAST)) == 1


async def test_what_is_no_uuid_is_told_without_a_request(portal: Portal) -> None:
    found = await tried(portal, ["meter 1", portal.id("meter"), "2"])

    assert found == problem(Fault.ID_MALFORMED, "meter 1", "2")
    assert portal.asked() == []


async def test_an_id_that_nothing_knows_is_named(portal: Portal) -> None:
    assert await tried(portal, [portal.id("meter"), STRANGER]) == problem(
        Fault.ID_UNKNOWN, STRANGER
    )


async def test_a_device_without_a_reading_yet_is_good(portal: Portal) -> None:
    portal.fault(Status(status=404), LAST)

    assert await tried(portal, [portal.id("meter")]) == {}


async def test_a_device_that_the_owner_does_not_share_is_refused(portal: Portal) -> None:
    portal.fault(Shape(payload={"message": "no"}, status=403), LAST)

    assert await tried(portal, [portal.id("meter")]) == problem(
        Fault.ID_REFUSED, portal.id("meter")
    )


async def test_only_new_ids_are_tried(portal: Portal) -> None:
    assert await tried(portal, [STRANGER], before=[STRANGER]) == {}
    assert await tried(portal, []) == {}
    assert portal.asked() == []


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [(LAST, 500, Unavailable), (TOKEN, 500, Unavailable)],
)
async def test_what_can_not_be_tried_is_not_judged(
    portal: Portal, path: str, status: int, error: type[Exception]
) -> None:
    portal.fault(Status(status=status), path)

    with pytest.raises(error):
        await tried(portal, [portal.id("meter")])


async def test_a_refusal_of_the_token_is_none_of_the_id(portal: Portal) -> None:
    portal.knobs.application = Application.OTHER_GRANT

    with pytest.raises(NotPermitted) as caught:
        await tried(portal, [portal.id("meter")])
    assert caught.value.reason is Reason.GRANT_NOT_ALLOWED


async def test_an_answer_that_makes_no_sense_is_not_judged(portal: Portal) -> None:
    portal.fault(Status(status=418), LAST)

    with pytest.raises(Exception, match="418"):
        await tried(portal, [portal.id("meter")])


@pytest.mark.parametrize(("chosen", "rounds"), [(60, 10), (300, 2), (600, 1)])
async def test_readings_are_asked_for_as_often_as_was_chosen(
    portal: Portal, chosen: int, rounds: int
) -> None:
    account = portal.open(poll_interval=chosen)
    await account.poll()
    portal.sim.journal.clear()
    for _ in range(10):
        portal.advance(60)
        await account.poll()

    one = f"/connect/v1/entities/{portal.id('meter')}/readings/last"
    assert len(portal.asked(one)) == rounds


async def test_nothing_is_asked_for_more_often_than_was_chosen(portal: Portal) -> None:
    account = portal.open(poll_interval=3600)
    await account.poll()
    await portal.later(account, 61)
    portal.sim.journal.clear()
    for _ in range(12):
        portal.advance(300)
        await account.poll()

    assert len(portal.asked(LISTED)) <= 1
    for place in ("meter", "car-0"):
        one = f"/connect/v1/entities/{portal.id(place)}/charge-sessions"
        assert len(portal.asked(one)) <= 1


async def test_what_is_left_out_costs_no_requests_and_gives_no_advice(portal: Portal) -> None:
    everything = (await portal.open().poll()).snapshot.devices
    portal.sim.journal.clear()
    left: dict[str, Any] = dict.fromkeys(everything, "?")
    account = portal.open(left_out=left)

    await account.poll()
    poll = await portal.later(account, 61)

    for path in (LAST, CHARGES, PERMISSIONS):
        assert portal.asked(path) == []
    assert poll.snapshot.devices.keys() == everything.keys()
    assert AdviceKind.NO_DEVICES not in {one.kind for one in poll.snapshot.advice}


async def test_what_belongs_to_a_device_is_left_out_with_it(portal: Portal) -> None:
    everything = (await portal.open().poll()).snapshot.devices
    below = [one for one in everything.values() if one.parent in everything]
    assert below
    portal.sim.journal.clear()

    await portal.open(left_out={below[0].parent: "Parent"}).poll()

    assert portal.asked(f"/connect/v1/entities/{below[0].id}/readings/last") == []
    assert portal.asked(LAST)
