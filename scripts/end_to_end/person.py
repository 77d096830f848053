"""A person at a browser: signed in, going from page to page, looking at each."""

from pathlib import Path
from types import TracebackType
from typing import Self

from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright, expect

from scripts.chromium import ARGUMENTS
from scripts.demonstration.session import PASSWORD, USER

from .checks import Console, look
from .screenshots import Album

# A person waits no longer, and a busy machine needs no longer.
PATIENCE = 60_000.0
_VIEW = {"width": 1280, "height": 800}


class Person:
    """One browser with one page, and everything that the person saw checked."""

    def __init__(self, program: Path, url: str, album: Album, *, headed: bool) -> None:
        """Take the browser's program and Home Assistant's address."""
        self.url = url
        self.album = album
        self.console = Console()
        self.page: Page
        self._program = program
        self._headed = headed
        self._playwright: Playwright
        self._browser: Browser
        self._context: BrowserContext

    async def __aenter__(self) -> Self:
        """Open the browser."""
        expect.set_options(timeout=PATIENCE)
        self._playwright = await async_playwright().start()
        self._browser = await self._playwright.chromium.launch(
            executable_path=self._program, args=list(ARGUMENTS), headless=not self._headed
        )
        self._context = await self._browser.new_context(
            viewport={"width": _VIEW["width"], "height": _VIEW["height"]},
            locale="en-GB",
            timezone_id="Europe/Prague",
            color_scheme="light",
            reduced_motion="reduce",
        )
        self._context.set_default_timeout(PATIENCE)
        self._context.on("page", self.console.listen)
        self.page = await self._context.new_page()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        await self._browser.close()
        await self._playwright.stop()

    async def sign_in(self) -> None:
        """Sign in to Home Assistant."""
        await self.page.goto(self.url)
        await self.page.locator("input[name=username]").fill(USER)
        await self.page.locator("input[name=password]").fill(PASSWORD)
        await self.page.get_by_role("button", name="Log in").click()
        await expect(self.page.locator("ha-sidebar")).to_be_visible()

    async def go(self, path: str, sign: str) -> None:
        """Open a page of Home Assistant, and wait for the element by which it is known."""
        await self.page.goto(f"{self.url}{path}")
        await expect(self.page.locator(sign).first).to_be_visible()
        await self.look()

    async def look(self) -> None:
        """Look whether something is on the screen that should not be."""
        await look(self.page)
        self.console.check()

    async def picture(self, name: str) -> None:
        """Keep what is on the screen, if pictures are wanted."""
        await self.album.take(self.page, name)
