"""ExecutePolicy: a step or simple policy at a user's word (aws-facts §4.3; bc:autoscaling.ExecutePolicyType)."""

from dataclasses import replace

from lab.actions.autoscaling.cooldowns import check_cooldown
from lab.actions.autoscaling.decisions import carry_out
from lab.actions.autoscaling.groups import get_group, members_of
from lab.actions.autoscaling.policies import find_policy
from lab.actions.context import Context, Request, Response, reads
from lab.core.autoscaling import causes, simple, step
from lab.core.autoscaling.available import capacity_of
from lab.core.autoscaling.combine import Others, decide
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.policy import SIMPLE, STEP, USER, ScalingPolicy, warmup
from lab.core.autoscaling.wish import Breach, Wish
from lab.core.errors import ValidationError


@reads("AutoScalingGroupName", "PolicyName", "HonorCooldown", "MetricValue", "BreachThreshold")
def execute_policy(context: Context, request: Request) -> Response:
    """What the policy alone would do now, within the group's bounds."""
    policy = find_policy(context, request.get("AutoScalingGroupName"), request["PolicyName"])
    group = get_group(context, policy.group)
    if not policy.enabled:
        raise ValidationError(f"The policy {policy.name} is disabled; enable it with PutScalingPolicy")
    wish = _wish(context, group, policy, request)
    if wish.failure:
        raise ValidationError(wish.failure)
    decision = decide(group, wish, Others(), context.now, context.new_id("uuid"), USER).decision
    cause = causes.policy_executed(context.now, policy.name, group.desired_capacity, decision.desired)
    carry_out(context.store, group, decision, cause)
    return {}


def _wish(context: Context, group: AutoScalingGroup, policy: ScalingPolicy, request: Request) -> Wish:
    value, threshold = request.get("MetricValue"), request.get("BreachThreshold")
    if policy.policy_type == STEP:
        if value is None or threshold is None:
            raise ValidationError("MetricValue and BreachThreshold must be specified for a StepScaling policy")
        if request.get("HonorCooldown", False):
            raise ValidationError("HonorCooldown is not supported for a StepScaling policy")
        capacity = capacity_of(members_of(context, group.name), warmup(policy, group), context.now)
        breach = Breach("", "", float(threshold), (float(value),), above=True)
        wish = step.wish(policy, group, breach, capacity)
        # At the threshold itself a policy for values below it is meant when there is no step for those above.
        return step.wish(policy, group, replace(breach, above=False), capacity) if wish.failure else wish
    if policy.policy_type != SIMPLE:
        raise ValidationError(f"A policy of type {policy.policy_type} cannot be executed: it acts on its own")
    if value is not None or threshold is not None:
        raise ValidationError("MetricValue and BreachThreshold are not supported for a SimpleScaling policy")
    if request.get("HonorCooldown", False):
        check_cooldown(context, group, simple.cooldown_of(policy, group))
    return simple.wish(policy, group, Breach("", "", 0.0, (), above=True), "")
