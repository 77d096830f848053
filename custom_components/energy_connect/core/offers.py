"""What an account may offer beyond its values; each a protocol of its own.

An account implements those that its provider has, by naming them as bases. Home Assistant's side
asks `isinstance(account, Controllable)` and offers no more than there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from .commands import Orders
from .records import ChargePlan, ChargingSession, Link, RawReading
from .vocabulary import Kind


@runtime_checkable
class Controllable(Protocol):
    """Devices can be told something: those that have `Device.controls`."""

    orders: Orders
    """Its commands: `orders.perform(command)`; made once, with the account's way to send."""


@runtime_checkable
class SessionSource(Protocol):
    """Charging sessions can be looked up."""

    async def charging_sessions(
        self, device_id: str, start: datetime, end: datetime
    ) -> Sequence[ChargingSession]:
        """Return the sessions that began in [start, end), the earliest first.

        A device that never has sessions gives none.

        Raises:
            ApiError: they could not be read whole.

        """


@runtime_checkable
class PlanSource(Protocol):
    """The charging plan can be looked up."""

    async def charge_plan(self, device_id: str) -> ChargePlan:
        """Return the plan as it is now.

        Raises:
            ApiError: it could not be read.

        """


@runtime_checkable
class ReadingSource(Protocol):
    """Raw readings of a meter can be looked up."""

    async def readings(
        self, device_id: str, start: datetime, end: datetime
    ) -> Sequence[RawReading]:
        """Return the readings measured in [start, end), the earliest first.

        Raises:
            ApiError: they could not be read whole.

        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """How the owner visits a page of the provider.

    `return_to` is where the page leads back (an address of this Home Assistant, with a state that
    works once); `language` is Home Assistant's (BCP 47, such as `de` or `pt-BR`): the provider takes
    the nearest that it has.
    """

    return_to: str
    language: str


@runtime_checkable
class Linking(Protocol):
    """New devices can be linked to the account; `Provider.link_kinds` says of which kinds."""

    async def link(self, kinds: frozenset[Kind], visit: Visit) -> Link:
        """Return a page on which the owner links devices of these kinds.

        Raises:
            CommandRefused: the provider allows no more (`Refusal.NO_PERMISSION`, with its words).
            ApiError: anything else.

        """


@runtime_checkable
class Mending(Protocol):
    """An advice whose remedy is `OpenPage` can be followed."""

    async def mend(self, subject: str, visit: Visit) -> Link | None:
        """Return the page that mends what the advice with that subject is about.

        None if it needs no mending any more. Sends the request at each call: a link may work once.

        Raises:
            CommandRefused: the provider does not allow it.
            ApiError: anything else.

        """
