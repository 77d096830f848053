"""A provider whose account does what a test tells it: an implementation of the protocol."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import (
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

import custom_components.energy_connect as component
from custom_components.energy_connect import config_flow, diagnostics, discovery, options_flow
from custom_components.energy_connect.const import CONF_PROVIDER, DOMAIN
from custom_components.energy_connect.coordinator import EnergyCoordinator
from custom_components.energy_connect.core.account import (
    Context,
    Field,
    FieldKind,
    Identity,
    Provider,
)
from custom_components.energy_connect.core.errors import ApiError
from custom_components.energy_connect.core.model import Advice, Device, Poll, Reading, Snapshot
from custom_components.energy_connect.core.vocabulary import Kind, Quantity
from custom_components.energy_connect.providers import PROVIDERS

GRACE = timedelta(seconds=90)
INTERVAL = timedelta(seconds=30)
KEY = "scripted"
TITLE = "House of cards"
SOC = (Quantity.STATE_OF_CHARGE, None)
POWER = (Quantity.CHARGE_POWER, None)


def car(device_id: str = "car", soc: float | None = 50, **changed: Any) -> Device:
    """Return a vehicle with a state of charge."""
    known: dict[str, Any] = {
        "id": device_id,
        "kind": Kind.VEHICLE,
        "name": device_id.title(),
        "numbers": {SOC: Reading(soc)},
    }
    return Device(**known | changed)


class Script:
    """What the account says next, and how often it was asked."""

    def __init__(self) -> None:
        """Begin with one car."""
        self.snapshot = Snapshot({"car": car()})
        self.listed: frozenset[Kind] = frozenset()
        self.again = INTERVAL
        self.error: Exception | None = None
        self.before: Callable[[], Awaitable[None]] | None = None
        self.opening: ApiError | None = None
        self.polls = 0
        self.options: Mapping[str, Any] = {}
        self.identities: list[Identity] = [identity()]
        self.refusal: ApiError | None = None
        self.tried: list[Mapping[str, Any]] = []
        self.forgotten: list[Context] = []
        self.forgetting: Exception | None = None

    def show(self, *devices: Device, advice: Iterable[Advice] = ()) -> None:
        """Report these devices from now on."""
        self.snapshot = Snapshot({device.id: device for device in devices}, tuple(advice))

    def change(self, device_id: str, **changed: Any) -> None:
        """Report one device otherwise."""
        devices = dict(self.snapshot.devices)
        devices[device_id] = replace(devices[device_id], **changed)
        self.snapshot = replace(self.snapshot, devices=devices)

    async def poll(self) -> Poll:
        """Do as told."""
        self.polls += 1
        if self.before is not None:
            await self.before()
        if self.error is not None:
            raise self.error
        return Poll(snapshot=self.snapshot, again=self.again, listed=self.listed)

    def diagnostics(self) -> Mapping[str, Any]:
        """Return nothing secret."""
        return {"polls": self.polls}

    def open(self, context: Context) -> Script:
        """Open the account, which is the script itself."""
        self.options = context.options
        if self.opening is not None:
            raise self.opening
        return self

    async def identify(self, context: Context) -> list[Identity]:
        """Return whose account it is."""
        self.tried.append(context.data)
        if self.before is not None:
            await self.before()
        if self.refusal is not None:
            raise self.refusal
        return self.identities

    async def forget(self, context: Context) -> None:
        """Remember that it was to be forgotten."""
        self.forgotten.append(context)
        if self.forgetting is not None:
            raise self.forgetting

    def provider(self, key: str = KEY, **changed: Any) -> Provider:
        """Return the provider."""
        known: dict[str, Any] = {
            "key": key,
            "name": "Scripted",
            "fields": (
                Field(key="host", identity=True),
                Field(key="token", kind=FieldKind.SECRET),
            ),
            "grace": GRACE,
            "identify": self.identify,
            "open": self.open,
            "forget": self.forget,
        }
        return Provider(**known | changed)


def identity(account_id: str | None = "1", title: str = TITLE, **data: Any) -> Identity:
    """Return somebody's account."""
    return Identity(account_id=account_id, title=title, data={"host": "h", "token": "t", **data})


def install(monkeypatch: pytest.MonkeyPatch, provider: Provider) -> None:
    """Put a provider among the others, or in the place of one."""
    providers = {**PROVIDERS, provider.key: provider}
    for module in (component, config_flow, diagnostics, discovery, options_flow):
        monkeypatch.setattr(module, "PROVIDERS", providers)


def add_entry(hass: HomeAssistant, **changed: Any) -> MockConfigEntry:
    """Add an entry of the scripted provider; it is not set up yet."""
    known: dict[str, Any] = {
        "domain": DOMAIN,
        "title": TITLE,
        "unique_id": f"{KEY}_1",
        "data": {CONF_PROVIDER: KEY, "host": "h", "token": "t"},
    }
    entry = MockConfigEntry(**known | changed)
    entry.add_to_hass(hass)
    return entry


async def start(hass: HomeAssistant, **changed: Any) -> ConfigEntry[EnergyCoordinator]:
    """Add an entry and set it up, whatever comes of it."""
    entry = add_entry(hass, **changed)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    return entry


async def poll(hass: HomeAssistant, entry: ConfigEntry[EnergyCoordinator]) -> None:
    """Poll out of turn, as a person can who presses update."""
    await entry.runtime_data.async_refresh()
    await hass.async_block_till_done(wait_background_tasks=True)


def entity_id(hass: HomeAssistant, unique_id: str, platform: str = "sensor") -> str | None:
    """Return the entity of a unique id, without the account in front."""
    registry = er.async_get(hass)
    return registry.async_get_entity_id(platform, DOMAIN, f"{KEY}_1_{unique_id}")


def state(hass: HomeAssistant, unique_id: str, platform: str = "sensor") -> State:
    """Return the state of an entity that has to exist."""
    found = entity_id(hass, unique_id, platform)
    assert found is not None, unique_id
    shown = hass.states.get(found)
    assert shown is not None, found
    return shown


class Writes:
    """Which entities were written since it was made or cleared."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Listen to both events that a write can fire."""
        self.entities: list[str] = []

        @callback
        def changed(event: Event[EventStateChangedData]) -> None:
            self.entities.append(event.data["entity_id"])

        @callback
        def reported(event: Event[EventStateReportedData]) -> None:
            self.entities.append(event.data["entity_id"])

        hass.bus.async_listen(EVENT_STATE_CHANGED, changed)
        # Home Assistant insists on a filter for these.
        hass.bus.async_listen(EVENT_STATE_REPORTED, reported, event_filter=callback(lambda _: True))


async def hang() -> None:
    """Never come back."""
    await asyncio.get_running_loop().create_future()
