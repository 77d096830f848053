"""What a provider is to Home Assistant's side: how it is set up, and what an account can do."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from enum import StrEnum
from typing import Any, Protocol

import aiohttp

from .clock import Clock
from .discovery import Announcement, Sighting
from .model import Poll
from .options import Interval, Problem
from .vocabulary import Kind


class FieldKind(StrEnum):
    """What a person enters."""

    TEXT = "text"
    SECRET = "secret"
    CHOICE = "choice"
    SWITCH = "switch"
    LIST = "list"
    """Any number of texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a form; `key` is also its translation key and its place in the entry.

    A secret is never shown again. `identity` marks what tells accounts apart and so does not
    change when somebody signs in anew. `shown` lets diagnostics show the value as it is.
    """

    key: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = True
    default: str | bool | None = None
    choices: tuple[str, ...] = ()
    identity: bool = False
    shown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose account the credentials open.

    `account_id` is the vendor's own id of it, None if none can be had; `title` is what a person
    recognises; `data` is what has to be kept to open the account again.
    """

    account_id: str | None
    title: str
    data: Mapping[str, Any] = field(repr=False)


class Vault(Protocol):
    """Where an account keeps what must survive a sudden end, such as a rotated token."""

    async def load(self) -> Mapping[str, Any] | None:
        """Return what was saved last, or None."""

    async def save(self, content: Mapping[str, Any]) -> None:
        """Keep it; it is on the disk when this returns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a sign-in in the browser left: the application's credentials and the first tokens.

    `seed` is the token answer of the sign-in (`access_token`, `refresh_token`, `expires_in`,
    `scope` ...); later pairs live in the vault.
    """

    client_id: str
    client_secret: str = field(repr=False)
    seed: Mapping[str, Any] = field(repr=False)
    vault: Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The surroundings in which an account lives.

    `data` is what the form gave, when somebody is identified, or what `Identity.data` kept, when
    an account is opened. `zone` is the house's time zone, for providers that state no other.
    `grant` is there if the account was signed in to in the browser. `language` is Home Assistant's
    (BCP 47), for providers that have words of their own.
    """

    session: aiohttp.ClientSession
    clock: Clock
    zone: tzinfo
    data: Mapping[str, Any] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    grant: Grant | None = None
    language: str = "en"


class Account(Protocol):
    """One account, opened: the owner of its token, its request budget and its newest data.

    What only some accounts can do (be told something, link devices ...) are the protocols of
    `offers`.
    """

    async def poll(self) -> Poll:
        """Do what is due now, within the request budget, and return all that is known.

        Raises:
            ApiError: nothing could be read; what was known before is still in the last snapshot.

        """

    def diagnostics(self) -> Mapping[str, Any]:
        """Return counts, names of features and of keys: safe to post, never a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDevice:
    """How a provider of devices in the owner's network knows them."""

    recognise: Callable[[Announcement], Sighting | None]
    """Tell what an announcement is about, None if it is no device of this provider."""
    is_at: Callable[[Mapping[str, Any], Announcement], bool]
    """Tell whether what is kept of an account says that it is about the announced device."""
    moved: Callable[[Mapping[str, Any], Announcement], Mapping[str, Any]]
    """Return what is kept of an account, with the address that was announced."""
    probe: Callable[[Context], Awaitable[None]]
    """Look whether such a device answers; shows no secret.

    Raises:
        ApiError: it does not, or it is another device.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider as the wizard and the coordinator see it.

    `grace` is for how long the last good data is shown while polls fail: about three intervals.
    """

    key: str
    name: str
    fields: tuple[Field, ...]
    options: tuple[Field, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    """Addresses that the wizard's texts name, by placeholder: translations may hold no URL."""
    grace: timedelta
    interval: Interval | None = None
    """How often a person may have accounts polled; None: that is not theirs to choose."""
    history: bool = False
    """Whether accounts know the past of their devices: are a `history.HistoryAccount`."""
    sign_in: bool = False
    """Whether a person can also sign in in the browser, instead of filling in the fields."""
    identify: Callable[[Context], Awaitable[list[Identity]]]
    """Try the credentials and tell whose they are.

    Raises:
        ApiError: in words that a person can act on.
    """
    open: Callable[[Context], Account]
    """Make the account; sends nothing."""
    try_options: Callable[[Context, Mapping[str, Any]], Awaitable[Mapping[str, Problem]]] | None = (
        None
    )
    """Try the options of a context; the mapping has those that were kept before.

    What did not change is not tried. Returns the problem of each option that can't be kept.

    Raises:
        ApiError: nothing could be tried.
    """
    local: LocalDevice | None = None
    """How accounts are found by themselves, if they are devices in the owner's network."""
    link_kinds: tuple[Kind, ...] = ()
    """Kinds of devices that an owner can link from Home Assistant (`offers.Linking`)."""
    forget: Callable[[Context], Awaitable[None]] | None = None
    """Withdraw at the provider what a sign-in gave; best effort, when an entry is removed."""
