"""The meter's record, from its JSON to readings; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import re
from typing import Final

from ...core.errors import Reason, UnexpectedResponse
from ...core.model import NumberKey, Reading
from ...core.payload import Json, dig, mapping, text
from ...core.vocabulary import MeterStatus
from .registers import NETS, REGISTERS, Register

_RECORD: Final = "smart-meter"
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,20}")
_SIGN: Final = 2**63
_SECOND: Final = 1_000_000_000
_MOST_UNKNOWN: Final = 50
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STATUS: Final = {
    "STATUS_OK": MeterStatus.OK,
    "STATUS_WARNING": MeterStatus.WARNING,
    "STATUS_ERROR": MeterStatus.ERROR,
    "STATUS_UNKNOWN": MeterStatus.UNKNOWN,
}
_DEAD: Final = frozenset({MeterStatus.ERROR, MeterStatus.UNKNOWN})

type Stamp = tuple[int, int]
"""The meter's own time in whole seconds since 1970 (UTC) and nanoseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterRecord:
    """One answer of the meter.

    `status` is None if the meter says none or one that is not known; `states_status` tells whether
    it says any. `stamp` is the time of the measurement, None if the meter says none or has no
    idea. `names` are the keys of its values, `unknown` some of those that nobody knows, and
    `unreadable` counts the values that are none.
    """

    status: MeterStatus | None
    states_status: bool
    stamp: Stamp | None
    numbers: Mapping[NumberKey, Reading]
    names: tuple[str, ...]
    unknown: tuple[str, ...]
    unreadable: int

    @property
    def measured(self) -> datetime | None:
        """When it was measured by the meter's clock, in UTC."""
        return moment(self.stamp)

    @property
    def measuring(self) -> bool:
        """Whether the meter says that its values are good; a warning leaves them good."""
        return self.status not in _DEAD


def parse_record(payload: Json) -> MeterRecord:
    """Return the record in a payload. Shape: seen; states of `status`: vendor.

    Raises:
        UnexpectedResponse: it is none; `detail` names the key that is missing.

    """
    record = envelope(payload, _RECORD)
    status = dig(record, "status")
    known = _STATUS.get(status) if isinstance(status, str) else None
    values = mapping(record.get("values"))
    raw: dict[Register, int | None] = {}
    names, unknown = [], []
    for name, value in values.items():
        register = REGISTERS.get(name.lower())
        if register is None:
            unknown.append(name)
            continue
        names.append(name)
        if raw.get(register) is None:
            raw[register] = _raw(register, value)
    if not raw and known not in _DEAD:
        raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE, status=200, detail="values")
    stamp = time_stamp(record)
    return MeterRecord(
        status=known,
        states_status=status is not None,
        stamp=stamp,
        numbers=dict(_numbers(raw, moment(stamp))),
        names=tuple(names),
        unknown=tuple(text(name) or "?" for name in unknown[:_MOST_UNKNOWN]),
        unreadable=sum(value is None for value in raw.values()),
    )


def envelope(payload: Json, key: str) -> Mapping[str, Json]:
    """Return the object under `key`, or else under the only key.

    Raises:
        UnexpectedResponse: there is none.

    """
    outer = mapping(payload)
    inner = outer.get(key)
    if inner is None and len(outer) == 1:
        inner = next(iter(outer.values()))
    if not isinstance(inner, Mapping):
        raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE, status=200, detail=key)
    return inner


def integer(value: Json) -> int | None:
    """Return a whole number; one above 2^63 is read as two's complement (assumed)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = int(value) if _WHOLE.fullmatch(value) else None
    elif isinstance(value, float):
        value = int(value) if value.is_integer() else None
    if not isinstance(value, int) or not -_SIGN <= value < 2 * _SIGN:
        return None
    return value - 2 * _SIGN if value >= _SIGN else value


def time_stamp(record: Mapping[str, Json]) -> Stamp | None:
    """Return the time of a record; 0 is a meter that has none."""
    seconds = integer(dig(record, "timestamp", "seconds"))
    nanos = (integer(dig(record, "timestamp", "nanos")) or 0) % _SECOND
    if not seconds or moment((seconds, nanos)) is None:
        return None
    return seconds, nanos


def moment(stamp: Stamp | None) -> datetime | None:
    """Return the time of a stamp, in UTC; None if there is none or it can't be one."""
    if stamp is None:
        return None
    try:
        return _EPOCH + timedelta(seconds=stamp[0], microseconds=stamp[1] // 1000)
    except OverflowError:
        return None


def _raw(register: Register, value: Json) -> int | None:
    raw = integer(value)
    return raw if raw is not None and register[0].accepts(raw) else None


def _numbers(
    raw: Mapping[Register, int | None], at: datetime | None
) -> Iterator[tuple[NumberKey, Reading]]:
    for quantity, plus, minus in NETS:
        for part in plus.parts:
            if (plus, part) not in raw or (minus, part) not in raw:
                continue
            yield (quantity, part), Reading(_net(raw[plus, part], raw[minus, part], plus.scale), at)
    for (signal, part), value in raw.items():
        if signal.quantity is not None:
            number = None if value is None else value / signal.scale
            yield (signal.quantity, part), Reading(number, at)


def _net(plus: int | None, minus: int | None, scale: int) -> float | None:
    """Subtract as integers: the difference of two floats shows digits that nobody measured."""
    return None if plus is None or minus is None else (plus - minus) / scale
