"""What a network interface is told: one whole document, with everything it needs to go on without the control plane.

`lab.core.vpc.plan` makes it from rows, `lab.control.vpc` hands it to the compute adapter whenever it has changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.core.vpc.firewall import Firewall


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an interface on purpose: it is cut off, or its packets are late (milliseconds) or lost (percent)."""

    partition: bool = False
    latency: float = 0.0
    loss: float = 0.0


@dataclass(frozen=True, slots=True)
class Metadata:
    """What an instance hears at 169.254.169.254. `tree` maps the paths below /latest/ ("meta-data/instance-id", "user-data") to
    their text; directories follow from them. The options are AWS's (ec2:configuring-instance-metadata-options)."""

    tree: Mapping[str, str]
    enabled: bool = True
    tokens_required: bool = True
    hop_limit: int = 1


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface (ENI): `owner` is the machine that stands behind it, `address` its private address. `host` is the
    address that the lab's own machine has in the VPC: what comes from there came in through a published port, and counts as
    the internet. Instances have `metadata`, other machines None. `resolver` is the address of the VPC's
    resolver, empty without."""

    interface_id: str
    vpc_id: str
    vpc_cidr: str
    host: str
    owner: str
    address: str
    hostname: str
    firewall: Firewall
    fault: Fault = field(default_factory=Fault)
    metadata: Metadata | None = None
    resolver: str = ""
