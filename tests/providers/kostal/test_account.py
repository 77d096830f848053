"""An opened meter, polled while things happen to it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import override

import aiohttp
from aiohttp import web
import pytest

from custom_components.energy_connect.core.account import Context
from custom_components.energy_connect.core.errors import (
    CredentialsRejected,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.model import Advice, AdviceKind, Severity
from custom_components.energy_connect.core.vocabulary import (
    Choice,
    Kind,
    MeterStatus,
    Moment,
    Part,
    Quantity,
)
from custom_components.energy_connect.providers.kostal import PROVIDER, account as account_module
from custom_components.energy_connect.providers.kostal.account import KostalAccount
from custom_components.energy_connect.providers.kostal.identify import identify
from simulator import faults
from simulator.house import Flow
from simulator.kostal import Persona
from simulator.payload import JsonValue
from tests.providers.kostal.conftest import (
    EXTRAS,
    FLOW,
    METER,
    USAGE,
    House,
    advice,
    allow_all,
    failure,
    features,
    polled,
)

Q = Quantity
NET = (Q.POWER_NET, None)
IMPORT = (Q.ENERGY_IMPORT, None)


def change(house: House, **values: JsonValue) -> faults.Fault:
    """Let the meter send other values."""
    patch = faults.merge_patch({"smart-meter": {"values": values}})
    return house.sim.faults.add(patch, path=METER)


class Held(faults.Action):
    """Says when a request arrived, and never answers it."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    @override
    async def answer(self, request: web.Request, proceed: faults.Proceed) -> web.StreamResponse:
        self.reached.set()
        return await faults.Hang().answer(request, proceed)


# What a poll gives.


async def test_a_poll_gives_what_the_meter_measures(house: House) -> None:
    account = await house.open()
    poll = await account.poll()
    device = poll.snapshot.devices["meter"]
    now = house.meter.measured()
    world = house.sim.house
    assert poll.again == timedelta(seconds=10)
    assert poll.listed == {Kind.METER}
    assert poll.snapshot.advice == ()
    assert device.kind is Kind.METER
    assert device.delivering
    assert device.numbers[NET].value == pytest.approx(world.net_power(now))
    assert device.numbers[NET].at == now
    assert device.numbers[IMPORT].value == pytest.approx(
        world.energy(Flow.GRID_IMPORT, now), abs=1e-4
    )
    assert device.numbers[Q.VOLTAGE, Part.L2].value == pytest.approx(world.voltage(2, now), abs=0.1)
    assert len(device.numbers) == 55
    assert all(one.value is not None for one in device.numbers.values())
    assert device.choices == {Choice.METER_STATUS: MeterStatus.OK}
    assert device.moments == {
        Moment.LAST_MEASURED: now,
        Moment.TOKEN_EXPIRES: house.meter.demo_token.expires,
    }


async def test_who_the_meter_is(house: House) -> None:
    account = await house.open(house.encrypted())
    device = await polled(account)
    assert device.id == "meter"  # whether or not the serial number is known
    assert device.manufacturer == "KOSTAL"
    assert device.name == "KOSTAL Smart Energy Meter"
    assert device.model == "Smart Energy Meter"
    assert device.serial_number == "70000001"
    assert device.url == house.meter.origins["https"].url
    assert (device.mac, device.sw_version, device.hw_version) == (None, None, None)


async def test_one_request_a_poll(house: House) -> None:
    account = await house.open()
    await account.poll()
    assert house.asked() == [METER, *EXTRAS]
    for _ in range(100):
        house.advance(10)
        await account.poll()
    assert house.asked() == [METER] * 100


async def test_polls_share_a_connection(house: House) -> None:
    made = 0

    async def count(*_: object) -> None:
        nonlocal made
        made += 1

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(count)
    async with aiohttp.ClientSession(trace_configs=[trace]) as house.session:
        account = await house.open(house.encrypted())
        await account.poll()
        made = 0
        for _ in range(5):
            house.advance(10)
            await account.poll()
    assert made == 0


async def test_the_provider_opens_and_sends_nothing(house: House) -> None:
    (identity,) = await PROVIDER.identify(house.context())
    house.asked()
    account = PROVIDER.open(house.context(**identity.data))
    assert house.asked() == []
    assert (await account.poll()).snapshot.devices
    assert PROVIDER.grace == timedelta(seconds=60)


