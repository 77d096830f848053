"""One meter, opened: polled with one request."""

from collections.abc import Mapping
from datetime import timedelta
import logging
from typing import Any, Final

from ...core.account import Context
from ...core.counters import CounterGuard
from ...core.model import (
    Advice,
    AdviceKind,
    Device,
    Key,
    NumberKey,
    Poll,
    Reading,
    Severity,
    Snapshot,
)
from ...core.options import Interval
from ...core.paging import PageMemory
from ...core.tokens import jwt_claims
from ...core.vocabulary import Choice, Kind, Moment
from .extras import Nameplate, parse_flow, parse_settings, parse_usage
from .features import Feature
from .identify import PRODUCT, SETTINGS_PATH, open_access
from .parse import MeterRecord, Stamp, parse_record
from .registers import DETAIL
from .token import expiry_advice

_LOGGER = logging.getLogger(__name__)

INTERVAL: Final = Interval(default=10, least=1, most=60)
"""One request gives all values; the meter measures anew every 0.2 or 0.5 s (vendor)."""
# There is one device an account; its serial number may become known later, its id must not change.
DEVICE_ID: Final = "meter"
_STANDS_STILL: Final = 60.0
# Nothing optional is begun later in a poll: a slow meter is not burdened with more, and the first
# poll has 8 s.
_TIME_FOR_FEATURES: Final = 4.0

_LISTED: Final = frozenset({Kind.METER})


