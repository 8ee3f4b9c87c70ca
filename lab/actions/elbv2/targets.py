"""The targets of a target group and their health (aws-facts §2, §10.2).

An address is registered by itself, without anything that stands behind it; an instance must run, in the group's VPC.
"""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any

from lab.actions.context import Context, Request, Response, reads
from lab.actions.elbv2.find import get_target_group, groups_of, load_balancer_of, registrations_of
from lab.actions.elbv2.limits import TARGETS
from lab.core.arc_zonal_shift import ZonalShift, active_shift
from lab.core.ec2.model import Instance, Subnet
from lab.core.elbv2.model import LoadBalancer, Registration, TargetGroup
from lab.core.elbv2.target_health import UNREGISTERED, Health
from lab.core.errors import LabError

PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")))
"""Where an address outside the VPC may be (bc:elbv2.CreateTargetGroupInput)."""

Place = dict[str, Any]
"""The members of a registration that tell where an address is."""


@reads("TargetGroupArn", "Targets")
def register_targets(context: Context, request: Request) -> Response:
    """Registering an instance again ends its draining; registering an address again gives it its zone anew. Raises
    InvalidTarget, TooManyTargets."""
    group = get_target_group(context, request["TargetGroupArn"])
    for target in request["Targets"]:
        port = target.get("Port", group.port)
        if not 1 <= port <= 65535:
            raise LabError("ValidationError", f"Port {port} is out of range: 1 to 65535")
        place = _address(context, target, group) if group.target_type == "ip" else _instance(context, target, group)
        registration = Registration(group.arn, target["Id"], port, context.now, **place)
        known = context.store.get(Registration, registration.key)
        if known is not None and known.deregistered_at is not None and group.target_type == "ip":
            raise LabError(
                "InvalidTarget", f"The target '{target['Id']}' is draining; register it again once it is no more"
            )
        if known is None or known.deregistered_at is not None:
            context.store.put(registration)
        elif place and known.availability_zone != registration.availability_zone:
            context.store.put(replace(known, **place))
    _check_numbers(context, group)
    return {}


@reads("TargetGroupArn", "Targets")
def deregister_targets(context: Context, request: Request) -> Response:
    """New requests stop; those in flight have the deregistration delay. Targets that are not registered are passed over."""
    group = get_target_group(context, request["TargetGroupArn"])
    for target in request["Targets"]:
        for registration in registrations_of(context, group.arn):
            if _is_named(registration, target) and registration.deregistered_at is None:
                context.store.put(replace(registration, deregistered_at=context.now))
    return {}


@reads("TargetGroupArn", "Targets", "Include")
def describe_target_health(context: Context, request: Request) -> Response:
    """All targets, or those named; what is named and not registered is `unused`. Include adds the anomalies."""
    group = get_target_group(context, request["TargetGroupArn"])
    unknown = sorted(set(request.get("Include", ())) - {"AnomalyDetection", "All"})
    if unknown:
        raise LabError("ValidationError", f"Include is AnomalyDetection or All, not {', '.join(unknown)}")
    found = registrations_of(context, group.arn)
    anomalies = bool(request.get("Include"))
    if "Targets" not in request:
        return {"TargetHealthDescriptions": [_registered(row, group, context, anomalies=anomalies) for row in found]}
    answers = []
    for target in request["Targets"]:
        named = [row for row in found if _is_named(row, target)]
        answers += [_registered(row, group, context, anomalies=anomalies) for row in named] or [_unknown(target, group)]
    return {"TargetHealthDescriptions": answers}


def _is_named(registration: Registration, target: Mapping[str, Any]) -> bool:
    port: int = target.get("Port", registration.port)
    return registration.target_id == target["Id"] and port == registration.port


def _instance(context: Context, target: Mapping[str, Any], group: TargetGroup) -> Place:
    """The instance can be a target. Where it is, its own row tells."""
    if "AvailabilityZone" in target:
        raise LabError("ValidationError", "AvailabilityZone is for targets of type ip: an instance has its own zone")
    instance = context.store.get(Instance, target["Id"])
    if instance is None:
        raise LabError("InvalidTarget", f"The following targets are invalid: '{target['Id']}' does not exist")
    if instance.state != "running":
        raise LabError(
            "InvalidTarget",
            f"The following targets are not in a running state and cannot be registered: '{target['Id']}'",
        )
    if instance.vpc_id != group.vpc_id:
        raise LabError("InvalidTarget", f"The target '{target['Id']}' is not of VPC '{group.vpc_id}'")
    return {}


