"""What there is on the simulated Enode: lists, users, and single assets."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from simulator.enode.frames import LINKED, PLACE, SITE, ZONE, asset_id, written
from simulator.enode.knobs import NEIGHBOUR, OWNER
from simulator.enode.states import Linked
from simulator.enode.units import HVAC_MAKER, STORAGE, Units
from simulator.enode.vehicles import CAR_MAKERS, WALLBOX, Vehicles
from simulator.house import LATITUDE, LONGITUDE
from simulator.payload import JsonObject

__all__ = ["LISTS", "PLACE", "SITE", "ZONE", "Assets", "Entry", "asset_id"]

LISTS = {
    "vehicle": "vehicles",
    "charger": "chargers",
    "battery": "batteries",
    "inverter": "inverters",
    "hvac": "hvacs",
    "meter": "meters",
}
"""By kind of asset, the last word of its list's path."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a list, made when its page is."""

    id: str
    user: str
    make: Callable[[], JsonObject]


class Assets(Vehicles, Units):
    """Everything at one moment."""

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
        for linked in self._states.linked:
            # The one that was linked last comes first.
            lists[LISTS[linked.kind]].insert(0, self._linked(linked))
        return {
            name: [entry for entry in entries if entry.user in self._knobs.users]
            for name, entries in lists.items()
        }

    def users(self) -> list[JsonObject]:
        """Return the users of the client."""
        return [
            {"id": user, "createdAt": written(LINKED), "scopes": sorted(self._knobs.scopes)}
            for user in sorted(self._knobs.users, reverse=True)
        ]

    def user(self, user_id: str) -> JsonObject | None:
        """Return one user with the vendor logins; None if nothing was ever linked."""
        if user_id not in self._knobs.users:
            return None
        logins = sorted(self.logins(user_id))
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

    def logins(self, user_id: str) -> set[tuple[str, str]]:
        """Return vendor and kind of what a user linked."""
        logins = {
            (linked.vendor, linked.kind) for linked in self._states.linked if linked.user == user_id
        }
        if user_id in {OWNER, NEIGHBOUR}:
            logins.add((HVAC_MAKER, "hvac"))
        if user_id == OWNER:
            makers = [code for code, _, _ in CAR_MAKERS[: self._knobs.vehicles]]
            logins |= {(code, "vehicle") for code in makers}
            logins.add((WALLBOX[0], "charger"))
            logins |= {(STORAGE, kind) for kind in ("battery", "inverter", "meter")}
        return logins

    def all_logins(self) -> set[tuple[str, str, str]]:
        """Return user, vendor and kind of all logins of the client."""
        return {(user, *login) for user in self._knobs.users for login in self.logins(user)}

    def find(self, name: str, one: str) -> Entry | None:
        """Return the entry of a list with that id."""
        return next((entry for entry in self.lists()[name] if entry.id == one), None)

    def number(self, kind: str, one: str) -> int:
        """Return the number of the car of a vehicle, or at a charger."""
        numbers = [linked.number for linked in self._states.linked]
        known: list[int] = [*range(max(self._knobs.vehicles, 2)), *numbers]
        return next(number for number in known if asset_id(f"{kind} {number}") == one)

    def is_full(self, number: int) -> bool:
        """Tell whether a car has all that it may be charged."""
        car = self._house.car_park.car(number)
        return car.state(self._now).level >= car.limit

    def _linked(self, linked: Linked) -> Entry:
        """Return the entry of a device that came by the Link page."""
        number, user = linked.number, linked.user
        make: Callable[[], JsonObject]
        match linked.kind:
            case "vehicle":
                name = f"vehicle {number}"
                make = partial(self._vehicle, number, user, linked.vendor, "New car")
            case "charger":
                name = f"charger {number}"
                make = partial(self._charger, number, user)
            case "hvac":
                name = f"Air conditioner {number}"
                make = partial(self._hvac, user, name)
            case kind:
                name = f"{kind} {number}"
                makers = {
                    "battery": self._battery,
                    "inverter": self._inverter,
                    "meter": self._meter,
                }
                make = partial(makers[kind], name, user)
        return Entry(asset_id(name), user, make)

    def _home(self) -> JsonObject:
        return {
            "id": PLACE,
            "userId": OWNER,
            "name": "Villa 14",
            "latitude": LATITUDE,
            "longitude": LONGITUDE,
            "timezoneName": ZONE.key,
            "createdAt": written(LINKED),
        }
