"""RDS: subnet groups and database instances (aws-facts §8.4, §8.6)."""

import re
import zlib
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require, tag_list, tags_of
from lab.actions.ec2.common import attach_interface, get_group, get_subnet
from lab.core.ec2.model import NetworkInterface, SecurityGroup
from lab.core.errors import LabError
from lab.core.rds.model import DBInstance, DBSubnetGroup, Event
from lab.core.times import moment

IDENTIFIER = re.compile(r"[a-z](?!.*--)[a-z0-9-]{0,62}(?<!-)")
ENGINE_VERSIONS = ("17",)
NO_EFFECT = (
    "AllocatedStorage", "AutoMinorVersionUpgrade", "BackupRetentionPeriod", "CACertificateIdentifier",
    "CopyTagsToSnapshot", "DeletionProtection", "EnablePerformanceInsights", "Iops", "LicenseModel",
    "MaxAllocatedStorage", "MonitoringInterval", "NetworkType", "PreferredBackupWindow",
    "PreferredMaintenanceWindow", "PubliclyAccessible", "StorageEncrypted", "StorageThroughput", "StorageType",
)  # fmt: skip
"""Kept and described, but there is nothing in a lab for them to act on (docs/fidelity.md)."""
SHOWN_AS = {"EnablePerformanceInsights": "PerformanceInsightsEnabled"}
"""Settings that AWS describes by another name (bc:rds.DBInstance)."""
MODIFIABLE = tuple(name for name in NO_EFFECT if name != "StorageEncrypted")


@reads("DBSubnetGroupName", "DBSubnetGroupDescription", "SubnetIds", "Tags")
def create_db_subnet_group(context: Context, request: Request) -> Response:
    name = request["DBSubnetGroupName"].lower()
    if context.store.get(DBSubnetGroup, name) is not None:
        raise LabError("DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists.")
    group = _subnet_group(context, name, request, tags_of(request.get("Tags")))
    context.store.put(group)
    return {"DBSubnetGroup": _described_group(group, context)}


@reads("DBSubnetGroupName", "DBSubnetGroupDescription", "SubnetIds")
def modify_db_subnet_group(context: Context, request: Request) -> Response:
    known = _get_group(context, request["DBSubnetGroupName"])
    merged = {"DBSubnetGroupDescription": known.description, **request}
    group = _subnet_group(context, known.name, merged, dict(known.tags))
    context.store.put(group)
    return {"DBSubnetGroup": _described_group(group, context)}


@reads("DBSubnetGroupName", "Filters", "MaxRecords", "Marker")
def describe_db_subnet_groups(context: Context, request: Request) -> Response:
    name = request.get("DBSubnetGroupName")
    found = context.store.all(DBSubnetGroup) if name is None else [_get_group(context, name)]
    return {"DBSubnetGroups": [_described_group(group, context) for group in found]}


@reads("DBSubnetGroupName")
def delete_db_subnet_group(context: Context, request: Request) -> Response:
    group = _get_group(context, request["DBSubnetGroupName"])
    if any(database.subnet_group == group.name for database in context.store.all(DBInstance)):
        raise LabError(
            "InvalidDBSubnetGroupStateFault",
            f"Cannot delete the subnet group '{group.name}' because at least one database instance uses it.",
        )
    context.store.delete(DBSubnetGroup, group.name)
    return {}


@reads(
    "DBInstanceIdentifier", "DBInstanceClass", "Engine", "EngineVersion", "DBName", "MasterUsername",
    "MasterUserPassword", "Port", "DBSubnetGroupName", "VpcSecurityGroupIds", "AvailabilityZone", "MultiAZ", "Tags",
    *NO_EFFECT,
)  # fmt: skip
def create_db_instance(context: Context, request: Request) -> Response:
    """A PostgreSQL instance in a subnet of its subnet group: the zone asked for, or the first."""
    identifier = request["DBInstanceIdentifier"].lower()
    if IDENTIFIER.fullmatch(identifier) is None:
        raise LabError(
            "InvalidParameterValue",
            "The parameter DBInstanceIdentifier is not a valid identifier. Identifiers must begin with a letter; must "
            "contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two "
            "consecutive hyphens.",
        )
    if context.store.get(DBInstance, identifier) is not None:
        raise LabError("DBInstanceAlreadyExists", f"DB instance already exists: {identifier}")
    _check_engine(request)
    password = _check_password(request.get("MasterUserPassword", ""))
    username = request.get("MasterUsername", "")
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", username) is None:
        raise LabError(
            "InvalidParameterValue", "MasterUsername must begin with a letter and hold letters, digits and _"
        )
    if "DBSubnetGroupName" not in request:
        raise LabError("InvalidParameterCombination", "DBSubnetGroupName is required: the lab has no default VPC")
    group = _get_group(context, request["DBSubnetGroupName"])
    subnets = [get_subnet(context.store, subnet_id) for subnet_id in group.subnet_ids]
    zone = request.get("AvailabilityZone", subnets[0].availability_zone)
    subnet = next((row for row in subnets if row.availability_zone == zone), None)
    if subnet is None:
        raise LabError("InvalidVPCNetworkStateFault", f"The DB subnet group '{group.name}' has no subnet in {zone}")
    interface = attach_interface(
        context, subnet.subnet_id, request.get("VpcSecurityGroupIds", ()), identifier, "RDSNetworkInterface"
    )
    database = DBInstance(
        identifier=identifier,
        instance_class=request["DBInstanceClass"],
        engine="postgres",
        engine_version=ENGINE_VERSIONS[0],
        db_name=request.get("DBName", "postgres"),
        master_username=username,
        master_password=password,
        port=request.get("Port", 5432),
        subnet_group=group.name,
        group_ids=interface.group_ids,
        availability_zone=zone,
        vpc_id=group.vpc_id,
        subnet_id=subnet.subnet_id,
        network_interface_id=interface.network_interface_id,
        private_ip_address=interface.private_ip_address,
        dns_name=_dns_name(context, identifier),
        created=context.now,
        status="creating",
        settings={name: request[name] for name in NO_EFFECT if name in request},
        tags=tags_of(request.get("Tags")),
    )
    context.store.put(database)
    context.store.put(replace(interface, owner=database.machine_id))  # whose id is made of the interface's
    return {"DBInstance": _described(database, context)}


