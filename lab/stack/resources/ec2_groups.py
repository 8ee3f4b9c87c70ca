"""AWS::EC2: security groups and their rules, inline or standing alone.

Source: AWS CloudFormation resource reference, AWS::EC2::SecurityGroup, SecurityGroupIngress, SecurityGroupEgress.
"""

from typing import Any

from lab.stack.context import Call
from lab.stack.resources.base import ResourceType, Work, deleted_by, the_id, words
from lab.stack.resources.ec2 import tag_specifications, update_tags
from lab.stack.schema import INTEGER, STRING, TAGS, Property, fixed, free, list_of, map_of, need

Rule = dict[str, Any]
_ALLOW_ALL: Rule = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}
_PEER_KEYS = {"Ingress": "SourceSecurityGroupId", "Egress": "DestinationSecurityGroupId"}
_COMMON = {"CidrIp": STRING, "CidrIpv6": STRING, "Description": STRING, "FromPort": INTEGER, "ToPort": INTEGER}
_INGRESS = map_of(
    _COMMON | {"IpProtocol": need(STRING), "SourceSecurityGroupId": STRING},
    elsewhere="SourcePrefixListId SourceSecurityGroupName SourceSecurityGroupOwnerId",
)
_EGRESS = map_of(
    _COMMON | {"IpProtocol": need(STRING), "DestinationSecurityGroupId": STRING},
    elsewhere="DestinationPrefixListId",
)


def permission(rule: Rule, direction: str) -> dict[str, Any]:
    """A rule of the template as the API's IpPermission."""
    said = {"Description": rule["Description"]} if "Description" in rule else {}
    peer = _PEER_KEYS[direction]
    result: dict[str, Any] = {name: rule[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in rule}
    if peer in rule:
        result["UserIdGroupPairs"] = [{"GroupId": rule[peer], **said}]
    if "CidrIp" in rule:
        result["IpRanges"] = [{"CidrIp": rule["CidrIp"], **said}]
    if "CidrIpv6" in rule:
        result["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **said}]
    return result


def _change(work: Work, group_id: str, verb: str, direction: str, rules: list[Rule]) -> dict[str, Any]:
    if not rules:
        return {}
    permissions = [permission(rule, direction) for rule in rules]
    request = {"GroupId": group_id, "IpPermissions": permissions}
    return work.call("ec2", f"{verb}SecurityGroup{direction}", request)


def _replace_rules(work: Work, group_id: str, direction: str, old: list[Rule], new: list[Rule]) -> None:
    """Takes away before it gives: two rules that differ in their description only are one rule to EC2."""
    _change(work, group_id, "Revoke", direction, [rule for rule in old if rule not in new])
    _change(work, group_id, "Authorize", direction, [rule for rule in new if rule not in old])


def _egress(properties: dict[str, Any]) -> list[Rule]:
    """A group without SecurityGroupEgress has EC2's own rule: everything may leave."""
    rules: list[Rule] = properties.get("SecurityGroupEgress") or [_ALLOW_ALL]
    return rules


def _create_group(work: Work) -> str:
    request = {
        "GroupName": work.properties.get("GroupName", work.name),
        "Description": work.properties["GroupDescription"],
        **work.some("VpcId"),
        **tag_specifications("security-group", work),
    }
    group_id = str(work.call("ec2", "CreateSecurityGroup", request)["GroupId"])
    _replace_rules(work, group_id, "Ingress", [], work.properties.get("SecurityGroupIngress", []))
    _replace_rules(work, group_id, "Egress", [_ALLOW_ALL], _egress(work.properties))
    return group_id


def _update_group(work: Work) -> None:
    old, new = work.previous.get("SecurityGroupIngress", []), work.properties.get("SecurityGroupIngress", [])
    _replace_rules(work, work.physical_id, "Ingress", old, new)
    _replace_rules(work, work.physical_id, "Egress", _egress(work.previous), _egress(work.properties))
    update_tags(work)


def _vpc_of(call: Call, group_id: str, _: dict[str, Any]) -> str:
    return str(call("ec2", "DescribeSecurityGroups", {"GroupIds": [group_id]})["SecurityGroups"][0]["VpcId"])


SECURITY_GROUP = ResourceType(
    "AWS::EC2::SecurityGroup",
    {
        "GroupDescription": need(fixed(STRING)),
        "GroupName": fixed(STRING),
        "SecurityGroupEgress": free(list_of(_EGRESS)),
        "SecurityGroupIngress": free(list_of(_INGRESS)),
        "Tags": free(TAGS),
        "VpcId": fixed(STRING),
    },
    create=_create_group,
    update=_update_group,
    delete=deleted_by("ec2", "DeleteSecurityGroup", lambda work: {"GroupId": work.physical_id}),
    attributes={"GroupId": the_id, "Id": the_id, "VpcId": _vpc_of},
)


def _rule_type(direction: str, elsewhere: str) -> ResourceType:
    def create(work: Work) -> str:
        answer = _change(work, work.properties["GroupId"], "Authorize", direction, [work.properties])
        return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def update(work: Work) -> None:
        said = {"SecurityGroupRuleId": work.physical_id, "Description": work.properties.get("Description", "")}
        request = {"GroupId": work.properties["GroupId"], "SecurityGroupRuleDescriptions": [said]}
        work.call("ec2", f"UpdateSecurityGroupRuleDescriptions{direction}", request)

    def which(work: Work) -> dict[str, Any]:
        return {"GroupId": work.properties["GroupId"], "SecurityGroupRuleIds": [work.physical_id]}

    peer = _PEER_KEYS[direction]
    properties: dict[str, Property] = {
        "CidrIp": fixed(STRING),
        "CidrIpv6": fixed(STRING),
        "Description": free(STRING),
        "FromPort": fixed(INTEGER),
        "GroupId": need(fixed(STRING)),
        "IpProtocol": need(fixed(STRING)),
        peer: fixed(STRING),
        "ToPort": fixed(INTEGER),
    }
    return ResourceType(
        f"AWS::EC2::SecurityGroup{direction}",
        properties,
        create=create,
        update=update,
        delete=deleted_by("ec2", f"RevokeSecurityGroup{direction}", which),
        attributes={"Id": the_id},
        elsewhere=words(elsewhere),
        check=lambda given: (
            None if given.keys() & {"CidrIp", "CidrIpv6", peer} else f"one of CidrIp, CidrIpv6 or {peer} is required"
        ),
    )


TYPES = (
    SECURITY_GROUP,
    _rule_type("Ingress", "GroupName SourcePrefixListId SourceSecurityGroupName SourceSecurityGroupOwnerId"),
    _rule_type("Egress", "DestinationPrefixListId"),
)
