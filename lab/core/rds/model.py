"""Rows of RDS (aws-facts §8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DBSubnetGroup:
    """`name` is stored in lower case, as AWS does."""

    name: str
    description: str
    vpc_id: str
    subnet_ids: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class DBInstance:
    """`status` is AWS's DBInstanceStatus: creating, available, rebooting (its machine is being started again), deleting,
    failed. `endpoint_address`:`endpoint_port` is where clients dial it, empty and 0 until the machine has run once.
    `settings` keeps the properties that have no effect in a lab, as given, for describe."""

    identifier: str
    instance_class: str
    engine: str
    engine_version: str
    db_name: str
    master_username: str
    master_password: str
    port: int
    subnet_group: str
    group_ids: tuple[str, ...]
    availability_zone: str
    vpc_id: str
    subnet_id: str
    network_interface_id: str
    private_ip_address: str
    dns_name: str
    created: float
    status: str
    status_reason: str = ""
    endpoint_address: str = ""
    endpoint_port: int = 0
    settings: Mapping[str, str | int | bool] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.identifier

    @property
    def machine_id(self) -> str:
        """The machine behind the instance: identifiers are chosen by people and may recur, this may not."""
        return self.network_interface_id.replace("eni-", "db-")


@dataclass(frozen=True, slots=True)
class Event:
    """An RDS event (rds:USER_Events.Messages): what happened to a database, in AWS's words."""

    event_id: str
    source_identifier: str
    category: str
    message: str
    date: float

    @property
    def key(self) -> str:
        return self.event_id
