"""New devices are linked, broken logins mended, and owners told what they could unlock."""

from typing import Any

import pytest

from custom_components.energy_connect.core.errors import (
    CommandRefused,
    CredentialsRejected,
    Reason,
    Refusal,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.model import (
    Advice,
    AdviceKind,
    OpenPage,
    Severity,
    Snapshot,
)
from custom_components.energy_connect.core.offers import Linking, Mending, Visit
from custom_components.energy_connect.core.records import Link
from custom_components.energy_connect.core.vocabulary import Flag, Kind
from custom_components.energy_connect.providers.enode import PROVIDER
from custom_components.energy_connect.providers.enode.account import EnodeAccount
from custom_components.energy_connect.providers.enode.interventions import parse_intervention
from custom_components.energy_connect.providers.enode.languages import (
    language_of_pages,
    language_of_texts,
)
from simulator.enode import PRODUCTION
from simulator.enode.assets import asset_id
from simulator.enode.linking import LANGUAGES, Session
from simulator.faults import Html, Rewrite, Shape, Status
from simulator.payload import JsonValue

from .conftest import Home

POLL = 300.0
BACK = "http://homeassistant.local:8123/api/energy_connect/linked?state=once"
VISIT = Visit(return_to=BACK, language="de")
CAR = asset_id("vehicle 0")
BOX = asset_id("charger 0")
BROKEN = "villa-14_EASEE"


async def poll(account: EnodeAccount) -> Snapshot:
    return (await account.poll()).snapshot


def sessions(home: Home) -> list[Session]:
    return list(home.server.memories[PRODUCTION].links.sessions.values())


async def click(home: Home, link: Link | None, **form: str) -> str:
    """Open the page, click, and return where it leads back to."""
    assert link is not None
    async with home.session.get(link.url) as page:
        assert page.status == 200
        assert "<form" in await page.text()
    async with home.session.post(link.url, data=form, allow_redirects=False) as left:
        assert left.status == 303
        return left.headers["Location"]


# Linking


def test_account_links_devices_of_all_kinds(home: Home) -> None:
    assert isinstance(home.account(), Linking)
    assert isinstance(home.account(), Mending)
    assert set(PROVIDER.link_kinds) == {
        Kind.VEHICLE,
        Kind.CHARGER,
        Kind.BATTERY,
        Kind.INVERTER,
        Kind.HVAC,
        Kind.METER,
    }


async def test_new_car_is_linked_and_appears(home: Home) -> None:
    account = home.account(user_id="villa-14")
    before = await poll(account)

    link = await account.link(frozenset({Kind.VEHICLE}), VISIT)

    (session,) = sessions(home)
    assert (session.user, session.kinds, session.language) == ("villa-14", ("vehicle",), "de-DE")
    assert session.redirect == BACK
    assert link.expires is not None
    assert (link.expires - home.clock.now()).total_seconds() == 24 * 3600
    assert "link-" not in repr(link)

    assert await click(home, link, brand="SKODA") == BACK
    after = await poll(account)
    (new,) = after.devices.keys() - before.devices.keys()
    assert after.devices[new].name == "New car"
    # The login is known at once, although logins are read seldom.
    assert after.devices[new].flags[Flag.LOGIN_BROKEN] is False


async def test_all_kinds_in_one_go(home: Home) -> None:
    account = home.account()
    await poll(account)

    await account.link(frozenset(PROVIDER.link_kinds), VISIT)

    assert set(sessions(home)[0].kinds) == set(PROVIDER.link_kinds)


async def test_owner_who_leaves_the_page_comes_back_with_an_error(home: Home) -> None:
    account = home.account(user_id="villa-14")
    before = await poll(account)
    link = await account.link(frozenset({Kind.CHARGER}), VISIT)

    back = await click(home, link, cancel="yes")

    assert back.startswith(f"{BACK}&error=cancelled&error_message=")
    assert (await poll(account)).devices.keys() == before.devices.keys()


async def test_first_device_of_a_user_nobody_knows(home: Home) -> None:
    account = home.account(user_id="newcomer")
    assert (await poll(account)).devices == {}

    link = await account.link(frozenset({Kind.HVAC}), VISIT)
    await click(home, link, brand="SENSIBO")

    kinds = {device.kind for device in (await poll(account)).devices.values()}
    assert kinds == {Kind.HVAC, Kind.ACCOUNT}


async def test_for_the_one_user_of_a_client(home: Home) -> None:
    home.server.knobs.users = frozenset({"villa-14"})
    account = home.account()
    await poll(account)

    await account.link(frozenset({Kind.METER}), VISIT)

    assert sessions(home)[0].user == "villa-14"


@pytest.mark.parametrize("users", [set(), {"villa-14", "cabin-3"}])
async def test_without_one_user_the_house_is_a_user_of_its_own(home: Home, users: set[str]) -> None:
    home.server.knobs.users = frozenset(users)
    account = home.account()
    await poll(account)

    link = await account.link(frozenset({Kind.BATTERY}), VISIT)

    assert sessions(home)[0].user == "home-assistant"
    await click(home, link, brand="HUAWEI")
    devices = (await poll(account)).devices
    assert "user_home-assistant" in devices


async def test_owners_of_assets_are_users_although_the_list_is_refused(home: Home) -> None:
    home.server.knobs.forbidden = frozenset({"users"})
    home.fail(Shape(payload={}, status=403), "users/villa-14")
    home.server.knobs.users = frozenset({"villa-14"})
    account = home.account()
    await poll(account)

    await account.link(frozenset({Kind.VEHICLE}), VISIT)

    assert sessions(home)[0].user == "villa-14"


async def test_user_who_links_is_read_at_each_poll_for_an_hour(home: Home) -> None:
    account = home.account(user_id="villa-14")
    await poll(account)
    await account.link(frozenset({Kind.VEHICLE}), VISIT)
    home.asked()

    for _ in range(12):
        home.advance(POLL)
        await poll(account)
    assert home.asked().count("users/villa-14") == 12

    home.advance(POLL)
    await poll(account)
    assert "users/villa-14" not in home.asked()


async def test_as_many_connections_as_the_client_may_have(home: Home) -> None:
    home.server.knobs.connections = 3
    account = home.account()

    with pytest.raises(CommandRefused) as raised:
        await account.link(frozenset({Kind.VEHICLE}), VISIT)

    assert raised.value.reason is Refusal.NO_PERMISSION
    assert raised.value.detail == "Connections limit reached for this client."


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (Status(status=503), Unavailable),
        (Shape(payload={}, status=401), CredentialsRejected),
        (Shape(payload={}, status=400), UnexpectedResponse),
        (Html(), UnexpectedResponse),
        (Shape(payload={}), UnexpectedResponse),
        (Shape(payload={"linkUrl": 7}), UnexpectedResponse),
        (Shape(payload={"linkUrl": "javascript:alert(1)"}), UnexpectedResponse),
        (Shape(payload={"linkUrl": "http://link.enode.com/x"}), UnexpectedResponse),
        (Shape(payload={"linkUrl": "http://["}), UnexpectedResponse),
    ],
)
async def test_trouble_with_a_page(home: Home, trouble: Any, kind: type[Exception]) -> None:
    home.fail(trouble, "users/*/link")

    with pytest.raises(kind):
        await home.account().link(frozenset({Kind.VEHICLE}), VISIT)


