"""Load balancers (aws-facts §1.1, §10.3)."""

import re
import zlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, tags_of
from lab.actions.ec2.common import attach_interface, default_group, get_group, get_subnet
from lab.actions.elbv2.find import get_load_balancer, listeners_of
from lab.actions.elbv2.limits import LOAD_BALANCERS
from lab.actions.elbv2.listeners import remove_listener
from lab.core.arc_zonal_shift import ZonalShift
from lab.core.ec2.model import NetworkInterface
from lab.core.elbv2.model import HOSTED_ZONE, LoadBalancer, Node, Published
from lab.core.errors import LabError
from lab.core.times import moment

NAME = re.compile(r"(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?")


@reads("Name", "Subnets", "SecurityGroups", "Scheme", "Type", "IpAddressType", "Tags")
def create_load_balancer(context: Context, request: Request) -> Response:
    """With a node in each subnet. A second request with the same settings answers with what is there."""
    name = request["Name"]
    if NAME.fullmatch(name) is None:
        raise LabError(
            "ValidationError", f"Load balancer name '{name}' must be 1 to 32 letters, digits and inner hyphens"
        )
    if request.get("Type", "application") != "application" or request.get("IpAddressType", "ipv4") != "ipv4":
        raise LabError("InvalidConfigurationRequest", "the lab has load balancers of Type application over ipv4")
    if len(context.store.all(LoadBalancer)) >= LOAD_BALANCERS:
        raise LabError(
            "TooManyLoadBalancers", f"The maximum number of load balancers ({LOAD_BALANCERS}) has been reached"
        )
    subnets = _check_subnets(context, request.get("Subnets", ()))
    scheme = request.get("Scheme", "internet-facing")
    existing = next((balancer for balancer in context.store.all(LoadBalancer) if balancer.name == name), None)
    if existing is not None:
        same = existing.scheme == scheme and {n.subnet_id for n in existing.nodes} == set(request.get("Subnets", ()))
        if same:
            return {"LoadBalancers": [_load_balancer(existing)]}
        raise LabError(
            "DuplicateLoadBalancerName", f"A load balancer with the name '{name}' exists with other settings"
        )
    vpc_id = get_subnet(context.store, subnets[0]).vpc_id
    groups = _check_groups(context, request.get("SecurityGroups", ()), vpc_id)
    identity = context.new_id("hex16")
    short = f"app/{name}/{identity}"
    digits = zlib.crc32(identity.encode())
    host = f"{'internal-' if scheme == 'internal' else ''}{name}-{digits}.{context.account.region}.elb.amazonaws.com"
    slots = {balancer.slot for balancer in context.store.all(LoadBalancer)}
    balancer = LoadBalancer(
        arn=context.account.arn("elasticloadbalancing", f"loadbalancer/{short}"),
        name=name,
        short_name=short,
        dns_name=host,
        scheme=scheme,
        vpc_id=vpc_id,
        group_ids=groups,
        nodes=tuple(_node(context, subnet_id, groups, short, scheme) for subnet_id in subnets),
        created=context.now,
        slot=next(slot for slot in range(len(slots) + 1) if slot not in slots),
        tags=tags_of(request.get("Tags")),
        cookie_key=context.new_id("key"),
    )
    context.store.put(balancer)
    return {"LoadBalancers": [_load_balancer(balancer)]}


@reads("LoadBalancerArns", "Names", "Marker", "PageSize")
def describe_load_balancers(context: Context, request: Request) -> Response:
    found = context.store.all(LoadBalancer)
    if arns := request.get("LoadBalancerArns"):
        found = [get_load_balancer(context, arn) for arn in arns]
    if names := request.get("Names"):
        found = [balancer for balancer in found if balancer.name in names]
        if len(found) < len(names):
            missing = sorted(set(names) - {balancer.name for balancer in found})
            raise LabError("LoadBalancerNotFound", f"Load balancers '{missing}' not found")
    return {"LoadBalancers": [_load_balancer(balancer) for balancer in found]}


@reads("LoadBalancerArn")
def delete_load_balancer(context: Context, request: Request) -> Response:
    """With its listeners, their rules and its zonal shifts. Succeeds when there is none (bc:elbv2)."""
    store = context.store
    balancer = store.get(LoadBalancer, request["LoadBalancerArn"])
    if balancer is None:
        return {}
    if balancer.settings["deletion_protection.enabled"] == "true":
        raise LabError(
            "OperationNotPermitted",
            f"Load balancer '{balancer.arn}' cannot be deleted because deletion protection is enabled",
        )
    for listener in listeners_of(context, balancer.arn):
        remove_listener(context, listener)
    for shift in store.all(ZonalShift):
        if shift.resource_arn == balancer.arn:
            store.delete(ZonalShift, shift.key)
    for node in balancer.nodes:
        store.delete(NetworkInterface, node.network_interface_id)
    store.delete(Published, balancer.arn)
    store.delete(LoadBalancer, balancer.arn)
    return {}


