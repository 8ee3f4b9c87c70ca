"""AWS::EC2: elastic IP addresses, who has them, and NAT gateways.

Source: AWS CloudFormation resource reference, AWS::EC2::EIP, EIPAssociation, NatGateway.
"""

from typing import Any

from lab.stack.context import Call
from lab.stack.resources.base import DONE, WAITING, Progress, ResourceType, Work, deleted_by, the_id, words
from lab.stack.resources.ec2 import tag_specifications, update_tags
from lab.stack.schema import STRING, TAGS, fixed, free, need, one_of

# ── elastic addresses: named by the address itself ────────────────────────────────────────────────────────────────


def _allocate(work: Work) -> str:
    request = work.some("Domain") | tag_specifications("elastic-ip", work)
    public_ip = str(work.call("ec2", "AllocateAddress", request)["PublicIp"])
    if "InstanceId" in work.properties:
        work.call("ec2", "AssociateAddress", {"PublicIp": public_ip, **work.some("InstanceId")})
    return public_ip


def _address(call: Call, public_ip: str) -> dict[str, Any]:
    found: dict[str, Any] = call("ec2", "DescribeAddresses", {"PublicIps": [public_ip]})["Addresses"][0]
    return found


def _update_address(work: Work) -> None:
    public_ip = {"PublicIp": work.physical_id}
    if "InstanceId" in work.changed:
        if "InstanceId" in work.properties:
            work.call("ec2", "AssociateAddress", {**public_ip, **work.some("InstanceId")})
        else:
            work.call("ec2", "DisassociateAddress", public_ip)
    resource = _address(work.call, work.physical_id)["AllocationId"]
    update_tags(Work(work.call, work.properties, physical_id=resource, previous=work.previous, changed=work.changed))


def _release(work: Work) -> Progress:
    public_ip = {"PublicIp": work.physical_id}
    if "InstanceId" in work.properties and "AssociationId" in _address(work.call, work.physical_id):
        work.call("ec2", "DisassociateAddress", public_ip)
    return deleted_by("ec2", "ReleaseAddress", lambda _: public_ip)(work)


EIP = ResourceType(
    "AWS::EC2::EIP",
    {"Domain": free(one_of("vpc standard", "vpc")), "InstanceId": free(STRING), "Tags": free(TAGS)},
    create=_allocate,
    update=_update_address,
    delete=_release,
    attributes={
        "PublicIp": the_id,
        "AllocationId": lambda call, public_ip, _: _address(call, public_ip)["AllocationId"],
    },
    elsewhere=words("Address IpamPoolId NetworkBorderGroup PublicIpv4Pool TransferAddress"),
)

_OWNER = "AllocationId EIP InstanceId NetworkInterfaceId"


def _associate(work: Work) -> str:
    request = work.some("AllocationId InstanceId NetworkInterfaceId")
    if "EIP" in work.properties:
        request["PublicIp"] = work.properties["EIP"]
    return str(work.call("ec2", "AssociateAddress", request)["AssociationId"])


def _one_of_each(properties: dict[str, Any]) -> str | None:
    for pair in (("AllocationId", "EIP"), ("InstanceId", "NetworkInterfaceId")):
        if sum(name in properties for name in pair) != 1:
            return f"needs either {pair[0]} or {pair[1]}"
    return None


EIP_ASSOCIATION = ResourceType(
    "AWS::EC2::EIPAssociation",
    {name: fixed(STRING) for name in _OWNER.split()},
    create=_associate,
    delete=deleted_by("ec2", "DisassociateAddress", lambda work: {"AssociationId": work.physical_id}),
    attributes={"Id": the_id},
    check=_one_of_each,
    elsewhere=words("PrivateIpAddress"),
)

# ── NAT gateways ──────────────────────────────────────────────────────────────────────────────────────────────────


def _create_nat(work: Work) -> str:
    request = work.some("SubnetId AllocationId ConnectivityType") | tag_specifications("natgateway", work)
    return str(work.call("ec2", "CreateNatGateway", request)["NatGateway"]["NatGatewayId"])


def _nat(work: Work) -> dict[str, Any]:
    found = work.call("ec2", "DescribeNatGateways", {"NatGatewayIds": [work.physical_id]})["NatGateways"]
    return dict(found[0])


def _stable_nat(work: Work) -> Progress:
    nat = _nat(work)
    if nat["State"] == "failed":
        return Progress("failed", f"{nat['FailureCode']}: {nat['FailureMessage']}")
    return DONE if nat["State"] == "available" else WAITING


def _delete_nat(work: Work) -> Progress:
    """Its row stays for a while, as `deleted`."""
    deleted_by("ec2", "DeleteNatGateway", lambda _: {"NatGatewayId": work.physical_id})(work)
    filters = [{"Name": "nat-gateway-id", "Values": [work.physical_id]}]
    found = work.call("ec2", "DescribeNatGateways", {"Filter": filters})["NatGateways"]
    return DONE if all(nat["State"] == "deleted" for nat in found) else WAITING


NAT_GATEWAY = ResourceType(
    "AWS::EC2::NatGateway",
    {
        "AllocationId": fixed(STRING),
        "ConnectivityType": fixed(one_of("private public")),
        "SubnetId": need(fixed(STRING)),
        "Tags": free(TAGS),
    },
    create=_create_nat,
    update=update_tags,
    stable=_stable_nat,
    delete=_delete_nat,
    attributes={"NatGatewayId": the_id},
    elsewhere=words(
        """AvailabilityMode AvailabilityZoneAddresses MaxDrainDurationSeconds PrivateIpAddress SecondaryAllocationIds
        SecondaryPrivateIpAddressCount SecondaryPrivateIpAddresses VpcId"""
    ),
)

TYPES = (EIP, EIP_ASSOCIATION, NAT_GATEWAY)
