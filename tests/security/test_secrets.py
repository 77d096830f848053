"""A provider that repeats every secret it gets: nothing of it is ever shown, logged or stored."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
import json
import logging
import re
import traceback
from typing import Any, override

from aiohttp import web
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import MATCH_ALL
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.helpers.json import json_dumps
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.coordinator import EnergyCoordinator
from custom_components.energy_connect.core.account import FieldKind
from custom_components.energy_connect.diagnostics import async_get_config_entry_diagnostics
from custom_components.energy_connect.providers import PROVIDERS
from simulator import Simulator, faults
from simulator.journal import fingerprint
from tests.accounts import begin, credentials, enter, next_poll, set_up
from tests.signing_in import Browser
from tests.test_config_flow import STEPS

_WORD = re.compile(r"[\w.~+/=-]{8,}")
STATUSES = (400, 401, 403, 404, 429, 500)

type Entry = ConfigEntry[EnergyCoordinator]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat(faults.Action):
    """Refuses with all that was sent, wherever somebody may look for an explanation."""

    status: int

    @override
    async def answer(self, request: web.Request, proceed: faults.Proceed) -> web.StreamResponse:
        sent = await request.read()
        credential = request.headers.get("Authorization", "")
        said = f"{credential} {_decoded(credential)} {sent.decode()} {request.path_qs}"
        words = ("detail", "message", "description", "error_description", "title", "error")
        body: dict[str, Any] = dict.fromkeys(words, said)
        body["errors"] = [dict(body)]
        return web.json_response(body, status=self.status, headers={"X-Said": credential})


def _decoded(credential: str) -> str:
    scheme, _, encoded = credential.partition(" ")
    return base64.b64decode(encoded).decode() if scheme == "Basic" else ""


class Watch:
    """Gathers all that leaves the integration."""

    def __init__(self, hass: HomeAssistant, simulator: Simulator) -> None:
        """Listen to every event."""
        self.hass = hass
        self.simulator = simulator
        self.seen: list[str] = []
        hass.bus.async_listen(MATCH_ALL, self._heard)

    async def _heard(self, event: Event) -> None:
        self.seen.append(f"event {event.event_type} {event.data!r}")

    def told(self, flow: Mapping[str, Any]) -> None:
        """Note what the wizard says; what was typed stays in the person's own form."""
        shown = {key: flow.get(key) for key in ("errors", "description_placeholders", "reason")}
        self.seen.append(f"wizard {shown!r}")

    async def acted(self, action: str, data: Mapping[str, Any], *, answers: bool = True) -> None:
        """Call an action, and note its answer or the whole of its error."""
        try:
            answer = await self.hass.services.async_call(
                DOMAIN, action, dict(data), blocking=True, return_response=answers
            )
            self.seen.append(f"answer of {action} {answer!r}")
        except HomeAssistantError as error:
            chained: BaseException | None = error
            while chained is not None:
                self.seen.append(f"error {chained} {chained!r} {vars(chained)!r}")
                chained = chained.__cause__ or chained.__context__
            self.seen += traceback.format_exception(error)

    async def look(self, entry: Entry) -> None:
        """Note states, issues, requests for a sign-in and diagnostics."""
        self.seen += [f"state {state.as_dict()!r}" for state in self.hass.states.async_all()]
        issues = ir.async_get(self.hass).issues.values()
        self.seen += [f"issue {issue!r}" for issue in issues]
        for flow in self.hass.config_entries.flow.async_progress():
            self.seen.append(f"flow {flow['context']!r}")
        found = await async_get_config_entry_diagnostics(self.hass, entry)
        self.seen.append(f"diagnostics {json.loads(json_dumps(found))!r}")
        if (error := entry.runtime_data.last_error) is not None:
            self.seen += traceback.format_exception(error)
            self.seen.append(f"error {error!r} {vars(error)!r}")

    def secrets(self, known: set[str], records: list[logging.LogRecord]) -> list[str]:
        """Return where something secret was seen: what was entered, and every bearer sent."""
        formatter = logging.Formatter()
        logged = [
            formatter.format(record)
            for record in records
            # The simulator runs in this process, and its own log is the provider's affair.
            if record.name.startswith(("custom_components", "homeassistant"))
        ]
        sent = {one.token_id for one in self.simulator.journal.requests() if one.token_id}
        return [
            line[:200]
            for line in (*self.seen, *logged)
            if any(one in line for one in known)
            or any(fingerprint(word.strip(".")) in sent for word in _WORD.findall(line))
        ]


async def _trouble(
    watch: Watch, freezer: FrozenDateTimeFactory, entry: Entry, provider: str
) -> None:
    """Let the provider repeat what it gets, at polls, actions and a new start."""
    hass = watch.hass
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    ids = [device.id for device in devices][:3]
    for status in STATUSES:
        fault = watch.simulator.faults.add(Repeat(status=status), provider=provider)
        await next_poll(hass, freezer, entry)
        await watch.look(entry)
        await watch.acted("refresh", {"config_entry_id": entry.entry_id}, answers=False)
        for device in ids:
            chosen = {"device_id": device}
            for action in ("get_charging_sessions", "get_readings", "get_charge_plan"):
                await watch.acted(action, chosen)
            await watch.acted("set_charging", {**chosen, "action": "start"})
        watch.simulator.faults.remove(fault)
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
        # What asked for a silence was obeyed: it ends with the account that was asked.
        assert entry.runtime_data is not None


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_nothing_shows_what_was_entered_or_sent(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    no_waiting: None,
    provider: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    watch = Watch(hass, simulator)
    entered = credentials(simulator, provider)
    kinds = {field.key: field.kind for field in PROVIDERS[provider].fields}
    known = {str(entered[key]) for key, kind in kinds.items() if kind is FieldKind.SECRET}
    assert known
    for status in STATUSES:
        fault = simulator.faults.add(Repeat(status=status), provider=provider)
        flow = await begin(hass, *STEPS[provider])
        watch.told(await enter(hass, flow, entered))
        simulator.faults.remove(fault)
    entry = await set_up(hass, simulator, provider, *STEPS[provider])

    await _trouble(watch, freezer, entry, provider)

    assert watch.secrets(known, caplog.records) == []
    said = "\n".join(watch.seen)
    assert {"event ", "wizard ", "state ", "diagnostics ", "error "} <= {
        line.partition(" ")[0] + " " for line in watch.seen
    }
    assert "Authorization" not in said


async def test_nothing_shows_a_sign_in(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    hass_client_no_auth: ClientSessionGenerator,
    current_request_with_host: None,
    no_waiting: None,
) -> None:
    caplog.set_level(logging.DEBUG)
    watch = Watch(hass, simulator)
    browser = Browser(hass, simulator, hass_client_no_auth)
    entry = await browser.set_up()
    token = entry.data["token"]
    known = {
        simulator.ev_energy.browser.client_secret,
        token["access_token"],
        token["refresh_token"],
    }
    # Ended access tokens make each poll try to renew, with the refresh token in the request.
    simulator.ev_energy.authorization.tokens.expire_access()

    await _trouble(watch, freezer, entry, "ev_energy")

    # The page's address and Home Assistant's own flow hold a state, and never a token.
    assert watch.secrets(known, caplog.records) == []


def test_the_watch_sees_what_it_should(hass: HomeAssistant, simulator: Simulator) -> None:
    watch = Watch(hass, simulator)
    watch.seen.append("state {'attributes': {'note': 's3cr3t'}}")

    assert watch.secrets({"s3cr3t"}, []) != []
    assert watch.secrets({"another"}, []) == []
