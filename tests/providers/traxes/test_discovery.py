"""Finding devices: the list, the list of onboarding requests, ids entered by hand."""

from datetime import timedelta
from typing import override

from aiohttp import web
import pytest

from custom_components.energy_connect.core.errors import (
    CredentialsRejected,
    NotPermitted,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.vocabulary import Kind, Quantity as Q
from custom_components.energy_connect.providers.traxes.account import TraxesAccount
from custom_components.energy_connect.providers.traxes.parse import KINDS
from simulator import faults
from simulator.payload import JsonValue
from simulator.traxes import Listing, Onboarding, Paging

from .conftest import LAST, LISTED, ONBOARDED, Portal, number

TYPES = "/connect/v1/onboarding/types/entities"
NEVER = frozenset[Kind]()
ALL = 10
SIX_HOURS = 6 * 3600


def route(account: TraxesAccount) -> str:
    return str(account.diagnostics()["found_by"])


# Pages


@pytest.mark.parametrize("paging", [Paging.TOKEN, Paging.LINK])
async def test_all_pages_are_read(portal: Portal, paging: Paging) -> None:
    portal.knobs.cars, portal.knobs.paging = 292, paging  # 300 entities
    account = portal.open()
    poll = await account.poll()
    assert len(portal.asked(LISTED)) == 3
    assert all(request.values("pageSize") == ["100"] for request in portal.asked(LISTED))
    assert len(poll.snapshot.devices) == 300
    assert poll.listed == KINDS


async def test_a_refused_page_size_is_left_out_from_then_on(portal: Portal) -> None:
    portal.knobs.cars, portal.knobs.page_size_most = 52, 50  # 60 entities
    account = portal.open()
    poll = await account.poll()
    assert len(poll.snapshot.devices) == 60
    assert [request.status for request in portal.asked(LISTED)] == [400, 200, 200, 200]
    assert account.diagnostics()["page_size_refused"] is True
    await portal.later(account, SIX_HOURS)
    assert [request.status for request in portal.asked(LISTED)] == [200, 200, 200]


@pytest.mark.parametrize("paging", [Paging.FOREIGN_LINK, Paging.OUTSIDE_LINK])
async def test_a_link_that_leaves_is_not_followed_and_nothing_is_called_gone(
    portal: Portal, paging: Paging
) -> None:
    portal.knobs.cars, portal.knobs.paging = 112, paging
    account = portal.open()
    poll = await account.poll()
    # What was read is shown; the rest is not known, and the bearer token went nowhere.
    assert len(poll.snapshot.devices) == 100
    assert poll.listed == NEVER
    assert len(portal.asked(LISTED)) == 1
    assert {request.path for request in portal.asked()} & {"/v1/entities"} == set()
    assert account.diagnostics()["foreign_links"] == 1
    assert account.diagnostics()["list_complete"] is False


@pytest.mark.parametrize("link", ["http://[", "http://user@127.0.0.1/connect/v1/entities?page=2"])
async def test_a_broken_link_and_one_with_a_user(portal: Portal, link: str) -> None:
    portal.fault(faults.merge_patch({"links": {"next": link}}), LISTED)
    poll = await portal.open().poll()
    assert (len(poll.snapshot.devices), poll.listed) == (ALL, NEVER)
    assert len(portal.asked(LISTED)) == 1


async def test_a_token_that_repeats_ends_the_list_as_incomplete(portal: Portal) -> None:
    portal.knobs.paging = Paging.ENDLESS
    poll = await portal.open().poll()
    assert len(portal.asked(LISTED)) == 2
    assert (len(poll.snapshot.devices), poll.listed) == (ALL, NEVER)


@pytest.mark.parametrize(("fresh", "pages"), [(True, 50), (False, 2)])
async def test_a_list_without_end_is_left(portal: Portal, fresh: bool, pages: int) -> None:
    """After fifty pages, or when the same one comes again under another token."""

    class Turning(faults.Action):
        turn = 0

        @override
        async def answer(self, request: web.Request, proceed: faults.Proceed) -> web.StreamResponse:
            self.turn += 1
            row = {"id": f"e{self.turn if fresh else 1}", "type": "EV"}
            meta = {"continuationToken": f"turn {self.turn}"}
            return web.json_response({"data": [row], "meta": meta})

    portal.fault(Turning(), LISTED)
    poll = await portal.open().poll()
    assert len(portal.asked(LISTED)) == pages
    assert (len(poll.snapshot.devices), poll.listed) == (pages if fresh else 1, NEVER)


async def test_a_list_of_several_full_pages_is_complete(portal: Portal) -> None:
    portal.knobs.cars = 292
    poll = await portal.open().poll()
    assert len(portal.asked(LISTED)) == 3
    assert (len(poll.snapshot.devices), poll.listed) == (300, KINDS)


async def test_a_later_page_that_is_no_list_leaves_the_list_incomplete(portal: Portal) -> None:
    portal.knobs.cars = 112
    portal.fault(faults.Shape(payload={}), LISTED, after=1)
    poll = await portal.open().poll()
    assert (len(poll.snapshot.devices), poll.listed) == (100, NEVER)


@pytest.mark.parametrize("listing", [Listing.ARRAY, Listing.ITEMS, Listing.OLD_NAMES])
async def test_other_shapes_of_the_list(portal: Portal, listing: Listing) -> None:
    portal.knobs.listing = listing
    poll = await portal.open().poll()
    assert poll.listed == KINDS
    kinds = {one.kind for one in poll.snapshot.devices.values()}
    assert kinds == KINDS - {Kind.OTHER}
    meter = poll.snapshot.devices[portal.id("meter")]
    assert (meter.model, meter.manufacturer) == ("Meter", "Gridometer")
    assert meter.serial_number == "TX-METER-001"


async def test_no_content_is_a_list_without_rows(portal: Portal) -> None:
    portal.fault(faults.Status(status=204), LISTED)
    poll = await portal.open(entity_ids=None).poll()
    assert (poll.snapshot.devices, poll.listed) == ({}, KINDS)
    assert portal.asked(ONBOARDED) == []


# What comes and goes


async def test_the_list_is_read_every_half_hour(portal: Portal) -> None:
    account = portal.open()
    await account.poll()
    portal.knobs.cars = 3
    poll = await portal.later(account, 1799)
    assert portal.asked(LISTED) == []
    assert poll.again == timedelta(seconds=1)
    poll = await portal.later(account, 1)
    assert len(portal.asked(LISTED)) == 1
    assert number(poll.snapshot.devices[portal.id("car-2")], Q.STATE_OF_CHARGE) is not None


async def test_what_a_complete_list_lacks_is_gone(portal: Portal) -> None:
    account = portal.open()
    await account.poll()
    portal.knobs.hidden = frozenset({portal.id("meter")})
    poll = await portal.later(account, SIX_HOURS)
    assert portal.id("meter") not in poll.snapshot.devices
    assert poll.snapshot.devices[portal.id("inverter")].parent is None
    assert poll.listed == KINDS


async def test_a_list_that_fails_later_keeps_the_devices_and_is_asked_again_soon(
    portal: Portal,
) -> None:
    account = portal.open()
    await account.poll()
    portal.fault(faults.Status(status=500), LISTED, times=1)
    poll = await portal.later(account, SIX_HOURS)
    assert (len(poll.snapshot.devices), poll.listed) == (ALL, NEVER)
    await portal.later(account, 899)
    assert portal.asked(LISTED) == []
    poll = await portal.later(account, 1)
    assert poll.listed == KINDS


async def test_a_list_that_fails_at_first_is_the_account_s_failure(portal: Portal) -> None:
    portal.fault(faults.Status(status=500), LISTED, times=1)
    account = portal.open()
    with pytest.raises(Unavailable):
        await account.poll()
    assert len((await account.poll()).snapshot.devices) == ALL


async def test_a_web_page_instead_of_the_list(portal: Portal) -> None:
    portal.fault(faults.Html(), LISTED)
    with pytest.raises(UnexpectedResponse) as failed:
        await portal.open().poll()
    assert failed.value.reason is Reason.HTML_PAGE


async def test_rows_without_an_id_are_dropped_and_warned_about_once(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    body: JsonValue = {"data": [{"id": portal.id("gas"), "type": "RetrofitMeter"}, {}, 5]}
    portal.fault(faults.Shape(payload=body), LISTED)
    account = portal.open()
    poll = await account.poll()
    assert list(poll.snapshot.devices) == [portal.id("gas")]
    assert account.diagnostics()["malformed"]["devices"] == 2
    assert caplog.text.count("a device without an id") == 1


async def test_a_device_that_becomes_another_kind_starts_anew(portal: Portal) -> None:
    account = portal.open()
    await account.poll()

    def bend(body: JsonValue) -> JsonValue:
        return {"data": [{"id": portal.id("inverter"), "type": "Meter"}]}

    portal.fault(faults.Rewrite(bend=bend), LISTED)
    device = (await portal.later(account, SIX_HOURS)).snapshot.devices[portal.id("inverter")]
    assert device.kind is Kind.METER
    assert (Q.ENERGY_EXPORT, None) in device.numbers
    assert (Q.ENERGY_PRODUCTION, None) not in device.numbers


# The list of onboarding requests


@pytest.mark.parametrize("listing", [Listing.MISSING, Listing.WRONG_METHOD, Listing.EMPTY_OBJECT])
async def test_without_the_list_the_onboarding_requests_tell(
    portal: Portal, listing: Listing
) -> None:
    portal.knobs.listing = listing
    account = portal.open()
    poll = await account.poll()
    assert (len(poll.snapshot.devices), poll.listed) == (ALL, KINDS)
    assert len(portal.asked(ONBOARDED)) == 1
    assert route(account) == "onboarding"
    assert poll.snapshot.devices[portal.id("meter")].name == "Grid meter"
    poll = await portal.later(account, SIX_HOURS)
    assert len(portal.asked(ONBOARDED)) == 1


async def test_onboarding_by_type(portal: Portal) -> None:
    portal.knobs.listing, portal.knobs.onboarding = Listing.MISSING, Onboarding.BY_TYPE
    poll = await portal.open().poll()
    assert (len(poll.snapshot.devices), poll.listed) == (ALL, KINDS)
    types = [request.values("type") for request in portal.asked(ONBOARDED)]
    assert len([one for one in types if one]) == 8
    assert portal.asked(TYPES) == []


async def test_onboarding_by_type_and_brand(portal: Portal) -> None:
    portal.knobs.listing = Listing.MISSING
    portal.knobs.onboarding = Onboarding.BY_TYPE_AND_BRAND
    account = portal.open()
    poll = await account.poll()
    assert (len(poll.snapshot.devices), poll.listed) == (ALL, KINDS)
    pairs = [one for one in portal.asked(ONBOARDED) if one.values("brand")]
    assert len(pairs) == 8
    assert "EV" in account.diagnostics()["offered_types"]
    await portal.later(account, SIX_HOURS)
    assert portal.asked(TYPES) == []  # remembered


async def test_too_many_brands_are_not_all_asked_for(portal: Portal) -> None:
    portal.knobs.listing = Listing.MISSING
    portal.knobs.onboarding = Onboarding.BY_TYPE_AND_BRAND
    brands: JsonValue = {"EV": [f"Brand {number}" for number in range(33)]}
    portal.fault(faults.Shape(payload=brands), TYPES)
    poll = await portal.open().poll()
    assert len([one for one in portal.asked(ONBOARDED) if one.values("brand")]) == 32
    assert poll.listed == NEVER


async def test_a_refused_pair_leaves_the_list_incomplete(portal: Portal) -> None:
    portal.knobs.listing = Listing.MISSING
    portal.knobs.onboarding = Onboarding.BY_TYPE_AND_BRAND
    portal.fault(faults.Shape(payload={}, status=400), ONBOARDED)
    poll = await portal.open().poll()
    assert (poll.snapshot.devices, poll.listed) == ({}, NEVER)


@pytest.mark.parametrize(
    "onboarding", [Onboarding.MISSING, Onboarding.FORBIDDEN, Onboarding.EMPTY_OBJECT]
)
async def test_when_both_lists_are_refused_somebody_has_to_enter_ids(
    portal: Portal, onboarding: Onboarding
) -> None:
    portal.knobs.listing, portal.knobs.onboarding = Listing.MISSING, onboarding
    account = portal.open()
    poll = await account.poll()
    assert (poll.snapshot.devices, poll.listed) == ({}, NEVER)
    assert [advice.kind for advice in poll.snapshot.advice] == ["no_devices"]
    assert route(account) == "entered"


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_without_the_types_the_filters_lead_nowhere(portal: Portal, status: int) -> None:
    portal.knobs.listing = Listing.MISSING
    portal.knobs.onboarding = Onboarding.BY_TYPE_AND_BRAND
    portal.fault(faults.Shape(payload={}, status=status), TYPES)
    if status == 400:
        with pytest.raises(UnexpectedResponse):
            await portal.open().poll()
    else:
        assert (await portal.open().poll()).snapshot.devices == {}


@pytest.mark.parametrize("status", [500, 418])
async def test_an_onboarding_list_in_trouble_is_a_failure(portal: Portal, status: int) -> None:
    portal.knobs.listing = Listing.MISSING
    portal.fault(faults.Status(status=status), ONBOARDED)
    with pytest.raises((Unavailable, UnexpectedResponse)):
        await portal.open().poll()


async def test_the_list_lost_later_leaves_its_devices(portal: Portal) -> None:
    account = portal.open()
    await account.poll()
    portal.knobs.listing = Listing.MISSING
    portal.knobs.hidden = frozenset({portal.id("meter")})
    poll = await portal.later(account, SIX_HOURS)
    # The onboarding requests know fewer devices than the list did.
    assert (len(poll.snapshot.devices), poll.listed) == (ALL, NEVER)


# Ids entered by hand


async def test_entered_devices_are_read_where_no_list_is(portal: Portal) -> None:
    portal.knobs.listing, portal.knobs.onboarding = Listing.MISSING, Onboarding.MISSING
    car = portal.id("car-0")
    account = portal.open(entity_ids=[f" {car.upper()} ", car, "my car"])
    poll = await account.poll()
    (device,) = poll.snapshot.devices.values()
    assert (device.id, device.kind, device.manufacturer) == (car, Kind.VEHICLE, "Voltara")
    assert number(device, Q.STATE_OF_CHARGE) is not None
    assert poll.snapshot.advice == ()
    assert poll.listed == NEVER
    assert len(portal.asked(f"{LISTED}/{car}")) == 1


async def test_a_refused_list_does_not_matter_to_entered_devices(portal: Portal) -> None:
    portal.knobs.listing = Listing.FORBIDDEN
    account = portal.open(entity_ids=[portal.id("car-0")])
    assert list((await account.poll()).snapshot.devices) == [portal.id("car-0")]
    assert portal.asked(ONBOARDED) == []
    assert route(account) == "entered"


async def test_entered_devices_come_beside_those_of_the_list(portal: Portal) -> None:
    portal.knobs.hidden = frozenset({portal.id("car-0")})
    account = portal.open(entity_ids=[portal.id("car-0"), portal.id("meter")])
    poll = await account.poll()
    assert (len(poll.snapshot.devices), poll.listed) == (ALL, KINDS)
    assert portal.asked(f"{LISTED}/{portal.id('meter')}") == []


async def test_an_entered_device_that_nothing_is_told_of_has_what_its_metrics_give(
    portal: Portal,
) -> None:
    portal.knobs.hidden = frozenset({portal.id("inverter")})
    portal.knobs.describes = False
    account = portal.open(entity_ids=[portal.id("inverter")])
    device = (await account.poll()).snapshot.devices[portal.id("inverter")]
    assert (device.kind, device.model, device.name) == (Kind.OTHER, None, None)
    assert number(device, Q.ENERGY_PRODUCTION) is not None
    assert account.diagnostics()["devices_by_type"]["unknown"] == 1


@pytest.mark.parametrize("body", [[], {"id": "another", "type": "EV"}])
async def test_an_odd_description_is_none(portal: Portal, body: JsonValue) -> None:
    car = portal.id("car-0")
    portal.knobs.hidden = frozenset({car})
    portal.fault(faults.Shape(payload=body), f"{LISTED}/{car}")
    device = (await portal.open(entity_ids=[car]).poll()).snapshot.devices[car]
    assert device.kind is Kind.OTHER


@pytest.mark.parametrize("fault", [faults.Status(status=503), faults.Html()])
async def test_while_a_description_fails_the_device_waits(
    portal: Portal, fault: faults.Action
) -> None:
    car = portal.id("car-0")
    portal.knobs.hidden = frozenset({car})
    portal.fault(fault, f"{LISTED}/{car}", times=1)
    account = portal.open(entity_ids=[car])
    assert car not in (await account.poll()).snapshot.devices
    # What it is decides what its values are called, so it comes when that is known.
    device = (await portal.later(account, 900)).snapshot.devices[car]
    assert device.kind is Kind.VEHICLE


async def test_a_description_that_fails_later_changes_nothing(portal: Portal) -> None:
    car = portal.id("car-0")
    portal.knobs.hidden = frozenset({car})
    account = portal.open(entity_ids=[car])
    await account.poll()
    portal.knobs.describes = False
    device = (await portal.later(account, SIX_HOURS)).snapshot.devices[car]
    assert device.kind is Kind.VEHICLE


async def test_a_token_refused_while_describing(portal: Portal) -> None:
    car = portal.id("car-0")
    portal.knobs.hidden = frozenset({car})
    portal.fault(faults.Shape(payload={}, status=401), f"{LISTED}/{car}")
    with pytest.raises(CredentialsRejected):
        await portal.open(entity_ids=[car]).poll()


async def test_an_application_that_may_not_list_is_told_so(portal: Portal) -> None:
    portal.knobs.listing = Listing.FORBIDDEN
    with pytest.raises(NotPermitted) as refused:
        await portal.open().poll()
    assert refused.value.reason is Reason.APPLICATION_NOT_ALLOWED
    assert portal.asked(LAST) == []
