"""Where a provider is: its production address, or a development server on this machine."""

from ipaddress import ip_address
import os

from yarl import URL

from .errors import Reason, UnexpectedResponse


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
        UnexpectedResponse: the variable names another machine.

    """
    name = f"ENERGY_CONNECT_{variable}"
    override = os.environ.get(name)
    url = URL((override or production).format(**placeholders))
    if override and not is_loopback(url.host):
        raise UnexpectedResponse(Reason.INVALID_HOST, detail=f"{name} must name this machine")
    return url
