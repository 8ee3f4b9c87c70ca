"""Health checks (aws-facts §9.2; bc:route53.HealthCheckConfig).

Type, RequestInterval and MeasureLatency never change. AWS checks from many places and refuses addresses it cannot reach; the
lab checks from one, and takes any address.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads
from lab.actions.route53.check_configs import checked
from lab.actions.route53.common import get_check, invalid, page_by_marker
from lab.actions.route53.zones import LOCATION
from lab.core.cloudwatch.metric import STATISTICS
from lab.core.cloudwatch.model import MetricAlarm
from lab.core.errors import LabError
from lab.core.route53.checks import ENDPOINT
from lab.core.route53.model import HealthCheck
from lab.core.times import moment

CHECKS = 200
"""Most of them in an account (r53:DNSLimitations)."""
UPDATABLE = (
    "IPAddress", "Port", "ResourcePath", "FullyQualifiedDomainName", "SearchString", "FailureThreshold", "Inverted",
    "Disabled", "HealthThreshold", "ChildHealthChecks", "EnableSNI", "Regions", "AlarmIdentifier",
    "InsufficientDataHealthStatus",
)  # fmt: skip
RESETTABLE = {
    "FullyQualifiedDomainName": "FullyQualifiedDomainName",
    "Regions": "Regions",
    "ResourcePath": "ResourcePath",
    "ChildHealthChecks": "ChildHealthChecks",
}
"""ResetElements → the member that goes back to its default."""


@reads("CallerReference", "HealthCheckConfig")
def create_health_check(context: Context, request: Request) -> Response:
    """The same request again answers with what is there."""
    config = checked(context, request["HealthCheckConfig"])
    existing = next(
        (row for row in context.store.all(HealthCheck) if row.caller_reference == request["CallerReference"]), None
    )
    if existing is not None and existing.config != config:
        raise LabError(
            "HealthCheckAlreadyExists",
            "A health check with the same caller reference and other settings exists: "
            f"{existing.health_check_id}, {existing.caller_reference}",
            status=409,
        )
    if existing is None and len(context.store.all(HealthCheck)) >= CHECKS:
        raise LabError("TooManyHealthChecks", f"This account has the most health checks it may have, {CHECKS}")
    row = existing or HealthCheck(context.new_id("uuid"), request["CallerReference"], config)
    context.store.put(row)
    return {"HealthCheck": _described(context, row), "Location": f"{LOCATION}/healthcheck/{row.health_check_id}"}


@reads("HealthCheckId")
def get_health_check(context: Context, request: Request) -> Response:
    return {"HealthCheck": _described(context, get_check(context, request["HealthCheckId"]))}


@reads("HealthCheckId")
def get_health_check_status(context: Context, request: Request) -> Response:
    """What the lab's one checker last found; nothing before its first try."""
    row = _of_endpoint(context, request)
    return {"HealthCheckObservations": _observations(row.report, row.observed)}


@reads("HealthCheckId")
def get_health_check_last_failure_reason(context: Context, request: Request) -> Response:
    """Nothing before it has ever failed."""
    row = _of_endpoint(context, request)
    return {"HealthCheckObservations": _observations(row.last_failure, row.failed)}


@reads()
def get_health_check_count(context: Context, _request: Request) -> Response:
    return {"HealthCheckCount": len(context.store.all(HealthCheck))}


@reads("Marker", "MaxItems")
def list_health_checks(context: Context, request: Request) -> Response:
    found, said = page_by_marker(request, context.store.all(HealthCheck), lambda row: row.key)
    return {"HealthChecks": [_described(context, row) for row in found], **said}


@reads("HealthCheckId", "HealthCheckVersion", "ResetElements", *UPDATABLE)
def update_health_check(context: Context, request: Request) -> Response:
    row = get_check(context, request["HealthCheckId"])
    if request.get("HealthCheckVersion", row.version) != row.version:
        raise LabError(
            "HealthCheckVersionMismatch",
            f"The version of the health check {row.key} is {row.version}, not {request['HealthCheckVersion']}",
            status=409,
        )
    reset = request.get("ResetElements", ())
    if unknown := sorted(set(reset) - set(RESETTABLE)):
        raise invalid(f"ResetElements may be {', '.join(RESETTABLE)}, not {', '.join(unknown)}")
    kept = {name: value for name, value in row.config.items() if name not in {RESETTABLE[one] for one in reset}}
    config = checked(context, {**kept, **{name: request[name] for name in UPDATABLE if name in request}}, row.key)
    row = replace(row, config=config, version=row.version + 1)
    context.store.put(row)
    return {"HealthCheck": _described(context, row)}


@reads("HealthCheckId")
def delete_health_check(context: Context, request: Request) -> Response:
    """Record sets that name it count as healthy from then on."""
    row = get_check(context, request["HealthCheckId"])
    context.store.delete(HealthCheck, row.key)
    return {}


def _of_endpoint(context: Context, request: Request) -> HealthCheck:
    row = get_check(context, request["HealthCheckId"])
    if row.type not in ENDPOINT:
        raise invalid(f"The health check {row.key} is of type {row.type}: only those of an endpoint have observations")
    return row


def _observations(report: str, at: float) -> list[dict[str, Any]]:
    """Of the one checker there is."""
    said = {"Status": report, "CheckedTime": moment(at)}
    return [{"Region": "us-east-1", "StatusReport": said}] if report else []


def _described(context: Context, row: HealthCheck) -> dict[str, Any]:
    alarm = _alarm(context, row.config)
    return {
        "Id": row.health_check_id,
        "CallerReference": row.caller_reference,
        "HealthCheckConfig": dict(row.config),
        "HealthCheckVersion": row.version,
        **({} if alarm is None else _alarm_shape(alarm)),
    }


def _alarm(context: Context, config: Mapping[str, Any]) -> MetricAlarm | None:
    named = config.get("AlarmIdentifier")
    return None if named is None else context.store.get(MetricAlarm, named["Name"])


def _alarm_shape(alarm: MetricAlarm) -> dict[str, Any]:
    """Of an alarm on one of the five statistics of one metric: the shape has no room for others."""
    if alarm.metric is None or alarm.statistic not in STATISTICS:
        return {}
    shape = {
        "EvaluationPeriods": alarm.evaluation_periods,
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison_operator,
        "Period": alarm.period,
        "MetricName": alarm.metric.name,
        "Namespace": alarm.metric.namespace,
        "Statistic": alarm.statistic,
        "Dimensions": [{"Name": name, "Value": value} for name, value in alarm.metric.dimensions],
    }
    return {"CloudWatchAlarmConfiguration": shape}
