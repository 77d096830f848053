"""Repairs that lead a person through: a page of the provider to visit, options to fill in."""

from typing import Any, cast

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError

from .coordinator import EnergyConfigEntry, EnergyCoordinator
from .core.account import Field
from .core.errors import ApiError, CommandRefused
from .core.model import Advice, AskOptions, OpenPage
from .core.offers import Mending
from .forms import entered, schema
from .linking import visit_of_a_page


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that fixes an issue; `data` is what `issues` noted of it."""
    noted = cast(dict[str, str], data or {})
    return FixFlow(noted.get("entry_id", ""), noted.get("kind", ""), noted.get("subject", ""))


class FixFlow(RepairsFlow):
    """Follows the remedy of an advice, and polls to see whether it helped."""

    def __init__(self, entry_id: str, kind: str, subject: str) -> None:
        """Remember which advice it is about."""
        self._entry_id = entry_id
        self._kind = kind
        self._subject = subject

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Begin with what the advice's remedy needs."""
        match self._advice():
            case Advice(remedy=OpenPage()):
                return await self.async_step_page()
            case Advice(remedy=AskOptions()):
                return await self.async_step_options()
            case _:
                return self._done()

    async def async_step_page(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Show the way to the provider's page; Submit checks whether it helped."""
        advice, coordinator = self._advice(), self._coordinator()
        if advice is None or coordinator is None:
            return self._done()
        errors: dict[str, str] = {}
        if user_input is not None:
            await coordinator.async_refresh()
            if coordinator.last_error is not None:
                errors["base"] = "cannot_check"
            elif (advice := self._advice()) is None:
                return self._done()
            else:
                errors["base"] = "not_mended"
        assert isinstance(coordinator.account, Mending)  # it gave an advice that says so
        try:
            # A new address each time: the one before may have worked once.
            visit = visit_of_a_page(self.hass, coordinator)
            link = await coordinator.account.mend(self._subject, visit)
        except ServiceValidationError:
            return self.async_abort(reason="no_url")
        except (CommandRefused, ApiError) as error:
            words = {"account": coordinator.name, "detail": error.detail or str(error)}
            return self.async_abort(reason="no_page", description_placeholders=words)
        if link is None:
            await coordinator.async_refresh()
            return self._done()
        return self.async_show_form(
            step_id="page",
            errors=errors,
            description_placeholders={
                "account": coordinator.name,
                **advice.placeholders,
                "url": link.url,
            },
        )

    async def async_step_options(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Ask for what nobody but the owner knows, keep it, and open the account anew."""
        advice, coordinator = self._advice(), self._coordinator()
        if advice is None or coordinator is None or not isinstance(advice.remedy, AskOptions):
            return self._done()
        entry = coordinator.config_entry
        fields = _fields(coordinator, advice.remedy)
        errors: dict[str, str] = {}
        if user_input is not None:
            options = {**entry.options, **entered(fields, user_input)}
            self.hass.config_entries.async_update_entry(entry, options=options)
            await self.hass.config_entries.async_reload(entry.entry_id)
            advice = self._advice()
            if advice is None or not isinstance(advice.remedy, AskOptions):
                return self._done()
            # What was told is not asked for again.
            fields = _fields(coordinator, advice.remedy)
            errors["base"] = "not_mended"
        return self.async_show_form(
            step_id="options",
            data_schema=schema(fields, {**entry.options, **(user_input or {})}),
            errors=errors,
            description_placeholders={"account": entry.title, **advice.placeholders},
        )

    def _coordinator(self) -> EnergyCoordinator | None:
        entry: EnergyConfigEntry | None = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return None
        return entry.runtime_data

    def _advice(self) -> Advice | None:
        """Return the advice as the account gives it now; None if it needs no mending any more."""
        coordinator = self._coordinator()
        if coordinator is None:
            return None
        for advice in coordinator.data.advice:
            if (advice.kind, advice.subject) == (self._kind, self._subject):
                return advice
        return None

    def _done(self) -> RepairsFlowResult:
        return self.async_create_entry(data={})


def _fields(coordinator: EnergyCoordinator, remedy: AskOptions) -> list[Field]:
    return [field for field in coordinator.provider.options if field.key in remedy.keys]
