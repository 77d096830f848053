"""One coordinator per account: polls, translates errors, keeps the last good data for a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import batched
import time
from typing import TYPE_CHECKING, Any, Final, override

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.device_registry import DeviceEntry
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .const import DOMAIN, LOGGER
from .core.account import Account, Provider
from .core.commands import Command, Order, Orders, Outcome
from .core.controls import Control
from .core.errors import (
    ApiError,
    CommandRefused,
    CredentialsRejected,
    RateLimited,
    Reason,
    Refusal,
    Unavailable,
    UnexpectedResponse,
)
from .core.model import Advice, AdviceKind, Device, Poll, Snapshot
from .core.offers import Controllable
from .core.options import left_out
from .core.selection import hidden, without
from .core.vocabulary import Action
from .devices import DeviceKeeper
from .exceptions import auth_failed, call_failed, command_refused, update_failed
from .issues import tell_advice

if TYPE_CHECKING:
    from .history.backfill import Backfill

type EnergyConfigEntry = ConfigEntry[EnergyCoordinator]
type OrderListener = Callable[[Order], None]
type DevicesListener = Callable[[Iterable[Device], Iterable[str]], None]

FIRST_POLL: Final = 8.0
"""Seconds that the first poll may take: Home Assistant waits for it when it starts."""

_DAY: Final = 24 * 3600.0
_SHORTEST: Final = timedelta(seconds=1)

SLICE: Final = 200
"""Entities told in one go; then the rest of the house has its turn."""


class EnergyCoordinator(DataUpdateCoordinator[Snapshot]):
    """Keeps one account's snapshot, and tells each entity only of its own device."""

    config_entry: EnergyConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: EnergyConfigEntry,
        provider: Provider,
        account: Account,
    ) -> None:
        """Take the opened account; nothing is sent yet."""
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=entry.title,
            update_interval=_grace(provider, entry) / 3,
            # Not every update is told: `async_update_listeners` tells those that have something new.
            always_update=True,
        )
        # Home Assistant would have None here, and tells listeners of a first poll that failed too.
        self.data = Snapshot({})
        self.provider = provider
        self.grace = _grace(provider, entry)
        self.account = account
        self.everything: Mapping[str, Device] = {}
        """What the account reports, with what the person left out."""
        self.hidden: frozenset[str] = frozenset()
        self.orders: Orders | None = account.orders if isinstance(account, Controllable) else None
        self.keeper = DeviceKeeper(hass, entry)
        self.last_error: ApiError | None = None
        self.history: Backfill | None = None
        self._good_at: float | None = None
        self._baffled = False
        self._limited_since: float | None = None
        self._quiet_until = 0.0
        self._advice: tuple[Advice, ...] | None = None
        self._told: Mapping[str, Device] = {}
        self._told_success = True
        self._changed: list[Device] = []
        self._offering: list[Device] = []
        self._gone: list[str] = []
        self._removed: set[str] = set()
        self._devices_listeners: list[DevicesListener] = []
        self._by_device: dict[str | None, dict[int, CALLBACK_TYPE]] = {}
        self._untold: OrderedDict[str | None, None] = OrderedDict()
        self._next_number = 0
        self._order_listeners: list[OrderListener] = []
        self._commanded: frozenset[str] = frozenset()
        if self.orders is not None:
            entry.async_on_unload(self.orders.listen(self._order_changed))
            entry.async_on_unload(self.orders.close)
            entry.async_on_unload(
                hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, self._let_go_of_orders)
            )

    @override
    async def _async_update_data(self) -> Snapshot:
        """Poll the account; the only place where its errors become Home Assistant's."""
        try:
            poll = await self._poll()
        except CredentialsRejected as error:
            self.last_error = error
            if error.retry_after is None:
                raise auth_failed(error, self.name) from error
            # The refusal may end by itself (a meter whose clock is not set yet after a power cut):
            # ask for a sign-in, but go on.
            self.config_entry.async_start_reauth(self.hass)
            raise update_failed(error, self.name) from error
        except ApiError as error:
            self.last_error = error
            self._count_refusal(error)
            return self._last_good_data(error)
        except Exception:  # noqa: BLE001 - what nobody thought of costs no more than another failed poll
            if not self._baffled:
                self._baffled = True
                LOGGER.exception("Unexpected error polling %s", self.name)
            self.last_error = UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
            return self._last_good_data(self.last_error)
        self._baffled = False
        if self._good_at is None or not self.last_update_success:
            self._drop_sign_in_request()
        self.last_error = None
        self._good_at = time.monotonic()
        self._limited_since = None
        poll = self._select(poll)
        # An interval of nothing would mean to Home Assistant that there are no more polls.
        self.update_interval = max(poll.again, _SHORTEST)
        self._removed |= await self.keeper.keep(poll)
        if self.orders is not None:
            self._commanded |= self.orders.see(poll.snapshot.devices)
        self._advise(poll.snapshot.advice)
        await self._compare(poll.snapshot.devices)
        return poll.snapshot

    @property
    def read_at(self) -> datetime | None:
        """When the account was read last; None if it never was."""
        if self._good_at is None:
            return None
        return dt_util.utcnow() - timedelta(seconds=time.monotonic() - self._good_at)

    @callback
    def _select(self, poll: Poll) -> Poll:
        """Return the poll without what the person left out, which leaves the registry as well."""
        self.everything = poll.snapshot.devices
        ids = hidden(self.everything, left_out(self.config_entry.options))
        if ids != self.hidden:
            self.hidden = ids
            self._removed |= self.keeper.drop(ids)
        return replace(poll, snapshot=without(poll.snapshot, ids)) if ids else poll

    @callback
    def _advise(self, advice: tuple[Advice, ...]) -> None:
        if advice != self._advice:
            self._advice = advice
            tell_advice(self.hass, self.config_entry, advice)

    @callback
    def _count_refusal(self, error: ApiError) -> None:
        """Tell a person when for a day nothing was read but "too many requests"."""
        if not isinstance(error, RateLimited):
            self._limited_since = None
            return
        now = time.monotonic()
        if self._limited_since is None:
            self._limited_since = now
        elif now - self._limited_since >= _DAY:
            limit = Advice(AdviceKind.REQUEST_LIMIT, "account")
            others = [item for item in self._advice or () if item != limit]
            self._advise((*others, limit))

    async def _poll(self) -> Poll:
        if self.last_error is not None and (left := self._quiet_until - time.monotonic()) > 0:
            self.last_error.retry_after = left
            raise self.last_error
        if self._good_at is not None:
            return await self.account.poll()
        try:
            async with asyncio.timeout(FIRST_POLL):
                return await self.account.poll()
        except TimeoutError as error:
            raise Unavailable(Reason.TIMEOUT) from error

    def _last_good_data(self, error: ApiError) -> Snapshot:
        """Return the last snapshot within the grace time, else fail."""
        now = time.monotonic()
        grace = self.grace.total_seconds()
        wait = grace / 3 if error.retry_after is None else error.retry_after
        if error.retry_after is not None:
            self._quiet_until = now + wait
        if self._good_at is None or not self.last_update_success or now - self._good_at > grace:
            self.update_interval = max(timedelta(seconds=wait), _SHORTEST)
            raise update_failed(error, self.name) from error
        # However long the provider wants to be left alone, data does not outlive the grace time.
        left = self._good_at + grace - now
        self.update_interval = max(timedelta(seconds=min(wait, left)), _SHORTEST)
        LOGGER.debug("Keeping the last data of %s: %s", self.provider.key, error)
        return self.data

    @callback
    def _drop_sign_in_request(self) -> None:
        """Withdraw a request to sign in: the credentials have just proved good."""
        for flow in list(self.config_entry.async_get_active_flows(self.hass, {SOURCE_REAUTH})):
            self.hass.config_entries.flow.async_abort(flow["flow_id"])

    async def perform(self, command: Command, seconds: float) -> Outcome:
        """Tell a device something, and wait for the outcome at most so long.

        Raises:
            ServiceValidationError: it can't be told this, or not now.
            HomeAssistantError: the provider could not be reached, or did not understand.

        """
        name = self.device_name(command.device_id)
        try:
            if self.orders is None:
                raise CommandRefused(Refusal.NOT_OFFERED)  # noqa: TRY301 - translated below
            return await self.orders.perform(command).wait(seconds)
        except CommandRefused as error:
            raise command_refused(error, name) from error
        except ApiError as error:
            if isinstance(error, CredentialsRejected):
                # The next poll meets the same refusal, and asks for a sign-in.
                await self.async_request_refresh()
            raise call_failed(error, self.name) from error

    @callback
    def device_name(self, device_id: str) -> str:
        """Return what a message calls a device."""
        device = self.data.devices.get(device_id)
        return (device.name if device is not None else None) or self.name

    @callback
    def shown(self, device: Device, action: Action) -> Control | None:
        """Return a control with the value that a person should see; None if it is not offered."""
        if self.orders is None:
            return device.controls.get(action)
        return self.orders.shown(device, action)

    @callback
    def listen_to_orders(self, listener: OrderListener) -> CALLBACK_TYPE:
        """Call `listener` when a command is over."""
        self._order_listeners.append(listener)
        return lambda: self._order_listeners.remove(listener)

    @callback
    def _let_go_of_orders(self, event: Event) -> None:
        """Let nobody wait for an outcome when Home Assistant stops."""
        if self.orders is not None:
            self.orders.close()

    @callback
    def _order_changed(self, order: Order) -> None:
        """Show what is wanted, or what became of it; read soon what the device made of it."""
        self._tell([order.command.device_id])
        if order.pending:
            return
        for listener in list(self._order_listeners):
            listener(order)
        if not order.replaced and order.command.action is not Action.REFRESH:
            self.config_entry.async_create_background_task(
                self.hass, self.async_request_refresh(), f"{DOMAIN} read after a command"
            )

    @callback
    def forget_device(self, device: DeviceEntry) -> bool:
        """Let a person delete a device; False if the account still reports it.

        Should it come back, it and its entities are added as if they were new.
        """
        gone = self.keeper.forget(device, self.data.devices)
        self._removed |= gone or set()
        return gone is not None

    @callback
    def listen_to_devices(self, listener: DevicesListener) -> CALLBACK_TYPE:
        """Call `listener` before entities hear.

        It gets the devices that are new or offer something else than before, and the ids of those
        that were removed from Home Assistant since it was called last.
        """
        self._devices_listeners.append(listener)
        return lambda: self._devices_listeners.remove(listener)

    @callback
    @override
    def async_add_listener(
        self, update_callback: CALLBACK_TYPE, context: Any = None
    ) -> CALLBACK_TYPE:
        """Listen to the device whose id is the context, or to every update if there is none."""
        remove = super().async_add_listener(update_callback, context)
        number = self._next_number = self._next_number + 1
        listeners = self._by_device.setdefault(context, {})
        listeners[number] = update_callback

        @callback
        def forget() -> None:
            listeners.pop(number, None)
            remove()

        return forget

    async def _compare(self, devices: Mapping[str, Device]) -> None:
        """Find out who is new, says something else than was told, or is gone.

        In slices: to compare thousands takes as long as to parse some of them.
        """
        before = self._told
        self._changed, self._offering, self._gone = [], [], []
        if devices is before:
            return
        for some in batched(devices.items(), SLICE):
            for device_id, device in some:
                told = before.get(device_id)
                if told is device or told == device:
                    continue
                self._changed.append(device)
                # Most changes are values, which are no business of those who add entities.
                if not device.offers_same(told):
                    self._offering.append(device)
            await asyncio.sleep(0)
        self._gone = [device_id for device_id in before if device_id not in devices]

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Tell those whose device changed, and all if the account came or went."""
        self._told = self.data.devices
        changed, self._changed = self._changed, []
        offering, self._offering = self._offering, []
        gone, self._gone = self._gone, []
        came_or_went = self.last_update_success is not self._told_success
        self._told_success = self.last_update_success
        if offering:
            removed, self._removed = self._removed, set()
            for listener in list(self._devices_listeners):
                listener(offering, removed)
        commanded, self._commanded = self._commanded, frozenset()
        if came_or_went:
            self._tell(self._by_device)
        else:
            everybody = [None] if changed or gone else []
            self._tell([*everybody, *(item.id for item in changed), *gone, *commanded])

    @callback
    def _tell(self, ids: Iterable[str | None]) -> None:
        """Tell the entities of these devices to look again; None: those of no device."""
        telling = bool(self._untold)
        for device_id in ids:
            if self._by_device.get(device_id):
                self._untold[device_id] = None
        if telling or not self._untold:
            return
        self._tell_slice()
        if self._untold:
            self.config_entry.async_create_background_task(
                self.hass, self._tell_the_rest(), f"{DOMAIN} tell entities"
            )

    async def _tell_the_rest(self) -> None:
        """Tell slice by slice: ten thousand entities at once would hold the loop for a second."""
        while self._untold:
            await asyncio.sleep(0)
            self._tell_slice()

    @callback
    def _tell_slice(self) -> None:
        left = SLICE
        while self._untold and left > 0:
            device_id, _ = self._untold.popitem(last=False)
            listeners = self._by_device[device_id]
            for number, listener in list(listeners.items()):
                left -= 1
                if number not in listeners:
                    continue  # what another one did removed it
                try:
                    listener()
                except Exception:  # noqa: BLE001 - a fault of one entity must not silence the others
                    LOGGER.exception("Unexpected error updating an entity of %s", self.name)


def _grace(provider: Provider, entry: EnergyConfigEntry) -> timedelta:
    """Return for how long the last good data is shown while polls fail."""
    if provider.interval is None:
        return provider.grace
    return provider.interval.grace(entry.options, provider.grace)
