"""The actions of the integration: targets, answers, words."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant, ServiceResponse, SupportsResponse
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.core.commands import (
    CONFIRMED,
    Accepted,
    Command,
    Outcome,
    State,
)
from custom_components.energy_connect.core.controls import Press
from custom_components.energy_connect.core.errors import (
    CommandRefused,
    Reason,
    Refusal,
    Unavailable,
)
from custom_components.energy_connect.core.model import Device
from custom_components.energy_connect.core.records import (
    ChargePlan,
    ChargingSession,
    Link,
    PlannedSlot,
    RawReading,
)
from custom_components.energy_connect.core.vocabulary import (
    Action,
    Kind,
    Part,
    Quantity,
    SessionMode,
)
from custom_components.energy_connect.services import OUTCOME_WITHIN
from tests.controlled import PAGE, ControlledScript, controlled_car
from tests.scripted import Script, start
from tests.standing_clock import settle

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
ONE = NOON + timedelta(hours=1)
METER = Device(id="m", kind=Kind.METER, name="M")


def registry_id(hass: HomeAssistant, device_id: str = "car") -> str:
    registry = dr.async_get(hass)
    return next(
        device.id
        for entry in hass.config_entries.async_entries(DOMAIN)
        for device in dr.async_entries_for_config_entry(registry, entry.entry_id)
        if any(item.endswith(f":{device_id}") for _, item in device.identifiers)
    )


async def act(hass: HomeAssistant, name: str, *, respond: bool = True, **data: Any) -> Any:
    return await hass.services.async_call(
        DOMAIN, name, data, blocking=True, return_response=respond
    )


async def refused(hass: HomeAssistant, name: str, *, respond: bool = True, **data: Any) -> str:
    """Return the key of the words with which an action is refused."""
    with pytest.raises(ServiceValidationError) as raised:
        await act(hass, name, respond=respond, **data)
    assert raised.value.translation_domain == DOMAIN
    assert raised.value.translation_key is not None
    return raised.value.translation_key


async def test_the_actions_are_there_before_any_account_is(hass: HomeAssistant) -> None:
    from homeassistant.setup import async_setup_component

    assert await async_setup_component(hass, DOMAIN, {})

    assert {
        name: hass.services.supports_response(DOMAIN, name)
        for name in hass.services.async_services_for_domain(DOMAIN)
        if name in {"refresh", "set_charging", "link_device"} or name.startswith("get_charg")
    } == {
        "refresh": SupportsResponse.NONE,
        "get_charging_sessions": SupportsResponse.ONLY,
        "get_charge_plan": SupportsResponse.ONLY,
        "set_charging": SupportsResponse.OPTIONAL,
        "link_device": SupportsResponse.ONLY,
    }


# Targets.


async def test_targets_that_do_not_exist_are_told(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    entry = await start(hass)
    foreign = MockConfigEntry(domain="other")
    foreign.add_to_hass(hass)
    theirs = dr.async_get(hass).async_get_or_create(
        config_entry_id=foreign.entry_id, identifiers={("other", "1")}
    )
    car = registry_id(hass)

    assert await refused(hass, "get_charge_plan", device_id="none") == "device_not_found"
    assert await refused(hass, "get_charge_plan", device_id=theirs.id) == "device_not_found"
    assert await refused(hass, "get_charge_plan", config_entry_id="none") == "account_not_found"
    assert (
        await refused(hass, "get_charge_plan", config_entry_id=foreign.entry_id)
        == "account_not_found"
    )
    assert await refused(hass, "get_charge_plan") == "no_target"
    assert await refused(hass, "refresh", respond=False) == "no_target"

    controlled.show()
    await entry.runtime_data.async_refresh()
    assert await refused(hass, "get_charge_plan", device_id=car) == "device_gone"
    await hass.config_entries.async_unload(entry.entry_id)
    assert await refused(hass, "get_charge_plan", device_id=car) == "account_not_loaded"


async def test_an_account_without_an_ability_says_so(hass: HomeAssistant, script: Script) -> None:
    entry = await start(hass)
    car = registry_id(hass)

    for action in ("get_charging_sessions", "get_charge_plan", "get_readings"):
        assert await refused(hass, action, device_id=car) == "not_supported"
    assert await refused(hass, "link_device", config_entry_id=entry.entry_id) == "not_supported"
    assert await refused(hass, "set_charging", device_id=car, action="start") == "not_offered"


async def test_a_provider_in_trouble_is_an_error_in_words(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    entry = await start(hass)
    controlled.lookup_error = Unavailable(Reason.SERVER_ERROR, status=503)
    car = registry_id(hass)

    for action, data in (
        ("get_charging_sessions", {"device_id": car}),
        ("get_charge_plan", {"device_id": car}),
        ("get_readings", {"device_id": car}),
        ("link_device", {"config_entry_id": entry.entry_id}),
    ):
        with pytest.raises(HomeAssistantError) as raised:
            await act(hass, action, **data)
        assert raised.value.translation_key == "server_error", action
        assert (raised.value.translation_placeholders or {})["status"] == "503"


# Refresh.


async def test_refresh_asks_the_device_and_reads_its_account(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    controlled.show(controlled_car({Action.REFRESH: Press()}), METER)
    controlled.answer = lambda _: Accepted(outcome=CONFIRMED)
    await start(hass)
    polls = controlled.polls

    await act(hass, "refresh", respond=False, device_id=[registry_id(hass), registry_id(hass, "m")])

    assert controlled.sent == [Command("car", Action.REFRESH)]
    assert controlled.polls == polls + 1
    assert await refused(hass, "refresh", respond=False, device_id=registry_id(hass)) == "cooldown"


async def test_refresh_of_an_account_reads_it(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    entry = await start(hass)
    polls = controlled.polls

    await act(hass, "refresh", respond=False, config_entry_id=entry.entry_id)

    assert (controlled.sent, controlled.polls) == ([], polls + 1)


@pytest.mark.parametrize(
    ("error", "key"),
    [(Unavailable(Reason.TIMEOUT), "timeout"), (KeyError("fault"), "unexpected_shape")],
)
async def test_a_refresh_that_fails_says_so_though_the_values_stay(
    hass: HomeAssistant, controlled: ControlledScript, error: Exception, key: str
) -> None:
    entry = await start(hass)
    controlled.error = error

    with pytest.raises(HomeAssistantError) as raised:
        await act(hass, "refresh", respond=False, config_entry_id=entry.entry_id)

    assert raised.value.translation_key == key


# What reads.


async def test_charging_sessions_of_a_device(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    controlled.sessions = [
        ChargingSession(
            id="s1",
            device_id="car",
            start=NOON,
            end=ONE,
            energy=21.5,
            cost=4.3,
            currency="GBP",
            mode=SessionMode.SMART,
        ),
        ChargingSession(id="s2", device_id="car", start=ONE),
    ]
    await start(hass)
    car = registry_id(hass)

    answer = await act(
        hass,
        "get_charging_sessions",
        device_id=car,
        start="2026-03-03T00:00:00+00:00",
        end="2026-03-04T00:00:00+00:00",
    )

    assert answer == {
        "sessions": [
            {
                "device_id": car,
                "id": "s1",
                "start": NOON.isoformat(),
                "end": ONE.isoformat(),
                "energy": 21.5,
                "energy_from_solar": None,
                "percent_added": None,
                "cost": 4.3,
                "savings": None,
                "currency": "GBP",
                "co2": None,
                "mode": "smart",
            },
            {
                "device_id": car,
                "id": "s2",
                "start": ONE.isoformat(),
                "end": None,
                "energy": None,
                "energy_from_solar": None,
                "percent_added": None,
                "cost": None,
                "savings": None,
                "currency": None,
                "co2": None,
                "mode": None,
            },
        ]
    }
    assert controlled.asked == [
        ("sessions", "car", datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC))
    ]


async def test_sessions_of_an_account_are_those_of_what_charges_in_the_last_week(
    hass: HomeAssistant, controlled: ControlledScript, freezer: FrozenDateTimeFactory
) -> None:
    freezer.move_to(NOON)
    controlled.show(controlled_car(), controlled_car(device_id="box", kind=Kind.CHARGER), METER)
    entry = await start(hass)

    answer = await act(hass, "get_charging_sessions", config_entry_id=entry.entry_id)

    assert answer == {"sessions": []}
    assert controlled.asked == [
        ("sessions", "car", NOON - timedelta(days=7), NOON),
        ("sessions", "box", NOON - timedelta(days=7), NOON),
    ]


async def test_a_time_without_a_zone_is_the_houses(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await hass.config.async_set_time_zone("Europe/Prague")
    await start(hass)

    await act(
        hass,
        "get_readings",
        device_id=registry_id(hass),
        start="2026-03-03 13:00:00",
        end="2026-03-03 14:00:00",
    )

    assert controlled.asked == [("readings", "car", NOON, ONE)]


async def test_a_period_that_ends_before_it_begins_is_refused(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await start(hass)
    car = registry_id(hass)

    for action in ("get_readings", "get_charging_sessions"):
        key = await refused(hass, action, device_id=car, start=ONE, end=NOON)
        assert key == "period_reversed"
    assert controlled.asked == []


async def test_raw_readings_of_a_meter(hass: HomeAssistant, controlled: ControlledScript) -> None:
    controlled.show(METER)
    controlled.raw = [
        RawReading(device_id="m", at=NOON, quantity=Quantity.ENERGY_IMPORT, value=5, part=Part.T1),
        RawReading(device_id="m", at=ONE, quantity=Quantity.HEAT_CONSUMPTION, value=6, unit="GJ"),
    ]
    await start(hass)
    meter = registry_id(hass, "m")

    assert await act(hass, "get_readings", device_id=meter) == {
        "readings": [
            {
                "device_id": meter,
                "at": NOON.isoformat(),
                "quantity": "energy_import",
                "part": "t1",
                "value": 5,
                "unit": "kWh",
            },
            {
                "device_id": meter,
                "at": ONE.isoformat(),
                "quantity": "heat_consumption",
                "part": None,
                "value": 6,
                "unit": "GJ",
            },
        ]
    }


async def test_the_charge_plan(hass: HomeAssistant, controlled: ControlledScript) -> None:
    controlled.plan_slots = ChargePlan(
        device_id="car",
        slots=(
            PlannedSlot(start=NOON, end=ONE, charging=True),
            PlannedSlot(start=ONE, end=None, charging=False),
        ),
        made_at=NOON,
    )
    await start(hass)
    car = registry_id(hass)

    assert await act(hass, "get_charge_plan", device_id=car) == {
        "plans": [
            {
                "device_id": car,
                "made_at": NOON.isoformat(),
                "slots": [
                    {"start": NOON.isoformat(), "end": ONE.isoformat(), "charging": True},
                    {"start": ONE.isoformat(), "end": None, "charging": False},
                ],
            }
        ]
    }

    controlled.plan_slots = None
    assert await act(hass, "get_charge_plan", device_id=car) == {
        "plans": [{"device_id": car, "made_at": None, "slots": []}]
    }


# Set charging.


async def charge(
    hass: HomeAssistant,
    controlled: ControlledScript,
    after: float,
    *,
    respond: bool = True,
    **data: Any,
) -> ServiceResponse:
    asked = hass.async_create_task(
        hass.services.async_call(
            DOMAIN,
            "set_charging",
            {"device_id": registry_id(hass), "action": "start"} | data,
            blocking=True,
            return_response=respond,
        )
    )
    for _ in range(5):
        await settle()
    await controlled.clock.advance(after)
    return await asked


@pytest.mark.parametrize(("action", "value"), [("start", True), ("stop", False)])
async def test_set_charging_waits_for_the_outcome_and_returns_it(
    hass: HomeAssistant, controlled: ControlledScript, action: str, value: bool
) -> None:
    await start(hass)
    controlled.outcome = CONFIRMED

    answer = await charge(hass, controlled, 2, action=action)

    assert controlled.sent == [Command("car", Action.CHARGING, value)]
    assert answer == {
        "outcomes": [
            {
                "device_id": registry_id(hass),
                "outcome": "confirmed",
                "reason": None,
                "detail": None,
            }
        ]
    }


async def test_an_outcome_that_never_arrives_is_pending_after_a_minute(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await start(hass)

    answer: Any = await charge(hass, controlled, OUTCOME_WITHIN)

    assert answer["outcomes"][0]["outcome"] == "pending"


async def test_a_failure_is_an_outcome_where_one_is_wanted_and_an_error_where_not(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await start(hass)
    controlled.outcome = Outcome(State.FAILED, Refusal.NO_RESPONSE, "asleep")

    answer: Any = await charge(hass, controlled, 2)
    assert answer["outcomes"][0] | {"device_id": ""} == {
        "device_id": "",
        "outcome": "failed",
        "reason": "no_response",
        "detail": "asleep",
    }
    with pytest.raises(HomeAssistantError) as raised:
        await charge(hass, controlled, 2, respond=False)
    assert raised.value.translation_key == "no_response"


async def test_a_good_outcome_without_a_wish_for_an_answer_gives_none(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await start(hass)
    controlled.outcome = CONFIRMED

    assert await charge(hass, controlled, 2, respond=False) is None


async def test_without_an_answer_a_minute_without_outcome_is_an_error(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await start(hass)

    with pytest.raises(HomeAssistantError) as raised:
        await charge(hass, controlled, OUTCOME_WITHIN, respond=False)
    assert raised.value.translation_key == "no_outcome"


async def test_a_refusal_is_an_error_either_way_and_the_others_are_done(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    controlled.show(controlled_car(), controlled_car(device_id="bus"))
    await start(hass)

    def answer(command: Command) -> Accepted:
        if command.device_id == "car":
            raise CommandRefused(Refusal.UNPLUGGED)
        return Accepted(outcome=CONFIRMED)

    controlled.answer = answer

    with pytest.raises(ServiceValidationError) as raised:
        await charge(hass, controlled, 2, device_id=[registry_id(hass), registry_id(hass, "bus")])

    assert raised.value.translation_key == "unplugged"
    assert {command.device_id for command in controlled.sent} == {"car", "bus"}


async def test_charging_needs_devices_and_a_known_word(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await start(hass)

    for data in ({"device_id": []}, {"action": "boil"}, {"device_id": [], "action": "start"}):
        with pytest.raises(vol.Invalid):
            await act(hass, "set_charging", **{"device_id": "x", "action": "start"} | data)


# Link device.


async def test_link_device_returns_the_address(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await hass.config.async_update(external_url="https://house.example", language="de")
    controlled.page = Link(url=PAGE, expires=ONE)
    entry = await start(hass)

    answer = await act(hass, "link_device", config_entry_id=entry.entry_id)

    assert answer == {"url": PAGE, "expires": ONE.isoformat()}
    assert controlled.asked == [("link", frozenset({Kind.VEHICLE, Kind.CHARGER}))]
    (visit,) = controlled.visits
    assert visit.language == "de"
    assert visit.return_to.startswith("https://house.example/api/energy_connect/linked?state=")


async def test_only_kinds_that_can_be_linked_are(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    await hass.config.async_update(external_url="https://house.example")
    entry = await start(hass)

    await act(hass, "link_device", config_entry_id=entry.entry_id, kinds=["charger"])
    key = await refused(hass, "link_device", config_entry_id=entry.entry_id, kinds=["meter"])

    assert controlled.asked == [("link", frozenset({Kind.CHARGER}))]
    assert key == "kind_not_linkable"


async def test_a_link_that_is_not_allowed_or_could_not_lead_back_is_refused(
    hass: HomeAssistant, controlled: ControlledScript
) -> None:
    entry = await start(hass)
    hass.config.internal_url = hass.config.external_url = None
    hass.config.api = None
    assert await refused(hass, "link_device", config_entry_id=entry.entry_id) == "no_url"

    await hass.config.async_update(external_url="https://house.example")
    controlled.lookup_error = CommandRefused(Refusal.NO_PERMISSION, detail="limit reached")
    assert await refused(hass, "link_device", config_entry_id=entry.entry_id) == "no_permission"
