"""Rows of EC2 and VPC. Names and literals are AWS's (aws-facts §7), in snake_case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Tags = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Vpc:
    vpc_id: str
    cidr_block: str
    enable_dns_support: bool = True
    enable_dns_hostnames: bool = False
    tags: Tags = field(default_factory=dict)
    deleting: bool = False
    """Deleted as far as the API tells; the row goes when its network has gone."""

    @property
    def key(self) -> str:
        return self.vpc_id


@dataclass(frozen=True, slots=True)
class Subnet:
    subnet_id: str
    vpc_id: str
    cidr_block: str
    availability_zone: str
    map_public_ip_on_launch: bool = False
    tags: Tags = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.subnet_id


@dataclass(frozen=True, slots=True)
class InternetGateway:
    internet_gateway_id: str
    vpc_id: str = ""
    tags: Tags = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.internet_gateway_id


@dataclass(frozen=True, slots=True)
class Route:
    """`target` is the id of a gateway (`igw-…`, `nat-…`) or `local`."""

    destination_cidr_block: str
    target: str
    origin: str = "CreateRoute"


@dataclass(frozen=True, slots=True)
class Association:
    """A route table in force for a subnet; the main table has one without a subnet."""

    association_id: str
    subnet_id: str = ""
    main: bool = False


@dataclass(frozen=True, slots=True)
class RouteTable:
    route_table_id: str
    vpc_id: str
    routes: tuple[Route, ...]
    associations: tuple[Association, ...] = ()
    tags: Tags = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.route_table_id


@dataclass(frozen=True, slots=True)
class SecurityGroupRule:
    """One allow rule: exactly one of `cidr_ipv4` and `referenced_group_id` is set. Ports are -1 for protocol -1."""

    security_group_rule_id: str
    is_egress: bool
    ip_protocol: str
    from_port: int
    to_port: int
    cidr_ipv4: str = ""
    referenced_group_id: str = ""
    description: str = ""

    @property
    def match(self) -> tuple[bool, str, int, int, str, str]:
        """What the rule allows; two rules of one group may not be equal in this."""
        return (
            self.is_egress,
            self.ip_protocol,
            self.from_port,
            self.to_port,
            self.cidr_ipv4,
            self.referenced_group_id,
        )


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    group_id: str
    group_name: str
    description: str
    vpc_id: str
    rules: tuple[SecurityGroupRule, ...] = ()
    tags: Tags = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.group_id


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """A network identity: an address of a subnet and its security groups. Made before what uses it, and outlives it only
    for as long as the owner's row does. `owner` is the id of the machine or NAT gateway it belongs to. `public` asks for a
    public address of the pool while the owner runs, which is `public_ip`; an elastic address takes its place."""

    network_interface_id: str
    subnet_id: str
    vpc_id: str
    private_ip_address: str
    group_ids: tuple[str, ...]
    owner: str
    description: str = ""
    public: bool = False
    public_ip: str = ""

    @property
    def key(self) -> str:
        return self.network_interface_id


@dataclass(frozen=True, slots=True)
class Address:
    """An elastic IP address. `association_id` and `network_interface_id` are empty while nobody has it."""

    allocation_id: str
    public_ip: str
    association_id: str = ""
    network_interface_id: str = ""
    tags: Tags = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.allocation_id


@dataclass(frozen=True, slots=True)
class NatGateway:
    """`state` is pending, available, failed, deleting or deleted; `since` the lab time of its last change. `allocation_id` is
    empty for a private one (`connectivity_type`), whose way leads nowhere beyond the VPC here."""

    nat_gateway_id: str
    subnet_id: str
    vpc_id: str
    network_interface_id: str
    private_ip_address: str
    state: str
    created: float
    since: float
    connectivity_type: str = "public"
    allocation_id: str = ""
    public_ip: str = ""
    failure_code: str = ""
    failure_message: str = ""
    tags: Tags = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.nat_gateway_id


@dataclass(frozen=True, slots=True)
class NetworkAclEntry:
    """One numbered rule. Ports are -1 for protocols other than TCP and UDP; of ICMP they are type and code. `protocol` is
    AWS's number as text ("6", "17", "1", "-1")."""

    rule_number: int
    egress: bool
    protocol: str
    rule_action: str
    cidr_block: str
    from_port: int = -1
    to_port: int = -1


@dataclass(frozen=True, slots=True)
class NetworkAcl:
    """Associated with each subnet of `associations`, which maps the subnet's id to the association's. Every VPC has one with
    `is_default`, which is in force for all other subnets too."""

    network_acl_id: str
    vpc_id: str
    is_default: bool
    entries: tuple[NetworkAclEntry, ...]
    associations: Tags = field(default_factory=dict)
    tags: Tags = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.network_acl_id


@dataclass(frozen=True, slots=True)
class MetadataOptions:
    """AWS's values by AWS's names (ec2:configuring-instance-metadata-options)."""

    http_tokens: str = "required"
    http_endpoint: str = "enabled"
    http_put_response_hop_limit: int = 2
    instance_metadata_tags: str = "disabled"


@dataclass(frozen=True, slots=True)
class NetworkFault:
    """What is wrong with an interface on purpose (`lab fail network`), as in `lab.core.vpc.documents.Fault`."""

    network_interface_id: str
    partition: bool = False
    latency: float = 0.0
    loss: float = 0.0

    @property
    def key(self) -> str:
        return self.network_interface_id


@dataclass(frozen=True, slots=True)
class LaunchTemplateVersion:
    """`data` is AWS's RequestLaunchTemplateData as it was given. Versions never change."""

    number: int
    data: Mapping[str, Any]
    created: float
    description: str = ""


@dataclass(frozen=True, slots=True)
class LaunchTemplate:
    launch_template_id: str
    launch_template_name: str
    created: float
    versions: tuple[LaunchTemplateVersion, ...]
    default_version: int = 1
    tags: Tags = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.launch_template_id

    @property
    def latest_version(self) -> int:
        return self.versions[-1].number


INSTANCE_STATE_CODES = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}
"""ec2:ec2-instance-lifecycle"""


@dataclass(frozen=True, slots=True)
class Instance:
    """`state` is one of INSTANCE_STATE_CODES. `endpoints` maps each port (as text) to "host:port", where peers must dial it;
    known once it runs. `since` is the lab time of the last change of state.

    `hibernation`: it may be hibernated. The rest is the affair of `lab.core.ec2.power`: `hibernated` tells that its memory is
    kept while it is stopping or stopped, `boots` how often it came to run, `reboot` the phase of a reboot (`stopping`,
    `starting`, or "" when there is none), and `tried` that its machine has been started since it was last asked to run."""

    instance_id: str
    image_id: str
    instance_type: str
    subnet_id: str
    vpc_id: str
    availability_zone: str
    private_ip_address: str
    network_interface_id: str
    group_ids: tuple[str, ...]
    launch_time: float
    state: str
    since: float
    state_reason_code: str = ""
    state_reason_message: str = ""
    monitoring: bool = False
    user_data: str = ""
    launch_template_id: str = ""
    launch_template_version: int = 0
    tags: Tags = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    hibernation: bool = False
    hibernated: bool = False
    boots: int = 0
    reboot: str = ""
    tried: bool = False
    metadata_options: MetadataOptions = MetadataOptions()
    key_name: str = ""
    public_key: str = ""
    """In OpenSSH's format, as it was at the launch: deleting the pair changes nothing here."""

    @property
    def key(self) -> str:
        return self.instance_id
