"""Rows → the configuration of a load balancer's nodes. Pure: the same rows give the same document."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lab.core.ec2.model import Instance
from lab.core.elbv2 import config
from lab.core.elbv2.model import Listener, LoadBalancer, Registration, TargetGroup
from lab.core.elbv2.rules import Action, FixedResponse, Forward, default_rule


def compile_config(
    balancer: LoadBalancer,
    listeners: Sequence[Listener],
    groups: Iterable[TargetGroup],
    registrations: Sequence[Registration],
    instances: Mapping[str, Instance],
    speed: float,
    generation: int,
) -> config.LoadBalancerConfig:
    """The document of `balancer`. `listeners` are its own; `groups` those that they forward to. Targets whose instance
    does not run are left out: a node cuts what it still had with them."""
    return config.LoadBalancerConfig(
        generation=generation,
        name=balancer.short_name,
        arn=balancer.arn,
        dns_name=balancer.dns_name,
        speed=speed,
        listeners=tuple(
            config.Listener(
                listener.arn, listener.protocol, listener.port, (default_rule(_action(listener.default_actions[0])),)
            )
            for listener in listeners
        ),
        target_groups=tuple(_group(group, registrations, instances) for group in groups),
        attributes=config.Attributes(
            idle_timeout=float(balancer.attributes["idle_timeout.timeout_seconds"]),
            client_keep_alive=float(balancer.attributes["client_keep_alive.seconds"]),
        ),
    )


def _action(action: Mapping[str, Any]) -> Action:
    if action["Type"] == "forward":
        pairs = action["ForwardConfig"]["TargetGroups"]
        return Forward(tuple((pair["TargetGroupArn"], int(pair["Weight"])) for pair in pairs))
    fixed = action["FixedResponseConfig"]
    return FixedResponse(int(fixed["StatusCode"]), fixed.get("ContentType", "text/plain"), fixed.get("MessageBody", ""))


def _group(
    group: TargetGroup, registrations: Iterable[Registration], instances: Mapping[str, Instance]
) -> config.TargetGroup:
    check = group.health_check
    port = check["HealthCheckPort"]
    return config.TargetGroup(
        arn=group.arn,
        name=group.name,
        protocol=group.protocol,
        health_check=config.HealthCheck(
            protocol=check["HealthCheckProtocol"],
            port=None if port == "traffic-port" else int(port),
            path=check["HealthCheckPath"],
            interval=float(check["HealthCheckIntervalSeconds"]),
            timeout=float(check["HealthCheckTimeoutSeconds"]),
            healthy_threshold=check["HealthyThresholdCount"],
            unhealthy_threshold=check["UnhealthyThresholdCount"],
            matcher=check["Matcher"]["HttpCode"],
        ),
        targets=tuple(
            target
            for registration in registrations
            if registration.target_group_arn == group.arn
            for target in _target(registration, instances.get(registration.target_id))
        ),
    )


def _target(registration: Registration, instance: Instance | None) -> Iterable[config.Target]:
    # An instance that is shutting down was drained before, or is dead; one that has stopped answers nobody.
    if instance is None or instance.state != "running":
        return
    endpoint = instance.endpoints.get(str(registration.port))
    host, _, port = (endpoint or f"{instance.private_ip_address}:{registration.port}").rpartition(":")
    yield config.Target(
        id=registration.target_id,
        port=registration.port,
        zone=instance.availability_zone,
        host=host,
        dial_port=int(port),
        draining=registration.deregistered_at is not None,
    )
