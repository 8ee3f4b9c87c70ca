"""A store in memory and a small AWS on top of it.

The AWS keeps everything it knows in rows of the same store, its log of calls included, so a transaction that is rolled
back takes back what the actions did, as in the lab. Every request is checked against botocore's own models.
"""

import json
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from lab.core.errors import LabError
from lab.core.store import R, Row, T, Watch
from lab.stack.context import EngineContext
from lab.stack.engine import step, unfinished
from lab.stack.model import Resource, Stack

ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


class Crash(Exception):  # noqa: N818 - a kill -9 is no error of the code that it hits
    """The process ends here."""


class MemoryStore:
    """Rows in dictionaries. `crash_every` k ends the process at every k-th write, before it is kept.

    A step that writes k rows or more would never get through, so k must be larger than any step.
    """

    def __init__(self) -> None:
        self._rows: dict[type[Any], dict[str, Any]] = {}
        self._depth = 0
        self.writes = 0
        self.crash_every = 0
        self.crashes = 0

    def get(self, kind: type[R], key: str) -> R | None:
        found: R | None = self._rows.get(kind, {}).get(key)
        return found

    def all(self, kind: type[R]) -> list[R]:
        return list(self._rows.get(kind, {}).values())

    def where(self, kind: type[R], field: str, value: Hashable) -> list[R]:
        return [row for row in self.all(kind) if getattr(row, field) == value]

    def derived(self, make: Callable[[Any], T], *kinds: type[Any]) -> T:
        return make(self)

    def revision(self, *kinds: type[Any]) -> int:
        return self.writes

    def watch(self, fields: Mapping[type[Any], str]) -> Watch:
        raise NotImplementedError("stacks watch nothing")

    def put(self, row: Row) -> None:
        self.writes += 1
        if self.crash_every and self.writes % self.crash_every == 0:
            self.crashes += 1
            raise Crash
        self._rows.setdefault(type(row), {})[row.key] = row

    def delete(self, kind: type[R], key: str) -> None:
        self._rows.get(kind, {}).pop(key, None)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        before = None if self._depth else {cls: dict(rows) for cls, rows in self._rows.items()}
        self._depth += 1
        try:
            yield
        except BaseException:
            if before is not None:
                self._rows = before
            raise
        finally:
            self._depth -= 1


@dataclass(frozen=True, slots=True)
class Thing:
    """Anything the fake AWS has made: what the request said, and what belongs to it."""

    kind: str
    id: str
    made: float
    request: dict[str, Any]
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.id}"


@dataclass(frozen=True, slots=True)
class Called:
    """One call that was carried out."""

    number: int
    operation: str
    request: dict[str, Any]

    @property
    def key(self) -> str:
        return str(self.number)


@cache
def _input_shape(service: str, operation: str) -> Any:
    return _model(service).operation_model(operation).input_shape


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def check_request(service: str, operation: str, request: dict[str, Any]) -> None:
    """Fails on a member or type that botocore does not know."""
    report = ParamValidator().validate(request, _input_shape(service, operation))
    assert not report.has_errors(), f"{service} {operation}: {report.generate_report()}"