async def test_page_of_enode_itself(home: Home) -> None:
    home.fail(Shape(payload={"linkUrl": "https://link.enode.com/abc"}), "users/*/link")

    link = await home.account().link(frozenset({Kind.VEHICLE}), VISIT)

    assert link.url == "https://link.enode.com/abc"


async def test_return_address_that_enode_refuses(home: Home) -> None:
    visit = Visit(return_to="http://home/" + "x" * 500, language="en")

    with pytest.raises(UnexpectedResponse) as raised:
        await home.account().link(frozenset({Kind.VEHICLE}), visit)

    assert raised.value.detail == "redirectUri can not be used."


@pytest.mark.parametrize(
    ("language", "page", "text"),
    [
        ("de", "de-DE", "de-DE"),
        ("en", "en-US", "en-US"),
        ("en-GB", "en-GB", "en-GB"),
        ("en_gb", "en-GB", "en-GB"),
        ("nl", "nl-NL", "nl-NL"),
        ("nl-BE", "nl-BE", "nl-BE"),
        ("pt-BR", "pt-PT", "pt-PT"),
        ("nn", "nb-NO", "nb-NO"),
        ("it", "it-IT", "en-US"),
        ("cs", "browser", "en-US"),
        ("", "browser", "en-US"),
    ],
)
def test_nearest_language(language: str, page: str, text: str) -> None:
    assert language_of_pages(language) == page
    assert language_of_texts(language) == text
    assert page in LANGUAGES


