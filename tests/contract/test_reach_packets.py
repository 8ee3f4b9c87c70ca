"""The model of `lab reach` and real packets agree: random rules, every pair of machines, a real connection for each."""

import asyncio
import os
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from docker.api.client import APIClient

from lab.core.compute import MachineSpec
from lab.core.vpc.documents import Fault, Interface
from lab.core.vpc.firewall import Acl, AclRule, Allow, Firewall, Match
from lab.core.vpc.reach import Packet, reach
from tests.contract.test_packets import Site
from tests.contract.worlds import NETWORK, SUBNET, World

pytestmark = [pytest.mark.docker, pytest.mark.parametrize("world", ["docker"], indirect=True)]

SEEDS = 60 if os.environ.get("LAB_HEAVY") else 6
MACHINES = 3
PORTS = (80, 81, 5432)
GROUPS = ("sg-a", "sg-b", "sg-c")
PASSED = {"reached", "refused"}


def worlds(rng: random.Random, specs: list[MachineSpec], site: Site) -> list[Interface]:
    """Random subnets, memberships, rules and ACLs over the machines' addresses."""
    belongs = {spec.id: rng.sample(GROUPS, rng.randint(1, 2)) for spec in specs}
    members = {name: tuple(spec.address for spec in specs if name in belongs[spec.id]) for name in GROUPS}
    blocks = ["0.0.0.0/0", NETWORK.cidr_block, *(f"{spec.address}/32" for spec in specs)]

    def match() -> Match:
        kind = rng.random()
        if kind < 0.4:
            return Match()
        if kind < 0.45:
            return Match("udp", 0, 65535)
        first = rng.choice((0, 80, 81, 5000))
        return Match("tcp", first, rng.choice([port for port in (80, 81, 6000, 65535) if port >= first]))

    def allows(name: str) -> Iterator[Allow]:
        for number in range(rng.randint(1, 4)):
            rule_id = f"sgr-{name}-{number}"
            if rng.random() < 0.5:
                yield Allow(rule_id, name, match(), peer_group=rng.choice(GROUPS))
            else:
                yield Allow(rule_id, name, match(), rng.choice(blocks))

    def acl_rules() -> tuple[AclRule, ...]:
        if rng.random() < 0.7:
            return (AclRule(100, True, Match(), "0.0.0.0/0"),)
        rules = [AclRule(0, rng.random() < 0.7, match(), rng.choice(blocks)) for _ in range(rng.randint(0, 3))]
        return tuple(replace(rule, number=100 + place) for place, rule in enumerate(rules))

    rules = {name: (tuple(allows(name)), tuple(allows(name))) for name in GROUPS}
    found = []
    for spec in specs:
        # A subnet of its own, or one with all others.
        subnet = rng.choice((f"{spec.address}/32", SUBNET))
        firewall = Firewall(
            subnet_cidr=subnet,
            acl=Acl(f"acl-{spec.id}", acl_rules(), acl_rules()),
            ingress=tuple(allow for name in belongs[spec.id] for allow in rules[name][0]),
            egress=tuple(allow for name in belongs[spec.id] for allow in rules[name][1]),
            members=members,
        )
        fault = Fault(partition=rng.random() < 0.05)
        found.append(replace(site.interface(spec), firewall=firewall, fault=fault))
    return found


async def test_model_and_packets_agree(world: World, engine: APIClient) -> None:
    site = Site(world, engine)
    specs = [(await site.launch())[0] for _ in range(MACHINES)]
    passed = total = 0
    for seed in range(SEEDS):
        interfaces = worlds(random.Random(seed), specs, site)
        await asyncio.gather(*(world.compute.set_interface(interface) for interface in interfaces))
        pairs = [(a, b, port) for a in interfaces for b in interfaces if a is not b for port in PORTS]
        said = await asyncio.gather(*(world.compute.probe(a.owner, b.address, port) for a, b, port in pairs))
        for (source, target, port), outcome in zip(pairs, said, strict=True):
            path = reach(source, target, Packet("tcp", port))
            assert path.passes is (outcome in PASSED), (seed, source, target, port, outcome, path)
            passed += path.passes
            total += 1
    assert 0.05 < passed / total < 0.95, "worlds in which all or nothing passes prove nothing"
