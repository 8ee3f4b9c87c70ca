"""The whole lab at one moment, as one JSON document: what `lab status` draws and what a page can show."""

from collections.abc import Iterator
from typing import Any

from lab.actions.autoscaling.policy_shapes import policy_shape
from lab.control.loop import Loop
from lab.control.world import World
from lab.core.autoscaling.counts import is_in_pool
from lab.core.autoscaling.model import Activity, AutoScalingGroup, Member
from lab.core.autoscaling.policy import Decision, ScalingPolicy
from lab.core.autoscaling.refreshes import InstanceRefresh
from lab.core.autoscaling.story import why
from lab.core.autoscaling.warm_pool import WarmPool, size
from lab.core.cloudwatch.condition import condition
from lab.core.cloudwatch.metric import Metric, dimensions
from lab.core.cloudwatch.model import Alarm, CompositeAlarm, MetricAlarm
from lab.core.ec2.model import Instance, NetworkInterface, SecurityGroup, Subnet
from lab.core.ec2.public import public_addresses
from lab.core.elbv2.model import Listener, LoadBalancer, Registration
from lab.core.machines import published_port
from lab.core.rds.model import DBInstance
from lab.core.route53.balancers import balancer_named
from lab.core.route53.checks import is_healthy
from lab.core.route53.model import HealthCheck, ResourceRecordSet
from lab.stack.model import Stack

ACTIVITIES = 12
REFRESH_SHOWN = 600.0
"""Lab seconds for which an instance refresh that has ended is still told of."""


def status(world: World, loop: Loop, compute: str) -> dict[str, Any]:
    """Ages are lab seconds; rates are per wall second; CPU is the last full minute's, in percent, None when unknown."""
    now = world.clock.now()
    store = world.store
    activities = sorted(store.all(Activity), key=lambda row: (row.end_time is None, row.start_time), reverse=True)
    return {
        "now": now,
        "speed": world.clock.speed,
        "compute": compute,
        "engine_problem": loop.engine_problem,
        "router_problem": loop.routers.problem,
        "resolver_problem": loop.resolver_problem,
        "failed_zones": sorted(loop.failed_zones),
        "stacks": [{"name": row.name, "status": row.status, "reason": row.reason} for row in store.all(Stack)],
        "load_balancers": [_load_balancer(world, row, now) for row in store.all(LoadBalancer)],
        "groups": [_group(world, row, now) for row in store.all(AutoScalingGroup)],
        "instances": [
            _lone(world, row, now)
            for row in store.all(Instance)
            if row.state != "terminated" and store.get(Member, row.instance_id) is None
        ],
        "databases": [
            {
                "id": row.identifier,
                "zone": row.availability_zone,
                "status": row.status,
                "reason": row.status_reason,
                "machine": row.machine_id,
                **_place(world, row.network_interface_id),
                "endpoint": f"{row.endpoint_address}:{row.endpoint_port}" if row.endpoint_address else "",
            }
            for row in store.all(DBInstance)
        ],
        "alarms": [
            *(_metric_alarm(row, loop, now) for row in store.all(MetricAlarm)),
            *(_alarm(row, now) for row in store.all(CompositeAlarm)),
        ],
        "activities": [activity(row) for row in activities[:ACTIVITIES]],
        "decisions": [
            {"at": row.at, "policy": row.policy, "from": row.current, "to": row.desired, "why": why(row)}
            for row in [row for row in store.all(Decision) if row.current != row.desired][-ACTIVITIES:]
        ],
    }


def _alarm(row: Alarm, now: float) -> dict[str, Any]:
    return {
        "name": row.name,
        "type": type(row).__name__,
        "state": row.state,
        "since": now - row.state_updated_at,
        "reason": row.state_reason,
        "condition": condition(row),
        "value": None,
    }


