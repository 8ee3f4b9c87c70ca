"""Rows of instance refreshes, and what follows from such a row alone (aws-facts §3.8; bc:autoscaling.InstanceRefresh).

    Pending ──▶ InProgress ──▶ [Baking] ──▶ Successful
                 │  │  │ cancelled
                 │  │  └──────▶ Cancelling ──▶ Cancelled
                 │  │ rolled back, by hand or because it failed
                 │  └─────────▶ RollbackInProgress ──▶ RollbackSuccessful | RollbackFailed | (Cancelling)
                 └────────────▶ Failed

Baking, too, can be cancelled, rolled back, and fail.
"""

from dataclasses import dataclass, replace

from lab.core.autoscaling.model import AutoScalingGroup, Member
from lab.core.store import Store

PENDING, IN_PROGRESS, BAKING, SUCCESSFUL, FAILED = "Pending", "InProgress", "Baking", "Successful", "Failed"
CANCELLING, CANCELLED = "Cancelling", "Cancelled"
ROLLING_BACK, ROLLED_BACK, ROLLBACK_FAILED = "RollbackInProgress", "RollbackSuccessful", "RollbackFailed"
ACTIVE = (PENDING, IN_PROGRESS, BAKING, CANCELLING, ROLLING_BACK)
GOING_FORWARD = (PENDING, IN_PROGRESS, BAKING)

CHECKPOINT_DELAY = 3600.0
MIN_HEALTHY = 90
REFRESH, IGNORE, WAIT, TERMINATE = "Refresh", "Ignore", "Wait", "Terminate"


@dataclass(frozen=True, slots=True)
class Preferences:
    """As they were given; None where nothing was (asg:understand-instance-refresh-default-values)."""

    min_healthy_percentage: int | None = None
    max_healthy_percentage: int | None = None
    instance_warmup: float | None = None
    checkpoint_percentages: tuple[int, ...] = ()
    checkpoint_delay: float | None = None
    skip_matching: bool = False
    auto_rollback: bool = False
    scale_in_protected_instances: str = WAIT
    standby_instances: str = WAIT
    alarms: tuple[str, ...] = ()
    bake_time: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Of the group (or of its warm pool): the share that is updated, and how many are still to be."""

    percentage: int = 0
    to_update: int = 0


@dataclass(frozen=True, slots=True)
class Rollback:
    """Why and when it began, and where the refresh was then."""

    reason: str
    started: float
    percentage: int
    live: Progress
    pool: Progress | None = None


@dataclass(frozen=True, slots=True)
class InstanceRefresh:
    """One refresh of a group. `launch_template_id` is "" without a desired configuration.

    `updated` and `left` are how many members were updated, and were still to be, at the last look; `progressed_at` is when a
    look found that either had moved. `checkpoint` is the percentage last passed, `checkpoint_at` when; `baking_at` when baking
    began. `percentage` is that of the group and its warm pool together; `pool` is None while there is no pool."""

    refresh_id: str
    group: str
    created: float
    preferences: Preferences
    launch_template_id: str = ""
    launch_template_version: str = ""
    status: str = PENDING
    status_reason: str = ""
    start_time: float | None = None
    end_time: float | None = None
    percentage: int = 0
    live: Progress = Progress()
    pool: Progress | None = None
    updated: int = 0
    left: int = 0
    progressed_at: float = 0.0
    checkpoint: int = 0
    checkpoint_at: float | None = None
    baking_at: float | None = None
    wait_for_transitioning: bool = True
    rollback: Rollback | None = None

    @property
    def key(self) -> str:
        return self.refresh_id

    @property
    def active(self) -> bool:
        return self.status in ACTIVE

    @property
    def mark(self) -> str:
        """What members that are launched now are marked with. One launched while the refresh is undone or given up is none of
        its own."""
        return self.refresh_id if self.status in GOING_FORWARD else ""


Wanted = tuple[str, int]
"""A launch template's id and the number of its version."""


def template_of(group: AutoScalingGroup, refresh: InstanceRefresh | None) -> tuple[str, str]:
    """Id and version (maybe `$Latest` or `$Default`) of the launch template from which the group launches now: the desired
    configuration's while a refresh goes forward, else the one saved on the group."""
    if refresh is not None and refresh.launch_template_id and refresh.status in GOING_FORWARD:
        return refresh.launch_template_id, refresh.launch_template_version
    return group.launch_template_id, group.launch_template_version


def outdated(member: Member, refresh: InstanceRefresh, wanted: Wanted) -> bool:
    """Whether the refresh is to replace the member. Going forward: whoever was there before it, or with SkipMatching whoever
    does not match. Rolling back: whoever it has launched."""
    if refresh.status == ROLLING_BACK:
        return member.refresh == refresh.refresh_id
    if refresh.preferences.skip_matching:
        return (member.launch_template_id, member.launch_template_version) != wanted
    return member.refresh != refresh.refresh_id


def bounds(group: AutoScalingGroup, preferences: Preferences) -> tuple[int, int | None]:
    """Minimum and maximum healthy percentage. Keeping all of the group in service means to launch before terminating
    (asg:instance-refresh-overview)."""
    policy = group.instance_maintenance_policy
    minimum, maximum = preferences.min_healthy_percentage, preferences.max_healthy_percentage
    if minimum is None:
        minimum = MIN_HEALTHY if policy is None else policy.min_healthy_percentage
    if maximum is None:
        maximum = None if policy is None else policy.max_healthy_percentage
    return minimum, 100 if maximum is None and minimum == 100 else maximum


def warmup(group: AutoScalingGroup, preferences: Preferences) -> float:
    """Lab seconds: the refresh's, else the group's default instance warm-up, else its health check grace period."""
    if preferences.instance_warmup is not None:
        return preferences.instance_warmup
    if group.default_instance_warmup is not None:
        return group.default_instance_warmup
    return group.health_check_grace_period


def active_refresh(store: Store, group: str) -> InstanceRefresh | None:
    """The group's one refresh that has not ended."""
    return next((row for row in store.where(InstanceRefresh, "group", group) if row.active), None)


def launching(group: AutoScalingGroup, refresh: InstanceRefresh | None) -> AutoScalingGroup:
    """The group with the launch template it launches from now."""
    template, version = template_of(group, refresh)
    return replace(group, launch_template_id=template, launch_template_version=version)
