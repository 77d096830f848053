"""What a person types as the meter's address."""

import pytest

from custom_components.energy_connect.core.errors import Reason, UnexpectedResponse
from custom_components.energy_connect.providers.kostal.address import (
    base_address,
    parse_host,
    serial_in,
)


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("192.0.2.10", "192.0.2.10"),
        (" 192.0.2.10\n", "192.0.2.10"),
        ("192.0.2.10:8443", "192.0.2.10:8443"),
        ("192.0.2.10:80", "192.0.2.10:80"),
        ("KSEM-70000001.local", "ksem-70000001.local"),
        ("KSEM-70000001", "ksem-70000001"),
        ("meter_1.lan.", "meter_1.lan."),
        ("192.0.2.10/webapp/#/json-api", "192.0.2.10"),
        ("http://192.0.2.10/", "192.0.2.10"),
        ("https://192.0.2.10:443/webapp?x=1#y", "192.0.2.10"),
        ("http://192.0.2.10:8080/webapp", "192.0.2.10:8080"),
        ("fe80::1", "[fe80::1]"),
        ("[fe80::1]:8443", "[fe80::1]:8443"),
        ("zähler.lan", "xn--zhler-gra.lan"),
    ],
)
def test_host(typed: str, host: str) -> None:
    assert parse_host(typed) == host


@pytest.mark.parametrize(
    "typed",
    ["", "  ", "my meter", "host:port", "host:99999", "host:0", "https://", "a..b", "?x", "a:b:c"],
)
def test_no_host(typed: str) -> None:
    with pytest.raises(UnexpectedResponse) as caught:
        parse_host(typed)
    assert caught.value.reason is Reason.INVALID_HOST


@pytest.mark.parametrize(
    "typed",
    [
        "evil@192.0.2.10",
        "192.0.2.10@evil.example",
        "192.0.2.10:443@evil.example",
        "https://somebody:secret@192.0.2.10/",
        "https://:secret@192.0.2.10/",
        "192.0.2.10\\@evil.example",
        "192.0.2.10%40evil.example",
        "192.0.2.10%2fevil.example",
        "192.0.2.10\r\nX-Evil: 1",
        "192.0.2.10\t.evil.example",
        "192.0.2.10\x00.evil.example",
        "http:\\\\evil.example",
        "//evil.example",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ksem.local\u3002@evil",
    ],
)
def test_a_crafted_host_is_none(typed: str) -> None:
    with pytest.raises(UnexpectedResponse) as caught:
        parse_host(typed)
    assert caught.value.reason is Reason.INVALID_HOST


@pytest.mark.parametrize(
    ("scheme", "base"),
    [
        ("http", "http://192.0.2.10:8080"),
        ("https", "https://192.0.2.10:8080"),
        ("", "https://192.0.2.10:8080"),
        ("HTTP", "https://192.0.2.10:8080"),
    ],
)
def test_only_a_chosen_http_is_not_encrypted(scheme: str, base: str) -> None:
    assert str(base_address(scheme, "192.0.2.10:8080")) == base


@pytest.mark.parametrize(
    ("name", "serial"),
    [
        ("KSEM-70000001", "70000001"),
        ("ksem-70000001.local", "70000001"),
        ("ksem-70000001.local.", "70000001"),
        ("ksem-70000001.lan", None),
        ("ksem-kitchen", None),
        ("my-ksem-70000001", None),
        ("192.0.2.10", None),
        ("", None),
        (None, None),
    ],
)
def test_serial_in_a_host_name(name: str | None, serial: str | None) -> None:
    assert serial_in(name) == serial
