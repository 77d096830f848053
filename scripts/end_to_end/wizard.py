"""Home Assistant's dialog of flows: the wizard, the options, the repairs."""

from collections.abc import Mapping
import re

from playwright.async_api import Locator, expect

from .person import Person

INTEGRATION = "Energy Connect"


class Dialog:
    """The dialog that is open."""

    def __init__(self, person: Person) -> None:
        """Take whose dialog it is."""
        self._person = person
        self.root = person.page.locator("dialog-data-entry-flow")

    async def shows(self, text: str | re.Pattern[str]) -> None:
        """Wait until a text is there, and look at all others."""
        await expect(self.root.get_by_text(text).first).to_be_visible()
        await self._person.look()

    async def choose(self, option: str) -> None:
        """Take an option of a menu."""
        await self.root.locator("step-flow-menu").get_by_text(option, exact=True).click()

    async def fill(self, entered: Mapping[str, str]) -> None:
        """Fill in fields of a form by their keys."""
        for key, value in entered.items():
            await self.root.locator(f"input[name={key}]").fill(value)

    async def submit(self, button: str = "Submit") -> None:
        """Press the button at the bottom."""
        await self.root.get_by_role("button", name=button, exact=True).click()

    async def finish(self) -> None:
        """Leave the dialog's last page."""
        await expect(self.root.locator("step-flow-create-entry")).to_be_visible()
        await self._person.look()
        await self.root.locator("ha-dialog-footer ha-button").last.click()
        await self._gone()

    async def close(self) -> None:
        """Leave it with the cross."""
        await self.root.get_by_role("button", name="Close").last.click()
        await self._gone()

    async def _gone(self) -> None:
        # The element itself stays for the next flow.
        await expect(self.root.locator("ha-dialog-header").first).to_be_hidden()


async def open_wizard(person: Person) -> Dialog:
    """Open Settings > Devices & services > Add integration > Energy Connect."""
    await person.go("/config/integrations/dashboard", "ha-config-integrations-dashboard")
    page = person.page
    await page.get_by_role("button", name="Add integration").click()
    brands = page.locator("dialog-add-integration")
    await brands.locator("input").first.fill(INTEGRATION)
    await brands.locator("ha-integration-list-item").get_by_text(INTEGRATION).first.click()
    dialog = Dialog(person)
    await dialog.shows("Choose a provider")
    return dialog


async def open_entry(person: Person, title: str) -> Locator:
    """Open the integration's page; return the row of an account."""
    path = "/config/integrations/integration/energy_connect"
    await person.go(path, "ha-config-entry-row")
    rows = person.page.locator("ha-config-entry-row")
    row = rows.filter(has=person.page.get_by_text(title, exact=True)).first
    await expect(row).to_be_visible()
    return row
