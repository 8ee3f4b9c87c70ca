"""Instances (aws-facts §7.3): launching, terminating, describing. What runs them is a reconciler's affair."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require, tag_list
from lab.actions.ec2.addresses import association
from lab.actions.ec2.common import attach_interface, get_subnet, member, select
from lab.actions.ec2.interfaces import interface_shape
from lab.actions.ec2.key_pairs import find_key_pair
from lab.actions.ec2.launch_interfaces import wish
from lab.actions.ec2.metadata_options import chosen, shape
from lab.core.ec2.addresses import private_dns_name
from lab.core.ec2.catalogue import IMAGES, INSTANCE_TYPES
from lab.core.ec2.model import (
    INSTANCE_STATE_CODES,
    Instance,
    LaunchTemplate,
    LaunchTemplateVersion,
    MetadataOptions,
    NetworkInterface,
    SecurityGroup,
    Vpc,
)
from lab.core.ec2.power import USER_SHUTDOWN
from lab.core.ec2.public import public_addresses, public_dns_name
from lab.core.errors import LabError
from lab.core.times import gmt, moment

USER_DATA_LIMIT = 16 * 1024
ONLY_ALONE = ("AvailabilityZone", "RequesterManaged", "TagSet")
ASSOCIATION = ("PublicIp", "PublicDnsName", "IpOwnerId")
"""Of an interface, what its own description has and its instance's leaves out, and what its instance's tells of its public
address (bc:ec2.InstanceNetworkInterface)."""


def launch(
    context: Context,
    template: LaunchTemplate,
    version: LaunchTemplateVersion,
    subnet_id: str,
    tags: Mapping[str, str],
) -> Instance:
    """One instance from a launch template version. What is wrong with the template shows here, as on AWS."""
    origin = {
        "aws:ec2launchtemplate:id": template.launch_template_id,
        "aws:ec2launchtemplate:version": str(version.number),
    }
    instance = make(context, version.data, subnet_id, {**tags, **origin})
    instance = replace(instance, launch_template_id=template.launch_template_id, launch_template_version=version.number)
    context.store.put(instance)
    return instance


def make(context: Context, data: Mapping[str, Any], subnet_id: str, tags: Mapping[str, str]) -> Instance:
    """One instance of a launch template's data: its row in state `pending`, its network interface made. Raises LabError;
    nothing is made then."""
    image_id, type_name = data.get("ImageId", ""), data.get("InstanceType", "")
    if image_id not in IMAGES:
        known = ", ".join(IMAGES)
        raise LabError("InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist (this lab has {known})")
    if type_name not in INSTANCE_TYPES:
        raise LabError("InvalidParameterValue", f"Invalid value '{type_name}' for InstanceType.")
    user_data = data.get("UserData", "")
    _check_user_data(user_data)
    options = chosen(data.get("MetadataOptions", {}), MetadataOptions())
    subnet = get_subnet(context.store, subnet_id)
    instance_id = context.new_id("i")
    pair = find_key_pair(context, data["KeyName"]) if data.get("KeyName") else None
    asked = wish(data)
    public = subnet.map_public_ip_on_launch if asked.public is None else asked.public
    interface = attach_interface(context, subnet_id, asked.group_ids, instance_id, asked.description, public=public)
    instance = Instance(
        instance_id=instance_id,
        image_id=image_id,
        instance_type=type_name,
        subnet_id=subnet_id,
        vpc_id=subnet.vpc_id,
        availability_zone=subnet.availability_zone,
        private_ip_address=interface.private_ip_address,
        network_interface_id=interface.network_interface_id,
        group_ids=interface.group_ids,
        launch_time=context.now,
        state="pending",
        since=context.now,
        monitoring=bool(data.get("Monitoring", {}).get("Enabled", False)),
        user_data=user_data,
        metadata_options=options,
        key_name="" if pair is None else pair.key_name,
        public_key="" if pair is None else pair.public_key.line,
        hibernation=bool(data.get("HibernationOptions", {}).get("Configured", False)),
        tags={**_template_tags(data), **tags},
    )
    context.store.put(instance)
    return instance


def begin_termination(context: Context, instance: Instance, code: str, message: str) -> None:
    """The row → shutting-down, unless it is past that."""
    if instance.state not in ("shutting-down", "terminated"):
        context.store.put(
            replace(
                instance,
                state="shutting-down",
                since=context.now,
                state_reason_code=code,
                state_reason_message=message,
                reboot="",
            )
        )


@reads("InstanceIds")
def terminate_instances(context: Context, request: Request) -> Response:
    found = [get_instance(context, instance_id) for instance_id in request["InstanceIds"]]
    for instance in found:
        begin_termination(context, instance, *USER_SHUTDOWN)
    return {"TerminatingInstances": changes(context, found)}


@reads("InstanceIds")
def monitor_instances(context: Context, request: Request) -> Response:
    """Detailed monitoring: a datum each minute instead of every five (ec2:using-cloudwatch-new)."""
    return _monitor(context, request["InstanceIds"], detailed=True)


@reads("InstanceIds")
def unmonitor_instances(context: Context, request: Request) -> Response:
    return _monitor(context, request["InstanceIds"], detailed=False)


def _monitor(context: Context, instance_ids: Iterable[str], *, detailed: bool) -> Response:
    """The answer tells of the change that has begun, as on AWS; here it is done at once."""
    found = [get_instance(context, instance_id) for instance_id in instance_ids]
    for instance in found:
        if instance.state in ("shutting-down", "terminated"):
            raise LabError("IncorrectInstanceState", f"The instance '{instance.instance_id}' is {instance.state}.")
        context.store.put(replace(instance, monitoring=detailed))
    state = "pending" if detailed else "disabling"
    return {"InstanceMonitorings": [{"InstanceId": row.instance_id, "Monitoring": {"State": state}} for row in found]}


@reads("InstanceIds", "Filters", "MaxResults", "NextToken")
def describe_instances(context: Context, request: Request) -> Response:
    described = [instance_shape(instance, context) for instance in context.store.all(Instance)]
    filters = {
        "instance-id": member("InstanceId"),
        "vpc-id": member("VpcId"),
        "subnet-id": member("SubnetId"),
        "image-id": member("ImageId"),
        "instance-type": member("InstanceType"),
        "private-ip-address": member("PrivateIpAddress"),
        "availability-zone": lambda item: (item["Placement"]["AvailabilityZone"],),
        "instance-state-name": lambda item: (item["State"]["Name"],),
    }
    ids = request.get("InstanceIds", ())
    found = select(described, ids, "InstanceId", "InvalidInstanceID.NotFound", request.get("Filters", ()), filters)
    return {"Reservations": [reservation([item], context) for item in found]}


@reads(
    "ImageIds",
    "Filters",
    "Owners",
    "ExecutableUsers",
    "IncludeDeprecated",
    "IncludeDisabled",
    "MaxResults",
    "NextToken",
)
def describe_images(context: Context, request: Request) -> Response:
    described = [
        {
            "ImageId": image.image_id,
            "Name": image.name,
            "Description": image.description,
            "State": "available",
            "Architecture": "x86_64",
            "ImageType": "machine",
            "Public": True,
            "OwnerId": context.account.account_id,
            "RootDeviceType": "ebs",
            "VirtualizationType": "hvm",
            "Tags": [],
        }
        for image in IMAGES.values()
    ]
    filters = {"image-id": member("ImageId"), "name": member("Name"), "state": member("State")}
    ids = request.get("ImageIds", ())
    return {"Images": select(described, ids, "ImageId", "InvalidAMIID.NotFound", request.get("Filters", ()), filters)}


def changes(context: Context, before: Iterable[Instance]) -> list[dict[str, Any]]:
    """What became of these: the state of each before and now."""
    return [
        {
            "InstanceId": instance.instance_id,
            "CurrentState": _state(get_instance(context, instance.instance_id).state),
            "PreviousState": _state(instance.state),
        }
        for instance in before
    ]


def reservation(described: Sequence[Mapping[str, Any]], context: Context) -> dict[str, Any]:
    """Instances that were asked for together, named after the first of them."""
    return {
        "ReservationId": described[0]["InstanceId"].replace("i-", "r-"),
        "OwnerId": context.account.account_id,
        "Groups": [],
        "Instances": list(described),
    }


def get_instance(context: Context, instance_id: str) -> Instance:
    message = f"The instance ID '{instance_id}' does not exist"
    return require(context.store, Instance, instance_id, "InvalidInstanceID.NotFound", message)


def _check_user_data(encoded: str) -> None:
    try:
        size = len(base64.b64decode(encoded, validate=True))
    except binascii.Error as error:
        raise LabError("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") from error
    if size > USER_DATA_LIMIT:
        raise LabError("InvalidParameterValue", f"User data is limited to {USER_DATA_LIMIT} bytes")


def _template_tags(data: Mapping[str, Any]) -> dict[str, str]:
    return {
        tag["Key"]: tag.get("Value", "")
        for specification in data.get("TagSpecifications", ())
        if specification.get("ResourceType") == "instance"
        for tag in specification.get("Tags", ())
    }


def _state(name: str) -> dict[str, Any]:
    return {"Code": INSTANCE_STATE_CODES[name], "Name": name}


def instance_shape(instance: Instance, context: Context) -> dict[str, Any]:
    running = instance.state == "running"
    dns = private_dns_name(instance.private_ip_address, context.account.region)
    gone = instance.state == "terminated"
    return {
        "InstanceId": instance.instance_id,
        "ImageId": instance.image_id,
        "InstanceType": instance.instance_type,
        "LaunchTime": moment(instance.launch_time),
        "State": _state(instance.state),
        "StateTransitionReason": _transition_reason(instance),
        **(
            {"StateReason": {"Code": instance.state_reason_code, "Message": instance.state_reason_message}}
            if instance.state_reason_code
            else {}
        ),
        "AmiLaunchIndex": 0,
        "Architecture": "x86_64",
        "Hypervisor": "xen",
        "VirtualizationType": "hvm",
        "RootDeviceType": "ebs",
        "SourceDestCheck": True,
        "EbsOptimized": False,
        **({"KeyName": instance.key_name} if instance.key_name else {}),
        "BlockDeviceMappings": [],
        "Placement": {"AvailabilityZone": instance.availability_zone, "GroupName": "", "Tenancy": "default"},
        "HibernationOptions": {"Configured": instance.hibernation},
        "MetadataOptions": shape(instance.metadata_options),
        "Monitoring": {"State": "enabled" if instance.monitoring else "disabled"},
        "PrivateDnsName": dns if running else "",
        **_public(instance, context),
        **({} if gone else {"PrivateIpAddress": instance.private_ip_address}),
        **({} if gone else {"SubnetId": instance.subnet_id, "VpcId": instance.vpc_id}),
        "SecurityGroups": list(_groups(instance, context)),
        "NetworkInterfaces": list(_interfaces(instance, context)),
        "Tags": tag_list(instance.tags),
    }


def _transition_reason(instance: Instance) -> str:
    if instance.state_reason_code.startswith("Client.UserInitiated"):
        return f"User initiated ({gmt(instance.since)})"
    return instance.state_reason_message


def _public(instance: Instance, context: Context) -> dict[str, str]:
    """The name only where the VPC gives names (vpc:vpc-dns)."""
    public_ip = public_addresses(context.store).get(instance.network_interface_id)
    if public_ip is None:
        return {"PublicDnsName": ""}
    vpc = context.store.get(Vpc, instance.vpc_id)
    named = vpc is not None and vpc.enable_dns_hostnames
    name = public_dns_name(public_ip, context.account.region) if named else ""
    return {"PublicDnsName": name, "PublicIpAddress": public_ip}


def _interfaces(instance: Instance, context: Context) -> Iterable[dict[str, Any]]:
    row = context.store.get(NetworkInterface, instance.network_interface_id)
    if row is not None:
        public = {name: value for name, value in association(row, context).items() if name in ASSOCIATION}
        named = {"Association": public} if public else {}
        address = {"Primary": True, "PrivateIpAddress": row.private_ip_address, **named}
        yield {
            **{name: value for name, value in interface_shape(row, context).items() if name not in ONLY_ALONE},
            "PrivateIpAddresses": [address],
            "Attachment": {"Status": "attached", "DeviceIndex": 0},
            **named,
        }


def _groups(instance: Instance, context: Context) -> Iterable[dict[str, str]]:
    for group_id in instance.group_ids:
        group = context.store.get(SecurityGroup, group_id)
        if group is not None:
            yield {"GroupId": group.group_id, "GroupName": group.group_name}
