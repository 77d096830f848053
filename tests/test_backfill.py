"""The import of a past that does what the test tells it: refusals, limits, sessions, units."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
import pytest

from custom_components.energy_connect.const import DOMAIN
from custom_components.energy_connect.coordinator import EnergyCoordinator
from custom_components.energy_connect.core.budget import Priority
from custom_components.energy_connect.core.errors import (
    ApiError,
    NotPermitted,
    RateLimited,
    Reason,
    Unavailable,
)
from custom_components.energy_connect.core.history import (
    Aspect,
    Batch,
    CounterReading,
    Form,
    Harvest,
    Interval,
    Series,
    Source,
)
from custom_components.energy_connect.core.vocabulary import Part, Quantity
from custom_components.energy_connect.diagnostics import async_get_config_entry_diagnostics
from tests.scripted import Script, car, install, start
from tests.test_history import DAY, HOUR, NOW, done, frozen, imported, rows

__all__ = ["frozen"]

CHARGED = Series(
    device="car", quantity=Quantity.ENERGY_CHARGED, form=Form.INTERVALS, currency="GBP"
)
CHARGED_ID = f"{DOMAIN}:scripted_1_car_energy_charged"
FULL = NOW.replace(minute=0)


class Past(Script):
    """An account with a past; `hours` are what every series used, by the hour."""

    def __init__(self) -> None:
        """Begin with a car that was charged once."""
        super().__init__()
        self.sources: list[Source] = [Source(key="sessions", series=(CHARGED,), sparse=True)]
        self.sessions: list[Interval] = []
        self.readings: list[CounterReading] = []
        self.unknown: list[tuple[datetime, datetime]] = []
        self.known_until = NOW + 30 * DAY
        self.asked: list[tuple[str, datetime, datetime, Priority]] = []
        self.refusing: Callable[[Source, Priority], ApiError | None] = lambda *_: None

    def history_sources(self) -> Sequence[Source]:
        return self.sources

    async def read_history(
        self, source: Source, start: datetime, end: datetime, priority: Priority
    ) -> Harvest:
        self.asked.append((source.key, start, end, priority))
        if (error := self.refusing(source, priority)) is not None:
            raise error
        batch = Batch(
            intervals=[each for each in self.sessions if each.start < end and each.end > start],
            readings=[each for each in self.readings if start <= each.at <= end],
            known_until=self.known_until,
            unknown=self.unknown,
        )
        return Harvest(batches={series.key: batch for series in source.series})


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch) -> Past:
    past = Past()
    install(monkeypatch, past.provider(history=True))
    return past


def session(days: float, hours: float, amount: float, cost: float | None = None) -> Interval:
    """Return a charging session so many days ago."""
    at = FULL - days * DAY
    return Interval(at, at + hours * HOUR, amount, cost=cost)


async def begin(hass: HomeAssistant, **options: Any) -> ConfigEntry[EnergyCoordinator]:
    return await start(hass, options={"history_depth": "month", **options})


async def shown(hass: HomeAssistant, suffix: str = "") -> dict[datetime, float]:
    return await rows(hass, CHARGED_ID + suffix, FULL - 40 * DAY, NOW + 40 * DAY)


async def test_sessions_come_with_their_cost_and_hours_without_are_no_rows(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    past.sessions = [session(20, 2, 10.0, cost=3.0), session(3, 0.5, 4.0), session(2, 1, 1.0, 0.5)]
    await begin(hass)

    await imported(hass, frozen)

    first, second, third = (FULL - days * DAY for days in (20, 3, 2))
    assert await shown(hass) == {first: 5.0, first + HOUR: 5.0, second: 4.0, third: 1.0}
    assert await shown(hass, "_cost") == {first: 1.5, first + HOUR: 1.5, third: 0.5}


async def test_a_session_that_moved_is_not_counted_twice(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    past.sessions = [session(2, 1, 4.0, 2.0), session(1, 1, 6.0, 3.0)]
    await begin(hass)
    await imported(hass, frozen)

    past.sessions = [session(1.5, 1, 4.5, 2.0), session(1, 1, 6.0, 3.0)]
    for _ in range(26):
        await imported(hass, frozen, 3600)

    charged, cost = await shown(hass), await shown(hass, "_cost")
    assert {at: amount for at, amount in charged.items() if amount} == {
        FULL - 1.5 * DAY: 4.5,
        FULL - DAY: 6.0,
    }
    assert sum(cost.values()) == pytest.approx(5.0)


async def test_a_session_of_unknown_energy_takes_nothing_away_and_is_asked_for_again(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    past.sessions = [session(2, 1, 4.0, 2.0), session(1.5, 1, 6.0, 3.0)]
    entry = await begin(hass)
    await imported(hass, frozen)
    known = await shown(hass), await shown(hass, "_cost")

    at = FULL - 1.5 * DAY
    past.sessions, past.unknown = [past.sessions[0]], [(at, at + HOUR)]
    for _ in range(26):
        await imported(hass, frozen, 3600)

    assert (await shown(hass), await shown(hass, "_cost")) == known
    told = (await act(hass, entry, "get_coverage"))["series"][0]
    assert told["gaps"] == [{"start": at.isoformat(), "end": (at + HOUR).isoformat()}]

    past.sessions, past.unknown = [*past.sessions, session(1.5, 1, 5.0, 2.5)], []
    await imported(hass, frozen, 12 * 3600)
    assert (await shown(hass))[at] == 5.0
    assert (await act(hass, entry, "get_coverage"))["series"][0]["gaps"] == []


async def test_estimates_of_intervals_are_replaced_when_there_is_a_counter(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    averages = replace(CHARGED, currency=None)
    past.sources = [Source(key="averages", series=(averages,))]
    past.sessions = [
        Interval(FULL - number * HOUR, FULL - (number - 1) * HOUR, 1.0, estimated=True)
        for number in range(1, 31 * 24 + 1)
    ]
    entry = await begin(hass)
    await imported(hass, frozen)
    (told,) = (await act(hass, entry, "get_coverage"))["series"]
    assert told["known"] == told["estimated"] == 31 * 24

    counter = replace(averages, form=Form.COUNTER)
    past.sources = [Source(key="readings", series=(counter,))]
    # The counter knows the last twenty days.
    past.readings = [
        CounterReading(FULL - number * HOUR, 1000.0 - 2.0 * number)
        for number in range(20 * 24, -1, -1)
    ]
    await imported(hass, frozen, 3600)

    amounts = await shown(hass)
    assert {at: amount for at, amount in amounts.items() if at >= FULL - 20 * DAY} == {
        FULL - number * HOUR: pytest.approx(2.0) for number in range(1, 20 * 24 + 1)
    }
    assert {amounts[at] for at in amounts if at < FULL - 20 * DAY} == {1.0}
    (told,) = (await act(hass, entry, "get_coverage"))["series"]
    # An hour has passed, so that of the older eleven days one hour less is wanted.
    assert told["estimated"] == 11 * 24 - 1
    assert entry.runtime_data.history is not None
    assert entry.runtime_data.history.progress == 100


async def test_the_progress_of_sessions_reaches_a_hundred(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    """The provider knows everything up to a day and a half ago: nothing more is there to ask."""
    past.sessions = [session(20, 2, 10.0)]
    past.known_until = NOW - 36 * HOUR
    entry = await begin(hass)
    assert entry.runtime_data.history is not None
    assert entry.runtime_data.history.progress == 0

    await imported(hass, frozen)

    assert entry.runtime_data.history.progress == 100


async def test_a_source_that_is_not_permitted_is_nothing_left_to_ask(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    other = Series(device="car", quantity=Quantity.ENERGY_DISCHARGED, form=Form.INTERVALS)
    past.sources.append(Source(key="refused", series=(other,)))
    past.refusing = lambda source, _: (
        NotPermitted(Reason.NOT_PERMITTED) if source.key == "refused" else None
    )
    entry = await begin(hass)
    assert entry.runtime_data.history is not None

    await imported(hass, frozen)

    assert entry.runtime_data.history.progress == 100


async def test_a_limit_of_the_past_does_not_keep_the_newest_hours_away(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    past.refusing = lambda _, priority: (
        RateLimited(7200.0) if priority is Priority.BACKFILL else None
    )
    past.sessions = [session(20, 1, 10.0), session(1, 1, 4.0)]
    await begin(hass)

    await imported(hass, frozen)
    assert await shown(hass) == {FULL - DAY: 4.0}
    assert [priority for *_, priority in past.asked] == [Priority.RECENT, Priority.BACKFILL]

    await imported(hass, frozen, 3600)
    assert [priority for *_, priority in past.asked[2:]] == [Priority.RECENT]

    past.refusing = lambda *_: None
    await imported(hass, frozen, 3700)
    assert (await shown(hass))[FULL - 20 * DAY] == 10.0


async def test_newest_hours_are_asked_for_once_an_hour_however_often_the_rest_is_refused(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    """A large account spent all its requests on them, and none were left for live values."""
    past.known_until = NOW - DAY
    past.sessions = [session(3, 1, 4.0)]
    await begin(hass)
    await imported(hass, frozen)
    past.refusing = lambda _, priority: RateLimited(30.0) if priority is Priority.BACKFILL else None
    await imported(hass, frozen, 24 * 3600)
    past.asked.clear()

    for _ in range(58):
        await imported(hass, frozen, 60)

    assert sum(priority is not Priority.BACKFILL for *_, priority in past.asked) <= 1


async def test_what_is_not_permitted_is_left_alone_for_a_day_and_others_go_on(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    other = Series(device="car", quantity=Quantity.ENERGY_DISCHARGED, form=Form.INTERVALS)
    past.sources.append(Source(key="refused", series=(other,)))
    past.refusing = lambda source, _: (
        NotPermitted(Reason.NOT_PERMITTED) if source.key == "refused" else None
    )
    past.sessions = [session(1, 1, 4.0)]
    await begin(hass)

    for _ in range(5):
        await imported(hass, frozen, 3600)
    assert [key for key, *_ in past.asked].count("refused") == 1
    assert await shown(hass) == {FULL - DAY: 4.0}

    await imported(hass, frozen, 86_400)
    assert [key for key, *_ in past.asked].count("refused") == 2


async def test_a_provider_in_trouble_is_asked_again_after_ten_minutes(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    past.refusing = lambda *_: Unavailable(Reason.TIMEOUT)
    past.sessions = [session(1, 1, 4.0)]
    entry = await begin(hass)
    await imported(hass, frozen)
    assert len(past.asked) == 1
    told = await async_get_config_entry_diagnostics(hass, entry)
    assert told["history"]["last_error"] == "timeout"
    assert told["history"]["resting"] == 1

    past.refusing = lambda *_: None
    await imported(hass, frozen, 601)

    assert await shown(hass) == {FULL - DAY: 4.0}


async def test_trouble_now_and_then_does_not_keep_corrections_away(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    past.sessions = [session(3, 1, 4.0)]
    await begin(hass)
    await imported(hass, frozen)
    past.sessions = [session(3, 1, 5.0)]

    for hour in range(26):
        failed = Unavailable(Reason.TIMEOUT) if hour % 10 == 9 else None
        past.refusing = lambda *_, failed=failed: failed
        await imported(hass, frozen, 3600)

    assert await shown(hass) == {FULL - 3 * DAY: 5.0}


async def test_nothing_is_asked_once_home_assistant_stops(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    """Its session is closed then, while its timers go on until the process ends."""
    await begin(hass)
    await imported(hass, frozen)
    asked = len(past.asked)
    assert asked

    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await hass.async_block_till_done()
    await imported(hass, frozen, 2 * 3600)

    assert len(past.asked) == asked


async def test_a_round_under_way_begins_no_other_when_home_assistant_stops(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    def stop(*_: object) -> None:
        hass.bus.async_fire_internal(EVENT_HOMEASSISTANT_STOP)

    past.refusing = stop
    await begin(hass)
    await imported(hass, frozen)
    asked = len(past.asked)
    assert asked

    past.refusing = lambda *_: None
    await imported(hass, frozen, 2 * 3600)

    assert len(past.asked) == asked


async def test_a_statistic_keeps_its_unit_when_the_provider_changes_its_mind(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    past.sessions = [session(2, 1, 4.0)]
    await begin(hass)
    await imported(hass, frozen)

    past.sources = [replace(past.sources[0], series=(replace(CHARGED, unit="Wh"),))]
    past.sessions = [session(2, 1, 4000.0), session(1, 1, 3000.0)]
    for _ in range(26):
        await imported(hass, frozen, 3600)

    assert await shown(hass) == {FULL - 2 * DAY: 4.0, FULL - DAY: 3.0}


async def test_a_unit_of_another_kind_is_said_once_and_nothing_is_written(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    past: Past,
    frozen: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    past.sessions = [session(2, 1, 4.0)]
    await begin(hass)
    await imported(hass, frozen)
    get_instance(hass).async_update_statistics_metadata(
        CHARGED_ID, new_unit_class=None, new_unit_of_measurement="apples"
    )
    await done(hass)

    past.sessions.append(session(1, 1, 3.0))
    for _ in range(30):
        await imported(hass, frozen, 3600)

    assert await shown(hass) == {FULL - 2 * DAY: 4.0}
    said = [each for each in caplog.records if "kept in apples" in each.getMessage()]
    assert [each.levelno for each in said] == [logging.WARNING]


async def test_statistics_have_names_that_a_person_knows(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    past.show(car(name="Red car"))
    entry = await begin(hass)
    assert entry.runtime_data.history is not None
    history = entry.runtime_data.history.history

    def named(**changed: Any) -> str:
        known: dict[str, Any] = {
            "device": "car",
            "quantity": Quantity.ENERGY_CHARGED,
            "form": Form.INTERVALS,
        }
        return history.statistic(Series(**known | changed)).name

    assert named() == "Red car: energy charged"
    assert named(aspect=Aspect.SOLAR) == "Red car: energy charged, from solar"
    assert named(quantity=Quantity.ENERGY_IMPORT, part=Part.T1) == "Red car: energy import T1"
    assert named(device="gone") == "House of cards: energy charged"
    assert history.cost_statistic(CHARGED).name == "Red car: energy charged, cost"
    assert history.cost_statistic(CHARGED).unit == "GBP"


async def test_without_a_recorder_there_is_no_import(
    hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    entry = await begin(hass)
    await imported(hass, frozen)

    assert past.asked == []
    assert entry.runtime_data.history is None
    with pytest.raises(ServiceValidationError, match="no history"):
        await act(hass, entry, "get_coverage")


async def act(
    hass: HomeAssistant, entry: ConfigEntry[EnergyCoordinator], action: str, **data: Any
) -> Any:
    device = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)[0]
    return await hass.services.async_call(
        DOMAIN, action, {"device_id": device.id, **data}, blocking=True, return_response=True
    )


async def test_actions_say_what_is_wrong(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    entry = await begin(hass)
    start_at = str(NOW - DAY)

    with pytest.raises(ServiceValidationError, match="end has to be after"):
        await act(hass, entry, "import_history", start=str(NOW + DAY))
    with pytest.raises(ServiceValidationError, match="plain file name"):
        await act(hass, entry, "export_history", file="../secrets.csv")
    with pytest.raises(ServiceValidationError, match="not a device"):
        await hass.services.async_call(
            DOMAIN, "get_coverage", {"device_id": "x"}, blocking=True, return_response=True
        )
    past.refusing = lambda *_: Unavailable(Reason.TIMEOUT)
    with pytest.raises(HomeAssistantError, match="time"):
        await act(hass, entry, "import_history", start=start_at)
    await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(ServiceValidationError, match="not running"):
        await act(hass, entry, "get_coverage")
