"""What Home Assistant hears of a poll that failed, and for how long the last data is shown."""

import asyncio
import logging

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.update_coordinator import UpdateFailed
import pytest

from custom_components.energy_connect import coordinator as coordinator_module
from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.core.errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    RateLimited,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.model import Reading
from tests.accounts import next_poll, pass_time, words
from tests.scripted import GRACE, INTERVAL, SOC, TITLE, Script, add_entry, hang, poll, start, state

PASSING = [
    Unavailable(Reason.CANNOT_CONNECT),
    UnexpectedResponse(Reason.UNEXPECTED_SHAPE, status=200),
    NotPermitted(Reason.NOT_PERMITTED, status=403, detail="no scope"),
    RateLimited(30.0, status=429),
]
EACH = pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)


def flows(hass: HomeAssistant) -> list[str]:
    return [
        flow["context"]["source"]
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    ]


def lines(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components.energy_connect") and record.levelno >= level
    ]


@EACH
async def test_a_set_up_that_fails_is_tried_again_and_says_why(
    hass: HomeAssistant, script: Script, error: ApiError
) -> None:
    script.error = error

    entry = await start(hass)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    status = str(error.status or "-")
    assert entry.reason == words(error.reason, TITLE, status=status, detail=error.detail or "-")
    assert flows(hass) == []


@EACH
async def test_within_the_grace_time_the_last_values_stay(
    hass: HomeAssistant,
    script: Script,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    error: ApiError,
) -> None:
    entry = await start(hass)
    caplog.clear()
    script.error = error

    await next_poll(hass, freezer, entry)
    await next_poll(hass, freezer, entry)

    assert script.polls == 3
    assert state(hass, "car_state_of_charge").state == "50"
    assert entry.runtime_data.last_update_success
    assert lines(caplog) == []


@EACH
async def test_after_the_grace_time_the_account_is_unavailable_and_says_why_once(
    hass: HomeAssistant,
    script: Script,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    error: ApiError,
) -> None:
    entry = await start(hass)
    caplog.clear()
    script.error = error

    for _ in range(6):
        await next_poll(hass, freezer, entry)

    assert state(hass, "car_state_of_charge").state == STATE_UNAVAILABLE
    failure = entry.runtime_data.last_exception
    assert isinstance(failure, UpdateFailed)
    assert failure.translation_domain == DOMAIN
    assert failure.translation_key == error.reason
    assert len(lines(caplog)) == 1

    caplog.clear()
    script.error = None
    await next_poll(hass, freezer, entry)

    assert state(hass, "car_state_of_charge").state == "50"
    assert len(lines(caplog)) == 1
    assert "recovered" in lines(caplog)[0]


async def test_the_grace_time_begins_with_the_last_good_poll(
    hass: HomeAssistant, script: Script, freezer: FrozenDateTimeFactory
) -> None:
    entry = await start(hass)
    script.error = Unavailable(Reason.TIMEOUT)
    await next_poll(hass, freezer, entry)
    await next_poll(hass, freezer, entry)
    script.error = None
    await next_poll(hass, freezer, entry)
    script.error = Unavailable(Reason.TIMEOUT)

    await next_poll(hass, freezer, entry)
    await next_poll(hass, freezer, entry)

    assert entry.runtime_data.last_update_success


async def test_after_an_error_the_account_says_again_when_it_wants_to_be_called(
    hass: HomeAssistant, script: Script, freezer: FrozenDateTimeFactory
) -> None:
    entry = await start(hass)
    script.error = Unavailable(Reason.TIMEOUT)
    await next_poll(hass, freezer, entry)
    script.error = None
    script.again = INTERVAL * 4

    await next_poll(hass, freezer, entry)

    assert entry.runtime_data.update_interval == INTERVAL * 4


async def test_retry_after_within_the_grace_time_steers_the_next_poll(
    hass: HomeAssistant, script: Script, freezer: FrozenDateTimeFactory
) -> None:
    entry = await start(hass)
    script.error = RateLimited(70.0)
    await next_poll(hass, freezer, entry)
    asked = script.polls

    await pass_time(hass, freezer, 50)
    assert script.polls == asked
    script.error = None
    await pass_time(hass, freezer, 25)

    assert script.polls == asked + 1
    assert entry.runtime_data.last_update_success


