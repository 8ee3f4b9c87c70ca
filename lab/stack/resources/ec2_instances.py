"""AWS::EC2::Instance: one instance of nobody's group.

Source: AWS CloudFormation resource reference, AWS::EC2::Instance. Its type and its user
data are replacements, as on AWS for an instance without an EBS root device.
"""

from typing import Any

from lab.stack.context import Call
from lab.stack.resources.base import DONE, WAITING, Attribute, Progress, ResourceType, Work, deleted_by, the_id, words
from lab.stack.resources.ec2 import tag_specifications, update_tags
from lab.stack.schema import BOOLEAN, INTEGER, STRING, TAGS, fixed, free, list_of, map_of, need, one_of

_ASKED = "ImageId InstanceType KeyName SubnetId SecurityGroupIds UserData LaunchTemplate MetadataOptions"

DEFAULT_OPTIONS = {"HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 1, "HttpTokens": "optional"}
"""What metadata options that are taken out of a template go back to."""


def _run(work: Work) -> str:
    request = work.some(_ASKED) | tag_specifications("instance", work)
    if "NetworkInterfaces" in work.properties:
        request["NetworkInterfaces"] = [_interface(one) for one in work.properties["NetworkInterfaces"]]
    if "Monitoring" in work.properties:
        request["Monitoring"] = {"Enabled": work.properties["Monitoring"]}
    answer = work.call("ec2", "RunInstances", {**request, "MinCount": 1, "MaxCount": 1})
    return str(answer["Instances"][0]["InstanceId"])


def _interface(given: dict[str, Any]) -> dict[str, Any]:
    """DeviceIndex is text in this resource's properties, as in no other."""
    groups = {"Groups": given["GroupSet"]} if "GroupSet" in given else {}
    kept = {name: value for name, value in given.items() if name not in ("GroupSet", "DeviceIndex")}
    return {**kept, **groups, "DeviceIndex": int(given["DeviceIndex"])}


def _described(call: Call, instance_id: str) -> dict[str, Any]:
    found: dict[str, Any] = call("ec2", "DescribeInstances", {"InstanceIds": [instance_id]})
    instance: dict[str, Any] = found["Reservations"][0]["Instances"][0]
    return instance


def _stable(work: Work) -> Progress:
    instance = _described(work.call, work.physical_id)
    match instance["State"]["Name"]:
        case "running":
            return DONE
        case "pending":
            return WAITING
        case state:
            return Progress("failed", instance.get("StateReason", {}).get("Message", f"the instance is {state}"))


def _update(work: Work) -> None:
    named = {"InstanceId": work.physical_id}
    if "SecurityGroupIds" in work.changed:
        work.call("ec2", "ModifyInstanceAttribute", {**named, "Groups": work.properties.get("SecurityGroupIds", [])})
    if "Monitoring" in work.changed:
        verb = "MonitorInstances" if work.properties.get("Monitoring") else "UnmonitorInstances"
        work.call("ec2", verb, {"InstanceIds": [work.physical_id]})
    if "MetadataOptions" in work.changed:
        options = DEFAULT_OPTIONS | work.properties.get("MetadataOptions", {})
        work.call("ec2", "ModifyInstanceMetadataOptions", named | options)
    update_tags(work)


def _delete(work: Work) -> Progress:
    """Gone when it is terminated: until then its address and its groups are in use."""
    deleted_by("ec2", "TerminateInstances", lambda one: {"InstanceIds": [one.physical_id]})(work)
    found = work.call("ec2", "DescribeInstances", {"Filters": [{"Name": "instance-id", "Values": [work.physical_id]}]})
    states = [one["State"]["Name"] for row in found["Reservations"] for one in row["Instances"]]
    return DONE if all(state == "terminated" for state in states) else WAITING


def _member(name: str) -> Attribute:
    def read(call: Call, instance_id: str, _: dict[str, Any]) -> str:
        return str(_described(call, instance_id).get(name, ""))

    return read


def _zone(call: Call, instance_id: str, _: dict[str, Any]) -> str:
    return str(_described(call, instance_id)["Placement"]["AvailabilityZone"])


def _whole(properties: dict[str, Any]) -> str | None:
    interfaces = properties.get("NetworkInterfaces")
    if interfaces and ("SubnetId" in properties or "SecurityGroupIds" in properties):
        return "has NetworkInterfaces: then SubnetId and SecurityGroupIds belong into them"
    if "ImageId" not in properties and "LaunchTemplate" not in properties:
        return "needs ImageId or LaunchTemplate"
    return None


INSTANCE = ResourceType(
    "AWS::EC2::Instance",
    {
        "ImageId": fixed(STRING),
        "InstanceType": fixed(STRING),
        "KeyName": fixed(STRING),
        "LaunchTemplate": fixed(
            map_of({"LaunchTemplateId": STRING, "LaunchTemplateName": STRING, "Version": need(STRING)})
        ),
        "MetadataOptions": free(
            map_of(
                {
                    "HttpEndpoint": one_of("disabled enabled"),
                    "HttpPutResponseHopLimit": INTEGER,
                    "HttpTokens": one_of("optional required"),
                    "InstanceMetadataTags": one_of("disabled enabled"),
                }
            )
        ),
        "Monitoring": free(BOOLEAN),
        "NetworkInterfaces": fixed(
            list_of(
                map_of(
                    {
                        "AssociatePublicIpAddress": BOOLEAN,
                        "DeleteOnTermination": BOOLEAN,
                        "Description": STRING,
                        "DeviceIndex": STRING,
                        "GroupSet": list_of(STRING),
                        "SubnetId": STRING,
                    }
                )
            )
        ),
        "SecurityGroupIds": free(list_of(STRING)),
        "SubnetId": fixed(STRING),
        "Tags": free(TAGS),
        "UserData": fixed(STRING),
    },
    create=_run,
    update=_update,
    delete=_delete,
    stable=_stable,
    attributes={
        "InstanceId": the_id,
        "PrivateIp": _member("PrivateIpAddress"),
        "PrivateDnsName": _member("PrivateDnsName"),
        "PublicIp": _member("PublicIpAddress"),
        "PublicDnsName": _member("PublicDnsName"),
        "VpcId": _member("VpcId"),
        "AvailabilityZone": _zone,
    },
    check=_whole,
    elsewhere=words(
        """AdditionalInfo Affinity AvailabilityZone BlockDeviceMappings CpuOptions CreditSpecification
        DisableApiTermination EbsOptimized ElasticGpuSpecifications ElasticInferenceAccelerators
        EnclaveOptions HibernationOptions HostId HostResourceGroupArn IamInstanceProfile
        InstanceInitiatedShutdownBehavior Ipv6AddressCount Ipv6Addresses KernelId LicenseSpecifications
        PlacementGroupName PrivateDnsNameOptions PrivateIpAddress PropagateTagsToVolumeOnCreation RamdiskId
        SecurityGroups SourceDestCheck SsmAssociations Tenancy Volumes"""
    ),
)

TYPES = (INSTANCE,)