def _metric_alarm(row: MetricAlarm, loop: Loop, now: float) -> dict[str, Any]:
    """`value` is the newest data point; `metric` is empty for an alarm on an expression."""
    return {
        **_alarm(row, now),
        "value": loop.alarms.value(row.name),
        "metric": "" if row.metric is None else row.metric.name,
        "comparison": row.comparison_operator,
        "threshold": row.threshold,
        "periods": row.evaluation_periods,
    }


def activity(row: Activity) -> dict[str, Any]:
    return {
        "group": row.group,
        "start": row.start_time,
        "end": row.end_time,
        "status": row.status_code,
        "description": row.description,
        "cause": row.cause,
        "message": row.status_message,
    }


def _load_balancer(world: World, balancer: LoadBalancer, now: float) -> dict[str, Any]:
    listeners = [row for row in world.store.all(Listener) if row.load_balancer_arn == balancer.arn]
    listeners.sort(key=lambda row: row.port)
    live = {report.node_id for report in world.nodes.live([node.node_id for node in balancer.nodes], now)}
    document = world.nodes.document(balancer.arn)
    nodes = []
    for index, node in enumerate(balancer.nodes):
        report = world.nodes.report(node.node_id)
        urls = [
            f"{row.protocol.lower()}://127.0.0.1:{published_port(balancer, index, row.port, world.site)}"
            for row in listeners
        ]
        nodes.append(
            {
                "id": node.node_id,
                "zone": node.availability_zone,
                "address": node.private_ip_address,
                **_place(world, node.network_interface_id),
                "live": node.node_id in live,
                "applied": report.applied if report else 0,
                "connections": report.active_connections if report else 0,
                "rate": world.nodes.rates([node.node_id])[0],
                "urls": urls,
            }
        )
    return {
        "name": balancer.name,
        "dns_name": balancer.dns_name,
        "aliases": list(_aliases(world, balancer)),
        "state": balancer.state,
        "reason": balancer.state_reason,
        "generation": document.generation if document else 0,
        "nodes": nodes,
    }


def _aliases(world: World, balancer: LoadBalancer) -> Iterator[dict[str, Any]]:
    """The records of hosted zones that lead to the load balancer. `healthy` is None without a health check."""
    for row in world.store.all(ResourceRecordSet):
        if row.alias is not None and balancer_named(world.store, row.alias.dns_name) == balancer:
            check = world.store.get(HealthCheck, row.health_check_id)
            healthy = None if check is None else is_healthy(world.store, check)
            yield {"name": row.name.removesuffix("."), "type": row.type, "policy": row.policy, "healthy": healthy}


def _group(world: World, group: AutoScalingGroup, now: float) -> dict[str, Any]:
    members = world.store.where(Member, "group", group.name)
    own = [member for member in members if not is_in_pool(member)]
    nodes = [node.node_id for balancer in world.store.all(LoadBalancer) for node in balancer.nodes]
    rates = world.nodes.rates(nodes)[1]
    return {
        "name": group.name,
        "min": group.min_size,
        "max": group.max_size,
        "desired": group.desired_capacity,
        "cpu": group_cpu(world, group.name, now),
        "instances": [_instance(world, member, rates.get(member.instance_id, 0.0), now) for member in own],
        "policies": [_policy(row) for row in world.store.where(ScalingPolicy, "group", group.name)],
        "warm_pool": _warm_pool(world, group, [member for member in members if is_in_pool(member)], now),
        "refresh": _refresh(world, group, now),
    }


def _policy(row: ScalingPolicy) -> dict[str, Any]:
    """`target` is a target tracking policy's, None of others; `configuration` is what PutScalingPolicy takes for it."""
    tracking = row.target_tracking
    return {
        "name": row.name,
        "type": row.policy_type,
        "enabled": row.enabled,
        "metric": "" if tracking is None else tracking.predefined_metric,
        "target": None if tracking is None else tracking.target_value,
        "configuration": policy_shape(row, ()).get("TargetTrackingConfiguration"),
    }


