"""A release: one version everywhere, its notes, and the archive that HACS installs."""

import argparse
from collections.abc import Iterator
import json
from pathlib import Path
import re
import sys
import zipfile

ROOT = Path(__file__).resolve().parent.parent
INTEGRATION = Path("custom_components/energy_connect")
# Nobody's clock: the same files give the same archive.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_HEADING = re.compile(
    r"^## \[(?P<version>[^\]]+)\](?: - (?P<date>\d{4}-\d{2}-\d{2}))?$", re.MULTILINE
)


class ReleaseError(Exception):
    """Something that has to be mended before the release; its text says what."""


def version_of(root: Path) -> str:
    """Return the version that Home Assistant shows."""
    manifest = json.loads((root / INTEGRATION / "manifest.json").read_text(encoding="utf-8"))
    return str(manifest["version"])


def notes_of(root: Path, version: str) -> str:
    """Return what the changelog says of a version.

    Raises:
        ReleaseError: it says nothing, or not when the version was released.

    """
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = list(_HEADING.finditer(changelog))
    for number, heading in enumerate(headings):
        if heading["version"] != version:
            continue
        if heading["date"] is None:
            raise ReleaseError(f"CHANGELOG.md has no date for {version}")
        end = headings[number + 1].start() if number + 1 < len(headings) else len(changelog)
        # The addresses of the headings stand at the end of the file.
        notes = re.sub(r"^\[[^\]]+\]: \S+$", "", changelog[heading.end() : end], flags=re.MULTILINE)
        if not notes.strip():
            raise ReleaseError(f"CHANGELOG.md says nothing of {version}")
        return notes.strip() + "\n"
    raise ReleaseError(f"CHANGELOG.md has no heading [{version}]")


def check(root: Path, tag: str | None) -> str:
    """Return the version if manifest, changelog and tag agree.

    Raises:
        ReleaseError: they don't.

    """
    version = version_of(root)
    if tag is not None and tag.removeprefix("v") != version:
        raise ReleaseError(f"the tag is {tag}, but the manifest says {version}")
    notes_of(root, version)
    return version


def files_of(root: Path) -> Iterator[Path]:
    """Yield what a person installs."""
    for path in sorted((root / INTEGRATION).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def write_zip(root: Path, target: Path) -> int:
    """Write the archive: HACS unpacks it into the integration's folder. Return how many files."""
    count = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files_of(root):
            entry = zipfile.ZipInfo(str(path.relative_to(root / INTEGRATION)), _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
            count += 1
    return count


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(prog="release", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check").add_argument("tag", nargs="?")
    commands.add_parser("notes")
    commands.add_parser("zip").add_argument("file", type=Path)
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "check":
            print(f"release: {check(root, chosen.tag)}")
        elif chosen.command == "notes":
            print(notes_of(root, version_of(root)), end="")
        else:
            print(f"release: {write_zip(root, chosen.file)} files in {chosen.file}")
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
