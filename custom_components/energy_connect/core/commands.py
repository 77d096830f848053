"""Commands have an outcome: sent one at a time per device, followed to the end, shown meanwhile.

What a provider adds is one coroutine that sends a command and says how to look what became of it:

    class ExampleAccount(Account, Controllable):
        def __init__(self, context: Context) -> None:
            self.orders = Orders(context.clock, self._send)

        async def _send(self, command: Command) -> Accepted:
            action = await self._client.post(...)      # priority=Priority.COMMAND
            return Accepted(look=partial(self._look, action.id), at=action.created)

Everything else is here, the same for all providers.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
import logging
from typing import Final

from .clock import Clock
from .controls import Control, Press, Range, Value, check, wanted
from .errors import ApiError, CommandRefused, Reason, Refusal
from .model import Device
from .vocabulary import Action, Moment

_LOGGER = logging.getLogger(__name__)

LOOK_EVERY: Final = 2.0
"""Seconds between two looks at what became of a command."""
PROMPT: Final = 60.0
"""Seconds after which looking becomes seldom, and the next command waits no longer."""
LOOK_SELDOM: Final = 30.0
GIVE_UP: Final = 1800.0
"""Seconds after which the outcome is unknown for good. Enode retries for up to 30 minutes (vendor)."""
UNREAD: Final = 900.0
"""Seconds after a confirmed command for which older readings are not believed: a provider that asks
an idle device every 7 minutes and is asked every 5 minutes itself, with some to spare."""
_REMEMBERED: Final = 20
# A hint to ask the device steers nothing: it neither waits nor makes others wait.
_FREE: Final = frozenset({Action.REFRESH})
_RESTS: Final = {Action.REFRESH: 60.0}
# A press after which what was told before is not true any more.
_UNDOES: Final = {Action.STOP_FEED_IN: Action.LIMIT_FEED_IN}


@dataclass(frozen=True, slots=True)
class Command:
    """Tell a device something; `value` fits the control (`controls.Value`)."""

    device_id: str
    action: Action
    value: Value = None


class State(StrEnum):
    """How far a command got."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    """The device does it, or did so already."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """Nobody ever said."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command; `detail` is what the provider said, without secrets.

    `at` is when it was done, by the provider's clock (UTC), if it says so: what was measured between
    the command and then still shows the device as it was.
    """

    state: State
    reason: Refusal | Reason | None = None
    detail: str | None = None
    at: datetime | None = field(default=None, compare=False)

    @property
    def replaced(self) -> bool:
        """Whether nobody waits for it any more: a newer command took its place, or all ended."""
        return self.reason in {Refusal.SUPERSEDED, Refusal.STOPPED}


PENDING: Final = Outcome(State.PENDING)
CONFIRMED: Final = Outcome(State.CONFIRMED)

type Look = Callable[[], Awaitable[Outcome]]
"""Ask the provider once what became of a command.

Raises:
    ApiError: not known now; it is asked again.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider took a command.

    Either it is over already (`outcome`: what is done at once, or was so before), or `look` tells
    what becomes of it. `at` is when the provider took it, by its own clock (UTC), if it says so:
    readings measured before are older than the command.
    """

    outcome: Outcome = PENDING
    look: Look | None = None
    at: datetime | None = None


type Send = Callable[[Command], Awaitable[Accepted]]
"""Send one command.

Raises:
    CommandRefused: the provider says no, in a way that is known.
    ApiError: anything else.
"""


class Order:
    """A command on its way; `outcome` is what is known of it now."""

    def __init__(self, command: Command, clock: Clock, before: Control) -> None:
        """Begin as pending; `before` is the control as it was read when the command was given."""
        self.command = command
        self.before = before
        self.outcome = PENDING
        self.at = clock.now()
        """Readings measured before are older than the command."""
        self.refused: CommandRefused | ApiError | None = None
        self.sent = False
        self.answered = asyncio.Event()
        """The provider took the command or refused it."""
        self.over = asyncio.Event()
        self.settled_at = 0.0
        self.task: asyncio.Task[None] | None = None
        self._clock = clock

    @property
    def pending(self) -> bool:
        """Whether the outcome is still open."""
        return not self.over.is_set()

    @property
    def replaced(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.outcome.replaced

    async def wait(self, seconds: float) -> Outcome:
        """Wait for the outcome, at most so long by the account's clock; it may be pending still.

        Raises:
            CommandRefused: the provider said no.
            ApiError: the command could not be sent.

        """
        await _within(self._clock, self.over, seconds)
        return self._told()

    async def settled(self) -> Outcome:
        """Wait for the outcome, however long it takes.

        Raises:
            CommandRefused: the provider said no.
            ApiError: the command could not be sent.

        """
        await self.over.wait()
        return self._told()

    def _told(self) -> Outcome:
        if self.refused is not None:
            raise self.refused
        return self.outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What is remembered of an order that is over.

    Not the order: the frames of its error hold whole answers of the provider.
    """

    command: Command
    at: datetime
    sent: bool
    outcome: Outcome


