"""Telling devices something, as an automation does: start and stop charging, and see the outcome."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from custom_components.energy_connect.const import DOMAIN
from simulator import Simulator

from .home_assistant import NotRunning
from .report import accounts
from .session import Session

_HOUR = 3600.0
# Traxes takes a command every ten minutes.
_COOLDOWN = 601.0
_FAILED = "failed ("
# Cars come home within a day; the simulated house's do every evening.
_HOURS = 30


@dataclass(frozen=True, slots=True)
class _Chargeable:
    """A device whose charging can be switched; a car, unlike a charger, knows its charge."""

    device_id: str
    name: str
    is_car: bool


async def steer(session: Session, simulator: Simulator) -> AsyncIterator[str]:
    """Start and stop charging of a car of Enode and a charger of Traxes; yield what came of it.

    Raises:
        NotRunning: an outcome was not good, or nothing could be charged in a whole day.

    """
    for provider, is_car in (("enode", True), ("traxes", False)):
        device = await _start(session, simulator, provider, is_car=is_car)
        yield f"{provider} {device.name}: charging started, confirmed"
        simulator.clock.advance(_COOLDOWN)
        outcome = await _charge(session, device, "stop")
        if outcome != "confirmed":
            raise NotRunning(f"{provider} {device.name} did not stop charging: {outcome}")
        yield f"{provider} {device.name}: charging stopped, confirmed"


async def _start(
    session: Session, simulator: Simulator, provider: str, *, is_car: bool
) -> _Chargeable:
    """Start charging of the first device that can; let hours pass until one is plugged in."""
    devices = [one for one in await _chargeable(session, provider) if one.is_car is is_car]
    why = "there is none whose charging can be switched"
    for _ in range(_HOURS):
        for device in devices:
            try:
                outcome = await _charge(session, device, "start")
            except NotRunning as error:
                why = str(error)  # unplugged or full: another one may do, or this one later
                continue
            if outcome == "confirmed":
                return device
            why = f"{device.name} did not start charging: {outcome}"
            if not outcome.startswith(_FAILED):
                raise NotRunning(f"{provider} {why}")
            # Some say only after they took the command that there is nothing to charge now.
        simulator.clock.advance(_HOUR)
    raise NotRunning(f"{provider} could not charge anything in {_HOURS} hours: {why}")


async def _charge(session: Session, device: _Chargeable, action: str) -> str:
    answer = await session.command(
        "call_service",
        domain=DOMAIN,
        service="set_charging",
        service_data={"device_id": device.device_id, "action": action},
        return_response=True,
    )
    outcome: dict[str, Any] = answer["response"]["outcomes"][0]
    reason = outcome["detail"] or outcome["reason"]
    return f"{outcome['outcome']} ({reason})" if reason else str(outcome["outcome"])


async def _chargeable(session: Session, provider: str) -> list[_Chargeable]:
    providers = await accounts(session)
    devices = await session.command("config/device_registry/list")
    entities = await session.command("config/entity_registry/list")
    names = {device["id"]: device["name"] or device["id"] for device in devices}
    keys: dict[str, set[tuple[str, str]]] = {}
    for entity in entities:
        if providers.get(entity["config_entry_id"]) == provider:
            platform = entity["entity_id"].partition(".")[0]
            keys.setdefault(entity["device_id"], set()).add((platform, entity["translation_key"]))
    return [
        _Chargeable(device_id, names[device_id], is_car=("sensor", "state_of_charge") in shown)
        for device_id, shown in keys.items()
        if ("switch", "charging") in shown
    ]
