"""What runs at GitHub: readable, pinned, and with no more rights than it needs."""

from collections.abc import Iterator
from pathlib import Path
import re
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".github/workflows"
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.y*ml"))}
EACH = pytest.mark.parametrize("name", WORKFLOWS)
# Both have no versions that their makers tell others to use.
MOVING = {"hacs/action@main", "home-assistant/actions/hassfest@master"}


def triggers(name: str) -> dict[str, Any]:
    # YAML reads "on" as a boolean.
    found: dict[str, Any] = WORKFLOWS[name][True]
    return found


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = WORKFLOWS[name]["jobs"]
    return found


def steps(name: str) -> Iterator[dict[str, Any]]:
    for job in jobs(name).values():
        yield from job.get("steps", ())


def commands(name: str) -> list[str]:
    """Return every line that is run, those of a matrix too."""
    lines = [line for step in steps(name) for line in step.get("run", "").splitlines()]
    for job in jobs(name).values():
        for row in job.get("strategy", {}).get("matrix", {}).get("include", ()):
            lines += [row["command"]] if "command" in row else []
    return lines


def test_there_are_workflows_for_everything() -> None:
    assert set(WORKFLOWS) == {"hacs", "hassfest", "nightly", "release", "tests"}


@EACH
def test_a_workflow_is_named_and_has_an_end(name: str) -> None:
    assert WORKFLOWS[name]["name"]
    assert triggers(name)
    for job in jobs(name).values():
        assert "uses" in job or (job["runs-on"] == "ubuntu-latest" and job["timeout-minutes"] <= 60)


@EACH
def test_actions_are_pinned(name: str) -> None:
    used = [one["uses"] for one in (*steps(name), *jobs(name).values()) if "uses" in one]
    for action in used:
        if action.startswith("./"):
            assert (ROOT / action).is_file()
        else:
            assert action in MOVING or re.fullmatch(r"[\w/-]+@(v\d+(\.\d+)*|[0-9a-f]{40})", action)


@EACH
def test_rights_are_the_least(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    writing = [job for job in jobs(name).values() if "permissions" in job]
    if name == "release":
        (archive,) = writing
        assert archive is jobs(name)["archive"]
        assert archive["permissions"] == {"contents": "write"}
    else:
        assert writing == []


@EACH
def test_nothing_from_outside_becomes_part_of_a_command(name: str) -> None:
    """The name of a tag or a branch is anybody's text; as a variable it stays one word."""
    for command in commands(name):
        assert not re.search(r"\${{(?!\s*matrix\.command\s*}})", command)


@EACH
def test_commands_are_there(name: str) -> None:
    for command in commands(name):
        for script in re.findall(r"\bscripts/(\w+)", command):
            assert (ROOT / "scripts" / script).stat().st_mode & 0o111, script


def test_all_that_has_to_hold_is_run() -> None:
    run = " ".join(commands("tests"))
    wanted = re.findall(r"^(scripts/.+)$", (ROOT / ".ci/run").read_text(), re.MULTILINE)

    assert wanted
    assert [line for line in wanted if line not in run] == []
    assert {"scripts/faults", "scripts/e2e"} <= set(commands("tests"))


def test_the_coming_home_assistant_is_tried_at_night() -> None:
    (job,) = jobs("nightly").values()

    assert {row["name"] for row in job["strategy"]["matrix"]["include"]} == {"beta", "dev"}
    assert "schedule" in triggers("nightly")


def test_a_release_waits_for_all_checks() -> None:
    assert triggers("release") == {"release": {"types": ["published"]}}
    archive = jobs("release")["archive"]

    assert set(archive["needs"]) == set(jobs("release")) - {"archive"}
    assert {job["uses"] for job in jobs("release").values() if "uses" in job} == {
        f"./.github/workflows/{name}.yaml" for name in ("tests", "hassfest", "hacs")
    }
    for name in ("tests", "hassfest", "hacs"):
        assert "workflow_call" in triggers(name)
    run = "\n".join(commands("release"))
    for part in ("release check", "release zip energy_connect.zip", "release notes"):
        assert f"scripts/{part}" in run
