"""The attachment of target groups (asg:load-balancer-status).

    Adding ──every member in service registered──▶ Added ──one of them healthy──▶ InService
    any of them ──detached──▶ Removing ──nothing registered any more──▶ Removed (forgotten)

Only an attachment that is InService can make a member unhealthy: a health check that never passed says nothing about them.
"""

from collections.abc import Iterator, Sequence

from lab.core.autoscaling.model import IN_SERVICE, AutoScalingGroup
from lab.core.autoscaling.steps import MoveTrafficSource
from lab.core.autoscaling.view import MemberView

ADDING, ADDED, SERVING, REMOVING, REMOVED = "Adding", "Added", "InService", "Removing", "Removed"


def states(group: AutoScalingGroup) -> dict[str, str]:
    """The state of each target group that is attached, or is being detached."""
    known = dict(group.traffic_states)
    attached = {arn: known.get(arn, ADDING) for arn in group.target_group_arns}
    return attached | {arn: REMOVING for arn in known if arn not in attached}


def moves(group: AutoScalingGroup, views: Sequence[MemberView]) -> Iterator[MoveTrafficSource]:
    for arn, state in states(group).items():
        health = [target for view in views for source, target in view.targets if source == arn]
        if state == ADDING and all(
            arn in view.member.target_groups for view in views if view.member.state == IN_SERVICE and view.serves
        ):
            yield MoveTrafficSource(arn, ADDED)
        elif state == ADDED and "healthy" in health:
            yield MoveTrafficSource(arn, SERVING)
        elif state == REMOVING and not health:
            yield MoveTrafficSource(arn, REMOVED)


def moved(group: AutoScalingGroup, step: MoveTrafficSource) -> tuple[tuple[str, str], ...]:
    """The new `traffic_states`."""
    changed = {arn: state for arn, state in states(group).items() if state != ADDING} | {step.identifier: step.state}
    return tuple((arn, state) for arn, state in changed.items() if state != REMOVED)
