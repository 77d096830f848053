"""A strict simulator of the energy providers on loopback; never shipped.

    async with Simulator(seed=1) as sim:
        sim.clock.advance(3600)
        sim.faults.add(faults.rate_limited("30"), provider="enectiva", times=1)
        ...
        assert sim.journal.count(provider="kostal") == 1

Adding a provider: a module with a `ProviderServer`, and one line in `Simulator.__init__`.
"""

from types import TracebackType
from typing import Self

from simulator.clock import Clock
from simulator.control import ControlServer
from simulator.enectiva import EnectivaServer
from simulator.enode import EnodeServer
from simulator.ev_energy import EvEnergyServer
from simulator.faults import Faults
from simulator.house import House
from simulator.journal import Journal
from simulator.kostal import KostalServer
from simulator.payload import JsonValue
from simulator.server import Knobs, ProviderServer, World
from simulator.traxes import TraxesServer

__all__ = ["Simulator"]


class Simulator:
    """All providers in front of one house, on one clock."""

    def __init__(
        self,
        *,
        seed: int = 1,
        clock: Clock | None = None,
        base_port: int = 0,
        control: bool = False,
    ) -> None:
        """Prepare the servers; they listen from `start` or `async with` on.

        With `base_port` the control server, if any, takes that port and the providers' origins
        the following ones in the order of their registration; 0 takes any free ports.
        """
        self.world = World(seed=seed, clock=clock or Clock(), house=House(seed))
        self.servers: dict[str, ProviderServer[Knobs]] = {}
        self.control = ControlServer(self.world, self.servers)
        self._base_port = base_port
        self._with_control = control
        # In the order in which they take their ports.
        self.enectiva = self._add(EnectivaServer(self.world))
        self.kostal = self._add(KostalServer(self.world))
        self.enode = self._add(EnodeServer(self.world))
        self.traxes = self._add(TraxesServer(self.world))
        self.ev_energy = self._add(EvEnergyServer(self.world))

    def _add[S: ProviderServer[Knobs]](self, server: S) -> S:
        self.servers[server.name] = server
        return server

    @property
    def clock(self) -> Clock:
        """The clock of all servers."""
        return self.world.clock

    @property
    def house(self) -> House:
        """The house behind all servers."""
        return self.world.house

    @property
    def journal(self) -> Journal:
        """Every request so far."""
        return self.world.journal

    @property
    def faults(self) -> Faults:
        """What goes wrong."""
        return self.world.faults

    @property
    def failures(self) -> list[BaseException]:
        """What the servers themselves failed at; a test that leaves any is broken."""
        return [failure for one in self.servers.values() for failure in one.failures]

    def environment(self) -> dict[str, str]:
        """Return the `ENERGY_CONNECT_*_URL` variables that lead the integration here."""
        return {
            name: url for one in self.servers.values() for name, url in one.environment().items()
        }

    def credentials(self) -> dict[str, dict[str, JsonValue]]:
        """Return per provider what a person would type into the wizard."""
        return {name: one.credentials() for name, one in self.servers.items()}

    async def start(self) -> None:
        """Start all servers, or none when one can't."""
        port = self._base_port
        try:
            if self._with_control:
                await self.control.start(port)
                port += 1 if port else 0
            for server in self.servers.values():
                port = await server.start(port)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop all servers at once and break what is still connected."""
        for server in self.servers.values():
            await server.stop()
        await self.control.stop()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()
