"""Where an account keeps what must survive a sudden end."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .core.account import Vault

_VERSION = 1


class StoredVault(Vault):
    """One private file per entry, replaced atomically.

    An entry's own data will not do: Home Assistant writes it a second after a change, and a rotated
    refresh token that is lost in that second is a lost sign-in.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Name the file after the entry."""
        self._store: Store[dict[str, Any]] = Store(
            hass, _VERSION, f"{DOMAIN}.{entry_id}", private=True, atomic_writes=True
        )

    @override
    async def load(self) -> Mapping[str, Any] | None:
        """Return what was saved last, or None."""
        return await self._store.async_load()

    @override
    async def save(self, content: Mapping[str, Any]) -> None:
        """Write it and wait until it is written.

        Raises:
            OSError: it is not on the disk, which Home Assistant itself only logs.

        """
        await self._store.async_save(dict(content))
        if await self._store.async_load() != content:
            raise OSError(f"{self._store.key} was not written")

    async def remove(self) -> None:
        """Delete the file."""
        await self._store.async_remove()


class NoVault(Vault):
    """For the wizard: there is no entry yet, and nothing is rotated before there is one."""

    @override
    async def load(self) -> Mapping[str, Any] | None:
        """Return nothing."""
        return None

    @override
    async def save(self, content: Mapping[str, Any]) -> None:
        """Keep nothing."""
