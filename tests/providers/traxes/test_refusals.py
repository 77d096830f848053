"""Bad credentials, bad applications, bad servers in between.

Only a refused credential asks for a new sign-in, and nothing leaves for another host.
"""

from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
import pytest

from custom_components.energy_connect.core.errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.model import Device
from custom_components.energy_connect.core.vocabulary import Flag, Moment, Quantity as Q
from custom_components.energy_connect.providers.traxes import PROVIDER
from simulator import faults
from simulator.payload import JsonValue
from simulator.traxes import Application

from .conftest import LAST, LISTED, TOKEN, Portal, number

TYPES = "/connect/v1/onboarding/types/entities"


class Elsewhere:
    """Another host, which must hear nothing."""

    def __init__(self, url: str, heard: list[str]) -> None:
        self.url = url
        self.heard = heard


@pytest.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    heard: list[str] = []

    async def hear(request: web.Request) -> web.Response:
        heard.append(request.path)
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hear)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Elsewhere(f"http://127.0.0.1:{runner.addresses[0][1]}", heard)
    await runner.cleanup()


async def refusal(portal: Portal, **entered: Any) -> ApiError:
    """Return why the wizard can't open the account."""
    with pytest.raises(ApiError) as refused:
        await PROVIDER.identify(portal.context(**entered))
    return refused.value


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("entered", [{"client_secret": "wrong"}, {"client_id": "esp_Nobody_001"}])
async def test_a_wrong_id_or_secret(portal: Portal, status: int, entered: dict[str, Any]) -> None:
    portal.knobs.refusal_status = status
    error = await refusal(portal, **entered)
    assert isinstance(error, CredentialsRejected)
    assert error.reason is Reason.CLIENT_REFUSED
    assert [request.path for request in portal.asked() if "token" not in request.path] == []


@pytest.mark.parametrize("application", [Application.OTHER_GRANT, Application.NO_SCOPE])
async def test_an_application_for_something_else_is_no_wrong_password(
    portal: Portal, application: Application
) -> None:
    portal.knobs.application = application
    error = await refusal(portal)
    assert isinstance(error, NotPermitted)
    assert error.reason is Reason.GRANT_NOT_ALLOWED
    # The same while polling: no sign-in is asked for.
    with pytest.raises(NotPermitted):
        await portal.open().poll()


async def test_an_application_for_another_product_of_the_host(portal: Portal) -> None:
    portal.knobs.application = Application.OTHER_PRODUCT
    error = await refusal(portal)
    assert isinstance(error, NotPermitted)
    assert error.reason is Reason.APPLICATION_NOT_ALLOWED
    assert error.detail == "The subscription does not include this product."
    with pytest.raises(NotPermitted) as refused:
        await portal.open().poll()
    assert refused.value.reason is Reason.APPLICATION_NOT_ALLOWED


@pytest.mark.parametrize(
    ("action", "kind", "reason"),
    [
        (faults.Status(status=403), Unavailable, Reason.BLOCKED),
        (faults.Html(status=403), Unavailable, Reason.BLOCKED),
        (faults.Status(status=404), UnexpectedResponse, Reason.NOT_FOUND),
        (faults.Html(status=404), UnexpectedResponse, Reason.NOT_FOUND),
        (faults.Html(), UnexpectedResponse, Reason.HTML_PAGE),
        (faults.Html(status=502), Unavailable, Reason.SERVER_ERROR),
        (faults.Status(status=401), Unavailable, Reason.UNCLEAR_REFUSAL),
        (faults.Shape(payload={}), UnexpectedResponse, Reason.UNEXPECTED_SHAPE),
        (faults.Reset(after=0), Unavailable, Reason.CONNECTION_LOST),
    ],
)
async def test_a_token_endpoint_in_trouble_asks_for_no_sign_in(
    portal: Portal, action: faults.Action, kind: type[ApiError], reason: Reason
) -> None:
    portal.fault(action, TOKEN)
    error = await refusal(portal)
    assert isinstance(error, kind)
    assert error.reason is reason
    with pytest.raises(kind):
        await portal.open().poll()


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (faults.Status(status=404), UnexpectedResponse),
        (faults.Shape(payload={"error": "unauthorized_client"}, status=400), NotPermitted),
        (faults.Shape(payload={"error": "odd"}, status=400), UnexpectedResponse),
    ],
)
async def test_trouble_with_a_renewed_token_is_not_taken_for_the_device_s(
    portal: Portal, action: faults.Action, kind: type[ApiError]
) -> None:
    account = portal.open()
    await account.poll()
    portal.sim.traxes.revoke_tokens()
    portal.fault(action, TOKEN)
    with pytest.raises(kind):
        await portal.later(account, 300)
    assert account.diagnostics()["devices_refused"] == 0


async def test_a_blocked_application_asks_for_no_sign_in(portal: Portal) -> None:
    portal.knobs.application = Application.BLOCKED
    error = await refusal(portal)
    assert isinstance(error, Unavailable)
    assert error.reason is Reason.BLOCKED


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_the_secret_follows_no_redirect_to_another_host(
    portal: Portal, elsewhere: Elsewhere, status: int
) -> None:
    portal.fault(faults.Redirect(url=f"{elsewhere.url}/access_token", status=status), TOKEN)
    error = await refusal(portal)
    assert isinstance(error, UnexpectedResponse)
    assert error.reason is Reason.REDIRECTED
    assert elsewhere.heard == []


