"""The past of what a person left out is not imported."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant

from custom_components.energy_connect.core.history import Form, Series, Source
from custom_components.energy_connect.core.vocabulary import Quantity
from tests.scripted import car
from tests.test_backfill import CHARGED, Past, begin, past, session, shown
from tests.test_history import frozen, imported

__all__ = ["frozen", "past"]

OTHER = Series(device="box", quantity=Quantity.ENERGY_CHARGED, form=Form.INTERVALS)
THIRD = Series(device="old", quantity=Quantity.ENERGY_CHARGED, form=Form.INTERVALS)


async def test_series_of_what_is_left_out_are_not_asked_for(
    recorder_mock: Recorder, hass: HomeAssistant, past: Past, frozen: FrozenDateTimeFactory
) -> None:
    past.show(car(), car("box"), car("old"))
    past.sources = [
        Source(key="both", series=(CHARGED, OTHER)),
        Source(key="old", series=(THIRD,)),
    ]
    past.sessions = [session(2, 1, 4.0)]

    entry = await begin(hass, left_out={"box": "Box", "old": "Old"})
    await imported(hass, frozen)

    history = entry.runtime_data.history
    assert history is not None
    assert list(history.history.series()) == [CHARGED]
    assert {key for key, *_ in past.asked} == {"both"}
    assert sum((await shown(hass)).values()) == 4.0
