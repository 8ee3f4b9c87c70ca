"""AWS::Route53::RecordSet and RecordSetGroup: one batch of changes each time. A set is told from others by name, type and
identifier; of a zone that goes by name there must be one.

Source: AWS CloudFormation resource reference, Route 53.
"""

from collections.abc import Sequence
from typing import Any

from lab.core.errors import LabError, ValidationError
from lab.stack.context import Call
from lab.stack.resources.base import DONE, Progress, ResourceType, Work, is_gone, the_id
from lab.stack.schema import BOOLEAN, INTEGER, STRING, Property, fixed, free, list_of, map_of, need, one_of

_SET: dict[str, Property] = {
    "AliasTarget": free(
        map_of({"DNSName": need(STRING), "EvaluateTargetHealth": BOOLEAN, "HostedZoneId": need(STRING)})
    ),
    "Failover": free(one_of("PRIMARY SECONDARY")),
    "GeoLocation": free(map_of({"ContinentCode": STRING, "CountryCode": STRING, "SubdivisionCode": STRING})),
    "HealthCheckId": free(STRING),
    "HostedZoneId": fixed(STRING),
    "HostedZoneName": fixed(STRING),
    "MultiValueAnswer": free(BOOLEAN),
    "Name": need(fixed(STRING)),
    "Region": free(STRING),
    "ResourceRecords": free(list_of(STRING)),
    "SetIdentifier": free(STRING),
    "TTL": free(STRING),
    "Type": need(free(STRING)),
    "Weight": free(INTEGER),
}
_ELSEWHERE = "CidrRoutingConfig GeoProximityLocation"
_AS_THEY_ARE = ("Failover", "GeoLocation", "HealthCheckId", "Name", "Region", "SetIdentifier", "Type", "Weight")

Sets = Sequence[dict[str, Any]]


def _shape(given: dict[str, Any]) -> dict[str, Any]:
    """A template's record set as the API has it."""
    found = {name: given[name] for name in _AS_THEY_ARE if name in given}
    if "TTL" in given:
        found["TTL"] = _seconds(given["TTL"])
    if "ResourceRecords" in given:
        found["ResourceRecords"] = [{"Value": value} for value in given["ResourceRecords"]]
    if "AliasTarget" in given:
        found["AliasTarget"] = {"EvaluateTargetHealth": False, **given["AliasTarget"]}
    return {**found, **({"MultiValueAnswer": True} if given.get("MultiValueAnswer") else {})}


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValidationError(f"TTL must be a number of seconds, not '{text}'")
    return int(text)


def _key(given: dict[str, Any]) -> tuple[str, str, str]:
    return (
        given["Name"].lower().removesuffix(".").replace("*", "\\052"),
        given["Type"],
        given.get("SetIdentifier", ""),
    )


def _zone(call: Call, given: dict[str, Any]) -> str:
    """The id of the zone that is given by id or by name. Raises NoSuchHostedZone when there is not exactly one of the name."""
    if "HostedZoneId" in given:
        return str(given["HostedZoneId"])
    name = given["HostedZoneName"].lower().removesuffix(".") + "."
    zones = call("route53", "ListHostedZonesByName", {"DNSName": name})["HostedZones"]
    found = [zone["Id"] for zone in zones if zone["Name"] == name]
    if len(found) != 1:
        raise LabError(
            "NoSuchHostedZone", f"There are {len(found)} hosted zones named {name}: give HostedZoneId", status=404
        )
    return str(found[0])


def _change(work: Work, before: Sets, after: Sets) -> None:
    """From some record sets to others. Those that go come first, so that a CNAME may take the place of an address."""
    zone = _zone(work.call, work.properties)
    kept = {_key(one) for one in after}
    changes = [("DELETE", found) for one in before if _key(one) not in kept and (found := _there(work.call, zone, one))]
    changes += [("UPSERT" if before else "CREATE", _shape(one)) for one in after if one not in before]
    if changes:
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": one} for action, one in changes]}
        work.call("route53", "ChangeResourceRecordSets", {"HostedZoneId": zone, "ChangeBatch": batch})


def _there(call: Call, zone: str, given: dict[str, Any]) -> dict[str, Any] | None:
    """The record set as it is now, None when it has gone."""
    start = {"StartRecordName": given["Name"], "StartRecordType": given["Type"]}
    start |= {"StartRecordIdentifier": given["SetIdentifier"]} if "SetIdentifier" in given else {}
    found = call("route53", "ListResourceRecordSets", {"HostedZoneId": zone, **start, "MaxItems": "1"})
    return next((one for one in found["ResourceRecordSets"] if _key(one) == _key(given)), None)


def _deleted(work: Work, sets: Sets) -> Progress:
    try:
        _change(work, sets, [])
    except LabError as error:
        if not is_gone(error):
            raise
    return DONE


def _check(given: dict[str, Any]) -> str | None:
    if ("HostedZoneId" in given) == ("HostedZoneName" in given):
        return "one of HostedZoneId and HostedZoneName is required, and not both"
    return None


# ── one ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _create(work: Work) -> str:
    _change(work, [], [work.properties])
    return str(work.properties["Name"])


RECORD_SET = ResourceType(
    "AWS::Route53::RecordSet",
    {**_SET, "Comment": free(STRING)},
    create=_create,
    update=lambda work: _change(work, [work.previous], [work.properties]),
    delete=lambda work: _deleted(work, [work.properties]),
    elsewhere=frozenset(_ELSEWHERE.split()),
    check=_check,
)

# ── several ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _create_group(work: Work) -> str:
    _change(work, [], work.properties.get("RecordSets", []))
    return work.name


RECORD_SET_GROUP = ResourceType(
    "AWS::Route53::RecordSetGroup",
    {
        "Comment": free(STRING),
        "HostedZoneId": fixed(STRING),
        "HostedZoneName": fixed(STRING),
        "RecordSets": free(list_of(map_of(_SET, _ELSEWHERE))),
    },
    create=_create_group,
    update=lambda work: _change(work, work.previous.get("RecordSets", []), work.properties.get("RecordSets", [])),
    delete=lambda work: _deleted(work, work.properties.get("RecordSets", [])),
    attributes={"Id": the_id},
    check=_check,
)

TYPES = (RECORD_SET, RECORD_SET_GROUP)
