"""Devices that show up in the owner's network by themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What the network says of a device that joined it: all of it may be anybody's invention.

    `mac` is in lower case, with colons.
    """

    host: str
    name: str
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A device that may become an account.

    `account_id` is the vendor's id of it, None if the announcement does not tell it; `data` is what
    the wizard would have asked for, save for the secrets.
    """

    account_id: str | None
    title: str
    data: Mapping[str, Any]
