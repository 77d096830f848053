"""Smart charging: the policy of a vehicle, its status and plan, the override."""

import datetime as dt
import re
from typing import cast

from simulator.enode.assets import Assets
from simulator.enode.desk import SCOPES, Desk, check_scope
from simulator.enode.frames import PLACE, asset_id, written
from simulator.enode.problems import Refused
from simulator.enode.states import NO_POLICY, Override
from simulator.house import House
from simulator.payload import JsonObject, JsonValue

_DEADLINE = re.compile(r"(([01]\d|2[0-3]):[0-5]\d)|24:00")


class Smart:
    """Plans when vehicles charge: at the hours at which their cars do it anyway."""

    def __init__(self, desk: Desk, house: House) -> None:
        """Share the desk's memory."""
        self._desk = desk
        self._house = house

    def policy(self, assets: Assets, one: str) -> JsonObject:
        """Return a vehicle's policy."""
        self._desk.row(assets, "vehicle", one)
        return self._desk.states.policies.get(one, NO_POLICY)

    def change(self, assets: Assets, one: str, body: JsonObject) -> JsonObject:
        """Change what the body names; the rest stays."""
        row = self._row(assets, one)
        if unknown := set(body) - set(NO_POLICY):
            raise Refused(400, f"Unknown field {min(unknown)}.")
        policy = {**self._desk.states.policies.get(one, NO_POLICY), **body}
        deadline, least = policy["deadline"], policy["minimumChargeLimit"]
        if not isinstance(policy["isEnabled"], bool):
            raise Refused(400, "isEnabled must be a boolean.")
        if "deadline" in body and not (isinstance(deadline, str) and _DEADLINE.fullmatch(deadline)):
            raise Refused(400, "deadline must be a time HH:MM.")
        if isinstance(least, bool) or not isinstance(least, int | float) or least < 0:
            raise Refused(400, "minimumChargeLimit must be a percentage.")
        limit = cast(JsonObject, row["chargeState"])["chargeLimit"]
        if least > cast(float, limit):
            raise Refused(400, "minimumChargeLimit is above the charge limit of the vehicle")
        if policy["isEnabled"] and deadline is None:
            raise Refused(400, "Smart charging needs a deadline")
        self._desk.states.policies[one] = policy
        return policy

    def override(self, assets: Assets, one: str, now: dt.datetime) -> JsonObject:
        """Charge now, whatever the plan says."""
        row = self._row(assets, one)
        charge = cast(JsonObject, row["chargeState"])
        if charge["isPluggedIn"] is not True:
            raise Refused(400, "The vehicle is not plugged in")
        if charge["isFullyCharged"]:
            raise Refused(400, "The vehicle is fully charged")
        action = self._desk.charge(assets, "vehicle", row, start=True, now=now)
        made = Override(created=now, action_id=action.id)
        self._desk.states.overrides[one] = made
        return self._told(row, made)

    def end_override(self, assets: Assets, one: str, now: dt.datetime) -> JsonObject:
        """Go back to the plan."""
        row = self._row(assets, one)
        made = self._active(one)
        if made is None:
            raise Refused(404, "There is no smart override.")
        made.ended = now
        return self._told(row, made)

    def status(self, assets: Assets, one: str, now: dt.datetime) -> JsonObject:
        """Return what smart charging does with a vehicle now."""
        row = self._desk.row(assets, "vehicle", one)
        charge = cast(JsonObject, row["chargeState"])
        policy = self._desk.states.policies.get(one, NO_POLICY)
        override = self._active(one)
        plan: JsonValue = None
        if not policy["isEnabled"]:
            state = "DISABLED"
        elif charge["isPluggedIn"] is not True:
            state = "CONSIDERING"
        else:
            plan = self.plan(assets, one, now)
            if override is not None:
                state = "PLAN:EXECUTING:OVERRIDDEN"
            else:
                state = f"PLAN:EXECUTING:{'STARTED' if charge['isCharging'] else 'STOPPED'}"
        return {
            "updatedAt": written(now),
            "vehicleId": one,
            "userId": row["userId"],
            "vendor": row["vendor"],
            "state": state,
            "stateChangedAt": written(now),
            "consideration": {
                "isPluggedIn": charge["isPluggedIn"] is True,
                "isCharging": charge["isCharging"] is True,
                "atChargingLocation": True,
                "hasTimeEstimate": True,
            },
            "plan": plan,
            "smartOverride": None if override is None else self._told(row, override),
        }

    def plan(self, assets: Assets, one: str, now: dt.datetime) -> JsonObject:
        """Return a vehicle's plan: until it starts, nothing is charged."""
        row = self._desk.row(assets, "vehicle", one)
        policy = self._desk.states.policies.get(one, NO_POLICY)
        car = self._house.car_park.car(assets.number("vehicle", one))
        charges = car.sessions(now, now + dt.timedelta(days=2))
        if not policy["isEnabled"] or not charges:
            raise Refused(404, "There is no plan.")
        session = charges[0]
        stop = min(now, session.start - dt.timedelta(hours=1)).replace(minute=0, second=0)
        return {
            "id": asset_id(f"plan {one} {session.start}"),
            "vehicleId": one,
            "userId": row["userId"],
            "locationId": PLACE,
            "vendor": row["vendor"],
            "currency": "EUR",
            "nonSmartCost": round(session.energy * 0.3, 2),
            "smartCost": round(session.energy * 0.2, 2),
            "stopAt": written(stop),
            "startAt": written(session.start),
            "estimatedFinishAt": written(session.end),
            "stopConfirmedAt": written(stop),
            "startConfirmedAt": written(session.start) if session.start <= now else None,
            "endedAt": None,
            "finalState": None,
            "failureCondition": None,
        }

    def _row(self, assets: Assets, one: str) -> JsonObject:
        row = self._desk.row(assets, "vehicle", one)
        check_scope(row, SCOPES["vehicle"])
        return row

    def _active(self, one: str) -> Override | None:
        made = self._desk.states.overrides.get(one)
        return made if made is not None and made.ended is None else None

    def _told(self, row: JsonObject, made: Override) -> JsonObject:
        return {
            "createdAt": written(made.created),
            "endedAt": written(made.ended) if made.ended else None,
            "targetType": "vehicle",
            "targetId": row["id"],
            "vendorActionId": made.action_id,
            "userId": row["userId"],
            "vendor": row["vendor"],
        }
