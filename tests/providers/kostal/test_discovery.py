"""What an announcement in the network tells of a meter."""

from typing import Any

import pytest

from custom_components.energy_connect.core.discovery import Announcement
from custom_components.energy_connect.providers.kostal.discovery import is_at, moved, recognise

MAC = "00:d0:93:00:00:aa"
OTHER = "00:d0:93:00:00:bb"


def announced(name: str = "ksem-70000001", host: str = "192.0.2.7") -> Announcement:
    return Announcement(host=host, name=name, mac=MAC)


@pytest.mark.parametrize(
    ("name", "account_id"),
    [
        ("ksem-70000001", "70000001"),
        ("KSEM-70000001", "70000001"),
        ("ksem-cellar", None),
    ],
)
def test_a_meter_is_recognised_by_its_host_name(name: str, account_id: str | None) -> None:
    sighting = recognise(announced(name))

    assert sighting is not None
    assert sighting.account_id == account_id
    assert sighting.data["host"] == "192.0.2.7"
    assert sighting.data["scheme"] == "https"
    assert sighting.data.get("serial") == account_id


@pytest.mark.parametrize("name", ["", "ksem", "em420-1", "my-ksem-1", "ems-home-1"])
def test_other_devices_of_the_maker_are_not_taken_for_meters(name: str) -> None:
    assert recognise(announced(name)) is None


@pytest.mark.parametrize(
    ("kept", "same"),
    [
        ({"mac": MAC, "host": "192.0.2.1"}, True),
        ({"mac": MAC, "host": "192.0.2.1", "serial": "1"}, True),
        ({"mac": OTHER, "host": "192.0.2.7"}, False),
        ({"mac": OTHER, "host": "192.0.2.1", "serial": "70000001"}, True),
        ({"serial": "70000001", "host": "192.0.2.1"}, True),
        ({"serial": "70000002", "host": "192.0.2.7"}, False),
        ({"host": "192.0.2.7"}, True),
        ({"host": "192.0.2.7:8443"}, True),
        ({"host": "192.0.2.1"}, False),
        ({"host": "KSEM-70000001"}, True),
        ({"host": "ksem-70000001.local"}, True),
        ({"host": "ksem-70000002.local"}, False),
        ({"host": "[2001:db8::1]"}, False),
    ],
)
def test_a_kept_meter_is_known_by_the_surest_of_what_is_known(
    kept: dict[str, Any], same: bool
) -> None:
    assert is_at(kept, announced()) is same


@pytest.mark.parametrize(
    ("kept", "host"),
    [
        ("192.0.2.1", "192.0.2.7"),
        ("192.0.2.1:8443", "192.0.2.7:8443"),
        ("[2001:db8::1]:8443", "192.0.2.7:8443"),
        ("ksem-70000001.local", "ksem-70000001.local"),
    ],
)
def test_an_address_moves_and_a_name_stays(kept: str, host: str) -> None:
    assert moved({"host": kept, "token": "t"}, announced()) == {
        "host": host,
        "token": "t",
        "mac": MAC,
    }
