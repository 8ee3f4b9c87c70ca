"""What a launch says of its network: security groups, a public address, the subnet; at the top, or of its one interface
(bc:ec2.LaunchTemplateInstanceNetworkInterfaceSpecificationRequest)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.core.errors import LabError

READ = frozenset(
    ("AssociatePublicIpAddress", "DeleteOnTermination", "Description", "DeviceIndex", "Groups", "SubnetId")
)


@dataclass(frozen=True, slots=True)
class Wish:
    """`public` is None where the subnet decides; `subnet_id` empty where the launch does."""

    group_ids: tuple[str, ...] = ()
    public: bool | None = None
    subnet_id: str = ""
    description: str = ""


def wish(data: Mapping[str, Any]) -> Wish:
    """Of a launch template's data, or a request to run instances. Raises LabError for what the lab does not read: passed over
    in silence, an instance would run under rules that nobody asked for."""
    if data.get("SecurityGroups"):
        raise LabError("UnsupportedOperation", "the lab does not support SecurityGroups: groups of a VPC go by id")
    interfaces = data.get("NetworkInterfaces") or ()
    if not interfaces:
        return Wish(tuple(data.get("SecurityGroupIds", ())))
    if data.get("SecurityGroupIds"):
        raise LabError(
            "InvalidParameterCombination",
            "Network interfaces and an instance-level security groups may not be specified on the same request",
        )
    if len(interfaces) > 1 or interfaces[0].get("DeviceIndex", 0) != 0:
        raise LabError("UnsupportedOperation", "an instance of the lab has one network interface, of DeviceIndex 0")
    [one] = interfaces
    unread = sorted(set(one) - READ)
    if unread or one.get("DeleteOnTermination") is False:
        words = ", ".join(unread) or "DeleteOnTermination false"
        raise LabError("UnsupportedOperation", f"the lab does not support {words} of a network interface yet")
    return Wish(
        tuple(one.get("Groups", ())),
        one.get("AssociatePublicIpAddress"),
        one.get("SubnetId", ""),
        one.get("Description", ""),
    )
