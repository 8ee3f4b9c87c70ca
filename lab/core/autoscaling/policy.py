"""Rows of scaling policies, what each type is told, and of what was decided (aws-facts §4; bc:autoscaling.PutScalingPolicy)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.core.autoscaling.available import default_warmup
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.cloudwatch.metric import MetricDataQuery, MetricStat

TARGET_TRACKING, STEP = "TargetTrackingScaling", "StepScaling"
SIMPLE, PREDICTIVE = "SimpleScaling", "PredictiveScaling"

ALB_REQUESTS = "ALBRequestCountPerTarget"


@dataclass(frozen=True, slots=True)
class CustomizedMetric:
    """A metric of the user's: one statistic, or queries of metric math of which one returns data. Never both."""

    stat: MetricStat | None = None
    queries: tuple[MetricDataQuery, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetTracking:
    """A target tracking configuration, on a predefined metric or, when that is empty, on `customized`. `resource_label` names
    the target group of ALBRequestCountPerTarget."""

    predefined_metric: str
    target_value: float
    disable_scale_in: bool = False
    resource_label: str = ""
    customized: CustomizedMetric | None = None


@dataclass(frozen=True, slots=True)
class Adjustment:
    """How a step or simple policy reads its numbers: the adjustment type, and for percentages the smallest change."""

    adjustment_type: str
    min_magnitude: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step adjustment. Bounds are relative to the alarm's threshold; None is no bound."""

    lower: float | None
    upper: float | None
    adjustment: int


@dataclass(frozen=True, slots=True)
class StepScaling:
    """A step policy. `aggregation` is AWS's MetricAggregationType, empty when none was given (it means Average)."""

    adjustment: Adjustment
    steps: tuple[Step, ...]
    aggregation: str = ""


@dataclass(frozen=True, slots=True)
class SimpleScaling:
    """A simple policy. `cooldown` None leaves it to the group's default."""

    adjustment: Adjustment
    amount: int
    cooldown: float | None = None


@dataclass(frozen=True, slots=True)
class Predefined:
    """A predefined metric of predictive scaling and the target group it is about, if it is about one."""

    metric: str
    resource_label: str = ""


@dataclass(frozen=True, slots=True)
class PredictiveScaling:
    """A predictive policy: a metric pair, or a load and a scaling metric on their own."""

    target_value: float
    pair: Predefined | None = None
    load: Predefined | None = None
    scaling: Predefined | None = None
    mode: str = "ForecastOnly"
    scheduling_buffer: float | None = None
    max_capacity_breach: str = ""
    max_capacity_buffer: int | None = None

    @property
    def scales(self) -> bool:
        return self.mode == "ForecastAndScale"


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """A policy of one of four types; the configuration of the others is None."""

    name: str
    arn: str
    group: str
    policy_type: str
    target_tracking: TargetTracking | None = None
    alarm_names: tuple[str, ...] = ()
    estimated_instance_warmup: float | None = None
    enabled: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)
    step: StepScaling | None = None
    simple: SimpleScaling | None = None
    predictive: PredictiveScaling | None = None

    @property
    def key(self) -> str:
        return self.arn


def warmup(policy: ScalingPolicy, group: AutoScalingGroup) -> float:
    """Lab seconds from InService: the policy's, else the group's, else the default cooldown (bc:autoscaling)."""
    if policy.estimated_instance_warmup is not None:
        return policy.estimated_instance_warmup
    return default_warmup(group)


POLICY, SCHEDULED, FORECAST, USER = "policy", "scheduled", "predictive", "user"
"""What made a group be looked at: an alarm invoked a policy, a scheduled action came due, a forecast did, or someone asked."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one look at a group came to, also when nothing changed: the inputs, the arithmetic, the result and why.

    `policy` is the name of what decided: a policy, a scheduled action, or the action a user called. `wanted` is the capacity
    before it was clamped to [`minimum`, `maximum`]. `why` says what became of it where the numbers alone do not, empty when
    they do. The same conclusion again is kept as a `count`, with the time of the last and the range of the values.
    """

    decision_id: str
    group: str
    policy: str
    alarm: str
    at: float
    metric_value: float | None
    current: int
    wanted: int
    desired: int
    why: str
    kind: str = POLICY
    policy_type: str = ""
    metric: str = ""
    threshold: float | None = None
    arithmetic: str = ""
    minimum: int = 0
    maximum: int = 0
    count: int = 1
    last_at: float | None = None
    lowest: float | None = None
    highest: float | None = None

    @property
    def key(self) -> str:
        return self.decision_id

    @property
    def until(self) -> float:
        """When the same was concluded last."""
        return self.at if self.last_at is None else self.last_at

    @property
    def reason(self) -> str:
        """The arithmetic and what became of it, in one line."""
        return "; ".join(part for part in (self.arithmetic, self.why) if part)
