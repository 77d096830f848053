"""ev.energy as the wizard sees it."""

from datetime import timedelta
from typing import Final

from ...core.account import Field, FieldKind, Provider
from .account import INTERVAL, open_account
from .authorization import CLIENT_ID, CLIENT_SECRET
from .identify import forget, identify

PROVIDER: Final = Provider(
    key="ev_energy",
    name="ev.energy",
    fields=(
        Field(key=CLIENT_ID, identity=True),
        Field(key=CLIENT_SECRET, kind=FieldKind.SECRET),
    ),
    grace=timedelta(minutes=10),
    interval=INTERVAL,
    history=True,
    sign_in=True,
    identify=identify,
    open=open_account,
    forget=forget,
)
