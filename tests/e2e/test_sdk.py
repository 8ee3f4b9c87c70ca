"""The lab through boto3, as an account of AWS: nothing but the endpoint is special."""

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.e2e.outside import Lab
from tests.eventually import until

pytestmark = pytest.mark.timeout(200)


def client(lab: Lab, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{lab.api}",
        region_name="us-east-1",
        aws_access_key_id="lab",
        aws_secret_access_key="lab",
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_the_account_looks_like_one(lab: Lab) -> None:
    assert client(lab, "sts").get_caller_identity()["Account"] == "123456789012"
    [group] = client(lab, "autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    ids = sorted(row["InstanceId"] for row in group["Instances"])
    assert ids == lab.healthy()
    [target_group] = client(lab, "elbv2").describe_target_groups()["TargetGroups"]
    health = client(lab, "elbv2").describe_target_health(TargetGroupArn=target_group["TargetGroupArn"])
    states = {row["Target"]["Id"]: row["TargetHealth"]["State"] for row in health["TargetHealthDescriptions"]}
    assert {identity: states[identity] for identity in ids} == dict.fromkeys(ids, "healthy")
    reservations = client(lab, "ec2").describe_instances(InstanceIds=ids)["Reservations"]
    assert {row["Instances"][0]["State"]["Name"] for row in reservations} == {"running"}
    [database] = client(lab, "rds").describe_db_instances()["DBInstances"]
    assert database["DBInstanceStatus"] == "available"
    alarms = client(lab, "cloudwatch").describe_alarms()["MetricAlarms"]
    assert {alarm["Threshold"] for alarm in alarms} == {50.0, 45.0}
    [stack] = client(lab, "cloudformation").describe_stacks(StackName="web")["Stacks"]
    assert stack["StackStatus"].endswith("_COMPLETE")


def test_desired_capacity_set_by_the_sdk_launches_and_drains(lab: Lab) -> None:
    scaling, name = client(lab, "autoscaling"), lab.group["name"]
    scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=3)
    lab.settled(3)
    cause = scaling.describe_scaling_activities(AutoScalingGroupName=name)["Activities"][0]["Cause"]
    assert "a user request explicitly set group desired capacity changing the desired capacity from 2 to 3." in cause
    scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=2)
    lab.settled(2)


def test_errors_are_awss(lab: Lab) -> None:
    with pytest.raises(ClientError) as caught:
        client(lab, "autoscaling").set_desired_capacity(AutoScalingGroupName=lab.group["name"], DesiredCapacity=99)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert "above max value 6" in caught.value.response["Error"]["Message"]
    with pytest.raises(ClientError, match=r"InvalidVpcID\.NotFound"):
        client(lab, "ec2").describe_vpcs(VpcIds=["vpc-0"])
    with pytest.raises(ClientError, match="DBInstanceNotFound"):
        client(lab, "rds").describe_db_instances(DBInstanceIdentifier="none")


def test_cpu_is_there_as_metric_data(lab: Lab) -> None:
    metrics = client(lab, "cloudwatch")

    def listed() -> bool:
        found = metrics.list_metrics(Namespace="AWS/EC2", MetricName="CPUUtilization")["Metrics"]
        return {row["Value"] for metric in found for row in metric["Dimensions"]} >= set(lab.healthy())

    assert until(listed, 30)
