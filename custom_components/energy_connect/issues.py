"""What a person should do, as repair issues: raised and cleared from the fresh data alone."""

from collections.abc import Iterable
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .core.model import Advice, Severity

_SEVERITIES = {
    Severity.WARNING: ir.IssueSeverity.WARNING,
    Severity.ERROR: ir.IssueSeverity.ERROR,
}


@callback
def tell_advice(hass: HomeAssistant, entry: ConfigEntry[Any], advice: Iterable[Advice]) -> None:
    """Make the entry's issues those that the advice asks for, and no others."""
    wanted = {f"{entry.entry_id}_{item.kind}_{item.subject}": item for item in advice}
    for issue_id in _issues_of(hass, entry):
        if issue_id not in wanted:
            ir.async_delete_issue(hass, DOMAIN, issue_id)
    for issue_id, item in wanted.items():
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue_id,
            is_fixable=item.remedy is not None,
            data={"entry_id": entry.entry_id, "kind": item.kind, "subject": item.subject},
            severity=_SEVERITIES[item.severity],
            translation_key=item.kind,
            translation_placeholders={"account": entry.title, **item.placeholders},
        )


def _issues_of(hass: HomeAssistant, entry: ConfigEntry[Any]) -> list[str]:
    return [
        issue_id
        for domain, issue_id in ir.async_get(hass).issues
        if domain == DOMAIN and issue_id.startswith(f"{entry.entry_id}_")
    ]
