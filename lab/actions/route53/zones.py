"""Hosted zones (bc:route53; r53:hosted-zones-working-with)."""

import zlib
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require
from lab.actions.route53.common import (
    bare,
    change_info,
    get_zone,
    invalid,
    max_items,
    note_change,
    page_by_marker,
)
from lab.core.ec2.model import Vpc
from lab.core.errors import LabError
from lab.core.route53 import names
from lab.core.route53.model import Change, HostedZone, ResourceRecordSet

ZONES = 500
"""Most of them in an account (r53:DNSLimitations)."""
LOCATION = "https://route53.amazonaws.com/2013-04-01"
"""What the URLs of things begin with."""
NS_TTL, SOA_TTL = 172800, 900
PRIVATE_SERVERS = ("ns-0.awsdns-00.com", "ns-512.awsdns-00.net", "ns-1024.awsdns-00.org", "ns-1536.awsdns-00.co.uk")
"""Of every private zone; they answer nobody."""


@reads("Name", "VPC", "CallerReference", "HostedZoneConfig")
def create_hosted_zone(context: Context, request: Request) -> Response:
    """With its NS and SOA record sets. One with a VPC is private."""
    name = _name(request["Name"])
    config = request.get("HostedZoneConfig", {})
    vpc_ids = (_vpc(context, request["VPC"]),) if "VPC" in request else ()
    if config.get("PrivateZone", bool(vpc_ids)) != bool(vpc_ids):
        raise invalid("A private zone needs a VPC, and a zone with a VPC is private: give VPC and PrivateZone alike")
    zones = context.store.all(HostedZone)
    if any(zone.caller_reference == request["CallerReference"] for zone in zones):
        raise LabError(
            "HostedZoneAlreadyExists",
            f"A hosted zone has already been created with the specified caller reference: {request['CallerReference']}",
            status=409,
        )
    if len(zones) >= ZONES:
        raise LabError(
            "TooManyHostedZones", f"Limits Exceeded: MAX_HOSTED_ZONES_BY_USER - Cannot exceed {ZONES} hosted zones"
        )
    zone = HostedZone(
        zone_id=f"Z{context.new_id('hex16').upper()}",
        name=name,
        caller_reference=request["CallerReference"],
        private=bool(vpc_ids),
        comment=config.get("Comment", ""),
    )
    zone = replace(zone, name_servers=PRIVATE_SERVERS if zone.private else _name_servers(zone.zone_id))
    for vpc_id in vpc_ids:
        zone = _with_vpc(context, zone, vpc_id)
    context.store.put(zone)
    _begin(context, zone)
    answer = {**_described(context, zone), "ChangeInfo": note_change(context)}
    vpcs = answer.pop("VPCs", None)
    return {**answer, **({"VPC": vpcs[0]} if vpcs else {}), "Location": f"{LOCATION}/hostedzone/{zone.zone_id}"}


@reads("Id")
def get_hosted_zone(context: Context, request: Request) -> Response:
    return _described(context, get_zone(context, request["Id"]))


@reads("Marker", "MaxItems", "HostedZoneType")
def list_hosted_zones(context: Context, request: Request) -> Response:
    if request.get("HostedZoneType", "PrivateHostedZone") != "PrivateHostedZone":
        raise invalid("HostedZoneType must be PrivateHostedZone, or not given for zones of both kinds")
    zones = [zone for zone in context.store.all(HostedZone) if zone.private or "HostedZoneType" not in request]
    found, said = page_by_marker(request, zones, lambda zone: zone.zone_id)
    return {"HostedZones": [_zone(context, zone) for zone in found], **said}


@reads("DNSName", "HostedZoneId", "MaxItems")
def list_hosted_zones_by_name(context: Context, request: Request) -> Response:
    """From DNSName on, and of the zones of that name from HostedZoneId on."""
    size = max_items(request)
    start = (
        (names.order(_name(request["DNSName"])), request.get("HostedZoneId", "")) if "DNSName" in request else ("", "")
    )
    ordered = sorted(context.store.all(HostedZone), key=lambda zone: (names.order(zone.name), zone.zone_id))
    left = [zone for zone in ordered if (names.order(zone.name), zone.zone_id) >= start]
    following = left[size : size + 1]
    return {
        "HostedZones": [_zone(context, zone) for zone in left[:size]],
        "IsTruncated": bool(following),
        "MaxItems": str(size),
        **{name: request[name] for name in ("DNSName", "HostedZoneId") if name in request},
        **{
            key: value
            for zone in following
            for key, value in (("NextDNSName", zone.name), ("NextHostedZoneId", zone.zone_id))
        },
    }


@reads("VPCId", "VPCRegion", "MaxItems", "NextToken")
def list_hosted_zones_by_vpc(context: Context, request: Request) -> Response:
    vpc_id = _vpc(context, request)
    zones = [zone for zone in context.store.all(HostedZone) if vpc_id in zone.vpc_ids]
    marked = {**request, "Marker": request.get("NextToken", "")}
    found, said = page_by_marker(marked, zones, lambda zone: zone.zone_id)
    owner = {"OwningAccount": context.account.account_id}
    return {
        "HostedZoneSummaries": [{"HostedZoneId": zone.zone_id, "Name": zone.name, "Owner": owner} for zone in found],
        "MaxItems": said["MaxItems"],
        **({"NextToken": said["NextMarker"]} if "NextMarker" in said else {}),
    }


@reads()
def get_hosted_zone_count(context: Context, _request: Request) -> Response:
    return {"HostedZoneCount": len(context.store.all(HostedZone))}


