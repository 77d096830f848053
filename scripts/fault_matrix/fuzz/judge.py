"""What must be true of an account, whatever it heard."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
import json
import math
from typing import Any, Final

import orjson

from custom_components.energy_connect.core.errors import ApiError
from custom_components.energy_connect.core.model import Device, Poll, Reading
from custom_components.energy_connect.core.payload import text
from custom_components.energy_connect.providers import PROVIDERS
from tests.hand_clock import HandClock

from .bends import Bend, apply, written
from .tape import Tape, is_json

_SHOWN: Final = ("name", "manufacturer", "model", "serial_number", "sw_version", "hw_version")


_SHORTEST_NAME: Final = 5
# Rows that say something of one another: logins of one vendor, for example.
_PARTS: Final = frozenset({"linkedVendors"})


class Broken(AssertionError):
    """A promise was not kept."""


def fits(poll: Poll) -> None:
    """Check that a snapshot holds nothing that could not be shown."""
    if poll.again.total_seconds() < 0:
        raise Broken(f"polls {poll.again} from now")
    for key, device in poll.snapshot.devices.items():
        if key != device.id or not device.id:
            raise Broken(f"the device {device.id!r} is kept under {key!r}")
        _fits(device)


def _fits(device: Device) -> None:
    for name in _SHOWN:
        shown = getattr(device, name)
        if shown is not None and text(shown) != shown:
            raise Broken(f"{name} is not fit to be shown: {shown!r}")
    for number, reading in device.numbers.items():
        _fits_reading(str(number), reading)
    for flag, on in device.flags.items():
        if not (on is None or isinstance(on, bool)):
            raise Broken(f"{flag} is {on!r}")
    for moment, at in device.moments.items():
        _fits_time(str(moment), at)
    for choice, chosen in device.choices.items():
        if not (chosen is None or isinstance(chosen, StrEnum)):
            raise Broken(f"{choice} is {chosen!r}")
    place = device.position
    if place is not None and not (-90 <= place.latitude <= 90 and -180 <= place.longitude <= 180):
        raise Broken(f"the position {place} is nowhere")


def _fits_reading(name: str, reading: Reading) -> None:
    value = reading.value
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value)
    ):
        raise Broken(f"{name} is {value!r}")
    _fits_time(name, reading.at)
    _fits_time(name, reading.since)


def _fits_time(name: str, at: datetime | None) -> None:
    if at is not None and (not isinstance(at, datetime) or at.tzinfo is not UTC):
        raise Broken(f"{name} is at {at!r}")


class Judge:
    """Hears a tape again and again, each time bent otherwise."""

    def __init__(self, tape: Tape) -> None:
        """Learn what the true tape gives."""
        self.tape = tape
        self._data: Mapping[str, Any] = tape.entered["identity"]
        self._entered = {key: value for key, value in tape.entered.items() if key != "identity"}
        self._keys = [key for key in tape.payloads if is_json(tape.exact[key].body)]
        self._provider = PROVIDERS[tape.provider]
        self.cases = 0
        self._without: dict[tuple[str, int], Mapping[str, Device]] = {}
        self._true: Mapping[str, Device] = {}
        self.lists: list[str] = []

    async def prepare(self) -> None:
        """Read the true tape, and find its lists of rows."""
        self._true = (await self._poll(None)).snapshot.devices
        again = (await self._poll(None)).snapshot.devices
        if not self._true or self._true != again:
            raise Broken(f"the tape of {self.tape.provider} gives {len(self._true)} devices")
        self.lists = [key for key in self._keys if len(self._rows(self._load(key))) > 1]

    async def any_bend(self, bends: list[Bend]) -> None:
        """Bend any payloads: only our own errors leave, and what is shown can be shown."""
        self.cases += 1
        by_key: dict[str, list[Bend]] = {}
        for bend in bends:
            by_key.setdefault(self._keys[bend.payload % len(self._keys)], []).append(bend)

        def bent(key: str, body: bytes) -> bytes:
            if key not in by_key:
                return body
            return written(apply(by_key[key], json.loads(body)))

        try:
            await self._provider.identify(self.tape.context(self._entered, bent))
        except ApiError:
            pass
        heard: list[Callable[[str, bytes], bytes] | None] = [bent]
        context = self.tape.context(self._data, lambda key, body: _heard(heard, key, body))
        account = self._provider.open(context)
        for bend_now in (bent, None, bent):
            heard[0] = bend_now
            try:
                poll = await account.poll()
            except ApiError:
                pass
            else:
                fits(poll)
                assert isinstance(context.clock, HandClock)
                context.clock.advance(min(poll.again.total_seconds(), 3600) + 1)
            account.diagnostics()

    async def one_row(self, bends: list[Bend], row: int) -> None:
        """Bend a single row: what the other rows gave is the same as ever."""
        self.cases += 1
        if not self.lists:
            return
        key = self.lists[bends[0].payload % len(self.lists)]
        true = self._rows(self._load(key))
        index = row % len(true)
        touched = json.dumps(true[index])
        names = [one for one in key.split("/") if len(one) >= _SHORTEST_NAME]

        def bent(heard: str, body: bytes) -> bytes:
            if heard != key:
                return body
            payload = json.loads(body)
            rows = self._rows(payload)
            rows[index] = bad_row
            return written(payload)

        bad_row = apply(bends, true[index])
        if not _can_be_read(written(bad_row)):
            return  # not JSON as a whole: then there is no good row beside it
        try:
            poll = await self._poll(bent)
        except ApiError as error:
            raise Broken(f"one bad row of {key} failed the poll: {error!r}") from error
        fits(poll)
        without = await self._devices_without(key, index)
        devices = poll.snapshot.devices
        for device_id, device in self._true.items():
            mentioned = device_id in touched or device_id.rpartition("/")[2] in touched
            if (
                mentioned
                or any(name in device_id for name in names)
                or without.get(device_id) != device
            ):
                continue
            if devices.get(device_id) != device:
                raise Broken(
                    f"one bad row of {key} changed {device.kind} {device_id}:"
                    f" {_difference(device, devices.get(device_id))}"
                )

    async def _devices_without(self, key: str, index: int) -> Mapping[str, Device]:
        """Return the devices when one row is missing: those that differ are its matter."""
        if (key, index) not in self._without:

            def cut(heard: str, body: bytes) -> bytes:
                if heard != key:
                    return body
                payload = json.loads(body)
                del self._rows(payload)[index]
                return written(payload)

            self._without[key, index] = (await self._poll(cut)).snapshot.devices
        return self._without[key, index]

    async def _poll(self, bend: Callable[[str, bytes], bytes] | None) -> Poll:
        return await self._provider.open(self.tape.context(self._data, bend)).poll()

    def _load(self, key: str) -> Any:
        return json.loads(self.tape.exact[key].body)

    @staticmethod
    def _rows(payload: Any) -> list[Any]:
        """Return the rows of a list, the payload's own object, so that they can be changed."""
        if isinstance(payload, list):
            return payload
        if isinstance(payload, dict):
            for name, value in payload.items():
                if name in _PARTS:
                    continue
                if isinstance(value, list) and value and isinstance(value[0], dict):
                    return value
        return []


def _can_be_read(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def _heard(bend: list[Callable[[str, bytes], bytes] | None], key: str, body: bytes) -> bytes:
    return body if bend[0] is None else bend[0](key, body)


def _difference(true: Device, shown: Device | None) -> str:
    if shown is None:
        return "it is gone"
    fields = [
        name
        for name in ("name", "parent", "numbers", "flags", "moments", "choices", "delivering")
        if getattr(true, name) != getattr(shown, name)
    ]
    return ", ".join(fields) or "something else"
