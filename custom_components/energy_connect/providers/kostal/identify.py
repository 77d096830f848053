"""Whose meter it is, and whether it answers: what the wizard asks before it keeps anything."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import NameOID
from yarl import URL

from ...core.account import Context, Identity
from ...core.budget import Budget
from ...core.errors import ApiError, Reason, Unavailable
from ...core.http import peer_certificate
from .access import LOCAL, Access, find_record
from .address import HTTPS, base_address, parse_host, serial_in
from .extras import Nameplate, parse_settings
from .token import parse_token

PRODUCT: Final = "KOSTAL Smart Energy Meter"

SETTINGS_PATH: Final = ("api", "device-settings")


def open_access(context: Context, data: Mapping[str, Any]) -> Access:
    """Return how to ask the meter that `data` (as `identify` kept it) describes."""
    fingerprint = data.get("fingerprint")
    return Access(
        context=context,
        base=base_address(data["scheme"], data["host"]),
        token=data["token"],
        certificate=bytes.fromhex(fingerprint) if fingerprint else None,
        # A small computer: one request at a time.
        budget=Budget(context.clock, concurrent=1),
    )


async def identify(context: Context) -> list[Identity]:
    """Try token and address, and return the one meter there.

    Over https, whatever certificate the meter shows now is the one that it has to show from then
    on: it is signed by nobody (vendor), so the first look has to be trusted. If `fingerprint` is
    among the data (a new token for a known meter), the certificate must be that one.

    Raises:
        ApiError: in words that a person can act on.

    """
    endpoint = _entered(context, "endpoint").strip() or LOCAL
    data: dict[str, Any] = {
        "host": parse_host(_entered(context, "host")),
        "scheme": base_address(_entered(context, "scheme"), "host").scheme,
        "endpoint": endpoint,
        "token": parse_token(_entered(context, "token")),
    }
    base = base_address(data["scheme"], data["host"])
    certificate = None
    if base.scheme == HTTPS:
        certificate = await peer_certificate(context.session, base)
        data["fingerprint"] = sha256(certificate).hexdigest()
        if context.data.get("fingerprint", data["fingerprint"]) != data["fingerprint"]:
            raise Unavailable(Reason.CERTIFICATE_CHANGED)
    access = open_access(context, data)
    data["path"] = list(await find_record(access, endpoint))
    # What a host name told when the meter was discovered may be all that tells it.
    serial = await _serial(access, base, certificate) or context.data.get("serial")
    if serial is not None:
        data["serial"] = serial
    if (mac := context.data.get("mac")) is not None:
        data["mac"] = mac
    title = f"{PRODUCT} {serial}" if serial else f"{PRODUCT} ({data['host']})"
    return [Identity(account_id=serial, title=title, data=data)]


async def _serial(access: Access, base: URL, certificate: bytes | None) -> str | None:
    """Return the serial number, from the surest source to the least sure."""
    return (
        (await _nameplate(access)).serial or serial_in(base.host) or certified_serial(certificate)
    )


async def _nameplate(access: Access) -> Nameplate:
    try:
        response = await access.extras().get(*SETTINGS_PATH)
        return parse_settings(response.json())
    except ApiError:
        return Nameplate()  # for tokens of role admin only (inferred)


def certified_serial(certificate: bytes | None) -> str | None:
    """Return the serial number in a certificate (DER), made out to the host name of first boot.

    Source: vendor, inferred. None if it names another, or can't be read.
    """
    if certificate is None:
        return None
    try:
        names = x509.load_der_x509_certificate(certificate).subject.get_attributes_for_oid(
            NameOID.COMMON_NAME
        )
    except ValueError:
        return None
    return next((serial for name in names if (serial := serial_in(str(name.value)))), None)


def _entered(context: Context, key: str) -> str:
    return str(context.data.get(key) or "")
