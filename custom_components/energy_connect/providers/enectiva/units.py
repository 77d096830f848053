"""Kinds of energy, their words and units, and the quantities that they become."""

from dataclasses import dataclass
from enum import Enum
import re
from types import MappingProxyType
from typing import Final
import unicodedata

from ...core.vocabulary import Quantity


class Energy(Enum):
    """What a meter measures: what its counter, and its months become."""

    ELECTRICITY = (
        Quantity.ENERGY_CONSUMPTION,
        Quantity.ELECTRICITY_MONTH,
        Quantity.ELECTRICITY_LAST_MONTH,
    )
    PRODUCTION = (
        Quantity.ENERGY_PRODUCTION,
        Quantity.PRODUCTION_MONTH,
        Quantity.PRODUCTION_LAST_MONTH,
    )
    GAS = (Quantity.GAS_CONSUMPTION, Quantity.GAS_MONTH, Quantity.GAS_LAST_MONTH)
    WATER = (Quantity.WATER_CONSUMPTION, Quantity.WATER_MONTH, Quantity.WATER_LAST_MONTH)
    HEAT = (Quantity.HEAT_CONSUMPTION, Quantity.HEAT_MONTH, Quantity.HEAT_LAST_MONTH)
    COLD = (Quantity.COLD_CONSUMPTION, Quantity.COLD_MONTH, Quantity.COLD_LAST_MONTH)

    @property
    def counter(self) -> Quantity:
        """What a reading is."""
        return self.value[0]

    @property
    def month(self) -> Quantity:
        """What the running month's delta is."""
        return self.value[1]

    @property
    def last_month(self) -> Quantity:
        """What the last whole month's delta is."""
        return self.value[2]


HEAT_UNITS: Final = MappingProxyType({"kwh": "kWh", "mwh": "MWh", "gj": "GJ"})
"""What a person can choose for heat and cold: option to unit."""


@dataclass(frozen=True, slots=True)
class HeatUnits:
    """What a person said about heat and cold, whose default units are not public; None: nothing."""

    heat: str | None = None
    cold: str | None = None


# The two letters of an energy code, alone or with a use behind them (`EL-VEN`, `WA-DHW`), at the
# end of a meter's code `AAA-BBB-CCCC-DD-EE`. Source: vendor, user manual, meters.
_CODE: Final = re.compile(r"(?:^|-)(EL|GA|WA|HE|CO)((?:-[A-Z]{2,4})?)$")
_BY_CODE: Final = MappingProxyType(
    {
        "EL": Energy.ELECTRICITY,
        "GA": Energy.GAS,
        "WA": Energy.WATER,
        "HE": Energy.HEAT,
        "CO": Energy.COLD,
    }
)
# Czech and English, without accents (assumed). Cooling goes before water, for chilled water
# carries cold (chlazená voda); water goes before heat and cold, for it is sold warm and cold.
_WORDS: Final = (
    (re.compile(r"ele[ck]tr"), Energy.ELECTRICITY),
    (re.compile(r"(?<![a-z])(gas|plyn)(?![a-z])"), Energy.GAS),
    (re.compile(r"cool|chlad|chlaz|chill"), Energy.COLD),
    (re.compile(r"water|(?<![a-z])vod[ay](?![a-z])"), Energy.WATER),
    (re.compile(r"heat|tepl"), Energy.HEAT),
    (re.compile(r"(?<![a-z])cold(?![a-z])"), Energy.COLD),
)
_PRODUCES: Final = re.compile(r"produc|generat|vyrob")

_ENERGY_UNITS: Final = MappingProxyType(
    {
        "wh": "Wh",
        "kwh": "kWh",
        "mwh": "MWh",
        "gwh": "GWh",
        "mj": "MJ",
        "gj": "GJ",
    }
)
_TO_KWH: Final = MappingProxyType(
    {"Wh": 1e-3, "kWh": 1.0, "MWh": 1e3, "GWh": 1e6, "MJ": 1 / 3.6, "GJ": 1e3 / 3.6}
)
_TO_CUBIC_METRES: Final = MappingProxyType({"m3": 1.0, "l": 1e-3, "hl": 0.1})
# Beyond this a factor's rounding error would show as digits that the meter does not have.
_DECIMALS: Final = 6


def energy_of(*words: str | None) -> Energy | None:
    """Return the kind of energy that the first telling word names; None if none does.

    A word is an energy code, a meter's code that ends with one, or a name in Czech or English.
    """
    for word in words:
        if word is None:
            continue
        if (code := _CODE.search(word.upper())) is not None:
            return _BY_CODE[code[1]]
        plain = _plain(word)
        for pattern, energy in _WORDS:
            if pattern.search(plain):
                return energy
    return None


def is_part(word: str | None) -> bool:
    """Tell whether an energy code names one use alone (`EL-VEN`), and not all of its energy."""
    code = _CODE.search(word.upper()) if word is not None else None
    return code is not None and bool(code[2])


def means_production(word: str) -> bool:
    """Tell whether a word says that a meter measures what is generated."""
    return _PRODUCES.search(_plain(word)) is not None


def _plain(word: str) -> str:
    """Return a word in lower case, without accents."""
    split = unicodedata.normalize("NFKD", word.lower())
    return "".join(letter for letter in split if not unicodedata.combining(letter))


@dataclass(frozen=True, slots=True)
class Amount:
    """A number in its unit: None means the quantity's canonical unit, or that nobody knows."""

    value: float
    unit: str | None = None


def amount(energy: Energy, value: float, unit: str | None, heat: HeatUnits) -> Amount | None:
    """Return a value in the unit in which it is shown; `unit` is what was reported, if anything.

    Without a reported unit electricity is in kWh, gas and water are in m³ (the defaults of the
    energies; gas assumed); heat and cold are in the unit that the person chose, or in none that
    anybody knows. None is returned if the reported unit measures something else: kvarh are no kWh.
    """
    match energy:
        case Energy.HEAT:
            return Amount(value, _spelled(unit) or heat.heat)
        case Energy.COLD:
            return Amount(value, _spelled(unit) or heat.cold)
        case _ if unit is None:
            return Amount(value)
        case Energy.ELECTRICITY | Energy.PRODUCTION:
            return _scaled(value, _TO_KWH.get(_spelled(unit) or ""))
        case Energy.GAS if (spelled := _ENERGY_UNITS.get(unit.lower())) is not None:
            return Amount(value, spelled)
        case _:
            return _scaled(value, _TO_CUBIC_METRES.get(_plain(unit)))


def _spelled(unit: str | None) -> str | None:
    """Return a unit as the field spells it; one that is not known stays as it is."""
    return None if unit is None else _ENERGY_UNITS.get(unit.lower(), unit)


def _scaled(value: float, factor: float | None) -> Amount | None:
    if factor is None:
        return None
    return Amount(value if factor == 1 else round(value * factor, _DECIMALS))
