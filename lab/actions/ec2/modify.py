"""What of an instance and its network interface can be changed while it runs."""

from collections.abc import Iterable
from dataclasses import replace

from lab.actions.context import Context, Request, Response, reads, require
from lab.actions.ec2.common import check_members
from lab.actions.ec2.instances import get_instance
from lab.actions.ec2.metadata_options import chosen, shape
from lab.core.ec2.model import Instance, NetworkInterface
from lab.core.errors import LabError


@reads(
    "InstanceId", "HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "HttpProtocolIpv6", "InstanceMetadataTags"
)
def modify_instance_metadata_options(context: Context, request: Request) -> Response:
    """In force within a second."""
    instance = get_instance(context, request["InstanceId"])
    options = chosen(request, instance.metadata_options)
    context.store.put(replace(instance, metadata_options=options))
    return {"InstanceId": instance.instance_id, "InstanceMetadataOptions": shape(options)}


@reads("InstanceId", "Groups")
def modify_instance_attribute(context: Context, request: Request) -> Response:
    """Of what AWS can change, the security groups."""
    instance = get_instance(context, request["InstanceId"])
    if not request.get("Groups"):
        raise LabError("InvalidParameterCombination", "No attributes specified: the lab changes Groups")
    interface = context.store.get(NetworkInterface, instance.network_interface_id)
    if interface is None:
        raise LabError("IncorrectInstanceState", f"The instance '{instance.instance_id}' is {instance.state}.")
    _regroup(context, interface, request["Groups"])
    return {}


@reads("NetworkInterfaceId", "Groups", "Description")
def modify_network_interface_attribute(context: Context, request: Request) -> Response:
    identity = request["NetworkInterfaceId"]
    message = f"The networkInterface ID '{identity}' does not exist"
    interface = require(context.store, NetworkInterface, identity, "InvalidNetworkInterfaceID.NotFound", message)
    if not interface.owner.startswith("i-"):
        raise LabError(
            "AuthFailure", f"You do not have permission to access the specified resource: {interface.owner} has it"
        )
    if "Description" in request:
        interface = replace(interface, description=request["Description"].get("Value", ""))
        context.store.put(interface)
    if request.get("Groups"):
        _regroup(context, interface, request["Groups"])
    return {}


def _regroup(context: Context, interface: NetworkInterface, group_ids: Iterable[str]) -> None:
    """In force within a second; members of other groups' rules come and go with it."""
    groups = tuple(group_ids)
    check_members(context.store, groups, interface.vpc_id)
    context.store.put(replace(interface, group_ids=groups))
    instance = context.store.get(Instance, interface.owner)
    if instance is not None:
        context.store.put(replace(instance, group_ids=groups))
