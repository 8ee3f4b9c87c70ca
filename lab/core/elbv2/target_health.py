"""The health of a registered target as AWS tells it, from what is registered and what the nodes say (aws-facts §2.2).

Each node checks on its own. Where they differ, the target's state is the one most of the live nodes report; a tie goes to
the better state, so that nothing is replaced on half an opinion.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from lab.core.elbv2.model import Registration
from lab.core.elbv2.report import NodeReport, TargetReport


class Health(NamedTuple):
    """State, reason and description in AWS's words. `anomalous`: some node finds that the target errs more than its peers;
    `mitigated`: some node gives it less for that."""

    state: str
    reason: str = ""
    description: str = ""
    anomalous: bool = False
    mitigated: bool = False


REGISTERING = Health("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
DRAINING = Health("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
UNREGISTERED = Health("unused", "Target.NotRegistered", "Target is not registered to the target group")
NOT_IN_USE = Health(
    "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
)
NO_ZONE = Health(
    "unused", "Target.NotInUse", "Target is in an Availability Zone that is not enabled for the load balancer"
)
IP_UNUSABLE = Health(
    "unused",
    "Target.IpUnusable",
    "The IP address cannot be used as a target, as it is in use by a load balancer",
)

_BETTER = ("healthy", "initial", "unhealthy")


def invalid(instance_state: str) -> Health:
    return Health("unused", "Target.InvalidState", f"Target is in the {instance_state or 'terminated'} state")


def target_health(
    registration: Registration,
    unusable: Health | None,
    said: Sequence[TargetReport] | None,
    *,
    zone_enabled: bool = True,
) -> Health:
    """`unusable` is what keeps the target itself from being one (`invalid`, `IP_UNUSABLE`). `said` is what the live nodes of
    the load balancer that uses the target group say of it; None when no load balancer uses it."""
    if registration.deregistered_at is not None:
        return DRAINING
    if unusable is not None:
        return unusable
    if said is None:
        return NOT_IN_USE
    if not zone_enabled:
        return NO_ZONE
    seen = [row for row in said if row.state in _BETTER]
    if not seen:
        return REGISTERING
    row = seen[0]
    if any(other.state != row.state for other in seen):
        votes = Counter(other.state for other in seen)
        state = max(_BETTER, key=lambda name: (votes[name], -_BETTER.index(name)))
        row = next(other for other in seen if other.state == state)
    anomalous, mitigated = any(row.anomalous for row in seen), any(row.mitigated for row in seen)
    return Health(row.state, row.reason, row.description, anomalous, mitigated)


def is_drained(
    registration: Registration, delay: float, reports: Sequence[NodeReport] | None, generation: int, now: float
) -> bool:
    """Whether nothing is in flight to the target any more, or its deregistration delay has passed. `reports` are those of
    the live nodes; each must have put `generation`, in which the target drains, in force. None: some node has not been
    heard yet, so nobody can tell and the delay decides."""
    if registration.deregistered_at is None:
        return False
    if now - registration.deregistered_at >= delay:
        return True
    return reports is not None and all(
        report.applied == generation and not any(_same(row, registration) and row.in_flight for row in report.targets)
        for report in reports
    )


def _same(row: TargetReport, registration: Registration) -> bool:
    return (row.target_group_arn, row.id, row.port) == (
        registration.target_group_arn,
        registration.target_id,
        registration.port,
    )
