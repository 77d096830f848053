"""Options that hold, repairs that help, devices that are linked."""

import asyncio
from collections.abc import Sequence
import time

from playwright.async_api import Locator, expect

from custom_components.energy_connect.const import DOMAIN

from .checks import Wrong
from .devices import becomes, entry_id
from .person import PATIENCE, Person
from .stage import Stage
from .wizard import Dialog, open_entry

# In the currency of Home Assistant.
PRICE = 0.25
FEED_IN = 0.08
_BRAND = "SKODA"
# What the simulated owner finds on the provider's page.
_LINKED = "New car"


async def open_options(person: Person, title: str) -> Dialog:
    """Open the options of an account."""
    row = await open_entry(person, title)
    await row.get_by_role("button", name="Configure").first.click()
    dialog = Dialog(person)
    await dialog.shows("Import history")
    return dialog


async def unfold(dialog: Dialog, section: str) -> Locator:
    """Open a section of the options, if it is closed."""
    panel = dialog.root.locator("ha-form-expandable").filter(has_text=section)
    price = panel.locator("ha-selector-number input")
    if not await price.is_visible():
        await panel.locator("#summary").click()
    await expect(price).to_be_visible()
    return panel


async def set_prices(stage: Stage) -> str:
    """Enter prices that hold since the first of the month before; look whether they were kept."""
    person = stage.person
    dialog = await open_options(person, "Traxes")
    for section, price in (("Price of electricity", PRICE), ("Payment for feed-in", FEED_IN)):
        panel = await unfold(dialog, section)
        await panel.locator("ha-selector-number input").fill(str(price))
        await panel.locator("ha-date-input input").click()
        calendar = person.page.locator("ha-dialog-date-picker")
        await calendar.locator("calendar-date button[part~=previous]").click()
        await calendar.locator("calendar-month button").get_by_text("1", exact=True).click()
        await calendar.get_by_role("button", name="OK", exact=True).click()
        await expect(calendar).to_be_hidden()
        if price == PRICE:
            await person.picture("options")
    await dialog.submit()
    await dialog.finish()
    await loaded(stage)
    dialog = await open_options(person, "Traxes")
    for section, price in (("Price of electricity", PRICE), ("Payment for feed-in", FEED_IN)):
        panel = await unfold(dialog, section)
        await expect(panel.locator("ha-selector-number input")).to_have_value(str(price))
    await dialog.close()
    return "prices entered in the options, and kept"


async def loaded(stage: Stage) -> None:
    """Wait until all accounts run: a page that opens during a reload may stay without entries."""
    until = time.monotonic() + PATIENCE / 1000
    while True:
        entries = await stage.session.command("config_entries/get", domain=DOMAIN)
        if all(entry["state"] == "loaded" for entry in entries):
            return
        if time.monotonic() > until:
            raise Wrong(
                f"not loaded: {[one['title'] for one in entries if one['state'] != 'loaded']}"
            )
        await asyncio.sleep(0.5)


async def open_repair(person: Person, title: str) -> Dialog:
    """Open a repair by its title."""
    await person.go("/config/repairs", "ha-config-repairs-dashboard")
    await person.page.get_by_text(title).first.click()
    return Dialog(person)


async def name_unit(stage: Stage) -> str:
    """Mend what an account asks for with a choice in a form."""
    title = "does not say in which unit it measures"
    dialog = await open_repair(stage.person, title)
    fields = dialog.root.locator("ha-select")
    await expect(fields.first).to_be_visible()
    await stage.person.look()
    before = len(await _issues(stage))
    for field in await fields.all():
        await field.locator("ha-picker-field").click()
        await field.get_by_text("GJ", exact=True).click()
    await dialog.submit()
    await dialog.finish()
    after = len(await _issues(stage))
    if after != before - 1:
        raise Wrong(f"{before} repairs before, {after} after")
    return "a repair asked for a unit, and was done"


async def sign_in_again(stage: Stage) -> str:
    """Mend a login that the provider lost, on the provider's page."""
    person, knobs = stage.person, stage.simulator.enode.knobs
    knobs.broken_logins = frozenset({_BRAND})
    entry = await entry_id(stage, "Enode")
    await stage.session.post(f"/api/config/config_entries/entry/{entry}/reload", {})
    await loaded(stage)
    dialog = await open_repair(person, "can no longer sign in at")
    link = dialog.root.get_by_role("link", name="Open the page")
    await expect(link).to_be_visible()
    await person.look()
    await person.picture("repair")
    async with person.page.context.expect_page() as opening:
        await link.click()
    page = await opening.value
    await page.get_by_role("button", name=f"Sign in at {_BRAND}").click()
    await becomes(lambda: not knobs.broken_logins, "the login is still broken")
    await dialog.submit()
    await dialog.finish()
    left = [issue for issue in await _issues(stage) if "login" in issue]
    if left:
        raise Wrong(f"left of the repairs: {', '.join(left)}")
    return "a repair led to the provider's page, and the login works again"


async def link_device(stage: Stage) -> str:
    """Link a car on the provider's page, and see its device here."""
    person, page = stage.person, stage.person.page
    await open_entry(person, "Enode")
    await page.get_by_role("button", name="Link a device").first.click()
    dialog = Dialog(person)
    await dialog.shows("Choose what you want to link.")
    # All kinds are ticked; one less is a choice.
    await dialog.root.get_by_text("Meter", exact=True).click()
    async with page.context.expect_page() as opening:
        await dialog.submit()
    consent = await opening.value
    async with consent.expect_event("close"):
        await consent.get_by_role("button", name="Sign in at RENAULT").click()
    await dialog.shows("New devices appear within a few minutes.")
    await dialog.close()
    linked = page.locator("ha-config-entry-device-row").get_by_text(_LINKED, exact=True)
    await expect(linked.first).to_be_visible()
    return "a car linked on the provider's page"


async def _issues(stage: Stage) -> Sequence[str]:
    listed = await stage.session.command("repairs/list_issues")
    return [
        issue["translation_key"]
        for issue in listed["issues"]
        if issue["domain"] == DOMAIN and not issue["ignored"]
    ]
