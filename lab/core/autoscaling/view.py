"""What one look at a group sees of each member, and what follows from that alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.core.autoscaling.counts import is_capacity
from lab.core.autoscaling.model import IN_SERVICE, PENDING, PENDING_PROCEED, PENDING_WAIT, AutoScalingGroup, Member
from lab.core.autoscaling.steps import Kind

DEAD = ("stopped", "terminated", "")
"""EC2 states of an instance that will not run again; a pending member's launch has failed then."""
NOT_YET = ("initial", "unhealthy")
"""Target health of a member that has not passed its first health check."""

SPARED = (Kind.LIFETIME, Kind.REBALANCE)
"""Kinds of replacement from which scale-in protection protects."""


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member with what others know of it: the EC2 state of its instance ("" when it has no row any more), the state
    reason, the health of its targets by the target groups' ARNs, and whether its connections have drained."""

    member: Member
    instance_state: str
    state_reason: str = ""
    targets: tuple[tuple[str, str], ...] = ()
    drained: bool = False

    @property
    def id(self) -> str:
        return self.member.instance_id

    @property
    def failed(self) -> bool:
        """Its launch has come to nothing."""
        return (
            self.member.state in (PENDING, PENDING_WAIT, PENDING_PROCEED)
            and self.instance_state in DEAD
            and not self.member.unhooked
        )

    @property
    def is_drained(self) -> bool:
        """No request is under way to it, or can be."""
        return self.drained or self.instance_state != "running"

    @property
    def serves(self) -> bool:
        """In service, and its instance runs."""
        return self.member.state == IN_SERVICE and self.instance_state == "running"


def successors(views: Sequence[MemberView]) -> Mapping[str, MemberView]:
    """By the id of the member it stands in for, each member that was launched before that one leaves. A member that has gone
    on standby, is leaving for another reason or has been protected meanwhile does not wait for one any more."""
    waiting = {
        view.id
        for view in views
        if view.member.leaving_kind
        and is_capacity(view.member)
        and not (view.member.protected and view.member.leaving_kind in SPARED)
    }
    return {
        view.member.replaces: view
        for view in views
        if view.member.replaces in waiting and is_capacity(view.member) and not view.failed
    }


def is_ready(view: MemberView, group: AutoScalingGroup, warmup: float, now: float) -> bool:
    """Healthy and ready to use: in service, its first health check passed, `warmup` lab seconds over
    (asg:instance-maintenance-policy-overview-and-considerations)."""
    since = view.member.in_service_at
    checked = group.health_check_type != "ELB" or not any(state in NOT_YET for _, state in view.targets)
    return view.serves and checked and since is not None and now - since >= warmup
