"""What PutScalingPolicy is told of target tracking, checked. Messages are AWS's where they are known
(github.com/badmintoncryer/cdk-preflight lists them as AWS answers)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lab.actions.cloudwatch.alarm_checks import check_metric, queries_of
from lab.actions.cloudwatch.common import metric_of
from lab.actions.context import Context, Request
from lab.core.autoscaling.model import AutoScalingGroup
from lab.core.autoscaling.policy import ALB_REQUESTS, CustomizedMetric, TargetTracking
from lab.core.autoscaling.target_tracking import PREDEFINED
from lab.core.cloudwatch.metric import MetricStat
from lab.core.elbv2.model import LoadBalancer, TargetGroup
from lab.core.errors import LabError, ValidationError

TARGETS = (8.51592e-12, 1.174271e17)
PERIODS, DEFAULT_PERIOD = (10, 30, 60), 60
MOST_QUERIES = 10
LABEL = re.compile(r"(app/[^/]+/[^/]+)/(targetgroup/[^/]+/[^/]+)")


def target_tracking(context: Context, group: AutoScalingGroup, request: Request) -> TargetTracking:
    given = request.get("TargetTrackingConfiguration")
    if given is None:
        raise ValidationError("You should provide a TargetTrackingConfiguration")
    predefined, custom = (given.get(f"{kind}MetricSpecification") for kind in ("Predefined", "Customized"))
    if (predefined is None) == (custom is None):
        raise ValidationError(
            "You should provide either a CustomizedMetricSpecification or a PredefinedMetricSpecification"
        )
    target, fixed = target_value(given["TargetValue"]), given.get("DisableScaleIn", False)
    if custom is not None:
        return TargetTracking("", target, fixed, customized=_customized(custom))
    kind = predefined["PredefinedMetricType"]
    if kind not in PREDEFINED:
        raise LabError("UnsupportedOperation", f"the lab tracks {', '.join(PREDEFINED)}; not '{kind}' yet")
    label = predefined.get("ResourceLabel", "")
    if kind == ALB_REQUESTS and not label:
        raise ValidationError(f"Resource label should be specified for predefined metric type {kind}")
    if kind != ALB_REQUESTS and label:
        raise ValidationError(f"Resource label should not be specified for predefined metric type {kind}")
    if label:
        check_label(context, group, label)
    return TargetTracking(kind, target, fixed, label)


def _customized(given: Mapping[str, Any]) -> CustomizedMetric:
    """One metric, or queries of which one returns data."""
    if "Metrics" not in given:
        for member in ("MetricName", "Namespace", "Statistic"):
            if member not in given:
                name = f"{member[0].lower()}{member[1:]}"
                raise ValidationError(
                    f"Value null at 'targetTrackingConfiguration.customizedMetricSpecification.{name}' failed to satisfy "
                    "constraint: Member must not be null"
                )
        stat = {"Period": DEFAULT_PERIOD, **given}
        check_period(stat["Period"])
        check_metric(stat)
        return CustomizedMetric(MetricStat(metric_of(stat), stat["Period"], stat["Statistic"], stat.get("Unit", "")))
    if set(given) - {"Metrics"}:
        raise ValidationError(
            "A customized metric specification with 'Metrics' specified cannot have any of ['Dimensions', 'MetricName', "
            "'Namespace', 'Statistic', 'Unit', 'Period'] specified as well"
        )
    if len(given["Metrics"]) > MOST_QUERIES:
        raise ValidationError(f"Metrics may hold {MOST_QUERIES} queries at most, not {len(given['Metrics'])}")
    return CustomizedMetric(queries=queries_of({"Metrics": _with_periods(given["Metrics"])}))


def _with_periods(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each metric with its period, which is that of all of them."""
    for row in rows:
        if ("Expression" in row) == ("MetricStat" in row):
            both = " and you have specified both" if "Expression" in row else ""
            raise ValidationError(
                f"The parameters MetricDataQuery Expression and MetricStat are mutually exclusive{both}: {row['Id']}"
            )
    stats = [row["MetricStat"] for row in rows if "MetricStat" in row]
    asked = {stat.get("Period", DEFAULT_PERIOD) for stat in stats} | {row["Period"] for row in rows if "Period" in row}
    if len(asked) > 1:
        raise ValidationError("All metrics in the alarm should have the same period")
    period = next(iter(asked), DEFAULT_PERIOD)
    check_period(period)
    return [
        {**row, "MetricStat": {**row["MetricStat"], "Period": period}} if "MetricStat" in row else {**row}
        for row in rows
    ]


def check_period(period: int) -> None:
    """Raises ValidationError (bc:autoscaling.MetricGranularityInSeconds)."""
    if period > max(PERIODS):
        raise ValidationError("A metric period greater than 60 isn't supported")
    if period not in PERIODS:
        raise ValidationError(f"A metric period must be one of {', '.join(map(str, PERIODS))}, not {period}")


def check_label(context: Context, group: AutoScalingGroup, label: str) -> None:
    """Raises ValidationError unless the label names a load balancer and one of the group's target groups."""
    match = LABEL.fullmatch(label)
    if match is None:
        raise ValidationError(
            f"The resource label '{label}' is invalid: it is the end of the load balancer's ARN and the end of the target "
            "group's, app/NAME/ID/targetgroup/NAME/ID"
        )
    balancer, target_group = match.groups()
    if not any(one.short_name == balancer for one in context.store.all(LoadBalancer)):
        raise ValidationError(f"The resource label '{label}' is invalid: there is no load balancer {balancer}")
    attached = (context.store.get(TargetGroup, arn) for arn in group.target_group_arns)
    if not any(one is not None and one.short_name == target_group for one in attached):
        raise ValidationError(
            f"The resource label '{label}' is invalid: {target_group} is not attached to {group.name}; attach it with "
            "AttachLoadBalancerTargetGroups first"
        )


def target_value(value: float) -> float:
    if not TARGETS[0] <= value <= TARGETS[1]:
        raise ValidationError(f"Target value must be between 8.51592E-12 and 1.174271E17, not {value}")
    return float(value)
