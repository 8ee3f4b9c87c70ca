"""What PutScalingPolicy is told of predictive scaling, checked. Messages are AWS's where they are known
(github.com/badmintoncryer/cdk-preflight lists them as AWS answers)."""

from collections.abc import Mapping
from typing import Any

from lab.actions.autoscaling.target_tracking_requests import check_label, target_value
from lab.actions.context import Context, Request
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.policy import Predefined, PredictiveScaling
from lab.core.autoscaling.predictive import PAIRS
from lab.core.errors import LabError, ValidationError

LOADS = tuple(load for load, _ in PAIRS.values())
SCALING = tuple(scaling for _, scaling in PAIRS.values())
MOST_BUFFER = 3600


def predictive(context: Context, group: AutoScalingGroup, request: Request) -> PredictiveScaling:
    given = request.get("PredictiveScalingConfiguration")
    if given is None:
        raise ValidationError("You must specify PredictiveScalingConfiguration")
    if len(given["MetricSpecifications"]) != 1:
        raise ValidationError("You must specify one metric specification")
    [metrics] = given["MetricSpecifications"]
    for member in metrics:
        if member.startswith("Customized"):
            raise LabError("UnsupportedOperation", f"the lab does not support {member} yet; it has predefined metrics")
    pair, load, scaling = (
        _predefined(context, group, metrics.get(f"Predefined{kind}Specification"), known)
        for kind, known in (("MetricPair", tuple(PAIRS)), ("LoadMetric", LOADS), ("ScalingMetric", SCALING))
    )
    if (pair is None) == (load is None or scaling is None) or (pair is not None and (load or scaling)):
        raise ValidationError("A policy must have either one scaling metric and one load metric or one metric pair")
    return PredictiveScaling(
        target_value=target_value(metrics["TargetValue"]),
        pair=pair,
        load=load,
        scaling=scaling,
        mode=_choice(given, "Mode", ("ForecastOnly", "ForecastAndScale")),
        scheduling_buffer=_buffer(given),
        **_breach(given),
    )


def _predefined(
    context: Context, group: AutoScalingGroup, given: Mapping[str, Any] | None, known: tuple[str, ...]
) -> Predefined | None:
    if given is None:
        return None
    kind, label = given["PredefinedMetricType"], given.get("ResourceLabel", "")
    if kind not in known:
        raise ValidationError(f"PredefinedMetricType '{kind}' is not one of {', '.join(known)}")
    if kind.startswith("ALB"):
        if not label:
            raise ValidationError(f"A resource label is required for {kind}")
        check_label(context, group, label)
    elif label:
        raise ValidationError(f"Resource label should not be specified for predefined metric type {kind}")
    return Predefined(kind, label)


def _choice(given: Mapping[str, Any], member: str, choices: tuple[str, ...]) -> str:
    value: str = given.get(member, choices[0])
    if value not in choices:
        raise ValidationError(f"{member} must be one of {', '.join(choices)}, not '{value}'")
    return value


def _buffer(given: Mapping[str, Any]) -> float | None:
    buffer = given.get("SchedulingBufferTime")
    if buffer is None:
        return None
    if not 0 <= buffer < MOST_BUFFER:
        raise ValidationError(f"SchedulingBufferTime must be from 0 to less than {MOST_BUFFER} seconds, not {buffer}")
    return float(buffer)


def _breach(given: Mapping[str, Any]) -> dict[str, Any]:
    behaviour = _choice(given, "MaxCapacityBreachBehavior", ("HonorMaxCapacity", "IncreaseMaxCapacity"))
    buffer = given.get("MaxCapacityBuffer")
    if behaviour == "HonorMaxCapacity" and buffer is not None:
        raise ValidationError("You must not specify max capacity buffer when using HonorMaxCapacity")
    if behaviour == "IncreaseMaxCapacity" and buffer is None:
        raise ValidationError("You must specify max capacity buffer when using IncreaseMaxCapacity")
    if buffer is not None and not 0 <= buffer <= 100:
        raise ValidationError(f"MaxCapacityBuffer must be from 0 to 100 percent, not {buffer}")
    return {"max_capacity_breach": given.get("MaxCapacityBreachBehavior", ""), "max_capacity_buffer": buffer}
