"""The cars and wallboxes of the house in Enode's words, version 2024-10-01."""

import datetime as dt

from simulator.enode.frames import LINKED, PLACE, Frames, asset_id, written
from simulator.enode.knobs import OWNER
from simulator.enode.states import NO_POLICY, Plug, plug
from simulator.payload import JsonObject, JsonValue

CAR_MAKERS = (("SKODA", "Škoda", "Enyaq 80"), ("RENAULT", "Renault", "Megane E-Tech"))
WALLBOX = ("EASEE", "Easee", "Home")


class Vehicles(Frames):
    """Vehicles and chargers; the first two of each hang together."""

    def _plug(self, number: int, at: dt.datetime) -> Plug:
        """Return how a car's charge goes: by its habits, or as somebody told it."""
        car = self._house.car_park.car(number)
        return plug(car, at, self._states.charging.get(number), still=self._still)

    def _vehicle(
        self, number: int, user: str = OWNER, vendor: str = "", display: str = ""
    ) -> JsonObject:
        car = self._house.car_park.car(number)
        vendor = vendor or CAR_MAKERS[number % len(CAR_MAKERS)][0]
        _, brand, model = next(one for one in CAR_MAKERS if one[0] == vendor)
        name = f"vehicle {number}"
        at = self._measured(vendor, name, active=self._plug(number, self._now).charging)
        state, charging = car.state(at), self._plug(number, at)
        current = self._told(name, "maxCurrent", at)
        policy = self._states.policies.get(asset_id(name), NO_POLICY)
        charge: dict[str, JsonValue] = {
            "batteryLevel": round(state.level),
            "range": round(state.range),
            "isPluggedIn": state.plugged_in,
            "isCharging": charging.charging,
            "isFullyCharged": state.level >= car.limit,
            "batteryCapacity": car.capacity,
            "chargeLimit": car.limit,
            "chargeRate": charging.rate,
            "chargeTimeRemaining": charging.minutes_left(at),
            "lastUpdated": written(at),
            "maxCurrent": current.value if current else 16,
            "powerDeliveryState": charging.delivery(complete=state.level >= car.limit),
            "pluggedInChargerId": (
                asset_id(f"charger {number}") if state.plugged_in and number < 2 else None
            ),
        }
        odometer: dict[str, JsonValue] = {
            "distance": round(state.odometer),
            "lastUpdated": written(at),
        }
        capabilities = dict.fromkeys(
            (
                "information",
                "chargeState",
                "location",
                "odometer",
                "startCharging",
                "stopCharging",
                "smartCharging",
            ),
            True,
        )
        return {
            **self._frame(
                name,
                vendor,
                "vehicle",
                at=at,
                capabilities={**capabilities, "setMaxCurrent": self._knobs.car_currents},
                user=user,
            ),
            "information": {
                "vin": f"SIMULATED{number:08}",
                "brand": brand,
                "model": model,
                "year": 2024,
                "displayName": display or f"Car {number + 1}",
            },
            "chargeState": self._hidden("vehicle:read:data", charge),
            "smartChargingPolicy": policy,
            "location": self._place("vehicle:read:location", at, away=not state.at_home),
            "odometer": self._hidden("vehicle:read:data", odometer),
        }

    def _charger(self, number: int, user: str = OWNER) -> JsonObject:
        vendor, brand, model = WALLBOX
        name = f"charger {number}"
        at = self._measured(vendor, name, active=self._plug(number, self._now).charging)
        charging = self._plug(number, at)
        current = self._told(name, "maxCurrent", at)
        charge: dict[str, JsonValue] = {
            "isPluggedIn": charging.plugged_in,
            "isCharging": charging.charging,
            "chargeRate": charging.rate,
            "lastUpdated": written(at),
            "maxCurrent": current.value if current else 16,
            "powerDeliveryState": charging.delivery(complete=False),
            "pluggedInVehicleId": (
                asset_id(f"vehicle {number}")
                if charging.plugged_in and number < self._knobs.vehicles
                else None
            ),
        }
        capabilities = dict.fromkeys(
            ("information", "chargeState", "startCharging", "stopCharging", "setMaxCurrent"), True
        )
        return {
            **self._frame(name, vendor, "charger", at=at, capabilities=capabilities, user=user),
            "chargeState": self._hidden("charger:read:data", charge),
            "information": {
                "brand": brand,
                "model": model,
                "year": None,
                "serialNumber": f"EH00000{number}",
            },
            "location": {"id": PLACE, "lastUpdated": written(LINKED)},
        }
