"""Security groups and their rules (aws-facts §7.10). Rules are recorded here; that they hold is the network's affair."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from lab.actions.context import Context, Request, Response, reads, tag_list
from lab.actions.ec2.common import get_group, get_vpc, member, select, specified_tags
from lab.actions.ec2.quotas import check_room, check_rules
from lab.core.ec2.model import NetworkInterface, SecurityGroup, SecurityGroupRule
from lab.core.errors import LabError

PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp"}


@reads("GroupName", "Description", "VpcId", "TagSpecifications")
def create_security_group(context: Context, request: Request) -> Response:
    name = request["GroupName"]
    if "VpcId" not in request:
        raise LabError("MissingParameter", "The request must contain the parameter VpcId: the lab has no default VPC")
    if name.lower().startswith("sg-"):
        raise LabError("InvalidParameterValue", "Value for parameter groupName is invalid: it may not start with sg-.")
    vpc = get_vpc(context.store, request["VpcId"])
    for group in context.store.all(SecurityGroup):
        if group.vpc_id == vpc.vpc_id and group.group_name.lower() == name.lower():
            raise LabError(
                "InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc.vpc_id}'"
            )
    check_room(context.store, SecurityGroup)
    everywhere = SecurityGroupRule(context.new_id("sgr"), True, "-1", -1, -1, cidr_ipv4="0.0.0.0/0")
    tags = specified_tags(request, "security-group")
    group = SecurityGroup(context.new_id("sg"), name, request["Description"], vpc.vpc_id, (everywhere,), tags)
    context.store.put(group)
    return {
        "GroupId": group.group_id,
        "SecurityGroupArn": context.account.arn("ec2", f"security-group/{group.group_id}"),
        "Tags": tag_list(tags),
    }


@reads("GroupIds", "GroupNames", "Filters", "MaxResults", "NextToken")
def describe_security_groups(context: Context, request: Request) -> Response:
    described = [_group(group, context) for group in context.store.all(SecurityGroup)]
    filters = {
        "vpc-id": member("VpcId"),
        "group-id": member("GroupId"),
        "group-name": member("GroupName"),
        "description": member("Description"),
    }
    entries = [*request.get("Filters", ())]
    if request.get("GroupNames"):
        entries.append({"Name": "group-name", "Values": request["GroupNames"]})
    ids = request.get("GroupIds", ())
    return {"SecurityGroups": select(described, ids, "GroupId", "InvalidGroup.NotFound", entries, filters)}


@reads("GroupId")
def delete_security_group(context: Context, request: Request) -> Response:
    if "GroupId" not in request:
        raise LabError("MissingParameter", "The request must contain the parameter GroupId")
    group = get_group(context.store, request["GroupId"])
    if group.group_name == "default":
        raise LabError(
            "CannotDelete", f'the specified group: "{group.group_id}" name: "default" cannot be deleted by a user'
        )
    used = any(group.group_id in eni.group_ids for eni in context.store.all(NetworkInterface)) or any(
        rule.referenced_group_id == group.group_id
        for other in context.store.all(SecurityGroup)
        if other.group_id != group.group_id
        for rule in other.rules
    )
    if used:
        raise LabError("DependencyViolation", f"resource {group.group_id} has a dependent object")
    context.store.delete(SecurityGroup, group.group_id)
    return {"Return": True, "GroupId": group.group_id}


@reads("GroupId", "IpPermissions", "TagSpecifications")
def authorize_security_group_ingress(context: Context, request: Request) -> Response:
    return _authorize(context, request, egress=False)


@reads("GroupId", "IpPermissions", "TagSpecifications")
def authorize_security_group_egress(context: Context, request: Request) -> Response:
    return _authorize(context, request, egress=True)


@reads("GroupId", "IpPermissions", "SecurityGroupRuleIds")
def revoke_security_group_ingress(context: Context, request: Request) -> Response:
    return _revoke(context, request, egress=False)


@reads("GroupId", "IpPermissions", "SecurityGroupRuleIds")
def revoke_security_group_egress(context: Context, request: Request) -> Response:
    return _revoke(context, request, egress=True)


@reads("GroupId", "SecurityGroupRuleDescriptions")
def update_security_group_rule_descriptions_ingress(context: Context, request: Request) -> Response:
    return _describe(context, request)


@reads("GroupId", "SecurityGroupRuleDescriptions")
def update_security_group_rule_descriptions_egress(context: Context, request: Request) -> Response:
    return _describe(context, request)


@reads("Filters", "SecurityGroupRuleIds", "MaxResults", "NextToken")
def describe_security_group_rules(context: Context, request: Request) -> Response:
    described = [_rule(rule, group, context) for group in context.store.all(SecurityGroup) for rule in group.rules]
    filters = {"group-id": member("GroupId"), "security-group-rule-id": member("SecurityGroupRuleId")}
    ids = request.get("SecurityGroupRuleIds", ())
    code = "InvalidSecurityGroupRuleId.NotFound"
    found = select(described, ids, "SecurityGroupRuleId", code, request.get("Filters", ()), filters)
    return {"SecurityGroupRules": found}


@reads("GroupId", "SecurityGroupRules")
def modify_security_group_rules(context: Context, request: Request) -> Response:
    """What a rule says, in place: it keeps its id. All of them or none."""
    group = get_group(context.store, request["GroupId"])
    known = {rule.security_group_rule_id: rule for rule in group.rules}
    for update in request["SecurityGroupRules"]:
        rule_id = update["SecurityGroupRuleId"]
        if rule_id not in known:
            raise LabError(
                "InvalidSecurityGroupRuleId.NotFound", f"The security group rule ID '{rule_id}' does not exist"
            )
        known[rule_id] = _changed(context, known[rule_id], update.get("SecurityGroupRule", {}))
    rules = tuple(known.values())
    if len({rule.match for rule in rules}) < len(rules):
        raise LabError("InvalidPermission.Duplicate", "two rules of the group would say the same")
    context.store.put(replace(group, rules=rules))
    return {"Return": True}


def _changed(context: Context, rule: SecurityGroupRule, said: Mapping[str, Any]) -> SecurityGroupRule:
    if "CidrIpv6" in said or "PrefixListId" in said:
        raise LabError("UnsupportedOperation", "the lab has IPv4 ranges and security groups as sources only")
    protocol = PROTOCOLS.get(said.get("IpProtocol", "-1"), said.get("IpProtocol", "-1"))
    first, last = _ports(protocol, said)
    peers = [name for name in ("CidrIpv4", "ReferencedGroupId") if said.get(name)]
    if len(peers) != 1:
        raise LabError("MissingParameter", "a rule needs one of CidrIpv4 and ReferencedGroupId")
    return replace(
        rule,
        ip_protocol=protocol,
        from_port=first,
        to_port=last,
        cidr_ipv4=_cidr(said["CidrIpv4"]) if "CidrIpv4" in peers else "",
        referenced_group_id=(
            get_group(context.store, said["ReferencedGroupId"]).group_id if "ReferencedGroupId" in peers else ""
        ),
        description=said.get("Description", rule.description),
    )


@reads("VpcId", "Filters", "MaxResults", "NextToken")
def get_security_groups_for_vpc(context: Context, request: Request) -> Response:
    vpc = get_vpc(context.store, request["VpcId"])
    described = [_group(group, context) for group in context.store.all(SecurityGroup) if group.vpc_id == vpc.vpc_id]
    filters = {name: member(name.title().replace("-", "")) for name in ("group-id", "group-name", "description")}
    found = select(described, (), "GroupId", "", request.get("Filters", ()), filters)
    names = ("Description", "GroupName", "OwnerId", "GroupId", "Tags")
    return {
        "SecurityGroupForVpcs": [{**{name: item[name] for name in names}, "PrimaryVpcId": vpc.vpc_id} for item in found]
    }


def _authorize(context: Context, request: Request, *, egress: bool) -> Response:
    group = get_group(context.store, request["GroupId"])
    known = {rule.match for rule in group.rules}
    added = [
        replace(rule, security_group_rule_id=context.new_id("sgr"))
        for rule in _rules(context, request.get("IpPermissions", ()), egress=egress)
    ]
    if not added:
        raise LabError("MissingParameter", "The request must contain the parameter ipPermissions")
    for rule in added:
        if rule.match in known:
            raise LabError("InvalidPermission.Duplicate", f'the specified rule "{_words(rule)}" already exists')
        known.add(rule.match)
    check_rules((*group.rules, *added))
    context.store.put(replace(group, rules=(*group.rules, *added)))
    return {"Return": True, "SecurityGroupRules": [_rule(rule, group, context) for rule in added]}


def _revoke(context: Context, request: Request, *, egress: bool) -> Response:
    group = get_group(context.store, request["GroupId"])
    ids = set(request.get("SecurityGroupRuleIds", ()))
    matches = {rule.match for rule in _rules(context, request.get("IpPermissions", ()), egress=egress)}
    kept = tuple(
        rule
        for rule in group.rules
        if rule.is_egress != egress or (rule.security_group_rule_id not in ids and rule.match not in matches)
    )
    if len(group.rules) - len(kept) < len(ids) + len(matches):
        raise LabError("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
    context.store.put(replace(group, rules=kept))
    return {"Return": True}


def _describe(context: Context, request: Request) -> Response:
    group = get_group(context.store, request["GroupId"])
    texts = {
        entry["SecurityGroupRuleId"]: entry.get("Description", "")
        for entry in request.get("SecurityGroupRuleDescriptions", ())
    }
    rules = tuple(
        replace(rule, description=texts.get(rule.security_group_rule_id, rule.description)) for rule in group.rules
    )
    context.store.put(replace(group, rules=rules))
    return {"Return": True}


def _rules(context: Context, permissions: Iterable[Mapping[str, Any]], *, egress: bool) -> Iterable[SecurityGroupRule]:
    """One rule for each source of each permission, without an id."""
    for permission in permissions:
        protocol = PROTOCOLS.get(permission.get("IpProtocol", "-1"), permission.get("IpProtocol", "-1"))
        first, last = _ports(protocol, permission)
        if permission.get("Ipv6Ranges") or permission.get("PrefixListIds"):
            raise LabError("UnsupportedOperation", "the lab has IPv4 ranges and security groups as sources only")
        sources = [
            *((_cidr(entry["CidrIp"]), "", entry) for entry in permission.get("IpRanges", ())),
            *(
                ("", get_group(context.store, entry.get("GroupId", "")).group_id, entry)
                for entry in permission.get("UserIdGroupPairs", ())
            ),
        ]
        for cidr_ipv4, group_id, entry in sources:
            yield SecurityGroupRule(
                "", egress, protocol, first, last, cidr_ipv4, group_id, entry.get("Description", "")
            )


def _ports(protocol: str, permission: Mapping[str, Any]) -> tuple[int, int]:
    if protocol == "-1":
        return -1, -1
    if protocol not in PROTOCOLS.values():
        raise LabError("InvalidPermission.Malformed", f"Invalid value '{protocol}' for IP protocol.")
    if "FromPort" not in permission or "ToPort" not in permission:
        raise LabError("InvalidParameterValue", "Invalid value 'Must specify both from and to ports with TCP/UDP.'")
    first, last = int(permission["FromPort"]), int(permission["ToPort"])
    if protocol in ("tcp", "udp") and not 0 <= first <= last <= 65535:
        raise LabError("InvalidParameterValue", f"Invalid port range {first}-{last}: ports are 0 to 65535, from ≤ to")
    return first, last


def _cidr(text: str) -> str:
    try:
        return str(IPv4Network(text, strict=False))
    except ValueError as error:
        raise LabError("InvalidParameterValue", f"CIDR block {text} is malformed") from error


def _words(rule: SecurityGroupRule) -> str:
    """As AWS words a rule in its errors (aws-facts §7.12)."""
    peer = f"peer: {rule.cidr_ipv4 or rule.referenced_group_id}"
    if rule.ip_protocol == "-1":
        return f"{peer}, ALL, ALLOW"
    return f"{peer}, {rule.ip_protocol.upper()}, from port: {rule.from_port}, to port: {rule.to_port}, ALLOW"


def _permission(rule: SecurityGroupRule, context: Context) -> dict[str, Any]:
    note = {"Description": rule.description} if rule.description else {}
    source = {"CidrIp": rule.cidr_ipv4, **note}
    peer = {"GroupId": rule.referenced_group_id, "UserId": context.account.account_id, **note}
    return {
        "IpProtocol": rule.ip_protocol,
        **({} if rule.ip_protocol == "-1" else {"FromPort": rule.from_port, "ToPort": rule.to_port}),
        "IpRanges": [source] if rule.cidr_ipv4 else [],
        "UserIdGroupPairs": [peer] if rule.referenced_group_id else [],
        "Ipv6Ranges": [],
        "PrefixListIds": [],
    }


def _group(group: SecurityGroup, context: Context) -> dict[str, Any]:
    return {
        "GroupId": group.group_id,
        "GroupName": group.group_name,
        "Description": group.description,
        "VpcId": group.vpc_id,
        "OwnerId": context.account.account_id,
        "SecurityGroupArn": context.account.arn("ec2", f"security-group/{group.group_id}"),
        "IpPermissions": [_permission(rule, context) for rule in group.rules if not rule.is_egress],
        "IpPermissionsEgress": [_permission(rule, context) for rule in group.rules if rule.is_egress],
        "Tags": tag_list(group.tags),
    }


def _rule(rule: SecurityGroupRule, group: SecurityGroup, context: Context) -> dict[str, Any]:
    return {
        "SecurityGroupRuleId": rule.security_group_rule_id,
        "GroupId": group.group_id,
        "GroupOwnerId": context.account.account_id,
        "IsEgress": rule.is_egress,
        "IpProtocol": rule.ip_protocol,
        "FromPort": rule.from_port,
        "ToPort": rule.to_port,
        "Tags": [],
        **({"CidrIpv4": rule.cidr_ipv4} if rule.cidr_ipv4 else {}),
        **({"ReferencedGroupInfo": {"GroupId": rule.referenced_group_id}} if rule.referenced_group_id else {}),
        **({"Description": rule.description} if rule.description else {}),
    }
