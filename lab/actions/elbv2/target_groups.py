"""Target groups and how their targets are probed (aws-facts §2)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, tags_of
from lab.actions.ec2.common import get_vpc
from lab.actions.elbv2.find import get_target_group, load_balancer_of, registrations_of
from lab.actions.elbv2.limits import TARGET_GROUPS
from lab.actions.elbv2.load_balancers import NAME
from lab.core.elbv2.health import Matcher
from lab.core.elbv2.model import HEALTH_CHECK_DEFAULTS, Registration, TargetGroup
from lab.core.errors import LabError

HEALTH_CHECK_RANGES = {
    "HealthCheckIntervalSeconds": (5, 300),
    "HealthCheckTimeoutSeconds": (2, 120),
    "HealthyThresholdCount": (2, 10),
    "UnhealthyThresholdCount": (2, 10),
}
SUPPORTED = {
    "Protocol": ("HTTP", "HTTPS"),
    "ProtocolVersion": ("HTTP1",),
    "TargetType": ("instance", "ip"),
    "IpAddressType": ("ipv4",),
}
"""What the lab can do, the default first."""
PATH = re.compile(r"/[\x21-\x7e]{0,1023}")


@reads("Name", "Port", "VpcId", "Tags", *SUPPORTED, *HEALTH_CHECK_DEFAULTS)
def create_target_group(context: Context, request: Request) -> Response:
    """A second request with the same settings answers with what is there."""
    name = request["Name"]
    if NAME.fullmatch(name) is None:
        raise LabError(
            "ValidationError", f"Target group name '{name}' must be 1 to 32 letters, digits and inner hyphens"
        )
    if "VpcId" not in request or "Port" not in request:
        raise LabError("ValidationError", "A target group needs VpcId and Port")
    if not 1 <= request["Port"] <= 65535:
        raise LabError("ValidationError", f"Port {request['Port']} is out of range: 1 to 65535")
    kind = {member: request.get(member, choices[0]) for member, choices in SUPPORTED.items()}
    for member, choices in SUPPORTED.items():
        if kind[member] not in choices:
            raise LabError(
                "InvalidConfigurationRequest",
                f"the lab supports {member} {' and '.join(choices)} only, not {kind[member]}",
            )
    short = f"targetgroup/{name}/{context.new_id('hex16')}"
    group = TargetGroup(
        arn=context.account.arn("elasticloadbalancing", short),
        name=name,
        short_name=short,
        protocol=kind["Protocol"],
        port=request["Port"],
        vpc_id=get_vpc(context.store, request["VpcId"]).vpc_id,
        target_type=kind["TargetType"],
        health_check=_health_check(HEALTH_CHECK_DEFAULTS, request),
        created=context.now,
        tags=tags_of(request.get("Tags")),
    )
    groups = context.store.all(TargetGroup)
    existing = next((other for other in groups if other.name == name), None)
    if existing is not None:
        if _settings(existing) == _settings(group):
            return {"TargetGroups": [_target_group(existing, context)]}
        raise LabError("DuplicateTargetGroupName", f"A target group with the name '{name}' exists with other settings")
    if len(groups) >= TARGET_GROUPS:
        raise LabError("TooManyTargetGroups", f"The maximum number of target groups ({TARGET_GROUPS}) has been reached")
    context.store.put(group)
    return {"TargetGroups": [_target_group(group, context)]}


@reads("TargetGroupArn", *HEALTH_CHECK_DEFAULTS)
def modify_target_group(context: Context, request: Request) -> Response:
    group = get_target_group(context, request["TargetGroupArn"])
    group = replace(group, health_check=_health_check(group.health_check, request))
    context.store.put(group)
    return {"TargetGroups": [_target_group(group, context)]}


@reads("TargetGroupArns", "Names", "LoadBalancerArn", "Marker", "PageSize")
def describe_target_groups(context: Context, request: Request) -> Response:
    found = context.store.all(TargetGroup)
    if arns := request.get("TargetGroupArns"):
        found = [get_target_group(context, arn) for arn in arns]
    if names := request.get("Names"):
        found = [group for group in found if group.name in names]
        if len(found) < len(names):
            raise LabError("TargetGroupNotFound", "One or more target groups not found")
    if balancer := request.get("LoadBalancerArn"):
        found = [group for group in found if load_balancer_of(context, group.arn) == balancer]
    return {"TargetGroups": [_target_group(group, context) for group in found]}


@reads("TargetGroupArn")
def delete_target_group(context: Context, request: Request) -> Response:
    group = get_target_group(context, request["TargetGroupArn"])
    if load_balancer_of(context, group.arn) is not None:
        raise LabError("ResourceInUse", f"Target group '{group.arn}' is currently in use by a listener or a rule")
    for registration in registrations_of(context, group.arn):
        context.store.delete(Registration, registration.key)
    context.store.delete(TargetGroup, group.arn)
    return {}


def _health_check(current: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """The health check with the request's members over the current ones, checked (aws-facts §2.1)."""
    merged = {name: request.get(name, value) for name, value in current.items()}
    for name, (low, high) in HEALTH_CHECK_RANGES.items():
        if not low <= merged[name] <= high:
            raise LabError("ValidationError", f"{name} must be from {low} to {high}, not {merged[name]}")
    if merged["HealthCheckTimeoutSeconds"] >= merged["HealthCheckIntervalSeconds"]:
        raise LabError("ValidationError", "Health check timeout must be smaller than the interval")
    if merged["HealthCheckProtocol"] not in SUPPORTED["Protocol"]:
        raise LabError(
            "InvalidConfigurationRequest",
            f"Health check protocol {merged['HealthCheckProtocol']} is not one of HTTP, HTTPS",
        )
    if not merged["HealthCheckEnabled"]:
        raise LabError(
            "InvalidConfigurationRequest", "Health check enabled must be true for targets that are not lambda"
        )
    port = str(merged["HealthCheckPort"])
    number = port.isascii() and port.isdecimal() and len(port) < 6
    if port != "traffic-port" and not (number and 1 <= int(port) <= 65535):
        raise LabError("ValidationError", f"Health check port '{port}' must be 'traffic-port' or a port")
    if PATH.fullmatch(merged["HealthCheckPath"]) is None:
        raise LabError("ValidationError", f"Health check path '{merged['HealthCheckPath']}' must begin with '/'")
    try:
        Matcher(merged["Matcher"].get("HttpCode", ""))
    except ValueError as error:
        raise LabError("ValidationError", f"Health check matcher: {error}") from error
    return {**merged, "HealthCheckPort": port}


def _settings(group: TargetGroup) -> tuple[Any, ...]:
    """What makes two requests for a target group the same."""
    return (group.protocol, group.port, group.vpc_id, group.target_type, group.health_check)


def _target_group(group: TargetGroup, context: Context) -> dict[str, Any]:
    balancer = load_balancer_of(context, group.arn)
    return {
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "Protocol": group.protocol,
        "ProtocolVersion": "HTTP1",
        "Port": group.port,
        "VpcId": group.vpc_id,
        "TargetType": group.target_type,
        "IpAddressType": "ipv4",
        "LoadBalancerArns": [] if balancer is None else [balancer],
        **group.health_check,
    }
