"""The unit strings of metrics, and what they become."""

from collections.abc import Mapping
from typing import Final

from ...core.payload import Json, dig, mapping, number, text
from ...core.vocabulary import Quantity

TARIFFS: Final = ("t1", "t2", "t3", "t4")
PHASES: Final = ("l1", "l2", "l3")

# Per canonical unit: the strings that can be converted to it, in lower case, and by what.
_FACTORS: Final[Mapping[str, Mapping[str, float]]] = {
    "kWh": {"wh": 0.001, "kwh": 1.0, "mwh": 1000.0},
    "kvarh": {"varh": 0.001, "kvarh": 1.0},
    "W": {"w": 1.0, "kw": 1000.0},
    "A": {"a": 1.0},
    "V": {"v": 1.0},
    "m³": {"m³": 1.0, "m3": 1.0},
    "%": {"%": 1.0},
    "km": {"km": 1.0, "mi": 1.609344},
}
# A metric whose documented unit contradicts its name: without a unit of its own it means nothing.
_NEVER_ASSUMED: Final = frozenset({Quantity.REACTIVE_ENERGY_IMPORT})


class Scale:
    """How the numbers of one metric become those of a quantity.

    The metric's own `unit` wins over the documented one. A unit that can't be converted stays as
    it is (`unit`), so that a kWh of gas never becomes a cubic metre; else `unit` is None.
    """

    def __init__(self, quantity: Quantity, metric: Json) -> None:
        """Read the metric's unit."""
        own = text(dig(metric, "unit"))
        factors = _FACTORS.get(quantity.unit or "", {})
        factor = 1.0 if own is None else factors.get(own.lower())
        self.known = own is not None or quantity not in _NEVER_ASSUMED
        self.stated = own is not None
        self.unit = own if factor is None else None
        self._factor = 1.0 if factor is None else factor

    def value(self, raw: Json) -> float | None:
        """Return a number in the quantity's unit, or in `unit` if that is set."""
        plain = number(raw)
        if plain is None or self._factor == 1.0:
            return plain
        # Six digits are finer than any meter, and hide what the conversion adds.
        return number(round(plain * self._factor, 6))

    def sum(self, metric: Json, parts: tuple[str, ...]) -> float | None:
        """Return the sum of the parts that a metric has, None if it has none or one is unknown."""
        fields = mapping(metric)
        there = [self.value(fields[part]) for part in parts if part in fields]
        known = [value for value in there if value is not None]
        return number(round(sum(known), 6)) if known and len(known) == len(there) else None
