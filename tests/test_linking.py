"""Linking a device: the flow, the page of the provider, and the way back."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_USER, ConfigEntry, SubentryFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_connect.coordinator import EnergyCoordinator
from custom_components.energy_connect.core.errors import (
    CommandRefused,
    Reason,
    Refusal,
    Unavailable,
)
from custom_components.energy_connect.core.vocabulary import Kind
from tests.controlled import PAGE, ControlledScript, controlled_car
from tests.scripted import Script, entity_id, install, start

HOUSE = "https://house.example"


@pytest.fixture(autouse=True)
async def address(hass: HomeAssistant) -> None:
    """Home Assistant knows under which address it is reached."""
    await hass.config.async_update(external_url=HOUSE, language="cs")


async def begin(hass: HomeAssistant, entry: ConfigEntry[EnergyCoordinator]) -> SubentryFlowResult:
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, "device"), context={"source": SOURCE_USER}
    )


async def choose(hass: HomeAssistant, flow: SubentryFlowResult, *kinds: str) -> SubentryFlowResult:
    return await hass.config_entries.subentries.async_configure(
        flow["flow_id"], {"kinds": list(kinds)}
    )


def way_back(controlled: ControlledScript) -> str:
    """Return path and query of the address to which the page leads."""
    parts = urlsplit(controlled.visits[-1].return_to)
    assert f"{parts.scheme}://{parts.netloc}" == HOUSE
    return f"{parts.path}?{parts.query}"


async def browser(hass_client_no_auth: ClientSessionGenerator) -> TestClient[Any, Any]:
    client: TestClient[Any, Any] = await hass_client_no_auth()
    return client


async def come_back(
    hass: HomeAssistant,
    client: TestClient[Any, Any],
    path: str,
    said: Mapping[str, str] | None = None,
) -> int:
    answer = await client.get(path, params=dict(said or {}))
    await hass.async_block_till_done(wait_background_tasks=True)
    return answer.status


async def test_a_linked_car_appears_without_a_reload_and_no_subentry_is_stored(
    hass: HomeAssistant,
    controlled: ControlledScript,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    entry = await start(hass)
    client = await browser(hass_client_no_auth)
    coordinator = entry.runtime_data
    flow = await begin(hass, entry)
    assert (flow["type"], flow["step_id"]) == (FlowResultType.FORM, "user")

    flow = await choose(hass, flow, "vehicle")
    assert (flow["type"], flow["url"]) == (FlowResultType.EXTERNAL_STEP, PAGE)
    assert controlled.asked == [("link", frozenset({Kind.VEHICLE}))]
    assert controlled.visits[0].language == "cs"
    controlled.show(controlled_car(), controlled_car(device_id="new"))
    assert await come_back(hass, client, way_back(controlled)) == 200

    done = await hass.config_entries.subentries.async_configure(flow["flow_id"])
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "linked")
    assert entity_id(hass, "new_charging", "switch") is not None
    assert not entry.subentries
    assert entry.runtime_data is coordinator


async def test_an_owner_who_left_the_page_is_told_so(
    hass: HomeAssistant,
    controlled: ControlledScript,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    entry = await start(hass)
    client = await browser(hass_client_no_auth)
    flow = await choose(hass, await begin(hass, entry), "vehicle")

    said = {"error": "cancelled", "error_message": "You left. [Click](javascript:1) <b>"}
    await come_back(hass, client, way_back(controlled), said)
    done = await hass.config_entries.subentries.async_configure(flow["flow_id"])

    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "link_refused")
    detail = (done["description_placeholders"] or {})["detail"]
    assert detail.startswith("You left.")
    assert not set("[]()<>") & set(detail)


async def test_an_error_without_words_shows_its_name(
    hass: HomeAssistant,
    controlled: ControlledScript,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    entry = await start(hass)
    client = await browser(hass_client_no_auth)
    flow = await choose(hass, await begin(hass, entry), "vehicle")

    await come_back(hass, client, way_back(controlled), {"error": "<>"})
    done = await hass.config_entries.subentries.async_configure(flow["flow_id"])

    assert (done["description_placeholders"] or {})["detail"] == "-"


async def test_the_way_back_works_once_and_for_nobody_else(
    hass: HomeAssistant,
    controlled: ControlledScript,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    entry = await start(hass)
    client = await browser(hass_client_no_auth)
    await choose(hass, await begin(hass, entry), "vehicle")
    path = way_back(controlled)

    assert await come_back(hass, client, "/api/energy_connect/linked") == 400
    assert await come_back(hass, client, "/api/energy_connect/linked?state=guess") == 400
    assert await come_back(hass, client, path) == 200
    assert await come_back(hass, client, path) == 400


async def test_the_way_back_is_open_for_a_day(
    hass: HomeAssistant,
    controlled: ControlledScript,
    hass_client_no_auth: ClientSessionGenerator,
    freezer: FrozenDateTimeFactory,
) -> None:
    entry = await start(hass)
    client = await browser(hass_client_no_auth)
    await choose(hass, await begin(hass, entry), "vehicle")
    old = way_back(controlled)
    await choose(hass, await begin(hass, entry), "vehicle")
    late = way_back(controlled)

    freezer.tick(24 * 3600)
    assert await come_back(hass, client, late) == 400
    # Asking for another one clears away what nobody can use any more.
    await choose(hass, await begin(hass, entry), "vehicle")

    assert await come_back(hass, client, old) == 400
    assert await come_back(hass, client, way_back(controlled)) == 200


async def test_whoever_closed_the_flow_has_linked_all_the_same(
    hass: HomeAssistant,
    controlled: ControlledScript,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    entry = await start(hass)
    client = await browser(hass_client_no_auth)
    flow = await choose(hass, await begin(hass, entry), "vehicle")
    hass.config_entries.subentries.async_abort(flow["flow_id"])
    polls = controlled.polls

    assert await come_back(hass, client, way_back(controlled)) == 200
    assert controlled.polls == polls + 1

    flow = await choose(hass, await begin(hass, entry), "vehicle")
    hass.config_entries.subentries.async_abort(flow["flow_id"])
    await hass.config_entries.async_unload(entry.entry_id)
    assert await come_back(hass, client, way_back(controlled)) == 200
    assert controlled.polls == polls + 1


async def test_the_page_of_the_action_leads_back_too(
    hass: HomeAssistant,
    controlled: ControlledScript,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    entry = await start(hass)
    client = await browser(hass_client_no_auth)
    await hass.services.async_call(
        "energy_connect",
        "link_device",
        {"config_entry_id": entry.entry_id},
        blocking=True,
        return_response=True,
    )
    polls = controlled.polls

    assert await come_back(hass, client, way_back(controlled)) == 200

    assert controlled.polls == polls + 1


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (Unavailable(Reason.CANNOT_CONNECT), "cannot_connect"),
        (CommandRefused(Refusal.NO_PERMISSION, detail="limit reached"), "no_permission"),
    ],
)
async def test_trouble_is_told_and_trying_again_helps(
    hass: HomeAssistant, controlled: ControlledScript, error: Exception, key: str
) -> None:
    entry = await start(hass)
    controlled.lookup_error = error
    flow = await choose(hass, await begin(hass, entry), "charger")
    assert (flow["type"], flow["errors"]) == (FlowResultType.FORM, {"base": key})

    flow = await choose(hass, flow)
    assert flow["errors"] == {"kinds": "nothing_chosen"}

    controlled.lookup_error = None
    flow = await choose(hass, flow, "charger")
    assert flow["type"] is FlowResultType.EXTERNAL_STEP


async def test_without_an_address_of_its_own_the_flow_says_what_to_do(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    entry = await start(hass)
    hass.config.internal_url = hass.config.external_url = None
    hass.config.api = None

    done = await choose(hass, await begin(hass, entry), "charger")

    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "no_url")


async def test_an_account_that_is_not_running_can_not_link(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    entry = await start(hass)
    await hass.config_entries.async_unload(entry.entry_id)

    done = await begin(hass, entry)

    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "not_loaded")


async def test_an_account_that_stops_meanwhile_ends_the_flow_quietly(
    hass: HomeAssistant,
    controlled: ControlledScript,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    entry = await start(hass)
    client = await browser(hass_client_no_auth)
    flow = await choose(hass, await begin(hass, entry), "vehicle")
    await hass.config_entries.async_unload(entry.entry_id)

    await come_back(hass, client, way_back(controlled))
    done = await hass.config_entries.subentries.async_configure(flow["flow_id"])

    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "linked")


async def test_linking_is_offered_where_the_provider_can(
    hass: HomeAssistant, controlled: ControlledScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await start(hass)
    assert set(entry.supported_subentry_types) == {"device"}

    install(monkeypatch, Script().provider("plain"))
    other = await start(hass, data={**entry.data, "provider": "plain"}, unique_id="plain_1")

    assert dict(other.supported_subentry_types) == {}


async def test_removing_an_account_unlinks_nothing(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    entry = await start(hass)

    await hass.config_entries.async_remove(entry.entry_id)

    assert (controlled.asked, controlled.sent) == ([], [])
