"""Hosted zones and what asks of them, for tests of answers: a store, a view of it, and rows in few words."""

import random
from dataclasses import replace
from typing import Any

from lab.adapters.store import MemoryStore
from lab.core.ec2.model import NetworkInterface, Vpc
from lab.core.elbv2.target_health import Health
from lab.core.route53.answer import Answer, answer
from lab.core.route53.model import AliasTarget, HealthCheck, HostedZone, ResourceRecordSet
from lab.core.route53.view import Place, Source, View

NOW = 1_700_000_000.0
SOA = "ns-1.awsdns-01.org. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"


class Dns:
    """`dead` are nodes that do not live, `sick` registrations that are not healthy. The zone `shop.lab.` is there."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.dead: set[str] = set()
        self.sick: set[str] = set()
        self.place = Place(regions=("us-east-1",))
        self.chance = random.Random(1)
        self.zone("Z1", "shop.lab.")

    @property
    def view(self) -> View:
        return View(self.store, "us-east-1", NOW, self._health, lambda node: node not in self.dead, self.chance.random)

    def _health(self, key: str) -> Health:
        return Health("unhealthy" if key in self.sick else "healthy")

    def ask(self, name: str, kind: str = "A", vpc: str = "") -> Answer:
        return answer(self.view, name, kind, Source(vpc, self.place))

    def values(self, name: str, kind: str = "A", vpc: str = "") -> list[str]:
        """Of the last record of the answer, sorted."""
        found = self.ask(name, kind, vpc)
        return sorted(found.records[-1].values) if found.records else []

    def shares(self, name: str, times: int = 400) -> dict[str, float]:
        """How often each value is the first."""
        seen = [self.ask(name).records[-1].values[0] for _ in range(times)]
        return {value: seen.count(value) / times for value in sorted(set(seen))}

    def zone(self, zone_id: str, name: str, *vpcs: str) -> None:
        self.store.put(HostedZone(zone_id, name, zone_id, private=bool(vpcs), vpc_ids=vpcs))
        self.store.put(ResourceRecordSet(zone_id, name, "SOA", ttl=900, values=(SOA,)))
        self.store.put(ResourceRecordSet(zone_id, name, "NS", ttl=172800, values=("ns-1.awsdns-01.org.",)))

    def put(self, name: str, *values: str, kind: str = "A", zone: str = "Z1", **members: Any) -> ResourceRecordSet:
        one = ResourceRecordSet(zone, name, kind, ttl=members.pop("ttl", 300), values=values, **members)
        self.store.put(one)
        return one

    def alias(
        self, name: str, target: str, zone: str, *, evaluate: bool = True, kind: str = "A", **members: Any
    ) -> None:
        self.store.put(ResourceRecordSet("Z1", name, kind, alias=AliasTarget(zone, target, evaluate), **members))

    def check(self, name: str, healthy: bool | None = None, **config: Any) -> str:
        config = {"Type": "TCP", "FailureThreshold": 3, **config}
        self.store.put(HealthCheck(name, name, config, healthy=healthy))
        return name

    def vpc(self, vpc_id: str, *, names: bool = True) -> None:
        self.store.put(Vpc(vpc_id, "10.0.0.0/16", enable_dns_hostnames=names))

    def interface(self, vpc_id: str, address: str, public: str = "") -> None:
        row = NetworkInterface(f"eni-{vpc_id}-{address}", "subnet-1", vpc_id, address, (), "i-1")
        self.store.put(replace(row, public_ip=public))
