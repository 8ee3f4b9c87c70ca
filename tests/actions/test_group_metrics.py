"""Which metrics of a group are collected, and which instances are monitored in detail."""

from typing import Any

import pytest

from tests.actions.conftest import Site


def enabled(site: Site) -> list[str]:
    [group] = site.aws("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=["web"])["AutoScalingGroups"]
    assert {one["Granularity"] for one in group["EnabledMetrics"]} <= {"1Minute"}
    return [one["Metric"] for one in group["EnabledMetrics"]]


def collect(site: Site, verb: str, *names: str, **more: Any) -> None:
    given = {"Metrics": list(names)} if names else {}
    site.aws("autoscaling", f"{verb}MetricsCollection", AutoScalingGroupName="web", **given, **more)


def test_none_are_collected_until_they_are_asked_for(site: Site) -> None:
    assert enabled(site) == []
    collect(site, "Enable", "GroupTotalInstances", "GroupMinSize", Granularity="1Minute")
    assert enabled(site) == ["GroupMinSize", "GroupTotalInstances"]
    collect(site, "Enable", "GroupMaxSize", Granularity="1Minute")
    assert enabled(site) == ["GroupMinSize", "GroupMaxSize", "GroupTotalInstances"]
    collect(site, "Disable", "GroupMinSize", "GroupStandbyInstances")
    assert enabled(site) == ["GroupMaxSize", "GroupTotalInstances"]


def test_all_when_none_is_named(site: Site) -> None:
    types = site.aws("autoscaling", "DescribeMetricCollectionTypes")
    assert types["Granularities"] == [{"Granularity": "1Minute"}]
    names = [one["Metric"] for one in types["Metrics"]]
    assert len(names) == 21
    collect(site, "Enable", Granularity="1Minute")
    assert enabled(site) == names
    collect(site, "Disable")
    assert enabled(site) == []


@pytest.mark.parametrize(
    ("verb", "given"),
    [
        ("Enable", {"Granularity": "5Minutes"}),
        ("Enable", {"Granularity": "1Minute", "Metrics": ["GroupSize"]}),
        ("Disable", {"Metrics": ["GroupSize"]}),
        ("Disable", {"AutoScalingGroupName": "other"}),
    ],
)
def test_what_is_refused(site: Site, verb: str, given: dict[str, Any]) -> None:
    members = {"AutoScalingGroupName": "web", **given}
    assert site.aws.refusal("autoscaling", f"{verb}MetricsCollection", **members) == "ValidationError"


def test_monitoring_in_detail(site: Site) -> None:
    def monitoring() -> str:
        found = site.aws("ec2", "DescribeInstances", InstanceIds=[site.instance])["Reservations"]
        return str(found[0]["Instances"][0]["Monitoring"]["State"])

    begun = site.aws("ec2", "MonitorInstances", InstanceIds=[site.instance])
    assert begun["InstanceMonitorings"] == [{"InstanceId": site.instance, "Monitoring": {"State": "pending"}}]
    assert monitoring() == "enabled"
    begun = site.aws("ec2", "UnmonitorInstances", InstanceIds=[site.instance])
    assert begun["InstanceMonitorings"][0]["Monitoring"]["State"] == "disabling"
    assert monitoring() == "disabled"


def test_an_instance_that_is_gone_is_not_monitored(site: Site) -> None:
    some = [site.instance, "i-0"]
    assert site.aws.refusal("ec2", "MonitorInstances", InstanceIds=some) == "InvalidInstanceID.NotFound"
    site.aws("ec2", "TerminateInstances", InstanceIds=[site.instance])
    assert site.aws.refusal("ec2", "MonitorInstances", InstanceIds=[site.instance]) == "IncorrectInstanceState"
