"""What all Enode assets have in common: pages, sections, grants, capabilities.

Source: Enode's OpenAPI document of version 2024-10-01 (vendor); tolerance beyond it: assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
import math
from types import MappingProxyType
from typing import Final

from ...core.controls import Control, Press
from ...core.errors import Reason, UnexpectedResponse
from ...core.model import Device, Key, NumberKey, Position, Reading
from ...core.payload import Json, boolean, dig, identifier, instant, mapping, number, rows, text
from ...core.vocabulary import Action, Choice, Flag, Kind, Moment, Quantity

KILO: Final = 1000.0
"""Enode states power in kW."""

SEEN: Final[frozenset[Key]] = frozenset({Moment.LAST_SEEN, Moment.LAST_MEASURED})
"""What starts switched off on every asset."""

NO_CONTROLS: Final[Mapping[Action, Control]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A device, with the owner and the vendor's code under which its login is listed.

    Of an inverter also: whether it has statistics, its time zone (IANA) and since when it is there.
    `interventions` are the ids of what the owner could do to unlock more of it.
    """

    device: Device
    statistics: bool = False
    zone: str | None = None
    installed: datetime | None = None
    user: str | None = None
    vendor: str | None = None
    interventions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """What a page says beside its rows: the next cursor, and whether it is a list.

    `listed` is False if the answer had no list in it at all (`{}`), which says nothing about what
    there is.
    """

    after: str | None
    listed: bool


def split(answer: Json) -> tuple[Frame, list[Json]]:
    """Take a page of a list apart: `{"data": [...], "pagination": {"after": ...}}`.

    A bare list, as versions before 2023-08-01 answered, is read too.

    Raises:
        UnexpectedResponse: the answer is neither an object nor a list.

    """
    data = answer
    if isinstance(answer, Mapping):
        data = answer.get("data")
    elif not isinstance(answer, list):
        raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
    after = dig(answer, "pagination", "after")
    # A cursor is opaque: sent back as it came, unlike a text that is shown.
    after = after if isinstance(after, str) and after else None
    return Frame(after, isinstance(data, list)), rows(data)


@dataclass(frozen=True, slots=True)
class Section:
    """One dated part of an asset, such as `chargeState`; empty where the owner did not grant it.

    A field is offered if the device is capable of the section, or if the field has a value anyway.
    """

    fields: Mapping[str, Json]
    capable: bool
    at: datetime | None

    def offers(self, key: str) -> bool:
        """Tell whether the device has this field, known or not."""
        return key in self.fields and (self.capable or self.fields[key] is not None)

    def readings(self, wanted: Mapping[str, tuple[Quantity, float]]) -> dict[NumberKey, Reading]:
        """Return the numbers that are offered: by field name, the quantity and the factor to it."""
        return {
            (quantity, None): Reading(scaled(number(self.fields[key]), factor), self.at)
            for key, (quantity, factor) in wanted.items()
            if self.offers(key)
        }

    def flags(self, wanted: Mapping[str, Flag]) -> dict[Flag, bool | None]:
        """Return the flags that are offered, by field name."""
        return {flag: boolean(self.fields[key]) for key, flag in wanted.items() if self.offers(key)}

    def choice[E: StrEnum](
        self, key: str, choice: Choice, options: Mapping[str, E]
    ) -> dict[Choice, StrEnum | None]:
        """Return the choice if it is offered.

        A word that is not among the options is unknown: Enode adds words without a new version.
        """
        if not self.offers(key):
            return {}
        word = self.fields[key]
        return {choice: options.get(word) if isinstance(word, str) else None}


def scaled(value: float | None, factor: float) -> float | None:
    """Return the value times the factor, without the noise of binary fractions.

    None if that is no number any more: a value near the largest one is no measurement.
    """
    product = math.inf if value is None else value * factor
    return round(product, 6) if math.isfinite(product) else None


def granted(row: Mapping[str, Json], scope: str) -> bool:
    """Tell whether the owner granted a scope; a row that names no scopes counts as granted."""
    scopes = row.get("scopes")
    return scope in scopes if isinstance(scopes, list) else True


