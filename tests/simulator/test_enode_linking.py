"""The simulated Enode's Link sessions, and the page to click through."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from simulator import Simulator
from simulator.clock import Clock
from simulator.enode import ALL_SCOPES
from simulator.enode.assets import LISTS, asset_id
from simulator.enode.knobs import OWNER

from .test_enode_commands import Owner

BOX = asset_id("charger 0")
BACK = "http://127.0.0.1:8123/api/energy_connect/linked?state=once"
VISIT: dict[str, Any] = {"language": "en-GB", "redirectUri": BACK}
LINK = {**VISIT, "scopes": ["vehicle:read:data", "vehicle:control:charging"]}


class Visitor(Owner):
    """A client whose owner has a browser."""

    async def url(self, body: Any = None, user: str = OWNER) -> str:
        status, session = await self.tell(f"/users/{user}/link", LINK if body is None else body)
        assert status == 200
        url: str = session["linkUrl"]
        assert url.endswith(session["linkToken"])
        return url

    async def open(self, url: str) -> tuple[int, str]:
        async with self._session.get(url) as page:
            return page.status, await page.text()

    async def click(self, url: str, **form: str) -> tuple[int, str | None]:
        async with self._session.post(url, data=form, allow_redirects=False) as left:
            return left.status, left.headers.get("Location")


@pytest.fixture
async def visitor(sim: Simulator, session: aiohttp.ClientSession) -> Visitor:
    client = Visitor(sim, session)
    await client.sign_in()
    return client


def asking(*kinds: str, **more: Any) -> dict[str, Any]:
    """Return what asks for everything of these kinds."""
    scopes = [scope for scope in sorted(ALL_SCOPES) if scope.split(":")[0] in kinds]
    return {**VISIT, "scopes": scopes, **more}


async def test_clicking_through_links_a_car(visitor: Visitor) -> None:
    url = await visitor.url()
    status, page = await visitor.open(url)

    assert status == 200
    assert "SKODA" in page
    assert "RENAULT" in page
    # Only what was asked for.
    assert "EASEE" not in page
    assert await visitor.click(url, brand="RENAULT") == (303, BACK)
    first, *others = await visitor.rows("/vehicles")
    assert (first["information"]["displayName"], first["vendor"]) == ("New car", "RENAULT")
    assert len(others) == 2


@pytest.mark.parametrize(
    ("kind", "brand"),
    [
        ("vehicle", "SKODA"),
        ("charger", "EASEE"),
        ("battery", "HUAWEI"),
        ("inverter", "HUAWEI"),
        ("hvac", "SENSIBO"),
        ("meter", "HUAWEI"),
    ],
)
async def test_every_kind_can_be_linked_by_somebody_new(
    visitor: Visitor, kind: str, brand: str
) -> None:
    assert (await visitor.get("/users/newcomer"))[0] == 404
    url = await visitor.url(asking(kind), user="newcomer")
    # Asking for a session makes the user.
    assert (await visitor.get("/users/newcomer"))[1] == {"id": "newcomer", "linkedVendors": []}

    await visitor.click(url, brand=brand)

    (row,) = await visitor.rows(f"/users/newcomer/{LISTS[kind]}")
    assert (row["userId"], row["vendor"]) == ("newcomer", brand)
    assert await visitor.get(f"/{LISTS[kind]}/{row['id']}") == (200, row)
    _, user = await visitor.get("/users/newcomer")
    assert user["linkedVendors"] == [{"vendor": brand, "vendorType": kind, "isValid": True}]


async def test_one_login_brings_all_its_devices(visitor: Visitor) -> None:
    url = await visitor.url(asking("battery", "inverter", "meter", "vehicle"), user="newcomer")

    await visitor.click(url, brand="HUAWEI")

    for name, count in (("batteries", 1), ("inverters", 1), ("meters", 1), ("vehicles", 0)):
        assert len(await visitor.rows(f"/users/newcomer/{name}")) == count


async def test_type_narrows_what_the_scopes_ask_for(visitor: Visitor) -> None:
    url = await visitor.url(asking("charger", "vehicle", vendorType="charger"))

    assert "SKODA" not in (await visitor.open(url))[1]


@pytest.mark.parametrize(("kind", "brand"), [("vehicle", "SKODA"), ("charger", "EASEE")])
async def test_linked_device_can_be_told_something(visitor: Visitor, kind: str, brand: str) -> None:
    name = LISTS[kind]
    await visitor.click(await visitor.url(asking(kind)), brand=brand)
    (new, *_) = await visitor.rows(f"/{name}")
    charge = new["chargeState"]
    while not charge["isPluggedIn"] or charge["isCharging"] or charge.get("isFullyCharged"):
        visitor.sim.clock.advance(1800)
        await visitor.sign_in()
        charge = (await visitor.row(name, new["id"]))["chargeState"]

    await visitor.done(f"/{name}/{new['id']}/charging", {"action": "START"})

    assert await visitor.charging(new["id"], name)


async def test_vendor_skips_the_choice(visitor: Visitor) -> None:
    url = await visitor.url({**LINK, "vendor": "SKODA"})

    assert "RENAULT" not in (await visitor.open(url))[1]
    assert (await visitor.click(url, brand="RENAULT"))[0] == 400
    assert await visitor.click(url, brand="SKODA") == (303, BACK)
    # That login was linked already: nothing new comes of it.
    assert len(await visitor.rows("/vehicles")) == 2


async def test_leaving_early_comes_back_with_an_error(visitor: Visitor) -> None:
    url = await visitor.url()

    status, back = await visitor.click(url, cancel="yes")

    assert status == 303
    assert back is not None
    said = parse_qs(urlsplit(back).query)
    assert said["state"] == ["once"]
    assert set(said) == {"state", "error", "error_message"}
    assert len(await visitor.rows("/vehicles")) == 2


async def test_error_of_an_address_without_a_query(visitor: Visitor) -> None:
    url = await visitor.url({**LINK, "redirectUri": "http://home/back"})

    _, back = await visitor.click(url, cancel="yes")

    assert back is not None
    assert back.startswith("http://home/back?error=")


async def test_session_works_once_for_a_day(visitor: Visitor, clock: Clock) -> None:
    url = await visitor.url()
    await visitor.click(url, brand="SKODA")
    assert (await visitor.open(url))[0] == 410
    assert (await visitor.click(url, brand="SKODA"))[0] == 410

    late = await visitor.url()
    clock.advance(24 * 3600)
    assert (await visitor.open(late))[0] == 410
    assert (await visitor.open(f"{late}x"))[0] == 410


async def test_click_on_nothing(visitor: Visitor) -> None:
    url = await visitor.url()

    assert (await visitor.click(url))[0] == 400
    # The page can still be used.
    assert (await visitor.open(url))[0] == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"scopes": None},
        {"scopes": []},
        {"scopes": "vehicle:read:data"},
        {"scopes": ["vehicle:fly"]},
        {"scopes": ["vehicle:control:charging"]},
        {"scopes": ["vehicle:read:data", "charger:control:charging"]},
        {"language": "en"},
        {"language": None},
        {"redirectUri": "about:blank"},
        {"redirectUri": "nowhere"},
        {"redirectUri": "http://home/" + "x" * 500},
        {"redirectUri": 7},
        {"colorScheme": "pink"},
        {"vendor": "ACME"},
        {"vendorType": "charger"},
        {"surprise": True},
    ],
)
async def test_session_that_can_not_be(visitor: Visitor, changed: dict[str, Any]) -> None:
    assert (await visitor.tell(f"/users/{OWNER}/link", LINK | changed))[0] == 400


@pytest.mark.parametrize("missing", ["scopes", "language", "redirectUri"])
async def test_what_a_session_needs(visitor: Visitor, missing: str) -> None:
    body = {key: value for key, value in LINK.items() if key != missing}

    assert (await visitor.tell(f"/users/{OWNER}/link", body))[0] == 400


async def test_limit_of_connections(visitor: Visitor) -> None:
    visitor.sim.enode.knobs.connections = 3

    status, problem = await visitor.tell(f"/users/{OWNER}/link", LINK)

    assert (status, problem["title"]) == (403, "Forbidden")


# Mending


async def test_broken_login_is_mended(visitor: Visitor) -> None:
    knobs = visitor.sim.enode.knobs
    knobs.broken_logins = frozenset({"EASEE", "SKODA"})
    status, session = await visitor.tell(f"/assets/{BOX}/relink", VISIT)
    assert status == 200

    assert "SKODA" not in (await visitor.open(session["linkUrl"]))[1]
    await visitor.click(session["linkUrl"], brand="EASEE")

    assert knobs.broken_logins == {"SKODA"}
    assert len(await visitor.rows("/chargers")) == 2


async def test_relinking_what_is_not_broken(visitor: Visitor) -> None:
    assert (await visitor.tell(f"/assets/{BOX}/relink", VISIT))[0] == 400
    assert (await visitor.tell("/assets/nobody/relink", VISIT))[0] == 400
    assert (await visitor.tell(f"/assets/{BOX}/relink", LINK))[0] == 400


async def test_linking_again_may_end_an_intervention(visitor: Visitor) -> None:
    knobs = visitor.sim.enode.knobs
    knobs.interventions = frozenset({"SKODA"})
    await visitor.click(await visitor.url(), brand="SKODA")
    assert knobs.interventions == {"SKODA"}

    knobs.link_mends = True
    await visitor.click(await visitor.url(), brand="SKODA")
    assert knobs.interventions == frozenset()


async def test_page_escapes_what_it_shows(visitor: Visitor) -> None:
    url = await visitor.url(user="<script>")

    assert "<script>" not in (await visitor.open(url))[1]
