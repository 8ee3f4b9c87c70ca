"""The record sets of hosted zones, found by name."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.core.ec2.model import Vpc
from lab.core.route53.model import HostedZone, ResourceRecordSet
from lab.core.route53.names import WILDCARD, ancestors, is_under
from lab.core.route53.view import Source
from lab.core.store import Store

Sets = Sequence[ResourceRecordSet]


@dataclass(frozen=True, slots=True)
class Table:
    """A zone's record sets by name and type. `names` are all that exist, those included that only have others below."""

    sets: Mapping[str, Mapping[str, Sets]]
    names: frozenset[str]


def table(store: Store, zone_id: str) -> Table:
    return store.derived(_tables, HostedZone, ResourceRecordSet).get(zone_id, Table({}, frozenset()))


def sets_of(store: Store, zone_id: str, name: str, kind: str) -> Sets:
    return table(store, zone_id).sets.get(name, {}).get(kind, ())


def owner(found: Table, name: str) -> str | None:
    """The name whose record sets answer for a name: itself, or the wildcard right below its nearest ancestor that exists
    (RFC 4592). None when the name does not exist."""
    if name in found.names:
        return name
    for above in ancestors(name):
        if above in found.names:
            wildcard = f"{WILDCARD}.{above}"
            return wildcard if wildcard in found.names else None
    return None


def delegation(found: Table, name: str, apex: str) -> str | None:
    """The name below the apex, at or above `name`, from which on other name servers are in charge."""
    cuts = [
        one
        for one in (name, *ancestors(name))
        if is_under(one, apex) and "NS" in found.sets.get(one, {}) and one != apex
    ]
    return cuts[-1] if cuts else None


def zone_for(store: Store, name: str, source: Source, *, private: bool) -> HostedZone | None:
    """The zone with the longest name of those that hold the name and that the source sees."""
    seen = (
        zone
        for zone in store.all(HostedZone)
        if zone.private == private and is_under(name, zone.name) and (not private or _is_seen(store, zone, source))
    )
    return max(seen, key=lambda zone: len(zone.name), default=None)


def _is_seen(store: Store, zone: HostedZone, source: Source) -> bool:
    """A private zone is for its VPCs, if they have DNS support and DNS hostnames (r53:hosted-zone-private-considerations)."""
    return any(
        vpc.enable_dns_support and vpc.enable_dns_hostnames
        for vpc_id in zone.vpc_ids
        if source.vpc_id in ("", vpc_id) and (vpc := store.get(Vpc, vpc_id)) is not None
    )


def _tables(store: Store) -> dict[str, Table]:
    found: defaultdict[str, defaultdict[str, defaultdict[str, list[ResourceRecordSet]]]]
    found = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    apexes = {zone.zone_id: zone.name for zone in store.all(HostedZone)}
    for one in store.all(ResourceRecordSet):
        found[one.zone_id][one.name][one.type].append(one)
    return {zone_id: Table(sets, _existing(sets, apexes.get(zone_id, ""))) for zone_id, sets in found.items()}


def _existing(sets: Mapping[str, object], apex: str) -> frozenset[str]:
    return frozenset(one for name in sets for one in (name, *ancestors(name)) if is_under(one, apex))
