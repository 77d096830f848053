"""Polls of an account: which requests they cost, and what the snapshot shows."""

import asyncio
from datetime import timedelta
import json
import logging
from typing import override

from aiohttp import web
import pytest

from custom_components.energy_connect.core.account import FieldKind
from custom_components.energy_connect.core.errors import (
    ApiError,
    CredentialsRejected,
    RateLimited,
    Reason,
    Unavailable,
)
from custom_components.energy_connect.core.model import Position
from custom_components.energy_connect.core.vocabulary import Flag, Kind, Moment, Part, Quantity as Q
from custom_components.energy_connect.providers.traxes import PROVIDER
from custom_components.energy_connect.providers.traxes.account import TraxesAccount
from custom_components.energy_connect.providers.traxes.parse import KINDS
from simulator import faults
from simulator.house import Flow
from simulator.payload import JsonValue
from simulator.traxes import CLIENT_ID, NoReading
from tests.hand_clock import START

from .conftest import LAST, LISTED, PERMISSIONS, TOKEN, Portal, number

ENTITIES = 10
"""Of the demo application."""
STEERABLE = 5
"""Of them: two cars, two charge points and a plant."""


def test_the_provider() -> None:
    assert (PROVIDER.key, PROVIDER.name, PROVIDER.sign_in) == ("traxes", "Traxes", False)
    assert {field.key: (field.kind, field.identity) for field in PROVIDER.fields} == {
        "client_id": (FieldKind.TEXT, True),
        "client_secret": (FieldKind.SECRET, False),
    }
    assert {field.key: (field.kind, field.default) for field in PROVIDER.options} == {
        "entity_ids": (FieldKind.LIST, None),
        "track_location": (FieldKind.SWITCH, False),
    }
    assert PROVIDER.grace == timedelta(minutes=15)


async def test_identify_asks_for_a_token_and_the_cheapest_list(portal: Portal) -> None:
    (identity,) = await PROVIDER.identify(
        portal.context(client_id=f" {CLIENT_ID}\n", client_secret="traxes-demo-secret ")
    )
    assert identity.account_id == f"production_{CLIENT_ID}"
    assert identity.title == "Traxes"
    assert identity.data == {"client_id": CLIENT_ID, "client_secret": "traxes-demo-secret"}
    token, types = portal.asked()
    assert (token.method, token.query, token.content_type) == (
        "POST",
        (),
        "application/x-www-form-urlencoded",
    )
    assert (types.path, types.authorised) == ("/connect/v1/onboarding/types/entities", True)


async def test_opening_sends_nothing(portal: Portal) -> None:
    assert isinstance(PROVIDER.open(portal.context()), TraxesAccount)
    assert portal.asked() == []


async def test_the_first_poll_reads_the_list_and_each_device_once(portal: Portal) -> None:
    account = portal.open()
    poll = await account.poll()
    assert poll.listed == KINDS
    assert len(poll.snapshot.devices) == ENTITIES
    assert poll.snapshot.advice == ()
    asked = [len(portal.asked(path)) for path in (TOKEN, LISTED, LAST, PERMISSIONS)]
    assert asked == [1, 1, ENTITIES, STEERABLE]
    assert len(portal.asked()) == ENTITIES + STEERABLE + 2
    at, house = START, portal.sim.house
    meter = poll.snapshot.devices[portal.id("meter")]
    assert (meter.kind, meter.name, meter.manufacturer, meter.model, meter.serial_number) == (
        Kind.METER,
        "Grid meter",
        "Gridometer",
        "Meter",
        "TX-METER-001",
    )
    assert number(meter, Q.ENERGY_IMPORT) == pytest.approx(house.energy(Flow.GRID_IMPORT, at))
    assert number(meter, Q.POWER_NET) == pytest.approx(house.net_power(at))
    assert meter.moments[Moment.LAST_MEASURED] == START
    assert meter.flags == {Flag.ONLINE: True, Flag.DATA_LATE: False}
    assert (Q.VOLTAGE, Part.L1) in meter.detail
    assert Moment.LAST_SEEN in meter.detail
    plant = poll.snapshot.devices[portal.id("plant")]
    assert number(plant, Q.ENERGY_PRODUCTION) == pytest.approx(house.energy(Flow.PV, at), rel=1e-6)
    assert number(plant, Q.POWER_PRODUCTION) == pytest.approx(house.power(Flow.PV, at), abs=1)
    battery = poll.snapshot.devices[portal.id("battery")]
    assert battery.parent == portal.id("inverter")
    car = poll.snapshot.devices[portal.id("car-0")]
    assert (car.kind, car.name, car.tracked) == (Kind.VEHICLE, None, False)
    assert car.flags[Flag.PLUGGED_IN] is False


