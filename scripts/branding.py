"""The pictures that Home Assistant shows, drawn from the two drawings: light, dark, large."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
import sys
from typing import Final

from playwright.sync_api import Page, sync_playwright

from scripts.chromium import ARGUMENTS, NoBrowser, find_chromium

ROOT: Final = Path(__file__).resolve().parent.parent
DRAWINGS: Final = ROOT / "docs/brand"
PICTURES: Final = ROOT / "custom_components/energy_connect/brand"
SHORTER_SIDE: Final = 256
"""Pixels; Home Assistant wants 256 for icons, and 128 to 256 for logos."""
ON_DARK: Final = {"#1d3b53": "#e8f1f7", "#ffd84d": "#e08a00", "#2f9e8f": "#45bdac"}
"""Dark ink can't be seen on a dark ground; the bolt has to be seen on the light hub."""

# The edges of what is drawn, strokes included, in the drawing's own units.
_EDGES: Final = """svg => {
    const edges = [...svg.querySelectorAll("line, circle, path")].map(part => {
        const box = part.getBBox({stroke: true});
        const half = parseFloat(part.getAttribute("stroke-width") || "0") / 2;
        return [box.x - half, box.y - half, box.x + box.width + half, box.y + box.height + half];
    });
    const left = Math.min(...edges.map(edge => edge[0]));
    const top = Math.min(...edges.map(edge => edge[1]));
    return [
        left,
        top,
        Math.max(...edges.map(edge => edge[2])) - left,
        Math.max(...edges.map(edge => edge[3])) - top,
    ];
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One file: which drawing, for which ground, how many times the usual size."""

    drawing: str
    dark: bool
    scale: int

    @property
    def name(self) -> str:
        """The file's name, as Home Assistant looks for it."""
        return f"{'dark_' if self.dark else ''}{self.drawing}{'@2x' if self.scale == 2 else ''}.png"


def pictures() -> Iterator[Picture]:
    """Yield every picture that there has to be."""
    for drawing in ("icon", "logo"):
        for dark in (False, True):
            for scale in (1, 2):
                yield Picture(drawing=drawing, dark=dark, scale=scale)


def drawn(page: Page, picture: Picture) -> bytes:
    """Return the picture as PNG: transparent, trimmed, an icon square."""
    svg = (DRAWINGS / f"{picture.drawing}.svg").read_text()
    if picture.dark:
        for light, dark in ON_DARK.items():
            svg = svg.replace(light, dark)
    page.set_content(f"<style>body{{margin:0}} svg{{display:block}}</style>{svg}")
    left, top, width, height = page.eval_on_selector("svg", _EDGES)
    shorter = SHORTER_SIDE * picture.scale
    if picture.drawing == "icon":
        size = (shorter, shorter)
    else:
        size = (round(shorter * width / height), shorter)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.eval_on_selector(
        "svg",
        """(svg, [box, width, height]) => {
            svg.setAttribute("viewBox", box);
            svg.setAttribute("width", width);
            svg.setAttribute("height", height);
        }""",
        [f"{left} {top} {width} {height}", *size],
    )
    return page.screenshot(omit_background=True)


def main() -> int:
    """Draw them all."""
    try:
        program = find_chromium()
    except NoBrowser as error:
        print(f"brand: {error}", file=sys.stderr)
        return 1
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        page = browser.new_page()
        for picture in pictures():
            (PICTURES / picture.name).write_bytes(drawn(page, picture))
            print(f"brand: {picture.name}")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
