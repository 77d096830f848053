"""What a meter may say beside its record: asked seldom, and each switched off alone."""

import pytest

from custom_components.energy_connect.core.vocabulary import Quantity
from simulator import faults
from simulator.house import Flow
from simulator.kostal import Access
from simulator.payload import JsonValue
from tests.providers.kostal.conftest import EXTRAS, FLOW, METER, House, allow_all, features, polled

Q = Quantity


async def test_all_that_a_meter_may_say(house: House) -> None:
    allow_all(house)
    account = await house.open()
    device = await polled(account)
    now = house.meter.measured()
    world = house.sim.house
    assert device.numbers[Q.POWER_PRODUCTION, None].value == world.power(Flow.PV, now)
    assert device.numbers[Q.POWER_PRODUCTION, None].at == now
    assert device.numbers[Q.STATE_OF_CHARGE, None].value == round(world.battery_level(now))
    assert device.numbers[Q.CPU_LOAD, None].value is not None
    assert device.mac == "00:D0:93:00:00:01"
    assert device.sw_version == "2.6.2"
    assert device.hw_version == "hw0100"
    assert device.model == "KOSTAL Smart Energy Meter"
    assert device.serial_number == "70000001"
    assert features(account) == {
        "energy_flow": "on",
        "device_settings": "on",
        "device_usage": "on",
    }


async def test_what_answers_is_asked_once_a_minute(house: House) -> None:
    allow_all(house)
    account = await house.open()
    for _ in range(13):
        await account.poll()
        house.advance(10)
    asked = house.asked()
    assert asked.count(METER) == 13
    assert [asked.count(path) for path in EXTRAS] == [3, 3, 3]


@pytest.mark.parametrize("status", [401, 403, 404, 405, 429, 500, 503])
@pytest.mark.parametrize("path", EXTRAS)
async def test_each_is_switched_off_alone(house: House, path: str, status: int) -> None:
    allow_all(house)
    account = await house.open()
    house.sim.faults.add(faults.Status(status=status), path=path)
    for _ in range(7):
        assert (await polled(account)).delivering
        house.advance(10)
    assert house.asked().count(path) == 1
    assert sorted(state[:3] for state in features(account).values()) == ["off", "on", "on"]
    assert any(f"({status})" in state for state in features(account).values())
    assert house.clock.slept == [], "a refusal here is no matter of the token"


async def test_it_is_asked_anew_when_the_account_is_opened_anew(house: House) -> None:
    account = await house.open()
    await account.poll()
    allow_all(house)
    again = await house.open()
    assert (Q.CPU_LOAD, None) in (await polled(again)).numbers
    assert features(account)["device_usage"].startswith("off")


@pytest.mark.parametrize(
    "action", [faults.Html(), faults.Truncated(), faults.Shape(payload={"x": {}})]
)
async def test_a_useless_answer_is_a_refusal(house: House, action: faults.Action) -> None:
    allow_all(house)
    account = await house.open()
    house.sim.faults.add(action, path=FLOW)
    device = await polled(account)
    assert (Q.POWER_PRODUCTION, None) not in device.numbers
    assert features(account)["energy_flow"].startswith("off")


async def test_no_answer_is_asked_again_later(house: House) -> None:
    allow_all(house)
    account = await house.open()
    fault = house.sim.faults.add(faults.Reset(after=0), path=FLOW)
    await account.poll()
    assert features(account)["energy_flow"].startswith("failing")
    house.sim.faults.remove(fault)
    house.asked()
    house.advance(590)
    await account.poll()
    assert FLOW not in house.asked()
    house.advance(10)
    assert (Q.POWER_PRODUCTION, None) in (await polled(account)).numbers


async def test_a_lost_answer_keeps_the_last_word_for_three_rounds(house: House) -> None:
    allow_all(house)
    account = await house.open()
    await account.poll()
    fault = house.sim.faults.add(faults.Reset(after=0), path=FLOW)
    known = []
    for _ in range(4):
        house.advance(60)
        reading = (await polled(account)).numbers[Q.POWER_PRODUCTION, None]
        known.append(reading.value is not None)
    assert known == [True, True, True, False]
    house.sim.faults.remove(fault)
    house.advance(60)
    assert (await polled(account)).numbers[Q.POWER_PRODUCTION, None].value is not None


async def test_a_later_refusal_is_unknown_and_asked_again_seldom(house: House) -> None:
    allow_all(house)
    account = await house.open()
    await account.poll()
    house.meter.knobs.energy_flow = house.meter.knobs.device_settings = Access.OFF
    house.advance(60)
    device = await polled(account)
    assert device.numbers[Q.POWER_PRODUCTION, None].value is None
    assert device.sw_version == "2.6.2", "a nameplate stays"
    house.asked()
    for _ in range(9):
        house.advance(60)
        await account.poll()
    assert FLOW not in house.asked()
    allow_all(house)
    house.advance(60)
    assert (await polled(account)).numbers[Q.POWER_PRODUCTION, None].value is not None


async def test_a_slow_meter_is_not_asked_for_more(house: House) -> None:
    allow_all(house)
    account = await house.open()

    def slow(payload: JsonValue) -> JsonValue:
        house.clock.advance(5)
        return payload

    fault = house.sim.faults.add(faults.Rewrite(bend=slow), path=METER)
    assert (Q.ENERGY_IMPORT, None) in (await polled(account)).numbers
    assert house.asked() == [METER]
    assert set(features(account).values()) == {"not asked"}
    house.sim.faults.remove(fault)
    await account.poll()
    assert set(features(account).values()) == {"on"}


async def test_the_serial_shown_later_does_not_rename_the_device(house: House) -> None:
    account = await house.open()
    house.meter.knobs.device_settings = Access.ON
    device = await polled(account)
    assert device.id == "meter"
    assert device.serial_number == "70000001"
