"""Which list gives what: Enode's lists, and the function that reads a row of each."""

from collections.abc import Callable, Mapping
from typing import Final

from ...core.payload import Json
from ...core.vocabulary import Kind
from .assets import Asset
from .units import parse_battery, parse_hvac, parse_inverter, parse_meter
from .vehicles import parse_charger, parse_vehicle

ASSETS: Final[Mapping[str, tuple[Kind, Callable[[Mapping[str, Json]], Asset | None]]]] = {
    "vehicles": (Kind.VEHICLE, parse_vehicle),
    "chargers": (Kind.CHARGER, parse_charger),
    "batteries": (Kind.BATTERY, parse_battery),
    "inverters": (Kind.INVERTER, parse_inverter),
    "hvacs": (Kind.HVAC, parse_hvac),
    "meters": (Kind.METER, parse_meter),
}
"""By the path of the list. HEM systems, users and locations have lists of other things."""

LIST_OF: Final[Mapping[Kind, str]] = {kind: name for name, (kind, _) in ASSETS.items()}
"""The list, and so the start of the path, of each kind of asset."""
