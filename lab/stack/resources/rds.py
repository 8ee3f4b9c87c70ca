"""AWS::RDS: DB subnet groups and DB instances.

A DB instance is deleted without a final snapshot: the lab keeps none, and refuses `DeletionPolicy: Snapshot`.

Source: AWS CloudFormation resource reference, Amazon RDS; DBInstanceStatus: RDS user guide, "Viewing DB instance status".
"""

from typing import Any

from lab.core.errors import LabError, ValidationError
from lab.stack.context import Call
from lab.stack.resources.base import (
    DONE,
    WAITING,
    Attribute,
    Progress,
    ResourceType,
    Work,
    deleted_by,
    is_gone,
    retag,
    words,
)  # fmt: skip
from lab.stack.schema import (
    BOOLEAN,
    INTEGER,
    STRING,
    TAGS,
    brief,
    fixed,
    free,
    list_of,
    need,
    one_of,
    only,
)  # fmt: skip

_FAILED = words(
    """failed inaccessible-encryption-credentials incompatible-network incompatible-option-group
    incompatible-parameters incompatible-restore insufficient-capacity restore-error storage-full"""
)


def _service(work: Work, operation: str, **request: Any) -> dict[str, Any]:
    return work.call("rds", operation, request)


def _update_tags(work: Work, arn: str) -> None:
    def put(tags: list[dict[str, Any]]) -> None:
        _service(work, "AddTagsToResource", ResourceName=arn, Tags=tags)

    def take(keys: list[str]) -> None:
        _service(work, "RemoveTagsFromResource", ResourceName=arn, TagKeys=keys)

    retag(work, put, take)


# ── subnet groups ─────────────────────────────────────────────────────────────────────────────────────────────────


def _create_subnet_group(work: Work) -> str:
    name = str(work.properties.get("DBSubnetGroupName", work.name)).lower()
    request = {"DBSubnetGroupName": name, **work.some("DBSubnetGroupDescription SubnetIds Tags")}
    work.call("rds", "CreateDBSubnetGroup", request)
    return name


def _update_subnet_group(work: Work) -> None:
    if work.changed & {"DBSubnetGroupDescription", "SubnetIds"}:
        request = {"DBSubnetGroupName": work.physical_id, **work.some("DBSubnetGroupDescription SubnetIds")}
        work.call("rds", "ModifyDBSubnetGroup", request)
    if "Tags" in work.changed:
        _update_tags(work, _subnet_group_arn(work.call, work.physical_id, {}))


def _subnet_group_arn(call: Call, name: str, _: dict[str, Any]) -> str:
    found = call("rds", "DescribeDBSubnetGroups", {"DBSubnetGroupName": name})
    return str(found["DBSubnetGroups"][0]["DBSubnetGroupArn"])


SUBNET_GROUP = ResourceType(
    "AWS::RDS::DBSubnetGroup",
    {
        "DBSubnetGroupDescription": need(free(STRING)),
        "DBSubnetGroupName": fixed(STRING),
        "SubnetIds": need(free(list_of(STRING))),
        "Tags": free(TAGS),
    },
    create=_create_subnet_group,
    update=_update_subnet_group,
    delete=deleted_by("rds", "DeleteDBSubnetGroup", lambda work: {"DBSubnetGroupName": work.physical_id}),
    attributes={"DBSubnetGroupArn": _subnet_group_arn},
    lower=True,
)

# ── instances ─────────────────────────────────────────────────────────────────────────────────────────────────────

_CREATE_ONLY = """AvailabilityZone DBName DBSubnetGroupName Engine LicenseModel MasterUsername NetworkType
    StorageEncrypted Tags"""
_MODIFIABLE = """AllocatedStorage AllowMajorVersionUpgrade AutoMinorVersionUpgrade BackupRetentionPeriod
    CACertificateIdentifier CopyTagsToSnapshot DBInstanceClass DeletionProtection EnablePerformanceInsights
    EngineVersion Iops MasterUserPassword MaxAllocatedStorage MonitoringInterval MultiAZ Port PreferredBackupWindow
    PreferredMaintenanceWindow PubliclyAccessible StorageThroughput StorageType VPCSecurityGroups"""
_ONLY_ON_MODIFY = words("AllowMajorVersionUpgrade")


def _renamed(members: dict[str, Any], port: str) -> dict[str, Any]:
    """CloudFormation's names as the API's; `port` is what the operation at hand calls the port."""
    names = {"VPCSecurityGroups": "VpcSecurityGroupIds", "Port": port}
    return {names.get(name, name): value for name, value in members.items()}


def _create_instance(work: Work) -> str:
    name = str(work.properties.get("DBInstanceIdentifier", work.name)).lower()
    given = work.some(f"{_CREATE_ONLY} {_MODIFIABLE}")
    settings = {member: value for member, value in given.items() if member not in _ONLY_ON_MODIFY}
    work.call("rds", "CreateDBInstance", {"DBInstanceIdentifier": name, **_renamed(settings, "Port")})
    return name


def _update_instance(work: Work) -> None:
    changes = work.changes(_MODIFIABLE)
    if changes.keys() - _ONLY_ON_MODIFY:
        changes |= work.some("AllowMajorVersionUpgrade")
        settings = _renamed(changes, "DBPortNumber")
        _service(work, "ModifyDBInstance", DBInstanceIdentifier=work.physical_id, ApplyImmediately=True, **settings)
    if "Tags" in work.changed:
        _update_tags(work, _instance(work.call, work.physical_id)["DBInstanceArn"])


