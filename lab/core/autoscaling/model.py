"""Rows of groups, their members and activities (aws-facts §3). States and codes are AWS's literal strings."""

from dataclasses import dataclass

from lab.core.autoscaling.hooks import LifecycleAction, LifecycleHook
from lab.core.autoscaling.zones import BEST_EFFORT, ZoneHold

PENDING, PENDING_WAIT, PENDING_PROCEED = "Pending", "Pending:Wait", "Pending:Proceed"
IN_SERVICE = "InService"
ENTERING_STANDBY, STANDBY = "EnteringStandby", "Standby"
DETACHING, DETACHED = "Detaching", "Detached"
TERMINATING, TERMINATING_WAIT, TERMINATING_PROCEED = "Terminating", "Terminating:Wait", "Terminating:Proceed"
TERMINATING_RETAINED, TERMINATED = "Terminating:Retained", "Terminated"
WARMED_PENDING, WARMED_PENDING_WAIT = "Warmed:Pending", "Warmed:Pending:Wait"
WARMED_PENDING_PROCEED = "Warmed:Pending:Proceed"
WARMED_STOPPED, WARMED_RUNNING, WARMED_HIBERNATED = "Warmed:Stopped", "Warmed:Running", "Warmed:Hibernated"
WARMED_TERMINATING, WARMED_TERMINATING_WAIT = "Warmed:Terminating", "Warmed:Terminating:Wait"
WARMED_TERMINATING_PROCEED, WARMED_TERMINATING_RETAINED = "Warmed:Terminating:Proceed", "Warmed:Terminating:Retained"
WARMED_TERMINATED = "Warmed:Terminated"
HEALTHY, UNHEALTHY = "Healthy", "Unhealthy"

DEFAULT_COOLDOWN = 300.0


@dataclass(frozen=True, slots=True)
class Tag:
    key: str
    value: str
    propagate_at_launch: bool


@dataclass(frozen=True, slots=True)
class InstanceMaintenancePolicy:
    """How far replacing may move the capacity, in percent of the desired capacity (bc:autoscaling)."""

    min_healthy_percentage: int
    max_healthy_percentage: int


@dataclass(frozen=True, slots=True)
class AutoScalingGroup:
    """A group. `subnets` pairs each subnet with its zone, in the order given. `capacity_cause` is the sentence that tells
    why the desired capacity is what it is; the activities that follow from it begin with it. `launch_not_before` holds
    back launches after failures (lab time), `launch_failures` counts those since the last success.
    `suspended_processes` pairs each suspended process with the reason. `traffic_states` pairs each target group that is or
    was attached with the state of the attachment. `retains_abandoned`: an instance whose terminating hook is abandoned is
    kept (asg:instance-lifecycle-policy). `launch_failing_since` is the first failure since the last success; `zone_holds`
    are zones left alone after failures in them. `blocked_cause` is the reason of the capacity that could not be reached
    because all members are protected, once an activity has told so. `enabled_metrics` are the group's own metrics that are
    collected."""

    name: str
    arn: str
    min_size: int
    max_size: int
    desired_capacity: int
    launch_template_id: str
    launch_template_version: str
    subnets: tuple[tuple[str, str], ...]
    created: float
    target_group_arns: tuple[str, ...] = ()
    health_check_type: str = "EC2"
    health_check_grace_period: float = 0.0
    default_cooldown: float = DEFAULT_COOLDOWN
    default_instance_warmup: float | None = None
    termination_policies: tuple[str, ...] = ("Default",)
    new_instances_protected: bool = False
    tags: tuple[Tag, ...] = ()
    capacity_cause: str = ""
    launch_failures: int = 0
    launch_not_before: float = 0.0
    deleting: bool = False
    suspended_processes: tuple[tuple[str, str], ...] = ()
    instance_maintenance_policy: InstanceMaintenancePolicy | None = None
    max_instance_lifetime: float | None = None
    lifecycle_hooks: tuple[LifecycleHook, ...] = ()
    retains_abandoned: bool = False
    traffic_states: tuple[tuple[str, str], ...] = ()
    launch_failing_since: float | None = None
    zone_holds: tuple[ZoneHold, ...] = ()
    capacity_distribution: str = BEST_EFFORT
    blocked_cause: str = ""
    deletion_protection: str = "none"
    enabled_metrics: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.name

    def runs(self, process: str) -> bool:
        """Whether the scaling process is not suspended (asg:as-suspend-resume-processes)."""
        return all(name != process for name, _ in self.suspended_processes)

    def hooks(self, transition: str) -> tuple[LifecycleHook, ...]:
        return tuple(hook for hook in self.lifecycle_hooks if hook.transition == transition)

    @property
    def zones(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(zone for _, zone in self.subnets))


@dataclass(frozen=True, slots=True)
class Member:
    """An instance of a group. `in_service_at` starts its grace period and warm-up. `unhealthy_cause` says why a user or a
    check calls it unhealthy. `activity_id` is the activity in progress for it.

    `replaces` is the id of the member it was launched for, ahead of that one's termination. A member that makes room for
    another has `leaving_kind` (a `steps.Kind`) and `leaving_cause`; `replaced` tells, of one that is terminating, that no
    successor is owed.

    `actions` are the lifecycle actions it waits for; `unhooked` says that no hook runs when it enters service (it was
    attached, or comes back from standby). `target_groups` are those it has been registered with, or was kept out of.
    `refresh` is the id of the instance refresh that it was launched by, "" if by none.

    On its way into the warm pool, `returning` says that it comes from the group, and `parked` that its instance has been
    stopped for the pool."""

    instance_id: str
    group: str
    zone: str
    launch_template_id: str
    launch_template_version: int
    launched_at: float
    activity_id: str
    state: str = PENDING
    health: str = HEALTHY
    in_service_at: float | None = None
    protected: bool = False
    unhealthy_cause: str = ""
    replaced: bool = False
    replaces: str = ""
    leaving_kind: str = ""
    leaving_cause: str = ""
    actions: tuple[LifecycleAction, ...] = ()
    unhooked: bool = False
    target_groups: tuple[str, ...] = ()
    refresh: str = ""
    returning: bool = False
    parked: bool = False

    @property
    def key(self) -> str:
        return self.instance_id


@dataclass(frozen=True, slots=True)
class Activity:
    """One scaling activity (bc:autoscaling.Activity). `details` is the JSON string AWS gives."""

    activity_id: str
    group: str
    description: str
    cause: str
    start_time: float
    status_code: str
    progress: int
    details: str
    end_time: float | None = None
    status_message: str = ""

    @property
    def key(self) -> str:
        return self.activity_id