def _address(context: Context, target: Mapping[str, Any], group: TargetGroup) -> Place:
    """The zone of an address, or "all": that of its subnet; outside the VPC, the one that is given."""
    try:
        address = IPv4Address(target["Id"])
    except AddressValueError as error:
        raise LabError("InvalidTarget", f"The target '{target['Id']}' is not a valid IPv4 address") from error
    given = target.get("AvailabilityZone")
    if given not in (None, "all", *context.account.zones):
        raise LabError("ValidationError", f"'{given}' is not a valid Availability Zone")
    for subnet in context.store.all(Subnet):
        if subnet.vpc_id == group.vpc_id and address in IPv4Network(subnet.cidr_block):
            if given not in (None, "all", subnet.availability_zone):
                raise LabError(
                    "InvalidTarget", f"The target '{address}' is in zone {subnet.availability_zone}, not {given}"
                )
            return {"availability_zone": given or subnet.availability_zone}
    if not any(address in network for network in PRIVATE):
        raise LabError(
            "InvalidTarget",
            f"The target '{address}' must be in a subnet of VPC '{group.vpc_id}' or in one of {', '.join(map(str, PRIVATE))}",
        )
    if given is None:
        raise LabError(
            "ValidationError",
            f"The target '{address}' is outside the subnets of VPC '{group.vpc_id}': "
            "give its AvailabilityZone, 'all' or one zone",
        )
    return {"availability_zone": given, "outside": True}


def _check_numbers(context: Context, group: TargetGroup) -> None:
    """AWS's quotas, after the fact: an error takes the whole request back."""
    if len(registrations_of(context, group.arn)) > TARGETS:
        raise LabError("TooManyTargets", f"A target group has at most {TARGETS} targets")
    balancer = load_balancer_of(context, group.arn)
    if balancer is None:
        return
    if sum(len(registrations_of(context, arn)) for arn in groups_of(context, balancer)) > TARGETS:
        raise LabError("TooManyTargets", f"A load balancer has at most {TARGETS} targets")


def _registered(registration: Registration, group: TargetGroup, context: Context, *, anomalies: bool) -> dict[str, Any]:
    health = context.target_health(registration.key)
    zone = {"AvailabilityZone": registration.availability_zone} if registration.availability_zone else {}
    target = {"Id": registration.target_id, "Port": registration.port, **zone}
    found = {
        "Result": "anomalous" if health.anomalous else "normal",
        "MitigationInEffect": "yes" if health.mitigated else "no",
    }
    override = OVERRIDES[_override(registration, group, context)]
    return {**_described(target, group, health, override), **({"AnomalyDetection": found} if anomalies else {})}


def _unknown(target: Mapping[str, Any], group: TargetGroup) -> dict[str, Any]:
    asked = {"Id": target["Id"], "Port": target.get("Port", group.port)}
    return _described(asked, group, UNREGISTERED, OVERRIDES["no_override"])


def _described(
    target: Mapping[str, Any], group: TargetGroup, health: Health, override: Mapping[str, str]
) -> dict[str, Any]:
    check = group.health_check["HealthCheckPort"]
    return {
        "Target": dict(target),
        "HealthCheckPort": str(target["Port"]) if check == "traffic-port" else check,
        "TargetHealth": {
            "State": health.state,
            **({"Reason": health.reason} if health.reason else {}),
            **({"Description": health.description} if health.description else {}),
        },
        "AdministrativeOverride": dict(override),
    }


OVERRIDES = {
    state: {"State": state, "Reason": f"AdministrativeOverride.{reason}", "Description": description}
    for state, reason, description in (
        ("no_override", "NoOverride", "No override is currently active on target"),
        ("zonal_shift_active", "ZonalShiftActive", "Zonal shift is currently active on target"),
        (
            "zonal_shift_delegated_to_dns",
            "ZonalShiftDelegatedToDns",
            "Zonal shift is currently active on the load balancer in DNS, as cross-zone load balancing is off",
        ),
    )
}
"""AWS publishes the first description only."""


def _override(registration: Registration, group: TargetGroup, context: Context) -> str:
    """What a zonal shift does to the target (alb:zonal-shift): with cross-zone load balancing off it is a matter of DNS."""
    arn = load_balancer_of(context, group.arn)
    balancer = None if arn is None else context.store.get(LoadBalancer, arn)
    if balancer is None or not balancer.shifts_zones:
        return "no_override"
    shift = active_shift(context.store.all(ZonalShift), balancer.arn, context.now)
    instance = context.store.get(Instance, registration.target_id)
    zone = instance.availability_zone if instance is not None else registration.zone_in(group)
    if shift is None or shift.zone != zone:
        return "no_override"
    return "zonal_shift_active" if group.cross_zone else "zonal_shift_delegated_to_dns"
