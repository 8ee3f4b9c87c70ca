"""Elastic addresses, NAT gateways, and the routes that lead to them, by their API (ec2:elastic-ip-addresses-eip,
vpc:vpc-nat-gateway, vpc:VPC_Route_Tables)."""

from dataclasses import dataclass, replace

import pytest

from lab.core.ec2 import nat
from lab.core.ec2.model import Instance, NatGateway, NetworkInterface
from tests.actions.aws import Aws


@dataclass
class Net:
    aws: Aws
    vpc: str
    subnet: str
    gateway: str
    instance: str

    def interface(self) -> NetworkInterface:
        row = self.aws.store.get(Instance, self.instance)
        assert row is not None
        found = self.aws.store.get(NetworkInterface, row.network_interface_id)
        assert found is not None
        return found

    def described(self) -> dict[str, object]:
        found = self.aws("ec2", "DescribeInstances", InstanceIds=[self.instance])["Reservations"][0]["Instances"][0]
        return dict(found)

    def allocate(self) -> str:
        return str(self.aws("ec2", "AllocateAddress")["AllocationId"])

    def nat(self, address: str) -> str:
        made = self.aws("ec2", "CreateNatGateway", SubnetId=self.subnet, AllocationId=address)
        return str(made["NatGateway"]["NatGatewayId"])

    def settle(self) -> None:
        for row in self.aws.store.all(NatGateway):
            self.aws.store.put(nat.seen(row, attached=True, now=self.aws.now))


@pytest.fixture
def net(aws: Aws) -> Net:
    vpc = aws.vpc()
    subnet = aws.subnet(vpc, 1)
    gateway = aws("ec2", "CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    aws("ec2", "AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    template = aws.launch_template()
    return Net(aws, vpc, subnet, gateway, aws.instance(template, subnet))


def test_an_address_is_had_given_moved_and_released(net: Net) -> None:
    aws, address = net.aws, net.allocate()
    assert aws("ec2", "DescribeAddresses")["Addresses"][0]["PublicIp"] == "198.51.100.4"
    made = aws("ec2", "AssociateAddress", AllocationId=address, InstanceId=net.instance)["AssociationId"]
    assert net.described()["PublicIpAddress"] == "198.51.100.4"
    assert aws.refusal("ec2", "ReleaseAddress", AllocationId=address) == "InvalidIPAddress.InUse"
    other = aws.instance(aws.launch_template("other"), net.subnet)
    moving = {"AllocationId": address, "InstanceId": other}
    assert aws.refusal("ec2", "AssociateAddress", **moving, AllowReassociation=False) == "Resource.AlreadyAssociated"
    moved = aws("ec2", "AssociateAddress", **moving)["AssociationId"]
    assert "PublicIpAddress" not in net.described()
    assert aws.refusal("ec2", "DisassociateAddress", AssociationId=made) == "InvalidAssociationID.NotFound"
    aws("ec2", "DisassociateAddress", AssociationId=moved)
    aws("ec2", "ReleaseAddress", AllocationId=address)
    assert aws("ec2", "DescribeAddresses")["Addresses"] == []


def test_a_second_address_takes_the_place_of_the_first(net: Net) -> None:
    first, second = net.allocate(), net.allocate()
    for address in (first, second):
        net.aws("ec2", "AssociateAddress", AllocationId=address, InstanceId=net.instance)
    held = {row["AllocationId"]: "AssociationId" in row for row in net.aws("ec2", "DescribeAddresses")["Addresses"]}
    assert held == {first: False, second: True}


def test_there_are_five(net: Net) -> None:
    for _ in range(5):
        net.allocate()
    assert net.aws.refusal("ec2", "AllocateAddress") == "AddressLimitExceeded"


def test_without_a_gateway_there_is_no_public_address(net: Net) -> None:
    address = net.allocate()
    detach = {"InternetGatewayId": net.gateway, "VpcId": net.vpc}
    net.aws("ec2", "AssociateAddress", AllocationId=address, InstanceId=net.instance)
    assert net.aws.refusal("ec2", "DetachInternetGateway", **detach) == "DependencyViolation"
    net.aws("ec2", "DisassociateAddress", PublicIp="198.51.100.4")
    net.aws("ec2", "DetachInternetGateway", **detach)
    refused = net.aws.refusal("ec2", "AssociateAddress", AllocationId=address, InstanceId=net.instance)
    assert refused == "Gateway.NotAttached"


def test_a_nat_gateway_comes_up_and_goes(net: Net) -> None:
    aws, address = net.aws, net.allocate()
    made = net.nat(address)
    net.settle()
    [described] = aws("ec2", "DescribeNatGateways", NatGatewayIds=[made])["NatGateways"]
    assert described["State"] == "available"
    assert described["NatGatewayAddresses"][0]["PublicIp"] == "198.51.100.4"
    assert aws.refusal("ec2", "DisassociateAddress", PublicIp="198.51.100.4") == "AuthFailure"
    assert aws.refusal("ec2", "CreateNatGateway", SubnetId=net.subnet, AllocationId=address) == (
        "Resource.AlreadyAssociated"
    )
    assert aws.refusal("ec2", "DeleteSubnet", SubnetId=net.subnet) == "DependencyViolation"
    aws("ec2", "DeleteNatGateway", NatGatewayId=made)
    net.settle()
    assert aws("ec2", "DescribeNatGateways")["NatGateways"][0]["State"] == "deleted"
    aws("ec2", "ReleaseAddress", AllocationId=address)


def test_without_an_internet_gateway_a_nat_gateway_fails() -> None:
    row = NatGateway("nat-1", "subnet-1", "vpc-1", "eni-1", "10.0.0.4", "pending", 0.0, 0.0)
    failed = nat.seen(row, attached=False, now=5.0)
    assert (failed.state, failed.failure_code, failed.since) == ("failed", "Gateway.NotAttached", 5.0)
    assert nat.seen(failed, attached=True, now=6.0) is failed
    private = replace(row, connectivity_type="private")
    assert nat.seen(private, attached=False, now=5.0).state == "available"


def test_a_route_is_active_while_its_target_is_there(net: Net) -> None:
    aws = net.aws
    table = aws("ec2", "CreateRouteTable", VpcId=net.vpc)["RouteTable"]["RouteTableId"]
    made = net.nat(net.allocate())
    route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}
    assert aws.refusal("ec2", "CreateRoute", **route) == "MissingParameter"
    both = aws.refusal("ec2", "CreateRoute", **route, NatGatewayId=made, GatewayId=net.gateway)
    assert both == "MissingParameter"
    aws("ec2", "CreateRoute", **route, NatGatewayId=made)
    aws("ec2", "CreateRoute", RouteTableId=table, DestinationCidrBlock="10.9.0.0/16", GatewayId=net.gateway)

    def states() -> dict[str, str]:
        [found] = aws("ec2", "DescribeRouteTables", RouteTableIds=[table])["RouteTables"]
        return {row["DestinationCidrBlock"]: row["State"] for row in found["Routes"]}

    assert set(states().values()) == {"active"}
    aws("ec2", "DeleteNatGateway", NatGatewayId=made)
    assert states()["0.0.0.0/0"] == "blackhole"
    aws("ec2", "DetachInternetGateway", InternetGatewayId=net.gateway, VpcId=net.vpc)
    assert states() == {"10.0.0.0/16": "active", "0.0.0.0/0": "blackhole", "10.9.0.0/16": "blackhole"}


