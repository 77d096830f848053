"""Where the meter is, out of what a person typed or pasted."""

from ipaddress import ip_address
import re
from typing import Final

from yarl import URL

from ...core.errors import Reason, UnexpectedResponse

HTTPS: Final = "https"
HTTP: Final = "http"

_HOST: Final = re.compile(r"\[[0-9a-f:.%]+\]|[0-9a-z_-]+(\.[0-9a-z_-]+)*\.?", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]")
_SERIAL: Final = re.compile(r"ksem-(\d+)(\.local)?\.?", re.IGNORECASE)


def parse_host(typed: str) -> str:
    """Return `host` or `host:port` from a name, an IP address or a pasted URL.

    A pasted URL's scheme does not count: whether to encrypt is asked apart, and nothing that is
    pasted may switch it off. Path and query are dropped. What stands before an `@` looks like the
    host and is none, and control characters would silently vanish: both are refused, so that the
    token goes to no other device than the one that a person sees in the form.

    Raises:
        UnexpectedResponse: it names no host.

    """
    typed = typed.strip()
    try:
        url = URL(typed if "://" in typed else f"//{_bracketed(typed)}")
        host = url.host_subcomponent or ""
        port = None if url.is_default_port() else url.explicit_port
    except ValueError as error:
        raise UnexpectedResponse(Reason.INVALID_HOST) from error
    strange = url.raw_user is not None or url.raw_password is not None or _CONTROL.search(typed)
    if strange or not _HOST.fullmatch(host) or port == 0:
        raise UnexpectedResponse(Reason.INVALID_HOST)
    return host if port is None else f"{host}:{port}"


def base_address(scheme: str, host: str) -> URL:
    """Return the meter's address; anything but a chosen `http` is https."""
    return URL(f"{HTTP if scheme == HTTP else HTTPS}://{host}")


def serial_in(name: str | None) -> str | None:
    """Return the serial number in a host name as the factory sets it. Source: vendor, seen."""
    found = _SERIAL.fullmatch(name or "")
    return found[1] if found else None


def _bracketed(typed: str) -> str:
    """Put a bare IPv6 address in the brackets that an URL wants."""
    try:
        return f"[{typed}]" if ip_address(typed).version == 6 else typed
    except ValueError:
        return typed
