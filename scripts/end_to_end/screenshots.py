"""Pictures for the documentation: small files of what was on the screen."""

import io
from pathlib import Path

from PIL import Image
from playwright.async_api import Page

FOLDER = Path(__file__).parents[2] / "docs/images"
# Home Assistant's pages are flat: so many colours are all that there are, save in photographs.
_COLOURS = 128
# Icons come after the text, one by one.
_ALL_ICONS_DRAWN = """() => {
  const drawn = (node) =>
    node.nodeName.toLowerCase() === "path" ||
    [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes].some(drawn);
  const complete = (node) =>
    node.nodeName === "HA-STATE-ICON"
      ? drawn(node)
      : [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes].every(complete);
  return complete(document.body);
}"""


class Album:
    """Takes pictures, or does nothing when none are wanted."""

    def __init__(self, *, wanted: bool) -> None:
        """Take pictures if they are wanted."""
        self._wanted = wanted
        self.taken: list[Path] = []

    async def take(self, page: Page, name: str) -> None:
        """Write what the page shows as docs/images/<name>.png."""
        if not self._wanted:
            return
        # Moving things come to rest, and no pointer lights up what it is over.
        await page.mouse.move(0, 0)
        await page.wait_for_function(_ALL_ICONS_DRAWN)
        shot = await page.screenshot(animations="disabled", caret="hide")
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / f"{name}.png"
        with Image.open(io.BytesIO(shot)) as image:
            palette = image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
            palette.save(path, optimize=True)
        self.taken.append(path)
