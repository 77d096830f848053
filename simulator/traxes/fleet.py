"""The entities of the demo application, read from the generated house."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import datetime as dt
import uuid

from simulator.cars import Car, ChargeSession
from simulator.house import LATITUDE, LONGITUDE, Flow, House
from simulator.payload import JsonObject, JsonValue
from simulator.traxes.steering import Steering

_NAMES = uuid.UUID("7d0f6f0a-7a55-4b0e-9f5e-0c7e5b1d2a00")
_CREATED = dt.datetime(2025, 6, 2, 8, 0, tzinfo=dt.UTC)
_MINUTE = dt.timedelta(minutes=1)

type Metrics = dict[str, JsonValue]
type Measure = Callable[[dt.datetime], Metrics]


def stamp(at: dt.datetime) -> str:
    """Return a time as the API writes it."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def parse_stamp(text: str) -> dt.datetime:
    """Return a time in UTC.

    Raises ValueError for one without an offset: the API knows UTC alone.
    """
    at = dt.datetime.fromisoformat(text)
    if at.tzinfo is None:
        msg = "a time needs its offset"
        raise ValueError(msg)
    return at.astimezone(dt.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One entity: what lists say of it, and how it measures. `every` is its cadence."""

    id: str
    type: str
    brand: str
    identifier: str
    measure: Measure
    every: dt.timedelta
    name: str | None = None
    parent: str | None = None
    car: Car | None = None
    steering: Steering | None = None

    def measured(self, now: dt.datetime) -> dt.datetime:
        """Return when it measured last."""
        whole = int(self.every.total_seconds())
        return dt.datetime.fromtimestamp(int(now.timestamp()) // whole * whole, dt.UTC)

    def measurings(self, start: dt.datetime, end: dt.datetime) -> list[dt.datetime]:
        """Return when it measured from `start` to before `end`, oldest first."""
        at = self.measured(start)
        if at < start:
            at += self.every
        count = max(0, -((at - end) // self.every))
        return [at + number * self.every for number in range(count)]

    def entity(self, now: dt.datetime) -> JsonObject:
        """Return the Entity object."""
        return {
            "id": self.id,
            "type": self.type,
            "brand": self.brand,
            "identifier": self.identifier,
            "name": self.name,
            "created": stamp(_CREATED),
            "parentId": self.parent,
            "isOnline": True,
            "lastSeen": stamp(self.measured(now) + dt.timedelta(seconds=3)),
            "properties": {},
        }

    def old_entity(self) -> JsonObject:
        """Return the object as the older manual has it."""
        types = {"SolarPlant": "PV", "Meter": "SmartMeter"}
        return {
            "id": self.id,
            "reference": {"identifier": self.identifier},
            "information": {
                "type": types.get(self.type, self.type),
                "manufacturer": self.brand,
                "name": self.name,
            },
            "tenantId": "demo",
        }

    def onboarding(self, status: str = "Completed") -> JsonObject:
        """Return the onboarding request that led to the entity."""
        return {
            "id": str(uuid.uuid5(_NAMES, f"request:{self.id}")),
            "status": status,
            "requestType": "Entity",
            "created": stamp(_CREATED),
            "errors": [],
            "data": {
                "entity": {
                    "id": self.id,
                    "information": {
                        "type": self.type,
                        "brand": self.brand,
                        "identifier": self.identifier,
                        "name": self.name,
                    },
                }
            },
        }

    def reading(self, now: dt.datetime, metrics: Metrics) -> JsonObject:
        """Return the newest reading with these metrics."""
        at = self.measured(now)
        return {
            "id": str(uuid.uuid5(_NAMES, f"{self.id}:{stamp(at)}")),
            "entityId": self.id,
            "measured": stamp(at),
            "received": stamp(at + dt.timedelta(seconds=2)),
            "processed": stamp(at + dt.timedelta(seconds=3)),
            "data": metrics,
        }

    def sessions(self, start: dt.datetime, end: dt.datetime, now: dt.datetime) -> list[JsonObject]:
        """Return the charges that began in a span, oldest first; a running one has no end."""
        if self.car is None or self.steering is None:
            return []
        found = self.steering.sessions(self.car, start, min(end, now))
        return [self._session(one, now) for one in found if start <= one.start < end]

    def _session(self, session: ChargeSession, now: dt.datetime) -> JsonObject:
        over = session.end <= now
        hours = (min(session.end, now) - session.start) / dt.timedelta(hours=1)
        energy = round(session.power * hours / 1000, 3)
        return {
            "id": str(uuid.uuid5(_NAMES, f"{self.id}:charge:{stamp(session.start)}")),
            "entityId": self.id,
            "created": stamp(session.start + _MINUTE),
            "data": {
                "start": stamp(session.start),
                "end": stamp(session.end) if over else None,
                "charge": {
                    **self._levels(session, now),
                    "total": {"total": energy, "unit": "kWh"},
                    "averagePower": {"value": session.power, "unit": "W"},
                },
            },
        }

    def _levels(self, session: ChargeSession, now: dt.datetime) -> JsonObject:
        """Return the charge states at both ends; a charge point does not know its car's."""
        if self.type != "EV" or self.car is None or self.steering is None:
            return {}
        return {
            name: {"value": round(self.steering.state(self.car, at).level, 1), "unit": "%"}
            for name, at in (("start", session.start), ("end", min(session.end, now)))
        }


@dataclass(frozen=True, slots=True)
class _Meters:
    """What the entities of the house measure."""

    house: House

    def counter(self, flow: Flow, at: dt.datetime, phase: int | None = None) -> float:
        return round(self.house.energy(flow, at, phase=phase), 3)

    def grid(self, at: dt.datetime) -> Metrics:
        metrics: Metrics = {}
        directions = (("positive", Flow.GRID_IMPORT), ("negative", Flow.GRID_EXPORT))
        for sign, flow in directions:
            total = self.counter(flow, at)
            day = round(total * 0.46, 3)
            metrics[f"{sign}ActiveEnergy"] = {
                "t1": day,
                "t2": round(total - day, 3),
                "total": total,
                "unit": "kWh",
            }
            metrics[f"{sign}ActiveEnergyPhases"] = {
                **{f"l{phase}": self.counter(flow, at, phase) for phase in (1, 2, 3)},
                "unit": "kWh",
            }
            metrics[f"{sign}ActiveInstantaneousPower"] = {
                **{f"l{n}": self.house.power(flow, at, phase=n) for n in (1, 2, 3)},
                "total": self.house.power(flow, at),
                "unit": "W",
            }
        volts = {n: round(self.house.voltage(n, at), 1) for n in (1, 2, 3)}
        amperes = {
            n: round(abs(self.house.net_power(at, phase=n)) / volts[n], 2) for n in (1, 2, 3)
        }
        reactive = self.counter(Flow.REACTIVE_IMPORT, at)
        return metrics | {
            "instantaneousVoltage": {**{f"l{n}": v for n, v in volts.items()}, "unit": "V"},
            "instantaneousCurrent": {**{f"l{n}": a for n, a in amperes.items()}, "unit": "A"},
            "positiveReactiveEnergy": {"total": reactive, "unit": "kvarh"},
        }

    def gas(self, at: dt.datetime) -> Metrics:
        return {"positiveGasVolume": {"value": self.counter(Flow.GAS, at), "unit": "m3"}}

    def inverter(self, at: dt.datetime) -> Metrics:
        return {
            "negativeActiveEnergy": {"total": self.counter(Flow.PV, at), "unit": "kWh"},
            "negativeActiveInstantaneousPower": {
                "total": self.house.power(Flow.PV, at),
                "unit": "W",
            },
        }

    def plant(self, at: dt.datetime) -> Metrics:
        """Return the same in the units that a plant's portal likes."""
        return {
            "negativeActiveEnergy": {
                "total": round(self.house.energy(Flow.PV, at) / 1000, 6),
                "unit": "MWh",
            },
            "negativeActiveInstantaneousPower": {
                "total": round(self.house.power(Flow.PV, at) / 1000, 3),
                "unit": "kW",
            },
        }

    def battery(self, at: dt.datetime) -> Metrics:
        charge = self.house.power(Flow.BATTERY_CHARGE, at)
        return {
            "positiveActiveEnergy": {
                "total": self.counter(Flow.BATTERY_CHARGE, at),
                "unit": "kWh",
            },
            "negativeActiveEnergy": {
                "total": self.counter(Flow.BATTERY_DISCHARGE, at),
                "unit": "kWh",
            },
            "positiveActiveInstantaneousPower": {"total": charge, "unit": "W"},
            "negativeActiveInstantaneousPower": {
                "total": self.house.power(Flow.BATTERY_DISCHARGE, at),
                "unit": "W",
            },
            "stateOfCharge": {"value": round(self.house.battery_level(at), 1), "unit": "%"},
            "isCharging": charge > 0,
        }

    def heat_pump(self, at: dt.datetime) -> Metrics:
        return {
            "positiveActiveEnergy": {"total": self.counter(Flow.HEAT_PUMP, at), "unit": "kWh"},
            "positiveActiveInstantaneousPower": {
                "total": self.house.power(Flow.HEAT_PUMP, at),
                "unit": "W",
            },
        }


def _of_car(car: Car, steering: Steering) -> Measure:
    def measure(at: dt.datetime) -> Metrics:
        state = steering.state(car, at)
        north, east = (0.0, 0.0) if state.at_home else (0.09, 0.04)
        return {
            "stateOfCharge": {"value": round(state.level), "unit": "%"},
            "range": {"value": round(state.range), "unit": "km"},
            "odometer": {"value": round(state.odometer), "unit": "km"},
            "isCharging": state.charging,
            "isPluggedIn": state.plugged_in,
            "location": {"latitude": LATITUDE + north, "longitude": LONGITUDE + east},
        }

    return measure


def _of_charge_point(car: Car, steering: Steering) -> Measure:
    def measure(at: dt.datetime) -> Metrics:
        state = steering.state(car, at)
        return {
            "positiveActiveEnergy": {"total": round(state.charged, 3), "unit": "kWh"},
            "positiveActiveInstantaneousPower": {"total": state.power, "unit": "W"},
            "isCharging": state.charging,
            "isPluggedIn": state.plugged_in,
        }

    return measure


class Fleet:
    """All entities, in the order in which lists name them."""

    def __init__(self, house: House) -> None:
        """Connect the house."""
        self.house = house
        self.steering = Steering()
        self._units: dict[int, dict[str, Unit]] = {}

    def id(self, name: str) -> str:
        """Return the id of an entity by its place: `meter`, `battery`, `car-0`, `wallbox-1` ..."""
        return str(uuid.uuid5(_NAMES, f"{self.house.seed}:{name}"))

    def units(self, cars: int) -> dict[str, Unit]:
        """Return the entities by id, with so many cars; made once, as every request asks."""
        if (known := self._units.get(cars)) is not None:
            return known
        listed = [*self._house(), *self._charge_points(min(cars, 2))]
        listed += [self._car(number) for number in range(cars)]
        self._units[cars] = {one.id: one for one in listed}
        return self._units[cars]

    def _house(self) -> list[Unit]:
        meters = _Meters(self.house)

        def unit(
            place: str,
            kind: str,
            brand: str,
            measure: Measure,
            minutes: int,
            name: str | None = None,
            parent: str | None = None,
        ) -> Unit:
            return Unit(
                id=self.id(place),
                type=kind,
                brand=brand,
                identifier=f"TX-{place.upper()}-001",
                name=name,
                measure=measure,
                every=minutes * _MINUTE,
                parent=None if parent is None else self.id(parent),
            )

        return [
            unit("meter", "Meter", "Gridometer", meters.grid, 5, "Grid meter"),
            unit("gas", "RetrofitMeter", "Clipon", meters.gas, 15, "Gas meter"),
            unit("inverter", "Inverter", "Helios", meters.inverter, 5, parent="meter"),
            unit("plant", "SolarPlant", "Helios", meters.plant, 15, "Roof"),
            unit("battery", "Battery", "Stackwell", meters.battery, 5, parent="inverter"),
            unit("pump", "HeatPump", "Calor", meters.heat_pump, 5, "Heat pump"),
        ]

    def _charge_points(self, count: int) -> list[Unit]:
        return [
            Unit(
                id=self.id(f"wallbox-{number}"),
                type="ChargePoint",
                brand="Plugwell",
                identifier=f"TX-WALLBOX-{number:03}",
                name=f"Wallbox {number + 1}",
                measure=_of_charge_point(self.house.car_park.car(number), self.steering),
                every=5 * _MINUTE,
                car=self.house.car_park.car(number),
                steering=self.steering,
            )
            for number in range(count)
        ]

    def _car(self, number: int) -> Unit:
        car = self.house.car_park.car(number)
        return Unit(
            id=self.id(f"car-{number}"),
            type="EV",
            brand="Voltara",
            identifier=f"XTRAXES00000{number:05}",
            measure=_of_car(car, self.steering),
            every=10 * _MINUTE,
            car=car,
            steering=self.steering,
        )


def offers(units: Mapping[str, Unit]) -> list[JsonObject]:
    """Return the types and brands that could be connected."""
    pairs = dict.fromkeys((one.type, one.brand) for one in units.values())
    return [{"type": kind, "brand": brand} for kind, brand in pairs]
