"""The resources behind the API: users, their vehicles and chargers, sessions, home energy."""

from collections.abc import Callable, Iterable
from dataclasses import replace
import datetime as dt
from functools import partial
from typing import Final

from simulator.cars import CarState
from simulator.ev_energy.episodes import (
    BEFORE,
    MILLIAMPS,
    SINCE,
    Episode,
    Piece,
    Row,
    Vehicle,
    identifier,
    stamp,
)
from simulator.ev_energy.knobs import EvEnergyKnobs
from simulator.ev_energy.steering import Steering
from simulator.house import BATTERY_CAPACITY, Flow
from simulator.server import World

ZONE: Final = "Europe/London"
CHARGE_PRICE: Final = 9
"""Pence per kWh while cars charge."""

# Users after the first have cars of their own, far from the first one's.
_OTHERS: Final = 5000

_MODELS: Final = (
    ("Examplewagen", "Hatch One", "Style"),
    ("Sampleroo", "Estate Two", "Long Range"),
    ("Demomobil", "Compact", "Base"),
)

_BOXES: Final = ("Sample Box 7", "Sample Box 4")

type Logs = Callable[[dt.datetime], Row]
"""What was logged at a time."""


class Garage:
    """Makes the API's resources of the house; `base` is the API's own address."""

    def __init__(self, world: World, knobs: EvEnergyKnobs) -> None:
        """Stand behind `world`."""
        self._world = world
        self._knobs = knobs
        self.steering = Steering(knobs)
        self.base = ""

    @property
    def now(self) -> dt.datetime:
        """The server's time."""
        return self._world.clock.now()

    def sampled(self) -> dt.datetime:
        """Return when vehicles and chargers were sampled last."""
        step = self._knobs.cadence
        return dt.datetime.fromtimestamp(self.now.timestamp() // step * step, dt.UTC)

    def url(self, *path: str) -> str:
        """Return the address of a resource."""
        return "/".join((self.base, *path))

    # Users.

    def users(self) -> list[Row]:
        """Return all users."""
        return [self.user(number) for number in range(self._knobs.users)]

    def user(self, number: int) -> Row:
        """Return a user as fetched alone."""
        user_id = identifier("user", number)
        vehicles = self._vehicles(number)
        return {
            "id": user_id,
            "url": self.url("users", user_id),
            "email": f"sam{number or ''}@example.org",
            "full_name": f"Sam Sample{f' {number}' if number else ''}",
            "joined_at": "2025-03-02T18:11:09Z",
            "default_location": {
                "country_code": "GB",
                "postal_code": "AB1 2CD",
                "coordinates": None,
                "tariff": self.url("tariffs", identifier("tari", number)),
                "current_carbon_intensity_grams_per_kilowatt_hour": self._carbon(),
            },
            "vehicles": [self.url("vehicles", one.id) for one in vehicles],
            "evses": [self.url("evses", str(row["id"])) for row in self.chargers(number)],
        }

    def _carbon(self) -> int:
        return 90 + (self.now.hour * 13) % 120

    def tariff(self, tariff_id: str) -> Row | None:
        """Return a tariff; a day and a night price."""
        if tariff_id not in {identifier("tari", one) for one in range(self._knobs.users)}:
            return None
        night = self.now.hour >= 23 or self.now.hour < 7
        return {
            "id": tariff_id,
            "url": self.url("tariffs", tariff_id),
            "name": "Sample Night Saver",
            "currency": self._knobs.currency,
            "timezone_name": ZONE,
            "current_price": CHARGE_PRICE if night else 28,
        }

    # Vehicles and chargers.

    def _vehicles(self, user: int | None) -> list[Vehicle]:
        park = self._world.house.car_park
        own = [
            Vehicle(user=0, number=number, car=park.car(number))
            for number in range(self._knobs.vehicles)
        ]
        others = [
            Vehicle(user=one, number=_OTHERS + one, car=park.car(_OTHERS + one))
            for one in range(1, self._knobs.users)
        ]
        return [one for one in (*own, *others) if user in {None, one.user}]

    def vehicles(self, user: int | None) -> list[Row]:
        """Return the vehicles of a user, everything expanded."""
        return [self._vehicle(one) for one in self._vehicles(user)]

    def _vehicle(self, vehicle: Vehicle) -> Row:
        make, model, trim = _MODELS[vehicle.number % len(_MODELS)]
        capacity = round(vehicle.car.capacity * 1000)
        gone = vehicle.id in self._knobs.disconnected
        return {
            "id": vehicle.id,
            "url": self.url("vehicles", vehicle.id),
            "description": f"Sam's {model.lower()}",
            "integrated": "INACTIVE" if gone else "ACTIVE",
            "disabled": False,
            "smart_charging_enabled": self.steering.smart(vehicle.id, self.now),
            "maximum_charge_limit_percentage": self._limit(vehicle, self.now),
            "battery_size_watt_hours": capacity,
            "effective_battery_size_watt_hours": capacity * 96 // 100,
            "vehicle_class": "PASSENGER",
            "trim": {
                "id": identifier("trim", vehicle.number),
                "name": trim,
                "battery_size_watt_hours": capacity,
                "model": {
                    "id": identifier("vmod", vehicle.number),
                    "name": model,
                    "make": {"id": identifier("vmak", vehicle.number), "name": make},
                },
            },
            "user": self.url("users", identifier("user", vehicle.user)),
            "latest_status_log": self._vehicle_log(vehicle, self.sampled()),
            "charging_sub_sessions": f"{self.base}/charging_sub_sessions/?vehicle_id={vehicle.id}",
        }

    def _limit(self, vehicle: Vehicle, at: dt.datetime) -> int:
        return self.steering.limit(vehicle.id, vehicle.car.limit, at)

    def _vehicle_log(self, vehicle: Vehicle, at: dt.datetime) -> Row:
        state = self._state(vehicle, at)
        missing = (vehicle.car.limit - state.level) / 100 * vehicle.car.capacity
        minutes = round(missing * 60_000 / state.power) if state.charging else None
        if not state.plugged_in:
            word = "STATIONARY"
        elif state.charging:
            word = "PLUGGED_IN_CHARGING"
        elif missing < 0.5:
            word = "PLUGGED_IN_COMPLETE"
        else:
            word = "PLUGGED_IN_NOT_CHARGING"
        return {
            "sampled_at": stamp(at),
            "logged_at": stamp(at + dt.timedelta(seconds=20)),
            "state_of_charge_percentage": round(state.level),
            "is_charging": state.charging,
            "is_plugged_in": state.plugged_in,
            "is_complete": word == "PLUGGED_IN_COMPLETE",
            "charge_rate_watts": state.power,
            "estimated_charge_rate_watts": None,
            "charge_level_watt_hours": round(state.level * vehicle.car.capacity * 10),
            "target_charge_level_percentage": self._limit(vehicle, at),
            "minutes_to_full_charge": minutes,
            "odometer_meters": round(state.odometer * 1000),
            "current_type": "AC",
            "data_source": "simulated",
            "state": word,
        }

    def chargers(self, user: int | None) -> list[Row]:
        """Return the chargers of a user; only the first has any."""
        count = min(self._knobs.chargers, self._knobs.vehicles)
        return [self._charger(one) for one in range(count)] if user in {None, 0} else []

    def _charger(self, number: int) -> Row:
        product = _BOXES[number % len(_BOXES)]
        evse = identifier("evse", number)
        return {
            "id": evse,
            "url": self.url("evses", evse),
            "cpid": f"SIM-{417 + number:05d}",
            "model": {
                "id": identifier("emod", number),
                "name": product.lower().replace(" ", "-"),
                "display_name": product,
                "make": {"id": identifier("emak", 0), "name": "Sample Chargers"},
            },
            "lock_mode": "SMART",
            "lifecycle_state": "COMMISSIONED",
            "location": None,
            "ct_clamp": None,
            "user": self.url("users", identifier("user", 0)),
            "latest_status_log": self._charger_log(number, self.sampled()),
        }

    def _charger_log(self, number: int, at: dt.datetime) -> Row:
        car = self._world.house.car_park.car(number)
        state = self._state(Vehicle(user=0, number=number, car=car), at)
        pilot = "C" if state.charging else "B" if state.plugged_in else "A"
        return {
            "sampled_at": stamp(at),
            "logged_at": stamp(at + dt.timedelta(seconds=2)),
            "is_plugged_in": state.plugged_in,
            "is_charging": state.charging,
            "is_enabled": state.charging,
            "charge_rate_watts": state.power,
            "export_power_watts": None,
            "inlet_power_watts": None,
            "meter_reading_watt_hours": round(state.charged * 1000),
            "control_pilot_status": pilot,
            "max_current_rating_milliamps": MILLIAMPS,
            "cable_current_rating_milliamps": None,
            "voltage_millivolts": round(self._world.house.voltage(1, at) * 1000),
            "signal_strength_rssi_dbm": -71,
            "state_of_charge_percentage": None,
            "mode": "Charge" if state.charging else "Idle",
        }

    def _state(self, vehicle: Vehicle, at: dt.datetime) -> CarState:
        """Return the state of a car with what boosts brought forward."""
        state = vehicle.car.state(at)
        if not self.steering.boosts(vehicle.id):
            return state
        episode = next((one for one in self._episodes(vehicle, at, at) if one.within(at)), None)
        if episode is None:
            return state
        early = (episode.delivered(at) - episode.planned(at)) / 1000
        charging = episode.charging(at)
        return replace(
            state,
            level=state.level + early / vehicle.car.capacity * 100,
            charged=state.charged + early,
            charging=charging,
            power=episode.session.power if charging else 0,
        )

    # What the car or the charger logged.

    def logs(self, user: int | None, path: str, own: str) -> Logs | None:
        """Return how a vehicle or charger logs; None if the user has none with that id."""
        if path == "vehicles":
            found = {one.id: partial(self._vehicle_log, one) for one in self._vehicles(user)}
        else:
            chargers = enumerate(ids(self.chargers(user)))
            found = {evse: partial(self._charger_log, number) for number, evse in chargers}
        return found.get(own)

    # Sessions.

    def _episodes(self, vehicle: Vehicle, since: dt.datetime, until: dt.datetime) -> list[Episode]:
        """Return the plug-in episodes of a vehicle that overlap a time, oldest first."""
        return [
            Episode(
                vehicle=vehicle,
                session=session,
                smart=self.steering.smart(vehicle.id, session.start - BEFORE),
                boosts=self.steering.boosts(vehicle.id),
            )
            for session in vehicle.car.sessions(since, until + BEFORE)
            if session.start - BEFORE <= until
        ]

    def episodes(self, user: int | None) -> list[Episode]:
        """Return the plug-in episodes of the last days, newest first."""
        since = self.now - dt.timedelta(days=self._knobs.charging_sessions_days)
        found = [
            episode
            for vehicle in self._vehicles(user)
            for episode in self._episodes(vehicle, since, self.now)
        ]
        found.sort(key=lambda one: (one.start, one.vehicle.number), reverse=True)
        return found

    def episode(self, user: int | None, session_id: str) -> Episode | None:
        """Return an episode by its id as a charging session."""
        for episode in self.episodes(user):
            if episode.id == session_id and episode.start >= SINCE:
                return episode
        return None

    def charging_sessions(self, user: int | None) -> list[Row]:
        """Return the episodes that the API has resources for, newest first."""
        return [self.charging_session(one) for one in self.episodes(user) if one.start >= SINCE]

    def charging_session(self, episode: Episode) -> Row:
        """Return an episode as its resource; the names of its fields are assumed."""
        return {
            "id": episode.id,
            "url": self.url("charging_sessions", episode.id),
            "start": stamp(episode.start),
            "end": stamp(episode.end) if self.now >= episode.end else None,
            "vehicle": self.url("vehicles", episode.vehicle.id),
            "evse": self._evse(episode.vehicle),
            "sub_sessions": [
                self.url("charging_sub_sessions", piece.id) for piece in episode.pieces(self.now)
            ],
        }

    def sessions(self, user: int | None) -> list[Row]:
        """Return the sub-sessions of the last days, newest first."""
        pieces = [
            (episode, piece)
            for episode in self.episodes(user)
            for piece in reversed(episode.pieces(self.now))
        ]
        pieces.sort(key=lambda pair: (pair[1].start, pair[0].vehicle.number), reverse=True)
        return [self._session(episode, piece) for episode, piece in pieces]

    def _evse(self, vehicle: Vehicle) -> str | None:
        known = vehicle.user == 0 and vehicle.number < self._knobs.chargers
        return self.url("evses", identifier("evse", vehicle.number)) if known else None

    def _session(self, episode: Episode, piece: Piece) -> Row:
        vehicle = episode.vehicle
        over = self.now >= piece.end
        energy = episode.energy(piece, self.now)
        cost = round(energy * CHARGE_PRICE / 1000)
        return {
            "id": piece.id,
            "url": self.url("charging_sub_sessions", piece.id),
            "start": stamp(piece.start),
            "end": stamp(piece.end) if over else None,
            "mode": "BOOST" if piece.boost else episode.mode,
            "vehicle": self.url("vehicles", vehicle.id),
            "evse": self._evse(vehicle),
            "energy_delivered_watt_hours": energy,
            "grid_energy_delivered_watt_hours": energy if over else None,
            "solar_energy_delivered_watt_hours": 0 if over else None,
            "cost": cost if energy else None,
            "currency": self._knobs.currency,
            "cost_per_kilowatt_hour": CHARGE_PRICE if energy else None,
            "duration_minutes": round(energy / episode.session.power * 60),
            "savings_cost": round(energy * 0.019) if over else None,
            "total_co2_grams": round(energy * 0.099) if energy else None,
            "savings_co2_grams": round(energy * 0.06) if over else None,
            "co2_intensity_grams_per_kilowatt_hour": 99 if energy else None,
            "co2_intensity_classification": "low" if energy else None,
            "percentage_added": round(energy / vehicle.car.capacity / 10, 1),
            "location": {"name": "Home", "timezone": ZONE},
        }

    def plan(self, user: int | None, session_id: str) -> Row | None:
        """Return the half-hour plan of a sub-session."""
        since = self.now - dt.timedelta(days=2)
        for vehicle in self._vehicles(user):
            for episode in self._episodes(vehicle, since, self.now):
                for piece in episode.pieces(self.now):
                    if piece.id == session_id:
                        session_url = self.url("charging_sub_sessions", session_id)
                        return {
                            "url": f"{session_url}/schedules",
                            "charging_sub_session": session_url,
                            "schedules": episode.plan(piece),
                        }
        return None

    # Home energy.

    def _at_home(self, user: int | None) -> bool:
        return self._knobs.home and user in {None, 0}

    def systems(self, user: int | None) -> list[Row]:
        """Return the home energy systems."""
        if not self._at_home(user):
            return []
        system = identifier("hems", 0)
        return [
            {
                "id": system,
                "url": self.url("hem_systems", system),
                "name": "Sample home",
                "timezone": ZONE,
            }
        ]

    def live_power(self) -> Row:
        """Return the flows of the home now."""
        house, at = self._world.house, self.now.replace(microsecond=0)

        def watts(flow: Flow) -> int:
            return round(house.power(flow, at))

        return {
            "sampled_at": stamp(at),
            "generation_watts": watts(Flow.PV),
            "consumption_watts": watts(Flow.CONSUMPTION),
            "import_watts": watts(Flow.GRID_IMPORT),
            "export_watts": watts(Flow.GRID_EXPORT),
            "charge_watts": watts(Flow.BATTERY_CHARGE),
            "discharge_watts": watts(Flow.BATTERY_DISCHARGE),
            "battery_state_of_charge_percentage": round(house.battery_level(at)),
        }

    def bucket(self, start: dt.datetime, end: dt.datetime) -> Row:
        """Return the energy of one period, up to now."""
        house, until = self._world.house, max(min(end, self.now), start)

        def energy(flow: Flow) -> int:
            return round((house.energy(flow, until) - house.energy(flow, start)) * 1000)

        return {
            "period_start": stamp(start),
            "period_end": stamp(end),
            "generation_wh": energy(Flow.PV),
            "consumption_wh": energy(Flow.CONSUMPTION),
            "import_wh": energy(Flow.GRID_IMPORT),
            "export_wh": energy(Flow.GRID_EXPORT),
            "charge_wh": energy(Flow.BATTERY_CHARGE),
            "discharge_wh": energy(Flow.BATTERY_DISCHARGE),
        }

    def batteries(self, user: int | None) -> list[Row]:
        """Return the home batteries."""
        house, at = self._world.house, self.sampled()
        power = house.power(Flow.BATTERY_CHARGE, at) - house.power(Flow.BATTERY_DISCHARGE, at)
        log: Row = {
            "capacity_watt_hours": round(BATTERY_CAPACITY * 1000),
            "state_of_charge_percentage": round(house.battery_level(at)),
            "charge_rate_watts": round(power),
            "discharge_limit_percentage": 10,
            "status": "CHARGING" if power > 0 else "DISCHARGING" if power < 0 else "IDLE",
            "operation_mode": "SELF_RELIANCE",
        }
        return self._appliances(user, "hoba", "home_batteries", "Sample battery", log)

    def inverters(self, user: int | None) -> list[Row]:
        """Return the inverters."""
        watts = self._world.house.power(Flow.PV, self.sampled())
        log: Row = {"solar_power_watts": round(watts), "status": "OK"}
        return self._appliances(user, "invt", "inverters", "Sample inverter", log)

    def meters(self, user: int | None) -> list[Row]:
        """Return the meters at the grid."""
        watts = self._world.house.net_power(self.sampled())
        log: Row = {"power_watts": round(watts), "status": "OK"}
        return self._appliances(user, "boun", "boundary_meters", "Sample grid meter", log)

    def _appliances(
        self, user: int | None, prefix: str, path: str, name: str, log: Row
    ) -> list[Row]:
        if not self._at_home(user):
            return []
        own = identifier(prefix, 0)
        sampled = stamp(self.sampled())
        return [
            {
                "id": own,
                "url": self.url(path, own),
                "name": name,
                "hem_system": self.url("hem_systems", identifier("hems", 0)),
                "latest_status_log": {"sampled_at": sampled, "logged_at": sampled, **log},
            }
        ]


def ids(rows: Iterable[Row]) -> list[str]:
    """Return the ids of some resources."""
    return [str(row["id"]) for row in rows]
