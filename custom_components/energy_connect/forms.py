"""A provider's fields as Home Assistant's forms, and what was entered back as plain values."""

from collections.abc import Iterable, Mapping
from typing import Any

from homeassistant.helpers.selector import (
    BooleanSelector,
    Selector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol

from .core.account import Field, FieldKind


def schema(
    fields: Iterable[Field],
    current: Mapping[str, Any] | None = None,
    *,
    secrets_required: bool = True,
) -> vol.Schema:
    """Return the form for the fields, filled with `current` values; secrets are never filled in."""
    keys: dict[vol.Marker, Selector[Any]] = {}
    for field in fields:
        required = field.required and (secrets_required or field.kind is not FieldKind.SECRET)
        value = None if field.kind is FieldKind.SECRET else (current or {}).get(field.key)
        marker = vol.Required if required else vol.Optional
        if field.default is not None and (required or field.kind is FieldKind.SWITCH):
            key = marker(field.key, default=field.default if value is None else value)
        else:
            suggested = field.default if value is None else value
            key = marker(field.key, description={"suggested_value": suggested})
        keys[key] = _selector(field)
    return vol.Schema(keys)


def entered(fields: Iterable[Field], user_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was entered, without the fields that were left empty."""
    return {
        field.key: value
        for field in fields
        if (value := user_input.get(field.key)) not in (None, "", [])
    }


def _selector(field: Field) -> Selector[Any]:
    match field.kind:
        case FieldKind.SECRET:
            return TextSelector(
                TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
            )
        case FieldKind.CHOICE:
            return SelectSelector(
                SelectSelectorConfig(
                    options=list(field.choices),
                    mode=SelectSelectorMode.DROPDOWN,
                    translation_key=field.key,
                )
            )
        case FieldKind.SWITCH:
            return BooleanSelector()
        case FieldKind.LIST:
            return TextSelector(TextSelectorConfig(multiple=True))
        case _:
            return TextSelector()
