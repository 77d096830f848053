"""What imported energy costs: at a fixed price from a date on, at an entity's, or not at all."""

from datetime import UTC, datetime
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.energy_connect.coordinator import EnergyCoordinator
from simulator import Simulator
from tests.accounts import set_up
from tests.test_history import (
    DAY,
    HOUR,
    NEWEST,
    NOW,
    act,
    done,
    frozen,
    imported,
    one_meter,
    rows,
    statistic,
    truth,
)

__all__ = ["frozen", "one_meter"]

START = NOW.replace(minute=0) - 31 * DAY
PRICE = "sensor.price"


async def choose(
    hass: HomeAssistant, entry: ConfigEntry[EnergyCoordinator], **electricity: Any
) -> None:
    """Fill in the options as a person does."""
    flow = await hass.config_entries.options.async_init(entry.entry_id)
    assert flow["type"] is FlowResultType.FORM
    prices = {carrier: {} for carrier in ("feed_in", "gas", "water", "heat")}
    result = await hass.config_entries.options.async_configure(
        flow["flow_id"], {"history_depth": "month", "electricity": electricity, **prices}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()


async def test_fixed_prices_hold_from_their_dates_on(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    await hass.config.async_set_time_zone("Europe/Prague")
    entry = await set_up(hass, one_meter, "enectiva")
    await choose(hass, entry, price=0.3, valid_from="2026-03-01")
    await imported(hass, frozen)
    before = await rows(hass, statistic(entry, "_cost"), START, NOW)

    await choose(hass, entry, price=0.4, valid_from="2026-04-01")
    await imported(hass, frozen)
    after = await rows(hass, statistic(entry, "_cost"), START, NOW)

    real = truth(one_meter, START, NEWEST)
    # Midnight in Prague, where the clocks had gone forward three days before.
    change = datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert before == {at: pytest.approx(0.3 * real[at], abs=0.001) for at in real}
    assert after == {
        at: pytest.approx((0.3 if at < change else 0.4) * real[at], abs=0.001) for at in real
    }


async def test_costs_that_were_cleared_are_made_again_at_the_next_start(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    entry = await set_up(hass, one_meter, "enectiva")
    await choose(hass, entry, price=0.3, valid_from="2026-03-01")
    await imported(hass, frozen)
    before = await rows(hass, statistic(entry, "_cost"), START, NOW)
    get_instance(hass).async_clear_statistics([statistic(entry, "_cost")])
    await done(hass)

    await hass.config_entries.async_reload(entry.entry_id)
    await imported(hass, frozen)

    assert len(before) > 700
    after = await rows(hass, statistic(entry, "_cost"), START, NOW)
    assert after == {at: pytest.approx(cost) for at, cost in before.items()}


async def test_an_hour_for_which_the_entity_has_no_price_has_no_cost(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    known = [NEWEST - number * HOUR for number in range(1, 100) if number != 50]
    publish(hass, {at: 200.0 + at.hour for at in known})
    await done(hass)
    entry = await set_up(hass, one_meter, "enectiva")

    await choose(hass, entry, entity=PRICE)
    await imported(hass, frozen)

    real = truth(one_meter, START, NEWEST)
    shown = await rows(hass, statistic(entry, "_cost"), START, NOW)
    assert shown == {
        at: pytest.approx((200.0 + at.hour) / 1000 * real[at], abs=0.001) for at in known
    }
    told = (await act(hass, entry, "get_coverage"))["series"][0]
    assert told["cost_statistic_id"] == statistic(entry, "_cost")
    assert told["without_price"] == len(real) - len(known)

    # The price turns up later.
    publish(hass, {NEWEST - 50 * HOUR: 100.0})
    await done(hass)
    await imported(hass, frozen, 4000)
    shown = await rows(hass, statistic(entry, "_cost"), START, NOW)
    late = NEWEST - 50 * HOUR
    assert shown[late] == pytest.approx(0.1 * real[late], abs=0.001)


def publish(hass: HomeAssistant, prices: dict[datetime, float]) -> None:
    """Give the price entity statistics, per MWh."""
    metadata = StatisticMetaData(
        mean_type=StatisticMeanType.ARITHMETIC,
        has_sum=False,
        name=None,
        source="recorder",
        statistic_id=PRICE,
        unit_class=None,
        unit_of_measurement="EUR/MWh",
    )
    data = [
        StatisticData(start=at, mean=price, min=price, max=price)
        for at, price in sorted(prices.items())
    ]
    async_import_statistics(hass, metadata, data)


async def test_an_entity_without_statistics_gives_the_days_that_the_recorder_keeps(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    frozen.move_to(NOW - 5 * HOUR)
    hass.states.async_set(PRICE, "0.5", {"unit_of_measurement": "EUR/kWh"})
    await done(hass)
    frozen.move_to(NOW)
    entry = await set_up(hass, one_meter, "enectiva")

    await choose(hass, entry, entity=PRICE)
    await imported(hass, frozen)

    first = (NOW - 4 * HOUR).replace(minute=0)
    real = truth(one_meter, first, NEWEST)
    shown = await rows(hass, statistic(entry, "_cost"), START, NOW)
    assert shown == {at: pytest.approx(0.5 * real[at], abs=0.001) for at in real}


async def test_without_a_price_there_is_no_cost(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    one_meter: Simulator,
    frozen: FrozenDateTimeFactory,
) -> None:
    entry = await set_up(hass, one_meter, "enectiva")
    await choose(hass, entry)

    await imported(hass, frozen)

    assert entry.options["prices"] == {}
    assert await rows(hass, statistic(entry, "_cost"), START, NOW) == {}
    assert len(await rows(hass, statistic(entry), START, NOW)) == 31 * 24 - 1
