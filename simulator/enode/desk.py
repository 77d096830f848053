"""Where commands arrive: what is refused at once, and what becomes an action."""

from collections.abc import Mapping
import datetime as dt
from typing import cast

from simulator.enode.actions import Action, Actions
from simulator.enode.assets import LISTS, Assets, Entry
from simulator.enode.knobs import EnodeKnobs
from simulator.enode.problems import Refused
from simulator.enode.states import States, Told
from simulator.enode.units import BATTERY_MODES, THERMOSTAT_LIMITS
from simulator.payload import JsonObject, JsonValue

SCOPES = {
    "vehicle": "vehicle:control:charging",
    "charger": "charger:control:charging",
    "battery": "battery:control:operation_mode",
    "hvac": "hvac:control:mode",
}
_LEAST_CURRENT = 6
_MOST_CURRENT = 32


class Desk:
    """Takes the commands of one environment."""

    def __init__(self, knobs: EnodeKnobs, states: States) -> None:
        """Begin with no actions."""
        self.actions = Actions(knobs)
        self.states = states
        self._knobs = knobs

    def charging(
        self, assets: Assets, kind: str, one: str, body: JsonObject, now: dt.datetime
    ) -> Action:
        """Start or stop charging."""
        wanted = _only(body, "action")
        if wanted not in {"START", "STOP"}:
            raise Refused(400, "action must be START or STOP.")
        start = wanted == "START"
        row = self.row(assets, kind, one)
        self._check(row, kind, "startCharging" if start else "stopCharging", now)
        charge = cast(JsonObject, row["chargeState"])
        if charge["isPluggedIn"] is not True:
            raise Refused(400, f"The {kind} is not plugged in")
        if start and charge.get("isFullyCharged"):
            raise Refused(400, f"The {kind} is fully charged")
        if charge["isCharging"] is start:
            raise Refused(400, f"The {kind} is already {'charging' if start else 'stopped'}")
        return self.charge(assets, kind, row, start=start, now=now)

    def charge(
        self, assets: Assets, kind: str, row: JsonObject, *, start: bool, now: dt.datetime
    ) -> Action:
        """Let a vehicle or charger start or stop, without asking whether it may."""
        one = str(row["id"])
        number = assets.number(kind, one)

        def effect(at: dt.datetime) -> None:
            self.states.charging[number] = Told(start, at)
            self._read(one, at)

        full = start and assets.is_full(number)
        return self.actions.begin(
            row,
            kind,
            {"kind": "START" if start else "STOP"},
            now,
            effect,
            precondition="The vehicle is fully charged" if full else None,
        )

    def max_current(
        self, assets: Assets, kind: str, one: str, body: JsonObject, now: dt.datetime
    ) -> Action:
        """Set a maximum current."""
        value = _number(_only(body, "maxCurrent"), "maxCurrent")
        if value <= 0:
            raise Refused(400, "maxCurrent must be greater than 0.")
        row = self.row(assets, kind, one)
        self._check(row, kind, "setMaxCurrent", now)
        if not _LEAST_CURRENT <= value <= _MOST_CURRENT:
            raise Refused(400, f"The {kind} takes {_LEAST_CURRENT} to {_MOST_CURRENT} A")
        wanted: JsonObject = {"targetState": {"maxCurrent": value}}
        return self._set(row, kind, wanted, ("maxCurrent", value), now)

    def operation_mode(
        self, assets: Assets, kind: str, one: str, body: JsonObject, now: dt.datetime
    ) -> Action:
        """Set a battery's operation mode."""
        mode = _only(body, "operationMode")
        if not isinstance(mode, str) or mode not in BATTERY_MODES:
            raise Refused(400, "operationMode is unknown.")
        row = self.row(assets, kind, one)
        self._check(row, kind, BATTERY_MODES[mode][0], now)
        if cast(JsonObject, row["config"])["operationMode"] == mode:
            raise Refused(400, f"The battery is already in mode {mode}")
        wanted: JsonObject = {"targetState": {"operationMode": mode}}
        return self._set(row, kind, wanted, ("operationMode", mode), now)

    def permanent_hold(
        self, assets: Assets, kind: str, one: str, body: JsonObject, now: dt.datetime
    ) -> Action:
        """Set a thermostat."""
        hold = _hold(body)
        row = self.row(assets, kind, one)
        self._check(row, kind, "setPermanentHold", now)
        setting = {"heatSetpoint": None, "coolSetpoint": None, **hold, "holdType": "PERMANENT"}
        return self._set(
            row, kind, {"target": {**hold, "holdType": "PERMANENT"}}, ("thermostat", setting), now
        )

    def follow_schedule(
        self, assets: Assets, kind: str, one: str, body: JsonObject, now: dt.datetime
    ) -> Action:
        """Give a thermostat back to its own schedule."""
        assert not body, "the path takes none"
        row = self.row(assets, kind, one)
        self._check(row, kind, "setFollowSchedule", now)
        setting: JsonObject = {"mode": "HEAT", "heatSetpoint": 19, "holdType": "SCHEDULED"}
        wanted: JsonObject = {"target": {"holdType": "SCHEDULED"}}
        return self._set(row, kind, wanted, ("thermostat", setting), now)

    def hint(self, assets: Assets, kind: str, one: str, now: dt.datetime) -> None:
        """Read a device out of turn."""
        self.row(assets, kind, one)
        self.states.read_at[one] = now

    def row(self, assets: Assets, kind: str, one: str) -> JsonObject:
        """Return an asset as Enode knows it now."""
        entry: Entry | None = assets.find(LISTS[kind], one)
        if entry is None:
            raise Refused(404, f"There is no such {kind}.")
        return entry.make()

    def _set(
        self,
        row: JsonObject,
        kind: str,
        wanted: JsonObject,
        setting: tuple[str, JsonValue],
        now: dt.datetime,
    ) -> Action:
        one = str(row["id"])
        field, value = setting

        def effect(at: dt.datetime) -> None:
            self.states.settings[one, field] = Told(value, at)
            self._read(one, at)

        return self.actions.begin(row, kind, wanted, now, effect)

    def _read(self, one: str, at: dt.datetime) -> None:
        if self._knobs.reads_when_confirmed:
            self.states.read_at[one] = at

    def _check(self, row: JsonObject, kind: str, capability: str, now: dt.datetime) -> None:
        """Refuse what the owner did not grant (assumed: 403), the device can't, or a plan has."""
        check_scope(row, SCOPES[kind])
        able = cast(Mapping[str, JsonObject], row["capabilities"])[capability]
        if able["isCapable"] is not True:
            raise Refused(400, f"The {kind} is not capable of this")
        if row["vendor"] in self._knobs.scheduled:
            raise Refused(422, f"The {kind} is controlled by a schedule")
        override = self.states.overrides.get(str(row["id"]))
        policy = self.states.policies.get(str(row["id"]), {})
        charge = cast(JsonObject, row.get("chargeState", {}))
        ruled = policy.get("isEnabled") and charge.get("isPluggedIn")
        if ruled and (override is None or override.ended is not None):
            raise Refused(422, "The vehicle has an active smart charging plan")


