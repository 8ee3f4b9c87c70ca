"""What PutMetricAlarm and PutCompositeAlarm check of a request: AWS's limits, and the actions the lab knows of
(bc:cloudwatch.PutMetricAlarm, .PutCompositeAlarm; aws-facts §5.3)."""

import math

from lab.actions.cloudwatch.common import check_choice
from lab.actions.cloudwatch.queries import check_dimensions, check_statistic, check_unit, query_of, require_members
from lab.actions.context import Context, Request
from lab.core.autoscaling.policy import ScalingPolicy
from lab.core.cloudwatch import query
from lab.core.cloudwatch.alarm_actions import SCALING_POLICY, kind_of, region_of
from lab.core.cloudwatch.metric import STATISTICS, MetricDataQuery
from lab.core.cloudwatch.verdict import COMPARISONS, TREATMENTS
from lab.core.errors import LabError, ValidationError

ACTIONS = ("OKActions", "AlarmActions", "InsufficientDataActions")
OF_ONE_METRIC = ("MetricName", "Namespace", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")
BANDS = ("LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold")
SHORT_PERIODS = (10, 20, 30)
DAY, WEEK, HOUR = 86400, 604800, 3600
MOST_ACTIONS, MOST_TAGS = 5, 50


def check_common(context: Context, request: Request, *, composite: bool) -> None:
    """Name, description, tags and actions."""
    check_length("AlarmName", request["AlarmName"], 1, 255)
    if any(ord(character) < 32 or ord(character) == 127 for character in request["AlarmName"]):
        raise ValidationError("AlarmName must not contain ASCII control characters")
    check_length("AlarmDescription", request.get("AlarmDescription", ""), 0, 1024)
    if len(request.get("Tags", ())) > MOST_TAGS:
        raise ValidationError(f"Tags holds more than {MOST_TAGS} tags")
    for member in ACTIONS:
        actions = request.get(member, ())
        if len(actions) > MOST_ACTIONS:
            raise ValidationError(f"{member} holds more than five actions")
        for action in actions:
            _check_action(context, member, action, composite=composite)


def check_length(member: str, value: str, least: int, most: int) -> None:
    if not least <= len(value) <= most:
        raise ValidationError(f"{member} must be from {least} to {most} characters long, not {len(value)}")


def _check_action(context: Context, member: str, action: str, *, composite: bool) -> None:
    kind, region = kind_of(action), context.account.region
    if kind is None:
        raise ValidationError(f"Invalid arn syntax: '{action}' in {member} is no action that an alarm can have")
    if region_of(action) not in ("", region):
        raise ValidationError(f"Invalid region {region_of(action)} specified. Only {region} is supported.")
    if composite and not kind.composite:
        raise ValidationError(f"A composite alarm cannot have an {kind.name} among {member}: {action}")
    if kind is SCALING_POLICY and context.store.get(ScalingPolicy, action) is None:
        raise ValidationError(f"There is no scaling policy {action} ({member}); put the policy first")


def check_threshold(request: Request) -> None:
    """Comparison, threshold and what counts as missing."""
    require_members(request, "EvaluationPeriods", "ComparisonOperator", "Threshold")
    comparison = request["ComparisonOperator"]
    if comparison in BANDS:
        raise LabError("UnsupportedOperation", f"the lab has no anomaly detection, which {comparison} is for")
    check_choice("ComparisonOperator", comparison, tuple(COMPARISONS))
    if not math.isfinite(request["Threshold"]):
        raise ValidationError("Threshold must be a finite number")
    check_choice("TreatMissingData", request.get("TreatMissingData", "missing"), TREATMENTS)
    low_samples = request.get("EvaluateLowSampleCountPercentile", "evaluate")
    check_choice("EvaluateLowSampleCountPercentile", low_samples, ("evaluate", "ignore"))


def check_periods(request: Request, period: int) -> None:
    """`period` is the alarm's, wherever the request has it."""
    _check_period(period)
    periods = request["EvaluationPeriods"]
    if periods < 1:
        raise ValidationError(f"EvaluationPeriods must be 1 or more, not {periods}")
    if period < HOUR and period * periods > DAY:
        raise ValidationError(
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400) for alarms"
            " using period < 3600"
        )
    if period * periods > WEEK:
        raise ValidationError(
            "Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= 604800) for"
            " alarms using period >= 3600"
        )
    needed = request.get("DatapointsToAlarm")
    if needed is not None and not 1 <= needed <= periods:
        raise ValidationError(f"DatapointsToAlarm must be from 1 to EvaluationPeriods ({periods}), not {needed}")


def _check_period(period: int) -> None:
    if period not in SHORT_PERIODS and (period < 60 or period % 60):
        raise ValidationError(f"Period must be 10, 20, 30 or a multiple of 60, not {period}")


def check_metric(request: Request) -> None:
    """An alarm on one metric."""
    require_members(request, "MetricName", "Namespace", "Period")
    check_length("MetricName", request["MetricName"], 1, 255)
    check_length("Namespace", request["Namespace"], 1, 255)
    check_dimensions(request)
    given = [request[member] for member in ("Statistic", "ExtendedStatistic") if member in request]
    if len(given) != 1:
        raise ValidationError("An alarm on a metric needs one of Statistic and ExtendedStatistic, not both")
    if "Statistic" in request:
        check_choice("Statistic", request["Statistic"], STATISTICS)
    else:
        check_statistic("ExtendedStatistic", request["ExtendedStatistic"], extended_only=True)
    check_unit(request)


def queries_of(request: Request) -> tuple[MetricDataQuery, ...]:
    """The Metrics of an alarm on an expression; they can be evaluated, and exactly one returns data."""
    for member in OF_ONE_METRIC:
        if member in request:
            raise ValidationError(f"Metrics cannot be used together with {member}")
    queries = tuple(query_of(row) for row in request["Metrics"])
    if len({one.id for one in queries}) < len(queries):
        raise ValidationError("The ids of Metrics must be unique")
    if sum(one.return_data for one in queries) != 1:
        raise ValidationError("Exactly one element of the metrics list should return data.")
    if all(one.metric_stat is None for one in queries):
        raise ValidationError("At least one element of the metrics list must be a metric")
    for one in queries:
        if one.metric_stat is not None:
            _check_period(one.metric_stat.period)
    query.check(queries)
    query.evaluate(queries, lambda *_: None, (), 60)
    return queries
