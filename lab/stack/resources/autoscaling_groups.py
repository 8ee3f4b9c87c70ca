"""AWS::AutoScaling::AutoScalingGroup.

A group is complete when as many instances as its MinSize are InService. It is deleted by scaling it to nothing first, so
that instances drain out of their target groups before they end. An update sends only what changed: a capacity
that scaling has chosen stays, unless the template's DesiredCapacity itself is another one.

Source: AWS CloudFormation resource reference, Amazon EC2 Auto Scaling.
"""

from typing import Any

from lab.stack.context import Call
from lab.stack.resources.autoscaling_hooks import SPECIFICATION, update_specifications
from lab.stack.resources.base import DONE, WAITING, Progress, ResourceType, Work, retag, words
from lab.stack.schema import (
    BOOLEAN,
    INTEGER,
    STRING,
    brief,
    fixed,
    free,
    list_of,
    map_of,
    need,
    one_of,
)  # fmt: skip

_FAILURES_THAT_END_A_CREATE = 3
_NOTHING = {"MinSize": 0, "MaxSize": 0, "DesiredCapacity": 0}
_ONE_TO_ONE = """MinSize MaxSize DesiredCapacity DefaultInstanceWarmup HealthCheckType HealthCheckGracePeriod
    LaunchTemplate AvailabilityZones TerminationPolicies NewInstancesProtectedFromScaleIn MaxInstanceLifetime
    InstanceMaintenancePolicy AvailabilityZoneDistribution InstanceLifecyclePolicy DeletionProtection"""
_DEFAULTS: dict[str, Any] = {
    "Cooldown": 300,
    "DefaultInstanceWarmup": -1,
    "HealthCheckType": "EC2",
    "HealthCheckGracePeriod": 0,
    "TerminationPolicies": ["Default"],
    "NewInstancesProtectedFromScaleIn": False,
    "MaxInstanceLifetime": 0,
    "InstanceMaintenancePolicy": {"MinHealthyPercentage": -1, "MaxHealthyPercentage": -1},
    "AvailabilityZoneDistribution": {"CapacityDistributionStrategy": "balanced-best-effort"},
    "InstanceLifecyclePolicy": {"RetentionTriggers": {"TerminateHookAbandon": "terminate"}},
    "DeletionProtection": "none",
}


def _service(work: Work, operation: str, **request: Any) -> dict[str, Any]:
    return work.call("autoscaling", operation, request)


def _renamed(members: dict[str, Any]) -> dict[str, Any]:
    """CloudFormation's names and forms as the API's: Cooldown is DefaultCooldown, subnets are one string."""
    result = dict(members)
    if "Cooldown" in result:
        result["DefaultCooldown"] = result.pop("Cooldown")
    if "VPCZoneIdentifier" in result:
        result["VPCZoneIdentifier"] = ",".join(result["VPCZoneIdentifier"])
    return result


def _group_tags(name: str, tags: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"ResourceId": name, "ResourceType": "auto-scaling-group", **tag} for tag in tags]


def _create_group(work: Work) -> str:
    name = str(work.properties.get("AutoScalingGroupName", work.name))
    given = work.some(
        f"{_ONE_TO_ONE} Cooldown VPCZoneIdentifier TargetGroupARNs TrafficSources LifecycleHookSpecificationList"
    )
    tags = _group_tags(name, work.properties.get("Tags", []))
    request = {"AutoScalingGroupName": name, **_renamed(given), **({"Tags": tags} if tags else {})}
    work.call("autoscaling", "CreateAutoScalingGroup", request)
    for collection in work.properties.get("MetricsCollection", []):
        _service(work, "EnableMetricsCollection", AutoScalingGroupName=name, **collection)
    return name


