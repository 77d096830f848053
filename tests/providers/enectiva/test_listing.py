"""Lists in pages, whatever way the API pages them."""

from typing import Any

import pytest

from custom_components.energy_connect.core.errors import Reason, UnexpectedResponse
from custom_components.energy_connect.core.vocabulary import Kind
from custom_components.energy_connect.providers.enectiva import lists
from simulator.enectiva import Links
from simulator.faults import Rewrite, Shape, Status

from .conftest import OF_OPTIONS, Office


def named(start: int, count: int) -> list[Any]:
    return [{"id": number, "energy": "water"} for number in range(start, start + count)]


async def listed(office: Office) -> tuple[int, bool]:
    """Return how many meters a fresh account finds, and whether it takes the list as complete."""
    account = office.open()
    office.forget()
    poll = await account.poll()
    kinds = [device.kind for device in poll.snapshot.devices.values()]
    return kinds.count(Kind.METER), Kind.METER in poll.listed


def pages(office: Office) -> list[str | None]:
    return [next(iter(each.values("page")), None) for each in office.asked("/meters")]


@pytest.fixture(autouse=True)
def lists_alone(office: Office) -> None:
    """Only lists are granted: nothing else is asked."""
    office.grant("meters", "entities")


@pytest.mark.parametrize("links", [Links.RELATIVE, Links.ABSOLUTE, Links.OBJECT])
@pytest.mark.parametrize("first_page", [0, 1])
async def test_links_are_followed(office: Office, links: Links, first_page: int) -> None:
    office.knobs.links = links
    office.knobs.first_page = first_page
    office.knobs.page_size = 4
    assert await listed(office) == (10, True)
    assert len(office.asked("/meters")) == 3


@pytest.mark.parametrize(
    ("first_page", "asked"),
    [(0, [None, "1", "2"]), (1, [None, "1", "2", "3"])],
)
async def test_numbers_begin_with_0_or_1(
    office: Office, first_page: int, asked: list[str | None]
) -> None:
    office.knobs.links = Links.NONE
    office.knobs.first_page = first_page
    office.knobs.generated_meters = 2300
    assert await listed(office) == (2300, True)
    assert pages(office) == asked


@pytest.mark.parametrize("first_page", [0, 1])
async def test_exactly_one_full_page(office: Office, first_page: int) -> None:
    office.knobs.links = Links.NONE
    office.knobs.first_page = first_page
    office.knobs.generated_meters = 1000
    assert await listed(office) == (1000, True)


async def test_a_short_page_is_the_last_one(office: Office) -> None:
    office.knobs.links = Links.NONE
    assert await listed(office) == (10, True)
    assert pages(office) == [None]


async def test_a_stated_total_asks_for_more_of_short_pages(office: Office) -> None:
    office.knobs.links = Links.NONE
    office.knobs.page_size = 4
    office.fault(Rewrite(bend=lambda body: {**body, "meta": {"total": 10}}), "/meters")
    assert await listed(office) == (10, True)
    assert pages(office) == [None, "1", "2", "3"]


async def test_numbers_that_are_ignored_leave_an_incomplete_list(office: Office) -> None:
    office.fault(Shape(payload={"data": named(0, 1000)}), "/meters")
    assert await listed(office) == (1000, False)
    assert pages(office) == [None, "1", "2"]


@pytest.mark.parametrize("status", [400, 404])
async def test_numbers_that_are_refused_leave_an_incomplete_list(
    office: Office, status: int
) -> None:
    office.fault(Shape(payload={"data": named(0, 1000)}), "/meters", times=1)
    office.fault(Shape(payload={}, status=status), "/meters", times=1)
    assert await listed(office) == (1000, False)


async def test_a_link_to_another_host_is_not_followed(office: Office) -> None:
    body = {"data": named(0, 3), "links": {"next": "http://127.0.0.1:1/meters?page=2"}}
    office.fault(Shape(payload=body), "/meters")
    assert await listed(office) == (3, False)
    assert len(office.asked("/meters")) == 1


async def test_a_link_that_leads_in_a_circle(office: Office) -> None:
    body = {"data": named(0, 3), "links": {"next": "/meters?page=2"}}
    office.fault(Shape(payload=body), "/meters")
    assert await listed(office) == (3, False)
    assert len(office.asked("/meters")) == 2


async def test_a_link_to_an_empty_page_ends_the_list(office: Office) -> None:
    body = {"data": named(0, 3), "links": {"next": "/meters?page=2"}}
    office.fault(Shape(payload=body), "/meters", times=1)
    office.fault(Shape(payload={"data": [], "links": {"next": "/meters?page=3"}}), "/meters")
    assert await listed(office) == (3, True)


async def test_fifty_pages_are_enough(office: Office) -> None:
    def page(_: Any) -> Any:
        number = len(office.asked("/meters"))
        return {"data": named(number, 1), "links": {"next": f"/meters?page={number + 1}"}}

    office.fault(Rewrite(bend=page), "/meters")
    assert await listed(office) == (50, False)
    assert len(office.asked("/meters")) == 50


async def test_a_broken_page_spoils_the_list(office: Office) -> None:
    office.knobs.page_size = 4
    office.fault(Shape(payload=None, content_type="text/csv"), "/meters", after=1, times=1)
    with pytest.raises(UnexpectedResponse) as caught:
        await office.open().poll()
    assert caught.value.reason is Reason.NOT_JSON


async def test_a_refused_page_spoils_the_list(office: Office) -> None:
    office.knobs.page_size = 4
    office.fault(Status(status=406), "/meters", after=1, times=1)
    with pytest.raises(UnexpectedResponse) as caught:
        await office.open().poll()
    assert caught.value.reason is Reason.MEDIA_TYPE_REFUSED


async def test_rows_without_an_id_do_not_count_twice(office: Office) -> None:
    office.fault(Shape(payload={"data": [*named(0, 999), {"name": "x"}]}), "/meters")
    account = office.open()
    await account.poll()
    assert account.diagnostics()["dropped_rows"] == {"meters": 1}


async def test_what_a_broken_second_list_adds_is_kept_with_what_was_known(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = office.open()
    await account.poll()
    body = {"data": named(5000, 2), "links": {"next": "http://elsewhere.example/"}}
    office.fault(Shape(payload=body), "/meters", times=1)
    poll = await office.later(account, 12 * 3600)
    assert {"meter_5000", "meter_1204"} <= poll.snapshot.devices.keys()
    assert Kind.METER not in poll.listed
    poll = await office.later(account, lists._RETRY)
    assert "meter_5000" not in poll.snapshot.devices
    assert Kind.METER in poll.listed


async def test_a_list_that_fails_later_keeps_what_was_known(office: Office) -> None:
    account = office.open()
    before = await account.poll()
    office.fault(Status(status=502), "/meters")
    poll = await office.later(account, 12 * 3600)
    assert poll.snapshot.devices.keys() == before.snapshot.devices.keys()
    assert poll.listed - OF_OPTIONS == {Kind.BUILDING}
