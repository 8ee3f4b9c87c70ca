"""Which of a group's own metrics are collected: none, until somebody asks for them (asg:ec2-auto-scaling-metrics)."""

from collections.abc import Iterable
from dataclasses import replace

from lab.actions.autoscaling.groups import get_group
from lab.actions.context import Context, Request, Response, reads
from lab.core.cloudwatch.emitted import GROUP_NAMES, WARM_POOL_NAMES
from lab.core.errors import ValidationError

GRANULARITY = "1Minute"
METRICS = (*GROUP_NAMES, *WARM_POOL_NAMES)


@reads("AutoScalingGroupName", "Metrics", "Granularity")
def enable_metrics_collection(context: Context, request: Request) -> Response:
    """All metrics when none is named; those that are enabled already stay so."""
    group = get_group(context, request["AutoScalingGroupName"])
    if request["Granularity"] != GRANULARITY:
        raise ValidationError(f"Granularity must be {GRANULARITY}, not '{request['Granularity']}'")
    asked = _checked(request.get("Metrics", ()))
    enabled = tuple(name for name in METRICS if name in asked or name in group.enabled_metrics)
    context.store.put(replace(group, enabled_metrics=enabled))
    return {}


@reads("AutoScalingGroupName", "Metrics")
def disable_metrics_collection(context: Context, request: Request) -> Response:
    """All metrics when none is named."""
    group = get_group(context, request["AutoScalingGroupName"])
    asked = _checked(request.get("Metrics", ()))
    context.store.put(
        replace(group, enabled_metrics=tuple(name for name in group.enabled_metrics if name not in asked))
    )
    return {}


@reads()
def describe_metric_collection_types(context: Context, request: Request) -> Response:
    return {
        "Metrics": [{"Metric": name} for name in METRICS],
        "Granularities": [{"Granularity": GRANULARITY}],
    }


def _checked(names: Iterable[str]) -> tuple[str, ...]:
    asked = tuple(names) or METRICS
    unknown = [name for name in asked if name not in METRICS]
    if unknown:
        raise ValidationError(f"{', '.join(unknown)}: no such metric of a group; there are {', '.join(METRICS)}")
    return asked
