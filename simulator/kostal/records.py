"""The meter's records, made from the house: pure functions of a time."""

from collections.abc import Iterator
import datetime as dt

from simulator.house import Flow, House
from simulator.kostal.device import HOSTNAME, SERIAL
from simulator.payload import JsonValue

type Values = dict[str, int]

_POWERS = (
    ("active_power", Flow.GRID_IMPORT, Flow.GRID_EXPORT),
    ("reactive_power", Flow.REACTIVE_IMPORT, Flow.REACTIVE_EXPORT),
    ("apparent_power", Flow.APPARENT_IMPORT, Flow.APPARENT_EXPORT),
)
_ENERGIES = (
    ("active_energy", Flow.GRID_IMPORT, Flow.GRID_EXPORT),
    ("reactive_energy", Flow.REACTIVE_IMPORT, Flow.REACTIVE_EXPORT),
    ("apparent_energy", Flow.APPARENT_IMPORT, Flow.APPARENT_EXPORT),
)
_PARTS = ((None, ""), (1, "_L1"), (2, "_L2"), (3, "_L3"))


def smart_meter(house: House, at: dt.datetime) -> Values:
    """Return the values at the grid connection: integers, thousandths of the unit.

    Keys, signs and scaling: vendor and seen. Power in mW, energy in mWh, current in mA, voltage
    in mV, frequency in mHz; import and export apart, neither negative, in steps of 0.1 W and
    0.1 Wh.
    """
    return dict(_smart_meter(house, at))


def _smart_meter(house: House, at: dt.datetime) -> Iterator[tuple[str, int]]:
    for name, plus, minus in _POWERS:
        for phase, suffix in _PARTS:
            yield f"{name}_+{suffix}", house.milli_rate(plus, at, phase=phase)
            yield f"{name}_-{suffix}", house.milli_rate(minus, at, phase=phase)
    for name, plus, minus in _ENERGIES:
        for phase, suffix in _PARTS:
            yield (
                f"{name}_+{suffix}",
                house.milli_count(plus, at, phase=phase) // 100 * 100,
            )
            yield (
                f"{name}_-{suffix}",
                house.milli_count(minus, at, phase=phase) // 100 * 100,
            )
    for phase, suffix in _PARTS[1:]:
        voltage = house.voltage(phase or 0, at)
        yield f"current{suffix}", round(_apparent(house, at, phase) / voltage)
        yield f"voltage{suffix}", round(voltage * 10) * 100
    for phase, suffix in _PARTS:
        yield f"power_factor{suffix}", _power_factor(house, at, phase)
    yield "supply_frequency", round(house.frequency(at) * 1000)


def _apparent(house: House, at: dt.datetime, phase: int | None) -> int:
    """Return the apparent power in mVA."""
    imported = house.milli_rate(Flow.APPARENT_IMPORT, at, phase=phase)
    return imported + house.milli_rate(Flow.APPARENT_EXPORT, at, phase=phase)


def _power_factor(house: House, at: dt.datetime, phase: int | None) -> int:
    """Return the magnitude of the power factor in thousandths."""
    apparent = _apparent(house, at, phase)
    if not apparent:
        return 1000
    active = abs(house.net_power(at, phase=phase)) * 1000
    return min(1000, round(1000 * active / apparent))


def energy_flow(house: House, at: dt.datetime) -> Values:
    """Return the energy flow sums: powers in mW, state of charge in %.

    Names: seen in clients of the websocket; production is negative there. That the JSON
    interface has this record is assumed.
    """

    def milli(flow: Flow) -> int:
        return house.milli_rate(flow, at)

    grid = milli(Flow.GRID_IMPORT) - milli(Flow.GRID_EXPORT)
    battery = milli(Flow.BATTERY_CHARGE) - milli(Flow.BATTERY_DISCHARGE)
    wallboxes = milli(Flow.WALLBOX_1) + milli(Flow.WALLBOX_2)
    pv = milli(Flow.PV)
    return {
        "gridPowerTotal": grid,
        "pvPowerTotal": -pv,
        "pvPowerACSum": -pv,
        "housePowerTotal": milli(Flow.CONSUMPTION) - wallboxes,
        "batteryPowerTotal": battery,
        "batteryPowerACSum": battery,
        "inverterPowerTotal": battery - pv,
        "wallboxPowerTotal": wallboxes,
        "systemStateOfCharge": round(house.battery_level(at)),
    }


def description(codes: list[str]) -> dict[str, JsonValue]:
    """Return the record's description (assumed: label, class, device type, provided codes)."""
    return {
        "label": "Grid connection",
        "class": "smart-meter",
        "deviceType": "hw0100",
        "codes": codes,
    }


def device_settings() -> dict[str, JsonValue]:
    """Return who the meter is. Names: seen in clients."""
    return {
        "Serial": SERIAL,
        "ProductName": "KOSTAL Smart Energy Meter",
        "DeviceType": "hw0100",
        "FirmwareVersion": "2.6.2",
        "Mac": "00:D0:93:00:00:01",
        "hostname": HOSTNAME,
        "network": {
            "ip": "192.0.2.10",
            "mask": "255.255.255.0",
            "gateway": "192.0.2.1",
        },
    }


def device_usage(at: dt.datetime) -> dict[str, JsonValue]:
    """Return how busy the meter is: load in %, temperature in degrees Celsius, memory in kB."""
    step = int(at.timestamp()) // 60 % 10
    return {
        "CpuLoad": 52 + step,
        "CpuTemp": 47 + step % 4,
        "RamFree": 118_000 - 300 * step,
        "RamTotal": 252_000,
        "FlashAppFree": 61_000_000,
        "FlashAppTotal": 128_000_000,
        "FlashDataFree": 410_000_000,
        "FlashDataTotal": 512_000_000,
    }
