"""Rows with sensible values, for tables that change one of them."""

from typing import Any

from lab.core.autoscaling.model import AutoScalingGroup, Member
from lab.core.autoscaling.policy import (
    Adjustment,
    ScalingPolicy,
    SimpleScaling,
    Step,
    StepScaling,
    TargetTracking,
)
from lab.core.autoscaling.wish import Breach
from lab.core.ec2.model import Instance
from lab.core.elbv2.model import (
    Listener,
    ListenerRule,
    LoadBalancer,
    Node,
    Registration,
    TargetGroup,
)

NOW = 1_700_000_000.0
A, B, C = "us-east-1a", "us-east-1b", "us-east-1c"
TG = "arn:tg"


def group(**more: Any) -> AutoScalingGroup:
    values: dict[str, Any] = {
        "name": "web",
        "arn": "arn:web",
        "min_size": 0,
        "max_size": 100,
        "desired_capacity": 2,
        "launch_template_id": "lt-1",
        "launch_template_version": "$Latest",
        "subnets": (("subnet-a", A), ("subnet-b", B)),
        "created": 0.0,
        "target_group_arns": (TG,),
        "health_check_type": "ELB",
        "health_check_grace_period": 300.0,
        "capacity_cause": "At X a user request did it.",
        "traffic_states": ((TG, "InService"),),
        **more,
    }
    return AutoScalingGroup(**values)


def member(name: str, zone: str = A, **more: Any) -> Member:
    values: dict[str, Any] = {
        "instance_id": f"i-{name}",
        "group": "web",
        "zone": zone,
        "launch_template_id": "lt-1",
        "launch_template_version": 1,
        "launched_at": NOW - 1000,
        "activity_id": f"activity-{name}",
        "state": "InService",
        "in_service_at": NOW - 1000,
        "target_groups": (TG,),
        **more,
    }
    return Member(**values)


def policy(name: str = "cpu", metric: str = "ASGAverageCPUUtilization", **more: Any) -> ScalingPolicy:
    """Of type target tracking."""
    tracking = TargetTracking(metric, more.pop("target", 50.0), more.pop("disable_scale_in", False))
    return ScalingPolicy(name, f"arn:policy/{name}", "web", "TargetTrackingScaling", tracking, **more)


def step_policy(*steps: Step, kind: str = "ChangeInCapacity", least: int | None = None, **more: Any) -> ScalingPolicy:
    name, aggregation = more.pop("name", "step"), more.pop("aggregation", "")
    scaling = StepScaling(Adjustment(kind, least), steps, aggregation)
    return ScalingPolicy(name, f"arn:policy/{name}", "web", "StepScaling", step=scaling, **more)


def simple_policy(amount: int = 1, kind: str = "ChangeInCapacity", cooldown: float | None = None) -> ScalingPolicy:
    scaling = SimpleScaling(Adjustment(kind), amount, cooldown)
    return ScalingPolicy("simple", "arn:policy/simple", "web", "SimpleScaling", simple=scaling)


def breach(*values: float, threshold: float = 50.0, above: bool = True, alarm: str = "alarm") -> Breach:
    """`above` False is an alarm for values below the threshold."""
    return Breach(alarm, "CPUUtilization", threshold, values, above)


def instance(name: str, **more: Any) -> Instance:
    values: dict[str, Any] = {
        "instance_id": f"i-{name}",
        "image_id": "ami-00000000000000a99",
        "instance_type": "t3.micro",
        "subnet_id": "subnet-a",
        "vpc_id": "vpc-1",
        "availability_zone": A,
        "private_ip_address": "10.0.10.4",
        "network_interface_id": "eni-1",
        "group_ids": ("sg-1",),
        "launch_time": NOW,
        "state": "running",
        "since": NOW,
        "launch_template_version": 1,
        **more,
    }
    return Instance(**values)


def node(number: int, zone: str = A) -> Node:
    return Node(f"lb-{number}", zone, f"subnet-{number}", f"eni-{number}", f"10.0.{number}.4", f"token-{number}")


def balancer(**more: Any) -> LoadBalancer:
    values: dict[str, Any] = {
        "arn": "arn:lb",
        "name": "web",
        "short_name": "app/web/1",
        "dns_name": "web-1.us-east-1.elb.amazonaws.com",
        "scheme": "internet-facing",
        "vpc_id": "vpc-1",
        "group_ids": ("sg-1",),
        "nodes": (node(0), node(1, B)),
        "created": NOW,
        "slot": 0,
        "cookie_key": "ab" * 32,
        **more,
    }
    return LoadBalancer(**values)


def target_group(**more: Any) -> TargetGroup:
    values: dict[str, Any] = {
        "arn": TG,
        "name": "web",
        "short_name": "targetgroup/web/1",
        "protocol": "HTTP",
        "port": 8000,
        "vpc_id": "vpc-1",
        "target_type": "instance",
        "health_check": {
            "HealthCheckProtocol": "HTTP",
            "HealthCheckPort": "traffic-port",
            "HealthCheckPath": "/health",
            "HealthCheckIntervalSeconds": 10,
            "HealthCheckTimeoutSeconds": 5,
            "HealthyThresholdCount": 2,
            "UnhealthyThresholdCount": 3,
            "Matcher": {"HttpCode": "200"},
        },
        "created": NOW,
        **more,
    }
    return TargetGroup(**values)


def listener(port: int = 80, **action: Any) -> Listener:
    return Listener(
        f"arn:listener/{port}", "arn:lb", "HTTP", port, (action or forward(),), default_rule_arn=f"arn:rule/{port}"
    )


def forward(*pairs: tuple[str, int], sticky: int = 0) -> dict[str, Any]:
    stickiness = {"Enabled": True, "DurationSeconds": sticky} if sticky else {"Enabled": False}
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in pairs or ((TG, 1),)]
    return {
        "Type": "forward",
        "ForwardConfig": {"TargetGroups": groups, "TargetGroupStickinessConfig": stickiness},
    }


def rule(priority: int, *conditions: dict[str, Any], **more: Any) -> ListenerRule:
    values: dict[str, Any] = {"actions": (forward(),), **more}
    return ListenerRule(f"arn:rule/80/{priority}", "arn:listener/80", "arn:lb", priority, conditions, **values)


def registration(name: str, **more: Any) -> Registration:
    return Registration(TG, f"i-{name}", 8000, NOW, **more)
