"""Rows of Route 53 (aws-facts §9.1, §9.2). Names are canonical (`names`); values are AWS's text forms of the record types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TYPES = ("A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP", "SVCB", "TLSA",
         "TXT")  # fmt: skip
"""bc:route53.ResourceRecordSet"""


@dataclass(frozen=True, slots=True)
class HostedZone:
    """`vpc_ids` are those of a private zone; a public one has none."""

    zone_id: str
    name: str
    caller_reference: str
    private: bool
    comment: str = ""
    vpc_ids: tuple[str, ...] = ()
    name_servers: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.zone_id


@dataclass(frozen=True, slots=True)
class AliasTarget:
    """`dns_name` is canonical; `hosted_zone_id` a load balancer's canonical one, or that of the record set's own zone."""

    hosted_zone_id: str
    dns_name: str
    evaluate_target_health: bool


@dataclass(frozen=True, slots=True)
class GeoLocation:
    """AWS's codes, empty where not given. `country` "*" is the default location."""

    continent: str = ""
    country: str = ""
    subdivision: str = ""


def record_set_key(zone_id: str, name: str, kind: str, set_identifier: str) -> str:
    return f"{zone_id}|{name}|{kind}|{set_identifier}"


@dataclass(frozen=True, slots=True)
class ResourceRecordSet:
    """Values or an alias, and what its routing policy goes by: at most one of `weight`, `region`, `failover` (PRIMARY,
    SECONDARY), `geo_location`, `multi_value`. `set_identifier` is empty for the simple policy only; `ttl` None for an alias
    only."""

    zone_id: str
    name: str
    type: str
    set_identifier: str = ""
    ttl: int | None = None
    values: tuple[str, ...] = ()
    alias: AliasTarget | None = None
    weight: int | None = None
    region: str = ""
    failover: str = ""
    geo_location: GeoLocation | None = None
    multi_value: bool = False
    health_check_id: str = ""

    @property
    def key(self) -> str:
        return record_set_key(self.zone_id, self.name, self.type, self.set_identifier)

    @property
    def owner(self) -> tuple[str, str]:
        """The name that it belongs to: sets of one owner are found by an index."""
        return (self.zone_id, self.name)

    @property
    def policy(self) -> str:
        """The routing policy: simple, weighted, latency, failover, geolocation or multivalue."""
        present = {
            "weighted": self.weight is not None,
            "latency": self.region != "",
            "failover": self.failover != "",
            "geolocation": self.geo_location is not None,
            "multivalue": self.multi_value,
        }
        return next((name for name, given in present.items() if given), "simple")


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """`config` is AWS's HealthCheckConfig by AWS's names, defaults filled in. `healthy` is what the checks of its endpoint, or
    its alarm, have come to, None before that; `report` is AWS's word on the last check that told something new, at
    `observed`, lab time. `last_failure` and `failed` are the same of the last that failed."""

    health_check_id: str
    caller_reference: str
    config: Mapping[str, Any]
    version: int = 1
    healthy: bool | None = None
    report: str = ""
    observed: float = 0.0
    last_failure: str = ""
    failed: float = 0.0
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.health_check_id

    @property
    def type(self) -> str:
        return str(self.config["Type"])

    @property
    def children(self) -> tuple[str, ...]:
        return tuple(self.config.get("ChildHealthChecks", ()))


@dataclass(frozen=True, slots=True)
class Change:
    """A batch of changes that was carried out."""

    change_id: str
    submitted_at: float
    comment: str = ""

    @property
    def key(self) -> str:
        return self.change_id
