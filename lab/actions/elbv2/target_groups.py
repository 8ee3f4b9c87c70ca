"""Target groups, their targets, and target health (aws-facts §2, §10.2)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require, tag_list, tags_of
from lab.actions.ec2.common import get_vpc
from lab.actions.elbv2.load_balancers import NAME, changed_attributes
from lab.core.ec2.model import Instance
from lab.core.elbv2.health import Matcher
from lab.core.elbv2.model import TARGET_GROUP_ATTRIBUTES, Listener, Registration, TargetGroup
from lab.core.errors import LabError

HEALTH_CHECK_DEFAULTS: dict[str, Any] = {
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
"""aws-facts §2.1"""
HEALTH_CHECK_RANGES = {
    "HealthCheckIntervalSeconds": (5, 300),
    "HealthCheckTimeoutSeconds": (2, 120),
    "HealthyThresholdCount": (2, 10),
    "UnhealthyThresholdCount": (2, 10),
}
IN_FORCE = {"deregistration_delay.timeout_seconds"}
RANGES = {"deregistration_delay.timeout_seconds": (0, 3600)}
PATH = re.compile(r"/[\x21-\x7e]{0,1023}")


@reads(
    "Name",
    "Protocol",
    "Port",
    "VpcId",
    "ProtocolVersion",
    "TargetType",
    "IpAddressType",
    "Tags",
    *HEALTH_CHECK_DEFAULTS,
)
def create_target_group(context: Context, request: Request) -> Response:
    name = request["Name"]
    if NAME.fullmatch(name) is None:
        raise LabError(
            "ValidationError", f"Target group name '{name}' must be 1 to 32 letters, digits and inner hyphens"
        )
    if "VpcId" not in request or "Port" not in request:
        raise LabError("ValidationError", "A target group needs VpcId and Port")
    if not 1 <= request["Port"] <= 65535:
        raise LabError("ValidationError", f"Port {request['Port']} is out of range: 1 to 65535")
    plain = {"Protocol": "HTTP", "ProtocolVersion": "HTTP1", "TargetType": "instance", "IpAddressType": "ipv4"}
    for member, only in plain.items():
        if request.get(member, only) != only:
            raise LabError(
                "InvalidConfigurationRequest", f"the lab supports {member} {only} only, not {request[member]}"
            )
    vpc = get_vpc(context.store, request["VpcId"])
    health_check = _health_check(HEALTH_CHECK_DEFAULTS, request)
    existing = next((group for group in context.store.all(TargetGroup) if group.name == name), None)
    if existing is not None:
        if (existing.port, existing.vpc_id, existing.health_check) == (request["Port"], vpc.vpc_id, health_check):
            return {"TargetGroups": [_target_group(existing, context)]}
        raise LabError("DuplicateTargetGroupName", f"A target group with the name '{name}' exists with other settings")
    short = f"targetgroup/{name}/{context.new_id('hex16')}"
    group = TargetGroup(
        arn=context.account.arn("elasticloadbalancing", short),
        name=name,
        short_name=short,
        protocol="HTTP",
        port=request["Port"],
        vpc_id=vpc.vpc_id,
        target_type="instance",
        health_check=health_check,
        created=context.now,
        attributes=dict(TARGET_GROUP_ATTRIBUTES),
        tags=tags_of(request.get("Tags")),
    )
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
        found = [group for group in found if balancer in load_balancers_of(context, group.arn)]
    return {"TargetGroups": [_target_group(group, context) for group in found]}


@reads("TargetGroupArn")
def delete_target_group(context: Context, request: Request) -> Response:
    group = get_target_group(context, request["TargetGroupArn"])
    if load_balancers_of(context, group.arn):
        raise LabError("ResourceInUse", f"Target group '{group.arn}' is currently in use by a listener or a rule")
    for registration in registrations_of(context, group.arn):
        context.store.delete(Registration, registration.key)
    context.store.delete(TargetGroup, group.arn)
    return {}


@reads("TargetGroupArn", "Attributes")
def modify_target_group_attributes(context: Context, request: Request) -> Response:
    group = get_target_group(context, request["TargetGroupArn"])
    attributes = changed_attributes(group.attributes, request["Attributes"], TARGET_GROUP_ATTRIBUTES, IN_FORCE, RANGES)
    context.store.put(replace(group, attributes=attributes))
    return {"Attributes": tag_list(attributes)}


@reads("TargetGroupArn")
def describe_target_group_attributes(context: Context, request: Request) -> Response:
    return {"Attributes": tag_list(get_target_group(context, request["TargetGroupArn"]).attributes)}


@reads("TargetGroupArn", "Targets")
def register_targets(context: Context, request: Request) -> Response:
    """Instances must run and be of the group's VPC (InvalidTarget otherwise). Registering again ends a draining."""
    group = get_target_group(context, request["TargetGroupArn"])
    for target in request["Targets"]:
        instance = context.store.get(Instance, target["Id"])
        if instance is None:
            raise LabError("InvalidTarget", f"The following targets are invalid: '{target['Id']}' does not exist")
        if instance.state != "running" or instance.vpc_id != group.vpc_id:
            raise LabError(
                "InvalidTarget",
                f"The following targets are not in a running state and cannot be registered: '{target['Id']}'"
                if instance.state != "running"
                else f"The target '{target['Id']}' is not of VPC '{group.vpc_id}'",
            )
        registration = Registration(group.arn, target["Id"], target.get("Port", group.port), context.now)
        known = context.store.get(Registration, registration.key)
        if known is None or known.deregistered_at is not None:
            context.store.put(registration)
    return {}


