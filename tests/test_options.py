"""What a person may choose about an account once it is set up."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, State
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from custom_components.energy_connect import options_flow
from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.core.account import Context, Field, FieldKind
from custom_components.energy_connect.core.errors import Reason, Unavailable
from custom_components.energy_connect.core.model import Advice, AdviceKind
from custom_components.energy_connect.core.options import Fault, Interval, Problem
from custom_components.energy_connect.core.vocabulary import Kind
from custom_components.energy_connect.forms import entered, schema
from custom_components.energy_connect.history.tariffs import Carrier
from simulator import Simulator
from tests.accounts import next_poll, set_up
from tests.scripted import Script, car, entity_id, hang, install, poll, start, state

OPTIONS = (
    Field(key="unit", kind=FieldKind.CHOICE, required=False, default="a", choices=("a", "b")),
    Field(key="position", kind=FieldKind.SWITCH, required=False, default=False),
    Field(key="ids", kind=FieldKind.LIST, required=False),
)


def suggested(flow: Any) -> dict[str, Any]:
    """Return what the form shows before anything is entered."""
    return {
        str(key): (key.description or {}).get("suggested_value")
        if not callable(key.default)
        else key.default()
        for key in flow["data_schema"].schema
    }


async def test_what_was_chosen_reaches_the_account_and_is_shown_again(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, script.provider(options=OPTIONS))
    entry = await start(hass)
    assert entry.supports_options
    flow = await hass.config_entries.options.async_init(entry.entry_id)
    assert suggested(flow) == {"unit": "a", "position": False, "ids": None}

    result = await hass.config_entries.options.async_configure(
        flow["flow_id"], {"unit": "b", "position": True, "ids": ["x", "y"]}
    )
    await hass.async_block_till_done(wait_background_tasks=True)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert dict(script.options) == {"unit": "b", "position": True, "ids": ["x", "y"]}
    flow = await hass.config_entries.options.async_init(entry.entry_id)
    assert suggested(flow) == {"unit": "b", "position": True, "ids": ["x", "y"]}


async def test_what_is_left_empty_is_not_kept(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, script.provider(options=OPTIONS))
    entry = await start(hass, options={"ids": ["x"], "unit": "b"})
    flow = await hass.config_entries.options.async_init(entry.entry_id)

    await hass.config_entries.options.async_configure(flow["flow_id"], {"ids": []})
    await hass.async_block_till_done(wait_background_tasks=True)

    assert dict(entry.options) == {"position": False}


def test_an_empty_text_is_as_good_as_none() -> None:
    assert entered(OPTIONS, {"unit": "", "position": False, "ids": []}) == {"position": False}


def test_a_secret_may_be_left_empty_only_where_there_is_one() -> None:
    secret = (Field(key="token", kind=FieldKind.SECRET),)

    assert schema(secret, secrets_required=False)({}) == {}
    with pytest.raises(Exception, match="token"):
        schema(secret)({})


async def choose(hass: HomeAssistant, entry: ConfigEntry[Any], **chosen: Any) -> Any:
    """Send the options form."""
    flow = await hass.config_entries.options.async_init(entry.entry_id)
    # The sections of prices come along whether they are open or not.
    folded = {key: {} for key in flow["data_schema"].schema if key in set(Carrier)}
    result = await hass.config_entries.options.async_configure(
        flow["flow_id"], {**folded, **chosen}
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    return result


async def form(hass: HomeAssistant, entry: ConfigEntry[Any]) -> dict[str, Any]:
    """Return what the options form has, and what each field shows."""
    return suggested(await hass.config_entries.options.async_init(entry.entry_id))


async def test_an_account_about_which_nothing_can_be_chosen_has_no_form(
    hass: HomeAssistant, script: Script
) -> None:
    entry = await start(hass)

    assert not entry.supports_options


async def test_the_interval_is_asked_for_in_the_units_of_its_bounds(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    meter = await set_up(hass, simulator, "kostal")
    assert (await form(hass, meter))["poll_interval"] == 10

    await choose(hass, meter, poll_interval=2)
    assert dict(meter.options) == {"poll_interval": 2}
    assert meter.runtime_data.update_interval == timedelta(seconds=2)
    assert meter.runtime_data.grace == timedelta(seconds=60)

    for beyond in (0, 61):
        with pytest.raises(InvalidData):
            await choose(hass, meter, poll_interval=beyond)

    await choose(hass, meter, poll_interval=10)
    assert dict(meter.options) == {}


async def test_minutes_are_kept_as_seconds(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    interval = Interval(default=300, least=60, most=3600)
    install(monkeypatch, script.provider(interval=interval))
    entry = await start(hass)
    assert await form(hass, entry) == {"poll_interval": 5}

    await choose(hass, entry, poll_interval=20)

    assert dict(entry.options) == dict(script.options) == {"poll_interval": 1200}
    assert (await form(hass, entry))["poll_interval"] == 20
    assert entry.runtime_data.grace == timedelta(hours=1)


async def test_a_meter_is_asked_as_often_as_was_chosen(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    entry = await set_up(hass, simulator, "kostal")
    await choose(hass, entry, poll_interval=30)
    simulator.journal.clear()

    for _ in range(3):
        await next_poll(hass, freezer, entry)

    paths = [one.path for one in simulator.journal.requests()]
    assert paths.count("/api/json/local/values/smart-meter") == 3


def trying(
    script: Script, outcome: Mapping[str, Problem] | Exception, seen: list[Any]
) -> dict[str, Any]:
    """Return what makes a provider try options, with this outcome."""

    async def try_options(context: Context, before: Mapping[str, Any]) -> Mapping[str, Problem]:
        seen.append((dict(context.options), dict(before), dict(context.data)))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return {"options": OPTIONS, "try_options": try_options}


async def test_what_was_entered_is_tried_before_it_is_kept(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    problem = Problem(fault=Fault.ID_UNKNOWN, values=("y", "z"))
    install(monkeypatch, script.provider(**trying(script, {"ids": problem}, seen)))
    entry = await start(hass, options={"ids": ["x"]})

    result = await choose(hass, entry, unit="b", ids=["x", "y", "z"])

    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"ids": "id_unknown"}
    assert result["description_placeholders"] == {"provider": "Scripted", "values": "y, z"}
    assert suggested(result)["ids"] == ["x", "y", "z"], "nothing has to be entered twice"
    assert dict(entry.options) == {"ids": ["x"]}
    ((chosen, before, data),) = seen
    assert chosen["ids"] == ["x", "y", "z"]
    assert before == {"ids": ["x"]}
    assert data["host"] == "h"


async def test_options_that_can_not_be_tried_are_not_kept(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = Unavailable(Reason.SERVER_ERROR, status=500)
    install(monkeypatch, script.provider(**trying(script, down, [])))
    entry = await start(hass)

    result = await choose(hass, entry, ids=["x"])

    assert result["errors"] == {"base": "server_error"}
    assert dict(entry.options) == {}


async def test_trying_ends(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def try_options(context: Context, before: Mapping[str, Any]) -> Mapping[str, Problem]:
        await hang()
        return {}

    install(monkeypatch, script.provider(options=OPTIONS, try_options=try_options))
    monkeypatch.setattr(options_flow, "_PATIENCE", 0.01)
    entry = await start(hass)

    assert (await choose(hass, entry, ids=["x"]))["errors"] == {"base": "timeout"}


async def test_good_options_are_kept(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, script.provider(**trying(script, {}, [])))
    entry = await start(hass)

    result = await choose(hass, entry, ids=["x"])

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options["ids"] == ["x"]


HOUSE = (
    car("account", kind=Kind.ACCOUNT, name="Owner"),
    car("home", kind=Kind.SITE, name="Home", parent="account"),
    car("box", kind=Kind.CHARGER, name="Box", parent="home"),
    car("car", name=None, manufacturer="Maker", model="Car"),
)


@pytest.fixture
def house(script: Script, monkeypatch: pytest.MonkeyPatch) -> Script:
    install(monkeypatch, script.provider(interval=Interval(default=30, least=1, most=60)))
    script.show(
        *HOUSE,
        advice=[
            Advice(AdviceKind.NO_VIEWER_PERMISSION, "box", device="box"),
            Advice(AdviceKind.NO_VIEWER_PERMISSION, "car", device="car"),
        ],
    )
    return script


def registered(hass: HomeAssistant, entry: ConfigEntry[Any]) -> set[str]:
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return {key.rpartition(":")[2] for device in devices for _, key in device.identifiers}


async def test_everything_but_the_account_itself_can_be_left_out(
    hass: HomeAssistant, house: Script
) -> None:
    entry = await start(hass)
    flow = await hass.config_entries.options.async_init(entry.entry_id)

    (field,) = (one for key, one in flow["data_schema"].schema.items() if key == "left_out")
    assert field.config["options"] == [
        {"value": "home", "label": "Home"},
        {"value": "box", "label": "Home / Box"},
        {"value": "car", "label": "Maker Car"},
    ]


async def test_what_is_left_out_leaves_home_assistant_with_all_below_it(
    hass: HomeAssistant, house: Script
) -> None:
    entry = await start(hass)
    assert registered(hass, entry) == {"account", "home", "box", "car"}

    await choose(hass, entry, left_out=["home"])

    assert entry.options == {"left_out": {"home": "Home"}}
    assert registered(hass, entry) == {"account", "car"}
    assert entity_id(hass, "box_state_of_charge") is None
    assert state(hass, "car_state_of_charge").state == "50"
    assert [one.subject for one in entry.runtime_data.data.advice] == ["car"]
    await poll(hass, entry)
    assert registered(hass, entry) == {"account", "car"}


async def test_what_is_taken_in_again_has_its_unique_ids(
    hass: HomeAssistant, house: Script
) -> None:
    entry = await start(hass)
    registry = er.async_get(hass)

    def unique_ids() -> set[str]:
        entities = er.async_entries_for_config_entry(registry, entry.entry_id)
        return {one.unique_id for one in entities}

    before = unique_ids()
    await choose(hass, entry, left_out=["home", "car"])
    assert unique_ids() < before
    await choose(hass, entry, left_out=[])

    assert unique_ids() == before
    assert dict(entry.options) == {}
    assert state(hass, "box_state_of_charge").state == "50"


async def test_what_was_left_out_can_be_taken_in_while_it_is_not_reported(
    hass: HomeAssistant, house: Script
) -> None:
    entry = await start(hass)
    await choose(hass, entry, left_out=["box"])
    house.show(HOUSE[0])
    await poll(hass, entry)

    assert (await form(hass, entry))["left_out"] == ["box"]
    await choose(hass, entry, left_out=["box"])
    assert entry.options == {"left_out": {"box": "Home / Box"}}


async def test_what_was_left_out_is_shown_while_the_account_can_not_be_opened(
    hass: HomeAssistant, house: Script
) -> None:
    house.error = Unavailable(Reason.SERVER_ERROR)
    entry = await start(hass, options={"left_out": {"box": "Box"}})

    assert (await form(hass, entry))["left_out"] == ["box"]


async def test_one_device_is_not_offered_to_be_left_out(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    entry = await set_up(hass, simulator, "kostal")

    assert set(await form(hass, entry)) == {"poll_interval"}


async def test_named_series_are_tried_and_become_devices(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    simulator.enectiva.knobs.generated_meters = 0
    entry = await set_up(hass, simulator, "enectiva")
    good = {"virtual_meters": ["5001"], "data_series": ["7001", "7002"]}

    refused = await choose(hass, entry, **good | {"data_series": ["7001", "7999"]})
    assert refused["errors"] == {"data_series": "id_unknown"}
    assert refused["description_placeholders"]["values"] == "7999"
    assert "data_series" not in entry.options

    await choose(hass, entry, **good)
    assert {"virtual_5001", "series_7001", "series_7002"} <= registered(hass, entry)
    for _ in range(3):
        await next_poll(hass, freezer, entry)
    registry = er.async_get(hass)

    def shown(unique_id: str) -> State:
        found = registry.async_get_entity_id("sensor", DOMAIN, f"{entry.unique_id}_{unique_id}")
        assert found is not None, unique_id
        state_of = hass.states.get(found)
        assert state_of is not None
        return state_of

    assert shown("series_7001_value").attributes["device_class"] == "temperature"
    assert shown("series_7002_value").attributes["device_class"] == "carbon_dioxide"
    month = shown("virtual_5001_amount_month")
    assert float(month.state) > 0
    assert "state_class" not in month.attributes, "nobody knows what it is an amount of"


async def test_an_id_that_is_none_is_named_by_the_form(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    entry = await set_up(hass, simulator, "traxes")

    result = await choose(hass, entry, entity_ids=["my car"])

    assert result["errors"] == {"entity_ids": "id_malformed"}
    assert result["description_placeholders"]["values"] == "my car"