@pytest.mark.parametrize(("options", "seconds"), [({}, 10), ({"poll_interval": 1}, 1)])
async def test_the_meter_is_asked_as_often_as_was_chosen(
    house: House, options: dict[str, int], seconds: int
) -> None:
    (identity,) = await PROVIDER.identify(house.context())
    context = replace(house.context(**identity.data), options=options)
    account = KostalAccount(context)
    await account.poll()
    house.asked()

    for _ in range(5):
        poll = await account.poll()
        house.advance(poll.again.total_seconds())

    assert poll.again == timedelta(seconds=seconds)
    assert house.asked().count(METER) == 5


async def test_a_network_address_that_was_announced_is_the_devices(house: House) -> None:
    (identity,) = await PROVIDER.identify(house.context(mac="00:d0:93:00:00:aa"))
    account = KostalAccount(house.context(**identity.data))

    (device,) = (await account.poll()).snapshot.devices.values()

    assert device.mac == "00:d0:93:00:00:aa"


async def test_only_the_path_that_answered_at_set_up_is_asked(house: House) -> None:
    house.meter.knobs.resource = "/api/json/smart-meter"
    account = await house.open()
    await account.poll()
    assert house.asked()[0] == "/api/json/smart-meter"
    house.meter.knobs.resource = METER
    house.advance(10)
    assert (await failure(account)).reason is Reason.NO_METER_RESOURCE
    assert house.asked() == ["/api/json/smart-meter"]


async def test_a_smaller_model_offers_less(house: House) -> None:
    house.meter.knobs.missing = frozenset({"supply_frequency", "active_power_-_L1", "current_L2"})
    device = await polled(await house.open())
    assert (Q.FREQUENCY, None) not in device.numbers
    assert (Q.POWER_NET, Part.L1) not in device.numbers, "missing is not 0"
    assert (Q.POWER_IMPORT, Part.L1) in device.numbers
    assert (Q.CURRENT, Part.L2) not in device.numbers


async def test_what_was_offered_once_is_unknown_when_it_is_missing(house: House) -> None:
    account = await house.open()
    before = await polled(account)
    house.advance(10)
    change(house, supply_frequency=None)
    now = await polled(account)
    assert now.numbers[Q.FREQUENCY, None].value is None
    assert now.numbers.keys() == before.numbers.keys()


async def test_a_meter_without_time_and_status(house: House) -> None:
    bare = faults.merge_patch({"smart-meter": {"timestamp": None, "status": None}})
    fault = house.sim.faults.add(bare, path=METER)
    account = await house.open()
    device = await polled(account)
    assert Moment.LAST_MEASURED not in device.moments
    assert device.choices == {}
    house.sim.faults.remove(fault)
    house.advance(10)
    assert (await polled(account)).moments[Moment.LAST_MEASURED] == house.meter.measured()
    house.sim.faults.add(bare, path=METER)
    for _ in range(10):
        house.advance(10)
        device = await polled(account)
    assert device.moments[Moment.LAST_MEASURED] is None
    assert device.choices == {Choice.METER_STATUS: None}
    assert device.delivering


async def test_a_wrong_typed_field_is_unknown_and_told_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    account = await house.open()
    change(house, voltage_L1="about 230", new_register=123456)
    caplog.set_level("DEBUG")
    for _ in range(3):
        house.advance(10)
        device = await polled(account)
    assert device.numbers[Q.VOLTAGE, Part.L1].value is None
    assert device.numbers[Q.VOLTAGE, Part.L2].value is not None
    told = [record.levelname for record in caplog.records if record.name == account_module.__name__]
    assert told == ["WARNING", "DEBUG"]
    assert "about 230" not in caplog.text
    assert "123456" not in caplog.text
    assert "new_register" in caplog.text
    assert account.diagnostics()["unknown_keys"] == ["new_register"]
    assert account.diagnostics()["unreadable_values"] == 3


async def test_equal_bytes_give_the_same_snapshot(house: House) -> None:
    account = await house.open()
    first = (await account.poll()).snapshot
    assert (await account.poll()).snapshot is first


