"""Killed inside a token's rotation: where the answer is, and whether the sign-in must survive."""

import asyncio
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, override

from aiohttp import web

from custom_components.energy_connect.const import DOMAIN
from simulator import Simulator
from simulator.faults import Action, Proceed, body_of
from simulator.journal import fingerprint

from .lives import House, Lost

PROVIDER: Final = "ev_energy"
TOKEN_PATH: Final = "/o/token/"
# A token that ends within a minute is renewed, so that each start renews one like this.
LIFETIME: Final = 61.0
_FOR_EVER: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Before(Action):
    """The request has arrived, and nothing was decided yet."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        self.reached.set()
        return await _never()


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight(Before):
    """The old token is used up, and half of the answer is under way."""

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        response, body = await _begun(request, await proceed())
        await response.write(body[: len(body) // 2])
        self.reached.set()
        return await _never()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(Before):
    """The whole answer was handed to the network."""

    @override
    async def answer(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        response, body = await _begun(request, await proceed())
        await response.write(body)
        await response.write_eof()
        self.reached.set()
        return response


async def _never() -> web.StreamResponse:
    never: asyncio.Future[web.StreamResponse] = asyncio.get_running_loop().create_future()
    return await never


async def _begun(request: web.Request, answer: web.Response) -> tuple[web.StreamResponse, bytes]:
    """Send the head of an answer; return what goes on, and the body that is still to be sent."""
    body = body_of(answer)
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.content_length = len(body)
    await response.prepare(request)
    return response, body


def sign_in_survives(house: House, simulator: Simulator) -> bool:
    """Tell, of a house that was just killed, whether its stored sign-in is still good.

    Raises:
        Lost: it is not, although the answer of the rotation had been written or must have been:
            its access token was used already.

    """
    entry = house.entry(PROVIDER)
    kept = house.stored(f"{DOMAIN}.{entry['entry_id']}") or {}
    seed = str(entry["data"]["token"]["refresh_token"])
    # The newest pair that stems from the entry's sign-in counts, else that sign-in itself.
    stems = sha256(seed.encode()).hexdigest() in kept.get("seeds", ())
    newest = str(kept["refresh_token"]) if stems else seed
    tokens = simulator.ev_energy.authorization.tokens
    if tokens.refreshable(newest, simulator.ev_energy.browser) is not None:
        return True
    successor = tokens.repeated(newest, grace=_FOR_EVER)
    if successor is None or successor.refresh is None:
        raise Lost("the stored sign-in is none that the provider ever gave")
    used = fingerprint(successor.access)
    if any(one.token_id == used for one in simulator.journal.requests(provider=PROVIDER)):
        raise Lost("a rotated token was used before it was on the disk")
    if tokens.refreshable(successor.refresh, simulator.ev_energy.browser) is None:
        raise Lost("a rotated token was rotated again before it was on the disk")
    return False
