"""Which members are unhealthy, and why (aws-facts §3.4; asg:health-checks-overview).

An instance that is not running is unhealthy at once, also in its grace period. A target that the load balancer calls
unhealthy counts only with HealthCheckType ELB, after the grace period, which starts at InService, and once the attachment
of its target group is InService. What a user calls unhealthy is. While HealthCheck is suspended, only that counts.
"""

from collections.abc import Iterator, Sequence

from lab.core.autoscaling import causes
from lab.core.autoscaling.model import IN_SERVICE, UNHEALTHY, AutoScalingGroup
from lab.core.autoscaling.needs import Need
from lab.core.autoscaling.steps import Kind
from lab.core.autoscaling.traffic import SERVING
from lab.core.autoscaling.view import MemberView


def unhealthy(group: AutoScalingGroup, views: Sequence[MemberView], now: float) -> Iterator[Need]:
    """Those that do not run and those that a user called unhealthy are replaced without waiting for others."""
    checks = group.runs("HealthCheck")
    for view in views:
        member = view.member
        if member.state != IN_SERVICE:
            continue
        if view.instance_state != "running" and checks:
            yield Need(view.id, Kind.UNHEALTHY, causes.EC2_UNHEALTHY, at_once=True)
        elif member.health == UNHEALTHY:
            text = member.unhealthy_cause or causes.USER_UNHEALTHY
            at_once = text == causes.EC2_UNHEALTHY or (
                text == causes.USER_UNHEALTHY and group.instance_maintenance_policy is None
            )
            yield Need(view.id, Kind.UNHEALTHY, text, at_once=at_once)
        elif checks and _answers_badly(group, view, now):
            yield Need(view.id, Kind.UNHEALTHY, causes.ELB_UNHEALTHY)


def _answers_badly(group: AutoScalingGroup, view: MemberView, now: float) -> bool:
    since = view.member.in_service_at
    serving = {arn for arn, state in group.traffic_states if state == SERVING}
    return (
        group.health_check_type == "ELB"
        and since is not None
        and now - since >= group.health_check_grace_period
        and any(state == "unhealthy" and arn in serving for arn, state in view.targets)
    )
