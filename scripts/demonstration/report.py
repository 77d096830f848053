"""What the demo's accounts show: devices, entities, and which of them are unavailable."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from custom_components.energy_connect.const import DOMAIN

from .session import Session

_NO_VALUE = frozenset({"unknown", "unavailable"})


@dataclass(frozen=True, slots=True)
class AccountReport:
    """One account: its numbers, and the ids of entities without what they should have."""

    provider: str
    devices: int
    entities: int
    unavailable: tuple[str, ...]
    valued: int

    @property
    def good(self) -> bool:
        """Whether there are entities with values, and none is unavailable."""
        return self.devices > 0 and self.valued > 0 and not self.unavailable


@dataclass(frozen=True, slots=True)
class Report:
    """All accounts, in the order of the providers asked for; a missing account has no entities."""

    accounts: Sequence[AccountReport]

    @property
    def good(self) -> bool:
        """Whether all accounts are."""
        return all(account.good for account in self.accounts)

    def lines(self) -> Iterator[str]:
        """Yield one line an account."""
        for account in self.accounts:
            yield (
                f"{account.provider} {account.devices} devices {account.entities} entities "
                f"{len(account.unavailable)} unavailable"
            )

    def missing(self) -> Iterator[str]:
        """Yield what keeps the report from being good."""
        for account in self.accounts:
            if not account.devices:
                yield f"{account.provider} has no devices"
            elif not account.valued:
                yield f"{account.provider} has no entity with a value"
            for entity_id in account.unavailable:
                yield f"{entity_id} is unavailable"


async def wait_for_values(session: Session, providers: Sequence[str], seconds: float) -> Report:
    """Look until the report is good, or the time is over; return the last look."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    report = await _look(session, providers)
    while not report.good and loop.time() < until:
        await asyncio.sleep(1.0)
        report = await _look(session, providers)
    return report


async def accounts(session: Session) -> dict[str, str | None]:
    """Return whose account each entry is; None while it is not loaded."""
    entries = await session.command("config_entries/get", domain=DOMAIN)
    return {entry["entry_id"]: await _provider(session, entry) for entry in entries}


async def _look(session: Session, providers: Sequence[str]) -> Report:
    diagnostics = await accounts(session)
    devices = await session.command("config/device_registry/list")
    entities = await session.command("config/entity_registry/list")
    states = {state["entity_id"]: state["state"] for state in await session.get("/api/states")}
    return Report(
        [
            _account(
                provider,
                {entry_id for entry_id, of in diagnostics.items() if of == provider},
                devices,
                entities,
                states,
            )
            for provider in providers
        ]
    )


async def _provider(session: Session, entry: dict[str, Any]) -> str | None:
    """Return whose account an entry is, as its diagnostics say; None while it is not loaded."""
    if entry["state"] != "loaded":
        return None
    download = await session.get(f"/api/diagnostics/config_entry/{entry['entry_id']}")
    provider: str = download["data"]["provider"]
    return provider


def _account(
    provider: str,
    entry_ids: set[str],
    devices: list[dict[str, Any]],
    entities: list[dict[str, Any]],
    states: dict[str, str],
) -> AccountReport:
    ours = [
        entity["entity_id"]
        for entity in entities
        if entity["config_entry_id"] in entry_ids and entity["disabled_by"] is None
    ]
    return AccountReport(
        provider=provider,
        devices=sum(1 for device in devices if entry_ids & set(device["config_entries"])),
        entities=len(ours),
        unavailable=tuple(
            entity_id for entity_id in ours if states.get(entity_id, "unavailable") == "unavailable"
        ),
        valued=sum(1 for entity_id in ours if states.get(entity_id) not in {None, *_NO_VALUE}),
    )
