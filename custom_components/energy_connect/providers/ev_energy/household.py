"""The person behind an account: who it is, what a kWh costs and emits at home."""

from dataclasses import dataclass
from typing import Final

from ...core.model import Device, Key, NumberKey, Reading
from ...core.payload import Json, dig, identifier, text
from ...core.vocabulary import Kind, Quantity
from .parse import Parsed, currency, link_id, money, parse_rows, scaled

ACCOUNT: Final = "account"
"""Id of the device that has the account's own values; there is one in an account."""

_DETAIL: Final[frozenset[Key]] = frozenset({(Quantity.REQUESTS_LEFT, None)})


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person; `carbon_intensity` in g/kWh at home, `tariff` the id of the home's tariff."""

    id: str
    title: str
    tariff: str | None
    carbon_intensity: float | None


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a kWh costs now, in `currency`."""

    price: float | None
    currency: str | None


def parse_user(body: Json) -> User | None:
    """Read a user, alone or out of a list; None if it has no id."""
    user_id = identifier(dig(body, "id"))
    if user_id is None:
        return None
    home = dig(body, "default_location")
    return User(
        id=user_id,
        title=text(dig(body, "full_name")) or text(dig(body, "email")) or user_id,
        tariff=link_id(dig(home, "tariff")),
        carbon_intensity=scaled(home, "current_carbon_intensity_grams_per_kilowatt_hour"),
    )


def parse_users(body: Json) -> Parsed[User]:
    """Read `GET /users`.

    Raises:
        UnexpectedResponse: it is no list.

    """
    return parse_rows(body, parse_user)


def parse_tariff(body: Json) -> Tariff:
    """Read `GET /tariffs/{id}`; its `current_price` is in minor units per kWh."""
    code = currency(dig(body, "currency"))
    price = money(dig(body, "current_price"), code) if code else None
    return Tariff(price, code)


def account_device(
    *, user: User | None, tariff: Tariff | None, requests_left: float | None
) -> Device | None:
    """Return the device of the account; None while it has nothing to say."""
    numbers: dict[NumberKey, Reading] = {}
    if user is not None:
        numbers[Quantity.CARBON_INTENSITY, None] = Reading(user.carbon_intensity)
    if tariff is not None and tariff.currency is not None:
        unit = f"{tariff.currency}/kWh"
        numbers[Quantity.PRICE, None] = Reading(tariff.price, unit=unit)
    if requests_left is not None:
        numbers[Quantity.REQUESTS_LEFT, None] = Reading(requests_left)
    if not numbers:
        return None
    return Device(id=ACCOUNT, kind=Kind.ACCOUNT, numbers=numbers, detail=_DETAIL)