async def test_every_five_minutes_each_device_is_read_and_nothing_else(portal: Portal) -> None:
    account = portal.open()
    await account.poll()
    await portal.later(account, 30)  # charges
    poll = await portal.later(account, 270)
    assert len(portal.asked(LAST)) == len(portal.asked()) == ENTITIES
    assert poll.again == timedelta(minutes=5)
    assert poll.listed == frozenset()
    poll = await portal.later(account, 299)
    assert portal.asked() == []
    assert poll.again == timedelta(seconds=30)


async def test_an_unchanged_answer_gives_the_same_devices(portal: Portal) -> None:
    account = portal.open()
    await account.poll()
    before = (await portal.later(account, 30)).snapshot
    portal.clock.advance(300)  # the provider measures nothing new
    after = (await account.poll()).snapshot
    assert len(portal.asked(LAST)) == ENTITIES
    assert all(after.devices[one] is device for one, device in before.devices.items())
    assert after is before


async def test_the_token_is_kept_while_it_is_good_and_renewed_before_its_end(
    portal: Portal,
) -> None:
    account = portal.open()
    await account.poll()
    for _ in range(11):
        await portal.later(account, 300)
        assert portal.asked(TOKEN) == []
    await portal.later(account, 300)
    assert len(portal.asked(TOKEN)) == 1
    assert {request.status for request in portal.asked()} == {200}


@pytest.mark.parametrize(("told", "as_text"), [(True, True), (False, False)])
async def test_a_lifetime_as_text_or_not_told(portal: Portal, told: bool, as_text: bool) -> None:
    portal.knobs.lifetime_told, portal.knobs.lifetime_as_text = told, as_text
    account = portal.open()
    await account.poll()
    await portal.later(account, 300)
    # Without a lifetime five minutes are assumed.
    assert len(portal.asked(TOKEN)) == (0 if told else 1)


async def test_a_forgotten_token_is_replaced_once(portal: Portal) -> None:
    account = portal.open()
    await account.poll()
    portal.sim.traxes.revoke_tokens()
    await portal.later(account, 300)
    assert len(portal.asked(TOKEN)) == 1
    assert len(portal.asked(LAST)) > ENTITIES


async def test_at_most_three_requests_at_once(portal: Portal) -> None:
    running = most = 0

    class Slow(faults.Action):
        @override
        async def answer(self, request: web.Request, proceed: faults.Proceed) -> web.StreamResponse:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.01)
            running -= 1
            return await proceed()

    portal.fault(Slow(), LAST)
    await portal.open().poll()
    assert most == 3


async def test_with_many_devices_the_reading_is_spread(portal: Portal) -> None:
    portal.knobs.cars = 100
    account = portal.open()
    poll = await account.poll()
    assert len(portal.asked(LISTED)) == 2  # 108 devices in pages of 100
    assert len(portal.asked(LAST)) == 20
    assert len(poll.snapshot.devices) == 108
    assert poll.again == timedelta(seconds=30)
    read = 20
    while read < 108:
        await portal.later(account, 30)
        read += len(portal.asked(LAST))
        assert len(portal.asked(LAST)) <= 20


