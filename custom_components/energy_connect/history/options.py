"""What a person chooses about the past: how far back, and at which prices."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    DateSelector,
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    Selector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..const import DOMAIN
from .tariffs import CONF_ENTITY, CONF_FIXED, CONF_PRICES, Carrier

CONF_DEPTH: Final = "history_depth"
CONF_PRICE: Final = "price"
CONF_VALID_FROM: Final = "valid_from"

EVERYTHING: Final = "everything"
MONTH: Final = "month"
_DAYS: Final[Mapping[str, int]] = {
    MONTH: 31,
    "one_year": 365,
    "two_years": 731,
    "five_years": 1827,
}
DEPTHS: Final = (*_DAYS, EVERYTHING)
DEFAULT_DEPTH: Final = "one_year"

_VERSION: Final = 1


def book_store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    """Return where is kept what is known of an entry's past."""
    # Counter readings tell when somebody is at home: nobody else's business.
    name = f"{DOMAIN}.{entry_id}.history"
    return Store(hass, _VERSION, name, private=True, atomic_writes=True)


def depth_of(options: Mapping[str, Any]) -> timedelta | None:
    """Return how far back the options say; None: everything."""
    days = _DAYS.get(options.get(CONF_DEPTH, DEFAULT_DEPTH))
    return None if days is None else timedelta(days=days)


def history_fields(options: Mapping[str, Any]) -> dict[vol.Marker, Any]:
    """Return the fields of the options form, filled with what was chosen before."""
    depth: Selector[Any] = SelectSelector(
        SelectSelectorConfig(
            options=list(DEPTHS), mode=SelectSelectorMode.DROPDOWN, translation_key=CONF_DEPTH
        )
    )
    fields: dict[vol.Marker, Any] = {
        vol.Required(CONF_DEPTH, default=options.get(CONF_DEPTH, DEFAULT_DEPTH)): depth
    }
    for carrier in Carrier:
        kept = options.get(CONF_PRICES, {}).get(carrier, {})
        since, price = kept[CONF_FIXED][-1] if kept.get(CONF_FIXED) else (None, None)
        fields[vol.Required(carrier.value)] = section(
            vol.Schema(
                {
                    _suggested(CONF_ENTITY, kept.get(CONF_ENTITY)): EntitySelector(
                        EntitySelectorConfig(domain=["sensor", "input_number", "number"])
                    ),
                    _suggested(CONF_PRICE, price): NumberSelector(
                        NumberSelectorConfig(mode=NumberSelectorMode.BOX, step="any")
                    ),
                    _suggested(CONF_VALID_FROM, since): DateSelector(),
                }
            ),
            {"collapsed": not kept},
        )
    return fields


def _suggested(key: str, value: object) -> vol.Optional:
    return vol.Optional(key, description={"suggested_value": value})


def history_options(user_input: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options out of what was entered.

    A fixed price with a new date joins the ones before, which go on holding for their time; an empty
    one ends them all.
    """
    prices: dict[str, Any] = {}
    for carrier in Carrier:
        entered = user_input.get(carrier, {})
        if entity := entered.get(CONF_ENTITY):
            prices[carrier.value] = {CONF_ENTITY: entity}
        elif (price := entered.get(CONF_PRICE)) is not None:
            kept = before.get(CONF_PRICES, {}).get(carrier, {}).get(CONF_FIXED, [])
            since = entered.get(CONF_VALID_FROM) or dt_util.now().date().isoformat()
            steps = {each[0]: each[1] for each in kept} | {since: price}
            prices[carrier.value] = {CONF_FIXED: [list(step) for step in sorted(steps.items())]}
    return {CONF_DEPTH: user_input.get(CONF_DEPTH, DEFAULT_DEPTH), CONF_PRICES: prices}