@reads("Id")
def delete_hosted_zone(context: Context, request: Request) -> Response:
    """One that has nothing but its own NS and SOA record sets."""
    zone = get_zone(context, request["Id"])
    rows = _sets(context, zone)
    if any(row.name != zone.name or row.type not in ("NS", "SOA") for row in rows):
        raise LabError(
            "HostedZoneNotEmpty",
            "The specified hosted zone contains non-required resource record sets and so cannot be deleted.",
        )
    for row in rows:
        context.store.delete(ResourceRecordSet, row.key)
    context.store.delete(HostedZone, zone.zone_id)
    return {"ChangeInfo": note_change(context)}


@reads("Id", "Comment")
def update_hosted_zone_comment(context: Context, request: Request) -> Response:
    zone = replace(get_zone(context, request["Id"]), comment=request.get("Comment", ""))
    context.store.put(zone)
    return {"HostedZone": _zone(context, zone)}


@reads("HostedZoneId", "VPC", "Comment")
def associate_vpc_with_hosted_zone(context: Context, request: Request) -> Response:
    zone = get_zone(context, request["HostedZoneId"])
    if not zone.private:
        raise LabError(
            "PublicZoneVPCAssociation", "You're trying to associate a VPC with a public hosted zone: it must be private"
        )
    context.store.put(_with_vpc(context, zone, _vpc(context, request["VPC"])))
    return {"ChangeInfo": note_change(context, request.get("Comment", ""))}


@reads("HostedZoneId", "VPC", "Comment")
def disassociate_vpc_from_hosted_zone(context: Context, request: Request) -> Response:
    zone, vpc_id = get_zone(context, request["HostedZoneId"]), request["VPC"].get("VPCId", "")
    if vpc_id not in zone.vpc_ids:
        raise LabError(
            "VPCAssociationNotFound",
            f"The VPC {vpc_id} is not associated with the hosted zone {zone.zone_id}.",
            status=404,
        )
    if len(zone.vpc_ids) == 1:
        raise LabError(
            "LastVPCAssociation", "The last VPC of a private zone cannot be taken away: delete the hosted zone"
        )
    context.store.put(replace(zone, vpc_ids=tuple(one for one in zone.vpc_ids if one != vpc_id)))
    return {"ChangeInfo": note_change(context, request.get("Comment", ""))}


@reads("Id")
def get_change(context: Context, request: Request) -> Response:
    message = f"Could not find resource with ID: {bare(request['Id'])}"
    change = require(context.store, Change, bare(request["Id"]), "NoSuchChange", message, 404)
    return {"ChangeInfo": change_info(change, "INSYNC")}


def _name(text: str) -> str:
    try:
        return names.canonical(text)
    except ValueError as error:
        raise LabError("InvalidDomainName", f"{error} encountered with '{text}'") from error


def _vpc(context: Context, given: Request) -> str:
    """The id of a VPC of the lab's Region."""
    vpc_id = str(given.get("VPCId", ""))
    if (
        given.get("VPCRegion", context.account.region) != context.account.region
        or context.store.get(Vpc, vpc_id) is None
    ):
        raise LabError("InvalidVPCId", f"The VPC: {vpc_id} in Region {context.account.region} is not found.")
    return vpc_id


def _with_vpc(context: Context, zone: HostedZone, vpc_id: str) -> HostedZone:
    for other in context.store.all(HostedZone):
        if other.name == zone.name and vpc_id in other.vpc_ids:
            raise LabError(
                "ConflictingDomainExists",
                f"The VPC {vpc_id} in region {context.account.region} has already been associated with the hosted zone "
                f"{other.zone_id} with the same domain name.",
            )
    return replace(zone, vpc_ids=(*zone.vpc_ids, vpc_id))


def _name_servers(zone_id: str) -> tuple[str, ...]:
    """Four, in four domains, from the zone's id."""
    number = zlib.crc32(zone_id.encode())
    return tuple(
        f"ns-{index * 512 + (number >> 8 * index) % 512}.awsdns-{(number >> 4 * index) % 64:02}.{domain}"
        for index, domain in enumerate(("com", "net", "org", "co.uk"))
    )


def _begin(context: Context, zone: HostedZone) -> None:
    servers = tuple(f"{server}." for server in zone.name_servers)
    soa = f"{servers[0]} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
    context.store.put(ResourceRecordSet(zone.zone_id, zone.name, "NS", ttl=NS_TTL, values=servers))
    context.store.put(ResourceRecordSet(zone.zone_id, zone.name, "SOA", ttl=SOA_TTL, values=(soa,)))


def _sets(context: Context, zone: HostedZone) -> list[ResourceRecordSet]:
    return context.store.where(ResourceRecordSet, "zone_id", zone.zone_id)


def _described(context: Context, zone: HostedZone) -> Response:
    """A public zone with its name servers, a private one with its VPCs."""
    vpcs = [{"VPCRegion": context.account.region, "VPCId": vpc_id} for vpc_id in zone.vpc_ids]
    more: Response = {"VPCs": vpcs} if zone.private else {"DelegationSet": {"NameServers": list(zone.name_servers)}}
    return {"HostedZone": _zone(context, zone), **more}


def _zone(context: Context, zone: HostedZone) -> dict[str, Any]:
    return {
        "Id": f"/hostedzone/{zone.zone_id}",
        "Name": zone.name,
        "CallerReference": zone.caller_reference,
        "Config": {"PrivateZone": zone.private, **({"Comment": zone.comment} if zone.comment else {})},
        "ResourceRecordSetCount": len(_sets(context, zone)),
    }
