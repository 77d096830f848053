"""Thermostats."""

from typing import Any, Final, override

from homeassistant.components.climate import (
    ATTR_HVAC_MODE,
    ATTR_TARGET_TEMP_HIGH,
    ATTR_TARGET_TEMP_LOW,
    ClimateEntity,
    ClimateEntityFeature,
    HVACAction,
    HVACMode,
)
from homeassistant.const import ATTR_TEMPERATURE, UnitOfTemperature
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control import ControlEntity, add_controls
from .coordinator import EnergyConfigEntry, EnergyCoordinator
from .core.climate import FOLLOW_SCHEDULE, Wish, set_climate
from .core.controls import Bounds, Climate
from .core.errors import CommandRefused, Refusal
from .core.model import Device
from .core.vocabulary import Action, HoldType, HvacMode
from .exceptions import command_refused

PARALLEL_UPDATES = 0  # the account serialises its commands per device

PRESET_HOLD: Final = "hold"
PRESET_SCHEDULE: Final = "schedule"
_MODES: Final = {
    HvacMode.OFF: HVACMode.OFF,
    HvacMode.HEAT: HVACMode.HEAT,
    HvacMode.COOL: HVACMode.COOL,
    HvacMode.AUTO: HVACMode.HEAT_COOL,
}
_OURS: Final = {theirs: ours for ours, theirs in _MODES.items()}
_PRESETS: Final = {HoldType.PERMANENT: PRESET_HOLD, HoldType.SCHEDULED: PRESET_SCHEDULE}
_SETPOINT: Final = ClimateEntityFeature.TARGET_TEMPERATURE
_SETPOINTS: Final = ClimateEntityFeature.TARGET_TEMPERATURE_RANGE
# Home Assistant 2026.11 renamed these attributes and warns of the old names; 2026.8 has only those.
_ATTR: Final = "_attr_native_" if hasattr(ClimateEntity, "native_target_temperature") else "_attr_"
_ON_OFF: Final = ClimateEntityFeature.TURN_ON | ClimateEntityFeature.TURN_OFF


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the thermostats of all devices."""
    await add_controls(entry, async_add_entities, Climate, Thermostat)


class Thermostat(ControlEntity[Climate], ClimateEntity):
    """A heating or cooling appliance; what it is told holds until it is told something else."""

    _attr_name = None

    def __init__(
        self, coordinator: EnergyCoordinator, device: Device, action: Action, kind: type[Climate]
    ) -> None:
        """Take the unit of all providers."""
        super().__init__(coordinator, device, action, kind)
        self._control: Climate | None = None
        self._put("temperature_unit", UnitOfTemperature.CELSIUS)

    def _put(self, name: str, value: object) -> None:
        """Set an attribute under the name that this Home Assistant knows."""
        setattr(self, f"{_ATTR}{name}", value)

    @override
    def _show(self, control: Climate) -> object:
        self._control = control
        setting = control.value
        modes = [_MODES[mode] for mode in control.modes]
        self._attr_hvac_modes = modes
        self._attr_hvac_mode = _MODES[setting.mode] if setting.mode is not None else None
        self._put("current_temperature", control.temperature)
        self._attr_hvac_action = _doing(control)
        self._attr_preset_modes = [PRESET_HOLD, PRESET_SCHEDULE] if control.schedule else None
        self._attr_preset_mode = _PRESETS[setting.hold] if setting.hold is not None else None
        self._show_setpoints(control)
        self._attr_supported_features = _features(control)
        return control.value, control.modes, control.temperature, control.active, control.schedule

    def _show_setpoints(self, control: Climate) -> None:
        """Show one setpoint or both, as the mode has them, with the range that holds for them."""
        setting = control.value
        heat, cool = control.heat_range, control.cool_range
        ranges: list[Bounds | None] = [heat, cool]
        target = low = high = None
        match setting.mode:
            case HvacMode.HEAT:
                target, ranges = setting.heat, [heat]
            case HvacMode.COOL:
                target, ranges = setting.cool, [cool]
            case HvacMode.AUTO:
                low, high = setting.heat, setting.cool
        self._put("target_temperature", target)
        self._put("target_temperature_low", low)
        self._put("target_temperature_high", high)
        known = [one for one in ranges if one is not None]
        if known:
            self._attr_min_temp = min(one.minimum for one in known)
            self._attr_max_temp = max(one.maximum for one in known)

    @override
    def _forget(self) -> object:
        self._control = None
        self._attr_hvac_mode = None
        self._attr_hvac_modes = []
        self._attr_supported_features = ClimateEntityFeature(0)
        return None

    @override
    async def async_set_hvac_mode(self, hvac_mode: HVACMode) -> None:
        """Change the mode; the setpoints stay."""
        await self._wish(Wish(mode=_OURS[hvac_mode]))

    @override
    async def async_set_temperature(self, **kwargs: Any) -> None:
        """Change the setpoint, or both, and the mode with them if it is given."""
        mode = _OURS[kwargs[ATTR_HVAC_MODE]] if ATTR_HVAC_MODE in kwargs else None
        target = kwargs.get(ATTR_TEMPERATURE)
        present = self._control.value.mode if self._control is not None else None
        cooling = (mode or present) is HvacMode.COOL
        heat = kwargs.get(ATTR_TARGET_TEMP_LOW, None if cooling else target)
        cool = kwargs.get(ATTR_TARGET_TEMP_HIGH, target if cooling else None)
        await self._wish(Wish(mode=mode, heat=heat, cool=cool))

    @override
    async def async_set_preset_mode(self, preset_mode: str) -> None:
        """Follow the schedule, or keep what is set."""
        if preset_mode == PRESET_SCHEDULE:
            await self._tell(FOLLOW_SCHEDULE)
        else:
            await self._wish(Wish())

    async def _wish(self, wish: Wish) -> None:
        try:
            if self._control is None:
                raise CommandRefused(Refusal.NOT_OFFERED)  # noqa: TRY301 - translated below
            setting = set_climate(self._control, wish)
        except CommandRefused as error:
            name = self.coordinator.device_name(self._device_id)
            raise command_refused(error, name) from error
        await self._tell(setting)


def _features(control: Climate) -> ClimateEntityFeature:
    """Return what can be set now; a thermostat that is off has no setpoint."""
    features = ClimateEntityFeature(0)
    if HvacMode.OFF in control.modes and len(control.modes) > 1:
        features |= _ON_OFF
    match control.value.mode:
        case HvacMode.HEAT | HvacMode.COOL:
            features |= _SETPOINT
        case HvacMode.AUTO:
            features |= _SETPOINTS
        case _:
            # Somebody who sets a temperature all the same is told that it needs a mode first.
            features |= _SETPOINT
    if control.schedule:
        features |= ClimateEntityFeature.PRESET_MODE
    return features


def _doing(control: Climate) -> HVACAction | None:
    """Return what it does now; in between two setpoints the temperature tells which way."""
    setting = control.value
    if setting.mode is HvacMode.OFF:
        return HVACAction.OFF
    if control.active is None or setting.mode is None:
        return None
    if not control.active:
        return HVACAction.IDLE
    if setting.mode is HvacMode.HEAT:
        return HVACAction.HEATING
    if setting.mode is HvacMode.COOL:
        return HVACAction.COOLING
    if control.temperature is None or setting.heat is None or setting.cool is None:
        return None
    middle = (setting.heat + setting.cool) / 2
    return HVACAction.HEATING if control.temperature < middle else HVACAction.COOLING
