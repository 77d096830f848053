"""What only a person can mend: units that nobody knows, scopes that the login token lacks."""

from collections.abc import Collection, Container
from typing import Final

from ...core.model import Advice, AdviceKind, AskOptions, Device
from .features import Feature, Features
from .units import Energy

# Heat and cold are the energies whose unit is only known if somebody says it.
_OPTION_OF: Final = {
    **dict.fromkeys(Energy.HEAT.value, "heat_unit"),
    **dict.fromkeys(Energy.COLD.value, "cold_unit"),
}


class UnknownUnits:
    """The devices of which a unit is missing, for what is measured and could be in the statistics.

    Noted when a device is made: to look through a thousand with each poll would cost more.
    """

    def __init__(self) -> None:
        """Know all units."""
        self._options: dict[str, frozenset[str]] = {}

    def note(self, device: Device) -> None:
        """Note by which options a device's units would be known, if they are not."""
        missing = frozenset(
            _OPTION_OF[quantity]
            for (quantity, _), reading in device.numbers.items()
            if reading.unit is None and reading.value is not None and quantity in _OPTION_OF
        )
        if missing:
            self._options[device.id] = missing
        else:
            self._options.pop(device.id, None)

    def keep(self, devices: Container[str]) -> None:
        """Forget all devices but these."""
        self._options = {key: found for key, found in self._options.items() if key in devices}

    def advice(self, left_out: Collection[str]) -> tuple[Advice, ...]:
        """Return one advice for heat and cold: two would have the same words."""
        wanted = (found for key, found in self._options.items() if key not in left_out)
        missing = frozenset[str]().union(*wanted)
        if not missing:
            return ()
        remedy = AskOptions(tuple(sorted(missing, reverse=True)))
        return (Advice(AdviceKind.UNIT_UNKNOWN, "units", remedy=remedy),)


def missing_scopes(features: Features) -> tuple[Advice, ...]:
    """Tell which scopes the login token lacks for what the account is there for.

    Months and buildings are extras: whoever made the token may have left them out on purpose.
    """
    return tuple(
        Advice(AdviceKind.PERMISSION_MISSING, feature, placeholders={"feature": feature.value})
        for feature in (
            Feature.METERS,
            Feature.READINGS,
            # These are only asked for because the owner named some.
            Feature.VIRTUAL_METER_DELTAS,
            Feature.DATA_POINTS,
        )
        if feature in features.denied
    )
