"""Prices of energy by the hour: a fixed one from a date on, or those of an entity."""

from datetime import date, datetime, time, timedelta
from typing import Final

from homeassistant.components.recorder import get_instance, history
from homeassistant.components.recorder.statistics import get_metadata, statistics_during_period
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..core.cost import PriceOf, fixed, hourly_means, price_factor
from ..core.payload import number
from ..core.series import SECONDS, Hour, hour_from, time_of
from .tariffs import Tariff

RECENT: Final = timedelta(days=10)
"""For so long the recorder keeps states, unless told otherwise: prices may still turn up."""


async def prices(
    hass: HomeAssistant, tariff: Tariff, start: Hour, stop: Hour, unit: str | None
) -> PriceOf:
    """Return the prices of some hours, per `unit` and in Home Assistant's currency."""
    if tariff.entity is not None:
        return (await _of_entity(hass, tariff.entity, start, stop, unit)).get
    zone = dt_util.get_default_time_zone()
    midnights = (
        (datetime.combine(date.fromisoformat(since), time(), zone), price)
        for since, price in tariff.fixed
    )
    return fixed((hour_from(midnight), price) for midnight, price in midnights)


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
