"""What leads out of VPCs: who has a public address now, what became of NAT gateways, and what each VPC's router is told.

As with network interfaces (`lab.control.vpc`), a router is told its whole document whenever that has changed, and once more
after a restart. It goes on by the last one without the control plane; one that died is made anew.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from lab.control.effects import Effects
from lab.control.world import World
from lab.core.ec2 import nat
from lab.core.ec2.model import Address, InternetGateway, NatGateway, NetworkInterface, Vpc
from lab.core.ec2.public import free_public, taken, wants
from lab.core.errors import Refused
from lab.core.machines import network
from lab.core.vpc.routers import Router, routers, standing

log = logging.getLogger("lab.control")

AT_ONCE = 2


class Routers:
    def __init__(self, world: World, wake: Callable[[], None]) -> None:
        self._world = world
        self._effects = Effects(world.clock, AT_ONCE, wake)
        self._told: dict[str, Router] = {}
        self._running: frozenset[str] = frozenset()
        self.problem = ""
        """Why a router could not be had; empty when all could."""

    async def find(self) -> None:
        if self._world.compute.filters:
            self._running = await self._world.compute.routers()

    def observe(self, now: float) -> None:
        """Public addresses and NAT gateways, as rows."""
        store = self._world.store
        with store.transaction():
            self._addresses()
            attached = {gateway.vpc_id for gateway in store.all(InternetGateway)}
            for row in store.all(NatGateway):
                if row.state in nat.OVER and now - row.since > nat.DELETED_SHOWN:
                    store.delete(NatGateway, row.key)
                elif (seen := nat.seen(row, attached=row.vpc_id in attached, now=now)) is not row:
                    store.put(seen)
                    log.info("NAT gateway %s: %s → %s %s", row.key, row.state, seen.state, seen.failure_message)

    def _addresses(self) -> None:
        store = self._world.store
        elastic = frozenset(row.network_interface_id for row in store.all(Address) if row.network_interface_id)
        for row in store.all(NetworkInterface):
            wanted = wants(store, row, elastic)
            if wanted and not row.public_ip:
                found = free_public(self._world.account.public_block, taken(store))
                if found is not None:
                    store.put(replace(row, public_ip=found))
            elif row.public_ip and not wanted:
                store.put(replace(row, public_ip=""))

    def act(self, failed_zones: frozenset[str]) -> None:
        if not self._world.compute.filters:
            return
        store = self._world.store
        inhabited = {row.vpc_id for row in store.all(NetworkInterface)}
        self._told = {vpc_id: told for vpc_id, told in self._told.items() if vpc_id in self._running}
        for vpc_id, router in routers(store).items():
            vpc, wanted = store.get(Vpc, vpc_id), standing(router, failed_zones)
            if vpc is None or vpc.deleting or vpc_id not in inhabited or self._told.get(vpc_id) == wanted:
                continue
            self._effects.start(vpc_id, partial(self._tell, vpc, wanted), self._refused)

    async def _tell(self, vpc: Vpc, router: Router) -> None:
        await self._world.compute.ensure_network(network(vpc))
        await self._world.compute.set_router(router)
        self._told[vpc.vpc_id] = router
        self.problem = ""

    def _refused(self, error: Refused) -> None:
        self.problem = str(error)

    async def settle(self) -> None:
        await self._effects.settle()

    async def close(self) -> None:
        await self._effects.close()
