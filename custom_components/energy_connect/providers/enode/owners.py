"""Users, their logins at vendors, and their locations: payload -> model.

Source: Enode's "Getting started" text and its OpenAPI document of version 2024-10-01 (vendor).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ...core.model import Device
from ...core.payload import Json, boolean, dig, identifier, rows, text
from ...core.vocabulary import Flag, Kind

_KINDS: Final = {
    kind.value: kind
    for kind in (
        Kind.VEHICLE,
        Kind.CHARGER,
        Kind.BATTERY,
        Kind.INVERTER,
        Kind.HVAC,
        Kind.METER,
    )
}


@dataclass(frozen=True, slots=True)
class Login:
    """A user's login at a vendor; `kind` is None if the answer names none that is known."""

    vendor: str
    kind: Kind | None
    valid: bool | None


@dataclass(frozen=True, slots=True)
class BrokenLogin:
    """A user's login at a vendor that no longer works; `kinds` of assets as far as they are told."""

    user: str
    vendor: str
    kinds: frozenset[Kind]

    def holds(self, user: str | None, vendor: str | None, kind: Kind) -> bool:
        """Tell whether an asset hangs on it."""
        return (
            user == self.user
            and (vendor or "").casefold() == self.vendor.casefold()
            and (not self.kinds or kind in self.kinds)
        )


@dataclass(frozen=True, slots=True)
class User:
    """Who linked vendor accounts."""

    id: str
    logins: tuple[Login, ...]

    def login(self, vendor: str | None, kind: Kind) -> dict[Flag, bool | None]:
        """Tell whether the login behind an asset is broken; nothing if none is listed for it."""
        code = (vendor or "").casefold()
        logins = [
            login
            for login in self.logins
            # The case of vendor codes varies (seen): `Deye`, `CSISolar`, `TESLA`.
            if login.vendor.casefold() == code and login.kind in {None, kind}
        ]
        return {Flag.LOGIN_BROKEN: _broken(logins)} if logins else {}

    @property
    def broken(self) -> list[BrokenLogin]:
        """The logins that no longer work, one a vendor."""
        vendors: dict[str, list[Login]] = {}
        for login in self.logins:
            if login.valid is False:
                vendors.setdefault(login.vendor.casefold(), []).append(login)
        return [
            BrokenLogin(
                self.id,
                logins[0].vendor,
                # One that is told without its kind may be of any.
                frozenset()
                if any(login.kind is None for login in logins)
                else frozenset(login.kind for login in logins if login.kind is not None),
            )
            for logins in vendors.values()
        ]


def parse_user(body: Json) -> User | None:
    """Return a user with the logins; None without an id."""
    if (user_id := identifier(dig(body, "id"))) is None:
        return None
    logins = []
    for row in rows(dig(body, "linkedVendors")):
        if (vendor := text(dig(row, "vendor"))) is not None:
            kind = dig(row, "vendorType")
            logins.append(
                Login(
                    vendor,
                    _KINDS.get(kind) if isinstance(kind, str) else None,
                    boolean(dig(row, "isValid")),
                )
            )
    return User(user_id, tuple(logins))


def user_device(user: User) -> Device | None:
    """Return the account device of a user, which tells that any of the logins is broken.

    Assets tell it of their own login, because that is where it is mended (an asset is linked again
    on its own); this one is for a login whose assets are not there, or not yet. None without
    logins: there is nothing to tell.
    """
    if not user.logins:
        return None
    return Device(
        id=f"user_{user.id}",
        kind=Kind.ACCOUNT,
        name=user.id,
        flags={Flag.LOGIN_BROKEN: _broken(user.logins)},
    )


def _broken(logins: Iterable[Login]) -> bool | None:
    states = {login.valid for login in logins}
    if False in states:
        return True
    return False if states == {True} else None


@dataclass(frozen=True, slots=True)
class Place:
    """A named location of a user; `zone` is an IANA name."""

    id: str
    name: str | None
    zone: str | None


def parse_place(row: Mapping[str, Json]) -> Place | None:
    """Return a location; None if the row has no id."""
    if (place_id := identifier(row.get("id"))) is None:
        return None
    return Place(place_id, text(row.get("name")), text(row.get("timezoneName")))


def parse_user_id(row: Mapping[str, Json]) -> str | None:
    """Return the id of a row in the list of users."""
    return identifier(row.get("id"))