async def test_what_a_device_does_not_deliver_any_more_is_late_and_its_power_unknown(
    portal: Portal,
) -> None:
    account = portal.open()
    await account.poll()
    for minutes in range(5, 36, 5):
        portal.clock.advance(300)
        poll = await account.poll()
        pump = poll.snapshot.devices[portal.id("pump")]
        late = minutes > 30
        assert pump.flags[Flag.DATA_LATE] is late
        assert (number(pump, Q.POWER_CONSUMPTION) is None) is late
        assert number(pump, Q.ENERGY_CONSUMPTION) is not None
        assert pump.moments[Moment.LAST_MEASURED] == START


@pytest.mark.parametrize("answer", list(NoReading))
async def test_no_reading_yet(portal: Portal, answer: NoReading) -> None:
    car = portal.id("car-0")
    portal.knobs.not_ready, portal.knobs.no_reading = frozenset({car}), answer
    account = portal.open()
    device = (await account.poll()).snapshot.devices[car]
    assert (device.numbers, device.delivering) == ({}, True)
    assert device.moments[Moment.LAST_MEASURED] is None
    assert device.flags == {Flag.ONLINE: True, Flag.DATA_LATE: None}
    portal.knobs.not_ready = frozenset()
    device = (await portal.later(account, 300)).snapshot.devices[car]
    assert number(device, Q.STATE_OF_CHARGE) is not None


async def test_a_device_that_had_values_keeps_them_when_there_is_none(portal: Portal) -> None:
    account = portal.open()
    await account.poll()
    portal.knobs.not_ready = frozenset({portal.id("car-0")})
    device = (await portal.later(account, 300)).snapshot.devices[portal.id("car-0")]
    assert number(device, Q.STATE_OF_CHARGE) is not None


@pytest.mark.parametrize("body", [{}, None, [], {"id": "r"}, {"data": None}])
async def test_an_empty_reading_is_no_reading(portal: Portal, body: JsonValue) -> None:
    portal.fault(faults.Shape(payload=body), LAST)
    account = portal.open()
    devices = (await account.poll()).snapshot.devices
    assert all(device.numbers == {} for device in devices.values())
    assert account.diagnostics()["malformed"]["readings"] == 0


@pytest.mark.parametrize(
    "body", [[1], {"data": [1]}, "text", {"entityId": "another", "data": {"isCharging": True}}]
)
async def test_a_reading_that_can_not_be_used_is_dropped_and_warned_about_once(
    portal: Portal, body: JsonValue, caplog: pytest.LogCaptureFixture
) -> None:
    portal.fault(faults.Shape(payload=body), LAST, times=2)
    account = portal.open()
    devices = (await account.poll()).snapshot.devices
    assert [device.numbers == {} for device in devices.values()].count(True) == 2
    assert account.diagnostics()["malformed"]["readings"] == 2
    assert caplog.text.count("a reading that can't be used") == 1


