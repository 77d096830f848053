"""What a person said of prices: which entity shows them, or what they are from a date on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
import json
from typing import Any, Final

from ..core.history import Aspect, Series
from ..core.vocabulary import Quantity


class Carrier(StrEnum):
    """What a price is for; the keys of the options."""

    ELECTRICITY = "electricity"
    FEED_IN = "feed_in"
    GAS = "gas"
    WATER = "water"
    HEAT = "heat"


_CARRIERS: Final[Mapping[Quantity, Carrier]] = {
    Quantity.ENERGY_IMPORT: Carrier.ELECTRICITY,
    Quantity.ENERGY_CONSUMPTION: Carrier.ELECTRICITY,
    Quantity.ENERGY_CHARGED: Carrier.ELECTRICITY,
    Quantity.ENERGY_EXPORT: Carrier.FEED_IN,
    Quantity.GAS_CONSUMPTION: Carrier.GAS,
    Quantity.WATER_CONSUMPTION: Carrier.WATER,
    Quantity.HEAT_CONSUMPTION: Carrier.HEAT,
}

CONF_PRICES: Final = "prices"
CONF_ENTITY: Final = "entity"
CONF_FIXED: Final = "fixed"


def carrier_of(series: Series) -> Carrier | None:
    """Return which price a series is charged at; None: it costs nothing, or is charged elsewhere."""
    if series.aspect is Aspect.SOLAR or series.aspect is Aspect.EMISSIONS:
        return None
    return _CARRIERS.get(series.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What a person said about the price of one carrier: an entity, or prices by date."""

    entity: str | None = None
    fixed: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, options: Mapping[str, Any], carrier: Carrier) -> Tariff | None:
        """Return the tariff in an entry's options, or None."""
        kept = options.get(CONF_PRICES, {}).get(carrier, {})
        entity = kept.get(CONF_ENTITY)
        prices = tuple((str(since), float(price)) for since, price in kept.get(CONF_FIXED, ()))
        return cls(entity=entity, fixed=prices) if entity or prices else None

    @property
    def fingerprint(self) -> str:
        """What costs are remembered to be made of: another one means that they are made anew."""
        return json.dumps([self.entity, self.fixed])