@reads("LoadBalancerArn", "Subnets")
def set_subnets(context: Context, request: Request) -> Response:
    """Nodes come and go with the subnets; those that stay are not touched."""
    balancer = get_load_balancer(context, request["LoadBalancerArn"])
    subnets = _check_subnets(context, request.get("Subnets", ()))
    kept = {node.subnet_id: node for node in balancer.nodes if node.subnet_id in subnets}
    for node in balancer.nodes:
        if node.subnet_id not in kept:
            context.store.delete(NetworkInterface, node.network_interface_id)
    nodes = tuple(
        kept.get(subnet_id) or _node(context, subnet_id, balancer.group_ids, balancer.short_name, balancer.scheme)
        for subnet_id in subnets
    )
    balancer = replace(balancer, nodes=nodes)
    context.store.put(balancer)
    return {"AvailabilityZones": _zones(balancer), "IpAddressType": "ipv4"}


@reads("LoadBalancerArn", "SecurityGroups")
def set_security_groups(context: Context, request: Request) -> Response:
    balancer = get_load_balancer(context, request["LoadBalancerArn"])
    groups = _check_groups(context, request["SecurityGroups"], balancer.vpc_id)
    for node in balancer.nodes:
        interface = context.store.get(NetworkInterface, node.network_interface_id)
        if interface is not None:
            context.store.put(replace(interface, group_ids=groups))
    context.store.put(replace(balancer, group_ids=groups))
    return {"SecurityGroupIds": list(groups)}


def _check_subnets(context: Context, subnets: Iterable[str]) -> list[str]:
    """At least two, of one VPC, each in another zone (alb:application-load-balancers)."""
    rows = [get_subnet(context.store, subnet_id) for subnet_id in subnets]
    zones = [row.availability_zone for row in rows]
    if len(rows) < 2:
        raise LabError(
            "InvalidConfigurationRequest", "A load balancer needs subnets of at least two Availability Zones"
        )
    if len(set(zones)) < len(zones):
        raise LabError(
            "InvalidConfigurationRequest", "A load balancer cannot be attached to several subnets of one zone"
        )
    if len({row.vpc_id for row in rows}) > 1:
        raise LabError("InvalidConfigurationRequest", "All subnets must belong to the same VPC")
    return [row.subnet_id for row in rows]


def _check_groups(context: Context, group_ids: Iterable[str], vpc_id: str) -> tuple[str, ...]:
    groups = tuple(group_ids) or (default_group(context.store, vpc_id).group_id,)
    for group_id in groups:
        if get_group(context.store, group_id).vpc_id != vpc_id:
            raise LabError("InvalidSecurityGroup", f"Security group '{group_id}' is not of VPC '{vpc_id}'")
    return groups


def _node(context: Context, subnet_id: str, groups: tuple[str, ...], short_name: str, scheme: str) -> Node:
    """That of an internet-facing load balancer has a public address."""
    node_id, public = context.new_id("lb"), scheme == "internet-facing"
    interface = attach_interface(context, subnet_id, groups, node_id, f"ELB {short_name}", public=public)
    return Node(
        node_id=node_id,
        availability_zone=get_subnet(context.store, subnet_id).availability_zone,
        subnet_id=subnet_id,
        network_interface_id=interface.network_interface_id,
        private_ip_address=interface.private_ip_address,
        token=context.new_id("token"),
    )


def _zones(balancer: LoadBalancer) -> list[dict[str, Any]]:
    return [
        {"ZoneName": node.availability_zone, "SubnetId": node.subnet_id, "LoadBalancerAddresses": []}
        for node in balancer.nodes
    ]


def _load_balancer(balancer: LoadBalancer) -> dict[str, Any]:
    return {
        "LoadBalancerArn": balancer.arn,
        "LoadBalancerName": balancer.name,
        "DNSName": balancer.dns_name,
        "CanonicalHostedZoneId": HOSTED_ZONE,
        "CreatedTime": moment(balancer.created),
        "Scheme": balancer.scheme,
        "VpcId": balancer.vpc_id,
        "State": {
            "Code": balancer.state,
            **({"Reason": balancer.state_reason} if balancer.state_reason else {}),
        },
        "Type": "application",
        "AvailabilityZones": _zones(balancer),
        "SecurityGroups": list(balancer.group_ids),
        "IpAddressType": "ipv4",
    }
