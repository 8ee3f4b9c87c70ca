"""Everything a reconciler may touch, in one value."""

from collections.abc import Callable
from dataclasses import dataclass

from lab.actions.buckets import prepare_log_bucket
from lab.actions.context import Account, Context, Metrics, Request, Response
from lab.actions.dispatch import call
from lab.control.nodes import NodeBook
from lab.control.ports import Buckets, Clock, Compute
from lab.core.ec2.model import Instance
from lab.core.elbv2.model import Listener, LoadBalancer, Registration
from lab.core.elbv2.target_health import Health, target_health
from lab.core.machines import Site
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
    buckets: Buckets

    def context(self, now: float) -> Context:
        return Context(
            store=self.store,
            metrics=self.metrics,
            account=self.account,
            now=now,
            new_id=self.new_id,
            target_health=lambda key: self.health(key, now),
            bucket_object=self.buckets.get,
            prepare_log_bucket=lambda bucket, prefix: prepare_log_bucket(
                self.buckets, bucket, prefix, self.account.account_id
            ),
        )

    def call(self, service: str, operation: str, request: Request) -> Response:
        """An AWS action, now."""
        return call(self.context(self.clock.now()), service, operation, request)

    def health(self, registration_key: str, now: float) -> Health:
        """The health of a registered target, from rows and the nodes' last reports."""
        registration = self.store.get(Registration, registration_key)
        if registration is None:
            return Health("unused", "Target.NotRegistered", "Target is not registered to the target group")
        instance = self.store.get(Instance, registration.target_id)
        balancer = self.balancer_of(registration.target_group_arn)
        if balancer is None:
            return target_health(registration, instance.state if instance else "", None)
        zones = [node.availability_zone for node in balancer.nodes]
        return target_health(
            registration,
            instance.state if instance else "",
            self.nodes.live([node.node_id for node in balancer.nodes], now),
            zone_enabled=instance is not None and instance.availability_zone in zones,
        )

    def balancer_of(self, target_group_arn: str) -> LoadBalancer | None:
        """The one load balancer whose listeners forward to the target group."""
        for listener in self.store.all(Listener):
            for action in listener.default_actions:
                pairs = action.get("ForwardConfig", {}).get("TargetGroups", ())
                if any(pair["TargetGroupArn"] == target_group_arn for pair in pairs):
                    return self.store.get(LoadBalancer, listener.load_balancer_arn)
        return None
