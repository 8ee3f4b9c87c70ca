"""Rows of groups, their members and activities (aws-facts §3). States and codes are AWS's literal strings."""

from dataclasses import dataclass

PENDING, IN_SERVICE, TERMINATING = "Pending", "InService", "Terminating"
HEALTHY, UNHEALTHY = "Healthy", "Unhealthy"

DEFAULT_COOLDOWN = 300.0


@dataclass(frozen=True, slots=True)
class Tag:
    key: str
    value: str
    propagate_at_launch: bool


@dataclass(frozen=True, slots=True)
class AutoScalingGroup:
    """A group. `subnets` pairs each subnet with its zone, in the order given. `capacity_cause` is the sentence that tells
    why the desired capacity is what it is; the activities that follow from it begin with it. `launch_not_before` holds
    back launches after failures (lab time), `launch_failures` counts those since the last success.
    `suspended_processes` pairs each suspended process with the reason. `enabled_metrics` are the group's own metrics that are
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
    enabled_metrics: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.name

    def runs(self, process: str) -> bool:
        """Whether the scaling process is not suspended (asg:as-suspend-resume-processes)."""
        return all(name != process for name, _ in self.suspended_processes)

    @property
    def zones(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(zone for _, zone in self.subnets))


@dataclass(frozen=True, slots=True)
class Member:
    """An instance of a group. `in_service_at` starts its grace period and warm-up. `unhealthy_cause` says why it is taken
    out; `replaced` that its successor has been asked for. `activity_id` is the activity in progress for it."""

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
