"""What all assets of the simulated Enode have in common."""

import datetime as dt
import uuid
from zoneinfo import ZoneInfo

from simulator.enode.knobs import OWNER, EnodeKnobs
from simulator.enode.states import States, Told
from simulator.house import LATITUDE, LONGITUDE, House
from simulator.payload import JsonValue

ZONE = ZoneInfo("Europe/Prague")

ACTIVE = 120
"""Seconds after which Enode reads an active device again."""
IDLE = 420
LINKED = dt.datetime(2025, 1, 10, 9, tzinfo=dt.UTC)
"""When the users linked everything."""
_SPACE = uuid.UUID("0e0de000-0000-4000-8000-000000000000")


def asset_id(name: str) -> str:
    """Return the id that belongs to a name for ever."""
    return str(uuid.uuid5(_SPACE, name))


SITE = asset_id("site")
PLACE = asset_id("place")


def written(at: dt.datetime) -> str:
    """Return a time as Enode writes it."""
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def kilowatts(watts: float) -> float:
    """Return W as kW."""
    return round(watts / 1000, 3)


class Frames:
    """What Enode's cache holds at one moment, and how it looks around the values.

    It refreshes a device every 2 minutes while it is active and every 7 minutes otherwise
    (vendor); one that is unreachable keeps what it had when `since` began.
    """

    def __init__(
        self,
        house: House,
        knobs: EnodeKnobs,
        states: States,
        now: dt.datetime,
        since: dt.datetime,
        *,
        still: bool = False,
    ) -> None:
        """Look at the house at `now`; `states` is what devices were told.

        `still` is a sandbox, where nothing moves but what was told.
        """
        self._house = house
        self._knobs = knobs
        self._states = states
        self._now = now
        self._since = since
        self._still = still

    def _measured(self, vendor: str, name: str, *, active: bool) -> dt.datetime:
        """Return when Enode read the device last."""
        now = self._since if vendor in self._knobs.unreachable else self._now
        cadence = ACTIVE if active else IDLE
        turn = dt.datetime.fromtimestamp(now.timestamp() // cadence * cadence, dt.UTC)
        hinted = self._states.read_at.get(asset_id(name), turn)
        return max(turn, min(hinted, now))

    def _told(self, name: str, field: str, at: dt.datetime) -> Told | None:
        """Return what a device was told, as far as Enode could read it at `at`."""
        told = self._states.settings.get((asset_id(name), field))
        return told if told is not None and (self._still or told.at <= at) else None

    def _frame(
        self,
        name: str,
        vendor: str,
        kind: str,
        *,
        at: dt.datetime,
        capabilities: dict[str, bool],
        user: str = OWNER,
    ) -> dict[str, JsonValue]:
        """Return the fields that all assets have."""
        wanted = vendor in self._knobs.interventions
        return {
            "id": asset_id(name),
            "userId": user,
            "vendor": vendor,
            "lastSeen": written(at),
            "isReachable": vendor not in self._knobs.unreachable,
            "capabilities": {
                capability: {
                    "isCapable": able and not wanted,
                    "interventionIds": [asset_id(f"intervention {vendor}")] if wanted else [],
                }
                for capability, able in capabilities.items()
            },
            "scopes": sorted(scope for scope in self._knobs.scopes if scope.startswith(f"{kind}:")),
        }

    def _granted(self, scope: str) -> bool:
        return scope in self._knobs.scopes

    def _hidden(self, scope: str, fields: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Return the fields, all null if the scope is not granted (assumed)."""
        return fields if self._granted(scope) else dict.fromkeys(fields)

    def _place(self, scope: str, at: dt.datetime, *, away: bool = False) -> JsonValue:
        east = 0.05 if away else 0.0
        return self._hidden(
            scope,
            {
                "id": None if away else PLACE,
                "longitude": LONGITUDE + east,
                "latitude": LATITUDE,
                "lastUpdated": written(at),
            },
        )
