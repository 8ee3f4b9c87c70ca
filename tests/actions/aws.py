"""AWS as a caller sees it: operations by name over a store in memory. Every answer is held against botocore's own shapes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from lab.actions import dispatch
from lab.actions.buckets import prepare_log_bucket
from lab.actions.context import Account, Context
from lab.actions.ec2.instances import launch
from lab.adapters.authority import Authority
from lab.adapters.buckets import MemoryBuckets
from lab.adapters.ids import counted_ids
from lab.adapters.metrics import MetricStore
from lab.adapters.ssh_keys import SshKeys
from lab.adapters.store import MemoryStore
from lab.core.ec2.model import Instance, LaunchTemplate
from lab.core.elbv2.target_health import Health
from lab.core.errors import LabError
from lab.core.route53.view import Places, View
from lab.rows import ROWS

NOW = 1_700_000_000.0
IMAGE = "ami-00000000000000a99"
PYTHON: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (datetime,),
    "string": (str,),
    "blob": (bytes,),
}
UNLISTED = {"AttachmentStatus": ("available",)}
"""Words AWS answers with although its model does not list them: an attached internet gateway is `available`
(ec2: InternetGatewayAttachment)."""


class Aws:
    """`target` is what every target's health is said to be."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.metrics = MetricStore(None)
        self.buckets = MemoryBuckets(lambda: self.now)
        self.now = NOW
        self.target = Health("healthy")
        self.places: Places = ()
        self.consoles: dict[str, str] = {}
        self.certificates = Authority(None, lambda: NOW)
        self._new_id = counted_ids()

    @property
    def context(self) -> Context:
        return Context(
            store=self.store,
            metrics=self.metrics,
            account=Account(),
            now=self.now,
            new_id=self._new_id,
            target_health=lambda _: self.target,
            view=lambda: View(self.store, "us-east-1", self.now, lambda _: self.target, lambda _: True, lambda: 0.0),
            places=self.places,
            certificates=self.certificates,
            keys=SshKeys(),
            bucket_object=self.buckets.get,
            prepare_log_bucket=lambda bucket, prefix: prepare_log_bucket(self.buckets, bucket, prefix, "123456789012"),
            console=lambda machine_id: self.consoles.get(machine_id, ""),
        )

    def __call__(self, service: str, operation: str, **members: Any) -> dict[str, Any]:
        answer = dispatch.call(self.context, service, operation, members)
        shape = dispatch.operation_model(service, operation).output_shape
        wrong = list(misfits(answer, shape, operation)) if shape is not None else list(answer)
        if wrong:
            pytest.fail(f"the answer of {operation} is not of AWS's shape: {wrong}")
        return answer

    def refusal(self, service: str, operation: str, **members: Any) -> str:
        """The code of the error, which must have left every row as it was."""
        before = self.rows()
        with pytest.raises(LabError) as caught:
            self(service, operation, **members)
        if self.rows() != before:
            pytest.fail(f"{operation} failed and changed rows all the same")
        return caught.value.code

    def rows(self) -> dict[str, list[Any]]:
        return {kind.__name__: self.store.all(kind) for kind in ROWS}

    # A network and what stands in it, step by step; each gives the id or ARN.

    def vpc(self, block: str = "10.0.0.0/16") -> str:
        return str(self("ec2", "CreateVpc", CidrBlock=block)["Vpc"]["VpcId"])

    def subnet(self, vpc: str, number: int, zone: str = "a") -> str:
        made = self(
            "ec2", "CreateSubnet", VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"us-east-1{zone}"
        )
        return str(made["Subnet"]["SubnetId"])

    def security_group(self, vpc: str, name: str = "web") -> str:
        return str(self("ec2", "CreateSecurityGroup", GroupName=name, Description="d", VpcId=vpc)["GroupId"])

    def launch_template(self, name: str = "web", **data: Any) -> str:
        data = {"ImageId": IMAGE, "InstanceType": "t3.micro", **data}
        made = self("ec2", "CreateLaunchTemplate", LaunchTemplateName=name, LaunchTemplateData=data)
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    def target_group(self, vpc: str, name: str = "web", **members: Any) -> str:
        members = {"Port": 8000, "VpcId": vpc, **members}
        return str(self("elbv2", "CreateTargetGroup", Name=name, **members)["TargetGroups"][0]["TargetGroupArn"])

    def load_balancer(self, *subnets: str, name: str = "web") -> str:
        made = self("elbv2", "CreateLoadBalancer", Name=name, Subnets=list(subnets))
        return str(made["LoadBalancers"][0]["LoadBalancerArn"])

    def listener(self, balancer: str, target_group: str, port: int = 80, **members: Any) -> str:
        members = {"Protocol": "HTTP", "Port": port, "DefaultActions": [forward(target_group)], **members}
        made = self("elbv2", "CreateListener", LoadBalancerArn=balancer, **members)
        return str(made["Listeners"][0]["ListenerArn"])

    def certificate(self, name: str = "shop.lab.local", **members: Any) -> str:
        """By the lab's authority."""
        members = {"KeyAlgorithm": "EC_prime256v1", **members}
        return str(self("acm", "RequestCertificate", DomainName=name, **members)["CertificateArn"])

    def trust_store(self, name: str = "clients", key: str = "ca.pem") -> str:
        made = self("elbv2", "CreateTrustStore", Name=name, CaCertificatesBundleS3Bucket="trust",
                    CaCertificatesBundleS3Key=key)  # fmt: skip
        return str(made["TrustStores"][0]["TrustStoreArn"])

    def rule(self, listener: str, priority: int, condition: dict[str, Any], target_group: str, **members: Any) -> str:
        made = self("elbv2", "CreateRule", ListenerArn=listener, Priority=priority, Conditions=[condition],
                    Actions=[forward(target_group)], **members)  # fmt: skip
        return str(made["Rules"][0]["RuleArn"])

    def set(self, what: str, arn: str, values: dict[str, str]) -> dict[str, str]:
        """Change attributes of a LoadBalancer, Listener or TargetGroup; all of them after that."""
        changes = [{"Key": key, "Value": value} for key, value in values.items()]
        made = self("elbv2", f"Modify{what}Attributes", **{f"{what}Arn": arn}, Attributes=changes)
        return {pair["Key"]: pair["Value"] for pair in made["Attributes"]}

    def group(self, template: str, *subnets: str, name: str = "web", **members: Any) -> str:
        members = {"MinSize": 0, "MaxSize": 4, "LaunchTemplate": {"LaunchTemplateId": template}, **members}
        self("autoscaling", "CreateAutoScalingGroup", AutoScalingGroupName=name, VPCZoneIdentifier=",".join(subnets),
             **members)  # fmt: skip
        return name

    def policy(self, group: str = "web", **members: Any) -> str:
        tracking = {
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            "TargetValue": 50.0,
        }
        members = {"PolicyType": "TargetTrackingScaling", "TargetTrackingConfiguration": tracking, **members}
        made = self("autoscaling", "PutScalingPolicy", AutoScalingGroupName=group, PolicyName="cpu", **members)
        return str(made["PolicyARN"])

    def instance(self, template: str, subnet: str, state: str = "running") -> str:
        """Launched as a group would, then in the state."""
        row = self.store.get(LaunchTemplate, template)
        assert row is not None
        made = launch(self.context, row, row.versions[-1], subnet, {})
        self.store.put(replace(made, state=state))
        return made.instance_id

    def zone(self, name: str, *vpcs: str) -> str:
        """A hosted zone: private with a VPC."""
        members = {"VPC": {"VPCRegion": "us-east-1", "VPCId": vpcs[0]}} if vpcs else {}
        made = self("route53", "CreateHostedZone", Name=name, CallerReference=f"{name} {vpcs}", **members)
        return str(made["HostedZone"]["Id"]).rpartition("/")[2]

    def records(self, zone: str, *sets: dict[str, Any], action: str = "CREATE") -> None:
        changes = [{"Action": action, "ResourceRecordSet": one} for one in sets]
        self("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch={"Changes": changes})

    def check(self, **config: Any) -> str:
        made = self("route53", "CreateHealthCheck", CallerReference=self._new_id("uuid"), HealthCheckConfig=config)
        return str(made["HealthCheck"]["Id"])

    def stop(self, instance_id: str) -> None:
        found = self.store.get(Instance, instance_id)
        assert found is not None
        self.store.put(replace(found, state="stopped"))


def forward(target_group: str) -> dict[str, Any]:
    return {"Type": "forward", "TargetGroupArn": target_group}


def record(name: str, *values: str, kind: str = "A", **members: Any) -> dict[str, Any]:
    """A resource record set; without values, an alias or what `members` say."""
    whole = {"TTL": 300, "ResourceRecords": [{"Value": value} for value in values]} if values else {}
    return {"Name": name, "Type": kind, **whole, **members}


def path(*values: str) -> dict[str, Any]:
    return {"Field": "path-pattern", "PathPatternConfig": {"Values": list(values)}}


def misfits(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """Where a value is not of botocore's shape: members it does not have, types, words that are not in an enum."""
    match shape:
        case StructureShape():
            for name, member in value.items():
                if name not in shape.members:
                    yield f"{path}.{name} is no member of {shape.name}"
                else:
                    yield from misfits(member, shape.members[name], f"{path}.{name}")
        case ListShape():
            if not isinstance(value, list | tuple):
                yield f"{path} is {type(value).__name__}, not a list"
                return
            for index, member in enumerate(value):
                yield from misfits(member, shape.member, f"{path}[{index}]")
        case MapShape():
            for name, member in value.items():
                yield from misfits(member, shape.value, f"{path}[{name}]")
        case StringShape() if (
            isinstance(value, str) and shape.enum and value not in {*shape.enum, *UNLISTED.get(shape.name, ())}
        ):
            yield f"{path} is {value!r}, not one of {', '.join(shape.enum)}"
        case _ if not isinstance(value, PYTHON[shape.type_name]):
            yield f"{path} is {type(value).__name__}, not {shape.type_name}"


def _words(shape: StringShape) -> set[str]:
    return {*shape.enum, *UNLISTED.get(shape.name, ())}
