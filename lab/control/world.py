"""Everything a reconciler may touch, in one value."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lab.actions.buckets import prepare_log_bucket
from lab.actions.context import Account, Certificates, Context, Keys, Metrics, Request, Response
from lab.actions.dispatch import call
from lab.actions.elbv2.find import users_of_groups
from lab.control.consoles import Consoles
from lab.control.nodes import NodeBook
from lab.control.ports import Buckets, Clock, Compute, Prober
from lab.core.ec2.model import Instance
from lab.core.elbv2.model import Listener, ListenerRule, LoadBalancer, Registration, TargetGroup, registration_key
from lab.core.elbv2.target_health import IP_UNUSABLE, UNREGISTERED, Health, invalid, target_health
from lab.core.machines import Site
from lab.core.route53.view import Places, View
from lab.core.store import Store


@dataclass(frozen=True, slots=True)
class World:
    store: Store
    metrics: Metrics
    compute: Compute
    clock: Clock
    new_id: Callable[[str], str]
    account: Account
    site: Site
    nodes: NodeBook
    certificates: Certificates
    keys: Keys
    buckets: Buckets
    prober: Prober
    draw: Callable[[], float]
    """A number of [0, 1), another one each time."""
    places: Places
    """Where DNS clients count to be."""
    consoles: Consoles = field(default_factory=Consoles)

    def context(self, now: float) -> Context:
        return Context(
            store=self.store,
            metrics=self.metrics,
            account=self.account,
            now=now,
            new_id=self.new_id,
            target_health=lambda key: self.health(key, now),
            view=lambda: self.view(now),
            places=self.places,
            certificates=self.certificates,
            keys=self.keys,
            bucket_object=self.buckets.get,
            prepare_log_bucket=lambda bucket, prefix: prepare_log_bucket(
                self.buckets, bucket, prefix, self.account.account_id
            ),
            console=self.consoles.text,
        )

    def call(self, service: str, operation: str, request: Request) -> Response:
        """An AWS action, now."""
        return call(self.context(self.clock.now()), service, operation, request)

    def view(self, now: float) -> View:
        """What DNS answers go by."""
        return View(
            store=self.store,
            region=self.account.region,
            now=now,
            target_health=lambda key: self.health(key, now),
            node_lives=lambda node_id: bool(self.nodes.live([node_id], now)),
            draw=self.draw,
        )

    def health(self, registration_key: str, now: float) -> Health:
        """The health of a registered target, from rows and the nodes' last reports."""
        registration = self.store.get(Registration, registration_key)
        if registration is None:
            return UNREGISTERED
        zone, unusable = self._standing(registration)
        serving = self.store.derived(_serving, Listener, ListenerRule, LoadBalancer).get(registration.target_group_arn)
        if serving is None:
            return target_health(registration, unusable, None)
        key = (registration.target_group_arn, registration.target_id, registration.port)
        said = self.nodes.said_of(key, serving.node_ids, now)
        return target_health(registration, unusable, said, zone_enabled=zone in serving.zones)

    def zone_of(self, target_group_arn: str, target_id: str, port: int) -> str:
        """The zone that a registered target counts for: an instance's own, an address's, or "all"; "" when it is not known."""
        instance = self.store.get(Instance, target_id)
        if instance is not None:
            return instance.availability_zone
        group = self.store.get(TargetGroup, target_group_arn)
        registration = self.store.get(Registration, registration_key(target_group_arn, target_id, port))
        return "" if group is None or registration is None else registration.zone_in(group)

    def balancer_of_node(self, node_id: str) -> LoadBalancer | None:
        arn = self.store.derived(_balancers_by_node, LoadBalancer).get(node_id)
        return None if arn is None else self.store.get(LoadBalancer, arn)

    def _standing(self, registration: Registration) -> tuple[str, Health | None]:
        """The target's zone, and what keeps it from being a target."""
        group = self.store.get(TargetGroup, registration.target_group_arn)
        if group is not None and group.target_type == "ip":
            taken = registration.target_id in self.node_addresses()
            return registration.zone_in(group), IP_UNUSABLE if taken else None
        instance = self.store.get(Instance, registration.target_id)
        if instance is None:
            return "", invalid("")
        return instance.availability_zone, None if instance.state == "running" else invalid(instance.state)

    def node_addresses(self) -> frozenset[str]:
        """The addresses of all load balancer nodes: no targets."""
        return self.store.derived(_node_addresses, LoadBalancer)

    def balancer_of(self, target_group_arn: str) -> LoadBalancer | None:
        """The one load balancer whose listeners or rules forward to the target group."""
        arn = self.store.derived(users_of_groups, Listener, ListenerRule).get(target_group_arn)
        return None if arn is None else self.store.get(LoadBalancer, arn)


def _balancers_by_node(store: Store) -> dict[str, str]:
    return {node.node_id: row.arn for row in store.all(LoadBalancer) for node in row.nodes}


@dataclass(frozen=True, slots=True)
class _Serving:
    """The nodes that use a target group, and the zones whose targets they use."""

    node_ids: tuple[str, ...]
    zones: frozenset[str]


def _serving(store: Store) -> dict[str, _Serving]:
    """By target group ARN."""
    found = {}
    for group, arn in users_of_groups(store).items():
        if (balancer := store.get(LoadBalancer, arn)) is not None:
            zones = frozenset(("all", *(node.availability_zone for node in balancer.nodes)))
            found[group] = _Serving(tuple(node.node_id for node in balancer.nodes), zones)
    return found


def _node_addresses(store: Store) -> frozenset[str]:
    return frozenset(node.private_ip_address for row in store.all(LoadBalancer) for node in row.nodes)