async def test_a_state_of_charge_that_may_be_a_fraction_is_told_once(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    half: JsonValue = {"data": {"stateOfCharge": {"value": 0.5}}}
    portal.fault(faults.Shape(payload=half), LAST)
    account = portal.open()
    device = (await account.poll()).snapshot.devices[portal.id("car-0")]
    assert number(device, Q.STATE_OF_CHARGE) == 0.5
    assert caplog.text.count("taken as percent") == 1
    assert "0.5" not in caplog.text


async def test_a_counter_that_falls_once_is_not_believed(portal: Portal) -> None:
    gas = portal.id("gas")
    account = portal.open()
    before = (await account.poll()).snapshot.devices[gas]
    empty: JsonValue = {"value": 0, "unit": "m3"}
    zero = faults.merge_patch({"data": {"positiveGasVolume": empty}})
    portal.fault(zero, f"{LISTED}/{gas}/readings/last", times=1)
    during = (await portal.later(account, 900)).snapshot.devices[gas]
    assert number(during, Q.GAS_CONSUMPTION) == number(before, Q.GAS_CONSUMPTION)
    after = (await portal.later(account, 900)).snapshot.devices[gas]
    assert (number(after, Q.GAS_CONSUMPTION) or 0) >= (number(before, Q.GAS_CONSUMPTION) or 0)


async def test_the_position_is_shown_only_if_asked_for(portal: Portal) -> None:
    portal.knobs.positions = True
    car = portal.id("car-0")
    device = (await portal.open().poll()).snapshot.devices[car]
    assert (device.tracked, device.position) == (False, None)
    poll = await portal.open(track_location=True).poll()
    device = poll.snapshot.devices[car]
    assert device.tracked
    assert device.position == Position(50.09, 15.04)  # at work
    assert not poll.snapshot.devices[portal.id("meter")].tracked


async def test_one_device_that_fails_does_not_disturb_the_others(portal: Portal) -> None:
    meter = portal.id("meter")
    portal.fault(faults.Status(status=503), f"{LISTED}/{meter}/readings/last", times=1)
    account = portal.open()
    poll = await account.poll()
    devices = poll.snapshot.devices
    assert devices[meter].numbers == {}
    assert sum(bool(device.numbers) for device in devices.values()) == ENTITIES - 1
    devices = (await portal.later(account, 60)).snapshot.devices
    assert devices[meter].numbers  # asked again before the others
    assert len(portal.asked(LAST)) == 1


async def test_the_poll_fails_when_no_device_can_be_read(portal: Portal) -> None:
    account = portal.open()
    await account.poll()
    fault = portal.fault(faults.Status(status=503), LAST)
    with pytest.raises(Unavailable) as failed:
        await portal.later(account, 300)
    assert failed.value.reason is Reason.SERVER_ERROR
    # Nothing is due yet, and nothing was read since: that is no success.
    with pytest.raises(Unavailable):
        await portal.later(account, 10)
    assert portal.asked() == []
    portal.sim.faults.remove(fault)
    assert len((await portal.later(account, 300)).snapshot.devices) == ENTITIES


async def test_without_devices_an_old_failure_is_forgotten(portal: Portal) -> None:
    account = portal.open()
    await account.poll()
    fault = portal.fault(faults.Status(status=503), LAST)
    with pytest.raises(Unavailable):
        await portal.later(account, 300)
    portal.sim.faults.remove(fault)
    portal.knobs.hidden = frozenset(portal.sim.traxes.units())
    poll = await portal.later(account, 6 * 3600)
    assert poll.snapshot.devices == {}
    assert [advice.kind for advice in poll.snapshot.advice] == ["no_devices"]


async def test_silence_as_long_as_the_server_wants(portal: Portal) -> None:
    account = portal.open()
    await account.poll()
    # As many as are under way at once, so that nothing is read.
    portal.fault(faults.rate_limited("120"), LAST, times=3)
    with pytest.raises(RateLimited) as limited:
        await portal.later(account, 300)
    assert limited.value.retry_after == 120
    with pytest.raises(RateLimited):
        await portal.later(account, 119)
    assert portal.asked() == []
    await portal.later(account, 1)
    assert len(portal.asked(LAST)) == ENTITIES


async def test_one_refusal_for_haste_loses_nothing(portal: Portal) -> None:
    account = portal.open()
    await account.poll()
    portal.fault(faults.rate_limited("120"), LAST, times=1)
    poll = await portal.later(account, 300)
    assert poll.again == timedelta(seconds=120)
    read = sum(request.status == 200 for request in portal.asked(LAST))
    await portal.later(account, 120)
    assert read + len(portal.asked(LAST)) == ENTITIES


async def test_silence_that_nobody_told_doubles_up_to_a_quarter_of_an_hour(portal: Portal) -> None:
    account = portal.open()
    await account.poll()
    fault = portal.fault(faults.rate_limited(), "*")
    waits = []
    wait = 300.0
    for _ in range(6):
        with pytest.raises(RateLimited) as limited:
            await portal.later(account, wait)
        waits.append(wait := limited.value.retry_after)
    assert waits == [60, 120, 240, 480, 900, 900]
    portal.sim.faults.remove(fault)
    await portal.later(account, 900)
    portal.fault(faults.rate_limited(), LAST, times=3)
    with pytest.raises(RateLimited) as limited:
        await portal.later(account, 300)
    assert limited.value.retry_after == 60


async def test_a_slow_provider_does_not_hold_the_first_poll(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "custom_components.energy_connect.providers.traxes.account._FIRST_POLL", 0.3
    )
    meter = portal.id("meter")
    hang = portal.fault(faults.Hang(), f"{LISTED}/{meter}/readings/last")
    account = portal.open()
    devices = (await account.poll()).snapshot.devices
    assert len(devices) == ENTITIES
    assert devices[meter].numbers == {}
    assert devices[portal.id("gas")].numbers
    portal.sim.faults.remove(hang)
    assert (await portal.later(account, 30)).snapshot.devices[meter].numbers


async def test_a_slow_list_leaves_the_first_poll_empty_and_the_next_one_reads_it(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "custom_components.energy_connect.providers.traxes.account._FIRST_POLL", 0.2
    )
    portal.fault(faults.Hang(), LISTED, times=1)
    account = portal.open()
    poll = await account.poll()
    # Nobody is told that there is no device: nobody knows yet.
    assert (poll.snapshot.devices, poll.snapshot.advice, poll.listed) == ({}, (), frozenset())
    assert poll.again == timedelta(seconds=1)
    assert len((await portal.later(account, 1)).snapshot.devices) == ENTITIES


async def test_a_silent_token_endpoint_is_an_outage(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "custom_components.energy_connect.providers.traxes.account._FIRST_POLL", 0.2
    )
    portal.fault(faults.Hang(), TOKEN)
    with pytest.raises(Unavailable) as failed:
        await portal.open().poll()
    assert failed.value.reason is Reason.TIMEOUT


async def test_a_cancelled_poll_can_be_repeated(portal: Portal) -> None:
    portal.fault(faults.Hang(), f"{LISTED}/{portal.id('car-1')}/readings/last", times=1)
    account = portal.open()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await account.poll()
    read = len(portal.asked(LAST))
    assert len((await account.poll()).snapshot.devices) == ENTITIES
    assert len(portal.asked(LAST)) < read + ENTITIES


async def test_diagnostics_name_no_one(portal: Portal) -> None:
    portal.knobs.not_shared = frozenset({portal.id("gas")})
    account = portal.open(entity_ids=["my car"])
    await account.poll()
    await portal.later(account, 30)
    diagnostics = account.diagnostics()
    assert diagnostics["devices_by_type"]["EV"] == 2
    assert diagnostics["found_by"] == "entities"
    assert diagnostics["list_complete"] is True
    assert diagnostics["devices_refused"] == 1
    assert diagnostics["entered_ids_unusable"] == 1
    assert diagnostics["token_exchanges"] == 1
    assert (
        diagnostics["requests"]
        == diagnostics["requests_last_hour"]
        == (ENTITIES + STEERABLE + 2 + 4)
    )
    assert "stateOfCharge" in diagnostics["metrics"]
    text = json.dumps(diagnostics)
    for unit in portal.sim.traxes.units().values():
        assert unit.id not in text
        assert unit.identifier not in text
    assert CLIENT_ID not in text
    assert "my car" not in text


async def test_no_secret_and_no_id_of_a_person_in_the_log(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await portal.open().poll()
    assert portal.knobs.client_secret not in caplog.text
    assert "eyJ0eXAi" not in caplog.text
    assert "TX-METER-001" not in caplog.text


async def test_a_wrong_secret_of_an_account_that_worked_asks_for_a_new_one(
    portal: Portal,
) -> None:
    account = portal.open()
    await account.poll()
    portal.knobs.client_secret = "regenerated"
    for _ in range(11):
        await portal.later(account, 300)
    with pytest.raises(CredentialsRejected) as refused:
        await portal.later(account, 300)
    assert refused.value.reason is Reason.CLIENT_REFUSED
    assert isinstance(refused.value, ApiError)
