"""Network ACLs by their API (vpc:vpc-network-acls)."""

from typing import Any

import pytest

from lab.core.ec2.model import NetworkAcl
from tests.actions.aws import Aws

WEB = {
    "Protocol": "6",
    "RuleAction": "allow",
    "Egress": False,
    "CidrBlock": "0.0.0.0/0",
    "PortRange": {"From": 80, "To": 80},
}


@pytest.fixture
def vpc(aws: Aws) -> str:
    return aws.vpc()


@pytest.fixture
def acl(aws: Aws, vpc: str) -> str:
    return str(aws("ec2", "CreateNetworkAcl", VpcId=vpc)["NetworkAcl"]["NetworkAclId"])


def described(aws: Aws, **members: Any) -> dict[str, Any]:
    [found] = aws("ec2", "DescribeNetworkAcls", **members)["NetworkAcls"]
    return dict(found)


def test_a_vpc_comes_with_one_that_lets_everything_pass(aws: Aws, vpc: str) -> None:
    subnet = aws.subnet(vpc, 1)
    default = described(aws)
    assert default["IsDefault"]
    rules = [(row["Egress"], row["RuleNumber"], row["RuleAction"]) for row in default["Entries"]]
    assert rules == [(True, 100, "allow"), (True, 32767, "deny"), (False, 100, "allow"), (False, 32767, "deny")]
    assert [row["SubnetId"] for row in default["Associations"]] == [subnet]


def test_one_of_ones_own_denies_until_it_has_entries(aws: Aws, acl: str) -> None:
    assert {row["RuleNumber"] for row in described(aws, NetworkAclIds=[acl])["Entries"]} == {32767}
    aws("ec2", "CreateNetworkAclEntry", NetworkAclId=acl, RuleNumber=100, **WEB)
    entry = next(row for row in described(aws, NetworkAclIds=[acl])["Entries"] if row["RuleNumber"] == 100)
    assert (entry["Protocol"], entry["PortRange"]) == ("6", {"From": 80, "To": 80})


def test_a_subnet_changes_its_acl_and_goes_back(aws: Aws, vpc: str, acl: str) -> None:
    subnet = aws.subnet(vpc, 1)
    by_subnet = {"Filters": [{"Name": "association.subnet-id", "Values": [subnet]}]}
    first = described(aws, **by_subnet)
    default, association = first["NetworkAclId"], first["Associations"][0]["NetworkAclAssociationId"]
    change = "ReplaceNetworkAclAssociation"
    new = aws("ec2", change, AssociationId=association, NetworkAclId=acl)["NewAssociationId"]
    assert described(aws, **by_subnet)["NetworkAclId"] == acl
    assert aws.refusal("ec2", change, AssociationId=association, NetworkAclId=acl) == "InvalidAssociationID.NotFound"
    assert aws.refusal("ec2", "DeleteNetworkAcl", NetworkAclId=acl) == "DependencyViolation"
    aws("ec2", change, AssociationId=new, NetworkAclId=default)
    aws("ec2", "DeleteNetworkAcl", NetworkAclId=acl)
    assert described(aws, **by_subnet)["NetworkAclId"] == default


def test_entries_are_replaced_and_deleted_by_number_and_direction(aws: Aws, acl: str) -> None:
    entry = {"NetworkAclId": acl, "RuleNumber": 100}
    aws("ec2", "CreateNetworkAclEntry", **entry, **WEB)
    assert aws.refusal("ec2", "CreateNetworkAclEntry", **entry, **WEB) == "NetworkAclEntryAlreadyExists"
    aws("ec2", "ReplaceNetworkAclEntry", **entry, **{**WEB, "RuleAction": "deny"})
    assert [row.rule_action for row in aws.store.all(NetworkAcl)[-1].entries] == ["deny"]
    assert aws.refusal("ec2", "DeleteNetworkAclEntry", **entry, Egress=True) == "InvalidNetworkAclEntry.NotFound"
    aws("ec2", "DeleteNetworkAclEntry", **entry, Egress=False)
    assert aws.store.all(NetworkAcl)[-1].entries == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"RuleNumber": 0}, "InvalidParameterValue"),
        ({"RuleNumber": 32767}, "InvalidParameterValue"),
        ({"PortRange": {"From": 90, "To": 80}}, "InvalidParameterValue"),
        ({"CidrBlock": "10.0.0.0/33"}, "InvalidParameterValue"),
        ({"Protocol": "256"}, "InvalidParameterValue"),
        ({"RuleAction": "maybe"}, "InvalidParameterValue"),
        ({"Protocol": "1"}, "MissingParameter"),
        ({"NetworkAclId": "acl-0123456789abcdef0"}, "InvalidNetworkAclID.NotFound"),
    ],
)
def test_bad_entries_are_refused_and_leave_nothing(aws: Aws, acl: str, change: dict[str, Any], code: str) -> None:
    assert (
        aws.refusal("ec2", "CreateNetworkAclEntry", **{"NetworkAclId": acl, "RuleNumber": 100, **WEB, **change}) == code
    )
    assert aws.store.all(NetworkAcl)[-1].entries == ()


def test_twenty_entries_each_way(aws: Aws, acl: str) -> None:
    for number in range(1, 21):
        aws("ec2", "CreateNetworkAclEntry", NetworkAclId=acl, RuleNumber=number, **WEB)
    code = aws.refusal("ec2", "CreateNetworkAclEntry", NetworkAclId=acl, RuleNumber=21, **WEB)
    assert code == "NetworkAclEntryLimitExceeded"
    aws("ec2", "CreateNetworkAclEntry", NetworkAclId=acl, RuleNumber=1, **{**WEB, "Egress": True})


def test_with_the_vpc_goes_its_default_one_only(aws: Aws, vpc: str, acl: str) -> None:
    default = next(row.network_acl_id for row in aws.store.all(NetworkAcl) if row.is_default)
    assert aws.refusal("ec2", "DeleteNetworkAcl", NetworkAclId=default) == "InvalidParameterValue"
    assert aws.refusal("ec2", "DeleteVpc", VpcId=vpc) == "DependencyViolation"
    aws("ec2", "DeleteNetworkAcl", NetworkAclId=acl)
    aws("ec2", "DeleteVpc", VpcId=vpc)
    assert aws.store.all(NetworkAcl) == []
