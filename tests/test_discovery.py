"""A KOSTAL meter that joins the network: found, followed to a new address, left alone."""

from homeassistant.config_entries import (
    SOURCE_DHCP,
    SOURCE_IGNORE,
    SOURCE_USER,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo
import pytest

from custom_components.energy_connect import config_flow
from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.core.account import LocalDevice
from custom_components.energy_connect.core.discovery import Sighting
from simulator import Simulator
from simulator.kostal import Persona
from tests.accounts import set_up
from tests.scripted import Script, hang, install, start

pytestmark = pytest.mark.usefixtures("no_waiting")

SERIAL = "70000001"
MAC = "00d0930000aa"
WITH_COLONS = "00:d0:93:00:00:aa"


def address(simulator: Simulator, scheme: str = "https") -> str:
    """Return where the meter is; in a house there is no port, since it is the usual one."""
    return str(simulator.kostal.origins[scheme].host)


async def announce(
    hass: HomeAssistant, ip: str, hostname: str = f"ksem-{SERIAL}", mac: str = MAC
) -> ConfigFlowResult:
    """Let a device join the network."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_DHCP},
        data=DhcpServiceInfo(ip=ip, hostname=hostname, macaddress=mac),
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    return result


async def submit(hass: HomeAssistant, flow: ConfigFlowResult, token: str) -> ConfigFlowResult:
    """Give the one thing that the network does not tell."""
    result = await hass.config_entries.flow.async_configure(flow["flow_id"], {"token": token})
    await hass.async_block_till_done()
    return result


def token(simulator: Simulator) -> str:
    return simulator.kostal.demo_token.text


def ended(result: ConfigFlowResult) -> str | None:
    assert result["type"] is FlowResultType.ABORT, result
    return result["reason"]


async def test_a_new_meter_is_asked_for_its_token_alone(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    flow = await announce(hass, address(simulator))

    assert flow["type"] is FlowResultType.FORM
    assert flow["step_id"] == "discovery_confirm"
    assert flow["data_schema"] is not None
    assert [str(key) for key in flow["data_schema"].schema] == ["token"]
    (shown,) = hass.config_entries.flow.async_progress()
    assert shown["context"]["unique_id"] == f"kostal_{SERIAL}"
    assert shown["context"]["title_placeholders"] == {"name": f"KOSTAL Smart Energy Meter {SERIAL}"}
    assert [one.token_id for one in simulator.journal.requests()] == [None]

    result = await submit(hass, flow, token(simulator))

    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = result["result"]
    assert entry.unique_id == f"kostal_{SERIAL}"
    assert entry.data["host"] == address(simulator)
    assert entry.data["scheme"] == "https"
    assert entry.data["fingerprint"]
    assert entry.state is ConfigEntryState.LOADED
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert (dr.CONNECTION_NETWORK_MAC, WITH_COLONS) in device.connections


async def test_a_refused_token_is_asked_for_again(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    flow = await announce(hass, address(simulator))
    unauthorised = simulator.kostal.tokens.create("new", authorised=False).text

    again = await submit(hass, flow, unauthorised)
    assert again["errors"] == {"base": "token_refused"}
    result = await submit(hass, flow, token(simulator))

    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_the_id_is_known_before_the_first_request(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    await announce(hass, address(simulator))
    simulator.journal.clear()

    assert ended(await announce(hass, address(simulator))) == "already_in_progress"
    assert simulator.journal.count() == 0


async def test_a_known_meter_is_followed_to_its_new_address(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    entry = await set_up(hass, simulator, "kostal", host=address(simulator), scheme="https")
    port = address(simulator).rpartition(":")[2]
    hass.config_entries.async_update_entry(entry, data={**entry.data, "host": f"192.0.2.9:{port}"})

    assert ended(await announce(hass, "127.0.0.1")) == "already_configured"

    assert entry.data["host"] == address(simulator)
    assert entry.data["mac"] == WITH_COLONS
    assert entry.state is ConfigEntryState.LOADED


async def test_a_known_meter_at_its_address_is_left_alone(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    entry = await set_up(hass, simulator, "kostal", host=address(simulator), scheme="https")
    await announce(hass, address(simulator))
    opened, before = entry.runtime_data, dict(entry.data)
    simulator.journal.clear()

    assert ended(await announce(hass, address(simulator))) == "already_configured"

    assert entry.runtime_data is opened
    assert dict(entry.data) == before
    assert simulator.journal.count() == 0


async def test_whoever_entered_a_name_keeps_it(hass: HomeAssistant, simulator: Simulator) -> None:
    entry = await set_up(hass, simulator, "kostal", host=address(simulator), scheme="https")
    named = f"ksem-{SERIAL}.local"
    hass.config_entries.async_update_entry(entry, data={**entry.data, "host": named})

    assert ended(await announce(hass, "127.0.0.1")) == "already_configured"

    assert entry.data["host"] == named


async def test_a_renamed_meter_is_known_by_its_network_address(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    """Such announcements come because the device is registered."""
    entry = (await submit(hass, await announce(hass, address(simulator)), token(simulator)))[
        "result"
    ]
    port = address(simulator).rpartition(":")[2]
    hass.config_entries.async_update_entry(entry, data={**entry.data, "host": f"192.0.2.9:{port}"})

    result = await announce(hass, "127.0.0.1", hostname="cellar")

    assert ended(result) == "already_configured"
    assert entry.data["host"] == address(simulator)


async def test_a_network_address_that_the_meter_told_itself_is_known(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    entry = await set_up(hass, simulator, "kostal", host=address(simulator), scheme="https")
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    dr.async_get(hass).async_update_device(
        device.id, new_connections={(dr.CONNECTION_NETWORK_MAC, WITH_COLONS)}
    )

    assert ended(await announce(hass, "127.0.0.1", hostname="cellar")) == "already_configured"
    assert entry.data["mac"] == WITH_COLONS


async def test_a_meter_without_a_known_serial_is_known_by_its_host(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    plain = address(simulator, "http")
    entry = await set_up(hass, simulator, "kostal", host=plain, scheme="http")
    assert entry.unique_id is None

    assert ended(await announce(hass, plain)) == "already_configured"

    assert entry.data["mac"] == WITH_COLONS
    assert entry.unique_id is None


async def test_another_meter_beside_a_known_one_is_new(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    entry = await set_up(hass, simulator, "kostal", host=address(simulator), scheme="https")
    before = dict(entry.data)

    flow = await announce(hass, address(simulator), "ksem-70000002", "00d0930000bb")

    assert flow["step_id"] == "discovery_confirm"
    assert dict(entry.data) == before
    # The certificate says that it is the known one after all.
    assert ended(await submit(hass, flow, token(simulator))) == "already_configured"


async def test_a_meter_of_another_name_gets_an_id_that_no_other_has(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    flow = await announce(hass, address(simulator), "ksem-cellar")

    (shown,) = hass.config_entries.flow.async_progress()
    assert shown["context"]["unique_id"] == f"kostal_mac_{MAC}"
    result = await submit(hass, flow, token(simulator))
    # From its certificate.
    assert result["result"].unique_id == f"kostal_{SERIAL}"


async def test_an_ignored_meter_is_left_alone(hass: HomeAssistant, simulator: Simulator) -> None:
    await announce(hass, address(simulator))
    await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_IGNORE},
        data={"unique_id": f"kostal_{SERIAL}", "title": "Meter"},
    )
    simulator.journal.clear()

    assert ended(await announce(hass, address(simulator))) == "already_configured"
    assert simulator.journal.count() == 0


async def test_accounts_of_other_providers_are_none_of_its_business(
    hass: HomeAssistant, simulator: Simulator, script: Script
) -> None:
    await start(hass)

    assert (await announce(hass, address(simulator)))["type"] is FlowResultType.FORM


@pytest.mark.parametrize("persona", [Persona.OTHER, Persona.LEGACY])
async def test_what_is_no_meter_is_not_offered(
    hass: HomeAssistant, simulator: Simulator, persona: Persona
) -> None:
    simulator.kostal.knobs.persona = persona

    assert ended(await announce(hass, address(simulator))) == "not_a_meter"


async def test_a_name_that_is_no_meters_asks_nothing(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    assert ended(await announce(hass, address(simulator), "em420-123")) == "not_a_meter"
    assert simulator.journal.count() == 0


async def test_a_meter_that_can_not_be_reached_is_not_offered(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    host = address(simulator)
    await simulator.stop()

    assert ended(await announce(hass, host)) == "tls_refused"
    assert hass.config_entries.flow.async_progress() == []


async def test_a_device_that_never_answers_is_given_up(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    sighting = Sighting(account_id="7", title="Clock", data={"host": "h"})
    local = LocalDevice(
        recognise=lambda announced: sighting if announced.name == "clock" else None,
        is_at=lambda data, announced: False,
        moved=lambda data, announced: data,
        probe=lambda context: hang(),
    )
    install(monkeypatch, script.provider(local=local))
    monkeypatch.setattr(config_flow, "_PATIENCE", 0.01)

    assert ended(await announce(hass, "192.0.2.1", "clock")) == "timeout"


async def test_a_meter_that_was_added_meanwhile_is_not_added_twice(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    await announce(hass, address(simulator))

    await set_up(hass, simulator, "kostal", host=address(simulator), scheme="https")

    assert not [
        flow
        for flow in hass.config_entries.flow.async_progress()
        if flow["context"]["source"] != SOURCE_USER
    ]
