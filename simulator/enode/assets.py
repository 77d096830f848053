"""The house and the car park in Enode's words, version 2024-10-01."""

from collections.abc import Callable
from dataclasses import dataclass
import datetime as dt
from functools import partial
import uuid
from zoneinfo import ZoneInfo

from simulator.cars import Car
from simulator.enode.knobs import NEIGHBOUR, OWNER, EnodeKnobs
from simulator.house import BATTERY_CAPACITY, LATITUDE, LONGITUDE, Flow, House
from simulator.payload import JsonObject, JsonValue

ZONE = ZoneInfo("Europe/Prague")

_ACTIVE = 120
_IDLE = 420
LINKED = dt.datetime(2025, 1, 10, 9, tzinfo=dt.UTC)
"""When the users linked everything."""
_SPACE = uuid.UUID("0e0de000-0000-4000-8000-000000000000")


def asset_id(name: str) -> str:
    """Return the id that belongs to a name for ever."""
    return str(uuid.uuid5(_SPACE, name))


SITE = asset_id("site")
PLACE = asset_id("place")
_CAR_MAKERS = (("SKODA", "Škoda", "Enyaq 80"), ("RENAULT", "Renault", "Megane E-Tech"))
_WALLBOX = ("EASEE", "Easee", "Home")
_STORAGE = "HUAWEI"


