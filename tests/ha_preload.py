"""Prepare Home Assistant before the harness' pytest plugin is imported.

Loaded with `-p tests.ha_preload`, hence ahead of every entry-point plugin. To be
dropped once a harness made from the pinned Home Assistant exists.
"""

# First of all: the package puts its aliases of httpx and voluptuous in place,
# and what imports those earlier would get another set of classes.
import homeassistant  # noqa: F401 - imported for that effect, and first
from homeassistant.components import logger
from homeassistant.components.logger import helpers

# The newest harness was made from the Home Assistant before, where this name
# was importable from the package.
if not hasattr(logger, "_clear_logger_overwrites"):
    setattr(  # noqa: B010 - a plain assignment is an error to mypy
        logger,
        "_clear_logger_overwrites",
        helpers._clear_logger_overwrites,
    )
