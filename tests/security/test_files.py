"""Files: private ones are the owner's alone, and an export stays where it belongs."""

from collections.abc import AsyncIterator
import csv
import os
from pathlib import Path
import stat
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.storage import Store
import pytest

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.history.options import book_store
from custom_components.energy_connect.vault import StoredVault
from tests.scripted import car
from tests.test_backfill import Past, act, begin, frozen, imported, past, session

__all__ = ["frozen", "past"]

# Before the harness puts a dictionary in the place of the disk.
DISK = {name: getattr(Store, name) for name in ("_async_load", "_async_write_data", "async_remove")}


@pytest.fixture
async def disk(hass: HomeAssistant, tmp_path: Path) -> AsyncIterator[Path]:
    """The real disk, in place of the configuration folder."""
    hass.config.config_dir = str(tmp_path)
    with patch.multiple(Store, **DISK):
        yield tmp_path


async def test_what_is_stored_is_readable_for_nobody_else(hass: HomeAssistant, disk: Path) -> None:
    await StoredVault(hass, "entry").save({"refresh_token": "r3fr3sh"})
    await book_store(hass, "entry").async_save({"pages": {}})

    files = sorted((disk / ".storage").iterdir())

    assert [file.name for file in files] == [f"{DOMAIN}.entry", f"{DOMAIN}.entry.history"]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]


OUTSIDE = [
    "../secrets.csv",
    "..\\secrets.csv",
    "/etc/secrets.csv",
    "www/../../secrets.csv",
    "www/public.csv",
    "configuration.yaml",
    "secrets.yaml\x00.csv",
    "two\nlines.csv",
    ".csv",
    f"{'x' * 300}.csv",
    "",
]


@pytest.mark.parametrize("name", OUTSIDE)
async def test_an_export_can_not_leave_the_folder(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    past: Past,
    frozen: FrozenDateTimeFactory,
    tmp_path: Path,
    name: str,
) -> None:
    house = tmp_path / "house"
    house.mkdir()
    hass.config.config_dir = str(house)
    entry = await begin(hass)

    if name:
        with pytest.raises(ServiceValidationError, match="plain file name"):
            await act(hass, entry, "export_history", file=name)
        assert list(house.glob("**/*.csv")) == []
    else:  # nothing entered is the usual name
        told = await act(hass, entry, "export_history", file=name)
        assert Path(told["file"]).parent == house
    assert os.listdir(tmp_path) == ["house"]  # noqa: PTH208 - the test's loop may wait


async def test_an_export_follows_no_link_out_of_the_folder(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    past: Past,
    frozen: FrozenDateTimeFactory,
    tmp_path: Path,
) -> None:
    house, other = tmp_path / "house", tmp_path / "other.csv"
    house.mkdir()
    other.write_text("mine")
    (house / "link.csv").symlink_to(other)
    hass.config.config_dir = str(house)
    entry = await begin(hass)

    with pytest.raises(ServiceValidationError, match="plain file name"):
        await act(hass, entry, "export_history", file="link.csv")

    assert other.read_text() == "mine"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "＝1", "My car"])  # noqa: RUF001 - taken for formulas, too
async def test_no_name_of_a_provider_is_a_formula_in_a_spreadsheet(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    past: Past,
    frozen: FrozenDateTimeFactory,
    tmp_path: Path,
    name: str,
) -> None:
    hass.config.config_dir = str(tmp_path)
    past.show(car(name=name))
    past.sessions = [session(2, 1, 4.0)]
    entry = await begin(hass)
    await imported(hass, frozen)

    told = await act(hass, entry, "export_history", file="cars.csv")

    with (tmp_path / "cars.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    assert told["rows"] == len(lines) - 1 > 0
    shown = {cell for line in lines[1:] for cell in line[:4]}
    assert not [cell for cell in shown if cell.lstrip()[0] in "=+-@＝"]  # noqa: RUF001 - as above
    assert any(name.strip() in cell for cell in shown)
