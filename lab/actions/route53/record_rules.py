"""What a record set may not be to its zone and to the others in it, in the words of InvalidChangeBatch as AWS shows them.

Each rule gives a sentence, or None.
"""

from collections.abc import Callable, Sequence

from lab.actions.context import Context
from lab.core.elbv2.model import HOSTED_ZONE
from lab.core.route53.balancers import balancer_named
from lab.core.route53.model import HostedZone, ResourceRecordSet
from lab.core.route53.names import WILDCARD, is_under
from lab.core.route53.values import problem

VALUES = 400
SETS_OF_A_NAME = 100
"""r53:DNSLimitations"""

_OTHERS = {
    "simple": "as other RRSets exist",
    "weighted": "as a non-weighted set exists",
    "latency": "because a non latency rrset exists",
    "failover": "because a non failover rrset exists",
    "geolocation": "because a non geolocation rrset exists",
    "multivalue": "because a non multivalue answer rrset exists",
}
"""By the policy of a set that is to be: why not, when there are sets with another one."""

Others = Sequence[ResourceRecordSet]
"""The other record sets of the same name."""
Rule = Callable[[Context, HostedZone, ResourceRecordSet, Others], str | None]


def title(row: ResourceRecordSet) -> str:
    identifier = f", set-identifier='{row.set_identifier}'" if row.set_identifier else ""
    return f"[name='{row.name}', type='{row.type}'{identifier}]"


def objections(context: Context, zone: HostedZone, row: ResourceRecordSet, others: Others) -> list[str]:
    """All that is against the record set as it is to be."""
    return [said for rule in _RULES if (said := rule(context, zone, row, others)) is not None]


def _in_zone(context: Context, zone: HostedZone, row: ResourceRecordSet, others: Others) -> str | None:
    if is_under(row.name, zone.name):
        return None
    return f"RRSet with DNS name {row.name} is not permitted in zone {zone.name}"


def _wildcard(context: Context, zone: HostedZone, row: ResourceRecordSet, others: Others) -> str | None:
    if row.type == "NS" and row.name.startswith(f"{WILDCARD}."):
        return f"RRSet of type NS with DNS name {row.name} is not permitted as it is a wildcard"
    return None


def _apex(context: Context, zone: HostedZone, row: ResourceRecordSet, others: Others) -> str | None:
    if row.type == "SOA" and row.name != zone.name:
        return f"RRSet of type SOA with DNS name {row.name} is not permitted below the apex of zone {zone.name}"
    if row.type in ("NS", "SOA") and row.name == zone.name and (row.policy != "simple" or row.alias is not None):
        return f"RRSet of type {row.type} with DNS name {row.name} at the apex must have values and the simple routing policy"
    if row.type == "CNAME" and row.name == zone.name:
        return f"RRSet of type CNAME with DNS name {row.name} is not permitted at apex in zone {zone.name}"
    return None


def _cname(context: Context, zone: HostedZone, row: ResourceRecordSet, others: Others) -> str | None:
    refused = f"RRSet of type {row.type} with DNS name {row.name} is not permitted"
    if row.type == "CNAME" and any(other.type != "CNAME" for other in others):
        return f"{refused} as it conflicts with other records with the same DNS name in zone {zone.name}"
    if row.type != "CNAME" and any(other.type == "CNAME" for other in others):
        return f"{refused} because a conflicting RRSet of type CNAME with the same DNS name already exists in zone {zone.name}"
    return None


def _values(context: Context, zone: HostedZone, row: ResourceRecordSet, others: Others) -> str | None:
    for value in row.values:
        if (said := problem(row.type, value)) is not None:
            return f"Invalid Resource Record: 'FATAL problem: {said} encountered with '{value}''"
    if len(set(row.values)) != len(row.values):
        return f"Duplicate Resource Record: {title(row)} has a value twice"
    most = 1 if row.type in ("CNAME", "SOA") or row.multi_value else VALUES
    if len(row.values) > most:
        return f"{title(row)} has {len(row.values)} values: this kind of record set has at most {most}"
    return None


def _alias(context: Context, zone: HostedZone, row: ResourceRecordSet, others: Others) -> str | None:
    if row.alias is None:
        return None
    target = f"{row.alias.dns_name}, type {row.type} in zone {row.alias.hosted_zone_id}"
    tried = f"Tried to create an alias that targets {target}, but"
    if row.alias.hosted_zone_id == HOSTED_ZONE:
        there = row.type in ("A", "AAAA") and balancer_named(context.store, row.alias.dns_name) is not None
        return None if there else f"{tried} that target was not found"
    if row.alias.hosted_zone_id != zone.zone_id:
        return f"{tried} the lab has aliases to load balancers ({HOSTED_ZONE}) and to record sets of the same zone only"
    if not is_under(row.alias.dns_name, zone.name):
        return f"{tried} the alias target name does not lie within the target zone, {tried} that target was not found"
    if row.alias.dns_name == row.name:
        return f"{tried} it is the record set's own name"
    named = context.store.where(ResourceRecordSet, "owner", (zone.zone_id, row.alias.dns_name))
    if not any(one.type == row.type for one in named):
        return f"{tried} that target was not found"
    return None


def _one_policy(context: Context, zone: HostedZone, row: ResourceRecordSet, others: Others) -> str | None:
    same = [other for other in others if other.type == row.type]
    if any(other.policy != row.policy for other in same):
        return f"{_kind(row)} cannot be created {_OTHERS[row.policy]} with the same name and type"
    if len(same) >= SETS_OF_A_NAME:
        return f"{_kind(row)} cannot be created as there are {SETS_OF_A_NAME} with the same name and type, which is the most"
    return None


def _one_of_a_place(context: Context, zone: HostedZone, row: ResourceRecordSet, others: Others) -> str | None:
    """Of latency, failover and geolocation there is one set for each Region, role and location."""
    place, known = _place(row), [_place(other) for other in others if other.type == row.type]
    if not any(place) or place not in known:
        return None
    what = "region" if row.policy == "latency" else row.policy
    of_region = f", and Region Name={row.region}" if row.region else ""
    return (
        f"{_kind(row)}{of_region} cannot be created because a {row.policy} RRSet with the same name, type and {what} "
        "already exists"
    )


def _multivalue(context: Context, zone: HostedZone, row: ResourceRecordSet, others: Others) -> str | None:
    if row.multi_value and (row.alias is not None or row.type in ("NS", "CNAME", "SOA")):
        return f"{title(row)} cannot be a multivalue answer: it is an alias, or of type NS, CNAME or SOA"
    return None


def _kind(row: ResourceRecordSet) -> str:
    identifier = f", SetIdentifier {row.set_identifier}" if row.set_identifier else ""
    return f"RRSet with DNS name {row.name}, type {row.type}{identifier}"


def _place(row: ResourceRecordSet) -> tuple[object, ...]:
    return (row.region, row.failover, row.geo_location)


_RULES: tuple[Rule, ...] = (
    _in_zone,
    _wildcard,
    _apex,
    _cname,
    _values,
    _alias,
    _one_policy,
    _one_of_a_place,
    _multivalue,
)
