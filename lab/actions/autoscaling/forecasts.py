"""Forecasts of predictive policies (aws-facts §4.5; bc:autoscaling.GetPredictiveScalingForecast)."""

from datetime import UTC, datetime
from typing import Any

from lab.actions.autoscaling.groups import get_group
from lab.actions.autoscaling.policies import find_policy
from lab.actions.autoscaling.policy_shapes import metric_specification
from lab.actions.context import Context, Request, Response, reads
from lab.core.autoscaling.predictive import Forecast
from lab.core.errors import ValidationError
from lab.core.times import moment

LONGEST = 30 * 86400


@reads("AutoScalingGroupName", "PolicyName", "StartTime", "EndTime")
def get_predictive_scaling_forecast(context: Context, request: Request) -> Response:
    """The hours that begin in [StartTime, EndTime): load and capacity as they were or are forecast."""
    group = get_group(context, request["AutoScalingGroupName"])
    policy = find_policy(context, group.name, request["PolicyName"])
    if policy.predictive is None:
        raise ValidationError(
            f"{policy.name} is of type {policy.policy_type}; only PredictiveScaling policies forecast"
        )
    start, end = (_time(request[member]) for member in ("StartTime", "EndTime"))
    if not 0 < end - start <= LONGEST:
        raise ValidationError("EndTime must be after StartTime, and at most 30 days after it")
    forecast = context.store.get(Forecast, policy.arn)
    if forecast is None or not forecast.hours:
        why = forecast.problem if forecast else "it is made within seconds"
        raise ValidationError(f"There is no forecast of {policy.name} yet: {why}")
    hours = [hour for hour in forecast.hours if start <= hour.start < end]
    times = [moment(hour.start) for hour in hours]
    load: dict[str, Any] = {
        "Timestamps": times,
        "Values": [hour.load for hour in hours],
        "MetricSpecification": metric_specification(policy.predictive),
    }
    return {
        "LoadForecast": [load],
        "CapacityForecast": {"Timestamps": times, "Values": [float(hour.capacity) for hour in hours]},
        "UpdateTime": moment(forecast.made_at),
    }


def _time(given: datetime) -> float:
    return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()
