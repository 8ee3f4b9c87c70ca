"""What create and update of a group have in common: its settings, each checked (bc:autoscaling.CreateAutoScalingGroupType)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request
from lab.actions.ec2.common import get_subnet
from lab.actions.ec2.launch_templates import find_template, version_of
from lab.core.autoscaling.model import AutoScalingGroup, InstanceMaintenancePolicy, Tag
from lab.core.autoscaling.termination import POLICIES
from lab.core.autoscaling.zones import STRATEGIES
from lab.core.errors import LabError, ValidationError

LIFETIMES = (86400, 31536000)
LONGEST_WARMUP = 3600
PROTECTIONS = ("none", "prevent-force-deletion", "prevent-all-deletion")

Changes = dict[str, Any]


def changed(context: Context, group: AutoScalingGroup, request: Request) -> AutoScalingGroup:
    """The group with the settings of the request, sizes apart. Raises LabError with what is wrong."""
    changes: Changes = {}
    for member, setting in SETTINGS.items():
        if member in request:
            changes |= setting(context, request)
    if "VPCZoneIdentifier" not in request and "AvailabilityZones" in request:
        raise ValidationError("the lab has no default VPC: name the subnets of the zones in VPCZoneIdentifier")
    return replace(group, **changes)


def check_sizes(group: AutoScalingGroup) -> None:
    if group.min_size < 0 or group.max_size < group.min_size:
        raise ValidationError(
            f"Max bound, {group.max_size}, must be greater than or equal to min bound, {group.min_size}"
        )
    if not group.min_size <= group.desired_capacity <= group.max_size:
        raise ValidationError(
            f"Desired capacity:{group.desired_capacity} must be between the specified min size:{group.min_size} "
            f"and max size:{group.max_size}"
        )


def tag_of(row: Mapping[str, Any]) -> Tag:
    return Tag(row["Key"], row.get("Value", ""), row.get("PropagateAtLaunch", False))


def _launch_template(context: Context, request: Request) -> Changes:
    asked = request["LaunchTemplate"]
    template, version = find_template(context.store, asked), asked.get("Version", "$Default")
    version_of(template, version)
    return {"launch_template_id": template.launch_template_id, "launch_template_version": version}


def _subnets(context: Context, request: Request) -> Changes:
    ids = [identity.strip() for identity in request["VPCZoneIdentifier"].split(",") if identity.strip()]
    found = tuple((identity, get_subnet(context.store, identity).availability_zone) for identity in ids)
    if not found:
        raise ValidationError("At least one Availability Zone or VPC Subnet is required.")
    zones = request.get("AvailabilityZones")
    if zones is not None and set(zones) != {zone for _, zone in found}:
        raise ValidationError("The availability zones of the specified subnets and the AutoScalingGroup do not match")
    return {"subnets": found}


def _health_check(context: Context, request: Request) -> Changes:
    kinds = request["HealthCheckType"].split(",")
    for kind in kinds:
        if kind not in ("EC2", "ELB"):
            raise ValidationError(f"HealthCheckType must be EC2 or ELB, not {kind}")
    return {"health_check_type": "ELB" if "ELB" in kinds else "EC2"}


def _termination_policies(context: Context, request: Request) -> Changes:
    policies = tuple(request["TerminationPolicies"])
    for name in policies:
        if name.startswith("arn:aws:lambda:"):
            raise LabError("UnsupportedOperation", f"the lab has no Lambda functions: '{name}' cannot choose instances")
        if name not in POLICIES:
            raise ValidationError(f"'{name}' is not a termination policy: there are {', '.join(POLICIES)}")
    if "Default" in policies[:-1]:
        raise ValidationError("Default must be the last of the termination policies")
    return {"termination_policies": policies or ("Default",)}


def _warmup(context: Context, request: Request) -> Changes:
    """-1 takes it away."""
    value = request["DefaultInstanceWarmup"]
    if not -1 <= value <= LONGEST_WARMUP:
        raise ValidationError(f"DefaultInstanceWarmup must be 0 to {LONGEST_WARMUP}, or -1 to unset it, not {value}")
    return {"default_instance_warmup": None if value == -1 else float(value)}


def _lifetime(context: Context, request: Request) -> Changes:
    """0 takes it away."""
    value = request["MaxInstanceLifetime"]
    least, most = LIFETIMES
    if value != 0 and not least <= value <= most:
        raise ValidationError(f"MaxInstanceLifetime must be 0 or {least} to {most} seconds, not {value}")
    return {"max_instance_lifetime": float(value) if value else None}


def _maintenance(context: Context, request: Request) -> Changes:
    """-1 for both takes the policy away (bc:autoscaling.InstanceMaintenancePolicy)."""
    policy = request["InstanceMaintenancePolicy"]
    bounds = (policy.get("MinHealthyPercentage"), policy.get("MaxHealthyPercentage"))
    if bounds == (-1, -1):
        return {"instance_maintenance_policy": None}
    least, most = bounds
    if least is None or most is None:
        raise ValidationError("InstanceMaintenancePolicy needs both MinHealthyPercentage and MaxHealthyPercentage")
    if not 0 <= least <= 100 <= most <= 200 or most - least > 100:
        raise ValidationError(
            f"MinHealthyPercentage must be 0 to 100, MaxHealthyPercentage 100 to 200 and at most 100 more, "
            f"not {least} and {most}"
        )
    return {"instance_maintenance_policy": InstanceMaintenancePolicy(least, most)}


def _distribution(context: Context, request: Request) -> Changes:
    strategy = request["AvailabilityZoneDistribution"].get("CapacityDistributionStrategy", STRATEGIES[0])
    if strategy not in STRATEGIES:
        raise LabError("UnsupportedOperation", f"the lab distributes {' or '.join(STRATEGIES)}, not {strategy}")
    # Zones that were left alone are tried again.
    return {"capacity_distribution": strategy, "zone_holds": ()}


def _retention(context: Context, request: Request) -> Changes:
    trigger = request["InstanceLifecyclePolicy"].get("RetentionTriggers", {}).get("TerminateHookAbandon", "terminate")
    return {"retains_abandoned": _one_of("TerminateHookAbandon", trigger, ("retain", "terminate")) == "retain"}


def _deletion_protection(context: Context, request: Request) -> Changes:
    value = request["DeletionProtection"]
    return {"deletion_protection": _one_of("DeletionProtection", value, PROTECTIONS)}


def _seconds(member: str, field: str) -> Callable[[Context, Request], Changes]:
    def setting(context: Context, request: Request) -> Changes:
        value = request[member]
        if value < 0:
            raise ValidationError(f"{member} must not be negative, not {value}")
        return {field: float(value)}

    return setting


def _one_of(member: str, value: str, words: Iterable[str]) -> str:
    if value not in words:
        raise ValidationError(f"{member} must be one of {', '.join(words)}, not {value}")
    return value


SETTINGS: Mapping[str, Callable[[Context, Request], Changes]] = {
    "LaunchTemplate": _launch_template,
    "VPCZoneIdentifier": _subnets,
    "HealthCheckType": _health_check,
    "HealthCheckGracePeriod": _seconds("HealthCheckGracePeriod", "health_check_grace_period"),
    "DefaultCooldown": _seconds("DefaultCooldown", "default_cooldown"),
    "DefaultInstanceWarmup": _warmup,
    "TerminationPolicies": _termination_policies,
    "NewInstancesProtectedFromScaleIn": lambda _, request: {
        "new_instances_protected": request["NewInstancesProtectedFromScaleIn"]
    },
    "MaxInstanceLifetime": _lifetime,
    "InstanceMaintenancePolicy": _maintenance,
    "AvailabilityZoneDistribution": _distribution,
    "InstanceLifecyclePolicy": _retention,
    "DeletionProtection": _deletion_protection,
}
"""By request member, the fields of the row that it changes."""
MEMBERS = (*SETTINGS, "AvailabilityZones", "MinSize", "MaxSize", "DesiredCapacity")
"""All that create and update read of settings."""
