"""KOSTAL Smart Energy Meter (KSEM): a meter at the grid connection, asked in the local network."""

from datetime import timedelta

from ...core.account import Field, FieldKind, Provider
from .access import LOCAL
from .account import INTERVAL, KostalAccount
from .address import HTTP, HTTPS
from .discovery import LOCAL_DEVICE
from .identify import identify

PROVIDER = Provider(
    key="kostal",
    name="KOSTAL Smart Energy Meter",
    fields=(
        Field(key="host", identity=True),
        Field(
            key="scheme",
            kind=FieldKind.CHOICE,
            default=HTTPS,
            choices=(HTTPS, HTTP),
            shown=True,
        ),
        Field(key="endpoint", required=False, default=LOCAL, shown=True),
        Field(key="token", kind=FieldKind.SECRET),
    ),
    links={"manual_url": "https://documents.kostal.com/KSEM-G2/BA_202306/en-GB/162740747.html"},
    # Three usual intervals would be 30 s. Its parts restart one by one after an update, and its own clock
    # is given 60 s before it counts as standing still: neither should blink in the house.
    grace=timedelta(seconds=60),
    interval=INTERVAL,
    local=LOCAL_DEVICE,
    identify=identify,
    open=KostalAccount,
)
