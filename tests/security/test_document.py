"""`docs/security.md` names a test for each promise, and the tests are there."""

from pathlib import Path
import re

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_the_tests_that_are_named_exist() -> None:
    named = _NAMED.findall(PAGE)
    assert named
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / file).is_file() or (f"def {name}(" not in (ROOT / file).read_text() and name)
    ]

    assert missing == []


def test_every_promise_names_one() -> None:
    promised = PAGE.partition("## What is promised")[2].partition("\n## ")[0]
    rows = [line for line in promised.splitlines() if line.startswith("| ")][2:]

    assert len(rows) > 10
    assert [row for row in rows if not _NAMED.search(row)] == []


def test_every_test_of_this_folder_is_a_promise() -> None:
    files = {path.relative_to(ROOT).as_posix() for path in Path(__file__).parent.glob("test_*.py")}

    assert files - {file for file, _ in _NAMED.findall(PAGE)} == set()
