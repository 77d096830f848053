"""What every test shares."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
import os
from pathlib import Path

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

# Imported before the first `hass`, otherwise the harness' own folder of that
# name shadows it and Home Assistant does not find the integration.
import custom_components  # noqa: F401 - imported for that effect
from custom_components.energy_connect import context
from simulator import Simulator
from tests.controlled import ControlledScript
from tests.scripted import Script, install

POSTGRES = os.environ.get("ENERGY_CONNECT_POSTGRES")
"""The address of a server, from `scripts/postgres`; databases of it are made for the tests."""


@pytest.fixture(autouse=True)
def loopback(socket_enabled: None) -> None:
    """Allow sockets on loopback, where the simulator listens; other hosts stay out of reach."""


@pytest.fixture(autouse=True)
def integration_enabled(request: pytest.FixtureRequest) -> None:
    """Let every `hass` load the integration of this repository."""
    # Only where there is a `hass`, which is what makes the tests of `core`,
    # `providers` and the simulator quick.
    if "hass" in request.fixturenames:
        # The recorder has to be ready before `hass` is.
        for recorder in ("recorder_mock", "async_setup_recorder_instance"):
            if recorder in request.fixturenames:
                request.getfixturevalue(recorder)
        request.getfixturevalue("enable_custom_integrations")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Beside a PostgreSQL server, run what needs a recorder, and nothing else."""
    if POSTGRES is None:
        return
    wanted, others = [], []
    for item in items:
        names = getattr(item, "fixturenames", ())
        (wanted if "recorder_db_url" in names else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = wanted


@pytest.fixture
def recorder_db_url(recorder_db_url: str, worker_id: str) -> Iterator[str]:
    """Give a test a database of its own, which is SQLite's unless there is a PostgreSQL server."""
    if POSTGRES is None:
        yield recorder_db_url
        return
    import psycopg2

    name = f"tests_{worker_id}"

    def execute(*commands: str) -> None:
        connection = psycopg2.connect(f"{POSTGRES}/postgres")
        # A database can't be made within a transaction.
        connection.autocommit = True
        with connection.cursor() as cursor:
            for command in commands:
                cursor.execute(command)
        connection.close()

    execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    yield f"{POSTGRES}/{name}"
    execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def simulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    """The five providers, and the integration led to them."""
    async with Simulator() as started:
        for name, url in started.environment().items():
            monkeypatch.setenv(name, url)
        yield started


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """An account that does what the test tells it, and its provider among the others."""
    script = Script()
    install(monkeypatch, script.provider())
    return script


@pytest.fixture
def controlled(monkeypatch: pytest.MonkeyPatch) -> ControlledScript:
    """An account that also takes commands, and its provider among the others."""
    controlled = ControlledScript()
    install(monkeypatch, controlled.provider())
    return controlled


@pytest.fixture
async def house(hass: HomeAssistant, tmp_path: Path) -> AsyncIterator[Path]:
    """A configuration folder for automations, which wait for nothing any more afterwards."""
    yield tmp_path
    if automations := hass.states.async_entity_ids("automation"):
        await hass.services.async_call(
            "automation", "turn_off", {"entity_id": automations}, blocking=True
        )


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The providers' own short pauses (a second try after 2 s) take no time."""

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0)

    clock = replace(context.system_clock(), sleep=sleep)
    monkeypatch.setattr(context, "system_clock", lambda: clock)


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Snapshots as Home Assistant writes them, whichever plugin was loaded last."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)
