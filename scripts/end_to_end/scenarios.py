"""What a person does, in this order; each says in one line what was seen."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from .accounts import add_account, choose_at_ev_energy, everything_has_values, sign_in_at_ev_energy
from .devices import command_arrives, list_devices, vehicle_shows_truth
from .energy import show_dashboard
from .settings import link_device, name_unit, set_prices, sign_in_again
from .stage import Stage


async def sign_in(stage: Stage) -> str:
    """Sign in to Home Assistant."""
    await stage.person.sign_in()
    return "signed in"


SCENARIOS: Sequence[Callable[[Stage], Awaitable[str]]] = (
    sign_in,
    partial(add_account, provider="enectiva"),
    partial(add_account, provider="kostal"),
    partial(add_account, provider="enode"),
    partial(add_account, provider="traxes"),
    sign_in_at_ev_energy,
    choose_at_ev_energy,
    everything_has_values,
    list_devices,
    vehicle_shows_truth,
    command_arrives,
    set_prices,
    name_unit,
    sign_in_again,
    link_device,
    show_dashboard,
)