async def test_retry_after_beyond_the_grace_time_neither_shows_old_data_nor_asks_early(
    hass: HomeAssistant, script: Script, freezer: FrozenDateTimeFactory
) -> None:
    entry = await start(hass)
    script.error = RateLimited(600.0)
    await next_poll(hass, freezer, entry)
    asked = script.polls
    assert state(hass, "car_state_of_charge").state == "50"

    await pass_time(hass, freezer, GRACE.total_seconds())

    assert state(hass, "car_state_of_charge").state == STATE_UNAVAILABLE
    assert script.polls == asked
    assert isinstance(entry.runtime_data.last_exception, UpdateFailed)
    left = entry.runtime_data.last_exception.retry_after
    assert left is not None
    assert 500 < left < 600

    script.error = None
    await pass_time(hass, freezer, left + 2)

    assert script.polls == asked + 1
    assert state(hass, "car_state_of_charge").state == "50"


async def test_a_provider_that_wants_to_be_left_alone_is_not_asked_by_hand_either(
    hass: HomeAssistant, script: Script
) -> None:
    entry = await start(hass)
    script.error = RateLimited(60.0)
    await poll(hass, entry)
    script.error = None

    await poll(hass, entry)

    assert script.polls == 2


async def test_retry_after_past_the_grace_time_steers_the_next_poll(
    hass: HomeAssistant, script: Script, freezer: FrozenDateTimeFactory
) -> None:
    entry = await start(hass)
    script.error = Unavailable(Reason.SERVER_ERROR, status=503)
    for _ in range(4):
        await next_poll(hass, freezer, entry)
    script.error = Unavailable(Reason.SERVER_ERROR, status=503, retry_after=300.0)
    await next_poll(hass, freezer, entry)
    asked = script.polls
    assert not entry.runtime_data.last_update_success

    await pass_time(hass, freezer, 290)
    assert script.polls == asked
    await pass_time(hass, freezer, 12)
    assert script.polls == asked + 1


@pytest.mark.parametrize("failing", [False, True])
async def test_an_interval_of_nothing_neither_stops_the_polls_nor_hammers(
    hass: HomeAssistant, script: Script, freezer: FrozenDateTimeFactory, failing: bool
) -> None:
    script.again *= 0
    entry = await start(hass)
    if failing:
        script.error = Unavailable(Reason.SERVER_ERROR, retry_after=0.0)
        await pass_time(hass, freezer, GRACE.total_seconds() + 1)
        assert isinstance(entry.runtime_data.last_exception, UpdateFailed)
        assert entry.runtime_data.last_exception.retry_after == 1
    asked = script.polls

    await pass_time(hass, freezer, 2)

    assert script.polls == asked + 1
    assert entry.runtime_data.update_interval is not None
    assert entry.runtime_data.update_interval.total_seconds() == 1


