"""What an instance hears of itself at 169.254.169.254: the tree of its metadata, from rows. Pure.

Paths are those below /latest/ (ec2:instancedata-data-categories). What the lab does not have (block devices, spot, a role's
credentials) is not in the tree, and so is not found.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.core.ec2.addresses import private_dns_name
from lab.core.ec2.model import Instance, SecurityGroup, Subnet, Vpc
from lab.core.ec2.public import public_dns_name
from lab.core.times import iso
from lab.core.vpc.documents import Metadata

VERSION = "2017-09-30"
"""Of the identity document's format (ec2:instance-identity-documents)."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an instance's row leaves out. `lifecycle` is the group's word for what it becomes, empty without a group;
    `public_ip` is empty without one."""

    subnet: Subnet
    vpc: Vpc
    groups: Sequence[SecurityGroup]
    account_id: str
    lifecycle: str = ""
    public_ip: str = ""


def metadata(instance: Instance, around: Surroundings) -> Metadata:
    options = instance.metadata_options
    return Metadata(
        tree=tree(instance, around),
        enabled=options.http_endpoint == "enabled",
        tokens_required=options.http_tokens == "required",
        hop_limit=options.http_put_response_hop_limit,
    )


def tree(instance: Instance, around: Surroundings) -> dict[str, str]:
    """Path → text."""
    found = {f"meta-data/{path}": text for path, text in _meta_data(instance, around)}
    found["dynamic/instance-identity/document"] = _identity(instance, around)
    if instance.user_data:
        found["user-data"] = base64.b64decode(instance.user_data).decode(errors="replace")
    return found


def mac(address: str) -> str:
    """Locally administered, of the private address: what Docker gives is nobody's business, and this does not change."""
    return "0a:ff:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def _meta_data(instance: Instance, around: Surroundings) -> Iterator[tuple[str, str]]:
    region = around.subnet.availability_zone[:-1]
    host = private_dns_name(instance.private_ip_address, region)
    names = "\n".join(group.group_name for group in around.groups)
    yield "ami-id", instance.image_id
    yield "ami-launch-index", "0"
    yield "ami-manifest-path", "(unknown)"
    yield "hostname", host
    yield "instance-action", "none"
    yield "instance-id", instance.instance_id
    yield "instance-life-cycle", "on-demand"
    yield "instance-type", instance.instance_type
    yield "local-hostname", host
    yield "local-ipv4", instance.private_ip_address
    yield "mac", mac(instance.private_ip_address)
    yield "placement/availability-zone", instance.availability_zone
    yield "placement/region", region
    yield "profile", "default-hvm"
    if instance.public_key:
        yield "public-keys", f"0={instance.key_name}"
        yield "public-keys/0/openssh-key", f"{instance.public_key} {instance.key_name}"
    if around.public_ip:
        yield "public-ipv4", around.public_ip
        yield "public-hostname", public_dns_name(around.public_ip, region)
    yield "reservation-id", instance.instance_id.replace("i-", "r-")
    yield "security-groups", names
    yield "services/domain", "amazonaws.com"
    yield "services/partition", "aws"
    if around.lifecycle:
        yield "autoscaling/target-lifecycle-state", around.lifecycle
    if instance.metadata_options.instance_metadata_tags == "enabled":
        for key, value in instance.tags.items():
            yield f"tags/instance/{key}", value
    for name, text in _interface(instance, around, host, names):
        yield f"network/interfaces/macs/{mac(instance.private_ip_address)}/{name}", text


def _interface(instance: Instance, around: Surroundings, host: str, names: str) -> Iterator[tuple[str, str]]:
    yield "device-number", "0"
    yield "interface-id", instance.network_interface_id
    yield "local-hostname", host
    yield "local-ipv4s", instance.private_ip_address
    yield "mac", mac(instance.private_ip_address)
    yield "owner-id", around.account_id
    if around.public_ip:
        yield f"ipv4-associations/{around.public_ip}", instance.private_ip_address
        yield "public-ipv4s", around.public_ip
    yield "security-group-ids", "\n".join(group.group_id for group in around.groups)
    yield "security-groups", names
    yield "subnet-id", around.subnet.subnet_id
    yield "subnet-ipv4-cidr-block", around.subnet.cidr_block
    yield "vpc-id", around.vpc.vpc_id
    yield "vpc-ipv4-cidr-block", around.vpc.cidr_block
    yield "vpc-ipv4-cidr-blocks", around.vpc.cidr_block


def _identity(instance: Instance, around: Surroundings) -> str:
    document = {
        "accountId": around.account_id,
        "architecture": "x86_64",
        "availabilityZone": instance.availability_zone,
        "billingProducts": None,
        "devpayProductCodes": None,
        "marketplaceProductCodes": None,
        "imageId": instance.image_id,
        "instanceId": instance.instance_id,
        "instanceType": instance.instance_type,
        "kernelId": None,
        "pendingTime": iso(instance.launch_time),
        "privateIp": instance.private_ip_address,
        "ramdiskId": None,
        "region": instance.availability_zone[:-1],
        "version": VERSION,
    }
    return json.dumps(document, indent=2)
