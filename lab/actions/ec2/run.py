"""RunInstances: instances of nobody's group (bc:ec2.RunInstancesRequest). A group may have them by AttachInstances."""

from typing import Any

from lab.actions.context import Context, Request, Response, reads
from lab.actions.ec2.instances import instance_shape, launch, make, reservation
from lab.actions.ec2.launch_templates import find_template, version_of
from lab.core.ec2.model import Instance, LaunchTemplate, LaunchTemplateVersion
from lab.core.errors import LabError

DATA = (
    "ImageId", "InstanceType", "SecurityGroupIds", "UserData", "TagSpecifications", "Monitoring", "HibernationOptions",
    "MetadataOptions", "NetworkInterfaces", "KeyName",
)  # fmt: skip
"""Members that mean the same here and in a launch template, and win over it."""
MOST = 50


@reads("MinCount", "MaxCount", "SubnetId", "LaunchTemplate", "ClientToken", *DATA)
def run_instances(context: Context, request: Request) -> Response:
    """As many as possible of MaxCount, at least MinCount, else none."""
    least, most = request["MinCount"], request["MaxCount"]
    if not 1 <= least <= most <= MOST:
        raise LabError(
            "InvalidParameterValue", f"MinCount and MaxCount must be 1 to {MOST}, the first not above the second"
        )
    if "SubnetId" not in request:
        raise LabError("VPCIdNotSpecified", "No default VPC for this user: give a SubnetId")
    made: list[Instance] = []
    while len(made) < most:
        try:
            made.append(_one(context, request))
        except LabError as error:
            if len(made) < least or error.code != "InsufficientFreeAddressesInSubnet":
                raise
            break
    return reservation([instance_shape(instance, context) for instance in made], context)


def _one(context: Context, request: Request) -> Instance:
    given: dict[str, Any] = {name: request[name] for name in DATA if name in request}
    if "LaunchTemplate" not in request:
        return make(context, given, request["SubnetId"], {})
    template: LaunchTemplate = find_template(context.store, request["LaunchTemplate"])
    version = version_of(template, request["LaunchTemplate"].get("Version", "$Default"))
    wanted = LaunchTemplateVersion(version.number, {**version.data, **given}, version.created)
    return launch(context, template, wanted, request["SubnetId"], {})
