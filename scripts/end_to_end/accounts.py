"""Adding the five accounts: wrong first, then right."""

from dataclasses import dataclass
import re

from playwright.async_api import expect

from scripts.demonstration.report import wait_for_values

from .checks import Wrong
from .stage import Stage
from .wizard import open_wizard

_ACCOUNTS_WITHIN = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """A provider's form: how the menu names it, and a secret that it refuses with these words."""

    name: str
    secret: str
    wrong: str
    words: str


# The words are what a person reads, and not the key of a translation: what is tested is the text.
_FORMS = {
    "enectiva": _Form(
        name="Enectiva",
        secret="login_token",
        wrong="invented-login-token",
        words="The login token or the customer id was refused.",
    ),
    "kostal": _Form(
        name="KOSTAL Smart Energy Meter",
        secret="token",
        wrong="invented",
        words="This does not look like an access token.",
    ),
    "enode": _Form(
        name="Enode",
        secret="client_secret",
        wrong="invented-secret",
        words="The client id or secret was refused.",
    ),
    "traxes": _Form(
        name="Traxes",
        secret="client_secret",
        wrong="invented-secret",
        words="The client id or secret was refused.",
    ),
}
_SHOWN_IN_PICTURE = "enode"


async def add_account(stage: Stage, provider: str) -> str:
    """Add an account through its form, after a wrong secret."""
    form = _FORMS[provider]
    dialog = await open_wizard(stage.person)
    if provider == _SHOWN_IN_PICTURE:
        await stage.person.picture("wizard")
    await dialog.choose(form.name)
    await expect(dialog.root.locator(f"input[name={form.secret}]")).to_be_visible()
    await stage.person.look()
    if provider == _SHOWN_IN_PICTURE:
        await stage.person.picture("form")
    known = stage.simulator.credentials()[provider]
    entered = {
        name: str(value)
        for name, value in known.items()
        if await dialog.root.locator(f"input[name={name}]").count()
    }
    await dialog.fill(entered | {form.secret: form.wrong})
    await dialog.submit()
    await dialog.shows(form.words)
    await dialog.fill({form.secret: entered[form.secret]})
    await dialog.submit()
    await dialog.finish()
    return f"{form.name}: a wrong secret refused in words, the right one taken"


async def sign_in_at_ev_energy(stage: Stage) -> str:
    """Add an account by its page of consent, with an application that the frontend asks for."""
    person, simulator = stage.person, stage.simulator
    application = simulator.ev_energy.browser_application(f"{person.url}/auth/external/callback")
    dialog = await open_wizard(person)
    await dialog.choose("ev.energy")
    await dialog.choose("Sign in in the browser")
    ask = person.page.locator("dialog-add-application-credential")
    fields = ask.locator("input")
    await expect(fields.last).to_be_visible()
    await person.look()
    for name, text in (
        ("name", "My ev.energy"),
        ("clientId", application.client_id),
        ("clientSecret", application.client_secret),
    ):
        await ask.locator(f"input[name={name}]").fill(text)
    await ask.get_by_role("button", name="Add", exact=True).click()
    # The frontend begins the wizard anew with what it has now.
    await dialog.shows("Choose a provider")
    await dialog.choose("ev.energy")
    async with person.page.context.expect_page() as opening:
        await dialog.choose("Sign in in the browser")
    consent = await opening.value
    await expect(consent.get_by_role("heading", name="Share your data?")).to_be_visible()
    async with consent.expect_event("close"):
        await consent.get_by_role("button", name="Allow").click()
    await dialog.finish()
    return "ev.energy: credentials of an application, consent on the provider's page, and back"


async def choose_at_ev_energy(stage: Stage) -> str:
    """Add one of several accounts that an application opens; the one that is there is refused."""
    known = stage.simulator.credentials()["ev_energy"]
    entered = {name: str(known[name]) for name in ("client_id", "client_secret")}
    titles = [str(user["full_name"]) for user in stage.simulator.ev_energy.garage.users()]
    for title in titles:
        dialog = await open_wizard(stage.person)
        await dialog.choose("ev.energy")
        await dialog.choose("Client credentials")
        await expect(dialog.root.locator("input[name=client_id]")).to_be_visible()
        if title == titles[0]:
            await dialog.fill(entered | {"client_secret": "invented-secret"})
            await dialog.submit()
            await dialog.shows("The client id or secret was refused.")
        await dialog.fill(entered)
        await dialog.submit()
        await dialog.shows("These credentials open several accounts.")
        await dialog.root.get_by_text(title, exact=True).click()
        await dialog.submit()
        if title == titles[0]:
            await dialog.shows(re.compile("already", re.IGNORECASE))
            await dialog.close()
        else:
            await dialog.finish()
    return f"ev.energy: {len(titles)} accounts to choose from, the one already added refused"


async def everything_has_values(stage: Stage) -> str:
    """Wait until each account has values and nothing is unavailable."""
    report = await wait_for_values(stage.session, list(stage.simulator.servers), _ACCOUNTS_WITHIN)
    if not report.good:
        raise Wrong("; ".join(report.missing()))
    entities = sum(account.entities for account in report.accounts)
    return f"five providers, {entities} entities, none unavailable"