# Counters.


async def test_a_counter_that_falls_once_is_not_believed(house: House) -> None:
    account = await house.open()
    before = (await polled(account)).numbers[IMPORT]
    house.advance(10)
    fault = change(house, **{"active_energy_+": 0})
    assert (await polled(account)).numbers[IMPORT] == before
    house.sim.faults.remove(fault)
    house.advance(10)
    assert (await polled(account)).numbers[IMPORT].value == pytest.approx(before.value, abs=0.1)


async def test_a_new_meter_is_believed_at_its_second_sample(house: House) -> None:
    account = await house.open()
    await account.poll()
    change(house, **{"active_energy_+": 1_000_000})
    seen = []
    for _ in range(2):
        house.advance(10)
        seen.append((await polled(account)).numbers[IMPORT].value)
    assert seen[0] is not None
    assert seen[0] > 1
    assert seen[1] == 1.0


@pytest.mark.parametrize("values", [{"active_energy_+": 0}, None])
async def test_counters_of_a_broken_meter_are_never_believed(
    house: House, values: JsonValue
) -> None:
    account = await house.open()
    before = (await polled(account)).numbers
    house.meter.knobs.status = "STATUS_ERROR"
    fault = house.sim.faults.add(
        faults.merge_patch({"smart-meter": {"values": values}}), path=METER
    )
    for _ in range(3):
        house.advance(10)
        device = await polled(account)
        assert device.numbers.keys() == before.keys()
        assert device.numbers[IMPORT].value is None
    house.meter.knobs.status = "STATUS_OK"
    house.advance(10)
    if values:
        assert (await polled(account)).numbers[IMPORT] == before[IMPORT]
    house.sim.faults.remove(fault)
    assert (await polled(account)).numbers[IMPORT].value == pytest.approx(
        before[IMPORT].value, abs=0.1
    )


# A meter that does not deliver.


@pytest.mark.parametrize(
    ("status", "choice"),
    [("STATUS_ERROR", MeterStatus.ERROR), ("STATUS_UNKNOWN", MeterStatus.UNKNOWN)],
)
async def test_a_meter_that_does_not_measure(
    house: House, status: str, choice: MeterStatus
) -> None:
    account = await house.open()
    house.meter.knobs.status = status
    device = await polled(account)
    assert not device.delivering
    assert device.choices == {Choice.METER_STATUS: choice}
    assert device.numbers[IMPORT].value is None, "offered, not measured now"
    told = Advice(AdviceKind.METER_NOT_DELIVERING, "meter", Severity.ERROR)
    assert await advice(account) == (told,)
    house.meter.knobs.status = "STATUS_OK"
    house.advance(10)
    device = await polled(account)
    assert device.delivering
    assert device.numbers[IMPORT].value is not None
    assert await advice(account) == ()


async def test_a_warning_keeps_the_values(house: House) -> None:
    house.meter.knobs.status = "STATUS_WARNING"
    account = await house.open()
    device = await polled(account)
    assert device.delivering
    assert device.choices == {Choice.METER_STATUS: MeterStatus.WARNING}
    assert await advice(account) == ()


async def test_a_standing_clock_is_a_dead_meter(house: House) -> None:
    account = await house.open()
    house.meter.freeze()
    delivering = []
    for _ in range(8):
        delivering.append((await polled(account)).delivering)
        house.advance(10)
    assert delivering == [True] * 7 + [False], "more than 60 s"
    told = Advice(AdviceKind.METER_NOT_DELIVERING, "meter", Severity.ERROR)
    assert await advice(account) == (told,)
    house.meter.thaw()
    assert (await polled(account)).delivering
    assert await advice(account) == ()


async def test_a_standing_clock_is_measured_on_our_monotonic_clock(house: House) -> None:
    account = await house.open()
    house.meter.freeze()
    await account.poll()
    house.clock.jump(86400)
    house.clock.advance(10)
    assert (await polled(account)).delivering


async def test_a_wrong_clock_is_no_dead_meter(house: House) -> None:
    house.meter.knobs.clock_offset = -40 * 365 * 86400.0
    house.meter.tokens.create("other", lifetime=None)
    account = await house.open()
    for _ in range(10):
        house.advance(10)
        assert (await polled(account)).delivering


