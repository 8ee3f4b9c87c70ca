"""Route 53's health checks as the API has them."""

from dataclasses import replace
from typing import Any

import pytest

from lab.core.route53.model import HealthCheck
from tests.actions.aws import Aws
from tests.actions.conftest import Site

TCP = {"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 80}
HTTP = {"Type": "HTTP", "FullyQualifiedDomainName": "www.shop.lab"}


def config(aws: Aws, check: str) -> dict[str, Any]:
    found: dict[str, Any] = aws("route53", "GetHealthCheck", HealthCheckId=check)["HealthCheck"]["HealthCheckConfig"]
    return found


def alarm(aws: Aws) -> dict[str, str]:
    aws("cloudwatch", "PutMetricAlarm", AlarmName="cpu", Namespace="AWS/EC2", MetricName="CPUUtilization", Statistic="Average",
        Period=60, EvaluationPeriods=1, Threshold=50.0, ComparisonOperator="GreaterThanThreshold")  # fmt: skip
    return {"Region": "us-east-1", "Name": "cpu"}


@pytest.mark.parametrize(
    ("given", "filled"),
    [
        (HTTP, {"Port": 80, "EnableSNI": False}),
        ({**HTTP, "Type": "HTTPS", "ResourcePath": "/ok"}, {"Port": 443, "EnableSNI": True}),
        ({**HTTP, "Type": "HTTP_STR_MATCH", "SearchString": "ok", "Port": 8080}, {"EnableSNI": False}),
        ({**TCP, "RequestInterval": 10, "FailureThreshold": 1}, {"EnableSNI": False}),
    ],
)
def test_an_endpoints_check_has_its_defaults(aws: Aws, given: dict[str, Any], filled: dict[str, Any]) -> None:
    common = {
        "RequestInterval": 30,
        "FailureThreshold": 3,
        "Inverted": False,
        "Disabled": False,
        "MeasureLatency": False,
    }
    assert config(aws, aws.check(**given)) == {**common, **filled, **given}


def test_a_check_of_an_alarm_shows_the_alarm(aws: Aws) -> None:
    check = aws.check(Type="CLOUDWATCH_METRIC", AlarmIdentifier=alarm(aws))
    found = aws("route53", "GetHealthCheck", HealthCheckId=check)["HealthCheck"]
    assert found["HealthCheckConfig"]["InsufficientDataHealthStatus"] == "LastKnownStatus"
    assert found["CloudWatchAlarmConfiguration"]["MetricName"] == "CPUUtilization"


def test_a_check_takes_alarms_that_aws_takes(aws: Aws) -> None:
    named = alarm(aws)
    aws("cloudwatch", "PutMetricAlarm", AlarmName="cpu", Namespace="AWS/EC2", MetricName="CPUUtilization",
        ExtendedStatistic="p99", Period=60, EvaluationPeriods=1, Threshold=50.0,
        ComparisonOperator="GreaterThanThreshold")  # fmt: skip
    members = {"CallerReference": "r", "HealthCheckConfig": {"Type": "CLOUDWATCH_METRIC", "AlarmIdentifier": named}}
    assert aws.refusal("route53", "CreateHealthCheck", **members) == "InvalidInput"


def test_the_same_request_again_answers_with_what_is_there(aws: Aws) -> None:
    same = {"CallerReference": "r", "HealthCheckConfig": TCP}
    first, again = (aws("route53", "CreateHealthCheck", **same)["HealthCheck"]["Id"] for _ in range(2))
    assert first == again
    other = {"CallerReference": "r", "HealthCheckConfig": HTTP}
    assert aws.refusal("route53", "CreateHealthCheck", **other) == "HealthCheckAlreadyExists"


def test_a_check_is_changed_and_its_elements_reset(aws: Aws) -> None:
    check = aws.check(**HTTP, ResourcePath="/a")
    found = aws("route53", "UpdateHealthCheck", HealthCheckId=check, HealthCheckVersion=1, FailureThreshold=5,
                IPAddress="192.0.2.9", ResetElements=["ResourcePath"])["HealthCheck"]  # fmt: skip
    assert found["HealthCheckVersion"] == 2
    assert (found["HealthCheckConfig"]["FailureThreshold"], "ResourcePath" in found["HealthCheckConfig"]) == (5, False)
    assert (
        aws.refusal("route53", "UpdateHealthCheck", HealthCheckId=check, HealthCheckVersion=1)
        == "HealthCheckVersionMismatch"
    )


def test_a_calculated_check_cannot_be_its_own_child(aws: Aws) -> None:
    tcp = aws.check(**TCP)
    inner = aws.check(Type="CALCULATED", ChildHealthChecks=[tcp], HealthThreshold=1)
    outer = aws.check(Type="CALCULATED", ChildHealthChecks=[inner, tcp])
    assert config(aws, outer)["HealthThreshold"] == 2
    for child in (inner, outer):
        assert (
            aws.refusal("route53", "UpdateHealthCheck", HealthCheckId=inner, ChildHealthChecks=[child])
            == "InvalidInput"
        )


def test_the_status_is_what_the_last_check_found(aws: Aws) -> None:
    check = aws.check(**TCP)
    assert aws("route53", "GetHealthCheckStatus", HealthCheckId=check)["HealthCheckObservations"] == []
    row = aws.store.get(HealthCheck, check)
    assert row is not None
    aws.store.put(replace(row, healthy=True, report="Success: TCP connection", observed=aws.now))
    [seen] = aws("route53", "GetHealthCheckStatus", HealthCheckId=check)["HealthCheckObservations"]
    assert (seen["StatusReport"]["Status"], seen["StatusReport"]["CheckedTime"].timestamp()) == (
        "Success: TCP connection",
        aws.now,
    )


def test_checks_are_listed_in_pages_and_deleted(aws: Aws) -> None:
    checks = [aws.check(**{**TCP, "Port": port}) for port in (1, 2, 3)]
    first = aws("route53", "ListHealthChecks", MaxItems="2")
    last = aws("route53", "ListHealthChecks", MaxItems="2", Marker=first["NextMarker"])
    assert [row["Id"] for page in (first, last) for row in page["HealthChecks"]] == checks
    aws("route53", "DeleteHealthCheck", HealthCheckId=checks[0])
    assert aws.refusal("route53", "DeleteHealthCheck", HealthCheckId=checks[0]) == "NoSuchHealthCheck"


@pytest.mark.parametrize(
    "wrong",
    [
        {"Type": "PING"},
        {"Type": "RECOVERY_CONTROL", "RoutingControlArn": "arn"},
        {"Type": "TCP", "Port": 80},
        {"Type": "TCP", "IPAddress": "192.0.2.1"},
        {**TCP, "IPAddress": "2001:db8::1"},
        {**TCP, "IPAddress": "300.0.0.1"},
        {**TCP, "Port": 0},
        {**TCP, "ResourcePath": "/"},
        {**TCP, "RequestInterval": 20},
        {**TCP, "FailureThreshold": 11},
        {**TCP, "Regions": ["us-east-1"]},
        {**TCP, "Regions": ["us-east-1", "us-west-1", "mars-1"]},
        {**HTTP, "FullyQualifiedDomainName": "a..b"},
        {**HTTP, "IPAddress": "192.0.2.1", "FullyQualifiedDomainName": "a\r\nX: y"},
        {**HTTP, "ResourcePath": "/a b"},
        {**HTTP, "ResourcePath": "/" * 256},
        {**HTTP, "SearchString": "x"},
        {**HTTP, "Type": "HTTP_STR_MATCH"},
        {"Type": "CALCULATED", "ChildHealthChecks": ["<check>", "<check>"]},
        {"Type": "CALCULATED", "HealthThreshold": 257},
        {"Type": "CALCULATED", "IPAddress": "192.0.2.1"},
        {"Type": "CLOUDWATCH_METRIC"},
        {"Type": "CLOUDWATCH_METRIC", "AlarmIdentifier": {"Region": "us-east-1", "Name": "none"}},
        {"Type": "CLOUDWATCH_METRIC", "AlarmIdentifier": "<alarm>", "InsufficientDataHealthStatus": "Perhaps"},
    ],
)
def test_a_config_that_cannot_be(site: Site, wrong: dict[str, Any]) -> None:
    if wrong.get("AlarmIdentifier") == "<alarm>":
        wrong = {**wrong, "AlarmIdentifier": alarm(site.aws)}
    members = {"CallerReference": "r", "HealthCheckConfig": site.filled(wrong)}
    assert site.aws.refusal("route53", "CreateHealthCheck", **members) == "InvalidInput"


@pytest.mark.parametrize(
    ("operation", "members", "code"),
    [
        ("CreateHealthCheck", {"CallerReference": "r", "HealthCheckConfig": {"Type": "CALCULATED", "ChildHealthChecks": ["x"]}},
         "NoSuchHealthCheck"),
        ("UpdateHealthCheck", {"HealthCheckId": "<check>", "ResetElements": ["Port"]}, "InvalidInput"),
        ("UpdateHealthCheck", {"HealthCheckId": "none"}, "NoSuchHealthCheck"),
        ("GetHealthCheckStatus", {"HealthCheckId": "none"}, "NoSuchHealthCheck"),
    ],
)  # fmt: skip
def test_errors(site: Site, operation: str, members: dict[str, Any], code: str) -> None:
    assert site.aws.refusal("route53", operation, **site.filled(members)) == code


def test_only_checks_of_an_endpoint_have_a_status(site: Site) -> None:
    check = site.aws.check(Type="CALCULATED", ChildHealthChecks=[site.check])
    for operation in ("GetHealthCheckStatus", "GetHealthCheckLastFailureReason"):
        assert site.aws.refusal("route53", operation, HealthCheckId=check) == "InvalidInput"
    assert site.aws("route53", "GetHealthCheckCount")["HealthCheckCount"] == 2
