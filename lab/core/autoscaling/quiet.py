"""Until when a group need not be looked at, if no row of it changes and no target of it is reported otherwise.

A look at a group at rest finds nothing to do, again and again. Whoever looks may pass over it until something changes or the
time that is told here has come. That is never too late: what is not understood here is looked at every time.
"""

from collections.abc import Iterator, Sequence

from lab.core.autoscaling.model import IN_SERVICE, AutoScalingGroup
from lab.core.autoscaling.processes import FAILING_FOR
from lab.core.autoscaling.traffic import SERVING, states
from lab.core.autoscaling.view import MemberView

LONGEST = 3600.0
"""Lab seconds after which a group is looked at in any case."""
SILENCE = 60.0
"""Lab seconds after which a group is looked at that goes by the health of targets: a node that falls silent changes what the
others' word is worth, and no report tells of it."""
DRIVEN_BY_ROWS = ("Pending", "Pending:Proceed", "Terminating:Proceed", "Terminating:Retained", "InService", "Standby")
"""States in which time alone changes nothing: the next step follows from another row."""
WAITING = ("Pending:Wait", "Terminating:Wait")
"""States that end when a hook's time is over, if not before."""


def quiet_until(group: AutoScalingGroup, views: Sequence[MemberView], now: float) -> float:
    """After a look that found nothing due; `now` when the next look may find something without any change."""
    if group.deleting or any(state != SERVING for state in states(group).values()):
        return now
    times = [now + LONGEST, *_of_group(group, now)]
    for view in views:
        times += _of_member(group, view, now)
    return max(now, min(times))


def _of_group(group: AutoScalingGroup, now: float) -> Iterator[float]:
    yield from (time for time in (group.launch_not_before, *(hold.until for hold in group.zone_holds)) if time > now)
    if group.launch_failing_since is not None:
        yield max(group.launch_failing_since + FAILING_FOR, now)
    if group.target_group_arns and group.health_check_type == "ELB":
        yield now + SILENCE


def _of_member(group: AutoScalingGroup, view: MemberView, now: float) -> Iterator[float]:
    member = view.member
    if member.state in WAITING:
        yield min((action.ends for action in member.actions if not action.result), default=now)
    elif member.state not in DRIVEN_BY_ROWS or (member.state == IN_SERVICE and _is_watched(group, view, now)):
        yield now
    if group.max_instance_lifetime is not None and not member.protected:
        yield member.launched_at + group.max_instance_lifetime


def _is_watched(group: AutoScalingGroup, view: MemberView, now: float) -> bool:
    """Something about it will be due in time: it is not well, it leaves, it warms up."""
    member = view.member
    since = now if member.in_service_at is None else member.in_service_at
    return (
        not view.serves
        or member.health != "Healthy"
        or bool(member.leaving_kind)
        or any(state in ("initial", "unhealthy") for _, state in view.targets)
        or now - since < (group.default_instance_warmup or 0.0)
    )