DEFAULT_ACL = "acl-default"
# operation: (kind, prefix of ids, path of the answer's member that holds the id)
CREATES = {
    "CreateVpc": ("vpc", "vpc-", ("Vpc", "VpcId")),
    "CreateInternetGateway": ("igw", "igw-", ("InternetGateway", "InternetGatewayId")),
    "AllocateAddress": ("eip", "198.51.100.", ("PublicIp",)),
    "CreateNatGateway": ("nat", "nat-", ("NatGateway", "NatGatewayId")),
    "CreateSubnet": ("subnet", "subnet-", ("Subnet", "SubnetId")),
    "CreateRouteTable": ("rtb", "rtb-", ("RouteTable", "RouteTableId")),
    "CreateRoute": ("route", "route-", ("Return",)),
    "AttachInternetGateway": ("attachment", "attachment-", ("Return",)),
    "CreateNetworkAcl": ("acl", "acl-", ("NetworkAcl", "NetworkAclId")),
    "CreateNetworkAclEntry": ("aclentry", "aclentry-", ("Return",)),
    "AssociateRouteTable": ("rtbassoc", "rtbassoc-", ("AssociationId",)),
    "CreateSecurityGroup": ("sg", "sg-", ("GroupId",)),
    "CreateLaunchTemplate": ("lt", "lt-", ("LaunchTemplate", "LaunchTemplateId")),
    "CreateLoadBalancer": ("lb", "arn:lb:loadbalancer/app/", ("LoadBalancers", "LoadBalancerArn")),
    "CreateTargetGroup": ("tg", "arn:targetgroup/", ("TargetGroups", "TargetGroupArn")),
    "CreateListener": ("listener", "arn:listener/", ("Listeners", "ListenerArn")),
    "RequestCertificate": ("certificate", "arn:aws:acm:us-east-1:123456789012:certificate/", ("CertificateArn",)),
    "CreateSecret": ("secret", "arn:aws:secretsmanager:us-east-1:123456789012:secret:", ("ARN",)),
}
# operation: (kind, name of the member that identifies, code of the error when there is none)
DELETES = {
    "DeleteVpc": ("vpc", "VpcId", "InvalidVpcID.NotFound"),
    "DeleteInternetGateway": ("igw", "InternetGatewayId", "InvalidInternetGatewayID.NotFound"),
    "ReleaseAddress": ("eip", "PublicIp", "InvalidAddress.NotFound"),
    "DeleteNatGateway": ("nat", "NatGatewayId", "NatGatewayNotFound"),
    "DeleteSubnet": ("subnet", "SubnetId", "InvalidSubnetID.NotFound"),
    "DeleteRouteTable": ("rtb", "RouteTableId", "InvalidRouteTableID.NotFound"),
    "DeleteNetworkAcl": ("acl", "NetworkAclId", "InvalidNetworkAclID.NotFound"),
    "DisassociateRouteTable": ("rtbassoc", "AssociationId", "InvalidAssociationID.NotFound"),
    "DeleteSecurityGroup": ("sg", "GroupId", "InvalidGroup.NotFound"),
    "DeleteLaunchTemplate": ("lt", "LaunchTemplateId", "InvalidLaunchTemplateId.NotFound"),
    "DeleteLoadBalancer": ("lb", "LoadBalancerArn", "LoadBalancerNotFound"),
    "DeleteTargetGroup": ("tg", "TargetGroupArn", "TargetGroupNotFound"),
    "DeleteListener": ("listener", "ListenerArn", "ListenerNotFound"),
    "DeleteCertificate": ("certificate", "CertificateArn", "ResourceNotFoundException"),
    "DeleteSecret": ("secret", "SecretId", "ResourceNotFoundException"),
    "DeleteDBSubnetGroup": ("dbsubnets", "DBSubnetGroupName", "DBSubnetGroupNotFoundFault"),
    "DeleteAutoScalingGroup": ("asg", "AutoScalingGroupName", "ValidationError"),
    "DeletePolicy": ("policy", "PolicyName", "ValidationError"),
}
NAMED = {
    "CreateDBSubnetGroup": ("dbsubnets", "DBSubnetGroupName"),
    "CreateDBInstance": ("db", "DBInstanceIdentifier"),
    "CreateAutoScalingGroup": ("asg", "AutoScalingGroupName"),
    "PutScalingPolicy": ("policy", "PolicyName"),
}