# Broken logins


def login_advice(vendor: str = "Easee", subject: str = BROKEN) -> Advice:
    return Advice(
        AdviceKind.VENDOR_LOGIN_BROKEN, subject, Severity.ERROR, {"vendor": vendor}, OpenPage()
    )


async def test_broken_login_is_told_mended_and_withdrawn(home: Home) -> None:
    home.server.knobs.broken_logins = frozenset({"EASEE"})
    account = home.account()
    assert (await poll(account)).advice == (login_advice(),)

    link = await account.mend(BROKEN, VISIT)
    (session,) = sessions(home)
    assert (session.user, session.vendor, session.mends) == ("villa-14", "EASEE", True)
    # Nothing was clicked yet: it is still broken.
    assert (await poll(account)).advice == (login_advice(),)

    assert await click(home, link, brand="EASEE") == BACK
    snapshot = await poll(account)
    assert snapshot.advice == ()
    assert snapshot.devices[BOX].flags[Flag.LOGIN_BROKEN] is False
    # Mended, not linked a second time.
    assert len([one for one in snapshot.devices.values() if one.kind is Kind.CHARGER]) == 2


async def test_one_advice_a_login_although_it_has_many_devices(home: Home) -> None:
    home.server.knobs.broken_logins = frozenset({"HUAWEI", "SENSIBO"})

    advice = (await poll(home.account())).advice

    assert [one.subject for one in advice] == [
        "cabin-3_SENSIBO",
        "villa-14_HUAWEI",
        "villa-14_SENSIBO",
    ]


async def test_unchanged_advice_is_equal(home: Home) -> None:
    home.server.knobs.broken_logins = frozenset({"EASEE"})
    account = home.account()

    assert await poll(account) == await poll(account)


async def test_link_that_was_used_is_followed_by_a_new_one(home: Home) -> None:
    home.server.knobs.broken_logins = frozenset({"EASEE"})
    account = home.account(user_id="villa-14")
    await poll(account)
    first = await account.mend(BROKEN, VISIT)
    await click(home, first, cancel="yes")

    second = await account.mend(BROKEN, VISIT)

    assert first is not None
    assert second is not None
    assert first.url != second.url
    async with home.session.get(first.url) as page:
        assert page.status == 410
    await click(home, second, brand="EASEE")
    assert (await poll(account)).advice == ()


async def test_login_that_was_mended_elsewhere_needs_no_page(home: Home) -> None:
    home.server.knobs.broken_logins = frozenset({"EASEE"})
    account = home.account()
    await poll(account)
    home.server.knobs.broken_logins = frozenset()

    assert await account.mend(BROKEN, VISIT) is None
    assert sessions(home) == []


async def test_subject_that_is_no_need_needs_no_page(home: Home) -> None:
    account = home.account()
    await poll(account)

    assert await account.mend("villa-14_EASEE", VISIT) is None


async def test_login_without_devices_is_linked_again(home: Home) -> None:
    home.server.knobs.broken_logins = frozenset({"EASEE"})
    home.fail(Shape(payload={"data": [], "pagination": {}}), "chargers")
    account = home.account()
    assert (await poll(account)).advice == (login_advice("EASEE"),)

    link = await account.mend(BROKEN, VISIT)

    (session,) = sessions(home)
    assert (session.vendor, session.kinds, session.mends) == ("EASEE", ("charger",), False)
    await click(home, link, brand="EASEE")
    assert (await poll(account)).advice == ()