# Trouble on the way; afterwards the meter is itself again.


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (faults.Status(status=500), Reason.METER_APP_FAILED),
        (faults.Status(status=502), Reason.METER_STARTING),
        (faults.Status(status=503, content_type="text/html"), Reason.METER_STARTING),
        (faults.Status(status=504), Reason.METER_STARTING),
        (faults.Status(status=599), Reason.SERVER_ERROR),
        (faults.Html(), Reason.NOT_A_METER),
        (faults.Truncated(), Reason.NOT_JSON),
        (faults.Empty(), Reason.NOT_JSON),
        (faults.Shape(payload=[1]), Reason.UNEXPECTED_SHAPE),
        (faults.Reset(), Reason.CONNECTION_LOST),
    ],
)
async def test_trouble_passes(house: House, action: faults.Action, reason: Reason) -> None:
    account = await house.open()
    before = await polled(account)
    fault = house.sim.faults.add(action, path=METER)
    house.advance(10)
    error = await failure(account)
    assert error.reason is reason
    assert not isinstance(error, CredentialsRejected)
    house.sim.faults.remove(fault)
    assert (await polled(account)).numbers.keys() == before.numbers.keys()


@pytest.mark.parametrize(("said", "wait"), [("7", 7.0), (None, 60.0)])
async def test_too_many_requests(house: House, said: str | None, wait: float) -> None:
    account = await house.open()
    await account.poll()
    house.asked()
    house.sim.faults.add(faults.rate_limited(said), path=METER, times=1)
    assert (await failure(account)).retry_after == wait
    assert (await failure(account)).reason is Reason.RATE_LIMITED
    assert house.asked() == [METER], "not a word while the meter wants silence"
    house.advance(wait)
    assert (await polled(account)).delivering


async def test_another_device_at_the_address(house: House) -> None:
    account = await house.open()
    house.meter.knobs.persona = Persona.OTHER
    error = await failure(account)
    assert isinstance(error, UnexpectedResponse)
    assert error.reason is Reason.NOT_A_METER


async def test_another_certificate_is_shown_no_token(house: House) -> None:
    account = await house.open(house.encrypted())
    await account.poll()
    await house.meter.swap_certificate()
    house.asked()
    error = await failure(account)
    assert isinstance(error, Unavailable)
    assert error.reason is Reason.CERTIFICATE_CHANGED
    assert house.asked() == []
    (identity,) = await identify(house.encrypted())
    assert identity.data["fingerprint"] == house.meter.certificate.fingerprint.hex()


async def test_a_cancelled_poll_leaves_the_next_one_whole(house: House) -> None:
    allow_all(house)
    account = await house.open()
    for path in (METER, FLOW, USAGE):
        held = Held()
        fault = house.sim.faults.add(held, path=path)
        task = asyncio.create_task(account.poll())
        await held.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        house.sim.faults.remove(fault)
    device = await polled(account)
    assert (Q.CPU_LOAD, None) in device.numbers
    assert set(features(account).values()) == {"on"}


# What may be posted.


async def test_diagnostics_hold_no_value(house: House) -> None:
    allow_all(house)
    account = await house.open(house.encrypted())
    empty = account.diagnostics()
    assert empty["keys"] == empty["unknown_keys"] == []
    await account.poll()
    shown = account.diagnostics()
    assert shown["token_claims"] == ["exp", "iat", "role", "sub"]
    assert shown["requests"] == {"total": 4, "last_hour": 4, "quiet_for": 0.0}
    assert "active_energy_+" in shown["keys"]
    assert shown["serial_known"]
    assert shown["record"] == METER[1:]
    text = str(shown)
    for secret in ("70000001", "127.0.0.1", house.meter.demo_token.text, "home-assistant"):
        assert secret not in text


async def test_no_secret_in_any_log_line(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    context: Context = house.encrypted()
    account = await house.open(context)
    await account.poll()
    token = house.meter.demo_token.text
    house.meter.tokens.reset()
    error = await failure(account)
    assert token not in caplog.text + repr(error) + str(error.detail)
    assert "70000001" not in caplog.text
