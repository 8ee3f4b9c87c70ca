"""ChangeResourceRecordSets and ListResourceRecordSets (bc:route53; aws-facts §9.1).

A batch is carried out change by change, each on what those before it left; when one cannot be, none is, and the error holds
every sentence there is to say.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.actions.context import Context, Request, Response, reads
from lab.actions.route53.common import get_check, get_zone, invalid, max_items, note_change
from lab.actions.route53.record_rules import objections, title
from lab.actions.route53.record_shapes import row_of, shape_of
from lab.core.errors import LabError
from lab.core.route53 import names
from lab.core.route53.model import TYPES, HostedZone, ResourceRecordSet

SETS = 10_000
"""Most of them in a zone (r53:DNSLimitations)."""
PAGE = 300
"""Most of them in an answer (bc:route53.ListResourceRecordSets)."""
CHANGES = 1000
"""Most of them in a batch (r53:DNSLimitations)."""


@reads("HostedZoneId", "ChangeBatch")
def change_resource_record_sets(context: Context, request: Request) -> Response:
    zone, batch = get_zone(context, request["HostedZoneId"]), request["ChangeBatch"]
    if len(batch["Changes"]) > CHANGES:
        raise _refused([f"Number of changes limit of {CHANGES} exceeded."])
    said = [sentence for change in batch["Changes"] for sentence in _change(context, zone, change)]
    said += _left_over(context, zone)
    said += [] if said else _uneven(context, zone, batch["Changes"])
    if said:
        raise _refused(said)
    return {"ChangeInfo": note_change(context, batch.get("Comment", ""))}


@reads("HostedZoneId", "StartRecordName", "StartRecordType", "StartRecordIdentifier", "MaxItems")
def list_resource_record_sets(context: Context, request: Request) -> Response:
    zone, size = get_zone(context, request["HostedZoneId"]), max_items(request, PAGE)
    if "StartRecordType" in request and "StartRecordName" not in request:
        raise invalid("StartRecordType needs a StartRecordName")
    start = _start(request)
    ordered = sorted(context.store.where(ResourceRecordSet, "zone_id", zone.zone_id), key=_order)
    left = [row for row in ordered if _order(row) >= start]
    following: dict[str, Any] = {}
    if len(left) > size:
        row = left[size]
        following = {"NextRecordName": row.name, "NextRecordType": row.type}
        following |= {"NextRecordIdentifier": row.set_identifier} if row.set_identifier else {}
    return {
        "ResourceRecordSets": [shape_of(row) for row in left[:size]],
        "IsTruncated": bool(following),
        "MaxItems": str(size),
        **following,
    }


def _order(row: ResourceRecordSet) -> tuple[str, str, str]:
    """By name, then type, then identifier. The apex's NS and SOA come in the order of all types."""
    return (names.order(row.name), row.type, row.set_identifier)


def _start(request: Request) -> tuple[str, str, str]:
    if "StartRecordName" not in request:
        return ("", "", "")
    if request.get("StartRecordType", "A") not in TYPES:
        raise invalid(f"StartRecordType must be one of {', '.join(TYPES)}")
    try:
        name = names.canonical(request["StartRecordName"])
    except ValueError as error:
        raise invalid(f"StartRecordName '{request['StartRecordName']}' is not a domain name: {error}") from error
    return (names.order(name), request.get("StartRecordType", ""), request.get("StartRecordIdentifier", ""))


def _change(context: Context, zone: HostedZone, change: Mapping[str, Any]) -> list[str]:
    """Carries out one change, and gives what is against it."""
    action = change["Action"]
    if action not in _ACTIONS:
        raise invalid(f"Action must be one of {', '.join(_ACTIONS)}, not '{action}'")
    row = row_of(zone, action, change["ResourceRecordSet"])
    if row.health_check_id and action != "DELETE":
        get_check(context, row.health_check_id)
    return _ACTIONS[action](context, zone, row)


def _create(context: Context, zone: HostedZone, row: ResourceRecordSet) -> list[str]:
    if context.store.get(ResourceRecordSet, row.key) is not None:
        return [f"Tried to create resource record set {title(row)} but it already exists"]
    return _upsert(context, zone, row)


def _upsert(context: Context, zone: HostedZone, row: ResourceRecordSet) -> list[str]:
    others = [other for other in context.store.where(ResourceRecordSet, "owner", row.owner) if other.key != row.key]
    said = objections(context, zone, row, others)
    if not said:
        context.store.put(row)
    return said


def _delete(context: Context, zone: HostedZone, row: ResourceRecordSet) -> list[str]:
    """Only what is given as it is."""
    tried = f"Tried to delete resource record set {title(row)}"
    known = context.store.get(ResourceRecordSet, row.key)
    if known is None:
        return [f"{tried} but it was not found"]
    if not _same(known, row):
        return [f"{tried} but the values provided do not match the current values"]
    context.store.delete(ResourceRecordSet, row.key)
    return []


def _same(one: ResourceRecordSet, other: ResourceRecordSet) -> bool:
    """In any order of the values."""
    first, second = ({**shape_of(row), "ResourceRecords": sorted(row.values)} for row in (one, other))
    return first == second


def _left_over(context: Context, zone: HostedZone) -> list[str]:
    """What is against the zone as the batch leaves it."""
    rows = context.store.where(ResourceRecordSet, "zone_id", zone.zone_id)
    own = {row.type for row in rows if row.name == zone.name}
    said = [] if "SOA" in own else ["A HostedZone must contain exactly one SOA record."]
    said += [] if "NS" in own else ["A HostedZone must contain at least one NS record for the zone itself."]
    return said + ([] if len(rows) <= SETS else [f"Number of records limit of {SETS} exceeded."])


def _uneven(context: Context, zone: HostedZone, changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names whose weighted sets do not all have one time to live, once the whole batch is done."""
    touched = dict.fromkeys(names.canonical(change["ResourceRecordSet"]["Name"]) for change in changes)
    rows = [row for name in touched for row in context.store.where(ResourceRecordSet, "owner", (zone.zone_id, name))]
    times: dict[tuple[str, str], set[int]] = {}
    for row in rows:
        if row.policy == "weighted" and row.ttl is not None:
            times.setdefault((row.name, row.type), set()).add(row.ttl)
    return [
        f"RRSet with DNS name {name}, type {kind} cannot be created as weighted sets must contain the same TTL."
        for (name, kind), found in times.items()
        if len(found) > 1
    ]


def _refused(said: list[str]) -> LabError:
    return LabError("InvalidChangeBatch", f"[{', '.join(said)}]")


_ACTIONS: dict[str, Callable[[Context, HostedZone, ResourceRecordSet], list[str]]] = {
    "CREATE": _create,
    "DELETE": _delete,
    "UPSERT": _upsert,
}
