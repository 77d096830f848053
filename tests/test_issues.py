"""What a person should do, as repair issues: raised, changed and cleared by fresh data."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.core.errors import Reason, Unavailable
from custom_components.energy_connect.core.model import Advice, AdviceKind
from simulator import Simulator
from tests.accounts import enter, entry_flow, next_poll, set_up
from tests.scripted import TITLE, Script, add_entry, car, poll, start


def issues(hass: HomeAssistant) -> dict[str, ir.IssueSeverity | None]:
    """Return the translation keys of the issues with their severities."""
    return {
        str(issue.translation_key): issue.severity
        for (domain, _), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN
    }


def issue(hass: HomeAssistant) -> ir.IssueEntry:
    (found,) = [one for one in ir.async_get(hass).issues.values() if one.domain == DOMAIN]
    return found


async def test_an_advice_is_an_issue_that_names_the_account(
    hass: HomeAssistant, script: Script
) -> None:
    advice = Advice(AdviceKind.TOKEN_EXPIRING, "token", placeholders={"days": "12"})
    script.show(car(), advice=[advice])

    await start(hass)

    assert issue(hass).translation_key == "token_expiring"
    assert issue(hass).translation_placeholders == {"account": TITLE, "days": "12"}
    assert not issue(hass).is_fixable


async def test_an_advice_that_is_no_longer_given_is_cleared(
    hass: HomeAssistant, script: Script
) -> None:
    script.show(car(), advice=[Advice(AdviceKind.NO_DEVICES, "x")])
    entry = await start(hass)
    script.show(car())

    await poll(hass, entry)

    assert issues(hass) == {}


async def test_a_poll_that_fails_leaves_the_advice(hass: HomeAssistant, script: Script) -> None:
    script.show(car(), advice=[Advice(AdviceKind.NO_DEVICES, "x")])
    entry = await start(hass)
    script.error = Unavailable(Reason.CANNOT_CONNECT)

    await poll(hass, entry)

    assert issues(hass) == {"no_devices": ir.IssueSeverity.WARNING}


async def test_two_advices_of_a_kind_are_two_issues(hass: HomeAssistant, script: Script) -> None:
    kind = AdviceKind.METER_NOT_DELIVERING
    script.show(car(), advice=[Advice(kind, "a"), Advice(kind, "b")])
    entry = await start(hass)
    assert len(ir.async_get(hass).issues) == 2
    script.show(car(), advice=[Advice(kind, "b")])

    await poll(hass, entry)

    assert issue(hass).issue_id.endswith("_b")


async def test_issues_of_another_account_are_left_alone(
    hass: HomeAssistant, script: Script
) -> None:
    script.show(car(), advice=[Advice(AdviceKind.NO_DEVICES, "x")])
    entry = await start(hass)
    other = add_entry(hass, unique_id="scripted_2", title="Other")
    await hass.config_entries.async_setup(other.entry_id)
    await hass.async_block_till_done()
    assert len(ir.async_get(hass).issues) == 2

    await hass.config_entries.async_unload(entry.entry_id)

    assert issue(hass).translation_placeholders == {"account": "Other"}


async def test_advice_that_arrives_during_an_unload_does_not_stay(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await start(hass)
    unload = hass.config_entries.async_unload_platforms

    async def unload_slowly(*given: Any) -> bool:
        script.show(car(), advice=[Advice(AdviceKind.NO_DEVICES, "x")])
        await entry.runtime_data.async_refresh()
        return await unload(*given)

    monkeypatch.setattr(hass.config_entries, "async_unload_platforms", unload_slowly)

    assert await hass.config_entries.async_unload(entry.entry_id)

    assert issues(hass) == {}


# A meter's.


async def expiring(hass: HomeAssistant, simulator: Simulator, days: float) -> Any:
    token = simulator.kostal.tokens.create("short", lifetime=timedelta(days=days)).text
    return await set_up(hass, simulator, "kostal", token=token)


async def test_a_token_that_ends_within_30_days_is_told(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    entry = await expiring(hass, simulator, 30.5)
    assert issues(hass) == {}

    freezer.tick(timedelta(days=1))
    await next_poll(hass, freezer, entry)
    assert issues(hass) == {"token_expiring": ir.IssueSeverity.WARNING}
    assert issue(hass).translation_placeholders == {"account": entry.title, "days": "30"}

    freezer.tick(timedelta(days=23))
    await next_poll(hass, freezer, entry)
    assert issues(hass) == {"token_expiring": ir.IssueSeverity.ERROR}
    assert issue(hass).translation_placeholders == {"account": entry.title, "days": "7"}


async def test_a_newer_token_clears_the_issue(hass: HomeAssistant, simulator: Simulator) -> None:
    entry = await expiring(hass, simulator, 3)
    assert issues(hass) == {"token_expiring": ir.IssueSeverity.ERROR}

    fresh = simulator.kostal.tokens.create("fresh").text
    result = await enter(hass, await entry_flow(hass, entry, SOURCE_REAUTH), {"token": fresh})

    assert result["reason"] == "reauth_successful"
    assert issues(hass) == {}


async def test_a_meter_that_stands_still_is_told_until_it_measures(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    entry = await set_up(hass, simulator, "kostal")
    simulator.kostal.freeze()
    for _ in range(8):
        await next_poll(hass, freezer, entry)
    assert issues(hass) == {"meter_not_delivering": ir.IssueSeverity.ERROR}

    simulator.kostal.thaw()
    await next_poll(hass, freezer, entry)
    assert issues(hass) == {}


async def test_a_meter_in_error_is_told(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    entry = await set_up(hass, simulator, "kostal")
    simulator.kostal.knobs.status = "STATUS_ERROR"

    await next_poll(hass, freezer, entry)

    assert issues(hass) == {"meter_not_delivering": ir.IssueSeverity.ERROR}


async def test_an_unload_clears_the_issues_and_a_reload_raises_them_again(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    entry = await expiring(hass, simulator, 3)

    await hass.config_entries.async_unload(entry.entry_id)
    assert issues(hass) == {}

    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert issues(hass) == {"token_expiring": ir.IssueSeverity.ERROR}
