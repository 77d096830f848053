"""Enectiva as the wizard sees it."""

from datetime import timedelta
from typing import Final

from ...core.account import Context, Field, FieldKind, Provider
from .account import INTERVAL, EnectivaAccount
from .identify import identify
from .named import DATA_SERIES, VIRTUAL_METERS
from .options import try_options
from .units import HEAT_UNITS

_UNKNOWN: Final = "unknown"


def _heat_field(key: str) -> Field:
    """Return the option for a unit that Enectiva does not report and nobody may guess."""
    return Field(
        key=key,
        kind=FieldKind.CHOICE,
        required=False,
        default=_UNKNOWN,
        choices=(_UNKNOWN, *HEAT_UNITS),
        shown=True,
    )


def _open(context: Context) -> EnectivaAccount:
    return EnectivaAccount(context)


PROVIDER: Final = Provider(
    key="enectiva",
    name="Enectiva",
    fields=(
        Field(key="customer_uuid", identity=True),
        Field(key="login_token", kind=FieldKind.SECRET),
    ),
    options=(
        _heat_field("heat_unit"),
        _heat_field("cold_unit"),
        Field(key=VIRTUAL_METERS, kind=FieldKind.LIST, required=False),
        Field(key=DATA_SERIES, kind=FieldKind.LIST, required=False),
    ),
    links={"dashboard_url": "https://app.enectiva.cz/en/api/dashboard"},
    grace=timedelta(minutes=90),
    interval=INTERVAL,
    history=True,
    identify=identify,
    open=_open,
    try_options=try_options,
)