def check_scope(row: JsonObject, scope: str) -> None:
    """Refuse what the owner did not grant."""
    if scope not in cast(list[str], row["scopes"]):
        raise Refused(403, f"The scope {scope} was not granted.")


def _only(body: JsonObject, name: str) -> JsonValue:
    if set(body) != {name}:
        raise Refused(400, f"The body must have {name} and nothing else.")
    return body[name]


def _number(value: JsonValue, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(400, f"{name} must be a number.")
    return value


def _hold(body: JsonObject) -> dict[str, JsonValue]:
    """Return a well-formed permanent hold: the mode with its own setpoints and no others."""
    wanted: Mapping[str, tuple[str, ...]] = {
        "HEAT": ("heatSetpoint",),
        "COOL": ("coolSetpoint",),
        "AUTO": ("heatSetpoint", "coolSetpoint"),
        "OFF": (),
    }
    mode = body.get("mode")
    if not isinstance(mode, str) or mode not in wanted:
        raise Refused(400, "mode is unknown.")
    if set(body) != {"mode", *wanted[mode]}:
        raise Refused(400, f"{mode} has other setpoints.")
    hold: dict[str, JsonValue] = {"mode": mode}
    for name in wanted[mode]:
        value = _number(body[name], name)
        low, high = _limits(f"{name}Range")
        if not (low or 0) <= value <= (high or 100):
            raise Refused(400, f"{name} is out of range")
        hold[name] = value
    if mode == "AUTO":
        gap, _ = _limits("setpointDifferenceRange")
        if _number(body["coolSetpoint"], "") - _number(body["heatSetpoint"], "") < (gap or 0):
            raise Refused(400, "The setpoints are too close to each other")
    return hold


def _limits(name: str) -> tuple[float | None, float | None]:
    limits = cast(Mapping[str, float | None], THERMOSTAT_LIMITS[name])
    return limits["min"], limits["max"]
