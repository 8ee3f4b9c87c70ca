"""Network interfaces as they are described (aws-facts §7.8)."""

from typing import Any

from lab.actions.context import Context, Request, Response, reads
from lab.actions.ec2.addresses import association
from lab.actions.ec2.common import get_subnet, member, select
from lab.core.ec2.model import NetworkInterface, SecurityGroup


@reads("NetworkInterfaceIds", "Filters", "MaxResults", "NextToken")
def describe_network_interfaces(context: Context, request: Request) -> Response:
    described = [interface_shape(eni, context) for eni in context.store.all(NetworkInterface)]
    filters = {
        "vpc-id": member("VpcId"),
        "subnet-id": member("SubnetId"),
        "network-interface-id": member("NetworkInterfaceId"),
        "description": member("Description"),
        "association.public-ip": lambda item: (item.get("Association", {}).get("PublicIp", ""),),
        "group-id": lambda item: [group["GroupId"] for group in item["Groups"]],
        "addresses.private-ip-address": member("PrivateIpAddress"),
        "attachment.instance-id": lambda item: (item["Attachment"].get("InstanceId", ""),),
    }
    ids = request.get("NetworkInterfaceIds", ())
    code = "InvalidNetworkInterfaceID.NotFound"
    found = select(described, ids, "NetworkInterfaceId", code, request.get("Filters", ()), filters)
    return {"NetworkInterfaces": found}


def interface_shape(eni: NetworkInterface, context: Context) -> dict[str, Any]:
    groups = [context.store.get(SecurityGroup, group_id) for group_id in eni.group_ids]
    zone = get_subnet(context.store, eni.subnet_id).availability_zone
    return {
        "NetworkInterfaceId": eni.network_interface_id,
        "SubnetId": eni.subnet_id,
        "VpcId": eni.vpc_id,
        "AvailabilityZone": zone,
        "PrivateIpAddress": eni.private_ip_address,
        "PrivateIpAddresses": [
            {
                "Primary": True,
                "PrivateIpAddress": eni.private_ip_address,
                **({"Association": public} if (public := association(eni, context)) else {}),
            }
        ],
        "Description": eni.description,
        "Groups": [{"GroupId": g.group_id, "GroupName": g.group_name} for g in groups if g is not None],
        "Status": "in-use",
        "InterfaceType": "natGateway" if eni.owner.startswith("nat-") else "interface",
        "SourceDestCheck": True,
        "RequesterManaged": not eni.owner.startswith("i-"),
        "OwnerId": context.account.account_id,
        "Attachment": {
            "Status": "attached",
            "DeviceIndex": 0,
            **({"InstanceId": eni.owner} if eni.owner.startswith("i-") else {}),
        },
        **({"Association": public} if (public := association(eni, context)) else {}),
        "TagSet": [],
    }
