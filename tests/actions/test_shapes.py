"""Every answer has botocore's shape (each call through `Aws` is checked), and every parameter read exists."""

from typing import Any

import pytest

from lab.actions.context import READS
from lab.actions.dispatch import MODULES, find, operation_model, supported
from lab.core.autoscaling.model import Activity, Member
from lab.core.cloudwatch.metric import Metric
from lab.core.rds.model import Event
from tests.actions.aws import Aws, misfits
from tests.actions.conftest import Site

ALL = [(service, operation) for service in MODULES for operation in supported(service)]


@pytest.mark.parametrize(("service", "operation"), ALL, ids=[operation for _, operation in ALL])
def test_every_parameter_an_action_reads_is_one_of_awss(service: str, operation: str) -> None:
    action = find(service, operation)
    shape = operation_model(service, operation).input_shape
    members = set() if shape is None else set(shape.members)
    assert READS[f"{action.__module__}.{action.__name__}"] <= members


@pytest.mark.parametrize(("service", "operation"), ALL, ids=[operation for _, operation in ALL])
def test_every_required_parameter_is_read(service: str, operation: str) -> None:
    action = find(service, operation)
    shape = operation_model(service, operation).input_shape
    required = set() if shape is None else set(shape.required_members)
    assert required <= READS[f"{action.__module__}.{action.__name__}"]


def test_every_marked_function_is_an_operation() -> None:
    names = {f"{action.__module__}.{action.__name__}" for action in (find(*pair) for pair in ALL)}
    assert names == set(READS)


DESCRIBES = [
    (service, operation)
    for service, operation in ALL
    if operation.startswith(("Describe", "List"))
    and not getattr(operation_model(service, operation).input_shape, "required_members", ())
]


@pytest.mark.parametrize(("service", "operation"), DESCRIBES, ids=[operation for _, operation in DESCRIBES])
def test_describing_everything_fits_the_shapes(site: Site, service: str, operation: str) -> None:
    members: dict[str, dict[str, Any]] = {
        "DescribeLaunchTemplateVersions": {"LaunchTemplateId": site.template},
        "DescribeRules": {"ListenerArn": site.listener},
        "ListCertificates": {"Includes": {"keyTypes": ["EC_prime256v1"]}},
    }
    asked = members.get(operation, {})
    site.aws.metrics.put(Metric("AWS/EC2", "CPUUtilization", (("InstanceId", site.instance),)), 1.0, site.aws.now)
    site.aws.store.put(Event("event", "shop-db", "availability", "DB instance restarted", site.aws.now))
    site.aws.store.put(member_of(site))
    site.aws.store.put(Activity("activity", "web", "Launching", "because", site.aws.now, "PreInService", 30, "{}"))
    site.aws("autoscaling", "CreateOrUpdateTags", Tags=[{"ResourceId": "web", "Key": "a", "Value": "1"}])
    site.aws("autoscaling", "PutScheduledUpdateGroupAction", AutoScalingGroupName="web", ScheduledActionName="nightly",
             Recurrence="0 22 * * *", DesiredCapacity=1)  # fmt: skip
    site.aws("ec2", "CreateKeyPair", KeyName="mine", KeyType="ed25519")
    address = site.aws("ec2", "AllocateAddress")["AllocationId"]
    site.aws("ec2", "CreateNatGateway", SubnetId=site.a, AllocationId=address)
    assert any(site.aws(service, operation, **asked).values())


def member_of(site: Site) -> Member:
    return Member(site.instance, "web", "us-east-1a", site.template, 1, site.aws.now, "activity", "InService")


def test_the_check_itself_finds_what_does_not_fit(aws: Aws) -> None:
    shape = operation_model("ec2", "DescribeVpcs").output_shape
    assert shape is not None
    wrong = {"Vpcs": [{"VpcId": 5, "Colour": "red", "State": "gone"}], "Extra": 1}
    assert len(list(misfits(wrong, shape, ""))) == 4
