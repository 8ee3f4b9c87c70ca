"""Rows of Elastic Load Balancing v2 (aws-facts §1, §2).

Attributes are kept as AWS's strings by AWS's keys; `settings` is all of them, defaults included (`attributes`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.core.elbv2 import attributes as known

HOSTED_ZONE = "Z35SXDOTRQ7X7K"
"""The CanonicalHostedZoneId of application load balancers: what an alias to one says (bc:elbv2)."""
Described = Mapping[str, Any]
"""An action, condition or transform in the form in which AWS describes it, defaults filled in."""


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
    decides which ports of 127.0.0.1 are theirs. `cookie_key` seals stickiness cookies, 64 hexadecimal digits."""

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
    cookie_key: str = ""

    @property
    def key(self) -> str:
        return self.arn

    @property
    def settings(self) -> dict[str, str]:
        return {**known.defaults(known.LOAD_BALANCER), **self.attributes}

    @property
    def shifts_zones(self) -> bool:
        """Whether zonal shifts have an effect on it."""
        return self.settings["zonal_shift.config.enabled"] == "true"


HEALTH_CHECK_DEFAULTS: Mapping[str, Any] = {
    "HealthCheckProtocol": "HTTP",
    "HealthCheckPort": "traffic-port",
    "HealthCheckEnabled": True,
    "HealthCheckIntervalSeconds": 30,
    "HealthCheckTimeoutSeconds": 5,
    "HealthyThresholdCount": 5,
    "UnhealthyThresholdCount": 2,
    "HealthCheckPath": "/",
    "Matcher": {"HttpCode": "200"},
}
"""By AWS's names (aws-facts §2.1)."""


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
    def settings(self) -> dict[str, str]:
        return {**known.defaults(known.TARGET_GROUP), **self.attributes}

    @property
    def deregistration_delay(self) -> float:
        """Lab seconds."""
        return float(self.settings["deregistration_delay.timeout_seconds"])

    @property
    def cross_zone(self) -> bool:
        """The load balancer's own configuration is always on."""
        return self.settings["load_balancing.cross_zone.enabled"] != "false"


@dataclass(frozen=True, slots=True)
class ListenerTls:
    """What an HTTPS listener has besides. `listed` is its certificate list; the default certificate may be in it as well.
    Certificates go by ARN; `mutual_authentication` is AWS's value, its Mode always given."""

    policy: str
    default_certificate: str
    listed: tuple[str, ...] = ()
    mutual_authentication: Described = field(default_factory=lambda: {"Mode": "off"})

    @property
    def certificates(self) -> tuple[str, ...]:
        """All of them once, the default one first."""
        return tuple(dict.fromkeys((self.default_certificate, *self.listed)))

    @property
    def trust_store(self) -> str:
        """The ARN of the trust store that clients' certificates are verified against, or empty."""
        return str(self.mutual_authentication.get("TrustStoreArn", ""))


@dataclass(frozen=True, slots=True)
class Listener:
    """With its default rule, which has no row of its own: `default_actions` and what begins with `default_rule`. `tls` is there
    if and only if the protocol is HTTPS."""

    arn: str
    load_balancer_arn: str
    protocol: str
    port: int
    default_actions: tuple[Described, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    default_rule_arn: str = ""
    default_rule_tags: Mapping[str, str] = field(default_factory=dict)
    tls: ListenerTls | None = None

    @property
    def key(self) -> str:
        return self.arn

    @property
    def settings(self) -> dict[str, str]:
        return {**known.defaults(known.LISTENER), **self.attributes}


@dataclass(frozen=True, slots=True)
class Revocation:
    """A revocation list of a trust store, PEM. `entries`: how many certificates it revokes."""

    revocation_id: int
    content: str
    entries: int


@dataclass(frozen=True, slots=True)
class TrustStore:
    """Authorities whose clients a listener lets in. `bundle` is PEM, `authorities` how many are in it. `revisions` counts the
    revocation lists there have ever been: an id is not used again."""

    arn: str
    name: str
    created: float
    bundle: str
    authorities: int
    revocations: tuple[Revocation, ...] = ()
    revisions: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.arn

    @property
    def entries(self) -> int:
        return sum(one.entries for one in self.revocations)


@dataclass(frozen=True, slots=True)
class ListenerRule:
    """A rule that is not the default one."""

    arn: str
    listener_arn: str
    load_balancer_arn: str
    priority: int
    conditions: tuple[Described, ...]
    actions: tuple[Described, ...]
    transforms: tuple[Described, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.arn


def registration_key(target_group_arn: str, target_id: str, port: int) -> str:
    return f"{target_group_arn}|{target_id}|{port}"


@dataclass(frozen=True, slots=True)
class Registration:
    """A target of a target group: an instance, or an address. `deregistered_at` is set once it drains; the row goes when the
    delay has passed or the target has died. `availability_zone` is an address's, or "all"; an instance stands in its own.
    `outside`: the address is in no subnet of the VPC, and its zone is what the caller said."""

    target_group_arn: str
    target_id: str
    port: int
    registered_at: float
    deregistered_at: float | None = None
    availability_zone: str = ""
    outside: bool = False

    @property
    def key(self) -> str:
        return registration_key(self.target_group_arn, self.target_id, self.port)

    def zone_in(self, group: TargetGroup) -> str:
        """The zone that an address counts for: one that was given for it does with cross-zone load balancing off only."""
        return "all" if self.outside and group.cross_zone else self.availability_zone


@dataclass(frozen=True, slots=True)
class Published:
    """The configuration in force for a load balancer: its generation grows with every new content."""

    load_balancer_arn: str
    generation: int
    content_hash: str

    @property
    def key(self) -> str:
        return self.load_balancer_arn


def forwarded_to(actions: Iterable[Described]) -> list[str]:
    """The target groups that a list of actions forwards to."""
    return [
        group["TargetGroupArn"]
        for action in actions
        if action["Type"] == "forward"
        for group in action["ForwardConfig"]["TargetGroups"]
    ]


def users_of_groups(listeners: Iterable[Listener], rules: Iterable[ListenerRule]) -> dict[str, str]:
    """Target group ARN → the ARN of the load balancer whose listeners and rules forward to it; a group has one at most."""
    found = {arn: row.load_balancer_arn for row in listeners for arn in forwarded_to(row.default_actions)}
    return found | {arn: row.load_balancer_arn for row in rules for arn in forwarded_to(row.actions)}