def _time(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _kw(watts: float) -> float:
    return round(watts / 1000, 3)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a list, made when its page is."""

    id: str
    user: str
    make: Callable[[], JsonObject]


class Assets:
    """What Enode's cache holds at one moment.

    It refreshes a device every 2 minutes while it is active and every 7 minutes otherwise
    (vendor); one that is unreachable keeps what it had when `since` began.
    """

    def __init__(
        self, house: House, knobs: EnodeKnobs, now: dt.datetime, since: dt.datetime
    ) -> None:
        """Look at the house at `now`."""
        self._house = house
        self._knobs = knobs
        self._now = now
        self._since = since

    def lists(self) -> dict[str, list[Entry]]:
        """Return the entries of each list, by the last word of its path; newest linked first."""
        cars = [
            Entry(asset_id(f"vehicle {number}"), OWNER, partial(self._vehicle, number))
            for number in reversed(range(self._knobs.vehicles))
        ]
        boxes = [
            Entry(asset_id(f"charger {number}"), OWNER, partial(self._charger, number))
            for number in (1, 0)
        ]
        hvacs = [
            Entry(asset_id(name), user, partial(self._hvac, user, name))
            for user, name in ((NEIGHBOUR, "Cabin air conditioner"), (OWNER, "Hall heat pump"))
        ]
        lists = {
            "vehicles": cars,
            "chargers": boxes,
            "batteries": [Entry(asset_id("battery"), OWNER, self._battery)],
            "inverters": [Entry(asset_id("inverter"), OWNER, self._inverter)],
            "hvacs": hvacs,
            "meters": [Entry(asset_id("meter"), OWNER, self._meter)],
            "hem-systems": [Entry(SITE, OWNER, self._site)],
            "locations": [Entry(PLACE, OWNER, self._home)],
        }
        return {
            name: [entry for entry in entries if entry.user in self._knobs.users]
            for name, entries in lists.items()
        }

    def users(self) -> list[JsonObject]:
        """Return the users of the client."""
        return [
            {"id": user, "createdAt": _time(LINKED), "scopes": sorted(self._knobs.scopes)}
            for user in sorted(self._knobs.users, reverse=True)
        ]

    def user(self, user_id: str) -> JsonObject | None:
        """Return one user with the vendor logins; None if nothing was ever linked."""
        if user_id not in self._knobs.users:
            return None
        logins: list[tuple[str, str]] = [("SENSIBO", "hvac")]
        if user_id == OWNER:
            makers = [code for code, _, _ in _CAR_MAKERS[: self._knobs.vehicles]]
            logins += [(code, "vehicle") for code in makers]
            logins += [(_WALLBOX[0], "charger")]
            logins += [(_STORAGE, kind) for kind in ("battery", "inverter", "meter")]
        return {
            "id": user_id,
            "linkedVendors": [
                {
                    "vendor": vendor,
                    "vendorType": kind,
                    "isValid": vendor not in self._knobs.broken_logins,
                }
                for vendor, kind in logins
            ],
        }

    def _measured(self, vendor: str, *, active: bool) -> dt.datetime:
        """Return when Enode read the device last."""
        now = self._since if vendor in self._knobs.unreachable else self._now
        cadence = _ACTIVE if active else _IDLE
        return dt.datetime.fromtimestamp(now.timestamp() // cadence * cadence, dt.UTC)

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
            "lastSeen": _time(at),
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
                "lastUpdated": _time(at),
            },
        )

    def _vehicle(self, number: int) -> JsonObject:
        car = self._house.car_park.car(number)
        vendor, brand, model = _CAR_MAKERS[number % len(_CAR_MAKERS)]
        at = self._measured(vendor, active=car.state(self._now).charging)
        state = car.state(at)
        charge: dict[str, JsonValue] = {
            "batteryLevel": round(state.level),
            "range": round(state.range),
            "isPluggedIn": state.plugged_in,
            "isCharging": state.charging,
            "isFullyCharged": state.level >= car.limit,
            "batteryCapacity": car.capacity,
            "chargeLimit": car.limit,
            "chargeRate": _kw(state.power) if state.charging else None,
            "chargeTimeRemaining": self._minutes_left(car, at),
            "lastUpdated": _time(at),
            "maxCurrent": 16,
            "powerDeliveryState": _delivery(car, at, complete=True),
            "pluggedInChargerId": (
                asset_id(f"charger {number}") if state.plugged_in and number < 2 else None
            ),
        }
        odometer: dict[str, JsonValue] = {
            "distance": round(state.odometer),
            "lastUpdated": _time(at),
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
                f"vehicle {number}",
                vendor,
                "vehicle",
                at=at,
                capabilities={**capabilities, "setMaxCurrent": False},
            ),
            "information": {
                "vin": f"SIMULATED{number:08}",
                "brand": brand,
                "model": model,
                "year": 2024,
                "displayName": f"Car {number + 1}",
            },
            "chargeState": self._hidden("vehicle:read:data", charge),
            "smartChargingPolicy": {
                "isEnabled": False,
                "deadline": None,
                "minimumChargeLimit": 0,
            },
            "location": self._place("vehicle:read:location", at, away=not state.at_home),
            "odometer": self._hidden("vehicle:read:data", odometer),
        }

    def _minutes_left(self, car: Car, at: dt.datetime) -> JsonValue:
        end = car.state(at).charge_end
        return None if end is None else round((end - at).total_seconds() / 60)

    def _charger(self, number: int) -> JsonObject:
        vendor, brand, model = _WALLBOX
        car = self._house.car_park.car(number)
        at = self._measured(vendor, active=car.state(self._now).charging)
        state = car.state(at)
        charge: dict[str, JsonValue] = {
            "isPluggedIn": state.plugged_in,
            "isCharging": state.charging,
            "chargeRate": _kw(state.power) if state.charging else None,
            "lastUpdated": _time(at),
            "maxCurrent": 16,
            "powerDeliveryState": _delivery(car, at, complete=False),
            "pluggedInVehicleId": (
                asset_id(f"vehicle {number}")
                if state.plugged_in and number < self._knobs.vehicles
                else None
            ),
        }
        capabilities = dict.fromkeys(
            ("information", "chargeState", "startCharging", "stopCharging", "setMaxCurrent"), True
        )
        return {
            **self._frame(f"charger {number}", vendor, "charger", at=at, capabilities=capabilities),
            "chargeState": self._hidden("charger:read:data", charge),
            "information": {
                "brand": brand,
                "model": model,
                "year": None,
                "serialNumber": f"EH00000{number}",
            },
            "location": {"id": PLACE, "lastUpdated": _time(LINKED)},
        }

    def _information(self, model: str, **more: JsonValue) -> JsonValue:
        return {
            "brand": "Huawei",
            "model": model,
            "siteName": "Villa 14",
            "installationDate": "2023-06-01T00:00:00.000Z",
            **more,
        }

    def _site_id(self) -> JsonValue:
        return SITE if self._knobs.hem else None

    def _battery(self) -> JsonObject:
        house = self._house
        at = self._measured(_STORAGE, active=True)
        flow = house.power(Flow.BATTERY_CHARGE, at) - house.power(Flow.BATTERY_DISCHARGE, at)
        status = "CHARGING" if flow > 0 else "DISCHARGING" if flow < 0 else "IDLE"
        charge: dict[str, JsonValue] = {
            "status": status,
            "batteryCapacity": BATTERY_CAPACITY,
            "batteryLevel": round(house.battery_level(at)),
            "chargeRate": _kw(flow),
            "dischargeLimit": 5,
            "lastUpdated": _time(at),
        }
        config: dict[str, JsonValue] = {
            "operationMode": "SELF_RELIANCE",
            "lastUpdated": _time(LINKED),
        }
        capabilities = {
            "exportFocus": False,
            "importFocus": True,
            "timeOfUse": True,
            "selfReliance": True,
            "idle": False,
        }
        return {
            **self._frame("battery", _STORAGE, "battery", at=at, capabilities=capabilities),
            "chargeState": self._hidden("battery:read:data", charge),
            "config": self._hidden("battery:read:data", config),
            "information": self._information("LUNA2000", id="LUNA-SIM"),
            "location": self._place("battery:read:location", at),
            "hemSystemId": self._site_id(),
        }

    def _inverter(self) -> JsonObject:
        at = self._measured(_STORAGE, active=True)
        power = self._house.power(Flow.PV, at)
        state: dict[str, JsonValue] = {
            "productionRate": _kw(power),
            "isProducing": power > 0,
            "totalLifetimeProduction": round(self._house.energy(Flow.PV, at), 1),
            "lastUpdated": _time(at),
        }
        capabilities = {"productionState": True, "productionStatistics": True}
        return {
            **self._frame("inverter", _STORAGE, "inverter", at=at, capabilities=capabilities),
            "productionState": self._hidden("inverter:read:data", state),
            "timezone": ZONE.key if self._knobs.zone_named else None,
            "information": self._information("SUN2000-10KTL", id="SUN-SIM", sn="HV00000000001"),
            "location": self._place("inverter:read:location", at),
            "hemSystemId": self._site_id(),
        }

    def _hvac(self, user: str, name: str) -> JsonObject:
        at = self._measured("SENSIBO", active=True)
        power = self._house.power(Flow.HEAT_PUMP, at)
        temperature: dict[str, JsonValue] = {
            "currentTemperature": round(self._house.indoor_temperature(at), 1),
            "isActive": power > 100,
            "lastUpdated": _time(at),
        }
        thermostat: dict[str, JsonValue] = {
            "mode": "HEAT",
            "heatSetpoint": 21.5,
            "coolSetpoint": None,
            "holdType": "PERMANENT",
            "lastUpdated": _time(LINKED),
        }
        frame = self._frame(
            name,
            "SENSIBO",
            "hvac",
            at=at,
            user=user,
            capabilities={"setFollowSchedule": False, "setPermanentHold": True},
        )
        abilities = frame.pop("capabilities")
        return {
            **frame,
            # Few devices tell their power (vendor): the neighbour's does not.
            "consumptionRate": _kw(power) if user == OWNER else None,
            "information": {
                "brand": "Sensibo",
                "model": "Sky",
                "displayName": name,
                "groupName": None,
                "category": "HEAT_PUMP",
            },
            "temperatureState": self._hidden("hvac:read:data", temperature),
            "thermostatState": self._hidden("hvac:read:data", thermostat),
            "capabilities": {
                "capableModes": ["HEAT", "COOL", "AUTO", "OFF"],
                "coolSetpointRange": {"min": 18, "max": 30},
                "heatSetpointRange": {"min": 10, "max": 30},
                "setpointDifferenceRange": {"min": 2, "max": None},
                **(abilities if isinstance(abilities, dict) else {}),
            },
            "location": {"id": None},
        }

    def _meter(self) -> JsonObject:
        at = self._measured(_STORAGE, active=True)
        energy: dict[str, JsonValue] = {
            "power": _kw(self._house.net_power(at)),
            "lastUpdated": _time(at),
        }
        capabilities = {"measuresConsumption": True, "measuresProduction": True}
        return {
            **self._frame("meter", _STORAGE, "meter", at=at, capabilities=capabilities),
            "information": self._information("DTSU666-H"),
            "energyState": self._hidden("meter:read:data", energy),
            "location": self._place("meter:read:location", at),
            "hemSystemId": self._site_id(),
        }

    def _site(self) -> JsonObject:
        at = self._measured(_STORAGE, active=True)
        midnight = at.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        flows = {
            "generation": Flow.PV,
            "consumption": Flow.CONSUMPTION,
            "charge": Flow.BATTERY_CHARGE,
            "discharge": Flow.BATTERY_DISCHARGE,
            "import": Flow.GRID_IMPORT,
            "export": Flow.GRID_EXPORT,
        }
        today: dict[str, JsonValue] = {
            name: round(self._house.energy(flow, at) - self._house.energy(flow, midnight), 2)
            for name, flow in flows.items()
        }
        return {
            "id": SITE,
            "userId": OWNER,
            "locationId": PLACE,
            "information": {
                "vendor": _STORAGE,
                "name": "Villa 14",
                "installationDate": "2023-06-01T00:00:00.000Z",
                "latitude": LATITUDE,
                "longitude": LONGITUDE,
                "address": None,
                "timezone": ZONE.key if self._knobs.zone_named else None,
                "lastUpdated": _time(LINKED),
            },
            "status": {
                "lastSeen": _time(at),
                "energy": {"today": {**today, "unit": "kWh", "lastUpdated": _time(at)}},
            },
        }

    def _home(self) -> JsonObject:
        return {
            "id": PLACE,
            "userId": OWNER,
            "name": "Villa 14",
            "latitude": LATITUDE,
            "longitude": LONGITUDE,
            "timezoneName": ZONE.key,
            "createdAt": _time(LINKED),
        }


def _delivery(car: Car, at: dt.datetime, *, complete: bool) -> str:
    """Return the power delivery state; only vehicles know `COMPLETE`."""
    state = car.state(at)
    if not state.plugged_in:
        return "UNPLUGGED"
    if state.charging:
        return "PLUGGED_IN:CHARGING"
    full = complete and state.level >= car.limit
    return "PLUGGED_IN:COMPLETE" if full else "PLUGGED_IN:STOPPED"
