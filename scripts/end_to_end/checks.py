"""Is anything wrong with what is on the screen, in the browser's console, in the log?"""

import asyncio
from pathlib import Path
import re

from playwright.async_api import ConsoleMessage, Error, Locator, Page

from custom_components.energy_connect.const import DOMAIN

from .words import leaks

# Everything that is drawn: through open shadow roots and slots, and what a hand or a screen reader
# finds at a place.
_VISIBLE = """(root) => {
  const found = [];
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      const text = node.textContent.replace(/[\\u2068\\u2069]/g, "").trim();
      if (text) found.push(text);
      return;
    }
    if (node.nodeType === Node.ELEMENT_NODE) {
      if (["STYLE", "SCRIPT", "TEMPLATE", "NOSCRIPT"].includes(node.tagName)) return;
      const style = getComputedStyle(node);
      if (style.display === "none" || style.visibility === "hidden") return;
      for (const name of ["aria-label", "title", "placeholder"]) {
        const text = node.getAttribute(name);
        if (text) found.push(text);
      }
      if (node.tagName === "SLOT") {
        const given = node.assignedNodes();
        (given.length ? given : [...node.childNodes]).forEach(walk);
        return;
      }
      if (node.shadowRoot) {
        walk(node.shadowRoot);
        return;
      }
    }
    node.childNodes.forEach(walk);
  };
  walk(root ?? document.body);
  return found;
}"""
_LOOKS = 10
_MOMENT = 0.3
"""Seconds between two looks."""
# A page that goes elsewhere at this moment has no text; then the next look counts.
_GOING = ("Execution context was destroyed", "navigation", "has been closed")
_ENTRY = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_BAD = re.compile(r"^\S+ \S+ (ERROR|CRITICAL) ")


class Wrong(Exception):
    """Something that a person would call a fault."""


async def visible(part: Page | Locator) -> list[str]:
    """Return every text on a page or a part of it, in the order in which it is drawn."""
    texts: list[str] = await part.evaluate(_VISIBLE)
    return texts


async def look(page: Page) -> None:
    """Look at the page for what should not be there.

    The frontend fetches the words of a repair when it comes, and shows its key until it has them:
    what is gone after a moment is no fault.

    Raises:
        Wrong: a key or a placeholder shows through.

    """
    found: list[str] = []
    for _ in range(_LOOKS):
        try:
            found = leaks(await visible(page))
        except Error as error:
            if any(words in str(error) for words in _GOING):
                return
            raise
        if not found:
            return
        await asyncio.sleep(_MOMENT)
    raise Wrong(f"{page.url} shows {', '.join(found)}")


class Console:
    """What the browser complained about, of all pages."""

    def __init__(self) -> None:
        """Begin without complaints."""
        self.complaints: list[str] = []

    def listen(self, page: Page) -> None:
        """Note what a page complains about."""
        page.on("console", self._message)
        page.on("pageerror", self._error)

    def _message(self, message: ConsoleMessage) -> None:
        # The frontend warns of much that is not ours; it names our texts and ids where it is.
        if message.type in {"error", "warning"} and DOMAIN in message.text:
            self.complaints.append(message.text)

    def _error(self, error: Error) -> None:
        if DOMAIN in f"{error.message}{error.stack}":
            self.complaints.append(error.message)

    def check(self) -> None:
        """Raise if there was a complaint.

        Raises:
            Wrong: there was one.

        """
        if self.complaints:
            raise Wrong(f"the browser's console says: {self.complaints[0]}")


def check_log(log: Path) -> None:
    """Read Home Assistant's log for errors that have to do with us.

    Raises:
        Wrong: there is one.

    """
    entries: list[str] = []
    for line in log.read_text(errors="replace").splitlines():
        if _ENTRY.match(line) or not entries:
            entries.append(line)
        else:
            entries[-1] += f"\n{line}"
    for entry in entries:
        if DOMAIN in entry and (_BAD.match(entry) or "Traceback" in entry):
            raise Wrong(f"Home Assistant's log says:\n{entry}")