def _update_group(work: Work) -> None:
    name = work.physical_id
    changes = work.changes(f"{_ONE_TO_ONE} Cooldown VPCZoneIdentifier") | work.resets(_DEFAULTS)
    if changes:
        _service(work, "UpdateAutoScalingGroup", AutoScalingGroupName=name, **_renamed(changes))
    _update_target_groups(work, name)
    _update_metrics(work, name)
    update_specifications(work, name)
    retag(work, lambda tags: _put_tags(work, tags), lambda keys: _take_tags(work, keys))


def _put_tags(work: Work, tags: list[dict[str, Any]]) -> None:
    _service(work, "CreateOrUpdateTags", Tags=_group_tags(work.physical_id, tags))


def _take_tags(work: Work, keys: list[str]) -> None:
    _service(work, "DeleteTags", Tags=_group_tags(work.physical_id, [{"Key": key} for key in keys]))


def _attached(properties: dict[str, Any]) -> list[str]:
    """Target groups, under both of the names that CloudFormation has for them."""
    sources = [source["Identifier"] for source in properties.get("TrafficSources", [])]
    return [*properties.get("TargetGroupARNs", []), *sources]


def _update_target_groups(work: Work, name: str) -> None:
    old, new = _attached(work.previous), _attached(work.properties)
    for operation, arns in (
        ("DetachLoadBalancerTargetGroups", [arn for arn in old if arn not in new]),
        ("AttachLoadBalancerTargetGroups", [arn for arn in new if arn not in old]),
    ):
        if arns:
            _service(work, operation, AutoScalingGroupName=name, TargetGroupARNs=arns)


def _update_metrics(work: Work, name: str) -> None:
    if "MetricsCollection" not in work.changed:
        return
    if work.previous.get("MetricsCollection"):
        _service(work, "DisableMetricsCollection", AutoScalingGroupName=name)
    for collection in work.properties.get("MetricsCollection", []):
        _service(work, "EnableMetricsCollection", AutoScalingGroupName=name, **collection)


def _group(call: Call, name: str) -> dict[str, Any] | None:
    found = call("autoscaling", "DescribeAutoScalingGroups", {"AutoScalingGroupNames": [name]})["AutoScalingGroups"]
    return found[0] if found else None


def _group_stable(work: Work) -> Progress:
    group = _group(work.call, work.physical_id)
    if group is None:
        return Progress("failed", f"AutoScalingGroup {work.physical_id} does not exist")
    ready = sum(one["LifecycleState"] == "InService" for one in group.get("Instances", []))
    if ready >= group["MinSize"]:
        return DONE
    activities = _service(work, "DescribeScalingActivities", AutoScalingGroupName=work.physical_id)["Activities"]
    latest = activities[:_FAILURES_THAT_END_A_CREATE]
    failed = [one for one in latest if one["StatusCode"] == "Failed"]
    if ready == 0 and len(failed) == _FAILURES_THAT_END_A_CREATE:
        counts = f"{ready}/{group['MinSize']}/{group['DesiredCapacity']}"
        why = failed[0].get("StatusMessage", "its launches failed")
        return Progress("failed", f"Group did not stabilize. {{current/minSize/desiredCapacity}}={{{counts}}}. {why}")
    return WAITING


def _delete_group(work: Work) -> Progress:
    name = work.physical_id
    group = _group(work.call, name)
    if group is None:
        return DONE
    if any(group[member] != value for member, value in _NOTHING.items()):
        _service(work, "UpdateAutoScalingGroup", AutoScalingGroupName=name, **_NOTHING)
        return WAITING
    instances = group.get("Instances", [])
    if instances and not group.get("Status") and all(_stays(one, group) for one in instances):
        _service(work, "DeleteAutoScalingGroup", AutoScalingGroupName=name, ForceDelete=True)
    if instances or group.get("Status"):
        return WAITING
    _service(work, "DeleteAutoScalingGroup", AutoScalingGroupName=name)
    return DONE if _group(work.call, name) is None else WAITING


