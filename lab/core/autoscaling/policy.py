"""Rows of scaling policies and of what they decided (aws-facts §4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TargetTracking:
    """A target tracking configuration on a predefined metric."""

    predefined_metric: str
    target_value: float
    disable_scale_in: bool = False


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    name: str
    arn: str
    group: str
    policy_type: str
    target_tracking: TargetTracking
    alarm_names: tuple[str, ...] = ()
    estimated_instance_warmup: float | None = None
    enabled: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.arn


@dataclass(frozen=True, slots=True)
class Decision:
    """What one look at a policy came to, also when nothing changed: the inputs, the arithmetic and the result. `wanted` is
    the capacity before it was clamped to [min, max]."""

    decision_id: str
    group: str
    policy: str
    alarm: str
    at: float
    metric_value: float
    current: int
    wanted: int
    desired: int
    why: str

    @property
    def key(self) -> str:
        return self.decision_id