@pytest.mark.parametrize("status", [400, 404])
async def test_asset_that_can_not_be_relinked_is_linked_again(home: Home, status: int) -> None:
    home.server.knobs.broken_logins = frozenset({"EASEE"})
    home.fail(Shape(payload={}, status=status), "assets/*/relink")
    account = home.account()
    await poll(account)

    link = await account.mend(BROKEN, VISIT)

    await click(home, link, brand="EASEE")
    assert (await poll(account)).advice == ()


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (Shape(payload={}, status=403), CommandRefused),
        (Status(status=503), Unavailable),
        (Shape(payload={}), UnexpectedResponse),
    ],
)
async def test_trouble_with_a_relink(home: Home, trouble: Any, kind: type[Exception]) -> None:
    home.server.knobs.broken_logins = frozenset({"EASEE"})
    home.fail(trouble, "assets/*/relink")
    account = home.account()
    await poll(account)

    with pytest.raises(kind):
        await account.mend(BROKEN, VISIT)


async def test_login_that_can_not_be_checked_before_it_is_mended(home: Home) -> None:
    home.server.knobs.broken_logins = frozenset({"EASEE"})
    account = home.account()
    await poll(account)
    home.fail(Status(status=503), "users/villa-14")

    with pytest.raises(Unavailable):
        await account.mend(BROKEN, VISIT)


@pytest.mark.parametrize("owner", [None, "villa-14"])
async def test_user_with_a_broken_login_is_read_at_each_poll(home: Home, owner: str | None) -> None:
    home.server.knobs.broken_logins = frozenset({"EASEE"})
    account = home.account(user_id=owner)
    await poll(account)
    home.asked()

    home.advance(POLL)
    await poll(account)
    asked = home.asked()
    assert "users/villa-14" in asked
    assert "users/cabin-3" not in asked

    home.server.knobs.broken_logins = frozenset()
    home.advance(POLL)
    assert (await poll(account)).advice == ()
    home.asked()
    home.advance(POLL)
    await poll(account)
    assert "users/villa-14" not in home.asked()


async def test_login_whose_kind_is_not_told_is_that_of_its_devices(home: Home) -> None:
    def kindless(payload: JsonValue) -> JsonValue:
        assert isinstance(payload, dict)
        for login in payload["linkedVendors"]:
            del login["vendorType"]
        return payload

    home.server.knobs.broken_logins = frozenset({"HUAWEI"})
    home.fail(Rewrite(bend=kindless), "users/villa-14")
    home.fail(Shape(payload={}, status=400), "assets/*/relink")
    account = home.account()
    assert [one.subject for one in (await poll(account)).advice] == ["villa-14_HUAWEI"]

    await account.mend("villa-14_HUAWEI", VISIT)

    assert set(sessions(home)[0].kinds) == {"battery", "inverter", "meter"}


async def test_login_of_which_nothing_is_told_may_be_of_any_kind(home: Home) -> None:
    user = {"id": "villa-14", "linkedVendors": [{"vendor": "EASEE", "isValid": False}]}
    home.fail(Shape(payload=user), "users/villa-14")
    home.fail(Shape(payload={"data": [], "pagination": {}}), "chargers")
    account = home.account()
    await poll(account)

    await account.mend(BROKEN, VISIT)

    assert set(sessions(home)[0].kinds) == set(PROVIDER.link_kinds)


# Interventions


def intervention(vendor: str) -> str:
    return asset_id(f"intervention {vendor}")


async def test_owner_is_told_what_to_do_at_each_device(home: Home) -> None:
    home.server.knobs.interventions = frozenset({"SKODA"})
    account = home.account()

    snapshot = await poll(account)

    assert snapshot.advice == (
        Advice(
            AdviceKind.OWNER_ACTION,
            f"{CAR}_{intervention('SKODA')}",
            placeholders={
                "device": "Car 1",
                "summary": "Allow remote control at SKODA",
                "description": (
                    "Open the app of **SKODA**.\n\nSwitch on remote control.\n\nThen wait."
                ),
            },
        ),
    )
    assert snapshot.devices[CAR].controls.keys() == {"refresh"}
    assert account.diagnostics()["interventions"] == {"known": 1, "failed": None}

    home.server.knobs.interventions = frozenset()
    assert (await poll(account)).advice == ()
    assert account.diagnostics()["interventions"] == {"known": 0, "failed": None}


