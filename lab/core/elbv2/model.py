"""Rows of Elastic Load Balancing v2 (aws-facts §1, §2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LOAD_BALANCER_ATTRIBUTES = {
    "idle_timeout.timeout_seconds": "60",
    "client_keep_alive.seconds": "3600",
    "routing.http2.enabled": "true",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "deletion_protection.enabled": "false",
    "access_logs.s3.enabled": "false",
    "access_logs.s3.bucket": "",
    "access_logs.s3.prefix": "",
    "load_balancing.cross_zone.enabled": "true",
}
"""Attribute keys with AWS's defaults (bc:elbv2.LoadBalancerAttribute)."""

TARGET_GROUP_ATTRIBUTES = {
    "deregistration_delay.timeout_seconds": "300",
    "stickiness.enabled": "false",
    "stickiness.type": "lb_cookie",
    "stickiness.lb_cookie.duration_seconds": "86400",
    "slow_start.duration_seconds": "0",
    "load_balancing.algorithm.type": "round_robin",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
}
"""bc:elbv2.TargetGroupAttribute"""


@dataclass(frozen=True, slots=True)
class Node:
    """One load balancer node: the part of a load balancer in one zone. `token` is what it must show to read its
    configuration and to report."""

    node_id: str
    availability_zone: str
    subnet_id: str
    network_interface_id: str
    private_ip_address: str
    token: str


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """`state` is AWS's: provisioning, active, active_impaired, failed. `slot` tells load balancers on one host apart: it
    decides which ports of 127.0.0.1 are theirs."""

    arn: str
    name: str
    short_name: str
    dns_name: str
    scheme: str
    vpc_id: str
    group_ids: tuple[str, ...]
    nodes: tuple[Node, ...]
    created: float
    slot: int
    state: str = "provisioning"
    state_reason: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.arn


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """`health_check` holds AWS's parameters by AWS's names (HealthCheckPath, Matcher …), defaults filled in."""

    arn: str
    name: str
    short_name: str
    protocol: str
    port: int
    vpc_id: str
    target_type: str
    health_check: Mapping[str, Any]
    created: float
    attributes: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.arn

    @property
    def deregistration_delay(self) -> float:
        """Lab seconds."""
        return float(self.attributes["deregistration_delay.timeout_seconds"])


@dataclass(frozen=True, slots=True)
class Listener:
    """`default_actions` is AWS's list of actions as it was given."""

    arn: str
    load_balancer_arn: str
    protocol: str
    port: int
    default_actions: tuple[Mapping[str, Any], ...]
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.arn


@dataclass(frozen=True, slots=True)
class Registration:
    """A target of a target group. `deregistered_at` is set once it drains; the row goes when the delay has passed or the
    target has died."""

    target_group_arn: str
    target_id: str
    port: int
    registered_at: float
    deregistered_at: float | None = None

    @property
    def key(self) -> str:
        return f"{self.target_group_arn}|{self.target_id}|{self.port}"


@dataclass(frozen=True, slots=True)
class Published:
    """The configuration in force for a load balancer: its generation grows with every new content."""

    load_balancer_arn: str
    generation: int
    content_hash: str

    @property
    def key(self) -> str:
        return self.load_balancer_arn
