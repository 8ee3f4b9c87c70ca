"""The AWS of a test: empty, or with a network and one of everything in it."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.actions.aws import Aws, path, record
from tests.pem import revocation_list, root


@pytest.fixture
def aws() -> Aws:
    return Aws()


@dataclass(frozen=True)
class Site:
    """One of everything, by id."""

    aws: Aws
    vpc: str
    a: str
    b: str
    security_group: str
    template: str
    target_group: str
    balancer: str
    listener: str
    rule: str
    default_rule: str
    certificate: str
    secure: str
    trust_store: str
    revocation: int
    shift: str
    group: str
    policy: str
    database: str
    secret: str
    gateway: str
    table: str
    instance: str
    zone: str
    check: str

    def filled(self, value: Any, **others: str) -> Any:
        """`value` with an id for each name in angle brackets, which is one of the above or of `others`."""
        match value:
            case dict():
                return {key: self.filled(inner, **others) for key, inner in value.items()}
            case list():
                return [self.filled(inner, **others) for inner in value]
            case str() if value.startswith("<"):
                return others.get(value[1:-1]) or getattr(self, value[1:-1])
        return value


@pytest.fixture
def site(aws: Aws) -> Site:
    vpc = aws.vpc()
    a, b = aws.subnet(vpc, 1, "a"), aws.subnet(vpc, 2, "b")
    security_group = aws.security_group(vpc)
    template = aws.launch_template(SecurityGroupIds=[security_group])
    target_group = aws.target_group(vpc)
    balancer = aws.load_balancer(a, b)
    listener = aws.listener(balancer, target_group)
    rule = aws.rule(listener, 10, path("/api/*"), target_group)
    [default_rule] = [
        one["RuleArn"] for one in aws("elbv2", "DescribeRules", ListenerArn=listener)["Rules"] if one["IsDefault"]
    ]
    certificate = aws.certificate()
    secure = aws.listener(balancer, target_group, 443, Protocol="HTTPS", Certificates=[{"CertificateArn": certificate}])
    authority = root(aws.now)
    aws.buckets.create("trust")
    aws.buckets.put("trust", "ca.pem", authority.pem.encode())
    aws.buckets.put("trust", "crl.pem", revocation_list(aws.now, authority, [7, 8]).encode())
    trust_store = aws.trust_store()
    [revocation] = aws("elbv2", "AddTrustStoreRevocations", TrustStoreArn=trust_store,
                       RevocationContents=[{"S3Bucket": "trust", "S3Key": "crl.pem"}])["TrustStoreRevocations"]  # fmt: skip
    aws.set("LoadBalancer", balancer, {"zonal_shift.config.enabled": "true"})
    shift = aws("arc-zonal-shift", "StartZonalShift", resourceIdentifier=balancer, awayFrom="use1-az2", expiresIn="2h",
                comment="drill")["zonalShiftId"]  # fmt: skip
    group = aws.group(template, a, b, TargetGroupARNs=[target_group])
    policy = aws.policy()
    aws("rds", "CreateDBSubnetGroup", DBSubnetGroupName="Shop", DBSubnetGroupDescription="d", SubnetIds=[a, b])
    database = aws("rds", "CreateDBInstance", DBInstanceIdentifier="Shop-DB", DBInstanceClass="db.t4g.micro",
                   Engine="postgres", MasterUsername="shop", MasterUserPassword="secret123",
                   DBSubnetGroupName="shop")["DBInstance"]["DBInstanceIdentifier"]  # fmt: skip
    secret = aws("secretsmanager", "CreateSecret", Name="shop", SecretString="hush")["ARN"]
    gateway = aws("ec2", "CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    aws("ec2", "AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    table = aws("ec2", "CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
    instance = aws.instance(template, a)
    zone = aws.zone("shop.lab")
    aws.records(zone, record("www.shop.lab", "192.0.2.1"))
    check = aws.check(IPAddress="192.0.2.1", Port=80, Type="TCP")
    return Site(
        aws, vpc, a, b, security_group, template, target_group, balancer, listener, rule, default_rule, certificate, secure,
        trust_store, revocation["RevocationId"], shift, group, policy, database, secret, gateway, table, instance, zone, check,
    )  # fmt: skip