class Orders:
    """The commands of one account.

    One at a time per device:

    - The same command again while it is pending joins it; nothing is sent.
    - Another value for the same control supersedes the pending one, because what somebody wants
      now is what counts: it is sent as soon as the one before has been answered, and one that was
      not sent yet never is. If the provider refuses the newer one, a running older one goes on.
    - A command for another control of the device waits for the outcome, `PROMPT` at most: providers
      cancel a running command for the next one, and "set 10 A, then start" has to do both.

    While a command is pending its control shows the wanted value. Once it is confirmed, so it does
    until a reading arrives that was measured after it, or for `UNREAD` seconds. A failure shows
    again what was read.
    """

    def __init__(self, clock: Clock, send: Send) -> None:
        """Take the provider's way to send."""
        self._clock = clock
        self._send = send
        self._devices: Mapping[str, Device] = {}
        # In the order in which they were given: the pending ones, and the confirmed ones that no
        # reading has shown yet.
        self._orders: list[Order] = []
        self._listeners: list[Callable[[Order], None]] = []
        self._rested: dict[tuple[str, Action], float] = {}
        self._closed = False
        self.recent: deque[Ended] = deque(maxlen=_REMEMBERED)
        """The newest commands that are over, for whoever looks for a fault."""

    def listen(self, listener: Callable[[Order], None]) -> Callable[[], None]:
        """Call `listener` when an order begins and when it is over; returns how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def see(self, devices: Mapping[str, Device]) -> frozenset[str]:
        """Take the newest readings; return the ids of devices that may show another value now."""
        self._devices = devices
        read = [order for order in self._orders if not order.pending and self._was_read(order)]
        for order in read:
            self._orders.remove(order)
        return frozenset(order.command.device_id for order in read)

    def shown(self, device: Device, action: Action) -> Control | None:
        """Return a control of the device as a person should see it; None if it is not offered."""
        control = device.controls.get(action)
        if control is None:
            return None
        for order in reversed(self._orders):
            if order.command.device_id == device.id and order.command.action is action:
                return wanted(control, order.command.value)
        return control

    def perform(self, command: Command) -> Order:
        """Begin to carry out a command; returns at once.

        Raises:
            CommandRefused: it can't be done with what is known; nothing is sent.

        """
        if self._closed:
            raise CommandRefused(Refusal.STOPPED)
        device = self._devices.get(command.device_id)
        if device is None:
            raise CommandRefused(Refusal.DEVICE_GONE)
        control = device.controls.get(command.action)
        if control is None:
            raise CommandRefused(Refusal.NOT_OFFERED)
        check(control, command.value)
        ahead = self._ahead(command)
        same = [order for order in ahead if order.command.action is command.action]
        if same and same[-1].command == command:
            return same[-1]
        self._rest(command)
        for older in same:
            if not older.sent:
                self._settle(older, _SUPERSEDED)
        order = Order(command, self._clock, control)
        self._orders.append(order)
        order.task = asyncio.get_running_loop().create_task(self._carry_out(order, ahead))
        self._tell(order)
        return order

    def close(self) -> None:
        """Let go of all commands; the provider goes on with what it took."""
        self._closed = True
        for order in self._pending():
            self._settle(order, Outcome(State.UNKNOWN, Refusal.STOPPED))

    def _pending(self) -> list[Order]:
        return [order for order in self._orders if order.pending]

    def _ahead(self, command: Command) -> list[Order]:
        """Return the pending orders that a new command has to mind."""
        if command.action in _FREE:
            return []
        return [
            order
            for order in self._pending()
            if order.command.device_id == command.device_id and order.command.action not in _FREE
        ]

    def _rest(self, command: Command) -> None:
        """Refuse what was done just before; a provider would ban us for it."""
        if (seconds := _RESTS.get(command.action)) is None:
            return
        key = (command.device_id, command.action)
        now = self._clock.monotonic()
        if (left := self._rested.get(key, now) - now) > 0:
            raise CommandRefused(Refusal.COOLDOWN, retry_after=left)
        self._rested[key] = now + seconds

    async def _carry_out(self, order: Order, ahead: Iterable[Order]) -> None:
        """Send a command when its turn has come, and follow it to its outcome."""
        try:
            await self._turn(order, ahead)
            order.sent = True
            order.at = self._clock.now()
            accepted = await self._send(order.command)
            order.at = accepted.at or order.at
            order.answered.set()
            for older in ahead:
                if older.pending and older.command.action is order.command.action:
                    self._settle(older, _SUPERSEDED)
            self._settle(order, await self._follow(accepted))
        except (CommandRefused, ApiError) as error:
            order.refused = error
            self._rested.pop((order.command.device_id, order.command.action), None)
            self._settle(order, Outcome(State.FAILED, error.reason, error.detail))
        except Exception:
            _LOGGER.exception("Unexpected error carrying out %s", order.command.action)
            self._settle(order, Outcome(State.UNKNOWN, Refusal.NO_OUTCOME))

    async def _turn(self, order: Order, ahead: Iterable[Order]) -> None:
        until = self._clock.monotonic() + PROMPT
        for older in ahead:
            await older.answered.wait()
            if older.command.action is not order.command.action:
                await _within(self._clock, older.over, until - self._clock.monotonic())

    async def _follow(self, accepted: Accepted) -> Outcome:
        """Look what becomes of an accepted command until it is known, or nobody will know."""
        outcome, look = accepted.outcome, accepted.look
        began = self._clock.monotonic()
        pause = 0.0
        while outcome.state is State.PENDING:
            passed = self._clock.monotonic() - began
            if look is None or passed >= GIVE_UP:
                return Outcome(State.UNKNOWN, Refusal.NO_OUTCOME)
            await self._clock.sleep(max(pause, LOOK_EVERY if passed < PROMPT else LOOK_SELDOM))
            try:
                outcome = await look()
                pause = 0.0
            except ApiError as error:
                # The command was taken; that nobody can be asked now says nothing of it.
                pause = error.retry_after or 0.0
        return outcome

    def _settle(self, order: Order, outcome: Outcome) -> None:
        """End an order; only a confirmed one is still shown, until it is read."""
        order.outcome = outcome
        order.at = max(order.at, outcome.at or order.at)
        order.settled_at = self._clock.monotonic()
        order.answered.set()
        order.over.set()
        command = order.command
        self._orders.remove(order)
        self.recent.append(Ended(command=command, at=order.at, sent=order.sent, outcome=outcome))
        if outcome.state is State.CONFIRMED:
            self._forget(command.device_id, {command.action, _UNDOES.get(command.action)})
            if not isinstance(order.before, Press):
                self._orders.append(order)
        if order.task is not None and order.task is not asyncio.current_task():
            order.task.cancel()
        self._tell(order)

    def _forget(self, device_id: str, actions: Container[Action | None]) -> None:
        """Forget what was confirmed before and is not true any more."""
        self._orders = [
            order
            for order in self._orders
            if order.pending
            or order.command.device_id != device_id
            or order.command.action not in actions
        ]

    def _was_read(self, order: Order) -> bool:
        """Tell whether a confirmed command needs no more remembering: the readings know it."""
        device = self._devices.get(order.command.device_id)
        control = device.controls.get(order.command.action) if device is not None else None
        if device is None or control is None or isinstance(control, Press):
            return True
        if isinstance(control, Range) and not control.readable:
            return False
        if wanted(control, order.command.value) == control:
            return True
        if self._clock.monotonic() - order.settled_at >= UNREAD:
            return True
        at = control.at or device.moments.get(Moment.LAST_MEASURED)
        if at is not None:
            return at >= order.at
        # Without any time only a change tells that a reading is a new one.
        before = order.before
        return isinstance(before, Press) or control.value != before.value

    def _tell(self, order: Order) -> None:
        for listener in list(self._listeners):
            listener(order)


_SUPERSEDED: Final = Outcome(State.CANCELLED, Refusal.SUPERSEDED)


async def _within(clock: Clock, event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, at most so long."""
    if event.is_set() or seconds <= 0:
        return
    waiting = asyncio.ensure_future(event.wait())
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({waiting, timer}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        timer.cancel()