async def test_a_refused_credential_asks_once_for_a_sign_in_and_polling_stops(
    hass: HomeAssistant,
    script: Script,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = await start(hass)
    caplog.clear()
    script.error = CredentialsRejected(Reason.SIGN_IN_LOST, status=400)

    await next_poll(hass, freezer, entry)
    asked = script.polls
    for _ in range(3):
        await next_poll(hass, freezer, entry)

    assert flows(hass) == [SOURCE_REAUTH]
    assert script.polls == asked
    assert state(hass, "car_state_of_charge").state == STATE_UNAVAILABLE
    failure = entry.runtime_data.last_exception
    assert isinstance(failure, ConfigEntryAuthFailed)
    assert failure.translation_key == Reason.SIGN_IN_LOST
    assert len(lines(caplog)) == 1


async def test_a_refused_credential_at_the_start_asks_for_a_sign_in(
    hass: HomeAssistant, script: Script
) -> None:
    script.error = CredentialsRejected(Reason.TOKEN_REFUSED, status=401)

    entry = await start(hass)

    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == Reason.TOKEN_REFUSED
    assert flows(hass) == [SOURCE_REAUTH]


async def test_a_refusal_that_may_pass_asks_for_a_sign_in_but_polls_on_and_drops_it(
    hass: HomeAssistant,
    script: Script,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await start(hass)
    caplog.clear()
    script.error = CredentialsRejected(Reason.TOKEN_REFUSED, status=401, retry_after=300.0)
    await pass_time(hass, freezer, 32)
    asked = script.polls
    assert flows(hass) == [SOURCE_REAUTH]
    assert state(hass, "car_state_of_charge").state == STATE_UNAVAILABLE

    await pass_time(hass, freezer, 295)
    assert script.polls == asked
    await pass_time(hass, freezer, 7)
    assert script.polls == asked + 1
    assert flows(hass) == [SOURCE_REAUTH]
    assert len(lines(caplog)) == 1

    script.error = None
    await pass_time(hass, freezer, 302)

    assert flows(hass) == []
    assert state(hass, "car_state_of_charge").state == "50"


async def test_a_refusal_that_may_pass_at_the_start_is_retried_and_dropped(
    hass: HomeAssistant, script: Script, freezer: FrozenDateTimeFactory
) -> None:
    script.error = CredentialsRejected(Reason.TOKEN_REFUSED, status=401, retry_after=300.0)
    entry = await start(hass)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert flows(hass) == [SOURCE_REAUTH]

    script.error = None
    await pass_time(hass, freezer, 320)

    assert entry.state is ConfigEntryState.LOADED
    assert flows(hass) == []


async def test_a_network_error_after_a_refusal_keeps_the_sign_in_request(
    hass: HomeAssistant, script: Script
) -> None:
    entry = await start(hass)
    script.error = CredentialsRejected(Reason.TOKEN_REFUSED, status=401, retry_after=300.0)
    await poll(hass, entry)
    script.error = Unavailable(Reason.CANNOT_CONNECT)

    await poll(hass, entry)

    assert flows(hass) == [SOURCE_REAUTH]
    assert state(hass, "car_state_of_charge").state == STATE_UNAVAILABLE


async def test_home_assistant_does_not_wait_long_for_the_first_poll(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert coordinator_module.FIRST_POLL == 8.0
    monkeypatch.setattr(coordinator_module, "FIRST_POLL", 0.01)
    script.before = hang

    entry = await start(hass)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.reason == words(Reason.TIMEOUT, TITLE)


async def test_later_polls_may_take_their_time(
    hass: HomeAssistant, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await start(hass)
    monkeypatch.setattr(coordinator_module, "FIRST_POLL", 0.0)
    answered = asyncio.Event()

    async def wait() -> None:
        await answered.wait()

    script.before = wait
    script.change("car", numbers={SOC: Reading(51)})
    task = hass.async_create_task(entry.runtime_data.async_refresh())
    await asyncio.sleep(0)
    answered.set()
    await task
    await hass.async_block_till_done()

    assert state(hass, "car_state_of_charge").state == "51"


async def test_an_account_that_can_not_be_opened_says_why_and_is_not_retried(
    hass: HomeAssistant, script: Script
) -> None:
    script.opening = UnexpectedResponse(Reason.INVALID_HOST)

    entry = await start(hass)

    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == Reason.INVALID_HOST
    assert flows(hass) == []


async def test_a_credential_that_opens_nothing_asks_for_a_new_one(
    hass: HomeAssistant, script: Script
) -> None:
    script.opening = CredentialsRejected(Reason.INVALID_CREDENTIALS)

    entry = await start(hass)

    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == Reason.INVALID_CREDENTIALS
    assert flows(hass) == [SOURCE_REAUTH]


async def test_a_person_who_switched_polling_off_is_obeyed(
    hass: HomeAssistant, script: Script, freezer: FrozenDateTimeFactory
) -> None:
    entry = add_entry(hass, pref_disable_polling=True)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    await pass_time(hass, freezer, 3600)

    assert script.polls == 1


async def test_an_error_that_nobody_thought_of_costs_no_more_than_another_failed_poll(
    hass: HomeAssistant,
    script: Script,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The values stay for the grace time, its traceback is written once, and it ends by itself."""
    entry = await start(hass)
    script.error = ZeroDivisionError("a payload like no other")
    before = state(hass, "car_state_of_charge").state

    for _ in range(2):
        await next_poll(hass, freezer, entry)

    assert state(hass, "car_state_of_charge").state == before
    tracebacks = [record for record in caplog.records if record.exc_info is not None]
    assert [record.getMessage() for record in tracebacks] == [f"Unexpected error polling {TITLE}"]

    await pass_time(hass, freezer, GRACE.total_seconds())
    await next_poll(hass, freezer, entry)
    assert state(hass, "car_state_of_charge").state == STATE_UNAVAILABLE
    assert flows(hass) == []

    script.error = None
    await next_poll(hass, freezer, entry)
    assert state(hass, "car_state_of_charge").state == before
