"""How many there may be, by AWS's defaults (vpc:amazon-vpc-limits). All of them can be raised there, and none here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.core.ec2.model import InternetGateway, NetworkAcl, RouteTable, SecurityGroup, SecurityGroupRule, Subnet, Vpc
from lab.core.errors import LabError
from lab.core.store import Store

RULES_PER_GROUP = 60
"""In each direction."""
GROUPS_PER_INTERFACE = 5


@dataclass(frozen=True, slots=True)
class Quota:
    most: int
    code: str
    what: str
    counts: Callable[[Any, str], bool] = lambda row, vpc_id: row.vpc_id == vpc_id


QUOTAS: dict[type[Any], Quota] = {
    Vpc: Quota(5, "VpcLimitExceeded", "VPCs in the Region", lambda row, _: not row.deleting),
    InternetGateway: Quota(5, "InternetGatewayLimitExceeded", "internet gateways in the Region", lambda *_: True),
    Subnet: Quota(200, "SubnetLimitExceeded", "subnets in the VPC"),
    RouteTable: Quota(200, "RouteTableLimitExceeded", "route tables in the VPC"),
    NetworkAcl: Quota(200, "NetworkAclLimitExceeded", "network ACLs in the VPC"),
    SecurityGroup: Quota(2500, "SecurityGroupLimitExceeded", "security groups in the Region", lambda *_: True),
}


def check_room(store: Store, kind: type[Any], vpc_id: str = "") -> None:
    """Raises the kind's …LimitExceeded when there is no room for one more."""
    quota = QUOTAS[kind]
    if sum(quota.counts(row, vpc_id) for row in store.all(kind)) >= quota.most:
        raise LabError(quota.code, f"The maximum number of {quota.what} has been reached: {quota.most}.")


def check_rules(rules: tuple[SecurityGroupRule, ...]) -> None:
    for egress in (False, True):
        if sum(rule.is_egress == egress for rule in rules) > RULES_PER_GROUP:
            raise LabError(
                "RulesPerSecurityGroupLimitExceeded",
                f"The maximum number of rules per security group has been reached: {RULES_PER_GROUP} in each direction.",
            )


def check_groups(group_ids: tuple[str, ...]) -> None:
    if len(group_ids) > GROUPS_PER_INTERFACE:
        raise LabError(
            "SecurityGroupsPerInterfaceLimitExceeded",
            f"The maximum number of security groups per interface has been reached: {GROUPS_PER_INTERFACE}.",
        )