def _place(world: World, interface_id: str) -> dict[str, Any]:
    """The subnet by name or block, and the security groups by name."""
    store = world.store
    interface = store.get(NetworkInterface, interface_id)
    subnet = None if interface is None else store.get(Subnet, interface.subnet_id)
    groups = [store.get(SecurityGroup, group_id) for group_id in (() if interface is None else interface.group_ids)]
    return {
        "subnet": "" if subnet is None else subnet.tags.get("Name", subnet.cidr_block),
        "security_groups": [group.group_name for group in groups if group is not None],
    }


def _warm_pool(world: World, group: AutoScalingGroup, members: list[Member], now: float) -> dict[str, Any] | None:
    row = world.store.get(WarmPool, group.name)
    if row is None and not members:
        return None
    return {
        "state": "" if row is None else row.pool_state,
        "wanted": size(row, group),
        "deleting": row is None or row.deleting,
        "instances": [_instance(world, member, 0.0, now) for member in members],
    }


def _refresh(world: World, group: AutoScalingGroup, now: float) -> dict[str, Any] | None:
    """The group's last instance refresh, while it is active and for a while after its end."""
    rows = world.store.where(InstanceRefresh, "group", group.name)
    if not rows or (rows[-1].end_time is not None and now - rows[-1].end_time > REFRESH_SHOWN):
        return None
    row = rows[-1]
    return {
        "id": row.refresh_id,
        "status": row.status,
        "reason": row.status_reason,
        "since": now - row.created,
        "percentage": row.percentage,
        "live": {"percentage": row.live.percentage, "to_update": row.live.to_update},
        "to_update": row.live.to_update + (row.pool.to_update if row.pool is not None else 0),
        "pool": None if row.pool is None else {"percentage": row.pool.percentage, "to_update": row.pool.to_update},
        "rollback": "" if row.rollback is None else row.rollback.reason,
    }


def _instance(world: World, member: Member, rate: float, now: float) -> dict[str, Any]:
    instance = world.store.get(Instance, member.instance_id)
    registrations = [row for row in world.store.all(Registration) if row.target_id == member.instance_id]
    health = world.health(registrations[0].key, now) if registrations else None
    return {
        "id": member.instance_id,
        "zone": member.zone,
        "address": instance.private_ip_address if instance else "",
        "state": instance.state if instance else "terminated",
        "lifecycle": member.state,
        "health": member.health,
        "target": health.state if health else "",
        "target_reason": health.description if health else "",
        "cpu": _cpu(world, {"InstanceId": member.instance_id}, now),
        "rate": rate,
        "age": now - member.launched_at,
        "version": member.launch_template_version,
        **_place(world, instance.network_interface_id if instance else ""),
        "endpoints": dict(instance.endpoints) if instance else {},
    }


def _lone(world: World, instance: Instance, now: float) -> dict[str, Any]:
    """An instance of no group's."""
    return {
        "id": instance.instance_id,
        "name": instance.tags.get("Name", ""),
        "zone": instance.availability_zone,
        "address": instance.private_ip_address,
        "public": public_addresses(world.store).get(instance.network_interface_id, ""),
        "state": instance.state,
        "reason": instance.state_reason_message,
        "cpu": _cpu(world, {"InstanceId": instance.instance_id}, now),
        "age": now - instance.launch_time,
        **_place(world, instance.network_interface_id),
    }


def group_cpu(world: World, name: str, now: float) -> float | None:
    """The average CPU utilisation of a group's instances in the newest full minute."""
    return _cpu(world, {"AutoScalingGroupName": name}, now)


def _cpu(world: World, pairs: dict[str, str], now: float) -> float | None:
    return newest_minute(world, Metric("AWS/EC2", "CPUUtilization", dimensions(pairs)), now)


def newest_minute(world: World, metric: Metric, now: float) -> float | None:
    """The average of the newest full minute that has data, of the last few."""
    minute = now // 60 * 60
    for back in range(1, 4):
        found = world.metrics.statistics(metric, minute - 60 * back, 60)
        if found is not None:
            return found.get("Average")
    return None
