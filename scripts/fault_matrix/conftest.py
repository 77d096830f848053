"""The surroundings of one case."""

from collections.abc import Iterator
from unittest.mock import patch

from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from simulator import Simulator
from tests.conftest import integration_enabled, loopback, simulator
from tests.hand_clock import START

from .catalogue import FAULTS
from .stage import Names, Stage

_CHOICES = ("provider", "fault", "moment")
__all__ = ["integration_enabled", "loopback", "simulator"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the command line choose cases."""
    for name in _CHOICES:
        parser.addoption(f"--only-{name}", action="append", help=f"run this {name} alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the cases that were chosen."""
    chosen = {name: config.getoption(f"--only-{name}") for name in _CHOICES}
    items[:] = [
        item
        for item in items
        if isinstance(item, pytest.Function)
        and all(
            not wanted or item.callspec.params[name] in wanted for name, wanted in chosen.items()
        )
    ]


@pytest.fixture
def names() -> Iterator[Names]:
    """The name server."""
    names = Names()
    maker = "homeassistant.helpers.aiohttp_client._async_make_resolver"
    with patch(maker, return_value=names):
        yield names


@pytest.fixture
def freezer() -> Iterator[FrozenDateTimeFactory]:
    """The clock that is driven; the same day for every run."""
    with freeze_time(START) as frozen:
        assert isinstance(frozen, FrozenDateTimeFactory)
        yield frozen


@pytest.fixture
def stage(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    names: Names,
    simulator: Simulator,
    provider: str,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Stage:
    """A house without an account yet."""
    # Its warnings of slow steps mean nothing while time is driven.
    hass.loop.set_debug(False)
    stage = Stage(hass, simulator, freezer, names, provider)
    if FAULTS[fault].names:
        for name, url in simulator.environment().items():
            monkeypatch.setenv(name, url.replace("127.0.0.1", "localhost"))
        if "host" in stage.typed:
            stage.typed["host"] = str(stage.typed["host"]).replace("127.0.0.1", "localhost")
    return stage
