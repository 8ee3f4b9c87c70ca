"""One look at a group: what is to be done now, as values (aws-facts §3.2, §3.4, §3.5, §3.6).

Level-triggered: `plan` sees the group as it is and says every step that is due, whatever happened before. The steps are
carried out as one change of rows; whoever starts and stops machines finds out from the rows.

    Pending ──instance runs, registered with the target groups──▶ InService
       │                                                             │ unhealthy, or one too many
       │ launch failed                                               ▼
       └───────────────▶ (gone) ◀──instance terminated── Terminating (deregistered, drained, then terminated)

Rules kept here:
* Health: an instance that is not running is unhealthy at once, also in its grace period. A target that the load balancer
  calls unhealthy counts only with HealthCheckType ELB and after the grace period, which starts at InService.
* Replacement: terminate and launch at the same time. Instances that do not run go at once; those that only answer badly go
  at most 10 % of the desired capacity (at least one) at a time.
* Capacity: Pending and InService count. Launches go to the zone with the fewest instances; a failed launch holds the next
  one back, twice as long each time.
* Terminating waits for connection draining unless the instance is dead already.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.core.autoscaling import causes
from lab.core.autoscaling.model import (
    IN_SERVICE,
    PENDING,
    TERMINATING,
    UNHEALTHY,
    AutoScalingGroup,
    Member,
)
from lab.core.autoscaling.termination import victim

UNHEALTHY_SHARE = 0.1
DEAD = ("stopped", "terminated", "")
"""EC2 states of an instance that will not run again; a pending member's launch has failed then."""


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member with what others know of it: the EC2 state of its instance ("" when it has no row any more), the state
    reason, the target health in each of the group's target groups, and whether its connections have drained."""

    member: Member
    instance_state: str
    state_reason: str = ""
    target_states: tuple[str, ...] = ()
    drained: bool = False


