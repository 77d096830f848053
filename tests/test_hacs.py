"""What HACS and Home Assistant's marketplace ask of a repository, as far as it can be known here."""

import json
from pathlib import Path
import re
from typing import Any

from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
import pytest

from custom_components.energy_connect.const import DOMAIN

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "custom_components" / DOMAIN
HACS: dict[str, Any] = json.loads((ROOT / "hacs.json").read_text())
MANIFEST: dict[str, Any] = json.loads((HOUSE / "manifest.json").read_text())
KEYS = {
    "content_in_root": bool,
    "country": list,
    "filename": str,
    "hacs": str,
    "hide_default_branch": bool,
    "homeassistant": str,
    "name": str,
    "persistent_directory": str,
    "render_readme": bool,
    "zip_release": bool,
}
VERSIONS = [
    AwesomeVersionStrategy.CALVER,
    AwesomeVersionStrategy.SEMVER,
    AwesomeVersionStrategy.SIMPLEVER,
    AwesomeVersionStrategy.BUILDVER,
    AwesomeVersionStrategy.PEP440,
]


def test_hacs_json_has_known_keys_of_the_right_types() -> None:
    assert HACS["name"]
    for key, value in HACS.items():
        # The marketplace ignores a value of another type without a word.
        assert type(value) is KEYS[key], key
    assert not Path(HACS.get("persistent_directory", ".")).is_absolute()


def test_a_release_that_is_an_archive_names_it() -> None:
    assert HACS["zip_release"] is True
    assert HACS["filename"] == f"{DOMAIN}.zip"
    # Without a release there is no archive.
    assert HACS["hide_default_branch"] is True


def test_the_oldest_home_assistant_is_the_one_that_is_tested() -> None:
    floor = re.search(
        r"^homeassistant==(\d+\.\d+)", (ROOT / "requirements/floor.txt").read_text(), re.MULTILINE
    )

    assert floor is not None
    assert HACS["homeassistant"] == f"{floor[1]}.0"
    assert AwesomeVersion(HACS["homeassistant"], ensure_strategy=AwesomeVersionStrategy.CALVER)


@pytest.mark.parametrize("key", ["documentation", "issue_tracker"])
def test_the_manifest_leads_to_pages(key: str) -> None:
    assert re.fullmatch(r"https://[\w.-]+\.\w+(/[\w.-]+)*", MANIFEST[key])


def test_the_manifest_says_who_and_what_it_is() -> None:
    assert MANIFEST["domain"] == DOMAIN == HOUSE.name
    assert re.fullmatch(r"[a-z0-9_-]+", MANIFEST["domain"])
    assert MANIFEST["name"] == HACS["name"]
    assert isinstance(MANIFEST["codeowners"], list)
    assert MANIFEST["codeowners"]
    assert AwesomeVersion(MANIFEST["version"], ensure_strategy=VERSIONS).valid


def test_keys_of_the_manifest_are_in_home_assistants_order() -> None:
    keys = list(MANIFEST)

    assert keys == ["domain", "name", *sorted(set(keys) - {"domain", "name"})]


def test_there_is_one_integration_and_all_of_it_is_in_its_folder() -> None:
    folders = [
        path for path in HOUSE.parent.iterdir() if path.is_dir() and path.name != "__pycache__"
    ]
    above = re.compile(r"^\s*(from|import) (simulator|scripts|tests|benchmarks)\b", re.MULTILINE)

    assert folders == [HOUSE]
    assert not [path for path in HOUSE.rglob("*.py") if above.search(path.read_text())]
    assert "content_in_root" not in HACS


def test_it_replaces_no_integration_of_home_assistant() -> None:
    import homeassistant.components

    assert not (Path(homeassistant.components.__path__[0]) / DOMAIN).exists()


def test_the_repository_speaks_for_itself() -> None:
    licence = (ROOT / "LICENSE").read_text()

    assert (ROOT / "README.md").stat().st_size > 500
    assert (HOUSE / "brand/icon.png").is_file()
    assert licence.startswith("MIT License")
    assert "Permission is hereby granted, free of charge" in licence