async def test_text_is_in_the_language_of_home_assistant_and_asked_for_once_a_day(
    home: Home,
) -> None:
    home.server.knobs.interventions = frozenset({"HUAWEI"})
    account = EnodeAccount(home.context(language="de"))
    assert "Fernsteuerung" in str((await poll(account)).advice)
    home.asked()

    home.advance(POLL)
    await poll(account)
    assert f"interventions/{intervention('HUAWEI')}" not in home.asked()

    home.advance(24 * 3600)
    await poll(account)
    assert home.asked().count(f"interventions/{intervention('HUAWEI')}") == 1


async def test_what_linking_again_unlocks_is_one_advice_with_a_page(home: Home) -> None:
    home.server.knobs.interventions = frozenset({"HUAWEI"})
    home.server.knobs.link_mends = True
    account = home.account()
    # One for the login at the maker, not one for each of its three devices.
    (advice,) = (await poll(account)).advice
    assert (advice.kind, advice.remedy) == (AdviceKind.OWNER_LINK, OpenPage())
    assert advice.placeholders["device"] == "Huawei"

    link = await account.mend(advice.subject, VISIT)

    assert sessions(home)[0].vendor == "HUAWEI"
    await click(home, link, brand="HUAWEI")
    assert (await poll(account)).advice == ()


async def test_owner_of_a_device_that_names_none_is_the_house(home: Home) -> None:
    def ownerless(payload: JsonValue) -> JsonValue:
        assert isinstance(payload, dict)
        for row in payload["data"]:
            row["userId"] = None
        return payload

    home.server.knobs.interventions = frozenset({"HUAWEI"})
    home.server.knobs.link_mends = True
    for name in ("batteries", "inverters", "meters"):
        home.fail(Rewrite(bend=ownerless), name)
    account = home.account()
    (advice,) = (await poll(account)).advice

    await account.mend(advice.subject, VISIT)

    assert sessions(home)[0].user == "home-assistant"


@pytest.mark.parametrize(
    ("trouble", "failed"),
    [
        (Status(status=404), None),
        (Status(status=503), Reason.SERVER_ERROR),
        (Shape(payload={}, status=400), Reason.REQUEST_REFUSED),
        (Shape(payload={"id": "x"}), Reason.UNEXPECTED_SHAPE),
        (Html(), Reason.HTML_PAGE),
    ],
)
async def test_text_that_is_not_there_is_no_advice(
    home: Home, trouble: Any, failed: Reason | None
) -> None:
    home.server.knobs.interventions = frozenset({"SKODA"})
    home.fail(trouble, "interventions/*")
    account = home.account()

    snapshot = await poll(account)

    assert snapshot.advice == ()
    assert snapshot.devices[CAR].flags[Flag.OWNER_ACTION_NEEDED] is True
    assert account.diagnostics()["interventions"]["failed"] is failed


async def test_refused_credential_while_asking_for_a_text(home: Home) -> None:
    home.server.knobs.interventions = frozenset({"SKODA"})
    home.fail(Shape(payload={}, status=401), "interventions/*")

    with pytest.raises(CredentialsRejected):
        await home.account().poll()


def told(**changed: Any) -> Any:
    resolution = {"title": "Title", "description": "Text", "action": None}
    return {"id": "one", "domain": "Device", "resolution": resolution | changed}


@pytest.mark.parametrize("body", [None, [], {"id": "one"}, told(title=None), told(title=" ")])
def test_intervention_without_words_is_none(body: Any) -> None:
    assert parse_intervention(body) is None


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (None, "Title"),
        ("One<br>two<BR />three", "One\n\ntwo\n\nthree"),
        ("\n".join("x" * 30), "\n\n".join("x" * 20)),
        ("a\u202eb", "a b"),
    ],
)
def test_words_of_an_intervention_are_fit_to_be_shown(said: Any, shown: str) -> None:
    found = parse_intervention(told(description=said))

    assert found is not None
    assert found.description == shown
