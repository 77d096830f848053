"""What a release is made of, and that nothing of it can disagree."""

import json
from pathlib import Path
import zipfile

import pytest

from custom_components.energy_connect.const import DOMAIN
from scripts import releasing

CHANGELOG = """# Changelog

## [Unreleased]

- Not yet.

## [1.2.0] - 2026-11-30

### Added

- Wheels.

## [1.1.0] - 2026-10-30

- Doors.

[1.2.0]: https://example.org/1.2.0
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of two files and some that do not belong."""
    house = tmp_path / releasing.INTEGRATION
    (house / "core" / "__pycache__").mkdir(parents=True)
    (house / "manifest.json").write_text(json.dumps({"domain": DOMAIN, "version": "1.2.0"}))
    (house / "core" / "model.py").write_text("VALUE = 1\n")
    (house / "core" / "__pycache__" / "model.pyc").write_bytes(b"\0")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


@pytest.mark.parametrize("tag", ["1.2.0", "v1.2.0"])
def test_one_version_everywhere(
    repository: Path, capsys: pytest.CaptureFixture[str], tag: str
) -> None:
    assert releasing.main(["check", tag], repository) == 0
    assert capsys.readouterr().out == "release: 1.2.0\n"


def test_without_a_tag_manifest_and_changelog_are_compared(repository: Path) -> None:
    assert releasing.main(["check"], repository) == 0


def test_another_tag(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert releasing.main(["check", "v1.3.0"], repository) == 1
    assert "the tag is v1.3.0, but the manifest says 1.2.0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[1.2.0] -", "[1.2.1] -", "no heading [1.2.0]"),
        (" - 2026-11-30", "", "no date for 1.2.0"),
        ("### Added\n\n- Wheels.\n", "", "says nothing of 1.2.0"),
    ],
)
def test_a_changelog_that_does_not_fit(
    repository: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, words: str
) -> None:
    assert old in CHANGELOG
    (repository / "CHANGELOG.md").write_text(CHANGELOG.replace(old, new))

    assert releasing.main(["check", "1.2.0"], repository) == 1
    assert words in capsys.readouterr().err


def test_the_notes_are_those_of_the_version(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert releasing.main(["notes"], repository) == 0
    assert capsys.readouterr().out == "### Added\n\n- Wheels.\n"


def test_the_notes_of_the_last_one_end_before_the_addresses(repository: Path) -> None:
    assert releasing.notes_of(repository, "1.1.0") == "- Doors.\n"


def test_the_archive_holds_the_folder_and_nothing_else(repository: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "1.zip", tmp_path / "2.zip"

    assert releasing.main(["zip", str(first)], repository) == 0
    releasing.write_zip(repository, second)

    with zipfile.ZipFile(first) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["core/model.py", "manifest.json"]
    assert first.read_bytes() == second.read_bytes()


def test_the_archive_of_this_repository_can_be_installed(tmp_path: Path) -> None:
    target = tmp_path / f"{DOMAIN}.zip"
    releasing.write_zip(releasing.ROOT, target)
    folder = tmp_path / "custom_components" / DOMAIN
    with zipfile.ZipFile(target) as archive:
        archive.extractall(folder)

    house = releasing.ROOT / releasing.INTEGRATION
    installed = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    ours = {
        path.relative_to(house)
        for path in house.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert installed == ours
    assert json.loads((folder / "manifest.json").read_text())["domain"] == DOMAIN
    assert {path.suffix for path in installed} == {".json", ".png", ".py", ".yaml"}
    assert {"__init__.py", "icons.json", "services.yaml"} <= {str(path) for path in installed}
    assert Path("translations/en.json") in installed
    assert Path("brand/icon.png") in installed
