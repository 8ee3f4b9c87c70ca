"""The target groups of a group, under both of the names AWS has for them: load balancer target groups and traffic sources
(asg:load-balancer-status). Classic Load Balancers and VPC Lattice are not there."""

from collections.abc import Iterable
from dataclasses import replace

from lab.actions.autoscaling.groups import get_group, members_of
from lab.actions.autoscaling.paging import page
from lab.actions.autoscaling.sources import arns_of, check, check_number
from lab.actions.context import Context, Request, Response, reads
from lab.actions.elbv2.targets import deregister_targets
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.traffic import ADDING, states
from lab.core.elbv2.model import TargetGroup
from lab.core.errors import LabError, ValidationError

ATTACHED = 50
"""Target groups of one group (asg:ec2-auto-scaling-quotas)."""


@reads("AutoScalingGroupName", "TargetGroupARNs")
def attach_load_balancer_target_groups(context: Context, request: Request) -> Response:
    """Instances in service are registered with the new groups by the next look at the group."""
    attach(context, get_group(context, request["AutoScalingGroupName"]), request["TargetGroupARNs"])
    return {}


@reads("AutoScalingGroupName", "TargetGroupARNs")
def detach_load_balancer_target_groups(context: Context, request: Request) -> Response:
    detach(context, get_group(context, request["AutoScalingGroupName"]), request["TargetGroupARNs"])
    return {}


@reads("AutoScalingGroupName", "TrafficSources")
def attach_traffic_sources(context: Context, request: Request) -> Response:
    attach(context, get_group(context, request["AutoScalingGroupName"]), arns_of(request["TrafficSources"]))
    return {}


@reads("AutoScalingGroupName", "TrafficSources")
def detach_traffic_sources(context: Context, request: Request) -> Response:
    detach(context, get_group(context, request["AutoScalingGroupName"]), arns_of(request["TrafficSources"]))
    return {}


@reads("AutoScalingGroupName", "MaxRecords", "NextToken")
def describe_load_balancer_target_groups(context: Context, request: Request) -> Response:
    group = get_group(context, request["AutoScalingGroupName"])
    found = [{"LoadBalancerTargetGroupARN": arn, "State": state} for arn, state in states(group).items()]
    shown, more = page(request, found, 100, 100)
    return {"LoadBalancerTargetGroups": list(shown), **more}


@reads("AutoScalingGroupName", "TrafficSourceType", "MaxRecords", "NextToken")
def describe_traffic_sources(context: Context, request: Request) -> Response:
    group = get_group(context, request["AutoScalingGroupName"])
    kind = request.get("TrafficSourceType", "elbv2")
    if kind not in ("elb", "elbv2", "vpc-lattice"):
        raise ValidationError(f"TrafficSourceType must be elb, elbv2 or vpc-lattice, not {kind}")
    found = [
        {"Identifier": arn, "TrafficSource": arn, "Type": "elbv2", "State": state}
        for arn, state in states(group).items()
        if kind == "elbv2"
    ]
    shown, more = page(request, found, 50, 50)
    return {"TrafficSources": list(shown), **more}


def attach(context: Context, group: AutoScalingGroup, arns: Iterable[str]) -> None:
    """Attached anew, all members are registered anew."""
    added = [arn for arn in check(context, arns) if arn not in group.target_group_arns]
    attached = (*group.target_group_arns, *dict.fromkeys(added))
    if len(attached) > ATTACHED:
        raise LabError("LimitExceeded", f"An Auto Scaling group has at most {ATTACHED} target groups")
    kept = tuple((arn, state) for arn, state in group.traffic_states if arn not in added)
    adding = tuple((arn, ADDING) for arn in attached if arn in added)
    context.store.put(replace(group, target_group_arns=attached, traffic_states=(*kept, *adding)))


def detach(context: Context, group: AutoScalingGroup, arns: Iterable[str]) -> None:
    gone = check_number(arns)
    members = members_of(context, group.name)
    targets = [{"Id": member.instance_id} for member in members]
    for arn in gone:
        if arn not in group.target_group_arns:
            raise ValidationError(f"Trying to remove Target Groups that are not part of the group: {arn}")
        if targets and context.store.get(TargetGroup, arn) is not None:
            deregister_targets(context, {"TargetGroupArn": arn, "Targets": targets})
    for member in members:
        kept = tuple(arn for arn in member.target_groups if arn not in gone)
        context.store.put(replace(member, target_groups=kept))
    attached = tuple(arn for arn in group.target_group_arns if arn not in gone)
    # What was not heard of yet must be remembered until its targets have gone.
    remembered = tuple(states(group).items())
    context.store.put(replace(group, target_group_arns=attached, traffic_states=remembered))
