"""What vehicles and chargers can be told, as far as the granted scopes allow."""

from dataclasses import dataclass, replace
from typing import Final

from ...core.controls import Control, Press, Range, Switch
from ...core.model import Device
from ...core.vocabulary import Action, Flag, Quantity

WRITES: Final = frozenset({"vehicle:write", "charging_session:write"})
"""The scopes without which nothing can be told."""

_SETTINGS: Final = frozenset({"vehicle:write"})
# The session that is boosted has to be looked up.
_BOOST: Final = frozenset({"charging_session:write", "charging_session:read"})

# Source: OpenAPI document, the field's bounds.
_LOWEST: Final = 50
_HIGHEST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What may be changed."""

    settings: bool = False
    boost: bool = False


def permissions(scope: frozenset[str] | None) -> Permissions:
    """Return what the scopes allow; what nobody says was granted is not offered."""
    granted = scope or frozenset()
    return Permissions(settings=granted >= _SETTINGS, boost=granted >= _BOOST)


def with_settings(device: Device) -> Device:
    """Return a vehicle whose settings can be changed, instead of only shown."""
    limit, smart = (Quantity.CHARGE_LIMIT, None), Flag.SMART_CHARGING
    controls: dict[Action, Control] = {
        Action.CHARGE_LIMIT: Range(
            value=device.numbers[limit].value, minimum=_LOWEST, maximum=_HIGHEST, unit="%"
        ),
        Action.SMART_CHARGING: Switch(value=device.flags[smart]),
    }
    return replace(
        device,
        numbers={key: reading for key, reading in device.numbers.items() if key != limit},
        flags={flag: value for flag, value in device.flags.items() if flag is not smart},
        controls={**device.controls, **controls},
    )


def with_boost(device: Device) -> Device:
    """Return a vehicle or charger whose session can be boosted."""
    boost: dict[Action, Control] = {
        Action.CHARGE_NOW: Press(),
        Action.END_CHARGE_NOW: Press(),
    }
    return replace(device, controls={**device.controls, **boost})
