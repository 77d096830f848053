"""The battery, inverter, meter and heat pump of the house in Enode's words, version 2024-10-01."""

from simulator.enode.frames import LINKED, PLACE, SITE, ZONE, Frames, kilowatts, written
from simulator.enode.knobs import OWNER
from simulator.house import BATTERY_CAPACITY, LATITUDE, LONGITUDE, Flow
from simulator.payload import JsonObject, JsonValue

STORAGE = "HUAWEI"
HVAC_MAKER = "SENSIBO"
BATTERY_MODES = {
    "EXPORT_FOCUS": ("exportFocus", False),
    "IMPORT_FOCUS": ("importFocus", True),
    "TIME_OF_USE": ("timeOfUse", True),
    "SELF_RELIANCE": ("selfReliance", True),
    "IDLE": ("idle", False),
}
"""By operation mode, its capability and whether the house's battery has it."""
THERMOSTAT_LIMITS: JsonObject = {
    "capableModes": ["HEAT", "COOL", "AUTO", "OFF"],
    "coolSetpointRange": {"min": 18, "max": 30},
    "heatSetpointRange": {"min": 10, "max": 30},
    "setpointDifferenceRange": {"min": 2, "max": None},
}
_THERMOSTAT: JsonObject = {
    "mode": "HEAT",
    "heatSetpoint": 21.5,
    "coolSetpoint": None,
    "holdType": "PERMANENT",
}


class Units(Frames):
    """What stands in the house and stays there."""

    def _information(self, model: str, **more: JsonValue) -> JsonValue:
        return {
            "brand": "Huawei",
            "model": model,
            "siteName": "Villa 14",
            "installationDate": "2023-06-01T00:00:00.000Z",
            **more,
        }

    def _site_id(self, user: str) -> JsonValue:
        return SITE if self._knobs.hem and user == OWNER else None

    def _battery(self, name: str = "battery", user: str = OWNER) -> JsonObject:
        house = self._house
        at = self._measured(STORAGE, name, active=True)
        flow = house.power(Flow.BATTERY_CHARGE, at) - house.power(Flow.BATTERY_DISCHARGE, at)
        status = "CHARGING" if flow > 0 else "DISCHARGING" if flow < 0 else "IDLE"
        charge: dict[str, JsonValue] = {
            "status": status,
            "batteryCapacity": BATTERY_CAPACITY,
            "batteryLevel": round(house.battery_level(at)),
            "chargeRate": kilowatts(flow),
            "dischargeLimit": 5,
            "lastUpdated": written(at),
        }
        told = self._told(name, "operationMode", at)
        config: dict[str, JsonValue] = {
            "operationMode": told.value if told else "SELF_RELIANCE",
            "lastUpdated": written(told.at if told else LINKED),
        }
        capabilities = dict(BATTERY_MODES.values())
        return {
            **self._frame(name, STORAGE, "battery", at=at, capabilities=capabilities, user=user),
            "chargeState": self._hidden("battery:read:data", charge),
            "config": self._hidden("battery:read:data", config),
            "information": self._information("LUNA2000", id="LUNA-SIM"),
            "location": self._place("battery:read:location", at),
            "hemSystemId": self._site_id(user),
        }

    def _inverter(self, name: str = "inverter", user: str = OWNER) -> JsonObject:
        at = self._measured(STORAGE, name, active=True)
        power = self._house.power(Flow.PV, at)
        state: dict[str, JsonValue] = {
            "productionRate": kilowatts(power),
            "isProducing": power > 0,
            "totalLifetimeProduction": round(self._house.energy(Flow.PV, at), 1),
            "lastUpdated": written(at),
        }
        capabilities = {"productionState": True, "productionStatistics": True}
        return {
            **self._frame(name, STORAGE, "inverter", at=at, capabilities=capabilities, user=user),
            "productionState": self._hidden("inverter:read:data", state),
            "timezone": ZONE.key if self._knobs.zone_named else None,
            "information": self._information("SUN2000-10KTL", id="SUN-SIM", sn="HV00000000001"),
            "location": self._place("inverter:read:location", at),
            "hemSystemId": self._site_id(user),
        }

    def _hvac(self, user: str, name: str) -> JsonObject:
        at = self._measured(HVAC_MAKER, name, active=True)
        power = self._house.power(Flow.HEAT_PUMP, at)
        told = self._told(name, "thermostat", at)
        setting = {**_THERMOSTAT, **(told.value if told and isinstance(told.value, dict) else {})}
        temperature: dict[str, JsonValue] = {
            "currentTemperature": round(self._house.indoor_temperature(at), 1),
            "isActive": power > 100 and setting["mode"] != "OFF",
            "lastUpdated": written(at),
        }
        thermostat: dict[str, JsonValue] = {
            **setting,
            "lastUpdated": written(told.at if told else LINKED),
        }
        frame = self._frame(
            name,
            HVAC_MAKER,
            "hvac",
            at=at,
            user=user,
            capabilities={
                "setFollowSchedule": self._knobs.device_schedules,
                "setPermanentHold": True,
            },
        )
        abilities = frame.pop("capabilities")
        return {
            **frame,
            # Few devices tell their power (vendor): the neighbour's does not.
            "consumptionRate": kilowatts(power) if user == OWNER else None,
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
                **THERMOSTAT_LIMITS,
                **(abilities if isinstance(abilities, dict) else {}),
            },
            "location": {"id": None},
        }

    def _meter(self, name: str = "meter", user: str = OWNER) -> JsonObject:
        at = self._measured(STORAGE, name, active=True)
        energy: dict[str, JsonValue] = {
            "power": kilowatts(self._house.net_power(at)),
            "lastUpdated": written(at),
        }
        capabilities = {"measuresConsumption": True, "measuresProduction": True}
        return {
            **self._frame(name, STORAGE, "meter", at=at, capabilities=capabilities, user=user),
            "information": self._information("DTSU666-H"),
            "energyState": self._hidden("meter:read:data", energy),
            "location": self._place("meter:read:location", at),
            "hemSystemId": self._site_id(user),
        }

    def _site(self) -> JsonObject:
        at = self._measured(STORAGE, "site", active=True)
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
                "vendor": STORAGE,
                "name": "Villa 14",
                "installationDate": "2023-06-01T00:00:00.000Z",
                "latitude": LATITUDE,
                "longitude": LONGITUDE,
                "address": None,
                "timezone": ZONE.key if self._knobs.zone_named else None,
                "lastUpdated": written(LINKED),
            },
            "status": {
                "lastSeen": written(at),
                "energy": {"today": {**today, "unit": "kWh", "lastUpdated": written(at)}},
            },
        }
