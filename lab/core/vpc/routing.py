"""Route tables: which one a subnet has, whether a route leads anywhere, and where a packet that leaves the VPC goes. Pure.

The longest prefix wins (vpc:VPC_Route_Tables). A route whose target has gone is a black hole: AWS says so, and drops what it
catches.
"""

from ipaddress import IPv4Network

from lab.core.ec2.model import InternetGateway, NatGateway, Route, RouteTable, Subnet
from lab.core.store import Store

LOCAL = "local"


def leads(store: Store, route: Route, table: RouteTable) -> bool:
    """Whether the target is there: `active`, else `blackhole`."""
    if route.target == LOCAL:
        return True
    gateway, nat = store.get(InternetGateway, route.target), store.get(NatGateway, route.target)
    if gateway is not None:
        return gateway.vpc_id == table.vpc_id
    return nat is not None and nat.state in ("pending", "available")


def tables(store: Store) -> dict[str, RouteTable]:
    """By subnet: its own, else its VPC's main one."""
    rows = store.all(RouteTable)
    main = {table.vpc_id: table for table in rows if any(one.main for one in table.associations)}
    own = {one.subnet_id: table for table in rows for one in table.associations if one.subnet_id}
    subnets = store.all(Subnet)
    return {
        subnet.subnet_id: own.get(subnet.subnet_id) or main[subnet.vpc_id]
        for subnet in subnets
        if subnet.subnet_id in own or subnet.vpc_id in main
    }


def beyond(table: RouteTable) -> list[Route]:
    """The routes that lead out of the VPC, in the order in which they are tried."""
    routes = [route for route in table.routes if route.target != LOCAL]
    return sorted(routes, key=lambda route: -IPv4Network(route.destination_cidr_block).prefixlen)
