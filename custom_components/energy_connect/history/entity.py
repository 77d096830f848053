"""How far the import of an account's past has come."""

from typing import TYPE_CHECKING, override

from homeassistant.components.sensor import SensorEntity, SensorStateClass
from homeassistant.const import PERCENTAGE, EntityCategory
from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo

from ..const import DOMAIN
from ..coordinator import EnergyConfigEntry
from ..devices import account_id

if TYPE_CHECKING:
    from .backfill import Backfill

KEY = "history_imported"


class HistorySensor(SensorEntity):
    """The part of the wanted past that was asked for, in percent."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    _attr_translation_key = KEY
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_native_unit_of_measurement = PERCENTAGE
    _attr_state_class = SensorStateClass.MEASUREMENT
    _attr_suggested_display_precision = 0

    def __init__(self, entry: EnergyConfigEntry, history: Backfill) -> None:
        """Stand on a device of its own, which is the account: the past is that of all devices."""
        account = account_id(entry)
        self._history = history
        self._attr_unique_id = f"{account}_{KEY}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, f"{account}:history")},
            entry_type=DeviceEntryType.SERVICE,
            name=entry.title,
        )
        self._attr_native_value = history.progress

    @override
    async def async_added_to_hass(self) -> None:
        """Look again whenever a piece was read."""
        self.async_on_remove(self._history.listen(self._look))

    @callback
    def _look(self) -> None:
        value = self._history.progress
        if value != self._attr_native_value:
            self._attr_native_value = value
            self.async_write_ha_state()