class FakeAws:
    """`call` is what the engine is given. `refuse` maps an operation to the error it answers with."""

    START_SECONDS = 60.0

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.now = 1_000_000.0
        self.refuse: dict[str, LabError] = {}
        self.broken: set[str] = set()
        self._special: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "DescribeVpcs": lambda r: {"Vpcs": [{"State": "available", **self._one("vpc", r["VpcIds"][0]).request}]},
            "DescribeSubnets": lambda r: {
                "Subnets": [{"State": "available", **self._one("subnet", r["SubnetIds"][0]).request}]
            },
            "DescribeAddresses": lambda r: {
                "Addresses": [{"AllocationId": f"eipalloc-{self._one('eip', r['PublicIps'][0]).id}"}]
            },
            "DescribeNatGateways": self._describe_nats,
            "DescribeLaunchTemplates": self._describe_templates,
            "CreateLaunchTemplateVersion": self._new_version,
            "DescribeLoadBalancers": self._describe_lbs,
            "DescribeCertificate": lambda r: {"Certificate": {"Status": "ISSUED"}},
            "GetRandomPassword": lambda r: {"RandomPassword": "R4nd0mPassw0rd"},
            "GetSecretValue": lambda r: {"SecretString": self._one("secret", r["SecretId"]).request["SecretString"]},
            "DescribeDBInstances": self._describe_dbs,
            "DeleteDBInstance": self._delete_db,
            "DescribeAutoScalingGroups": self._describe_groups,
            "DescribeScalingActivities": lambda r: {"Activities": []},
            "UpdateAutoScalingGroup": lambda r: self._amend("asg", r["AutoScalingGroupName"], r),
            "DescribeNetworkAcls": self._describe_acls,
            "ReplaceNetworkAclAssociation": self._associate_acl,
            "DeleteNetworkAclEntry": lambda r: self._drop("aclentry", r),
            "DeleteRoute": lambda r: self._drop("route", r),
            "DetachInternetGateway": lambda r: self._drop("attachment", r),
        }

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        check_request(service, operation, request)
        with self.store.transaction():
            if not operation.startswith(("Describe", "Get")):
                self.store.put(Called(len(self.store.all(Called)), operation, request))
            if operation in self.refuse:
                raise self.refuse[operation]
            return self._answer(operation, request)

    def operations(self) -> list[str]:
        """What has been called and kept, reading calls left out."""
        return [one.operation for one in self.store.all(Called)]

    def requests(self, operation: str) -> list[dict[str, Any]]:
        return [one.request for one in self.store.all(Called) if one.operation == operation]

    def _answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation in self._special:
            return self._special[operation](request)
        if operation in CREATES:
            return self._create(operation, request)
        if operation in NAMED:
            kind, member = NAMED[operation]
            self.store.put(Thing(kind, request[member], self.now, request))
            return {"PolicyARN": f"arn:aws:autoscaling:policyName/{request[member]}"} if kind == "policy" else {}
        if operation in DELETES:
            return self._delete(operation, request)
        return {"SecurityGroupRules": [{"SecurityGroupRuleId": f"sgr-{len(self.store.all(Called))}"}]}

    def _create(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        kind, prefix, path = CREATES[operation]
        thing = Thing(kind, f"{prefix}{len(self.store.all(Called)):04d}", self.now, request, {"versions": 1})
        self.store.put(thing)
        answer: Any = thing.id
        for member in reversed(path):
            answer = {member: [answer] if member.endswith("s") else answer}
        found: dict[str, Any] = answer
        return found

    def _one(self, kind: str, key: str) -> Thing:
        found = self.store.get(Thing, f"{kind}/{key}")
        if found is None:
            raise LabError(f"{kind}.NotFound", f"{kind} {key} does not exist")
        return found

    def _delete(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        kind, member, code = DELETES[operation]
        thing = self.store.get(Thing, f"{kind}/{request[member]}")
        if thing is None:
            raise LabError(code, f"{request[member]} does not exist")
        users = [
            one.key for one in self.store.all(Thing) if one.key != thing.key and thing.id in json.dumps(one.request)
        ]
        if users:
            raise LabError("DependencyViolation", f"{thing.key} has dependent objects {users}")
        self.store.delete(Thing, thing.key)
        return {}

    def _drop(self, kind: str, request: dict[str, Any]) -> dict[str, Any]:
        for one in self.store.all(Thing):
            if one.kind == kind and request.items() <= one.request.items():
                self.store.delete(Thing, one.key)
        return {}

    def _amend(self, kind: str, key: str, request: dict[str, Any]) -> dict[str, Any]:
        old = self._one(kind, key)
        self.store.put(Thing(kind, key, self.now, old.request | request, old.extra))
        return {}

    def _is_ready(self, thing: Thing) -> bool:
        return self.now - thing.made >= self.START_SECONDS

    def _new_version(self, request: dict[str, Any]) -> dict[str, Any]:
        old = self._one("lt", request["LaunchTemplateId"])
        versions = old.extra["versions"] + 1
        self.store.put(Thing("lt", old.id, old.made, old.request | request, {"versions": versions}))
        return {}

    def _describe_acls(self, request: dict[str, Any]) -> dict[str, Any]:
        """By id, by subnet, or the default one."""
        for key in request.get("NetworkAclIds", ()):
            return {"NetworkAcls": [{"NetworkAclId": key, **self._one("acl", key).request}]}
        [name, value] = request["Filters"][0]["Name"], request["Filters"][0]["Values"][0]
        if name == "vpc-id":
            return {"NetworkAcls": [{"NetworkAclId": DEFAULT_ACL, "VpcId": value}]}
        first = {"SubnetId": value, "NetworkAclAssociationId": f"aclassoc-first-{value}"}
        return {"NetworkAcls": [{"NetworkAclId": DEFAULT_ACL, "Associations": [first]}]}

    def _associate_acl(self, request: dict[str, Any]) -> dict[str, Any]:
        """Associations with the default ACL are not kept."""
        self.store.delete(Thing, f"aclassoc/{request['AssociationId']}")
        new = f"aclassoc-{len(self.store.all(Called)):04d}"
        if request["NetworkAclId"] != DEFAULT_ACL:
            self.store.put(Thing("aclassoc", new, self.now, request))
        return {"NewAssociationId": new}

    def _describe_nats(self, request: dict[str, Any]) -> dict[str, Any]:
        """By id, or one of a filter that may have gone."""
        if "NatGatewayIds" in request:
            return {"NatGateways": [{"State": "available", **self._one("nat", request["NatGatewayIds"][0]).request}]}
        found = self.store.get(Thing, f"nat/{request['Filter'][0]['Values'][0]}")
        return {"NatGateways": [] if found is None else [{"State": "deleting"}]}

    def _describe_templates(self, request: dict[str, Any]) -> dict[str, Any]:
        versions = self._one("lt", request["LaunchTemplateIds"][0]).extra["versions"]
        return {"LaunchTemplates": [{"LatestVersionNumber": versions, "DefaultVersionNumber": 1}]}

    def _describe_lbs(self, request: dict[str, Any]) -> dict[str, Any]:
        thing = self._one("lb", request["LoadBalancerArns"][0])
        code = "failed" if "lb" in self.broken else "active" if self._is_ready(thing) else "provisioning"
        state = {"Code": code, "Reason": "no free addresses"}
        return {"LoadBalancers": [{"State": state, "DNSName": f"{thing.request['Name']}.elb.example"}]}

    def _describe_dbs(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["DBInstanceIdentifier"]
        thing = self.store.get(Thing, f"db/{name}")
        if thing is None or (thing.extra.get("deleted", self.now) + self.START_SECONDS <= self.now):
            self.store.delete(Thing, f"db/{name}")
            raise LabError("DBInstanceNotFound", f"DBInstance {name} not found.", status=404)
        status = "deleting" if "deleted" in thing.extra else "available" if self._is_ready(thing) else "creating"
        endpoint = {"Address": f"{name}.rds.example", "Port": 5432}
        return {"DBInstances": [{"DBInstanceStatus": status, "Endpoint": endpoint}]}

    def _delete_db(self, request: dict[str, Any]) -> dict[str, Any]:
        thing = self._one("db", request["DBInstanceIdentifier"])
        self.store.put(Thing("db", thing.id, thing.made, thing.request, {"deleted": self.now}))
        return {}

    def _describe_groups(self, request: dict[str, Any]) -> dict[str, Any]:
        thing = self.store.get(Thing, f"asg/{request['AutoScalingGroupNames'][0]}")
        if thing is None:
            return {"AutoScalingGroups": []}
        sizes = {name: thing.request.get(name, 0) for name in ("MinSize", "MaxSize", "DesiredCapacity")}
        count = sizes["DesiredCapacity"] if sizes["DesiredCapacity"] == 0 or self._is_ready(thing) else 0
        count += 0 if self._is_ready(thing) or sizes["MaxSize"] else 1  # the last one is still draining
        instances = [{"LifecycleState": "InService", "ProtectedFromScaleIn": False} for _ in range(count)]
        more = {"Instances": instances, "AutoScalingGroupARN": "arn:asg", "SuspendedProcesses": []}
        return {"AutoScalingGroups": [{**sizes, **more}]}


class World:
    """A store, an AWS, and stacks driven to their end."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.aws = FakeAws(self.store)
        self._ids = 0

    def _new_id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}-{self._ids:017x}"

    @property
    def context(self) -> EngineContext:
        return EngineContext(self.store, self.aws.call, self.aws.now, self._new_id, "us-east-1", "123456789012", ZONES)

    def run(self, name: str = "web", limit: int = 5000) -> None:
        """Steps until nothing is unfinished; while a step changes nothing, time passes. A crash only loses its step."""
        for _ in range(limit):
            if name not in unfinished(self.store):
                return
            try:
                moved = step(self.context, name)
            except Crash:
                continue
            if not moved:
                self.aws.now += 15.0
        raise AssertionError(f"{name} is not finished after {limit} steps: {self.statuses(name)}")

    def statuses(self, name: str = "web") -> dict[str, str]:
        """The status of each resource of the newest stack of that name."""
        stack = [one for one in self.store.all(Stack) if one.name == name][-1]
        return {one.logical_id: one.status for one in self.store.all(Resource) if one.stack_id == stack.stack_id}
