"""Where a provider is: its production address, or a development server on this machine."""

from ipaddress import ip_address
import os
import re
from typing import Final

from yarl import URL

from .errors import Reason, UnexpectedResponse

# What may be filled in: one label of a host name or one segment of a path, so that a setting can't
# turn a production address into somebody else's.
_LABEL: Final = re.compile(r"[A-Za-z0-9_-]+")


def is_loopback(host: str | None) -> bool:
    """Tell whether the host can only be this machine."""
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def base_url(variable: str, production: str, **placeholders: str) -> URL:
    """Return the base of a provider's API.

    The environment variable `ENERGY_CONNECT_<variable>`, read at each call, replaces the
    production address, if it names this machine: no setting can send credentials elsewhere.
    `{environment}` and the like are filled in, in both.

    Raises:
        UnexpectedResponse: the variable is no address or names another machine, or what is filled
            in is no name.

    """
    if not all(_LABEL.fullmatch(value) for value in placeholders.values()):
        raise UnexpectedResponse(Reason.INVALID_HOST)
    name = f"ENERGY_CONNECT_{variable}"
    override = os.environ.get(name)
    if not override:
        return URL(production.format(**placeholders))
    elsewhere = UnexpectedResponse(Reason.INVALID_HOST, detail=f"{name} must name this machine")
    try:
        url = URL(override.format(**placeholders))
    except (ValueError, LookupError, AttributeError) as error:
        raise elsewhere from error
    if not is_loopback(url.host):
        raise elsewhere
    return url
