"""Every number of the meter's record: its names, its scale, what is plausible, what it means.

Names and OBIS codes: vendor and seen. Scale: vendor and seen, all integers are thousandths (of W,
V, A, Hz, and of Wh, varh, VAh, which are millionths of the kilo-units shown here).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ...core.model import Key
from ...core.vocabulary import Moment, Part, Quantity

_PHASES: Final = (Part.L1, Part.L2, Part.L3)
_ALL: Final = (None, *_PHASES)
# OBIS counts the phases in steps of 20 from the total's code.
_OBIS_STEP: Final = 20
_MEAN: Final = 4
_INTEGRAL: Final = 8

_POWER: Final = 10_000_000
_ENERGY: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One measured thing, in total and by phase.

    `name` is the JSON key without a phase, `code` the total's OBIS group C, `mode` its group D.
    A raw integer divided by `scale` is in the quantity's unit, and plausible from `lowest` to
    `highest`: what lies outside is a transmission fault, not a measurement. Without a `quantity`
    it only serves to form a net value.
    """

    name: str
    code: int
    mode: int = _MEAN
    scale: int = 1_000
    lowest: int = 0
    highest: int
    parts: tuple[Part | None, ...] = _ALL
    quantity: Quantity | None = None

    def aliases(self, part: Part | None) -> tuple[str, str]:
        """Return the JSON key and the OBIS string of a part, in lower case."""
        code = self.code + (_OBIS_STEP * (_PHASES.index(part) + 1) if part else 0)
        key = f"{self.name}_{part}" if part else self.name
        return key, f"1-0:{code}.{self.mode}.0*255"

    def accepts(self, raw: int) -> bool:
        """Tell whether a raw value is plausible."""
        return self.lowest * self.scale <= raw <= self.highest * self.scale


type Register = tuple[Signal, Part | None]


def _power(name: str, code: int, quantity: Quantity | None = None) -> Signal:
    return Signal(name=name, code=code, highest=_POWER, quantity=quantity)


def _energy(name: str, code: int, quantity: Quantity) -> Signal:
    return Signal(
        name=name,
        code=code,
        mode=_INTEGRAL,
        scale=1_000_000,
        highest=_ENERGY,
        quantity=quantity,
    )


_ACTIVE_PLUS: Final = _power("active_power_+", 1, Quantity.POWER_IMPORT)
_ACTIVE_MINUS: Final = _power("active_power_-", 2, Quantity.POWER_EXPORT)
_REACTIVE_PLUS: Final = _power("reactive_power_+", 3)
_REACTIVE_MINUS: Final = _power("reactive_power_-", 4)
_APPARENT_PLUS: Final = _power("apparent_power_+", 9)
_APPARENT_MINUS: Final = _power("apparent_power_-", 10)

SIGNALS: Final = (
    _ACTIVE_PLUS,
    _ACTIVE_MINUS,
    _REACTIVE_PLUS,
    _REACTIVE_MINUS,
    _APPARENT_PLUS,
    _APPARENT_MINUS,
    _energy("active_energy_+", 1, Quantity.ENERGY_IMPORT),
    _energy("active_energy_-", 2, Quantity.ENERGY_EXPORT),
    _energy("reactive_energy_+", 3, Quantity.REACTIVE_ENERGY_IMPORT),
    _energy("reactive_energy_-", 4, Quantity.REACTIVE_ENERGY_EXPORT),
    _energy("apparent_energy_+", 9, Quantity.APPARENT_ENERGY_IMPORT),
    _energy("apparent_energy_-", 10, Quantity.APPARENT_ENERGY_EXPORT),
    Signal(name="current", code=11, highest=10_000, parts=_PHASES, quantity=Quantity.CURRENT),
    Signal(name="voltage", code=12, highest=1_000, parts=_PHASES, quantity=Quantity.VOLTAGE),
    Signal(name="power_factor", code=13, lowest=-1, highest=1, quantity=Quantity.POWER_FACTOR),
    Signal(
        name="supply_frequency",
        code=14,
        highest=100,
        parts=(None,),
        quantity=Quantity.FREQUENCY,
    ),
)

NETS: Final = (
    (Quantity.POWER_NET, _ACTIVE_PLUS, _ACTIVE_MINUS),
    (Quantity.REACTIVE_POWER_NET, _REACTIVE_PLUS, _REACTIVE_MINUS),
    (Quantity.APPARENT_POWER_NET, _APPARENT_PLUS, _APPARENT_MINUS),
)
"""Two numbers that are never negative make one with a sign. Source: vendor."""


def _registers() -> Iterator[tuple[str, Register]]:
    for signal in SIGNALS:
        for part in signal.parts:
            for alias in signal.aliases(part):
                yield alias, (signal, part)


REGISTERS: Final[Mapping[str, Register]] = MappingProxyType(dict(_registers()))
"""What each name in the record, in lower case, stands for."""


def _detail() -> Iterator[Key]:
    for quantity in (
        Quantity.FREQUENCY,
        Quantity.POWER_FACTOR,
        Quantity.REACTIVE_POWER_NET,
        Quantity.APPARENT_POWER_NET,
        Quantity.REACTIVE_ENERGY_IMPORT,
        Quantity.REACTIVE_ENERGY_EXPORT,
        Quantity.APPARENT_ENERGY_IMPORT,
        Quantity.APPARENT_ENERGY_EXPORT,
        Quantity.CPU_LOAD,
        Quantity.CPU_TEMPERATURE,
        Quantity.MEMORY_FREE,
    ):
        for part in _ALL:
            yield quantity, part
    for quantity in (
        Quantity.POWER_IMPORT,
        Quantity.POWER_EXPORT,
        Quantity.ENERGY_IMPORT,
        Quantity.ENERGY_EXPORT,
    ):
        for part in _PHASES:
            yield quantity, part
    yield Moment.LAST_MEASURED


DETAIL: Final[frozenset[Key]] = frozenset(_detail())
"""What only few owners want."""
