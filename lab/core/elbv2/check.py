"""Whether a configuration may be put in force. The control plane asks before it publishes one, a node before it obeys one."""

import ipaddress
from collections.abc import Iterator

from lab.core.elbv2.config import Listener, LoadBalancerConfig, Target, TargetGroup
from lab.core.elbv2.health import Matcher
from lab.core.elbv2.rules import FixedResponse, Forward

PORTS = range(1, 65536)


def problems(config: LoadBalancerConfig) -> list[str]:
    """Why the document must not be put in force, as sentences; empty when it is sound."""
    try:
        return list(_problems(config))
    except (TypeError, ValueError, AttributeError) as error:
        return [f"the document holds a value of the wrong kind: {error}"]


def _problems(config: LoadBalancerConfig) -> Iterator[str]:
    arns = [group.arn for group in config.target_groups]
    if len(set(arns)) != len(arns):
        yield "two target groups have the same ARN"
    ports = [listener.port for listener in config.listeners]
    if len(set(ports)) != len(ports):
        yield "two listeners have the same port"
    if not config.speed > 0:
        yield f"speed must be above 0, not {config.speed}"
    if not (config.attributes.idle_timeout > 0 and config.attributes.client_keep_alive > 0):
        yield "idle_timeout and client_keep_alive must be above 0"
    if not config.dns_name.isascii() or not config.dns_name.isprintable():
        yield f"{config.dns_name!r} is not a DNS name"
    for listener in config.listeners:
        yield from _listener(listener, arns)
    for group in config.target_groups:
        yield from _group(group)


def _listener(listener: Listener, arns: list[str]) -> Iterator[str]:
    if listener.port not in PORTS:
        yield f"listener {listener.arn} has port {listener.port}; ports are 1 to 65535"
    if listener.protocol != "HTTP":
        yield f"listener {listener.port} has protocol {listener.protocol}; nodes speak HTTP only"
    action = listener.default_action
    if isinstance(action, Forward):
        if not action.target_groups:
            yield f"listener {listener.arn} forwards to no target group"
        yield from (
            f"listener {listener.arn} forwards to {arn}, which the document does not hold"
            for arn, _ in action.target_groups
            if arn not in arns
        )
    if isinstance(action, FixedResponse) and not (
        200 <= action.status_code <= 599 and action.content_type.isascii() and action.content_type.isprintable()
    ):
        yield f"listener {listener.port} has a fixed response with a bad status or content type"


def _group(group: TargetGroup) -> Iterator[str]:
    check = group.health_check
    if group.protocol != "HTTP" or check.protocol != "HTTP":
        yield f"target group {group.name} does not use HTTP; nodes speak HTTP only"
    if check.interval <= 0 or check.timeout <= 0:
        yield f"target group {group.name} has a health check without interval or timeout"
    if not (check.path.startswith("/") and check.path.isascii() and check.path.isprintable()) or " " in check.path:
        yield f"target group {group.name} has the health check path {check.path!r}"
    try:
        Matcher(check.matcher)
    except ValueError as error:
        yield f"target group {group.name}: {error}"
    keys = [(target.id, target.port) for target in group.targets]
    if len(set(keys)) != len(keys):
        yield f"target group {group.name} lists a target twice"
    for target in group.targets:
        yield from _target(target)


def _target(target: Target) -> Iterator[str]:
    try:
        ipaddress.IPv4Address(target.host)
    except ValueError:
        # A name would have to be resolved in the middle of a request, which would stop all the others.
        yield f"target {target.id} has the host {target.host!r}, which is not an IPv4 address"
    if target.dial_port not in PORTS:
        yield f"target {target.id} has the port {target.dial_port}; ports are 1 to 65535"
