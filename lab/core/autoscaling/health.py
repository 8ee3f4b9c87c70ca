"""Which members are unhealthy, and why (aws-facts §3.4; asg:health-checks-overview).

An instance that is not running is unhealthy at once, also in its grace period. A target that the load balancer calls
unhealthy counts only with HealthCheckType ELB and after the grace period, which starts at InService. What a user calls
unhealthy is.
"""

from collections.abc import Iterator, Sequence

from lab.core.autoscaling import causes
from lab.core.autoscaling.model import IN_SERVICE, UNHEALTHY, AutoScalingGroup
from lab.core.autoscaling.needs import Need
from lab.core.autoscaling.steps import Kind
from lab.core.autoscaling.view import MemberView


def unhealthy(group: AutoScalingGroup, views: Sequence[MemberView], now: float) -> Iterator[Need]:
    """Those that do not run and those that a user called unhealthy are replaced without waiting for others."""
    for view in views:
        member = view.member
        if member.state != IN_SERVICE:
            continue
        if view.instance_state != "running":
            yield Need(view.id, Kind.UNHEALTHY, causes.EC2_UNHEALTHY, at_once=True, dead=True)
        elif member.health == UNHEALTHY:
            text = member.unhealthy_cause or causes.USER_UNHEALTHY
            at_once = text == causes.USER_UNHEALTHY and group.instance_maintenance_policy is None
            yield Need(view.id, Kind.UNHEALTHY, text, at_once=at_once)
        elif _answers_badly(group, view, now):
            yield Need(view.id, Kind.UNHEALTHY, causes.ELB_UNHEALTHY)


def _answers_badly(group: AutoScalingGroup, view: MemberView, now: float) -> bool:
    since = view.member.in_service_at
    return (
        group.health_check_type == "ELB"
        and since is not None
        and now - since >= group.health_check_grace_period
        and "unhealthy" in view.target_states
    )