def capable(row: Mapping[str, Json], capability: str | None) -> bool:
    """Tell whether the device can do something; what the row does not say counts as yes."""
    return (
        capability is None
        or boolean(dig(row, "capabilities", capability, "isCapable")) is not False
    )


def can(row: Mapping[str, Json], capability: str, scope: str) -> bool:
    """Tell whether the device takes a command and the owner granted it, both said outright."""
    able = boolean(dig(row, "capabilities", capability, "isCapable")) is True
    return able and scope in rows(row.get("scopes"))


def section(
    row: Mapping[str, Json], name: str, *, scope: str, capability: str | None = None
) -> Section:
    """Return a part of an asset, judged by its scope and capability."""
    fields = mapping(row.get(name)) if granted(row, scope) else {}
    return Section(fields, capable(row, capability), instant(fields.get("lastUpdated")))


def action_needed(row: Mapping[str, Json]) -> dict[Flag, bool | None]:
    """Tell whether the owner could unlock something: any capability that names an intervention."""
    capabilities = row.get("capabilities")
    if not isinstance(capabilities, Mapping):
        return {}
    return {
        Flag.OWNER_ACTION_NEEDED: any(
            rows(dig(capability, "interventionIds")) for capability in capabilities.values()
        )
    }


def interventions(row: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the ids of what the owner could do to unlock a capability, each once."""
    named = (
        identifier(one)
        for capability in mapping(row.get("capabilities")).values()
        for one in rows(dig(capability, "interventionIds"))
    )
    return tuple(sorted({one for one in named if one is not None}))


def seen(row: Mapping[str, Json], *sections: Section) -> dict[Moment, datetime | None]:
    """Return when the asset was heard of, and when the newest of its sections was measured."""
    measured = [one.at for one in sections if one.at is not None]
    return {
        Moment.LAST_SEEN: instant(row.get("lastSeen")),
        Moment.LAST_MEASURED: max(measured, default=None),
    }


def asset(
    row: Mapping[str, Json],
    kind: Kind,
    *sections: Section,
    serial: str | None = None,
    numbers: Mapping[NumberKey, Reading],
    flags: Mapping[Flag, bool | None],
    choices: Mapping[Choice, StrEnum | None],
    detail: frozenset[Key],
    position: Position | None = None,
    tracked: bool = False,
    controls: Mapping[Action, Control] = NO_CONTROLS,
    detail_controls: frozenset[Action] = frozenset(),
) -> Asset | None:
    """Put an asset together; None if it has no id. `serial` names the field of its number.

    Every asset can be asked for early, besides what `controls` says.
    Ids of two kinds do not collide: `/assets/{assetId}/relink` takes any of them (vendor).
    """
    if (asset_id := identifier(row.get("id"))) is None:
        return None
    information = mapping(row.get("information"))
    vendor = text(row.get("vendor"))
    device = Device(
        id=asset_id,
        kind=kind,
        name=_name(information) or vendor,
        manufacturer=text(information.get("brand")) or vendor,
        model=text(information.get("model")),
        serial_number=text(information.get(serial)) if serial else None,
        parent=identifier(row.get("hemSystemId")),
        numbers=numbers,
        flags={Flag.ONLINE: boolean(row.get("isReachable")), **action_needed(row), **flags},
        moments=seen(row, *sections),
        choices=choices,
        detail=SEEN | detail,
        tracked=tracked,
        position=position,
        controls={**controls, Action.REFRESH: Press()},
        detail_controls=detail_controls & controls.keys(),
    )
    return Asset(
        device=device,
        user=identifier(row.get("userId")),
        vendor=vendor,
        interventions=interventions(row),
    )


def _name(information: Mapping[str, Json]) -> str | None:
    """Return the owner's name for it, else site and model, else brand and model.

    The name of the site alone would give a battery, its inverter and its meter the same one.
    """
    if (name := text(information.get("displayName"))) is not None:
        return name
    model = text(information.get("model"))
    front = text(information.get("siteName")) or text(information.get("brand"))
    return text(" ".join(word for word in (front, model) if word))