class KostalAccount:
    """Owner of a meter's token, and of the newest that is known of it."""

    def __init__(self, context: Context) -> None:
        """Take what `identify` kept; sends nothing."""
        clock = context.clock
        self._clock = clock
        self._data = context.data
        self._again = timedelta(seconds=INTERVAL.chosen(context.options))
        self._access = open_access(context, context.data)
        self._path = tuple(context.data["path"])
        self._meter = self._access.meter()
        self._extras = self._access.extras()
        self._settings = Feature("device_settings", SETTINGS_PATH, parse_settings, clock)
        flow_path = ("api", "json", "local", "values", "kostal-energyflow", "sumvalues")
        self._flow = Feature("energy_flow", flow_path, parse_flow, clock)
        self._usage = Feature("device_usage", (*SETTINGS_PATH, "deviceusage"), parse_usage, clock)
        self._expires = self._access.expires
        self._records: PageMemory[MeterRecord] = PageMemory()
        self._guard = CounterGuard()
        self._record: MeterRecord | None = None
        self._offered: dict[Key, None] = {}
        self._plate = Nameplate()
        self._stamp: Stamp | None = None
        self._stamp_since = 0.0
        self._snapshot = Snapshot({})
        self._told: set[str] = set()
        self._unreadable = 0

    async def poll(self) -> Poll:
        """Read the record, and once a minute what else the meter offers.

        Raises:
            CredentialsRejected: 401, and again 2 s later; to be tried again after 5 min.
            ApiError: the record could not be read.

        """
        started = self._clock.monotonic()
        response = await self._meter.get(*self._path)
        record = self._records.parse(
            "record", response.body, lambda _: parse_record(response.json())
        )
        if record is not self._record:
            self._tell(record)
            self._record = record
        await self._read_features(started)
        self._snapshot = self._show(record)
        return Poll(snapshot=self._snapshot, again=self._again, listed=_LISTED)

    def diagnostics(self) -> Mapping[str, Any]:
        """Return how it is asked, what answered, and the names of keys."""
        record = self._record
        budget = self._access.budget
        return {
            "scheme": self._access.base.scheme,
            "record": "/".join(self._path),
            "serial_known": bool(self._data.get("serial")),
            "features": {one.name: one.state for one in self._features},
            "token_claims": sorted(jwt_claims(self._access.token) or {}),
            "keys": list(record.names) if record else [],
            "unknown_keys": list(record.unknown) if record else [],
            "unreadable_values": self._unreadable,
            "requests": {
                "total": budget.total,
                "last_hour": budget.spent,
                "quiet_for": budget.quiet_for,
            },
            "token_exchanges": 0,
        }

    @property
    def _features(self) -> tuple[Feature[Any], ...]:
        return self._flow, self._settings, self._usage

    async def _read_features(self, started: float) -> None:
        for feature in self._features:
            late = self._clock.monotonic() - started > _TIME_FOR_FEATURES
            if feature.due and not late:
                await feature.read(self._extras)

    def _tell(self, record: MeterRecord) -> None:
        """Log once what is odd about the record; names at most, never values."""
        self._unreadable += record.unreadable
        if record.unreadable and "unreadable" not in self._told:
            self._told.add("unreadable")
            _LOGGER.warning(
                "The KOSTAL meter sends values that can't be read (%d); they stay unknown",
                record.unreadable,
            )
        if record.unknown and "unknown" not in self._told:
            self._told.add("unknown")
            _LOGGER.debug("Not known of the KOSTAL meter: %s", ", ".join(record.unknown))

    def _show(self, record: MeterRecord) -> Snapshot:
        """Return the snapshot; the same object while it is equal to the last one."""
        delivering = record.measuring and not self._stands_still(record.stamp)
        advice = [expiry_advice(self._expires, self._clock.now())]
        if not delivering:
            kind = AdviceKind.METER_NOT_DELIVERING
            advice.append(Advice(kind, DEVICE_ID, Severity.ERROR))
        device = self._guard.settle(self._device(record, delivering=delivering))
        snapshot = Snapshot({device.id: device}, tuple(one for one in advice if one is not None))
        return self._snapshot if snapshot == self._snapshot else snapshot

    def _stands_still(self, stamp: Stamp | None) -> bool:
        """Tell whether the meter's own time has stood still for more than 60 s of ours.

        It is compared with itself alone: the meter's clock may be wrong.
        """
        now = self._clock.monotonic()
        if stamp is None or stamp != self._stamp:
            self._stamp, self._stamp_since = stamp, now
        return stamp is not None and now - self._stamp_since > _STANDS_STILL

    def _device(self, record: MeterRecord, *, delivering: bool) -> Device:
        self._plate = plate = self._settings.value or self._plate
        return Device(
            id=DEVICE_ID,
            kind=Kind.METER,
            name=plate.product or PRODUCT,
            manufacturer="KOSTAL",
            model=plate.product or "Smart Energy Meter",
            serial_number=self._data.get("serial") or plate.serial,
            sw_version=plate.firmware,
            hw_version=plate.hardware,
            mac=plate.mac or self._data.get("mac"),
            url=str(self._access.base),
            numbers=self._numbers(record),
            moments=self._moments(record),
            choices=self._choices(record),
            detail=DETAIL,
            delivering=delivering,
        )

    def _numbers(self, record: MeterRecord) -> Mapping[NumberKey, Reading]:
        """Return all numbers that were ever offered; what is missing now is unknown now."""
        measured = record.numbers
        if not record.measuring:
            # What it says now is no measurement: two zeros would make its counters start anew.
            measured = dict.fromkeys(measured, Reading(None))
        now = {**measured, **(self._flow.value or {}), **(self._usage.value or {})}
        self._offered |= dict.fromkeys(now)
        return {key: now.get(key, Reading(None)) for key in self._offered if isinstance(key, tuple)}

    def _moments(self, record: MeterRecord) -> Mapping[Moment, Any]:
        moments = {}
        if record.stamp is not None or Moment.LAST_MEASURED in self._offered:
            self._offered[Moment.LAST_MEASURED] = None
            moments[Moment.LAST_MEASURED] = record.measured
        if self._expires is not None:
            moments[Moment.TOKEN_EXPIRES] = self._expires
        return moments

    def _choices(self, record: MeterRecord) -> Mapping[Choice, Any]:
        if record.states_status:
            self._offered[Choice.METER_STATUS] = None
        offered = Choice.METER_STATUS in self._offered
        return {Choice.METER_STATUS: record.status} if offered else {}
