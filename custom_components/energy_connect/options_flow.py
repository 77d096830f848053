"""What a person may choose about an account once it is set up."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigEntryState,
    ConfigFlowResult,
    OptionsFlowWithReload,
)
from homeassistant.const import UnitOfTime
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from .const import CONF_PROVIDER
from .context import build_context
from .coordinator import EnergyCoordinator
from .core.account import Provider
from .core.errors import ApiError, Reason, Unavailable
from .core.model import Device
from .core.options import LEFT_OUT, POLL_INTERVAL, Interval, Problem
from .core.vocabulary import Kind
from .exceptions import placeholders
from .forms import entered, schema
from .history.options import history_fields, history_options
from .providers import PROVIDERS

# Trying takes a request or two for each new id; a person should not wait longer for all of them.
_PATIENCE: Final = 45.0
_MINUTE: Final = 60


def has_options(provider: Provider) -> bool:
    """Tell whether there is anything to choose about accounts of a provider."""
    return bool(provider.options) or provider.history or provider.interval is not None


class EnergyConnectOptions(OptionsFlowWithReload):
    """One form; only what differs from a default is kept."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the options of the provider, and keep those that can be what they are."""
        provider = PROVIDERS[self.config_entry.data[CONF_PROVIDER]]
        options = self.config_entry.options
        shown: Mapping[str, Any] = options
        errors: dict[str, str] = {}
        words: dict[str, str] = {}
        if user_input is not None:
            shown = self._chosen(provider, user_input)
            try:
                problems = await self._try(provider, shown)
            except ApiError as error:
                errors["base"] = error.reason
                words = placeholders(error, provider.name)
            else:
                if not problems:
                    return self.async_create_entry(data=shown)
                # A form has one set of words, so that one field at a time is told.
                key, problem = next(iter(problems.items()))
                errors[key] = problem.fault
                words["values"] = ", ".join(problem.values)
        return self.async_show_form(
            step_id="init",
            data_schema=self._form(provider, shown),
            errors=errors,
            description_placeholders={"provider": provider.name, **words},
        )

    def _form(self, provider: Provider, shown: Mapping[str, Any]) -> vol.Schema:
        form = vol.Schema({})
        if provider.interval is not None:
            form = form.extend(_interval_field(provider.interval, shown))
        form = form.extend(schema(provider.options, shown).schema)
        form = form.extend(self._left_out_field(shown))
        return form.extend(history_fields(shown)) if provider.history else form

    def _chosen(self, provider: Provider, user_input: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options out of what was entered."""
        options = self.config_entry.options
        chosen = entered(provider.options, user_input)
        if provider.interval is not None and (value := user_input.get(POLL_INTERVAL)) is not None:
            seconds = int(value * _seconds_of_one(provider.interval))
            if seconds != provider.interval.default:
                chosen[POLL_INTERVAL] = seconds
        if left_out := user_input.get(LEFT_OUT):
            names = self._names()
            chosen[LEFT_OUT] = {key: names.get(key, key) for key in left_out}
        if provider.history:
            chosen |= history_options(user_input, options)
        return chosen

    async def _try(self, provider: Provider, chosen: Mapping[str, Any]) -> Mapping[str, Problem]:
        """Return what is wrong with the options.

        Raises:
            ApiError: they could not be tried.

        """
        if provider.try_options is None:
            return {}
        context = build_context(self.hass, self.config_entry.data, chosen)
        try:
            async with asyncio.timeout(_PATIENCE):
                return await provider.try_options(context, self.config_entry.options)
        except TimeoutError as error:
            raise Unavailable(Reason.TIMEOUT) from error

    def _left_out_field(self, shown: Mapping[str, Any]) -> dict[vol.Marker, Any]:
        """Return the field for what is left out, if there is anything to choose from."""
        names = self._names()
        before = list(shown.get(LEFT_OUT) or ())
        if len(names) < 2 and not before:
            return {}
        found = [SelectOptionDict(value=key, label=name) for key, name in names.items()]
        selector = SelectSelector(
            SelectSelectorConfig(
                options=sorted(found, key=lambda each: each["label"].casefold()),
                multiple=True,
                mode=SelectSelectorMode.DROPDOWN,
            )
        )
        return {vol.Optional(LEFT_OUT, description={"suggested_value": before}): selector}

    def _names(self) -> dict[str, str]:
        """Return what can be left out, by id: what is reported, and what was left out before."""
        return {**self.config_entry.options.get(LEFT_OUT, {}), **_reported(self.config_entry)}


def _reported(entry: ConfigEntry[EnergyCoordinator]) -> dict[str, str]:
    """Return the names of the devices that the account reports; itself it can't leave out."""
    if entry.state is not ConfigEntryState.LOADED:
        return {}
    devices = entry.runtime_data.everything
    return {
        key: _path(device, devices)
        for key, device in devices.items()
        if device.kind is not Kind.ACCOUNT
    }


def _path(device: Device, devices: Mapping[str, Device]) -> str:
    """Return the names from the top down: every building has a meter "Main electricity"."""
    names: list[str] = []
    above: Device | None = device
    seen: set[str] = set()
    while above is not None and above.id not in seen and above.kind is not Kind.ACCOUNT:
        seen.add(above.id)
        described = " ".join(filter(None, (above.manufacturer, above.model)))
        names.append(above.name or described or above.id)
        above = devices.get(above.parent or "")
    return " / ".join(reversed(names))


def _interval_field(interval: Interval, shown: Mapping[str, Any]) -> dict[vol.Marker, Any]:
    """Return the field for the interval of polls, in minutes where it can't be shorter than one."""
    one = _seconds_of_one(interval)
    selector = NumberSelector(
        NumberSelectorConfig(
            min=interval.least / one,
            max=interval.most / one,
            step=1,
            mode=NumberSelectorMode.BOX,
            unit_of_measurement=UnitOfTime.SECONDS if one == 1 else UnitOfTime.MINUTES,
        )
    )
    return {vol.Required(POLL_INTERVAL, default=interval.chosen(shown) / one): selector}


def _seconds_of_one(interval: Interval) -> int:
    return _MINUTE if interval.least >= _MINUTE else 1
