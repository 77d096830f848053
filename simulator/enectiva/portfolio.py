"""The buildings and their meters: who exists, and what each has counted at a time."""

from dataclasses import dataclass
import datetime as dt
from enum import StrEnum
import functools
from itertools import pairwise
from zoneinfo import ZoneInfo

from simulator.house import Flow, House

INSTALLED = dt.datetime(2023, 1, 1, tzinfo=dt.UTC)
"""When the meters were put in: before it there are no readings."""

READING_INTERVAL = dt.timedelta(minutes=15)
TIME_ZONE = "Europe/Prague"
_KWH_PER_GJ = 1000 / 3.6


class Energy(StrEnum):
    """Kinds of energy in the words of the samples; codes: vendor, user manual."""

    ELECTRICITY = "electricity"
    GAS = "gas"
    WATER = "water"
    HEAT = "heat"
    COLD = "cold"

    @property
    def code(self) -> str:
        """The first part of the energy code."""
        return {"electricity": "EL", "gas": "GA", "water": "WA", "heat": "HE", "cold": "CO"}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A node of the tree. `kind` is one of the vendor's nine, for example portfolio, building."""

    id: str
    name: str
    kind: str
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A physical meter: `factor` times a flow of the house. `unit` is the true one.

    `reports_unit` False leaves the unit for the client to know. A sub meter or a production
    meter does not count for its entity. `profile` meters have no readings.
    """

    id: str
    name: str
    code: str
    energy: Energy
    unit: str
    identification: str
    entity: str
    flow: Flow
    factor: int
    reports_unit: bool = True
    production: bool = False
    sub_meter: bool = False
    profile: bool = False
    deactivated: dt.datetime | None = None

    def counter(self, house: House, at: dt.datetime) -> float:
        """Return what the meter shows at `at`, in its unit."""
        kwh = house.energy(self.flow, at) * self.factor
        return {"GJ": kwh / _KWH_PER_GJ, "MWh": kwh / 1000}.get(self.unit, kwh)

    def until(self, newest: dt.datetime) -> dt.datetime:
        """Return the time of the last reading when the newest visible one is of `newest`."""
        last = newest if self.deactivated is None else min(newest, self.deactivated)
        return last - (last - INSTALLED) % READING_INTERVAL


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualMeter:
    """A formula over meters: the sum of `plus` less the sum of `minus`."""

    id: str
    name: str
    plus: tuple[str, ...]
    minus: tuple[str, ...]


class SeriesKind(StrEnum):
    """Kinds of data series. Source: vendor, user manual."""

    CONTINUOUS = "continuous"
    DISCRETE = "discrete"
    BINARY = "binary"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSeries:
    """Measured points other than counters."""

    id: str
    name: str
    kind: SeriesKind
    unit: str | None

    def value(self, house: House, at: dt.datetime) -> float:
        """Return the point's value."""
        if self.kind is SeriesKind.CONTINUOUS:
            return round(house.outdoor_temperature(at), 1)
        if self.kind is SeriesKind.DISCRETE:
            return round(400 + house.power(Flow.BASE_LOAD, at) / 5)
        return int(house.power(Flow.HEAT_PUMP, at) > 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """All that one customer has."""

    entities: tuple[Entity, ...]
    meters: tuple[Meter, ...]
    virtual_meters: tuple[VirtualMeter, ...]
    series: tuple[DataSeries, ...]

    def subtree(self, entity: str) -> set[str]:
        """Return the ids of an entity and of all below it."""
        below = {entity}
        for one in self.entities:  # parents come before their children
            if one.parent in below:
                below.add(one.id)
        return below


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A calendar month of a zone: its first second without offset, and its edges in UTC."""

    first: dt.datetime
    start: dt.datetime
    end: dt.datetime


def months(until: dt.datetime, zone: str = TIME_ZONE) -> list[Month]:
    """Return the months from the installation on that began before `until`; the last is cut."""
    local, found = ZoneInfo(zone), list[dt.datetime]()
    year, month = INSTALLED.year, INSTALLED.month
    while not found or found[-1].replace(tzinfo=local) < until:
        found.append(dt.datetime(year, month, 1))  # noqa: DTZ001 - the API's times have no zone
        year, month = year + month // 12, month % 12 + 1
    return [
        Month(
            first=first,
            start=max(first.replace(tzinfo=local).astimezone(dt.UTC), INSTALLED),
            end=min(following.replace(tzinfo=local).astimezone(dt.UTC), until),
        )
        for first, following in pairwise(found)
    ]


@functools.cache
def demo() -> Portfolio:
    """Return the demo's portfolio: two buildings with meters of every kind."""
    entities = (
        Entity(id="80", name="Example portfolio", kind="portfolio"),
        Entity(id="88", name="Building A", kind="building", parent="80"),
        Entity(id="89", name="Building B", kind="building", parent="80"),
    )
    return Portfolio(
        entities=entities,
        meters=_demo_meters(),
        virtual_meters=(
            VirtualMeter(id="5001", name="Building A net", plus=("1204",), minus=("1206",)),
        ),
        series=(
            DataSeries(id="7001", name="Outside", kind=SeriesKind.CONTINUOUS, unit="°C"),
            DataSeries(id="7002", name="Hall CO2", kind=SeriesKind.DISCRETE, unit="ppm"),
            DataSeries(id="7003", name="Boiler on", kind=SeriesKind.BINARY, unit=None),
        ),
    )


def _demo_meters() -> tuple[Meter, ...]:
    old = dt.datetime(2025, 3, 31, 22, tzinfo=dt.UTC)
    electricity = functools.partial(Meter, energy=Energy.ELECTRICITY, unit="kWh")
    water = functools.partial(Meter, energy=Energy.WATER, unit="m³", reports_unit=False)
    a, b = "88", "89"
    return (
        electricity(
            id="1204", name="Main electricity", code="017-001-0003-00-EL", entity=a,
            identification="SN-559120", flow=Flow.CONSUMPTION, factor=8,
        ),
        electricity(
            id="1205", name="Ventilation", code="017-001-0004-00-EL-VEN", entity=a,
            identification="SN-559121", flow=Flow.HEAT_PUMP, factor=8, sub_meter=True,
        ),
        electricity(
            id="1206", name="Roof", code="017-001-0006-00-EL", entity=a,
            identification="SN-559122", flow=Flow.PV, factor=8, production=True,
        ),
        water(
            id="1207", name="Cold water", code="017-001-0005-00-WA", entity=a,
            identification="SN-559123", flow=Flow.WATER, factor=8,
        ),
        Meter(
            id="1208", name="Gas boiler", code="017-001-0007-00-GA", entity=a,
            energy=Energy.GAS, unit="m³", identification="SN-559124", flow=Flow.GAS, factor=8,
        ),
        Meter(
            id="1209", name="Heat", code="017-001-0008-00-HE", entity=a, energy=Energy.HEAT,
            unit="GJ", reports_unit=False, identification="SN-559125", flow=Flow.HEAT, factor=8,
        ),
        Meter(
            id="1210", name="Cooling", code="017-001-0009-00-CO", entity=a, energy=Energy.COLD,
            unit="GJ", identification="SN-559126", flow=Flow.COLD, factor=8,
        ),
        electricity(
            id="1301", name="Main electricity", code="017-002-0001-00-EL", entity=b,
            identification="SN-559201", flow=Flow.CONSUMPTION, factor=5,
        ),
        water(
            id="1302", name="Hot water", code="017-002-0002-00-WA-DHW", entity=b,
            identification="SN-559202", flow=Flow.WATER_HOT, factor=5,
        ),
        electricity(
            id="1303", name="Profile", code="017-002-0003-00-EL", entity=b, profile=True,
            identification="SN-559203", flow=Flow.BASE_LOAD, factor=5, sub_meter=True,
        ),
        electricity(
            id="1304", name="Old electricity", code="017-002-0004-00-EL", entity=b,
            identification="SN-559204", flow=Flow.BASE_LOAD, factor=3, sub_meter=True,
            deactivated=old,
        ),
    )  # fmt: skip


@functools.lru_cache(maxsize=4)
def generated(count: int) -> Portfolio:
    """Return `count` meters in buildings of 20."""
    kinds = (
        (Energy.ELECTRICITY, "kWh", Flow.CONSUMPTION),
        (Energy.WATER, "m³", Flow.WATER),
        (Energy.GAS, "m³", Flow.GAS),
        (Energy.HEAT, "GJ", Flow.HEAT),
    )
    buildings = (count + 19) // 20
    entities = [Entity(id="100", name="Large portfolio", kind="portfolio")]
    entities += [
        Entity(id=str(101 + number), name=f"Building {number + 1}", kind="building", parent="100")
        for number in range(buildings)
    ]
    meters = []
    for number in range(count):
        energy, unit, flow = kinds[number % len(kinds)]
        building = number // 20
        meters.append(
            Meter(
                id=str(20_000 + number),
                name=f"{energy.capitalize()} {number + 1}",
                code=f"{100 + building:03}-001-{number:04}-00-{energy.code}",
                energy=energy,
                unit=unit,
                identification=f"SN-{600_000 + number}",
                entity=str(101 + building),
                flow=flow,
                factor=1 + number % 13,
            )
        )
    return Portfolio(entities=tuple(entities), meters=tuple(meters), virtual_meters=(), series=())
