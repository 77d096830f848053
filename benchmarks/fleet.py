"""Many vehicles behind Enode's list, as pages that are ready before they are asked for.

A process of its own, so that none of its work counts: `python -m benchmarks.fleet`. What it answers
is a row of the strict simulator, multiplied; what changes between two polls is told by `/control`.
"""

import asyncio
from collections.abc import Mapping
import copy
from datetime import UTC, datetime, timedelta
import json
import signal
from typing import Any, Final
import uuid

from aiohttp import ClientSession, encode_basic_auth, web
import orjson

from simulator import Simulator

PAGE: Final = 50
"""Rows of a page: Enode's own default."""

_EMPTY: Final = orjson.dumps({"data": [], "pagination": {"before": None, "after": None}})
_SPACE: Final = uuid.UUID("0e0de000-0000-4000-8000-00000000f1ee")
_STATES: Final = ("PLUGGED_IN:CHARGING", "UNPLUGGED")


async def template() -> dict[str, Any]:
    """Return a vehicle as the simulator has it."""
    async with Simulator() as simulator, ClientSession() as session:
        urls = {
            name: url.replace("{environment}", "production")
            for name, url in simulator.environment().items()
        }
        known = simulator.credentials()["enode"]
        async with session.post(
            f"{urls['ENERGY_CONNECT_ENODE_AUTH_URL']}/oauth2/token",
            data={"grant_type": "client_credentials"},
            headers={
                "Authorization": encode_basic_auth(
                    str(known["client_id"]), str(known["client_secret"])
                )
            },
        ) as answer:
            token = (await answer.json())["access_token"]
        async with session.get(
            f"{urls['ENERGY_CONNECT_ENODE_API_URL']}/vehicles",
            headers={"Authorization": f"Bearer {token}", "Enode-Version": "2024-10-01"},
        ) as answer:
            row: dict[str, Any] = (await answer.json())["data"][0]
    return row


class Fleet:
    """So many vehicles; each knows how often its values and its times changed."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        """Take the row that all are made of."""
        self._row = row
        self._rows: list[dict[str, Any]] = []
        self._turns: list[int] = []
        self._since = datetime.now(UTC).replace(microsecond=0)
        self._times = 0
        self.pages: list[bytes] = []

    def resize(self, count: int) -> None:
        """Begin anew with so many."""
        self._rows = []
        self._turns = [0] * count
        self._since = datetime.now(UTC).replace(microsecond=0)
        for number in range(count):
            row = copy.deepcopy(dict(self._row))
            row["id"] = str(uuid.uuid5(_SPACE, str(number)))
            row["information"] |= {
                "vin": f"INVENTED{number:09}",
                "displayName": f"Car {number + 1}",
            }
            self._rows.append(row)
            self._set_values(number)
            self._set_times(number)
        self._bake()

    def change(self, *, values: float, times: str) -> None:
        """Change the values of this share of vehicles; times of all, of one a page, or of none.

        Who has new values has new times too.
        """
        self._times += 1
        step = round(1 / values) if values else 0
        for number in range(len(self._rows)):
            changed = bool(step) and number % step == self._times % step
            if changed:
                self._turns[number] += 1
                self._set_values(number)
            if changed or times == "all" or (times == "page" and number % PAGE == 0):
                self._set_times(number)
        self._bake()

    def _set_values(self, number: int) -> None:
        turn = self._turns[number]
        plugged = turn % 2 == 0
        self._rows[number]["chargeState"] |= {
            "batteryLevel": 20 + (number + 7 * turn) % 60,
            "range": 100 + (number + 11 * turn) % 300,
            "isPluggedIn": plugged,
            "isCharging": plugged,
            "chargeLimit": 80 + turn % 10,
            "chargeRate": 3.7 + turn % 7 if plugged else None,
            "chargeTimeRemaining": 30 + turn % 90,
            "powerDeliveryState": _STATES[turn % 2],
        }
        self._rows[number]["odometer"]["distance"] = 10_000 + number + turn
        self._rows[number]["location"]["longitude"] = 14.4 + turn % 1000 / 1e4

    def _set_times(self, number: int) -> None:
        row = self._rows[number]
        at = self._since + timedelta(seconds=self._times % 600)
        written = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        row["lastSeen"] = written
        for section in ("chargeState", "odometer", "location"):
            row[section]["lastUpdated"] = written

    def _bake(self) -> None:
        count = max(1, -(-len(self._rows) // PAGE))
        self.pages = [
            orjson.dumps(
                {
                    "data": self._rows[PAGE * page : PAGE * (page + 1)],
                    "pagination": {
                        "before": None,
                        "after": str(page + 1) if page + 1 < count else None,
                    },
                }
            )
            for page in range(count)
        ]


class Server:
    """Enode's lists and its token endpoint in front of a fleet."""

    def __init__(self, fleet: Fleet) -> None:
        """Count nothing yet."""
        self._fleet = fleet
        self._asked: list[str] = []

    def application(self) -> web.Application:
        """Return what listens."""
        app = web.Application()
        app.add_routes(
            [
                web.post("/control", self._control),
                web.post("/oauth2/token", self._token),
                web.get("/{path:.*}", self._read),
            ]
        )
        return app

    async def _control(self, request: web.Request) -> web.Response:
        order = await request.json()
        if "vehicles" in order:
            self._fleet.resize(order["vehicles"])
        if "values" in order:
            self._fleet.change(values=order["values"], times=order["times"])
        asked, self._asked = self._asked, []
        return web.json_response({"asked": asked})

    async def _token(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"access_token": "invented", "expires_in": 86_400, "token_type": "bearer"}
        )

    async def _read(self, request: web.Request) -> web.Response:
        self._asked.append(request.path_qs)
        path = request.match_info["path"]
        body = _EMPTY
        if path == "vehicles":
            body = self._fleet.pages[int(request.query.get("after", "0"))]
        elif path.startswith("users/"):
            body = orjson.dumps({"id": path.removeprefix("users/"), "linkedVendors": []})
        return web.Response(body=body, content_type="application/json")


async def serve() -> None:
    """Serve until SIGTERM; the first line printed is for machines."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    runner = web.AppRunner(Server(Fleet(await template())).application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"url": f"http://127.0.0.1:{runner.addresses[0][1]}"}), flush=True)
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
