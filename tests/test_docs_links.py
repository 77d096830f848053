"""Every link of the documentation leads somewhere, and every word of the product in it exists."""

from pathlib import Path
import re

import pytest

from tests.accounts import EN
from tests.examples import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EACH = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def prose(page: Path) -> str:
    """Return a page without its code."""
    return CODE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page, as GitHub makes them of headings."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        same = sum(one == plain or one.startswith(f"{plain}-#") for one in found)
        found.add(f"{plain}-{same}" if same else plain)
    return found


@EACH
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    lost = []
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)

    assert lost == []


@EACH
def test_links_to_the_outside_are_safe(page: Path) -> None:
    assert [link for link in LINK.findall(prose(page)) if link.startswith("http:")] == []


def test_every_page_can_be_reached_from_the_index() -> None:
    index = {
        (ROOT / "docs" / link.partition("#")[0]).resolve()
        for link in LINK.findall((ROOT / "docs" / "README.md").read_text())
    }

    assert {page for page in (ROOT / "docs").glob("*.md") if page.name != "README.md"} <= index


def first_sentence(text: str) -> str:
    """Return the beginning of a message up to what is filled in."""
    return re.split(r"(?<=\.) |\{", text)[0].strip().rstrip(".,:;")


def messages() -> list[tuple[str, str]]:
    """Return what a person can be told, by its place in the translations."""
    found = [(f"config.error.{key}", text) for key, text in EN["config"]["error"].items()]
    linking = EN["config_subentries"]["device"]
    found += [
        (f"linking.{key}", text)
        for key, text in {**linking["error"], **linking["abort"]}.items()
        if key not in EN["config"]["error"] and key not in {"linked", "not_loaded"}
    ]
    return found


@pytest.mark.parametrize(("key", "text"), messages(), ids=lambda value: value[:40])
def test_every_message_of_the_wizard_has_a_remedy_on_some_page(key: str, text: str) -> None:
    pages = "\n".join(page.read_text() for page in PAGES)

    assert f"| {first_sentence(text).partition(',')[0]}" in pages, key


def test_every_other_message_has_a_line() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    commands = page.partition("## What commands say")[2].partition("\n## ")[0]
    actions = page.partition("## What actions say")[2].partition("\n## ")[0]
    repairs = page.partition("## Repairs")[2].partition("\n## ")[0]
    own = set(EN["exceptions"]) - set(EN["config"]["error"])

    def lines(text: str) -> int:
        return len(re.findall(r"^\| .+ \|$", text, re.MULTILINE)) - 2

    assert lines(commands) + lines(actions) == len(own)
    assert lines(repairs) == len(EN["issues"])


def words(node: object) -> set[str]:
    """Return all texts of the translations."""
    if isinstance(node, str):
        return {node}
    assert isinstance(node, dict)
    return {text for item in node.values() for text in words(item)}


@EACH
def test_every_action_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"\benergy_connect\.([a-z_]+)\b", page.read_text()))
    known = {*EN["services"], "debug", "txt", "zip"}

    assert {name for name in named if not name.startswith("yaml")} <= known


def test_every_field_of_an_action_is_told() -> None:
    page = (ROOT / "docs" / "actions.md").read_text()

    for name, service in EN["services"].items():
        part = page.partition(f"### energy_connect.{name}\n")[2].partition("\n### ")[0]
        assert [key for key in service["fields"] if f"`{key}`" not in part] == [], name


def test_every_option_is_told() -> None:
    page = (ROOT / "docs" / "options.md").read_text()
    pages = "\n".join(one.read_text() for one in (ROOT / "docs").glob("*.md"))
    init = EN["options"]["step"]["init"]

    for text in init["data"].values():
        assert text in pages
    for section in init["sections"].values():
        assert section["name"] in page
        for text in section["data"].values():
            assert f"| {text} |" in page
