"""The name of a load balancer: the addresses of its nodes, one a zone, without the zones that have failed (aws-facts §2.3).

A zone's address is withdrawn when its node is silent, when traffic is shifted away from it, or when too few targets are
healthy there in every target group that has a threshold (`dns_failover`). When none is left, all are given.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.core.arc_zonal_shift import ZonalShift, active_shift
from lab.core.ec2.model import Instance
from lab.core.ec2.public import public_addresses
from lab.core.elbv2 import model
from lab.core.elbv2.model import Listener, ListenerRule, LoadBalancer, Node, Registration, TargetGroup
from lab.core.route53.view import View
from lab.core.store import Store

TTL = 60
"""Seconds (elb:how-elastic-load-balancing-works)."""
DUALSTACK = "dualstack."
"""The console's prefix of load balancers' names in aliases."""
_THRESHOLD = "target_group_health.dns_failover.minimum_healthy_targets"


def balancer_named(store: Store, name: str) -> LoadBalancer | None:
    """By its DNS name in canonical form."""
    arn = store.derived(_by_name, LoadBalancer).get(name.removeprefix(DUALSTACK))
    return None if arn is None else store.get(LoadBalancer, arn)


def addresses(view: View, balancer: LoadBalancer) -> Sequence[str]:
    """Public addresses of one that faces the internet, where its nodes have any; private ones of an internal one."""
    public = public_addresses(view.store) if balancer.scheme == "internet-facing" else {}
    return [public.get(node.network_interface_id, node.private_ip_address) for node in _nodes(view, balancer)]


def is_healthy(view: View, balancer: LoadBalancer) -> bool:
    """As EvaluateTargetHealth sees it: every target group has a healthy target. One without targets counts as unhealthy
    (bc:route53.AliasTarget)."""
    counts = _counts(view, balancer)
    return bool(counts) and all(one.healthy["all"] for one in counts)


@dataclass(frozen=True, slots=True)
class _Count:
    """How many targets of a group there are, and how many healthy ones, by zone, and under "all" in all."""

    group: TargetGroup
    registered: Counter[str]
    healthy: Counter[str]

    def reaches_threshold(self, zone: str) -> bool:
        """With cross-zone load balancing the targets of all zones count for each."""
        scope = "all" if self.group.cross_zone else zone
        count, percentage = (self.group.settings[f"{_THRESHOLD}.{unit}"] for unit in ("count", "percentage"))
        enough = count == "off" or self.healthy[scope] >= int(count)
        return enough and (percentage == "off" or self.healthy[scope] * 100 >= int(percentage) * self.registered[scope])


def _nodes(view: View, balancer: LoadBalancer) -> Sequence[Node]:
    shift = active_shift(view.store.all(ZonalShift), balancer.arn, view.now) if balancer.shifts_zones else None
    stay = [node for node in balancer.nodes if shift is None or node.availability_zone != shift.zone]
    live = [node for node in stay if view.node_lives(node.node_id)]
    counts = _counts(view, balancer)
    good = [node for node in live if not counts or any(one.reaches_threshold(node.availability_zone) for one in counts)]
    return good or live or stay


def _counts(view: View, balancer: LoadBalancer) -> list[_Count]:
    """Of all target groups that the load balancer forwards to."""
    store = view.store
    users = store.derived(_users_of_groups, Listener, ListenerRule)
    groups = [row for row in store.all(TargetGroup) if users.get(row.arn) == balancer.arn]
    return [_count(view, group, store.where(Registration, "target_group_arn", group.arn)) for group in groups]


def _count(view: View, group: TargetGroup, rows: Sequence[Registration]) -> _Count:
    healthy = [row for row in rows if view.target_health(row.key).state == "healthy"]
    return _Count(group, _by_zone(view.store, rows), _by_zone(view.store, healthy))


def _by_zone(store: Store, rows: Sequence[Registration]) -> Counter[str]:
    instances = ((row, store.get(Instance, row.target_id)) for row in rows)
    zones = [row.availability_zone if instance is None else instance.availability_zone for row, instance in instances]
    return Counter([zone for zone in zones if zone != "all"]) + Counter(all=len(rows))


def _users_of_groups(store: Store) -> Mapping[str, str]:
    return model.users_of_groups(store.all(Listener), store.all(ListenerRule))


def _by_name(store: Store) -> Mapping[str, str]:
    return {f"{row.dns_name.lower()}.": row.arn for row in store.all(LoadBalancer)}