@reads("DBInstanceIdentifier", "ApplyImmediately", "VpcSecurityGroupIds", *MODIFIABLE)
def modify_db_instance(context: Context, request: Request) -> Response:
    """Security groups and the settings without effect change at once."""
    database = _get(context, request["DBInstanceIdentifier"])
    groups = tuple(request.get("VpcSecurityGroupIds", database.group_ids))
    for group_id in groups:
        get_group(context.store, group_id)
    interface = context.store.get(NetworkInterface, database.network_interface_id)
    if interface is not None:
        context.store.put(replace(interface, group_ids=groups))
    changed = {name: request[name] for name in MODIFIABLE if name in request}
    database = replace(database, group_ids=groups, settings={**database.settings, **changed})
    context.store.put(database)
    return {"DBInstance": _described(database, context)}


@reads("DBInstanceIdentifier", "Filters", "MaxRecords", "Marker")
def describe_db_instances(context: Context, request: Request) -> Response:
    name = request.get("DBInstanceIdentifier")
    found = context.store.all(DBInstance) if name is None else [_get(context, name)]
    return {"DBInstances": [_described(database, context) for database in found]}


@reads("DBInstanceIdentifier", "SkipFinalSnapshot", "DeleteAutomatedBackups", "FinalDBSnapshotIdentifier")
def delete_db_instance(context: Context, request: Request) -> Response:
    database = _get(context, request["DBInstanceIdentifier"])
    if database.settings.get("DeletionProtection", False):
        raise LabError(
            "InvalidParameterCombination", "Cannot delete protected DB Instance, please disable deletion protection."
        )
    if not request.get("SkipFinalSnapshot", False):
        raise LabError("InvalidParameterCombination", "the lab makes no snapshots: give SkipFinalSnapshot")
    if database.status == "deleting":
        raise LabError("InvalidDBInstanceState", f"DB instance {database.identifier} is already being deleted.")
    database = replace(database, status="deleting")
    context.store.put(database)
    return {"DBInstance": _described(database, context)}


@reads("SourceIdentifier", "SourceType", "Duration", "StartTime", "EndTime", "MaxRecords", "Marker")
def describe_events(context: Context, request: Request) -> Response:
    start = context.now - 60 * request.get("Duration", 60)
    if "StartTime" in request:
        start = request["StartTime"].timestamp()
    source = request.get("SourceIdentifier")
    return {
        "Events": [
            {
                "SourceIdentifier": event.source_identifier,
                "SourceType": "db-instance",
                "Message": event.message,
                "EventCategories": [event.category],
                "Date": moment(event.date),
                "SourceArn": context.account.arn("rds", f"db:{event.source_identifier}"),
            }
            for event in context.store.all(Event)
            if event.date >= start and source in (None, event.source_identifier)
        ]
    }


@reads("ResourceName", "Tags")
def add_tags_to_resource(context: Context, request: Request) -> Response:
    row = _by_arn(context, request["ResourceName"])
    context.store.put(replace(row, tags={**row.tags, **tags_of(request["Tags"])}))
    return {}


@reads("ResourceName", "TagKeys")
def remove_tags_from_resource(context: Context, request: Request) -> Response:
    row = _by_arn(context, request["ResourceName"])
    context.store.put(replace(row, tags={k: v for k, v in row.tags.items() if k not in request["TagKeys"]}))
    return {}


@reads("ResourceName", "Filters")
def list_tags_for_resource(context: Context, request: Request) -> Response:
    return {"TagList": tag_list(_by_arn(context, request["ResourceName"]).tags)}


