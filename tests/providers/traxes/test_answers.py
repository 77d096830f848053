"""What the command interface says."""

from datetime import UTC, datetime
from typing import Any

import pytest

from custom_components.energy_connect.providers.traxes.answers import (
    CommandState,
    Stage,
    may_command,
    names_cooldown,
    parse_command,
)

AT = datetime(2026, 3, 4, 6, 10, tzinfo=UTC)


def test_a_command() -> None:
    body = {
        "entityId": "e1",
        "id": "c1",
        "status": "Failed",
        "triggerTime": "2026-03-04T06:10:00Z",
        "type": "StopCharging",
        "value": None,
        "error": {"title": "NotPluggedIn", "description": "No car."},
        "verification": {"status": "Pending", "completedAt": None, "error": None},
    }
    assert parse_command(body) == CommandState(
        id="c1",
        type="StopCharging",
        stage=Stage.FAILED,
        at=AT,
        words="NotPluggedIn: No car.",
        verified=None,
        verifying=True,
    )


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("Pending", Stage.UNDERWAY),
        ("Triggered", Stage.UNDERWAY),
        ("Sent", Stage.UNDERWAY),
        ("Succeeded", Stage.SUCCEEDED),
        ("succeeded", Stage.SUCCEEDED),
        ("Failed", Stage.FAILED),
        ("Canceled", Stage.CANCELED),
        ("Cancelled", Stage.CANCELED),
        ("Verifying", Stage.UNDERWAY),
        (7, Stage.UNDERWAY),
        (None, Stage.UNDERWAY),
    ],
)
def test_stages(status: Any, stage: Stage) -> None:
    state = parse_command({"id": "c1", "status": status})
    assert state is not None
    assert state.stage is stage


@pytest.mark.parametrize("body", [None, [], {}, {"id": None}, {"id": {}}, "c1", {"status": "Sent"}])
def test_what_is_no_command(body: Any) -> None:
    assert parse_command(body) is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"title": "Off", "description": None}}, "Off"),
        ({"error": {"description": "Away"}}, "Away"),
        ({"error": "Off"}, None),
        ({"error": None, "verification": {"error": {"title": "Unseen"}}}, "Unseen"),
        ({"error": {}, "verification": []}, None),
    ],
)
def test_the_words_of_a_failure(body: dict[str, Any], words: str | None) -> None:
    state = parse_command({"id": "c1", **body})
    assert state is not None
    assert state.words == words


@pytest.mark.parametrize(
    ("words", "cooling"),
    [
        ("CooldownActive", True),
        ("the cool-down period", True),
        ("entity is cooling down", True),
        ("COOL DOWN", True),
        ("the cooler is down", False),
        ("", False),
        (None, False),
    ],
)
def test_words_of_a_cooldown(words: str | None, cooling: bool) -> None:
    assert names_cooldown(words) is cooling


def row(principal: Any, *levels: Any) -> dict[str, Any]:
    return {"entityId": "e1", "principalId": principal, "permissionLevels": list(levels)}


@pytest.mark.parametrize(
    ("rows", "allowed"),
    [
        # Ours is certain.
        ([row("me", "Viewer")], False),
        ([row("me", "Viewer", "Contributor")], True),
        ([row("me", "owner")], True),
        ([row("me", "Viewer", "Administer")], False),
        ([row("me", "Viewer"), row("owner", "Owner")], False),
        ([row("me", "Viewer"), row("me", "Contributor")], True),
        # Ours is one of these, or inherited from one.
        ([row("a", "Viewer")], False),
        ([row("a", "Viewer"), row("b", "Contributor")], True),
        ([row(None, "Contributor")], True),
        # These say nothing.
        ([], True),
        ([None, 1, {}, row("a"), row("a", None, 7)], True),
        ([{"principalId": "a", "permissionLevels": "Viewer"}], True),
        ([row("me"), row("a", "Viewer")], False),
    ],
)
def test_permissions(rows: list[Any], allowed: bool) -> None:
    assert may_command(rows, "me") is allowed
