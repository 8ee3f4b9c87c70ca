"""Load balancers: publishes their documents, follows their states, lets drained targets go."""

import logging
from dataclasses import replace

from lab.actions.elbv2.find import users_of_groups
from lab.control.world import World
from lab.core.acm import Certificate
from lab.core.arc_zonal_shift import ZonalShift, active_shift
from lab.core.ec2.model import Instance
from lab.core.elbv2.check import problems
from lab.core.elbv2.compile import compile_config
from lab.core.elbv2.config import LoadBalancerConfig
from lab.core.elbv2.model import (
    Listener,
    ListenerRule,
    LoadBalancer,
    Published,
    Registration,
    TargetGroup,
    TrustStore,
)
from lab.core.elbv2.target_health import is_drained

log = logging.getLogger("lab.control")

COMPILED = (
    Certificate,
    Instance,
    Listener,
    ListenerRule,
    LoadBalancer,
    Registration,
    TargetGroup,
    TrustStore,
    ZonalShift,
)
"""What documents are made from."""


class LoadBalancers:
    def __init__(self, world: World) -> None:
        self._world = world
        self._published: object = None
        """What the documents in force were made from: nothing needs compiling while that has not changed."""

    async def publish(self, now: float) -> None:
        """Compile each load balancer's document; put it in force if it differs from the one that is. A zonal shift that is
        over at `now` makes it differ."""
        store, nodes = self._world.store, self._world.nodes
        balancers = store.all(LoadBalancer)
        shifted = tuple(active_shift(store.all(ZonalShift), balancer.arn, now) for balancer in balancers)
        rows = (store.revision(*COMPILED), shifted, self._world.clock.speed)
        if rows == self._published:
            return
        nodes.forget({b.arn for b in balancers}, {node.node_id for b in balancers for node in b.nodes})
        for balancer in balancers:
            known = store.get(Published, balancer.arn)
            document = self._compile(balancer, known.generation if known else 0, now)
            fresh = known is None or known.content_hash != document.content_hash
            if fresh:
                document = replace(document, generation=document.generation + 1)
                if found := problems(document):
                    log.error("the configuration of %s is not sound and stays as it was: %s", balancer.name, found)
                    continue
                store.put(Published(balancer.arn, document.generation, document.content_hash))
            if fresh or nodes.document(balancer.arn) is None:
                await nodes.publish(document)
        self._published = rows

    def _compile(self, balancer: LoadBalancer, generation: int, now: float) -> LoadBalancerConfig:
        store = self._world.store
        users = store.derived(users_of_groups, Listener, ListenerRule)
        groups = [row for row in store.all(TargetGroup) if users.get(row.arn) == balancer.arn]
        registrations = [row for group in groups for row in store.where(Registration, "target_group_arn", group.arn)]
        shift = active_shift(store.all(ZonalShift), balancer.arn, now) if balancer.shifts_zones else None
        return compile_config(
            balancer,
            store.where(Listener, "load_balancer_arn", balancer.arn),
            store.where(ListenerRule, "load_balancer_arn", balancer.arn),
            groups,
            registrations,
            {instance.instance_id: instance for instance in store.all(Instance)},
            self._world.clock.speed,
            generation,
            node_addresses=self._world.node_addresses(),
            shifted_zone="" if shift is None else shift.zone,
            certificates={row.arn: row for row in store.all(Certificate)},
            trust_stores={row.arn: row for row in store.all(TrustStore)},
        )

    def settle(self, now: float) -> None:
        """States of load balancers; registrations that have come to their end."""
        store = self._world.store
        with store.transaction():
            for balancer in store.all(LoadBalancer):
                self._state(balancer, now)
            for registration in store.all(Registration):
                if self._is_over(registration, now):
                    store.delete(Registration, registration.key)

    def _is_over(self, registration: Registration, now: float) -> bool:
        group = self._world.store.get(TargetGroup, registration.target_group_arn)
        if group is None:
            return True
        since = registration.deregistered_at
        if since is not None and now - since >= group.deregistration_delay:
            return True
        if group.target_type == "ip":
            return False
        instance = self._world.store.get(Instance, registration.target_id)
        return instance is None or instance.state == "terminated"

    def _state(self, balancer: LoadBalancer, now: float) -> None:
        node_ids = [node.node_id for node in balancer.nodes]
        serving = [report for report in self._world.nodes.live(node_ids, now) if report.applied]
        if len(serving) == len(node_ids):
            state, reason = "active", ""
            refusals = [report.rejected_why for report in serving if report.rejected_why]
            if refusals:
                state, reason = "active_impaired", refusals[0]
        elif balancer.state == "active" and any(self._world.nodes.report(node_id) for node_id in node_ids):
            # Where none has been heard at all, the control plane has just begun to listen.
            state, reason = "active_impaired", "a node does not report"
        else:
            return
        if (state, reason) != (balancer.state, balancer.state_reason):
            log.info("load balancer %s is %s%s", balancer.name, state, f": {reason}" if reason else "")
            self._world.store.put(replace(balancer, state=state, state_reason=reason))

    def drained(self, instance_id: str, now: float) -> bool:
        """Whether the instance gets no request any more from any load balancer."""
        return all(
            self._drained(registration, now)
            for registration in self._world.store.where(Registration, "target_id", instance_id)
        )

    def _drained(self, registration: Registration, now: float) -> bool:
        group = self._world.store.get(TargetGroup, registration.target_group_arn)
        balancer = self._world.balancer_of(registration.target_group_arn)
        if group is None or balancer is None:
            return True
        if registration.deregistered_at is None:
            return False
        document = self._world.nodes.document(balancer.arn)
        if document is None or not _drains(document, registration):
            return False
        nodes, ids = self._world.nodes, [node.node_id for node in balancer.nodes]
        # After a restart of the control plane, silence does not mean that a node is dead.
        heard = all(nodes.report(node_id) is not None for node_id in ids)
        reports = nodes.live(ids, now) if heard else None
        return is_drained(registration, group.deregistration_delay, reports, document.generation, now)


def _drains(document: LoadBalancerConfig, registration: Registration) -> bool:
    """Whether the document in force tells the nodes to send the target nothing new: it drains there, or is gone."""
    return not any(
        (group.arn, target.id, target.port)
        == (registration.target_group_arn, registration.target_id, registration.port)
        and not target.draining
        for group in document.target_groups
        for target in group.targets
    )