@reads("TargetGroupArn", "Targets")
def deregister_targets(context: Context, request: Request) -> Response:
    """New requests stop; those in flight have the deregistration delay. Targets that are not registered are passed over."""
    group = get_target_group(context, request["TargetGroupArn"])
    for target in request["Targets"]:
        for registration in registrations_of(context, group.arn):
            same = registration.target_id == target["Id"] and target.get("Port", registration.port) == registration.port
            if same and registration.deregistered_at is None:
                context.store.put(replace(registration, deregistered_at=context.now))
    return {}


@reads("TargetGroupArn", "Targets", "Include")
def describe_target_health(context: Context, request: Request) -> Response:
    group = get_target_group(context, request["TargetGroupArn"])
    found = registrations_of(context, group.arn)
    asked = request.get("Targets")
    if asked is None:
        return {"TargetHealthDescriptions": [_health(registration, group, context) for registration in found]}
    answers = []
    for target in asked:
        match = [r for r in found if r.target_id == target["Id"] and target.get("Port", r.port) == r.port]
        answers += [_health(registration, group, context) for registration in match] or [_unregistered(target, group)]
    return {"TargetHealthDescriptions": answers}


def get_target_group(context: Context, arn: str) -> TargetGroup:
    return require(context.store, TargetGroup, arn, "TargetGroupNotFound", f"Target group '{arn}' not found")


def registrations_of(context: Context, arn: str) -> list[Registration]:
    return [row for row in context.store.all(Registration) if row.target_group_arn == arn]


def load_balancers_of(context: Context, arn: str) -> list[str]:
    """The load balancers whose listeners forward to the target group."""
    found = (
        listener.load_balancer_arn
        for listener in context.store.all(Listener)
        if arn in forwarded_to(listener.default_actions)
    )
    return list(dict.fromkeys(found))


def forwarded_to(actions: Iterable[Mapping[str, Any]]) -> list[str]:
    """The target groups that a list of actions forwards to."""
    return [
        group["TargetGroupArn"]
        for action in actions
        if action["Type"] == "forward"
        for group in action["ForwardConfig"]["TargetGroups"]
    ]


def _health_check(current: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """The health check with the request's members over the current ones, checked (aws-facts §2.1)."""
    merged = {name: request.get(name, value) for name, value in current.items()}
    for name, (low, high) in HEALTH_CHECK_RANGES.items():
        if not low <= merged[name] <= high:
            raise LabError("ValidationError", f"{name} must be from {low} to {high}, not {merged[name]}")
    if merged["HealthCheckTimeoutSeconds"] >= merged["HealthCheckIntervalSeconds"]:
        raise LabError("ValidationError", "Health check timeout must be smaller than the interval")
    if merged["HealthCheckProtocol"] != "HTTP":
        raise LabError("InvalidConfigurationRequest", "the lab supports HealthCheckProtocol HTTP only")
    if not merged["HealthCheckEnabled"]:
        raise LabError("InvalidConfigurationRequest", "Health check enabled must be true for target type instance")
    port = str(merged["HealthCheckPort"])
    if port != "traffic-port" and not (port.isdecimal() and 1 <= int(port) <= 65535):
        raise LabError("ValidationError", f"Health check port '{port}' must be 'traffic-port' or a port")
    if PATH.fullmatch(merged["HealthCheckPath"]) is None:
        raise LabError("ValidationError", f"Health check path '{merged['HealthCheckPath']}' must begin with '/'")
    try:
        Matcher(merged["Matcher"].get("HttpCode", ""))
    except ValueError as error:
        raise LabError("ValidationError", f"Health check matcher: {error}") from error
    return {**merged, "HealthCheckPort": port}


def _target_group(group: TargetGroup, context: Context) -> dict[str, Any]:
    return {
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "Protocol": group.protocol,
        "ProtocolVersion": "HTTP1",
        "Port": group.port,
        "VpcId": group.vpc_id,
        "TargetType": group.target_type,
        "IpAddressType": "ipv4",
        "LoadBalancerArns": load_balancers_of(context, group.arn),
        **group.health_check,
    }


def _health(registration: Registration, group: TargetGroup, context: Context) -> dict[str, Any]:
    state, reason, description = context.target_health(registration.key)
    return _described(registration.target_id, registration.port, group, state, reason, description)


def _unregistered(target: Mapping[str, Any], group: TargetGroup) -> dict[str, Any]:
    text = "Target is not registered to the target group"
    return _described(target["Id"], target.get("Port", group.port), group, "unused", "Target.NotRegistered", text)


def _described(
    identity: str, port: int, group: TargetGroup, state: str, reason: str, description: str
) -> dict[str, Any]:
    check = group.health_check["HealthCheckPort"]
    return {
        "Target": {"Id": identity, "Port": port},
        "HealthCheckPort": str(port) if check == "traffic-port" else check,
        "TargetHealth": {
            "State": state,
            **({"Reason": reason} if reason else {}),
            **({"Description": description} if description else {}),
        },
        "AdministrativeOverride": {
            "State": "no_override",
            "Reason": "AdministrativeOverride.NoOverride",
            "Description": "No override is currently active on target",
        },
    }
