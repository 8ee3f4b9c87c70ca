"""The resolvers of VPCs: where a VPC has machines and `enableDnsSupport`, one is at the address two above its block's.

What they answer is asked of the control plane (`lab.api.dns`); without it they go on by what they know. One that died is made
anew.
"""

from collections.abc import Callable

from lab.control.effects import Effects
from lab.control.world import World
from lab.core.compute import Resolver
from lab.core.ec2.model import NetworkInterface, Vpc
from lab.core.store import Store
from lab.core.vpc.resolver import resolver_address


class Resolvers:
    def __init__(self, world: World, wake: Callable[[], None]) -> None:
        self._world = world
        self._effects = Effects(world.clock, 1, wake)
        self._running: frozenset[Resolver] = frozenset()

    async def find(self) -> None:
        if self._world.compute.filters:
            self._running = await self._world.compute.resolvers()

    def act(self) -> None:
        if not self._world.compute.filters:
            return
        wanted = self._world.store.derived(self._wanted, NetworkInterface, Vpc)
        if wanted != self._running:
            self._effects.start("resolvers", lambda: self._world.compute.keep_resolvers(wanted))

    def _wanted(self, store: Store) -> frozenset[Resolver]:
        inhabited = {row.vpc_id for row in store.all(NetworkInterface)}
        found = set()
        for vpc in store.all(Vpc):
            address = resolver_address(vpc)
            if address and vpc.vpc_id in inhabited and not vpc.deleting:
                url = f"{self._world.site.control_url}/lab/vpcs/{vpc.vpc_id}/dns-query"
                found.add(Resolver(vpc.vpc_id, address, url))
        return frozenset(found)

    async def settle(self) -> None:
        await self._effects.settle()

    async def close(self) -> None:
        await self._effects.close()
