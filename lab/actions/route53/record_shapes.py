"""A resource record set: from AWS's shape to a row, and back (bc:route53.ResourceRecordSet).

What does not fit together in one record set by itself is found here, as InvalidInput; what it does to others is the affair of
`record_rules`.
"""

import re
from collections.abc import Mapping
from typing import Any

from lab.actions.route53.common import bare, invalid
from lab.core.errors import LabError
from lab.core.route53.model import TYPES, AliasTarget, GeoLocation, HostedZone, ResourceRecordSet
from lab.core.route53.names import canonical
from lab.core.route53.values import SUPPORTED

ROUTING = ("Weight", "Region", "Failover", "GeoLocation", "MultiValueAnswer")
ELSEWHERE = ("CidrRoutingConfig", "GeoProximityLocation", "TrafficPolicyInstanceId")
FAILOVERS = ("PRIMARY", "SECONDARY")
CONTINENTS = ("AF", "AN", "AS", "EU", "OC", "NA", "SA")
DIVIDED = ("US", "UA")
"""Countries whose subdivisions have codes of their own."""
LONGEST_TTL = 2**31 - 1
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]")
_COUNTRY = re.compile(r"[A-Z]{2}|\*|")
_SUBDIVISION = re.compile(r"[A-Z0-9]{1,3}|")


def row_of(zone: HostedZone, action: str, given: Mapping[str, Any]) -> ResourceRecordSet:
    """Raises InvalidInput, and UnsupportedOperation for what the lab has not."""
    where = f"in Change with [Action={action}, Name={given['Name']}, Type={given['Type']}, SetIdentifier="
    where += f"{given.get('SetIdentifier', 'null')}]"
    _check_members(given, where)
    location = given.get("GeoLocation")
    alias = given.get("AliasTarget")
    return ResourceRecordSet(
        zone_id=zone.zone_id,
        name=_name(given["Name"]),
        type=given["Type"],
        set_identifier=given.get("SetIdentifier", ""),
        ttl=given.get("TTL"),
        values=tuple(record["Value"] for record in given.get("ResourceRecords", ())),
        alias=None if alias is None else _alias(alias),
        weight=given.get("Weight"),
        region=given.get("Region", ""),
        failover=given.get("Failover", ""),
        geo_location=None if location is None else _location(location),
        multi_value=given.get("MultiValueAnswer", False),
        health_check_id=given.get("HealthCheckId", ""),
    )


def shape_of(row: ResourceRecordSet) -> dict[str, Any]:
    """As ListResourceRecordSets shows it: what is not given is not there."""
    found: dict[str, Any] = {
        "Name": row.name,
        "Type": row.type,
        "SetIdentifier": row.set_identifier or None,
        "Weight": row.weight,
        "Region": row.region or None,
        "GeoLocation": None if row.geo_location is None else _location_shape(row.geo_location),
        "Failover": row.failover or None,
        "MultiValueAnswer": row.multi_value or None,
        "TTL": row.ttl,
        "ResourceRecords": [{"Value": value} for value in row.values] or None,
        "AliasTarget": None if row.alias is None else _alias_shape(row.alias),
        "HealthCheckId": row.health_check_id or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _check_members(given: Mapping[str, Any], where: str) -> None:
    for name in ELSEWHERE:
        if name in given:
            raise LabError("UnsupportedOperation", f"the lab does not support {name} of record sets yet")
    if given["Type"] not in TYPES:
        raise invalid(f"Invalid request: Type must be one of {', '.join(TYPES)} {where}")
    if given["Type"] not in SUPPORTED:
        raise LabError("UnsupportedOperation", f"the lab has no records of type {given['Type']} yet")
    whole = "TTL" in given and bool(given.get("ResourceRecords"))
    if whole + ("AliasTarget" in given) != 1 or (
        "AliasTarget" in given and ("TTL" in given or "ResourceRecords" in given)
    ):
        count = "more than one" if "AliasTarget" in given else "none"
        raise invalid(
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or "
            f"TrafficPolicyInstanceId], but found {count} {where}"
        )
    _check_routing(given, where)
    if not 0 <= given.get("TTL", 0) <= LONGEST_TTL:
        raise invalid(f"Invalid request: TTL must be from 0 to {LONGEST_TTL} {where}")


def _check_routing(given: Mapping[str, Any], where: str) -> None:
    routing = [name for name in ROUTING if given.get(name) is not None]
    if len(routing) > 1 or (not routing and "SetIdentifier" in given):
        count = "more than one" if routing else "none"
        raise invalid(f"Invalid request: Expected exactly one of [{', '.join(ROUTING)}], but found {count} {where}")
    if routing and not 1 <= len(given.get("SetIdentifier", "")) <= 128:
        raise invalid(f"Invalid request: Missing field 'SetIdentifier' (1 to 128 characters) {where}")
    if not 0 <= given.get("Weight", 0) <= 255:
        raise invalid(f"Invalid request: Weight must be from 0 to 255 {where}")
    if given.get("Failover", "PRIMARY") not in FAILOVERS:
        raise invalid(f"Invalid request: Failover must be PRIMARY or SECONDARY {where}")
    if "Region" in given and _REGION.fullmatch(given["Region"]) is None:
        raise invalid(f"Invalid request: Region must be the name of a Region {where}")
    if "MultiValueAnswer" in given and not given["MultiValueAnswer"]:
        raise invalid(f"Invalid request: MultiValueAnswer is true or not given {where}")


def _name(text: str) -> str:
    try:
        return canonical(text)
    except ValueError as error:
        # AWS's code for a name that cannot be one.
        raise LabError("InvalidChangeBatch", f"[FATAL problem: {error} encountered with '{text}']") from error


def _alias(given: Mapping[str, Any]) -> AliasTarget:
    return AliasTarget(bare(given["HostedZoneId"]), _name(given["DNSName"]), given["EvaluateTargetHealth"])


def _alias_shape(alias: AliasTarget) -> dict[str, Any]:
    return {
        "HostedZoneId": alias.hosted_zone_id,
        "DNSName": alias.dns_name,
        "EvaluateTargetHealth": alias.evaluate_target_health,
    }


def _location(given: Mapping[str, str]) -> GeoLocation:
    """A continent, or a country, or a subdivision with its country."""
    found = GeoLocation(*(given.get(f"{name}Code", "") for name in ("Continent", "Country", "Subdivision")))
    if bool(found.continent) == bool(found.country) or (found.continent and found.continent not in CONTINENTS):
        raise invalid(f"GeoLocation needs a ContinentCode ({', '.join(CONTINENTS)}) or a CountryCode, not both")
    if _COUNTRY.fullmatch(found.country) is None or _SUBDIVISION.fullmatch(found.subdivision) is None:
        raise invalid(
            "GeoLocation's CountryCode is of two capital letters, or *; SubdivisionCode of one to three letters or digits"
        )
    if found.subdivision and found.country not in DIVIDED:
        raise invalid(f"GeoLocation has a SubdivisionCode only with the CountryCode {' or '.join(DIVIDED)}")
    return found


def _location_shape(location: GeoLocation) -> dict[str, str]:
    given = {
        "ContinentCode": location.continent,
        "CountryCode": location.country,
        "SubdivisionCode": location.subdivision,
    }
    return {name: value for name, value in given.items() if value}
