"""AWS::EC2: network ACLs, their entries, and which subnet has which.

Source: AWS CloudFormation resource reference, AWS::EC2::NetworkAcl, NetworkAclEntry, SubnetNetworkAclAssociation.
"""

from typing import Any

from lab.stack.resources.base import ResourceType, Work, deleted_by, the_id
from lab.stack.resources.ec2 import tag_specifications, update_tags
from lab.stack.schema import BOOLEAN, INTEGER, STRING, TAGS, fixed, free, map_of, need, one_of


def _create_acl(work: Work) -> str:
    request = work.some("VpcId") | tag_specifications("network-acl", work)
    return str(work.call("ec2", "CreateNetworkAcl", request)["NetworkAcl"]["NetworkAclId"])


NETWORK_ACL = ResourceType(
    "AWS::EC2::NetworkAcl",
    {"Tags": free(TAGS), "VpcId": need(fixed(STRING))},
    create=_create_acl,
    update=update_tags,
    delete=deleted_by("ec2", "DeleteNetworkAcl", lambda work: {"NetworkAclId": work.physical_id}),
    attributes={"Id": the_id},
)


def _entry(work: Work) -> dict[str, Any]:
    """The template says Icmp and may leave Egress out; the API says IcmpTypeCode and may not."""
    request = work.some("NetworkAclId RuleNumber RuleAction CidrBlock PortRange")
    request |= {"Protocol": str(work.properties["Protocol"]), "Egress": work.properties.get("Egress", False)}
    if "Icmp" in work.properties:
        request["IcmpTypeCode"] = work.properties["Icmp"]
    return request


def _create_entry(work: Work) -> str:
    request = _entry(work)
    work.call("ec2", "CreateNetworkAclEntry", request)
    return f"{request['NetworkAclId']}|{'egress' if request['Egress'] else 'ingress'}|{request['RuleNumber']}"


def _entry_id(work: Work) -> dict[str, Any]:
    return {**work.some("NetworkAclId RuleNumber"), "Egress": work.properties.get("Egress", False)}


def _replace_entry(work: Work) -> None:
    work.call("ec2", "ReplaceNetworkAclEntry", _entry(work))


NETWORK_ACL_ENTRY = ResourceType(
    "AWS::EC2::NetworkAclEntry",
    {
        "CidrBlock": need(free(STRING)),
        "Egress": fixed(BOOLEAN),
        "Icmp": free(map_of({"Code": need(INTEGER), "Type": need(INTEGER)})),
        "NetworkAclId": need(fixed(STRING)),
        "PortRange": free(map_of({"From": need(INTEGER), "To": need(INTEGER)})),
        "Protocol": need(free(INTEGER)),
        "RuleAction": need(free(one_of("allow deny"))),
        "RuleNumber": need(fixed(INTEGER)),
    },
    create=_create_entry,
    update=_replace_entry,
    delete=deleted_by("ec2", "DeleteNetworkAclEntry", _entry_id),
    attributes={"Id": the_id},
    elsewhere=frozenset({"Ipv6CidrBlock"}),
)


def _association_of(work: Work, subnet_id: str) -> str:
    filters = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
    found = work.call("ec2", "DescribeNetworkAcls", {"Filters": filters})["NetworkAcls"]
    return next(
        str(row["NetworkAclAssociationId"])
        for acl in found
        for row in acl["Associations"]
        if row["SubnetId"] == subnet_id
    )


def _associate(work: Work) -> str:
    request = {
        "AssociationId": _association_of(work, work.properties["SubnetId"]),
        "NetworkAclId": work.properties["NetworkAclId"],
    }
    return str(work.call("ec2", "ReplaceNetworkAclAssociation", request)["NewAssociationId"])


def _release(work: Work) -> dict[str, Any]:
    """A subnet is never without an ACL: it goes back to the default one of its VPC."""
    own = work.call("ec2", "DescribeNetworkAcls", {"NetworkAclIds": [work.properties["NetworkAclId"]]})["NetworkAcls"][
        0
    ]
    filters = [{"Name": "vpc-id", "Values": [own["VpcId"]]}, {"Name": "default", "Values": ["true"]}]
    default = work.call("ec2", "DescribeNetworkAcls", {"Filters": filters})["NetworkAcls"][0]
    return {"AssociationId": work.physical_id, "NetworkAclId": default["NetworkAclId"]}


SUBNET_NETWORK_ACL_ASSOCIATION = ResourceType(
    "AWS::EC2::SubnetNetworkAclAssociation",
    {"NetworkAclId": need(fixed(STRING)), "SubnetId": need(fixed(STRING))},
    create=_associate,
    delete=deleted_by("ec2", "ReplaceNetworkAclAssociation", _release),
    attributes={"AssociationId": the_id},
)

TYPES = (NETWORK_ACL, NETWORK_ACL_ENTRY, SUBNET_NETWORK_ACL_ASSOCIATION)