def _stays(instance: dict[str, Any], group: dict[str, Any]) -> bool:
    """Whether scaling in leaves it: only force takes it along."""
    state = instance["LifecycleState"]
    kept = instance["ProtectedFromScaleIn"] or any(
        process["ProcessName"] == "Terminate" for process in group["SuspendedProcesses"]
    )
    return state in ("Standby", "Terminating:Retained") or (state == "InService" and kept)


def _group_arn(call: Call, name: str, _: dict[str, Any]) -> str:
    group = _group(call, name)
    return "" if group is None else str(group["AutoScalingGroupARN"])


def _group_check(given: dict[str, Any]) -> str | None:
    if not given.keys() & {"VPCZoneIdentifier", "AvailabilityZones"}:
        return "one of VPCZoneIdentifier or AvailabilityZones is required"
    template = given.get("LaunchTemplate")
    if isinstance(template, dict) and not template.keys() & {"LaunchTemplateId", "LaunchTemplateName"}:
        return "LaunchTemplate needs LaunchTemplateId or LaunchTemplateName"
    return None


_STRATEGIES = one_of(
    "balanced-best-effort balanced-only reservations-then-balanced", "balanced-best-effort balanced-only"
)
_SOURCES = one_of("elb elbv2 vpc-lattice", "elbv2")

GROUP = ResourceType(
    "AWS::AutoScaling::AutoScalingGroup",
    {
        "AutoScalingGroupName": fixed(STRING),
        "AvailabilityZoneDistribution": free(map_of({"CapacityDistributionStrategy": _STRATEGIES})),
        "AvailabilityZones": free(list_of(STRING)),
        "Cooldown": free(INTEGER),
        "DefaultInstanceWarmup": free(INTEGER),
        "DeletionProtection": free(one_of("none prevent-force-deletion prevent-all-deletion")),
        "DesiredCapacity": free(INTEGER),
        "HealthCheckGracePeriod": free(INTEGER),
        "HealthCheckType": free(STRING),
        "InstanceLifecyclePolicy": free(
            map_of({"RetentionTriggers": map_of({"TerminateHookAbandon": one_of("retain terminate")})})
        ),
        "InstanceMaintenancePolicy": free(map_of({"MaxHealthyPercentage": INTEGER, "MinHealthyPercentage": INTEGER})),
        "LaunchTemplate": need(
            free(map_of({"LaunchTemplateId": STRING, "LaunchTemplateName": STRING, "Version": need(STRING)}))
        ),
        "LifecycleHookSpecificationList": free(list_of(SPECIFICATION)),
        "MaxInstanceLifetime": free(INTEGER),
        "MaxSize": need(free(INTEGER)),
        "MetricsCollection": free(list_of(map_of({"Granularity": need(STRING), "Metrics": list_of(STRING)}))),
        "MinSize": need(free(INTEGER)),
        "NewInstancesProtectedFromScaleIn": free(BOOLEAN),
        "Tags": free(list_of(map_of({"Key": need(STRING), "PropagateAtLaunch": need(BOOLEAN), "Value": need(STRING)}))),
        "TargetGroupARNs": free(list_of(STRING)),
        "TerminationPolicies": free(list_of(STRING)),
        "TrafficSources": free(list_of(map_of({"Identifier": need(STRING), "Type": need(_SOURCES)}))),
        "VPCZoneIdentifier": brief(list_of(STRING)),
    },
    create=_create_group,
    update=_update_group,
    stable=_group_stable,
    delete=_delete_group,
    attributes={"AutoScalingGroupARN": _group_arn},
    elsewhere=words(
        """AvailabilityZoneIds AvailabilityZoneImpairmentPolicy CapacityRebalance CapacityReservationSpecification Context
        DesiredCapacityType InstanceId LaunchConfigurationName LoadBalancerNames MixedInstancesPolicy
        NotificationConfiguration NotificationConfigurations PlacementGroup ServiceLinkedRoleARN
        SkipZonalShiftValidation"""
    ),
    check=_group_check,
)

TYPES = (GROUP,)