def test_another_vpcs_gateway_is_no_target(net: Net) -> None:
    other = net.aws("ec2", "CreateVpc", CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    table = net.aws("ec2", "CreateRouteTable", VpcId=other)["RouteTable"]["RouteTableId"]
    route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}
    made = net.nat(net.allocate())
    for target in ({"NatGatewayId": made}, {"GatewayId": net.gateway}):
        assert net.aws.refusal("ec2", "CreateRoute", **route, **target) == "InvalidParameterValue"


def test_a_subnet_and_a_vpc_change_their_tables(net: Net) -> None:
    aws = net.aws
    table = aws("ec2", "CreateRouteTable", VpcId=net.vpc)["RouteTable"]["RouteTableId"]
    own = aws("ec2", "AssociateRouteTable", RouteTableId=table, SubnetId=net.subnet)["AssociationId"]
    [main] = [row for row in aws("ec2", "DescribeRouteTables")["RouteTables"] if row["Associations"][0]["Main"]]
    change = "ReplaceRouteTableAssociation"
    aws("ec2", change, AssociationId=own, RouteTableId=main["RouteTableId"])
    assert aws.refusal("ec2", change, AssociationId=own, RouteTableId=table) == "InvalidAssociationID.NotFound"
    aws("ec2", change, AssociationId=main["Associations"][0]["RouteTableAssociationId"], RouteTableId=table)
    found = {row["RouteTableId"]: row["Associations"] for row in aws("ec2", "DescribeRouteTables")["RouteTables"]}
    assert [row["Main"] for row in found[table]] == [True]
    assert [row["SubnetId"] for row in found[main["RouteTableId"]]] == [net.subnet]


@pytest.mark.parametrize(
    ("subnet", "asked", "public"),
    [(True, None, True), (True, False, False), (False, None, False), (False, True, True)],
)
def test_who_is_launched_with_a_public_address(net: Net, subnet: bool, asked: bool | None, public: bool) -> None:
    net.aws("ec2", "ModifySubnetAttribute", SubnetId=net.subnet, MapPublicIpOnLaunch={"Value": subnet})
    wish = {} if asked is None else {"NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": asked}]}
    template = net.aws.launch_template("wish", **wish)
    net.instance = net.aws.instance(template, net.subnet)
    assert net.interface().public is public


def test_groups_are_said_once(net: Net) -> None:
    data = {"SecurityGroupIds": ["sg-1"], "NetworkInterfaces": [{"DeviceIndex": 0, "Groups": ["sg-1"]}]}
    refused = net.aws.refusal("ec2", "CreateLaunchTemplate", LaunchTemplateName="two", LaunchTemplateData=data)
    assert refused == "InvalidParameterCombination"
