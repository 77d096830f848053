"""Names that several modules share."""

import logging
from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "energy_connect"
LOGGER: Final = logging.getLogger(__package__)

CONF_PROVIDER: Final = "provider"
"""The provider's key in an entry's data: it alone decides whose account this is."""

PLATFORMS: Final = (
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.CLIMATE,
    Platform.DEVICE_TRACKER,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
    Platform.TIME,
)
