"""A meter that joined the network: what its host name and its network address tell.

The factory sets the host name to the product and the serial number (vendor, seen in the wild); an
owner may change it. The first half of the network address belongs to the maker, TQ, and is shared by
all of its products (inferred), so that it never identifies a meter alone.
"""

from collections.abc import Mapping
from hashlib import sha256
from ipaddress import ip_address
import re
from typing import Any, Final

from yarl import URL

from ...core.account import Context, LocalDevice
from ...core.budget import Budget
from ...core.discovery import Announcement, Sighting
from ...core.errors import CredentialsRejected, Reason, UnexpectedResponse
from ...core.http import peer_certificate
from .access import LOCAL, Access, record_paths
from .address import HTTPS, base_address, parse_host, serial_in
from .identify import PRODUCT

_NAMED: Final = re.compile(r"ksem-.+", re.IGNORECASE)


def recognise(announced: Announcement) -> Sighting | None:
    """Return the meter, None if the host name is not one of a meter; see `LocalDevice`."""
    if not _NAMED.fullmatch(announced.name):
        return None
    serial = serial_in(announced.name)
    data = {
        "host": announced.host,
        # Never chosen otherwise without the owner: over http the token is readable.
        "scheme": HTTPS,
        "endpoint": LOCAL,
        "mac": announced.mac,
    }
    if serial is not None:
        data["serial"] = serial
    return Sighting(account_id=serial, title=f"{PRODUCT} {serial or announced.name}", data=data)


def moved(data: Mapping[str, Any], announced: Announcement) -> Mapping[str, Any]:
    """Return what is kept of a meter, at its new address; a port stays, and so does a name.

    Whoever entered a name wants that it is looked up.
    """
    kept = {**data, "mac": announced.mac}
    entered = URL(f"//{data['host']}")
    if _is_address(entered.host):
        port = entered.explicit_port
        given = parse_host(announced.host)
        kept["host"] = (
            given if port is None or URL(f"//{given}").explicit_port else f"{given}:{port}"
        )
    return kept


def is_at(data: Mapping[str, Any], announced: Announcement) -> bool:
    """Tell whether a kept meter is this one: by its network address, its serial, its host."""
    mac = data.get("mac")
    if mac == announced.mac:
        return True
    serial, told = data.get("serial"), serial_in(announced.name)
    if serial is not None and told is not None:
        return bool(serial == told)
    if mac is not None:
        return False
    host = (URL(f"//{data['host']}").host or "").lower()
    names = {announced.name.lower(), URL(f"//{announced.host}").host}
    return host in names or (not _is_address(host) and host.partition(".")[0] in names)


async def probe(context: Context) -> None:
    """Look whether a meter answers, without a token; see `LocalDevice`.

    Raises:
        UnexpectedResponse: something else answers.
        ApiError: nothing does.

    """
    base = base_address(context.data["scheme"], parse_host(context.data["host"]))
    certificate = await peer_certificate(context.session, base)
    access = Access(
        context=context,
        base=base,
        token="",
        certificate=sha256(certificate).digest(),
        budget=Budget(context.clock, concurrent=1),
    )
    client = access.stranger()
    for path in record_paths(LOCAL):
        try:
            await client.get(*path)
        except CredentialsRejected:
            # Only a meter guards such a path.
            return
        except UnexpectedResponse:
            continue
    raise UnexpectedResponse(Reason.NOT_A_METER)


def _is_address(host: str | None) -> bool:
    try:
        ip_address(host or "")
    except ValueError:
        return False
    return True


LOCAL_DEVICE: Final = LocalDevice(recognise=recognise, moved=moved, is_at=is_at, probe=probe)
"""How meters are recognised."""