async def test_the_bearer_follows_no_redirect_to_another_host(
    portal: Portal, elsewhere: Elsewhere
) -> None:
    account = portal.open()
    await account.poll()
    portal.fault(
        faults.Redirect(url=f"{elsewhere.url}/connect/v1/entities", status=307), "/connect/*"
    )
    with pytest.raises(UnexpectedResponse) as refused:
        await portal.later(account, 300)
    assert refused.value.reason is Reason.REDIRECTED
    assert elsewhere.heard == []


async def test_the_bearer_follows_no_paging_link_to_another_host(
    portal: Portal, elsewhere: Elsewhere
) -> None:
    link = f"{elsewhere.url}/connect/v1/entities?page=2"
    portal.fault(faults.merge_patch({"links": {"next": link}}), LISTED)
    poll = await portal.open().poll()
    assert len(poll.snapshot.devices) == 10
    assert poll.listed == frozenset()
    assert elsewhere.heard == []


async def test_a_refusal_as_plain_text_is_an_outage(portal: Portal) -> None:
    portal.fault(faults.Status(status=403, body="Forbidden"), "/connect/*")
    error = await refusal(portal)
    assert isinstance(error, Unavailable)
    assert error.reason is Reason.BLOCKED
    with pytest.raises(Unavailable):
        await portal.open().poll()


async def test_a_refusal_as_plain_text_keeps_each_device_as_it_was(portal: Portal) -> None:
    account = portal.open()
    await account.poll()
    portal.fault(faults.Status(status=403), LAST, times=1)
    poll = await portal.later(account, 300)
    assert all(device.delivering for device in poll.snapshot.devices.values())
    assert account.diagnostics()["devices_refused"] == 0


async def test_a_bearer_that_is_refused_again_and_again_asks_for_a_sign_in(
    portal: Portal,
) -> None:
    portal.fault(faults.Shape(payload={}, status=401), "/connect/*")
    error = await refusal(portal)
    assert isinstance(error, CredentialsRejected)
    assert len(portal.asked(TOKEN)) == 2


@pytest.mark.parametrize("status", [400, 404, 405])
async def test_the_wizard_does_not_need_the_types(portal: Portal, status: int) -> None:
    portal.fault(faults.Shape(payload={}, status=status), TYPES)
    assert len(await PROVIDER.identify(portal.context())) == 1


@pytest.mark.parametrize("body", [{}, [], None, "EV", {"data": 5}])
async def test_the_shape_of_the_types_does_not_matter(portal: Portal, body: JsonValue) -> None:
    portal.fault(faults.Shape(payload=body), TYPES)
    assert len(await PROVIDER.identify(portal.context())) == 1


async def test_no_types_at_all(portal: Portal) -> None:
    portal.fault(faults.Status(status=204), TYPES)
    assert len(await PROVIDER.identify(portal.context())) == 1


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (faults.Html(), Reason.HTML_PAGE),
        (faults.Truncated(), Reason.NOT_JSON),
        (faults.Status(status=418), Reason.REQUEST_REFUSED),
        (faults.Status(status=500), Reason.SERVER_ERROR),
    ],
)
async def test_something_else_at_the_address(
    portal: Portal, action: faults.Action, reason: Reason
) -> None:
    portal.fault(action, TYPES)
    assert (await refusal(portal)).reason is reason


# Permission on single devices


def gas_meter(devices: dict[str, Device], portal: Portal) -> Device:
    return devices[portal.id("gas")]


async def test_a_device_that_was_not_shared_has_no_values_and_is_asked_seldom(
    portal: Portal,
) -> None:
    gas = portal.id("gas")
    portal.knobs.not_shared = frozenset({gas})
    account = portal.open()
    poll = await account.poll()
    device = poll.snapshot.devices[gas]
    assert (device.numbers, device.delivering) == ({}, False)
    assert account.diagnostics()["devices_refused"] == 1
    path = f"{LISTED}/{gas}/readings/last"
    for _ in range(71):
        await portal.later(account, 300)
        assert portal.asked(path) == []
    portal.knobs.not_shared = frozenset()
    poll = await portal.later(account, 300)
    device = poll.snapshot.devices[gas]
    assert device.delivering
    assert number(device, Q.GAS_CONSUMPTION) is not None
    assert account.diagnostics()["devices_refused"] == 0


async def test_a_permission_withdrawn_makes_the_values_unknown(portal: Portal) -> None:
    car = portal.id("car-0")
    portal.knobs.positions = True
    account = portal.open(track_location=True)
    await account.poll()
    portal.knobs.not_shared = frozenset({car})
    device = (await portal.later(account, 300)).snapshot.devices[car]
    assert not device.delivering
    assert number(device, Q.STATE_OF_CHARGE) is None
    assert device.flags[Flag.CHARGING] is None
    assert device.flags[Flag.ONLINE] is True
    assert device.moments[Moment.LAST_MEASURED] is not None
    assert (device.tracked, device.position) == (True, None)


async def test_permission_on_nothing_is_no_outage(portal: Portal) -> None:
    portal.knobs.not_shared = frozenset(portal.sim.traxes.units())
    account = portal.open()
    poll = await account.poll()
    assert len(poll.snapshot.devices) == 10
    assert not any(device.delivering for device in poll.snapshot.devices.values())
    await portal.later(account, 300)
    assert portal.asked() == []


async def test_a_refused_device_that_is_gone_is_forgotten(portal: Portal) -> None:
    portal.knobs.not_shared = portal.knobs.hidden = frozenset({portal.id("gas")})
    account = portal.open(entity_ids=[portal.id("gas")])
    await account.poll()
    assert account.diagnostics()["devices_refused"] == 1