def _instance(call: Call, name: str) -> dict[str, Any]:
    found: dict[str, Any] = call("rds", "DescribeDBInstances", {"DBInstanceIdentifier": name})["DBInstances"][0]
    return found


def _instance_stable(work: Work) -> Progress:
    instance = _instance(work.call, work.physical_id)
    status = instance["DBInstanceStatus"]
    if status in _FAILED:
        said = "".join(f": {info['Message']}" for info in instance.get("StatusInfos", ()) if info.get("Message"))
        return Progress("failed", f"DB instance {work.physical_id} is in the state {status}{said}")
    return DONE if status == "available" and "Endpoint" in instance else WAITING


def _delete_instance(work: Work) -> Progress:
    try:
        if _instance(work.call, work.physical_id)["DBInstanceStatus"] != "deleting":
            gone = {"SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}
            _service(work, "DeleteDBInstance", DBInstanceIdentifier=work.physical_id, **gone)
            _instance(work.call, work.physical_id)
    except LabError as error:
        if not is_gone(error):
            raise
        return DONE
    return WAITING


def _endpoint(member: str) -> Attribute:
    def read(call: Call, name: str, _: dict[str, Any]) -> str:
        instance = _instance(call, name)
        if "Endpoint" not in instance:
            raise ValidationError(
                f"DB instance {name} has no endpoint: it is in the state {instance['DBInstanceStatus']}"
            )
        return str(instance["Endpoint"][member])

    return read


def _member(member: str) -> Attribute:
    return lambda call, name, _: _instance(call, name)[member]


INSTANCE = ResourceType(
    "AWS::RDS::DBInstance",
    {
        "AllocatedStorage": free(INTEGER),
        "AllowMajorVersionUpgrade": free(BOOLEAN),
        "AutoMinorVersionUpgrade": brief(BOOLEAN),
        "AvailabilityZone": fixed(STRING),
        "BackupRetentionPeriod": brief(INTEGER),
        "CACertificateIdentifier": brief(STRING),
        "CopyTagsToSnapshot": free(BOOLEAN),
        "DBInstanceClass": need(brief(STRING)),
        "DBInstanceIdentifier": fixed(STRING),
        "DBName": fixed(STRING),
        "DBSubnetGroupName": fixed(STRING),
        "DeletionProtection": free(BOOLEAN),
        "EnablePerformanceInsights": free(BOOLEAN),
        "Engine": need(fixed(only(STRING, "postgres"))),
        "EngineVersion": brief(STRING),
        "Iops": free(INTEGER),
        "LicenseModel": fixed(STRING),
        "MasterUserPassword": free(STRING),
        "MasterUsername": fixed(STRING),
        "MaxAllocatedStorage": free(INTEGER),
        "MonitoringInterval": brief(INTEGER),
        "MultiAZ": brief(BOOLEAN),
        "NetworkType": fixed(STRING),
        "Port": brief(INTEGER),
        "PreferredBackupWindow": free(STRING),
        "PreferredMaintenanceWindow": brief(STRING),
        "PubliclyAccessible": free(BOOLEAN),
        "StorageEncrypted": fixed(BOOLEAN),
        "StorageThroughput": free(INTEGER),
        "StorageType": brief(one_of("standard gp2 gp3 io1 io2")),
        "Tags": free(TAGS),
        "VPCSecurityGroups": free(list_of(STRING)),
    },
    create=_create_instance,
    update=_update_instance,
    stable=_instance_stable,
    delete=_delete_instance,
    attributes={
        "Endpoint.Address": _endpoint("Address"),
        "Endpoint.Port": _endpoint("Port"),
        "DBInstanceArn": _member("DBInstanceArn"),
        "DbiResourceId": _member("DbiResourceId"),
    },
    volatile=words("Endpoint.Port"),
    elsewhere=words(
        """AdditionalStorageVolumes ApplyImmediately AssociatedRoles AutomaticBackupReplicationKmsKeyId
        AutomaticBackupReplicationRegion AutomaticBackupReplicationRetentionPeriod BackupTarget
        CertificateRotationRestart CharacterSetName CustomIAMInstanceProfile DBClusterIdentifier
        DBClusterSnapshotIdentifier DBParameterGroupName DBSecurityGroups DBSnapshotIdentifier DBSystemId
        DatabaseInsightsMode DedicatedLogVolume DeleteAutomatedBackups Domain DomainAuthSecretArn DomainDnsIps
        DomainFqdn DomainIAMRoleName DomainOu EnableCloudwatchLogsExports EnableIAMDatabaseAuthentication
        EngineLifecycleSupport KmsKeyId ManageMasterUserPassword MasterUserAuthenticationType MasterUserSecret
        MonitoringRoleArn NcharCharacterSetName OptionGroupName PerformanceInsightsKMSKeyId
        PerformanceInsightsRetentionPeriod ProcessorFeatures PromotionTier ReplicaMode RestoreTime
        SourceDBClusterIdentifier SourceDBInstanceAutomatedBackupsArn SourceDBInstanceIdentifier SourceDbiResourceId
        SourceRegion StatusInfos TdeCredentialArn TdeCredentialPassword Timezone UseDefaultProcessorFeatures
        UseLatestRestorableTime"""
    ),
    name_limit=63,
    lower=True,
)

TYPES = (SUBNET_GROUP, INSTANCE)
