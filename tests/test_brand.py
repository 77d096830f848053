"""The pictures that Home Assistant shows of the integration."""

from pathlib import Path
import re

from PIL import Image
import pytest

from custom_components.energy_connect.const import DOMAIN

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "custom_components" / DOMAIN / "brand"
DRAWINGS = ROOT / "docs/brand"
GROUNDS = ("", "dark_")
SIZES = {"": 256, "@2x": 512}
NAMES = [
    f"{ground}{what}{size}" for what in ("icon", "logo") for ground in GROUNDS for size in SIZES
]
EACH = pytest.mark.parametrize("name", NAMES)


def test_there_are_exactly_these() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(NAMES)
    assert {path.suffix for path in FOLDER.iterdir()} == {".png"}


@EACH
def test_sizes_are_those_that_home_assistant_wants(name: str) -> None:
    wanted = SIZES["@2x" if name.endswith("@2x") else ""]
    with Image.open(FOLDER / f"{name}.png") as image:
        assert image.format == "PNG"
        assert min(image.size) == wanted
        if "icon" in name:
            assert image.size == (wanted, wanted)
        else:
            assert image.width > image.height


@EACH
def test_the_ground_is_transparent_and_the_edges_are_trimmed(name: str) -> None:
    with Image.open(FOLDER / f"{name}.png") as image:
        assert image.mode == "RGBA"
        alpha = image.getchannel("A")
        assert alpha.getextrema() == (0, 255)
        assert all(alpha.getpixel(corner) == 0 for corner in [(0, 0), (image.width - 1, 0)])
        box = alpha.getbbox()
        assert box is not None
        left, top, right, bottom = box
        # A square can be filled from side to side only one way.
        assert (left, right) == (0, image.width)
        assert top + image.height - bottom <= 0.05 * image.height
        if "logo" in name:
            assert (top, bottom) == (0, image.height)


@pytest.mark.parametrize("what", ["icon", "logo"])
def test_on_dark_ground_other_colours_are_used(what: str) -> None:
    def brightness(name: str) -> float:
        """Return how bright the dark part is: the hub, or the first letter."""
        with Image.open(FOLDER / f"{name}.png") as image:
            size = image.height
            red, green, blue, alpha = image.convert("RGBA").getpixel(
                (round(size * 0.5), round(size * 0.7))
            )
            assert alpha == 255
            return (red + green + blue) / 3

    assert brightness(f"dark_{what}") > 200
    assert brightness(what) < 100


@pytest.mark.parametrize("what", ["icon", "logo"])
def test_drawings_stand_alone(what: str) -> None:
    """No font, picture or style of elsewhere: they look the same everywhere."""
    parts = set(re.findall(r"<(\w+)", (DRAWINGS / f"{what}.svg").read_text()))

    assert parts <= {"svg", "title", "line", "circle", "path"}
