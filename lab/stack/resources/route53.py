"""AWS::Route53::HostedZone and HealthCheck.

A change of a member of HealthCheckConfig that AWS would replace the check for is refused when its turn comes: whether one
replaces is said of whole properties only.

Source: AWS CloudFormation resource reference, Route 53.
"""

from dataclasses import replace
from typing import Any

from lab.core.errors import ValidationError
from lab.stack.context import Call
from lab.stack.resources.base import ResourceType, Work, deleted_by, differing, retag, the_id, words
from lab.stack.schema import BOOLEAN, INTEGER, STRING, TAGS, fixed, free, list_of, map_of, need, one_of


def _retag(work: Work, kind: str, member: str) -> None:
    """Brings the tags up to date that stand in the property `member`."""
    resource = {"ResourceType": kind, "ResourceId": work.physical_id}

    def put(tags: list[dict[str, Any]]) -> None:
        work.call("route53", "ChangeTagsForResource", {**resource, "AddTags": tags})

    def take(keys: list[str]) -> None:
        work.call("route53", "ChangeTagsForResource", {**resource, "RemoveTagKeys": keys})

    before, after = ({"Tags": given.get(member, [])} for given in (work.previous, work.properties))
    retag(replace(work, previous=before, properties=after), put, take)


# ── hosted zone ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _create_zone(work: Work) -> str:
    vpcs = work.properties.get("VPCs", [])
    request = {"Name": work.properties["Name"], "CallerReference": work.name, **work.some("HostedZoneConfig")}
    made = work.call("route53", "CreateHostedZone", {**request, **({"VPC": vpcs[0]} if vpcs else {})})
    zone = str(made["HostedZone"]["Id"]).rpartition("/")[2]
    for vpc in vpcs[1:]:
        work.call("route53", "AssociateVPCWithHostedZone", {"HostedZoneId": zone, "VPC": vpc})
    _retag(replace(work, physical_id=zone), "hostedzone", "HostedZoneTags")
    return zone


def _update_zone(work: Work) -> None:
    zone = work.physical_id
    if "HostedZoneConfig" in work.changed:
        comment = work.properties.get("HostedZoneConfig", {}).get("Comment", "")
        work.call("route53", "UpdateHostedZoneComment", {"Id": zone, "Comment": comment})
    before, after = (given.get("VPCs", []) for given in (work.previous, work.properties))
    for vpc in (one for one in after if one not in before):
        work.call("route53", "AssociateVPCWithHostedZone", {"HostedZoneId": zone, "VPC": vpc})
    for vpc in (one for one in before if one not in after):
        work.call("route53", "DisassociateVPCFromHostedZone", {"HostedZoneId": zone, "VPC": vpc})
    _retag(work, "hostedzone", "HostedZoneTags")


def _name_servers(call: Call, zone: str, _: dict[str, Any]) -> Any:
    return call("route53", "GetHostedZone", {"Id": zone}).get("DelegationSet", {}).get("NameServers", [])


HOSTED_ZONE = ResourceType(
    "AWS::Route53::HostedZone",
    {
        "HostedZoneConfig": free(map_of({"Comment": STRING})),
        "HostedZoneTags": free(TAGS),
        "Name": need(fixed(STRING)),
        "VPCs": free(list_of(map_of({"VPCId": need(STRING), "VPCRegion": need(STRING)}))),
    },
    create=_create_zone,
    update=_update_zone,
    delete=deleted_by("route53", "DeleteHostedZone", lambda work: {"Id": work.physical_id}),
    attributes={"Id": the_id, "NameServers": _name_servers},
    elsewhere=words("DelegationSetId HostedZoneFeatures QueryLoggingConfig"),
    name_limit=128,
    tags="HostedZoneTags",
)

# ── health check ──────────────────────────────────────────────────────────────────────────────────────────────────────

_NEVER_CHANGE = words("Type RequestInterval MeasureLatency")
_DEFAULTS = {"FailureThreshold": 3, "Inverted": False, "Disabled": False}
_RESETTABLE = words("FullyQualifiedDomainName Regions ResourcePath ChildHealthChecks")
_TYPES = "CALCULATED CLOUDWATCH_METRIC HTTP HTTP_STR_MATCH HTTPS HTTPS_STR_MATCH TCP RECOVERY_CONTROL"
_CONFIG = map_of(
    {
        "AlarmIdentifier": map_of({"Name": need(STRING), "Region": need(STRING)}),
        "ChildHealthChecks": list_of(STRING),
        "EnableSNI": BOOLEAN,
        "FailureThreshold": INTEGER,
        "FullyQualifiedDomainName": STRING,
        "HealthThreshold": INTEGER,
        "IPAddress": STRING,
        "InsufficientDataHealthStatus": one_of("Healthy LastKnownStatus Unhealthy"),
        "Inverted": BOOLEAN,
        "MeasureLatency": BOOLEAN,
        "Port": INTEGER,
        "Regions": list_of(STRING),
        "RequestInterval": INTEGER,
        "ResourcePath": STRING,
        "SearchString": STRING,
        "Type": need(one_of(_TYPES, _TYPES.removesuffix(" RECOVERY_CONTROL"))),
    },
    elsewhere="RoutingControlArn",
)


def _create_check(work: Work) -> str:
    request = {"CallerReference": work.name, **work.some("HealthCheckConfig")}
    check = str(work.call("route53", "CreateHealthCheck", request)["HealthCheck"]["Id"])
    _retag(replace(work, physical_id=check), "healthcheck", "HealthCheckTags")
    return check


def _update_check(work: Work) -> None:
    before, after = (given["HealthCheckConfig"] for given in (work.previous, work.properties))
    changed = differing(before, after)
    if kept := sorted(changed & _NEVER_CHANGE):
        raise ValidationError(f"{', '.join(kept)} of a health check cannot be changed: make another one")
    gone = changed - set(after)
    request = {name: after[name] for name in changed - gone}
    request |= {name: value for name, value in _DEFAULTS.items() if name in gone}
    reset = sorted(gone & _RESETTABLE)
    if request or reset:
        request |= {"ResetElements": reset} if reset else {}
        work.call("route53", "UpdateHealthCheck", {"HealthCheckId": work.physical_id, **request})
    _retag(work, "healthcheck", "HealthCheckTags")


HEALTH_CHECK = ResourceType(
    "AWS::Route53::HealthCheck",
    {"HealthCheckConfig": need(free(_CONFIG)), "HealthCheckTags": free(TAGS)},
    create=_create_check,
    update=_update_check,
    delete=deleted_by("route53", "DeleteHealthCheck", lambda work: {"HealthCheckId": work.physical_id}),
    attributes={"HealthCheckId": the_id},
    name_limit=64,
    tags="HealthCheckTags",
)

TYPES = (HOSTED_ZONE, HEALTH_CHECK)
