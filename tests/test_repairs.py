"""Repairs that lead through: raised and cleared from the fresh data, mended by their flows."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.coordinator import EnergyCoordinator
from custom_components.energy_connect.core.account import Field, FieldKind
from custom_components.energy_connect.core.errors import (
    CommandRefused,
    RateLimited,
    Reason,
    Refusal,
    Unavailable,
)
from custom_components.energy_connect.core.model import Advice, AdviceKind, AskOptions, OpenPage
from custom_components.energy_connect.repairs import FixFlow, async_create_fix_flow
from tests.controlled import PAGE, ControlledScript, controlled_car
from tests.scripted import TITLE, add_entry, install, poll, start

LOGIN = Advice(
    AdviceKind.VENDOR_LOGIN_BROKEN,
    "vendor",
    placeholders={"vendor": "ACME"},
    remedy=OpenPage(),
)
UNIT = Advice(AdviceKind.UNIT_UNKNOWN, "heat_unit", remedy=AskOptions(("heat_unit",)))


@pytest.fixture(autouse=True)
async def house(hass: HomeAssistant) -> None:
    """Home Assistant with repairs, and an address of its own."""
    await hass.config.async_update(external_url="https://house.example")
    assert await async_setup_component(hass, "repairs", {})


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    return {
        str(issue.translation_key): issue
        for (domain, _), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN
    }


async def begin(hass: HomeAssistant, kind: AdviceKind) -> Any:
    manager = repairs_flow_manager(hass)
    assert manager is not None
    flow = await manager.async_init(DOMAIN, data={"issue_id": issues(hass)[kind].issue_id})
    await hass.async_block_till_done(wait_background_tasks=True)
    return flow


async def submit(hass: HomeAssistant, flow: Any, data: dict[str, Any] | None = None) -> Any:
    manager = repairs_flow_manager(hass)
    assert manager is not None
    result = await manager.async_configure(flow["flow_id"], data or {})
    await hass.async_block_till_done(wait_background_tasks=True)
    return result


async def broken(
    hass: HomeAssistant, controlled: ControlledScript, advice: Advice = LOGIN
) -> ConfigEntry[EnergyCoordinator]:
    controlled.show(controlled_car(), advice=[advice])
    return await start(hass)


async def test_an_advice_with_a_remedy_is_fixable_and_goes_with_the_data(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    entry = await broken(hass, controlled)
    plain = Advice(AdviceKind.NO_VIEWER_PERMISSION, "m", placeholders={"device": "M"})
    controlled.show(controlled_car(), advice=[LOGIN, plain])
    await poll(hass, entry)

    assert issues(hass)["vendor_login_broken"].is_fixable
    assert issues(hass)["vendor_login_broken"].translation_placeholders == {
        "account": TITLE,
        "vendor": "ACME",
    }
    assert not issues(hass)["no_viewer_permission"].is_fixable

    controlled.show(controlled_car())
    await poll(hass, entry)
    assert issues(hass) == {}


async def test_the_page_is_shown_and_submit_checks_that_it_helped(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await broken(hass, controlled)
    flow = await begin(hass, AdviceKind.VENDOR_LOGIN_BROKEN)
    assert (flow["type"], flow["step_id"]) == (FlowResultType.FORM, "page")
    assert flow["description_placeholders"] == {"account": TITLE, "vendor": "ACME", "url": PAGE}
    assert controlled.asked == [("mend", "vendor")]

    flow = await submit(hass, flow)
    assert flow["errors"] == {"base": "not_mended"}
    assert len(controlled.asked) == 2  # a link may work once: a new one

    controlled.error = Unavailable(Reason.TIMEOUT)
    flow = await submit(hass, flow)
    assert flow["errors"] == {"base": "cannot_check"}

    controlled.error = None
    controlled.show(controlled_car())
    flow = await submit(hass, flow)
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    assert issues(hass) == {}


async def test_what_needs_no_mending_any_more_is_done_at_once(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await broken(hass, controlled)
    controlled.page = None

    flow = await begin(hass, AdviceKind.VENDOR_LOGIN_BROKEN)

    assert flow["type"] is FlowResultType.CREATE_ENTRY


async def test_what_is_about_nothing_any_more_is_done_at_once(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    other = Advice(AdviceKind.VENDOR_LOGIN_BROKEN, "other", remedy=OpenPage())
    entry = await broken(hass, controlled, other)

    for data in (None, {"entry_id": entry.entry_id, "kind": LOGIN.kind, "subject": "vendor"}):
        flow = await async_create_fix_flow(hass, "issue", data)
        assert isinstance(flow, FixFlow)
        flow.hass = hass
        assert (await flow.async_step_init())["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (Unavailable(Reason.SERVER_ERROR, status=503, detail="busy"), "busy"),
        (Unavailable(Reason.SERVER_ERROR, status=503), "server_error (503)"),
        (CommandRefused(Refusal.NO_PERMISSION), "no_permission"),
    ],
)
async def test_a_provider_that_gives_no_page_is_told(
    hass: HomeAssistant, controlled: ControlledScript, error: Exception, detail: str
) -> None:
    await broken(hass, controlled)
    controlled.lookup_error = error

    flow = await begin(hass, AdviceKind.VENDOR_LOGIN_BROKEN)

    assert (flow["type"], flow["reason"]) == (FlowResultType.ABORT, "no_page")
    assert flow["description_placeholders"] == {"account": TITLE, "detail": detail}
    assert "vendor_login_broken" in issues(hass)


async def test_without_an_address_of_its_own_the_flow_says_what_to_do(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await broken(hass, controlled)
    hass.config.internal_url = hass.config.external_url = None
    hass.config.api = None

    flow = await begin(hass, AdviceKind.VENDOR_LOGIN_BROKEN)

    assert (flow["type"], flow["reason"]) == (FlowResultType.ABORT, "no_url")


@pytest.mark.parametrize("advice", [LOGIN, UNIT])
async def test_an_account_that_stops_meanwhile_ends_the_flow(
    hass: HomeAssistant,
    controlled: ControlledScript,
    monkeypatch: pytest.MonkeyPatch,
    advice: Advice,
) -> None:
    install(monkeypatch, controlled.provider(options=(HEAT,)))
    entry = await broken(hass, controlled, advice)
    flow = await begin(hass, advice.kind)
    await hass.config_entries.async_unload(entry.entry_id)

    flow = await submit(hass, flow, {"heat_unit": "gj"} if advice is UNIT else None)

    assert flow["type"] is FlowResultType.CREATE_ENTRY


HEAT = Field(
    key="heat_unit",
    kind=FieldKind.CHOICE,
    default="unknown",
    choices=("unknown", "kwh", "mwh", "gj"),
    required=False,
)


async def test_the_unit_of_heat_is_asked_for_kept_and_used(
    hass: HomeAssistant, controlled: ControlledScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Field(key="cold_unit", kind=FieldKind.CHOICE, choices=("unknown", "kwh"))
    install(monkeypatch, controlled.provider(options=(HEAT, other)))
    controlled.show(controlled_car(), advice=[UNIT])
    entry = add_entry(hass, options={"cold_unit": "kwh"})
    await hass.config_entries.async_setup(entry.entry_id)
    flow = await begin(hass, AdviceKind.UNIT_UNKNOWN)
    assert (flow["type"], flow["step_id"]) == (FlowResultType.FORM, "options")
    assert [str(key) for key in flow["data_schema"].schema] == ["heat_unit"]

    flow = await submit(hass, flow, {"heat_unit": "unknown"})
    assert flow["errors"] == {"base": "not_mended"}

    controlled.show(controlled_car())
    flow = await submit(hass, flow, {"heat_unit": "gj"})

    assert flow["type"] is FlowResultType.CREATE_ENTRY
    assert dict(entry.options) == {"cold_unit": "kwh", "heat_unit": "gj"}
    assert controlled.options == entry.options
    assert issues(hass) == {}


async def test_what_was_told_is_not_asked_for_again(
    hass: HomeAssistant, controlled: ControlledScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Field(key="cold_unit", kind=FieldKind.CHOICE, choices=("unknown", "kwh"))
    install(monkeypatch, controlled.provider(options=(HEAT, other)))
    both = Advice(
        AdviceKind.UNIT_UNKNOWN, "heat_unit", remedy=AskOptions(("heat_unit", "cold_unit"))
    )
    controlled.show(controlled_car(), advice=[both])
    entry = add_entry(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    flow = await begin(hass, AdviceKind.UNIT_UNKNOWN)
    assert [str(key) for key in flow["data_schema"].schema] == ["heat_unit", "cold_unit"]

    controlled.show(controlled_car(), advice=[replace(both, remedy=AskOptions(("cold_unit",)))])
    flow = await submit(hass, flow, {"heat_unit": "gj", "cold_unit": "unknown"})

    assert flow["errors"] == {"base": "not_mended"}
    assert [str(key) for key in flow["data_schema"].schema] == ["cold_unit"]


async def test_requests_refused_for_a_day_are_told_and_forgotten_with_the_first_good_poll(
    hass: HomeAssistant, controlled: ControlledScript, freezer: FrozenDateTimeFactory
) -> None:
    entry = await start(hass)
    for hours in (0, 12, 11):
        freezer.tick(timedelta(hours=hours))
        controlled.error = RateLimited(60)
        await poll(hass, entry)
        assert issues(hass) == {}

    for _ in range(2):
        freezer.tick(timedelta(hours=1))
        await poll(hass, entry)
        assert list(issues(hass)) == ["request_limit"]

    freezer.tick(timedelta(hours=1))
    controlled.error = None
    await poll(hass, entry)
    assert issues(hass) == {}


async def test_another_kind_of_trouble_in_between_is_no_day_of_refusals(
    hass: HomeAssistant, controlled: ControlledScript, freezer: FrozenDateTimeFactory
) -> None:
    entry = await start(hass)
    for error in (RateLimited(60), Unavailable(Reason.TIMEOUT), RateLimited(60)):
        controlled.error = error
        await poll(hass, entry)
        freezer.tick(timedelta(hours=20))

    assert issues(hass) == {}
