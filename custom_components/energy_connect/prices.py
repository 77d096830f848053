"""Prices of energy: a fixed one from a date on, or those of an entity of Home Assistant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
import json
from typing import Any, Final

from homeassistant.components.recorder import get_instance, history
from homeassistant.components.recorder.statistics import get_metadata, statistics_during_period
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .core.cost import PriceOf, fixed, hourly_means, price_factor
from .core.history import Aspect, Series
from .core.payload import number
from .core.series import SECONDS, Hour, hour_from, time_of
from .core.vocabulary import Quantity


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

    async def prices(
        self, hass: HomeAssistant, start: Hour, stop: Hour, unit: str | None
    ) -> PriceOf:
        """Return the prices of some hours, per `unit` and in Home Assistant's currency."""
        if self.entity is None:
            zone = dt_util.get_default_time_zone()
            return fixed(
                (
                    hour_from(
                        datetime.combine(date.fromisoformat(since), datetime.min.time(), zone)
                    ),
                    price,
                )
                for since, price in self.fixed
            )
        found = await _of_entity(hass, self.entity, start, stop, unit)
        return found.get


async def _of_entity(
    hass: HomeAssistant, entity: str, start: Hour, stop: Hour, unit: str | None
) -> dict[Hour, float]:
    """Return an entity's mean over each hour, from statistics where there are any.

    An entity without a state class has none: of it only the days are known that the recorder keeps.
    """
    recorder = get_instance(hass)
    found, stated = await recorder.async_add_executor_job(_means, hass, entity, start, stop)
    if not found:
        found = await recorder.async_add_executor_job(_states, hass, entity, start, stop)
    state = hass.states.get(entity)
    if state is not None:
        stated = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT, stated)
    factor = price_factor(stated, unit)
    if factor is None:
        return {}
    return {hour: price * factor for hour, price in found.items()}


def _means(
    hass: HomeAssistant, entity: str, start: Hour, stop: Hour
) -> tuple[dict[Hour, float], str | None]:
    """Return hourly means and their unit. Runs in a database thread."""
    metadata = get_metadata(hass, statistic_ids={entity})
    if entity not in metadata:
        return {}, None
    rows = statistics_during_period(
        hass, time_of(start), time_of(stop), {entity}, "hour", None, {"mean"}
    ).get(entity, [])
    means = {
        round(row["start"] / SECONDS): mean for row in rows if (mean := row.get("mean")) is not None
    }
    return means, metadata[entity][1]["unit_of_measurement"]


def _states(hass: HomeAssistant, entity: str, start: Hour, stop: Hour) -> dict[Hour, float]:
    """Return hourly means of states. Runs in a database thread."""
    until = min(time_of(stop), dt_util.utcnow())
    if until <= time_of(start):
        return {}
    rows = history.state_changes_during_period(
        hass, time_of(start), until, entity, no_attributes=True
    ).get(entity, [])
    changes = [(max(row.last_updated, time_of(start)), number(row.state)) for row in rows]
    # Of the hour that is running not all is known.
    return hourly_means(changes, start, int(until.timestamp() // SECONDS))


RECENT: Final = timedelta(days=10)
"""For so long the recorder keeps states, unless told otherwise: prices may still turn up."""