def _get(context: Context, identifier: str) -> DBInstance:
    message = f"DBInstance {identifier} not found."
    return require(context.store, DBInstance, identifier.lower(), "DBInstanceNotFound", message, 404)


def _get_group(context: Context, name: str) -> DBSubnetGroup:
    message = f"DB subnet group '{name}' does not exist."
    return require(context.store, DBSubnetGroup, name.lower(), "DBSubnetGroupNotFoundFault", message, 404)


def _by_arn(context: Context, arn: str) -> DBInstance | DBSubnetGroup:
    kind, _, name = arn.rpartition(":")
    return _get_group(context, name) if kind.endswith(":subgrp") else _get(context, name)


def _subnet_group(context: Context, name: str, request: Request, tags: dict[str, str]) -> DBSubnetGroup:
    subnets = [get_subnet(context.store, subnet_id) for subnet_id in request["SubnetIds"]]
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        raise LabError(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
            "Current AZ coverage: " + ", ".join(sorted({s.availability_zone for s in subnets})) + ". "
            "Add subnets to cover at least 2 AZs.",
        )
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise LabError("InvalidSubnet", "The subnets of a DB subnet group must be of one VPC")
    ids = tuple(subnet.subnet_id for subnet in subnets)
    return DBSubnetGroup(name, request["DBSubnetGroupDescription"], subnets[0].vpc_id, ids, tags)


def _check_engine(request: Request) -> None:
    if request["Engine"] != "postgres":
        raise LabError("InvalidParameterValue", f"the lab has the engine postgres only, not {request['Engine']}")
    version = str(request.get("EngineVersion", ENGINE_VERSIONS[0]))
    if version.partition(".")[0] not in ENGINE_VERSIONS:
        raise LabError("InvalidParameterCombination", f"Cannot find version {version} for postgres: the lab has 17")
    if request.get("MultiAZ", False):
        raise LabError("InvalidParameterCombination", "the lab does not support MultiAZ database instances yet")


def _check_password(password: str) -> str:
    if not 8 <= len(password) <= 128 or any(character in '/"@ ' for character in password):
        raise LabError(
            "InvalidParameterValue",
            "The parameter MasterUserPassword is not a valid password: 8 to 128 printable ASCII characters besides "
            "'/', '@', '\"', ' ' may be used.",
        )
    return password


def _dns_name(context: Context, identifier: str) -> str:
    """`ID.HASH.REGION.rds.amazonaws.com`; the hash is fixed for an account and region."""
    digits = zlib.crc32(f"{context.account.account_id}{context.account.region}".encode())
    return f"{identifier}.c{digits:08x}rds0.{context.account.region}.rds.amazonaws.com"


def _described_group(group: DBSubnetGroup, context: Context) -> dict[str, Any]:
    subnets = [get_subnet(context.store, subnet_id) for subnet_id in group.subnet_ids]
    return {
        "DBSubnetGroupName": group.name,
        "DBSubnetGroupDescription": group.description,
        "VpcId": group.vpc_id,
        "SubnetGroupStatus": "Complete",
        "DBSubnetGroupArn": context.account.arn("rds", f"subgrp:{group.name}"),
        "Subnets": [
            {
                "SubnetIdentifier": subnet.subnet_id,
                "SubnetAvailabilityZone": {"Name": subnet.availability_zone},
                "SubnetStatus": "Active",
            }
            for subnet in subnets
        ],
    }


def _described(database: DBInstance, context: Context) -> dict[str, Any]:
    groups = [context.store.get(SecurityGroup, group_id) for group_id in database.group_ids]
    endpoint = {
        "Endpoint": {
            "Address": database.endpoint_address,
            "Port": database.endpoint_port,
            "HostedZoneId": "Z2R2ITUGPM61AM",
        }
    }
    return {
        "DBInstanceIdentifier": database.identifier,
        "DBInstanceClass": database.instance_class,
        "Engine": database.engine,
        "EngineVersion": database.engine_version,
        "DBInstanceStatus": database.status,
        **(
            {"StatusInfos": [{"Normal": False, "Status": database.status, "Message": database.status_reason}]}
            if database.status_reason
            else {}
        ),
        "DBName": database.db_name,
        "MasterUsername": database.master_username,
        **(endpoint if database.endpoint_address else {}),
        "InstanceCreateTime": moment(database.created),
        "AvailabilityZone": database.availability_zone,
        "MultiAZ": False,
        "DBSubnetGroup": _described_group(_get_group(context, database.subnet_group), context),
        "VpcSecurityGroups": [
            {"VpcSecurityGroupId": group.group_id, "Status": "active"} for group in groups if group is not None
        ],
        "DBInstanceArn": context.account.arn("rds", f"db:{database.identifier}"),
        "DbiResourceId": f"db-{zlib.crc32(database.network_interface_id.encode()):08X}",
        "TagList": tag_list(database.tags),
        **{SHOWN_AS.get(name, name): value for name, value in database.settings.items()},
    }
