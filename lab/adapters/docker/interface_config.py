"""What a network interface's container is made of. Pure."""

from dataclasses import dataclass
from typing import Any

from lab.adapters.docker import settings as label
from lab.adapters.docker.net_config import body
from lab.adapters.docker.settings import DockerSettings
from lab.core.compute import MachineSpec, Port


@dataclass(frozen=True, slots=True)
class Wish:
    """What an interface is made of. One without ports, names and the control network may have been made before its machine was
    known: nothing in its container tells whose it is."""

    vpc_id: str
    zone: str
    address: str
    hostname: str
    ports: tuple[Port, ...] = ()
    names: tuple[str, ...] = ()
    control: bool = False
    resolver: str = ""

    @property
    def plain(self) -> bool:
        return not (self.names or self.control or any(port.published for port in self.ports))


def wish(spec: MachineSpec, hostname: str, resolver: str = "") -> Wish:
    name = hostname or spec.id
    return Wish(spec.vpc_id, spec.zone, spec.address, name, spec.ports, spec.hostnames, spec.control, resolver)


def config(wish: Wish, settings: DockerSettings) -> dict[str, Any]:
    """The body of the create request."""
    return body(
        settings,
        "eni",
        wish.vpc_id,
        wish.address,
        aliases=wish.names,
        labels={label.ZONE: wish.zone, label.ADDRESS: wish.address},
        host={
            # Of its own network namespace: rules and devices, and frames that it makes late (services/net/late.py).
            "CapAdd": ["NET_ADMIN", "NET_RAW"],
            "PortBindings": {
                f"{port.number}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port.published)}]
                for port in wish.ports
                if port.published is not None
            },
            # Names that Docker knows (those of this VPC's load balancers and databases) it answers itself, always.
            "Dns": [wish.resolver] if wish.resolver else [],
        },
        Hostname=wish.hostname,
        User="0:0",
        OpenStdin=True,
        StdinOnce=False,
        ExposedPorts={f"{port.number}/tcp": {} for port in wish.ports},
    )
