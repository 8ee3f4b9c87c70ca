"""The configuration of a load balancer node: one whole, checked, versioned document.

The control plane compiles rows into a `LoadBalancerConfig` and publishes it only if `check.problems()` finds none. A node
checks it again, swaps one reference and keeps it on disk. There are no deltas: a request sees one configuration from its first
byte to its last. `generation` grows with every change; `content_hash` is equal for equal content.

The document holds private keys (certificates, the key of the stickiness cookies): it goes to a node that shows its token only,
and lies on disk with mode 600.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.core.elbv2.codec import decode, encode
from lab.core.elbv2.rules import Action, Rule


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How a node probes the targets of a group (alb:target-group-health-checks).

    `interval` is in lab seconds; `timeout` is a socket timeout, in wall seconds. `port` None means the traffic port.
    `matcher` is AWS's string: codes and ranges, comma separated ("200", "200-299,301").
    """

    protocol: str = "HTTP"
    port: int | None = None
    path: str = "/"
    interval: float = 30.0
    timeout: float = 5.0
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    matcher: str = "200"


@dataclass(frozen=True, slots=True)
class Target:
    """A registered target. `id` is what AWS calls it (instance id or address); `host`:`dial_port` is where to connect.

    `port` is the registered port; it differs from `dial_port` only where machines are local processes. A draining target
    gets no new request; those in flight may finish for as long as the target is in the document. When a document comes
    without it, its connections are cut (502): the control plane removes it when the deregistration delay has passed.
    `zone` is "all" for an address outside the VPC: such a target is of every zone.
    """

    id: str
    port: int
    zone: str
    host: str
    dial_port: int
    draining: bool = False


@dataclass(frozen=True, slots=True)
class Stickiness:
    """`duration` in lab seconds. `cookie` is the application's own cookie where `app`; else the cookie is AWSALB."""

    duration: float
    app: bool = False
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """`algorithm` is AWS's word: round_robin, least_outstanding_requests, weighted_random. `slow_start` is in lab seconds,
    0 for none. With fewer than `minimum_healthy` healthy targets, or than `minimum_healthy_percent` of all (None: off),
    a node uses all of them, healthy or not. `cross_zone` False: a node uses the targets of its own zone only."""

    arn: str
    name: str
    protocol: str
    health_check: HealthCheck
    targets: tuple[Target, ...]
    cross_zone: bool = True
    algorithm: str = "round_robin"
    anomaly_mitigation: bool = False
    slow_start: float = 0.0
    stickiness: Stickiness | None = None
    minimum_healthy: int = 1
    minimum_healthy_percent: int | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """`chain` is PEM, leaf first; `private_key` PEM, unencrypted."""

    arn: str
    chain: str
    private_key: str


@dataclass(frozen=True, slots=True)
class MutualAuthentication:
    """`mode` is passthrough or verify; `authorities` and `revocations` are PEM texts of the trust store, for verify."""

    mode: str
    authorities: str = ""
    revocations: tuple[str, ...] = ()
    ignore_expiry: bool = False
    advertise_authorities: bool = False


@dataclass(frozen=True, slots=True)
class Tls:
    """What an HTTPS listener adds. `certificates`: the default one first. `policy` is the name of AWS's security policy."""

    policy: str
    certificates: tuple[Certificate, ...]
    mutual: MutualAuthentication | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """A port of the load balancer (80, say). Where a node binds it on its machine is the node's own affair.

    `rules` are in the order they are tried, the default one (priority 0, no conditions) last. `server_header` False leaves
    out `Server: awselb/2.0` in answers of the load balancer's own. `renamed` are pairs of (AWS's name of a TLS or mTLS
    request field, the name to use); `response_fields` are pairs (name, value) set in every answer.
    """

    arn: str
    protocol: str
    port: int
    rules: tuple[Rule, ...]
    tls: Tls | None = None
    server_header: bool = True
    renamed: tuple[tuple[str, str], ...] = ()
    response_fields: tuple[tuple[str, str], ...] = ()

    @property
    def default_action(self) -> Action:
        return self.rules[-1].action


@dataclass(frozen=True, slots=True)
class LogTarget:
    """Where a node's log files go, as keys of a bucket: `[prefix/]AWSLogs/…`."""

    bucket: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Attributes:
    """The load balancer's attributes that a node obeys (alb:edit-load-balancer-attributes). Timeouts are wall seconds, as
    all timeouts of sockets are. `desync_mode`: monitor, defensive, strictest. `xff_mode`: append, preserve, remove."""

    idle_timeout: float = 60.0
    client_keep_alive: float = 3600.0
    http2: bool = True
    drop_invalid_header_fields: bool = False
    desync_mode: str = "defensive"
    preserve_host_header: bool = False
    xff_mode: str = "append"
    xff_client_port: bool = False
    tls_headers: bool = False
    access_logs: LogTarget | None = None
    connection_logs: LogTarget | None = None
    health_check_logs: LogTarget | None = None


@dataclass(frozen=True, slots=True)
class LoadBalancerConfig:
    """The whole document. `name` is AWS's short form `app/NAME/ID`; `speed` is lab seconds per wall second. `cookie_key`
    seals stickiness cookies, hexadecimal, 64 digits, the same for all nodes of a load balancer. `shifted_zone` is the zone
    that a zonal shift moves traffic away from ("": no shift): with cross-zone load balancing no node sends any to its targets;
    without, only its own nodes reach them, and they go on."""

    generation: int
    name: str
    arn: str
    dns_name: str
    speed: float
    listeners: tuple[Listener, ...]
    target_groups: tuple[TargetGroup, ...]
    attributes: Attributes = field(default_factory=Attributes)
    cookie_key: str = ""
    shifted_zone: str = ""

    @property
    def content_hash(self) -> str:
        """Equal for documents that differ in their generation only."""
        body = to_json(self)
        del body["generation"]
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def to_json(config: LoadBalancerConfig) -> dict[str, Any]:
    """The document as JSON values."""
    body: dict[str, Any] = encode(config)
    return body


def from_json(body: Mapping[str, Any]) -> LoadBalancerConfig:
    """The inverse of `to_json`. Raises ValueError with the reason when `body` is not such a document."""
    return decode(LoadBalancerConfig, body)