@dataclass(frozen=True, slots=True)
class EnterService:
    """Register with the target groups; Pending → InService."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class LaunchFailed:
    """The instance did not live to be in service: terminate what is left, forget it, and hold back the next launch."""

    instance_id: str
    why: str


@dataclass(frozen=True, slots=True)
class BeginTermination:
    """→ Terminating: deregister, and terminate at once if `dead`. `unhealthy` tells a replacement from scaling in."""

    instance_id: str
    cause: str
    unhealthy: bool
    dead: bool


@dataclass(frozen=True, slots=True)
class TerminateInstance:
    """Drained: EC2 may have it."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class Forget:
    """The instance is terminated: it leaves the group."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class Launch:
    """A new instance in a subnet. `replaces` is the unhealthy member it stands in for, "" when it adds capacity."""

    subnet_id: str
    zone: str
    cause: str
    replaces: str = ""


Step = EnterService | LaunchFailed | BeginTermination | TerminateInstance | Forget | Launch


def plan(group: AutoScalingGroup, views: Sequence[MemberView], now: float) -> tuple[Step, ...]:
    """The steps that are due, in the order in which they must be taken."""
    progress = tuple(_progress(views))
    leaving = tuple(_unhealthy(group, views, now))
    gone = {step.instance_id for step in leaving}
    # A launch that has just failed holds the next one back, from the next look on by the group's row.
    may_launch = now >= group.launch_not_before and not any(isinstance(step, LaunchFailed) for step in progress)
    return (
        *progress,
        *leaving,
        *_capacity(group, views, gone, now, may_launch=may_launch),
    )


def _progress(views: Sequence[MemberView]) -> Iterator[Step]:
    """Members that have come one state further."""
    for view in views:
        identity = view.member.instance_id
        match view.member.state, view.instance_state:
            case "Pending", "running":
                yield EnterService(identity)
            case "Pending", state if state in DEAD:
                yield LaunchFailed(identity, view.state_reason)
            case "Terminating", "terminated" | "":
                yield Forget(identity)
            case "Terminating", "running" | "stopped" if view.drained or view.instance_state == "stopped":
                yield TerminateInstance(identity)


def _unhealthy(group: AutoScalingGroup, views: Sequence[MemberView], now: float) -> Iterator[BeginTermination]:
    """Members in service that must be replaced."""
    busy = sum(1 for view in views if view.member.state == PENDING or _answers_badly_and_leaves(view))
    allowed = max(1, int(group.desired_capacity * UNHEALTHY_SHARE)) - busy
    for view in views:
        member = view.member
        if member.state != IN_SERVICE:
            continue
        if view.instance_state != "running":
            yield _begin(member, causes.EC2_UNHEALTHY, now, dead=True)
        elif member.health == UNHEALTHY:
            yield _begin(member, member.unhealthy_cause or causes.USER_UNHEALTHY, now, dead=False)
        elif _answers_badly(group, view, now) and allowed > 0:
            allowed -= 1
            yield _begin(member, causes.ELB_UNHEALTHY, now, dead=False)


def _begin(member: Member, text: str, now: float, *, dead: bool) -> BeginTermination:
    return BeginTermination(member.instance_id, causes.at(now, text), unhealthy=True, dead=dead)


def _answers_badly(group: AutoScalingGroup, view: MemberView, now: float) -> bool:
    member = view.member
    return (
        group.health_check_type == "ELB"
        and member.in_service_at is not None
        and now - member.in_service_at >= group.health_check_grace_period
        and "unhealthy" in view.target_states
    )


def _answers_badly_and_leaves(view: MemberView) -> bool:
    return view.member.state == TERMINATING and causes.ELB_UNHEALTHY in view.member.unhealthy_cause


def _capacity(
    group: AutoScalingGroup, views: Sequence[MemberView], gone: set[str], now: float, *, may_launch: bool
) -> Iterator[Step]:
    """Launches or terminations that bring the number of instances to the desired capacity."""
    members = [view.member for view in views]
    alive = [
        view.member
        for view in views
        if view.member.state in (PENDING, IN_SERVICE)
        and view.member.instance_id not in gone
        and not (view.member.state == PENDING and view.instance_state in DEAD)
    ]
    count = len(alive)
    if count < group.desired_capacity:
        if may_launch:
            owed = [member.instance_id for member in members if member.instance_id in gone or _is_owed(member)]
            yield from _launches(group, alive, owed, now)
        return
    while count > group.desired_capacity:
        chosen = victim(alive, group, now)
        if chosen is None:
            return
        sentence = causes.at(now, causes.DIFFERENCE_TERMINATE.format(old=count, new=count - 1))
        cause = causes.joined((group.capacity_cause, sentence, causes.selected(now, chosen.instance_id)))
        yield BeginTermination(chosen.instance_id, cause, unhealthy=False, dead=False)
        alive.remove(chosen)
        count -= 1


def _is_owed(member: Member) -> bool:
    return member.state == TERMINATING and bool(member.unhealthy_cause) and not member.replaced


def _launches(group: AutoScalingGroup, alive: Sequence[Member], owed: Sequence[str], now: float) -> Iterator[Launch]:
    sizes = Counter(dict.fromkeys(group.zones, 0))
    sizes.update(member.zone for member in alive if member.zone in sizes)
    count = len(alive)
    replaced = iter(owed)
    while count < group.desired_capacity:
        subnet_id, zone = min(group.subnets, key=lambda place: sizes[place[1]])
        replaces = next(replaced, "")
        if replaces:
            cause = causes.at(now, causes.REPLACEMENT)
        else:
            sentence = causes.at(now, causes.DIFFERENCE_LAUNCH.format(old=count, new=count + 1))
            cause = causes.joined((group.capacity_cause, sentence))
        yield Launch(subnet_id, zone, cause, replaces)
        sizes[zone] += 1
        count += 1


def backoff(failures: int) -> float:
    """Lab seconds to wait after the n-th launch failure in a row. AWS says only that it grows (aws-facts §11); the lab
    doubles from 15 s to an hour."""
    return min(15.0 * 2.0 ** (failures - 1), 3600.0) if failures else 0.0
