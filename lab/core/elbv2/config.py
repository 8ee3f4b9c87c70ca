"""The configuration of a load balancer node: one whole, checked, versioned document.

The control plane compiles rows into a `LoadBalancerConfig` and publishes it only if `check.problems()` finds none. A node
checks it again, swaps one reference and keeps it on disk. There are no deltas: a request sees one configuration from its first
byte to its last. `generation` grows with every change; `content_hash` is equal for equal content.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


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
    """

    id: str
    port: int
    zone: str
    host: str
    dial_port: int
    draining: bool = False


@dataclass(frozen=True, slots=True)
class TargetGroup:
    arn: str
    name: str
    protocol: str
    health_check: HealthCheck
    targets: tuple[Target, ...]
    cross_zone: bool = True


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request to one of the target groups, by weight. Pairs of (target group arn, weight)."""

    target_groups: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class FixedResponse:
    status_code: int
    content_type: str = "text/plain"
    body: str = ""


Action = Forward | FixedResponse


@dataclass(frozen=True, slots=True)
class Listener:
    """A port of the load balancer (80, say). Where a node binds it on its machine is the node's own affair."""

    arn: str
    protocol: str
    port: int
    default_action: Action


@dataclass(frozen=True, slots=True)
class LoadBalancerConfig:
    """The whole document. `name` is AWS's short form `app/NAME/ID`; `speed` is lab seconds per wall second. Timeouts are
    wall seconds, as all timeouts of sockets are."""

    generation: int
    name: str
    arn: str
    dns_name: str
    speed: float
    idle_timeout: float
    client_keep_alive: float
    listeners: tuple[Listener, ...]
    target_groups: tuple[TargetGroup, ...]

    @property
    def content_hash(self) -> str:
        """Equal for documents that differ in their generation only."""
        body = to_json(self)
        del body["generation"]
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def to_json(config: LoadBalancerConfig) -> dict[str, Any]:
    """The document as JSON values. Actions carry their kind under `type`."""
    body = asdict(config)
    for listener, row in zip(config.listeners, body["listeners"], strict=True):
        row["default_action"]["type"] = _ACTION_NAMES[type(listener.default_action)]
    return body


def from_json(body: Mapping[str, Any]) -> LoadBalancerConfig:
    """The inverse of `to_json`. Raises ValueError with the reason when `body` is not such a document."""
    try:
        return LoadBalancerConfig(
            **{
                **body,
                "listeners": tuple(
                    Listener(**{**row, "default_action": _action(row["default_action"])}) for row in body["listeners"]
                ),
                "target_groups": tuple(
                    TargetGroup(
                        **{
                            **row,
                            "health_check": HealthCheck(**row["health_check"]),
                            "targets": tuple(Target(**target) for target in row["targets"]),
                        }
                    )
                    for row in body["target_groups"]
                ),
            }
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a load balancer configuration: {error}") from error


def _action(row: Mapping[str, Any]) -> Action:
    values = {key: value for key, value in row.items() if key != "type"}
    if row["type"] == "forward":
        return Forward(tuple((str(arn), int(weight)) for arn, weight in values["target_groups"]))
    if row["type"] == "fixed-response":
        return FixedResponse(**values)
    raise ValueError(f"unknown action {row['type']!r}")


_ACTION_NAMES: dict[type, str] = {Forward: "forward", FixedResponse: "fixed-response"}
