"""AWS::EC2::LaunchTemplate. An update adds a version; the default version stays what it was, as on AWS.

Source: AWS CloudFormation resource reference, AWS::EC2::LaunchTemplate and its LaunchTemplateData.
"""

from typing import Any

from lab.stack.context import Call
from lab.stack.resources.base import Attribute, ResourceType, Work, deleted_by, the_id, words
from lab.stack.resources.ec2 import tag_specifications
from lab.stack.schema import BOOLEAN, INTEGER, STRING, TAGS, fixed, free, list_of, map_of, need, one_of

_EBS = map_of(
    {
        "DeleteOnTermination": BOOLEAN,
        "Encrypted": BOOLEAN,
        "Iops": INTEGER,
        "SnapshotId": STRING,
        "Throughput": INTEGER,
        "VolumeSize": INTEGER,
        "VolumeType": one_of("gp2 gp3 io1 io2 sc1 st1 standard"),
    },
    elsewhere="EbsCardIndex KmsKeyId VolumeInitializationRate",
)
_METADATA_OPTIONS = map_of(
    {
        "HttpEndpoint": one_of("disabled enabled"),
        "HttpProtocolIpv6": one_of("disabled enabled", "disabled"),
        "HttpPutResponseHopLimit": INTEGER,
        "HttpTokens": one_of("optional required"),
        "InstanceMetadataTags": one_of("disabled enabled"),
    }
)
_INTERFACE = map_of(
    {
        "AssociatePublicIpAddress": BOOLEAN,
        "DeleteOnTermination": BOOLEAN,
        "Description": STRING,
        "DeviceIndex": INTEGER,
        "Groups": list_of(STRING),
        "SubnetId": STRING,
    },
    elsewhere="""AssociateCarrierIpAddress ConnectionTrackingSpecification EnaQueueCount EnaSrdSpecification InterfaceType
    Ipv4PrefixCount Ipv4Prefixes Ipv6AddressCount Ipv6Addresses Ipv6PrefixCount Ipv6Prefixes NetworkCardIndex
    NetworkInterfaceId PrimaryIpv6 PrivateIpAddress PrivateIpAddresses SecondaryPrivateIpAddressCount""",
)
_DATA = map_of(
    {
        "BlockDeviceMappings": list_of(
            map_of({"DeviceName": STRING, "Ebs": _EBS, "NoDevice": STRING, "VirtualName": STRING})
        ),
        "CreditSpecification": map_of({"CpuCredits": STRING}),
        "DisableApiTermination": BOOLEAN,
        "EbsOptimized": BOOLEAN,
        "ImageId": STRING,
        "InstanceInitiatedShutdownBehavior": one_of("stop terminate"),
        "InstanceType": STRING,
        "KeyName": STRING,
        "MetadataOptions": _METADATA_OPTIONS,
        "Monitoring": map_of({"Enabled": BOOLEAN}),
        "NetworkInterfaces": list_of(_INTERFACE),
        "SecurityGroupIds": list_of(STRING),
        "TagSpecifications": list_of(map_of({"ResourceType": STRING, "Tags": TAGS})),
        "UserData": STRING,
    },
    elsewhere="""CapacityReservationSpecification CpuOptions DisableApiStop EnclaveOptions HibernationOptions
    IamInstanceProfile InstanceMarketOptions InstanceRequirements KernelId LicenseSpecifications MaintenanceOptions
    NetworkPerformanceOptions OperatorRequirements Placement PrivateDnsNameOptions RamDiskId
    SecondaryInterfaces SecurityGroups""",
)


def _tags_of_template(work: Work) -> Work:
    """TagSpecifications of the resource tag the template itself, so EC2's helpers find them as its tags."""
    specifications = work.properties.get("TagSpecifications", [])
    tags = [tag for one in specifications for tag in one.get("Tags", [])]
    return Work(work.call, {"Tags": tags} if tags else {})


def _create(work: Work) -> str:
    request = {
        "LaunchTemplateName": work.properties.get("LaunchTemplateName", work.name),
        **work.some("VersionDescription LaunchTemplateData"),
        **tag_specifications("launch-template", _tags_of_template(work)),
    }
    return str(work.call("ec2", "CreateLaunchTemplate", request)["LaunchTemplate"]["LaunchTemplateId"])


def _update(work: Work) -> None:
    request = {"LaunchTemplateId": work.physical_id, **work.some("VersionDescription LaunchTemplateData")}
    work.call("ec2", "CreateLaunchTemplateVersion", request)


def _number(member: str) -> Attribute:
    """Version numbers are strings in CloudFormation."""

    def read(call: Call, template_id: str, _: dict[str, Any]) -> str:
        found = call("ec2", "DescribeLaunchTemplates", {"LaunchTemplateIds": [template_id]})
        return str(found["LaunchTemplates"][0][member])

    return read


LAUNCH_TEMPLATE = ResourceType(
    "AWS::EC2::LaunchTemplate",
    {
        "LaunchTemplateData": need(free(_DATA)),
        "LaunchTemplateName": fixed(STRING),
        "TagSpecifications": fixed(
            list_of(map_of({"ResourceType": one_of("launch-template"), "Tags": TAGS})),
        ),
        "VersionDescription": free(STRING),
    },
    create=_create,
    update=_update,
    delete=deleted_by("ec2", "DeleteLaunchTemplate", lambda work: {"LaunchTemplateId": work.physical_id}),
    attributes={
        "LaunchTemplateId": the_id,
        "LatestVersionNumber": _number("LatestVersionNumber"),
        "DefaultVersionNumber": _number("DefaultVersionNumber"),
    },
    volatile=words("LatestVersionNumber DefaultVersionNumber"),
    name_limit=128,
)

TYPES = (LAUNCH_TEMPLATE,)
